// SPDX-License-Identifier: GPL-2.0-only
/* What is told of odd segments, and streams that are followed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "flow/flow.h"
#include "util/util.h"

#define LIMIT  100
#define WINDOW 200

struct fixture {
	struct flow_table *table;
	struct flow *flow;
};

static int setup(void **state)
{
	static const struct flow_limits limits = {
		.flows = 16,
		.stream_bytes = LIMIT,
		.window_bytes = WINDOW,
		.stream_bytes_all = 2000,
		.idle_ns = 1,
	};
	struct weir_flow_key key = {.proto = 6};
	struct fixture *f = calloc(1, sizeof(*f));

	f->table = flow_table_new(&limits, NULL, NULL);
	f->flow = flow_table_get(f->table, 1, &key, 0, 1, NULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct flow_table_stats stats;

	flow_release_streams(f->table, f->flow);
	flow_table_stats(f->table, &stats);
	assert_int_equal(stats.stream_bytes, 0);
	flow_table_free(f->table);
	free(f);
	return 0;
}

/* The first byte has number isn + 1. */
static int64_t push(struct fixture *f, uint32_t isn, uint32_t seq, const char *data)
{
	return flow_stream_push(f->table, f->flow, 0, true, isn, seq, (const uint8_t *)data,
				strlen(data));
}

static int64_t push_many(struct fixture *f, uint32_t seq, char c, size_t n)
{
	char text[WINDOW + 100];

	assert_true(n < sizeof(text));
	memset(text, c, n);
	text[n] = '\0';
	return push(f, 0, seq, text);
}

static uint64_t count(struct fixture *f, enum flow_stream_event event)
{
	struct flow_table_stats stats;

	flow_table_stats(f->table, &stats);
	return stats.stream[event];
}

static bool raised(const struct fixture *f, enum weir_anomaly a)
{
	return f->flow->anomalies >> a & 1;
}

/* Takes the events: bytes as they are, a gap as "[length]", the end as ".". Up to 511 bytes. */
static const char *take(struct fixture *f)
{
	static char text[512];
	struct stream_event e;
	size_t len = 0;

	text[0] = '\0';
	while (flow_stream_take(f->flow, 0, &e)) {
		if (e.kind == STREAM_DATA) {
			assert_true(len + e.len < sizeof(text));
			memcpy(text + len, e.data, e.len);
			text[len += e.len] = '\0';
			continue;
		}
		assert_true(e.kind == STREAM_GAP || e.kind == STREAM_END);
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					e.kind == STREAM_GAP ? "[%u]" : ".", (unsigned int)e.len);
	}
	return text;
}

/* ---- what is told ---- */

static void the_same_bytes_twice_are_no_anomaly(void **state)
{
	struct fixture *f = *state;

	push(f, 0, 1, "hello");
	push(f, 0, 1, "hello");
	push(f, 0, 3, "llo world");
	assert_int_equal(count(f, FLOW_STREAM_OVERLAP), 2);
	assert_int_equal(count(f, FLOW_STREAM_CONTRADICTION), 0);
	assert_int_equal(count(f, FLOW_STREAM_OUT_OF_ORDER), 0);
	assert_int_equal(f->flow->anomalies, 0);
}

/* Every way in which one segment can lie over another: ahead, behind, within, around, over a gap.
 */
static void other_bytes_are_told_wherever_they_lie(void **state)
{
	static const struct {
		uint32_t seq;
		const char *data;
		bool told;
	} cases[] = {
		{11, "0123456789", false},  {11, "X123456789", true},
		{11, "012345678X", true},   {14, "3X", true},
		{14, "34", false},	    {6, "-----X", true},
		{6, "-----0", false},	    {20, "X9", true},
		{20, "9 abc", false},	    {20, "X", true},
		{1, "..........X", true},   {1, "..........0123456789--", false},
		{21, "~~~~~~~~~ABX", true}, {21, "~~~~~~~~~ABCD", false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		push(f, 0, 11, "0123456789");
		push(f, 0, 30, "ABC");
		push(f, 0, cases[i].seq, cases[i].data);
		if (raised(f, WEIR_ANOMALY_CONTRADICTION) != cases[i].told)
			fail_msg("case %zu: \"%s\" at %u", i, cases[i].data, cases[i].seq);
		flow_release_streams(f->table, f->flow);
		f->flow->anomalies = 0;
	}
}

static void contradictions_across_the_end_of_the_numbers(void **state)
{
	struct fixture *f = *state;

	push(f, 0xfffffffb, 0xfffffffc, "abcdefgh");
	push(f, 0xfffffffb, 0xfffffffe, "cdefgh");
	assert_false(raised(f, WEIR_ANOMALY_CONTRADICTION));
	push(f, 0xfffffffb, 1, "fgX");
	assert_true(raised(f, WEIR_ANOMALY_CONTRADICTION));
}

static void what_was_refused_is_told(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 33; i++)
		push(f, 0, 2 + i * 2, "x");
	assert_true(raised(f, WEIR_ANOMALY_REFUSED));
	assert_int_equal(count(f, FLOW_STREAM_REFUSED), 1);
	assert_int_equal(count(f, FLOW_STREAM_OUT_OF_ORDER), 33);
}

static void a_segment_no_receiver_takes(void **state)
{
	struct fixture *f = *state;

	push(f, 0, 1, "a");
	assert_int_equal(push(f, 0, 1 + (1u << 30), "b"), 1);
	assert_false(raised(f, WEIR_ANOMALY_OUT_OF_WINDOW));
	assert_int_equal(push(f, 0, 2 + (1u << 30), "b"), 1);
	assert_true(raised(f, WEIR_ANOMALY_OUT_OF_WINDOW));
	assert_int_equal(push(f, 0, 0x80000100, "b"), 1);
	assert_int_equal(count(f, FLOW_STREAM_OUT_OF_WINDOW), 2);
}

/* Only where the receiver has said that it has the byte. */
static void a_keep_alive_may_carry_any_byte(void **state)
{
	struct fixture *f = *state;

	push(f, 0, 1, "abc");
	flow_stream_acked(f->flow, 0, 4);
	push(f, 0, 3, "?");
	assert_int_equal(count(f, FLOW_STREAM_OVERLAP), 1);
	assert_int_equal(f->flow->anomalies, 0);
	push(f, 0, 4, "d");
	push(f, 0, 4, "?");
	assert_true(raised(f, WEIR_ANOMALY_CONTRADICTION));
}

static void a_handshake_s_pieces_are_no_tcp(void **state)
{
	struct fixture *f = *state;

	f->flow->key.proto = 17;
	push(f, 0, 1, "abc");
	push(f, 0, 1, "abX");
	assert_int_equal(f->flow->anomalies, 0);
	assert_int_equal(count(f, FLOW_STREAM_OVERLAP), 0);
}

/* ---- reading on ---- */

static void reading_begins_behind_the_message(void **state)
{
	struct fixture *f = *state;

	push(f, 0, 1, "head");
	push(f, 0, 7, "third");
	flow_stream_follow(f->table, f->flow, false);
	assert_string_equal(take(f), "");
	push(f, 0, 5, "+-");
	assert_string_equal(take(f), "+-third");
	push(f, 0, 5, "+-thirdfourth");
	assert_string_equal(take(f), "fourth");
}

/* Far more than the window, in order: everything is read once, and memory stays bounded. */
static void the_window_slides(void **state)
{
	struct fixture *f = *state;
	struct flow_table_stats stats;
	uint32_t seq = 0xffffff00;

	push(f, seq - 1, seq, "x");
	seq++;
	flow_stream_follow(f->table, f->flow, false);
	for (unsigned int i = 0; i < 200; i++) {
		char text[32];
		int n = snprintf(text, sizeof(text), "%0*u,", 3 + (int)(i % 20), i);

		push(f, 0, seq, text);
		assert_string_equal(take(f), text);
		/* Again, and it is still there to be compared with. */
		push(f, 0, seq, text);
		assert_string_equal(take(f), "");
		seq += (uint32_t)n;
	}
	assert_int_equal(count(f, FLOW_STREAM_OVERLAP), 200);
	assert_int_equal(f->flow->anomalies, 0);
	flow_table_stats(f->table, &stats);
	assert_in_range(stats.stream_bytes, 1, WINDOW);
	push(f, 0, seq - 2, "?!");
	assert_true(raised(f, WEIR_ANOMALY_CONTRADICTION));
}

/* The segment that makes the window slide repeats bytes that go with it. */
static void what_slides_away_is_compared_before(void **state)
{
	struct fixture *f = *state;
	char text[101];

	push_many(f, 1, 'a', 90);
	flow_stream_follow(f->table, f->flow, false);
	memset(text, 'a', 100);
	text[100] = '\0';
	text[5] = 'X';
	push(f, 0, 31, text);
	assert_int_equal(f->flow->anomalies, 1u << WEIR_ANOMALY_CONTRADICTION);
	assert_int_equal(strlen(take(f)), 40);
	assert_int_equal(count(f, FLOW_STREAM_OVERLAP), 1);
}

static void what_slid_away_cannot_be_compared(void **state)
{
	struct fixture *f = *state;

	push(f, 0, 1, "begin");
	flow_stream_follow(f->table, f->flow, false);
	for (uint32_t i = 0; i < 10; i++) {
		push_many(f, 6 + i * 60, 'a', 60);
		take(f);
	}
	assert_int_equal(f->flow->anomalies, 0);
	push(f, 0, 1, "BEGIN");
	assert_int_equal(f->flow->anomalies, 1u << WEIR_ANOMALY_UNCOMPARED);
	assert_string_equal(take(f), "");
}

static void a_gap_is_given_up_for_want_of_room(void **state)
{
	struct fixture *f = *state;

	push(f, 0, 1, "a");
	flow_stream_follow(f->table, f->flow, false);
	assert_int_equal(push_many(f, 11, 'b', 90), 1);
	assert_int_equal(push_many(f, 101, 'c', 90), 1);
	assert_int_equal(push_many(f, 191, 'd', 90), -ENOSPC);
	assert_int_equal(f->flow->anomalies, 0);
	assert_true(flow_stream_skip(f->table, f->flow, 0, 191));
	assert_int_equal(strlen(take(f)), strlen("[9]") + 180);
	assert_true(push_many(f, 191, 'd', 90) > 0);
	assert_string_equal(take(f) + 89, "d");
	assert_int_equal(f->flow->anomalies, 1u << WEIR_ANOMALY_GAP);
	assert_int_equal(count(f, FLOW_STREAM_GAP), 1);
}

/* One frame far away must not lead the reader astray; several in a row are where the stream is. */
static void strays_are_left_until_they_are_many(void **state)
{
	struct fixture *f = *state;
	unsigned int i;
	char gap[32];

	push(f, 0, 1, "a");
	flow_stream_follow(f->table, f->flow, false);
	push(f, 0, 4, "d");
	assert_int_equal(push(f, 0, 100000, "X"), -ENOSPC);
	assert_false(flow_stream_skip(f->table, f->flow, 0, 100000));
	assert_true(raised(f, WEIR_ANOMALY_OUT_OF_WINDOW));
	push(f, 0, 2, "bc");
	assert_string_equal(take(f), "bcd");
	for (i = 0; i < 20; i++) {
		uint32_t seq = 200000 + i * 2;

		if (push(f, 0, seq, "zz") != -ENOSPC ||
		    !flow_stream_skip(f->table, f->flow, 0, seq))
			continue;
		push(f, 0, seq, "zz");
		break;
	}
	assert_in_range(i, 4, 10);
	/* From the fourth byte on. */
	snprintf(gap, sizeof(gap), "[%u]zz", 200000 + i * 2 - 5);
	assert_string_equal(take(f), gap);
	assert_true(raised(f, WEIR_ANOMALY_GAP));
}

/* So that more than half of the memory is taken. */
static void fill_memory(struct fixture *f, struct flow *others[7])
{
	char text[LIMIT + 1];

	memset(text, 'x', LIMIT);
	text[LIMIT] = '\0';
	for (uint16_t i = 0; i < 7; i++) {
		struct weir_flow_key key = {.proto = 6, .port = {1, i}};

		others[i] = flow_table_get(f->table, 100 + i, &key, 0, 1, NULL);
		for (uint8_t dir = 0; dir < 2; dir++)
			flow_stream_push(f->table, others[i], dir, true, 0, 1,
					 (const uint8_t *)text, LIMIT);
	}
}

static void little_memory_costs_the_history_first(void **state)
{
	struct fixture *f = *state;
	struct flow *others[7];

	push(f, 0, 1, "a");
	flow_stream_follow(f->table, f->flow, false);
	fill_memory(f, others);
	push(f, 0, 2, "bc");
	assert_string_equal(take(f), "bc");
	assert_int_equal(f->flow->anomalies, 0);
	push(f, 0, 4, "de");
	assert_string_equal(take(f), "de");
	/* The byte before would have been kept. */
	push(f, 0, 3, "c");
	assert_true(raised(f, WEIR_ANOMALY_UNCOMPARED));
	for (uint16_t i = 0; i < ARRAY_SIZE(others); i++)
		flow_table_remove(f->table, others[i]);
}

static void what_repeats_when_memory_got_short_is_no_stray(void **state)
{
	struct fixture *f = *state;
	struct flow *others[7];

	push(f, 0, 1, "abcdef");
	flow_stream_follow(f->table, f->flow, false);
	push(f, 0, 7, "ghijkl");
	assert_string_equal(take(f), "ghijkl");
	fill_memory(f, others);
	assert_int_equal(push(f, 0, 3, "cd"), 0);
	assert_int_equal(f->flow->anomalies, 0);
	push(f, 0, 13, "m");
	assert_string_equal(take(f), "m");
	for (uint16_t i = 0; i < ARRAY_SIZE(others); i++)
		flow_table_remove(f->table, others[i]);
}

/* Random pieces with other bytes in some of them, against a plain model of what came first. */
static void random_pieces_against_a_model(void **state)
{
	struct fixture *f = *state;
	uint32_t x = 4711;

	for (unsigned int round = 0; round < 500; round++) {
		uint8_t first[LIMIT] = {0};
		bool have[LIMIT] = {false}, contradicted = false;

		f->flow->anomalies = 0;
		for (unsigned int i = 0; i < 12; i++) {
			uint8_t piece[12];
			unsigned int from, len;

			x = x * 1664525 + 1013904223;
			from = (x >> 16) % (LIMIT - sizeof(piece));
			len = 1 + (x >> 8) % sizeof(piece);
			for (unsigned int k = 0; k < len; k++) {
				/* One byte in 32 differs from the position's own. */
				x = x * 1664525 + 1013904223;
				piece[k] = (uint8_t)(from + k) ^ ((x >> 20) % 32 == 0 ? 0x80 : 0);
			}
			if (flow_stream_push(f->table, f->flow, 0, true, round, round + 1 + from,
					     piece, len) < 0)
				continue;
			for (unsigned int k = 0; k < len; k++) {
				contradicted |= have[from + k] && first[from + k] != piece[k];
				if (!have[from + k])
					first[from + k] = piece[k];
				have[from + k] = true;
			}
			assert_int_equal(raised(f, WEIR_ANOMALY_CONTRADICTION), contradicted);
		}
		size_t len;
		const uint8_t *data = flow_stream_data(f->flow, 0, &len);

		if (len)
			assert_memory_equal(data, first, len);
		flow_release_streams(f->table, f->flow);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_same_bytes_twice_are_no_anomaly),
		TEST(other_bytes_are_told_wherever_they_lie),
		TEST(contradictions_across_the_end_of_the_numbers),
		TEST(what_was_refused_is_told),
		TEST(a_segment_no_receiver_takes),
		TEST(a_keep_alive_may_carry_any_byte),
		TEST(a_handshake_s_pieces_are_no_tcp),
		TEST(reading_begins_behind_the_message),
		TEST(the_window_slides),
		TEST(what_slides_away_is_compared_before),
		TEST(what_slid_away_cannot_be_compared),
		TEST(a_gap_is_given_up_for_want_of_room),
		TEST(strays_are_left_until_they_are_many),
		TEST(little_memory_costs_the_history_first),
		TEST(what_repeats_when_memory_got_short_is_no_stray),
		TEST(random_pieces_against_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

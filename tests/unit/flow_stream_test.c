// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "flow/flow.h"
#include "util/util.h"

#define LIMIT 100

struct fixture {
	struct flow_table *table;
	struct flow *flow;
};

static const struct flow_limits limits = {
	.flows = 8, .stream_bytes = LIMIT, .stream_bytes_all = 350, .idle_ns = 1};

static int setup(void **state)
{
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

static int64_t push(struct fixture *f, uint32_t isn, uint32_t seq, const char *data)
{
	return flow_stream_push(f->table, f->flow, 0, true, isn, seq, (const uint8_t *)data,
				strlen(data));
}

static void expect(const struct fixture *f, const char *text)
{
	size_t len;
	const uint8_t *data = flow_stream_data(f->flow, 0, &len);

	assert_int_equal(len, strlen(text));
	if (len)
		assert_memory_equal(data, text, len);
}

static void nothing_at_first(void **state)
{
	struct fixture *f = *state;
	size_t len = 1;

	assert_null(flow_stream_data(f->flow, 0, &len));
	assert_int_equal(len, 0);
	assert_false(flow_stream_full(f->flow, 0));
	assert_int_equal(push(f, 10, 11, ""), 0);
	assert_null(f->flow->stream[0]);
}

static void starts_behind_the_syn(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(push(f, 10, 13, "cd"), 0);
	expect(f, "");
	assert_int_equal(push(f, 10, 11, "ab"), 4);
	expect(f, "abcd");
}

static void starts_in_midstream(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		flow_stream_push(f->table, f->flow, 0, false, 0, 5000, (const uint8_t *)"abc", 3),
		3);
	assert_int_equal(
		flow_stream_push(f->table, f->flow, 0, true, 1, 5003, (const uint8_t *)"d", 1), 4);
	/* What lies before the first segment is not of this message. */
	assert_int_equal(flow_stream_push(f->table, f->flow, 0, false, 0, 4990,
					  (const uint8_t *)"0123456789", 10),
			 4);
	expect(f, "abcd");
}

static void permute(struct fixture *f, unsigned int *order, unsigned int n, unsigned int total,
		    uint32_t isn)
{
	static const char text[] = "abcdefghijklmno";

	if (n < total) {
		for (unsigned int i = n; i < total; i++) {
			unsigned int swap = order[n];

			order[n] = order[i];
			order[i] = swap;
			permute(f, order, n + 1, total, isn);
			order[i] = order[n];
			order[n] = swap;
		}
		return;
	}
	for (unsigned int i = 0; i < total; i++) {
		char part[4] = {0};

		memcpy(part, text + order[i] * 3, 3);
		assert_true(push(f, isn, isn + 1 + order[i] * 3, part) >= 0);
	}
	expect(f, text);
	flow_release_streams(f->table, f->flow);
}

/* All 120 orders of five segments, also across the end of the number space. */
static void every_order_gives_the_message(void **state)
{
	unsigned int order[5] = {0, 1, 2, 3, 4};

	permute(*state, order, 0, 5, 1000);
	permute(*state, order, 0, 5, 0xfffffff8);
	permute(*state, order, 0, 5, 0xffffffff);
	permute(*state, order, 0, 5, 0x7ffffff8);
}

static void first_bytes_win(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(push(f, 0, 3, "CDE"), 0);
	assert_int_equal(push(f, 0, 8, "HI"), 0);
	assert_int_equal(push(f, 0, 1, "abcdefghij"), 10);
	expect(f, "abCDEfgHIj");
	assert_int_equal(push(f, 0, 1, "xxxxxxxxxxKL"), 12);
	expect(f, "abCDEfgHIjKL");
}

static void overlap_with_the_past_is_trimmed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(push(f, 10, 11, "ab"), 2);
	assert_int_equal(push(f, 10, 10, "?"), 2); /* keep-alive probe */
	assert_int_equal(push(f, 10, 9, "??xyc"), 3);
	expect(f, "abc");
}

static void takes_no_more_than_the_limit(void **state)
{
	struct fixture *f = *state;
	char text[LIMIT + 50];
	size_t len;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	assert_int_equal(push(f, 0, 1, text), LIMIT);
	assert_true(flow_stream_full(f->flow, 0));
	assert_int_equal(push(f, 0, LIMIT + 1, "y"), LIMIT);
	assert_int_equal(push(f, 0, 0x80000000, "y"), LIMIT);
	assert_int_equal(push(f, 0, 0x7fffffff, "y"), LIMIT);
	flow_stream_data(f->flow, 0, &len);
	assert_int_equal(len, LIMIT);
	assert_false(flow_stream_full(f->flow, 1));
}

static void bounds_the_gaps(void **state)
{
	struct fixture *f = *state;
	struct flow_table_stats stats;

	for (unsigned int i = 0; i < 32; i++)
		assert_int_equal(push(f, 0, 2 + i * 2, "x"), 0);
	assert_int_equal(push(f, 0, 2 + 32 * 2, "x"), -ENOMEM);
	flow_table_stats(f->table, &stats);
	assert_int_equal(stats.stream[FLOW_STREAM_REFUSED], 1);
	/* A segment that closes gaps is taken all the same. */
	assert_int_equal(push(f, 0, 1, "y"), 2);
	assert_int_equal(push(f, 0, 3, "y"), 4);
	expect(f, "yxyx");
}

static void bounds_all_streams(void **state)
{
	struct fixture *f = *state;
	struct flow_table_stats stats;
	struct flow *flows[4];
	char text[LIMIT + 1];

	memset(text, 'x', LIMIT);
	text[LIMIT] = 0;
	for (unsigned int i = 0; i < 4; i++) {
		struct weir_flow_key key = {.proto = 6, .port = {1, (uint16_t)i}};

		flows[i] = flow_table_get(f->table, 100 + i, &key, 0, 1, NULL);
		assert_int_equal(flow_stream_push(f->table, flows[i], 1, true, 0, 1,
						  (const uint8_t *)text, LIMIT),
				 i < 3 ? LIMIT : -ENOMEM);
	}
	flow_table_stats(f->table, &stats);
	assert_int_equal(stats.stream_bytes, 300);
	assert_int_equal(stats.stream[FLOW_STREAM_REFUSED], 1);
	flow_table_remove(f->table, flows[0]);
	assert_int_equal(
		flow_stream_push(f->table, flows[3], 1, true, 0, 1, (const uint8_t *)text, LIMIT),
		LIMIT);
	for (unsigned int i = 1; i < 4; i++)
		flow_table_remove(f->table, flows[i]);
}

static void directions_are_apart(void **state)
{
	struct fixture *f = *state;
	size_t len;

	assert_int_equal(push(f, 0, 1, "there"), 5);
	assert_int_equal(
		flow_stream_push(f->table, f->flow, 1, true, 7, 8, (const uint8_t *)"back", 4), 4);
	assert_memory_equal(flow_stream_data(f->flow, 1, &len), "back", 4);
	expect(f, "there");
}

/* Random pieces of a known text against a plain model: a byte that is there is the text's. */
static void random_pieces_never_lie(void **state)
{
	struct fixture *f = *state;
	uint8_t text[LIMIT];
	uint32_t x = 12345;

	for (unsigned int i = 0; i < LIMIT; i++)
		text[i] = (uint8_t)(i * 7 + 1);
	for (unsigned int round = 0; round < 300; round++) {
		bool have[LIMIT] = {false};

		for (unsigned int i = 0; i < 40; i++) {
			unsigned int from, len, first_gap = 0;
			int64_t got;

			x = x * 1664525 + 1013904223;
			from = (x >> 16) % LIMIT;
			len = 1 + (x >> 8) % 9;
			if (from + len > LIMIT)
				len = LIMIT - from;
			got = flow_stream_push(f->table, f->flow, 0, true, round, round + 1 + from,
					       text + from, len);
			if (got < 0)
				continue;
			memset(have + from, true, len);
			while (first_gap < LIMIT && have[first_gap])
				first_gap++;
			assert_int_equal(got, first_gap);
			if (got > 0)
				assert_memory_equal(flow_stream_data(f->flow, 0, &(size_t){0}),
						    text, (size_t)got);
		}
		flow_release_streams(f->table, f->flow);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_at_first),
		TEST(starts_behind_the_syn),
		TEST(starts_in_midstream),
		TEST(every_order_gives_the_message),
		TEST(first_bytes_win),
		TEST(overlap_with_the_past_is_trimmed),
		TEST(takes_no_more_than_the_limit),
		TEST(bounds_the_gaps),
		TEST(bounds_all_streams),
		TEST(directions_are_apart),
		TEST(random_pieces_never_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* What streams give: bytes, gaps and ends, in order and once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/flow.h"

#define LIMIT  16
#define WINDOW 64

static const char text[] = "the quick brown fox jumps over the lazy dog";
#define LEN ((uint32_t)sizeof(text) - 1)

struct fixture {
	struct flow_table *table;
	struct flow *flow;
	uint64_t at[2]; /* where the events have come to */
	char told[512];
};

static int setup(void **state)
{
	static const struct flow_limits limits = {
		.flows = 4,
		.stream_bytes = LIMIT,
		.window_bytes = WINDOW,
		.stream_bytes_all = 4096,
		.idle_ns = 1,
	};
	static const struct weir_flow_key key = {.proto = 6};
	struct fixture *f = calloc(1, sizeof(*f));

	f->table = flow_table_new(&limits, NULL, NULL);
	f->flow = flow_table_get(f->table, 1, &key, 0, 1, NULL);
	assert_non_null(f->flow);
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

static void begin_anew(void **state)
{
	teardown(state);
	setup(state);
}

static int64_t push(struct fixture *f, uint8_t dir, uint32_t from, uint32_t to)
{
	return flow_stream_push(f->table, f->flow, dir, true, 99, 100 + from,
				(const uint8_t *)text + from, to - from);
}

/* Everything that the direction gives: bytes, "[length]" for a gap, "." for the end. */
static const char *take(struct fixture *f, uint8_t dir)
{
	struct stream_event e;
	size_t len = 0;

	f->told[0] = '\0';
	while (flow_stream_take(f->flow, dir, &e)) {
		assert_int_equal(e.side, dir == 0 ? STREAM_CLIENT : STREAM_SERVER);
		assert_int_equal(e.offset, f->at[dir]);
		f->at[dir] += e.kind == STREAM_END ? 0 : e.len;
		if (e.kind == STREAM_DATA)
			len += (size_t)snprintf(f->told + len, sizeof(f->told) - len, "%.*s",
						(int)e.len, (const char *)e.data);
		else
			len += (size_t)snprintf(f->told + len, sizeof(f->told) - len,
						e.kind == STREAM_GAP ? "[%u]" : ".",
						(unsigned int)e.len);
	}
	return f->told;
}

static void end(struct fixture *f, uint8_t dir)
{
	flow_stream_end(f->table, f->flow, dir, true, 99, 100 + LEN);
}

/* ---- in order, wherever it is cut ---- */

static void cut_at_every_byte(void **state)
{
	for (uint32_t cut = 1; cut < LEN; cut++) {
		struct fixture *f = *state;

		flow_stream_follow(f->table, f->flow, true);
		push(f, 0, 0, cut);
		assert_string_equal(take(f, 0) + cut, "");
		push(f, 0, cut, LEN);
		assert_string_equal(take(f, 0), text + cut);
		end(f, 0);
		assert_string_equal(take(f, 0), ".");
		assert_string_equal(take(f, 0), "");
		begin_anew(state);
	}
}

static void the_first_message_is_given_when_somebody_asks(void **state)
{
	struct fixture *f = *state;
	char all[64];

	push(f, 0, 0, 5);
	push(f, 0, 5, 9);
	push(f, 1, 0, 3);
	flow_stream_follow(f->table, f->flow, true);
	push(f, 0, 9, LEN);
	snprintf(all, sizeof(all), "%s", take(f, 0));
	assert_string_equal(all, text);
	assert_string_equal(take(f, 1), "the");
}

static void nobody_asked_for_the_first_message(void **state)
{
	struct fixture *f = *state;

	push(f, 0, 0, 5);
	f->at[0] = 5;
	flow_stream_follow(f->table, f->flow, false);
	push(f, 0, 5, 9);
	assert_string_equal(take(f, 0), "uick");
}

/* ---- gaps ---- */

/* What is behind the gap is never shown as if it followed what is before it. */
static void gaps_at_every_place(void **state)
{
	for (uint32_t from = 0; from + 3 < LEN; from++) {
		struct fixture *f = *state;
		char want[64];

		flow_stream_follow(f->table, f->flow, true);
		push(f, 0, 0, from);
		assert_int_equal(strlen(take(f, 0)), from);
		push(f, 0, from + 3, LEN);
		assert_string_equal(take(f, 0), "");
		assert_true(flow_stream_skip(f->table, f->flow, 0, 100 + LEN));
		snprintf(want, sizeof(want), "[3]%s", text + from + 3);
		assert_string_equal(take(f, 0), want);
		/* What then comes of it comes too late. */
		push(f, 0, from, from + 3);
		assert_string_equal(take(f, 0), "");
		begin_anew(state);
	}
}

static void what_nobody_took_is_part_of_the_gap(void **state)
{
	struct fixture *f = *state;

	flow_stream_follow(f->table, f->flow, true);
	push(f, 0, 0, 4);
	push(f, 0, 10, 15);
	assert_true(flow_stream_skip(f->table, f->flow, 0, 100 + LEN));
	assert_string_equal(take(f, 0), "[10]brown");
}

static void the_beginning_was_not_seen(void **state)
{
	struct fixture *f = *state;

	flow_stream_follow(f->table, f->flow, true);
	flow_stream_push(f->table, f->flow, 0, false, 0, 5000, (const uint8_t *)text, 5);
	assert_string_equal(take(f, 0), "[0]the q");
	flow_stream_push(f->table, f->flow, 0, false, 0, 5005, (const uint8_t *)text + 5, 4);
	assert_string_equal(take(f, 0), "uick");
}

/* The first message has a limit: what was behind it when nobody asked yet is missing. */
static void what_the_first_message_had_no_room_for(void **state)
{
	struct fixture *f = *state;

	push(f, 0, 0, LIMIT + 8);
	flow_stream_follow(f->table, f->flow, true);
	assert_string_equal(take(f, 0), "the quick brown ");
	push(f, 0, LIMIT + 8, LEN);
	assert_string_equal(take(f, 0), "[8]s over the lazy dog");
}

static void offsets_go_beyond_32_bits(void **state)
{
	struct fixture *f = *state;
	struct stream_event e;
	uint32_t seq = 100;

	flow_stream_follow(f->table, f->flow, true);
	push(f, 0, 0, 1);
	take(f, 0);
	/* Jumps of nearly the largest that a number of 32 bits can express. */
	for (int jumps = 0; jumps < 3; jumps++) {
		seq += 0x7ffffff0;
		for (int n = 0; n < 20; n++)
			if (flow_stream_push(f->table, f->flow, 0, true, 99, seq,
					     (const uint8_t *)text, 1) == -ENOSPC &&
			    flow_stream_skip(f->table, f->flow, 0, seq))
				break;
		flow_stream_push(f->table, f->flow, 0, true, 99, seq, (const uint8_t *)text, 1);
		assert_true(flow_stream_take(f->flow, 0, &e));
		assert_int_equal(e.kind, STREAM_GAP);
		assert_true(flow_stream_take(f->flow, 0, &e));
		assert_int_equal(e.kind, STREAM_DATA);
		assert_int_equal(e.offset, (uint64_t)(jumps + 1) * 0x7ffffff0);
	}
}

/* ---- ends ---- */

static void an_end_waits_for_what_is_before_it(void **state)
{
	struct fixture *f = *state;

	flow_stream_follow(f->table, f->flow, true);
	push(f, 0, 0, 10);
	end(f, 0);
	assert_string_equal(take(f, 0), "the quick ");
	assert_false(flow_stream_ended(f->flow, 0));
	push(f, 0, 20, LEN);
	assert_string_equal(take(f, 0), "");
	push(f, 0, 10, 20);
	assert_int_equal(strlen(take(f, 0)), LEN - 10 + 1);
	assert_true(flow_stream_ended(f->flow, 0));
	assert_false(flow_stream_ended(f->flow, 1));
}

static void an_end_without_a_byte(void **state)
{
	struct fixture *f = *state;

	flow_stream_follow(f->table, f->flow, true);
	flow_stream_end(f->table, f->flow, 1, true, 99, 100);
	assert_string_equal(take(f, 1), ".");
	assert_string_equal(take(f, 0), "");
}

static void nothing_comes_behind_the_end(void **state)
{
	struct fixture *f = *state;

	flow_stream_follow(f->table, f->flow, true);
	push(f, 0, 0, 10);
	flow_stream_end(f->table, f->flow, 0, true, 99, 110);
	assert_string_equal(take(f, 0), "the quick .");
	push(f, 0, 10, 20);
	assert_string_equal(take(f, 0), "");
}

static void a_reset_ends_both(void **state)
{
	struct fixture *f = *state;
	struct stream_event e;

	flow_stream_follow(f->table, f->flow, true);
	push(f, 0, 0, 10);
	push(f, 1, 0, 10);
	take(f, 0);
	assert_true(flow_stream_reset(f->flow, 0, &e));
	assert_int_equal(e.kind, STREAM_RESET);
	assert_int_equal(e.side, STREAM_CLIENT);
	assert_int_equal(e.offset, 10);
	assert_string_equal(take(f, 1), "");
	assert_true(flow_stream_ended(f->flow, 0) && flow_stream_ended(f->flow, 1));
	assert_false(flow_stream_reset(f->flow, 1, &e));
}

/* ---- sides that nobody wants ---- */

static void a_side_is_given_up_and_wanted_again(void **state)
{
	struct fixture *f = *state;
	struct flow_table_stats stats;

	flow_stream_follow(f->table, f->flow, true);
	push(f, 0, 0, 10);
	assert_string_equal(take(f, 0), "the quick ");
	flow_stream_pause(f->table, f->flow, 0);
	flow_table_stats(f->table, &stats);
	assert_int_equal(stats.stream_bytes, 0);
	assert_string_equal(take(f, 0), "");
	push(f, 0, 20, 25);
	assert_string_equal(take(f, 0), "[0]jumps");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cut_at_every_byte),
		TEST(the_first_message_is_given_when_somebody_asks),
		TEST(nobody_asked_for_the_first_message),
		TEST(gaps_at_every_place),
		TEST(what_nobody_took_is_part_of_the_gap),
		TEST(the_beginning_was_not_seen),
		TEST(what_the_first_message_had_no_room_for),
		TEST(offsets_go_beyond_32_bits),
		TEST(an_end_waits_for_what_is_before_it),
		TEST(an_end_without_a_byte),
		TEST(nothing_comes_behind_the_end),
		TEST(a_reset_ends_both),
		TEST(a_side_is_given_up_and_wanted_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

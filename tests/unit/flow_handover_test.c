// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/flow.h"
#include "util/util.h"
#include <cmocka.h>

#define SLOTS  4
#define FRAMES 8

/* Ids whose low half, but for the bit that all have, picks the place in weir_done. */
#define A (UINT64_C(0xaaaaaaaa) << 32 | 1)
#define B (UINT64_C(0xbbbbbbbb) << 32 | 1) /* the same place as A's */
#define C (UINT64_C(0xcccccccc) << 32 | 5)

struct bench {
	uint64_t done[2 * SLOTS];
	struct handover *h;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->h = handover_new(b->done, SLOTS, FRAMES);
	assert_non_null(b->h);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	handover_free(b->h);
	free(b);
	return 0;
}

static uint32_t receive(struct bench *b, uint64_t id, uint8_t dir, uint32_t number,
			uint16_t segments)
{
	struct weir_punt punt = {.flow_id = id,
				 .number = number,
				 .segments = segments,
				 .flags = dir ? WEIR_PUNT_DIR : 0};

	return handover_received(b->h, &punt);
}

static bool says(const struct bench *b, uint64_t id, uint8_t dir, uint32_t number)
{
	return b->done[weir_done_index(id, dir, SLOTS - 1)] == weir_done_word(id, number);
}

static void publishes_when_all_have_left(void **state)
{
	struct bench *b = *state;
	uint32_t first = receive(b, C, 1, 1, 1), second = receive(b, C, 1, 2, 1);

	assert_int_equal(first, second);
	handover_finished(b->h, first);
	assert_true(b->done[5] == 0);
	handover_finished(b->h, second);
	assert_true(says(b, C, 1, 2));
	for (unsigned int i = 0; i < ARRAY_SIZE(b->done); i++)
		assert_true(i == 5 || b->done[i] == 0);
}

static void drain(struct bench *b, uint64_t id, uint32_t number)
{
	struct weir_punt punt = {
		.flow_id = id, .number = number, .segments = 1, .flags = WEIR_PUNT_DECIDED};

	handover_finished(b->h, handover_received(b->h, &punt));
}

/* Two flows that share a place and whose frames come in turn: each is answered. */
static void an_answer_stands_until_it_was_read(void **state)
{
	struct bench *b = *state;

	/* Of one that is not decided nobody needs it. */
	handover_finished(b->h, receive(b, B, 0, 1, 1));
	drain(b, A, 5);
	assert_true(says(b, A, 0, 5));
	drain(b, B, 2);
	handover_finished(b->h, receive(b, B, 0, 3, 1));
	assert_true(says(b, A, 0, 5));
	drain(b, A, 6);
	assert_true(says(b, A, 0, 6));
	drain(b, B, 4);
	assert_true(says(b, A, 0, 6));
	b->done[weir_done_index(A, 0, SLOTS - 1)] = 0; /* by the gate */
	drain(b, B, 5);
	assert_true(says(b, B, 0, 5));
	/* One that never reads it holds up nobody for long. */
	for (uint32_t i = 7; i < 7 + 16; i++) {
		drain(b, A, i);
		assert_true(says(b, B, 0, 5));
	}
	drain(b, A, 100);
	assert_true(says(b, A, 0, 100));
}

static void gaps_do_not_matter(void **state)
{
	struct bench *b = *state;
	uint32_t first = receive(b, A, 0, 5, 1), second = receive(b, A, 0, 9, 1);

	handover_finished(b->h, first);
	handover_finished(b->h, second);
	assert_true(says(b, A, 0, 9));
}

static void waits_for_the_last_segments(void **state)
{
	struct bench *b = *state;

	handover_finished(b->h, receive(b, A, 0, 1, 3));
	handover_finished(b->h, receive(b, A, 0, 1, 3));
	assert_false(says(b, A, 0, 1));
	handover_finished(b->h, receive(b, A, 0, 1, 3));
	assert_true(says(b, A, 0, 1));
}

/* A segment of the last number is lost: not done until a higher number comes. */
static void a_lost_tail_is_freed_by_the_next_number(void **state)
{
	struct bench *b = *state;

	handover_finished(b->h, receive(b, A, 0, 1, 2));
	assert_false(says(b, A, 0, 1));
	handover_finished(b->h, receive(b, A, 0, 2, 1));
	assert_true(says(b, A, 0, 2));
}

static void a_late_older_number_is_held_only(void **state)
{
	struct bench *b = *state;
	uint32_t young = receive(b, A, 0, 8, 1), old = receive(b, A, 0, 7, 4);

	handover_finished(b->h, young);
	assert_false(says(b, A, 0, 8));
	handover_finished(b->h, old);
	assert_true(says(b, A, 0, 8));
	/* Its lane is gone; what was published tells. */
	handover_finished(b->h, receive(b, A, 0, 7, 4));
	assert_true(says(b, A, 0, 8));
}

/* One flow holds a frame: another at its place hands over, as often as it likes. */
static void a_held_frame_delays_no_other_flow(void **state)
{
	struct bench *b = *state;
	uint32_t held = receive(b, A, 0, 1, 1);

	for (uint32_t n = 1; n < 100; n++) {
		handover_finished(b->h, receive(b, B, 0, n, 1));
		assert_true(says(b, B, 0, n));
	}
	handover_finished(b->h, held);
	assert_true(says(b, A, 0, 1));
	/* Directions are apart too. */
	held = receive(b, A, 0, 2, 1);
	handover_finished(b->h, receive(b, A, 1, 1, 1));
	assert_true(says(b, A, 1, 1));
	assert_true(says(b, A, 0, 1));
	handover_finished(b->h, held);
	assert_true(says(b, A, 0, 2));
}

static void numbers_wrap_and_begin_anywhere(void **state)
{
	struct bench *b = *state;

	b->done[weir_done_index(A, 0, SLOTS - 1)] = weir_done_word(A, 0xfffffff0);
	handover_finished(b->h, receive(b, A, 0, 0xffffffff, 1));
	assert_true(says(b, A, 0, 0xffffffff));
	handover_finished(b->h, receive(b, A, 0, 1, 2));
	assert_true(says(b, A, 0, 0xffffffff));
	handover_finished(b->h, receive(b, A, 0, 1, 2));
	assert_true(says(b, A, 0, 1));
	handover_finished(b->h, receive(b, A, 1, 0xc0000000, 1));
	assert_true(says(b, A, 1, 0xc0000000));
}

/* Lost segments cost a lane each, until lanes are needed for frames that are there. */
static void lanes_of_lost_segments_are_used_again(void **state)
{
	struct bench *b = *state;
	uint32_t lane[FRAMES];

	for (uint64_t id = 1; id < 100; id++)
		handover_finished(b->h, receive(b, id, 0, 1, 2));
	/* The youngest are still waited for. */
	handover_finished(b->h, receive(b, 99, 0, 1, 2));
	assert_true(says(b, 99, 0, 1));
	for (uint32_t i = 0; i < FRAMES; i++) {
		lane[i] = receive(b, 1000 + i, 0, 1, 1);
		assert_int_not_equal(lane[i], HANDOVER_NONE);
	}
	/* No more than the pool has frames. */
	assert_int_equal(receive(b, 2000, 0, 1, 1), HANDOVER_NONE);
	for (uint32_t i = 0; i < FRAMES; i++) {
		handover_finished(b->h, lane[i]);
		assert_true(says(b, 1000 + i, 0, 1));
	}
}

static void frames_of_no_flow_have_no_lane(void **state)
{
	struct bench *b = *state;

	assert_int_equal(receive(b, 0, 0, 1, 1), HANDOVER_NONE);
	handover_finished(b->h, HANDOVER_NONE);
	for (unsigned int i = 0; i < ARRAY_SIZE(b->done); i++)
		assert_true(b->done[i] == 0);
	/* No segment count counts as one. */
	handover_finished(b->h, receive(b, A, 0, 1, 0));
	assert_true(says(b, A, 0, 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(publishes_when_all_have_left),
		TEST(an_answer_stands_until_it_was_read),
		TEST(gaps_do_not_matter),
		TEST(waits_for_the_last_segments),
		TEST(a_lost_tail_is_freed_by_the_next_number),
		TEST(a_late_older_number_is_held_only),
		TEST(a_held_frame_delays_no_other_flow),
		TEST(numbers_wrap_and_begin_anywhere),
		TEST(lanes_of_lost_segments_are_used_again),
		TEST(frames_of_no_flow_have_no_lane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

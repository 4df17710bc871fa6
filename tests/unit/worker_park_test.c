// SPDX-License-Identifier: GPL-2.0-only
/* Parked directions: frames, reasons, deadlines, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "worker/park.h"

#define ROOM	   16
#define DIRECTIONS 8
#define LEN	   600
#define KEY(id)	   (&(const struct park_key){.flow_id = (id)})

static const struct park_limits wide = {
	.frames = ROOM, .frames_reason = ROOM, .flow_bytes = 1 << 20};

static int setup(void **state)
{
	struct park *p = park_new(ROOM, DIRECTIONS);

	if (!p)
		return -1;
	park_limit(p, &wide);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	park_free(*state);
	return 0;
}

static void hold(struct park *p, uint64_t id, enum weir_park reason, uint64_t deadline_ns,
		 enum weir_action answer)
{
	assert_int_equal(park_hold(p, KEY(id), reason, deadline_ns, answer), 0);
}

/* A frame of 10 numbers that is told from others by its address. */
static int add(struct park *p, uint64_t id, uint32_t seq, uint64_t addr)
{
	const struct frame f = {.addr = addr, .len = LEN};

	return park_add(p, KEY(id), &f, seq, seq + 10, addr);
}

static void expect_next(struct park *p, uint64_t id, uint32_t next, uint64_t addr)
{
	struct frame f = {0};

	assert_true(park_take_next(p, KEY(id), next, &f));
	assert_int_equal(f.addr, addr);
	assert_int_equal(f.len, LEN);
}

static void expect_none(struct park *p, uint64_t id, uint32_t next)
{
	struct frame f;

	assert_false(park_take_next(p, KEY(id), next, &f));
}

static void expect_due(struct park *p, uint64_t now_ns, uint64_t id, enum weir_park reason,
		       enum weir_action answer)
{
	enum weir_action action;
	enum weir_park which;
	struct park_key key;

	assert_true(park_due(p, now_ns, &key, &which, &action));
	assert_int_equal(key.flow_id, id);
	assert_int_equal(which, reason);
	assert_int_equal(action, answer);
}

static void frames_leave_in_the_order_of_their_numbers(void **state)
{
	struct park *p = *state;

	hold(p, 7, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP);
	assert_int_equal(add(p, 7, 300, 1), 0);
	assert_int_equal(add(p, 7, 200, 2), 0);
	assert_int_equal(add(p, 7, 250, 3), 0);
	assert_int_equal(add(p, 7, 200, 4), 0);
	assert_int_equal(park_frames(p), 4);
	expect_none(p, 7, 199);
	expect_next(p, 7, 200, 2);
	expect_next(p, 7, 250, 4);
	expect_next(p, 7, 250, 3);
	expect_none(p, 7, 299);
	expect_next(p, 7, 400, 1);
	expect_none(p, 7, 400);
	assert_int_equal(park_frames(p), 0);
	/* Without frames it is held all the same. */
	assert_int_equal(park_find(p, KEY(7)), PARK_WAITING);
	park_forget(p, KEY(7));
	assert_int_equal(park_find(p, KEY(7)), PARK_NONE);
}

static void the_numbers_wrap(void **state)
{
	struct park *p = *state;

	hold(p, 7, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP);
	add(p, 7, 4, 1);
	add(p, 7, 0xfffffff0, 2);
	assert_true(park_covers(p, KEY(7), 0xfffffff4, 0xfffffffa));
	assert_false(park_covers(p, KEY(7), 0xfffffff4, 6));
	expect_next(p, 7, 0xfffffff8, 2);
	expect_none(p, 7, 0xfffffff8);
	expect_next(p, 7, 4, 1);
}

static void without_numbers_they_keep_their_order(void **state)
{
	struct park *p = *state;
	struct frame f = {.len = LEN};

	hold(p, 7, WEIR_PARK_SETTLE, 100, WEIR_ACTION_PASS);
	for (f.addr = 1; f.addr <= 5; f.addr++)
		assert_int_equal(park_add(p, KEY(7), &f, 0, 0, 1), 0);
	for (uint64_t addr = 1; addr <= 5; addr++) {
		assert_true(park_take(p, KEY(7), &f));
		assert_int_equal(f.addr, addr);
	}
	assert_false(park_take(p, KEY(7), &f));
}

static void each_direction_is_a_list_of_its_own(void **state)
{
	struct park *p = *state;
	const struct park_key back = {.flow_id = 7, .dir = 1};
	struct frame f = {.addr = 3, .len = LEN};

	hold(p, 7, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP);
	hold(p, 8, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP);
	assert_int_equal(park_add(p, &back, &f, 100, 110, 3), -ENOBUFS); /* not held */
	assert_int_equal(park_hold(p, &back, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP), 0);
	add(p, 7, 100, 1);
	add(p, 8, 100, 2);
	assert_int_equal(park_add(p, &back, &f, 100, 110, 3), 0);
	assert_true(park_take(p, &back, &f));
	assert_int_equal(f.addr, 3);
	expect_next(p, 8, 100, 2);
	expect_next(p, 7, 100, 1);
}

static void a_direction_is_bounded(void **state)
{
	struct park *p = *state;
	const struct frame small = {.len = 60};

	park_limit(p, &(struct park_limits){
			      .frames = ROOM, .frames_reason = ROOM, .flow_bytes = 2 * LEN});
	hold(p, 7, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP);
	assert_int_equal(add(p, 7, 1, 1), 0);
	assert_int_equal(add(p, 7, 2, 1), 0);
	assert_int_equal(add(p, 7, 3, 1), -ENOBUFS);
	/* What has left makes room. */
	expect_next(p, 7, 1, 1);
	assert_int_equal(add(p, 7, 3, 1), 0);
	/* A small frame takes a chunk like any. */
	hold(p, 8, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP);
	assert_int_equal(park_add(p, KEY(8), &small, 1, 2, 1), 0);
	assert_int_equal(park_add(p, KEY(8), &small, 2, 3, 1), 0);
	assert_int_equal(park_add(p, KEY(8), &small, 3, 4, 1), -ENOBUFS);
}

static void a_reason_and_the_whole_are_bounded(void **state)
{
	struct park *p = *state;

	park_limit(p,
		   &(struct park_limits){.frames = 5, .frames_reason = 3, .flow_bytes = 1 << 20});
	hold(p, 7, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP);
	hold(p, 8, WEIR_PARK_SETTLE, 100, WEIR_ACTION_PASS);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(add(p, 7, i, 1), 0);
	assert_int_equal(add(p, 7, 9, 1), -ENOBUFS);
	assert_int_equal(add(p, 8, 1, 1), 0);
	assert_int_equal(add(p, 8, 2, 1), 0);
	assert_int_equal(add(p, 8, 3, 1), -ENOBUFS);
	assert_int_equal(park_counts(p)[WEIR_PARK_SCAN].frames, 3);
	assert_int_equal(park_counts(p)[WEIR_PARK_SETTLE].bytes, 2 * LEN);
	/* A second reason does not count them twice; when the first ends they are the other's. */
	hold(p, 8, WEIR_PARK_OUT_OF_ORDER, 100, WEIR_ACTION_PASS);
	assert_int_equal(park_counts(p)[WEIR_PARK_SETTLE].frames, 0);
	assert_int_equal(park_counts(p)[WEIR_PARK_OUT_OF_ORDER].frames, 2);
	assert_int_equal(park_end(p, KEY(8), WEIR_PARK_OUT_OF_ORDER), 1u << WEIR_PARK_SETTLE);
	assert_int_equal(park_counts(p)[WEIR_PARK_SETTLE].frames, 2);
}

static void directions_are_bounded(void **state)
{
	struct park *p = *state;

	for (uint64_t id = 1; id <= DIRECTIONS; id++)
		hold(p, id, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP);
	assert_int_equal(park_hold(p, KEY(99), WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP), -ENOBUFS);
	assert_int_equal(park_hold(p, KEY(3), WEIR_PARK_TAP, 100, WEIR_ACTION_DROP), 0);
	park_forget(p, KEY(3));
	hold(p, 99, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP);
	assert_int_equal(park_directions(p), DIRECTIONS);
}

static void the_strictest_answer_and_the_latest_deadline_are_told(void **state)
{
	struct park *p = *state;
	struct weir_parked v;

	assert_false(park_describe(p, KEY(7), &v));
	hold(p, 7, WEIR_PARK_SETTLE, 100, WEIR_ACTION_PASS);
	hold(p, 7, WEIR_PARK_SCAN, 50, WEIR_ACTION_RESET);
	hold(p, 7, WEIR_PARK_TAP, 70, WEIR_ACTION_DROP);
	assert_true(park_describe(p, KEY(7), &v));
	assert_int_equal(v.deadline_ns, 100);
	assert_int_equal(v.answer, WEIR_ACTION_RESET);
	assert_int_equal(v.reasons,
			 1u << WEIR_PARK_SETTLE | 1u << WEIR_PARK_SCAN | 1u << WEIR_PARK_TAP);
	assert_int_equal(park_end(p, KEY(7), WEIR_PARK_SCAN),
			 1u << WEIR_PARK_SETTLE | 1u << WEIR_PARK_TAP);
	park_describe(p, KEY(7), &v);
	assert_int_equal(v.answer, WEIR_ACTION_DROP);
}

static void deadlines_come_in_their_order(void **state)
{
	struct park *p = *state;
	enum weir_action action;
	enum weir_park reason;
	struct park_key key;

	assert_int_equal(park_next_ns(p), UINT64_MAX);
	hold(p, 7, WEIR_PARK_SCAN, 300, WEIR_ACTION_DROP);
	hold(p, 8, WEIR_PARK_SCAN, 200, WEIR_ACTION_RESET);
	hold(p, 9, WEIR_PARK_SCAN, 400, WEIR_ACTION_DROP);
	hold(p, 9, WEIR_PARK_SETTLE, 100, WEIR_ACTION_PASS);
	assert_int_equal(park_next_ns(p), 100);
	assert_false(park_due(p, 99, &key, &reason, &action));
	expect_due(p, 100, 9, WEIR_PARK_SETTLE, WEIR_ACTION_PASS);
	assert_int_equal(park_end(p, KEY(9), WEIR_PARK_SETTLE), 1u << WEIR_PARK_SCAN);
	expect_due(p, 500, 8, WEIR_PARK_SCAN, WEIR_ACTION_RESET);
	/* Put off. */
	hold(p, 8, WEIR_PARK_SCAN, 350, WEIR_ACTION_RESET);
	expect_due(p, 500, 7, WEIR_PARK_SCAN, WEIR_ACTION_DROP);
	park_forget(p, KEY(7));
	expect_due(p, 500, 8, WEIR_PARK_SCAN, WEIR_ACTION_RESET);
	park_forget(p, KEY(8));
	expect_due(p, 500, 9, WEIR_PARK_SCAN, WEIR_ACTION_DROP);
}

static void bytes_that_wait_are_known(void **state)
{
	struct park *p = *state;
	uint32_t first;

	hold(p, 7, WEIR_PARK_SCAN, 300, WEIR_ACTION_DROP);
	assert_false(park_first(p, KEY(7), &first));
	add(p, 7, 100, 1);
	add(p, 7, 110, 1);
	add(p, 7, 130, 1);
	assert_true(park_first(p, KEY(7), &first));
	assert_int_equal(first, 100);
	assert_true(park_covers(p, KEY(7), 100, 120));
	assert_true(park_covers(p, KEY(7), 105, 115));
	assert_true(park_covers(p, KEY(7), 130, 140));
	assert_false(park_covers(p, KEY(7), 99, 105));
	assert_false(park_covers(p, KEY(7), 115, 135));
	assert_false(park_covers(p, KEY(7), 130, 141));
	assert_false(park_covers(p, KEY(8), 100, 101));
}

static void an_earlier_daemons_are_kept_until_their_deadline(void **state)
{
	const struct weir_parked was = {
		.deadline_ns = 50, .reasons = 1u << WEIR_PARK_SCAN, .answer = WEIR_ACTION_DROP};
	struct park *p = *state;
	struct weir_parked v;

	assert_int_equal(park_adopt(p, KEY(7), &was), 0);
	assert_int_equal(park_find(p, KEY(7)), PARK_ADOPTED);
	assert_int_equal(add(p, 7, 100, 1), -ENOBUFS);
	park_describe(p, KEY(7), &v);
	assert_memory_equal(&v, &was, sizeof(v));
	expect_due(p, 50, 7, WEIR_PARK_COUNT, WEIR_ACTION_DROP);
	park_shut(p, KEY(7), WEIR_ACTION_DROP, 80);
	assert_int_equal(park_find(p, KEY(7)), PARK_SHUT);
	assert_int_equal(park_next_ns(p), 80);
}

static void the_longest_wait_is_known(void **state)
{
	struct park *p = *state;
	uint64_t since;

	hold(p, 7, WEIR_PARK_OUT_OF_ORDER, 300, WEIR_ACTION_PASS);
	assert_false(park_oldest(p, KEY(7), &since));
	add(p, 7, 300, 10);
	add(p, 7, 200, 30);
	assert_true(park_oldest(p, KEY(7), &since));
	assert_int_equal(since, 10);
	/* The first to leave is not the first that came. */
	expect_next(p, 7, 200, 30);
	park_oldest(p, KEY(7), &since);
	assert_int_equal(since, 10);
	expect_next(p, 7, 300, 10);
	assert_false(park_oldest(p, KEY(7), &since));
}

static uint32_t rolled(uint64_t *x, uint32_t below)
{
	*x = *x * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(*x >> 33) % below;
}

/* Random comings and goings: all that came leaves once, and deadlines never go backwards. */
static void nothing_is_lost(void **state)
{
	struct park *p = *state;
	uint64_t x = 99, came = 0, left = 0, sum = 0;
	struct frame f;

	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t id = rolled(&x, 12), now = 0;

		switch (rolled(&x, 4)) {
		case 0:
			park_hold(p, KEY(id), rolled(&x, WEIR_PARK_COUNT), rolled(&x, 1000),
				  WEIR_ACTION_PASS);
			break;
		case 1:
			if (add(p, id, rolled(&x, 50), i) == 0) {
				came++;
				sum += i;
			}
			break;
		case 2:
			if (park_take(p, KEY(id), &f)) {
				left++;
				sum -= f.addr;
			}
			break;
		default:
			park_forget(p, KEY(id)); /* unless it has frames */
			break;
		}
		assert_int_equal(park_frames(p), came - left);
		now = park_next_ns(p);
		assert_true(now < 1000 || park_directions(p) == 0);
	}
	for (uint64_t now, before = 0; (now = park_next_ns(p)) != UINT64_MAX; before = now) {
		enum weir_action action;
		enum weir_park reason;
		struct park_key key;

		assert_true(now >= before);
		assert_true(park_due(p, now, &key, &reason, &action));
		if (park_end(p, &key, reason))
			continue;
		while (park_take(p, &key, &f)) {
			left++;
			sum -= f.addr;
		}
		park_forget(p, &key);
	}
	assert_int_equal(came, left);
	assert_int_equal(sum, 0);
	assert_int_equal(park_directions(p), 0);
	for (unsigned int r = 0; r < WEIR_PARK_COUNT; r++)
		assert_int_equal(park_counts(p)[r].frames + park_counts(p)[r].bytes, 0);
}

static void no_room_at_all(void **state)
{
	struct park *p = park_new(0, 0);

	assert_non_null(p);
	assert_int_equal(park_hold(p, KEY(1), WEIR_PARK_SCAN, 1, WEIR_ACTION_PASS), -ENOBUFS);
	park_free(p);
	p = park_new(0, 1);
	assert_non_null(p);
	park_limit(p, &wide);
	hold(p, 1, WEIR_PARK_SCAN, 1, WEIR_ACTION_PASS);
	assert_int_equal(add(p, 1, 1, 1), -ENOBUFS);
	park_free(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frames_leave_in_the_order_of_their_numbers),
		TEST(the_numbers_wrap),
		TEST(without_numbers_they_keep_their_order),
		TEST(each_direction_is_a_list_of_its_own),
		TEST(a_direction_is_bounded),
		TEST(a_reason_and_the_whole_are_bounded),
		TEST(directions_are_bounded),
		TEST(the_strictest_answer_and_the_latest_deadline_are_told),
		TEST(deadlines_come_in_their_order),
		TEST(bytes_that_wait_are_known),
		TEST(an_earlier_daemons_are_kept_until_their_deadline),
		TEST(the_longest_wait_is_known),
		TEST(nothing_is_lost),
		TEST(no_room_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

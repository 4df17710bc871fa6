// SPDX-License-Identifier: GPL-2.0-only
/* The waiting queue of a worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "worker/waiting.h"

#define ROOM	16
#define MANY	((size_t)1 << 20)
#define LEN	100
#define KEY(id) (&(const struct waiting_key){.flow_id = (id)})

static int setup(void **state)
{
	*state = waiting_new(ROOM);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	waiting_free(*state);
	return 0;
}

/* A frame that is told from others by its address. */
static int add(struct waiting *w, uint64_t id, uint32_t seq, uint64_t addr)
{
	const struct frame f = {.addr = addr, .len = LEN};

	return waiting_add(w, KEY(id), &f, seq, MANY, addr);
}

static void expect_next(struct waiting *w, uint64_t id, uint32_t next, uint64_t addr)
{
	struct frame f = {0};

	assert_true(waiting_take_next(w, KEY(id), next, &f));
	assert_int_equal(f.addr, addr);
	assert_int_equal(f.len, LEN);
}

static void expect_none(struct waiting *w, uint64_t id, uint32_t next)
{
	struct frame f;

	assert_false(waiting_take_next(w, KEY(id), next, &f));
}

static void frames_leave_in_the_order_of_their_numbers(void **state)
{
	struct waiting *w = *state;

	assert_int_equal(add(w, 7, 300, 1), 0);
	assert_int_equal(add(w, 7, 200, 2), 0);
	assert_int_equal(add(w, 7, 250, 3), 0);
	assert_int_equal(add(w, 7, 200, 4), 0);
	assert_int_equal(waiting_count(w), 4);
	expect_none(w, 7, 199);
	expect_next(w, 7, 200, 2);
	expect_next(w, 7, 250, 4);
	expect_next(w, 7, 250, 3);
	expect_none(w, 7, 299);
	expect_next(w, 7, 400, 1);
	expect_none(w, 7, 400);
	assert_int_equal(waiting_count(w), 0);
	assert_false(waiting_has(w, KEY(7)));
}

static void the_numbers_wrap(void **state)
{
	struct waiting *w = *state;

	add(w, 7, 4, 1);
	add(w, 7, 0xfffffff0, 2);
	expect_next(w, 7, 0xfffffff8, 2);
	expect_none(w, 7, 0xfffffff8);
	expect_next(w, 7, 4, 1);
}

static void each_direction_is_a_list_of_its_own(void **state)
{
	struct waiting *w = *state;
	const struct waiting_key back = {.flow_id = 7, .dir = 1};
	struct frame f = {.addr = 3, .len = LEN};

	add(w, 7, 100, 1);
	add(w, 8, 100, 2);
	waiting_add(w, &back, &f, 100, MANY, 3);
	assert_true(waiting_take(w, &back, &f));
	assert_int_equal(f.addr, 3);
	assert_false(waiting_has(w, &back));
	expect_next(w, 8, 100, 2);
	expect_next(w, 7, 100, 1);
}

static void one_direction_cannot_have_everything(void **state)
{
	struct waiting *w = *state;
	const struct frame f = {.len = LEN};

	for (uint32_t i = 0; i < ROOM / 4; i++)
		assert_int_equal(add(w, 7, i, i), 0);
	assert_int_equal(add(w, 7, 100, 100), -ENOBUFS);
	assert_int_equal(waiting_add(w, KEY(8), &f, 1, 2 * LEN, 1), 0);
	assert_int_equal(waiting_add(w, KEY(8), &f, 2, 2 * LEN, 1), 0);
	assert_int_equal(waiting_add(w, KEY(8), &f, 3, 2 * LEN, 1), -ENOBUFS);
	assert_int_equal(waiting_add(w, KEY(9), &f, 3, LEN - 1, 1), -ENOBUFS);
	assert_false(waiting_has(w, KEY(9)));
	assert_int_equal(waiting_count(w), ROOM / 4 + 2);
	/* What has left makes room. */
	expect_next(w, 7, 0, 0);
	assert_int_equal(add(w, 7, 100, 100), 0);
}

static void the_whole_is_bounded(void **state)
{
	struct waiting *w = *state;

	for (uint32_t i = 0; i < ROOM; i++)
		assert_int_equal(add(w, i + 1, i, i), 0);
	assert_int_equal(add(w, 100, 1, 1), -ENOBUFS);
	expect_next(w, 3, 2, 2);
	assert_int_equal(add(w, 100, 1, 1), 0);
	assert_int_equal(waiting_count(w), ROOM);
}

static void the_oldest_is_known(void **state)
{
	struct waiting *w = *state;
	struct waiting_key key;
	struct frame f;
	uint64_t since;

	assert_false(waiting_oldest(w, &key, &since));
	add(w, 7, 300, 10);
	add(w, 8, 100, 20);
	add(w, 7, 200, 30);
	assert_true(waiting_oldest(w, &key, &since));
	assert_int_equal(key.flow_id, 7);
	assert_int_equal(since, 10);
	/* The first to leave is not the first that came. */
	expect_next(w, 7, 200, 30);
	waiting_oldest(w, &key, &since);
	assert_int_equal(since, 10);
	expect_next(w, 7, 300, 10);
	waiting_oldest(w, &key, &since);
	assert_int_equal(key.flow_id, 8);
	assert_int_equal(since, 20);
	assert_true(waiting_take(w, &key, &f));
	assert_false(waiting_oldest(w, &key, &since));
}

/* Random comings and goings: everything that came leaves once, in order. */
static void nothing_is_lost(void **state)
{
	struct waiting *w = *state;
	uint64_t x = 99, came = 0, left = 0, sum = 0;

	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t id;
		struct frame f;

		x = x * 6364136223846793005 + 1442695040888963407;
		id = x >> 60 & 3;
		if (x >> 40 & 1) {
			if (add(w, id, (uint32_t)(x >> 32) % 50, i) == 0) {
				came++;
				sum += i;
			}
		} else if (waiting_take(w, KEY(id), &f)) {
			left++;
			sum -= f.addr;
		}
		assert_int_equal(waiting_count(w), came - left);
	}
	for (uint64_t id = 0; id < 4; id++) {
		struct frame f;

		while (waiting_take(w, KEY(id), &f)) {
			left++;
			sum -= f.addr;
		}
	}
	assert_int_equal(came, left);
	assert_int_equal(sum, 0);
}

static void no_room_at_all(void **state)
{
	struct waiting *w = waiting_new(0);

	assert_non_null(w);
	assert_int_equal(add(w, 1, 1, 1), -ENOBUFS);
	assert_false(waiting_has(w, KEY(1)));
	waiting_free(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frames_leave_in_the_order_of_their_numbers),
		TEST(the_numbers_wrap),
		TEST(each_direction_is_a_list_of_its_own),
		TEST(one_direction_cannot_have_everything),
		TEST(the_whole_is_bounded),
		TEST(the_oldest_is_known),
		TEST(nothing_is_lost),
		TEST(no_room_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

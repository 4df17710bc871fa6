// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/flow.h"
#include "util/util.h"
#include <cmocka.h>

#define SLOTS 4

static struct handover *open_tracker(struct weir_numbers *done)
{
	struct handover *h = handover_new(done, SLOTS);

	assert_non_null(h);
	return h;
}

static void receive(struct handover *h, uint32_t slot, uint8_t dir, uint32_t number,
		    uint16_t segments)
{
	struct weir_punt punt = {
		.flow_id = 1, .slot = slot, .dir = dir, .number = number, .segments = segments};

	handover_received(h, &punt);
}

static void publishes_when_all_have_left(void **state)
{
	struct weir_numbers done[SLOTS] = {0};
	struct handover *h = open_tracker(done);

	receive(h, 2, 1, 1, 1);
	receive(h, 2, 1, 2, 1);
	assert_int_equal(done[2].n[1], 0);
	handover_finished(h, 2, 1);
	assert_int_equal(done[2].n[1], 0);
	handover_finished(h, 2, 1);
	assert_int_equal(done[2].n[1], 2);
	assert_int_equal(done[2].n[0], 0);
	assert_int_equal(done[1].n[1], 0);
	handover_free(h);
}

static void gaps_do_not_matter(void **state)
{
	struct weir_numbers done[SLOTS] = {0};
	struct handover *h = open_tracker(done);

	receive(h, 0, 0, 5, 1);
	receive(h, 0, 0, 9, 1);
	handover_finished(h, 0, 0);
	handover_finished(h, 0, 0);
	assert_int_equal(done[0].n[0], 9);
	handover_free(h);
}

static void waits_for_the_last_segments(void **state)
{
	struct weir_numbers done[SLOTS] = {0};
	struct handover *h = open_tracker(done);

	receive(h, 0, 0, 1, 3);
	handover_finished(h, 0, 0);
	receive(h, 0, 0, 1, 3);
	handover_finished(h, 0, 0);
	assert_int_equal(done[0].n[0], 0);
	receive(h, 0, 0, 1, 3);
	assert_int_equal(done[0].n[0], 0);
	handover_finished(h, 0, 0);
	assert_int_equal(done[0].n[0], 1);
	handover_free(h);
}

/* A segment of the last number is lost: not done until a higher number comes. */
static void a_lost_tail_is_freed_by_the_next_number(void **state)
{
	struct weir_numbers done[SLOTS] = {0};
	struct handover *h = open_tracker(done);

	receive(h, 0, 0, 1, 2);
	handover_finished(h, 0, 0);
	assert_int_equal(done[0].n[0], 0);
	receive(h, 0, 0, 2, 1);
	handover_finished(h, 0, 0);
	assert_int_equal(done[0].n[0], 2);
	handover_free(h);
}

static void a_late_older_number_is_held_only(void **state)
{
	struct weir_numbers done[SLOTS] = {0};
	struct handover *h = open_tracker(done);

	receive(h, 0, 0, 8, 1);
	receive(h, 0, 0, 7, 4);
	handover_finished(h, 0, 0);
	assert_int_equal(done[0].n[0], 0);
	handover_finished(h, 0, 0);
	assert_int_equal(done[0].n[0], 8);
	receive(h, 0, 0, 7, 4);
	handover_finished(h, 0, 0);
	assert_int_equal(done[0].n[0], 8);
	handover_free(h);
}

/* Two flows in one slot: the numbers are the slot's, so the hand-over waits for both. */
static void flows_sharing_a_slot_wait_for_each_other(void **state)
{
	struct weir_numbers done[SLOTS] = {0};
	struct handover *h = open_tracker(done);
	struct weir_punt a = {.flow_id = 1, .slot = 3, .number = 1, .segments = 1};
	struct weir_punt b = {.flow_id = 2, .slot = 3, .number = 2, .segments = 1};

	handover_received(h, &a);
	handover_received(h, &b);
	handover_finished(h, 3, 0);
	assert_int_equal(done[3].n[0], 0);
	handover_finished(h, 3, 0);
	assert_int_equal(done[3].n[0], 2);
	handover_free(h);
}

static void numbers_wrap_and_begin_anywhere(void **state)
{
	struct weir_numbers done[SLOTS] = {{{0xfffffff0, 0xfffffff0}}};
	struct handover *h = open_tracker(done);

	receive(h, 0, 0, 0xffffffff, 1);
	handover_finished(h, 0, 0);
	assert_true(done[0].n[0] == 0xffffffff);
	receive(h, 0, 0, 0, 2);
	handover_finished(h, 0, 0);
	assert_true(done[0].n[0] == 0xffffffff);
	receive(h, 0, 0, 0, 2);
	handover_finished(h, 0, 0);
	assert_int_equal(done[0].n[0], 0);
	receive(h, 0, 1, 0xc0000000, 1);
	handover_finished(h, 0, 1);
	assert_true(done[0].n[1] == 0xc0000000);
	handover_free(h);
}

static void nonsense_is_ignored(void **state)
{
	struct weir_numbers done[SLOTS + 1] = {0};
	struct handover *h = open_tracker(done);

	receive(h, SLOTS, 0, 1, 1);
	handover_finished(h, SLOTS, 0);
	receive(h, 0, 2, 1, 1);
	handover_finished(h, 0, 2);
	handover_finished(h, 0, 0);
	for (unsigned int i = 0; i <= SLOTS; i++)
		assert_int_equal(done[i].n[0] | done[i].n[1], 0);
	/* No segment count counts as one. */
	receive(h, 0, 0, 1, 0);
	handover_finished(h, 0, 0);
	assert_int_equal(done[0].n[0], 1);
	handover_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(publishes_when_all_have_left),
		cmocka_unit_test(gaps_do_not_matter),
		cmocka_unit_test(waits_for_the_last_segments),
		cmocka_unit_test(a_lost_tail_is_freed_by_the_next_number),
		cmocka_unit_test(a_late_older_number_is_held_only),
		cmocka_unit_test(flows_sharing_a_slot_wait_for_each_other),
		cmocka_unit_test(numbers_wrap_and_begin_anywhere),
		cmocka_unit_test(nonsense_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

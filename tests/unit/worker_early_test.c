// SPDX-License-Identifier: GPL-2.0-only
/* Segments that came too early: what lets them go, and what the gate is told meanwhile. */
#include "unit/parking_fixture.h"

static void a_gap_that_closes_lets_them_go(void **state)
{
	struct fixture *f = *state;

	early(f, 'c', 120);
	early(f, 'b', 110);
	early(f, 'e', 140);
	assert_string_equal(went, "");
	assert_int_equal(f->worker.counters.held, 3);
	assert_int_equal(f->worker.counters.waiting_frames, 3);
	in_order(f, 'a', 100, 130);
	assert_string_equal(went, "abc");
	in_order(f, 'd', 130, 150);
	assert_string_equal(went, "abcde");
	assert_int_equal(f->worker.counters.waiting_frames, 0);
	assert_int_equal(f->worker.counters.hold_expired, 0);
}

static void others_do_not_wait(void **state)
{
	struct fixture *f = *state;

	early(f, 'b', 110);
	arrive(f,
	       (struct arrival){
		       .name = 'x', .flow_id = 8, .seq = 5, .len = 10, .read = true, .next = 15});
	arrive(f, (struct arrival){.name = 'k', .seq = 120});
	assert_string_equal(went, "xk");
}

static void fast_pass_parks_nothing(void **state)
{
	struct fixture *f = *state;

	f->policy.hold_out_of_order = false;
	early(f, 'b', 110);
	in_order(f, 'a', 100, 120);
	assert_string_equal(went, "ba");
	assert_int_equal(f->worker.counters.fast_passed, 1);
	assert_int_equal(f->worker.counters.held, 0);
	/* `mode: copy` passes before it judges. */
	f->policy.hold_out_of_order = true;
	f->policy.inspect_copy = true;
	early(f, 'c', 150);
	assert_string_equal(went, "bac");
}

static void a_fin_waits_behind_the_gap(void **state)
{
	struct fixture *f = *state;

	arrive(f, (struct arrival){.name = 'x', .seq = 90, .flags = TH_FIN});
	assert_string_equal(went, "x");
	early(f, 'b', 110);
	arrive(f, (struct arrival){.name = 'c', .seq = 120, .flags = TH_FIN});
	in_order(f, 'a', 100, 120);
	assert_string_equal(went, "xabc");
}

static void a_reset_sends_them_ahead(void **state)
{
	struct fixture *f = *state;

	early(f, 'c', 120);
	early(f, 'b', 110);
	arrive(f, (struct arrival){.name = 'r', .seq = 100, .flags = TH_RST});
	assert_string_equal(went, "bcr");
}

static void a_decision_lets_them_go(void **state)
{
	struct fixture *f = *state;

	early(f, 'b', 110);
	early(f, 'd', 130);
	f->flow.decided = true;
	/* Its own bytes lie behind some of them. */
	arrive(f, (struct arrival){.name = 'c', .seq = 120, .len = 10});
	assert_string_equal(went, "bcd");
}

static void a_drop_is_theirs_too(void **state)
{
	struct fixture *f = *state;

	early(f, 'b', 110);
	early(f, 'c', 120);
	f->flow.decided = true;
	arrive(f, (struct arrival){.name = 'a', .seq = 100, .len = 10, .action = WEIR_ACTION_DROP});
	assert_string_equal(went, "-a-b-c");
}

static void nobody_waits_too_long(void **state)
{
	struct fixture *f = *state;

	early(f, 'c', 120);
	f->worker.now_ns += HOLD_NS / 2;
	early(f, 'b', 110);
	f->worker.now_ns += HOLD_NS / 2 - 1;
	worker_park_expire(&f->worker);
	assert_string_equal(went, "");
	f->worker.now_ns += 1;
	worker_park_expire(&f->worker);
	assert_string_equal(went, "bc");
	assert_int_equal(f->worker.counters.hold_expired, 1);
	assert_int_equal(f->worker.counters.waiting_frames, 0);
}

static void more_than_may_wait_go_on_in_order(void **state)
{
	struct fixture *f = *state;

	f->policy.parking_flow = 3 * PARK_FRAME_MIN;
	worker_park_reload(&f->worker);
	early(f, 'e', 140);
	early(f, 'b', 110);
	early(f, 'c', 120);
	early(f, 'd', 130);
	assert_string_equal(went, "bcd");
	assert_int_equal(f->worker.counters.hold_full, 1);
	in_order(f, 'a', 100, 150);
	assert_string_equal(went, "bcdae");
}

static void a_wrong_checksum_moves_nobody(void **state)
{
	struct fixture *f = *state;

	early(f, 'b', 110);
	arrive(f, (struct arrival){.name = 'x', .seq = 500, .len = 10, .bad = true});
	assert_string_equal(went, "x");
}

static void a_port_that_goes_and_the_end_let_go(void **state)
{
	struct fixture *f = *state;

	early(f, 'b', 110);
	arrive(f, (struct arrival){.name = 'x',
				   .flow_id = 8,
				   .seq = 5,
				   .len = 10,
				   .read = true,
				   .out_of_order = true,
				   .in_port = 2});
	worker_park_end(&f->worker, 2);
	assert_string_equal(went, "x");
	assert_null(told_of(8));
	assert_non_null(told_of(7));
	early(f, 'a', 105);
	worker_park_end(&f->worker, WEIR_PORTS_MAX);
	assert_string_equal(went, "xab");
	assert_int_equal(f->worker.counters.waiting_frames, 0);
	assert_null(told_of(7));
}

/* The gate kept a direction shut until its deadline: only what is overdue was overtaken. */
static void a_standstill_loses_what_was_due(void **state)
{
	struct fixture *f = *state;

	early(f, 'c', 130);
	f->worker.now_ns += HOLD_NS - 1;
	worker_park_stale(&f->worker);
	assert_string_equal(went, "");
	f->worker.now_ns += 1;
	worker_park_stale(&f->worker);
	assert_string_equal(went, "!c");
	assert_null(told_of(7));
}

/* ---- the gate's side ---- */

static void the_gate_knows_what_is_parked(void **state)
{
	struct fixture *f = *state;

	early(f, 'b', 110);
	assert_non_null(told_of(7));
	assert_int_equal(told_of(7)->deadline_ns, 1 + HOLD_NS);
	assert_int_equal(told_of(7)->reasons, 1u << WEIR_PARK_OUT_OF_ORDER);
	assert_int_equal(told_of(7)->answer, WEIR_ACTION_PASS);
	f->worker.now_ns += 5;
	early(f, 'd', 130);
	/* The first has gone: the other may wait for its own time. */
	in_order(f, 'a', 100, 120);
	assert_string_equal(went, "ab");
	assert_int_equal(told_of(7)->deadline_ns, 6 + HOLD_NS);
	in_order(f, 'c', 120, 140);
	assert_string_equal(went, "abcd");
	assert_null(told_of(7));
}

static void what_the_gate_cannot_be_told_does_not_wait(void **state)
{
	struct fixture *f = *state;

	told_room = 0;
	early(f, 'b', 110);
	assert_string_equal(went, "b");
	assert_int_equal(f->worker.counters.park_refused[WEIR_PARK_OUT_OF_ORDER], 1);
	assert_int_equal(park_directions(f->worker.park), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_gap_that_closes_lets_them_go),
		TEST(others_do_not_wait),
		TEST(fast_pass_parks_nothing),
		TEST(a_fin_waits_behind_the_gap),
		TEST(a_reset_sends_them_ahead),
		TEST(a_decision_lets_them_go),
		TEST(a_drop_is_theirs_too),
		TEST(nobody_waits_too_long),
		TEST(more_than_may_wait_go_on_in_order),
		TEST(a_wrong_checksum_moves_nobody),
		TEST(a_port_that_goes_and_the_end_let_go),
		TEST(a_standstill_loses_what_was_due),
		TEST(the_gate_knows_what_is_parked),
		TEST(what_the_gate_cannot_be_told_does_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Directions that are held as a whole, loads of a policy, and what another daemon left. */
#include "unit/parking_fixture.h"

/* ---- a whole direction ---- */

static const struct park_key seven = {.flow_id = 7};

static void hold(struct fixture *f, enum weir_park reason, uint64_t ns, enum weir_action answer)
{
	assert_int_equal(
		worker_park_hold(&f->worker, &seven, reason, f->worker.now_ns + ns, answer), 0);
}

static void plain(struct fixture *f, char name, uint32_t seq)
{
	in_order(f, name, seq, seq + 10);
}

static void all_reasons_have_to_end(void **state)
{
	struct fixture *f = *state;

	hold(f, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP);
	hold(f, WEIR_PARK_SETTLE, 50, WEIR_ACTION_PASS);
	plain(f, 'a', 100);
	plain(f, 'b', 110);
	assert_string_equal(went, "");
	assert_int_equal(told_of(7)->deadline_ns, 101);
	assert_int_equal(told_of(7)->answer, WEIR_ACTION_DROP);
	worker_park_release(&f->worker, &seven, WEIR_PARK_SCAN);
	assert_string_equal(went, "");
	assert_int_equal(told_of(7)->deadline_ns, 51);
	assert_int_equal(told_of(7)->answer, WEIR_ACTION_PASS);
	f->worker.now_ns = 51;
	worker_park_expire(&f->worker);
	assert_string_equal(went, "ab");
	assert_null(told_of(7));
	assert_int_equal(f->worker.counters.park_timeouts[WEIR_ACTION_PASS], 1);
	assert_int_equal(f->worker.counters.park_released, 2);
	assert_int_equal(f->worker.counters.parked, 2);
}

static void a_release_can_bring_an_answer(void **state)
{
	struct fixture *f = *state;

	hold(f, WEIR_PARK_SCAN, 100, WEIR_ACTION_PASS);
	plain(f, 'a', 100);
	plain(f, 'b', 110);
	/* Of another reason, which does not hold it. */
	worker_park_settle(&f->worker, &seven, WEIR_PARK_TAP, WEIR_ACTION_DROP);
	assert_string_equal(went, "");
	worker_park_settle(&f->worker, &seven, WEIR_PARK_SCAN, WEIR_ACTION_RESET);
	assert_string_equal(went, "*a~b");
	went[0] = '\0';
	plain(f, 'c', 120);
	assert_string_equal(went, "*c");
}

static void a_deadline_gives_its_answer(void **state)
{
	struct fixture *f = *state;

	hold(f, WEIR_PARK_SCAN, 100, WEIR_ACTION_RESET);
	plain(f, 'a', 100);
	plain(f, 'b', 110);
	f->worker.now_ns = 101;
	worker_park_expire(&f->worker);
	assert_string_equal(went, "*a~b");
	assert_int_equal(f->worker.counters.park_timeouts[WEIR_ACTION_RESET], 1);
	/* And to what comes later, as the gate would. */
	went[0] = '\0';
	plain(f, 'c', 100);
	arrive(f, (struct arrival){.name = 'k', .seq = 120});
	assert_string_equal(went, "*ck");
	assert_int_equal(told_of(7)->answer, WEIR_ACTION_RESET);
	assert_int_equal(told_of(7)->deadline_ns, 0);
	/* It is forgotten when nothing comes any more. */
	f->worker.now_ns += 61000000000;
	worker_park_expire(&f->worker);
	assert_null(told_of(7));
	assert_int_equal(park_directions(f->worker.park), 0);
}

static void bare_acks_and_keep_alives_pass(void **state)
{
	struct fixture *f = *state;

	hold(f, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP);
	plain(f, 'a', 100);
	arrive(f, (struct arrival){.name = 'k', .seq = 110});
	arrive(f, (struct arrival){.name = 'l', .seq = 99, .len = 1});
	assert_string_equal(went, "kl");
	arrive(f, (struct arrival){.name = 'f', .seq = 110, .flags = TH_FIN});
	arrive(f, (struct arrival){.name = 'r', .seq = 111, .flags = TH_RST});
	assert_string_equal(went, "kl");
	worker_park_release(&f->worker, &seven, WEIR_PARK_SCAN);
	assert_string_equal(went, "klafr");
}

static void what_comes_again_is_dropped(void **state)
{
	struct fixture *f = *state;

	hold(f, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP);
	plain(f, 'a', 100);
	plain(f, 'b', 110);
	plain(f, 'x', 100);
	arrive(f, (struct arrival){.name = 'y', .seq = 100, .len = 20, .read = true, .next = 120});
	arrive(f, (struct arrival){.name = 'f', .seq = 120, .flags = TH_FIN});
	arrive(f, (struct arrival){.name = 'z', .seq = 120, .flags = TH_FIN});
	assert_string_equal(went, "~x~y~z");
	assert_int_equal(f->worker.counters.park_repeated, 3);
	/* A copy that no receiver takes stands for nothing. */
	arrive(f, (struct arrival){.name = 'q', .seq = 121, .len = 10, .bad = true});
	arrive(f, (struct arrival){.name = 'Q', .seq = 121, .len = 10});
	assert_string_equal(went, "~x~y~z");
	worker_park_release(&f->worker, &seven, WEIR_PARK_SCAN);
	assert_string_equal(went, "~x~y~zabfqQ");
	/* Early segments, too. */
	went[0] = '\0';
	early(f, 'e', 140);
	early(f, 'g', 140);
	assert_string_equal(went, "~g");
}

static void beyond_a_bound_the_answer_applies_at_once(void **state)
{
	struct fixture *f = *state;

	f->policy.parking_flow = 2 * PARK_FRAME_MIN;
	worker_park_reload(&f->worker);
	hold(f, WEIR_PARK_ANSWER, 100, WEIR_ACTION_PASS);
	plain(f, 'a', 100);
	plain(f, 'b', 110);
	plain(f, 'c', 120);
	assert_string_equal(went, "abc");
	assert_int_equal(f->worker.counters.park_refused[WEIR_PARK_ANSWER], 1);
	assert_null(told_of(7));
	went[0] = '\0';
	hold(f, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP);
	plain(f, 'a', 130);
	plain(f, 'b', 140);
	plain(f, 'c', 150);
	plain(f, 'd', 160);
	assert_string_equal(went, "~a~b~c~d");
	assert_int_equal(f->worker.counters.park_refused[WEIR_PARK_SCAN], 1);
	went[0] = '\0';
	park_free(f->worker.park);
	f->worker.park = park_new(64, 16);
	worker_park_reload(&f->worker);
	hold(f, WEIR_PARK_TAP, 100, WEIR_ACTION_PASS);
	plain(f, 'a', 200);
	plain(f, 'b', 210);
	plain(f, 'c', 220);
	assert_string_equal(went, "~c");
}

/* All frames of a flow that changes its exit wait, in the order they came in. */
static void another_exit_is_waited_for(void **state)
{
	struct fixture *f = *state;

	arrive(f, (struct arrival){.name = 'a',
				   .seq = 100,
				   .len = 10,
				   .read = true,
				   .next = 110,
				   .settle_ms = 2});
	arrive(f, (struct arrival){.name = 'k', .seq = 110, .settle_ms = 1});
	f->worker.now_ns += 1900000;
	plain(f, 'b', 110);
	arrive(f, (struct arrival){.name = 'l', .seq = 120});
	worker_park_expire(&f->worker);
	assert_string_equal(went, "");
	assert_int_equal(told_of(7)->reasons, 1u << WEIR_PARK_SETTLE);
	f->worker.now_ns += 200000;
	worker_park_expire(&f->worker);
	assert_string_equal(went, "akbl");
	assert_null(told_of(7));
	plain(f, 'c', 120);
	/* There is no room: what comes would overtake them. */
	f->policy.parking_flow = PARK_FRAME_MIN;
	worker_park_reload(&f->worker);
	arrive(f, (struct arrival){.name = 'd',
				   .seq = 130,
				   .len = 10,
				   .read = true,
				   .next = 140,
				   .settle_ms = 2});
	plain(f, 'e', 140);
	assert_string_equal(went, "akblc~e");
	f->worker.now_ns += 2000000;
	worker_park_expire(&f->worker);
	assert_string_equal(went, "akblc~ed");
}

static void a_gap_that_closed_meanwhile_holds_nobody(void **state)
{
	struct fixture *f = *state;

	early(f, 'b', 110);
	hold(f, WEIR_PARK_SETTLE, 100, WEIR_ACTION_PASS);
	in_order(f, 'a', 100, 120);
	assert_string_equal(went, "");
	worker_park_release(&f->worker, &seven, WEIR_PARK_SETTLE);
	assert_string_equal(went, "ab");
	assert_null(told_of(7));
}

/* ---- loads and restarts ---- */

static void a_load_lets_nothing_go(void **state)
{
	struct fixture *f = *state;

	early(f, 'b', 110);
	worker_park_reload(&f->worker);
	assert_string_equal(went, "");
	verdict = WEIR_ACTION_PASS;
	worker_park_reload(&f->worker);
	assert_string_equal(went, "");
	verdict = WEIR_ACTION_DROP;
	worker_park_reload(&f->worker);
	assert_string_equal(went, "-b");
	assert_null(told_of(7));
	verdict = WEIR_ACTION_RESET;
	early(f, 'c', 120);
	worker_park_reload(&f->worker);
	assert_string_equal(went, "-b*c");
}

static void tell(uint64_t flow_id, uint64_t deadline_ns, enum weir_action answer)
{
	gate_put_parked(NULL, flow_id, 0,
			&(struct weir_parked){.deadline_ns = deadline_ns,
					      .reasons = 1u << WEIR_PARK_SCAN,
					      .answer = answer});
}

static void an_earlier_daemons_directions_stay_shut(void **state)
{
	struct fixture *f = *state;
	uint64_t deadline = time_now_ns() + 1000000000;

	tell(6, 5, WEIR_ACTION_DROP); /* over */
	tell(7, deadline, WEIR_ACTION_PASS);
	tell(8, deadline, WEIR_ACTION_DROP);
	tell(1000, 5, WEIR_ACTION_DROP); /* another worker's */
	worker_park_adopt(&f->worker);
	assert_null(told_of(6));
	assert_non_null(told_of(1000));
	assert_int_equal(park_directions(f->worker.park), 2);
	plain(f, 'a', 100);
	arrive(f, (struct arrival){.name = 'k', .seq = 110});
	assert_string_equal(went, "~ak");
	f->worker.now_ns = deadline;
	worker_park_expire(&f->worker);
	plain(f, 'b', 100);
	arrive(f, (struct arrival){.name = 'x', .flow_id = 8, .seq = 5, .len = 10});
	assert_string_equal(went, "~akb~x");
	assert_null(told_of(7));
	assert_non_null(told_of(8));
}

static bool is_seven(uint64_t flow_id, void *arg)
{
	return flow_id == 7;
}

static void what_was_blocked_meanwhile_is_dropped(void **state)
{
	struct fixture *f = *state;

	early(f, 'b', 110);
	arrive(f, (struct arrival){.name = 'x',
				   .flow_id = 8,
				   .seq = 5,
				   .len = 10,
				   .read = true,
				   .out_of_order = true});
	worker_park_drop(&f->worker, is_seven, NULL, WEIR_REASON_DROP_BLOCKED);
	assert_string_equal(went, "~b");
	assert_null(told_of(7));
	assert_int_equal(f->worker.counters.waiting_frames, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_reasons_have_to_end),
		TEST(a_release_can_bring_an_answer),
		TEST(a_deadline_gives_its_answer),
		TEST(bare_acks_and_keep_alives_pass),
		TEST(what_comes_again_is_dropped),
		TEST(beyond_a_bound_the_answer_applies_at_once),
		TEST(another_exit_is_waited_for),
		TEST(a_gap_that_closed_meanwhile_holds_nobody),
		TEST(a_load_lets_nothing_go),
		TEST(an_earlier_daemons_directions_stay_shut),
		TEST(what_was_blocked_meanwhile_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

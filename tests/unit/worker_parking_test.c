// SPDX-License-Identifier: GPL-2.0-only
/* Which frames are parked, what lets them go, and what the gate is told meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/worker_private.h"

#define HOLD_NS 1000000

/* What left, in order: each frame by the letter that is its address. */
static char went[128];

static void note(const struct frame *f, const char *how)
{
	size_t used = strlen(went);

	snprintf(went + used, sizeof(went) - used, "%s%c", how, (char)f->addr);
}

void worker_frame_end(struct worker *w, const struct frame *f, enum weir_action action,
		      enum weir_reason drop)
{
	if (action == WEIR_ACTION_RESET)
		note(f, "*");
	else if (action == WEIR_ACTION_DROP)
		note(f, drop == WEIR_REASON_DROP_VERDICT ? "-" : "~");
	else
		note(f, "");
}

void worker_frame_lose(struct worker *w, const struct frame *f)
{
	note(f, "!");
}

/* weir_parked, as far as these tests fill it. */
static struct {
	uint64_t flow_id;
	uint8_t dir;
	bool used;
	struct weir_parked v;
} told[8];
static size_t told_room;
static enum weir_action verdict;
static struct weir_punt punt_of[128]; /* by the frame's letter */

static int told_find(uint64_t flow_id, uint8_t dir)
{
	for (size_t i = 0; i < told_room; i++)
		if (told[i].used && told[i].flow_id == flow_id && told[i].dir == dir)
			return (int)i;
	return -1;
}

static const struct weir_parked *told_of(uint64_t flow_id)
{
	int i = told_find(flow_id, 0);

	return i < 0 ? NULL : &told[i].v;
}

int gate_put_parked(struct gate *g, uint64_t flow_id, uint8_t dir, const struct weir_parked *v)
{
	int at = told_find(flow_id, dir);

	for (size_t i = 0; at < 0 && i < told_room; i++)
		if (!told[i].used)
			at = (int)i;
	if (at < 0)
		return -ENOSPC;
	told[at].flow_id = flow_id;
	told[at].dir = dir;
	told[at].used = true;
	told[at].v = *v;
	return 0;
}

int gate_del_parked(struct gate *g, uint64_t flow_id, uint8_t dir)
{
	int at = told_find(flow_id, dir);

	if (at >= 0)
		told[at].used = false;
	return at >= 0 ? 0 : -ENOENT;
}

int gate_each_parked(struct gate *g,
		     bool (*fn)(uint64_t flow_id, uint8_t dir, const struct weir_parked *, void *),
		     void *arg)
{
	for (size_t i = 0; i < told_room; i++)
		if (told[i].used && !fn(told[i].flow_id, told[i].dir, &told[i].v, arg))
			break;
	return 0;
}

enum weir_action worker_flow_action(struct worker *w, uint64_t flow_id)
{
	return verdict;
}

bool worker_owns(const struct worker *w, uint64_t flow_id)
{
	return flow_id != 1000;
}

uint32_t frame_pool_size(const struct frame_pool *p)
{
	return 64;
}

const struct weir_punt *frame_punt(struct frame_pool *p, const struct frame *f)
{
	return &punt_of[f->addr];
}

struct fixture {
	struct worker worker;
	struct worker_shared shared;
	struct policy policy;
	struct flow flow;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->policy.hold_out_of_order = true;
	f->policy.reassembly_hold_ns = HOLD_NS;
	f->shared.policy = &f->policy;
	f->worker.shared = &f->shared;
	f->policy.parking_flow = 65536;
	f->policy.parking_share = f->policy.parking_total = 75;
	f->shared.workers = 1;
	f->worker.park = park_new(64, 16);
	f->worker.now_ns = 1;
	memset(told, 0, sizeof(told));
	told_room = ARRAY_SIZE(told);
	verdict = WEIR_ACTION_UNDECIDED;
	worker_park_reload(&f->worker);
	went[0] = '\0';
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	park_free(f->worker.park);
	free(f);
	return 0;
}

struct arrival {
	char name;
	uint64_t flow_id;
	uint8_t flags;
	uint32_t seq, len, next;
	bool read, out_of_order, bad;
	uint8_t in_port;
	enum weir_action action;
};

/* As a frame goes that was judged so. */
static void arrive(struct fixture *f, struct arrival a)
{
	const struct weir_punt punt = {.flow_id = a.flow_id ? a.flow_id : 7};
	const struct frame frame = {.addr = (uint64_t)a.name, .len = a.len + 54};
	const struct packet p = {.proto = IPPROTO_TCP,
				 .tcp_flags = a.flags | TH_ACK,
				 .seq = a.seq,
				 .payload_len = a.len};
	const struct inspect_outcome o = {.flow = &f->flow,
					  .read = a.read,
					  .out_of_order = a.out_of_order,
					  .next = a.next,
					  .bad_checksum = a.bad};

	punt_of[(int)a.name].in_port = a.in_port;
	if (!a.action)
		a.action = WEIR_ACTION_PASS;
	if (a.action == WEIR_ACTION_PASS) {
		switch (worker_park(&f->worker, &frame, &punt, &p, &o)) {
		case PARKING_PARKED:
			return;
		case PARKING_DROP:
			worker_frame_end(&f->worker, &frame, WEIR_ACTION_DROP,
					 WEIR_REASON_DROP_PARKED);
			return;
		case PARKING_RESET:
			worker_frame_end(&f->worker, &frame, WEIR_ACTION_RESET,
					 WEIR_REASON_DROP_RESET);
			return;
		case PARKING_NONE:
			break;
		}
	}
	worker_frame_end(&f->worker, &frame, a.action, WEIR_REASON_DROP_VERDICT);
	worker_park_after(&f->worker, &punt, &o, a.action);
}

static void early(struct fixture *f, char name, uint32_t seq)
{
	arrive(f, (struct arrival){.name = name,
				   .seq = seq,
				   .len = 10,
				   .read = true,
				   .out_of_order = true,
				   .next = 100});
}

static void in_order(struct fixture *f, char name, uint32_t seq, uint32_t next)
{
	arrive(f,
	       (struct arrival){.name = name, .seq = seq, .len = 10, .read = true, .next = next});
}

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
	hold(f, WEIR_PARK_SETTLE, 100, WEIR_ACTION_PASS);
	plain(f, 'a', 100);
	plain(f, 'b', 110);
	plain(f, 'c', 120);
	assert_string_equal(went, "abc");
	assert_int_equal(f->worker.counters.park_refused[WEIR_PARK_SETTLE], 1);
	assert_null(told_of(7));
	went[0] = '\0';
	hold(f, WEIR_PARK_SCAN, 100, WEIR_ACTION_DROP);
	plain(f, 'a', 130);
	plain(f, 'b', 140);
	plain(f, 'c', 150);
	plain(f, 'd', 160);
	assert_string_equal(went, "~a~b~c~d");
	assert_int_equal(f->worker.counters.park_refused[WEIR_PARK_SCAN], 1);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		TEST(all_reasons_have_to_end),
		TEST(a_deadline_gives_its_answer),
		TEST(bare_acks_and_keep_alives_pass),
		TEST(what_comes_again_is_dropped),
		TEST(beyond_a_bound_the_answer_applies_at_once),
		TEST(a_gap_that_closed_meanwhile_holds_nobody),
		TEST(a_load_lets_nothing_go),
		TEST(an_earlier_daemons_directions_stay_shut),
		TEST(what_was_blocked_meanwhile_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

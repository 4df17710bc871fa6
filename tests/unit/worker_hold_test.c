// SPDX-License-Identifier: GPL-2.0-only
/* Which frames wait, and what lets them go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
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

void worker_frame_end(struct worker *w, const struct frame *f, enum weir_action action)
{
	note(f, action == WEIR_ACTION_PASS ? "" : "-");
}

void worker_frame_lose(struct worker *w, const struct frame *f)
{
	note(f, "!");
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
	f->policy.reassembly_flow = 65536;
	f->policy.reassembly_hold_ns = HOLD_NS;
	f->shared.policy = &f->policy;
	f->worker.shared = &f->shared;
	f->worker.waiting = waiting_new(64);
	f->worker.now_ns = 1;
	went[0] = '\0';
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	waiting_free(f->worker.waiting);
	free(f);
	return 0;
}

struct arrival {
	char name;
	uint64_t flow_id;
	uint8_t flags;
	uint32_t seq, len, next;
	bool read, out_of_order, bad;
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

	if (!a.action)
		a.action = WEIR_ACTION_PASS;
	if (a.action == WEIR_ACTION_PASS && worker_hold(&f->worker, &frame, &punt, &p, &o))
		return;
	worker_frame_end(&f->worker, &frame, a.action);
	worker_hold_after(&f->worker, &punt, &o, a.action);
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

static void fast_pass_holds_nothing(void **state)
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
	worker_hold_expire(&f->worker);
	assert_string_equal(went, "");
	f->worker.now_ns += 1;
	worker_hold_expire(&f->worker);
	assert_string_equal(went, "bc");
	assert_int_equal(f->worker.counters.hold_expired, 1);
	assert_int_equal(f->worker.counters.waiting_frames, 0);
}

static void more_than_may_wait_go_on_in_order(void **state)
{
	struct fixture *f = *state;

	f->policy.reassembly_flow = 3 * 64;
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

static void the_end(void **state)
{
	struct fixture *f = *state;

	early(f, 'b', 110);
	early(f, 'a', 105);
	worker_hold_end(&f->worker, false);
	assert_string_equal(went, "ab");
	early(f, 'c', 130);
	worker_hold_end(&f->worker, true);
	assert_string_equal(went, "ab!c");
	assert_int_equal(f->worker.counters.waiting_frames, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_gap_that_closes_lets_them_go),
		TEST(others_do_not_wait),
		TEST(fast_pass_holds_nothing),
		TEST(a_fin_waits_behind_the_gap),
		TEST(a_reset_sends_them_ahead),
		TEST(a_decision_lets_them_go),
		TEST(a_drop_is_theirs_too),
		TEST(nobody_waits_too_long),
		TEST(more_than_may_wait_go_on_in_order),
		TEST(a_wrong_checksum_moves_nobody),
		TEST(the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Directions whose frames wait in the slow path: who follows them, who does not, and what the gate
 * does when nobody is there to let them go. */
#include <linux/bpf.h>
#include <netinet/in.h>
#include <unistd.h>

#include "bpf/rig.h"
#include "weir/park.h"

static const struct shape tcp = {DATA};

static struct weir_parked_key key_of(const struct weir_flow *flow, const struct shape *s)
{
	struct weir_flow_key key;
	uint8_t dir;

	shape_key(s, &key, &dir);
	return (struct weir_parked_key){.flow_id = flow->id, .dir = dir};
}

static void park(struct rig *r, const struct weir_flow *flow, uint64_t deadline_ns,
		 enum weir_action answer)
{
	struct weir_parked v = {.deadline_ns = deadline_ns,
				.reasons = 1u << WEIR_PARK_SCAN,
				.answer = (uint8_t)answer};
	struct weir_parked_key key = key_of(flow, &tcp);

	rig_put(r, "weir_parked", &key, &v);
}

static void unpark(struct rig *r, const struct weir_flow *flow)
{
	struct weir_parked_key key = key_of(flow, &tcp);

	assert_int_equal(bpf_map_delete_elem(rig_map(r, "weir_parked"), &key), 0);
}

/* A frame of direction A to B waits in the slow path. */
static struct weir_flow waiting(struct rig *r, enum weir_action answer)
{
	struct weir_flow flow;

	SEND(r, PUNTED, DATA);
	assert_true(rig_flow(r, false, &tcp, &flow));
	park(r, &flow, rig_soon(), answer);
	return flow;
}

static void bare_segments_go_ahead(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow = waiting(r, WEIR_ACTION_DROP);

	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_ACK);
	SEND(r, PUNTED, DATA);
	SEND(r, PUNTED, .tcp_flags = SHAPE_FIN | SHAPE_ACK);
	SEND(r, PUNTED, .tcp_flags = SHAPE_RST);
	/* The other direction is free. */
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_ACK, BACK);
	SEND(r, PUNTED, DATA, BACK);
	unpark(r, &flow);
	SEND(r, PUNTED, .tcp_flags = SHAPE_ACK);
	rig_finish(r);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_ACK);
}

/* All that a flow sends while it changes its exit keeps its order. */
static void settling_bare_segments_follow(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow = waiting(r, WEIR_ACTION_PASS);
	struct weir_parked v = {.deadline_ns = rig_soon(),
				.reasons = 1u << WEIR_PARK_SETTLE,
				.answer = WEIR_ACTION_PASS};
	struct weir_parked_key key = key_of(&flow, &tcp);

	rig_put(r, "weir_parked", &key, &v);
	SEND(r, PUNTED, .tcp_flags = SHAPE_ACK);
	rig_tell(r, flow.id, RIG_WEB, 0);
	SEND(r, PUNTED, .tcp_flags = SHAPE_ACK);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK, BACK);
}

/* A direction that was answered has no frames above: its end is not the stack's all the same. */
static void an_end_follows_without_frames(void **state)
{
	struct rig *r = *state;

	waiting(r, WEIR_ACTION_DROP);
	rig_finish(r);
	SEND(r, PUNTED, .tcp_flags = SHAPE_FIN | SHAPE_ACK);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_ACK);
}

static void decided_flows_wait_too(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow = waiting(r, WEIR_ACTION_PASS);
	struct outcome out;

	r->ctl->handover_max_ms = 0;
	rig_tell(r, flow.id, RIG_WEB, 0);
	/* It is no hand-over that lasts too long. */
	for (int i = 0; i < 50; i++) {
		assert_int_equal(rig_send(r, &tcp, &out), WEIR_REASON_PUNTED);
		assert_true(out.punt.flags & WEIR_PUNT_DECIDED);
		r->read[0] = r->sent[0];
	}
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK);
	SEND(r, REDIRECTED, DATA, BACK);
	/* However the numbers stand. */
	rig_finish(r);
	SEND(r, PUNTED, DATA);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK);
	unpark(r, &flow);
	rig_finish(r);
	SEND(r, REDIRECTED, DATA);
}

static void inspected_flows_wait_too(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow = waiting(r, WEIR_ACTION_PASS);

	rig_tell(r, flow.id, RIG_WEB, WEIR_IDENTIFIED_INSPECT);
	SEND(r, PUNTED, DATA);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK);
	SEND(r, PUNTED, .tcp_flags = SHAPE_FIN | SHAPE_ACK);
	r->ctl->workers = 0;
	SEND(r, DROP_PARKED, DATA);
	SEND(r, DROP_PARKED, .tcp_flags = SHAPE_FIN | SHAPE_ACK);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK);
	unpark(r, &flow);
	SEND(r, REDIRECTED, DATA);
}

static void kill_slow_path(struct rig *r, bool hang)
{
	if (hang)
		r->hung = true;
	else
		r->ctl->workers = 0;
	r->ctl->heartbeat_ns[0] = 1;
}

/* Nobody is there: shut until the deadline, then as the answer says. */
static void the_gate_obeys(struct rig *r, bool decided, enum weir_action answer, bool hang)
{
	struct weir_flow flow = waiting(r, answer);
	int passes = decided ? WEIR_REASON_REDIRECTED : WEIR_REASON_STACK_FAILURE;

	if (decided) {
		rig_tell(r, flow.id, RIG_WEB, 0);
		SEND(r, PUNTED, DATA);
	}
	kill_slow_path(r, hang);
	for (int i = 0; i < 3; i++)
		SEND(r, DROP_PARKED, DATA);
	SEND(r, DROP_PARKED, .tcp_flags = SHAPE_FIN | SHAPE_ACK);
	park(r, &flow, time_now_ns() + 20000000, answer);
	SEND(r, DROP_PARKED, DATA);
	usleep(25000);
	if (answer == WEIR_ACTION_PASS) {
		assert_int_equal(rig_send(r, &tcp, NULL), passes);
		assert_int_equal(rig_send(r, &tcp, NULL), passes);
	} else {
		SEND(r, DROP_PARKED, DATA);
		SEND(r, DROP_PARKED, DATA);
	}
	/* It was this direction that waited. */
	assert_int_equal(rig_send(r, &(struct shape){DATA, BACK}, NULL), passes);
}

static void undecided_pass(void **state)
{
	the_gate_obeys(*state, false, WEIR_ACTION_PASS, false);
}

static void undecided_drop(void **state)
{
	the_gate_obeys(*state, false, WEIR_ACTION_DROP, true);
}

static void undecided_reset(void **state)
{
	the_gate_obeys(*state, false, WEIR_ACTION_RESET, false);
}

static void decided_pass(void **state)
{
	the_gate_obeys(*state, true, WEIR_ACTION_PASS, true);
}

static void decided_drop(void **state)
{
	the_gate_obeys(*state, true, WEIR_ACTION_DROP, false);
}

/* `on_failure: drop` drops what is not parked, too, and a policy's drop stays one. */
static void other_reasons_stay(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow = waiting(r, WEIR_ACTION_PASS);

	r->ctl->flags |= WEIR_CTL_FAILURE_DROP;
	r->ctl->workers = 0;
	SEND(r, DROP_PARKED, DATA);
	SEND(r, DROP_FAILURE, DATA, BACK);
	r->ctl->workers = 1;
	rig_tell(r, flow.id, RIG_P2P, 0);
	SEND(r, DROP_VERDICT, DATA);
}

/*
 * One direction is parked, and ten thousand flows share its slot and its place among the numbers:
 * none of their frames is dropped, and each takes the fast path when its own frames are through.
 */
static void strangers_do_not_wait(void **state)
{
	struct rig *r = *state;
	struct weir_flow parked, flow;
	struct weir_flow_key key;
	uint8_t dir;

	r->ctl->slots_mask = 0;
	r->ctl->handover_max_ms = 0;
	parked = waiting(r, WEIR_ACTION_DROP);
	for (uint16_t i = 1; i <= 10000; i++) {
		const struct shape s = {DATA, .sport = i};

		assert_int_equal(rig_send(r, &s, NULL), WEIR_REASON_PUNTED);
		assert_true(rig_flow(r, false, &s, &flow));
		shape_key(&s, &key, &dir);
		rig_tell(r, flow.id, RIG_WEB, 0);
		rig_done(r, &flow, dir, 1);
		assert_int_equal(rig_send(r, &s, NULL), WEIR_REASON_REDIRECTED);
		assert_true(rig_flow(r, true, &s, &flow));
		assert_false(flow.flags & WEIR_FLOW_HANDOVER(dir));
		/* Its entry is not to be the oldest. */
		if (i % 16 == 0)
			SEND(r, PUNTED, DATA);
		/* The table is small, and no recent flow makes room for another. */
		if (i % 32 == 0)
			r->ctl->clock_ds += 30;
		r->read[0] = r->sent[0];
		/* The table is small: it evicts what was not seen for a while. */
		r->ctl->clock_ds++;
	}
	for (uint32_t reason = 0; reason < WEIR_REASON_COUNT; reason++)
		if (reason != WEIR_REASON_PUNTED && reason != WEIR_REASON_REDIRECTED)
			assert_int_equal(
				rig_sum(r, "weir_counters", RIG_A * WEIR_REASON_STRIDE + reason),
				0);
	assert_true(rig_flow(r, false, &tcp, &flow));
	assert_int_equal(flow.id, parked.id);
	unpark(r, &parked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(bare_segments_go_ahead),
		RIG_TEST(settling_bare_segments_follow),
		RIG_TEST(an_end_follows_without_frames),
		RIG_TEST(decided_flows_wait_too),
		RIG_TEST(inspected_flows_wait_too),
		RIG_TEST(undecided_pass),
		RIG_TEST(undecided_drop),
		RIG_TEST(undecided_reset),
		RIG_TEST(decided_pass),
		RIG_TEST(decided_drop),
		RIG_TEST(other_reasons_stay),
		RIG_TEST(strangers_do_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

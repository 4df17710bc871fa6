// SPDX-License-Identifier: GPL-2.0-only
/* From the slow path to the fast one without overtaking, and what happens when it will not end. */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/rig.h"

static const struct shape tcp = {DATA};

/* Two punted frames of direction A to B are in the slow path when the flow is decided. */
static struct weir_flow pending(struct rig *r, uint16_t app, uint8_t flags)
{
	struct weir_flow flow;

	SEND(r, PUNTED, DATA);
	SEND(r, PUNTED, DATA);
	assert_true(rig_flow(r, false, &tcp, &flow));
	rig_tell(r, flow.id, app, flags);
	return flow;
}

static void done_set(struct rig *r, const struct weir_flow *flow, uint32_t number)
{
	struct weir_flow_key key;
	uint8_t dir;

	shape_key(&tcp, &key, &dir);
	rig_done(r, flow, dir, number);
}

static bool handover_bit(const struct rig *r)
{
	struct weir_flow_key key;
	struct weir_flow flow;
	uint8_t dir;

	shape_key(&tcp, &key, &dir);
	assert_true(rig_flow(r, true, &tcp, &flow));
	return flow.flags & WEIR_FLOW_HANDOVER(dir);
}

static void waits_for_the_last_number(void **state)
{
	struct rig *r = *state;
	struct outcome out;
	struct weir_flow flow = pending(r, RIG_WEB, 0);

	assert_int_equal(rig_send(r, &tcp, &out), WEIR_REASON_PUNTED);
	assert_int_equal(out.punt.number, 3);
	assert_int_equal(out.punt.app, RIG_WEB);
	assert_int_equal(out.punt.flags & (WEIR_PUNT_DECIDED | WEIR_PUNT_INSPECT),
			 WEIR_PUNT_DECIDED);
	/* Nothing of the other direction is up there. */
	SEND(r, REDIRECTED, DATA, BACK);
	done_set(r, &flow, 2);
	SEND(r, PUNTED, DATA);
	assert_true(handover_bit(r));
	done_set(r, &flow, 4);
	SEND(r, REDIRECTED, DATA);
	assert_false(handover_bit(r));
	/* Once over it is over, whatever stands there. */
	done_set(r, &flow, 3);
	SEND(r, REDIRECTED, DATA);
}

static void bare_segments_follow_data(void **state)
{
	struct rig *r = *state;

	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_ACK);
	SEND(r, PUNTED, DATA);
	SEND(r, PUNTED, .tcp_flags = SHAPE_ACK);
	SEND(r, PUNTED, .tcp_flags = SHAPE_FIN | SHAPE_ACK);
	SEND(r, PUNTED, .tcp_flags = SHAPE_RST);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_ACK, BACK);
	rig_finish(r);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_ACK);
}

static void decided_bare_segments_follow_data(void **state)
{
	struct rig *r = *state;

	pending(r, RIG_WEB, 0);
	SEND(r, PUNTED, .tcp_flags = SHAPE_FIN | SHAPE_ACK);
	rig_finish(r);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK);
}

/* A drop needs no order. */
static void drop_does_not_wait(void **state)
{
	struct rig *r = *state;

	pending(r, RIG_P2P, 0);
	SEND(r, DROP_VERDICT, DATA);
}

static unsigned int drops_of(struct rig *r, unsigned int frames, unsigned int *punts)
{
	unsigned int drops = 0;

	*punts = 0;
	for (unsigned int i = 0; i < frames; i++) {
		int reason = rig_send(r, &tcp, NULL);

		assert_true(reason == WEIR_REASON_PUNTED || reason == WEIR_REASON_DROP_HANDOVER);
		if (reason == WEIR_REASON_PUNTED)
			(*punts)++;
		else
			drops++;
	}
	return drops;
}

/* Longer than the bound: arrivals are dropped, but for one probe a millisecond. */
static void drains_by_dropping(void **state)
{
	static struct built frame;
	struct rig *r = *state;
	unsigned int drops, punts;
	uint64_t begin, elapsed_ms;

	r->ctl->handover_max_ms = 20;
	r->ctl->ring_frames = 1 << 20; /* however many milliseconds the frames take */
	pending(r, RIG_WEB, 0);
	SEND(r, PUNTED, DATA);
	usleep(25000);
	shape_build(&tcp, &frame);
	begin = time_now_ns();
	drops = drops_of(r, 200, &punts);
	elapsed_ms = (time_now_ns() - begin) / 1000000;
	assert_int_equal(drops + punts, 200);
	assert_in_range(punts, 1, elapsed_ms + 2);
	rig_finish(r);
	SEND(r, REDIRECTED, DATA);
	assert_false(handover_bit(r));
}

/* Many frames within one millisecond: all but one are dropped, in one run of the program. */
static void probe_is_one_a_millisecond(void **state)
{
	struct rig *r = *state;
	struct built frame;
	uint64_t before, after, begin, elapsed_ms;
	uint32_t punted = RIG_A * WEIR_REASON_STRIDE + WEIR_REASON_PUNTED;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.data, .repeat = 20000);

	if (r->hook == RIG_TC)
		return; /* a repeated run would go on with the frame as the last one left it */
	r->ctl->handover_max_ms = 1;
	r->ctl->ring_frames = 1 << 20;
	pending(r, RIG_WEB, 0);
	SEND(r, PUNTED, DATA);
	usleep(2000);
	shape_build(&tcp, &frame);
	opts.data_size_in = frame.len;
	before = rig_sum(r, "weir_counters", punted);
	r->ctl->heartbeat_ns[0] = begin = time_now_ns();
	assert_int_equal(bpf_prog_test_run_opts(rig_prog(r), &opts), 0);
	elapsed_ms = (time_now_ns() - begin) / 1000000;
	after = rig_sum(r, "weir_counters", punted);
	assert_in_range(after - before, 0, elapsed_ms + 2);
	assert_true(rig_sum(r, "weir_counters",
			    RIG_A * WEIR_REASON_STRIDE + WEIR_REASON_DROP_HANDOVER) > 10000);
}

/* Decided flows never notice a dead daemon, even in hand-over. */
static void dead_slow_path_ends_it(void **state)
{
	struct rig *r = *state;

	r->ctl->flags |= WEIR_CTL_FAILURE_DROP;
	r->ctl->handover_max_ms = 0;
	pending(r, RIG_WEB, 0);
	r->ctl->workers = 0;
	SEND(r, REDIRECTED, DATA);
	assert_false(handover_bit(r));
	r->ctl->workers = 1;
	SEND(r, REDIRECTED, DATA);
}

static void full_ring_does_not_reorder(void **state)
{
	struct rig *r = *state;

	pending(r, RIG_WEB, 0);
	r->sent[0] = r->read[0] + 60;
	SEND(r, DROP_OVERLOAD, DATA);
	rig_finish(r);
	SEND(r, REDIRECTED, DATA);
}

static void inspected_flow(void **state)
{
	struct rig *r = *state;
	struct outcome out;

	pending(r, RIG_WEB, WEIR_IDENTIFIED_INSPECT);
	assert_int_equal(rig_send(r, &tcp, &out), WEIR_REASON_PUNTED);
	assert_int_equal(out.punt.flags & (WEIR_PUNT_DECIDED | WEIR_PUNT_INSPECT),
			 WEIR_PUNT_INSPECT);
	assert_int_equal(out.punt.app, RIG_WEB);
	assert_int_equal(rig_send(r, &(struct shape){.seq = 1}, &out), WEIR_REASON_PUNTED);
	assert_true(out.punt.flags & WEIR_PUNT_DECIDED);
	rig_finish(r);
	SEND(r, REDIRECTED, .seq = 1);
	SEND(r, PUNTED, DATA, BACK);
	/* However long it takes, an inspected flow is not drained by dropping. */
	r->ctl->handover_max_ms = 0;
	SEND(r, PUNTED, DATA, BACK);
	SEND(r, PUNTED, DATA, BACK);
	/* Without room it goes uninspected where that does not reorder. */
	r->sent[0] = r->read[0] + 60;
	SEND(r, REDIRECTED, DATA);
	r->sent[1] = r->read[1] + 60;
	SEND(r, DROP_OVERLOAD, DATA, BACK);
	r->ctl->workers = 0;
	SEND(r, REDIRECTED, DATA, BACK);
}

/* The module has seen enough: the flow goes over to the fast path in order. */
static void inspection_ends(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow = pending(r, RIG_WEB, WEIR_IDENTIFIED_INSPECT);

	rig_finish(r);
	SEND(r, PUNTED, DATA);
	rig_tell(r, flow.id, RIG_WEB, 0);
	r->ctl->generation += 2;
	SEND(r, PUNTED, DATA);
	assert_true(handover_bit(r));
	rig_finish(r);
	SEND(r, REDIRECTED, DATA);
}

/* The verdict alone ends it too, without a new generation. */
static void inspection_ends_by_verdict(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow = pending(r, RIG_WEB, WEIR_IDENTIFIED_INSPECT);

	rig_finish(r);
	SEND(r, PUNTED, DATA);
	rig_tell(r, flow.id, RIG_WEB, 0);
	SEND(r, PUNTED, DATA);
	assert_true(handover_bit(r));
	rig_finish(r);
	SEND(r, REDIRECTED, DATA);
	assert_false(handover_bit(r));
}

/* Frames of a dropped flow that are still up there come before those of the flow let go. */
static void drop_that_becomes_pass(void **state)
{
	static const uint8_t loose[RIG_APPS] = {[RIG_P2P] = WEIR_ACTION_PASS};
	struct rig *r = *state;

	pending(r, RIG_P2P, 0);
	SEND(r, DROP_VERDICT, DATA);
	rig_policy(r, 2, loose);
	SEND(r, PUNTED, DATA);
	rig_finish(r);
	SEND(r, REDIRECTED, DATA);
}

/* A reload does not take flows off the fast path because of what shares their place. */
static void reload_keeps_the_fast_path(void **state)
{
	static const uint8_t same[RIG_APPS] = {[RIG_WEB] = WEIR_ACTION_PASS};
	struct rig *r = *state;
	struct weir_flow flow = pending(r, RIG_WEB, 0);

	rig_finish(r);
	SEND(r, REDIRECTED, DATA);
	done_set(r, &flow, 1);
	rig_policy(r, 2, same);
	SEND(r, REDIRECTED, DATA);
}

/* All flows share one slot and one place: one of them holds a frame, and delays no other. */
static void a_held_frame_delays_no_stranger(void **state)
{
	struct rig *r = *state;
	struct weir_flow held, stranger;
	struct weir_flow_key key;
	uint8_t dir;

	r->ctl->slots_mask = 0;
	SEND(r, PUNTED, DATA, .sport = 1);
	assert_true(rig_flow(r, false, &(struct shape){.sport = 1}, &held));
	for (uint16_t i = 2; i < 100; i++) {
		struct shape s = {DATA, .sport = i};

		assert_int_equal(rig_send(r, &s, NULL), WEIR_REASON_PUNTED);
		assert_true(rig_flow(r, false, &s, &stranger));
		rig_tell(r, stranger.id, RIG_WEB, 0);
		shape_key(&s, &key, &dir);
		rig_done(r, &stranger, dir, 1);
		assert_int_equal(rig_send(r, &s, NULL), WEIR_REASON_REDIRECTED);
		assert_true(rig_flow(r, true, &s, &stranger));
		assert_false(stranger.flags & WEIR_FLOW_HANDOVER(dir));
		r->read[0] = r->sent[0];
	}
	/* A bare segment of the one still follows its frame. */
	SEND(r, PUNTED, .tcp_flags = SHAPE_ACK, .sport = 1);
	rig_tell(r, held.id, RIG_WEB, 0);
	SEND(r, PUNTED, DATA, .sport = 1);
	shape_key(&(struct shape){.sport = 1}, &key, &dir);
	rig_done(r, &held, dir, 3);
	SEND(r, REDIRECTED, DATA, .sport = 1);
}

/* What was read makes room for the answer of another flow. */
static void an_answer_that_was_read_goes(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow = pending(r, RIG_WEB, 0);
	struct weir_flow_key key;
	uint8_t dir;

	SEND(r, PUNTED, DATA);
	shape_key(&tcp, &key, &dir);
	done_set(r, &flow, 3);
	SEND(r, REDIRECTED, DATA);
	assert_true(r->done[weir_done_index(flow.id, dir, r->ctl->slots_mask)] == 0);
	done_set(r, &flow, 2);
	SEND(r, REDIRECTED, DATA);
	assert_false(r->done[weir_done_index(flow.id, dir, r->ctl->slots_mask)] == 0);
}

/* What a cell, a peer or user space asks for, and what lets the flow off. */
static void cells_and_peers_are_obeyed(void **state)
{
	struct rig *r = *state;
	struct weir_identification v = {
		.app = RIG_WEB, .method = WEIR_METHOD_SIGNATURE, .flags = WEIR_IDENTIFIED_RELEASE};
	struct weir_flow flow;
	struct outcome out;

	rig_watch(r, RIG_WEB, WEIR_CELL_INSPECT | WEIR_CELL_TAP);
	flow = pending(r, RIG_WEB, 0);
	rig_finish(r);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rig_send(r, &tcp, &out), WEIR_REASON_PUNTED);
		assert_int_equal(out.punt.flags &
					 (WEIR_PUNT_DECIDED | WEIR_PUNT_INSPECT | WEIR_PUNT_TAP),
				 WEIR_PUNT_INSPECT | WEIR_PUNT_TAP);
	}
	/* The cell still has it copied. */
	rig_put(r, "weir_identified", &flow.id, &v);
	assert_int_equal(rig_send(r, &tcp, &out), WEIR_REASON_PUNTED);
	assert_int_equal(out.punt.flags & (WEIR_PUNT_DECIDED | WEIR_PUNT_INSPECT | WEIR_PUNT_TAP),
			 WEIR_PUNT_DECIDED | WEIR_PUNT_TAP);
	rig_watch(r, RIG_WEB, 0);
	r->ctl->generation += 2;
	rig_finish(r);
	SEND(r, REDIRECTED, DATA);

	rig_reconnect(r, RIG_PING, rig_soon(), WEIR_PEER_INSPECT);
	assert_int_equal(rig_send(r, &(struct shape){DATA, .sport = 7}, &out), WEIR_REASON_PUNTED);
	assert_true(out.punt.flags & WEIR_PUNT_INSPECT);
	assert_int_equal(out.punt.app, RIG_PING);
	/* A policy that is loaded again does not forget the peer, nor does a plain identification.
	 */
	r->ctl->generation += 2;
	assert_true(rig_flow(r, true, &(struct shape){.sport = 7}, &flow));
	rig_tell(r, flow.id, RIG_PING, 0);
	SEND(r, PUNTED, DATA, .sport = 7);
	rig_put(r, "weir_identified", &flow.id, &v);
	rig_finish(r);
	SEND(r, REDIRECTED, DATA, .sport = 7);
	/* User space asks to copy; without the slow path it goes on all the same. */
	v.flags = WEIR_IDENTIFIED_TAP;
	rig_put(r, "weir_identified", &flow.id, &v);
	r->ctl->generation += 2;
	assert_int_equal(rig_send(r, &(struct shape){DATA, .sport = 7}, &out), WEIR_REASON_PUNTED);
	assert_true(out.punt.flags & WEIR_PUNT_TAP);
	rig_finish(r);
	r->ctl->workers = 0;
	SEND(r, REDIRECTED, DATA, .sport = 7);
}

/* Every frame that went in came out under one reason, over all of the above at once. */
static void conservation(void **state)
{
	static const uint8_t apps[] = {RIG_UNKNOWN, RIG_WEB, RIG_P2P, RIG_CHAT};
	struct rig *r = *state;
	struct weir_flow flow;
	uint64_t sum = 0;
	unsigned int frames = 0;

	for (unsigned int i = 0; i < 40; i++) {
		struct shape s = {.sport = 1 + i % 8, .payload = i * 37 % 900, .tags = i % 3};

		for (unsigned int j = 0; j < 6; j++, frames++) {
			s.reverse = j & 1;
			s.tcp_flags = j == 5 ? SHAPE_FIN | SHAPE_ACK : SHAPE_ACK;
			assert_int_not_equal(rig_send(r, &s, NULL), RIG_BROKEN);
		}
		if (rig_flow(r, false, &s, &flow))
			rig_tell(r, flow.id, apps[i % 4], 0);
		if (i % 5 == 0)
			rig_finish(r);
	}
	for (uint32_t i = 0; i < 3 * WEIR_REASON_STRIDE; i++)
		sum += rig_sum(r, "weir_counters", i);
	assert_int_equal(sum, frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(waits_for_the_last_number),
		RIG_TEST(bare_segments_follow_data),
		RIG_TEST(decided_bare_segments_follow_data),
		RIG_TEST(drop_does_not_wait),
		RIG_TEST(drains_by_dropping),
		RIG_TEST(probe_is_one_a_millisecond),
		RIG_TEST(dead_slow_path_ends_it),
		RIG_TEST(full_ring_does_not_reorder),
		RIG_TEST(inspected_flow),
		RIG_TEST(inspection_ends),
		RIG_TEST(inspection_ends_by_verdict),
		RIG_TEST(drop_that_becomes_pass),
		RIG_TEST(reload_keeps_the_fast_path),
		RIG_TEST(a_held_frame_delays_no_stranger),
		RIG_TEST(an_answer_that_was_read_goes),
		RIG_TEST(cells_and_peers_are_obeyed),
		RIG_TEST(conservation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

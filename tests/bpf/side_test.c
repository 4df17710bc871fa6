// SPDX-License-Identifier: GPL-2.0-only
/* Inspected flows of which one side is not wanted, and the ends of streams that are read. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/rig.h"

#define UP    (WEIR_PUNT_DECIDED | WEIR_PUNT_INSPECT | WEIR_PUNT_TAP)
#define ASKED WEIR_IDENTIFIED_INSPECT
#define NO_A  WEIR_IDENTIFIED_SKIP_ORIGINATOR
#define NO_B  WEIR_IDENTIFIED_SKIP_RESPONDER
#define FIN   .tcp_flags = SHAPE_FIN | SHAPE_ACK
#define RST   .tcp_flags = SHAPE_RST

static const struct shape tcp = {DATA};

/* A frame goes up with these of the flags in UP. */
#define GOES_UP(r, up, ...) goes_up(r, up, &(struct shape){__VA_ARGS__})
static void goes_up(struct rig *r, uint16_t up, const struct shape *s)
{
	struct outcome out;

	assert_int_equal(rig_send(r, s, &out), WEIR_REASON_PUNTED);
	assert_int_equal(out.punt.flags & UP, up);
}

/* An inspected flow that A opened, with nothing in the slow path. */
static uint64_t inspected(struct rig *r, uint8_t flags)
{
	struct weir_flow flow;

	SEND(r, PUNTED, DATA);
	SEND(r, PUNTED, DATA, BACK);
	assert_true(rig_flow(r, false, &tcp, &flow));
	rig_tell(r, flow.id, RIG_WEB, flags);
	rig_finish(r);
	return flow.id;
}

static uint32_t flags_of(struct rig *r)
{
	struct weir_flow flow;

	assert_true(rig_flow(r, true, &tcp, &flow));
	return flow.flags;
}

/* The one is the fast path's from the decision on, the other is read. */
static void one_side_is_read(void **state)
{
	struct rig *r = *state;

	inspected(r, ASKED | NO_B);
	for (int i = 0; i < 3; i++) {
		GOES_UP(r, WEIR_PUNT_INSPECT, DATA);
		SEND(r, REDIRECTED, DATA, BACK);
		SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK, BACK);
	}
	/* Acknowledgements follow what is ahead of them, and nothing else. */
	GOES_UP(r, WEIR_PUNT_DECIDED, .tcp_flags = SHAPE_ACK);
	rig_finish(r);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK);
}

/* Sides are originator and responder, whatever their order in the key. */
static void sides_are_by_origin(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow;

	SEND(r, PUNTED, DATA, BACK);
	assert_true(rig_flow(r, false, &tcp, &flow));
	assert_true(flow.flags & WEIR_FLOW_ORIGIN);
	rig_tell(r, flow.id, RIG_WEB, ASKED | NO_A);
	rig_finish(r);
	SEND(r, REDIRECTED, DATA, BACK);
	GOES_UP(r, WEIR_PUNT_INSPECT, DATA);
}

/* The side that is given up drains by itself; the other never notices. */
static void a_side_is_handed_over(void **state)
{
	struct rig *r = *state;
	uint64_t id = inspected(r, ASKED);
	struct weir_flow flow;

	GOES_UP(r, WEIR_PUNT_INSPECT, DATA);
	GOES_UP(r, WEIR_PUNT_INSPECT, DATA, BACK);
	rig_tell(r, id, RIG_WEB, ASKED | NO_B);
	GOES_UP(r, WEIR_PUNT_DECIDED, DATA, BACK);
	GOES_UP(r, WEIR_PUNT_DECIDED, .tcp_flags = SHAPE_ACK, BACK);
	assert_int_equal(flags_of(r) & 3, WEIR_FLOW_HANDOVER(1));
	assert_true(rig_flow(r, true, &tcp, &flow));
	rig_done(r, &flow, 1, flow.given[1] - 1);
	GOES_UP(r, WEIR_PUNT_DECIDED, DATA, BACK);
	rig_done(r, &flow, 1, flow.given[1] + 1);
	SEND(r, REDIRECTED, DATA, BACK);
	assert_int_equal(flags_of(r) & 3, 0);
	/* What of it waits for longer than the bound is dropped, of its own side alone. */
	GOES_UP(r, WEIR_PUNT_INSPECT, DATA);
}

/* An answer that does not come bounds the hand-over of the one side. */
static void the_hand_over_of_a_side_is_bounded(void **state)
{
	struct rig *r = *state;
	uint64_t id = inspected(r, ASKED);
	unsigned int dropped = 0;

	r->ctl->handover_max_ms = 0;
	GOES_UP(r, WEIR_PUNT_INSPECT, DATA, BACK);
	rig_tell(r, id, RIG_WEB, ASKED | NO_B);
	for (int i = 0; i < 50; i++)
		dropped +=
			rig_send(r, &(struct shape){DATA, BACK}, NULL) == WEIR_REASON_DROP_HANDOVER;
	assert_in_range(dropped, 1, 50);
	GOES_UP(r, WEIR_PUNT_INSPECT, DATA);
	/* Wanted again it is not in hand-over any more. */
	rig_tell(r, id, RIG_WEB, ASKED);
	for (int i = 0; i < 20; i++) {
		GOES_UP(r, WEIR_PUNT_INSPECT, DATA, BACK);
		r->read[1] = r->sent[1];
	}
}

/* Given up, asked for again, given up: the next frame of either side sees to it. */
static void the_mind_is_changed(void **state)
{
	struct rig *r = *state;
	uint64_t id = inspected(r, ASKED | NO_B);

	SEND(r, REDIRECTED, DATA, BACK);
	rig_tell(r, id, RIG_WEB, ASKED);
	GOES_UP(r, WEIR_PUNT_INSPECT, DATA, BACK);
	rig_tell(r, id, RIG_WEB, ASKED | NO_A);
	SEND(r, REDIRECTED, DATA);
	GOES_UP(r, WEIR_PUNT_INSPECT, DATA, BACK);
	rig_tell(r, id, RIG_WEB, ASKED | NO_A | NO_B);
	SEND(r, REDIRECTED, DATA);
	GOES_UP(r, WEIR_PUNT_DECIDED, DATA, BACK);
	rig_finish(r);
	SEND(r, REDIRECTED, DATA, BACK);
	rig_tell(r, id, RIG_WEB, ASKED | NO_B);
	GOES_UP(r, WEIR_PUNT_INSPECT, DATA);
	SEND(r, REDIRECTED, DATA, BACK);
	rig_tell(r, id, RIG_WEB, 0);
	GOES_UP(r, WEIR_PUNT_DECIDED, DATA);
	rig_finish(r);
	SEND(r, REDIRECTED, DATA);
	SEND(r, REDIRECTED, DATA, BACK);
}

/* A policy that is loaded again forgets nothing of it; a copy is asked of both sides. */
static void cells_and_copies(void **state)
{
	struct rig *r = *state;
	uint64_t id;

	rig_watch(r, RIG_WEB, WEIR_CELL_INSPECT);
	id = inspected(r, NO_A);
	SEND(r, REDIRECTED, DATA);
	GOES_UP(r, WEIR_PUNT_INSPECT, DATA, BACK);
	r->ctl->generation += 2;
	SEND(r, REDIRECTED, DATA);
	GOES_UP(r, WEIR_PUNT_INSPECT, DATA, BACK);
	rig_tell(r, id, RIG_WEB, NO_A | WEIR_IDENTIFIED_TAP);
	GOES_UP(r, WEIR_PUNT_TAP | WEIR_PUNT_DECIDED, DATA);
	GOES_UP(r, WEIR_PUNT_TAP | WEIR_PUNT_INSPECT, DATA, BACK);
}

/* A tap has all frames, acknowledgements too; the slow path is told by which rule. */
static void a_tap_gets_every_frame(void **state)
{
	struct rig *r = *state;
	const struct shape frames[] = {
		{.tcp_flags = SHAPE_ACK},
		{.tcp_flags = SHAPE_ACK, BACK},
		{FIN},
	};
	struct weir_flow flow;
	struct outcome out;

	rig_watch(r, RIG_WEB, WEIR_CELL_TAP);
	inspected(r, 0);
	GOES_UP(r, WEIR_PUNT_TAP | WEIR_PUNT_DECIDED, DATA);
	assert_true(rig_flow(r, true, &tcp, &flow));
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		assert_int_equal(rig_send(r, &frames[i], &out), WEIR_REASON_PUNTED);
		assert_int_equal(out.punt.flags & UP, WEIR_PUNT_TAP | WEIR_PUNT_DECIDED);
		assert_int_equal(out.punt.isn, flow.rule);
	}
}

/* What comes back from a queueing discipline waits until that is empty. */
static void a_side_that_returns_settles(void **state)
{
	struct rig *r = *state;
	struct outcome out;
	uint64_t id;

	r->ctl->settle_queue_ms = 1000;
	rig_exit(r, RIG_WEB, WEIR_EXIT_SHAPED, 3);
	id = inspected(r, ASKED | NO_B);
	usleep(1100000);
	SEND(r, STACK_SHAPED, DATA, BACK);
	rig_tell(r, id, RIG_WEB, ASKED);
	assert_int_equal(rig_send(r, &(struct shape){DATA, BACK}, &out), WEIR_REASON_PUNTED);
	assert_int_equal(out.punt.flags & (UP | WEIR_PUNT_SETTLE),
			 WEIR_PUNT_INSPECT | WEIR_PUNT_SETTLE);
}

/* A stream that is read ends with its FIN, both with a reset. */
static void ends_are_told(void **state)
{
	struct rig *r = *state;

	inspected(r, ASKED);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK);
	GOES_UP(r, WEIR_PUNT_INSPECT, FIN);
	GOES_UP(r, WEIR_PUNT_INSPECT, FIN, BACK);
	rig_finish(r);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK, BACK);
	GOES_UP(r, WEIR_PUNT_INSPECT, RST);
	/* Without a slow path they take the fast one like all else. */
	r->ctl->workers = 0;
	SEND(r, REDIRECTED, FIN);
}

static void ends_of_a_side_that_is_not_read(void **state)
{
	struct rig *r = *state;
	uint64_t id = inspected(r, ASKED | NO_B);

	SEND(r, REDIRECTED, FIN, BACK);
	GOES_UP(r, WEIR_PUNT_INSPECT, RST, BACK);
	/* Nothing overtakes it. */
	GOES_UP(r, WEIR_PUNT_DECIDED, DATA, BACK);
	rig_finish(r);
	SEND(r, REDIRECTED, DATA, BACK);
	rig_tell(r, id, RIG_WEB, 0);
	SEND(r, REDIRECTED, RST);
}

/* Where nothing of the flow ever went up, nobody waits for its end. */
static void ends_of_undecided_flows(void **state)
{
	struct rig *r = *state;

	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_RST | SHAPE_ACK, BACK);
	SEND(r, PUNTED, DATA, .sport = 2);
	rig_finish(r);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_ACK, .sport = 2);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_ACK, .sport = 2, BACK);
	GOES_UP(r, 0, FIN, .sport = 2);
	GOES_UP(r, 0, FIN, .sport = 2, BACK);
	rig_finish(r);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_ACK, .sport = 2);
}

/* Host A was told of a port of B's, to be inspected. */
static void expect(struct rig *r)
{
	struct weir_endpoint_key key = {.port = htons(80), .domain = 1};
	struct weir_peer peer = {
		.expires_ns = rig_soon(),
		.app = RIG_CHAT,
		.source = WEIR_SOURCE_EXPECTATION,
		.confidence = 90,
		.flags = WEIR_PEER_INSPECT,
	};

	shape_address(&(struct shape){0}, false, key.host);
	shape_address(&(struct shape){0}, true, key.peer);
	rig_put(r, "weir_endpoints", &key, &peer);
}

static void numbered(struct rig *r, const struct shape *s, uint32_t isn, uint32_t number)
{
	struct outcome out;

	assert_int_equal(rig_send(r, s, &out), WEIR_REASON_PUNTED);
	assert_int_equal(out.punt.flags & UP, WEIR_PUNT_INSPECT);
	assert_true(out.punt.flags & WEIR_PUNT_ISN);
	assert_int_equal(out.punt.isn, isn);
	assert_int_equal(out.punt.number, number);
	assert_int_equal(out.punt.app, RIG_CHAT);
}

/* An expected connection is read from its first byte on, in both directions. */
static void an_expectation_is_read_from_the_start(void **state)
{
	const uint8_t loose[RIG_APPS] = {[RIG_CHAT] = WEIR_ACTION_PASS};
	struct rig *r = *state;

	rig_policy(r, 2, loose);
	expect(r);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_SYN, .seq = 1000);
	assert_true(flags_of(r) & WEIR_FLOW_INSPECT);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_SYN | SHAPE_ACK, .seq = 7000, BACK);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK, .seq = 1001);
	numbered(r, &(struct shape){DATA, .seq = 7001, BACK}, 7000, 1);
	numbered(r, &(struct shape){DATA, .seq = 7041, BACK}, 7000, 2);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK, .seq = 1001);
	numbered(r, &(struct shape){DATA, .seq = 1001}, 1000, 1);
	numbered(r, &(struct shape){FIN, .seq = 7081, BACK}, 7000, 3);
	numbered(r, &(struct shape){FIN, .seq = 1041}, 1000, 2);
}

/* In a SYN with data the first byte goes up too. */
static void an_expected_syn_with_data(void **state)
{
	const uint8_t loose[RIG_APPS] = {[RIG_CHAT] = WEIR_ACTION_PASS};
	struct rig *r = *state;

	rig_policy(r, 2, loose);
	expect(r);
	numbered(r, &(struct shape){DATA, .tcp_flags = SHAPE_SYN, .seq = 50}, 50, 1);
	numbered(r, &(struct shape){DATA, .seq = 91}, 50, 2);
}

/* Whatever is asked in whatever order, each frame comes out under one reason. */
static void conservation(void **state)
{
	static const uint8_t asked[] = {ASKED, ASKED | NO_A, ASKED | NO_B, 0, ASKED | NO_A | NO_B};
	struct rig *r = *state;
	uint64_t sum = 0, id = inspected(r, ASKED);
	unsigned int frames = 2;

	for (unsigned int i = 0; i < 60; i++) {
		struct shape s = {.payload = i % 3 * 20, FIN};

		rig_tell(r, id, RIG_WEB, asked[i % ARRAY_SIZE(asked)]);
		for (unsigned int j = 0; j < 6; j++, frames++) {
			s.reverse = j & 1;
			s.tcp_flags = j == 5 ? SHAPE_FIN | SHAPE_ACK : SHAPE_ACK;
			assert_int_not_equal(rig_send(r, &s, NULL), RIG_BROKEN);
		}
		if (i % 4 == 0)
			rig_finish(r);
	}
	for (uint32_t i = 0; i < 3 * WEIR_REASON_STRIDE; i++)
		sum += rig_sum(r, "weir_counters", i);
	assert_int_equal(sum, frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(one_side_is_read),
		RIG_TEST(sides_are_by_origin),
		RIG_TEST(a_side_is_handed_over),
		RIG_TEST(the_hand_over_of_a_side_is_bounded),
		RIG_TEST(the_mind_is_changed),
		RIG_TEST(cells_and_copies),
		RIG_TEST(a_tap_gets_every_frame),
		RIG_TEST(a_side_that_returns_settles),
		RIG_TEST(ends_are_told),
		RIG_TEST(ends_of_a_side_that_is_not_read),
		RIG_TEST(ends_of_undecided_flows),
		RIG_TEST(an_expectation_is_read_from_the_start),
		RIG_TEST(an_expected_syn_with_data),
		RIG_TEST(conservation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

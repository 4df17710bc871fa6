// SPDX-License-Identifier: GPL-2.0-only
/* What becomes of a flow's frames: told from the maps before and after each. Hand-over apart. */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/rig.h"

#define SEND(r, reason, ...)                                                                       \
	assert_int_equal(rig_send(r, &(struct shape){__VA_ARGS__}, NULL), WEIR_REASON_##reason)
#define BACK .reverse = true
#define DATA .payload = 40
#define UDP  .proto = IPPROTO_UDP, .payload = 40

static const struct shape tcp = {DATA};

/* Lets the gate see a TCP flow's start and says what it is. Returns its id. */
static uint64_t identify(struct rig *r, const struct shape *s, uint16_t app)
{
	struct weir_flow flow;

	assert_int_equal(rig_send(r, s, NULL), WEIR_REASON_PUNTED);
	assert_true(rig_flow(r, false, s, &flow));
	rig_verdict(r, flow.id, app, 0);
	rig_finish(r);
	return flow.id;
}

static void unconfigured(void **state)
{
	struct rig *r = *state;
	struct outcome out;

	rig_port_flags(r, RIG_A, 0);
	assert_int_equal(rig_send(r, &tcp, &out), WEIR_REASON_STACK_DISABLED);
	assert_int_equal(out.port, RIG_A);
	rig_port_flags(r, RIG_A, WEIR_PORT_ENABLED);
	assert_int_equal(rig_send(r, &tcp, &out), WEIR_REASON_STACK_NOT_FORWARDING);
	rig_port_flags(r, RIG_A, RIG_PORT_USUAL);
	r->ctl->generation = 0;
	assert_int_equal(rig_send(r, &tcp, &out), WEIR_REASON_STACK_DISABLED);
	r->ctl->generation = 1;
	rig_run(r, 0, &(uint8_t[64]){0}, 64, &out);
	assert_int_equal(out.reason, WEIR_REASON_STACK_DISABLED);
	assert_int_equal(out.port, 0);
}

/* The metadata tells the slow path all that the gate knows. */
static void punt_metadata(void **state)
{
	struct rig *r = *state;
	struct weir_flow_key key;
	struct weir_flow flow;
	struct outcome out;
	uint8_t dir;

	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .seq = 1000);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN | SHAPE_ACK, .seq = 2000, BACK);
	SEND(r, STACK_NO_PAYLOAD, .seq = 1001);
	assert_int_equal(rig_send(r, &(struct shape){DATA, .seq = 1001}, &out), WEIR_REASON_PUNTED);
	shape_key(&tcp, &key, &dir);
	assert_true(rig_flow(r, false, &tcp, &flow));
	assert_true(flow.id && out.punt.flow_id == flow.id);
	assert_int_equal(out.punt.number, 1);
	assert_int_equal(out.punt.slot, flow.slot);
	assert_int_equal(out.punt.isn[dir], 1000);
	assert_int_equal(out.punt.isn[!dir], 2000);
	assert_int_equal(out.punt.segments, 1);
	assert_int_equal(out.punt.dir, dir);
	assert_int_equal(out.punt.in_port, RIG_A);
	assert_int_equal(out.punt.out_port, RIG_B);
	assert_int_equal(out.punt.flags, WEIR_PUNT_ISN(0) | WEIR_PUNT_ISN(1) | WEIR_PUNT_TWOWAY |
						 (dir ? WEIR_PUNT_ORIGIN : 0));
	assert_int_equal(flow.frames[dir], 3);
	assert_int_equal(flow.frames[!dir], 1);
	assert_int_equal(flow.epoch, 7);
	assert_int_equal(r->sent[0], 1);
	assert_int_equal(rig_send(r, &(struct shape){DATA, BACK}, &out), WEIR_REASON_PUNTED);
	assert_int_equal(out.punt.number, 1);
	assert_int_equal(out.punt.dir, !dir);
	assert_int_equal(out.punt.out_port, RIG_A);
	assert_int_equal(r->sent[1], 1);
}

/* TC: the tags leave the frame and stand in the prefix. */
static void punt_of_tagged_frames(void **state)
{
	struct rig *r = *state;
	struct outcome out;
	struct built frame;

	for (int tags = 0; tags <= 2; tags++) {
		struct shape s = {UDP, .tags = tags};

		shape_build(&s, &frame);
		rig_run(r, RIG_A, frame.data, frame.len, &out);
		assert_int_equal(out.reason, WEIR_REASON_PUNTED);
		assert_true(out.punted);
		if (r->hook == RIG_XDP) {
			assert_memory_equal(out.data + 32, frame.data, frame.len);
			continue;
		}
		assert_int_equal(out.prefix.tags, tags);
		assert_int_equal(out.len, frame.len + 64 - 4 * tags);
		assert_memory_equal(out.prefix.tag, frame.data + 12, 4 * tags);
		assert_memory_equal(out.data + 64, frame.data, 12);
		assert_memory_equal(out.data + 76, frame.data + 12 + 4 * tags,
				    frame.len - 12 - 4 * tags);
		rig_finish(r);
	}
}

static void verdict_pass(void **state)
{
	struct rig *r = *state;
	struct weir_event event;
	struct weir_flow flow;
	uint64_t id;
	uint8_t dir;
	struct weir_flow_key key;

	shape_key(&tcp, &key, &dir);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .seq = 9);
	id = identify(r, &tcp, RIG_WEB);
	assert_int_equal(rig_sum(r, "weir_app_bytes", RIG_WEB * 2), 0);
	SEND(r, REDIRECTED, DATA);
	SEND(r, REDIRECTED, DATA, BACK);
	SEND(r, REDIRECTED, .seq = 3);
	assert_true(rig_flow(r, true, &tcp, &flow));
	assert_true(flow.id == id && flow.decided_ns);
	assert_int_equal(flow.app, RIG_WEB);
	assert_int_equal(flow.rule, RIG_WEB);
	assert_int_equal(flow.action, WEIR_ACTION_PASS);
	assert_int_equal(flow.method, WEIR_METHOD_SIGNATURE);
	assert_int_equal(flow.confidence, 90);
	assert_int_equal(flow.isn[dir], 9);
	assert_int_equal(flow.frames[dir], 4);
	assert_int_equal(flow.frames[!dir], 1);
	assert_int_equal(rig_sum(r, "weir_app_bytes", RIG_WEB * 2), 4);
	assert_int_equal(rig_sum(r, "weir_app_bytes", RIG_WEB * 2 + 1), 1);
	assert_int_equal(
		rig_sum(r, "weir_app_flows", RIG_WEB * WEIR_METHOD_COUNT + WEIR_METHOD_SIGNATURE),
		1);
	assert_int_equal(rig_sum(r, "weir_rule_hits", WEIR_RULES_MAX + 1 + RIG_WEB), 1);
	assert_int_equal(rig_sum(r, "weir_sent", RIG_B), 2);
	assert_int_equal(rig_sum(r, "weir_sent", RIG_A), 1);
	assert_int_equal(rig_events(r, WEIR_EVENT_DECIDED, &event), 1);
	assert_true(event.flow.id == id && event.port == RIG_A);
	assert_memory_equal(&event.key, &key, sizeof(key));
	assert_true(rig_flow(r, false, &tcp, &flow));
	assert_true(flow.flags & WEIR_FLOW_MOVED);
}

static void verdict_drop(void **state)
{
	struct rig *r = *state;

	identify(r, &tcp, RIG_P2P);
	for (int i = 0; i < 3; i++) {
		SEND(r, DROP_VERDICT, DATA);
		SEND(r, DROP_VERDICT, DATA, BACK);
	}
	/* Another flow of the same hosts is none of it. */
	SEND(r, PUNTED, DATA, .sport = 40001);
}

static void verdict_reset(void **state)
{
	struct rig *r = *state;
	struct outcome out;

	identify(r, &tcp, RIG_CHAT);
	SEND(r, DROP_RESET, .seq = 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rig_send(r, &tcp, &out), WEIR_REASON_PUNTED);
		assert_true(out.punt.flags & WEIR_PUNT_RESET);
		assert_int_equal(out.punt.app, RIG_CHAT);
	}
	SEND(r, DROP_RESET, DATA);
	SEND(r, DROP_RESET, DATA, BACK);
}

static void reset_without_slow_path(void **state)
{
	struct rig *r = *state;

	identify(r, &tcp, RIG_CHAT);
	r->ctl->workers = 0;
	SEND(r, DROP_RESET, DATA);
}

static void reset_is_a_drop_for_udp(void **state)
{
	struct rig *r = *state;
	const struct shape udp = {UDP};

	identify(r, &udp, RIG_CHAT);
	SEND(r, DROP_VERDICT, UDP);
}

static void reconnection_put(struct rig *r, uint16_t app, uint64_t expires_ns)
{
	struct weir_reconnect_key key = {.dport = htons(80), .proto = IPPROTO_TCP, .domain = 1};
	struct weir_peer peer = {.expires_ns = expires_ns, .app = app, .confidence = 80};

	shape_address(&tcp, false, key.src);
	shape_address(&tcp, true, key.dst);
	rig_put(r, "weir_reconnects", &key, &peer);
}

static uint64_t soon(void)
{
	return time_now_ns() + 60000000000ULL;
}

static void reconnection(void **state)
{
	struct rig *r = *state;
	struct weir_event event;
	struct weir_flow flow;
	struct outcome out;

	reconnection_put(r, RIG_P2P, soon());
	SEND(r, DROP_RECONNECTION, .tcp_flags = SHAPE_SYN, .sport = 50000);
	SEND(r, DROP_RECONNECTION, .tcp_flags = SHAPE_SYN, .sport = 50001);
	assert_int_equal(rig_events(r, WEIR_EVENT_DROPPED, &event), 2);
	assert_true(!event.flow.id && event.reason == WEIR_REASON_DROP_RECONNECTION);
	assert_int_equal(event.flow.app, RIG_P2P);
	assert_int_equal(rig_sum(r, "weir_app_flows",
				 RIG_P2P * WEIR_METHOD_COUNT + WEIR_METHOD_RECONNECTION),
			 2);
	assert_false(rig_flow(r, false, &(struct shape){.sport = 50000}, &flow));
	assert_false(rig_flow(r, true, &(struct shape){.sport = 50000}, &flow));
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .dport = 443);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .a = 3);
	reconnection_put(r, RIG_CHAT, soon());
	assert_int_equal(rig_send(r, &(struct shape){.tcp_flags = SHAPE_SYN, .sport = 50002}, &out),
			 WEIR_REASON_PUNTED);
	assert_true(!out.punt.flow_id && out.punt.flags & WEIR_PUNT_RESET);
	rig_finish(r);
	reconnection_put(r, RIG_WEB, soon());
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_SYN, .sport = 50003);
	assert_true(rig_flow(r, true, &(struct shape){.sport = 50003}, &flow));
	assert_int_equal(flow.method, WEIR_METHOD_RECONNECTION);
	reconnection_put(r, RIG_P2P, time_now_ns() - 1);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .sport = 50004);
}

/* Host `host` (0: everyone) was told that 10.0.0.2:6881 is an application's. */
static void endpoint_put(struct rig *r, uint8_t host, uint16_t app)
{
	struct weir_endpoint_key key = {.port = htons(6881), .domain = 1};
	struct weir_peer peer = {.expires_ns = soon(), .app = app};

	if (host)
		shape_address(&(struct shape){.a = host}, false, key.host);
	shape_address(&tcp, true, key.peer);
	rig_put(r, "weir_endpoints", &key, &peer);
}

static void endpoint_of_the_told_host(void **state)
{
	struct rig *r = *state;

	endpoint_put(r, 1, RIG_P2P);
	SEND(r, DROP_ENDPOINT, .tcp_flags = SHAPE_SYN, .dport = 6881);
	SEND(r, DROP_ENDPOINT, .proto = IPPROTO_UDP, .payload = 9, .dport = 6881);
	SEND(r, DROP_ENDPOINT, .tcp_flags = SHAPE_SYN, .sport = 1025, .dport = 6881, BACK);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .a = 3, .dport = 6881);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .dport = 6882);
	endpoint_put(r, 0, RIG_P2P);
	SEND(r, DROP_ENDPOINT, .tcp_flags = SHAPE_SYN, .a = 4, .dport = 6881);
	endpoint_put(r, 5, RIG_WEB);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_SYN, .a = 5, .dport = 6881);
	endpoint_put(r, 6, RIG_CHAT);
	SEND(r, DROP_ENDPOINT, UDP, .a = 6, .dport = 6881);
	SEND(r, PUNTED, .tcp_flags = SHAPE_SYN, .a = 6, .dport = 6881);
	r->hung = true;
	r->ctl->heartbeat_ns[0] = 0;
	SEND(r, DROP_ENDPOINT, .tcp_flags = SHAPE_SYN, .a = 6, .dport = 6881);
}

static void block_put(struct rig *r, uint16_t port, uint64_t expires_ns)
{
	struct weir_block_key key = {.port = htons(port)};

	shape_address(&tcp, true, key.addr);
	rig_put(r, "weir_blocks", &key, &expires_ns);
}

static void block_lift(struct rig *r, uint16_t port)
{
	struct weir_block_key key = {.port = htons(port)};

	shape_address(&tcp, true, key.addr);
	bpf_map_delete_elem(rig_map(r, "weir_blocks"), &key);
}

static void blocked(void **state)
{
	struct rig *r = *state;
	struct weir_event event;

	block_put(r, 80, 0);
	SEND(r, PUNTED, DATA);
	r->ctl->flags |= WEIR_CTL_BLOCKS;
	SEND(r, DROP_BLOCKED, DATA, .sport = 1);
	SEND(r, DROP_BLOCKED, DATA, .sport = 2, BACK);
	assert_int_equal(rig_events(r, WEIR_EVENT_DROPPED, &event), 2);
	assert_int_equal(event.reason, WEIR_REASON_DROP_BLOCKED);
	SEND(r, PUNTED, DATA, .sport = 1, .dport = 81);
	block_put(r, 0, soon());
	SEND(r, DROP_BLOCKED, DATA, .sport = 1, .dport = 82);
	SEND(r, DROP_BLOCKED, .proto = IPPROTO_ICMP, .icmp_type = 8);
	SEND(r, PUNTED, DATA, .sport = 1, .b = 3);
	block_lift(r, 0);
	block_put(r, 80, time_now_ns() - 1);
	SEND(r, PUNTED, DATA, .sport = 3);
}

/* A block reaches live flows when the generation steps, and lets go of them the same way. */
static void block_of_live_flows(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow;

	identify(r, &tcp, RIG_WEB);
	SEND(r, REDIRECTED, DATA);
	SEND(r, PUNTED, UDP);
	rig_finish(r);
	block_put(r, 0, 0);
	r->ctl->flags |= WEIR_CTL_BLOCKS;
	r->ctl->generation += 2;
	SEND(r, DROP_BLOCKED, DATA);
	SEND(r, DROP_BLOCKED, DATA, BACK);
	SEND(r, DROP_BLOCKED, UDP);
	SEND(r, DROP_BLOCKED, UDP);
	assert_true(rig_flow(r, true, &tcp, &flow));
	assert_true(flow.flags & WEIR_FLOW_BLOCKED);
	block_lift(r, 0);
	r->ctl->flags &= ~WEIR_CTL_BLOCKS;
	r->ctl->generation += 2;
	SEND(r, REDIRECTED, DATA);
	assert_true(rig_flow(r, true, &tcp, &flow));
	assert_false(flow.flags & WEIR_FLOW_BLOCKED);
}

static void reload(void **state)
{
	static const uint8_t strict[RIG_APPS] = {[RIG_WEB] = WEIR_ACTION_DROP};
	static const uint8_t loose[RIG_APPS] = {[RIG_WEB] = WEIR_ACTION_PASS};
	struct rig *r = *state;
	struct weir_flow flow;

	identify(r, &tcp, RIG_WEB);
	SEND(r, REDIRECTED, DATA);
	rig_policy(r, 2, strict);
	SEND(r, DROP_VERDICT, DATA);
	SEND(r, DROP_VERDICT, DATA, BACK);
	assert_true(rig_flow(r, true, &tcp, &flow));
	assert_int_equal(flow.generation, 2);
	assert_int_equal(rig_events(r, WEIR_EVENT_DECIDED, NULL), 2);
	assert_int_equal(rig_sum(r, "weir_rule_hits", RIG_WEB), 1);
	rig_policy(r, 3, loose);
	SEND(r, REDIRECTED, DATA);
	SEND(r, REDIRECTED, DATA, BACK);
}

static void identified_again(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow;
	uint64_t id = identify(r, &tcp, RIG_WEB);

	SEND(r, REDIRECTED, DATA);
	rig_verdict(r, id, RIG_P2P, 0);
	SEND(r, REDIRECTED, DATA);
	r->ctl->generation += 2;
	SEND(r, DROP_VERDICT, DATA);
	assert_true(rig_flow(r, true, &tcp, &flow));
	assert_int_equal(flow.app, RIG_P2P);
}

/* 10.0.0.64/26 may do what others may not, as a source only. */
static void classes(void **state)
{
	const struct shape from = {DATA, .a = 70}, to = {DATA, .b = 70};
	struct rig *r = *state;
	struct weir_flow flow;

	identify(r, &from, RIG_P2P);
	SEND(r, REDIRECTED, DATA, .a = 70);
	SEND(r, REDIRECTED, DATA, .a = 70, BACK);
	assert_true(rig_flow(r, true, &from, &flow));
	assert_int_equal(flow.class[0] + flow.class[1], 1);
	identify(r, &to, RIG_P2P);
	SEND(r, DROP_VERDICT, DATA, .b = 70);
}

static void close_both(struct rig *r)
{
	rig_send(r, &(struct shape){.tcp_flags = SHAPE_FIN | SHAPE_ACK}, NULL);
	rig_send(r, &(struct shape){.tcp_flags = SHAPE_FIN | SHAPE_ACK, BACK}, NULL);
}

static void restart_after_close(void **state)
{
	struct rig *r = *state;
	struct weir_event event;
	struct weir_flow flow;
	uint64_t id = identify(r, &tcp, RIG_WEB);

	SEND(r, REDIRECTED, DATA);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_SYN, .seq = 5);
	close_both(r);
	assert_int_equal(rig_events(r, WEIR_EVENT_CLOSED, &event), 1);
	assert_true(event.flow.id == id);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .seq = 77);
	assert_false(rig_flow(r, true, &tcp, &flow));
	assert_true(rig_flow(r, false, &tcp, &flow));
	assert_true(flow.id != id && !(flow.flags & WEIR_FLOW_MOVED));
	SEND(r, PUNTED, DATA, .seq = 78);
	rig_verdict(r, flow.id, RIG_P2P, 0);
	rig_finish(r);
	SEND(r, DROP_VERDICT, DATA, .seq = 118);
	/* A SYN alone does not bring a dropped flow back; a reset first does. */
	SEND(r, DROP_VERDICT, .tcp_flags = SHAPE_SYN, .seq = 500);
	SEND(r, DROP_VERDICT, .tcp_flags = SHAPE_RST, BACK);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .seq = 500);
}

static void restart_before_decision(void **state)
{
	struct rig *r = *state;
	struct weir_flow first, second;

	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .seq = 5);
	assert_true(rig_flow(r, false, &tcp, &first));
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .seq = 5);
	assert_true(rig_flow(r, false, &tcp, &second));
	assert_true(first.id == second.id);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .seq = 6);
	assert_true(rig_flow(r, false, &tcp, &second));
	assert_true(first.id != second.id);
	SEND(r, PUNTED, DATA, .sport = 9);
	assert_true(rig_flow(r, false, &(struct shape){.sport = 9}, &first));
	assert_true(first.flags & WEIR_FLOW_MIDSTREAM);
	rig_finish(r);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .sport = 9);
	assert_true(rig_flow(r, false, &(struct shape){.sport = 9}, &second));
	assert_true(first.id != second.id && !(second.flags & WEIR_FLOW_MIDSTREAM));
}

/* An undecided entry left over must not stand in for a flow that is decided at its SYN. */
static void restart_into_a_known_peer(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow;

	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .seq = 5, .dport = 6881);
	endpoint_put(r, 1, RIG_WEB);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_SYN, .seq = 6, .dport = 6881);
	assert_false(rig_flow(r, false, &(struct shape){.dport = 6881}, &flow));
	SEND(r, REDIRECTED, DATA, .dport = 6881);
}

static void slow_path_gone(struct rig *r)
{
	uint64_t id;
	struct weir_flow flow;

	SEND(r, STACK_FAILURE, DATA, .sport = 1);
	r->ctl->flags |= WEIR_CTL_FAILURE_DROP;
	SEND(r, DROP_FAILURE, DATA, .sport = 1);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .sport = 2);
	r->ctl->flags &= ~WEIR_CTL_FAILURE_DROP;
	/* Decided flows do not notice, and what is known is still folded in. */
	assert_true(rig_flow(r, false, &(struct shape){.sport = 1}, &flow));
	id = flow.id;
	rig_verdict(r, id, RIG_WEB, 0);
	SEND(r, REDIRECTED, DATA, .sport = 1);
}

static void failure_no_workers(void **state)
{
	struct rig *r = *state;

	r->ctl->workers = 0;
	slow_path_gone(r);
}

static void failure_hung(void **state)
{
	struct rig *r = *state;

	r->hung = true;
	r->ctl->heartbeat_ns[0] = time_now_ns() - 600000000;
	slow_path_gone(r);
	r->ctl->heartbeat_ns[0] = time_now_ns() + 10000000000ULL;
	SEND(r, PUNTED, DATA, .sport = 3);
}

static void failure_no_socket(void **state)
{
	struct rig *r = *state;
	uint32_t index = 0;

	assert_int_equal(bpf_map_delete_elem(rig_map(r, "weir_xsk"), &index), 0);
	slow_path_gone(r);
}

static void overload(void **state)
{
	struct rig *r = *state;

	r->sent[0] = r->read[0] + 56;
	SEND(r, STACK_OVERLOAD, DATA, .sport = 1);
	r->ctl->flags |= WEIR_CTL_OVERLOAD_DROP;
	SEND(r, DROP_OVERLOAD, DATA, .sport = 1);
	r->ctl->flags &= ~WEIR_CTL_OVERLOAD_DROP;
	r->sent[0] = r->read[0] + 55;
	SEND(r, PUNTED, DATA, .sport = 1);
	/* Now a frame of this direction is up there: the next must not overtake it. */
	SEND(r, DROP_OVERLOAD, DATA, .sport = 1);
	SEND(r, DROP_OVERLOAD, .sport = 1);
	rig_finish(r);
	SEND(r, PUNTED, DATA, .sport = 1);
	/* The worker has made up for lost frames before the kernel told of them. */
	r->sent[0] = r->read[0] - 3;
	SEND(r, PUNTED, DATA, .sport = 1);
}

static void flood_spares_the_decided(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow;

	identify(r, &tcp, RIG_WEB);
	SEND(r, REDIRECTED, DATA);
	for (int i = 1; i < 3000; i++)
		SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .sport = i, .dport = 999);
	assert_true(rig_flow(r, true, &tcp, &flow));
	SEND(r, REDIRECTED, DATA);
	assert_int_equal(rig_sum(r, "weir_cache", 2), 3000);
}

/* An evicted decision is found again while user space's word for it is there. */
static void decided_again_after_eviction(void **state)
{
	struct rig *r = *state;
	struct weir_flow_key key;
	struct weir_flow flow;
	uint64_t id = identify(r, &tcp, RIG_P2P);

	SEND(r, DROP_VERDICT, DATA);
	shape_key(&tcp, &key, NULL);
	assert_int_equal(bpf_map_delete_elem(rig_map(r, "weir_decided"), &key), 0);
	SEND(r, DROP_VERDICT, DATA);
	assert_true(rig_flow(r, true, &tcp, &flow));
	assert_true(flow.id == id);
}

static void no_egress(void **state)
{
	struct weir_mac_key mac = {.mac = {2, 0, 0, 0, 0, 0x0b}, .domain = 1};
	struct rig *r = *state;
	uint32_t here = RIG_A;

	assert_int_equal(bpf_map_delete_elem(rig_map(r, "weir_macs"), &mac), 0);
	SEND(r, STACK_NO_EGRESS, DATA);
	/* The answer says where the other end is. */
	SEND(r, STACK_NO_PAYLOAD, BACK);
	SEND(r, PUNTED, DATA);
	rig_put(r, "weir_macs", &mac, &here);
	SEND(r, STACK_NO_EGRESS, DATA, .sport = 1);
}

static void stations_are_learned(void **state)
{
	struct weir_mac_key mac = {.mac = {2, 0, 0, 0, 0, 0x0a}, .domain = 1};
	struct rig *r = *state;
	uint32_t port = 0;
	int map = rig_map(r, "weir_macs");

	assert_int_equal(bpf_map_delete_elem(map, &mac), 0);
	SEND(r, STACK_NOT_IP, .ip = SHAPE_ARP, .multicast = true);
	assert_int_equal(bpf_map_lookup_elem(map, &mac, &port), 0);
	assert_int_equal(port, RIG_A);
	port = RIG_B;
	rig_put(r, "weir_macs", &mac, &port);
	SEND(r, STACK_FRAGMENT, .more = true, .payload = 16);
	assert_int_equal(bpf_map_lookup_elem(map, &mac, &port), 0);
	assert_int_equal(port, RIG_A);
}

static void no_redirect(void **state)
{
	struct rig *r = *state;
	uint32_t tc = r->hook == RIG_TC ? WEIR_PORT_TC : 0, port = RIG_B;

	identify(r, &tcp, RIG_WEB);
	rig_port_flags(r, RIG_B, tc | WEIR_PORT_ENABLED | WEIR_PORT_FORWARDING);
	SEND(r, STACK_NO_REDIRECT, DATA);
	/* The slow path sends on either hook. */
	SEND(r, PUNTED, DATA, .sport = 1);
	rig_port_flags(r, RIG_B, RIG_PORT_USUAL | (tc ^ WEIR_PORT_TC));
	SEND(r, STACK_NO_REDIRECT, DATA);
	SEND(r, PUNTED, DATA, .sport = 2);
	rig_port_flags(r, RIG_B, tc | WEIR_PORT_REDIRECT | WEIR_PORT_FORWARDING);
	SEND(r, STACK_NO_REDIRECT, DATA);
	SEND(r, STACK_NO_REDIRECT, DATA, .sport = 3);
	rig_port_flags(r, RIG_B, tc | WEIR_PORT_REDIRECT | WEIR_PORT_ENABLED);
	SEND(r, STACK_NO_REDIRECT, DATA);
	rig_port_flags(r, RIG_B, tc | RIG_PORT_USUAL);
	SEND(r, REDIRECTED, DATA);
	if (r->hook == RIG_XDP) {
		assert_int_equal(bpf_map_delete_elem(rig_map(r, "weir_devmap"), &port), 0);
		SEND(r, STACK_NO_REDIRECT, DATA);
	}
}

/* A port that is switched off is the kernel's alone, in both directions. */
static void other_port_disabled(void **state)
{
	struct rig *r = *state;
	uint32_t usual = RIG_PORT_USUAL | (r->hook == RIG_TC ? WEIR_PORT_TC : 0);

	identify(r, &tcp, RIG_P2P);
	SEND(r, DROP_VERDICT, DATA);
	reconnection_put(r, RIG_P2P, soon());
	rig_port_flags(r, RIG_B, usual & ~WEIR_PORT_ENABLED);
	SEND(r, STACK_DISABLED, DATA);
	SEND(r, STACK_DISABLED, .tcp_flags = SHAPE_SYN, .sport = 2);
	rig_port_flags(r, RIG_B, usual);
	SEND(r, DROP_VERDICT, DATA);
	SEND(r, DROP_RECONNECTION, .tcp_flags = SHAPE_SYN, .sport = 2);
}

static void oversize(void **state)
{
	struct rig *r = *state;
	struct weir_port cfg;
	uint32_t port = RIG_B;

	identify(r, &tcp, RIG_WEB);
	SEND(r, REDIRECTED, .payload = 1464);
	SEND(r, STACK_OVERSIZE, .payload = 1465);
	SEND(r, STACK_OVERSIZE, .payload = 1465, .sport = 1);
	assert_int_equal(bpf_map_lookup_elem(rig_map(r, "weir_ports"), &port, &cfg), 0);
	cfg.max_frame = 2000;
	rig_put(r, "weir_ports", &port, &cfg);
	SEND(r, REDIRECTED, .payload = 1946);
	SEND(r, PUNTED, .payload = 1646, .sport = 1);
	/* It would overtake that one. */
	SEND(r, DROP_OVERLOAD, .payload = 1647, .sport = 1);
}

/* Nobody will say what a flow of frames beyond the slow path is: it is unknown, and decided. */
static void oversize_only(void **state)
{
	struct rig *r = *state;
	struct weir_port cfg;
	uint32_t port = RIG_B;

	assert_int_equal(bpf_map_lookup_elem(rig_map(r, "weir_ports"), &port, &cfg), 0);
	cfg.max_frame = 2000;
	rig_put(r, "weir_ports", &port, &cfg);
	for (int i = 0; i < 8; i++)
		SEND(r, STACK_OVERSIZE, .payload = 1647, .sport = 1);
	SEND(r, REDIRECTED, .payload = 1647, .sport = 1);
	SEND(r, REDIRECTED, .payload = 100, .sport = 1);
}

/* TC hands over many wire segments at once; each has to fit, not their sum. */
static void merged_segments(void **state)
{
	struct rig *r = *state;
	struct outcome out;

	if (r->hook == RIG_XDP)
		return;
	r->gso_size = 600;
	assert_int_equal(rig_send(r, &(struct shape){.payload = 1600}, &out), WEIR_REASON_PUNTED);
	assert_int_equal(out.punt.segments, 3);
	assert_int_equal(out.segments, 3);
	assert_int_equal(r->sent[0], 3);
	r->gso_segs = 3;
	assert_int_equal(rig_send(r, &(struct shape){.payload = 1600}, &out), WEIR_REASON_PUNTED);
	assert_int_equal(out.punt.segments, 3);
	assert_int_equal(out.punt.number, 2);
	r->gso_size = 1500;
	SEND(r, STACK_OVERSIZE, .payload = 1600);
}

static void fragment_of_a_dropped_flow(void **state)
{
	const struct shape udp = {UDP};
	struct rig *r = *state;

	SEND(r, STACK_FRAGMENT, UDP, .more = true);
	identify(r, &udp, RIG_P2P);
	SEND(r, DROP_VERDICT, UDP);
	SEND(r, DROP_VERDICT, UDP, .more = true);
	SEND(r, STACK_FRAGMENT, UDP, .part = 1480);
	identify(r, &tcp, RIG_CHAT);
	SEND(r, PUNTED, DATA);
	SEND(r, DROP_RESET, DATA, .more = true);
}

/* A protocol without anything to inspect is known by its number. */
static void protocol_alone(void **state)
{
	const struct shape echo = {.proto = IPPROTO_ICMP, .icmp_type = 8, .sport = 7};
	static const uint8_t strict[RIG_APPS] = {[RIG_PING] = WEIR_ACTION_RESET};
	struct rig *r = *state;
	struct weir_flow flow;

	assert_int_equal(rig_send(r, &echo, NULL), WEIR_REASON_REDIRECTED);
	assert_true(rig_flow(r, true, &echo, &flow));
	assert_int_equal(flow.app, RIG_PING);
	assert_int_equal(flow.method, WEIR_METHOD_PORT);
	SEND(r, REDIRECTED, .proto = IPPROTO_ESP);
	assert_true(rig_flow(r, true, &(struct shape){.proto = IPPROTO_ESP}, &flow));
	assert_int_equal(flow.method, WEIR_METHOD_NONE);
	rig_policy(r, 2, strict);
	assert_int_equal(rig_send(r, &echo, NULL), WEIR_REASON_DROP_VERDICT);
}

static void events_are_bounded(void **state)
{
	struct rig *r = *state;

	reconnection_put(r, RIG_P2P, soon());
	for (int i = 0; i < 40; i++)
		SEND(r, DROP_RECONNECTION, .tcp_flags = SHAPE_SYN, .sport = 1000 + i);
	assert_true(rig_sum(r, "weir_cache", 3) > 0);
	assert_int_equal(rig_events(r, WEIR_EVENT_DROPPED, NULL) + rig_sum(r, "weir_cache", 3), 40);
	r->ctl->flags &= ~WEIR_CTL_EVENTS;
	SEND(r, DROP_RECONNECTION, .tcp_flags = SHAPE_SYN);
	assert_int_equal(rig_events(r, WEIR_EVENT_DROPPED, NULL), 0);
}

/* A host that does not stop is told of once a minute, and many of them not all at once. */
static void drops_are_told_of_once(void **state)
{
	struct rig *r = *state;
	unsigned int told = 0;

	reconnection_put(r, RIG_P2P, soon());
	for (int i = 0; i < 5; i++)
		SEND(r, DROP_RECONNECTION, .tcp_flags = SHAPE_SYN);
	assert_int_equal(rig_events(r, WEIR_EVENT_DROPPED, NULL), 1);
	r->ctl->clock_ds += 599;
	SEND(r, DROP_RECONNECTION, .tcp_flags = SHAPE_SYN);
	assert_int_equal(rig_events(r, WEIR_EVENT_DROPPED, NULL), 0);
	r->ctl->clock_ds += 1;
	SEND(r, DROP_RECONNECTION, .tcp_flags = SHAPE_SYN);
	assert_int_equal(rig_events(r, WEIR_EVENT_DROPPED, NULL), 1);
	r->ctl->clock_ds += 1;
	for (int i = 0; i < 200; i++) {
		SEND(r, DROP_RECONNECTION, .tcp_flags = SHAPE_SYN, .sport = 1000 + i);
		told += rig_events(r, WEIR_EVENT_DROPPED, NULL);
	}
	assert_in_range(told, 1, 100);
	assert_int_equal(told + rig_sum(r, "weir_cache", 3), 200);
}

/* A daemon of another run takes over flows that were left pending. */
static void epoch_moves_on(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow;

	SEND(r, PUNTED, DATA);
	r->ctl->epoch = 8;
	r->ctl->clock_ds = 130;
	SEND(r, PUNTED, DATA);
	assert_true(rig_flow(r, false, &tcp, &flow));
	assert_int_equal(flow.epoch, 8);
	assert_int_equal(flow.created_ds, 100);
	assert_int_equal(flow.seen_ds, 130);
}

static void ports_of_other_domains(void **state)
{
	struct weir_port cfg;
	struct rig *r = *state;
	uint32_t port = RIG_A;

	assert_int_equal(bpf_map_lookup_elem(rig_map(r, "weir_ports"), &port, &cfg), 0);
	cfg.domain = 2;
	rig_put(r, "weir_ports", &port, &cfg);
	SEND(r, STACK_NO_EGRESS, DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(unconfigured),
		RIG_TEST(punt_metadata),
		RIG_TEST(punt_of_tagged_frames),
		RIG_TEST(verdict_pass),
		RIG_TEST(verdict_drop),
		RIG_TEST(verdict_reset),
		RIG_TEST(reset_without_slow_path),
		RIG_TEST(reset_is_a_drop_for_udp),
		RIG_TEST(reconnection),
		RIG_TEST(endpoint_of_the_told_host),
		RIG_TEST(blocked),
		RIG_TEST(block_of_live_flows),
		RIG_TEST(reload),
		RIG_TEST(identified_again),
		RIG_TEST(classes),
		RIG_TEST(restart_after_close),
		RIG_TEST(restart_before_decision),
		RIG_TEST(restart_into_a_known_peer),
		RIG_TEST(failure_no_workers),
		RIG_TEST(failure_hung),
		RIG_TEST(failure_no_socket),
		RIG_TEST(overload),
		RIG_TEST(flood_spares_the_decided),
		RIG_TEST(decided_again_after_eviction),
		RIG_TEST(no_egress),
		RIG_TEST(stations_are_learned),
		RIG_TEST(no_redirect),
		RIG_TEST(other_port_disabled),
		RIG_TEST(oversize),
		RIG_TEST(oversize_only),
		RIG_TEST(merged_segments),
		RIG_TEST(fragment_of_a_dropped_flow),
		RIG_TEST(protocol_alone),
		RIG_TEST(events_are_bounded),
		RIG_TEST(drops_are_told_of_once),
		RIG_TEST(epoch_moves_on),
		RIG_TEST(ports_of_other_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

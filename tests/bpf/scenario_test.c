// SPDX-License-Identifier: GPL-2.0-only
/* What becomes of a flow's frames by what is known of it and by the policy. Hand-over apart. */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/rig.h"

static const struct shape tcp = {DATA};

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
	assert_int_equal(out.punt.isn, 1000);
	assert_int_equal(out.punt.segments, 1);
	assert_int_equal(weir_punt_dir(&out.punt), dir);
	assert_int_equal(out.punt.in_port, RIG_A);
	assert_int_equal(out.punt.out_port, RIG_B);
	assert_int_equal(out.punt.flags, WEIR_PUNT_ISN | WEIR_PUNT_TWOWAY |
						 WEIR_PUNT_GENERATION(r->ctl->generation) |
						 (dir ? WEIR_PUNT_ORIGIN | WEIR_PUNT_DIR : 0));
	assert_int_equal(flow.frames[dir], 3);
	assert_int_equal(flow.frames[!dir], 1);
	assert_int_equal(flow.given[dir], 1);
	assert_int_equal(r->sent[0], 1);
	assert_int_equal(rig_send(r, &(struct shape){DATA, BACK}, &out), WEIR_REASON_PUNTED);
	assert_int_equal(out.punt.number, 1);
	assert_int_equal(weir_punt_dir(&out.punt), !dir);
	assert_int_equal(out.punt.isn, 2000);
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

/* Sessions are apart, whatever their addresses and tags; each is redirected like any flow. */
static void pppoe_sessions(void **state)
{
	const struct shape one = {DATA, .session = 1}, two = {DATA, .session = 2},
			   plain = {DATA, .tags = 1}, tagged = {DATA, .tags = 1, .session = 1};
	struct rig *r = *state;
	struct outcome out;
	struct built frame;

	rig_identify(r, &one, RIG_P2P);
	rig_identify(r, &two, RIG_WEB);
	rig_identify(r, &tagged, RIG_WEB);
	SEND(r, DROP_VERDICT, DATA, .session = 1);
	/* The short form of the protocol is of the same session. */
	SEND(r, DROP_VERDICT, DATA, .session = 1, .narrow = true, BACK);
	SEND(r, REDIRECTED, DATA, .session = 2);
	SEND(r, REDIRECTED, DATA, .session = 2, BACK);
	SEND(r, REDIRECTED, DATA, .session = 1, .tags = 1);
	assert_int_equal(rig_send(r, &plain, NULL), WEIR_REASON_PUNTED);
	SEND(r, PUNTED, DATA);
	/* A fragment's datagram is its session's too. */
	SEND(r, DROP_VERDICT, DATA, .session = 1, .more = true, .id = 3);
	SEND(r, REDIRECTED_FRAGMENT, DATA, .session = 2, .part = 64, .id = 3);
	SEND(r, DROP_VERDICT, DATA, .session = 1, .part = 64, .id = 3);
	/* What is punted keeps its header. */
	shape_build(&(struct shape){UDP, .session = 3}, &frame);
	rig_run(r, RIG_A, frame.data, frame.len, &out);
	assert_true(out.punted);
	assert_memory_equal(out.data + (r->hook == RIG_XDP ? 32 : 64), frame.data, frame.len);
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
	id = rig_identify(r, &tcp, RIG_WEB);
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
	assert_int_equal(flow.payloads, 2);
	assert_int_equal(flow.isn[dir], 9);
	assert_int_equal(flow.frames[dir], 4);
	assert_int_equal(flow.frames[!dir], 1);
	assert_int_equal(rig_sum(r, "weir_app_bytes", RIG_WEB * 2), 4);
	assert_int_equal(rig_sum(r, "weir_app_bytes", RIG_WEB * 2 + 1), 1);
	assert_int_equal(
		rig_sum(r, "weir_app_flows", RIG_WEB * WEIR_METHOD_STRIDE + WEIR_METHOD_SIGNATURE),
		1);
	assert_int_equal(rig_sum(r, "weir_rule_hits", WEIR_RULES_MAX + 1 + RIG_WEB), 1);
	assert_int_equal(rig_sum(r, "weir_sent", RIG_B), 2);
	assert_int_equal(rig_sum(r, "weir_sent", RIG_A), 1);
	assert_int_equal(rig_events(r, WEIR_EVENT_DECIDED, &event), 1);
	assert_true(event.flow.id == id && event.in_port == RIG_A);
	assert_memory_equal(&event.key, &key, sizeof(key));
	assert_true(rig_flow(r, false, &tcp, &flow));
	assert_true(flow.flags & WEIR_FLOW_MOVED);
}

/* A rule may ask for a surer answer than there is: 90 here. */
static void verdict_confidence(void **state)
{
	struct rig *r = *state;
	struct shape other = {UDP, .session = 1};

	rig_confidence(r, 91);
	rig_identify(r, &tcp, RIG_P2P);
	SEND(r, REDIRECTED, DATA);
	rig_confidence(r, 90);
	rig_identify(r, &other, RIG_P2P);
	SEND(r, DROP_VERDICT, UDP, .session = 1);
	/* The flow decided before is decided again by a change of generation alone. */
	SEND(r, REDIRECTED, DATA);
	r->ctl->generation += 2;
	SEND(r, DROP_VERDICT, DATA);
}

static void verdict_drop(void **state)
{
	struct rig *r = *state;

	rig_identify(r, &tcp, RIG_P2P);
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

	rig_identify(r, &tcp, RIG_CHAT);
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

	rig_identify(r, &tcp, RIG_CHAT);
	r->ctl->workers = 0;
	SEND(r, DROP_RESET, DATA);
}

static void reset_is_a_drop_for_udp(void **state)
{
	struct rig *r = *state;
	const struct shape udp = {UDP};

	rig_identify(r, &udp, RIG_CHAT);
	SEND(r, DROP_VERDICT, UDP);
}

static void reconnection(void **state)
{
	struct rig *r = *state;
	struct weir_event event;
	struct weir_flow flow;
	struct outcome out;

	rig_reconnect(r, RIG_P2P, rig_soon(), 0);
	SEND(r, DROP_RECONNECTION, .tcp_flags = SHAPE_SYN, .sport = 50000);
	SEND(r, DROP_RECONNECTION, .tcp_flags = SHAPE_SYN, .sport = 50001);
	assert_int_equal(rig_events(r, WEIR_EVENT_DROPPED, &event), 2);
	assert_true(!event.flow.id && event.reason == WEIR_REASON_DROP_RECONNECTION);
	assert_int_equal(event.flow.app, RIG_P2P);
	assert_int_equal(rig_sum(r, "weir_app_flows",
				 RIG_P2P * WEIR_METHOD_STRIDE + WEIR_METHOD_RECONNECTION),
			 2);
	assert_false(rig_flow(r, false, &(struct shape){.sport = 50000}, &flow));
	assert_false(rig_flow(r, true, &(struct shape){.sport = 50000}, &flow));
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .dport = 443);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .a = 3);
	rig_reconnect(r, RIG_CHAT, rig_soon(), 0);
	assert_int_equal(rig_send(r, &(struct shape){.tcp_flags = SHAPE_SYN, .sport = 50002}, &out),
			 WEIR_REASON_PUNTED);
	assert_true(!out.punt.flow_id && out.punt.flags & WEIR_PUNT_RESET);
	rig_finish(r);
	rig_reconnect(r, RIG_WEB, rig_soon(), 0);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_SYN, .sport = 50003);
	assert_true(rig_flow(r, true, &(struct shape){.sport = 50003}, &flow));
	assert_int_equal(flow.method, WEIR_METHOD_RECONNECTION);
	rig_reconnect(r, RIG_P2P, time_now_ns() - 1, 0);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .sport = 50004);
}

/* Host `host` (0: everyone) was told that 10.0.0.2:6881 is an application's. */
static void endpoint_put(struct rig *r, uint8_t host, uint16_t app)
{
	struct weir_endpoint_key key = {.port = htons(6881), .domain = 1};
	struct weir_peer peer = {.expires_ns = rig_soon(), .app = app};

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

static void blocked(void **state)
{
	struct rig *r = *state;
	struct policy_block blocks[2] = {rig_block_of_b(80, 0), rig_block_of_b(0, rig_soon())};
	struct weir_event event;

	SEND(r, PUNTED, DATA);
	rig_blocks(r, blocks, 1);
	SEND(r, DROP_BLOCKED, DATA, .sport = 1);
	SEND(r, DROP_BLOCKED, DATA, .sport = 2, BACK);
	assert_int_equal(rig_events(r, WEIR_EVENT_DROPPED, &event), 2);
	assert_int_equal(event.reason, WEIR_REASON_DROP_BLOCKED);
	SEND(r, PUNTED, DATA, .sport = 1, .dport = 81);
	rig_blocks(r, blocks, 2);
	SEND(r, DROP_BLOCKED, DATA, .sport = 1, .dport = 82);
	SEND(r, DROP_BLOCKED, .proto = IPPROTO_ICMP, .icmp_type = 8);
	SEND(r, PUNTED, DATA, .sport = 1, .b = 3);
	blocks[0].expires_ns = time_now_ns() - 1;
	rig_blocks(r, blocks, 1);
	SEND(r, PUNTED, DATA, .sport = 3);
}

/* A block reaches live flows when the generation steps, and lets go of them the same way. */
static void block_of_live_flows(void **state)
{
	struct rig *r = *state;
	struct policy_block block;
	struct weir_flow flow;

	rig_identify(r, &tcp, RIG_WEB);
	SEND(r, REDIRECTED, DATA);
	SEND(r, PUNTED, UDP);
	rig_finish(r);
	block = rig_block_of_b(0, 0);
	rig_blocks(r, &block, 1);
	r->ctl->generation += 2;
	SEND(r, DROP_BLOCKED, DATA);
	SEND(r, DROP_BLOCKED, DATA, BACK);
	SEND(r, DROP_BLOCKED, UDP);
	SEND(r, DROP_BLOCKED, UDP);
	assert_true(rig_flow(r, true, &tcp, &flow));
	assert_true(flow.flags & WEIR_FLOW_BLOCKED);
	rig_blocks(r, NULL, 0);
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

	rig_identify(r, &tcp, RIG_WEB);
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
	uint64_t id = rig_identify(r, &tcp, RIG_WEB);

	SEND(r, REDIRECTED, DATA);
	rig_tell(r, id, RIG_P2P, 0);
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

	rig_identify(r, &from, RIG_P2P);
	SEND(r, REDIRECTED, DATA, .a = 70);
	SEND(r, REDIRECTED, DATA, .a = 70, BACK);
	assert_true(rig_flow(r, true, &from, &flow));
	assert_int_equal(flow.class[0] + flow.class[1], 1);
	rig_identify(r, &to, RIG_P2P);
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
	uint64_t id = rig_identify(r, &tcp, RIG_WEB);

	SEND(r, REDIRECTED, DATA);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_SYN, .seq = 5);
	close_both(r);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK);
	/* Its end is told with all that came of it. */
	assert_int_equal(rig_events(r, WEIR_EVENT_ENDED, NULL), 0);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .seq = 77);
	assert_int_equal(rig_events(r, WEIR_EVENT_ENDED, &event), 1);
	assert_true(event.flow.id == id);
	assert_int_equal(event.reason, WEIR_END_FIN);
	assert_int_equal(event.flow.frames[0] + event.flow.frames[1], 6);
	assert_int_equal(event.flow.tcp_flags[0], SHAPE_SYN | SHAPE_FIN | SHAPE_ACK);
	assert_int_equal(event.flow.tcp_flags[1], SHAPE_FIN | SHAPE_ACK);
	assert_false(rig_flow(r, true, &tcp, &flow));
	assert_true(rig_flow(r, false, &tcp, &flow));
	assert_true(flow.id != id && !(flow.flags & WEIR_FLOW_MOVED));
	SEND(r, PUNTED, DATA, .seq = 78);
	rig_tell(r, flow.id, RIG_P2P, 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(unconfigured),
		RIG_TEST(punt_metadata),
		RIG_TEST(punt_of_tagged_frames),
		RIG_TEST(pppoe_sessions),
		RIG_TEST(verdict_pass),
		RIG_TEST(verdict_confidence),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

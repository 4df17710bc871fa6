// SPDX-License-Identifier: GPL-2.0-only
/* Datagrams in fragments: every fragment ends like the flow that it is of. */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/rig.h"

#define V6	       .ip = 6, .ext = {IPPROTO_FRAGMENT}, .exts = 1
#define FIRST(number)  UDP, .id = (number), .more = true
#define MIDDLE(number) UDP, .id = (number), .more = true, .part = 48
#define LAST(number)   UDP, .id = (number), .part = 96

static const struct shape udp = {UDP};
static const struct shape udp6 = {UDP, .ip = 6};

/* A flow of which it is known what it is, with nothing of it in the slow path. */
static uint64_t known(struct rig *r, const struct shape *s, uint16_t app, uint8_t flags)
{
	uint64_t id = rig_identify(r, s, app);

	rig_tell(r, id, app, flags);
	return id;
}

static void passes_like_its_flow(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow;
	struct weir_flow_key key;
	uint8_t dir;

	known(r, &udp, RIG_WEB, 0);
	SEND(r, REDIRECTED, FIRST(7));
	SEND(r, REDIRECTED, MIDDLE(7));
	SEND(r, REDIRECTED, LAST(7));
	SEND(r, REDIRECTED, UDP);
	assert_true(rig_flow(r, true, &udp, &flow));
	shape_key(&udp, &key, &dir);
	assert_int_equal(flow.frames[dir], 5);
	assert_int_equal(flow.frames[!dir], 0);
	known(r, &udp6, RIG_WEB, 0);
	SEND(r, REDIRECTED, V6, FIRST(0x10007), BACK);
	SEND(r, REDIRECTED, V6, LAST(0x10007), BACK);
	/* In whatever order the later ones come. */
	SEND(r, REDIRECTED, V6, MIDDLE(0x10007), BACK);
}

static void dropped_like_its_flow(void **state)
{
	struct rig *r = *state;

	known(r, &udp, RIG_P2P, 0);
	known(r, &udp6, RIG_P2P, 0);
	for (uint32_t id = 1; id < 4; id++) {
		SEND(r, DROP_VERDICT, FIRST(id));
		SEND(r, DROP_VERDICT, LAST(id));
		SEND(r, DROP_VERDICT, V6, FIRST(id), BACK);
		SEND(r, DROP_VERDICT, V6, LAST(id), BACK);
	}
}

/* The slow path gets them under the flow's id and in its sequence. */
static void punted_in_sequence(void **state)
{
	const struct shape parts[] = {{FIRST(9)}, {MIDDLE(9)}, {LAST(9)}};
	struct rig *r = *state;
	struct weir_flow flow;
	struct outcome out;

	for (uint32_t i = 0; i < ARRAY_SIZE(parts); i++) {
		assert_int_equal(rig_send(r, &parts[i], &out), WEIR_REASON_PUNTED);
		assert_true(rig_flow(r, false, &udp, &flow));
		assert_true(flow.id && out.punt.flow_id == flow.id);
		assert_true(out.punt.flow_id == flow.id);
		assert_int_equal(out.punt.number, i + 1);
		assert_int_equal(out.punt.out_port, RIG_B);
	}
	/* Decided with the datagram still up there: what is left of it follows. */
	SEND(r, PUNTED, FIRST(10));
	rig_tell(r, flow.id, RIG_WEB, 0);
	assert_int_equal(rig_send(r, &(struct shape){LAST(10)}, &out), WEIR_REASON_PUNTED);
	assert_true(out.punt.flags & WEIR_PUNT_DECIDED);
	assert_int_equal(out.punt.number, 5);
	rig_finish(r);
	SEND(r, REDIRECTED, MIDDLE(10));
}

static void inspected_are_punted(void **state)
{
	struct rig *r = *state;
	struct outcome out;

	known(r, &udp, RIG_WEB, WEIR_IDENTIFIED_INSPECT);
	assert_int_equal(rig_send(r, &(struct shape){FIRST(3)}, &out), WEIR_REASON_PUNTED);
	assert_true(out.punt.flags & WEIR_PUNT_INSPECT);
	assert_int_equal(rig_send(r, &(struct shape){LAST(3)}, &out), WEIR_REASON_PUNTED);
	assert_true(out.punt.flags & WEIR_PUNT_INSPECT);
}

/* No flow is made of a first packet that is dropped for what is known of its peer. */
static void dropped_without_a_flow(void **state)
{
	struct rig *r = *state;

	rig_reconnect(r, RIG_P2P, rig_soon(), 0);
	SEND(r, DROP_RECONNECTION, DATA, .tcp_flags = SHAPE_SYN, .more = true, .id = 5);
	SEND(r, DROP_RECONNECTION, DATA, .part = 64, .id = 5);
}

/* A reset takes a whole segment to answer. */
static void reset_needs_a_segment(void **state)
{
	const struct shape tcp = {DATA};
	struct rig *r = *state;

	known(r, &tcp, RIG_CHAT, 0);
	for (uint32_t id = 1; id < 6; id++) {
		SEND(r, DROP_RESET, DATA, .more = true, .id = id);
		SEND(r, DROP_RESET, DATA, .part = 64, .id = id);
	}
	SEND(r, PUNTED, DATA);
}

/* A header alone, the payload in other fragments: none of it may take the stack's path. */
static void first_without_payload(void **state)
{
	struct rig *r = *state;
	struct built frame;
	struct outcome out;

	shape_build(&(struct shape){.more = true, .id = 4}, &frame);
	rig_run(r, RIG_A, frame.data, frame.len, &out);
	assert_int_equal(out.reason, WEIR_REASON_PUNTED);
	SEND(r, PUNTED, DATA, .part = 24, .id = 4);
}

static void orphans_go_by_their_destination(void **state)
{
	struct weir_mac_key mac = {.mac = {2, 0, 0, 0, 0, 0x0b}, .domain = 1};
	struct rig *r = *state;
	uint32_t tc = r->hook == RIG_TC ? WEIR_PORT_TC : 0;

	SEND(r, REDIRECTED_FRAGMENT, LAST(1));
	assert_int_equal(rig_sum(r, "weir_sent", RIG_B), 1);
	rig_port_flags(r, RIG_B, WEIR_PORT_ENABLED | WEIR_PORT_FORWARDING | tc);
	SEND(r, STACK_FRAGMENT, LAST(1));
	rig_port_flags(r, RIG_B, WEIR_PORT_REDIRECT | WEIR_PORT_FORWARDING | tc);
	SEND(r, STACK_FRAGMENT, LAST(1));
	rig_port_flags(r, RIG_B, RIG_PORT_USUAL | tc);
	SEND(r, REDIRECTED_FRAGMENT, LAST(1));
	assert_int_equal(bpf_map_delete_elem(rig_map(r, "weir_macs"), &mac), 0);
	SEND(r, STACK_FRAGMENT, LAST(1));
	assert_false(rig_flow(r, false, &udp, &(struct weir_flow){0}));
}

static void orphans_of_a_blocked_host(void **state)
{
	struct policy_block block = rig_block_of_b(0, 0);
	struct rig *r = *state;

	rig_blocks(r, &block, 1);
	SEND(r, DROP_BLOCKED, LAST(1));
	SEND(r, DROP_BLOCKED, FIRST(2));
	SEND(r, DROP_BLOCKED, LAST(2));
}

/* What names a datagram is more than its identification. */
static void other_datagrams(void **state)
{
	struct rig *r = *state;

	known(r, &udp, RIG_P2P, 0);
	SEND(r, DROP_VERDICT, FIRST(7));
	SEND(r, REDIRECTED_FRAGMENT, LAST(8));
	SEND(r, REDIRECTED_FRAGMENT, LAST(7), BACK);
	SEND(r, REDIRECTED_FRAGMENT, LAST(7), .a = 3);
	SEND(r, REDIRECTED_FRAGMENT, LAST(7), .b = 3);
	SEND(r, REDIRECTED_FRAGMENT, LAST(7), .tags = 1);
	SEND(r, REDIRECTED_FRAGMENT, DATA, .part = 96, .id = 7);
	SEND(r, DROP_VERDICT, LAST(7));
	/* A sender uses an identification again. */
	SEND(r, PUNTED, FIRST(7), .sport = 9);
	SEND(r, PUNTED, LAST(7));
	known(r, &udp6, RIG_P2P, 0);
	SEND(r, DROP_VERDICT, V6, FIRST(7));
	SEND(r, REDIRECTED_FRAGMENT, V6, LAST(0x10007));
	SEND(r, DROP_VERDICT, V6, LAST(7));
}

static void first_fragments_are_forgotten(void **state)
{
	struct rig *r = *state;
	struct weir_fragment_key key;
	struct weir_fragment first;
	int map = rig_map(r, "weir_fragments");

	known(r, &udp, RIG_P2P, 0);
	SEND(r, DROP_VERDICT, FIRST(7));
	assert_int_equal(bpf_map_get_next_key(map, NULL, &key), 0);
	assert_int_equal(bpf_map_lookup_elem(map, &key, &first), 0);
	first.time_ns -= 29000000000ULL;
	rig_put(r, "weir_fragments", &key, &first);
	SEND(r, DROP_VERDICT, LAST(7));
	first.time_ns -= 2000000000ULL;
	rig_put(r, "weir_fragments", &key, &first);
	SEND(r, REDIRECTED_FRAGMENT, LAST(7));
}

/* However many datagrams begin, the table keeps its size and the newest of them. */
static void flood_of_first_fragments(void **state)
{
	struct weir_fragment_key key, *last = NULL;
	struct rig *r = *state;
	unsigned int kept = 0;

	known(r, &udp, RIG_P2P, 0);
	for (uint32_t id = 1; id <= 500; id++)
		SEND(r, DROP_VERDICT, FIRST(id));
	SEND(r, DROP_VERDICT, LAST(500));
	while (!bpf_map_get_next_key(rig_map(r, "weir_fragments"), last, &key)) {
		last = &key;
		kept++;
	}
	assert_in_range(kept, 1, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(passes_like_its_flow),
		RIG_TEST(dropped_like_its_flow),
		RIG_TEST(punted_in_sequence),
		RIG_TEST(inspected_are_punted),
		RIG_TEST(dropped_without_a_flow),
		RIG_TEST(reset_needs_a_segment),
		RIG_TEST(first_without_payload),
		RIG_TEST(orphans_go_by_their_destination),
		RIG_TEST(orphans_of_a_blocked_host),
		RIG_TEST(other_datagrams),
		RIG_TEST(first_fragments_are_forgotten),
		RIG_TEST(flood_of_first_fragments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

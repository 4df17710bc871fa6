// SPDX-License-Identifier: GPL-2.0-only
/* Where frames go when something is missing, full or too small, and what the tables survive. */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/rig.h"

static const struct shape tcp = {DATA};

/* When the stack last got a frame, for every slot: in the future, or long ago. */
static void stack_busy(struct rig *r, bool busy)
{
	uint32_t now_ms = (uint32_t)(time_now_ns() / 1000000);
	uint32_t when = busy ? now_ms + 10000 : now_ms - 10000;
	uint32_t probe[4] = {0, 0, when, when};

	for (uint32_t i = 0; i < 1024; i++)
		assert_int_equal(bpf_map_update_elem(rig_map(r, "weir_probe"), &i, probe, 0), 0);
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
	rig_tell(r, id, RIG_WEB, 0);
	/* But nothing overtakes what the stack has just got. */
	stack_busy(r, true);
	SEND(r, DROP_HANDOVER, DATA, .sport = 1);
	stack_busy(r, false);
	SEND(r, REDIRECTED, DATA, .sport = 1);
	stack_busy(r, true);
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
	struct outcome out;

	r->sent[0] = r->read[0] + 56;
	SEND(r, STACK_OVERLOAD, DATA, .sport = 1);
	r->ctl->flags |= WEIR_CTL_OVERLOAD_DROP;
	SEND(r, DROP_OVERLOAD, DATA, .sport = 1);
	r->ctl->flags &= ~WEIR_CTL_OVERLOAD_DROP;
	r->sent[0] = r->read[0] + 54;
	/* It waits in the slow path for what the stack has just got. */
	stack_busy(r, true);
	assert_int_equal(rig_send(r, &(struct shape){DATA, .sport = 1}, &out), WEIR_REASON_PUNTED);
	assert_true(out.punt.flags & WEIR_PUNT_SETTLE);
	stack_busy(r, false);
	assert_int_equal(rig_send(r, &(struct shape){DATA, .sport = 1}, &out), WEIR_REASON_PUNTED);
	assert_false(out.punt.flags & WEIR_PUNT_SETTLE);
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

	rig_identify(r, &tcp, RIG_WEB);
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
	uint64_t id = rig_identify(r, &tcp, RIG_P2P);

	SEND(r, DROP_VERDICT, DATA);
	shape_key(&tcp, &key, NULL);
	assert_int_equal(gate_table_remove(&r->table, &key), 0);
	SEND(r, DROP_VERDICT, DATA);
	assert_true(rig_flow(r, true, &tcp, &flow));
	assert_true(flow.id == id);
}

/* It is inspected and leaves by the stack. */
static void by_stack(struct rig *r, const struct shape *s)
{
	struct outcome out;

	assert_int_equal(rig_send(r, s, &out), WEIR_REASON_PUNTED);
	assert_int_equal(out.punt.out_port, WEIR_PORT_NONE);
	assert_int_equal(WEIR_PUNT_EXIT_OF(out.punt.flags), WEIR_EXIT_STACK);
}

static void no_egress(void **state)
{
	struct weir_mac_key mac = {.mac = {2, 0, 0, 0, 0, 0x0b}, .domain = 1};
	struct rig *r = *state;
	uint32_t here = RIG_A, port = RIG_A;
	struct weir_port cfg;

	assert_int_equal(bpf_map_delete_elem(rig_map(r, "weir_macs"), &mac), 0);
	assert_int_equal(bpf_map_lookup_elem(rig_map(r, "weir_ports"), &port, &cfg), 0);
	cfg.punt_ifindex = 0; /* no way to give it back: not inspected */
	rig_put(r, "weir_ports", &port, &cfg);
	SEND(r, STACK_NO_EGRESS, DATA);
	cfg.punt_ifindex = 1;
	rig_put(r, "weir_ports", &port, &cfg);
	by_stack(r, &(struct shape){DATA, .sport = 1});
	/* The answer says where the other end is. */
	SEND(r, STACK_NO_PAYLOAD, BACK);
	SEND(r, PUNTED, DATA);
	rig_put(r, "weir_macs", &mac, &here);
	by_stack(r, &(struct shape){DATA, .sport = 2});
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
	SEND(r, REDIRECTED_FRAGMENT, .part = 16, .payload = 16);
	assert_int_equal(bpf_map_lookup_elem(map, &mac, &port), 0);
	assert_int_equal(port, RIG_A);
}

static void no_redirect(void **state)
{
	struct rig *r = *state;
	uint32_t tc = r->hook == RIG_TC ? WEIR_PORT_TC : 0, port = RIG_B;

	rig_identify(r, &tcp, RIG_WEB);
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

	rig_identify(r, &tcp, RIG_P2P);
	SEND(r, DROP_VERDICT, DATA);
	rig_reconnect(r, RIG_P2P, rig_soon(), 0);
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
	struct outcome out;
	struct weir_port cfg;
	uint32_t port = RIG_B;

	rig_identify(r, &tcp, RIG_WEB);
	SEND(r, REDIRECTED, .payload = 1464);
	SEND(r, STACK_OVERSIZE, .payload = 1465);
	by_stack(r, &(struct shape){.payload = 1465, .sport = 3});
	assert_int_equal(bpf_map_lookup_elem(rig_map(r, "weir_ports"), &port, &cfg), 0);
	cfg.max_frame = 2000;
	rig_put(r, "weir_ports", &port, &cfg);
	SEND(r, REDIRECTED, .payload = 1946);
	stack_busy(r, false);
	SEND(r, PUNTED, .payload = 1646, .sport = 1);
	/* It would overtake that one. */
	SEND(r, DROP_OVERLOAD, .payload = 1647, .sport = 1);
	/* And this one would overtake what the stack has. */
	SEND(r, STACK_OVERSIZE, .payload = 1647, .sport = 2);
	stack_busy(r, true);
	assert_int_equal(rig_send(r, &(struct shape){.payload = 100, .sport = 2}, &out),
			 WEIR_REASON_PUNTED);
	assert_true(out.punt.flags & WEIR_PUNT_SETTLE);
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
	stack_busy(r, false);
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
	by_stack(r, &(struct shape){.payload = 1600});
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

	rig_reconnect(r, RIG_P2P, rig_soon(), 0);
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

	rig_reconnect(r, RIG_P2P, rig_soon(), 0);
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

static void the_clock_moves_on(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow;

	SEND(r, PUNTED, DATA);
	r->ctl->clock_ds = 130;
	SEND(r, PUNTED, DATA);
	assert_true(rig_flow(r, false, &tcp, &flow));
	assert_in_range(time_now_ns() - flow.created_ns, 0, 10000000000ULL);
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
	by_stack(r, &(struct shape){DATA});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		RIG_TEST(protocol_alone),
		RIG_TEST(events_are_bounded),
		RIG_TEST(drops_are_told_of_once),
		RIG_TEST(the_clock_moves_on),
		RIG_TEST(ports_of_other_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

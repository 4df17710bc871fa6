// SPDX-License-Identifier: GPL-2.0-only
/* Flows inside of flows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect_bench.h"

static const char tunnel_yaml[] =
	"features:\n"
	"  alpha-datagram: { transport: udp, mask: { offset: 0, text: 'ALPHA' } }\n"
	"  vx: { transport: udp, dport: [4789], mask: { offset: 0, bytes: '08' } }\n"
	"applications:\n"
	"  alpha: { category: test, when: alpha-datagram, confidence: 90 }\n"
	"  vxlan: { category: tunnel, when: vx, confidence: 90 }\n";

struct seen {
	unsigned int count;
	struct flow flow[16];
};

static void collect(struct flow *f, void *arg)
{
	struct seen *s = arg;

	assert_true(s->count < ARRAY_SIZE(s->flow));
	s->flow[s->count++] = *f;
}

static struct seen finish(struct bench *b)
{
	struct seen s = {0};

	inspector_finish(b->inspector, collect, &s);
	return s;
}

/* A frame of protocol proto around header and body. */
static size_t wrap(uint8_t *out, uint8_t proto, uint16_t dport, const void *header, size_t n,
		   const uint8_t *body, size_t len)
{
	uint8_t payload[FRAME_MAX];
	struct frame_spec s = {
		.src = "192.0.2.1",
		.dst = "192.0.2.2",
		.proto = proto,
		.sport = 5000,
		.dport = dport,
		.payload = payload,
		.len = n + len,
	};

	if (n)
		memcpy(payload, header, n);
	memcpy(payload + n, body, len);
	return frame_build(out, &s);
}

static size_t inner_udp(uint8_t *out, bool raw, const char *text)
{
	struct frame_spec s = spec_of(IPPROTO_UDP, false, text);

	s.raw = raw;
	return frame_build(out, &s);
}

static void send_gre(struct bench *b, uint32_t key, const char *text, const struct weir_punt *punt)
{
	uint8_t body[FRAME_MAX / 2], frame[FRAME_MAX], header[8] = {0x20, 0, 8, 0};
	size_t len = inner_udp(body, true, text);

	frame_put32(header + 4, key);
	send_frame(b, frame, wrap(frame, IPPROTO_GRE, 0, header, 8, body, len), punt);
}

static void send_vxlan(struct bench *b, uint8_t network, const char *text, bool spoil)
{
	uint8_t body[FRAME_MAX / 2], frame[FRAME_MAX], header[8] = {8};
	size_t len = inner_udp(body, false, text);
	size_t n;

	header[6] = network;
	n = wrap(frame, IPPROTO_UDP, 4789, header, 8, body, len);
	if (spoil)
		frame[n - 1] ^= 1;
	send_frame(b, frame, n, NULL);
}

static void inner_flows_stand_beside_the_tunnel(void **state)
{
	struct bench *b = *state;
	struct seen s;

	inspector_set_tunnels(b->inspector, INSPECT_TUNNELS_INNER);
	send_gre(b, 1, "ALPHA", NULL);
	assert_int_equal(b->out.inner_count, 1);
	assert_true(b->out.inner[0].decided_now);
	assert_int_equal(b->out.inner[0].flow->app, app_of(b, "alpha"));
	assert_int_equal(b->out.flow->app, app_of(b, "gre"));
	send_gre(b, 1, "ALPHA", NULL);
	assert_false(b->out.inner[0].decided_now);
	s = finish(b);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.flow[0].app, app_of(b, "gre"));
	assert_int_equal(s.flow[0].tunnel, PACKET_TUNNEL_NONE);
	assert_int_equal(s.flow[0].frames, 2);
	assert_int_equal(s.flow[1].tunnel, PACKET_TUNNEL_GRE);
	assert_int_equal(s.flow[1].frames, 2);
	assert_int_equal(s.flow[1].bytes, 2 * (20 + 8 + 5));
	assert_int_equal(ntohs(s.flow[1].key.port[s.flow[1].origin]), 4000);
}

static void the_tunnel_alone_is_the_rule(void **state)
{
	struct bench *b = *state;

	send_gre(b, 1, "ALPHA", NULL);
	assert_int_equal(b->out.inner_count, 0);
	assert_int_equal(finish(b).count, 1);
}

static void ip_in_ip_can_be_looked_through(void **state)
{
	struct bench *b = *state;
	uint8_t body[FRAME_MAX / 2], frame[FRAME_MAX];
	size_t len = inner_udp(body, true, "ALPHA");
	struct seen s;

	inspector_set_tunnels(b->inspector, INSPECT_TUNNELS_UNWRAP);
	send_frame(b, frame, wrap(frame, IPPROTO_IPIP, 0, NULL, 0, body, len), NULL);
	send_gre(b, 1, "ALPHA", NULL);
	s = finish(b);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.flow[0].app, app_of(b, "alpha"));
	assert_int_equal(s.flow[0].tunnel, PACKET_TUNNEL_NONE);
	assert_int_equal(s.flow[1].app, app_of(b, "gre"));
}

/* Equal tuples in two networks are two flows; so are those inside and outside. */
static void networks_are_kept_apart(void **state)
{
	struct bench *b = *state;
	struct seen s;

	inspector_set_tunnels(b->inspector, INSPECT_TUNNELS_INNER);
	send_gre(b, 1, "ALPHA", NULL);
	send_gre(b, 2, "?", NULL);
	send_udp(b, false, "?");
	s = finish(b);
	assert_int_equal(s.count, 4);
	assert_int_equal(s.flow[1].app, app_of(b, "alpha"));
	assert_int_equal(s.flow[2].app, 0);
	assert_int_equal(s.flow[2].tunnel, PACKET_TUNNEL_GRE);
	assert_int_equal(s.flow[3].tunnel, PACKET_TUNNEL_NONE);
}

/* However deep: outermost first, and no more than four. */
static void nesting_is_bounded(void **state)
{
	struct bench *b = *state;
	uint8_t body[FRAME_MAX], frame[FRAME_MAX];
	size_t len = inner_udp(body, true, "ALPHA");
	struct seen s;

	for (int i = 0; i < 6; i++) {
		struct frame_spec outer = {.raw = true,
					   .src = "192.0.2.1",
					   .dst = "192.0.2.2",
					   .proto = IPPROTO_IPIP,
					   .payload = body,
					   .len = len};

		len = frame_build(frame, &outer);
		memcpy(body, frame, len);
	}
	inspector_set_tunnels(b->inspector, INSPECT_TUNNELS_INNER);
	send_frame(b, frame, wrap(frame, IPPROTO_IPIP, 0, NULL, 0, body, len), NULL);
	assert_int_equal(b->out.inner_count, INSPECT_TUNNELS_MAX);
	s = finish(b);
	assert_int_equal(s.count, 1 + INSPECT_TUNNELS_MAX);
	for (unsigned int i = 0; i < s.count; i++)
		assert_int_equal(s.flow[i].key.proto, IPPROTO_IPIP);
}

/* A tunnel over UDP is one when its bytes say so; a packet that no receiver takes carries nothing.
 */
static void udp_tunnels_are_told_by_their_application(void **state)
{
	struct bench *b = *state;
	struct signatures *s = bench_signatures(b->registry, tunnel_yaml);

	assert_int_equal(inspector_set_signatures(b->inspector, s), 0);
	inspector_set_tunnels(b->inspector, INSPECT_TUNNELS_INNER);
	send_vxlan(b, 7, "ALPHA", true);
	assert_true(b->out.bad_checksum);
	assert_int_equal(b->out.inner_count, 0);
	send_vxlan(b, 7, "ALPHA", false);
	assert_int_equal(b->out.flow->app, app_of(b, "vxlan"));
	assert_int_equal(b->out.flow->carries, PACKET_TUNNEL_VXLAN);
	assert_int_equal(b->out.inner_count, 1);
	assert_int_equal(b->out.inner[0].flow->app, app_of(b, "alpha"));
	inspector_set_tunnels(b->inspector, INSPECT_TUNNELS_OUTER);
	send_vxlan(b, 7, "ALPHA", false);
	assert_int_equal(b->out.inner_count, 0);
	assert_int_equal(b->out.flow->carries, PACKET_TUNNEL_NONE);
	/* The inspector goes before the set it uses. */
	inspector_set_signatures(b->inspector, b->signatures);
	signatures_free(s);
}

/* An inspector as a worker has it. Returns what the gate says of the tunnel's flow. */
static struct weir_punt go_online(struct bench *b)
{
	const struct inspect_settings settings = {
		.packets = 4,
		.tunnels = INSPECT_TUNNELS_INNER,
		.online = true,
		.limits = {.flows = 1, .stream_bytes = 1024, .stream_bytes_all = 8192},
		.endpoint_ttl_ns = 600 * BENCH_SECOND,
	};

	bench_restart(b, &settings);
	return (struct weir_punt){
		.flow_id = 11, .app = app_of(b, "gre"), .flags = WEIR_PUNT_INSPECT};
}

/* Online the tunnel's flow is the gate's, the inner one nobody's; what it teaches stays inside. */
static void the_gate_knows_the_tunnel_alone(void **state)
{
	struct bench *b = *state;
	const struct weir_punt punt = go_online(b);

	alpha.learn_port = 7000;
	send_gre(b, 1, "?", &punt);
	assert_true(b->out.flow->id == 11);
	assert_int_equal(b->out.flow->carries, PACKET_TUNNEL_GRE);
	assert_int_equal(b->out.inner_count, 1);
	assert_true(b->out.inner[0].flow->id == 0);
	assert_true(alpha.undecided_calls > 0);
	assert_int_equal(b->learned, 0);
	/* Evicted or not, it is not kept for an end that never comes. */
	for (uint32_t key = 2; key < 50; key++)
		send_gre(b, key, "?", &punt);
	assert_true(finish(b).count < 16);
}

/* Nobody is there any more for whom an inner flow could be judged when it goes, and by then it
 * could teach what it could not inside. */
static void inner_flows_go_unjudged(void **state)
{
	struct bench *b = *state;
	const struct weir_punt punt = go_online(b);
	uint8_t body[FRAME_MAX / 2], frame[FRAME_MAX], header[8] = {0x20, 0, 8, 0};
	struct frame_spec s = spec_of(IPPROTO_TCP, false, "half a message");
	unsigned int calls;
	size_t len;

	s.raw = true;
	s.flags = FRAME_ACK;
	len = frame_build(body, &s);
	alpha.learn_port = 7000;
	send_frame(b, frame, wrap(frame, IPPROTO_GRE, 0, header, 8, body, len), &punt);
	assert_int_equal(b->out.inner_count, 1);
	assert_false(b->out.inner[0].flow->decided);
	calls = alpha.undecided_calls;
	assert_int_equal(calls, 1);
	assert_int_equal(finish(b).count, 0);
	assert_int_equal(alpha.undecided_calls, calls);
	assert_int_equal(b->learned, 0);
}

/* A capture may have been edited; what came in a frame a moment ago was not. */
static void inner_sums_count_online(void **state)
{
	struct bench *b = *state;
	const struct weir_punt punt = go_online(b);
	uint8_t body[FRAME_MAX / 2], frame[FRAME_MAX], header[8] = {0x20, 0, 8, 0};
	size_t len = inner_udp(body, true, "ALPHA");

	body[10] ^= 1; /* of the IP header's sum */
	body[26] ^= 1; /* of UDP's */
	send_frame(b, frame, wrap(frame, IPPROTO_GRE, 0, header, 8, body, len), &punt);
	assert_int_equal(b->out.inner_count, 1);
	assert_false(b->out.inner[0].flow->decided);
}

static void fragments_inside_are_put_together(void **state)
{
	struct bench *b = *state;
	uint8_t body[FRAME_MAX / 2], frame[FRAME_MAX], header[4] = {0, 0, 8, 0};
	size_t len = inner_udp(body, true, "ALPHA and more of it");
	uint8_t part[FRAME_MAX / 2];
	struct seen s;

	inspector_set_tunnels(b->inspector, INSPECT_TUNNELS_INNER);
	for (int i = 0; i < 2; i++) {
		size_t from = i ? 16 : 0, n = i ? len - 36 : 16;

		memcpy(part, body, 20);
		memcpy(part + 20, body + 20 + from, n);
		frame_put16(part + 2, (unsigned int)(20 + n));
		frame_put16(part + 6, i ? 2 : 0x2000);
		send_frame(b, frame, wrap(frame, IPPROTO_GRE, 0, header, 4, part, 20 + n), NULL);
	}
	s = finish(b);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.flow[1].app, app_of(b, "alpha"));
	assert_int_equal(s.flow[1].tunnel, PACKET_TUNNEL_GRE);
	assert_int_equal(s.flow[1].frames, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(inner_flows_stand_beside_the_tunnel),
		BENCH_TEST(the_tunnel_alone_is_the_rule),
		BENCH_TEST(ip_in_ip_can_be_looked_through),
		BENCH_TEST(networks_are_kept_apart),
		BENCH_TEST(nesting_is_bounded),
		BENCH_TEST(udp_tunnels_are_told_by_their_application),
		BENCH_TEST(the_gate_knows_the_tunnel_alone),
		BENCH_TEST(inner_flows_go_unjudged),
		BENCH_TEST(inner_sums_count_online),
		BENCH_TEST(fragments_inside_are_put_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

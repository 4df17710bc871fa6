// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frame_build.h"
#include "packet/tunnel.h"
#include "util/util.h"

#define INNER_UDP                                                                                  \
	.src = "192.168.0.1", .dst = "192.168.0.2", .proto = IPPROTO_UDP, .sport = 1000,           \
	.dport = 53, .payload = "inner", .len = 5
#define INNER_UDP6                                                                                 \
	.src = "2001:db8::1", .dst = "2001:db8::2", .proto = IPPROTO_UDP, .sport = 1000,           \
	.dport = 53, .payload = "inner", .len = 5

/* A tunnel's header in front of an inner packet, and what must come of it. */
struct tunnel_case {
	const char *name;
	enum packet_tunnel tunnel;
	uint8_t header[48];
	size_t header_len;
	struct frame_spec inner;
	enum packet_status status;
	uint32_t id;
};

#define RAW4                                                                                       \
	{                                                                                          \
		.raw = true, INNER_UDP                                                             \
	}
#define RAW6                                                                                       \
	{                                                                                          \
		.raw = true, INNER_UDP6                                                            \
	}
#define ETH4                                                                                       \
	{                                                                                          \
		INNER_UDP                                                                          \
	}

static const struct tunnel_case cases[] = {
	{"ipip", PACKET_TUNNEL_IPIP, {0}, 0, RAW4, PACKET_OK, 0},
	{"6in4", PACKET_TUNNEL_6IN4, {0}, 0, RAW6, PACKET_OK, 0},
	{"gre", PACKET_TUNNEL_GRE, {0, 0, 8, 0}, 4, RAW4, PACKET_OK, 0},
	{"gre of IPv6", PACKET_TUNNEL_GRE, {0, 0, 0x86, 0xdd}, 4, RAW6, PACKET_OK, 0},
	{"gre key", PACKET_TUNNEL_GRE, {0x20, 0, 8, 0, 1, 2, 3, 4}, 8, RAW4, PACKET_OK, 0x01020304},
	{"gre key and sequence",
	 PACKET_TUNNEL_GRE,
	 {0x30, 0, 8, 0, 0, 0, 0, 9, 0, 0, 0, 1},
	 12,
	 RAW4,
	 PACKET_OK,
	 9},
	{"gre bridged",
	 PACKET_TUNNEL_GRE,
	 {0x20, 0, 0x65, 0x58, 0, 0, 1, 0},
	 8,
	 ETH4,
	 PACKET_OK,
	 256},
	{"erspan I", PACKET_TUNNEL_GRE, {0, 0, 0x88, 0xbe}, 4, ETH4, PACKET_OK, 0},
	{"erspan II",
	 PACKET_TUNNEL_GRE,
	 {0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 1, 0, 0, 0, 0},
	 16,
	 ETH4,
	 PACKET_OK,
	 0},
	{"gre, PPTP's version",
	 PACKET_TUNNEL_GRE,
	 {0x20, 1, 8, 0, 0, 0, 0, 0},
	 8,
	 RAW4,
	 PACKET_NOT_IP,
	 0},
	{"gre, source routed", PACKET_TUNNEL_GRE, {0x40, 0, 8, 0}, 4, RAW4, PACKET_NOT_IP, 0},
	{"gre of something else", PACKET_TUNNEL_GRE, {0, 0, 0x88, 0x0b}, 4, RAW4, PACKET_NOT_IP, 0},
	{"gre, wrong sum",
	 PACKET_TUNNEL_GRE,
	 {0x80, 0, 8, 0, 0x12, 0x34, 0, 0},
	 8,
	 RAW4,
	 PACKET_MALFORMED,
	 0},
	{"vxlan", PACKET_TUNNEL_VXLAN, {8, 0, 0, 0, 0, 1, 2, 0}, 8, ETH4, PACKET_OK, 0x102},
	{"vxlan, reserved bits",
	 PACKET_TUNNEL_VXLAN,
	 {0xff, 1, 2, 3, 0, 0, 7, 9},
	 8,
	 ETH4,
	 PACKET_OK,
	 7},
	{"vxlan without a network", PACKET_TUNNEL_VXLAN, {0}, 8, ETH4, PACKET_MALFORMED, 0},
	{"gtp", PACKET_TUNNEL_GTP, {0x30, 255, 0, 33, 0, 0, 0, 5}, 8, RAW4, PACKET_OK, 5},
	{"gtp numbered",
	 PACKET_TUNNEL_GTP,
	 {0x32, 255, 0, 37, 0, 0, 0, 5, 0, 1, 0, 0x85},
	 12,
	 RAW4,
	 PACKET_OK,
	 5},
	{"gtp with extensions",
	 PACKET_TUNNEL_GTP,
	 {0x34, 255, 0, 49, 0, 0, 0, 5, 0, 0, 0, 0x85, 1, 0, 9, 0xc0, 2, 1, 2, 3, 4, 5, 6, 0},
	 24,
	 RAW4,
	 PACKET_OK,
	 5},
	{"gtp, extension of no length",
	 PACKET_TUNNEL_GTP,
	 {0x34, 255, 0, 41, 0, 0, 0, 5, 0, 0, 0, 0x85, 0, 0, 9, 0},
	 16,
	 RAW4,
	 PACKET_MALFORMED,
	 5},
	{"gtp, extension beyond the end",
	 PACKET_TUNNEL_GTP,
	 {0x34, 255, 0, 41, 0, 0, 0, 5, 0, 0, 0, 0x85, 200, 0, 9, 0},
	 16,
	 RAW4,
	 PACKET_MALFORMED,
	 5},
	{"gtp echo", PACKET_TUNNEL_GTP, {0x32, 1, 0, 33, 0, 0, 0, 0}, 8, RAW4, PACKET_NOT_IP, 0},
	{"gtp longer than it is",
	 PACKET_TUNNEL_GTP,
	 {0x30, 255, 0, 34, 0, 0, 0, 5},
	 8,
	 RAW4,
	 PACKET_MALFORMED,
	 5},
	{"gtp shorter than its packet",
	 PACKET_TUNNEL_GTP,
	 {0x30, 255, 0, 32, 0, 0, 0, 5},
	 8,
	 RAW4,
	 PACKET_TRUNCATED,
	 5},
	{"teredo", PACKET_TUNNEL_TEREDO, {0}, 0, RAW6, PACKET_OK, 0},
	{"teredo with origin",
	 PACKET_TUNNEL_TEREDO,
	 {0, 0, 1, 2, 3, 4, 5, 6},
	 8,
	 RAW6,
	 PACKET_OK,
	 0},
	{"teredo with authentication",
	 PACKET_TUNNEL_TEREDO,
	 {0, 1, 2, 3, 'i', 'd', 'v', 'a', 'l', 1, 2, 3, 4, 5, 6, 7, 8, 0},
	 18,
	 RAW6,
	 PACKET_OK,
	 0},
	{"teredo with both",
	 PACKET_TUNNEL_TEREDO,
	 {0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6},
	 21,
	 RAW6,
	 PACKET_OK,
	 0},
	{"teredo, value beyond the end",
	 PACKET_TUNNEL_TEREDO,
	 {0, 1, 200, 200, 1, 2, 3, 4, 5, 6, 7, 8, 0},
	 13,
	 RAW6,
	 PACKET_MALFORMED,
	 0},
	{"teredo of IPv4", PACKET_TUNNEL_TEREDO, {0}, 0, RAW4, PACKET_NOT_IP, 0},
	{"none", PACKET_TUNNEL_NONE, {0}, 0, RAW4, PACKET_NOT_IP, 0},
};

static size_t put_case(const struct tunnel_case *c, uint8_t *out)
{
	uint8_t body[FRAME_MAX / 2];
	struct frame_spec outer = {.raw = true,
				   .src = "10.0.0.1",
				   .dst = "10.0.0.2",
				   .proto = IPPROTO_UDP,
				   .payload = body};

	memcpy(body, c->header, c->header_len);
	outer.len = c->header_len + frame_build(body + c->header_len, &c->inner);
	return frame_build(out, &outer);
}

static void opens_each_tunnel(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct tunnel_case *c = &cases[i];
		uint8_t frame[FRAME_MAX];
		size_t len = put_case(c, frame);
		struct packet p, inner;
		uint32_t id;

		print_message("%s\n", c->name);
		assert_int_equal(packet_decode(frame, len, PACKET_LINK_RAW, &p), PACKET_OK);
		assert_int_equal(packet_decode_inner(&p, c->tunnel, &inner, &id), c->status);
		assert_int_equal(id, c->id);
		if (c->status != PACKET_OK)
			continue;
		assert_int_equal(inner.proto, IPPROTO_UDP);
		assert_int_equal(inner.ip_version, strchr(c->inner.src, ':') ? 6 : 4);
		assert_int_equal(inner.payload_len, 5);
		assert_memory_equal(inner.frame + inner.payload, "inner", 5);
		assert_int_equal(packet_checksum(&inner), PACKET_CHECKSUM_OK);
	}
}

/* However much of it is missing, nothing behind the end is read (the sanitizers watch). */
static void bears_every_length(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t frame[FRAME_MAX];
		size_t len = put_case(&cases[i], frame);

		for (size_t cut = 28; cut < len; cut++) {
			uint8_t *copy = malloc(cut);
			struct packet p, inner;
			uint32_t id;

			memcpy(copy, frame, cut);
			/* As a capture keeps it, and as a shorter packet. */
			assert_int_equal(packet_decode_cut(copy, cut, len, PACKET_LINK_RAW, &p),
					 PACKET_OK);
			assert_int_not_equal(packet_decode_inner(&p, cases[i].tunnel, &inner, &id),
					     PACKET_FRAGMENT);
			frame_put16(copy + 2, (unsigned int)cut);
			frame_put16(copy + 24, (unsigned int)(cut - 20));
			assert_int_equal(packet_decode(copy, cut, PACKET_LINK_RAW, &p), PACKET_OK);
			assert_int_not_equal(packet_decode_inner(&p, cases[i].tunnel, &inner, &id),
					     PACKET_OK);
			free(copy);
		}
	}
}

/* RFC 2784, 2.3: the sum is over header and payload. */
static void takes_a_right_gre_sum(void **state)
{
	struct tunnel_case c = {.tunnel = PACKET_TUNNEL_GRE,
				.header = {0x80, 0, 8, 0},
				.header_len = 8,
				.inner = RAW4};
	uint8_t frame[FRAME_MAX];
	struct packet p, inner;
	size_t len = put_case(&c, frame);
	uint32_t id;

	frame_put16(c.header + 4, ~frame_sum(0, frame + 28, len - 28) & 0xffff);
	len = put_case(&c, frame);
	packet_decode(frame, len, PACKET_LINK_RAW, &p);
	assert_int_equal(packet_decode_inner(&p, PACKET_TUNNEL_GRE, &inner, &id), PACKET_OK);
	frame[len - 1] ^= 1;
	assert_int_equal(packet_decode_inner(&p, PACKET_TUNNEL_GRE, &inner, &id), PACKET_MALFORMED);
}

static void protocols_tell_tunnels(void **state)
{
	static const struct {
		uint8_t version, proto;
		const char *name;
	} table[] = {
		{4, IPPROTO_IPIP, "ipip"}, {6, IPPROTO_IPIP, "4in6"}, {4, IPPROTO_IPV6, "6in4"},
		{6, IPPROTO_IPV6, "6in6"}, {4, IPPROTO_GRE, "gre"},   {6, IPPROTO_GRE, "gre"},
		{4, IPPROTO_UDP, "none"},  {4, IPPROTO_ESP, "none"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct packet p = {.ip_version = table[i].version, .proto = table[i].proto};

		assert_string_equal(packet_tunnel_name(packet_tunnel_by_protocol(&p)),
				    table[i].name);
	}
	assert_string_equal(packet_tunnel_name(PACKET_TUNNEL_COUNT), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_each_tunnel),
		cmocka_unit_test(bears_every_length),
		cmocka_unit_test(takes_a_right_gre_sum),
		cmocka_unit_test(protocols_tell_tunnels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

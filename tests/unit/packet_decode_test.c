// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "frame_build.h"
#include "packet/packet.h"
#include "util/util.h"

#define A4 "10.0.0.1"
#define B4 "10.0.0.2"
#define A6 "2001:db8::1"
#define B6 "2001:db8::2"

static const char text[] = "hello, world";

/* Extension headers: the first byte of the last one is the protocol. */
static const uint8_t hop_dest_udp[] = {60, 0, 1, 4, 0, 0, 0, 0, 17, 1, 1, 12,
				       0,  0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0};
static const uint8_t atomic_udp[] = {17, 0, 0, 0, 1, 2, 3, 4};
static const uint8_t first_frag_udp[] = {17, 0, 0, 1, 1, 2, 3, 4};
static const uint8_t later_frag_udp[] = {17, 0, 0x05, 0xa8, 1, 2, 3, 4};
static const uint8_t ah_tcp[] = {6, 4, 0, 0, 0, 0, 0, 9, 0, 0,	0,  1,
				 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const uint8_t routing_tcp[] = {6, 0, 0, 0, 0, 0, 0, 0};
static const uint8_t mobility_none[] = {59, 0, 0, 0, 0, 0, 0, 0};

struct decode_case {
	const char *name;
	struct frame_spec spec;
	enum packet_status status;
	uint16_t l3, l4, payload;
	uint32_t payload_len;
	uint8_t vlan_count;
	uint16_t vlan[2];
	uint16_t key_ports[2]; /* of A and B */
};

#define TCP4 .src = A4, .dst = B4, .proto = IPPROTO_TCP, .sport = 1000, .dport = 80
#define UDP4 .src = A4, .dst = B4, .proto = IPPROTO_UDP, .sport = 1000, .dport = 53
#define UDP6 .src = A6, .dst = B6, .proto = IPPROTO_UDP, .sport = 1000, .dport = 53
#define TCP6 .src = A6, .dst = B6, .proto = IPPROTO_TCP, .sport = 1000, .dport = 80
#define TEXT .payload = text, .len = 12

static const struct decode_case cases[] = {
	{"tcp4", {TCP4, TEXT}, PACKET_OK, 14, 34, 54, 12, 0, {0}, {1000, 80}},
	{"tcp4 options",
	 {TCP4, TEXT, .options = 12},
	 PACKET_OK,
	 14,
	 46,
	 66,
	 12,
	 0,
	 {0},
	 {1000, 80}},
	{"udp4", {UDP4, TEXT}, PACKET_OK, 14, 34, 42, 12, 0, {0}, {1000, 53}},
	{"udp4 empty", {UDP4}, PACKET_OK, 14, 34, 42, 0, 0, {0}, {1000, 53}},
	{"raw4", {UDP4, TEXT, .raw = true}, PACKET_OK, 0, 20, 28, 12, 0, {0}, {1000, 53}},
	{"raw6", {UDP6, TEXT, .raw = true}, PACKET_OK, 0, 40, 48, 12, 0, {0}, {1000, 53}},
	{"vlan",
	 {UDP4, TEXT, .tag_type = {0x8100}, .tag = {0xe00a}},
	 PACKET_OK,
	 18,
	 38,
	 46,
	 12,
	 1,
	 {10},
	 {1000, 53}},
	{"priority tag",
	 {UDP4, TEXT, .tag_type = {0x8100}, .tag = {0xe000}},
	 PACKET_OK,
	 18,
	 38,
	 46,
	 12,
	 1,
	 {0},
	 {1000, 53}},
	{"qinq",
	 {UDP6, TEXT, .tag_type = {0x88a8, 0x8100}, .tag = {100, 0x3fff}},
	 PACKET_OK,
	 22,
	 62,
	 70,
	 12,
	 2,
	 {100, 4095},
	 {1000, 53}},
	{"three tags",
	 {UDP6, TEXT, .tag_type = {0x88a8, 0x8100, 0x8100}},
	 PACKET_NOT_IP,
	 .vlan_count = 2},
	{"pppoe4", {TCP4, TEXT, .pppoe = true}, PACKET_OK, 22, 42, 62, 12, 0, {0}, {1000, 80}},
	{"pppoe4, short protocol",
	 {TCP4, TEXT, .pppoe = true, .narrow = true},
	 PACKET_OK,
	 21,
	 41,
	 61,
	 12,
	 0,
	 {0},
	 {1000, 80}},
	{"pppoe6 in vlan",
	 {TCP6, TEXT, .pppoe = true, .tag_type = {0x8100}, .tag = {7}},
	 PACKET_OK,
	 26,
	 66,
	 86,
	 12,
	 1,
	 {7},
	 {1000, 80}},
	{"tcp6", {TCP6, TEXT, .options = 20}, PACKET_OK, 14, 54, 94, 12, 0, {0}, {1000, 80}},
	{"icmp echo",
	 {.src = A4, .dst = B4, .proto = IPPROTO_ICMP, .icmp_type = 8, .sport = 77, TEXT},
	 PACKET_OK,
	 14,
	 34,
	 42,
	 12,
	 0,
	 {0},
	 {77, 77}},
	{"icmp reply",
	 {.src = A4, .dst = B4, .proto = IPPROTO_ICMP, .icmp_type = 0, .sport = 77},
	 PACKET_OK,
	 14,
	 34,
	 42,
	 0,
	 0,
	 {0},
	 {77, 77}},
	{"icmp error",
	 {.src = A4, .dst = B4, .proto = IPPROTO_ICMP, .icmp_type = 3, .sport = 77},
	 PACKET_OK,
	 14,
	 34,
	 42,
	 0,
	 0,
	 {0},
	 {0, 0}},
	{"icmp6 echo",
	 {.src = A6, .dst = B6, .proto = IPPROTO_ICMPV6, .icmp_type = 128, .sport = 9},
	 PACKET_OK,
	 14,
	 54,
	 62,
	 0,
	 0,
	 {0},
	 {9, 9}},
	{"icmp6 solicitation",
	 {.src = A6, .dst = B6, .proto = IPPROTO_ICMPV6, .icmp_type = 135, .sport = 9},
	 PACKET_OK,
	 14,
	 54,
	 62,
	 0,
	 0,
	 {0},
	 {0, 0}},
	{"icmp6 in IPv4",
	 {.src = A4, .dst = B4, .proto = IPPROTO_ICMPV6, TEXT, .icmp_type = 128, .sport = 5},
	 PACKET_OK,
	 14,
	 34,
	 42,
	 12,
	 0,
	 {0},
	 {5, 5}},
	{"esp",
	 {.src = A4, .dst = B4, .proto = IPPROTO_ESP, TEXT},
	 PACKET_OK,
	 14,
	 34,
	 34,
	 12,
	 0,
	 {0},
	 {0, 0}},
	{"hop, destination",
	 {UDP6, TEXT, .chain = hop_dest_udp, .chain_len = 24, .chain_first = 0},
	 PACKET_OK,
	 14,
	 78,
	 86,
	 12,
	 0,
	 {0},
	 {1000, 53}},
	{"atomic fragment",
	 {UDP6, TEXT, .chain = atomic_udp, .chain_len = 8, .chain_first = 44},
	 PACKET_OK,
	 14,
	 62,
	 70,
	 12,
	 0,
	 {0},
	 {1000, 53}},
	{"first fragment",
	 {UDP6, TEXT, .chain = first_frag_udp, .chain_len = 8, .chain_first = 44},
	 PACKET_FRAGMENT,
	 14,
	 62,
	 62,
	 20,
	 0,
	 {0},
	 {0}},
	{"later fragment",
	 {UDP6, TEXT, .chain = later_frag_udp, .chain_len = 8, .chain_first = 44},
	 PACKET_FRAGMENT,
	 14,
	 62,
	 62,
	 20,
	 0,
	 {0},
	 {0}},
	{"ah6",
	 {TCP6, TEXT, .chain = ah_tcp, .chain_len = 24, .chain_first = 51},
	 PACKET_OK,
	 14,
	 78,
	 98,
	 12,
	 0,
	 {0},
	 {1000, 80}},
	{"routing",
	 {TCP6, TEXT, .chain = routing_tcp, .chain_len = 8, .chain_first = 43},
	 PACKET_OK,
	 14,
	 62,
	 82,
	 12,
	 0,
	 {0},
	 {1000, 80}},
	{"mobility",
	 {.src = A6,
	  .dst = B6,
	  .proto = IPPROTO_NONE,
	  .chain = mobility_none,
	  .chain_len = 8,
	  .chain_first = 135},
	 PACKET_OK,
	 14,
	 62,
	 62,
	 0,
	 0,
	 {0},
	 {0, 0}},
};

static void check_key(const struct decode_case *c, const struct packet *p)
{
	uint32_t a[4], b[4];
	int side;

	assert_int_equal(address_parse(c->spec.src, a), 0);
	assert_int_equal(address_parse(c->spec.dst, b), 0);
	side = weir_side_before(a, htons(c->key_ports[0]), b, htons(c->key_ports[1])) ? 0 : 1;
	assert_int_equal(p->dir, side);
	assert_memory_equal(p->key.addr[side], a, 16);
	assert_memory_equal(p->key.addr[!side], b, 16);
	assert_int_equal(ntohs(p->key.port[side]), c->key_ports[0]);
	assert_int_equal(ntohs(p->key.port[!side]), c->key_ports[1]);
	assert_int_equal(p->key.proto, c->spec.proto);
	assert_int_equal(p->proto, c->spec.proto);
	assert_int_equal(p->key.domain, 0);
	assert_int_equal(ntohs(p->key.vlan[0]), c->vlan[0]);
	assert_int_equal(ntohs(p->key.vlan[1]), c->vlan[1]);
	assert_int_equal(ntohs(p->key.tunnel), c->spec.pppoe ? 0x1234 : 0);
}

static void check_case(const struct decode_case *c, const uint8_t *frame, size_t len)
{
	struct packet p;

	assert_int_equal(
		packet_decode(frame, len, c->spec.raw ? PACKET_LINK_RAW : PACKET_LINK_ETHERNET, &p),
		c->status);
	assert_int_equal(p.vlan_count, c->vlan_count);
	assert_int_equal(p.cut_len, 0);
	if (c->status != PACKET_OK && c->status != PACKET_FRAGMENT)
		return;
	assert_int_equal(p.l3, c->l3);
	assert_int_equal(p.l4, c->l4);
	assert_int_equal(p.payload, c->payload);
	assert_int_equal(p.payload_len, c->payload_len);
	check_key(c, &p);
	if (c->payload_len == 12)
		assert_memory_equal(frame + p.payload, text, 12);
}

static void decodes_each_sample(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t frame[FRAME_MAX];
		size_t len = frame_build(frame, &cases[i].spec);

		print_message("  %s\n", cases[i].name);
		check_case(&cases[i], frame, len);
		/* Padding behind the IP packet is no payload. */
		memset(frame + len, 0xee, 20);
		check_case(&cases[i], frame, len + 20);
	}
}

/* A frame without its tail lies on the heap at its exact size, so that a read beyond it shows under
 * ASan. */
static void refuses_each_truncation(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum packet_link link = cases[i].spec.raw ? PACKET_LINK_RAW : PACKET_LINK_ETHERNET;
		uint8_t frame[FRAME_MAX];
		size_t len = frame_build(frame, &cases[i].spec);

		if (cases[i].status == PACKET_NOT_IP)
			continue;
		for (size_t n = 0; n < len; n++) {
			uint8_t *cut = malloc(n ? n : 1);
			struct packet p;

			memcpy(cut, frame, n);
			assert_int_equal(packet_decode(cut, n, link, &p), PACKET_TRUNCATED);
			free(cut);
		}
	}
}

static void keeps_what_a_capture_kept(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum packet_link link = cases[i].spec.raw ? PACKET_LINK_RAW : PACKET_LINK_ETHERNET;
		uint8_t frame[FRAME_MAX];
		size_t len = frame_build(frame, &cases[i].spec);

		if (cases[i].status != PACKET_OK)
			continue;
		for (size_t n = 0; n < len; n++) {
			uint8_t *cut = malloc(n ? n : 1);
			enum packet_status status;
			struct packet p;

			memcpy(cut, frame, n);
			status = packet_decode_cut(cut, n, len, link, &p);
			assert_int_equal(status,
					 n < cases[i].payload ? PACKET_TRUNCATED : PACKET_OK);
			assert_int_equal(p.cut_len, len - n);
			if (status == PACKET_OK) {
				assert_int_equal(p.payload_len, n - cases[i].payload);
				assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_NONE);
			}
			free(cut);
		}
	}
}

static void both_directions_share_the_key(void **state)
{
	struct frame_spec there = {TCP4, TEXT};
	struct frame_spec back = {
		.src = B4, .dst = A4, .proto = IPPROTO_TCP, .sport = 80, .dport = 1000};
	uint8_t frame[FRAME_MAX];
	struct packet p, q;

	assert_int_equal(packet_decode(frame, frame_build(frame, &there), PACKET_LINK_ETHERNET, &p),
			 PACKET_OK);
	assert_int_equal(packet_decode(frame, frame_build(frame, &back), PACKET_LINK_ETHERNET, &q),
			 PACKET_OK);
	assert_memory_equal(&p.key, &q.key, sizeof(p.key));
	assert_int_equal(p.dir, !q.dir);
}

/* The same address on both ends: the port decides. */
static void ports_order_equal_addresses(void **state)
{
	struct frame_spec s = {
		.src = A4, .dst = A4, .proto = IPPROTO_UDP, .sport = 2, .dport = 1, TEXT};
	uint8_t frame[FRAME_MAX];
	struct packet p, q;

	packet_decode(frame, frame_build(frame, &s), PACKET_LINK_ETHERNET, &p);
	s.sport = 1;
	s.dport = 2;
	packet_decode(frame, frame_build(frame, &s), PACKET_LINK_ETHERNET, &q);
	assert_memory_equal(&p.key, &q.key, sizeof(p.key));
	assert_int_not_equal(p.dir, q.dir);
}

static void reads_tcp_fields(void **state)
{
	struct frame_spec s = {TCP6, TEXT, .seq = 0xfffffff0, .ack = 0x80000001,
			       .flags = FRAME_ACK | FRAME_PUSH};
	uint8_t frame[FRAME_MAX];
	struct packet p;

	assert_int_equal(packet_decode(frame, frame_build(frame, &s), PACKET_LINK_ETHERNET, &p),
			 PACKET_OK);
	assert_true(p.seq == 0xfffffff0);
	assert_true(p.ack == 0x80000001);
	assert_int_equal(p.tcp_flags, FRAME_ACK | FRAME_PUSH);
	assert_int_equal(p.ip_version, 6);
	assert_int_equal(p.l4_len, 32);
}

static void knows_ipv4_fragments(void **state)
{
	static const struct {
		uint16_t field;
		enum packet_status status;
	} table[] = {
		{0x0000, PACKET_OK},	   {0x4000, PACKET_OK},	      {0x2000, PACKET_FRAGMENT},
		{0x2001, PACKET_FRAGMENT}, {0x00b9, PACKET_FRAGMENT}, {0x1fff, PACKET_FRAGMENT},
	};
	struct frame_spec s = {UDP4, TEXT};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		uint8_t frame[FRAME_MAX];
		size_t len = frame_build(frame, &s);
		struct packet p;

		frame_put16(frame + 20, table[i].field);
		assert_int_equal(packet_decode(frame, len, PACKET_LINK_ETHERNET, &p),
				 table[i].status);
		if (table[i].status == PACKET_FRAGMENT) {
			assert_int_equal(p.payload, p.l4);
			assert_int_equal(p.payload_len, 20);
			assert_int_equal(p.fragment_id, 0);
			assert_int_equal(p.fragment_offset, (table[i].field & 0x1fff) * 8);
			assert_int_equal(p.fragment_more, table[i].field >> 13);
			assert_int_equal(p.key.port[0] | p.key.port[1], 0);
			assert_int_equal(p.key.proto, IPPROTO_UDP);
			assert_true(address_is_v4(p.key.addr[0]));
		}
	}
}

/* One byte of a good frame changed, and what that makes of it. */
static void refuses_contradictions(void **state)
{
	static const struct {
		const char *name;
		struct frame_spec spec;
		unsigned int at;
		uint8_t value;
		enum packet_status status;
	} table[] = {
		{"IPv4 version", {TCP4, TEXT}, 14, 0x65, PACKET_MALFORMED},
		{"IPv4 header too short", {TCP4, TEXT}, 14, 0x44, PACKET_MALFORMED},
		{"IPv4 header beyond its length", {UDP4}, 14, 0x4f, PACKET_MALFORMED},
		{"IPv4 length below header", {TCP4, TEXT}, 17, 19, PACKET_MALFORMED},
		{"IPv4 length zero", {TCP4, TEXT}, 17, 0, PACKET_MALFORMED},
		{"IPv4 length beyond frame", {TCP4, TEXT}, 16, 1, PACKET_TRUNCATED},
		{"IPv4 length inside TCP header", {TCP4, TEXT}, 17, 39, PACKET_MALFORMED},
		{"TCP offset too small", {TCP4, TEXT}, 46, 0x40, PACKET_MALFORMED},
		{"TCP offset beyond segment", {TCP4, TEXT}, 46, 0xf0, PACKET_MALFORMED},
		{"UDP length below header", {UDP4, TEXT}, 39, 7, PACKET_MALFORMED},
		{"UDP length beyond IP", {UDP4, TEXT}, 39, 21, PACKET_MALFORMED},
		{"IPv6 version", {UDP6, TEXT}, 14, 0x40, PACKET_MALFORMED},
		{"IPv6 length beyond frame", {UDP6, TEXT}, 18, 1, PACKET_TRUNCATED},
		{"IPv6 length inside UDP header", {UDP6, TEXT}, 19, 7, PACKET_MALFORMED},
		{"extension beyond packet",
		 {UDP6, TEXT, .chain = hop_dest_udp, .chain_len = 24},
		 55,
		 200,
		 PACKET_MALFORMED},
		{"AH beyond packet",
		 {TCP6, .chain = ah_tcp, .chain_len = 24, .chain_first = 51},
		 55,
		 255,
		 PACKET_MALFORMED},
		{"PPPoE length beyond frame", {TCP4, .pppoe = true}, 18, 1, PACKET_TRUNCATED},
		{"PPPoE length below IP", {TCP4, .pppoe = true}, 19, 30, PACKET_TRUNCATED},
		{"PPPoE length below protocol", {TCP4, .pppoe = true}, 19, 1, PACKET_MALFORMED},
		{"PPPoE version", {TCP4, .pppoe = true}, 14, 0x21, PACKET_NOT_IP},
		{"PPPoE discovery code", {TCP4, .pppoe = true}, 15, 9, PACKET_NOT_IP},
		{"PPP short, another",
		 {TCP4, .pppoe = true, .narrow = true},
		 20,
		 0x23,
		 PACKET_NOT_IP},
		{"PPP LCP", {TCP4, .pppoe = true}, 20, 0xc0, PACKET_NOT_IP},
		{"ARP", {TCP4}, 13, 0x06, PACKET_NOT_IP},
		{"LLC", {TCP4}, 12, 0x00, PACKET_NOT_IP},
		{"raw of another version", {TCP4, .raw = true}, 0, 0x55, PACKET_NOT_IP},
		{"ICMP error of four bytes",
		 {.src = A4, .dst = B4, .proto = IPPROTO_ICMP, .icmp_type = 3},
		 17,
		 24,
		 PACKET_OK},
		{"ICMP error of three bytes",
		 {.src = A4, .dst = B4, .proto = IPPROTO_ICMP, .icmp_type = 3},
		 17,
		 23,
		 PACKET_MALFORMED},
		{"ICMP echo too short",
		 {.src = A4, .dst = B4, .proto = IPPROTO_ICMP, .icmp_type = 8},
		 17,
		 27,
		 PACKET_MALFORMED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		enum packet_link link = table[i].spec.raw ? PACKET_LINK_RAW : PACKET_LINK_ETHERNET;
		uint8_t frame[FRAME_MAX];
		size_t len = frame_build(frame, &table[i].spec);
		struct packet p;

		print_message("  %s\n", table[i].name);
		assert_int_not_equal(frame[table[i].at], table[i].value);
		frame[table[i].at] = table[i].value;
		assert_int_equal(packet_decode(frame, len, link, &p), table[i].status);
	}
}

static void shorter_udp_length_ends_the_payload(void **state)
{
	struct frame_spec s = {UDP4, TEXT};
	uint8_t frame[FRAME_MAX];
	size_t len = frame_build(frame, &s);
	struct packet p;

	frame_put16(frame + 38, 8 + 5);
	assert_int_equal(packet_decode(frame, len, PACKET_LINK_ETHERNET, &p), PACKET_OK);
	assert_int_equal(p.payload_len, 5);
	assert_int_equal(p.l4_len, 13);
}

static void bounds_extension_headers(void **state)
{
	uint8_t chain[9 * 8] = {0};
	struct frame_spec s = {UDP6, TEXT, .chain = chain, .chain_first = IPPROTO_DSTOPTS};
	uint8_t frame[FRAME_MAX];
	struct packet p;

	for (size_t n = 1; n <= 9; n++) {
		for (size_t i = 0; i < n; i++)
			chain[i * 8] = i + 1 < n ? IPPROTO_DSTOPTS : IPPROTO_UDP;
		s.chain_len = n * 8;
		assert_int_equal(
			packet_decode(frame, frame_build(frame, &s), PACKET_LINK_ETHERNET, &p),
			n <= 8 ? PACKET_OK : PACKET_MALFORMED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_each_sample),
		cmocka_unit_test(refuses_each_truncation),
		cmocka_unit_test(keeps_what_a_capture_kept),
		cmocka_unit_test(both_directions_share_the_key),
		cmocka_unit_test(ports_order_equal_addresses),
		cmocka_unit_test(reads_tcp_fields),
		cmocka_unit_test(knows_ipv4_fragments),
		cmocka_unit_test(refuses_contradictions),
		cmocka_unit_test(shorter_udp_length_ends_the_payload),
		cmocka_unit_test(bounds_extension_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

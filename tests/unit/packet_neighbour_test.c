// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frame_build.h"
#include "packet/neighbour.h"
#include "util/util.h"

#define LINK_LOCAL "fe80::1"
#define HOST	   "2001:db8::1"
#define OTHER	   "2001:db8::2"
#define SOLICITED  "ff02::1:ff00:2"
#define ALL_NODES  "ff02::1"

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};

/* ---- ARP ---- */

static size_t build_arp(uint8_t *out, uint16_t operation, bool tagged)
{
	static const uint8_t head[12] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1};
	uint8_t *at = out + 12;

	memset(out, 0, 64);
	memcpy(out, head, 12);
	if (tagged) {
		frame_put16(at, 0x8100);
		frame_put16(at + 2, 0x6007);
		at += 4;
	}
	frame_put16(at, 0x0806);
	frame_put16(at + 2, 1);
	frame_put16(at + 4, 0x0800);
	at[6] = 6;
	at[7] = 4;
	frame_put16(at + 8, operation);
	memcpy(at + 10, mac, 6);
	inet_pton(AF_INET, "10.0.0.1", at + 16);
	memcpy(at + 20, mac, 6);
	at[25] = 8;
	inet_pton(AF_INET, "10.0.0.2", at + 26);
	return 60; /* padded, as the wire has it */
}

static void assert_address(const uint32_t addr[4], const char *text)
{
	char buf[ADDRESS_TEXT_MAX];

	assert_string_equal(address_format(addr, buf), text);
}

static void reads_arp(void **state)
{
	for (int tagged = 0; tagged < 2; tagged++) {
		uint8_t frame[64];
		struct neighbour n;

		build_arp(frame, 1, tagged);
		assert_int_equal(neighbour_decode(frame, 60, &n), 0);
		assert_int_equal(n.kind, NEIGHBOUR_ARP_REQUEST);
		assert_int_equal(n.vlan_count, tagged);
		assert_int_equal(ntohs(n.vlan[0]), tagged ? 7 : 0);
		assert_address(n.sender, "10.0.0.1");
		assert_address(n.target, "10.0.0.2");
		assert_memory_equal(n.sender_mac, mac, 6);
		assert_int_equal(n.frame_src[5], 1);
		assert_int_equal(n.frame_dst[0], 255);
		assert_true(n.has_sender_mac && !n.has_target_mac);
		build_arp(frame, 2, tagged);
		assert_int_equal(neighbour_decode(frame, 60, &n), 0);
		assert_int_equal(n.kind, NEIGHBOUR_ARP_REPLY);
		assert_true(n.has_target_mac);
		assert_int_equal(n.target_mac[5], 8);
	}
}

/* One byte changed, from the Ethernet type on, and what that makes of it. */
static void refuses_bad_arp(void **state)
{
	static const struct {
		unsigned int at;
		uint8_t value;
		int err;
	} table[] = {
		{13, 7, -ENOMSG},   {15, 6, -ENOMSG}, {16, 9, -ENOMSG}, {18, 8, -EBADMSG},
		{19, 16, -EBADMSG}, {21, 3, -ENOMSG}, {21, 8, -ENOMSG}, {22, 1, -EBADMSG},
	};
	uint8_t frame[64];
	struct neighbour n = {.kind = NEIGHBOUR_REDIRECT};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		build_arp(frame, 2, false);
		frame[table[i].at] = table[i].value;
		assert_int_equal(neighbour_decode(frame, 60, &n), table[i].err);
	}
	build_arp(frame, 2, false);
	for (size_t len = 0; len < 42; len++) {
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, frame, len);
		assert_int_equal(neighbour_decode(copy, len, &n), len < 14 ? -ENOMSG : -EBADMSG);
		free(copy);
	}
	assert_int_equal(n.kind, NEIGHBOUR_REDIRECT); /* untouched */
	assert_int_equal(neighbour_decode(frame, 42, &n), 0);
}

/* ---- neighbour discovery ---- */

/* A message as it goes behind the first eight bytes of ICMPv6. */
struct message {
	const char *name;
	const char *src, *dst;
	uint8_t type;
	uint8_t flags;	    /* fifth byte of the message */
	const char *target; /* NULL: none */
	const char *destination;
	uint8_t extra; /* bytes of zero before the options */
	uint8_t option[16];
	uint8_t option_len;
	int err;
	enum neighbour_kind kind;
	bool sender_mac, target_mac;
};

#define SOURCE_OPTION {1, 1, 2, 0, 0, 0, 0, 9}, 8
#define TARGET_OPTION {2, 1, 2, 0, 0, 0, 0, 9}, 8
#define NO_OPTION     {0}, 0

static const struct message messages[] = {
	{"rs", HOST, ALL_NODES, 133, 0, NULL, NULL, 0, SOURCE_OPTION, 0, NEIGHBOUR_ROUTER_SOLICIT,
	 true, false},
	{"rs of nobody", "::", ALL_NODES, 133, 0, NULL, NULL, 0, NO_OPTION, 0,
	 NEIGHBOUR_ROUTER_SOLICIT, false, false},
	{"rs of nobody with an address", "::", ALL_NODES, 133, 0, NULL, NULL, 0, SOURCE_OPTION,
	 -EBADMSG, 0, false, false},
	{"ra", LINK_LOCAL, ALL_NODES, 134, 0, NULL, NULL, 8, SOURCE_OPTION, 0,
	 NEIGHBOUR_ROUTER_ADVERT, true, false},
	{"ra from afar", HOST, ALL_NODES, 134, 0, NULL, NULL, 8, SOURCE_OPTION, -EBADMSG, 0, false,
	 false},
	{"ra too short", LINK_LOCAL, ALL_NODES, 134, 0, NULL, NULL, 0, NO_OPTION, -EBADMSG, 0,
	 false, false},
	{"ns", HOST, SOLICITED, 135, 0, OTHER, NULL, 0, SOURCE_OPTION, 0, NEIGHBOUR_SOLICIT, true,
	 false},
	{"ns of nobody", "::", SOLICITED, 135, 0, OTHER, NULL, 0, NO_OPTION, 0, NEIGHBOUR_SOLICIT,
	 false, false},
	{"ns of nobody to all", "::", ALL_NODES, 135, 0, OTHER, NULL, 0, NO_OPTION, -EBADMSG, 0,
	 false, false},
	{"ns of nobody with an address", "::", SOLICITED, 135, 0, OTHER, NULL, 0, SOURCE_OPTION,
	 -EBADMSG, 0, false, false},
	{"ns for a group", HOST, SOLICITED, 135, 0, ALL_NODES, NULL, 0, NO_OPTION, -EBADMSG, 0,
	 false, false},
	{"ns too short", HOST, SOLICITED, 135, 0, NULL, NULL, 8, NO_OPTION, -EBADMSG, 0, false,
	 false},
	{"na", HOST, OTHER, 136, 0xe0, HOST, NULL, 0, TARGET_OPTION, 0, NEIGHBOUR_ADVERT, false,
	 true},
	{"na to all", HOST, ALL_NODES, 136, 0x20, HOST, NULL, 0, TARGET_OPTION, 0, NEIGHBOUR_ADVERT,
	 false, true},
	{"na to all, solicited", HOST, ALL_NODES, 136, 0x60, HOST, NULL, 0, TARGET_OPTION, -EBADMSG,
	 0, false, false},
	{"na, two options",
	 HOST,
	 OTHER,
	 136,
	 0,
	 HOST,
	 NULL,
	 0,
	 {14, 1, 0, 0, 0, 0, 0, 0, 2, 1, 2, 0, 0, 0, 0, 9},
	 16,
	 0,
	 NEIGHBOUR_ADVERT,
	 false,
	 true},
	{"na, option of no length",
	 HOST,
	 OTHER,
	 136,
	 0,
	 HOST,
	 NULL,
	 0,
	 {2, 0, 2, 0, 0, 0, 0, 9},
	 8,
	 -EBADMSG,
	 0,
	 false,
	 false},
	{"na, option beyond the end",
	 HOST,
	 OTHER,
	 136,
	 0,
	 HOST,
	 NULL,
	 0,
	 {2, 2, 2, 0, 0, 0, 0, 9},
	 8,
	 -EBADMSG,
	 0,
	 false,
	 false},
	{"na, half an option",
	 HOST,
	 OTHER,
	 136,
	 0,
	 HOST,
	 NULL,
	 0,
	 {2},
	 1,
	 -EBADMSG,
	 0,
	 false,
	 false},
	{"na, group address",
	 HOST,
	 OTHER,
	 136,
	 0,
	 HOST,
	 NULL,
	 0,
	 {2, 1, 3, 0, 0, 0, 0, 9},
	 8,
	 -EBADMSG,
	 0,
	 false,
	 false},
	{"redirect", LINK_LOCAL, HOST, 137, 0, "fe80::2", OTHER, 0, TARGET_OPTION, 0,
	 NEIGHBOUR_REDIRECT, false, true},
	{"redirect on the link", LINK_LOCAL, HOST, 137, 0, OTHER, OTHER, 0, NO_OPTION, 0,
	 NEIGHBOUR_REDIRECT, false, false},
	{"redirect to a stranger", LINK_LOCAL, HOST, 137, 0, HOST, OTHER, 0, NO_OPTION, -EBADMSG, 0,
	 false, false},
	{"redirect from afar", HOST, HOST, 137, 0, "fe80::2", OTHER, 0, NO_OPTION, -EBADMSG, 0,
	 false, false},
	{"echo", HOST, OTHER, 128, 0, NULL, NULL, 8, NO_OPTION, -ENOMSG, 0, false, false},
	{"other discovery", HOST, OTHER, 138, 0, NULL, NULL, 8, NO_OPTION, -ENOMSG, 0, false,
	 false},
};

static void fix_checksum(uint8_t *frame, size_t len)
{
	unsigned int sum;

	frame_put16(frame + 56, 0);
	sum = frame_pseudo(frame + 22, 32, IPPROTO_ICMPV6, len - 54);
	frame_put16(frame + 56, ~frame_sum(sum, frame + 54, len - 54) & 0xffff);
}

static size_t build_message(uint8_t *out, const struct message *m)
{
	uint8_t body[64] = {0};
	struct frame_spec s = {.src = m->src,
			       .dst = m->dst,
			       .proto = IPPROTO_ICMPV6,
			       .icmp_type = m->type,
			       .payload = body};
	size_t len;

	if (m->target) {
		inet_pton(AF_INET6, m->target, body);
		s.len = 16;
	}
	if (m->destination) {
		inet_pton(AF_INET6, m->destination, body + 16);
		s.len = 32;
	}
	s.len += m->extra;
	memcpy(body + s.len, m->option, m->option_len);
	s.len += m->option_len;
	len = frame_build(out, &s);
	out[14 + 7] = 255;
	out[54 + 4] = m->flags;
	fix_checksum(out, len);
	return len;
}

static void reads_discovery(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		const struct message *m = &messages[i];
		uint8_t frame[FRAME_MAX];
		size_t len = build_message(frame, m);
		struct neighbour n;

		print_message("%s\n", m->name);
		assert_int_equal(neighbour_decode(frame, len, &n), m->err);
		if (m->err)
			continue;
		assert_int_equal(n.kind, m->kind);
		assert_address(n.sender, m->src);
		if (m->target)
			assert_address(n.target, m->target);
		if (m->destination)
			assert_address(n.destination, m->destination);
		assert_int_equal(n.has_sender_mac, m->sender_mac);
		assert_int_equal(n.has_target_mac, m->target_mac);
		if (m->sender_mac)
			assert_memory_equal(n.sender_mac, mac, 6);
		if (m->target_mac)
			assert_memory_equal(n.target_mac, mac, 6);
		if (m->kind == NEIGHBOUR_ADVERT) {
			assert_int_equal(n.router, m->flags >> 7);
			assert_int_equal(n.solicited, m->flags >> 6 & 1);
			assert_int_equal(n.override, m->flags >> 5 & 1);
		}
	}
}

/* RFC 4861 refuses what a router may have passed on, other codes, wrong sums. */
static void refuses_what_is_not_from_the_link(void **state)
{
	const struct message *m = &messages[6];
	uint8_t frame[FRAME_MAX];
	struct neighbour n;
	size_t len = build_message(frame, m);

	assert_int_equal(m->kind, NEIGHBOUR_SOLICIT);
	assert_int_equal(neighbour_decode(frame, len, &n), 0);
	frame[14 + 7] = 254;
	assert_int_equal(neighbour_decode(frame, len, &n), -EBADMSG);
	len = build_message(frame, m);
	frame[54 + 1] = 1;
	fix_checksum(frame, len);
	assert_int_equal(neighbour_decode(frame, len, &n), -EBADMSG);
	len = build_message(frame, m);
	frame[len - 1] ^= 1;
	assert_int_equal(neighbour_decode(frame, len, &n), -EBADMSG);
}

static void kinds_have_names(void **state)
{
	assert_string_equal(neighbour_kind_name(NEIGHBOUR_ARP_REPLY), "arp-reply");
	assert_string_equal(neighbour_kind_name(NEIGHBOUR_REDIRECT), "redirect");
	assert_string_equal(neighbour_kind_name(NEIGHBOUR_KIND_COUNT), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_arp),
		cmocka_unit_test(refuses_bad_arp),
		cmocka_unit_test(reads_discovery),
		cmocka_unit_test(refuses_what_is_not_from_the_link),
		cmocka_unit_test(kinds_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

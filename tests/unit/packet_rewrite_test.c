// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "frame_build.h"
#include "packet/rewrite.h"

#define TEXT "the payload, before"

struct built {
	uint8_t frame[FRAME_MAX];
	size_t len;
	struct packet p;
};

static void build(struct built *b, const struct frame_spec *s)
{
	b->len = frame_build(b->frame, s);
	assert_int_equal(packet_decode(b->frame, b->len, PACKET_LINK_ETHERNET, &b->p), PACKET_OK);
	assert_true(packet_can_rewrite(&b->p));
}

static struct frame_spec spec(const char *src, const char *dst, uint8_t proto)
{
	return (struct frame_spec){
		.src = src,
		.dst = dst,
		.proto = proto,
		.sport = 1000,
		.dport = 2000,
		.seq = 100,
		.ack = 200,
		.flags = FRAME_ACK | FRAME_PUSH,
		.payload = TEXT,
		.len = sizeof(TEXT) - 1,
	};
}

/* The frame is one that says the same as before but for its payload. */
static void is_sound(const struct built *b, const void *payload, size_t len)
{
	struct packet p;

	assert_int_equal(packet_decode(b->frame, b->len, PACKET_LINK_ETHERNET, &p), PACKET_OK);
	assert_int_equal(p.payload_len, len);
	assert_memory_equal(b->frame + p.payload, payload, len);
	assert_true(packet_header_checksum_ok(&p));
	assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_OK);
	assert_int_equal(p.l4_len, b->p.l4_len);
	assert_int_equal(p.frame_len, b->p.frame_len);
}

static void payloads_are_replaced(void **state)
{
	const char *texts[] = {"", "x", "the payload, behind",
			       "a payload that is longer than it was"};
	const struct frame_spec specs[] = {
		spec("10.0.0.1", "10.0.0.2", IPPROTO_TCP),
		spec("fd00::1", "fd00::2", IPPROTO_TCP),
		spec("10.0.0.1", "10.0.0.2", IPPROTO_UDP),
		spec("fd00::1", "fd00::2", IPPROTO_UDP),
	};

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]) * 4; i++) {
		struct frame_spec s = specs[i / 4];
		const char *text = texts[i % 4];
		struct built b;
		int len;

		s.options = s.proto == IPPROTO_TCP ? 12 : 0;
		s.tag_type[0] = i & 1 ? 0x8100 : 0;
		s.pppoe = i & 2;
		build(&b, &s);
		len = packet_set_payload(&b.p, b.frame, sizeof(b.frame), text, strlen(text));
		assert_true(len > 0);
		b.len = (size_t)len;
		is_sound(&b, text, strlen(text));
	}
}

static void what_does_not_fit_is_refused(void **state)
{
	const struct frame_spec s = spec("10.0.0.1", "10.0.0.2", IPPROTO_UDP);
	static const uint8_t big[70000];
	struct built b;

	build(&b, &s);
	assert_int_equal(packet_set_payload(&b.p, b.frame, b.len, big, s.len + 1), -EMSGSIZE);
	assert_int_equal(packet_set_payload(&b.p, b.frame, 100000, big, 65535), -EMSGSIZE);
	is_sound(&b, TEXT, s.len);
}

static void numbers_are_replaced(void **state)
{
	const struct frame_spec s = spec("fd00::1", "fd00::2", IPPROTO_TCP);
	struct packet p;
	struct built b;

	build(&b, &s);
	packet_set_numbers(&b.p, b.frame, 0xfffffffe, 7);
	is_sound(&b, TEXT, s.len);
	assert_int_equal(packet_decode(b.frame, b.len, PACKET_LINK_ETHERNET, &p), PACKET_OK);
	assert_int_equal(p.seq, 0xfffffffe);
	assert_int_equal(p.ack, 7);
}

static void fin_is_removed(void **state)
{
	struct frame_spec s = spec("10.0.0.1", "10.0.0.2", IPPROTO_TCP);
	struct built b;

	s.flags |= FRAME_FIN;
	build(&b, &s);
	packet_clear_fin(&b.p, b.frame);
	assert_int_equal(b.p.tcp_flags, FRAME_ACK | FRAME_PUSH);
	is_sound(&b, TEXT, s.len);
}

static bool second_of_three(uint32_t *left, uint32_t *right, void *arg)
{
	unsigned int *calls = arg;

	*left += 1;
	*right += 2;
	return ++*calls != 2;
}

static void sack_blocks_are_mapped(void **state)
{
	/* NOP, NOP, SACK of three blocks, NOP, NOP */
	uint8_t options[32] = {1, 1, 5, 26}, *at;
	struct frame_spec s = spec("fd00::1", "fd00::2", IPPROTO_TCP);
	unsigned int calls = 0;
	struct built b;

	for (unsigned int i = 0; i < 6; i++)
		frame_put32(options + 4 + i * 4, 1000 * (i + 1));
	memset(options + 28, 1, 4);
	s.options = sizeof(options);
	b.len = frame_build(b.frame, &s);
	assert_int_equal(packet_decode(b.frame, b.len, PACKET_LINK_ETHERNET, &b.p), PACKET_OK);
	memcpy(b.frame + b.p.l4 + 20, options, sizeof(options));
	packet_map_sack(&b.p, b.frame, second_of_three, &calls);
	assert_int_equal(calls, 3);
	is_sound(&b, TEXT, s.len);
	at = b.frame + b.p.l4 + 20;
	assert_int_equal(at[3], 18);
	frame_put32(options + 4, 1001);
	frame_put32(options + 8, 2002);
	frame_put32(options + 12, 5001);
	frame_put32(options + 16, 6002);
	assert_memory_equal(at + 4, options + 4, 16);
	for (unsigned int i = 20; i < 32; i++)
		assert_int_equal(at[i], 1);
}

static void signed_and_broken_packets_stay(void **state)
{
	struct frame_spec s = spec("fd00::1", "fd00::2", IPPROTO_TCP);
	struct built b;

	b.len = frame_build(b.frame, &s);
	b.frame[b.len - 1] ^= 1;
	packet_decode(b.frame, b.len, PACKET_LINK_ETHERNET, &b.p);
	assert_false(packet_can_rewrite(&b.p));
	for (unsigned int kind = 19; kind <= 29; kind += 10) {
		s.options = 20;
		b.len = frame_build(b.frame, &s);
		packet_decode(b.frame, b.len, PACKET_LINK_ETHERNET, &b.p);
		memset(b.frame + b.p.l4 + 20, 1, 20);
		b.frame[b.p.l4 + 22] = (uint8_t)kind;
		b.frame[b.p.l4 + 23] = 18;
		packet_checksum_finish(&b.p, b.frame);
		assert_false(packet_can_rewrite(&b.p));
	}
	s = spec("10.0.0.1", "10.0.0.2", IPPROTO_ICMP);
	b.len = frame_build(b.frame, &s);
	packet_decode(b.frame, b.len, PACKET_LINK_ETHERNET, &b.p);
	assert_false(packet_can_rewrite(&b.p));
}

static void datagrams_without_checksum_stay_so(void **state)
{
	const struct frame_spec s = spec("10.0.0.1", "10.0.0.2", IPPROTO_UDP);
	struct built b;
	int len;

	b.len = frame_build(b.frame, &s);
	packet_decode(b.frame, b.len, PACKET_LINK_ETHERNET, &b.p);
	frame_put16(b.frame + b.p.l4 + 6, 0);
	assert_true(packet_can_rewrite(&b.p));
	len = packet_set_payload(&b.p, b.frame, sizeof(b.frame), "abc", 3);
	assert_true(len > 0);
	assert_int_equal(b.frame[b.p.l4 + 6] | b.frame[b.p.l4 + 7], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payloads_are_replaced),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(numbers_are_replaced),
		cmocka_unit_test(fin_is_removed),
		cmocka_unit_test(sack_blocks_are_mapped),
		cmocka_unit_test(signed_and_broken_packets_stay),
		cmocka_unit_test(datagrams_without_checksum_stay_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

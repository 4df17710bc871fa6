// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frame_build.h"
#include "packet/checksum.h"
#include "packet/packet.h"
#include "util/util.h"

static const char odd[] = "an odd number of bytes!";

static const struct frame_spec samples[] = {
	{.src = "10.0.0.1",
	 .dst = "10.0.0.2",
	 .proto = IPPROTO_TCP,
	 .sport = 1,
	 .dport = 2,
	 .payload = odd,
	 .len = 23},
	{.src = "10.0.0.1",
	 .dst = "10.0.0.2",
	 .proto = IPPROTO_UDP,
	 .sport = 1,
	 .dport = 2,
	 .payload = odd,
	 .len = 22},
	{.src = "10.0.0.1",
	 .dst = "10.0.0.2",
	 .proto = IPPROTO_ICMP,
	 .icmp_type = 8,
	 .payload = odd,
	 .len = 23},
	{.src = "fe80::1",
	 .dst = "fe80::2",
	 .proto = IPPROTO_TCP,
	 .sport = 1,
	 .dport = 2,
	 .payload = odd,
	 .len = 23},
	{.src = "fe80::1",
	 .dst = "fe80::2",
	 .proto = IPPROTO_UDP,
	 .sport = 1,
	 .dport = 2,
	 .payload = odd,
	 .len = 1},
	{.src = "fe80::1",
	 .dst = "fe80::2",
	 .proto = IPPROTO_ICMPV6,
	 .icmp_type = 128,
	 .payload = odd,
	 .len = 23},
};

/* RFC 1071, 1, word by word. */
static uint16_t plain_sum(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void every_length_and_alignment(void **state)
{
	uint8_t data[96];

	for (unsigned int fill = 0; fill < 3; fill++) {
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = fill == 2 ? (uint8_t)(i * 151 + 77) : fill ? 0xff : 0;
		for (size_t at = 0; at < 8; at++)
			for (size_t len = 0; at + len <= sizeof(data); len++)
				assert_int_equal(checksum_fold(checksum_add(0, data + at, len)),
						 plain_sum(data + at, len));
		/* A sum goes on behind an even number of bytes. */
		for (size_t cut = 0; cut <= sizeof(data); cut += 2) {
			uint32_t sum = checksum_add(0, data, cut);

			sum = checksum_add(sum, data + cut, sizeof(data) - cut);
			assert_int_equal(checksum_fold(sum), plain_sum(data, sizeof(data)));
		}
	}
}

/* RFC 1071's own example bytes inside a datagram whose checksum was worked out by hand:
 * 10.0.0.1 > 10.0.0.2, ports 1 > 2, bytes 00 01 f2 03 f4 f5 f6 f7. Pseudo-header:
 * 0a00+0001+0a00+0002+0011+0010 = 1424; UDP header 0001+0002+0010 = 0013; data 2ddf0 = ddf2; sum
 * f229; checksum 0dd6. */
static void known_answer(void **state)
{
	static const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	struct frame_spec s = {.src = "10.0.0.1",
			       .dst = "10.0.0.2",
			       .proto = IPPROTO_UDP,
			       .sport = 1,
			       .dport = 2,
			       .payload = data,
			       .len = 8};
	uint8_t frame[FRAME_MAX];
	size_t len = frame_build(frame, &s);
	struct packet p;

	frame_put16(frame + 40, 0x0dd6);
	assert_int_equal(packet_decode(frame, len, PACKET_LINK_ETHERNET, &p), PACKET_OK);
	assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_OK);
	frame_put16(frame + 40, 0x1424);
	assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_PARTIAL);
	packet_checksum_finish(&p, frame);
	assert_int_equal(frame[40] << 8 | frame[41], 0x0dd6);
}

static void every_changed_byte_is_noticed(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		uint8_t frame[FRAME_MAX];
		size_t len = frame_build(frame, &samples[i]);
		struct packet p;

		assert_int_equal(packet_decode(frame, len, PACKET_LINK_ETHERNET, &p), PACKET_OK);
		assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_OK);
		for (size_t at = p.l4; at < len; at++) {
			frame[at] ^= 0x20;
			assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_BAD);
			frame[at] ^= 0x20;
		}
	}
}

static void finishes_partial_sums(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		bool v6 = strchr(samples[i].src, ':');
		uint8_t frame[FRAME_MAX], good[FRAME_MAX];
		size_t len = frame_build(good, &samples[i]);
		struct packet p;
		unsigned int at;

		if (samples[i].proto == IPPROTO_ICMP)
			continue;
		memcpy(frame, good, len);
		assert_int_equal(packet_decode(frame, len, PACKET_LINK_ETHERNET, &p), PACKET_OK);
		at = p.l4 + (samples[i].proto == IPPROTO_TCP   ? 16u
			     : samples[i].proto == IPPROTO_UDP ? 6u
							       : 2u);
		frame_put16(frame + at, frame_pseudo(frame + 14 + (v6 ? 8 : 12), v6 ? 32 : 8,
						     samples[i].proto, p.l4_len));
		assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_PARTIAL);
		assert_true(packet_checksum_unfinished(&p));
		packet_checksum_finish(&p, frame);
		assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_OK);
		assert_false(packet_checksum_unfinished(&p));
		assert_memory_equal(frame, good, len);
	}
}

static void udp_without_checksum(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct packet p;

	packet_decode(frame, frame_build(frame, &samples[1]), PACKET_LINK_ETHERNET, &p);
	frame_put16(frame + p.l4 + 6, 0);
	assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_NONE);
	assert_false(packet_checksum_unfinished(&p));
	packet_decode(frame, frame_build(frame, &samples[4]), PACKET_LINK_ETHERNET, &p);
	frame_put16(frame + p.l4 + 6, 0);
	assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_BAD);
}

/* Payload chosen so that the sum is zero, which UDP sends as ffff. */
static void finished_udp_zero_becomes_ones(void **state)
{
	uint8_t data[2] = {0, 0};
	struct frame_spec s = {.src = "10.0.0.1",
			       .dst = "10.0.0.2",
			       .proto = IPPROTO_UDP,
			       .sport = 1,
			       .dport = 2,
			       .payload = data,
			       .len = 2};
	uint8_t frame[FRAME_MAX];
	size_t len = frame_build(frame, &s);
	struct packet p;

	memcpy(data, frame + 40, 2);
	len = frame_build(frame, &s);
	packet_decode(frame, len, PACKET_LINK_ETHERNET, &p);
	frame_put16(frame + 40, frame_pseudo(frame + 26, 8, IPPROTO_UDP, 10));
	packet_checksum_finish(&p, frame);
	assert_int_equal(frame[40] << 8 | frame[41], 0xffff);
	assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_OK);
}

static void others_have_none(void **state)
{
	struct frame_spec s = {.src = "10.0.0.1",
			       .dst = "10.0.0.2",
			       .proto = IPPROTO_GRE,
			       .payload = odd,
			       .len = 23};
	uint8_t frame[FRAME_MAX], before[FRAME_MAX];
	size_t len = frame_build(frame, &s);
	struct packet p;

	memcpy(before, frame, len);
	assert_int_equal(packet_decode(frame, len, PACKET_LINK_ETHERNET, &p), PACKET_OK);
	assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_NONE);
	packet_checksum_finish(&p, frame);
	assert_memory_equal(frame, before, len);
}

static void source_routed_is_unknown(void **state)
{
	uint8_t routing[24] = {IPPROTO_TCP, 2, 0, 1};
	struct frame_spec s = samples[3];
	uint8_t frame[FRAME_MAX];
	size_t len;
	struct packet p;

	s.chain = routing;
	s.chain_len = sizeof(routing);
	s.chain_first = IPPROTO_ROUTING;
	len = frame_build(frame, &s);
	assert_int_equal(packet_decode(frame, len, PACKET_LINK_ETHERNET, &p), PACKET_OK);
	assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_NONE);
	routing[3] = 0;
	len = frame_build(frame, &s);
	assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_OK);
	frame[len - 1] ^= 1;
	assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_BAD);
}

static void ip_header_has_its_own(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct packet p;

	packet_decode(frame, frame_build(frame, &samples[0]), PACKET_LINK_ETHERNET, &p);
	assert_true(packet_header_checksum_ok(&p));
	frame[22]--; /* time to live */
	assert_false(packet_header_checksum_ok(&p));
	assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_OK);
	packet_decode(frame, frame_build(frame, &samples[3]), PACKET_LINK_ETHERNET, &p);
	assert_true(packet_header_checksum_ok(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_and_alignment),
		cmocka_unit_test(known_answer),
		cmocka_unit_test(every_changed_byte_is_noticed),
		cmocka_unit_test(finishes_partial_sums),
		cmocka_unit_test(udp_without_checksum),
		cmocka_unit_test(finished_udp_zero_becomes_ones),
		cmocka_unit_test(others_have_none),
		cmocka_unit_test(source_routed_is_unknown),
		cmocka_unit_test(ip_header_has_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

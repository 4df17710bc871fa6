// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frame_build.h"
#include "packet/header.h"

static enum packet_status read_frame(const struct frame_spec *s, size_t cut,
				     struct packet_header *out)
{
	static uint8_t frame[FRAME_MAX];
	size_t len = frame_build(frame, s);
	struct packet p;
	enum packet_status status;

	assert_true(len > cut);
	status = packet_decode_cut(frame, len - cut, len, PACKET_LINK_ETHERNET, &p);
	packet_header_read(&p, status, out);
	return status;
}

static void tcp_over_ipv4(void **state)
{
	struct packet_header h;

	read_frame(&(struct frame_spec){.src = "192.0.2.1",
					.dst = "192.0.2.2",
					.proto = IPPROTO_TCP,
					.seq = 4000000000,
					.ack = 5,
					.flags = FRAME_SYN | FRAME_ACK,
					.payload = "abc",
					.len = 3},
		   0, &h);
	assert_true(h.ip && h.tcp && !h.v6 && !h.icmp);
	assert_int_equal(h.ip_len, 43);
	assert_int_equal(h.ttl, 64);
	assert_int_equal(h.seq, 4000000000);
	assert_int_equal(h.ack, 5);
	assert_int_equal(h.window, 8192);
	assert_int_equal(h.tcp_flags, FRAME_SYN | FRAME_ACK);
	assert_int_equal(h.udp_len, 0);
	assert_true(packet_header_sound(&h));
	memset(&h.tcp, 2, 1);
	assert_false(packet_header_sound(&h));
}

static void udp_and_icmp_over_ipv6(void **state)
{
	struct packet_header h;

	read_frame(&(struct frame_spec){.src = "2001:db8::1",
					.dst = "2001:db8::2",
					.proto = IPPROTO_UDP,
					.payload = "abc",
					.len = 3},
		   0, &h);
	assert_true(h.ip && h.v6 && !h.tcp && !h.icmp);
	assert_int_equal(h.ip_len, 11);
	assert_int_equal(h.udp_len, 11);
	read_frame(&(struct frame_spec){.src = "2001:db8::1",
					.dst = "2001:db8::2",
					.proto = IPPROTO_ICMPV6,
					.icmp_type = 128,
					.sport = 77},
		   0, &h);
	assert_true(h.icmp);
	assert_int_equal(h.icmp_type, 128);
	assert_int_equal(h.icmp_id, 77);
	assert_int_equal(h.udp_len, 0);
}

/* What a capture has cut off is not read. */
static void cut_frames(void **state)
{
	const struct frame_spec s = {
		.src = "192.0.2.1", .dst = "192.0.2.2", .proto = IPPROTO_ICMP, .icmp_type = 8};
	struct packet_header h;

	for (size_t cut = 1; cut < 42; cut++) {
		read_frame(&s, cut, &h);
		assert_false(h.icmp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_over_ipv4),
		cmocka_unit_test(udp_and_icmp_over_ipv6),
		cmocka_unit_test(cut_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* ICMP errors and the packets they quote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect_bench.h"

#define V6_CLIENT "2001:db8::1"
#define V6_SERVER "2001:db8::2"

/* An error of the given type about what CLIENT:4000 sent to SERVER:80, with n bytes of quote. */
static size_t build_error(uint8_t *out, bool v6, uint8_t type, uint8_t proto, size_t n)
{
	uint8_t quote[FRAME_MAX];
	struct frame_spec sent = spec_of(proto, false, "?");
	struct frame_spec error = {
		.src = v6 ? V6_SERVER : SERVER,
		.dst = v6 ? V6_CLIENT : CLIENT,
		.proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
		.icmp_type = type,
		.payload = quote,
		.len = n,
	};

	sent.raw = true;
	if (v6) {
		sent.src = V6_CLIENT;
		sent.dst = V6_SERVER;
	}
	assert_true(frame_build(quote, &sent) >= n);
	return frame_build(out, &error);
}

static enum packet_status quote_of(const uint8_t *frame, size_t len, struct packet *quoted)
{
	struct packet p;

	assert_int_equal(packet_decode(frame, len, PACKET_LINK_ETHERNET, &p), PACKET_OK);
	p.key.domain = 3;
	p.key.tunnel = 5;
	return packet_decode_quote(&p, quoted);
}

static void errors_name_their_flow(void **state)
{
	static const struct {
		bool v6;
		uint8_t type, proto;
		size_t quote;
		enum packet_status status;
	} table[] = {
		{false, 3, IPPROTO_UDP, 28, PACKET_OK},
		{false, 3, IPPROTO_TCP, 28, PACKET_OK},
		{false, 4, IPPROTO_TCP, 41, PACKET_OK},
		{false, 5, IPPROTO_UDP, 28, PACKET_OK},
		{false, 11, IPPROTO_TCP, 28, PACKET_OK},
		{false, 12, IPPROTO_UDP, 28, PACKET_OK},
		{true, 1, IPPROTO_UDP, 48, PACKET_OK},
		{true, 2, IPPROTO_TCP, 60, PACKET_OK},
		{true, 3, IPPROTO_TCP, 48, PACKET_OK},
		{true, 4, IPPROTO_UDP, 48, PACKET_OK},
		/* No errors. */
		{false, 0, IPPROTO_UDP, 28, PACKET_NOT_IP},
		{false, 8, IPPROTO_UDP, 28, PACKET_NOT_IP},
		{false, 13, IPPROTO_UDP, 28, PACKET_NOT_IP},
		{true, 128, IPPROTO_UDP, 48, PACKET_NOT_IP},
		{true, 135, IPPROTO_UDP, 48, PACKET_NOT_IP},
		/* Too little. */
		{false, 3, IPPROTO_UDP, 0, PACKET_NOT_IP},
		{false, 3, IPPROTO_UDP, 1, PACKET_TRUNCATED},
		{false, 3, IPPROTO_UDP, 20, PACKET_TRUNCATED},
		{false, 3, IPPROTO_UDP, 27, PACKET_TRUNCATED},
		{true, 1, IPPROTO_UDP, 39, PACKET_TRUNCATED},
		{true, 1, IPPROTO_UDP, 47, PACKET_TRUNCATED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		uint8_t frame[FRAME_MAX];
		size_t len = build_error(frame, table[i].v6, table[i].type, table[i].proto,
					 table[i].quote);
		struct packet quoted;

		assert_int_equal(quote_of(frame, len, &quoted), table[i].status);
		if (table[i].status != PACKET_OK)
			continue;
		assert_int_equal(quoted.proto, table[i].proto);
		assert_int_equal(quoted.key.proto, table[i].proto);
		assert_int_equal(ntohs(quoted.key.port[quoted.dir]), 4000);
		assert_int_equal(ntohs(quoted.key.port[!quoted.dir]), 80);
		assert_int_equal(quoted.key.domain, 3);
		assert_int_equal(quoted.key.tunnel, 5);
		assert_int_equal(quoted.payload_len, 0);
	}
}

/* The other version, or a later fragment, tells of no flow. */
static void other_quotes_tell_nothing(void **state)
{
	uint8_t frame[FRAME_MAX];
	size_t len = build_error(frame, false, 3, IPPROTO_UDP, 28);
	struct packet quoted;

	frame[14 + 28] = 0x65;
	assert_int_equal(quote_of(frame, len, &quoted), PACKET_NOT_IP);
	frame[14 + 28] = 0x41;
	assert_int_equal(quote_of(frame, len, &quoted), PACKET_MALFORMED);
	frame[14 + 28] = 0x45;
	frame[14 + 28 + 7] = 9;
	assert_int_equal(quote_of(frame, len, &quoted), PACKET_FRAGMENT);
}

static void see(struct flow *f, void *arg)
{
	struct flow *out = arg;

	out[f->key.proto == IPPROTO_ICMP] = *f;
}

/* The error is a flow of its own, and news of the one it is about. */
static void the_flow_counts_errors_about_it(void **state)
{
	struct bench *b = *state;
	struct flow flows[2] = {0};
	uint8_t frame[FRAME_MAX];
	size_t len;

	send_udp(b, false, "?");
	len = build_error(frame, false, 3, IPPROTO_UDP, 28);
	send_frame(b, frame, len, NULL);
	send_frame(b, frame, len, NULL);
	len = build_error(frame, false, 3, IPPROTO_TCP, 28);
	send_frame(b, frame, len, NULL);
	len = build_error(frame, false, 3, IPPROTO_UDP, 28);
	frame[14 + 22] ^= 1; /* its sum */
	send_frame(b, frame, len, NULL);
	inspector_finish(b->inspector, see, flows);
	assert_int_equal(flows[0].icmp_errors, 2);
	assert_int_equal(flows[0].frames, 1);
	assert_int_equal(flows[1].frames, 4);
	assert_int_equal(flows[1].icmp_errors, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_name_their_flow),
		cmocka_unit_test(other_quotes_tell_nothing),
		BENCH_TEST(the_flow_counts_errors_about_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

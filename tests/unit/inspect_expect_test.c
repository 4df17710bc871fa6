// SPDX-License-Identifier: GPL-2.0-only
/* Expected data connections, from the announcement to the flow. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "inspect_bench.h"

/* The client says, on a control connection, that it waits at port. */
static void announce(struct bench *b, uint16_t port, const uint32_t *addr, bool anyone)
{
	alpha.expect.port = port;
	alpha.expect.addr = addr;
	alpha.expect.anyone = anyone;
	send_udp(b, false, "hello");
	alpha.expect.port = 0;
}

/* The SYN of a connection to the client. */
static const struct flow *syn(struct bench *b, const char *from, uint16_t sport, uint16_t dport)
{
	struct frame_spec s = spec_of(IPPROTO_TCP, true, NULL);

	s.src = from;
	s.sport = sport;
	s.dport = dport;
	s.flags = FRAME_SYN;
	return send_spec(b, &s, NULL)->flow;
}

static void assert_counts(const struct bench *b, uint64_t expected, uint64_t refused)
{
	struct expect_stats stats;

	inspector_expect_stats(b->inspector, &stats);
	assert_int_equal(stats.expected, expected);
	assert_int_equal(stats.refused, refused);
}

static void test_first_packet(void **state)
{
	struct bench *b = *state;
	const struct flow *f;

	announce(b, 80, NULL, false);
	f = syn(b, SERVER, 20, 80);
	assert_true(f->decided);
	assert_int_equal(f->app, app_of(b, "alpha"));
	assert_int_equal(f->method, WEIR_METHOD_ENDPOINT);
	assert_int_equal(b->learned, 1);
	assert_int_equal(b->last_learned.source, WEIR_SOURCE_EXPECTATION);
	assert_counts(b, 1, 0);
}

/* It holds for the pair of hosts alone, and for that port. */
static void test_others(void **state)
{
	struct bench *b = *state;

	announce(b, 5000, NULL, false);
	assert_false(syn(b, "10.0.0.3", 20, 5000)->decided);
	assert_false(syn(b, SERVER, 20, 5001)->decided);
	assert_true(syn(b, SERVER, 20, 5000)->decided);
}

static void test_anyone(void **state)
{
	struct bench *b = *state;

	announce(b, 5000, NULL, true);
	assert_true(syn(b, "10.0.0.3", 4000, 5000)->decided);
	/* A well-known service is not given away to everyone. */
	announce(b, 1023, NULL, true);
	assert_false(syn(b, "10.0.0.3", 4000, 1023)->decided);
	assert_counts(b, 1, 1);
}

static void test_other_address(void **state)
{
	struct bench *b = *state;
	uint32_t own[4], other[4];

	assert_int_equal(address_parse("192.0.2.9", other), 0);
	assert_int_equal(address_parse(CLIENT, own), 0);
	announce(b, 5000, other, false);
	announce(b, 5000, other, true);
	assert_int_equal(endpoints_count(b->endpoints), 0);
	assert_counts(b, 0, 2);
	announce(b, 5000, own, false);
	assert_true(syn(b, SERVER, 20, 5000)->decided);
	assert_counts(b, 1, 2);
}

static void test_time(void **state)
{
	struct bench *b = *state;

	announce(b, 5000, NULL, false);
	b->now_ns += 59 * BENCH_SECOND;
	assert_true(syn(b, SERVER, 20, 5000)->decided);
	b->now_ns += 2 * BENCH_SECOND;
	assert_false(syn(b, SERVER, 21, 5000)->decided);
	/* Announced again it holds again; those who mirror the table hear of it only when it
	 * matters. */
	announce(b, 5000, NULL, false);
	announce(b, 5000, NULL, false);
	assert_int_equal(b->learned, 2);
	b->now_ns += 31 * BENCH_SECOND;
	announce(b, 5000, NULL, false);
	assert_int_equal(b->learned, 3);
	b->now_ns += 31 * BENCH_SECOND;
	assert_true(syn(b, SERVER, 22, 5000)->decided);
}

/* A datagram's own bytes come first. */
static void test_signature_wins(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = spec_of(IPPROTO_UDP, true, "ALPHA");

	announce(b, 5000, NULL, false);
	s.dport = 5000;
	assert_int_equal(send_spec(b, &s, NULL)->flow->method, WEIR_METHOD_SIGNATURE);
	s.sport = 81;
	s.payload = "OMEGA";
	assert_int_equal(send_spec(b, &s, NULL)->flow->method, WEIR_METHOD_ENDPOINT);
}

/* Who is known for something else does not become another by saying so. */
static void test_learned_stays(void **state)
{
	struct bench *b = *state;
	struct weir_endpoint_key key = {.port = htons(5000)};
	struct weir_peer peer = {.app = app_of(b, "http"),
				 .source = WEIR_SOURCE_DHT,
				 .confidence = 90,
				 .expires_ns = b->now_ns + 600 * BENCH_SECOND};

	assert_int_equal(address_parse(CLIENT, key.peer), 0);
	assert_int_equal(endpoints_add(b->endpoints, &key, &peer), 1);
	announce(b, 5000, NULL, false);
	assert_counts(b, 0, 1);
	assert_int_equal(syn(b, SERVER, 20, 5000)->app, app_of(b, "http"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_first_packet),	BENCH_TEST(test_others),
		BENCH_TEST(test_anyone),	BENCH_TEST(test_other_address),
		BENCH_TEST(test_time),		BENCH_TEST(test_signature_wins),
		BENCH_TEST(test_learned_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

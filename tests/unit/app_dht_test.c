// SPDX-License-Identifier: GPL-2.0-only
/* What the BitTorrent module learns from the DHT (BEP 5) and local discovery (BEP 14). */
#include "unit/app_bench.h"

#define ID	  "2:id20:aaaaaaaaaaaaaaaaaaaa"
#define INFOHASH  "9:info_hash20:bbbbbbbbbbbbbbbbbbbb"
#define PING	  "d1:ad" ID "e1:q4:ping1:t2:aa1:y1:qe"
#define PONG	  "d1:rd" ID "e1:t2:aa1:y1:re"
#define GET_PEERS "d1:ad" ID INFOHASH "e1:q9:get_peers1:t2:bb1:y1:qe"

static const char announce[] = "d1:ad" ID "12:implied_porti0e" INFOHASH
			       "4:porti51413e5:token4:wxyze1:q13:announce_peer1:t2:cc1:y1:qe";

/* 198.51.100.1:6881, 203.0.113.9:443, 2001:db8::5:6881 */
static const char peers[] = "d1:rd" ID "5:token4:wxyz6:valuesl"
			    "6:\xc6\x33\x64\x01\x1a\xe1"
			    "6:\xcb\0\x71\x09\x01\xbb"
			    "18:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\5\x1a\xe1"
			    "5:short"
			    "ee1:t2:bb1:y1:re";

static void an_answer_speaks_for_its_sender(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6881);

	client_text(b, PING);
	assert_int_equal(b->count, 0);
	server_text(b, PONG);
	/* A datagram's sender is easy to invent: it holds for who asked. */
	assert_int_equal(b->count, 1);
	assert_learned(b, 0, CLIENT, TRACKER, 6881, WEIR_SOURCE_DHT);
	server_text(b, PONG);
	assert_int_equal(b->count, 1);
	bench_free(b);
}

static void answers_to_nothing(void **state)
{
	static const char *const texts[] = {
		"d1:rd" ID "e1:t2:ab1:y1:re",
		"d1:rd" ID "e1:t3:aa\0001:y1:re",
		"d1:rd" ID "e1:t0:1:y1:re",
		"d1:eli201e1:xe1:t2:aa1:y1:ee",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct bench *b = bench_new(IPPROTO_UDP, 6881);

		client_text(b, PING);
		server_text(b, texts[i]);
		/* Nor does a host answer itself. */
		client_text(b, PONG);
		assert_int_equal(b->count, 0);
		bench_free(b);
	}
}

static void well_known_ports_are_not_learned(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 53);

	client_text(b, PING);
	server_text(b, PONG);
	assert_int_equal(b->count, 0);
	bench_free(b);
}

static void peers_count_for_who_asked(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6881);

	client_text(b, GET_PEERS);
	message(b, false, peers, sizeof(peers) - 1);
	assert_int_equal(b->count, 3);
	assert_learned(b, 0, CLIENT, TRACKER, 6881, WEIR_SOURCE_DHT);
	assert_learned(b, 1, CLIENT, "198.51.100.1", 6881, WEIR_SOURCE_DHT);
	assert_learned(b, 2, CLIENT, "2001:db8::5", 6881, WEIR_SOURCE_DHT);
	bench_free(b);
}

static void peers_that_nobody_asked_for(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6881);

	message(b, false, peers, sizeof(peers) - 1);
	assert_int_equal(b->count, 0);
	/* Asked for something else under the same transaction. */
	client_text(b, "d1:ad" ID "e1:q4:ping1:t2:bb1:y1:qe");
	message(b, false, peers, sizeof(peers) - 1);
	assert_int_equal(b->count, 1);
	assert_learned(b, 0, CLIENT, TRACKER, 6881, WEIR_SOURCE_DHT);
	bench_free(b);
}

static void an_announced_port(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6881);

	client_text(b, GET_PEERS);
	message(b, false, peers, sizeof(peers) - 1);
	client_text(b, announce);
	assert_int_equal(b->count, 3);
	server_text(b, "d1:rd" ID "e1:t2:cc1:y1:re");
	assert_int_equal(b->count, 5);
	assert_learned(b, 4, NULL, CLIENT, 51413, WEIR_SOURCE_ANNOUNCE);
	bench_free(b);
}

/* Who invented its address has not seen the token. */
static void an_announcement_without_the_token(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6881);

	client_text(b, announce);
	server_text(b, "d1:rd" ID "e1:t2:cc1:y1:re");
	assert_int_equal(b->count, 1);
	assert_learned(b, 0, CLIENT, TRACKER, 6881, WEIR_SOURCE_DHT);
	bench_free(b);
}

static void an_implied_port(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6881);

	client_text(b, GET_PEERS);
	message(b, false, peers, sizeof(peers) - 1);
	client_text(b, "d1:ad" ID "12:implied_porti1e" INFOHASH
		       "4:porti51413e5:token4:wxyze1:q13:announce_peer1:t2:cc1:y1:qe");
	server_text(b, "d1:rd" ID "e1:t2:cc1:y1:re");
	assert_learned(b, 4, NULL, CLIENT, 50000, WEIR_SOURCE_ANNOUNCE);
	bench_free(b);
}

/* Others on the same ports: uTP would be read on, which does not come. */
static void other_datagrams_end_it(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6881);

	client_text(b, PING);
	assert_true(is_read(b));
	server_text(b, PONG);
	assert_true(is_read(b));
	message(b, true, "\x01\0\0\0", 4);
	assert_int_equal(b->consume.reading, 1);
	for (int i = 0; i < 64; i++)
		message(b, true, "\x01\0\0\0", 4);
	assert_false(is_read(b));
	bench_free(b);
}

static void remembered_queries_are_bounded(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6881);
	char text[128];

	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "d1:ad" ID "e1:q4:ping1:t2:%02d1:y1:qe", i);
		client_text(b, text);
	}
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "d1:rd" ID "e1:t2:%02d1:y1:re", i);
		server_text(b, text);
	}
	assert_int_equal(b->count, DHT_PENDING_MAX);
	bench_free(b);
}

/* ---- local discovery ---- */

static void local_discovery(void **state)
{
	static const struct {
		const char *group, *text;
		uint16_t port; /* 0: nothing is learned */
	} cases[] = {
		{"239.192.152.143", "Host: h\r\nPort: 6881\r\nInfohash: x\r\n\r\n\r\n", 6881},
		{"239.192.152.143", "Infohash: x\r\nPORT:51413\r\n\r\n", 51413},
		{"239.192.152.143", "Port: 80\r\n\r\n", 0},
		{"239.192.152.143", "Port: 66881\r\n\r\n", 0},
		{"239.192.152.143", "Port: 6881x\r\n\r\n", 0},
		{"239.192.152.143", "Port: \r\n\r\n", 0},
		{"239.192.152.143", "Port: 6881", 0},
		{"239.192.152.143", "\r\nPort: 6881\r\n", 0},
		{"239.192.152.144", "Port: 6881\r\n\r\n", 0},
		{"192.0.2.10", "Port: 6881\r\n\r\n", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench *b = bench_new(IPPROTO_UDP, 6771);
		char text[128];

		b->server = cases[i].group;
		snprintf(text, sizeof(text), "BT-SEARCH * HTTP/1.1\r\n%s", cases[i].text);
		client_text(b, text);
		assert_int_equal(b->count, cases[i].port != 0);
		if (cases[i].port)
			assert_learned(b, 0, NULL, CLIENT, cases[i].port, WEIR_SOURCE_LSD);
		bench_free(b);
	}
}

static void local_discovery_over_ipv6(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6771);

	b->client = "2001:db8::c";
	b->server = "ff15::efc0:988f";
	client_text(b, "BT-SEARCH * HTTP/1.1\r\nPort: 6881\r\n\r\n");
	assert_learned(b, 0, NULL, "2001:db8::c", 6881, WEIR_SOURCE_LSD);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_speaks_for_its_sender),
		cmocka_unit_test(answers_to_nothing),
		cmocka_unit_test(well_known_ports_are_not_learned),
		cmocka_unit_test(peers_count_for_who_asked),
		cmocka_unit_test(peers_that_nobody_asked_for),
		cmocka_unit_test(an_announced_port),
		cmocka_unit_test(an_announcement_without_the_token),
		cmocka_unit_test(an_implied_port),
		cmocka_unit_test(other_datagrams_end_it),
		cmocka_unit_test(remembered_queries_are_bounded),
		cmocka_unit_test(local_discovery),
		cmocka_unit_test(local_discovery_over_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "app_bench.h"

#define HEAD                                                                                       \
	"GET / HTTP/1.1\r\nHost: tracker\r\nupgrade: WebSocket\r\nConnection: Upgrade\r\n"         \
	"Sec-WebSocket-Key: x\r\n\r\n"
#define ANSWER "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
#define OFFER(address, port)                                                                       \
	"\"sdp\":\"v=0\\r\\na=candidate:123 1 udp 2122 " address " " #port " typ "                 \
	"host\\r\\na=end\""
#define ANNOUNCE "{\"action\":\"announce\",\"info_hash\":\"aaaaaaaaaaaaaaaaaaaa\","

static void ws_learn(void *arg, const struct weir_endpoint_key *key, uint16_t app,
		     enum weir_source source)
{
	struct bench *b = arg;

	assert_int_equal(app, app_registry_find(b->registry, "bittorrent"));
	assert_true(b->count < LEARNED_MAX);
	b->learned[b->count++] = (struct learned){.key = *key, .source = source};
}

/* An upgrade that was asked for and granted. */
static struct bench *upgraded(void)
{
	struct bench *b = bench_of("http", IPPROTO_TCP, 8000);

	assert_true(app_registry_add(b->registry, "bittorrent", "p2p") > 0);
	b->services.learn = ws_learn;
	name(b);
	return b;
}

static void first(struct bench *b, const char *text)
{
	client_text(b, text);
}

/* One frame; a client's is masked. Shown in pieces of `piece` bytes. */
static void frame(struct bench *b, bool client, const char *text, size_t piece)
{
	static const uint8_t key[4] = {0x11, 0x82, 0xf3, 0x64};
	size_t len = strlen(text), at = 0;
	uint8_t data[4096];

	data[at++] = 0x81;
	data[at++] = (uint8_t)((client ? 0x80 : 0) | (len < 126 ? len : 126));
	if (len >= 126) {
		data[at++] = (uint8_t)(len >> 8);
		data[at++] = (uint8_t)len;
	}
	if (client) {
		memcpy(data + at, key, 4);
		at += 4;
	}
	for (size_t i = 0; i < len; i++)
		data[at++] = (uint8_t)(text[i] ^ (client ? key[i & 3] : 0));
	for (size_t from = 0; from < at; from += piece)
		message(b, client, data + from, at - from < piece ? at - from : piece);
}

static void answer(struct bench *b, const char *text)
{
	server_text(b, text);
}

static void tracker_in_pieces(struct bench *b, size_t piece)
{
	const struct app_finding *f = &b->consume.finding;

	first(b, HEAD);
	assert_true(is_read(b));
	answer(b, ANSWER);
	assert_true(is_read(b));
	frame(b, true, ANNOUNCE OFFER("2001:db8::1", 40000) "}", piece);
	assert_int_equal(f->app, app_registry_find(b->registry, "bittorrent"));
	assert_int_equal(f->method, WEIR_METHOD_HANDSHAKE);
	assert_false(f->reconnect);
	assert_true(is_read(b));
	assert_int_equal(b->count, 0);
	frame(b, false, "{\"action\":\"announce\"," OFFER("198.51.100.7", 41000) "}", piece);
	/* For the address that asked, and for the one that the client offered. */
	assert_learned(b, 0, CLIENT, "198.51.100.7", 41000, WEIR_SOURCE_WS_TRACKER);
	assert_learned(b, 1, "2001:db8::1", "198.51.100.7", 41000, WEIR_SOURCE_WS_TRACKER);
	assert_int_equal(b->count, 2);
}

static void a_tracker_is_known_by_the_announce(void **state)
{
	static const size_t pieces[] = {4096, 100, 7, 1};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct bench *b = upgraded();

		tracker_in_pieces(b, pieces[i]);
		bench_free(b);
	}
}

static void long_messages_are_searched_all_through(void **state)
{
	struct bench *b = upgraded();
	char text[3000] = "{", tail[] = OFFER("198.51.100.7", 41000);

	first(b, HEAD);
	answer(b, ANSWER);
	frame(b, true, ANNOUNCE "}", 4096);
	for (size_t pad = 900; pad < 1100; pad += 3) {
		b->count = 0;
		memset(text + 1, 'x', pad);
		strcpy(text + 1 + pad, tail);
		frame(b, false, text, 4096);
		assert_int_equal(b->count, 1);
	}
	bench_free(b);
}

static void other_talk_stays_http(void **state)
{
	struct bench *b = upgraded();
	uint16_t http = b->consume.finding.app;
	char text[1001];

	memset(text, 'x', 1000);
	text[1000] = '\0';
	first(b, HEAD);
	answer(b, ANSWER);
	frame(b, true, "{\"action\":\"announce\"}", 4096);
	assert_true(is_read(b));
	for (int i = 0; i < 70 && is_read(b); i++)
		frame(b, true, text, 4096);
	assert_false(is_read(b));
	assert_int_equal(b->consume.finding.app, http);
	bench_free(b);
}

static void what_cannot_be_read_ends_it(void **state)
{
	static const uint8_t compressed[] = {0xc1, 0x81, 1, 2, 3, 4, 5};
	static const uint8_t bare[] = {0x81, 0x01, 'x'};
	struct bench *b = upgraded();

	first(b, "GET / HTTP/1.1\r\nHost: tracker\r\n\r\n");
	assert_int_equal(sides_read(b), CONSUMER_CLIENT);
	bench_free(b);

	b = upgraded();
	first(b, HEAD);
	answer(b, "HTTP/1.1 403 Forbidden\r\n\r\n");
	assert_int_equal(sides_read(b), CONSUMER_CLIENT);
	bench_free(b);

	b = upgraded();
	first(b, HEAD);
	message(b, true, compressed, sizeof(compressed));
	assert_false(is_read(b));
	bench_free(b);

	b = upgraded();
	first(b, HEAD);
	message(b, true, bare, sizeof(bare));
	assert_false(is_read(b));
	bench_free(b);
}

static void names_and_odd_ports_are_no_candidates(void **state)
{
	struct bench *b = upgraded();

	first(b, HEAD);
	answer(b, ANSWER);
	frame(b, true, ANNOUNCE "}", 4096);
	frame(b, false, OFFER("abc.local", 41000), 4096);
	frame(b, false, OFFER("198.51.100.7", 99999), 4096);
	frame(b, false, OFFER("198.51.100.7", 443), 4096);
	frame(b, false, "\"candidate:1 1 tcp 99 198.51.100.7 41000 typ host\"", 4096);
	assert_int_equal(b->count, 0);
	bench_free(b);
}

static void only_a_whole_head_asks(void **state)
{
	static const char *const others[] = {
		"GET ",
		"GET / HTTP/1.1\r\nUpgrade: websocket\r\n",
		"GET / HTTP/1.1\r\nUpgrade: websocket\r\nHost: a\r\n",
		"GET / HTTP/1.1\r\nUpgrade: websocket2\r\n\r\n",
		"GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct bench *b = upgraded();

		first(b, others[i]);
		assert_int_equal(sides_read(b), CONSUMER_CLIENT);
		bench_free(b);
	}
}

/* The connection was used for something else before, and bodies. */
static void a_later_request_asks(void **state)
{
	struct bench *b = upgraded();

	first(b, "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
	client_text(b, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(sides_read(b), CONSUMER_CLIENT);
	client_text(b, HEAD);
	assert_int_equal(sides_read(b), CONSUMER_BOTH);
	frame(b, true, ANNOUNCE OFFER("2001:db8::1", 40000) "}", 4096);
	assert_int_equal(b->consume.finding.app, app_registry_find(b->registry, "bittorrent"));
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tracker_is_known_by_the_announce),
		cmocka_unit_test(a_later_request_asks),
		cmocka_unit_test(long_messages_are_searched_all_through),
		cmocka_unit_test(other_talk_stays_http),
		cmocka_unit_test(what_cannot_be_read_ends_it),
		cmocka_unit_test(only_a_whole_head_asks),
		cmocka_unit_test(names_and_odd_ports_are_no_candidates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

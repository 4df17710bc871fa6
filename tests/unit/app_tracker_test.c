// SPDX-License-Identifier: GPL-2.0-only
/* The BitTorrent module and trackers: what it learns, what it refuses to learn. */
#include "unit/app_bench.h"

/* ---- HTTP trackers ---- */

#define HASH	"%01%02%03abcdefghijklmno%fe%FF"
#define PEER_ID "-TR3000-abcdefghijkl"
#define ANNOUNCE                                                                                   \
	"GET /announce?info_hash=" HASH "&peer_id=" PEER_ID "&port=51413&uploaded=0&compact=1 "    \
	"HTTP/1.1\r\nHost: t.example\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"

static struct bench *http_bench(const char *request)
{
	struct bench *b = bench_new(IPPROTO_TCP, 80);

	client_text(b, request);
	assert_found(b, WEIR_METHOD_SIGNATURE, true, false);
	assert_int_equal(b->count, 0);
	return b;
}

/* A 200 response with this body, sent in pieces of at most `piece` bytes. */
static void respond(struct bench *b, const void *body, size_t len, size_t piece)
{
	char text[4096];
	int head = snprintf(text, sizeof(text), OK "Content-Length: %zu\r\n\r\n", len);
	size_t all = (size_t)head + len;

	memcpy(text + head, body, len);
	for (size_t at = 0; at < all; at += piece)
		message(b, false, text + at, all - at < piece ? all - at : piece);
}

static const char compact[] = "d8:intervali1800e5:peers18:"
			      "\xc6\x33\x64\x01\x1a\xe1"
			      "\xc6\x33\x64\x02\xc8\xd5"
			      "\xcb\x00\x71\x09\x04\x00"
			      "6:peers618:"
			      "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x05\x1a\xe1"
			      "e";

static void http_announce(void **state)
{
	/* Whole, and cut at every kind of place. */
	static const size_t pieces[] = {4096, 1, 2, 3, 5, 7, 64};

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct bench *b = http_bench(ANNOUNCE "\r\n");

		respond(b, compact, sizeof(compact) - 1, pieces[i]);
		assert_int_equal(b->count, 5);
		assert_learned(b, 0, NULL, CLIENT, 51413, WEIR_SOURCE_ANNOUNCE);
		assert_learned(b, 1, CLIENT, "198.51.100.1", 6881, WEIR_SOURCE_HTTP_TRACKER);
		assert_learned(b, 2, CLIENT, "198.51.100.2", 51413, WEIR_SOURCE_HTTP_TRACKER);
		assert_learned(b, 3, CLIENT, "203.0.113.9", 1024, WEIR_SOURCE_HTTP_TRACKER);
		assert_learned(b, 4, CLIENT, "2001:db8::5", 6881, WEIR_SOURCE_HTTP_TRACKER);
		assert_true(is_read(b));
		bench_free(b);
	}
}

static void http_request_in_segments(void **state)
{
	static const char request[] = ANNOUNCE "\r\n";
	struct bench *b = bench_new(IPPROTO_TCP, 80);
	size_t line = (size_t)(strchr(request, '\n') - request) + 1;

	/* The inspector shows all of the message so far each time. */
	for (size_t len = 1; len < line; len++) {
		message(b, true, request, len);
		assert_int_equal(b->consume.finding.app, 0);
	}
	message(b, true, request, line);
	assert_found(b, WEIR_METHOD_SIGNATURE, true, false);
	message(b, true, request + line, sizeof(request) - 1 - line);
	respond(b, compact, sizeof(compact) - 1, 1448);
	assert_int_equal(b->count, 5);
	bench_free(b);
}

static void http_keep_alive(void **state)
{
	struct bench *b = http_bench(ANNOUNCE "\r\n");

	respond(b, compact, sizeof(compact) - 1, 1448);
	assert_int_equal(b->count, 5);
	client_text(b, "GET /announce?info_hash=" HASH "&peer_id=" PEER_ID
		       "&port=51414 HTTP/1.1\r\n\r\n");
	respond(b,
		"d5:peers6:\xc6\x33\x64\x07\x1a\xe1"
		"e",
		17, 1448);
	assert_int_equal(b->count, 7);
	assert_learned(b, 5, NULL, CLIENT, 51414, WEIR_SOURCE_ANNOUNCE);
	assert_learned(b, 6, CLIENT, "198.51.100.7", 6881, WEIR_SOURCE_HTTP_TRACKER);
	assert_true(is_read(b));
	bench_free(b);
}

static void http_close(void **state)
{
	struct bench *b = http_bench(ANNOUNCE "Connection: close\r\n\r\n");

	respond(b, compact, sizeof(compact) - 1, 1448);
	assert_int_equal(b->count, 5);
	assert_false(is_read(b));
	bench_free(b);

	b = http_bench(ANNOUNCE "\r\n");
	server_text(b, "HTTP/1.0 200 OK\r\n\r\nd5:peers");
	assert_true(is_read(b));
	message(b, false,
		"6:\xc6\x33\x64\x07\x1a\xe1"
		"e",
		9);
	assert_int_equal(b->count, 2);
	assert_false(is_read(b));
	bench_free(b);
}

static void http_chunked(void **state)
{
	struct bench *b = http_bench(ANNOUNCE "\r\n");

	server_text(b, OK "Transfer-Encoding: chunked\r\n\r\n9\r\nd5:peers6\r\n");
	message(b, false, "4\r\n:\xc6\x33\x64\r\n", 9);
	message(b, false,
		"5\r\n\x07\x1a\xe1"
		"ex\r\n0\r\n\r\n",
		15);
	assert_int_equal(b->count, 2);
	assert_learned(b, 1, CLIENT, "198.51.100.7", 6881, WEIR_SOURCE_HTTP_TRACKER);
	assert_true(is_read(b));
	bench_free(b);
}

static void http_list_of_dictionaries(void **state)
{
	static const char body[] =
		"d5:peersl"
		"d2:ip12:198.51.100.17:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti6881ee"
		"d2:ip11:2001:db8::94:porti7000ee"
		"d2:ip12:host.example4:porti7000ee"
		"d2:ip12:198.51.100.24:porti70000ee"
		"d2:ip12:198.51.100.3e"
		"d4:porti7000ee"
		"d2:ip64:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa4:"
		"porti7000ee"
		"ld2:ip12:198.51.100.44:porti7000eee"
		"d2:ip12:198.51.100.54:porti-7ee"
		"d2:ip12:198.51.100.64:porti7001eele"
		"ee";

	for (size_t piece = 1; piece < 80; piece++) {
		struct bench *b = http_bench(ANNOUNCE "\r\n");

		respond(b, body, sizeof(body) - 1, piece);
		assert_int_equal(b->count, 4);
		assert_learned(b, 1, CLIENT, "198.51.100.1", 6881, WEIR_SOURCE_HTTP_TRACKER);
		assert_learned(b, 2, CLIENT, "2001:db8::9", 7000, WEIR_SOURCE_HTTP_TRACKER);
		assert_learned(b, 3, CLIENT, "198.51.100.6", 7001, WEIR_SOURCE_HTTP_TRACKER);
		bench_free(b);
	}
}

static void http_scrape(void **state)
{
	struct bench *b = http_bench("GET /x/scrape.php?info_hash=" HASH " HTTP/1.1\r\n\r\n");

	respond(b, "d5:filesdee", 11, 1448);
	assert_int_equal(b->count, 0);
	bench_free(b);
}

/* Answers that hold no peers, whatever they look like. */
static void http_answers_unread(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n"
		"d14:failure reason4:gone5:peers6:abcdefee",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 17\r\n\r\nd5:peers6:abcdefe",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 17\r\n\r\n"
		"d5:peers6:abcdefe",
		"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\nd5:peers8:abcdefghe",
		"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n<html>peers6:abcdef<",
		"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\nl5:peers6:abcdef1:xe",
		"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\nd1:xd5:peers6:abcdefeeeee",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: "
		"6\r\n\r\nd5:peers6:abcdefe",
		"\x13"
		"BitTorrent protocol",
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct bench *b = http_bench(ANNOUNCE "\r\n");

		server_text(b, answers[i]);
		for (size_t k = 0; k < b->count; k++)
			assert_int_equal(b->learned[k].source, WEIR_SOURCE_ANNOUNCE);
		bench_free(b);
	}
}

/* What speaks HTTP at length is no tracker: it need not come this way. */
static void http_large_body(void **state)
{
	struct bench *b = http_bench(ANNOUNCE "\r\n");
	char kilobyte[1024];

	memset(kilobyte, 'x', sizeof(kilobyte));
	server_text(b, OK "Content-Length: 10000000\r\n\r\n");
	for (int i = 0; i < 63; i++)
		message(b, false, kilobyte, sizeof(kilobyte));
	assert_true(is_read(b));
	message(b, false, kilobyte, sizeof(kilobyte));
	assert_int_equal(sides_read(b), CONSUMER_CLIENT);
	bench_free(b);
}

static void http_too_many_peers(void **state)
{
	struct bench *b = http_bench(ANNOUNCE "\r\n");
	char body[16 + 600 * 6];
	size_t at = (size_t)sprintf(body, "d5:peers%d:", 600 * 6);

	for (int i = 0; i < 600; i++, at += 6)
		memcpy(body + at,
		       (uint8_t[]){198, 51, (uint8_t)(i / 250), (uint8_t)(i % 250), 9, 9}, 6);
	respond(b, body, at, 1448);
	assert_int_equal(b->count, 1 + TRACKER_PEERS_MAX);
	bench_free(b);
}

/* Poison: peers that must never be learned, for nobody. */
static void peers_refused(void **state)
{
	static const struct {
		const char *address;
		uint16_t port;
	} bad[] = {
		{"198.51.100.1", 0},   {"198.51.100.1", 22},
		{"198.51.100.1", 53},  {"198.51.100.1", 80},
		{"198.51.100.1", 443}, {"198.51.100.1", 1023},
		{"0.0.0.0", 6881},     {"0.1.2.3", 6881},
		{"127.0.0.1", 6881},   {"224.0.0.1", 6881},
		{"239.1.2.3", 6881},   {"255.255.255.255", 6881},
		{"240.0.0.1", 6881},   {"192.0.2.10", 8080},
		{CLIENT, 6881},	       {"::", 6881},
		{"::1", 6881},	       {"ff02::1", 6881},
		{"2001:db8::1", 443},  {"::ffff:127.0.0.1", 6881},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct bench *b = http_bench("GET /announce?info_hash=" HASH "&peer_id=" PEER_ID
					     "&port=443 HTTP/1.1\r\n\r\n");
		char body[64] = "d5:peers";
		size_t at = 8, size;
		uint32_t addr[4];

		b->server_port = 8080;
		assert_int_equal(address_parse(bad[i].address, addr), 0);
		size = address_is_v4(addr) && strchr(bad[i].address, ':') == NULL ? 6 : 18;
		at = (size_t)sprintf(body, "d%s%zu:", size == 6 ? "5:peers" : "6:peers6", size);
		memcpy(body + at, size == 6 ? &addr[3] : addr, size - 2);
		body[at + size - 2] = (char)(bad[i].port >> 8);
		body[at + size - 1] = (char)bad[i].port;
		body[at + size] = 'e';
		respond(b, body, at + size + 1, 1448);
		/* Nor is the client's own port 443, which would cost it its web server. */
		assert_int_equal(b->count, 0);
		bench_free(b);
	}
}

static void without_learning(void **state)
{
	struct bench *b = bench_new(IPPROTO_TCP, 80);

	b->services.learn = NULL;
	client_text(b, ANNOUNCE "\r\n");
	respond(b, compact, sizeof(compact) - 1, 1448);
	assert_int_equal(b->count, 0);
	bench_free(b);
}

/* ---- later requests ---- */

#define PAGE   "GET /page HTTP/1.1\r\nHost: site.example\r\n\r\n"
#define ASKS   "GET http://t.example/announce?info_hash=" HASH "&peer_id=" PEER_ID "&port=51413 "
#define SCRAPE "GET /scrape?info_hash=" HASH " HTTP/1.1\r\n\r\n"

/* A flow that its first request showed to be http. */
static struct bench *web_bench(const char *first)
{
	struct bench *b = bench_new(IPPROTO_TCP, 3128);

	assert_true(app_registry_add(b->registry, "http", "web") > 0);
	b->consume.finding = (struct app_finding){
		.app = (uint16_t)app_registry_find(b->registry, "http"),
		.method = WEIR_METHOD_SIGNATURE,
		.confidence = 90,
	};
	client_text(b, first);
	assert_int_equal(sides_read(b), CONSUMER_CLIENT);
	return b;
}

static void assert_tracker(const struct bench *b, bool is)
{
	assert_int_equal(b->consume.finding.app,
			 app_registry_find(b->registry, is ? "bittorrent" : "http"));
	assert_int_equal(sides_read(b), is ? CONSUMER_BOTH : CONSUMER_CLIENT);
	assert_false(b->consume.finding.reconnect);
}

static void later_requests(void **state)
{
	static const char *const before[] = {
		"",
		PAGE,
		PAGE PAGE PAGE,
		"POST /p HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /",
		"POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\n\r\n",
		"GET http://site.example/ HTTP/1.1\r\nHost: site.example\r\n\r\n",
	};
	static const char *const asks[] = {
		ANNOUNCE "\r\n",
		ASKS "HTTP/1.1\r\nHost: t.example\r\n\r\n",
		SCRAPE,
		ASKS "HTTP/1.0\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(before) * ARRAY_SIZE(asks); i++) {
		const char *ask = asks[i % ARRAY_SIZE(asks)];
		struct bench *b = web_bench(PAGE);

		client_text(b, before[i / ARRAY_SIZE(asks)]);
		assert_tracker(b, false);
		/* In two segments. */
		message(b, true, ask, 30);
		assert_tracker(b, false);
		client_text(b, ask + 30);
		assert_tracker(b, true);
		bench_free(b);
	}
}

/* Nobody has looked at the answers before; the one to the announce is read. */
static void later_answers(void **state)
{
	struct bench *b = web_bench(PAGE);

	server_text(b, OK "Content-Length: 100000000\r\n\r\nxyz");
	client_text(b, ASKS "HTTP/1.1\r\n\r\n");
	assert_tracker(b, true);
	consume_event(&b->consume, &b->services,
		      &(struct app_message){.flow = &b->flow, .proto = IPPROTO_TCP},
		      (struct stream_event){.kind = STREAM_GAP});
	respond(b, compact, sizeof(compact) - 1, 100);
	assert_int_equal(b->count, 5);
	assert_learned(b, 0, NULL, CLIENT, 51413, WEIR_SOURCE_ANNOUNCE);
	/* Other answers are left alone again. */
	client_text(b, PAGE);
	assert_int_equal(sides_read(b), CONSUMER_CLIENT);
	bench_free(b);
}

static void other_requests_stay_http(void **state)
{
	static const char *const requests[] = {
		"GET /announce?info_hash=abc&peer_id=" PEER_ID "&port=1 HTTP/1.1\r\n\r\n",
		"GET /search?q=info_hash HTTP/1.1\r\nReferer: " ASKS "\r\n\r\n",
		"POST /p HTTP/1.1\r\nContent-Length: 500\r\n\r\n" ANNOUNCE "\r\n",
		"HEAD /announce?info_hash=" HASH "&peer_id=" PEER_ID "&port=1 HTTP/1.1\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct bench *b = web_bench(PAGE);

		client_text(b, requests[i]);
		assert_tracker(b, false);
		bench_free(b);
	}
}

/* ---- UDP trackers ---- */

static const uint8_t connect_request[16] = {0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80,
					    0, 0, 0, 0,	   0xaa, 1,    2,    3};
static const uint8_t connect_response[16] = {0, 0, 0, 0, 0xaa, 1, 2, 3, 9, 9, 9, 9, 9, 9, 9, 9};

static size_t announce_request(uint8_t out[98], uint32_t transaction, uint16_t port)
{
	memset(out, 0, 98);
	memset(out, 9, 8);
	out[11] = 1;
	memcpy(out + 12, &transaction, 4);
	memset(out + 16, 'h', 20);
	memset(out + 36, 'p', 20);
	out[83] = 2;
	memset(out + 92, 0xff, 4);
	out[96] = (uint8_t)(port >> 8);
	out[97] = (uint8_t)port;
	return 98;
}

static size_t announce_response(uint8_t *out, uint32_t transaction, const void *peers, size_t len)
{
	memset(out, 0, 20);
	out[3] = 1;
	memcpy(out + 4, &transaction, 4);
	memcpy(out + 20, peers, len);
	return 20 + len;
}

static struct bench *udp_bench(void)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6969);

	message(b, true, connect_request, sizeof(connect_request));
	assert_found(b, WEIR_METHOD_SIGNATURE, true, false);
	message(b, false, connect_response, sizeof(connect_response));
	return b;
}

static void udp_announce(void **state)
{
	struct bench *b = udp_bench();
	uint8_t data[256];

	message(b, true, data, announce_request(data, 77, 51413));
	assert_int_equal(b->count, 0);
	message(b, false, data,
		announce_response(data, 77, "\xc6\x33\x64\x01\x1a\xe1\xc6\x33\x64\x02\xc8\xd5xyz",
				  15));
	assert_int_equal(b->count, 3);
	assert_learned(b, 0, NULL, CLIENT, 51413, WEIR_SOURCE_ANNOUNCE);
	assert_learned(b, 1, CLIENT, "198.51.100.1", 6881, WEIR_SOURCE_UDP_TRACKER);
	assert_learned(b, 2, CLIENT, "198.51.100.2", 51413, WEIR_SOURCE_UDP_TRACKER);
	assert_true(is_read(b));
	/* Said once, it counts once. */
	message(b, false, data, announce_response(data, 77, "\xc6\x33\x64\x01\x1a\xe1", 6));
	assert_int_equal(b->count, 3);
	/* Announced again on the same flow. */
	message(b, true, data, announce_request(data, 78, 51413));
	message(b, false, data, announce_response(data, 78, "\xc6\x33\x64\x03\x1a\xe1", 6));
	assert_int_equal(b->count, 5);
	bench_free(b);
}

static void udp_announce_v6(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6969);
	uint8_t data[256];

	b->client = "2001:db8::c";
	b->server = "2001:db8:1::7";
	message(b, true, connect_request, sizeof(connect_request));
	message(b, true, data, announce_request(data, 77, 51413));
	message(b, false, data,
		announce_response(data, 77, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x05\x1a\xe1",
				  18));
	assert_int_equal(b->count, 2);
	assert_learned(b, 0, NULL, "2001:db8::c", 51413, WEIR_SOURCE_ANNOUNCE);
	assert_learned(b, 1, "2001:db8::c", "2001:db8::5", 6881, WEIR_SOURCE_UDP_TRACKER);
	bench_free(b);
}

static void udp_answers_refused(void **state)
{
	struct bench *b = udp_bench();
	uint8_t data[256];
	size_t len;

	message(b, true, data, announce_request(data, 77, 51413));
	/* Of another transaction, of another action, too short, from the client. */
	message(b, false, data, announce_response(data, 78, "\xc6\x33\x64\x01\x1a\xe1", 6));
	len = announce_response(data, 77, "\xc6\x33\x64\x01\x1a\xe1", 6);
	data[3] = 2;
	message(b, false, data, len);
	data[3] = 3;
	message(b, false, data, len);
	data[3] = 1;
	message(b, false, data, 19);
	message(b, false, data, 3);
	message(b, true, data, len);
	assert_int_equal(b->count, 0);
	/* The right one still counts. */
	message(b, false, data, len);
	assert_int_equal(b->count, 2);
	bench_free(b);
}

/* The transaction of a connect is no announce's. */
static void udp_answer_to_another_action(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6969);
	uint32_t transaction;
	uint8_t data[256];

	memcpy(&transaction, connect_request + 12, sizeof(transaction));
	message(b, true, connect_request, sizeof(connect_request));
	message(b, false, data,
		announce_response(data, transaction, "\xc6\x33\x64\x01\x1a\xe1", 6));
	assert_int_equal(b->count, 0);
	bench_free(b);
}

/* Only the newest requests are remembered. */
static void udp_pending_is_bounded(void **state)
{
	struct bench *b = udp_bench();
	uint8_t data[256];

	for (uint32_t i = 0; i <= TRACKER_PENDING_MAX; i++)
		message(b, true, data, announce_request(data, 100 + i, 51413));
	message(b, false, data, announce_response(data, 100, "\xc6\x33\x64\x01\x1a\xe1", 6));
	assert_int_equal(b->count, 0);
	message(b, false, data, announce_response(data, 101, "\xc6\x33\x64\x01\x1a\xe1", 6));
	assert_int_equal(b->count, 2);
	bench_free(b);
}

static void udp_announce_without_connect(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6969);
	uint8_t data[256];

	message(b, true, data, announce_request(data, 77, 51413));
	assert_int_equal(b->consume.finding.app, 0);
	message(b, false, data, announce_response(data, 78, "\xc6\x33\x64\x01\x1a\xe1", 6));
	assert_int_equal(b->consume.finding.app, 0);
	message(b, false, data, announce_response(data, 77, "\xc6\x33\x64\x01\x1a\xe1", 6));
	assert_found(b, WEIR_METHOD_HANDSHAKE, true, false);
	assert_int_equal(b->count, 2);
	bench_free(b);
}

/* After a restart the gate still knows the flow, the module nothing of it. */
static void state_was_lost(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6969);
	uint8_t data[256];

	consume_resume(&b->consume, &b->services, b->proto,
		       (uint16_t)app_registry_find(b->registry, "bittorrent"));
	message(b, false, data, announce_response(data, 77, "\xc6\x33\x64\x01\x1a\xe1", 6));
	assert_int_equal(b->count, 0);
	message(b, true, data, announce_request(data, 77, 51413));
	message(b, false, data, announce_response(data, 77, "\xc6\x33\x64\x01\x1a\xe1", 6));
	assert_int_equal(b->count, 2);
	bench_free(b);

	b = bench_new(IPPROTO_TCP, 80);
	consume_resume(&b->consume, &b->services, b->proto,
		       (uint16_t)app_registry_find(b->registry, "bittorrent"));
	respond(b, compact, sizeof(compact) - 1, 1448);
	assert_int_equal(b->count, 0);
	client_text(b, ANNOUNCE "\r\n");
	respond(b, compact, sizeof(compact) - 1, 1448);
	assert_int_equal(b->count, 5);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_announce),
		cmocka_unit_test(http_request_in_segments),
		cmocka_unit_test(http_keep_alive),
		cmocka_unit_test(http_close),
		cmocka_unit_test(http_chunked),
		cmocka_unit_test(http_list_of_dictionaries),
		cmocka_unit_test(http_scrape),
		cmocka_unit_test(http_answers_unread),
		cmocka_unit_test(http_large_body),
		cmocka_unit_test(http_too_many_peers),
		cmocka_unit_test(peers_refused),
		cmocka_unit_test(without_learning),
		cmocka_unit_test(later_requests),
		cmocka_unit_test(later_answers),
		cmocka_unit_test(other_requests_stay_http),
		cmocka_unit_test(udp_announce),
		cmocka_unit_test(udp_announce_v6),
		cmocka_unit_test(udp_answers_refused),
		cmocka_unit_test(udp_answer_to_another_action),
		cmocka_unit_test(udp_pending_is_bounded),
		cmocka_unit_test(udp_announce_without_connect),
		cmocka_unit_test(state_was_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "inspect_bench.h"

#define PORT  8080
#define OTHER "10.0.0.3"

static void address(const char *text, uint32_t addr[4])
{
	assert_int_equal(address_parse(text, addr), 0);
}

static struct weir_endpoint_key told(const char *host, uint16_t port)
{
	struct weir_endpoint_key key = {.port = htons(port)};

	address(host, key.host);
	address(SERVER, key.peer);
	return key;
}

static void tell_from(struct bench *b, const char *source, const char *host, uint16_t port)
{
	struct inspect_outcome *out;
	struct frame_spec s = spec_of(IPPROTO_UDP, true, "xyz");

	/* The module learns 192.0.2.9 for the datagram's receiver; its place is taken by SERVER. */
	alpha.learn_port = port;
	alpha.learn_peer = SERVER;
	if (source)
		s.src = source;
	s.dst = host;
	s.sport = 5000;
	out = send_spec(b, &s, NULL);
	assert_non_null(out->flow);
	alpha.learn_port = 0;
}

/* `host` was told, as by a tracker, that SERVER:port is alpha's. */
static void tell(struct bench *b, const char *host, uint16_t port)
{
	tell_from(b, NULL, host, port);
}

/* Whether SERVER:PORT is confirmed by independent sources. */
static bool is_confirmed(struct bench *b)
{
	struct fact_key key = {.port = htons(PORT), .kind = FACT_LEARNED};
	struct fact fact;

	address(SERVER, key.addr);
	assert_true(facts_get(endpoints_facts(b->endpoints), &key, b->now_ns, &fact));
	return fact.confirmed;
}

/* Each side's segment between `host` and SERVER:PORT. */
static struct flow *both_send(struct bench *b, const char *host, uint8_t flags, const void *data,
			      size_t len)
{
	for (int back = 0; back < 2; back++) {
		struct frame_spec s = spec_of(IPPROTO_TCP, back, NULL);

		s.payload = data;
		s.len = len;
		*(back ? &s.dst : &s.src) = host;
		*(back ? &s.sport : &s.dport) = PORT;
		s.flags = flags == FRAME_SYN && back ? FRAME_SYN | FRAME_ACK : flags;
		s.seq = flags == FRAME_SYN ? 99 : 100;
		send_spec(b, &s, NULL);
	}
	return b->out.flow;
}

/* A connection from `host` to SERVER:PORT in which both sides speak. */
static struct flow *talk_bytes(struct bench *b, const char *host, const void *data, size_t len)
{
	both_send(b, host, FRAME_SYN, NULL, 0);
	return both_send(b, host, FRAME_ACK, data, len);
}

static struct flow *talk(struct bench *b, const char *host, const char *text)
{
	return talk_bytes(b, host, text, strlen(text));
}

static bool is_told(struct bench *b, const char *host)
{
	struct weir_endpoint_key key = told(host, PORT);
	struct weir_peer peer;

	return endpoints_find(b->endpoints, &key, b->now_ns, &peer);
}

static void what_was_told_decides(void **state)
{
	struct bench *b = *state;
	struct flow *f;

	tell(b, CLIENT, PORT);
	assert_true(is_told(b, CLIENT));
	f = talk(b, CLIENT, "GET / HTTP/1.1\r\n");
	assert_int_equal(f->app, app_of(b, "alpha"));
	assert_int_equal(f->source, WEIR_SOURCE_DHT);
	/* Nobody else is concerned. */
	f = talk(b, OTHER, "GET / HTTP/1.1\r\n");
	assert_int_equal(f->app, app_of(b, "http"));
	assert_int_equal(f->source, WEIR_SOURCE_NONE);
}

static void a_known_service_is_not_learned(void **state)
{
	struct bench *b = *state;

	talk(b, OTHER, "GET / HTTP/1.1\r\n");
	tell(b, CLIENT, PORT);
	assert_false(is_told(b, CLIENT));
	assert_int_equal(b->learned, 0);
	assert_int_equal(talk(b, CLIENT, "GET / HTTP/1.1\r\n")->app, app_of(b, "http"));
}

static void a_service_that_answers_takes_the_endpoint_back(void **state)
{
	struct bench *b = *state;

	tell(b, CLIENT, PORT);
	assert_int_equal(b->learned, 1);
	talk(b, OTHER, "GET / HTTP/1.1\r\n");
	assert_false(is_told(b, CLIENT));
	/* The gate is told by a time that is over. */
	assert_int_equal(b->learned, 2);
	assert_int_equal(b->last_learned.expires_ns, 1);
	assert_int_equal(talk(b, CLIENT, "GET / HTTP/1.1\r\n")->app, app_of(b, "http"));
}

/* What an endpoint said of itself holds for everybody, until it shows that it is something else. */
static void what_was_said_to_all_is_taken_back(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\n";
	struct bench *b = *state;

	both_send(b, OTHER, FRAME_SYN, NULL, 0);
	alpha.learn_for_all = true;
	tell(b, CLIENT, PORT);
	assert_true(is_told(b, "10.0.0.77"));
	/* The last who was told is remembered. */
	alpha.learn_for_all = false;
	tell(b, CLIENT, PORT);
	both_send(b, OTHER, FRAME_ACK, request, strlen(request));
	assert_int_equal(b->out.flow->app, app_of(b, "http"));
	assert_false(is_told(b, "10.0.0.77"));
	assert_false(is_told(b, CLIENT));
	assert_int_equal(b->last_learned.expires_ns, 1);
}

static void who_only_asks_proves_no_service(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = spec_of(IPPROTO_TCP, false, "GET / HTTP/1.1\r\n");

	s.src = OTHER;
	s.dport = PORT;
	s.flags = FRAME_ACK;
	s.seq = 100;
	send_spec(b, &s, NULL);
	tell(b, CLIENT, PORT);
	assert_true(is_told(b, CLIENT));
}

static void the_same_application_confirms(void **state)
{
	struct bench *b = *state;

	talk(b, OTHER, "ALPHA");
	tell(b, CLIENT, PORT);
	assert_true(is_told(b, CLIENT));
}

/* WebRTC: a candidate counts for STUN alone, and is not the gate's business. */
static void a_candidate_counts_for_what_only_carries(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = spec_of(IPPROTO_UDP, false, "STUN");

	alpha.learn_source = WEIR_SOURCE_WS_TRACKER;
	tell(b, CLIENT, PORT);
	assert_int_equal(b->learned, 0);
	assert_true(is_told(b, CLIENT));
	assert_int_equal(talk(b, CLIENT, "GET / HTTP/1.1\r\n")->app, app_of(b, "http"));
	s.dport = PORT + 1;
	send_spec(b, &s, NULL);
	assert_int_equal(b->out.flow->app, app_of(b, "stun"));
}

/* Whom a tracker of BitTorrent told of was told what it would speak. */
static void stun_to_another_endpoint_is_stun(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = spec_of(IPPROTO_UDP, false, "STUN");

	tell(b, CLIENT, PORT);
	s.dport = PORT;
	send_spec(b, &s, NULL);
	assert_int_equal(b->out.flow->app, app_of(b, "stun"));
	assert_int_equal(b->out.flow->method, WEIR_METHOD_SIGNATURE);
}

static void stun_to_a_candidate_is_the_trackers(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = spec_of(IPPROTO_UDP, false, "STUN");

	alpha.learn_source = WEIR_SOURCE_WS_TRACKER;
	tell(b, CLIENT, PORT);
	s.dport = PORT;
	send_spec(b, &s, NULL);
	assert_int_equal(b->out.flow->app, app_of(b, "alpha"));
	assert_int_equal(b->out.flow->method, WEIR_METHOD_ENDPOINT);
	assert_int_equal(b->out.flow->source, WEIR_SOURCE_WS_TRACKER);
}

/* TLS without a name, between hosts that are both in Direct Connect hubs. */
static void tls_between_clients_of_hubs(void **state)
{
	/* A ClientHello without extensions (RFC 5246, 7.4.1.2): version, random, no session, one
	 * cipher, no compression. */
	static const uint8_t hello[50] = {0x16, 3,  1, 0, 45,	    1,	       0,
					  0,	41, 3, 3, [45] = 2, [47] = 47, [48] = 1};
	struct bench *b = *state;
	struct facts *facts = endpoints_facts(b->endpoints);
	uint32_t client[4], server[4];
	int app = app_registry_add(b->registry, "directconnect", "p2p");

	assert_true(app > 0);
	assert_int_equal(inspector_set_signatures(b->inspector, b->signatures), 0);
	address(CLIENT, client);
	address(SERVER, server);
	facts_host_runs(facts, client, 0, (uint16_t)app, b->now_ns);
	assert_int_equal(talk_bytes(b, CLIENT, hello, sizeof(hello))->app, app_of(b, "tls"));
	facts_host_runs(facts, server, 0, (uint16_t)app, b->now_ns);
	b->now_ns += 400 * BENCH_SECOND;
	assert_int_equal(talk_bytes(b, CLIENT, hello, sizeof(hello))->app, app);
	assert_int_equal(b->out.flow->confidence, 70);
	assert_int_equal(talk_bytes(b, OTHER, hello, sizeof(hello))->app, app_of(b, "tls"));
}

/* A connection from `host` that a module knows for the application's. peer: of two that run it. */
static const struct flow *talk_p2p(struct bench *b, const char *host, uint16_t app, bool peer)
{
	alpha.when = "PEER";
	alpha.says = (struct app_finding){
		.app = app, .method = WEIR_METHOD_HANDSHAKE, .confidence = 95, .reconnect = peer};
	return talk(b, host, "PEER");
}

static bool runs(struct bench *b, const char *host, uint16_t app)
{
	uint32_t addr[4];

	address(host, addr);
	return facts_does_host_run(endpoints_facts(b->endpoints), addr, 0, app, b->now_ns);
}

/* Both of two peers run the application; of a hub or a tracker only who calls does. */
static void who_is_seen_to_run_it(void **state)
{
	struct bench *b = *state;
	uint16_t app = (uint16_t)app_registry_add(b->registry, "directconnect", "p2p");

	assert_int_equal(talk_p2p(b, CLIENT, app, false)->app, app);
	assert_true(runs(b, CLIENT, app));
	assert_false(runs(b, SERVER, app));
	assert_true(talk_p2p(b, OTHER, app, true)->peer);
	assert_true(runs(b, OTHER, app));
	assert_true(runs(b, SERVER, app));
}

/* Who speaks the application to a server of something else does not make it a peer. */
static void a_known_service_is_no_peer(void **state)
{
	struct bench *b = *state;
	uint16_t app = (uint16_t)app_registry_add(b->registry, "directconnect", "p2p");

	talk(b, OTHER, "GET / HTTP/1.1\r\n");
	assert_int_equal(talk_p2p(b, CLIENT, app, true)->app, app);
	assert_false(b->out.flow->peer);
	assert_false(runs(b, SERVER, app));
}

#define test(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

/* One who tells everybody the same, also from the address next to its own, is one; and however
 * many agree, who was not told is not held to it by the address alone. */
static void independent_sources_confirm_an_endpoint(void **state)
{
	struct bench *b = *state;

	tell_from(b, "198.51.100.1", CLIENT, PORT);
	tell_from(b, "198.51.100.1", "10.0.0.8", PORT);
	tell_from(b, "198.51.7.2", "10.0.0.9", PORT);
	assert_false(is_confirmed(b));
	/* Another, to the host that heard it last. */
	tell_from(b, "203.0.113.1", "10.0.0.9", PORT);
	assert_false(is_confirmed(b));
	tell_from(b, "198.51.100.1", "10.0.0.8", PORT);
	assert_true(is_confirmed(b));
	assert_int_equal(talk(b, OTHER, "GET / HTTP/1.1\r\n")->app, app_of(b, "http"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(what_was_told_decides),
		test(a_known_service_is_not_learned),
		test(a_service_that_answers_takes_the_endpoint_back),
		test(what_was_said_to_all_is_taken_back),
		test(who_only_asks_proves_no_service),
		test(the_same_application_confirms),
		test(a_candidate_counts_for_what_only_carries),
		test(stun_to_another_endpoint_is_stun),
		test(stun_to_a_candidate_is_the_trackers),
		test(tls_between_clients_of_hubs),
		test(who_is_seen_to_run_it),
		test(a_known_service_is_no_peer),
		test(independent_sources_confirm_an_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* What a flow's first messages say about it, through the inspector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hello_build.h"
#include "inspect/state.h"
#include "inspect_bench.h"
#include "quic_build.h"

static const uint16_t tls13[] = {0x0304, 0};

static struct inspect_outcome *send_bytes(struct bench *b, uint8_t proto, bool back, uint32_t seq,
					  const void *data, size_t len)
{
	struct frame_spec s = spec_of(proto, back, NULL);

	s.payload = data;
	s.len = len;
	s.flags = FRAME_ACK;
	s.seq = seq;
	return send_spec(b, &s, NULL);
}

static const char *text_of(const struct bench *b, enum flow_text which)
{
	return flow_get_text(b->out.flow, which);
}

static const char *source_of(const struct bench *b)
{
	return flow_name_source_name(b->out.flow->details->hostname_source);
}

/* Two records, three segments, the second before the first. */
static void a_hello_in_pieces(void **state)
{
	const struct hello_spec spec = {.name = "www.example.org",
					.protocol = "h2",
					.second_protocol = "a,b",
					.versions = tls13};
	struct bench *b = *state;
	struct build hello = {.len = 0}, wire = {.len = 0};

	build_client_hello(&hello, &spec);
	build_records(&wire, &hello, 70);
	send_handshake(b);
	send_bytes(b, IPPROTO_TCP, false, 100, wire.at, 20);
	send_bytes(b, IPPROTO_TCP, false, 100 + 60, wire.at + 60, wire.len - 60);
	assert_string_equal(flow_hostname(b->out.flow), "");
	send_bytes(b, IPPROTO_TCP, false, 100 + 20, wire.at + 20, 40);
	assert_string_equal(flow_hostname(b->out.flow), "www.example.org");
	assert_string_equal(source_of(b), "sni");
	assert_string_equal(text_of(b, FLOW_TLS_SNI), "www.example.org");
	assert_string_equal(text_of(b, FLOW_TLS_ALPN), "h2,a.b");
	assert_memory_equal(text_of(b, FLOW_TLS_JA4), "t13d0103h2_", 11);
	assert_int_equal(b->out.flow->details->tls_version, 0x0304);
	assert_true(b->out.flow->reading); /* the server's */
}

static void tls_12_shows_its_certificate(void **state)
{
	static const uint16_t no_name[] = {13, 0xffff};
	const struct hello_spec spec = {.extensions = no_name};
	struct bench *b = *state;
	struct build hello = {.len = 0}, flight = {.len = 0}, wire = {.len = 0};

	build_client_hello(&hello, &spec);
	build_records(&wire, &hello, 400);
	send_handshake(b);
	send_bytes(b, IPPROTO_TCP, false, 100, wire.at, wire.len);
	build_server_hello(&flight, 0x0302, 0);
	build_certificate_message(&flight, "common.example", NULL);
	wire.len = 0;
	build_records(&wire, &flight, 100);
	send_bytes(b, IPPROTO_TCP, true, 500, wire.at, 150);
	assert_string_equal(flow_hostname(b->out.flow), "");
	assert_true(b->out.flow->reading);
	send_bytes(b, IPPROTO_TCP, true, 650, wire.at + 150, wire.len - 150);
	assert_string_equal(flow_hostname(b->out.flow), "common.example");
	assert_string_equal(source_of(b), "certificate");
	assert_string_equal(text_of(b, FLOW_TLS_CERTIFICATE), "common.example");
	assert_int_equal(b->out.flow->details->tls_version, 0x0302);
	assert_false(b->out.flow->reading);
	assert_null(b->out.flow->stream[0]);
	assert_null(b->out.flow->stream[1]);
}

static void tls_13_hides_it(void **state)
{
	const struct hello_spec spec = {.versions = tls13};
	struct bench *b = *state;
	struct build hello = {.len = 0}, flight = {.len = 0}, wire = {.len = 0};

	build_client_hello(&hello, &spec);
	build_records(&wire, &hello, 400);
	send_handshake(b);
	send_bytes(b, IPPROTO_TCP, false, 100, wire.at, wire.len);
	wire.len = 0;
	build_server_hello(&flight, 0x0303, 0x0304);
	build_records(&wire, &flight, 400);
	send_bytes(b, IPPROTO_TCP, true, 500, wire.at, wire.len);
	assert_int_equal(b->out.flow->details->tls_version, 0x0304);
	assert_false(b->out.flow->reading);
}

/* A capture that begins in the middle: the response decides, the next request names the host. */
static void http_request_and_response(void **state)
{
	static const char response[] = "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n";
	static const char request[] = "GET /a?b HTTP/1.1\r\nUser-Agent: weir test\r\n"
				      "Host: www.example.org:80\r\n\r\n";
	struct bench *b = *state;

	send_bytes(b, IPPROTO_TCP, false, 100, request, sizeof(request) - 1);
	assert_true(b->out.flow->decided);
	assert_string_equal(flow_hostname(b->out.flow), "www.example.org");
	assert_string_equal(source_of(b), "http");
	assert_string_equal(text_of(b, FLOW_HTTP_HOST), "www.example.org:80");
	assert_string_equal(text_of(b, FLOW_HTTP_METHOD), "GET");
	assert_string_equal(text_of(b, FLOW_HTTP_URL), "/a?b");
	assert_string_equal(text_of(b, FLOW_HTTP_USER_AGENT), "weir test");
	assert_true(b->out.flow->reading);
	send_bytes(b, IPPROTO_TCP, true, 500, response, 40);
	assert_int_equal(b->out.flow->details->http_status, 0);
	send_bytes(b, IPPROTO_TCP, true, 540, response + 40, sizeof(response) - 1 - 40);
	assert_int_equal(b->out.flow->details->http_status, 404);
	assert_string_equal(text_of(b, FLOW_HTTP_CONTENT_TYPE), "text/html");
	assert_false(b->out.flow->reading);
}

/* ---- datagrams ---- */

static const char datagram_yaml[] =
	"features:\n"
	"  dtls: { transport: udp, mask: { offset: 0, bytes: '16 fe' } }\n"
	"  long: { transport: udp, mask: { offset: 0, bytes: 'c0', mask: 'c0' } }\n"
	"  tls: { transport: tcp, mask: { offset: 0, bytes: '16 03' } }\n"
	"  sync: { transport: tcp, regex: '\\x07bep/1\\.0' }\n"
	"applications:\n"
	"  dtls: { category: web, when: dtls, confidence: 90 }\n"
	"  quic: { category: web, when: long, confidence: 92 }\n"
	"  tls: { category: web, when: tls, confidence: 90 }\n"
	"  sync: { category: p2p, when: sync and tls, confidence: 97 }\n";

static void use_datagrams(struct bench *b)
{
	signatures_free(b->signatures);
	b->signatures = bench_signatures(b->registry, datagram_yaml);
	assert_int_equal(inspector_set_signatures(b->inspector, b->signatures), 0);
}

static void build_dtls(struct build *out, const struct build *message, unsigned int sequence,
		       size_t offset, size_t len)
{
	build_bytes(out, "\x16\xfe\xfd\0\0\0\0\0\0\0\0", 11);
	build_number(out, (unsigned int)len + 12, 2);
	build_bytes(out, message->at, 4);
	build_number(out, sequence, 2);
	build_number(out, (unsigned int)offset, 3);
	build_number(out, (unsigned int)len, 3);
	build_bytes(out, message->at + 4 + offset, len);
}

static void dtls_in_fragments(void **state)
{
	const struct hello_spec spec = {
		.version = 0xfefd, .name = "peer.example", .protocol = "webrtc", .datagram = true};
	struct bench *b = *state;
	struct build hello = {.len = 0}, certificate = {.len = 0}, wire = {.len = 0};

	use_datagrams(b);
	build_client_hello(&hello, &spec);
	build_dtls(&wire, &hello, 0, 30, hello.len - 4 - 30);
	send_bytes(b, IPPROTO_UDP, false, 0, wire.at, wire.len);
	assert_true(b->out.flow->decided);
	assert_true(b->out.flow->reading);
	wire.len = 0;
	build_dtls(&wire, &hello, 1, 0, 30); /* another message's */
	build_dtls(&wire, &hello, 0, 0, 30);
	assert_string_equal(flow_hostname(b->out.flow), "");
	send_bytes(b, IPPROTO_UDP, false, 0, wire.at, wire.len);
	assert_string_equal(flow_hostname(b->out.flow), "peer.example");
	assert_string_equal(text_of(b, FLOW_TLS_ALPN), "webrtc");
	assert_memory_equal(text_of(b, FLOW_TLS_JA4), "dd2d0103wc_", 11);
	build_certificate_message(&certificate, "common.example", NULL);
	wire.len = 0;
	build_dtls(&wire, &certificate, 2, 0, certificate.len - 4);
	send_bytes(b, IPPROTO_UDP, true, 0, wire.at, wire.len);
	assert_string_equal(text_of(b, FLOW_TLS_CERTIFICATE), "common.example");
	assert_string_equal(flow_hostname(b->out.flow), "peer.example");
	assert_false(b->out.flow->reading);
}

/* A CRYPTO frame with part of the hello, in a packet of its own. */
static size_t build_initial(uint8_t *out, const struct build *hello, size_t from, size_t len,
			    uint16_t number, const char *id)
{
	uint8_t frames[600] = {6};

	frame_put16(frames + 1, 0x4000 | (unsigned int)from);
	frame_put16(frames + 3, 0x4000 | (unsigned int)len);
	memcpy(frames + 5, hello->at + from, len);
	return quic_protect(out, id, number, frames, 5 + len + 16);
}

static void quic_is_classified_by_its_hello(void **state)
{
	const struct hello_spec spec = {
		.name = "sync.example", .protocol = "bep/1.0", .versions = tls13};
	struct bench *b = *state;
	struct build hello = {.len = 0};
	uint8_t datagram[1200];
	size_t len;

	use_datagrams(b);
	build_client_hello(&hello, &spec);
	len = build_initial(datagram, &hello, 40, hello.len - 40, 1, "8394c8f03e515708");
	send_bytes(b, IPPROTO_UDP, false, 0, datagram, len);
	assert_false(b->out.flow->decided); /* half a hello */
	len = build_initial(datagram, &hello, 0, 40, 0, "8394c8f03e515708");
	assert_true(send_bytes(b, IPPROTO_UDP, false, 0, datagram, len)->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "sync"));
	assert_int_equal(b->out.flow->confidence, 97);
	assert_string_equal(flow_hostname(b->out.flow), "sync.example");
	assert_string_equal(source_of(b), "quic");
	assert_memory_equal(text_of(b, FLOW_TLS_JA4), "q13d0103b0_", 11);
	assert_int_equal(b->out.flow->details->quic_version, 1);
}

static void quic_stays_quic(void **state)
{
	const struct hello_spec spec = {
		.name = "www.example.org", .protocol = "h3", .versions = tls13};
	struct bench *b = *state;
	struct build hello = {.len = 0};
	uint8_t datagram[1200];
	size_t len;

	use_datagrams(b);
	build_client_hello(&hello, &spec);
	len = build_initial(datagram, &hello, 0, hello.len, 0, "8394c8f03e515708");
	assert_true(send_bytes(b, IPPROTO_UDP, false, 0, datagram, len)->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "quic"));
	assert_int_equal(b->out.flow->decided_after, 1);
	assert_string_equal(text_of(b, FLOW_TLS_ALPN), "h3");
}

/* The set that is built in: ALPN names libp2p, over QUIC too. */
static void quic_of_libp2p_is_ipfs(void **state)
{
	const struct hello_spec spec = {.protocol = "libp2p", .versions = tls13};
	struct bench *b = *state;
	struct build hello = {.len = 0};
	struct error e = {0};
	uint8_t datagram[1200];
	size_t len;

	signatures_free(b->signatures);
	assert_int_equal(signatures_load_builtin(b->registry, &b->signatures, &e), 0);
	assert_int_equal(inspector_set_signatures(b->inspector, b->signatures), 0);
	build_client_hello(&hello, &spec);
	len = build_initial(datagram, &hello, 0, hello.len, 0, "8394c8f03e515708");
	assert_true(len < sizeof(datagram));
	/* As a client has to: RFC 9000, 14.1. */
	memset(datagram + len, 0, sizeof(datagram) - len);
	send_bytes(b, IPPROTO_UDP, false, 0, datagram, sizeof(datagram));
	assert_int_equal(b->out.flow->app, app_of(b, "ipfs"));
	assert_int_equal(b->out.flow->decided_after, 1);
}

/* The hello that never ends is QUIC after inspect.packets. */
static void half_a_quic_hello_is_quic(void **state)
{
	const struct hello_spec spec = {.name = "www.example.org", .versions = tls13};
	struct bench *b = *state;
	struct build hello = {.len = 0};
	uint8_t datagram[1200];
	size_t len;

	use_datagrams(b);
	build_client_hello(&hello, &spec);
	len = build_initial(datagram, &hello, 40, 20, 1, "8394c8f03e515708");
	for (unsigned int n = 1; n <= 4; n++) {
		send_bytes(b, IPPROTO_UDP, false, 0, datagram, len);
		assert_int_equal(b->out.flow->decided, n == 4);
	}
	assert_int_equal(b->out.flow->app, app_of(b, "quic"));
}

static void take_app(struct flow *f, void *arg)
{
	*(uint16_t *)arg = f->app;
}

static void half_a_quic_hello_at_the_end_is_quic(void **state)
{
	const struct hello_spec spec = {.name = "www.example.org", .versions = tls13};
	struct bench *b = *state;
	struct build hello = {.len = 0};
	uint8_t datagram[1200];
	uint16_t app = 0;
	size_t len;

	use_datagrams(b);
	build_client_hello(&hello, &spec);
	len = build_initial(datagram, &hello, 40, 20, 1, "8394c8f03e515708");
	send_bytes(b, IPPROTO_UDP, false, 0, datagram, len);
	assert_false(b->out.flow->decided);
	inspector_finish(b->inspector, take_app, &app);
	assert_int_equal(app, app_of(b, "quic"));
}

/* After a Retry the keys come from the server's id; the hello starts anew (RFC 9001, 5.2). */
static void a_retry_changes_the_keys(void **state)
{
	const struct hello_spec spec = {
		.name = "www.example.org", .protocol = "bep/1.0", .versions = tls13};
	struct bench *b = *state;
	struct build hello = {.len = 0};
	uint8_t datagram[1200];
	size_t len;

	use_datagrams(b);
	build_client_hello(&hello, &spec);
	len = build_initial(datagram, &hello, 0, 40, 0, "8394c8f03e515708");
	send_bytes(b, IPPROTO_UDP, false, 0, datagram, len);
	send_bytes(b, IPPROTO_UDP, true, 0, "\xf0\0\0\0\1\0\x08........token", 20);
	assert_false(b->out.flow->decided);
	len = build_initial(datagram, &hello, 0, hello.len, 1, "2122232425262728");
	send_bytes(b, IPPROTO_UDP, false, 0, datagram, len);
	assert_int_equal(b->out.flow->app, app_of(b, "sync"));
	assert_string_equal(flow_hostname(b->out.flow), "www.example.org");
}

/* ---- names that the DNS told ---- */

static struct names *use_names(struct bench *b)
{
	struct names *names = names_new(16);
	const struct inspect_settings settings = {
		.packets = 4,
		.limits = {.flows = 16,
			   .stream_bytes = 1024,
			   .stream_bytes_all = 8192,
			   .idle_ns = 300 * BENCH_SECOND},
		.names = names,
	};

	inspector_free(b->inspector);
	b->inspector = inspector_new(&settings, b->signatures, b->registry, b->endpoints, NULL, b);
	assert_non_null(b->inspector);
	return names;
}

/* host was told that address, text both, is www.example.org. */
static void answer_to(struct bench *b, const char *host, const char *address, uint32_t ttl_seconds,
		      const char *name)
{
	struct app_message m = {.len = 0};
	struct app_dns answer = {.count = 1};

	assert_int_equal(address_parse(host, m.dst), 0);
	assert_int_equal(address_parse(address, answer.record[0].address), 0);
	answer.record[0].ttl_seconds = ttl_seconds;
	snprintf(answer.name, sizeof(answer.name), "%s", name);
	b->inspector->now_ns = b->now_ns;
	modules_answered(b->inspector, &m, &answer);
}

static void a_name_from_the_dns(void **state)
{
	struct bench *b = *state;
	struct names *names = use_names(b);

	answer_to(b, CLIENT, SERVER, 300, "www.example.org");
	send_udp(b, false, "ALPHA");
	assert_string_equal(flow_hostname(b->out.flow), "www.example.org");
	assert_string_equal(source_of(b), "dns");
	/* The server was told nothing about the client. */
	b->now_ns += 200 * BENCH_SECOND;
	send_udp(b, true, "ALPHA");
	assert_string_equal(flow_hostname(b->out.flow), "");
	inspector_free(b->inspector);
	b->inspector = NULL;
	names_free(names);
}

static void a_name_from_the_flow_is_better(void **state)
{
	struct bench *b = *state;
	struct names *names = use_names(b);

	answer_to(b, CLIENT, SERVER, 300, "www.example.org");
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "GET / HTTP/1.1\r\nHost: real.example\r\n\r\n");
	assert_string_equal(flow_hostname(b->out.flow), "real.example");
	assert_string_equal(source_of(b), "http");
	inspector_free(b->inspector);
	b->inspector = NULL;
	names_free(names);
}

/* How long what was told is believed: a minute at least, an hour at most. */
static void names_live_within_bounds(void **state)
{
	static const struct {
		uint32_t ttl_seconds, after_seconds;
		const char *address, *name, *hostname;
	} table[] = {
		{0, 59, SERVER, "www.example.org", "www.example.org"},
		{0, 61, SERVER, "www.example.org", ""},
		{500, 499, SERVER, "www.example.org", "www.example.org"},
		{UINT32_MAX, 3599, SERVER, "www.example.org", "www.example.org"},
		{UINT32_MAX, 3601, SERVER, "www.example.org", ""},
		{300, 1, SERVER, "odd?name.example", ""},
		{300, 1, "127.0.0.1", "www.example.org", ""},
		{300, 1, "224.0.0.1", "www.example.org", ""},
		{300, 1, "::1", "www.example.org", ""},
		{300, 1, "ff02::1", "www.example.org", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct bench *b = *state;
		struct names *names = use_names(b);
		struct name_key key = {.domain = 0};
		char name[NAME_TEXT_MAX + 1] = "";

		answer_to(b, CLIENT, table[i].address, table[i].ttl_seconds, table[i].name);
		address_parse(CLIENT, key.host);
		address_parse(table[i].address, key.address);
		names_find(names, &key, b->now_ns + table[i].after_seconds * BENCH_SECOND, name);
		assert_string_equal(name, table[i].hostname);
		inspector_free(b->inspector);
		b->inspector = NULL;
		names_free(names);
	}
}

/* Online. Where no event tells of TLS and HTTP, the host name is all that anybody is told. */
static void what_nobody_asks_for_is_not_kept(void **state)
{
	static const char request[] = "GET /x HTTP/1.1\r\nHost: www.example.org\r\n\r\n";

	bench_go_online(*state);
	for (unsigned int asked = 0; asked < 2; asked++) {
		struct bench *b = *state;
		struct frame_spec s = spec_of(IPPROTO_TCP, false, request);
		struct weir_punt punt = {.flow_id = 5 + asked, .segments = 1};
		const struct flow_details *d;

		s.flags = FRAME_ACK;
		s.seq = 100;
		inspector_set_read_on(b->inspector, asked);
		assert_true(send_spec(b, &s, &punt)->decided_now);
		assert_int_equal(b->out.flow->reading, asked);
		d = b->out.flow->details;
		assert_string_equal(flow_details_text(d, FLOW_HOSTNAME), "www.example.org");
		assert_int_equal(flow_details_text(d, FLOW_HTTP_URL) != NULL, asked);
		assert_int_equal(flow_details_text(d, FLOW_HTTP_HOST) != NULL, asked);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(a_hello_in_pieces),
		BENCH_TEST(tls_12_shows_its_certificate),
		BENCH_TEST(tls_13_hides_it),
		BENCH_TEST(http_request_and_response),
		BENCH_TEST(dtls_in_fragments),
		BENCH_TEST(quic_is_classified_by_its_hello),
		BENCH_TEST(quic_stays_quic),
		BENCH_TEST(quic_of_libp2p_is_ipfs),
		BENCH_TEST(half_a_quic_hello_is_quic),
		BENCH_TEST(half_a_quic_hello_at_the_end_is_quic),
		BENCH_TEST(a_retry_changes_the_keys),
		BENCH_TEST(a_name_from_the_dns),
		BENCH_TEST(a_name_from_the_flow_is_better),
		BENCH_TEST(names_live_within_bounds),
		BENCH_TEST(what_nobody_asks_for_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

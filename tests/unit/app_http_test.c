// SPDX-License-Identifier: GPL-2.0-only
/* Consumers of HTTP: transactions for events, what a proxy's tunnel carries. */
#include "app/record.h"
#include "app_bench.h"
#include "util/util.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: Site.example:8080\r\nUser-Agent: a\r\n\r\n"
#define OK(length)                                                                                 \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " #length "\r\n\r\n"

struct told {
	struct bench *b;
	char text[4096];
	size_t at;
};

static void add(struct told *t, const struct app_record *r, enum app_text which)
{
	size_t len;
	const char *text = app_record_get(r, which, &len);

	t->at += (size_t)snprintf(t->text + t->at, sizeof(t->text) - t->at, "%.*s ", (int)len,
				  text ? text : "");
}

static struct told told;

static void tell(void *arg, const struct app_message *m, const struct app_record *r)
{
	assert_int_equal(r->kind, APP_RECORD_HTTP);
	assert_ptr_equal(m->flow, &((struct bench *)arg)->flow);
	told.at += (size_t)snprintf(told.text + told.at, sizeof(told.text) - told.at, "%u ", r->tx);
	add(&told, r, APP_TEXT_METHOD);
	add(&told, r, APP_TEXT_URL);
	add(&told, r, APP_TEXT_HOSTNAME);
	told.at +=
		(size_t)snprintf(told.text + told.at, sizeof(told.text) - told.at, "%u %d %u %llu;",
				 r->port, r->answered, r->status, (unsigned long long)r->length);
}

/* An http flow whose transactions somebody wants. */
static struct bench *bench(void)
{
	struct bench *b = bench_of("http", IPPROTO_TCP, 80);

	told = (struct told){.b = b};
	b->services.tell = tell;
	b->services.records = 1u << APP_RECORD_HTTP;
	name(b);
	return b;
}

static void show(struct bench *b, bool client, const char *text)
{
	if (client)
		client_text(b, text);
	else
		server_text(b, text);
}

static void ends(struct bench *b, bool client, enum stream_kind kind)
{
	struct app_message m = {.flow = &b->flow, .proto = IPPROTO_TCP, .from_origin = client};

	consume_event(&b->consume, &b->services, &m, (struct stream_event){.kind = (uint8_t)kind});
}

static void one_for_each_request(void **state)
{
	struct bench *b = bench();

	show(b, true, GET("/a") GET("/b"));
	assert_string_equal(told.text, "");
	show(b, false, "HTTP/1.1 100 Continue\r\n\r\n" OK(3) "abc" OK(2) "d");
	assert_string_equal(told.text, "0 GET /a site.example 8080 1 200 3;");
	show(b, false, "e");
	show(b, true, "POST http://Other.example/c HTTP/1.0\r\nContent-Length: 1\r\n\r\nx");
	show(b, false, "HTTP/1.0 302 -\r\nLocation: /d\r\n\r\nwxyz");
	ends(b, false, STREAM_END);
	assert_string_equal(told.text, "0 GET /a site.example 8080 1 200 3;"
				       "1 GET /b site.example 8080 1 200 2;"
				       "2 POST http://Other.example/c other.example 0 1 302 4;");
	bench_free(b);
}

/* What is not answered is told when that is certain, and no more than once. */
static void unanswered(void **state)
{
	struct bench *b = bench();

	show(b, true, GET("/a") GET("/b"));
	show(b, false, OK(5) "abc");
	ends(b, false, STREAM_RESET);
	assert_string_equal(told.text, "0 GET /a site.example 8080 1 200 3;"
				       "1 GET /b site.example 8080 0 0 0;");
	bench_free(b);
}

static void gaps_are_no_bytes(void **state)
{
	struct app_message m = {.proto = IPPROTO_TCP};
	struct bench *b = bench();

	m.flow = &b->flow;
	show(b, true, GET("/a"));
	show(b, false, OK(9) "ab");
	consume_event(&b->consume, &b->services, &m,
		      (struct stream_event){.kind = STREAM_GAP, .len = 4});
	show(b, false, "xyz");
	assert_string_equal(told.text, "0 GET /a site.example 8080 1 200 5;");
	bench_free(b);
}

/* Many requests at once: those that wait longest are told without their answers. */
static void waiting_is_bounded(void **state)
{
	struct bench *b = bench();
	size_t count = 0;

	for (int i = 0; i < 20; i++)
		show(b, true, GET("/"));
	for (const char *p = told.text; (p = strstr(p, "8080 0 0 0;")); p++)
		count++;
	assert_int_equal(count, 12);
	ends(b, true, STREAM_RESET);
	count = 0;
	for (const char *p = told.text; (p = strchr(p, ';')); p++)
		count++;
	assert_int_equal(count, 20);
	bench_free(b);
}

static void nobody_listens(void **state)
{
	struct bench *b = bench();

	b->services.records = 0;
	show(b, true, GET("/a"));
	show(b, false, OK(0));
	assert_string_equal(told.text, "");
	bench_free(b);
}

/* ---- tunnels ---- */

#define CONNECT	    "CONNECT peer.example:6881 HTTP/1.1\r\n\r\n"
#define ESTABLISHED "HTTP/1.1 200 Established\r\n\r\n"

static const char *inside; /* application that the tunnel's bytes are judged to be */

static void judge(void *arg, const struct app_message *m, struct app_finding *finding)
{
	struct bench *b = arg;

	assert_int_equal(m->from_origin ? m->dport : m->sport, 6881);
	*finding = (struct app_finding){0};
	if (m->len < 3 || memcmp(m->data, "yes", 3) != 0)
		return;
	finding->app = (uint16_t)app_registry_find(b->registry, inside);
	finding->method = WEIR_METHOD_HANDSHAKE;
	finding->confidence = 100;
}

static struct bench *tunnel_bench(const char *app)
{
	struct bench *b = bench_of("http", IPPROTO_TCP, 3128);

	inside = app;
	assert_true(app_registry_add(b->registry, "bittorrent", "p2p") > 0);
	assert_true(app_registry_add(b->registry, "tls", "web") > 0);
	b->services.judge = judge;
	name(b);
	return b;
}

static void assert_inside(struct bench *b, const char *app)
{
	assert_int_equal(b->consume.finding.app, app_registry_find(b->registry, app));
	assert_false(b->consume.finding.reconnect);
	bench_free(b);
}

static void tunnels_are_judged_inside(void **state)
{
	struct bench *b = tunnel_bench("bittorrent");

	show(b, true, CONNECT);
	show(b, false, ESTABLISHED);
	show(b, true, "y");
	assert_int_equal(b->consume.finding.app, app_registry_find(b->registry, "http"));
	show(b, true, "es");
	assert_inside(b, "bittorrent");

	/* By the other side, with the answer; before the answer; after a refusal. */
	b = tunnel_bench("bittorrent");
	show(b, true, CONNECT);
	show(b, false, ESTABLISHED "yes");
	assert_inside(b, "bittorrent");
	b = tunnel_bench("bittorrent");
	show(b, true, CONNECT "yes");
	assert_inside(b, "bittorrent");
	b = tunnel_bench("bittorrent");
	show(b, true, CONNECT);
	show(b, false, "HTTP/1.1 407 -\r\nContent-Length: 3\r\n\r\nyes");
	assert_int_equal(b->consume.finding.app, app_registry_find(b->registry, "http"));
	show(b, true, CONNECT);
	show(b, false, ESTABLISHED);
	show(b, true, "yes");
	assert_inside(b, "bittorrent");
}

static void the_web_inside_stays_http(void **state)
{
	struct bench *b = tunnel_bench("tls");

	show(b, true, CONNECT);
	show(b, false, ESTABLISHED);
	show(b, true, "yes");
	assert_inside(b, "http");
}

/* Only the beginning is looked at. */
static void tunnels_are_let_go(void **state)
{
	struct bench *b = tunnel_bench("bittorrent");

	show(b, true, CONNECT);
	show(b, false, ESTABLISHED);
	for (int i = 0; i < 20; i++)
		show(b, true, "no");
	assert_false(is_read(b));
	assert_inside(b, "http");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_for_each_request),
		cmocka_unit_test(unanswered),
		cmocka_unit_test(gaps_are_no_bytes),
		cmocka_unit_test(waiting_is_bounded),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(tunnels_are_judged_inside),
		cmocka_unit_test(the_web_inside_stays_http),
		cmocka_unit_test(tunnels_are_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

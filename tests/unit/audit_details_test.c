// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "audit/details.h"
#include "audit/eve.h"
#include "schema_check.h"

/* got is stolen. */
static void same(json_t *got, const char *want)
{
	json_t *expected = json_loads(want, 0, NULL);

	assert_non_null(expected);
	if (!json_equal(got, expected))
		json_dumpf(got, stderr, JSON_INDENT(1));
	assert_true(json_equal(got, expected));
	json_decref(expected);
	json_decref(got);
}

static void set(struct flow *f, enum flow_text which, const char *text)
{
	assert_int_equal(flow_set_text(f, which, text, strlen(text)), 0);
}

static void nothing_is_no_object(void **state)
{
	const struct flow_details none = {0};
	json_t *o = json_object();

	details_set_json(o, NULL);
	details_set_json(o, &none);
	same(o, "{}");
	assert_null(details_tls_event(&none));
}

static void all_there_is(void **state)
{
	struct flow f = {0};
	json_t *o = json_object();

	assert_int_equal(flow_set_hostname(&f, "a.example", FLOW_NAME_QUIC), 0);
	set(&f, FLOW_TLS_SNI, "a.example");
	set(&f, FLOW_TLS_ALPN, "h3,h2");
	set(&f, FLOW_TLS_JA4, "q13");
	set(&f, FLOW_TLS_CERTIFICATE, "b.example");
	set(&f, FLOW_HTTP_HOST, "c.example");
	set(&f, FLOW_HTTP_URL, "/x");
	f.details->tls_version = 0x0304;
	f.details->quic_version = 0xff00001d;
	f.details->http_status = 200;
	details_set_json(o, f.details);
	same(o,
	     "{\"hostname_source\":\"quic\",\"tls\":{\"version\":\"TLS 1.3\",\"sni\":\"a.example\","
	     "\"alpn\":[\"h3\",\"h2\"],\"ja4\":\"q13\",\"certificate\":\"b.example\"},"
	     "\"quic\":{\"version\":\"draft-29\"},"
	     "\"http\":{\"host\":\"c.example\",\"url\":\"/x\",\"status\":200}}");
	assert_null(details_tls_event(f.details));
	same(details_quic_event(f.details),
	     "{\"version\":\"ff00001d\",\"sni\":\"a.example\",\"ja4\":\"q13\"}");
	same(details_weir_event(f.details),
	     "{\"client_alpns\":[\"h3\",\"h2\"],\"hostname\":\"a.example\"}");
	f.details->quic_version = 0;
	assert_null(details_quic_event(f.details));
	same(details_tls_event(f.details),
	     "{\"version\":\"TLS 1.3\",\"sni\":\"a.example\",\"ja4\":\"q13\","
	     "\"subject\":\"CN=b.example\"}");
	flow_details_free(&f);
}

static void versions(void **state)
{
	static const struct {
		uint16_t tls;
		uint32_t quic;
		const char *tls_text, *quic_text;
	} table[] = {
		{0x0301, 1, "TLSv1", "1"},
		{0xfefd, 0x6b3343cf, "DTLS 1.2", "2"},
		{0x7f1c, 0x51303530, "0x7f1c", "Q050"},
		{0x0300, 0x51ff3530, "SSLv3", "0x51ff3530"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct flow_details d = {.tls_version = table[i].tls,
					       .quic_version = table[i].quic};
		char want[96];
		json_t *o = json_object();

		snprintf(want, sizeof(want),
			 "{\"tls\":{\"version\":\"%s\"},\"quic\":{\"version\":\"%s\"}}",
			 table[i].tls_text, table[i].quic_text);
		details_set_json(o, &d);
		same(o, want);
	}
}

/* Names are told in lower case. */
static void names_without_case(void **state)
{
	struct flow f = {0};

	set(&f, FLOW_TLS_SNI, "WWW.Example");
	same(details_tls_event(f.details), "{\"sni\":\"www.example\"}");
	flow_details_free(&f);
}

static void quic_versions_of_events(void **state)
{
	static const struct {
		uint32_t version;
		const char *text;
	} table[] = {{1, "1"}, {0x6b3343cf, "v2"}, {0x51303436, "Q046"}, {0xff00001d, "ff00001d"}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct flow_details d = {.quic_version = table[i].version};
		char want[48];

		snprintf(want, sizeof(want), "{\"version\":\"%s\"}", table[i].text);
		same(details_quic_event(&d), want);
	}
}

static void an_answer_of_the_dns(void **state)
{
	struct app_dns answer = {.id = 7,
				 .type = 1,
				 .flags = 0x8580,
				 .name = "a.example",
				 .count = 2,
				 .record = {{.type = 5, .ttl_seconds = 9, .target = "b.example"},
					    {.type = 1, .ttl_seconds = 8}}};

	address_from_v4(answer.record[1].address, htonl(0xc0000201));
	same(details_dns_event(&answer),
	     "{\"version\":2,\"type\":\"answer\",\"id\":7,\"flags\":\"8580\",\"qr\":true,\"aa\":"
	     "true,"
	     "\"rd\":true,\"ra\":true,\"opcode\":0,\"rrname\":\"a.example\",\"rrtype\":\"A\","
	     "\"rcode\":\"NOERROR\",\"answers\":["
	     "{\"rrname\":\"a.example\",\"rrtype\":\"CNAME\",\"ttl\":9,\"rdata\":\"b.example\"},"
	     "{\"rrname\":\"b.example\",\"rrtype\":\"A\",\"ttl\":8,\"rdata\":\"192.0.2.1\"}],"
	     "\"grouped\":{\"CNAME\":[\"b.example\"],\"A\":[\"192.0.2.1\"]}}");
	answer.count = 0;
	answer.type = 999;
	answer.rcode = 3;
	answer.flags = 0x8003;
	same(details_dns_event(&answer),
	     "{\"version\":2,\"type\":\"answer\",\"id\":7,\"flags\":\"8003\",\"qr\":true,"
	     "\"opcode\":0,"
	     "\"rrname\":\"a.example\",\"rrtype\":\"999\",\"rcode\":\"NXDOMAIN\"}");
	answer.query = true;
	answer.flags = 0x0100;
	same(details_dns_event(&answer), "{\"version\":2,\"type\":\"query\",\"id\":7,\"opcode\":0,"
					 "\"rrname\":\"a.example\",\"rrtype\":\"999\"}");
}

/* The events of these bodies are as docs/events.schema.json says. */
static void bodies_are_valid(void **state)
{
	const struct app_dns question = {.query = true, .name = "a.example", .type = 28};
	struct app_dns answer = {.flags = 0x8180, .name = "a.example", .type = 28, .count = 1};
	const struct eve e = {.community_id = true};
	struct weir_flow_key key = {.proto = 17, .port = {htons(443), htons(4000)}};
	const struct eve_note note = {.flow_id = 5, .key = &key, .origin = 1, .tx = -1};
	struct schema s = {.root = json_load_file("docs/events.schema.json", 0, NULL)};
	struct flow f = {0};
	json_t *events[4];

	answer.record[0] = (struct app_dns_record){.type = 28, .address = {1, 2, 3, 4}};
	set(&f, FLOW_TLS_SNI, "a.example");
	set(&f, FLOW_TLS_ALPN, "h3");
	set(&f, FLOW_TLS_JA4, "t13d1516h2_8daaf6152771_02713d6af862");
	set(&f, FLOW_TLS_CERTIFICATE, "b.example");
	f.details->tls_version = 0xfefd;
	events[0] = eve_note(&e, EVE_TLS, &note, details_tls_event(f.details),
			     details_weir_event(f.details));
	f.details->quic_version = 1;
	events[1] = eve_note(&e, EVE_QUIC, &note, details_quic_event(f.details),
			     details_weir_event(f.details));
	events[2] = eve_note(&e, EVE_DNS, &note, details_dns_event(&question), NULL);
	events[3] = eve_note(&e, EVE_DNS, &note, details_dns_event(&answer), NULL);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (!schema_accepts(&s, events[i]))
			fail_msg("%zu: %s", i, s.error);
		json_decref(events[i]);
	}
	json_decref((json_t *)s.root);
	flow_details_free(&f);
}

/* A file is told from its sender, with the transaction that it came by. */
static void records_are_events(void **state)
{
	struct weir_flow_key key = {.proto = 6, .port = {htons(80), htons(4000)}};
	const struct eve e = {.community_id = true};
	const struct eve_note note = {.flow_id = 5, .key = &key, .origin = 1};
	struct schema s = {.root = json_load_file("docs/events.schema.json", 0, NULL)};
	struct app_record r = {.kind = APP_RECORD_HTTP,
			       .answered = true,
			       .status = 206,
			       .tx = 3,
			       .length = 1 << 20,
			       .size = 100,
			       .start = 5,
			       .end = 104,
			       .parent_id = 9,
			       .hashed = true};
	json_t *o;

	app_record_text(&r, APP_TEXT_HOSTNAME, "WWW.Example", 11);
	app_record_text(&r, APP_TEXT_CONTENT_TYPE, "text/html; charset=x", 20);
	app_record_text(&r, APP_TEXT_FILENAME, "a.iso", 5);
	o = eve_record(&e, &note, &r);
	if (!schema_accepts(&s, o))
		fail_msg("%s", s.error);
	assert_string_equal(json_string_value(json_object_get(o, "event_type")), "http");
	assert_int_equal(json_integer_value(json_object_get(o, "tx_id")), 3);
	assert_int_equal(json_integer_value(json_object_get(o, "src_port")), 4000);
	same(json_incref(json_object_get(o, "http")),
	     "{\"hostname\":\"www.example\",\"http_content_type\":\"text/html\",\"status\":206,"
	     "\"length\":1048576}");
	json_decref(o);
	r.kind = APP_RECORD_FILE;
	o = eve_record(&e, &note, &r);
	if (!schema_accepts(&s, o))
		fail_msg("%s", s.error);
	assert_string_equal(json_string_value(json_object_get(o, "event_type")), "fileinfo");
	assert_int_equal(json_integer_value(json_object_get(o, "src_port")), 80);
	assert_int_equal(json_integer_value(json_object_get(o, "parent_id")), 9);
	same(json_incref(json_object_get(o, "fileinfo")),
	     "{\"filename\":\"a.iso\",\"gaps\":false,\"state\":\"TRUNCATED\",\"stored\":false,"
	     "\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\","
	     "\"size\":100,\"start\":5,\"end\":104,\"tx_id\":3}");
	assert_non_null(json_object_get(o, "http"));
	json_decref(o);
	r = (struct app_record){.kind = APP_RECORD_FILE, .closed = true};
	o = eve_record(&e, &note, &r);
	assert_null(json_object_get(o, "http"));
	same(json_incref(json_object_get(o, "fileinfo")),
	     "{\"filename\":\"\",\"gaps\":false,\"state\":\"CLOSED\",\"stored\":false,\"size\":0,"
	     "\"tx_id\":0}");
	json_decref(o);
	json_decref((json_t *)s.root);
}

static void a_note_is_an_event_of_its_flow(void **state)
{
	struct weir_flow_key key = {.proto = 6, .port = {htons(443), htons(4000)}};
	const struct eve e = {.registry = NULL};
	const struct eve_note note = {
		.flow_id = 5, .parent_id = 6, .key = &key, .origin = 1, .tx = 3};
	json_t *o;

	address_from_v4(key.addr[0], htonl(0xc0000201));
	address_from_v4(key.addr[1], htonl(0x0a000001));
	o = eve_note(&e, EVE_TLS, &note, json_pack("{s:s}", "sni", "a.example"), NULL);
	json_object_del(o, "timestamp");
	same(o, "{\"flow_id\":5,\"parent_id\":6,\"event_type\":\"tls\","
		"\"src_ip\":\"10.0.0.1\",\"src_port\":4000,\"dest_ip\":\"192.0.2.1\","
		"\"dest_port\":443,\"proto\":\"TCP\",\"tx_id\":3,"
		"\"tls\":{\"sni\":\"a.example\"}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_no_object),
		cmocka_unit_test(all_there_is),
		cmocka_unit_test(versions),
		cmocka_unit_test(names_without_case),
		cmocka_unit_test(quic_versions_of_events),
		cmocka_unit_test(an_answer_of_the_dns),
		cmocka_unit_test(bodies_are_valid),
		cmocka_unit_test(records_are_events),
		cmocka_unit_test(a_note_is_an_event_of_its_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "audit/audit.h"
#include "audit/details.h"

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
	assert_null(details_http_event(&none));
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
	same(details_tls_event(f.details),
	     "{\"version\":\"TLS 1.3\",\"sni\":\"a.example\",\"client_alpns\":[\"h3\",\"h2\"],"
	     "\"ja4\":\"q13\",\"subject\":\"b.example\"}");
	same(details_http_event(f.details),
	     "{\"hostname\":\"c.example\",\"url\":\"/x\",\"status\":200}");
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

static void an_answer_of_the_dns(void **state)
{
	struct app_dns answer = {.id = 7,
				 .type = 1,
				 .rcode = 0,
				 .name = "a.example",
				 .count = 2,
				 .record = {{.type = 5, .ttl_seconds = 9, .target = "b.example"},
					    {.type = 1, .ttl_seconds = 8}}};

	address_from_v4(answer.record[1].address, htonl(0xc0000201));
	same(details_dns_event(&answer),
	     "{\"type\":\"answer\",\"id\":7,\"rrname\":\"a.example\",\"rrtype\":\"A\","
	     "\"rcode\":\"NOERROR\",\"answers\":["
	     "{\"rrname\":\"a.example\",\"rrtype\":\"CNAME\",\"ttl\":9,\"rdata\":\"b.example\"},"
	     "{\"rrname\":\"b.example\",\"rrtype\":\"A\",\"ttl\":8,\"rdata\":\"192.0.2.1\"}]}");
	answer.count = 0;
	answer.type = 999;
	answer.rcode = 3;
	same(details_dns_event(&answer),
	     "{\"type\":\"answer\",\"id\":7,\"rrname\":\"a.example\",\"rrtype\":\"TYPE999\","
	     "\"rcode\":\"NXDOMAIN\",\"answers\":[]}");
}

static void a_note_is_an_event_of_its_flow(void **state)
{
	struct weir_flow_key key = {.proto = 6, .port = {htons(443), htons(4000)}};
	const struct audit_note note = {
		.flow_id = 5, .key = &key, .origin = 1, .interface = "eth1"};
	json_t *o;

	address_from_v4(key.addr[0], htonl(0xc0000201));
	address_from_v4(key.addr[1], htonl(0x0a000001));
	o = audit_note_json("tls", &note, json_pack("{s:s}", "sni", "a.example"));
	json_object_del(o, "timestamp");
	same(o, "{\"flow_id\":5,\"in_iface\":\"eth1\",\"event_type\":\"tls\","
		"\"src_ip\":\"10.0.0.1\",\"src_port\":4000,\"dest_ip\":\"192.0.2.1\","
		"\"dest_port\":443,\"proto\":\"TCP\",\"app_proto\":\"unknown\","
		"\"tls\":{\"sni\":\"a.example\"}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_no_object),
		cmocka_unit_test(all_there_is),
		cmocka_unit_test(versions),
		cmocka_unit_test(an_answer_of_the_dns),
		cmocka_unit_test(a_note_is_an_event_of_its_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

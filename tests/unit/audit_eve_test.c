// SPDX-License-Identifier: GPL-2.0-only
/* Events of flows, drops and anomalies, and that all types are as docs/events.schema.json says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "audit/details.h"
#include "audit/eve.h"
#include "schema_check.h"
#include "util/util.h"
#include "weir/anomaly.h"
#include "weir/flow.h"
#include "weir/policy.h"
#include "weir/reason.h"

#define SCHEMA "docs/events.schema.json"

static struct app_registry *registry;
static struct schema schema;
static uint16_t app;

static const char *an_interface(void *arg, unsigned int port)
{
	static const char *const names[] = {"", "eth1", "eth2"};

	return port < 3 ? names[port] : NULL;
}

static const char *a_rule(void *arg, const struct weir_flow *flow)
{
	return flow->rule == WEIR_RULE_DEFAULT ? "default" : "p2p-out";
}

static const char *a_hostname(void *arg, uint64_t flow_id)
{
	return "example.org";
}

static struct eve an_eve(void)
{
	return (struct eve){
		.registry = registry,
		.clock_offset_ns = eve_clock_offset(0),
		.community_id = true,
		.alerts = true,
		.interface = an_interface,
		.rule = a_rule,
		.hostname = a_hostname,
	};
}

static int setup(void **state)
{
	int number;

	registry = app_registry_new();
	number = app_registry_add(registry, "bittorrent", "p2p");
	app = (uint16_t)number;
	schema.root = json_load_file(SCHEMA, JSON_REJECT_DUPLICATES, NULL);
	return number > 0 && schema.root ? 0 : -1;
}

static int teardown(void **state)
{
	app_registry_free(registry);
	json_decref((json_t *)schema.root);
	return 0;
}

/* A flow that side 1 opened at port 2, seen at port 1. */
static struct weir_event an_event(enum weir_event_kind kind)
{
	struct weir_event ev = {
		.time_ns = time_now_ns(),
		.kind = (uint8_t)kind,
		.in_port = 1,
		.flow =
			{
				.id = 0xfff8000000000123,
				.app = app,
				.frames = {5, 3},
				.bytes = {500, 300},
				.action = WEIR_ACTION_RESET,
				.method = WEIR_METHOD_SIGNATURE,
				.confidence = 90,
				.payloads = 3,
				.flags = WEIR_FLOW_ORIGIN | WEIR_FLOW_TWOWAY,
				.in_port = {1, 2},
			},
		.key = {.proto = IPPROTO_TCP, .port = {htons(6881), htons(40000)}},
	};

	ev.flow.created_ns = ev.time_ns - 7500000000ull;
	ev.flow.seen_ds = (uint32_t)(ev.time_ns / 100000000);
	address_parse("192.0.2.1", ev.key.addr[0]);
	address_parse("192.0.2.9", ev.key.addr[1]);
	return ev;
}

static const char *text_at(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static json_int_t number_at(const json_t *o, const char *key)
{
	assert_true(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

/* Returns o, which is as the schema says. */
static json_t *valid(json_t *o)
{
	assert_non_null(o);
	if (!schema_accepts(&schema, o)) {
		json_dumpf(o, stderr, JSON_INDENT(1));
		fail_msg("%s", schema.error);
	}
	return o;
}

static void an_identified_flow_reads_from_its_originator(void **state)
{
	struct weir_event ev = an_event(WEIR_EVENT_DECIDED);
	const struct eve e = an_eve();
	json_t *o = valid(eve_identified(&e, &ev));
	const json_t *body = json_object_get(o, "identified"), *weir = json_object_get(o, "weir");

	assert_string_equal(text_at(o, "event_type"), "identified");
	assert_int_equal(number_at(o, "flow_id"), 0x123);
	assert_string_equal(text_at(o, "in_iface"), "eth2");
	assert_string_equal(text_at(o, "src_ip"), "192.0.2.9");
	assert_int_equal(number_at(o, "src_port"), 40000);
	assert_string_equal(text_at(o, "dest_ip"), "192.0.2.1");
	assert_int_equal(number_at(o, "dest_port"), 6881);
	assert_string_equal(text_at(o, "proto"), "TCP");
	assert_string_equal(text_at(o, "app_proto"), "bittorrent");
	assert_null(json_object_get(o, "vlan"));
	assert_null(json_object_get(o, "flow"));
	assert_int_equal(number_at(body, "pkts_toserver"), 3);
	assert_int_equal(number_at(body, "bytes_toclient"), 500);
	assert_string_equal(text_at(weir, "verdict"), "reset");
	assert_string_equal(text_at(weir, "rule"), "p2p-out");
	assert_string_equal(text_at(weir, "method"), "signature");
	assert_int_equal(number_at(weir, "confidence"), 90);
	assert_int_equal(number_at(weir, "decided_after_payload"), 3);
	assert_string_equal(text_at(weir, "category"), "p2p");
	assert_string_equal(text_at(weir, "hostname"), "example.org");
	assert_null(json_object_get(weir, "reason"));
	json_decref(o);
}

static void an_ended_flow_has_its_totals(void **state)
{
	struct weir_event ev = an_event(WEIR_EVENT_ENDED);
	const struct eve e = an_eve();
	const json_t *flow, *tcp;
	json_t *o;

	ev.key.vlan[0] = htons(100);
	ev.key.vlan[1] = htons(7);
	ev.flow.flags |= WEIR_FLOW_FIN(0) | WEIR_FLOW_FIN(1);
	ev.flow.tcp_flags[0] = 0x1b;
	ev.flow.tcp_flags[1] = 0x13;
	o = valid(eve_flow(&e, &ev, 0));
	flow = json_object_get(o, "flow");
	tcp = json_object_get(o, "tcp");
	assert_int_equal(number_at(flow, "pkts_toserver"), 3);
	assert_int_equal(number_at(flow, "pkts_toclient"), 5);
	assert_int_equal(number_at(flow, "bytes_toserver"), 300);
	assert_int_equal(number_at(flow, "bytes_toclient"), 500);
	assert_in_range(number_at(flow, "age"), 7, 8);
	assert_string_equal(text_at(flow, "state"), "closed");
	assert_string_equal(text_at(flow, "reason"), "timeout");
	assert_string_equal(text_at(flow, "action"), "drop");
	assert_true(json_is_true(json_object_get(flow, "alerted")));
	assert_string_equal(text_at(json_object_get(o, "weir"), "reason"), "fin");
	assert_string_equal(text_at(tcp, "state"), "closed");
	assert_true(json_is_true(json_object_get(tcp, "syn")));
	assert_true(json_is_true(json_object_get(tcp, "fin")));
	assert_null(json_object_get(tcp, "rst"));
	assert_true(json_is_true(json_object_get(tcp, "psh")));
	assert_string_equal(text_at(tcp, "tcp_flags"), "1b");
	assert_string_equal(text_at(tcp, "tcp_flags_ts"), "13");
	assert_string_equal(text_at(tcp, "tcp_flags_tc"), "1b");
	assert_int_equal(json_array_size(json_object_get(o, "vlan")), 2);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(o, "vlan"), 0)), 100);
	json_decref(o);
}

static void ends_have_names(void **state)
{
	static const struct {
		enum weir_end end;
		const char *reason, *name;
	} table[] = {
		{WEIR_END_FIN, "timeout", "fin"},      {WEIR_END_RST, "timeout", "rst"},
		{WEIR_END_IDLE, "timeout", "idle"},    {WEIR_END_EVICTED, "forced", "evicted"},
		{WEIR_END_FORCED, "forced", "forced"},
	};
	struct weir_event ev = an_event(WEIR_EVENT_ENDED);
	const struct eve e = an_eve();

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		json_t *o;

		ev.reason = (uint8_t)table[i].end;
		o = valid(eve_flow(&e, &ev, 0));
		assert_string_equal(text_at(json_object_get(o, "flow"), "reason"), table[i].reason);
		assert_string_equal(text_at(json_object_get(o, "weir"), "reason"), table[i].name);
		json_decref(o);
	}
}

static void how_flows_end(void **state)
{
	struct weir_event ev = an_event(WEIR_EVENT_ENDED);
	struct eve e = an_eve();
	json_t *o;

	ev.reason = WEIR_END_EVICTED;
	ev.flow.seen_ds = (uint32_t)(ev.flow.created_ns / 100000000) - 1;
	ev.flow.action = WEIR_ACTION_PASS;
	ev.flow.app = 0;
	ev.flow.rule = WEIR_RULE_DEFAULT;
	ev.key.proto = IPPROTO_UDP;
	e.alerts = false;
	o = valid(eve_flow(&e, &ev, 0));
	assert_string_equal(text_at(json_object_get(o, "flow"), "reason"), "forced");
	assert_string_equal(text_at(json_object_get(o, "flow"), "state"), "established");
	assert_string_equal(text_at(json_object_get(o, "flow"), "action"), "pass");
	assert_string_equal(text_at(json_object_get(o, "flow"), "end"),
			    text_at(json_object_get(o, "flow"), "start"));
	assert_string_equal(text_at(json_object_get(o, "weir"), "reason"), "evicted");
	assert_string_equal(text_at(json_object_get(o, "weir"), "rule"), "default");
	assert_string_equal(text_at(o, "app_proto"), "failed");
	assert_true(json_is_false(json_object_get(json_object_get(o, "flow"), "alerted")));
	assert_null(json_object_get(o, "tcp"));
	json_decref(o);
	ev.flow.action = WEIR_ACTION_UNDECIDED;
	ev.flow.flags = WEIR_FLOW_ORIGIN;
	o = valid(eve_flow(&e, &ev, 0));
	assert_string_equal(text_at(json_object_get(o, "flow"), "state"), "new");
	assert_null(json_object_get(json_object_get(o, "flow"), "action"));
	assert_null(json_object_get(json_object_get(o, "weir"), "verdict"));
	assert_null(json_object_get(o, "app_proto"));
	json_decref(o);
}

static struct packet_header a_packet(void)
{
	return (struct packet_header){
		.ip = true,
		.ip_len = 60,
		.tos = 8,
		.ttl = 63,
		.ip_id = 7,
		.tcp = true,
		.seq = 4000000000,
		.ack = 1,
		.window = 512,
		.tcp_flags = 0x12,
	};
}

static void a_drop_is_about_its_packet(void **state)
{
	struct weir_event ev = an_event(WEIR_EVENT_DROPPED);
	const struct packet_header packet = a_packet();
	const struct eve e = an_eve();
	const json_t *drop;
	json_t *o;

	ev.reason = WEIR_REASON_DROP_RESET;
	ev.dir = 0;
	o = valid(eve_drop(&e, &ev, &packet));
	drop = json_object_get(o, "drop");
	assert_string_equal(text_at(o, "src_ip"), "192.0.2.1");
	assert_string_equal(text_at(o, "direction"), "to_client");
	assert_string_equal(text_at(drop, "reason"), "rules");
	assert_int_equal(number_at(drop, "len"), 60);
	assert_int_equal(number_at(drop, "ttl"), 63);
	assert_int_equal(number_at(drop, "tcpseq"), 4000000000);
	assert_true(json_is_true(json_object_get(drop, "syn")));
	assert_true(json_is_false(json_object_get(drop, "fin")));
	assert_string_equal(text_at(json_object_get(o, "weir"), "reason"), "reset");
	assert_string_equal(text_at(json_object_get(o, "verdict"), "reject-target"), "both");
	json_decref(o);
}

static void a_drop_without_flow_has_no_id(void **state)
{
	struct weir_event ev = an_event(WEIR_EVENT_DROPPED);
	const struct eve e = an_eve();
	json_t *o;

	memset(&ev.flow, 0, sizeof(ev.flow));
	ev.reason = WEIR_REASON_DROP_BLOCKED;
	ev.key.proto = IPPROTO_ICMP;
	o = valid(eve_drop(&e, &ev, NULL));
	assert_null(json_object_get(o, "flow_id"));
	assert_null(json_object_get(o, "src_port"));
	assert_null(json_object_get(o, "app_proto"));
	assert_null(json_object_get(o, "direction"));
	assert_string_equal(text_at(o, "in_iface"), "eth1");
	assert_string_equal(text_at(json_object_get(o, "weir"), "reason"), "blocked");
	assert_string_equal(text_at(json_object_get(o, "weir"), "verdict"), "drop");
	assert_null(json_object_get(json_object_get(o, "weir"), "rule"));
	json_decref(o);
}

static void an_alert_is_named_as_its_rule(void **state)
{
	struct weir_event ev = an_event(WEIR_EVENT_DROPPED);
	const struct eve e = an_eve();
	json_t *o, *again;
	const json_t *alert;

	o = valid(eve_alert(&e, &ev, NULL));
	alert = json_object_get(o, "alert");
	assert_string_equal(text_at(alert, "action"), "blocked");
	assert_string_equal(text_at(alert, "signature"), "p2p-out");
	assert_string_equal(text_at(alert, "category"), "p2p");
	assert_int_equal(number_at(alert, "severity"), 3);
	again = eve_alert(&e, &ev, NULL);
	assert_int_equal(number_at(alert, "signature_id"),
			 number_at(json_object_get(again, "alert"), "signature_id"));
	json_decref(again);
	ev.flow.rule = WEIR_RULE_DEFAULT;
	again = valid(eve_alert(&e, &ev, NULL));
	assert_int_not_equal(number_at(alert, "signature_id"),
			     number_at(json_object_get(again, "alert"), "signature_id"));
	json_decref(again);
	json_decref(o);
}

static void an_anomaly_reads_from_the_sender(void **state)
{
	struct weir_event ev = an_event(WEIR_EVENT_ANOMALY);
	const struct eve e = an_eve();
	const json_t *body;
	json_t *o;

	for (unsigned int i = 0; i < WEIR_ANOMALY_COUNT; i++) {
		ev.reason = (uint8_t)i;
		json_decref(valid(eve_anomaly(&e, &ev)));
	}
	ev.reason = WEIR_ANOMALY_CONTRADICTION;
	o = valid(eve_anomaly(&e, &ev));
	assert_string_equal(text_at(o, "src_ip"), "192.0.2.1");
	body = json_object_get(o, "anomaly");
	assert_string_equal(text_at(body, "type"), "stream");
	assert_string_equal(text_at(body, "event"), "stream.reassembly_overlap_different_data");
	json_decref(o);
	ev.reason = 0xee;
	o = valid(eve_anomaly(&e, &ev));
	assert_int_equal(number_at(json_object_get(o, "anomaly"), "code"), 0xee);
	json_decref(o);
}

static void values_out_of_range_are_named_unknown(void **state)
{
	struct weir_event ev = an_event(WEIR_EVENT_DROPPED);
	const struct eve e = an_eve();
	json_t *o;

	ev.flow.app = WEIR_APPS_MAX + 7;
	ev.flow.action = 0xee;
	ev.flow.method = 0xee;
	ev.reason = 0xee;
	ev.in_port = 0xee;
	ev.key.proto = 201;
	o = valid(eve_drop(&e, &ev, NULL));
	assert_string_equal(text_at(o, "proto"), "201");
	assert_string_equal(text_at(json_object_get(o, "weir"), "reason"), "unknown");
	assert_string_equal(text_at(json_object_get(o, "weir"), "verdict"), "unknown");
	json_decref(o);
}

static void echo_has_its_types(void **state)
{
	struct weir_event ev = an_event(WEIR_EVENT_ENDED);
	const struct eve e = an_eve();
	json_t *o;

	ev.key.proto = IPPROTO_ICMP;
	ev.flow.icmp[0] = 8;
	o = valid(eve_flow(&e, &ev, 0));
	assert_int_equal(number_at(o, "icmp_type"), 8);
	assert_int_equal(number_at(o, "response_icmp_type"), 0);
	assert_null(json_object_get(o, "src_port"));
	assert_non_null(text_at(o, "community_id"));
	json_decref(o);
	/* No reply is known to `unreachable`, and the type of a flow without frames is not. */
	ev.flow.icmp[0] = 3;
	ev.flow.icmp[1] = 1;
	o = valid(eve_flow(&e, &ev, 0));
	assert_int_equal(number_at(o, "icmp_code"), 1);
	assert_null(json_object_get(o, "response_icmp_type"));
	json_decref(o);
	ev = an_event(WEIR_EVENT_DROPPED);
	ev.key.proto = IPPROTO_ICMP;
	ev.flow.frames[0] = ev.flow.frames[1] = 0;
	o = valid(eve_drop(&e, &ev, NULL));
	assert_null(json_object_get(o, "icmp_type"));
	assert_null(json_object_get(o, "community_id"));
	json_decref(o);
}

static void community(const char *from, unsigned int from_port, const char *to,
		      unsigned int to_port, uint8_t proto, uint16_t seed, const char *want)
{
	const uint8_t icmp[2] = {(uint8_t)from_port, (uint8_t)to_port};
	bool is_icmp = proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
	char text[EVE_COMMUNITY_MAX];

	for (unsigned int origin = 0; origin < 2; origin++) {
		struct weir_flow_key key = {.proto = proto};

		address_parse(from, key.addr[origin]);
		address_parse(to, key.addr[!origin]);
		if (!is_icmp && eve_has_ports(proto)) {
			key.port[origin] = htons((uint16_t)from_port);
			key.port[!origin] = htons((uint16_t)to_port);
		}
		assert_true(eve_community_id(&key, origin, is_icmp ? icmp : NULL, seed, text));
		assert_string_equal(text, want);
	}
}

/* Vectors of the specification's reference implementation. */
static void community_ids(void **state)
{
	struct weir_flow_key key = {.proto = IPPROTO_ICMP};
	char text[EVE_COMMUNITY_MAX];

	community("128.232.110.120", 34855, "66.35.250.204", 80, IPPROTO_TCP, 0,
		  "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
	community("66.35.250.204", 80, "128.232.110.120", 34855, IPPROTO_TCP, 0,
		  "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
	community("128.232.110.120", 34855, "66.35.250.204", 80, IPPROTO_TCP, 1,
		  "1:3V71V58M3Ksw/yuFALMcW0LAHvc=");
	community("192.168.1.52", 54585, "8.8.8.8", 53, IPPROTO_UDP, 0,
		  "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
	community("192.168.0.89", 8, "192.168.0.1", 0, IPPROTO_ICMP, 0,
		  "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
	community("192.168.0.1", 0, "192.168.0.89", 8, IPPROTO_ICMP, 0,
		  "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
	community("fe80::200:86ff:fe05:80da", 135, "fe80::260:97ff:fe07:69ea", 136, IPPROTO_ICMPV6,
		  0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=");
	community("192.168.170.8", 7, "192.168.170.56", 80, IPPROTO_SCTP, 0,
		  "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ=");
	assert_false(eve_community_id(&key, 0, NULL, 0, text));
}

/* YYYY-MM-DDTHH:MM:SS.uuuuuu+hhmm, and the moment it names. */
static void timestamps_are_as_suricata_writes_them(void **state)
{
	const struct eve e = an_eve();
	char text[EVE_TIMESTAMP_MAX];
	unsigned int micros;
	struct tm tm = {0};
	const char *rest;
	time_t before = time(NULL);
	long offset;

	eve_timestamp(&e, time_now_ns() - 3000000000ull, text);
	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	assert_non_null(rest);
	assert_int_equal(sscanf(rest, ".%6u", &micros), 1);
	assert_int_equal(strlen(rest), strlen(".123456+0100"));
	offset = strtol(rest + 7, NULL, 10);
	offset = offset / 100 * 3600 + offset % 100 * 60;
	assert_true(labs((long)(timegm(&tm) - offset - (before - 3))) <= 2);
	assert_int_equal(eve_clock_offset(e.clock_offset_ns), e.clock_offset_ns);
	assert_int_not_equal(eve_clock_offset(e.clock_offset_ns - 2000000),
			     e.clock_offset_ns - 2000000);
}

/* What the tests of single types do not make, so that every type meets the schema. */
static void all_other_types_are_valid(void **state)
{
	const struct weir_event ev = an_event(WEIR_EVENT_DECIDED);
	const struct eve e = an_eve();
	const struct eve_note note = {.time_ns = ev.time_ns,
				      .flow_id = 5,
				      .key = &ev.key,
				      .in_port = 1,
				      .app = app,
				      .tx = 0};

	json_decref(valid(eve_note(
		&e, EVE_HTTP, &note,
		json_pack("{s:s, s:s, s:i}", "hostname", "a.example", "url", "/x", "status", 200),
		NULL)));
	json_decref(valid(eve_note(&e, EVE_FILEINFO, &note,
				   json_pack("{s:s, s:b, s:s, s:b, s:i}", "filename", "f", "gaps",
					     0, "state", "CLOSED", "stored", 0, "size", 3),
				   NULL)));
	for (enum eve_type t = EVE_STATS; t <= EVE_PORT; t++)
		json_decref(
			valid(eve_plain(&e, t, ev.time_ns,
					t == EVE_STATS ? json_pack("{s:i}", "uptime", 3) : NULL)));
}

/* The test fails where the schema is only looked at. */
static void the_schema_refuses(void **state)
{
	static const struct {
		const char *path, *value;
	} wrong[] = {
		{"verdict", "\"drop\""},
		{"flow_id", "\"7\""},
		{"event_type", "\"flows\""},
		{"src_port", "65536"},
		{"timestamp", "\"now\""},
		{"rule", "\"x\""},
		{"community_id", "\"1:abc\""},
		{"vlan", "[]"},
		{"flow", "{\"state\": \"decided\"}"},
		{"icmp_type", "8"},
	};
	const struct weir_event ev = an_event(WEIR_EVENT_ENDED);
	const struct eve e = an_eve();

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_t *o = eve_flow(&e, &ev, 0);

		json_object_set_new(o, wrong[i].path,
				    json_loads(wrong[i].value, JSON_DECODE_ANY, NULL));
		if (schema_accepts(&schema, o))
			fail_msg("%s: %s was accepted", wrong[i].path, wrong[i].value);
		json_decref(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_identified_flow_reads_from_its_originator),
		cmocka_unit_test(an_ended_flow_has_its_totals),
		cmocka_unit_test(ends_have_names),
		cmocka_unit_test(how_flows_end),
		cmocka_unit_test(a_drop_is_about_its_packet),
		cmocka_unit_test(a_drop_without_flow_has_no_id),
		cmocka_unit_test(an_alert_is_named_as_its_rule),
		cmocka_unit_test(an_anomaly_reads_from_the_sender),
		cmocka_unit_test(values_out_of_range_are_named_unknown),
		cmocka_unit_test(echo_has_its_types),
		cmocka_unit_test(community_ids),
		cmocka_unit_test(timestamps_are_as_suricata_writes_them),
		cmocka_unit_test(all_other_types_are_valid),
		cmocka_unit_test(the_schema_refuses),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "audit/audit.h"
#include "weir/anomaly.h"
#include "weir/policy.h"
#include "weir/reason.h"

struct lines {
	int count;
	char type[32], first[2048], last[2048];
};

static void sink(const char *type, const char *line, void *arg)
{
	struct lines *l = arg;

	snprintf(l->type, sizeof(l->type), "%s", type);
	snprintf(l->count++ ? l->last : l->first, sizeof(l->first), "%s", line);
}

static bool count(const char *line, void *arg)
{
	sink("", line, arg);
	return true;
}

static bool stop_at_two(const char *line, void *arg)
{
	count(line, arg);
	return ((struct lines *)arg)->count < 2;
}

static struct weir_event an_event(void)
{
	struct weir_event ev = {
		.time_ns = time_now_ns(),
		.kind = WEIR_EVENT_DECIDED,
		.in_port = 1,
		.flow =
			{
				.id = 0xfff8000000000123,
				.frames = {5, 3},
				.bytes = {500, 300},
				.action = WEIR_ACTION_RESET,
				.method = WEIR_METHOD_SIGNATURE,
				.confidence = 90,
				.payloads = 3,
				.flags = WEIR_FLOW_ORIGIN,
			},
		.key = {.proto = IPPROTO_TCP, .port = {htons(6881), htons(40000)}},
	};

	ev.flow.created_ds = (uint32_t)((ev.time_ns - 7500000000ull) / 100000000);
	address_parse("192.0.2.1", ev.key.addr[0]);
	address_parse("2001:db8::1", ev.key.addr[1]);
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

static struct app_registry *a_registry(uint16_t *app)
{
	struct app_registry *r = app_registry_new();
	int number = app_registry_add(r, "bittorrent", "p2p");

	assert_true(number > 0);
	*app = (uint16_t)number;
	return r;
}

static void a_decided_flow_reads_from_its_originator(void **state)
{
	struct weir_event ev = an_event();
	struct app_registry *r = a_registry(&ev.flow.app);
	json_t *o = audit_flow_json(&ev, r, "eth1", "p2p-out", "example.org"), *flow;

	assert_string_equal(text_at(o, "event_type"), "flow");
	assert_int_equal(number_at(o, "flow_id"), 0x123);
	assert_string_equal(text_at(o, "in_iface"), "eth1");
	assert_string_equal(text_at(o, "src_ip"), "2001:db8::1");
	assert_int_equal(number_at(o, "src_port"), 40000);
	assert_string_equal(text_at(o, "dest_ip"), "192.0.2.1");
	assert_int_equal(number_at(o, "dest_port"), 6881);
	assert_string_equal(text_at(o, "proto"), "TCP");
	assert_string_equal(text_at(o, "app_proto"), "bittorrent");
	assert_null(json_object_get(o, "vlan"));
	flow = json_object_get(o, "flow");
	assert_int_equal(number_at(flow, "pkts_toserver"), 3);
	assert_int_equal(number_at(flow, "pkts_toclient"), 5);
	assert_int_equal(number_at(flow, "bytes_toserver"), 300);
	assert_int_equal(number_at(flow, "bytes_toclient"), 500);
	assert_int_equal(number_at(flow, "age"), 7);
	assert_string_equal(text_at(flow, "state"), "decided");
	assert_string_equal(text_at(flow, "verdict"), "reset");
	assert_string_equal(text_at(flow, "rule"), "p2p-out");
	assert_string_equal(text_at(flow, "method"), "signature");
	assert_int_equal(number_at(flow, "confidence"), 90);
	assert_int_equal(number_at(flow, "decided_after_payload"), 3);
	assert_string_equal(text_at(flow, "category"), "p2p");
	assert_string_equal(text_at(flow, "hostname"), "example.org");
	assert_null(json_object_get(flow, "end"));
	json_decref(o);
	app_registry_free(r);
}

static void a_closed_flow_says_how(void **state)
{
	struct weir_event ev = an_event();
	struct app_registry *r = a_registry(&ev.flow.app);
	json_t *o, *flow;

	ev.kind = WEIR_EVENT_CLOSED;
	ev.key.vlan[0] = htons(100);
	ev.key.vlan[1] = htons(7);
	o = audit_flow_json(&ev, r, "", "", "");
	flow = json_object_get(o, "flow");
	assert_string_equal(text_at(flow, "state"), "closed");
	assert_string_equal(text_at(flow, "reason"), "fin");
	assert_non_null(text_at(flow, "end"));
	assert_int_equal(json_array_size(json_object_get(o, "vlan")), 2);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(o, "vlan"), 0)), 100);
	assert_null(json_object_get(o, "in_iface"));
	assert_null(json_object_get(flow, "rule"));
	json_decref(o);
	ev.flow.flags |= WEIR_FLOW_RST;
	o = audit_flow_json(&ev, r, NULL, NULL, NULL);
	assert_string_equal(text_at(json_object_get(o, "flow"), "reason"), "reset");
	json_decref(o);
	ev.kind = WEIR_EVENT_EVICTED;
	ev.flow.seen_ds = ev.flow.created_ds;
	o = audit_flow_json(&ev, r, NULL, NULL, NULL);
	flow = json_object_get(o, "flow");
	assert_string_equal(text_at(flow, "reason"), "evicted");
	assert_string_equal(text_at(flow, "end"), text_at(flow, "start"));
	json_decref(o);
	app_registry_free(r);
}

static void a_drop_without_flow_reads_from_the_sender(void **state)
{
	struct weir_event ev = an_event();
	struct app_registry *r = a_registry(&ev.flow.app);
	json_t *o, *drop;

	memset(&ev.flow, 0, sizeof(ev.flow));
	ev.kind = WEIR_EVENT_DROPPED;
	ev.reason = WEIR_REASON_DROP_BLOCKED;
	ev.dir = 0;
	ev.key.proto = IPPROTO_ICMP;
	o = audit_flow_json(&ev, r, "eth1", NULL, NULL);
	assert_string_equal(text_at(o, "event_type"), "drop");
	assert_null(json_object_get(o, "flow_id"));
	assert_string_equal(text_at(o, "src_ip"), "192.0.2.1");
	assert_null(json_object_get(o, "src_port"));
	assert_string_equal(text_at(o, "proto"), "ICMP");
	assert_string_equal(text_at(o, "app_proto"), "unknown");
	drop = json_object_get(o, "drop");
	assert_string_equal(text_at(drop, "reason"), "blocked");
	assert_string_equal(text_at(drop, "verdict"), "drop");
	json_decref(o);
	app_registry_free(r);
}

static void values_out_of_range_are_named_unknown(void **state)
{
	struct weir_event ev = an_event();
	struct app_registry *r = a_registry(&ev.flow.app);
	json_t *o;

	ev.flow.app = WEIR_APPS_MAX + 7;
	ev.flow.action = 0xee;
	ev.flow.method = 0xee;
	ev.reason = 0xee;
	ev.key.proto = 201;
	ev.kind = WEIR_EVENT_DROPPED;
	o = audit_flow_json(&ev, r, NULL, NULL, NULL);
	assert_string_equal(text_at(o, "app_proto"), "unknown");
	assert_string_equal(text_at(o, "proto"), "201");
	assert_string_equal(text_at(json_object_get(o, "drop"), "reason"), "unknown");
	assert_string_equal(text_at(json_object_get(o, "drop"), "verdict"), "unknown");
	json_decref(o);
	app_registry_free(r);
}

static void an_anomaly_reads_from_the_sender(void **state)
{
	struct weir_event ev = an_event();
	struct app_registry *r = a_registry(&ev.flow.app);
	json_t *o, *body;

	ev.kind = WEIR_EVENT_ANOMALY;
	ev.reason = WEIR_ANOMALY_CONTRADICTION;
	o = audit_anomaly_json(&ev, r, "eth1");
	assert_string_equal(text_at(o, "event_type"), "anomaly");
	assert_int_equal(number_at(o, "flow_id"), 0x123);
	assert_string_equal(text_at(o, "in_iface"), "eth1");
	assert_string_equal(text_at(o, "src_ip"), "192.0.2.1");
	assert_int_equal(number_at(o, "src_port"), 6881);
	assert_string_equal(text_at(o, "app_proto"), "bittorrent");
	body = json_object_get(o, "anomaly");
	assert_string_equal(text_at(body, "type"), "stream");
	assert_string_equal(text_at(body, "event"), "stream.reassembly_overlap_different_data");
	json_decref(o);
	ev.reason = 0xee;
	o = audit_anomaly_json(&ev, r, NULL);
	assert_int_equal(json_object_size(json_object_get(o, "anomaly")), 0);
	json_decref(o);
	app_registry_free(r);
}

/* YYYY-MM-DDTHH:MM:SS.uuuuuu+hhmm, and the moment it names. */
static void timestamps_are_as_suricata_writes_them(void **state)
{
	char text[AUDIT_TIMESTAMP_MAX];
	unsigned int micros;
	struct tm tm = {0};
	const char *rest;
	time_t before = time(NULL);
	long offset;

	audit_timestamp(time_now_ns() - 3000000000ull, text);
	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	assert_non_null(rest);
	assert_int_equal(sscanf(rest, ".%6u", &micros), 1);
	assert_int_equal(strlen(rest), strlen(".123456+0100"));
	offset = strtol(rest + 7, NULL, 10);
	offset = offset / 100 * 3600 + offset % 100 * 60;
	assert_true(labs((long)(timegm(&tm) - offset - (before - 3))) <= 2);
}

static void keeps_the_last_thousand(void **state)
{
	struct audit *a = NULL;
	struct lines all = {0}, flows = {0}, two = {0};

	assert_int_equal(audit_open(NULL, &a, NULL), 0);
	for (int i = 0; i < AUDIT_RECENT_MAX + 10; i++)
		audit_event(a, i % 2 ? "port" : "policy", json_pack("{s:i}", "n", i));
	audit_recent(a, NULL, count, &all);
	audit_recent(a, "port", count, &flows);
	audit_recent(a, NULL, stop_at_two, &two);
	assert_int_equal(all.count, AUDIT_RECENT_MAX);
	assert_non_null(strstr(all.first, "\"policy\":{\"n\":10}"));
	assert_non_null(strstr(all.last, "\"port\":{\"n\":1009}"));
	assert_int_equal(flows.count, AUDIT_RECENT_MAX / 2);
	assert_int_equal(two.count, 2);
	assert_int_equal(audit_lost(a), 0);
	audit_close(a);
}

static void tells_the_sink(void **state)
{
	struct weir_event ev = an_event();
	struct app_registry *r = a_registry(&ev.flow.app);
	struct lines l = {0};
	struct audit *a = NULL;

	assert_int_equal(audit_open(NULL, &a, NULL), 0);
	audit_set_sink(a, sink, &l);
	audit_flow(a, &ev, r, "eth1", "x", "");
	assert_string_equal(l.type, "flow");
	assert_null(strchr(l.first, '\n'));
	ev.kind = WEIR_EVENT_DROPPED;
	audit_flow(a, &ev, r, "eth1", "x", "");
	assert_string_equal(l.type, "drop");
	audit_close(a);
	app_registry_free(r);
}

/* Lines of a file that are whole JSON objects; -1 when one is not. */
static int whole_lines(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[4096];
	int n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		n = o && strchr(line, '\n') ? n + 1 : -1;
		json_decref(o);
		if (n < 0)
			break;
	}
	fclose(f);
	return n;
}

static void writes_lines_and_follows_a_rename(void **state)
{
	char path[64], moved[80], other[80];
	struct audit *a = NULL;
	struct error e = {0};

	snprintf(path, sizeof(path), "/tmp/weir-audit-%d.json", (int)getpid());
	snprintf(moved, sizeof(moved), "%s.1", path);
	snprintf(other, sizeof(other), "%s.other", path);
	assert_int_equal(audit_open(path, &a, &e), 0);
	audit_event(a, "port", json_pack("{s:s}", "name", "a\nb"));
	audit_event(a, "port", NULL);
	assert_int_equal(rename(path, moved), 0);
	audit_event(a, "port", NULL);
	assert_int_equal(whole_lines(moved), 2);
	assert_int_equal(whole_lines(path), 1);
	assert_int_equal(unlink(path), 0);
	audit_event(a, "port", NULL);
	assert_int_equal(whole_lines(path), 1);
	assert_int_equal(audit_set_file(a, other, &e), 0);
	audit_event(a, "port", NULL);
	assert_int_equal(whole_lines(other), 1);
	assert_int_equal(audit_set_file(a, "/nonexistent/folder/x", &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nonexistent/folder/x"));
	audit_event(a, "port", NULL);
	assert_int_equal(whole_lines(other), 2);
	assert_int_equal(audit_set_file(a, NULL, &e), 0);
	audit_event(a, "port", NULL);
	assert_int_equal(whole_lines(other), 2);
	assert_int_equal(audit_lost(a), 0);
	audit_close(a);
	unlink(path);
	unlink(moved);
	unlink(other);
}

static void counts_what_it_cannot_write(void **state)
{
	struct audit *a = NULL;
	struct error e = {0};

	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(audit_open("/dev/full", &a, &e), 0);
	audit_event(a, "port", NULL);
	audit_event(a, "port", NULL);
	assert_int_equal(audit_lost(a), 2);
	assert_int_equal(audit_set_file(a, NULL, &e), 0);
	assert_int_equal(audit_lost(a), 2);
	audit_close(a);
}

/* A FIFO whose reader does not read must not stop the daemon. */
static void does_not_wait_for_a_reader(void **state)
{
	struct audit *a = NULL;
	struct error e = {0};
	char path[64];
	int reader;

	snprintf(path, sizeof(path), "/tmp/weir-audit-%d.fifo", (int)getpid());
	assert_int_equal(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(audit_open(path, &a, &e), 0);
	log_set_level(LOG_LEVEL_ERROR);
	for (int i = 0; i < 2000; i++)
		audit_event(a, "port",
			    json_pack("{s:s}", "name", "0123456789012345678901234567890"));
	assert_true(audit_lost(a) > 0);
	audit_close(a);
	close(reader);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_decided_flow_reads_from_its_originator),
		cmocka_unit_test(a_closed_flow_says_how),
		cmocka_unit_test(a_drop_without_flow_reads_from_the_sender),
		cmocka_unit_test(an_anomaly_reads_from_the_sender),
		cmocka_unit_test(values_out_of_range_are_named_unknown),
		cmocka_unit_test(timestamps_are_as_suricata_writes_them),
		cmocka_unit_test(keeps_the_last_thousand),
		cmocka_unit_test(tells_the_sink),
		cmocka_unit_test(writes_lines_and_follows_a_rename),
		cmocka_unit_test(counts_what_it_cannot_write),
		cmocka_unit_test(does_not_wait_for_a_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

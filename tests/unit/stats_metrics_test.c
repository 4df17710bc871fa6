// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "service/service.h"
#include "stats/stats.h"
#include "worker/worker.h"

#define REFERENCE "docs/metrics.md"

struct reason {
	enum weir_reason id;
	const char *name, *help;
};

static const struct reason reasons[] = {
#define X(id, kind, name, help) {WEIR_REASON_##id, name, help},
	WEIR_REASONS(X)
#undef X
};

/* Of the one worker. */
static struct worker_counters counters;

static void *numbers(void *self)
{
	struct worker_numbers *n = calloc(1, sizeof(*n) + sizeof(n->workers[0]));

	n->worker_count = 1;
	n->workers[0] = counters;
	return n;
}

static const struct service own_workers = {
	.name = "workers",
	.metrics = worker_metrics,
	.numbers = numbers,
};

/* The services of the program, none of them open but the workers, which are these. */
static char *text_of(const struct stats_snapshot *s)
{
	const struct service *table[64] = {NULL};
	void *self[64] = {NULL};
	struct host h = {.services = table, .self = self};

	for (size_t i = 0; services[i]; i++) {
		bool workers = strcmp(services[i]->name, own_workers.name) == 0;

		table[i] = workers ? &own_workers : services[i];
		self[i] = workers ? &counters : NULL;
	}
	return services_metrics(&h, s);
}

static const struct metric_info *info_of(size_t index)
{
	for (size_t i = 0; services[i]; i++)
		for (const struct metric *m = services[i]->metrics; m && m->info.name; m++)
			if (index-- == 0)
				return &m->info;
	return NULL;
}

static struct stats_snapshot *a_snapshot(void)
{
	struct stats_snapshot *s = calloc(1, sizeof(*s));

	s->port_count = 2;
	s->ports = calloc(2, sizeof(*s->ports));
	s->app_count = 1;
	s->apps = calloc(1, sizeof(*s->apps));
	s->rule_count = 1;
	s->rules = calloc(1, sizeof(*s->rules));
	strcpy(s->ports[0].name, "lan");
	strcpy(s->ports[0].interface, "eth1");
	strcpy(s->ports[0].hook, "native");
	strcpy(s->ports[1].name, "wan");
	s->apps[0].name = "bittorrent";
	s->apps[0].category = "p2p";
	s->rules[0].name = "no \"p2p\"\\\n";
	return s;
}

/* n frames of 100 bytes that make segments wire frames each. */
static void gate_counts(struct stats_port *p, enum weir_reason r, uint64_t n, uint64_t segments)
{
	p->gate[r] = (struct weir_counter){n, n * 100, n * segments};
}

static void an_idle_port_is_balanced(void **state)
{
	struct stats_snapshot *s = a_snapshot();
	struct stats_balance b = {.in_flight = 1};

	stats_port_balance(s, 0, &b);
	assert_memory_equal(&b, &(struct stats_balance){0}, sizeof(b));
	stats_snapshot_free(s);
}

/* Every reason of the gate's own verdict counts as received and under its kind. */
static void every_reason_counts_under_its_kind(void **state)
{
	for (unsigned int r = 0; r < WEIR_REASON_COUNT; r++) {
		struct stats_snapshot *s = a_snapshot();
		enum weir_reason_kind kind = stats_reason_kind(r);
		struct stats_balance b;

		if (r == WEIR_REASON_DROP_REDIRECT_LOST || r == WEIR_REASON_DROP_PUNT_LOST ||
		    kind == WEIR_KIND_MADE || stats_reason_is_behind(r)) {
			stats_snapshot_free(s);
			continue;
		}
		gate_counts(&s->ports[0], r, 7, 1);
		stats_port_balance(s, 0, &b);
		assert_int_equal(b.received, 7);
		assert_int_equal(b.redirected, kind == WEIR_KIND_REDIRECT ? 7 : 0);
		assert_int_equal(b.stack, kind == WEIR_KIND_STACK ? 7 : 0);
		assert_int_equal(b.dropped, kind == WEIR_KIND_DROP ? 7 : 0);
		assert_int_equal(b.in_flight, kind == WEIR_KIND_PUNT ? 7 : 0);
		stats_snapshot_free(s);
	}
}

/* What a queueing discipline or a pair loses had ended as sent, or as the stack's, before. */
static void losses_behind_are_no_part_of_the_balance(void **state)
{
	struct stats_snapshot *s = a_snapshot();
	struct stats_port *p = &s->ports[0];
	struct stats_balance b;

	gate_counts(p, WEIR_REASON_STACK_SHAPED, 100, 1);
	p->slow[WEIR_REASON_DROP_QDISC] = 30;
	p->slow[WEIR_REASON_DROP_PAIR_LOST] = 2;
	gate_counts(p, WEIR_REASON_DROP_PAIR_LOST, 3, 1);
	stats_port_balance(s, 0, &b);
	assert_int_equal(b.received, 100);
	assert_int_equal(b.stack, 100);
	assert_int_equal(b.dropped, 0);
	assert_int_equal(b.in_flight, 0);
	assert_int_equal(stats_port_dropped(p, WEIR_REASON_DROP_QDISC), 30);
	assert_int_equal(stats_port_dropped(p, WEIR_REASON_DROP_PAIR_LOST), 5);
	stats_snapshot_free(s);
}

static void punted_frames_end_in_the_workers_counters(void **state)
{
	struct stats_snapshot *s = a_snapshot();
	struct stats_port *p = &s->ports[0];
	struct stats_balance b;

	gate_counts(p, WEIR_REASON_PUNTED, 100, 1);
	gate_counts(p, WEIR_REASON_DROP_PUNT_LOST, 5, 1);
	p->slow[WEIR_REASON_REINJECTED] = 60;
	p->slow[WEIR_REASON_DROP_VERDICT] = 20;
	p->slow[WEIR_REASON_DROP_RESET] = 3;
	stats_port_balance(s, 0, &b);
	assert_int_equal(b.received, 100);
	assert_int_equal(b.redirected, 60);
	assert_int_equal(b.dropped, 5 + 20 + 3);
	assert_int_equal(b.in_flight, 100 - 60 - 28);
	p->slow[WEIR_REASON_DROP_STALE] = b.in_flight;
	stats_port_balance(s, 0, &b);
	assert_int_equal(b.in_flight, 0);
	stats_snapshot_free(s);
}

static void lost_redirects_move_to_the_drops(void **state)
{
	struct stats_snapshot *s = a_snapshot();
	struct stats_port *p = &s->ports[0];
	struct stats_balance b;

	gate_counts(p, WEIR_REASON_REDIRECTED, 1000, 1);
	gate_counts(p, WEIR_REASON_DROP_REDIRECT_LOST, 30, 1);
	stats_port_balance(s, 0, &b);
	assert_int_equal(b.received, 1000);
	assert_int_equal(b.redirected, 970);
	assert_int_equal(b.dropped, 30);
	assert_int_equal(b.in_flight, 0);
	stats_snapshot_free(s);
}

static void resets_are_made_and_sent(void **state)
{
	struct stats_snapshot *s = a_snapshot();
	struct stats_port *p = &s->ports[0];
	struct stats_balance b;

	p->slow[WEIR_REASON_MADE_RESET] = 4;
	stats_port_balance(s, 0, &b);
	assert_int_equal(b.received, 0);
	assert_int_equal(b.made, 4);
	assert_int_equal(b.redirected, 4);
	assert_int_equal(b.in_flight, 0);
	stats_snapshot_free(s);
}

/* TC: one skb, several wire frames; the workers see wire frames. */
static void wire_frames_are_the_unit(void **state)
{
	struct stats_snapshot *s = a_snapshot();
	struct stats_port *p = &s->ports[0];
	struct stats_balance b;

	gate_counts(p, WEIR_REASON_PUNTED, 10, 20);
	p->slow[WEIR_REASON_REINJECTED] = 200;
	stats_port_balance(s, 0, &b);
	assert_int_equal(b.received, 200);
	assert_int_equal(b.in_flight, 0);
	assert_int_equal(stats_port_received(p).frames, 10);
	stats_snapshot_free(s);
}

static void what_an_earlier_daemon_ended_is_not_owed(void **state)
{
	struct stats_snapshot *s = a_snapshot();
	struct stats_port *p = &s->ports[0];
	struct stats_balance b;

	gate_counts(p, WEIR_REASON_PUNTED, 50, 1);
	p->ended_before = 40;
	p->slow[WEIR_REASON_REINJECTED] = 10;
	stats_port_balance(s, 0, &b);
	assert_int_equal(b.received, 10);
	assert_int_equal(b.in_flight, 0);
	stats_snapshot_free(s);
}

/* The number behind a series' name and labels; fails when it is not there exactly once. */
static double value_of(const char *text, const char *series)
{
	size_t len = strlen(series);
	const char *found = NULL;

	for (const char *p = text; (p = strstr(p, series)); p += len) {
		if ((p != text && p[-1] != '\n') || p[len] != ' ')
			continue;
		assert_null(found);
		found = p + len + 1;
	}
	if (!found)
		fail_msg("no %s", series);
	return strtod(found, NULL);
}

static void ports_count(struct stats_snapshot *s)
{
	struct stats_port *p = &s->ports[0];

	gate_counts(p, WEIR_REASON_REDIRECTED, 11, 2);
	gate_counts(p, WEIR_REASON_PUNTED, 5, 2);
	gate_counts(p, WEIR_REASON_STACK_FAILURE, 3, 1);
	gate_counts(p, WEIR_REASON_DROP_FAILURE, 2, 1);
	p->slow[WEIR_REASON_REINJECTED] = 6;
	p->slow[WEIR_REASON_DROP_VERDICT] = 4;
	p->slow[WEIR_REASON_MADE_RESET] = 2;
	gate_counts(&s->ports[1], WEIR_REASON_DROP_RECONNECTION, 9, 1);
	p->sent = (struct weir_volume){21, 2100};
	p->slow_sent = 4;
	p->slow_sent_bytes = 400;
	p->sockets.rx_ring_full = 13;
	p->enabled = p->present = true;
}

static void every_number_reaches_its_series(void **state)
{
	struct stats_snapshot *s = a_snapshot();
	char *text;

	ports_count(s);
	s->flows_decided = 17;
	s->cache_new = 19;
	s->cache_evicted = 53;
	s->apps[0].volume[0].bytes = 1000;
	s->apps[0].volume[1].bytes = 2000;
	s->apps[0].flows[WEIR_METHOD_ENDPOINT] = 8;
	s->rules[0].hits = 23;
	counters.queue_frames = 29;
	counters.flows.stream[FLOW_STREAM_REFUSED] = 31;
	counters.fragments.events[FRAGMENT_EVENT_OVERLAP] = 47;
	s->generation = 37;
	s->loads_failed = 41;
	s->heartbeat_age_seconds = 0.25;
	s->endpoints = UINT64_MAX;
	s->events_lost = 43;
	counters.news_lost[WORKER_NEWS_DNS] = 44;
	text = text_of(s);
	assert_non_null(text);
	assert_int_equal(value_of(text, "weir_port_frames_total{port=\"lan\",direction=\"rx\"}"),
			 21);
	assert_int_equal(value_of(text, "weir_port_frames_total{port=\"lan\",direction=\"tx\"}"),
			 25);
	assert_int_equal(value_of(text, "weir_port_bytes_total{port=\"lan\",direction=\"rx\"}"),
			 2100);
	assert_int_equal(value_of(text, "weir_port_bytes_total{port=\"lan\",direction=\"tx\"}"),
			 2500);
	assert_int_equal(value_of(text, "weir_port_segments_total{port=\"lan\"}"), 37);
	assert_int_equal(
		value_of(text, "weir_verdict_frames_total{port=\"lan\",verdict=\"redirect\"}"),
		22 + 6 + 2);
	assert_int_equal(
		value_of(text, "weir_verdict_frames_total{port=\"lan\",verdict=\"stack\"}"), 3);
	assert_int_equal(value_of(text, "weir_verdict_frames_total{port=\"lan\",verdict=\"drop\"}"),
			 6);
	assert_int_equal(
		value_of(text, "weir_dropped_frames_total{port=\"lan\",reason=\"failure\"}"), 2);
	assert_int_equal(
		value_of(text, "weir_dropped_frames_total{port=\"lan\",reason=\"verdict\"}"), 4);
	assert_int_equal(value_of(text, "weir_stack_frames_total{port=\"lan\",reason=\"failure\"}"),
			 3);
	assert_int_equal(value_of(text, "weir_punted_frames_total{port=\"lan\"}"), 10);
	assert_int_equal(value_of(text, "weir_reinjected_frames_total{port=\"lan\",exit=\"wire\"}"),
			 6);
	assert_int_equal(value_of(text, "weir_made_frames_total{port=\"lan\"}"), 2);
	assert_int_equal(value_of(text, "weir_in_flight_frames{port=\"lan\"}"), 0);
	assert_int_equal(value_of(text, "weir_xsk_drops_total{port=\"lan\",kind=\"rx_ring_full\"}"),
			 13);
	assert_int_equal(
		value_of(text,
			 "weir_port_up{port=\"lan\",interface=\"eth1\",hook=\"native\",mode=\"\"}"),
		1);
	assert_int_equal(value_of(text, "weir_flows{state=\"decided\"}"), 17);
	assert_int_equal(value_of(text, "weir_flow_cache_total{port=\"all\",result=\"new\"}"), 19);
	assert_int_equal(value_of(text, "weir_flow_table_total{event=\"evicted\"}"), 53);
	assert_int_equal(value_of(text, "weir_reconnection_drops_total"), 9);
	assert_int_equal(value_of(text, "weir_application_bytes_total{application=\"bittorrent\","
					"direction=\"toclient\"}"),
			 2000);
	assert_int_equal(value_of(text, "weir_application_flows_total{application=\"bittorrent\","
					"method=\"endpoint\"}"),
			 8);
	assert_int_equal(value_of(text, "weir_rule_hits_total{rule=\"no \\\"p2p\\\"\\\\\\n\"}"),
			 23);
	assert_int_equal(value_of(text, "weir_slowpath_queue_frames{worker=\"0\"}"), 29);
	assert_int_equal(value_of(text, "weir_reassembly_total{event=\"tcp-refused\"}"), 31);
	assert_int_equal(value_of(text, "weir_reassembly_total{event=\"ip-overlap\"}"), 47);
	assert_int_equal(value_of(text, "weir_policy_generation"), 37);
	assert_int_equal(value_of(text, "weir_policy_loads_total{result=\"failed\"}"), 41);
	assert_true(value_of(text, "weir_heartbeat_age_seconds") == 0.25);
	assert_non_null(strstr(text, "\nweir_endpoints 18446744073709551615\n"));
	assert_int_equal(value_of(text, "weir_events_lost_total{place=\"gate\"}"), 43);
	assert_int_equal(value_of(text, "weir_news_lost_total{record=\"dns\"}"), 44);
	assert_int_equal(value_of(text, "weir_news_lost_total{record=\"drop\"}"), 0);
	assert_int_equal(value_of(text, "weir_build_info{version=\"" WEIR_VERSION "\"}"), 1);
	free(text);
	stats_snapshot_free(s);
}

/* Every family is announced once, before its samples; every sample belongs to a family; zeros of
 * all drop reasons are there. */
static void the_text_is_well_formed(void **state)
{
	struct stats_snapshot *s = a_snapshot();
	char *text = text_of(s), *save = NULL, family[64] = "", name[64];
	char series[128];
	size_t families = 0;

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (stats_reason_kind(reasons[i].id) != WEIR_KIND_DROP)
			continue;
		snprintf(series, sizeof(series),
			 "weir_dropped_frames_total{port=\"wan\",reason=\"%s\"}", reasons[i].name);
		assert_int_equal(value_of(text, series), 0);
	}
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const struct metric_info *m;

		if (sscanf(line, "# HELP %63s %63s", family, name) == 2) {
			m = info_of(families++);
			assert_string_equal(m->name, family);
			line = strtok_r(NULL, "\n", &save);
			snprintf(series, sizeof(series), "# TYPE %s %s", m->name, m->type);
			assert_string_equal(line, series);
			if (strcmp(m->type, "counter") == 0)
				assert_string_equal(family + strlen(family) - 6, "_total");
			continue;
		}
		assert_int_equal(sscanf(line, "%63[a-z_]", name), 1);
		assert_string_equal(name, family);
	}
	assert_null(info_of(families));
	free(text);
	stats_snapshot_free(s);
}

static char *read_reference(void)
{
	FILE *f = fopen(REFERENCE, "r");
	char *text = calloc(1, 1 << 20);

	if (!f)
		fail_msg("%s: run the test in the project's folder", REFERENCE);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	return text;
}

static void the_reference_has_every_metric_and_reason(void **state)
{
	char *text = read_reference(), row[512];
	const struct metric_info *m;

	for (size_t i = 0; (m = info_of(i)); i++) {
		snprintf(row, sizeof(row), "| `%s` | %s | %s | %s |", m->name, m->type, m->labels,
			 m->help);
		if (!strstr(text, row))
			fail_msg("%s lacks: %s", REFERENCE, row);
	}
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		snprintf(row, sizeof(row), "| `%s` | %s |", reasons[i].name, reasons[i].help);
		if (!strstr(text, row))
			fail_msg("%s lacks: %s", REFERENCE, row);
	}
	free(text);
}

/* Whether the program knows the first column of a row: a metric, a reason, an event. */
static bool is_exported(const char *name, const char *text)
{
	const struct metric_info *m;
	char label[128];

	for (size_t i = 0; (m = info_of(i)); i++)
		if (strcmp(name, m->name) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (strcmp(name, reasons[i].name) == 0)
			return true;
	snprintf(label, sizeof(label), "event=\"%s\"}", name);
	return strstr(text, label);
}

static void the_reference_has_nothing_else(void **state)
{
	struct stats_snapshot *s = a_snapshot();
	char *reference = read_reference(), *text = text_of(s), *row = reference;
	unsigned int rows = 0;

	while ((row = strstr(row, "\n| `"))) {
		char name[96] = "";

		row += strlen("\n| `");
		assert_int_equal(sscanf(row, "%95[^`]", name), 1);
		if (!is_exported(name, text))
			fail_msg("%s tells of %s, which is not there", REFERENCE, name);
		rows++;
	}
	assert_true(rows > ARRAY_SIZE(reasons));
	free(text);
	free(reference);
	stats_snapshot_free(s);
}

static void the_reference_has_every_event(void **state)
{
	static const char series[] = "event=\"";
	struct stats_snapshot *s = a_snapshot();
	char *reference = read_reference(), *text = text_of(s), *line = text;
	unsigned int events = 0;

	while ((line = strstr(line, series))) {
		char name[64] = "", row[96];

		line += strlen(series);
		assert_int_equal(sscanf(line, "%63[^\"]", name), 1);
		snprintf(row, sizeof(row), "\n| `%s` | ", name);
		if (!strstr(reference, row))
			fail_msg("%s lacks the event %s", REFERENCE, name);
		events++;
	}
	assert_true(events > FLOW_STREAM_EVENT_COUNT);
	free(text);
	free(reference);
	stats_snapshot_free(s);
}

static char *render(void *arg)
{
	return arg ? strdup(arg) : NULL;
}

/* One request, the whole answer. */
static const char *http(unsigned int port, const char *request, char *buf, size_t cap)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t len = 0;
	ssize_t n;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	while (len < cap - 1 && (n = recv(fd, buf + len, cap - 1 - len, 0)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	close(fd);
	return buf;
}

#define HEADERS " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void the_listener_answers_get_metrics_alone(void **state)
{
	struct stats_server *server = NULL;
	char numbers[] = "weir_x 1\n", buf[4096];
	struct error e = {0};
	unsigned int port;

	assert_int_equal(stats_server_start("127.0.0.1:0", render, numbers, &server, &e), 0);
	port = stats_server_port(server);
	assert_int_not_equal(port, 0);
	http(port, "GET /metrics" HEADERS, buf, sizeof(buf));
	assert_memory_equal(buf, "HTTP/1.1 200 ", 13);
	assert_non_null(strstr(buf, "text/plain; version=0.0.4"));
	assert_non_null(strstr(buf, "\r\n\r\nweir_x 1\n"));
	assert_memory_equal(http(port, "GET /" HEADERS, buf, sizeof(buf)), "HTTP/1.1 404 ", 13);
	assert_memory_equal(http(port, "GET /metrics/x" HEADERS, buf, sizeof(buf)), "HTTP/1.1 404 ",
			    13);
	http(port,
	     "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: "
	     "close\r\n\r\nabc",
	     buf, sizeof(buf));
	assert_memory_equal(buf, "HTTP/1.1 405 ", 13);
	http(port, "DELETE /metrics" HEADERS, buf, sizeof(buf));
	assert_memory_equal(buf, "HTTP/1.1 405 ", 13);
	http(port, "\1\2\3\r\n\r\n", buf, sizeof(buf));
	assert_null(strstr(buf, "weir_x"));
	http(port, "GET /metrics" HEADERS, buf, sizeof(buf));
	assert_non_null(strstr(buf, "weir_x 1\n"));
	stats_server_stop(server);
}

static void the_listener_says_when_it_has_nothing(void **state)
{
	struct stats_server *server = NULL;
	char buf[4096];

	assert_int_equal(stats_server_start("localhost:0", render, NULL, &server, NULL), 0);
	http(stats_server_port(server), "GET /metrics" HEADERS, buf, sizeof(buf));
	assert_memory_equal(buf, "HTTP/1.1 503 ", 13);
	stats_server_stop(server);
}

static void bad_addresses_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"9477",
		":9477",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:x",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"::1:9477",
		"[::1]9477",
		"[::1",
		"[]:1",
		"example.org:9477",
		"[127.0.0.1:80",
		"127.0.0.1:80 ",
		"]:1",
	};
	struct stats_server *server = NULL, *first = NULL;
	char taken[32];
	struct error e;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		e = (struct error){0};
		assert_int_equal(stats_server_start(bad[i], render, NULL, &server, &e), -EINVAL);
		assert_non_null(strstr(e.text, "ADDRESS:PORT"));
	}
	assert_int_equal(stats_server_start("127.0.0.1:0", render, NULL, &first, NULL), 0);
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", stats_server_port(first));
	e = (struct error){0};
	assert_int_equal(stats_server_start(taken, render, NULL, &server, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, taken));
	stats_server_stop(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_port_is_balanced),
		cmocka_unit_test(every_reason_counts_under_its_kind),
		cmocka_unit_test(losses_behind_are_no_part_of_the_balance),
		cmocka_unit_test(punted_frames_end_in_the_workers_counters),
		cmocka_unit_test(lost_redirects_move_to_the_drops),
		cmocka_unit_test(resets_are_made_and_sent),
		cmocka_unit_test(wire_frames_are_the_unit),
		cmocka_unit_test(what_an_earlier_daemon_ended_is_not_owed),
		cmocka_unit_test(every_number_reaches_its_series),
		cmocka_unit_test(the_text_is_well_formed),
		cmocka_unit_test(the_reference_has_every_metric_and_reason),
		cmocka_unit_test(the_reference_has_nothing_else),
		cmocka_unit_test(the_reference_has_every_event),
		cmocka_unit_test(the_listener_answers_get_metrics_alone),
		cmocka_unit_test(the_listener_says_when_it_has_nothing),
		cmocka_unit_test(bad_addresses_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

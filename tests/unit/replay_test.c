// SPDX-License-Identifier: GPL-2.0-only
/* weir replay: captures that are written here, a policy, and the events they give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame_build.h"
#include "pcap_build.h"
#include "replay/replay.h"
#include "schema_check.h"

#define SECOND	   UINT64_C(1000000000)
#define BEGIN	   (UINT64_C(1700000000) * SECOND)
#define EVENTS_MAX 200
#define CLIENT	   "10.0.0.1"
#define SERVER	   "192.0.2.80"
#define DHT_QUERY  "d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:ping1:t2:aa1:y1:qe"
#define POLICY_HEAD                                                                                \
	"version: 1\nports:\n  lan: { interface: eth1 }\n  wan: { interface: eth0 }\nforward:\n"   \
	"  - { mode: bridge, bridge: br0, create: true, ports: [lan, wan] }\n"

struct bench {
	char capture[CAPTURE_PATH_MAX], policy[CAPTURE_PATH_MAX];
	FILE *file;
	uint64_t now_ns;
	uint32_t seq[2];
	json_t *events[EVENTS_MAX];
	unsigned int count;
	struct replay_summary summary;
	struct schema schema;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->file = capture_create(b->capture);
	capture_put_head(b->file, 1);
	b->now_ns = BEGIN;
	b->schema.root = json_load_file("docs/events.schema.json", 0, NULL);
	*state = b;
	return b->schema.root ? 0 : -1;
}

static void forget(struct bench *b)
{
	while (b->count)
		json_decref(b->events[--b->count]);
}

static int teardown(void **state)
{
	struct bench *b = *state;

	forget(b);
	unlink(b->capture);
	unlink(b->policy);
	json_decref((json_t *)b->schema.root);
	free(b);
	return 0;
}

/* ---- traffic ---- */

static void put(struct bench *b, const struct frame_spec *s)
{
	uint8_t frame[FRAME_MAX];
	uint32_t len = (uint32_t)frame_build(frame, s);

	capture_put_frame(b->file, b->now_ns, frame, len, len);
	b->now_ns += 1000000;
}

static void datagram(struct bench *b, bool back, uint16_t port, const void *data, size_t len)
{
	put(b, &(struct frame_spec){.src = back ? SERVER : CLIENT,
				    .dst = back ? CLIENT : SERVER,
				    .proto = IPPROTO_UDP,
				    .sport = back ? port : 40000,
				    .dport = back ? 40000 : port,
				    .payload = data,
				    .len = len});
}

static void segment(struct bench *b, bool back, uint8_t flags, const char *data)
{
	size_t len = strlen(data);

	put(b, &(struct frame_spec){.src = back ? SERVER : CLIENT,
				    .dst = back ? CLIENT : SERVER,
				    .proto = IPPROTO_TCP,
				    .sport = back ? 80 : 50000,
				    .dport = back ? 50000 : 80,
				    .seq = b->seq[back],
				    .ack = flags & FRAME_ACK ? b->seq[!back] : 0,
				    .flags = flags,
				    .payload = data,
				    .len = len});
	b->seq[back] += (uint32_t)len + (flags & (FRAME_SYN | FRAME_FIN) ? 1 : 0);
}

static void handshake(struct bench *b)
{
	b->seq[0] = 1000;
	b->seq[1] = 9000;
	segment(b, false, FRAME_SYN, "");
	segment(b, true, FRAME_SYN | FRAME_ACK, "");
	segment(b, false, FRAME_ACK, "");
}

static void web(struct bench *b)
{
	handshake(b);
	segment(b, false, FRAME_ACK | FRAME_PUSH,
		"GET /x HTTP/1.1\r\nHost: WWW.example.org\r\nUser-Agent: test\r\n\r\n");
	segment(b, true, FRAME_ACK | FRAME_PUSH,
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
	segment(b, false, FRAME_ACK, "");
	segment(b, false, FRAME_ACK | FRAME_FIN, "");
	segment(b, true, FRAME_ACK | FRAME_FIN, "");
	segment(b, false, FRAME_ACK, "");
}

/* ---- what comes of it ---- */

static void run(struct bench *b, const char *policy, const char *ports, int want)
{
	char *text = NULL, *line, *next;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len), *file;
	struct replay_options o = {.policy = b->policy, .ports = ports, .out = out};
	struct replay *r = NULL;
	struct error e = {0};

	if (!b->policy[0]) {
		file = capture_create(b->policy);
		fputs(policy, file);
		fclose(file);
	}
	fflush(b->file);
	assert_int_equal(replay_open(&o, &r, &e), 0);
	assert_int_equal(replay_capture(r, b->capture, &e), want);
	assert_int_equal(replay_finish(r, &e), 0);
	b->summary = *replay_summary(r);
	replay_close(r);
	fclose(out);
	for (line = text; *line && b->count < EVENTS_MAX; line = next) {
		next = strchr(line, '\n') + 1;
		next[-1] = '\0';
		b->events[b->count] = json_loads(line, 0, NULL);
		if (!schema_accepts(&b->schema, b->events[b->count]))
			fail_msg("%s\n%s", b->schema.error, line);
		b->count++;
	}
	free(text);
}

static const char *text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

/* The n-th event of a type; NULL: there are not so many. */
static const json_t *event(const struct bench *b, const char *type, unsigned int n)
{
	for (unsigned int i = 0; i < b->count; i++)
		if (strcmp(text_at(b->events[i], "event_type"), type) == 0 && n-- == 0)
			return b->events[i];
	return NULL;
}

static json_int_t number(const json_t *o, const char *object, const char *key)
{
	return json_integer_value(json_object_get(json_object_get(o, object), key));
}

static const char *text(const json_t *o, const char *object, const char *key)
{
	return text_at(json_object_get(o, object), key);
}

static void a_connection_from_begin_to_end(void **state)
{
	struct bench *b = *state;
	const json_t *flow, *identified, *http;

	web(b);
	run(b, POLICY_HEAD, "lan=10.0.0.0/8,wan=02:00:00:00:00:02", 0);
	identified = event(b, "identified", 0);
	http = event(b, "http", 0);
	flow = event(b, "flow", 0);
	assert_non_null(identified);
	assert_non_null(http);
	assert_non_null(flow);
	assert_null(event(b, "flow", 1));
	assert_null(event(b, "identified", 1));
	assert_string_equal(text_at(identified, "app_proto"), "http");
	assert_string_equal(text(http, "http", "hostname"), "www.example.org");
	assert_int_equal(number(http, "http", "status"), 200);
	assert_int_equal(number(flow, "flow", "pkts_toserver"), 6);
	assert_int_equal(number(flow, "flow", "pkts_toclient"), 3);
	assert_string_equal(text(flow, "flow", "state"), "closed");
	assert_string_equal(text(flow, "flow", "reason"), "timeout");
	assert_string_equal(text(flow, "flow", "action"), "pass");
	assert_string_equal(text(flow, "weir", "reason"), "fin");
	assert_string_equal(text(flow, "weir", "rule"), "default");
	assert_string_equal(text(flow, "tcp", "tcp_flags"), "1b");
	assert_string_equal(text_at(flow, "src_ip"), CLIENT);
	assert_string_equal(text_at(flow, "in_iface"), "eth1");
	assert_int_equal(json_integer_value(json_object_get(flow, "flow_id")),
			 json_integer_value(json_object_get(http, "flow_id")));
	/* The same capture gives the same ids. */
	forget(b);
	run(b, NULL, NULL, 0);
	assert_null(json_object_get(event(b, "flow", 0), "in_iface"));
	assert_int_equal(b->summary.frames, 9);
	assert_int_equal(b->summary.flows, 1);
	assert_int_equal(b->summary.dropped_flows, 0);
	assert_int_equal(b->summary.events[EVE_FLOW], 1);
}

/* Told when the capture ends, of any number of flows. */
static void requests_without_an_answer(void **state)
{
	struct bench *b = *state;

	for (uint16_t i = 0; i < 40; i++) {
		static const char request[] = "GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n";

		put(b, &(struct frame_spec){.src = CLIENT,
					    .dst = SERVER,
					    .proto = IPPROTO_TCP,
					    .sport = (uint16_t)(50000 + i),
					    .dport = 80,
					    .seq = 1,
					    .ack = 1,
					    .flags = FRAME_ACK | FRAME_PUSH,
					    .payload = request,
					    .len = sizeof(request) - 1});
	}
	run(b, POLICY_HEAD, NULL, 0);
	assert_int_equal(b->summary.events[EVE_HTTP], 40);
	assert_int_equal(b->summary.events[EVE_FLOW], 40);
	assert_int_equal(number(event(b, "http", 39), "http", "status"), 0);
}

static void what_the_policy_drops(void **state)
{
	struct bench *b = *state;
	const json_t *drop, *alert, *flow;

	datagram(b, false, 6881, DHT_QUERY, strlen(DHT_QUERY));
	datagram(b, false, 6881, DHT_QUERY, strlen(DHT_QUERY));
	run(b,
	    POLICY_HEAD "events: { file: x, alerts: true, community_id: false }\nrules:\n"
			"  - { name: no-bt, application: bittorrent, action: drop }\n",
	    NULL, 0);
	drop = event(b, "drop", 0);
	alert = event(b, "alert", 0);
	flow = event(b, "flow", 0);
	assert_non_null(drop);
	assert_non_null(alert);
	assert_null(event(b, "drop", 1));
	assert_string_equal(text(drop, "weir", "rule"), "no-bt");
	assert_string_equal(text(drop, "drop", "reason"), "rules");
	assert_int_equal(number(drop, "drop", "udplen"), 8 + (json_int_t)strlen(DHT_QUERY));
	assert_int_equal(number(drop, "drop", "len"), 28 + (json_int_t)strlen(DHT_QUERY));
	assert_string_equal(text(alert, "alert", "signature"), "no-bt");
	assert_null(json_object_get(drop, "community_id"));
	assert_string_equal(text(flow, "flow", "action"), "drop");
	assert_string_equal(text(flow, "flow", "reason"), "shutdown");
	assert_int_equal(number(flow, "flow", "pkts_toserver"), 2);
	assert_string_equal(text(event(b, "identified", 0), "weir", "verdict"), "drop");
	assert_int_equal(b->summary.dropped_frames, 2);
	assert_int_equal(b->summary.dropped_flows, 1);
}

static void the_dns_and_who_is_named_by_it(void **state)
{
	static const uint8_t question[] = "\0\7\1\0\0\1\0\0\0\0\0\0\3www\7example\3org\0\0\1\0\1";
	static const uint8_t answer[] = "\0\7\x81\x80\0\1\0\1\0\0\0\0\3www\7example\3org\0\0\1\0\1"
					"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x50";
	struct bench *b = *state;
	const json_t *query, *reply, *flow;

	datagram(b, false, 53, question, sizeof(question) - 1);
	datagram(b, true, 53, answer, sizeof(answer) - 1);
	b->now_ns += 40 * SECOND;
	datagram(b, false, 9, "x", 1);
	run(b, POLICY_HEAD "events: { file: x, protocols: [dns] }\n", NULL, 0);
	query = event(b, "dns", 0);
	reply = event(b, "dns", 1);
	assert_string_equal(text(query, "dns", "type"), "query");
	assert_string_equal(text(reply, "dns", "type"), "answer");
	assert_string_equal(text(reply, "dns", "rrname"), "www.example.org");
	assert_string_equal(text_at(query, "app_proto"), "dns");
	/* Its second frame identified it, and none came after. */
	flow = event(b, "flow", 0);
	assert_string_equal(text_at(flow, "app_proto"), "dns");
	assert_string_equal(text(flow, "weir", "reason"), "shutdown");
	assert_int_equal(b->summary.flows, 2);
}

/* Quiet for longer than `timeouts` allows: two flows of the same tuple, each told once. */
static void idle_flows_end(void **state)
{
	struct bench *b = *state;

	datagram(b, false, 9, "x", 1);
	b->now_ns += 31 * SECOND;
	datagram(b, false, 9, "x", 1);
	b->now_ns += 5 * SECOND;
	datagram(b, false, 10, "x", 1);
	run(b, POLICY_HEAD, NULL, 0);
	assert_string_equal(text(event(b, "flow", 0), "weir", "reason"), "idle");
	assert_string_equal(text(event(b, "flow", 0), "flow", "state"), "new");
	assert_string_equal(text(event(b, "flow", 1), "flow", "reason"), "shutdown");
	assert_int_equal(b->summary.events[EVE_FLOW], 3);
}

static void a_schedule_follows_the_capture(void **state)
{
	struct bench *b = *state;

	/* 1700000000 is a Tuesday, 22:13:20 UTC. */
	datagram(b, false, 6881, DHT_QUERY, strlen(DHT_QUERY));
	b->now_ns += 3600 * SECOND;
	datagram(b, false, 6882, DHT_QUERY, strlen(DHT_QUERY));
	run(b,
	    POLICY_HEAD "rules:\n  - { name: evening, application: bittorrent, schedule: "
			"\"tue 22:00-23:00 UTC\", action: drop }\n",
	    NULL, 0);
	assert_int_equal(b->summary.events[EVE_DROP], 1);
	assert_int_equal(json_integer_value(json_object_get(event(b, "drop", 0), "dest_port")),
			 6881);
}

static void damaged_and_missing(void **state)
{
	struct bench *b = *state;
	struct replay_options o = {.policy = "/nonexistent/p.yaml", .out = stdout};
	struct replay *r = NULL;
	struct error e = {0};

	web(b);
	fflush(b->file);
	assert_int_equal(ftruncate(fileno(b->file), ftell(b->file) - 3), 0);
	run(b, POLICY_HEAD, NULL, -EIO);
	assert_int_equal(b->summary.frames, 8);
	assert_non_null(event(b, "http", 0));
	assert_int_equal(replay_open(&o, &r, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nonexistent/p.yaml"));
	o.policy = b->policy;
	o.ports = "dmz=10.0.0.0/8";
	e = (struct error){0};
	assert_int_equal(replay_open(&o, &r, &e), -EINVAL);
	assert_non_null(strstr(e.text, "has no port `dmz`"));
	o.ports = "lan=somewhere";
	e = (struct error){0};
	assert_int_equal(replay_open(&o, &r, &e), -EINVAL);
	assert_non_null(strstr(e.text, "found `somewhere`"));
	o.ports = NULL;
	assert_int_equal(replay_open(&o, &r, &e), 0);
	e = (struct error){0};
	assert_int_equal(replay_capture(r, "/nonexistent/c.pcap", &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nonexistent/c.pcap"));
	replay_close(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_connection_from_begin_to_end),
		TEST(requests_without_an_answer),
		TEST(what_the_policy_drops),
		TEST(the_dns_and_who_is_named_by_it),
		TEST(idle_flows_end),
		TEST(a_schedule_follows_the_capture),
		TEST(damaged_and_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Events of a worker on their way to the daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "worker/worker_private.h"

struct gate {
	struct weir_ctl ctl;
};

struct weir_ctl *gate_ctl(struct gate *g)
{
	return &g->ctl;
}

static int setup(void **state)
{
	struct worker *w = calloc(1, sizeof(*w));
	struct worker_shared *shared = calloc(1, sizeof(*shared));

	if (!w || !shared)
		return -1;
	shared->gate = calloc(1, sizeof(*shared->gate));
	if (!shared->gate)
		return -1;
	shared->gate->ctl.flags = WEIR_CTL_EVENTS;
	w->shared = shared;
	assert_int_equal(post_open(&w->post, -1), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct worker *w = *state;

	post_close(&w->post);
	free(w->shared->gate);
	free(w->shared);
	free(w);
	return 0;
}

struct seen {
	unsigned int count;
	struct weir_event first, last;
	struct packet_header header;
	unsigned int headers;
};

static void see(const struct weir_event *e, const struct packet_header *packet, void *arg)
{
	struct seen *s = arg;

	if (packet) {
		s->headers++;
		s->header = *packet;
	}
	if (s->count++ == 0)
		s->first = *e;
	s->last = *e;
}

static void no_note(const struct worker_note *n, void *arg)
{
	fail();
}

static const struct worker_reader seen = {.event = see, .note = no_note};

static void drop(struct worker *w, uint64_t id, uint8_t action)
{
	const struct weir_cell cell = {.action = action, .rule = 4};
	const struct weir_punt punt = {.in_port = 2, .flags = WEIR_PUNT_DIR};
	const struct flow flow = {.id = id,
				  .app = 9,
				  .origin = 1,
				  .confidence = 80,
				  .payload_frames = (uint32_t)id * 30};

	w->now_ns = id * 10;
	worker_event_drop(w, &flow, &punt, &cell);
}

static void a_drop_tells_what_and_why(void **state)
{
	struct worker *w = *state;
	struct seen s = {0};

	drop(w, 7, WEIR_ACTION_DROP);
	drop(w, 8, WEIR_ACTION_RESET);
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.first.kind, WEIR_EVENT_DROPPED);
	assert_int_equal(s.first.reason, WEIR_REASON_DROP_VERDICT);
	assert_int_equal(s.first.time_ns, 70);
	assert_int_equal(s.first.in_port, 2);
	assert_int_equal(s.first.flow.id, 7);
	assert_int_equal(s.first.flow.app, 9);
	assert_int_equal(s.first.flow.rule, 4);
	assert_true(s.first.flow.flags & WEIR_FLOW_ORIGIN);
	assert_int_equal(s.last.reason, WEIR_REASON_DROP_RESET);
	assert_int_equal(s.first.flow.payloads, 210);
	assert_int_equal(s.last.flow.payloads, 240);
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, 2);
}

/* The headers of the frame at hand come with its drop, and are checked like the rest. */
static void a_drop_has_its_packets_headers(void **state)
{
	static const uint8_t frame[] = {
		[0] = 0x45, [3] = 32, [8] = 63, [9] = 17, [25] = 12, [27] = 0};
	const struct weir_punt punt = {.in_port = 2};
	struct worker *w = *state;
	struct packet p = {
		.frame = frame, .frame_len = sizeof(frame), .l4 = 20, .ip_version = 4, .proto = 17};
	struct {
		struct weir_event event;
		struct packet_header header;
	} bad = {.event = {.kind = WEIR_EVENT_DROPPED}};
	struct seen s = {0};

	worker_note_frame(w, &punt, &p, PACKET_OK);
	drop(w, 7, WEIR_ACTION_DROP);
	worker_note_frame(w, NULL, NULL, PACKET_NOT_IP);
	drop(w, 8, WEIR_ACTION_DROP);
	memset(&bad.header.tcp, 7, 1);
	mail_put(w->post.out, WORKER_NEWS_DROP, &bad, sizeof(bad));
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.headers, 1);
	assert_true(s.header.ip);
	assert_int_equal(s.header.ttl, 63);
	assert_int_equal(s.header.ip_len, 32);
	assert_int_equal(s.header.udp_len, 12);
	assert_int_equal(w->post.unsound, 1);
}

/* As many as a ring holds. */
#define ROOM (POST_OUT_BYTES / (sizeof(struct weir_event) + 8))

static void what_does_not_fit_is_counted(void **state)
{
	struct worker *w = *state;
	struct seen s = {0};

	for (unsigned int i = 0; i < ROOM + 5; i++)
		drop(w, i, WEIR_ACTION_DROP);
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, ROOM);
	assert_int_equal(s.last.flow.id, ROOM - 1);
	assert_int_equal(w->counters.news_lost[WORKER_NEWS_DROP], 5);
	drop(w, 100000, WEIR_ACTION_DROP);
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.last.flow.id, 100000);
	assert_int_equal(s.last.flow.payloads, 255);
}

/* Anomalies are one each, and leave room for drops. */
static void anomalies_have_half_of_the_room(void **state)
{
	struct worker *w = *state;
	const struct weir_punt punt = {.in_port = 1, .out_port = 2, .flags = WEIR_PUNT_DIR};
	const struct flow flow = {.id = 5, .app = 9};
	struct seen s = {0};

	worker_event_anomalies(w, &flow, &punt,
			       1u << WEIR_ANOMALY_CONTRADICTION | 1u << WEIR_ANOMALY_AFTER_FIN);
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.first.kind, WEIR_EVENT_ANOMALY);
	assert_int_equal(s.first.reason, WEIR_ANOMALY_CONTRADICTION);
	assert_int_equal(s.last.reason, WEIR_ANOMALY_AFTER_FIN);
	/* The originator is the receiver of this frame. */
	assert_int_equal(s.last.in_port, 2);
	assert_int_equal(s.last.dir, 1);
	assert_int_equal(s.last.flow.id, 5);
	for (unsigned int i = 0; i < ROOM; i++)
		worker_event_anomalies(w, &flow, &punt, 1);
	assert_int_equal(w->counters.news_lost[WORKER_NEWS_ANOMALY], ROOM - ROOM / 2);
	for (unsigned int i = 0; i < ROOM / 2; i++)
		drop(w, i, WEIR_ACTION_DROP);
	assert_int_equal(w->counters.news_lost[WORKER_NEWS_DROP], 0);
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, 2 + ROOM / 2 * 2);
	assert_int_equal(s.last.kind, WEIR_EVENT_DROPPED);
}

/* An event of another worker would be one of ours, and indexes tables. */
static void events_that_no_worker_writes_are_refused(void **state)
{
	struct worker *w = *state;
	const struct weir_event good = {.kind = WEIR_EVENT_DROPPED};
	struct weir_event bad[] = {
		{.kind = WEIR_EVENT_ANOMALY},
		{.kind = WEIR_EVENT_DROPPED, .reason = WEIR_REASON_COUNT},
		{.kind = WEIR_EVENT_DROPPED, .in_port = WEIR_PORTS_MAX},
		{.kind = WEIR_EVENT_DROPPED, .dir = 2},
	};
	const struct weir_event odd = {.kind = WEIR_EVENT_ANOMALY, .reason = WEIR_ANOMALY_COUNT};
	struct seen s = {0};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		mail_put(w->post.out, WORKER_NEWS_DROP, &bad[i], sizeof(bad[i]));
	mail_put(w->post.out, WORKER_NEWS_DROP, &good, sizeof(good) - 1);
	mail_put(w->post.out, WORKER_NEWS_ANOMALY, &odd, sizeof(odd));
	mail_put(w->post.out, MAIL_TYPES_MAX - 1, "", 0);
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, 0);
	assert_int_equal(w->post.unsound, ARRAY_SIZE(bad) + 3);
	mail_put(w->post.out, WORKER_NEWS_DROP, &good, sizeof(good));
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, 1);
}

/*
 * 200,000 drops in bursts, which the descriptor announces: none is lost, where the rings of 128
 * events that were read ten times a second let 1,280 through.
 */
static void bursts_wake_the_reader(void **state)
{
	struct worker *w = *state;
	struct pollfd p = {.fd = worker_news_fd(w), .events = POLLIN};
	struct seen s = {0};
	uint64_t begin = time_now_ns(), ns;

	for (unsigned int i = 0; i < 200000; i++) {
		drop(w, i, WEIR_ACTION_DROP);
		if (poll(&p, 1, 0) == 1)
			worker_read_news(w, &seen, &s);
	}
	worker_read_news(w, &seen, &s);
	ns = time_now_ns() - begin;
	print_message("events: %.0f a second and worker\n", 200000 * 1e9 / (double)ns);
	assert_int_equal(s.count, 200000);
	assert_int_equal(s.last.flow.id, 199999);
	assert_int_equal(w->counters.news_lost[WORKER_NEWS_DROP], 0);
	assert_int_equal(poll(&p, 1, 0), 0);
}

static void nobody_wants_events(void **state)
{
	struct worker *w = *state;
	struct seen s = {0};

	w->shared->gate->ctl.flags = 0;
	drop(w, 1, WEIR_ACTION_DROP);
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, 0);
	assert_int_equal(w->counters.news_lost[WORKER_NEWS_DROP], 0);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(a_drop_tells_what_and_why),
		WITH(a_drop_has_its_packets_headers),
		WITH(what_does_not_fit_is_counted),
		WITH(anomalies_have_half_of_the_room),
		WITH(events_that_no_worker_writes_are_refused),
		WITH(bursts_wake_the_reader),
		WITH(nobody_wants_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* What a worker knows of flows, on its way to the daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "worker/worker_private.h"

static int setup(void **state)
{
	struct worker *w = calloc(1, sizeof(*w));
	struct worker_shared *shared = calloc(1, sizeof(*shared));
	struct policy *policy = calloc(1, sizeof(*policy));

	if (!w || !shared || !policy)
		return -1;
	policy->event_protocols = POLICY_EVENT_DNS;
	shared->policy = policy;
	w->shared = shared;
	w->now_ns = 77;
	assert_int_equal(post_open(&w->post, -1), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct worker *w = *state;

	post_close(&w->post);
	free((void *)w->shared->policy);
	free(w->shared);
	free(w);
	return 0;
}

struct seen {
	unsigned int count, dns, records;
	char url[32];
	uint64_t first, last;
	char hostname[32];
};

static void see(const struct worker_note *n, void *arg)
{
	struct seen *s = arg;

	if (s->count++ == 0)
		s->first = n->flow_id;
	s->last = n->flow_id;
	s->dns += n->dns != NULL;
	if (n->record) {
		size_t len;
		const char *url = app_record_get(n->record, APP_TEXT_URL, &len);

		s->records++;
		memcpy(s->url, url, len);
	}
	if (n->details)
		strncpy(s->hostname, flow_details_text(n->details, FLOW_HOSTNAME),
			sizeof(s->hostname) - 1);
	assert_int_equal(n->time_ns, 77);
}

static void no_event(const struct weir_event *e, const struct packet_header *packet, void *arg)
{
	fail();
}

static const struct worker_reader seen = {.event = no_event, .note = see};

static struct flow flow_of(uint64_t id, const char *hostname)
{
	struct flow f = {.id = id, .decided = true};

	if (hostname)
		assert_int_equal(flow_set_hostname(&f, hostname, FLOW_NAME_SNI), 0);
	return f;
}

static void details_are_told_once(void **state)
{
	struct worker *w = *state;
	struct flow f = flow_of(5, "www.example.org");
	struct seen s = {0};

	worker_note_details(w, &f);
	assert_null(f.details);
	worker_note_details(w, &f); /* nothing left to tell */
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.first, 5);
	assert_string_equal(s.hostname, "www.example.org");
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, 1);
}

/* Undecided flows, and flows that the gate does not know. */
static void what_is_not_told(void **state)
{
	struct worker *w = *state;
	struct flow undecided = flow_of(5, "a.example"), inner = flow_of(0, "b.example");
	struct seen s = {0};

	undecided.decided = false;
	worker_note_details(w, &undecided);
	worker_note_details(w, &inner);
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, 0);
	flow_details_free(&undecided);
	flow_details_free(&inner);
}

/* What does not get into the ring stays with the flow, and is counted. */
static void a_full_ring_loses_the_newest(void **state)
{
	struct worker *w = *state;
	struct seen s = {0};
	uint64_t id = 0, kept;

	for (;;) {
		struct flow f = flow_of(++id, "www.example.org");

		worker_released(&f, w);
		if (f.details) {
			flow_details_free(&f);
			break;
		}
	}
	kept = id - 1;
	assert_true(kept > 5120);
	assert_int_equal(w->counters.news_lost[WORKER_NEWS_DETAILS], 1);
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, kept);
	assert_int_equal(s.last, kept);
}

static void records_are_told_with_their_texts(void **state)
{
	struct worker *w = *state;
	struct flow f = flow_of(5, NULL), inner = flow_of(0, NULL);
	struct app_message m = {.flow = &f};
	struct app_record r = {.kind = APP_RECORD_HTTP, .status = 200};
	struct seen s = {0};

	app_record_text(&r, APP_TEXT_URL, "/index", 6);
	worker_told(w, &m, &r);
	m.flow = &inner;
	worker_told(w, &m, &r);
	m.flow = &f;
	r.kind = APP_RECORD_COUNT;
	worker_told(w, &m, &r);
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.records, 1);
	assert_int_equal(s.first, 5);
	assert_string_equal(s.url, "/index");
	assert_int_equal(w->post.unsound, 1);
}

static void answers_are_told_where_they_are_wanted(void **state)
{
	struct worker *w = *state;
	struct flow f = flow_of(5, NULL);
	const struct app_message m = {.flow = &f};
	const struct app_dns answer = {.name = "www.example.org"};
	struct seen s = {0};

	worker_answered(w, &m, &answer);
	((struct policy *)w->shared->policy)->event_protocols = POLICY_EVENT_TLS;
	worker_answered(w, &m, &answer);
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.dns, 1);
}

static void see_answer(const struct worker_note *n, void *arg)
{
	assert_int_equal(n->dns->count, 2);
	assert_string_equal(n->dns->name, "www.example.org");
	assert_string_equal(n->dns->record[0].target, "host.example.org");
	assert_int_equal(n->dns->record[1].ttl_seconds, 60);
	++*(unsigned int *)arg;
}

static void answers_arrive_with_their_records(void **state)
{
	struct worker *w = *state;
	const struct worker_reader reader = {.event = no_event, .note = see_answer};
	struct flow f = flow_of(5, NULL);
	const struct app_message m = {.flow = &f};
	const struct app_dns answer = {.name = "www.example.org",
				       .count = 2,
				       .record = {{.type = 5, .target = "host.example.org"},
						  {.type = 1, .ttl_seconds = 60}}};
	unsigned int count = 0;

	worker_answered(w, &m, &answer);
	worker_read_news(w, &reader, &count);
	assert_int_equal(count, 1);
}

/* ---- what no worker writes ---- */

struct forged {
	struct post_note note;
	union {
		struct app_dns dns;
		uint8_t details[64];
	};
};

static void send_forged(struct worker *w, enum worker_news kind, const struct forged *f, size_t len)
{
	assert_int_equal(mail_put(w->post.out, kind, f, len), 0);
}

static void forged_notes_are_refused(void **state)
{
	struct worker *w = *state;
	struct flow flow = flow_of(5, "www.example.org");
	struct forged f = {.note = {.time_ns = 77}}, g;
	size_t len = sizeof(f.note) + flow_details_bytes(flow.details), dns;
	struct seen s = {0};

	memcpy(f.details, flow.details, len - sizeof(f.note));
	send_forged(w, WORKER_NEWS_DETAILS, &f, len);
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, 1);
	send_forged(w, WORKER_NEWS_DETAILS, &f, len - 1); /* the text does not end */
	send_forged(w, WORKER_NEWS_DETAILS, &f, len + 1);
	send_forged(w, WORKER_NEWS_DETAILS, &f, sizeof(f.note) - 1);
	send_forged(w, WORKER_NEWS_DETAILS, &f, sizeof(f.note));
	g = f;
	g.note.origin = 2;
	send_forged(w, WORKER_NEWS_DETAILS, &g, len);
	g = f;
	g.note.in_port = WEIR_PORTS_MAX;
	send_forged(w, WORKER_NEWS_DETAILS, &g, len);
	g = f;
	g.details[flow_details_bytes(flow.details) - 3] = '\n';
	send_forged(w, WORKER_NEWS_DETAILS, &g, len);
	dns = offsetof(struct forged, dns) + offsetof(struct app_dns, record);
	g = (struct forged){.dns = {.count = 1}};
	send_forged(w, WORKER_NEWS_DNS, &g, dns);
	g = (struct forged){.dns = {.count = APP_DNS_RECORDS_MAX + 1}};
	send_forged(w, WORKER_NEWS_DNS, &g, sizeof(g));
	g = (struct forged){.note = {.time_ns = 77}};
	memset(g.dns.name, 'a', sizeof(g.dns.name));
	send_forged(w, WORKER_NEWS_DNS, &g, dns);
	g = (struct forged){.note = {.time_ns = 77}};
	memset(&g.dns.query, 7, 1);
	send_forged(w, WORKER_NEWS_DNS, &g, dns);
	worker_read_news(w, &seen, &s);
	assert_int_equal(s.count, 1);
	assert_int_equal(w->post.unsound, 11);
	flow_details_free(&flow);
}

/* 100,000 notes, of which the old ring, read ten times a second, took 5,120 a second. */
static void bursts_are_told_whole(void **state)
{
	struct worker *w = *state;
	struct pollfd p = {.fd = worker_news_fd(w), .events = POLLIN};
	struct seen s = {0};
	uint64_t begin = time_now_ns(), ns;

	for (uint64_t id = 1; id <= 100000; id++) {
		struct flow f = flow_of(id, "www.example.org");

		worker_note_details(w, &f);
		assert_null(f.details);
		if (poll(&p, 1, 0) == 1)
			worker_read_news(w, &seen, &s);
	}
	worker_read_news(w, &seen, &s);
	ns = time_now_ns() - begin;
	print_message("notes: %.0f a second and worker\n", 100000 * 1e9 / (double)ns);
	assert_int_equal(s.count, 100000);
	assert_int_equal(w->counters.news_lost[WORKER_NEWS_DETAILS], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(details_are_told_once),
		TEST(what_is_not_told),
		TEST(a_full_ring_loses_the_newest),
		TEST(records_are_told_with_their_texts),
		TEST(answers_are_told_where_they_are_wanted),
		TEST(answers_arrive_with_their_records),
		TEST(forged_notes_are_refused),
		TEST(bursts_are_told_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

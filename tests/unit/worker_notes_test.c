// SPDX-License-Identifier: GPL-2.0-only
/* What a worker knows of flows, on its way to the daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct worker *w = *state;

	worker_read_notes(w, NULL, NULL);
	free((void *)w->shared->policy);
	free(w->shared);
	free(w);
	return 0;
}

struct seen {
	unsigned int count, dns;
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
	if (n->details)
		strncpy(s->hostname, flow_details_text(n->details, FLOW_HOSTNAME),
			sizeof(s->hostname) - 1);
	assert_int_equal(n->time_ns, 77);
}

static struct flow flow_of(uint64_t id, const char *hostname)
{
	struct flow f = {.id = id, .decided = true};

	if (hostname)
		assert_int_equal(flow_set_hostname(&f, hostname, FLOW_NAME_SNI), 0);
	return f;
}

static void details_change_hands(void **state)
{
	struct worker *w = *state;
	struct flow f = flow_of(5, "www.example.org");
	struct seen s = {0};

	worker_note_details(w, &f);
	assert_null(f.details);
	worker_note_details(w, &f); /* nothing left to tell */
	worker_read_notes(w, see, &s);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.first, 5);
	assert_string_equal(s.hostname, "www.example.org");
	worker_read_notes(w, see, &s);
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
	worker_read_notes(w, see, &s);
	assert_int_equal(s.count, 0);
	flow_details_free(&undecided);
	flow_details_free(&inner);
}

/* What does not get into the ring stays with the flow, and is counted. */
static void a_full_ring_loses_the_newest(void **state)
{
	struct worker *w = *state;
	struct seen s = {0};

	for (uint64_t id = 1; id <= WORKER_NOTES + 3; id++) {
		struct flow f = flow_of(id, "www.example.org");

		worker_released(&f, w);
		assert_int_equal(f.details != NULL, id > WORKER_NOTES);
		flow_details_free(&f);
	}
	assert_int_equal(w->counters.notes_lost, 3);
	worker_read_notes(w, see, &s);
	assert_int_equal(s.count, WORKER_NOTES);
	assert_int_equal(s.last, WORKER_NOTES);
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
	worker_read_notes(w, see, &s);
	assert_int_equal(s.dns, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(details_change_hands),
		TEST(what_is_not_told),
		TEST(a_full_ring_loses_the_newest),
		TEST(answers_are_told_where_they_are_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

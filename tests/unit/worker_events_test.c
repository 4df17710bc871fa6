// SPDX-License-Identifier: GPL-2.0-only
/* Events of a worker on their way to the daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

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
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct worker *w = *state;

	free(w->shared->gate);
	free(w->shared);
	free(w);
	return 0;
}

struct seen {
	unsigned int count;
	struct weir_event first, last;
};

static void see(const struct weir_event *e, void *arg)
{
	struct seen *s = arg;

	if (s->count++ == 0)
		s->first = *e;
	s->last = *e;
}

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
	worker_read_events(w, see, &s);
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
	worker_read_events(w, see, &s);
	assert_int_equal(s.count, 2);
}

static void what_does_not_fit_is_counted(void **state)
{
	struct worker *w = *state;
	struct seen s = {0};

	for (unsigned int i = 0; i < WORKER_EVENTS + 5; i++)
		drop(w, i, WEIR_ACTION_DROP);
	worker_read_events(w, see, &s);
	assert_int_equal(s.count, WORKER_EVENTS);
	assert_int_equal(s.last.flow.id, WORKER_EVENTS - 1);
	assert_int_equal(w->counters.events_lost, 5);
	drop(w, 1000, WEIR_ACTION_DROP);
	worker_read_events(w, see, &s);
	assert_int_equal(s.last.flow.id, 1000);
	assert_int_equal(s.last.flow.payloads, 255);
}

/* Anomalies are one each, and leave room for drops. */
static void anomalies_have_half_of_the_room(void **state)
{
	struct worker *w = *state;
	const struct weir_punt punt = {.in_port = 2, .flags = WEIR_PUNT_DIR};
	const struct flow flow = {.id = 5, .app = 9};
	struct seen s = {0};

	worker_event_anomalies(w, &flow, &punt,
			       1u << WEIR_ANOMALY_CONTRADICTION | 1u << WEIR_ANOMALY_AFTER_FIN);
	worker_read_events(w, see, &s);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.first.kind, WEIR_EVENT_ANOMALY);
	assert_int_equal(s.first.reason, WEIR_ANOMALY_CONTRADICTION);
	assert_int_equal(s.last.reason, WEIR_ANOMALY_AFTER_FIN);
	assert_int_equal(s.last.in_port, 2);
	assert_int_equal(s.last.dir, 1);
	assert_int_equal(s.last.flow.id, 5);
	for (unsigned int i = 0; i < WORKER_EVENTS; i++)
		worker_event_anomalies(w, &flow, &punt, 1);
	assert_int_equal(w->counters.events_lost, WORKER_EVENTS / 2);
	for (unsigned int i = 0; i < WORKER_EVENTS / 2; i++)
		drop(w, i, WEIR_ACTION_DROP);
	assert_int_equal(w->counters.events_lost, WORKER_EVENTS / 2);
	worker_read_events(w, see, &s);
	assert_int_equal(s.count, 2 + WORKER_EVENTS);
	assert_int_equal(s.last.kind, WEIR_EVENT_DROPPED);
}

static void nobody_wants_events(void **state)
{
	struct worker *w = *state;
	struct seen s = {0};

	w->shared->gate->ctl.flags = 0;
	drop(w, 1, WEIR_ACTION_DROP);
	worker_read_events(w, see, &s);
	assert_int_equal(s.count, 0);
	assert_int_equal(w->counters.events_lost, 0);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(a_drop_tells_what_and_why),
		WITH(what_does_not_fit_is_counted),
		WITH(anomalies_have_half_of_the_room),
		WITH(nobody_wants_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

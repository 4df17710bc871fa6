// SPDX-License-Identifier: GPL-2.0-only
/* Events of a worker, from its thread to the daemon's: a ring with one writer and one reader. */
#include <string.h>

#include "worker/worker_private.h"

static enum weir_reason reason_of(const struct flow *f, const struct weir_cell *cell)
{
	if (f->tunnel)
		return WEIR_REASON_DROP_TUNNEL;
	return cell->action == WEIR_ACTION_RESET ? WEIR_REASON_DROP_RESET
						 : WEIR_REASON_DROP_VERDICT;
}

/* Anomalies have half of the ring, so that a flood of them leaves room for what was dropped. */
#define ANOMALIES_MAX (WORKER_EVENTS / 2)

/* The next free place, of which `room` are for this kind of event; NULL when there is none. */
static struct weir_event *event_begin(struct worker *w, uint32_t room)
{
	struct worker_events *r = &w->events;
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (!(gate_ctl(w->shared->gate)->flags & WEIR_CTL_EVENTS))
		return NULL;
	if (head - atomic_load_explicit(&r->tail, memory_order_acquire) >= room) {
		w->counters.events_lost++;
		return NULL;
	}
	return &r->event[head % WORKER_EVENTS];
}

static void event_end(struct worker *w)
{
	struct worker_events *r = &w->events;
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

static void fill(struct worker *w, struct weir_event *e, enum weir_event_kind kind,
		 const struct flow *f, const struct weir_punt *punt)
{
	*e = (struct weir_event){
		.time_ns = w->now_ns,
		.key = f->key,
		.kind = (uint8_t)kind,
		.in_port = punt->in_port,
		.dir = weir_punt_dir(punt),
		.flow = {.id = f->id,
			 .flags = f->origin ? WEIR_FLOW_ORIGIN : 0,
			 .app = f->app,
			 .method = f->method,
			 .confidence = f->confidence,
			 .payloads = flow_payloads(f)},
	};
}

void worker_event_drop(struct worker *w, const struct flow *f, const struct weir_punt *punt,
		       const struct weir_cell *cell)
{
	struct weir_event *e = event_begin(w, WORKER_EVENTS);

	if (!e)
		return;
	fill(w, e, WEIR_EVENT_DROPPED, f, punt);
	e->reason = reason_of(f, cell);
	e->flow.rule = cell->rule;
	e->flow.action = cell->action;
	event_end(w);
}

void worker_event_anomalies(struct worker *w, const struct flow *f, const struct weir_punt *punt,
			    uint16_t anomalies)
{
	for (unsigned int i = 0; i < WEIR_ANOMALY_COUNT; i++) {
		struct weir_event *e;

		if (!(anomalies >> i & 1))
			continue;
		e = event_begin(w, ANOMALIES_MAX);
		if (!e)
			continue;
		fill(w, e, WEIR_EVENT_ANOMALY, f, punt);
		e->reason = (uint8_t)i;
		event_end(w);
	}
}

void worker_read_events(struct worker *w, void (*fn)(const struct weir_event *, void *), void *arg)
{
	struct worker_events *r = &w->events;
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);

	for (; tail != head; tail++) {
		fn(&r->event[tail % WORKER_EVENTS], arg);
		atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	}
}

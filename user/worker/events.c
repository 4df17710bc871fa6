// SPDX-License-Identifier: GPL-2.0-only
/* Events of a worker, from its thread to the daemon's: a ring with one writer and one reader. */
#include <string.h>

#include "worker/worker_private.h"

static void fill(struct weir_event *e, const struct flow *f, const struct weir_punt *punt,
		 const struct weir_cell *cell)
{
	*e = (struct weir_event){
		.key = f->key,
		.kind = WEIR_EVENT_DROPPED,
		.reason = cell->action == WEIR_ACTION_RESET ? WEIR_REASON_DROP_RESET
							    : WEIR_REASON_DROP_VERDICT,
		.port = punt->in_port,
		.dir = punt->dir,
		.flow = {.id = f->id,
			 .flags = f->origin ? WEIR_FLOW_ORIGIN : 0,
			 .app = f->app,
			 .rule = cell->rule,
			 .action = cell->action,
			 .method = f->method,
			 .confidence = f->confidence,
			 .payloads = flow_payloads(f)},
	};
}

void worker_event_drop(struct worker *w, const struct flow *f, const struct weir_punt *punt,
		       const struct weir_cell *cell)
{
	struct worker_events *r = &w->events;
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	struct weir_event *e = &r->event[head % WORKER_EVENTS];

	if (!(gate_ctl(w->shared->gate)->flags & WEIR_CTL_EVENTS))
		return;
	if (head - atomic_load_explicit(&r->tail, memory_order_acquire) == WORKER_EVENTS) {
		w->counters.events_lost++;
		return;
	}
	fill(e, f, punt, cell);
	e->time_ns = w->now_ns;
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
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

// SPDX-License-Identifier: GPL-2.0-only
/* What a worker knows of a flow beyond its verdict, from its thread to the daemon's: a ring with
 * one writer and one reader. Texts change hands; nothing is copied. */
#include <string.h>

#include "worker/worker_private.h"

static struct worker_note *note_begin(struct worker *w)
{
	struct worker_notes *r = &w->notes;
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&r->tail, memory_order_acquire) == WORKER_NOTES) {
		w->counters.notes_lost++;
		return NULL;
	}
	return &r->note[head % WORKER_NOTES];
}

static void note_end(struct worker *w)
{
	uint32_t head = atomic_load_explicit(&w->notes.head, memory_order_relaxed);

	atomic_store_explicit(&w->notes.head, head + 1, memory_order_release);
}

static void fill(struct worker *w, struct worker_note *n, const struct flow *f)
{
	*n = (struct worker_note){
		.time_ns = w->now_ns,
		.flow_id = f->id,
		.key = f->key,
		.origin = f->origin,
		.port = w->note_port,
		.app = f->app,
	};
}

void worker_note_details(struct worker *w, struct flow *f)
{
	struct worker_note *n;

	if (!f->id || !f->decided || !f->details)
		return;
	n = note_begin(w);
	if (!n)
		return;
	fill(w, n, f);
	n->details = f->details;
	f->details = NULL;
	note_end(w);
}

void worker_released(struct flow *f, void *arg)
{
	worker_note_details(arg, f);
}

void worker_answered(void *arg, const struct app_message *m, const struct app_dns *answer)
{
	struct worker *w = arg;
	struct worker_note *n;
	struct app_dns *copy;

	if (!(w->shared->policy->event_protocols & POLICY_EVENT_DNS) || !m->flow->id)
		return;
	copy = malloc(sizeof(*copy));
	n = copy ? note_begin(w) : NULL;
	if (!n) {
		free(copy);
		return;
	}
	*copy = *answer;
	fill(w, n, m->flow);
	n->dns = copy;
	note_end(w);
}

static void note_drop(struct worker_note *n)
{
	struct flow holder = {.details = n->details};

	flow_details_free(&holder);
	free(n->dns);
}

void worker_read_notes(struct worker *w, void (*fn)(const struct worker_note *, void *), void *arg)
{
	struct worker_notes *r = &w->notes;
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);

	for (; tail != head; tail++) {
		struct worker_note *n = &r->note[tail % WORKER_NOTES];

		if (fn)
			fn(n, arg);
		note_drop(n);
		atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	}
}

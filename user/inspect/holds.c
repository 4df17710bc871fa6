// SPDX-License-Identifier: GPL-2.0-only
/*
 * What consumers hold. A hold ends when it is released or its deadline passes; the frames of a
 * direction go when its last one ends, with the strictest answer of all.
 */
#include <string.h>

#include "inspect/reading.h"

static bool is_open(const struct hold *h, uint64_t now_ns)
{
	return h->handle && h->deadline_ns > now_ns;
}

static bool is_of(const struct hold *h, uint64_t flow_id, uint8_t dir)
{
	return h->flow_id == flow_id && h->dir == dir;
}

/* DROP and RESET are stricter than PASS, in this order (weir/policy.h). */
static uint8_t stricter(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}
_Static_assert(WEIR_ACTION_PASS < WEIR_ACTION_DROP && WEIR_ACTION_DROP < WEIR_ACTION_RESET,
	       "by strictness");

uint64_t holds_next(const struct inspector *i)
{
	return i->settings.online ? i->holds.last + 1 : 0;
}

/* What the worker is told: of several holds for one reason the latest deadline. */
static struct inspect_hold whole(const struct inspector *i, const struct hold *h)
{
	struct inspect_hold out = {.dir = h->dir,
				   .reason = h->reason,
				   .answer = h->answer,
				   .deadline_ns = h->deadline_ns};

	for (size_t n = 0; n < HOLDS_MAX; n++) {
		const struct hold *x = &i->holds.hold[n];

		if (!is_open(x, i->now_ns) || !is_of(x, h->flow_id, h->dir) ||
		    x->reason != h->reason)
			continue;
		out.answer = stricter(out.answer, x->answer);
		if (x->deadline_ns > out.deadline_ns)
			out.deadline_ns = x->deadline_ns;
	}
	return out;
}

static struct hold *free_place(struct inspector *i)
{
	for (size_t n = 0; n < HOLDS_MAX; n++)
		if (!is_open(&i->holds.hold[n], i->now_ns))
			return &i->holds.hold[n];
	return NULL;
}

void holds_take(struct glance *g, uint8_t dir, const struct consumer_answer *a)
{
	struct inspect_outcome *out = g->out;
	struct inspector *i = g->i;
	struct hold *h;

	if (!i->settings.online || !g->f->id)
		return;
	i->holds.last++;
	h = free_place(i);
	if (!h || out->hold_count == INSPECT_HOLDS_MAX) {
		out->hold_refused = stricter(out->hold_refused, a->on_deadline);
		return;
	}
	*h = (struct hold){
		.handle = i->holds.last,
		.flow_id = g->f->id,
		.deadline_ns = a->deadline_ns,
		.dir = dir,
		.reason = a->reason,
		.answer = a->on_deadline,
		.strictest = WEIR_ACTION_PASS,
	};
	out->hold = i->holds.out;
	i->holds.out[out->hold_count++] = whole(i, h);
}

/* Those of the direction that have ended by their deadlines count with their answers. */
static void fold(struct inspector *i, struct hold *ended, uint8_t action)
{
	for (size_t n = 0; n < HOLDS_MAX; n++) {
		struct hold *h = &i->holds.hold[n];

		if (h != ended && h->handle && is_of(h, ended->flow_id, ended->dir))
			h->strictest = stricter(h->strictest, action);
	}
}

void inspector_release_hold(struct inspector *i, uint64_t handle, uint8_t action)
{
	struct hold *h = NULL;
	bool same = false, any = false;

	for (size_t n = 0; n < HOLDS_MAX && handle; n++)
		if (i->holds.hold[n].handle == handle)
			h = &i->holds.hold[n];
	if (!h)
		return;
	action = stricter(action, h->strictest);
	fold(i, h, action);
	h->handle = 0;
	for (size_t n = 0; n < HOLDS_MAX; n++) {
		const struct hold *x = &i->holds.hold[n];

		if (!is_open(x, i->now_ns) || !is_of(x, h->flow_id, h->dir))
			continue;
		any = true;
		same |= x->reason == h->reason;
	}
	/* While others hold the direction, only the reason ends. */
	if (!same && i->settings.released)
		i->settings.released(i->learn_arg, h->flow_id, h->dir, h->reason,
				     any ? WEIR_ACTION_PASS : action);
}

void holds_release(void *arg, uint64_t handle, uint8_t action)
{
	inspector_release_hold(arg, handle, action);
}

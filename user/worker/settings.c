// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hand-over of settings from the daemon's thread to the workers. Each worker has one slot for the
 * settings to take next; an order tells it to read the slot. Settings still in the slot when newer
 * ones replace them were never taken and are freed, so a worker that hangs keeps at most two alive:
 * those it uses and those in its slot.
 */
#include "worker/worker_private.h"

/* ---- the daemon's thread ---- */

int worker_settings_new(struct policy *p, struct signatures *signatures,
			struct worker_settings **out)
{
	struct worker_settings *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->number = 1;
	s->policy = p;
	s->signatures = signatures;
	*out = s;
	return 0;
}

static void settings_free(struct worker_settings *s)
{
	policy_free(s->policy);
	signatures_free(s->signatures);
	free(s);
}

void worker_settings_free(struct worker_settings *s)
{
	while (s) {
		struct worker_settings *older = s->older;

		settings_free(s);
		s = older;
	}
}

unsigned int worker_settings_count(const struct worker_settings *s)
{
	unsigned int n = 0;

	for (; s; s = s->older)
		n++;
	return n;
}

static void tell(struct worker *w, uint64_t number)
{
	w->post.untold =
		mail_put(w->post.orders, WORKER_ORDER_SETTINGS, &number, sizeof(number)) < 0;
}

static void give(struct worker *w, struct worker_settings *s)
{
	struct worker_settings *before = atomic_exchange(&w->offered, s);

	s->holders |= 1u << w->index;
	if (before)
		before->holders &= ~(1u << w->index);
	tell(w, s->number);
}

void worker_settings_give(struct worker_settings *s, struct worker_settings *older,
			  struct worker *const *workers, uint32_t count)
{
	s->older = older;
	s->number = older->number + 1;
	for (uint32_t i = 0; i < count; i++)
		give(workers[i], s);
}

/* A worker that reported settings N no longer uses any before N. */
static bool is_used(const struct worker_settings *s, struct worker *const *workers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (s->holders >> workers[i]->index & 1 && s->number >= workers[i]->post.in_use)
			return true;
	return false;
}

void worker_settings_sweep(struct worker_settings *newest, struct worker *const *workers,
			   uint32_t count)
{
	struct worker_settings **at = &newest->older;

	for (uint32_t i = 0; i < count; i++)
		if (workers[i]->post.untold)
			tell(workers[i], newest->number);
	while (*at) {
		struct worker_settings *s = *at;

		if (is_used(s, workers, count)) {
			at = &s->older;
			continue;
		}
		*at = s->older;
		settings_free(s);
	}
}

/* ---- the worker's thread ---- */

void worker_settings_begin(struct worker *w, const struct worker_shared *shared)
{
	w->own = *shared;
	w->shared = &w->own;
	w->number = w->told = w->post.in_use = shared->settings->number;
	shared->settings->holders |= 1u << w->index;
	w->own.policy = shared->settings->policy;
	w->own.signatures = shared->settings->signatures;
}

void worker_settings_ordered(struct worker *w)
{
	struct worker_settings *s = atomic_exchange(&w->offered, NULL);

	if (s)
		w->next = s;
}

/* Whether any event needs the details of a flow's first messages. */
static bool reads_on(const struct policy *p)
{
	return p->event_protocols & (POLICY_EVENT_TLS | POLICY_EVENT_QUIC | POLICY_EVENT_HTTP) ||
	       policy_asks(p, POLICY_CONDITION_HOSTNAME);
}

void worker_settings_apply(struct worker *w)
{
	const struct policy *p = w->own.policy;

	inspector_set_records(w->inspector, policy_event_records(p));
	inspector_set_packets(w->inspector, p->inspect_packets);
	inspector_set_modules(w->inspector, p->modules_off);
	inspector_set_tunnels(w->inspector,
			      p->inspect_tunnels ? INSPECT_TUNNELS_INNER : INSPECT_TUNNELS_OUTER);
	inspector_set_follow_all(w->inspector, p->follow_all);
	inspector_set_read_on(w->inspector, reads_on(p));
}

/* If memory is short the old settings stay in use, and the next batch tries again. */
static void take_next(struct worker *w)
{
	struct worker_settings *s = w->next;

	if (inspector_set_signatures(w->inspector, s->signatures) < 0)
		return;
	w->own.policy = s->policy;
	w->own.signatures = s->signatures;
	w->number = s->number;
	w->next = NULL;
	worker_settings_apply(w);
}

void worker_settings_take(struct worker *w)
{
	if (w->next)
		take_next(w);
	if (w->told != w->number &&
	    mail_put(w->post.out, WORKER_NEWS_SETTINGS, &w->number, sizeof(w->number)) == 0)
		w->told = w->number;
}

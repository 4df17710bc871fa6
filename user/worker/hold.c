// SPDX-License-Identifier: GPL-2.0-only
/*
 * `fast_pass: false`: TCP segments of flows that are read wait for what is missing before them.
 * They were judged when they came; what holds for the segment that lets them go holds for them.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "worker/worker_private.h"

static struct waiting_key key_of(const struct weir_punt *punt)
{
	return (struct waiting_key){.flow_id = punt->flow_id, .dir = weir_punt_dir(punt)};
}

static void let_go(struct worker *w, const struct waiting_key *key, enum weir_action action)
{
	struct frame f;

	while (waiting_take(w->waiting, key, &f))
		worker_frame_end(w, &f, action);
}

static void let_go_until(struct worker *w, const struct waiting_key *key, uint32_t next,
			 enum weir_action action)
{
	struct frame f;

	while (waiting_take_next(w->waiting, key, next, &f))
		worker_frame_end(w, &f, action);
}

/* A FIN of its own frame would tell the receiver of an end that it has not come to. */
static bool belongs_behind(const struct worker *w, const struct waiting_key *key,
			   const struct packet *p, const struct inspect_outcome *o)
{
	if (p->tcp_flags & TH_RST)
		return false;
	if (p->payload_len > 0)
		return o->out_of_order;
	return p->tcp_flags & TH_FIN && waiting_has(w->waiting, key);
}

static bool hold(struct worker *w, const struct waiting_key *key, const struct frame *f,
		 uint32_t seq)
{
	const struct policy *policy = w->shared->policy;

	if (!policy->hold_out_of_order || policy->inspect_copy) {
		w->counters.fast_passed++;
		return false;
	}
	if (waiting_add(w->waiting, key, f, seq, policy->reassembly_flow, w->now_ns) < 0) {
		w->counters.hold_full++;
		return false;
	}
	w->counters.held++;
	w->counters.waiting_frames = waiting_count(w->waiting);
	return true;
}

bool worker_hold(struct worker *w, const struct frame *f, const struct weir_punt *punt,
		 const struct packet *p, const struct inspect_outcome *o)
{
	struct waiting_key key = key_of(punt);

	/* A frame that no receiver takes tells nothing of the order of others. */
	if (p->proto != IPPROTO_TCP || o->bad_checksum)
		return false;
	if (belongs_behind(w, &key, p, o) && hold(w, &key, f, p->seq))
		return true;
	if (p->tcp_flags & TH_RST)
		let_go(w, &key, WEIR_ACTION_PASS);
	else if (p->payload_len > 0 || p->tcp_flags & TH_FIN)
		let_go_until(w, &key, p->seq, WEIR_ACTION_PASS);
	return false;
}

void worker_hold_after(struct worker *w, const struct weir_punt *punt,
		       const struct inspect_outcome *o, enum weir_action action)
{
	struct waiting_key key = key_of(punt);

	if (!waiting_count(w->waiting) || !o->flow)
		return;
	if (o->flow->decided && !o->flow->inspect && !o->flow->reading)
		let_go(w, &key, action);
	else if (action != WEIR_ACTION_PASS)
		let_go(w, &key, action);
	else if (o->read)
		let_go_until(w, &key, o->next, action);
	w->counters.waiting_frames = waiting_count(w->waiting);
}

void worker_hold_expire(struct worker *w)
{
	uint64_t hold_ns = w->shared->policy->reassembly_hold_ns, since_ns;
	struct waiting_key key;

	while (waiting_oldest(w->waiting, &key, &since_ns) && w->now_ns - since_ns >= hold_ns) {
		w->counters.hold_expired++;
		let_go(w, &key, WEIR_ACTION_PASS);
	}
	w->counters.waiting_frames = waiting_count(w->waiting);
}

void worker_hold_end(struct worker *w, bool stale)
{
	struct waiting_key key;
	uint64_t since_ns;
	struct frame f;

	while (waiting_oldest(w->waiting, &key, &since_ns) && waiting_take(w->waiting, &key, &f)) {
		if (stale)
			worker_frame_lose(w, &f);
		else
			worker_frame_end(w, &f, WEIR_ACTION_PASS);
	}
	w->counters.waiting_frames = 0;
}

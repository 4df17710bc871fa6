/* SPDX-License-Identifier: GPL-2.0-only */
/* Events to the daemon: flows decided and ended, and drops without a flow. */
#ifndef WEIR_EVENT_BPF_H
#define WEIR_EVENT_BPF_H

#include "frame.bpf.h"

#define ENDS_MAX_A_DS	 500 /* in a tenth of a second, beside the sweep's */
#define DECIDED_MAX_A_DS 1000

static __always_inline __u8 flow_opener_port(const struct weir_flow *flow)
{
	return flow->flags & WEIR_FLOW_ORIGIN ? flow->in_port[1] : flow->in_port[0];
}

/* NULL where nobody listens, or the ring is full. */
static __always_inline struct weir_event *event_begin(__u8 kind, __u8 reason)
{
	struct weir_event *e;

	if (!ctl_has(WEIR_CTL_EVENTS))
		return NULL;
	e = bpf_ringbuf_reserve(&weir_events, sizeof(*e), 0);
	if (!e) {
		count_cache(CACHE_EVENTS_LOST);
		return NULL;
	}
	e->time_ns = bpf_ktime_get_ns();
	e->kind = kind;
	e->reason = reason;
	return e;
}

/* A forced wake-up costs fifty times the record; the daemon polls. */
static __always_inline void event_end(struct weir_event *e)
{
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

/* An event of the frame's flow. */
__noinline int flow_event(const struct frame *f, const struct weir_flow *flow, __u8 kind,
			  __u8 reason)
{
	struct weir_event *e;

	if (!f || !flow)
		return 0;
	e = event_begin(kind, reason);
	if (!e)
		return 0;
	e->key = f->pkt.key;
	e->in_port = flow_opener_port(flow);
	e->dir = f->pkt.dir;
	e->flow = *flow;
	event_end(e);
	return 0;
}

/* How a flow ended that has to go, where `otherwise` is why it has to. */
static __always_inline __u8 flow_end_of(const struct weir_flow *flow, __u8 otherwise)
{
	if (flow->flags & WEIR_FLOW_RST)
		return WEIR_END_RST;
	if (weir_flow_closed(flow->flags))
		return WEIR_END_FIN;
	return flow->action == WEIR_ACTION_RESET && flow->resets ? WEIR_END_FORCED : otherwise;
}

/* What user space said of a flow that ends before a frame could take it over. */
static __always_inline void ended_identify(struct weir_flow *flow)
{
	const struct weir_identification *v;
	__u64 id = flow->id;

	v = flow->action == WEIR_ACTION_UNDECIDED ? bpf_map_lookup_elem(&weir_identified, &id)
						  : NULL;
	if (!v)
		return;
	flow->app = v->app;
	flow->method = v->method;
	flow->confidence = v->confidence;
	flow->payloads = v->payloads;
	flow->traits = (__u32)flow->traits | (__u64)v->traits << WEIR_GATE_TRAITS;
}

static __always_inline void ended_fill(struct weir_event *e, const struct weir_flow_key *key,
				       const struct weir_flow *flow, __u8 otherwise)
{
	e->time_ns = bpf_ktime_get_ns();
	e->key = *key;
	e->flow = *flow;
	e->flow.flags &= ~WEIR_FLOW_TOLD;
	ended_identify(&e->flow);
	e->kind = WEIR_EVENT_ENDED;
	e->reason = flow_end_of(&e->flow, otherwise);
	e->in_port = flow_opener_port(&e->flow);
	e->dir = e->flow.flags & WEIR_FLOW_ORIGIN ? 1 : 0;
}

/* Whether an event of a kind that there may be a flood of still goes into this tenth of a second.
 * rate: element of weir_told. */
__noinline int event_in_time(__u32 rate, __u32 clock_ds, __u32 most)
{
	struct weir_told *told = bpf_map_lookup_elem(&weir_told, &rate);

	if (!told)
		return 0;
	if (told->time_ds != clock_ds)
		*told = (struct weir_told){.time_ds = clock_ds};
	return __sync_fetch_and_add(&told->hash, 1) < most;
}

/*
 * Tells that a flow ends which a frame of another one, or of another connection, ends; once. The
 * sweep does it for those that end by themselves.
 */
__noinline int flow_ends(const struct weir_flow_key *key, struct weir_flow *flow, __u32 clock_ds,
			 __u8 otherwise)
{
	struct weir_event *e;

	if (!key || !flow)
		return 0;
	if (__sync_fetch_and_or(&flow->flags, WEIR_FLOW_TOLD) & WEIR_FLOW_TOLD)
		return 0;
	if (!ctl_has(WEIR_CTL_EVENTS))
		return 0;
	if (!event_in_time(WEIR_TOLD_ENDS, clock_ds, ENDS_MAX_A_DS)) {
		count_cache(CACHE_UNTOLD_RATE);
		return 0;
	}
	e = bpf_ringbuf_reserve(&weir_events, sizeof(*e), 0);
	if (!e) {
		count_cache(CACHE_UNTOLD_RING);
		return 0;
	}
	ended_fill(e, key, flow, otherwise);
	count_cache(CACHE_ENDED);
	event_end(e);
	return 0;
}

#define TOLD_AGAIN_DS 600 /* a flow that is dropped over and over is reported once a minute */
#define TOLD_MAX_A_DS 100 /* reports in a tenth of a second */

/*
 * Whether a drop without a flow is to be reported: such a frame has no entry to remember it by, and
 * whoever sends a million of them must not keep the daemon writing.
 */
__noinline int flow_drop_is_news(const struct frame *f)
{
	const struct weir_ctl *ctl = ctl_get();
	struct weir_told *told;
	__u32 hash, index;

	if (!f || !ctl)
		return 0;
	hash = weir_flow_hash(&f->pkt.key, ctl->hash_key) >> 32;
	index = hash & (WEIR_TOLD - 1);
	told = bpf_map_lookup_elem(&weir_told, &index);
	if (!told)
		return 0;
	if (told->hash == hash && told->time_ds && f->clock_ds - told->time_ds < TOLD_AGAIN_DS)
		return 0;
	if (!event_in_time(WEIR_TOLD_DROPS, f->clock_ds, TOLD_MAX_A_DS)) {
		count_cache(CACHE_EVENTS_LOST);
		return 0;
	}
	*told = (struct weir_told){.hash = hash, .time_ds = f->clock_ds};
	return 1;
}

#endif

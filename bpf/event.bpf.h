/* SPDX-License-Identifier: GPL-2.0-only */
/* Events to the daemon: flows decided, closed and evicted, and drops without a flow. */
#ifndef WEIR_EVENT_BPF_H
#define WEIR_EVENT_BPF_H

#include "frame.bpf.h"

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
	e->in_port = f->port;
	e->dir = f->pkt.dir;
	e->flow = *flow;
	event_end(e);
	return 0;
}

/* An event of a flow that the frame at hand is none of. */
__noinline int entry_event(const struct weir_entry *entry, __u8 kind)
{
	struct weir_event *e;

	if (!entry)
		return 0;
	e = event_begin(kind, 0);
	if (!e)
		return 0;
	e->key = entry->key;
	e->flow = entry->flow;
	e->dir = entry->flow.flags & WEIR_FLOW_ORIGIN ? 1 : 0;
	e->in_port = entry->flow.flags & WEIR_FLOW_ORIGIN ? entry->flow.in_port[1]
							  : entry->flow.in_port[0];
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
	__u32 hash, index, last = WEIR_TOLD;
	struct weir_told *told, *rate;

	if (!f || !ctl)
		return 0;
	hash = weir_flow_hash(&f->pkt.key, ctl->hash_key) >> 32;
	index = hash & (WEIR_TOLD - 1);
	told = bpf_map_lookup_elem(&weir_told, &index);
	rate = bpf_map_lookup_elem(&weir_told, &last);
	if (!told || !rate)
		return 0;
	if (told->hash == hash && told->time_ds && f->clock_ds - told->time_ds < TOLD_AGAIN_DS)
		return 0;
	if (rate->time_ds != f->clock_ds)
		*rate = (struct weir_told){.time_ds = f->clock_ds};
	if (__sync_fetch_and_add(&rate->hash, 1) >= TOLD_MAX_A_DS) {
		count_cache(CACHE_EVENTS_LOST);
		return 0;
	}
	*told = (struct weir_told){.hash = hash, .time_ds = f->clock_ds};
	return 1;
}

#endif

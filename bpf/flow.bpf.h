/* SPDX-License-Identifier: GPL-2.0-only */
/* Flow entries: made, seen, followed through TCP's open and close, decided. */
#ifndef WEIR_FLOW_BPF_H
#define WEIR_FLOW_BPF_H

#include "policy.bpf.h"

static __always_inline bool flow_closed(__u32 flags)
{
	const __u32 both = WEIR_FLOW_FIN(0) | WEIR_FLOW_FIN(1);

	return flags & WEIR_FLOW_RST || (flags & both) == both;
}

static __always_inline bool packet_is_syn(const struct packet *p)
{
	return (p->tcp_flags & (PACKET_TCP_SYN | PACKET_TCP_ACK)) == PACKET_TCP_SYN;
}

/* The slot both directions share. The seed is the daemon's, so that nobody outside can choose. */
static __always_inline __u32 flow_slot(const struct frame *f)
{
	const __u32 *word = (const __u32 *)&f->pkt.key;
	__u64 hash = f->ctl->hash_seed;

	for (__u32 i = 0; i < sizeof(f->pkt.key) / sizeof(*word); i++) {
		hash = (hash ^ word[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
	}
	return (__u32)(hash >> 32) & f->ctl->slots_mask;
}

/* A new entry of which this frame is the first. */
static __always_inline void flow_init(const struct frame *f, struct weir_flow *flow)
{
	__u32 dir = f->pkt.dir;

	__builtin_memset(flow, 0, sizeof(*flow));
	flow->id = (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32() | 1;
	flow->created_ds = f->ctl->clock_ds;
	flow->generation = f->generation;
	flow->epoch = f->ctl->epoch;
	flow->slot = flow_slot(f);
	flow->rule = WEIR_RULE_DEFAULT;
	flow->flags = dir ? WEIR_FLOW_ORIGIN : 0;
	if (f->pkt.key.proto == IPPROTO_TCP && !(f->pkt.tcp_flags & PACKET_TCP_SYN))
		flow->flags |= WEIR_FLOW_MIDSTREAM;
	flow->port[0] = dir ? WEIR_PORT_NONE : f->port;
	flow->port[1] = dir ? f->port : WEIR_PORT_NONE;
}

/*
 * Counts a frame of a flow. Two receive queues may bring frames of one direction to two CPUs, hence
 * the atomic adds; the rest is written only when it changes.
 */
static __always_inline void flow_see(const struct frame *f, struct weir_flow *flow)
{
	__u32 dir = f->pkt.dir & 1, now = f->ctl->clock_ds, flags = flow->flags;

	__sync_fetch_and_add(&flow->frames[dir], 1);
	__sync_fetch_and_add(&flow->bytes[dir], f->bytes);
	if (flow->seen_ds != now)
		flow->seen_ds = now;
	if (flow->port[dir] != f->port)
		flow->port[dir] = f->port;
	if (!(flags & WEIR_FLOW_TWOWAY) && dir != (flags & WEIR_FLOW_ORIGIN ? 1 : 0))
		__sync_fetch_and_or(&flow->flags, WEIR_FLOW_TWOWAY);
}

/* Notes SYN, FIN and RST of a TCP segment. Returns whether it closed the connection. */
static __noinline bool flow_track(const struct frame *f, struct weir_flow *flow)
{
	__u32 dir = f->pkt.dir & 1, set = 0, before;

	if (f->pkt.tcp_flags & PACKET_TCP_SYN && !(flow->flags & WEIR_FLOW_SYN(dir))) {
		flow->isn[dir] = f->pkt.seq;
		set |= WEIR_FLOW_SYN(dir);
	}
	if (f->pkt.tcp_flags & PACKET_TCP_FIN)
		set |= WEIR_FLOW_FIN(dir);
	if (f->pkt.tcp_flags & PACKET_TCP_RST)
		set |= WEIR_FLOW_RST;
	before = __sync_fetch_and_or(&flow->flags, set);
	return !flow_closed(before) && flow_closed(before | set);
}

static __always_inline bool flow_is_tracked(const struct packet *p)
{
	return p->tcp_flags & (PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST);
}

static __noinline int flow_event(const struct frame *f, const struct weir_flow *flow, __u8 kind,
				 __u8 reason)
{
	struct weir_event *e;

	if (!(f->ctl->flags & WEIR_CTL_EVENTS))
		return 0;
	e = bpf_ringbuf_reserve(&weir_events, sizeof(*e), 0);
	if (!e) {
		count_cache(CACHE_EVENTS_LOST);
		return -1;
	}
	e->time_ns = bpf_ktime_get_ns();
	e->key = f->pkt.key;
	e->kind = kind;
	e->reason = reason;
	e->port = f->port;
	e->dir = f->pkt.dir;
	e->flow = *flow;
	if (kind == WEIR_EVENT_DROPPED)
		e->flow.id = 0;
	/* A forced wake-up costs fifty times the record; the daemon polls. */
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}

/* Whether frames of this slot and direction are in the slow path. */
static __always_inline bool flow_outstanding(__u32 slot, __u32 dir)
{
	const struct weir_numbers *given = bpf_map_lookup_elem(&weir_given, &slot);
	const struct weir_numbers *done = bpf_map_lookup_elem(&weir_done, &slot);

	return given && done && given->n[dir & 1] != done->n[dir & 1];
}

/* The hand-over bits of a flow that takes the fast path from now on. */
static __always_inline __u32 flow_handover(const struct weir_flow *flow)
{
	if (flow->action != WEIR_ACTION_PASS || flow->flags & WEIR_FLOW_INSPECT)
		return 0;
	return (flow_outstanding(flow->slot, 0) ? WEIR_FLOW_HANDOVER(0) : 0) |
	       (flow_outstanding(flow->slot, 1) ? WEIR_FLOW_HANDOVER(1) : 0);
}

/*
 * Puts a flow that policy_decide() filled into the decided table. What it carried so far is its
 * application's; frames of undecided flows are nobody's. 0, -EEXIST when another CPU was first, or
 * the map's error.
 */
static __noinline int flow_insert(const struct frame *f, struct weir_flow *flow)
{
	__u32 origin = flow->flags & WEIR_FLOW_ORIGIN ? 1 : 0;
	int r;

	flow->decided_ns = bpf_ktime_get_ns();
	flow->generation = f->generation;
	flow->flags |= flow_handover(flow);
	r = bpf_map_update_elem(&weir_decided, &f->pkt.key, flow, BPF_NOEXIST);
	if (r)
		return r;
	count_app(flow->app, origin, flow->frames[0], flow->bytes[0]);
	count_app(flow->app, origin ^ 1, flow->frames[1], flow->bytes[1]);
	count_app_flow(flow->app, flow->method);
	count_rule(f->generation, flow->rule);
	flow_event(f, flow, WEIR_EVENT_DECIDED, 0);
	return 0;
}

static __always_inline void flow_identify(struct weir_flow *flow, const struct weir_verdict *v)
{
	flow->app = v->app < WEIR_APPS_MAX ? v->app : 0;
	flow->method = v->method < WEIR_METHOD_COUNT ? v->method : WEIR_METHOD_NONE;
	flow->confidence = v->confidence;
}

static __always_inline void flow_block(struct weir_flow *flow)
{
	flow->flags |= WEIR_FLOW_BLOCKED;
	flow->action = WEIR_ACTION_DROP;
	flow->rule = WEIR_RULE_DEFAULT;
}

/*
 * Moves an undecided flow into the decided table: identified by v, or (v NULL) blocked. The old
 * entry stays, marked, for the CPU that has just looked it up.
 */
static __noinline int flow_fold(const struct frame *f, struct weir_flow *undecided,
				const struct weir_verdict *v)
{
	struct weir_flow flow = *undecided;
	int r;

	flow.flags &= ~(WEIR_FLOW_MOVED | WEIR_FLOW_BLOCKED);
	if (v) {
		flow_identify(&flow, v);
		if (v->flags & WEIR_VERDICT_INSPECT)
			flow.flags |= WEIR_FLOW_INSPECT;
		policy_decide(f, &flow);
	} else {
		flow_block(&flow);
	}
	r = flow_insert(f, &flow);
	__sync_fetch_and_or(&undecided->flags, WEIR_FLOW_MOVED);
	return r;
}

static __always_inline void flow_commit(struct weir_flow *flow, const struct weir_flow *next)
{
	flow->app = next->app;
	flow->method = next->method;
	flow->confidence = next->confidence;
	flow->class[0] = next->class[0];
	flow->class[1] = next->class[1];
	flow->rule = next->rule;
	if (flow->flags & ~next->flags & (WEIR_FLOW_INSPECT | WEIR_FLOW_BLOCKED))
		__sync_fetch_and_and(&flow->flags, next->flags | ~(WEIR_FLOW_INSPECT |
								   WEIR_FLOW_BLOCKED));
	if (next->flags & ~flow->flags)
		__sync_fetch_and_or(&flow->flags, next->flags);
	flow->action = next->action;
}

/*
 * Decides a flow again after the generation moved, by what is known about it now. The result is
 * worked out aside, so that another CPU never sees an action that nobody decided.
 */
static __noinline int flow_redecide(const struct frame *f, struct weir_flow *flow)
{
	struct weir_flow next = *flow;
	const struct weir_verdict *v = bpf_map_lookup_elem(&weir_verdicts, &next.id);
	bool changed;

	next.flags &= ~WEIR_FLOW_BLOCKED;
	if (v) {
		flow_identify(&next, v);
		next.flags &= ~WEIR_FLOW_INSPECT;
		next.flags |= v->flags & WEIR_VERDICT_INSPECT ? WEIR_FLOW_INSPECT : 0;
	}
	policy_decide(f, &next);
	if (policy_blocked(f))
		flow_block(&next);
	changed = next.action != flow->action || next.app != flow->app;
	/* Frames of a flow that was dropped or inspected may still be in the slow path. */
	if (flow->action != WEIR_ACTION_PASS || flow->flags & ~next.flags & WEIR_FLOW_INSPECT) {
		flow->decided_ns = bpf_ktime_get_ns();
		flow->resets = 0;
		next.flags |= flow_handover(&next);
	}
	flow_commit(flow, &next);
	flow->generation = f->generation;
	if (!changed)
		return 0;
	count_rule(f->generation, flow->rule);
	return flow_event(f, flow, WEIR_EVENT_DECIDED, 0);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Flow entries: creation, counts, TCP state, decision. */
#ifndef WEIR_FLOW_BPF_H
#define WEIR_FLOW_BPF_H

#include "policy.bpf.h"
#include "table.bpf.h"

#define OVERSIZE_MAX 8 /* frames beyond the slow path's reach before a flow stays unknown */

static __always_inline bool packet_is_syn(const struct packet *p)
{
	return (p->tcp_flags & (PACKET_TCP_SYN | PACKET_TCP_ACK)) == PACKET_TCP_SYN;
}

/* A new entry of which this frame is the first. */
static __always_inline void flow_init(const struct frame *f, struct weir_flow *flow)
{
	__u32 dir = f->pkt.dir;

	__builtin_memset(flow, 0, sizeof(*flow));
	flow->id = (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32() | 1;
	flow->created_ns = bpf_ktime_get_ns();
	flow->generation = f->generation;
	flow->rule = WEIR_RULE_DEFAULT;
	flow->flags = dir ? WEIR_FLOW_ORIGIN : 0;
	if (f->pkt.key.proto == IPPROTO_TCP && !(f->pkt.tcp_flags & PACKET_TCP_SYN))
		flow->flags |= WEIR_FLOW_MIDSTREAM;
	if (packet_is_icmp(f->pkt.key.proto)) {
		flow->icmp[0] = f->pkt.seq >> 8;
		flow->icmp[1] = f->pkt.seq;
	}
	flow->in_port[0] = dir ? WEIR_PORT_NONE : f->port;
	flow->in_port[1] = dir ? f->port : WEIR_PORT_NONE;
}

/*
 * Counts a frame of a flow by plain adds: where two receive queues bring frames of one direction to
 * two CPUs at once, the flow (not weir_counters) loses some. The rest is written only when it
 * changes.
 */
static __always_inline void flow_see(const struct frame *f, struct weir_flow *flow)
{
	__u32 dir = f->pkt.dir & 1, flags = flow->flags;

	flow->frames[dir]++;
	flow->bytes[dir] += f->bytes;
	if (flow->seen_ds != f->clock_ds)
		flow->seen_ds = f->clock_ds;
	if (flow->in_port[dir] != f->port)
		flow->in_port[dir] = f->port;
	if (f->pkt.tcp_flags & ~flow->tcp_flags[dir])
		flow->tcp_flags[dir] |= f->pkt.tcp_flags;
	if (!(flags & WEIR_FLOW_TWOWAY) && dir != (flags & WEIR_FLOW_ORIGIN ? 1 : 0))
		__sync_fetch_and_or(&flow->flags, WEIR_FLOW_TWOWAY);
}

static __always_inline bool flow_is_tracked(const struct packet *p)
{
	return p->tcp_flags & (PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST);
}

/* Notes SYN, FIN and RST of a TCP segment. */
__noinline int flow_track(const struct frame *f, struct weir_flow *flow)
{
	__u32 dir, set = 0;

	if (!f || !flow)
		return 0;
	dir = f->pkt.dir & 1;
	if (f->pkt.tcp_flags & PACKET_TCP_SYN && !(flow->flags & WEIR_FLOW_SYN(dir))) {
		flow->isn[dir] = f->pkt.seq;
		set |= WEIR_FLOW_SYN(dir);
	}
	if (f->pkt.tcp_flags & PACKET_TCP_FIN)
		set |= WEIR_FLOW_FIN(dir);
	if (f->pkt.tcp_flags & PACKET_TCP_RST)
		set |= WEIR_FLOW_RST;
	__sync_fetch_and_or(&flow->flags, set);
	return 0;
}

static __always_inline void flow_tell_decision(const struct frame *f, const struct weir_flow *flow)
{
	if (!ctl_has(WEIR_CTL_EVENTS))
		return;
	if (event_in_time(WEIR_TOLD_DECIDED, f->clock_ds, DECIDED_MAX_A_DS))
		flow_event(f, flow, WEIR_EVENT_DECIDED, 0);
	else
		count_cache(CACHE_EVENTS_LOST);
}

static __always_inline __u32 flow_slot(const struct weir_flow *flow)
{
	const struct weir_ctl *ctl = ctl_get();

	return ctl ? weir_flow_slot(flow->id, ctl->slots_mask) : 0;
}

/* Whether frames of this flow and direction are in the slow path. */
static __always_inline bool flow_outstanding(const struct weir_flow *flow, __u32 dir)
{
	const struct weir_ctl *ctl = ctl_get();
	__u32 given = flow->given[dir & 1], index;
	const __u64 *done;

	if (!given || !ctl)
		return false;
	index = weir_done_index(flow->id, dir, ctl->slots_mask);
	done = bpf_map_lookup_elem(&weir_done, &index);
	return done && *done != weir_done_word(flow->id, given);
}

/* The answer was read: free its place in weir_done for another flow. */
static __always_inline void flow_handed_over(const struct weir_flow *flow, __u32 dir)
{
	const struct weir_ctl *ctl = ctl_get();
	__u32 given = flow->given[dir & 1], index;
	__u64 *done;

	if (!given || !ctl)
		return;
	index = weir_done_index(flow->id, dir, ctl->slots_mask);
	done = bpf_map_lookup_elem(&weir_done, &index);
	if (done)
		__sync_val_compare_and_swap(done, weir_done_word(flow->id, given), 0);
}

/* Flags from the flow's identification and peer; INSPECT and TAP follow from them. */
#define FLOW_SKIPS (WEIR_FLOW_SKIP(0) | WEIR_FLOW_SKIP(1))
#define FLOW_ASKED (WEIR_FLOW_ASKED_INSPECT | WEIR_FLOW_ASKED_TAP | WEIR_FLOW_RELEASED | FLOW_SKIPS)
#define FLOW_SAID  (FLOW_ASKED | WEIR_FLOW_PEER_INSPECT | WEIR_FLOW_PEER_TAP)
#define FLOW_WATCH (WEIR_FLOW_INSPECT | WEIR_FLOW_TAP)

/* The directions, as bits, whose payload a flow with these flags still punts. */
static __always_inline __u32 flow_watched(__u32 flags)
{
	if (flags & WEIR_FLOW_TAP)
		return 3;
	return flags & WEIR_FLOW_INSPECT ? ~(flags / WEIR_FLOW_SKIP(0)) & 3 : 0;
}

/* The hand-over bits of a flow of which one direction or both take the fast path from now on. */
static __always_inline __u32 flow_handover(const struct weir_flow *flow, const struct decision *d)
{
	__u32 watched = flow_watched(d->flags), bits = 0;

	if (d->action != WEIR_ACTION_PASS)
		return 0;
	if (!(watched & 1) && flow_outstanding(flow, 0))
		bits = WEIR_FLOW_HANDOVER(0);
	if (!(watched & 2) && flow_outstanding(flow, 1))
		bits |= WEIR_FLOW_HANDOVER(1);
	return bits;
}

static __always_inline void flow_decision(const struct weir_flow *flow, struct decision *d)
{
	__builtin_memset(d, 0, sizeof(*d));
	d->app = flow->app;
	d->method = flow->method;
	d->confidence = flow->confidence;
	d->payloads = flow->payloads;
	d->origin = flow->flags & WEIR_FLOW_ORIGIN ? 1 : 0;
	d->action = WEIR_ACTION_PASS;
	d->rule = WEIR_RULE_DEFAULT;
	d->flags = flow->flags & FLOW_SAID;
	d->class[0] = flow->class[0];
	d->class[1] = flow->class[1];
	d->traits = flow->traits >> WEIR_GATE_TRAITS;
	d->gate_traits = flow->traits;
	d->in_port = d->origin ? flow->in_port[1] : flow->in_port[0];
	d->midstream = flow->flags & WEIR_FLOW_MIDSTREAM ? 1 : 0;
}

/* Classes and traits, which are valid for one generation. */
static __always_inline void flow_describe(struct weir_flow *flow, const struct decision *d)
{
	flow->class[0] = d->class[0];
	flow->class[1] = d->class[1];
	flow->traits = d->gate_traits | (__u64)d->traits << WEIR_GATE_TRAITS;
}

/* Everything but the flags, which other CPUs write too; the action last. */
static __always_inline void flow_adopt(struct weir_flow *flow, const struct decision *d)
{
	flow->app = d->app;
	flow->method = d->method;
	flow->confidence = d->confidence;
	flow->payloads = d->payloads;
	flow_describe(flow, d);
	flow->rule = d->rule;
	flow->pipe = d->pipe;
	flow->exit = d->exit;
	flow->action = d->action;
}

/*
 * Puts the flow in weir_scratch into the decided table with the decision there. What it carried so
 * far is its application's; frames of undecided flows are nobody's. Returns as table_insert().
 */
static __always_inline int flow_insert(const struct frame *f, struct weir_scratch *s)
{
	const struct decision *d = &s->decision;
	struct weir_flow *flow = &s->flow;
	int r;

	flow->flags &= ~(WEIR_FLOW_MOVED | WEIR_FLOW_BLOCKED | FLOW_WATCH | FLOW_SAID);
	/* While it was undecided the slow path sent what there was of it by the wire. */
	if (d->action == WEIR_ACTION_PASS && (flow->given[0] || flow->given[1]))
		flow->flags |= exit_change(flow, d->exit, d->pipe);
	flow->flags |= d->flags | flow_handover(flow, d);
	flow_adopt(flow, d);
	flow->decided_ns = bpf_ktime_get_ns();
	flow->seen_ds = f->clock_ds;
	flow->generation = f->generation;
	r = table_insert(f);
	if (r == -ENOSPC)
		count_cache(CACHE_REFUSED);
	if (r < 0)
		return r;
	count_app(d->app, d->origin & 1, flow->frames[0], flow->bytes[0]);
	count_app(d->app, (d->origin & 1) ^ 1, flow->frames[1], flow->bytes[1]);
	count_app_flow(d->app, d->method);
	count_rule(f->generation, d->rule);
	flow_tell_decision(f, flow);
	return r;
}

/* origin: the side that opened the flow. */
static __always_inline __u32 flow_asked(const struct weir_identification *v, __u32 origin)
{
	__u32 skips = v->flags / WEIR_IDENTIFIED_SKIP_ORIGINATOR & 3;

	if (origin)
		skips = skips >> 1 | (skips & 1) << 1;
	return skips * WEIR_FLOW_SKIP(0) |
	       (v->flags & WEIR_IDENTIFIED_INSPECT ? WEIR_FLOW_ASKED_INSPECT : 0) |
	       (v->flags & WEIR_IDENTIFIED_TAP ? WEIR_FLOW_ASKED_TAP : 0) |
	       (v->flags & WEIR_IDENTIFIED_RELEASE ? WEIR_FLOW_RELEASED : 0);
}

/* What user space says the flow is; false when it says nothing. */
static __always_inline bool flow_consult(__u64 id, struct decision *d)
{
	const struct weir_identification *v = bpf_map_lookup_elem(&weir_identified, &id);

	if (!v)
		return false;
	decision_identify(d, v->app, v->method, v->confidence);
	d->payloads = v->payloads;
	d->traits = v->traits;
	d->flags = (d->flags & ~FLOW_ASKED) | flow_asked(v, d->origin);
	return true;
}

/* Takes over a number that another CPU has given since the entry was copied. */
static __always_inline void flow_catch_up(struct weir_flow *flow, const struct weir_flow *undecided)
{
	if ((__s32)(undecided->given[0] - flow->given[0]) > 0)
		flow->given[0] = undecided->given[0];
	if ((__s32)(undecided->given[1] - flow->given[1]) > 0)
		flow->given[1] = undecided->given[1];
}

/*
 * Decides an undecided flow. 0, or -ENOSPC. The old entry stays, marked, for the CPU that has just
 * looked it up: either that one sees the mark (punt_take) or its number is seen here.
 */
static __always_inline int flow_move(const struct frame *f, struct weir_flow *undecided,
				     struct weir_scratch *s)
{
	struct weir_entry *e;
	int r;

	s->flow = *undecided;
	r = flow_insert(f, s);
	if (r == -ENOSPC)
		return r;
	if (!(__sync_fetch_and_or(&undecided->flags, WEIR_FLOW_MOVED) &
	      (WEIR_FLOW_MOVED | WEIR_FLOW_TOLD)))
		count_cache(CACHE_SETTLED);
	e = table_at(r < 0 ? table_search(f) : r);
	if (e && e->flow.id == undecided->id) {
		flow_catch_up(&e->flow, undecided);
		__sync_fetch_and_or(&e->flow.flags, flow_handover(&e->flow, &s->decision));
	}
	return 0;
}

/*
 * Decides a flow as unknown when it goes on in frames that the slow path cannot take: nobody will
 * ever say what it is.
 */
static __noinline void flow_give_up(const struct frame *f, struct weir_flow *undecided)
{
	struct weir_scratch *s = scratch_get();

	if (++undecided->oversize < OVERSIZE_MAX || !s)
		return;
	flow_decision(undecided, &s->decision);
	policy_decide(f, &s->decision);
	flow_move(f, undecided, s);
}

/*
 * Moves an undecided flow into the decided table when it can be decided: it is blocked since the
 * generation moved, or user space has said what it is. Returns 0 (moved), 1 (stays undecided) or
 * -ENOSPC, with the flow as decided in weir_scratch.
 */
static __noinline int flow_fold(const struct frame *f, struct weir_flow *undecided)
{
	struct weir_scratch *s = scratch_get();

	if (!s)
		return 1;
	flow_decision(undecided, &s->decision);
	if (undecided->generation != f->generation) {
		traits_describe(f, &s->decision);
		flow_describe(undecided, &s->decision);
	}
	if (undecided->generation != f->generation &&
	    policy_blocked(f, s->decision.origin, WEIR_BLOCK_ANY_APP)) {
		decision_block(&s->decision);
	} else {
		undecided->generation = f->generation;
		if (!flow_consult(undecided->id, &s->decision))
			return 1;
		policy_decide(f, &s->decision);
		if (policy_blocked(f, s->decision.origin, s->decision.app))
			decision_block(&s->decision);
	}
	return flow_move(f, undecided, s);
}

/*
 * A direction that takes the slow path again, behind what went by a queueing discipline: its frames
 * wait there as if the exit had changed. A redirect has left before a worker hears of what follows.
 */
static __always_inline __u32 flow_return(const struct weir_flow *flow, const struct decision *d)
{
	if (flow->exit == WEIR_EXIT_WIRE || !(flow_watched(d->flags) & ~flow_watched(flow->flags)))
		return 0;
	return WEIR_FLOW_SETTLE | WEIR_FLOW_QUEUED;
}

/* Decides a flow again, by what is known about it now: the generation or what was said moved. */
__noinline int flow_redecide(const struct frame *f, struct weir_flow *flow)
{
	const __u32 mask = FLOW_WATCH | FLOW_SAID | WEIR_FLOW_BLOCKED;
	struct weir_scratch *s = scratch_get();
	struct decision *d;
	__u32 settle, back;
	bool changed;

	if (!f || !flow || !s)
		return 0;
	d = &s->decision;
	flow_decision(flow, d);
	if (flow->generation != f->generation)
		traits_describe(f, d);
	flow_consult(flow->id, d);
	policy_decide(f, d);
	if (policy_blocked(f, d->origin, d->app))
		decision_block(d);
	changed = d->action != flow->action || d->app != flow->app;
	/* Frames of a flow that was dropped or inspected may still be in the slow path. */
	settle = exit_change(flow, d->exit, d->pipe) | flow_return(flow, d);
	if (d->action != WEIR_ACTION_PASS || flow->action != WEIR_ACTION_PASS)
		settle = 0;
	if (settle || flow->action != WEIR_ACTION_PASS ||
	    flow_watched(flow->flags) & ~flow_watched(d->flags)) {
		flow->decided_ns = bpf_ktime_get_ns();
		flow->resets = 0;
		__sync_fetch_and_or(&flow->flags, flow_handover(flow, d) | settle);
	}
	/* What was on its way to the fast path is not any more. */
	back = flow_watched(d->flags) & ~flow_watched(flow->flags) & ~settle;
	_Static_assert(WEIR_FLOW_HANDOVER(1) == 2, "the bits are those of flow_watched()");
	if (flow->flags & back)
		__sync_fetch_and_and(&flow->flags, ~back);
	if (flow->flags & ~d->flags & mask)
		__sync_fetch_and_and(&flow->flags, d->flags | ~mask);
	if (d->flags & ~flow->flags)
		__sync_fetch_and_or(&flow->flags, d->flags);
	flow_adopt(flow, d);
	flow->generation = f->generation;
	if (!changed)
		return 0;
	count_rule(f->generation, d->rule);
	flow_tell_decision(f, flow);
	return 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verdict: a frame that packet_parse() left with a flow's key ends in one reason. Redirecting,
 * punting, passing and dropping are the hook's.
 */
#ifndef WEIR_VERDICT_BPF_H
#define WEIR_VERDICT_BPF_H

#include "fragment.bpf.h"
#include "peer.bpf.h"
#include "punt.bpf.h"

#define RESETS_MAX	3  /* frames of a flow that are answered with resets */
#define FIRST_UNDECIDED -3 /* first_verdict(): an undecided entry was made */

/* Decides the flow again when its identification changed, for example because the module has read
 * all it needs: it is then handed over like one just decided. */
static __always_inline void flow_inspected(const struct frame *f, struct weir_flow *flow)
{
	__u64 id = flow->id;
	const struct weir_identification *v = bpf_map_lookup_elem(&weir_identified, &id);

	if (v && (flow_asked(v, flow->flags & WEIR_FLOW_ORIGIN) != (flow->flags & FLOW_ASKED) ||
		  v->traits != flow->traits >> WEIR_GATE_TRAITS))
		flow_redecide(f, flow);
}

/* Whether the slow path learns something by the frame: it has payload or ends a stream. */
static __always_inline bool frame_tells(const struct packet *p)
{
	return p->payload || p->tcp_flags & (PACKET_TCP_FIN | PACKET_TCP_RST);
}

/* Punt flags that the frame of an inspected or tapped flow gets; 0 when it is not wanted. A reset
 * ends the streams of both directions, whoever sends it. A tap gets all frames: a program may
 * change lengths, and then acknowledgements are translated. */
static __always_inline __u32 drain_flags(const struct packet *p, __u32 flags)
{
	__u32 wanted = flags & WEIR_FLOW_INSPECT ? flow_watched(flags & ~WEIR_FLOW_TAP) : 0, up;

	if (!(flags & FLOW_WATCH) || (!frame_tells(p) && !(flags & WEIR_FLOW_TAP)))
		return 0;
	if (!frame_tells(p))
		wanted = 0;
	else if (!(p->tcp_flags & PACKET_TCP_RST))
		wanted &= 1 << (p->dir & 1);
	up = wanted ? WEIR_PUNT_INSPECT : 0;
	if (flags & WEIR_FLOW_TAP)
		up |= WEIR_PUNT_TAP | (wanted ? 0 : WEIR_PUNT_DECIDED);
	return up;
}

/* A frame of a direction that takes the fast path goes up all the same: the next ones follow it. */
static __always_inline void flow_lead(struct weir_flow *flow, __u32 bit)
{
	flow->decided_ns = bpf_ktime_get_ns();
	__sync_fetch_and_or(&flow->flags, bit);
}

/*
 * A decided flow that passes, but not past frames still in the slow path: those of an inspected
 * flow, or those punted before the decision. Without a living slow path it takes the fast one. What
 * an inspected flow carries in a direction that is not wanted, and has nothing ahead of it, goes at
 * once.
 */
__noinline int decided_drain(struct frame *f, struct weir_flow *flow)
{
	const struct weir_parked *parked;
	__u32 bit, up, watched;
	bool behind, settles;
	int r;

	if (!f || !flow)
		return WEIR_REASON_STACK_FAILURE;
	bit = WEIR_FLOW_HANDOVER(f->pkt.dir & 1);
	if (flow->flags & FLOW_WATCH)
		flow_inspected(f, flow);
	settles = exit_settles(flow);
	if (!stack_settled(f, flow))
		settles = true;
	up = drain_flags(&f->pkt, flow->flags);
	watched = flow_watched(flow->flags) & bit;
	if (!up && !settles && !watched && !(flow->flags & bit))
		return exit_reason(f, flow);
	behind = flow_outstanding(flow, f->pkt.dir);
	parked = park_find(f, flow);
	if (parked)
		behind = park_follows(f, parked);
	if (!behind && !parked && !settles && flow->flags & bit) {
		__sync_fetch_and_and(&flow->flags, ~bit);
		flow_handed_over(flow, f->pkt.dir);
	}
	f->fallback = exit_reason(f, flow);
	if (!behind && !up && !settles)
		return f->fallback;
	if (settles)
		f->fallback = WEIR_REASON_DROP_HANDOVER;
	r = punt_check(f, flow);
	if (r == WEIR_REASON_PUNTED) {
		if (flow->flags & bit && !parked && punt_is_overdue(f, flow))
			return WEIR_REASON_DROP_HANDOVER;
		if (!up)
			up = WEIR_PUNT_DECIDED;
		else if (!watched)
			flow_lead(flow, bit);
		return punt_take(f, flow, settles ? up | WEIR_PUNT_SETTLE : up);
	}
	if (r == WEIR_REASON_DROP_OVERLOAD && behind)
		return r;
	if (behind && park_is_shut(parked))
		return WEIR_REASON_DROP_PARKED;
	if (flow->flags & bit && (r == WEIR_REASON_STACK_FAILURE || r == WEIR_REASON_DROP_FAILURE))
		__sync_fetch_and_and(&flow->flags, ~bit);
	return f->fallback;
}

/* The first frames of a flow that is reset go up to be answered; a fragment cannot be. */
__noinline int decided_reset(struct frame *f, struct weir_flow *flow)
{
	if (!f || !flow || flow->resets >= RESETS_MAX || f->pkt.part)
		return WEIR_REASON_DROP_RESET;
	if (!f->pkt.payload && !(f->pkt.tcp_flags & PACKET_TCP_SYN))
		return WEIR_REASON_DROP_RESET;
	if (punt_check(f, flow) != WEIR_REASON_PUNTED)
		return WEIR_REASON_DROP_RESET;
	flow->resets++;
	f->fallback = WEIR_REASON_DROP_RESET;
	return punt_take(f, flow, WEIR_PUNT_RESET);
}

static __always_inline int decided_drop(const struct weir_flow *flow)
{
	if (flow->action == WEIR_ACTION_RESET)
		return WEIR_REASON_DROP_RESET;
	return flow->flags & WEIR_FLOW_BLOCKED ? WEIR_REASON_DROP_BLOCKED
					       : WEIR_REASON_DROP_VERDICT;
}

/* The path of almost every frame. */
static __always_inline int decided_end(struct frame *f, struct weir_flow *flow)
{
	__u32 flags;

	if (unlikely(flow->generation != f->generation))
		flow_redecide(f, flow);
	flow_see(f, flow);
	flags = flow->flags;
	count_app(flow->app, (f->pkt.dir & 1) ^ (flags & WEIR_FLOW_ORIGIN ? 1 : 0), 1, f->bytes);
	if (unlikely(flow_is_tracked(&f->pkt)))
		flow_track(f, flow);
	if (flow->action == WEIR_ACTION_PASS) {
		if (unlikely(flags &
			     (WEIR_FLOW_HANDOVER(f->pkt.dir & 1) |
			      WEIR_FLOW_STACKED(f->pkt.dir & 1) | FLOW_WATCH | WEIR_FLOW_SETTLE)))
			return decided_drain(f, flow);
		return exit_reason(f, flow);
	}
	if (frame_other_disabled(f, flow))
		return WEIR_REASON_STACK_DISABLED;
	return flow->action == WEIR_ACTION_RESET ? decided_reset(f, flow) : decided_drop(flow);
}

/* That a decided flow was found is counted with the frame where that is redirected. */
static __always_inline int decided_verdict(struct frame *f, struct weir_flow *flow)
{
	int r = decided_end(f, flow);

	if (r != WEIR_REASON_REDIRECTED)
		count_cache(CACHE_DECIDED);
	return r;
}

/* A flow that is decided and has no place in the table: what is not allowed is dropped all the
 * same. */
static __always_inline int refused_verdict(const struct frame *f, const struct weir_flow *flow)
{
	if (flow->action == WEIR_ACTION_PASS)
		return WEIR_REASON_STACK_TABLE;
	return frame_other_disabled(f, flow) ? WEIR_REASON_STACK_DISABLED : decided_drop(flow);
}

/* Ends a first packet whose peer is known and not allowed; no entry is made. */
static __always_inline int first_drop(struct frame *f, struct weir_flow *flow,
				      const struct decision *d, __u32 reason)
{
	if (frame_other_disabled(f, flow))
		return WEIR_REASON_STACK_DISABLED;
	flow_adopt(flow, d);
	flow->id = 0;
	if (reason != WEIR_REASON_DROP_BLOCKED) {
		count_app_flow(d->app, d->method);
		count_rule(f->generation, d->rule);
	}
	if (flow_drop_is_news(f))
		flow_event(f, flow, WEIR_EVENT_DROPPED, reason);
	if (d->action != WEIR_ACTION_RESET || punt_check(f, flow) != WEIR_REASON_PUNTED)
		return reason;
	f->fallback = reason;
	return punt_take(f, flow, WEIR_PUNT_RESET);
}

/*
 * A frame without a flow. Returns the reason that ends it, or PACKET_FLOW or FIRST_UNDECIDED when
 * it now has an entry. A new undecided entry replaces an old one; a decided one leaves none behind.
 */
static __noinline int first_verdict(struct frame *f, const struct weir_flow_key *key)
{
	struct weir_scratch *s = scratch_get();
	struct decision *d;
	int reason, r;

	count_cache(CACHE_NEW);
	if (!s)
		return WEIR_REASON_STACK_TABLE;
	d = &s->decision;
	flow_init(f, &s->flow);
	flow_decision(&s->flow, d);
	traits_describe(f, d);
	flow_describe(&s->flow, d);
	if (policy_blocked(f, d->origin, WEIR_BLOCK_ANY_APP)) {
		decision_block(d);
		return first_drop(f, &s->flow, d, WEIR_REASON_DROP_BLOCKED);
	}
	reason = peer_identify(f, d);
	if (reason == PACKET_FLOW) {
		r = bpf_map_update_elem(&weir_undecided, key, &s->flow, BPF_ANY);
		if (r)
			return WEIR_REASON_STACK_TABLE;
		count_cache(CACHE_WAITING);
		return FIRST_UNDECIDED;
	}
	policy_decide(f, d);
	if (policy_blocked(f, d->origin, d->app)) {
		decision_block(d);
		return first_drop(f, &s->flow, d, WEIR_REASON_DROP_BLOCKED);
	}
	if (reason_is_drop(reason) && d->action != WEIR_ACTION_PASS)
		return first_drop(f, &s->flow, d, reason);
	bpf_map_delete_elem(&weir_undecided, key);
	r = flow_insert(f, s);
	return r == -ENOSPC ? refused_verdict(f, &s->flow) : PACKET_FLOW;
}

/* Whether a frame without payload has to follow others of its direction into the slow path. */
static __always_inline bool undecided_behind(const struct frame *f, const struct weir_flow *flow)
{
	bool behind = flow_outstanding(flow, f->pkt.dir);
	const struct weir_parked *parked;

	/* Frames wait only while their numbers are outstanding, unless an answer shut the
	 * direction. */
	if (!behind && park_is_bare(f))
		return false;
	parked = park_find(f, flow);
	return parked ? park_follows(f, parked) : behind;
}

/* Whether the slow path learns something by the frame: of an end only where it knows the flow. */
static __always_inline bool undecided_tells(const struct frame *f, const struct weir_flow *flow)
{
	return f->pkt.payload || (frame_tells(&f->pkt) && (flow->given[0] | flow->given[1]) != 0);
}

/*
 * An undecided flow's frame: decided now if it can be (PACKET_FLOW), else the slow path's. One that
 * is allowed and has no place in the table goes by the stack, but not past its own frames.
 */
static __always_inline int undecided_verdict(struct frame *f, struct weir_flow *flow)
{
	const struct weir_scratch *s = scratch_get();
	int r = flow_fold(f, flow);

	if (!r || !s)
		return PACKET_FLOW;
	if (r < 0 && (s->flow.action != WEIR_ACTION_PASS || !flow_outstanding(flow, f->pkt.dir)))
		return refused_verdict(f, &s->flow);
	flow_see(f, flow);
	if (flow_is_tracked(&f->pkt))
		flow_track(f, flow);
	if (!undecided_tells(f, flow) && !undecided_behind(f, flow))
		return WEIR_REASON_STACK_NO_PAYLOAD;
	r = punt_check(f, flow);
	if (r != WEIR_REASON_PUNTED && r != WEIR_REASON_DROP_OVERLOAD &&
	    park_is_shut(park_find(f, flow)))
		return WEIR_REASON_DROP_PARKED;
	if (r == WEIR_REASON_STACK_FAILURE || r == WEIR_REASON_STACK_OVERLOAD ||
	    r == WEIR_REASON_STACK_OVERSIZE)
		stack_note(f, flow);
	if (r == WEIR_REASON_STACK_OVERSIZE)
		flow_give_up(f, flow);
	if (r != WEIR_REASON_PUNTED)
		return r;
	f->fallback = punt_on_failure();
	if (f->exit == WEIR_EXIT_STACK) {
		stack_note(f, flow);
		return punt_take(f, flow, 0);
	}
	return punt_take(f, flow, stack_settled(f, flow) ? 0 : WEIR_PUNT_SETTLE);
}

/* A SYN that is not a retransmission of the one that began this entry. */
static __always_inline bool undecided_restarts(const struct frame *f, const struct weir_flow *flow)
{
	__u32 dir = f->pkt.dir & 1, flags = flow->flags;

	if (!packet_is_syn(&f->pkt))
		return false;
	if (weir_flow_closed(flags) || flags & WEIR_FLOW_MIDSTREAM)
		return true;
	return flags & WEIR_FLOW_SYN(dir) && flow->isn[dir] != f->pkt.seq;
}

/* Another connection takes the place of this one. */
static __always_inline void undecided_ends(const struct weir_flow_key *key, struct weir_flow *flow,
					   __u32 clock_ds)
{
	if (flow->flags & (WEIR_FLOW_MOVED | WEIR_FLOW_TOLD))
		return;
	flow_ends(key, flow, clock_ds, WEIR_END_FORCED);
	count_cache(CACHE_SETTLED);
}

/* A flow that was in the decided table and ended there goes on: what it carried was told. */
static __always_inline void undecided_again(struct weir_flow *flow)
{
	__u32 before = __sync_fetch_and_and(&flow->flags, ~(WEIR_FLOW_MOVED | WEIR_FLOW_TOLD));

	if (before & WEIR_FLOW_MOVED)
		count_cache(CACHE_WAITING);
	flow->frames[0] = flow->frames[1] = 0;
	flow->bytes[0] = flow->bytes[1] = 0;
	flow->tcp_flags[0] = flow->tcp_flags[1] = 0;
	flow->created_ns = bpf_ktime_get_ns();
}

/*
 * The undecided flow of a frame. One that was moved is in the decided table by now; when it is not,
 * it was idle there or made room for another, and is undecided again. What the sweep is just taking
 * out is none.
 */
static __always_inline struct weir_flow *undecided_find(const struct frame *f,
							const struct weir_flow_key *key)
{
	struct weir_flow *flow = bpf_map_lookup_elem(&weir_undecided, key);

	if (!flow)
		return NULL;
	if (undecided_restarts(f, flow)) {
		undecided_ends(key, flow, f->clock_ds);
		return NULL;
	}
	if (flow->flags & WEIR_FLOW_MOVED)
		undecided_again(flow);
	return flow->flags & WEIR_FLOW_TOLD && !weir_flow_closed(flow->flags) ? NULL : flow;
}

/* Everything but a hit in the decided table. restart: a SYN on a flow that was closed. */
__noinline int gate_miss(struct frame *f, int restart)
{
	struct weir_flow *flow = NULL;
	struct weir_flow_key key;
	int r;

	if (!f)
		return WEIR_REASON_STACK_TABLE;
	/* Before Linux 6.2 a map key has to be in the stack, not in an argument's memory. */
	key = f->pkt.key;
	frame_note_mac(f);
	if (restart)
		table_remove(f);
	else
		flow = undecided_find(f, &key);
	if (flow) {
		count_cache(CACHE_UNDECIDED);
	} else {
		r = first_verdict(f, &key);
		if (r != FIRST_UNDECIDED)
			return r;
		flow = bpf_map_lookup_elem(&weir_undecided, &key);
	}
	return flow ? undecided_verdict(f, flow) : WEIR_REASON_STACK_TABLE;
}

/*
 * The reason that ends a frame of a flow. A frame that missed and is decided now (PACKET_FLOW)
 * takes the second round.
 */
static __always_inline int gate_verdict(struct frame *f)
{
	struct weir_flow *flow = table_flow(&f->pkt.key);

	if (unlikely(!flow || (packet_is_syn(&f->pkt) && weir_flow_closed(flow->flags)))) {
		struct weir_entry *e;
		int r = gate_miss(f, !!flow);

		if (r != PACKET_FLOW)
			return r;
		e = table_at(table_search(f));
		if (!e)
			return WEIR_REASON_STACK_TABLE;
		flow = &e->flow;
	}
	return decided_verdict(f, flow);
}

/*
 * Finds the port and fills in what does not come from the frame. Returns PACKET_FLOW, or the reason
 * why the frame is the stack's alone. Without a policy there is nothing to go by: the gate is not
 * configured.
 */
static __always_inline int gate_enter(struct frame *f, __u32 ifindex, const struct weir_port **in)
{
	const struct weir_ctl *ctl = ctl_get();

	f->port = port_of(ifindex);
	*in = bpf_map_lookup_elem(&weir_ports, &f->port);
	if (!ctl || !*in || !f->port || !((*in)->flags & WEIR_PORT_ENABLED))
		return WEIR_REASON_STACK_DISABLED;
	f->generation = ctl->generation;
	f->clock_ds = ctl->clock_ds;
	if (!f->generation)
		return WEIR_REASON_STACK_DISABLED;
	if (!((*in)->flags & WEIR_PORT_FORWARDING))
		return WEIR_REASON_STACK_NOT_FORWARDING;
	return PACKET_FLOW;
}

/*
 * Readies the frame for its headers to be read once more. Returns the port it came in by, NULL
 * where there is no frame (a global function has to ask) or no port.
 */
static __always_inline const struct weir_port *gate_reread(struct frame *f)
{
	__u32 port;

	if (!f)
		return NULL;
	f->pkt.tags = 0;
	f->pkt.key.vlan[0] = f->pkt.key.vlan[1] = 0;
	port = f->port;
	return bpf_map_lookup_elem(&weir_ports, &port);
}

/* An ICMP error about a flow that is dropped goes with it; any other is the stack's. */
__noinline int quoted_verdict(struct frame *f)
{
	struct weir_flow *flow;
	struct weir_entry *e;

	if (!f)
		return WEIR_REASON_STACK_CONTROL;
	e = table_at(table_search(f));
	if (!e)
		return WEIR_REASON_STACK_CONTROL;
	flow = &e->flow;
	if (flow->generation != f->generation)
		flow_redecide(f, flow);
	if (flow->action == WEIR_ACTION_PASS || frame_other_disabled(f, flow))
		return WEIR_REASON_STACK_CONTROL;
	return WEIR_REASON_DROP_ICMP_ERROR;
}

/* Fragments, quotes in ICMP errors and malformed packets. Returns PACKET_FLOW when the frame is to
 * be treated like a whole packet of a flow. */
__noinline int gate_aside(struct frame *f, int r)
{
	if (!f)
		return WEIR_REASON_STACK_TABLE;
	if (r == PACKET_FLOW)
		r = fragment_enter(f);
	else if (r == PACKET_QUOTE)
		r = quoted_verdict(f);
	else if (r < 0)
		r = WEIR_REASON_DROP_MALFORMED;
	if (r == PACKET_FLOW || !reason_is_drop(r))
		frame_note_mac(f);
	return r;
}

/* Ends the frame in one reason, after packet_parse() said r. */
static __always_inline int gate_decide(struct frame *f, int r)
{
	if (unlikely(r != PACKET_FLOW || f->pkt.part))
		r = gate_aside(f, r);
	return r == PACKET_FLOW ? gate_verdict(f) : r;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verdict: a frame that packet_parse() left with a flow's key ends in one reason. Redirecting,
 * punting, passing and dropping are the hook's.
 */
#ifndef WEIR_VERDICT_BPF_H
#define WEIR_VERDICT_BPF_H

#include "punt.bpf.h"

#define RESETS_MAX 3 /* frames of a flow that are answered with resets */

/*
 * A decided flow that passes, but not past frames still in the slow path: those of an inspected
 * flow, or those punted before the decision. Without a living slow path it takes the fast one.
 */
static __noinline int decided_drain(struct frame *f, struct weir_flow *flow)
{
	__u32 bit = WEIR_FLOW_HANDOVER(f->pkt.dir & 1);
	bool inspect = flow->flags & WEIR_FLOW_INSPECT && f->pkt.payload;
	bool behind = flow_outstanding(flow->slot, f->pkt.dir);
	int fast, r;

	if (!behind && flow->flags & bit)
		__sync_fetch_and_and(&flow->flags, ~bit);
	fast = frame_egress(f, flow, WEIR_PORT_REDIRECT);
	if (!behind && !inspect)
		return fast;
	f->fallback = fast;
	r = punt_check(f, flow);
	if (r == WEIR_REASON_PUNTED) {
		if (flow->flags & bit && behind && punt_is_overdue(f, flow))
			return WEIR_REASON_DROP_HANDOVER;
		return punt_take(f, flow, inspect ? WEIR_PUNT_INSPECT : WEIR_PUNT_DECIDED);
	}
	if (r == WEIR_REASON_DROP_OVERLOAD && behind)
		return r;
	if (flow->flags & bit)
		__sync_fetch_and_and(&flow->flags, ~bit);
	return fast;
}

static __noinline int decided_reset(struct frame *f, struct weir_flow *flow)
{
	if (flow->resets >= RESETS_MAX)
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
static __always_inline int decided_verdict(struct frame *f, struct weir_flow *flow)
{
	__u32 flags;

	count_cache(CACHE_DECIDED);
	if (unlikely(flow->generation != f->generation))
		flow_redecide(f, flow);
	flow_see(f, flow);
	flags = flow->flags;
	count_app(flow->app, (f->pkt.dir & 1) ^ (flags & WEIR_FLOW_ORIGIN ? 1 : 0), 1, f->bytes);
	if (unlikely(flow_is_tracked(&f->pkt)) && flow_track(f, flow))
		flow_event(f, flow, WEIR_EVENT_CLOSED, 0);
	if (flow->action == WEIR_ACTION_PASS) {
		if (unlikely(flags & (WEIR_FLOW_HANDOVER(f->pkt.dir & 1) | WEIR_FLOW_INSPECT)))
			return decided_drain(f, flow);
		return frame_egress(f, flow, WEIR_PORT_REDIRECT);
	}
	return flow->action == WEIR_ACTION_RESET ? decided_reset(f, flow) : decided_drop(flow);
}

static __noinline int decided_after_miss(struct frame *f)
{
	struct weir_flow *flow = bpf_map_lookup_elem(&weir_decided, &f->pkt.key);

	return flow ? decided_verdict(f, flow) : WEIR_REASON_STACK_TABLE;
}

/* The first fragment has the ports; without the rest it cannot be forwarded on its own. */
static __noinline int fragment_verdict(struct frame *f)
{
	struct weir_flow *flow = bpf_map_lookup_elem(&weir_decided, &f->pkt.key);

	if (!flow)
		return WEIR_REASON_STACK_FRAGMENT;
	if (flow->generation != f->generation)
		flow_redecide(f, flow);
	if (flow->action == WEIR_ACTION_PASS)
		return WEIR_REASON_STACK_FRAGMENT;
	flow_see(f, flow);
	return decided_drop(flow);
}

static __always_inline bool peer_holds(const struct weir_peer *peer)
{
	return peer && peer->expires_ns > bpf_ktime_get_ns();
}

/* The host tried this service before, from whatever port. */
static __noinline bool peer_reconnects(const struct frame *f, struct weir_flow *flow)
{
	__u32 dir = f->pkt.dir & 1;
	struct weir_reconnect_key key = {.proto = f->pkt.key.proto, .domain = f->pkt.key.domain};
	const struct weir_peer *peer;

	__builtin_memcpy(key.src, dir ? f->pkt.key.addr[1] : f->pkt.key.addr[0], 16);
	__builtin_memcpy(key.dst, dir ? f->pkt.key.addr[0] : f->pkt.key.addr[1], 16);
	key.dport = dir ? f->pkt.key.port[0] : f->pkt.key.port[1];
	peer = bpf_map_lookup_elem(&weir_reconnects, &key);
	if (!peer_holds(peer))
		return false;
	flow->app = peer->app < WEIR_APPS_MAX ? peer->app : 0;
	flow->confidence = peer->confidence;
	flow->method = WEIR_METHOD_RECONNECTION;
	return true;
}

/* What side `1 - to` of the flow was told about side `to`, or side `to` said of itself. */
static __noinline bool peer_is_endpoint(const struct frame *f, struct weir_flow *flow, __u32 to)
{
	struct weir_endpoint_key key = {.domain = f->pkt.key.domain};
	const struct weir_peer *peer;

	__builtin_memcpy(key.host, to ? f->pkt.key.addr[0] : f->pkt.key.addr[1], 16);
	__builtin_memcpy(key.peer, to ? f->pkt.key.addr[1] : f->pkt.key.addr[0], 16);
	key.port = to ? f->pkt.key.port[1] : f->pkt.key.port[0];
	peer = bpf_map_lookup_elem(&weir_endpoints, &key);
	if (!peer_holds(peer)) {
		__builtin_memset(key.host, 0, sizeof(key.host));
		peer = bpf_map_lookup_elem(&weir_endpoints, &key);
	}
	if (!peer_holds(peer))
		return false;
	flow->app = peer->app < WEIR_APPS_MAX ? peer->app : 0;
	flow->confidence = peer->confidence;
	flow->method = WEIR_METHOD_ENDPOINT;
	return true;
}

static __always_inline bool packet_has_ports(const struct packet *p)
{
	return p->key.proto == IPPROTO_TCP || p->key.proto == IPPROTO_UDP;
}

/*
 * What is known of a flow at its first packet: fills application and method. Returns the reason
 * under which the packet would be dropped, PACKET_FLOW when nothing is known. REDIRECTED stands for
 * a protocol that is decided by its number alone and makes an entry whatever the action.
 */
static __always_inline int first_identify(const struct frame *f, struct weir_flow *flow)
{
	__u32 proto = f->pkt.key.proto;
	const __u32 *app;

	if (peer_reconnects(f, flow))
		return WEIR_REASON_DROP_RECONNECTION;
	if (packet_has_ports(&f->pkt)) {
		__u32 dir = f->pkt.dir & 1;

		if (peer_is_endpoint(f, flow, dir ^ 1) || peer_is_endpoint(f, flow, dir))
			return WEIR_REASON_DROP_ENDPOINT;
		return PACKET_FLOW;
	}
	app = bpf_map_lookup_elem(&weir_proto_apps, &proto);
	flow->app = app && *app < WEIR_APPS_MAX ? *app : 0;
	flow->method = flow->app ? WEIR_METHOD_PORT : WEIR_METHOD_NONE;
	flow->confidence = flow->app ? 100 : 0;
	return WEIR_REASON_REDIRECTED;
}

/* Ends a first packet whose peer is known and not allowed; no entry is made. */
static __noinline int first_drop(struct frame *f, struct weir_flow *flow, __u32 reason)
{
	flow->id = 0;
	if (reason != WEIR_REASON_DROP_BLOCKED) {
		count_app_flow(flow->app, flow->method);
		count_rule(f->generation, flow->rule);
	}
	flow_event(f, flow, WEIR_EVENT_DROPPED, reason);
	if (flow->action != WEIR_ACTION_RESET || punt_check(f, flow) != WEIR_REASON_PUNTED)
		return reason;
	f->fallback = reason;
	return punt_take(f, flow, WEIR_PUNT_RESET);
}

/*
 * A frame without a flow. Returns the reason that ends it, or PACKET_FLOW when it now has an entry:
 * undecided, or (*decided) decided.
 */
static __noinline int first_verdict(struct frame *f, bool *decided)
{
	struct weir_flow flow;
	int reason, r;

	*decided = false;
	count_cache(CACHE_NEW);
	flow_init(f, &flow);
	if (policy_blocked(f)) {
		flow_block(&flow);
		return first_drop(f, &flow, WEIR_REASON_DROP_BLOCKED);
	}
	reason = first_identify(f, &flow);
	if (reason == PACKET_FLOW) {
		r = bpf_map_update_elem(&weir_undecided, &f->pkt.key, &flow, BPF_ANY);
	} else {
		policy_decide(f, &flow);
		if (reason != WEIR_REASON_REDIRECTED && flow.action != WEIR_ACTION_PASS)
			return first_drop(f, &flow, reason);
		*decided = true;
		r = flow_insert(f, &flow);
	}
	return r && r != -17 /* EEXIST */ ? WEIR_REASON_STACK_TABLE : PACKET_FLOW;
}

/* An undecided flow's frame: decided now if it can be, else the slow path's. */
static __always_inline int undecided_verdict(struct frame *f, struct weir_flow *flow, bool *decided)
{
	const struct weir_verdict *v;
	__u64 id = flow->id;
	int r;

	if (flow->generation != f->generation) {
		if (policy_blocked(f)) {
			*decided = true;
			r = flow_fold(f, flow, NULL);
			return r && r != -17 ? WEIR_REASON_DROP_BLOCKED : PACKET_FLOW;
		}
		flow->generation = f->generation;
	}
	v = bpf_map_lookup_elem(&weir_verdicts, &id);
	if (v) {
		*decided = true;
		r = flow_fold(f, flow, v);
		return r && r != -17 ? WEIR_REASON_STACK_TABLE : PACKET_FLOW;
	}
	flow_see(f, flow);
	if (flow_is_tracked(&f->pkt))
		flow_track(f, flow);
	if (!f->pkt.payload && !flow_outstanding(flow->slot, f->pkt.dir))
		return WEIR_REASON_STACK_NO_PAYLOAD;
	r = punt_check(f, flow);
	if (r != WEIR_REASON_PUNTED)
		return r;
	if (flow->epoch != f->ctl->epoch)
		flow->epoch = f->ctl->epoch;
	f->fallback = punt_on_failure(f);
	return punt_take(f, flow, 0);
}

/* A SYN that is not a retransmission of the one that began this entry. */
static __always_inline bool undecided_restarts(const struct frame *f, const struct weir_flow *flow)
{
	__u32 dir = f->pkt.dir & 1, flags = flow->flags;

	if (!packet_is_syn(&f->pkt))
		return false;
	if (flow_closed(flags) || flags & WEIR_FLOW_MIDSTREAM)
		return true;
	return flags & WEIR_FLOW_SYN(dir) && flow->isn[dir] != f->pkt.seq;
}

/*
 * Everything but a hit in the decided table. restart: a SYN on a flow that was closed.
 */
static __noinline int gate_miss(struct frame *f, bool restart)
{
	struct weir_flow *flow = NULL;
	bool decided = false;
	int r;

	frame_note_mac(f);
	if (restart)
		bpf_map_delete_elem(&weir_decided, &f->pkt.key);
	else
		flow = bpf_map_lookup_elem(&weir_undecided, &f->pkt.key);
	if (flow && flow->flags & WEIR_FLOW_MOVED) {
		/* Another CPU has just moved it; or it was evicted since and is undecided again. */
		if (bpf_map_lookup_elem(&weir_decided, &f->pkt.key))
			return decided_after_miss(f);
		__sync_fetch_and_and(&flow->flags, ~WEIR_FLOW_MOVED);
	}
	if (flow && !undecided_restarts(f, flow)) {
		count_cache(CACHE_UNDECIDED);
	} else {
		r = first_verdict(f, &decided);
		if (r != PACKET_FLOW)
			return r;
		if (decided)
			return decided_after_miss(f);
		flow = bpf_map_lookup_elem(&weir_undecided, &f->pkt.key);
		if (!flow)
			return WEIR_REASON_STACK_TABLE;
	}
	r = undecided_verdict(f, flow, &decided);
	return r == PACKET_FLOW && decided ? decided_after_miss(f) : r;
}

/* The reason that ends a frame of a flow. */
static __always_inline int gate_verdict(struct frame *f)
{
	struct weir_flow *flow;

	if (unlikely(f->pkt.fragment)) {
		frame_note_mac(f);
		return fragment_verdict(f);
	}
	flow = bpf_map_lookup_elem(&weir_decided, &f->pkt.key);
	if (unlikely(!flow))
		return gate_miss(f, false);
	if (unlikely(packet_is_syn(&f->pkt)) && flow_closed(flow->flags))
		return gate_miss(f, true);
	return decided_verdict(f, flow);
}

/*
 * The whole of it: fills in what the hook does not know and ends the frame in one reason. r is what
 * packet_parse() said.
 */
static __always_inline int gate_decide(struct frame *f, int r)
{
	if (r == PACKET_FLOW)
		return gate_verdict(f);
	if (r >= 0 && !reason_is_drop(r))
		frame_note_mac(f);
	return r < 0 ? WEIR_REASON_DROP_MALFORMED : r;
}

/*
 * Finds the port. Returns PACKET_FLOW, or the reason why the frame is the stack's alone. Without a
 * policy there is nothing to go by: the gate is not configured.
 */
static __always_inline int gate_enter(struct frame *f, __u32 ifindex)
{
	__u32 zero = 0;

	f->port = port_of(ifindex);
	f->ctl = bpf_map_lookup_elem(&weir_ctl, &zero);
	f->in = bpf_map_lookup_elem(&weir_ports, &f->port);
	if (!f->ctl || !f->in || !f->port || !(f->in->flags & WEIR_PORT_ENABLED))
		return WEIR_REASON_STACK_DISABLED;
	f->generation = f->ctl->generation;
	if (!f->generation)
		return WEIR_REASON_STACK_DISABLED;
	if (!(f->in->flags & WEIR_PORT_FORWARDING))
		return WEIR_REASON_STACK_NOT_FORWARDING;
	return PACKET_FLOW;
}

#endif

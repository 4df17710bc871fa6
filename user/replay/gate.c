// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate's part: flows and their totals, decisions and verdicts. A frame that lets the slow path
 * identify a flow is still an undecided flow's; the decision is the next frame's.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "replay/state.h"
#include "weir/reason.h"

#define SECOND		   UINT64_C(1000000000)
#define TOLD_AGAIN_NS	   (60 * SECOND) /* of drops without a flow */
#define RECONNECT_NS	   (600 * SECOND)
#define RESET_BY_POLICY(f) ((f)->flow.action == WEIR_ACTION_RESET && (f)->key.proto == IPPROTO_TCP)

/* ---- reconnections ---- */

static struct reconnect *reconnect_place(const struct replay *r, const struct weir_reconnect_key *k)
{
	static const uint64_t seed[2] = {3, 4};

	return &r->reconnects[hash_keyed(seed, k, sizeof(*k)) & (RECONNECTS - 1)];
}

static struct weir_reconnect_key reconnect_key(const struct weir_flow_key *key, unsigned int origin)
{
	struct weir_reconnect_key k = {
		.dport = key->port[!origin], .proto = key->proto, .domain = key->domain};

	memcpy(k.src, key->addr[origin], sizeof(k.src));
	memcpy(k.dst, key->addr[!origin], sizeof(k.dst));
	return k;
}

void gate_reconnect_put(struct replay *r, const struct flow *f)
{
	struct weir_reconnect_key k = reconnect_key(&f->key, f->origin);

	*reconnect_place(r, &k) = (struct reconnect){
		.key = k,
		.peer = {.expires_ns = r->now_ns + RECONNECT_NS,
			 .app = f->app,
			 .confidence = f->confidence},
	};
}

static const struct weir_peer *reconnect_find(const struct replay *r, const struct sight *s)
{
	struct weir_reconnect_key k = reconnect_key(&s->packet.key, s->packet.dir);
	const struct reconnect *place = reconnect_place(r, &k);

	if (memcmp(&place->key, &k, sizeof(k)) != 0 || place->peer.expires_ns <= r->now_ns)
		return NULL;
	return &place->peer;
}

/* ---- flows ---- */

static unsigned int origin_of(const struct replay_flow *rf)
{
	return rf->flow.flags & WEIR_FLOW_ORIGIN ? 1 : 0;
}

/* The list that the flow's end is found by. */
static unsigned int idle_class(const struct replay_flow *rf)
{
	bool both = rf->flow.flags & WEIR_FLOW_TWOWAY;
	bool passes =
		rf->flow.action == WEIR_ACTION_PASS || rf->flow.action == WEIR_ACTION_UNDECIDED;

	switch (rf->key.proto) {
	case IPPROTO_TCP:
		if (weir_flow_closed(rf->flow.flags))
			return REPLAY_CLOSED;
		return both && passes ? WEIR_IDLE_TCP : WEIR_IDLE_TCP_NEW;
	case IPPROTO_UDP:
		return both && passes ? WEIR_IDLE_UDP : WEIR_IDLE_UDP_NEW;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return WEIR_IDLE_ICMP;
	default:
		return WEIR_IDLE_OTHER;
	}
}

static enum weir_end end_of(const struct replay_flow *rf)
{
	if (RESET_BY_POLICY(rf))
		return WEIR_END_FORCED;
	if (rf->flow.flags & WEIR_FLOW_RST)
		return WEIR_END_RST;
	return weir_flow_closed(rf->flow.flags) ? WEIR_END_FIN : WEIR_END_IDLE;
}

static void take(struct replay_flow *rf)
{
	const struct weir_flow *next = &rf->next;

	rf->known = false;
	rf->flow.app = next->app;
	rf->flow.method = next->method;
	rf->flow.confidence = next->confidence;
	rf->flow.payloads = next->payloads;
	rf->flow.rule = next->rule;
	rf->flow.action = next->action;
}

/* What comes after an end was told is told again, with the totals of that alone. */
static void end_flow(struct replay *r, struct replay_flow *rf, enum weir_end end, bool cut)
{
	if (rf->refused || (!rf->flow.frames[0] && !rf->flow.frames[1]))
		return;
	/* Identified by its last frame. */
	if (rf->known)
		take(rf);
	tell_ended(r, rf, end, cut);
	memset(rf->flow.frames, 0, sizeof(rf->flow.frames));
	memset(rf->flow.bytes, 0, sizeof(rf->flow.bytes));
}

void gate_flow_quiet(struct replay_flow *rf, void *arg)
{
	end_flow(arg, rf, end_of(rf), false);
}

void gate_flow_cut(struct replay_flow *rf, void *arg)
{
	bool closed = weir_flow_closed(rf->flow.flags) || RESET_BY_POLICY(rf);

	end_flow(arg, rf, end_of(rf), !closed);
}

static struct replay_flow *flow_new(struct replay *r, const struct sight *s, unsigned int origin)
{
	struct replay_flow *rf = replay_flows_add(r->flows, &s->packet.key, r->now_ns);
	bool ethernet = s->frame->link == PACKET_LINK_ETHERNET;

	if (!rf)
		return NULL;
	rf->flow.created_ns = r->now_ns;
	rf->flow.rule = WEIR_RULE_DEFAULT;
	rf->flow.flags = origin ? WEIR_FLOW_ORIGIN : 0;
	rf->in_port = replay_port_of(r, s);
	rf->has_mac = ethernet;
	if (ethernet)
		memcpy(rf->mac, s->frame->data + 6, sizeof(rf->mac));
	if (s->header.icmp) {
		rf->flow.icmp[0] = s->header.icmp_type;
		rf->flow.icmp[1] = s->header.icmp_code;
	}
	r->summary.flows++;
	return rf;
}

static void track_tcp(struct replay_flow *rf, const struct packet *p)
{
	if (p->proto != IPPROTO_TCP)
		return;
	rf->flow.tcp_flags[p->dir] |= p->tcp_flags;
	if (p->tcp_flags & TH_SYN)
		rf->flow.flags |= WEIR_FLOW_SYN(p->dir);
	if (p->tcp_flags & TH_FIN)
		rf->flow.flags |= WEIR_FLOW_FIN(p->dir);
	if (p->tcp_flags & TH_RST)
		rf->flow.flags |= WEIR_FLOW_RST;
}

static void count(struct replay *r, struct replay_flow *rf, const struct packet *p, uint64_t frames,
		  uint64_t bytes)
{
	rf->flow.frames[p->dir] += frames;
	rf->flow.bytes[p->dir] += bytes;
	if (p->dir != origin_of(rf))
		rf->flow.flags |= WEIR_FLOW_TWOWAY;
	rf->flow.seen_ds = (uint32_t)(r->now_ns / (SECOND / 10));
	track_tcp(rf, p);
	replay_flows_see(r->flows, rf, idle_class(rf), r->now_ns);
}

/* ---- decisions ---- */

static bool is_drop(uint8_t action)
{
	return action == WEIR_ACTION_DROP || action == WEIR_ACTION_RESET;
}

/* What the slow path said takes effect. `again`: of a decided flow that is told only when its
 * application or what becomes of it changed. */
static void adopt(struct replay *r, struct replay_flow *rf)
{
	const struct weir_flow *next = &rf->next;
	bool changed = rf->flow.action != next->action || rf->flow.app != next->app;

	take(rf);
	if (changed)
		tell_identified(r, rf);
}

static void decide(struct replay_flow *rf, const struct flow *f, const struct weir_cell *cell)
{
	rf->next = (struct weir_flow){
		.app = f->app,
		.method = f->method,
		.confidence = f->confidence,
		.payloads = flow_payloads(f),
		.rule = cell->rule,
		.action = cell->action,
	};
	rf->known = true;
	rf->dropped = is_drop(cell->action);
}

static const struct weir_cell *cell_of(const struct replay *r, const struct replay_flow *rf,
				       const struct flow *f)
{
	return policy_flow_cell(r->policy, f, rf->in_port, rf->has_mac ? rf->mac : NULL);
}

/* ---- frames ---- */

/* A flow that does not come into being: its first packet, and each that follows, is dropped. */
static void refuse(struct replay *r, const struct sight *s, struct replay_flow *rf,
		   enum weir_reason reason)
{
	struct weir_flow f = rf->next;

	rf->refused = rf->dropped = true;
	r->summary.dropped_frames++;
	replay_flows_see(r->flows, rf, idle_class(rf), r->now_ns);
	if (rf->refused_ns && r->now_ns - rf->refused_ns < TOLD_AGAIN_NS)
		return;
	rf->refused_ns = r->now_ns;
	rf->refused_reason = (uint8_t)reason;
	f.flags = rf->flow.flags;
	f.in_port[origin_of(rf)] = rf->in_port;
	tell_drop(r, s, &f, &rf->key, s->packet.dir, reason);
}

/* Identified by an earlier attempt: decided at once, and not inspected. */
static bool reconnects(struct replay *r, const struct sight *s)
{
	const struct weir_peer *peer =
		s->packet.proto == IPPROTO_TCP || s->packet.proto == IPPROTO_UDP
			? reconnect_find(r, s)
			: NULL;
	struct flow f = {.key = s->packet.key, .origin = s->packet.dir & 1};
	const struct weir_cell *cell;
	struct replay_flow *rf;

	rf = peer ? flow_new(r, s, s->packet.dir) : NULL;
	if (!rf)
		return false;
	f.app = peer->app;
	f.confidence = peer->confidence;
	f.method = WEIR_METHOD_RECONNECTION;
	cell = cell_of(r, rf, &f);
	if (!cell)
		return false;
	decide(rf, &f, cell);
	rf->settled = true;
	if (is_drop(cell->action)) {
		r->summary.dropped_flows++;
		refuse(r, s, rf, WEIR_REASON_DROP_RECONNECTION);
		return true;
	}
	adopt(r, rf);
	count(r, rf, &s->packet, 1, s->bytes);
	return true;
}

/* A connection that takes the place of a closed one. */
static bool opens_again(const struct replay_flow *rf, const struct packet *p)
{
	return p->proto == IPPROTO_TCP && (p->tcp_flags & (TH_SYN | TH_ACK)) == TH_SYN &&
	       weir_flow_closed(rf->flow.flags);
}

bool gate_ends(struct replay *r, const struct sight *s)
{
	struct replay_flow *rf = replay_flows_find(r->flows, &s->packet.key);

	if (rf && (rf->dropped || rf->settled) && opens_again(rf, &s->packet)) {
		end_flow(r, rf, end_of(rf), false);
		replay_flows_remove(r->flows, rf);
		rf = NULL;
	}
	if (!rf)
		return reconnects(r, s);
	if (!rf->dropped && !rf->settled)
		return false;
	if (rf->refused) {
		refuse(r, s, rf, rf->refused_reason);
		return true;
	}
	if (rf->known)
		adopt(r, rf);
	r->summary.dropped_frames += rf->dropped;
	count(r, rf, &s->packet, 1, s->bytes);
	return true;
}

struct replay_flow *gate_see(struct replay *r, const struct sight *s, const struct flow *f)
{
	struct replay_flow *rf = replay_flows_find(r->flows, &f->key);
	bool whole = s->status == PACKET_OK;

	if (rf && rf->serial != f->serial) {
		end_flow(r, rf, weir_flow_closed(rf->flow.flags) ? end_of(rf) : WEIR_END_FORCED,
			 false);
		replay_flows_remove(r->flows, rf);
		rf = NULL;
	}
	if (!rf) {
		struct sight at = *s;

		at.packet.key = f->key;
		rf = flow_new(r, &at, f->origin);
		if (!rf)
			return NULL;
		rf->serial = f->serial;
	} else if (rf->known) {
		adopt(r, rf);
	}
	if (f->midstream)
		rf->flow.flags |= WEIR_FLOW_MIDSTREAM;
	rf->fresh = !rf->flow.frames[0] && !rf->flow.frames[1];
	/* A datagram in fragments is counted when it is complete. */
	count(r, rf, &s->packet, whole ? 1 : f->frames - rf->counted_frames,
	      whole ? s->bytes : f->bytes - rf->counted_bytes);
	rf->counted_frames = f->frames;
	rf->counted_bytes = f->bytes;
	return rf;
}

/* Flows inside of a tunnel that the policy drops: the packet goes, the tunnel stays. */
static void hear_inner(struct replay *r, const struct sight *s, const struct inspect_outcome *o,
		       const struct replay_flow *outer)
{
	for (unsigned int n = 0; n < o->inner_count; n++) {
		struct flow *f = o->inner[n].flow;
		const struct weir_cell *cell;
		struct weir_flow inner;

		if (!f->decided)
			continue;
		policy_flow_update(r->policy, f, o->inner[n].decided_now);
		if (policy_flow_waits(r->policy, f))
			continue;
		cell = cell_of(r, outer, f);
		if (!cell || !is_drop(cell->action))
			continue;
		r->summary.dropped_frames++;
		if (!o->inner[n].decided_now)
			return;
		inner = (struct weir_flow){
			.app = f->app,
			.method = f->method,
			.confidence = f->confidence,
			.payloads = flow_payloads(f),
			.rule = cell->rule,
			.action = cell->action,
			.flags = f->origin ? WEIR_FLOW_ORIGIN : 0,
		};
		inner.in_port[f->origin] = outer->in_port;
		tell_drop(r, s, &inner, &f->key, o->inner[n].dir, WEIR_REASON_DROP_TUNNEL);
		return;
	}
}

/* Whether the gate itself identified the flow, by its first packet. */
static bool by_first_packet(const struct replay_flow *rf, const struct flow *f)
{
	return rf->fresh && (f->method == WEIR_METHOD_ENDPOINT ||
			     (f->key.proto != IPPROTO_TCP && f->key.proto != IPPROTO_UDP));
}

static void drop_decided(struct replay *r, const struct sight *s, struct replay_flow *rf,
			 const struct weir_cell *cell, bool first)
{
	struct weir_flow f = rf->next;

	r->summary.dropped_flows++;
	if (first && rf->next.method == WEIR_METHOD_ENDPOINT) {
		memset(rf->flow.frames, 0, sizeof(rf->flow.frames));
		refuse(r, s, rf, WEIR_REASON_DROP_ENDPOINT);
		return;
	}
	/* `inspect: { mode: copy }`: the frame at hand has passed. */
	if (r->policy->inspect_copy)
		return;
	r->summary.dropped_frames++;
	if (first)
		return;
	f.id = rf->flow.id;
	f.flags = rf->flow.flags;
	f.in_port[origin_of(rf)] = rf->in_port;
	tell_drop(r, s, &f, &rf->key, s->packet.dir,
		  cell->action == WEIR_ACTION_RESET ? WEIR_REASON_DROP_RESET
						    : WEIR_REASON_DROP_VERDICT);
}

/* The frame at hand, which is counted already, is not among what came before the decision. */
static void adopt_at_first(struct replay *r, struct replay_flow *rf)
{
	const struct weir_flow counted = rf->flow;

	memset(rf->flow.frames, 0, sizeof(rf->flow.frames));
	memset(rf->flow.bytes, 0, sizeof(rf->flow.bytes));
	adopt(r, rf);
	memcpy(rf->flow.frames, counted.frames, sizeof(rf->flow.frames));
	memcpy(rf->flow.bytes, counted.bytes, sizeof(rf->flow.bytes));
}

void gate_hear(struct replay *r, const struct sight *s, struct replay_flow *rf,
	       const struct inspect_outcome *o)
{
	struct flow *f = o->flow;
	bool news = policy_flow_update(r->policy, f, o->decided_now || o->anomalies);
	bool first = by_first_packet(rf, f);
	const struct weir_cell *cell;

	if (!f->decided || policy_flow_waits(r->policy, f))
		return;
	if (!f->reading)
		tell_details(r, rf, f);
	if (!o->decided_now && !news && rf->judged_by == r->generation) {
		hear_inner(r, s, o, rf);
		return;
	}
	rf->judged_by = r->generation;
	if (o->reconnect && f->two_way)
		gate_reconnect_put(r, f);
	cell = cell_of(r, rf, f);
	if (!cell)
		return;
	decide(rf, f, cell);
	if (is_drop(cell->action))
		drop_decided(r, s, rf, cell, first);
	else
		hear_inner(r, s, o, rf);
	if (first && !rf->refused)
		adopt_at_first(r, rf);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Flow entries: made, seen, followed through TCP's open and close, decided. */
#ifndef WEIR_FLOW_BPF_H
#define WEIR_FLOW_BPF_H

#include "policy.bpf.h"

#define EEXIST	     17
#define OVERSIZE_MAX 8 /* frames beyond the slow path's reach before a flow stays unknown */

static __always_inline bool flow_closed(__u32 flags)
{
	const __u32 both = WEIR_FLOW_FIN(0) | WEIR_FLOW_FIN(1);

	return flags & WEIR_FLOW_RST || (flags & both) == both;
}

static __always_inline bool packet_is_syn(const struct packet *p)
{
	return (p->tcp_flags & (PACKET_TCP_SYN | PACKET_TCP_ACK)) == PACKET_TCP_SYN;
}

/*
 * Both directions' hash: multilinear over the key's words (Lemire and Kaser, "Strongly universal
 * string hashing is fast", 2014), by keys of the daemon's, so that nobody outside can choose.
 */
static __always_inline __u64 flow_hash(const struct weir_flow_key *key, const struct weir_ctl *ctl)
{
	const __u32 *word = (const __u32 *)key;
	__u64 hash = ctl->hash_key[0];

	_Static_assert(sizeof(*key) / sizeof(*word) + 1 == WEIR_HASH_KEYS, "a key for each word");
#pragma unroll
	for (__u32 i = 0; i < sizeof(*key) / sizeof(*word); i++)
		hash += word[i] * ctl->hash_key[i + 1];
	return hash;
}

/* A new entry of which this frame is the first. */
static __always_inline void flow_init(const struct frame *f, struct weir_flow *flow)
{
	__u32 dir = f->pkt.dir;

	__builtin_memset(flow, 0, sizeof(*flow));
	flow->id = (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32() | 1;
	flow->created_ds = f->clock_ds;
	flow->generation = f->generation;
	flow->rule = WEIR_RULE_DEFAULT;
	flow->flags = dir ? WEIR_FLOW_ORIGIN : 0;
	if (f->pkt.key.proto == IPPROTO_TCP && !(f->pkt.tcp_flags & PACKET_TCP_SYN))
		flow->flags |= WEIR_FLOW_MIDSTREAM;
	flow->in_port[0] = dir ? WEIR_PORT_NONE : f->port;
	flow->in_port[1] = dir ? f->port : WEIR_PORT_NONE;
}

/*
 * Counts a frame of a flow. Two receive queues may bring frames of one direction to two CPUs, hence
 * the atomic adds; the rest is written only when it changes.
 */
static __always_inline void flow_see(const struct frame *f, struct weir_flow *flow)
{
	__u32 dir = f->pkt.dir & 1, flags = flow->flags;

	__sync_fetch_and_add(&flow->frames[dir], 1);
	__sync_fetch_and_add(&flow->bytes[dir], f->bytes);
	if (flow->seen_ds != f->clock_ds)
		flow->seen_ds = f->clock_ds;
	if (flow->in_port[dir] != f->port)
		flow->in_port[dir] = f->port;
	if (!(flags & WEIR_FLOW_TWOWAY) && dir != (flags & WEIR_FLOW_ORIGIN ? 1 : 0))
		__sync_fetch_and_or(&flow->flags, WEIR_FLOW_TWOWAY);
}

static __always_inline bool flow_is_tracked(const struct packet *p)
{
	return p->tcp_flags & (PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST);
}

/* Notes SYN, FIN and RST of a TCP segment. Returns whether it closed the connection. */
__noinline int flow_track(const struct frame *f, struct weir_flow *flow)
{
	__u32 dir, set = 0, before;

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
	before = __sync_fetch_and_or(&flow->flags, set);
	return !flow_closed(before) && flow_closed(before | set);
}

__noinline int flow_event(const struct frame *f, const struct weir_flow *flow, __u8 kind,
			  __u8 reason)
{
	struct weir_event *e;

	if (!f || !flow || !ctl_has(WEIR_CTL_EVENTS))
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
	e->in_port = f->port;
	e->dir = f->pkt.dir;
	e->flow = *flow;
	/* A forced wake-up costs fifty times the record; the daemon polls. */
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
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
	hash = flow_hash(&f->pkt.key, ctl) >> 32;
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

/* The answer was read: its place is another flow's. */
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

/* The hand-over bits of a flow that takes the fast path from now on. */
static __always_inline __u32 flow_handover(const struct weir_flow *flow, const struct decision *d)
{
	if (d->action != WEIR_ACTION_PASS || d->flags & (WEIR_FLOW_INSPECT | WEIR_FLOW_TAP))
		return 0;
	return (flow_outstanding(flow, 0) ? WEIR_FLOW_HANDOVER(0) : 0) |
	       (flow_outstanding(flow, 1) ? WEIR_FLOW_HANDOVER(1) : 0);
}

/* What was said of a flow; INSPECT and TAP follow from it. */
#define FLOW_ASKED (WEIR_FLOW_ASKED_INSPECT | WEIR_FLOW_ASKED_TAP | WEIR_FLOW_RELEASED)
#define FLOW_SAID  (FLOW_ASKED | WEIR_FLOW_PEER_INSPECT | WEIR_FLOW_PEER_TAP)
#define FLOW_WATCH (WEIR_FLOW_INSPECT | WEIR_FLOW_TAP)

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
	d->traits = flow->traits >> 32;
}

/* Everything but the flags, which other CPUs write too; the action last. */
static __always_inline void flow_adopt(struct weir_flow *flow, const struct decision *d)
{
	flow->app = d->app;
	flow->method = d->method;
	flow->confidence = d->confidence;
	flow->payloads = d->payloads;
	flow->class[0] = d->class[0];
	flow->class[1] = d->class[1];
	flow->traits = (__u32)flow->traits | (__u64)d->traits << 32;
	flow->rule = d->rule;
	flow->pipe = d->pipe;
	flow->exit = d->exit;
	flow->action = d->action;
}

/*
 * Puts a flow into the decided table with its decision. What it carried so far is its
 * application's; frames of undecided flows are nobody's. 0, -EEXIST when another CPU was first, or
 * the map's error.
 */
static __always_inline int flow_insert(const struct frame *f, const struct weir_flow_key *key,
				       struct weir_flow *flow, const struct decision *d)
{
	int r;

	flow_adopt(flow, d);
	flow->flags &= ~(WEIR_FLOW_MOVED | WEIR_FLOW_BLOCKED | FLOW_WATCH | FLOW_SAID);
	flow->flags |= d->flags | flow_handover(flow, d);
	flow->decided_ns = bpf_ktime_get_ns();
	flow->generation = f->generation;
	r = bpf_map_update_elem(&weir_decided, key, flow, BPF_NOEXIST);
	if (r)
		return r;
	count_app(d->app, d->origin & 1, flow->frames[0], flow->bytes[0]);
	count_app(d->app, (d->origin & 1) ^ 1, flow->frames[1], flow->bytes[1]);
	count_app_flow(d->app, d->method);
	count_rule(f->generation, d->rule);
	flow_event(f, flow, WEIR_EVENT_DECIDED, 0);
	return 0;
}

static __always_inline __u32 flow_asked(const struct weir_identification *v)
{
	return (v->flags & WEIR_IDENTIFIED_INSPECT ? WEIR_FLOW_ASKED_INSPECT : 0) |
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
	d->flags = (d->flags & ~FLOW_ASKED) | flow_asked(v);
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
 * Decides an undecided flow. 0, or the map's error. The old entry stays, marked, for the CPU that
 * has just looked it up: either that one sees the mark (punt_take) or its number is seen here.
 */
static __always_inline int flow_move(const struct frame *f, const struct weir_flow_key *key,
				     struct weir_flow *undecided, struct weir_scratch *s)
{
	struct weir_flow *flow;
	int r;

	s->flow = *undecided;
	r = flow_insert(f, key, &s->flow, &s->decision);
	__sync_fetch_and_or(&undecided->flags, WEIR_FLOW_MOVED);
	if (r && r != -EEXIST)
		return r;
	flow = bpf_map_lookup_elem(&weir_decided, key);
	if (flow && flow->id == undecided->id) {
		flow_catch_up(flow, undecided);
		__sync_fetch_and_or(&flow->flags, flow_handover(flow, &s->decision));
	}
	return 0;
}

/*
 * Decides a flow as unknown when it goes on in frames that the slow path cannot take: nobody will
 * ever say what it is.
 */
static __noinline void flow_give_up(const struct frame *f, const struct weir_flow_key *key,
				    struct weir_flow *undecided)
{
	struct weir_scratch *s = scratch_get();

	if (++undecided->oversize < OVERSIZE_MAX || !s)
		return;
	flow_decision(undecided, &s->decision);
	policy_decide(f, &s->decision);
	flow_move(f, key, undecided, s);
}

/*
 * Moves an undecided flow into the decided table when it can be decided: it is blocked since the
 * generation moved, or user space has said what it is. Returns 0 (moved), 1 (stays undecided) or
 * the map's error.
 */
static __noinline int flow_fold(const struct frame *f, const struct weir_flow_key *key,
				struct weir_flow *undecided)
{
	struct weir_scratch *s = scratch_get();

	if (!s)
		return 1;
	flow_decision(undecided, &s->decision);
	if (undecided->generation != f->generation && policy_blocked(f)) {
		decision_block(&s->decision);
	} else {
		undecided->generation = f->generation;
		if (!flow_consult(undecided->id, &s->decision))
			return 1;
		policy_decide(f, &s->decision);
	}
	return flow_move(f, key, undecided, s);
}

/* Decides a flow again, by what is known about it now: the generation or what was said moved. */
__noinline int flow_redecide(const struct frame *f, struct weir_flow *flow)
{
	const __u32 mask = FLOW_WATCH | FLOW_SAID | WEIR_FLOW_BLOCKED;
	struct weir_scratch *s = scratch_get();
	struct decision *d;
	bool changed;

	if (!f || !flow || !s)
		return 0;
	d = &s->decision;
	flow_decision(flow, d);
	flow_consult(flow->id, d);
	policy_decide(f, d);
	if (policy_blocked(f))
		decision_block(d);
	changed = d->action != flow->action || d->app != flow->app;
	/* Frames of a flow that was dropped or inspected may still be in the slow path. */
	if (flow->action != WEIR_ACTION_PASS || flow->flags & ~d->flags & FLOW_WATCH) {
		flow->decided_ns = bpf_ktime_get_ns();
		flow->resets = 0;
		__sync_fetch_and_or(&flow->flags, flow_handover(flow, d));
	}
	if (flow->flags & ~d->flags & mask)
		__sync_fetch_and_and(&flow->flags, d->flags | ~mask);
	if (d->flags & ~flow->flags)
		__sync_fetch_and_or(&flow->flags, d->flags);
	flow_adopt(flow, d);
	flow->generation = f->generation;
	if (!changed)
		return 0;
	count_rule(f->generation, d->rule);
	return flow_event(f, flow, WEIR_EVENT_DECIDED, 0);
}

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends flows of which nothing comes any more, and tells what became of those that ended. The daemon
 * runs it by a timer. It may be interrupted by the gate on its own CPU at any place: it holds
 * nothing, and what it takes out it takes by compare-and-swap.
 */
#include "event.bpf.h"

#include "weir/sweep.h"

char _license[] SEC("license") = "GPL";

/* What a run has, in its stack. */
struct sweep {
	__u32 clock_ds;
	__u32 budget, ring_max;
	__u32 idle_ds[WEIR_IDLE_COUNT];
	__u32 told, freed, waiting, cut;
	__u32 settled;
	__u32 events; /* somebody listens */
};

/* ---- when ---- */

/* TCP_NEW or UDP_NEW: with an attempt nobody is long about. */
static __always_inline bool is_attempt(const struct weir_flow *flow)
{
	return !(flow->flags & WEIR_FLOW_TWOWAY) || flow->action == WEIR_ACTION_DROP ||
	       flow->action == WEIR_ACTION_RESET;
}

static __always_inline __u32 idle_max(const struct sweep *s, __u8 proto,
				      const struct weir_flow *flow)
{
	switch (proto) {
	case IPPROTO_TCP:
		if (weir_flow_closed(flow->flags))
			return s->idle_ds[WEIR_IDLE_TCP_CLOSED];
		return is_attempt(flow) ? s->idle_ds[WEIR_IDLE_TCP_NEW] : s->idle_ds[WEIR_IDLE_TCP];
	case IPPROTO_UDP:
		return is_attempt(flow) ? s->idle_ds[WEIR_IDLE_UDP_NEW] : s->idle_ds[WEIR_IDLE_UDP];
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return s->idle_ds[WEIR_IDLE_ICMP];
	}
	return s->idle_ds[WEIR_IDLE_OTHER];
}

/* What is due of a flow. */
enum due { DUE_NOTHING, DUE_TELL, DUE_FREE, DUE_BOTH };

static __always_inline enum due flow_due(const struct sweep *s, __u8 proto,
					 const struct weir_flow *flow)
{
	bool told = flow->flags & WEIR_FLOW_TOLD || !s->events;
	__s32 idle = s->clock_ds - flow->seen_ds;

	if (idle < WEIR_SWEEP_QUIET_DS)
		return DUE_NOTHING;
	if ((__u32)idle >= idle_max(s, proto, flow))
		return told ? DUE_FREE : DUE_BOTH;
	if (told || flow_end_of(flow, WEIR_END_IDLE) == WEIR_END_IDLE)
		return DUE_NOTHING;
	return DUE_TELL;
}

/* ---- telling ---- */

/* NULL, and noted, where nothing more may be told in this run. */
static __always_inline struct weir_event *tell_begin(struct sweep *s)
{
	struct weir_event *e = NULL;

	if (s->told < s->budget &&
	    bpf_ringbuf_query(&weir_events, BPF_RB_AVAIL_DATA) <= s->ring_max)
		e = bpf_ringbuf_reserve(&weir_events, sizeof(*e), 0);
	if (!e)
		s->cut = 1;
	return e;
}

static __always_inline void tell_end(struct sweep *s, struct weir_event *e, bool tell)
{
	if (!tell) {
		bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
		return;
	}
	s->told++;
	event_end(e);
}

/* Marks as told what is as the event has it; no frame of it, and no other flow, came in between.
 * The event has the flags of a flow that is not told. */
static __always_inline bool tell_mark(struct weir_flow *flow, const struct weir_event *e)
{
	__u32 flags = e->flow.flags;

	return flow->seen_ds == e->flow.seen_ds &&
	       __sync_val_compare_and_swap(&flow->flags, flags, flags | WEIR_FLOW_TOLD) == flags;
}

/* ---- the decided table ---- */

static __always_inline bool way_free(struct weir_tags *tags, __u32 way, __u64 tag)
{
	return __sync_val_compare_and_swap(&tags->tag[way], tag, WEIR_TAG_FREE) == tag;
}

/* Ends the flow at a way of a set, where that is due. A global function, for the verifier to go
 * through once. */
__noinline int sweep_way(struct sweep *s, __u32 set, __u32 way)
{
	struct weir_tags *tags = bpf_map_lookup_elem(&weir_tags, &set);
	__u32 index = set * WEIR_WAYS + way;
	struct weir_event *event;
	struct weir_entry *e;
	enum due due;
	bool ended;
	__u64 tag;

	if (!s || !tags || way >= WEIR_WAYS)
		return 0;
	tag = *(volatile __u64 *)&tags->tag[way];
	if (tag == WEIR_TAG_FREE || tag == WEIR_TAG_BUSY)
		return 0;
	e = bpf_map_lookup_elem(&weir_decided, &index);
	if (!e)
		return 0;
	due = flow_due(s, e->key.proto, &e->flow);
	if (due == DUE_NOTHING)
		return 0;
	if (due == DUE_FREE) {
		s->freed += way_free(tags, way, tag);
		return 0;
	}
	event = tell_begin(s);
	if (!event)
		return 0;
	ended_fill(event, &e->key, &e->flow, WEIR_END_IDLE);
	ended = *(volatile __u64 *)&tags->tag[way] == tag && tell_mark(&e->flow, event);
	tell_end(s, event, ended);
	if (ended && due == DUE_BOTH)
		s->freed += way_free(tags, way, tag);
	return 0;
}

/* Bits of the ways of a set that have a flow. */
__noinline int sweep_ways(__u32 set)
{
	const struct weir_tags *tags = bpf_map_lookup_elem(&weir_tags, &set);
	int ways = 0;

	if (!tags)
		return 0;
#pragma unroll
	for (int way = 0; way < WEIR_WAYS; way++)
		ways |= (tags->tag[way] > WEIR_TAG_BUSY) << way;
	return ways;
}

__noinline int sweep_set(struct sweep *s, __u32 set)
{
	__u32 ways = sweep_ways(set);

	if (!s || !ways)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 way = 0; way < WEIR_WAYS; way++)
		if (ways >> way & 1)
			sweep_way(s, set, way);
	return 0;
}

static __always_inline void count_add(__u32 element, __u32 n)
{
	__u64 *count = bpf_map_lookup_elem(&weir_cache, &element);

	if (count)
		__sync_fetch_and_add(count, n);
}

static __always_inline void sweep_open(struct sweep *s, const struct weir_sweep *ask,
				       const struct weir_ctl *ctl)
{
	__builtin_memset(s, 0, sizeof(*s));
	s->clock_ds = ctl->clock_ds;
	s->budget = ask->budget;
	s->ring_max = ask->ring_max;
#pragma unroll
	for (int i = 0; i < WEIR_IDLE_COUNT; i++)
		s->idle_ds[i] = ask->idle_ds[i];
	s->events = ctl->flags & WEIR_CTL_EVENTS;
}

static __always_inline void sweep_close(const struct sweep *s, struct weir_sweep *ask)
{
	count_add(CACHE_ENDED, s->told);
	count_add(CACHE_SETTLED, s->settled);
	ask->told = s->told;
	ask->freed = s->freed;
	ask->waiting = s->waiting;
	ask->cut = s->cut;
}

SEC("syscall")
int weir_sweep(struct weir_sweep *ask)
{
	const struct weir_ctl *ctl = ctl_get();
	__u32 first = ask->first, sets = ask->sets, i;
	struct sweep s;

	if (!ctl)
		return 0;
	sweep_open(&s, ask, ctl);
#pragma clang loop unroll(disable)
	for (i = 0; i < WEIR_SWEEP_SETS; i++) {
		if (i >= sets || s.cut)
			break;
		sweep_set(&s, (first + i) & ctl->sets_mask);
	}
	ask->gone_through = i;
	sweep_close(&s, ask);
	return 0;
}

/* ---- undecided flows ---- */

/* One that ends is taken out, one that closed stays for its last frames. What is in the decided
 * table by now stays until the map needs its place: it knows the flow's id. */
static long sweep_waiting(void *map, const struct weir_flow_key *key, struct weir_flow *flow,
			  struct sweep *s)
{
	struct weir_flow_key k;
	struct weir_event *event;
	enum due due;
	bool ended;

	if (flow->flags & WEIR_FLOW_MOVED)
		return 0;
	due = flow_due(s, key->proto, flow);
	if (due == DUE_NOTHING) {
		s->waiting += !(flow->flags & WEIR_FLOW_TOLD);
		return 0;
	}
	__builtin_memcpy(&k, key, sizeof(k));
	if (due == DUE_FREE) {
		/* Nobody listens, or it was told. */
		s->settled += !(flow->flags & WEIR_FLOW_TOLD);
		s->freed += !bpf_map_delete_elem(&weir_undecided, &k);
		return 0;
	}
	event = tell_begin(s);
	if (!event) {
		s->waiting++;
		return 0;
	}
	ended_fill(event, &k, flow, WEIR_END_IDLE);
	ended = !(event->flow.flags & WEIR_FLOW_MOVED) && tell_mark(flow, event);
	tell_end(s, event, ended);
	s->settled += ended;
	if (ended && due == DUE_BOTH)
		s->freed += !bpf_map_delete_elem(&weir_undecided, &k);
	return 0;
}

SEC("syscall")
int weir_sweep_waiting(struct weir_sweep *ask)
{
	const struct weir_ctl *ctl = ctl_get();
	struct sweep s;

	if (!ctl)
		return 0;
	sweep_open(&s, ask, ctl);
	bpf_for_each_map_elem(&weir_undecided, sweep_waiting, &s, 0);
	ask->gone_through = 0;
	sweep_close(&s, ask);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters and the mapping from interface to port that they are kept by. */
#ifndef WEIR_COUNT_BPF_H
#define WEIR_COUNT_BPF_H

#include <stddef.h>

#include "maps.bpf.h"

/* Elements of weir_cache. */
enum {
	CACHE_DECIDED,
	CACHE_UNDECIDED,
	CACHE_NEW,
	CACHE_EVENTS_LOST,
	CACHE_EVICTED,	   /* decided flows that made room for others */
	CACHE_REFUSED,	   /* flows to be decided for which there was no room */
	CACHE_ENDED,	   /* flows whose end was told */
	CACHE_UNTOLD_RING, /* flows whose end was not: the ring was full */
	CACHE_UNTOLD_RATE, /* too many in one moment */
	CACHE_WAITING,	   /* flows that became undecided, */
	CACHE_SETTLED, /* and that were decided since, or ended and were told or counted as untold
			*/
};

/* The port of an interface; 0 = none of ours. */
static __always_inline __u32 port_of(__u32 ifindex)
{
	__u32 slot = ifindex % WEIR_IFINDEX_SLOTS;
	const struct weir_port_of *of = bpf_map_lookup_elem(&weir_port_of, &slot);

	return of && of->ifindex == ifindex && of->port < WEIR_PORTS_MAX ? of->port : 0;
}

static __always_inline void count_reason(__u32 port, __u32 reason, __u64 frames, __u64 bytes,
					 __u64 segments)
{
	__u32 index = port * WEIR_REASON_STRIDE + reason;
	struct weir_counter *c = bpf_map_lookup_elem(&weir_counters, &index);

	if (!c)
		return;
	c->frames += frames;
	c->bytes += bytes;
	c->segments += segments;
}

static __always_inline void count_volume(struct weir_volume *v, __u64 frames, __u64 bytes)
{
	if (!v)
		return;
	v->frames += frames;
	v->bytes += bytes;
}

static __always_inline void count_sent(__u32 egress, __u64 bytes)
{
	count_volume(bpf_map_lookup_elem(&weir_sent, &egress), 1, bytes);
}

/* A decided flow's frame that was redirected: counted here and nowhere else. */
static __always_inline void count_redirected(__u32 port, __u32 egress, __u64 bytes)
{
	__u32 index = port * WEIR_PORTS_MAX + egress;

	count_volume(bpf_map_lookup_elem(&weir_redirected, &index), 1, bytes);
}

static __always_inline void count_app(__u32 app, __u32 to_originator, __u64 frames, __u64 bytes)
{
	__u32 index = app * 2 + to_originator;

	count_volume(bpf_map_lookup_elem(&weir_app_bytes, &index), frames, bytes);
}

static __always_inline void count_one(__u64 *n)
{
	if (n)
		(*n)++;
}

static __always_inline void count_cache(__u32 result)
{
	count_one(bpf_map_lookup_elem(&weir_cache, &result));
}

static __always_inline void count_app_flow(__u32 app, __u32 method)
{
	__u32 index = app * WEIR_METHOD_STRIDE + method;

	count_one(bpf_map_lookup_elem(&weir_app_flows, &index));
}

static __always_inline void count_rule(__u32 generation, __u32 rule)
{
	__u32 index = (generation & 1) * (WEIR_RULES_MAX + 1) +
		      (rule < WEIR_RULES_MAX ? rule : WEIR_RULES_MAX);

	count_one(bpf_map_lookup_elem(&weir_rule_hits, &index));
}

/* The number of XSKMAP index `xsk` in weir_xsk_sent or weir_xsk_read. */
static __always_inline __u32 *xsk_number(void *map, __u32 xsk)
{
	__u32 element = xsk / 2;
	struct weir_numbers *n = bpf_map_lookup_elem(map, &element);

	return n ? &n->n[xsk & 1] : NULL;
}

#endif

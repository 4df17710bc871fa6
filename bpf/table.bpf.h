/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decided flows: a set-associative table in two arrays, of which the gate is the only writer.
 * An entry belongs to a flow as long as the set has the flow's tag at its way. It is written while
 * the tag says BUSY. A pointer to an entry outlives its tag: at worst, counts of a flow that was
 * evicted go to the one that came after it.
 */
#ifndef WEIR_TABLE_BPF_H
#define WEIR_TABLE_BPF_H

#include "event.bpf.h"

#define EBUSY  16
#define EEXIST 17
#define ENOSPC 28

#define TABLE_RECENT_DS 20 /* a flow seen within two seconds is not evicted */
#define TABLE_ATTEMPTS	32 /* reads of a set that another CPU is writing to */

static __always_inline struct weir_entry *table_at(int index)
{
	__u32 at = index;

	return bpf_map_lookup_elem(&weir_decided, &at);
}

static __always_inline bool key_equal(const struct weir_flow_key *a, const struct weir_flow_key *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	_Static_assert(sizeof(*a) == 5 * 8 + 4, "compared as five words and a half");
	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]) |
		 (*(const __u32 *)(x + 5) ^ *(const __u32 *)(y + 5)));
}

static __always_inline __u32 table_way(const struct weir_tags *tags, __u64 tag)
{
#pragma unroll
	for (__u32 way = 0; way < WEIR_WAYS; way++)
		if (tags->tag[way] == tag)
			return way;
	return WEIR_WAYS;
}

static __always_inline struct weir_entry *table_find(const struct weir_flow_key *key)
{
	const struct weir_ctl *ctl = ctl_get();
	const struct weir_tags *tags;
	struct weir_entry *e;
	__u32 set, way;
	__u64 hash;

	if (!ctl)
		return NULL;
	hash = weir_flow_hash(key, ctl->hash_key);
	set = weir_flow_set(hash, ctl->sets_mask);
	tags = bpf_map_lookup_elem(&weir_tags, &set);
	if (!tags)
		return NULL;
	way = table_way(tags, weir_flow_tag(hash));
	if (way >= WEIR_WAYS)
		return NULL;
	/* The verifier would go through all that follows once for each way that it knows. */
	way ^= ctl->zero;
	e = table_at(set * WEIR_WAYS + way);
	return e && key_equal(&e->key, key) ? e : NULL;
}

static __always_inline struct weir_flow *table_flow(const struct weir_flow_key *key)
{
	struct weir_entry *e = table_find(key);

	return e ? &e->flow : NULL;
}

/* The same out of line: the index of the entry, for table_at(), or -1. */
__noinline int table_search(const struct frame *f)
{
	const struct weir_ctl *ctl = ctl_get();
	const struct weir_tags *tags;
	__u32 set, way;
	__u64 hash;

	if (!f || !ctl)
		return -1;
	hash = weir_flow_hash(&f->pkt.key, ctl->hash_key);
	set = weir_flow_set(hash, ctl->sets_mask);
	tags = bpf_map_lookup_elem(&weir_tags, &set);
	if (!tags)
		return -1;
	way = table_way(tags, weir_flow_tag(hash));
	return way < WEIR_WAYS ? set * WEIR_WAYS + way : -1;
}

/* Takes the flow of this frame's key out, for another connection of the same ends. */
__noinline int table_remove(const struct frame *f)
{
	int index = table_search(f);
	__u32 set = (__u32)index / WEIR_WAYS;
	struct weir_tags *tags;
	struct weir_entry *e;
	__u64 tag;

	if (!f || index < 0)
		return 0;
	e = table_at(index);
	if (e)
		flow_ends(&e->key, &e->flow, f->clock_ds, WEIR_END_FORCED);
	tags = bpf_map_lookup_elem(&weir_tags, &set);
	if (!tags)
		return 0;
	tag = tags->tag[index & (WEIR_WAYS - 1)];
	if (tag != WEIR_TAG_BUSY)
		__sync_val_compare_and_swap(&tags->tag[index & (WEIR_WAYS - 1)], tag,
					    WEIR_TAG_FREE);
	return 0;
}

/* The way whose flow goes first: a closed one, then the one not seen for longest. WEIR_WAYS: all
 * were seen a moment ago. */
__noinline int table_victim(const struct frame *f, __u32 set)
{
	__u32 victim = WEIR_WAYS, most = 0;

	if (!f)
		return WEIR_WAYS;
#pragma clang loop unroll(disable)
	for (__u32 way = 0; way < WEIR_WAYS; way++) {
		const struct weir_entry *e = table_at(set * WEIR_WAYS + way);
		__u32 age;

		if (!e)
			return WEIR_WAYS;
		age = f->clock_ds - e->flow.seen_ds;
		if ((__s32)age < TABLE_RECENT_DS)
			continue;
		age |= weir_flow_closed(e->flow.flags) ? 1u << 31 : 0;
		if (age > most) {
			most = age;
			victim = way;
		}
	}
	return victim;
}

/* What stands in a set, bits by way. */
#define TABLE_BUSY(seen) ((seen)&0xff)
#define TABLE_FREE(seen) ((seen) >> 8 & 0xff)
#define TABLE_HAS	 (1 << 16) /* one of the tags is the one asked for */

/* A function of its own, for the verifier to go through once, and not in each turn of a loop. */
__noinline int table_look(__u32 set, __u64 tag)
{
	const struct weir_tags *tags = bpf_map_lookup_elem(&weir_tags, &set);
	int seen = 0;

	if (!tags)
		return 0;
#pragma unroll
	for (int way = 0; way < WEIR_WAYS; way++) {
		__u64 at = *(const volatile __u64 *)&tags->tag[way];

		if (at == tag)
			seen |= TABLE_HAS;
		else if (at == WEIR_TAG_BUSY)
			seen |= 1 << way;
		else if (at == WEIR_TAG_FREE)
			seen |= 1 << (way + 8);
	}
	return seen;
}

/* The way of the lowest bit in a byte that has one: how many bits are below it. Without branches,
 * of which the verifier would follow each. */
static __always_inline __u32 lowest_way(__u32 bits)
{
	bits = (bits & -bits) - 1;
	bits -= bits >> 1 & 0x55;
	bits = (bits & 0x33) + (bits >> 2 & 0x33);
	return (bits + (bits >> 4)) & 0xf;
}

/*
 * After a way was marked as BUSY: whether it may be written. Of CPUs that have marked different
 * ways of one set, perhaps for the same flow, those at higher ways give up (-EBUSY) and those at
 * lower ones wait until that has happened, so that no flow gets two entries. -EEXIST when the set
 * has the tag by now.
 */
__noinline int table_settle(__u32 set, __u32 mine, __u64 tag)
{
	__u32 lower = (1 << (mine & (WEIR_WAYS - 1))) - 1;

#pragma clang loop unroll(disable)
	for (int attempt = 0; attempt < TABLE_ATTEMPTS; attempt++) {
		__u32 seen = table_look(set, tag), busy = TABLE_BUSY(seen);

		if (seen & TABLE_HAS)
			return -EEXIST;
		if (busy & lower)
			return -EBUSY;
		if (busy == lower + 1)
			return 0;
	}
	return -EBUSY;
}

/* Whether a flow that has to go was not seen since it was chosen. */
static __always_inline bool table_may_go(const struct frame *f, __u32 index)
{
	const struct weir_entry *e = table_at(index);

	return e && (__s32)(f->clock_ds - e->flow.seen_ds) >= TABLE_RECENT_DS;
}

/*
 * Marks a way as BUSY for a flow that the set does not have and returns its index; *old is the tag
 * that stood there. -EEXIST, or -ENOSPC when no flow may go.
 */
static __always_inline int table_claim(const struct frame *f, struct weir_tags *tags, __u32 set,
				       __u64 tag, __u64 *old)
{
#pragma clang loop unroll(disable)
	for (int attempt = 0; attempt < TABLE_ATTEMPTS; attempt++) {
		__u32 seen = table_look(set, tag), way;
		int r = -EBUSY;

		if (seen & TABLE_HAS)
			return -EEXIST;
		/* It may be this flow that another CPU writes. */
		if (TABLE_BUSY(seen))
			continue;
		way = TABLE_FREE(seen) ? lowest_way(TABLE_FREE(seen)) : table_victim(f, set);
		if (way >= WEIR_WAYS)
			return -ENOSPC;
		*old = *(volatile __u64 *)&tags->tag[way];
		if (*old == WEIR_TAG_BUSY ||
		    __sync_val_compare_and_swap(&tags->tag[way], *old, WEIR_TAG_BUSY) != *old)
			continue;
		if (*old == WEIR_TAG_FREE || table_may_go(f, set * WEIR_WAYS + way))
			r = table_settle(set, way, tag);
		if (!r)
			return set * WEIR_WAYS + way;
		__sync_lock_test_and_set(&tags->tag[way], *old);
		if (r == -EEXIST)
			return r;
	}
	return -ENOSPC;
}

/*
 * Puts the flow in weir_scratch under the frame's key into the table. Returns its index, -EEXIST
 * when another CPU was first, or -ENOSPC.
 */
__noinline int table_insert(const struct frame *f)
{
	const struct weir_ctl *ctl = ctl_get();
	const struct weir_scratch *s = scratch_get();
	struct weir_tags *tags;
	struct weir_entry *e;
	__u64 hash, tag, old = 0;
	__u32 set;
	int index;

	if (!f || !ctl || !s)
		return -ENOSPC;
	hash = weir_flow_hash(&f->pkt.key, ctl->hash_key);
	tag = weir_flow_tag(hash);
	set = weir_flow_set(hash, ctl->sets_mask);
	tags = bpf_map_lookup_elem(&weir_tags, &set);
	if (!tags)
		return -ENOSPC;
	index = table_claim(f, tags, set, tag, &old);
	if (index < 0)
		return index;
	e = table_at(index);
	if (!e)
		return -ENOSPC;
	if (old != WEIR_TAG_FREE) {
		count_cache(CACHE_EVICTED);
		flow_ends(&e->key, &e->flow, f->clock_ds, WEIR_END_EVICTED);
	}
	e->key = f->pkt.key;
	e->pad = 0;
	e->flow = s->flow;
	__sync_lock_test_and_set(&tags->tag[index & (WEIR_WAYS - 1)], tag);
	return index;
}

#endif

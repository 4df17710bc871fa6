/* SPDX-License-Identifier: GPL-2.0-only */
/* Lookup of the operator's blocks for a packet's flow. */
#ifndef WEIR_BLOCK_BPF_H
#define WEIR_BLOCK_BPF_H

#include "frame.bpf.h"

static __always_inline __u32 block_slot(void)
{
	return ctl_has(WEIR_CTL_BLOCKS_SLOT) ? 1 : 0;
}

static __noinline __u32 block_prefix(__u32 slot, const __u32 *addr)
{
	struct weir_class_key key = {.prefixlen = 128};
	void *trie = bpf_map_lookup_elem(&weir_block_tries, &slot);
	const __u32 *number;

	if (!trie)
		return 0;
	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	number = bpf_map_lookup_elem(trie, &key);
	return number ? *number : 0;
}

/* The element of two prefixes, for every port or this one, of any application or this one. */
__noinline int block_holds(__u32 slot, __u32 from, __u32 to, __u32 port, __u32 app)
{
	void *set = bpf_map_lookup_elem(&weir_block_sets, &slot);
	struct weir_block_key key;
	const __u64 *expires;

	if (!set)
		return 0;
	key.from = from;
	key.to = to;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 4; i++) {
		key.port = i & 1 ? port : 0;
		key.app = i & 2 ? app : WEIR_BLOCK_ANY_APP;
		expires = bpf_map_lookup_elem(set, &key);
		if (expires && (!*expires || *expires > bpf_ktime_get_ns()))
			return 1;
	}
	return 0;
}

/*
 * origin: the side that opened the flow. app: WEIR_BLOCK_ANY_APP as long as it is not known. A host
 * or its service is blocked whichever side it is on, a pair from the opener to the other side.
 */
__noinline int policy_blocked(const struct frame *f, __u32 origin, __u32 app)
{
	const struct weir_flow_key *key;
	__u32 slot, side0, side1;

	if (!f || !ctl_has(WEIR_CTL_BLOCKS))
		return 0;
	key = &f->pkt.key;
	slot = block_slot();
	side0 = block_prefix(slot, key->addr[0]);
	side1 = block_prefix(slot, key->addr[1]);
	if (!side0 && !side1)
		return 0;
	if (side0 && block_holds(slot, side0, WEIR_BLOCK_EITHER, key->port[0], app))
		return 1;
	if (side1 && block_holds(slot, side1, WEIR_BLOCK_EITHER, key->port[1], app))
		return 1;
	if (!side0 || !side1)
		return 0;
	return origin & 1 ? block_holds(slot, side1, side0, key->port[0], app)
			  : block_holds(slot, side0, side1, key->port[1], app);
}

#endif

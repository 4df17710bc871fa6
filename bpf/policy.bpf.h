/* SPDX-License-Identifier: GPL-2.0-only */
/* What to do with a flow of which it is known what it is. */
#ifndef WEIR_POLICY_BPF_H
#define WEIR_POLICY_BPF_H

#include "frame.bpf.h"

/* The address class by longest prefix; 0 = in no group. */
static __noinline __u32 policy_class(__u32 slot, const __u32 *addr, __u32 classes)
{
	struct weir_class_key key = {.prefixlen = 128};
	void *inner = bpf_map_lookup_elem(&weir_classes, &slot);
	const __u32 *class;

	if (!inner)
		return 0;
	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	class = bpf_map_lookup_elem(inner, &key);
	return class && *class < classes ? *class : 0;
}

static __always_inline const struct weir_cell *policy_cell(__u32 slot, __u32 index, __u32 app)
{
	void *rows = bpf_map_lookup_elem(&weir_rows, &slot);
	void *cells = bpf_map_lookup_elem(&weir_cells, &slot);
	const __u32 *row = rows ? bpf_map_lookup_elem(rows, &index) : NULL;

	if (!row || !cells || app >= WEIR_APPS_MAX)
		return NULL;
	index = *row * WEIR_APPS_MAX + app;
	return bpf_map_lookup_elem(cells, &index);
}

/*
 * Fills class, action and rule of a flow from its application and addresses. Nothing but TCP can be
 * reset: there the flow is dropped. A policy without the cell passes.
 */
static __noinline int policy_decide(const struct frame *f, struct weir_flow *flow)
{
	__u32 slot = f->generation & 1, origin = flow->flags & WEIR_FLOW_ORIGIN ? 1 : 0;
	__u32 classes = f->ctl->classes[slot];
	__u32 class[2];
	const struct weir_cell *cell;
	__u8 action = WEIR_ACTION_PASS;
	__u16 rule = WEIR_RULE_DEFAULT;

	class[0] = policy_class(slot, f->pkt.key.addr[0], classes);
	class[1] = policy_class(slot, f->pkt.key.addr[1], classes);
	cell = policy_cell(slot,
			   origin ? class[1] * classes + class[0] : class[0] * classes + class[1],
			   flow->app);
	if (cell) {
		rule = cell->rule;
		if (cell->action == WEIR_ACTION_DROP || cell->action == WEIR_ACTION_RESET)
			action = cell->action;
	}
	if (action == WEIR_ACTION_RESET && f->pkt.key.proto != IPPROTO_TCP)
		action = WEIR_ACTION_DROP;
	flow->class[0] = class[0];
	flow->class[1] = class[1];
	flow->rule = rule;
	flow->action = action;
	return action;
}

static __always_inline bool policy_block_holds(const struct weir_block_key *key)
{
	const __u64 *expires = bpf_map_lookup_elem(&weir_blocks, key);

	return expires && (!*expires || *expires > bpf_ktime_get_ns());
}

/* Whether the operator shut out an end of this packet: the host, or the service at its port. */
static __noinline bool policy_blocked(const struct frame *f)
{
	struct weir_block_key key = {};

	if (!(f->ctl->flags & WEIR_CTL_BLOCKS))
		return false;
	__builtin_memcpy(key.addr, f->pkt.key.addr[0], sizeof(key.addr));
	if (policy_block_holds(&key))
		return true;
	key.port = f->pkt.key.port[0];
	if (key.port && policy_block_holds(&key))
		return true;
	__builtin_memcpy(key.addr, f->pkt.key.addr[1], sizeof(key.addr));
	key.port = 0;
	if (policy_block_holds(&key))
		return true;
	key.port = f->pkt.key.port[1];
	return key.port && policy_block_holds(&key);
}

#endif

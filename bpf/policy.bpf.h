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

/* The row's index: that of the pair of classes, and which of the confidences asked for are reached.
 */
static __noinline __u32 policy_row(__u32 slot, __u32 pair, __u8 confidence)
{
	const struct weir_ctl *ctl = ctl_get();
	__u32 levels, level = 0;

	if (!ctl)
		return pair;
	levels = ctl->levels[slot & 1];
	/* Unrolled it spills: the longest chain of calls has no 32 bytes of stack to spare. */
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < WEIR_CONFIDENCES_MAX; i++) {
		__u8 asked = ctl->confidence[slot & 1][i];

		level += asked && confidence >= asked;
	}
	if (!levels)
		levels = 1;
	return pair * levels + level;
}

/* Whether payload is still punted: what was said of the flow asks for it, its peer or its cell. */
static __always_inline __u32 policy_watch(__u32 flags, __u8 cell)
{
	bool inspect = flags & WEIR_FLOW_PEER_INSPECT || cell & WEIR_CELL_INSPECT;
	bool tap = flags & (WEIR_FLOW_ASKED_TAP | WEIR_FLOW_PEER_TAP) || cell & WEIR_CELL_TAP;

	flags &= ~(WEIR_FLOW_INSPECT | WEIR_FLOW_TAP);
	if (flags & WEIR_FLOW_ASKED_INSPECT || (inspect && !(flags & WEIR_FLOW_RELEASED)))
		flags |= WEIR_FLOW_INSPECT;
	return tap ? flags | WEIR_FLOW_TAP : flags;
}

/*
 * Fills class, action, rule, exit and pipe from application and addresses. Nothing but TCP can be
 * reset: there the flow is dropped. A policy without the cell passes.
 */
__noinline int policy_decide(const struct frame *f, struct decision *d)
{
	const struct weir_ctl *ctl = ctl_get();
	__u32 slot, classes, from, to;
	const struct weir_cell *cell;

	if (!f || !d || !ctl)
		return 0;
	slot = f->generation & 1;
	classes = ctl->classes[slot];
	d->class[0] = policy_class(slot, f->pkt.key.addr[0], classes);
	d->class[1] = policy_class(slot, f->pkt.key.addr[1], classes);
	from = d->origin ? d->class[1] : d->class[0];
	to = d->origin ? d->class[0] : d->class[1];
	cell = policy_cell(slot, policy_row(slot, from * classes + to, d->confidence), d->app);
	d->rule = cell ? cell->rule : WEIR_RULE_DEFAULT;
	d->pipe = cell ? cell->pipe : 0;
	d->exit = cell ? cell->exit : WEIR_EXIT_WIRE;
	d->flags = policy_watch(d->flags, cell ? cell->flags : 0);
	d->action = WEIR_ACTION_PASS;
	if (cell && (cell->action == WEIR_ACTION_DROP || cell->action == WEIR_ACTION_RESET))
		d->action = cell->action;
	if (d->action == WEIR_ACTION_RESET && f->pkt.key.proto != IPPROTO_TCP)
		d->action = WEIR_ACTION_DROP;
	return 0;
}

static __always_inline void decision_block(struct decision *d)
{
	d->flags |= WEIR_FLOW_BLOCKED;
	d->action = WEIR_ACTION_DROP;
	d->rule = WEIR_RULE_DEFAULT;
}

static __always_inline void decision_identify(struct decision *d, __u16 app, __u8 method,
					      __u8 confidence)
{
	d->app = app < WEIR_APPS_MAX ? app : 0;
	d->method = method < WEIR_METHOD_COUNT ? method : WEIR_METHOD_NONE;
	d->confidence = confidence;
}

static __always_inline bool policy_block_holds(const struct weir_block_key *key)
{
	const __u64 *expires = bpf_map_lookup_elem(&weir_blocks, key);

	return expires && (!*expires || *expires > bpf_ktime_get_ns());
}

static __noinline bool policy_side_blocked(const __u32 *addr, __be16 port)
{
	struct weir_block_key key = {};

	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	if (policy_block_holds(&key))
		return true;
	key.port = port;
	return port && policy_block_holds(&key);
}

/* Whether the operator shut out an end of this packet: the host, or the service at its port. */
__noinline int policy_blocked(const struct frame *f)
{
	if (!f || !ctl_has(WEIR_CTL_BLOCKS))
		return 0;
	return policy_side_blocked(f->pkt.key.addr[0], f->pkt.key.port[0]) ||
	       policy_side_blocked(f->pkt.key.addr[1], f->pkt.key.port[1]);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds the rule of an identified flow and fills in what follows from it. */
#ifndef WEIR_POLICY_BPF_H
#define WEIR_POLICY_BPF_H

#include "block.bpf.h"
#include "exit.bpf.h"
#include "traits.bpf.h"

/* Sets INSPECT and TAP (payload is still punted) where the flow's identification, its peer or its
 * cell asks for it. */
static __always_inline __u32 policy_watch(__u32 flags, __u8 cell)
{
	bool inspect = flags & WEIR_FLOW_PEER_INSPECT || cell & WEIR_CELL_INSPECT;
	bool tap = flags & (WEIR_FLOW_ASKED_TAP | WEIR_FLOW_PEER_TAP) || cell & WEIR_CELL_TAP;

	flags &= ~(WEIR_FLOW_INSPECT | WEIR_FLOW_TAP);
	if (flags & WEIR_FLOW_ASKED_INSPECT || (inspect && !(flags & WEIR_FLOW_RELEASED)))
		flags |= WEIR_FLOW_INSPECT;
	return tap ? flags | WEIR_FLOW_TAP : flags;
}

/* A global function: in its loop's place within another the verifier would go through it for each
 * word. */
__noinline int policy_match(__u32 slot, __u32 word, __u64 set, __u64 traits)
{
	struct weir_tables t = {.rules = bpf_map_lookup_elem(&weir_rules, &slot)};

	return t.rules ? weir_rule_in_word(&t, word, set, traits) : -1;
}

static __always_inline int weir_word_match(const struct weir_tables *t, __u32 word, __u64 set,
					   __u64 traits)
{
	return policy_match(t->slot, word, set, traits);
}

/* Asks the generation's rules: class, application, traits and confidence are known. */
static __always_inline const struct weir_cell *policy_cell(__u32 slot, const struct decision *d)
{
	struct weir_tables t = {
		.sets = bpf_map_lookup_elem(&weir_rule_sets, &slot),
		.rules = bpf_map_lookup_elem(&weir_rules, &slot),
		.traits = bpf_map_lookup_elem(&weir_traits, &slot),
		.slot = slot,
	};
	const struct weir_rule *rule;
	struct weir_subject s;

	if (!t.sets || !t.rules || !t.traits)
		return NULL;
	s.app = d->app;
	s.from = d->origin ? d->class[1] : d->class[0];
	s.to = d->origin ? d->class[0] : d->class[1];
	s.traits = (__u64)d->traits << WEIR_GATE_TRAITS | d->gate_traits;
	if (d->confidence < WEIR_TRAITS_CONFIDENCE_VALUES)
		s.traits |= weir_trait_of(&t, WEIR_TRAITS_CONFIDENCE_AT + d->confidence);
	rule = weir_rule_find(&t, &s);
	return rule ? &rule->cell : NULL;
}

/*
 * Fills action, rule, exit and pipe from application, classes and traits, after traits_describe().
 * Nothing but TCP can be reset: there the flow is dropped. A policy without the cell passes.
 */
__noinline int policy_decide(const struct frame *f, struct decision *d)
{
	const struct weir_cell *cell;

	if (!f || !d)
		return 0;
	cell = policy_cell(f->generation & 1, d);
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

#endif

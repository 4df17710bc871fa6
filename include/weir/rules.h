/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules as the gate and the slow path read them (rule_find.h finds a flow's).
 *
 * A generation has four inner maps beside weir_classes: the sets of rules by source class,
 * destination class and application (weir_rule_sets), the rules (weir_rules), and what the gate
 * needs to compute traits (weir_traits, weir_mac_traits). A rule's conditions that are neither
 * class nor application are trait bits: the rule matches a flow that has all of them.
 */
#ifndef WEIR_RULES_H
#define WEIR_RULES_H

#ifndef __bpf__
#include <linux/types.h>
#endif
#include "weir/limits.h"
#include "weir/policy.h"

#define WEIR_RULE_WORDS (WEIR_RULES_MAX / 64)

struct weir_rule_set {
	__u64 word[WEIR_RULE_WORDS];
};

/* Element 0 of weir_rule_sets, in place of a set. */
struct weir_rules_head {
	__u32 rules;   /* the default stands behind them in weir_rules */
	__u32 words;   /* of a set that are in use */
	__u32 classes; /* address classes */
	__u32 pad;
	__u64 spare[WEIR_RULE_WORDS - 2];
};
_Static_assert(sizeof(struct weir_rules_head) == sizeof(struct weir_rule_set), "one array");

/* Indexes of weir_rule_sets: rules by the class of the flow's source, its destination, its
 * application. */
#define WEIR_SETS_FROM(class)	     (1 + (class))
#define WEIR_SETS_TO(classes, class) (1 + (classes) + (class))
#define WEIR_SETS_APP(classes, app)  (1 + 2 * (classes) + (app))
#define WEIR_SETS_COUNT(classes)     (1 + 2 * (classes) + WEIR_APPS_MAX)

/* weir_rules: ARRAY, index rule; the default at the index behind the last. */
struct weir_rule {
	__u64 traits; /* that a flow needs */
	struct weir_cell cell;
};
_Static_assert(sizeof(struct weir_rule) == 16, "weir_rule");

/*
 * weir_traits: ARRAY of __u32, the traits that follow from one value of the flow: its protocol, the
 * port where it came in, its confidence, whether it was joined in mid-stream, its outer VLAN, its
 * L4 port. X(enumerator, first index, values). An array may end early: what is behind it gives no
 * trait. Bits are those of the low half of weir_flow.traits.
 */
#define WEIR_TRAIT_TABLES(X)                                                                       \
	X(PROTO, 0, 256)                                                                           \
	X(IN_PORT, 256, 32)                                                                        \
	X(CONFIDENCE, 288, 101)                                                                    \
	X(MIDSTREAM, 389, 2)                                                                       \
	X(VLAN, 391, 4096)                                                                         \
	X(PORT, 4487, 65536)

enum weir_trait_table {
#define X(id, first, values) WEIR_TRAITS_##id,
	WEIR_TRAIT_TABLES(X)
#undef X
		WEIR_TRAIT_TABLE_COUNT,
};
enum {
#define X(id, first, values) WEIR_TRAITS_##id##_AT = (first), WEIR_TRAITS_##id##_VALUES = (values),
	WEIR_TRAIT_TABLES(X)
#undef X
};
#define WEIR_TRAITS_MAX (WEIR_TRAITS_PORT_AT + WEIR_TRAITS_PORT_VALUES)
_Static_assert(WEIR_TRAITS_IN_PORT_VALUES == WEIR_PORTS_MAX, "a trait of each port");

/* weir_mac_traits: LPM_TRIE, value __u32 traits of an originator's link-layer address. */
struct weir_mac_trait_key {
	__u32 prefixlen; /* 0 to 48 */
	__u8 mac[6];
	__u8 pad[2];
};
_Static_assert(sizeof(struct weir_mac_trait_key) == 12, "weir_mac_trait_key");

/* weir_trait_ids: ARRAY of __u64, one for each bit of the high half of weir_flow.traits: a hash of
 * the condition that it stands for, 0 = none. Kept over reloads and restarts, for the bits stand in
 * flow entries. */
#define WEIR_USER_TRAITS     32
#define WEIR_GATE_TRAITS     32
#define WEIR_TRAIT_USER(bit) (1ULL << (WEIR_GATE_TRAITS + (bit)))

/* What a rule is asked about. */
struct weir_subject {
	__u64 traits;
	__u32 from, to; /* address classes of the side that opened the flow, and of the other */
	__u32 app;
};

/* What the traits of the first packet follow from; ports in host order. */
struct weir_trait_facts {
	__u16 port[2]; /* of the side that opened the flow, and of the other; 0 where there is none
			*/
	__u16 vlan;    /* outer VID */
	__u8 proto;
	__u8 in_port; /* where the opener's frames come in */
	__u8 midstream;
};

#endif

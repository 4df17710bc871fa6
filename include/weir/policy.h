/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy as the gate reads it. A generation is inner maps in slot (generation & 1) of the outer
 * maps weir_classes and those of rules.h; storing weir_ctl.generation switches to it at once.
 * Generations of the policy step by one; a change of identifications, peers or blocks
 * steps by two (same slot), so that live flows are re-decided.
 */
#ifndef WEIR_POLICY_H
#define WEIR_POLICY_H

#ifndef __bpf__
#include <linux/types.h>
#endif
#include "weir/limits.h"

/* X(enumerator, "label", "help"): the labels are those of the policy file. */
#define WEIR_ACTIONS(X)                                                                            \
	X(UNDECIDED, "undecided", "not decided yet")                                               \
	X(PASS, "pass", "forwarded")                                                               \
	X(DROP, "drop", "dropped silently")                                                        \
	X(RESET, "reset", "TCP reset to both ends, then dropped")

enum weir_action {
#define X(id, name, help) WEIR_ACTION_##id,
	WEIR_ACTIONS(X)
#undef X
		WEIR_ACTION_COUNT,
};

/* X(enumerator, "label", "help"): how the frames of a flow that passes leave. */
#define WEIR_EXITS(X)                                                                              \
	X(WIRE, "wire", "redirected to the outgoing port")                                         \
	X(STACK, "stack", "given to the kernel's own path, as if weir were not there")             \
	X(SHAPED, "shaped", "sent through the outgoing port's queueing disciplines")               \
	X(LOCAL, "local", "delivered to a socket of this host")

enum weir_exit {
#define X(id, name, help) WEIR_EXIT_##id,
	WEIR_EXITS(X)
#undef X
		WEIR_EXIT_COUNT,
};
_Static_assert(WEIR_EXIT_COUNT <= 4, "weir_punt.flags has two bits for it");

/* Inner map of weir_classes: LPM_TRIE, value __u32 class. */
struct weir_class_key {
	__u32 prefixlen; /* 0..128 of the v4-mapped address: an IPv4 /24 is 120 */
	__u32 addr[4];	 /* network order */
};

/* weir_cell.flags */
#define WEIR_CELL_INSPECT (1u << 0)
#define WEIR_CELL_TAP	  (1u << 1)

/* What to do with a flow; part of a rule (rules.h). */
struct weir_cell {
	__u8 action; /* enum weir_action */
	__u8 flags;  /* WEIR_CELL_* */
	__u16 rule;  /* index into weir_rule_hits within this generation's half */
	__u16 pipe;
	__u8 exit; /* enum weir_exit */
	__u8 pad;
};
_Static_assert(sizeof(struct weir_cell) == 8, "weir_cell");

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a frame can end. Every frame that enters a port ends in exactly one reason of a kind other
 * than PUNT, or in PUNT in the gate and then in exactly one reason marked "after a punt" (counted
 * by the worker or by the kernel's statistics), so that per port: received + made = redirected +
 * stack + drops.
 */
#ifndef WEIR_REASON_H
#define WEIR_REASON_H

enum weir_reason_kind {
	WEIR_KIND_REDIRECT, /* left through another port */
	WEIR_KIND_STACK,    /* given to the kernel's own path (bridge or routing) */
	WEIR_KIND_DROP,	    /* gone, for the reason named */
	WEIR_KIND_PUNT,	    /* handed to the slow path, which ends it */
	WEIR_KIND_MADE,	    /* made by weir itself (resets) */
};

/* X(enumerator, kind, "label", "help") - order is the map index; append only. */
#define WEIR_REASONS(X)                                                                            \
	X(REDIRECTED, REDIRECT, "redirected",                                                      \
	  "decided flow, sent out of the port of its other direction")                             \
	X(PUNTED, PUNT, "punted", "handed to the slow path")                                       \
	X(STACK_DISABLED, STACK, "port_disabled", "the port is switched off or not configured")    \
	X(STACK_NOT_IP, STACK, "not_ip", "neither IPv4 nor IPv6 (ARP, STP, LLDP ...)")             \
	X(STACK_MULTICAST, STACK, "multicast", "link-layer multicast or broadcast")                \
	X(STACK_LOCAL, STACK, "local", "for the gateway itself")                                   \
	X(STACK_FRAGMENT, STACK, "fragment",                                                       \
	  "fragment of a datagram whose first is not known, and no port for it either")            \
	X(STACK_CONTROL, STACK, "control", "ICMP error or neighbour discovery")                    \
	X(STACK_NO_PAYLOAD, STACK, "no_payload",                                                   \
	  "undecided TCP segment without payload, nothing ahead of it")                            \
	X(STACK_NO_EGRESS, STACK, "no_egress",                                                     \
	  "decided flow whose destination is on no other port that is known")                      \
	X(STACK_NO_REDIRECT, STACK, "no_redirect", "the other port cannot be redirected to")       \
	X(STACK_OVERSIZE, STACK, "oversize", "too large for the other port or for the slow path")  \
	X(STACK_FAILURE, STACK, "failure", "slow path gone, on_failure: pass")                     \
	X(STACK_OVERLOAD, STACK, "overload", "slow path full, on_overload: pass")                  \
	X(STACK_TABLE, STACK, "table_full", "no room in a table, passed uninspected")              \
	X(STACK_NOT_FORWARDING, STACK, "not_forwarding",                                           \
	  "the bridge does not forward on this port (STP)")                                        \
	X(DROP_MALFORMED, DROP, "malformed",                                                       \
	  "IP or transport header that contradicts itself or the frame")                           \
	X(DROP_VERDICT, DROP, "verdict", "flow decided: drop")                                     \
	X(DROP_RECONNECTION, DROP, "reconnection",                                                 \
	  "new attempt towards a peer whose flow was dropped")                                     \
	X(DROP_ENDPOINT, DROP, "endpoint",                                                         \
	  "first packet towards a learned endpoint whose application is dropped")                  \
	X(DROP_BLOCKED, DROP, "blocked", "shut out by the operator (weir block)")                  \
	X(DROP_RESET, DROP, "reset", "flow decided: reset")                                        \
	X(DROP_FAILURE, DROP, "failure", "slow path gone, on_failure: drop")                       \
	X(DROP_OVERLOAD, DROP, "overload",                                                         \
	  "slow path full and frames of this direction still in it, or on_overload: drop")         \
	X(DROP_HANDOVER, DROP, "handover",                                                         \
	  "dropped to drain the slow path so that the hand-over stays in order")                   \
	X(REINJECTED, REDIRECT, "reinjected", "after a punt: sent out by the slow path")           \
	X(DROP_STALE, DROP, "stale",                                                               \
	  "after a punt: waited while the daemon was stopped, overtaken by the fast path; or "     \
	  "died "                                                                                  \
	  "with the daemon")                                                                       \
	X(DROP_TX_FULL, DROP, "tx_full", "after a punt: transmit ring full")                       \
	X(DROP_TX_ERROR, DROP, "tx_error", "after a punt: no usable egress port")                  \
	X(DROP_UNDECODABLE, DROP, "undecodable", "after a punt: frame without weir's metadata")    \
	X(DROP_PUNT_LOST, DROP, "punt_lost",                                                       \
	  "after a punt: lost by the kernel before the slow path read it")                         \
	X(DROP_REDIRECT_LOST, DROP, "redirect_lost",                                               \
	  "lost by the kernel or the other port after a redirect")                                 \
	X(MADE_RESET, MADE, "made_reset", "TCP reset made by weir, counted on the port it left")   \
	X(REDIRECTED_FRAGMENT, REDIRECT, "redirected_fragment",                                    \
	  "fragment of a datagram whose first is not known, sent out of its destination's port")   \
	X(STACK_PPPOE, STACK, "pppoe",                                                             \
	  "PPPoE discovery, or PPP that carries something else than IP")                           \
	X(DROP_ICMP_ERROR, DROP, "icmp_error",                                                     \
	  "ICMP error about a packet of a flow that is dropped")                                   \
	X(DROP_TUNNEL, DROP, "tunnel", "after a punt: what a tunnel's packet carries is dropped")  \
	X(DROP_PARKED, DROP, "parked",                                                             \
	  "repeats bytes that wait in the slow path, or what waited there did not get a good "     \
	  "answer")                                                                                \
	X(STACK_EXIT, STACK, "exit_stack", "decided flow whose rule says `exit: stack`")           \
	X(STACK_SHAPED, STACK, "exit_shaped",                                                      \
	  "decided flow whose rule says `exit: shaped`: through its port's queueing disciplines")  \
	X(REINJECTED_STACK, STACK, "reinjected_stack",                                             \
	  "after a punt: given to the kernel's own path as if it had just come in")                \
	X(REINJECTED_SHAPED, REDIRECT, "reinjected_shaped",                                        \
	  "after a punt: sent through the queueing disciplines of its port")                       \
	X(DROP_PAIR_LOST, DROP, "pair_lost", "after a punt: lost in the port's pair of veths")     \
	X(DROP_QDISC, DROP, "qdisc",                                                               \
	  "lost by the queueing disciplines of the port it was to leave by, where it is counted")  \
	X(DROP_TAP, DROP, "tap",                                                                   \
	  "after a punt: the program that the flow is handed to said so, or gave no answer")

enum weir_reason {
#define X(id, kind, name, help) WEIR_REASON_##id,
	WEIR_REASONS(X)
#undef X
		WEIR_REASON_COUNT,
};

/* weir_counters: per-CPU array, index port * WEIR_REASON_STRIDE + reason. */
#define WEIR_REASON_STRIDE 64
_Static_assert(WEIR_REASON_COUNT <= WEIR_REASON_STRIDE, "reasons fit their stride");
struct weir_counter {
	unsigned long long frames; /* XDP: frames; TC: skbs */
	unsigned long long bytes;
	unsigned long long segments; /* wire frames: equals frames on XDP */
};

#endif

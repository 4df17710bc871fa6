/* SPDX-License-Identifier: GPL-2.0-only */
/* What the daemon hands to the programs that sweep the tables of flows, and what they answer. */
#ifndef WEIR_SWEEP_H
#define WEIR_SWEEP_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* X(enumerator, "key of the policy's section", default in seconds, "help"): for how long nothing
 * may come of a flow before it has ended. */
#define WEIR_IDLES(X)                                                                              \
	X(TCP, "tcp", 3600, "a TCP connection")                                                    \
	X(TCP_NEW, "tcp_new", 60, "one that only one side has sent of, or that does not pass")     \
	X(TCP_CLOSED, "tcp_closed", 60, "one that ended: for so long its last frames are known")   \
	X(UDP, "udp", 180, "datagrams in both directions")                                         \
	X(UDP_NEW, "udp_new", 30, "in one direction, or that do not pass")                         \
	X(ICMP, "icmp", 30, "ICMP and ICMPv6")                                                     \
	X(OTHER, "other", 600, "any other protocol")

enum weir_idle {
#define X(id, key, seconds, help) WEIR_IDLE_##id,
	WEIR_IDLES(X)
#undef X
		WEIR_IDLE_COUNT,
};

#define WEIR_SWEEP_SETS 512 /* of the decided table that one run goes through at most */
/* A connection that closed is told when nothing came of it for so long (tenths of a second). */
#define WEIR_SWEEP_QUIET_DS 20

/* Context of weir_sweep (decided flows, some sets) and weir_sweep_waiting (all undecided ones). */
struct weir_sweep {
	__u32 first;	/* set to begin with */
	__u32 sets;	/* how many, at most WEIR_SWEEP_SETS */
	__u32 budget;	/* ends to tell at most */
	__u32 ring_max; /* bytes waiting in weir_events beyond which nothing more is told */
	__u32 idle_ds[WEIR_IDLE_COUNT];
	/* The answer. */
	__u32 gone_through; /* sets; fewer than asked when the budget or the ring ended it */
	__u32 told;
	__u32 freed;
	__u32 waiting; /* undecided flows that remain; meaningless when `cut` */
	__u32 cut;     /* more could have been told */
};

#endif

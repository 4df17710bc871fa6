/* SPDX-License-Identifier: GPL-2.0-only */
/* Directions of flows whose frames wait in the slow path for an event. Written by the workers. */
#ifndef WEIR_PARK_H
#define WEIR_PARK_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* X(enumerator, "label", "help"): what the frames wait for; a bit each of weir_parked.reasons.
 * Append only. */
#define WEIR_PARKS(X)                                                                              \
	X(OUT_OF_ORDER, "out_of_order", "bytes before them are missing (fast_pass: false)")        \
	X(SCAN, "scan", "the file that they are part of is being scanned")                         \
	X(ANSWER, "answer", "an answer on behalf of a host is being made")                         \
	X(TAP, "tap", "a capture client has to say what becomes of them")                          \
	X(SETTLE, "settle", "the flow changed its exit or pipe: the old queue empties first")

enum weir_park {
#define X(id, name, help) WEIR_PARK_##id,
	WEIR_PARKS(X)
#undef X
		WEIR_PARK_COUNT,
};
_Static_assert(WEIR_PARK_COUNT <= 32, "a bit each of weir_parked.reasons");

/* weir_parked: hash without eviction. */
struct weir_parked_key {
	__u64 flow_id;
	__u32 dir;
	__u32 pad;
};
_Static_assert(sizeof(struct weir_parked_key) == 16, "weir_parked_key");

/*
 * While no slow path is alive, the gate drops what carries payload or FIN of such a direction until
 * the deadline, and then does what the answer says.
 */
struct weir_parked {
	__u64 deadline_ns; /* CLOCK_MONOTONIC; the latest of all reasons */
	__u32 reasons;	   /* bit 1 << enum weir_park */
	__u8 answer;	   /* enum weir_action: PASS, DROP or RESET, the strictest of all reasons */
	__u8 pad[3];
};
_Static_assert(sizeof(struct weir_parked) == 16, "weir_parked");

#endif

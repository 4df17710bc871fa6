/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Directions whose frames wait in the slow path (weir/park.h). What carries payload, SYN, FIN or
 * RST follows the frames that wait; bare acknowledgements go as if nothing were ahead of them, but
 * for those of a flow that changes its exit.
 */
#ifndef WEIR_PARK_BPF_H
#define WEIR_PARK_BPF_H

#include "frame.bpf.h"

static __always_inline const struct weir_parked *park_find(const struct frame *f,
							   const struct weir_flow *flow)
{
	struct weir_parked_key key = {.flow_id = flow->id, .dir = f->pkt.dir & 1};

	return bpf_map_lookup_elem(&weir_parked, &key);
}

/* A segment of which the receiver keeps nothing. */
static __always_inline bool park_is_bare(const struct frame *f)
{
	return f->pkt.key.proto == IPPROTO_TCP && !f->pkt.payload &&
	       !(f->pkt.tcp_flags & (PACKET_TCP_SYN | PACKET_TCP_FIN | PACKET_TCP_RST));
}

/* Whether the frame follows those that wait: all do of a flow that changes its exit. */
static __always_inline bool park_follows(const struct frame *f, const struct weir_parked *parked)
{
	return !park_is_bare(f) || parked->reasons & 1u << WEIR_PARK_SETTLE;
}

/* Whether the direction is shut for a frame that cannot go up: until the deadline, and after it
 * unless the answer is to pass. */
static __always_inline bool park_is_shut(const struct weir_parked *parked)
{
	return parked && (parked->answer != WEIR_ACTION_PASS ||
			  (__s64)(bpf_ktime_get_ns() - parked->deadline_ns) < 0);
}

#endif

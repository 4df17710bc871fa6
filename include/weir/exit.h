/* SPDX-License-Identifier: GPL-2.0-only */
/* Marks by which the slow path, the two ends of a port's veth pair and the port's TC programs pass
 * on a frame's exit (enum weir_exit) and pipe. */
#ifndef WEIR_EXIT_H
#define WEIR_EXIT_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/*
 * Behind a frame that the slow path sends into a pair: AF_XDP has no mark to carry it in. The near
 * end cuts it off; on a port hooked by generic XDP the gate does for the exit `stack`, because
 * generic XDP runs again there and cannot read a mark. secret: weir_ctl.exit_secret, so that no
 * sender can end a frame in a trailer of its own.
 */
struct weir_trailer {
	__u64 secret;
	__u16 pipe;
	__u8 exit;
	__u8 pad[5];
};
_Static_assert(sizeof(struct weir_trailer) == 16, "weir_trailer");

/* XDP metadata of a frame that the gate gives to the stack to be shaped: the port's TC ingress
 * program makes a mark of it. */
struct weir_shape {
	__u32 secret; /* low half of weir_ctl.exit_secret */
	__u16 pipe;
	__u16 pad;
};
_Static_assert(sizeof(struct weir_shape) == 8, "weir_shape");

/*
 * The value that the bits of skb->mark under weir_ctl.mark_mask hold, a run of neighbouring bits:
 * the pipe, 0 for none, and with all bits set "given back by the slow path: not the gate's again".
 */
static inline __attribute__((always_inline)) __u32 weir_mark(__u32 mask, __u32 value)
{
	return (value * (mask & -mask)) & mask;
}

static inline __attribute__((always_inline)) __u32 weir_mark_value(__u32 mask, __u32 mark)
{
	__u32 lowest = mask & -mask;

	return lowest ? (mark & mask) / lowest : 0;
}

#define WEIR_MARK_DEFAULT 0xfff00000u

/* Class of skb->priority that a pipe has: minor number PIPE of the qdisc with handle 1:. */
#define WEIR_PIPE_PRIORITY(pipe) (1u << 16 | (pipe))

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Blocks (`weir block`): as the operator gave them, and compiled for the gate. */
#ifndef WEIR_BLOCK_H
#define WEIR_BLOCK_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define WEIR_BLOCK_ONE_SIDE 0xff   /* weir_block.to_bits: `from` may be either side */
#define WEIR_BLOCK_ANY_APP  0xffff /* also of flows that are not identified */

/*
 * weir_blocks: HASH, value __u64 expires_ns (CLOCK_MONOTONIC, 0 = until lifted). Read by
 * the daemon alone, which compiles the maps below from it; kept while no daemon runs.
 */
struct weir_block {
	__u32 from[4], to[4];	 /* network order, v4-mapped; 0 beyond the length */
	__u8 from_bits, to_bits; /* of the v4-mapped address: an IPv4 /24 is 120 */
	__be16 port;		 /* 0 = any; of the side `to` or, with one side, of that side */
	__u16 app;
	__u8 pad[2];
};
_Static_assert(sizeof(struct weir_block) == 40, "weir_block");

/*
 * Inner map of weir_block_tries: LPM_TRIE of weir_class_key, value __u32 number of the longest
 * prefix of a block that contains the address, from 1 on; 0 = in none.
 * Inner map of weir_block_sets: HASH of this, value __u64 expires_ns: a block has an element for
 * each prefix that lies in its own. to: WEIR_BLOCK_EITHER where the block has one side.
 * weir_ctl.flags tells which of the two slots is in use.
 */
#define WEIR_BLOCK_EITHER 0xffffffffU
struct weir_block_key {
	__u32 from, to;
	__be16 port;
	__u16 app;
};
_Static_assert(sizeof(struct weir_block_key) == 12, "weir_block_key");

#endif

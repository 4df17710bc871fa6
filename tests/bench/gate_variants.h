/* SPDX-License-Identifier: GPL-2.0-only */
/* The cases of the gate benchmark, and how flow number i looks. */
#ifndef WEIR_BENCH_GATE_VARIANTS_H
#include <linux/types.h>

#define WEIR_BENCH_GATE_VARIANTS_H

enum { VARIANT_EMPTY, VARIANT_PARSE, VARIANT_HASH, VARIANT_LRU, VARIANT_GATE, VARIANTS };

/* Host order: source address and port. */
#define FLOW_ADDRESS(i) (0x0a000001u + (i))
#define FLOW_PORT(i)	(1024u + ((i)&0x7fff))

/* The value of the hash maps that the gate is compared with: of the size that flows had when they
 * stood in such a map. */
struct plain_flow {
	__u64 id;
	__u8 rest[80];
	__u8 action;
	__u8 pad[7];
};

#endif

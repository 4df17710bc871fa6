/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of user/flow share about the table. */
#ifndef WEIR_FLOW_TABLE_H
#define WEIR_FLOW_TABLE_H

#include "flow/flow.h"
#include "util/slab.h"

struct flow_table {
	struct flow_limits limits;
	struct flow_table_stats stats;
	void (*release)(struct flow *f, void *arg);
	void *arg;
	uint64_t seed[2];
	struct slab slab;    /* of flows, no more than limits.flows */
	struct slab streams; /* no more than two of each flow */
	struct flow *newest, *oldest;
	uint64_t quiet_ns; /* of the flow that was asked for last, before its frame */
	size_t mask;	   /* of buckets, a power of two less one */
	struct flow *bucket[];
};

/* stream.c: prepares t->streams. */
void streams_init(struct flow_table *t);

#endif

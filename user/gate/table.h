/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decided table as user space has it mapped. The gate is its only writer: what puts and removes
 * here is for a table that no program uses yet (adoption) and for tests.
 */
#ifndef WEIR_GATE_TABLE_H
#define WEIR_GATE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/ctl.h"
#include "weir/flow.h"

struct gate_table {
	struct weir_tags *tags;
	struct weir_entry *entries;
	uint32_t sets; /* a power of two */
	const __u64 *hash_key;
};

/* Sets of a table for so many flows. */
uint32_t gate_table_sets(uint32_t flows);
/* Maps weir_tags and weir_decided into memory. 0 or a negative errno. */
int gate_table_map(struct gate_table *t, int tags_fd, int entries_fd, uint32_t sets,
		   const __u64 *hash_key);
void gate_table_unmap(struct gate_table *t);
/* How many flows there are. */
uint64_t gate_table_count(const struct gate_table *t);
/* A copy of the entry at an index; false when it is free or changed meanwhile. */
bool gate_table_read(const struct gate_table *t, uint32_t index, struct weir_entry *out);
bool gate_table_find(const struct gate_table *t, const struct weir_flow_key *key,
		     struct weir_entry *out);
/* Replaces the flow of the key. -ENOSPC when its set is full. */
int gate_table_put(struct gate_table *t, const struct weir_flow_key *key,
		   const struct weir_flow *flow);
/* -ENOENT */
int gate_table_remove(struct gate_table *t, const struct weir_flow_key *key);

#endif

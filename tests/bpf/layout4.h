/* SPDX-License-Identifier: GPL-2.0-only */
/* struct weir_flow as layout 4 had it; the maps were those of today. */
#ifndef WEIR_TEST_LAYOUT4_H
#define WEIR_TEST_LAYOUT4_H

#include <stdint.h>

struct layout4_flow {
	uint32_t generation;
	uint32_t flags;
	uint32_t seen_ds;
	uint16_t app;
	uint8_t action;
	uint8_t exit;
	uint64_t frames[2];
	uint64_t bytes[2];
	uint8_t mac[2][6];
	uint8_t in_port[2];
	uint16_t moved;
	uint32_t next[2];
	uint8_t payloads;
	uint8_t spare[7];
	uint64_t id;
	uint64_t decided_ns;
	uint64_t traits;
	uint32_t created_ds;
	uint32_t isn[2];
	uint32_t given[2];
	uint32_t user[2];
	uint16_t class[2];
	uint16_t rule;
	uint16_t pipe;
	uint8_t method;
	uint8_t confidence;
	uint8_t resets;
	uint8_t oversize;
};
_Static_assert(sizeof(struct layout4_flow) == 144, "layout 4");

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames that wait, so that a worker can go on with others: a list for each flow and direction, in
 * the order of the frames' sequence numbers. Bounded, allocated once. A frame here keeps its chunk.
 */
#ifndef WEIR_WORKER_WAITING_H
#define WEIR_WORKER_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "xsk/xsk.h"

struct waiting_key {
	uint64_t flow_id;
	uint8_t dir;
};

struct waiting;
/* frames: at most, of which one direction can have a quarter. Heap; NULL on ENOMEM. */
struct waiting *waiting_new(uint32_t frames);
void waiting_free(struct waiting *w);
/* How many wait. */
uint32_t waiting_count(const struct waiting *w);
/*
 * Adds a frame whose first byte has number seq, behind those of its direction that have the same
 * one. max_bytes: frames of one direction at most. -ENOBUFS where a bound is reached: the frame
 * stays the caller's.
 */
int waiting_add(struct waiting *w, const struct waiting_key *key, const struct frame *f,
		uint32_t seq, size_t max_bytes, uint64_t now_ns);
/* Whether frames of this direction wait. */
bool waiting_has(const struct waiting *w, const struct waiting_key *key);
/* Takes the first frame of a direction when it begins at or before `next`. */
bool waiting_take_next(struct waiting *w, const struct waiting_key *key, uint32_t next,
		       struct frame *out);
/* Takes the first frame of a direction. */
bool waiting_take(struct waiting *w, const struct waiting_key *key, struct frame *out);
/* The direction of the frame that has waited longest; false when none waits. */
bool waiting_oldest(const struct waiting *w, struct waiting_key *key, uint64_t *since_ns);

#endif

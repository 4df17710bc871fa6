/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames that wait for an event so that a worker can go on with others: a list for each parked
 * direction of a flow, in the order of the frames' sequence numbers. A direction is held by one or
 * more reasons (weir/park.h), each with a deadline and the answer that applies when it passes.
 * Bounded; allocated once. A parked frame keeps its chunk. The caller decides what happens to
 * frames.
 */
#ifndef WEIR_WORKER_PARK_H
#define WEIR_WORKER_PARK_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/park.h"
#include "weir/policy.h"
#include "xsk/xsk.h"

struct park_key {
	uint64_t flow_id;
	uint8_t dir;
};

/* What may be parked at most. */
struct park_limits {
	uint32_t frames;	/* in all */
	uint32_t frames_reason; /* under one reason */
	size_t flow_bytes;	/* of one direction; a frame counts at least PARK_FRAME_MIN */
};
#define PARK_FRAME_MIN 512

/* How a direction is held. */
enum park_state {
	PARK_NONE,    /* it is not */
	PARK_WAITING, /* its frames wait */
	PARK_ADOPTED, /* by a daemon that is gone, and its frames with it: what comes is dropped */
	PARK_SHUT,    /* a deadline has passed and the answer was drop or reset */
};

struct park_count {
	uint64_t frames, bytes;
};

struct park;
/* frames, directions: room. Heap; NULL on ENOMEM. Without park_limit() nothing can be parked. */
struct park *park_new(uint32_t frames, uint32_t directions);
void park_free(struct park *p);
void park_limit(struct park *p, const struct park_limits *l);
/* Frames that are parked under a reason; by the direction's first reason. */
const struct park_count *park_counts(const struct park *p);
uint32_t park_frames(const struct park *p);
uint32_t park_directions(const struct park *p);

/*
 * Holds a direction for a reason. A reason that holds it already gets the new deadline and answer.
 * -ENOBUFS: no more directions can be held.
 */
int park_hold(struct park *p, const struct park_key *key, enum weir_park reason,
	      uint64_t deadline_ns, enum weir_action answer);
/* A direction that another daemon had parked: as weir_parked says. -ENOBUFS as above. */
int park_adopt(struct park *p, const struct park_key *key, const struct weir_parked *was);
/* One reason has ended; returns those that are left. */
uint32_t park_end(struct park *p, const struct park_key *key, enum weir_park reason);
/* The direction and its reasons are forgotten. It has no frames (any more). */
void park_forget(struct park *p, const struct park_key *key);
/* From now until until_ns what comes of the direction ends with the answer. It has no frames (any
 * more). */
void park_shut(struct park *p, const struct park_key *key, enum weir_action answer,
	       uint64_t until_ns);

enum park_state park_find(const struct park *p, const struct park_key *key);
/* What holds the direction, for weir_parked; false when nothing does. */
bool park_describe(const struct park *p, const struct park_key *key, struct weir_parked *out);
/* The next reason whose deadline is not behind now_ns; a direction that is adopted or shut gives
 * WEIR_PARK_COUNT. */
bool park_due(const struct park *p, uint64_t now_ns, struct park_key *key, enum weir_park *reason,
	      enum weir_action *answer);
/* When the next deadline passes; UINT64_MAX without one. */
uint64_t park_next_ns(const struct park *p);
/* Calls fn for each direction; fn may change that one. */
void park_each(struct park *p, void (*fn)(const struct park_key *, void *), void *arg);

/*
 * Adds a frame to a direction that is held. It covers the sequence numbers from seq to before end;
 * for protocols without such both are 0, and frames keep the order they came in. -ENOBUFS where a
 * bound is reached: the frame stays the caller's.
 */
int park_add(struct park *p, const struct park_key *key, const struct frame *f, uint32_t seq,
	     uint32_t end, uint64_t now_ns);
/* Whether all of seq to before end is parked. */
bool park_covers(const struct park *p, const struct park_key *key, uint32_t seq, uint32_t end);
/* The first number that is parked; false without frames. */
bool park_first(const struct park *p, const struct park_key *key, uint32_t *seq);
/* The first number that has not come, as far as is known; false when it is not. */
bool park_in_order(const struct park *p, const struct park_key *key, uint32_t *next);
void park_set_in_order(struct park *p, const struct park_key *key, uint32_t next);
/* Whether fn says so of a frame of the direction. */
bool park_any(const struct park *p, const struct park_key *key,
	      bool (*fn)(const struct frame *, void *), void *arg);
/* When the frame came that has waited longest; false without frames. */
bool park_oldest(const struct park *p, const struct park_key *key, uint64_t *since_ns);
/* Until when the reason holds the direction; 0: it does not. */
uint64_t park_until(const struct park *p, const struct park_key *key, enum weir_park reason);
/* The first frame of a direction, which stays there; false: it has none. */
bool park_peek(const struct park *p, const struct park_key *key, struct frame *out);
/* Takes the first frame of a direction; `next`: only when it begins at or before that number. */
bool park_take(struct park *p, const struct park_key *key, struct frame *out);
bool park_take_next(struct park *p, const struct park_key *key, uint32_t next, struct frame *out);

#endif

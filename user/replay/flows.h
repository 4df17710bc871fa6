/* SPDX-License-Identifier: GPL-2.0-only */
/* Flows of captures as the gate would hold them. Private to user/replay. */
#ifndef WEIR_REPLAY_FLOWS_H
#define WEIR_REPLAY_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/flow.h"
#include "weir/sweep.h"

/* Flows by how long after their last frame they end: those of enum weir_idle, and: */
enum {
	REPLAY_CLOSED = WEIR_IDLE_COUNT, /* closed, and not told yet */
	REPLAY_TOLD,			 /* told; kept for what still comes */
	REPLAY_LISTS
};

struct replay_flow {
	struct weir_flow_key key;
	struct weir_flow flow; /* times are in the clock of the frames */
	uint64_t seen_ns;
	uint32_t serial;	 /* of the inspector's flow */
	uint32_t counted_frames; /* what that had at the last look */
	uint64_t counted_bytes;
	uint8_t mac[6]; /* of the originator */
	bool has_mac;
	uint8_t in_port; /* of the originator, 0 = not known */
	bool known;	 /* the slow path identified it, its next frame decides it */
	bool dropped;	 /* frames are not inspected any more */
	bool refused;	 /* dropped at its first packet: no flow for the gate */
	bool settled;	 /* decided at its first packet: not inspected */
	bool fresh;	 /* the frame at hand is its first */
	uint8_t refused_reason;
	uint32_t judged_by; /* replay.generation when a rule was looked for last */
	bool details_told;
	uint64_t refused_ns; /* when that was told last */
	char *hostname;
	/* What the policy says of it, as long as it is not decided by it. */
	struct weir_flow next;
	uint8_t list;
	struct replay_flow *next_hash, *newer, *older;
};

struct replay_flows;
/* NULL on ENOMEM. idle_ns: by enum weir_idle. end is called for each flow that is quiet for long
 * enough; it may not remove others. */
struct replay_flows *replay_flows_new(const uint64_t idle_ns[WEIR_IDLE_COUNT],
				      void (*end)(struct replay_flow *f, void *arg), void *arg);
void replay_flows_free(struct replay_flows *t);
/* NULL: there is none. */
struct replay_flow *replay_flows_find(const struct replay_flows *t,
				      const struct weir_flow_key *key);
/* NULL on ENOMEM. Its id is new. */
struct replay_flow *replay_flows_add(struct replay_flows *t, const struct weir_flow_key *key,
				     uint64_t now_ns);
/* The flow was seen now, and is of this list. */
void replay_flows_see(struct replay_flows *t, struct replay_flow *f, unsigned int list,
		      uint64_t now_ns);
void replay_flows_remove(struct replay_flows *t, struct replay_flow *f);
/* Calls end for those whose time is over; of the list TOLD they are removed. */
void replay_flows_sweep(struct replay_flows *t, uint64_t now_ns);
/* Calls fn for all, oldest first in each list. */
void replay_flows_each(struct replay_flows *t, void (*fn)(struct replay_flow *f, void *arg),
		       void *arg);
/* Those that were added. */
uint64_t replay_flows_count(const struct replay_flows *t);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A worker's part of taps (tap/tap.h, docs/tap.md): gives frames to programs, keeps those that wait
 * for an answer parked, and writes what was answered. Private to user/worker.
 *
 * A TCP connection of which a length was changed has two ways of counting: what a frame
 * acknowledges is translated when it arrives, so that everything in weir sees the numbers of the
 * side that sent the bytes; its own numbers when it leaves.
 */
#ifndef WEIR_WORKER_TAP_H
#define WEIR_WORKER_TAP_H

#include <poll.h>

#include "tap/edits.h"
#include "weir/exit.h"
#include "worker/worker_private.h"

/* ---- tap_flow.c: what is remembered of flows ---- */

struct tap_flow {
	uint64_t id; /* 0: free */
	uint64_t seen_ns;
	uint64_t number[2];    /* of the next record, by direction */
	struct edits edits[2]; /* by direction */
	struct tap_flow *next; /* in its bucket, or free */
	struct tap_flow *newer, *older;
	uint8_t slot; /* of the tap that asked last */
	bool kept;    /* the gate was told to go on handing it over */
	bool dropped; /* mode stream: by an answer */
};

struct tap_flows;
/* Heap; NULL on ENOMEM. */
struct tap_flows *tap_flows_new(void);
void tap_flows_free(struct tap_flows *t);
/* NULL: not known. */
struct tap_flow *tap_flows_find(struct tap_flows *t, uint64_t id, uint64_t now_ns);
/* Found or made; the one that was not seen for the longest time makes room. NULL: all are in use,
 * and were seen lately. */
struct tap_flow *tap_flows_take(struct tap_flows *t, uint64_t id, uint64_t now_ns);
/* Forgets those that were not seen for long. */
void tap_flows_expire(struct tap_flows *t, uint64_t now_ns);
/* By slot, of TAP_SLOTS. */
const uint32_t *tap_flows_count(const struct tap_flows *t);
void tap_flows_move(struct tap_flows *t, struct tap_flow *f, unsigned int slot);
struct edits_budget *tap_flows_budget(struct tap_flows *t);

/* A frame of a flow arrives: what it acknowledges is put into the numbers of the side that sent it.
 */
void tap_flow_arrive(struct tap_flows *t, struct tap_flow *f, struct packet *p, uint8_t *frame);
/*
 * It leaves: the payload becomes what it was changed to, the numbers those of the receiver. cap:
 * bytes of the frame at most. Returns its new length; -ENODATA: there is nothing to send. *changed:
 * the payload is another.
 */
int tap_flow_leave(struct tap_flow *f, struct packet *p, uint8_t *frame, size_t cap, bool *changed);
/* A copy of p with the numbers that a reset, to its sender or its receiver, has to have. */
struct packet tap_flow_reset(const struct tap_flow *f, const struct packet *p, bool to_sender);

/* ---- tap.c ---- */

#define TAP_NONE UINT32_MAX

enum tap_wait_state {
	WAIT_NOT, /* the frame is not asked about */
	WAIT_ASKED,
	WAIT_PASS,
	WAIT_DROP,
};

/* A parked frame, by its chunk. */
struct tap_wait {
	struct park_key key;
	uint64_t due_ns, since_ns;
	uint32_t serial;
	uint32_t addr_low; /* where in its chunk the frame begins */
	uint32_t len;
	uint32_t older, newer; /* of the same tap and asked, by arrival */
	uint8_t state, slot;
	bool replace, resize;
	uint16_t room;
};

/* A tap, as this worker uses it. */
struct tap_use {
	struct tap_link *link;
	bool dead; /* the link is broken */
	struct tap_counters *counters;
	enum weir_action on_timeout, on_absent;
	uint32_t oldest, newest; /* frames that are asked about */
	uint32_t missing;	 /* answers in a row */
	uint32_t empty;		 /* signals in a row */
};

struct worker_taps {
	struct taps *shared;
	uint32_t version;
	uint8_t slot_of[POLICY_TAPS_MAX];
	struct tap_use use[TAP_SLOTS];
	struct tap_flows *flows;
	struct tap_wait *waits;
	uint32_t wait_count, serial;
	uint32_t max_frame[WEIR_PORTS_MAX]; /* 0: not known yet */
	uint64_t realtime_ns;		    /* CLOCK_REALTIME minus CLOCK_MONOTONIC */
	uint32_t reading;		    /* slot whose answers are read */
};

static inline uint32_t tap_chunk(const struct frame *f)
{
	return (uint32_t)(f->addr / WEIR_FRAME_BYTES);
}

/* What the frame may grow to: behind it goes what tells an exit (weir/exit.h). */
static inline size_t tap_room(const struct frame *f)
{
	return WEIR_FRAME_BYTES - f->addr % WEIR_FRAME_BYTES - sizeof(struct weir_trailer);
}

struct tap_flow *tap_flow_of(const struct worker *w, uint64_t id);
/* The wait has ended; the frame goes when those before it have. */
void tap_wait_decide(struct worker *w, struct tap_wait *x, enum weir_action action);
/* Ends all waits, because there is no program. */
void tap_flush(struct worker *w, struct tap_use *u);
/* Takes the links that the daemon has made or ended since. */
void tap_links_take(struct worker *w);

/* A frame that may pass. */
struct tap_ask {
	struct frame *f;
	const struct weir_punt *punt;
	struct packet *p; /* NULL: it could not be decoded */
	const struct inspect_outcome *o;
	const struct policy_tap *tap; /* NULL: none */
	uint32_t settle_ms;
};

/* Whether this worker has seen tapped flows. */
bool worker_tap_begin(struct worker *w);
void worker_tap_end(struct worker *w);
/* The policy has changed. */
void worker_tap_reload(struct worker *w);
/* The tap of a frame that the gate has decided. */
const struct policy_tap *worker_tap_of(struct worker *w, const struct weir_punt *punt);
/* Before the frame is judged. */
void worker_tap_arrive(struct worker *w, struct frame *f, const struct weir_punt *punt,
		       struct packet *p);
/* PARKING_NONE: it goes on like others. PARKING_DROP: for WEIR_REASON_DROP_TAP, or where *reason
 * says otherwise. */
enum parking worker_tap(struct worker *w, const struct tap_ask *a, enum weir_reason *reason);
/* A frame leaves. False: there is nothing to send, it is to be dropped. */
bool worker_tap_leave(struct worker *w, struct frame *f, const struct weir_punt *punt,
		      struct packet *p);
struct packet worker_tap_reset(struct worker *w, const struct weir_punt *punt,
			       const struct packet *p, bool to_sender);
/* A frame that was parked ends: whether the program, or the policy for it, said that it is dropped.
 * Its length may be another. */
bool worker_tap_unpark(struct worker *w, struct frame *f);
/* Lets frames go that were answered; without another reason to wait. */
void worker_tap_go(struct worker *w, const struct park_key *key);
/* The deadline of a held direction: true where it is held no longer. */
bool worker_tap_hold_due(struct worker *w, const struct park_key *key);
/* Whether the gate is to go on handing over the flow, whatever the policy says. */
bool worker_tap_keeps(struct worker *w, uint64_t flow_id);
/* Answers, and deadlines that have passed. Returns the number of answers. */
uint32_t worker_tap_read(struct worker *w);
/* When the next frame has waited long enough; UINT64_MAX: none waits. */
uint64_t worker_tap_next_ns(const struct worker *w);
/* Adds what wakes the worker to fds, of `room`; false: there are answers already. */
bool worker_tap_sleep(struct worker *w, struct pollfd *fds, nfds_t *n, nfds_t room);
/* Once a second. */
void worker_tap_expire(struct worker *w);

#endif

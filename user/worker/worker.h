/* SPDX-License-Identifier: GPL-2.0-only */
/* A slow-path thread: reads punted frames, judges them, sends or drops them, publishes verdicts and
 * hand-over numbers. */
#ifndef WEIR_WORKER_H
#define WEIR_WORKER_H

#include "gate/gate.h"
#include "inspect/inspect.h"
#include "policy/policy.h"
#include "service/metric.h"
#include "xsk/xsk.h"

/* What all workers share; owned by the daemon, replaced under worker_pause(). */
struct worker_shared {
	struct gate *gate;
	struct frame_pool *pool;
	const struct policy *policy;
	struct signatures *signatures;
	struct app_registry *registry;
	struct endpoints *endpoints;
	struct names *names;
	struct xsk_sockets *ports[WEIR_PORTS_MAX]; /* NULL = no such port */
	uint32_t xsk_base[WEIR_PORTS_MAX];	   /* as weir_port.xsk_base */
	uint8_t domain[WEIR_PORTS_MAX];		   /* as weir_port.domain */
	uint32_t workers;
	uint64_t reconnect_ttl_ns;
};

/* What a worker has to tell of a flow; the texts are gone after the call. */
struct worker_note {
	uint64_t time_ns;
	uint64_t flow_id;
	struct weir_flow_key key;
	uint8_t origin;
	uint8_t port; /* that the packet came in on; 0: the flow has ended */
	uint16_t app;
	struct flow_details *details; /* or NULL */
	struct app_dns *dns;	      /* an answer to the flow's origin, or NULL */
};

struct worker_counters {
	uint64_t reasons[WEIR_PORTS_MAX][WEIR_REASON_COUNT]; /* by the port the frame came in on;
								MADE_RESET by the port it left */
	uint64_t bytes[WEIR_PORTS_MAX][WEIR_REASON_COUNT];
	uint64_t sent_frames[WEIR_PORTS_MAX], sent_bytes[WEIR_PORTS_MAX]; /* by egress port */
	uint64_t bad_checksums, finished_checksums, classified, decided, learned, stalls;
	uint64_t queue_frames;	 /* read in the last batch */
	uint64_t fast_passed;	 /* segments out of order that went on at once */
	uint64_t held;		 /* those that waited (fast_pass: false) */
	uint64_t hold_expired;	 /* times that a direction's frames went on because one waited too
				    long */
	uint64_t hold_full;	 /* segments that went on because no more could wait */
	uint64_t waiting_frames; /* that wait now */
	uint64_t events_lost;	 /* the daemon did not read them in time */
	uint64_t notes_lost;	 /* likewise */
	struct flow_table_stats flows;
	struct fragments_stats fragments;
	struct expect_stats expect;
};

struct worker;
int worker_start(struct worker_shared *shared, uint32_t index, struct worker **out,
		 struct error *e);
/* Ends the thread after the batch at hand. What is in its rings goes with the sockets: it could
 * only be sent past younger frames on the kernel's path. */
void worker_stop(struct worker *w);
/* Holds the thread between two batches (for a change of *shared), and lets it go on: on return it
 * uses what is in *shared now, and nothing of what was there before. */
void worker_pause(struct worker *w);
void worker_resume(struct worker *w);
/*
 * Hands what the worker has to tell to fn: a flow decided here as drop or reset, with the frame
 * that decided it gone. The gate tells of a flow only when its next frame comes, which it may never
 * do. One reader at a time.
 */
void worker_read_events(struct worker *w, void (*fn)(const struct weir_event *, void *), void *arg);
/* Hands what the worker knows of flows to fn, once each. One reader at a time. fn NULL: drops it.
 */
void worker_read_notes(struct worker *w, void (*fn)(const struct worker_note *, void *), void *arg);
/* A consistent enough copy: each number is read once. */
void worker_counters(const struct worker *w, struct worker_counters *out);

/* What worker_metrics are written from: the counters of all workers. */
struct worker_numbers {
	size_t worker_count;
	struct worker_counters workers[];
};
extern const struct metric worker_metrics[];

#endif

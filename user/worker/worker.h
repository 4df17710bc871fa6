/* SPDX-License-Identifier: GPL-2.0-only */
/* A slow-path thread: reads punted frames, judges them, sends or drops them, publishes verdicts and
 * hand-over numbers. */
#ifndef WEIR_WORKER_H
#define WEIR_WORKER_H

#include <stdatomic.h>

#include "gate/gate.h"
#include "inspect/inspect.h"
#include "packet/header.h"
#include "policy/policy.h"
#include "service/metric.h"
#include "tap/tap.h"
#include "weir/park.h"
#include "xsk/xsk.h"

/*
 * What a policy load replaces. The newest settings head a list of older ones that some worker still
 * uses. The functions are for the daemon's thread.
 */
struct worker_settings {
	uint64_t number; /* counts loads, from 1 on */
	struct policy *policy;
	struct signatures *signatures;
	uint32_t holders; /* bit i: worker i was given it, and did not lose it to a newer one */
	struct worker_settings *older;
};
_Static_assert(WEIR_WORKERS_MAX <= 32, "a bit for each worker");
/* Makes settings of number 1, which own policy and signatures. 0 or -ENOMEM. */
int worker_settings_new(struct policy *p, struct signatures *signatures,
			struct worker_settings **out);
/* Frees the whole list and what it owns. No worker may run. NULL is allowed. */
void worker_settings_free(struct worker_settings *s);
/* The length of the list. */
unsigned int worker_settings_count(const struct worker_settings *s);

/* What all workers work with; owned by the daemon. Each worker has a copy: the ports in it are
 * taken anew after worker_pause(), policy and signatures after worker_settings_give(). */
struct worker_shared {
	struct gate *gate;
	struct frame_pool *pool;
	struct worker_settings *settings; /* that workers begin with */
	const struct policy *policy;	  /* of the settings; set in the workers' copies */
	struct signatures *signatures;	  /* likewise */
	struct worker_blocks *blocks;	  /* that workers begin with; NULL: none */
	struct app_registry *registry;
	struct endpoints *endpoints;
	struct names *names;
	struct taps *taps;			   /* NULL: none */
	struct xsk_sockets *ports[WEIR_PORTS_MAX]; /* NULL = no such port */
	/* On the far ends of the ports' pairs; a TC port's own. NULL = no pair. */
	struct xsk_sockets *pairs[WEIR_PORTS_MAX];
	uint32_t xsk_base[WEIR_PORTS_MAX]; /* as weir_port.xsk_base */
	uint8_t domain[WEIR_PORTS_MAX];	   /* as weir_port.domain */
	uint32_t workers;
	uint64_t reconnect_ttl_ns;
};

/* Records from a worker to the daemon: id, name, how many eighths of the ring this kind may fill
 * (so that a flood leaves room for what matters more), help. */
#define WORKER_NEWS(X)                                                                             \
	X(DROP, "drop", 8, "flows whose first frame was dropped")                                  \
	X(ANOMALY, "anomaly", 4, "anomalies")                                                      \
	X(DETAILS, "details", 6, "what the first messages of a flow said")                         \
	X(DNS, "dns", 6, "answers of the DNS")                                                     \
	X(RECORD, "record", 6, "HTTP transactions and files")                                      \
	X(SETTINGS, "settings", 8, "that a worker uses the settings of a load")

enum worker_news {
#define X(id, name, share, help) WORKER_NEWS_##id,
	WORKER_NEWS(X)
#undef X
		WORKER_NEWS_COUNT
};
/* kind < WORKER_NEWS_COUNT. */
const char *worker_news_name(enum worker_news kind);

/* What a worker has to tell of a flow; gone after the call. */
struct worker_note {
	uint64_t time_ns;
	uint64_t flow_id;
	struct weir_flow_key key;
	uint8_t origin;
	uint8_t in_port; /* where the originator's packets come in; 0: not known */
	uint16_t app;
	const struct flow_details *details; /* or NULL */
	const struct app_record *record;    /* or NULL; beyond its texts there is nothing */
	const struct app_dns *dns; /* a question, an answer to the flow's origin, or NULL; beyond
				      its count there are no records */
};

struct worker_counters {
	uint64_t reasons[WEIR_PORTS_MAX][WEIR_REASON_COUNT]; /* by the port the frame came in on;
								MADE_RESET by the port it left */
	uint64_t bytes[WEIR_PORTS_MAX][WEIR_REASON_COUNT];
	uint64_t sent_frames[WEIR_PORTS_MAX], sent_bytes[WEIR_PORTS_MAX]; /* by egress port */
	uint64_t bad_checksums, finished_checksums, classified, decided, learned, stalls;
	uint64_t changed; /* flows that became another application */
	uint64_t cut;	  /* of these, connections that were reset because that one is dropped */
	uint64_t queue_frames;	 /* read in the last batch */
	uint64_t fast_passed;	 /* segments out of order that went on at once */
	uint64_t held;		 /* those that waited (fast_pass: false) */
	uint64_t hold_expired;	 /* times that a direction's frames went on because one waited too
				    long */
	uint64_t hold_full;	 /* segments that went on because no more could wait */
	uint64_t waiting_frames; /* that wait now */
	uint64_t parked_frames[WEIR_PARK_COUNT], parked_bytes[WEIR_PARK_COUNT]; /* now, by reason */
	uint64_t parked;			   /* frames that had to wait */
	uint64_t park_released;			   /* of these, frames that went on */
	uint64_t park_repeated;			   /* copies of parked bytes, dropped */
	uint64_t park_timeouts[WEIR_ACTION_COUNT]; /* deadlines passed, by answer */
	uint64_t park_refused[WEIR_PARK_COUNT];	   /* no room: the answer applied at once */
	uint64_t news_lost[WORKER_NEWS_COUNT];	   /* the daemon did not read them in time */
	struct flow_table_stats flows;
	struct fragments_stats fragments;
	struct expect_stats expect;
};

struct worker;
/* shared stays the caller's, and there as long as the worker. */
int worker_start(const struct worker_shared *shared, uint32_t index, struct worker **out,
		 struct error *e);
/* Ends the thread after the batch at hand. What is in its rings goes with the sockets: it could
 * only be sent past younger frames on the kernel's path. */
void worker_stop(struct worker *w);
/*
 * Holds the thread between two batches (for a change of the ports in *shared), and lets it go on:
 * on return it uses the ports that are in *shared now. ending: the port that is about to go, whose
 * held frames are let go while it is there; 0: none, WEIR_PORTS_MAX: all of them. Waits for a
 * worker that hangs.
 */
void worker_pause(struct worker *w, unsigned int ending);
void worker_resume(struct worker *w);
/* Makes s the head of the list and tells the workers to take it, which they do between two batches.
 * Does not wait for them. */
void worker_settings_give(struct worker_settings *s, struct worker_settings *older,
			  struct worker *const *workers, uint32_t count);
/* Frees older settings that no worker uses any more. To be called after worker_read_news(). */
void worker_settings_sweep(struct worker_settings *newest, struct worker *const *workers,
			   uint32_t count);

struct worker_blocks {
	atomic_uint users;
	struct policy_blocks made;
};
/* Compiled blocks with one user, the caller. Takes over what is in *made and leaves it empty; NULL:
 * no memory, *made is left alone. */
struct worker_blocks *worker_blocks_new(struct policy_blocks *made);
/* One user less; the last one frees them. NULL is allowed. */
void worker_blocks_put(struct worker_blocks *b);
/* From now on the worker drops by these what it identifies. Does not wait for it. */
void worker_blocks_give(struct worker *w, struct worker_blocks *b);
/* Drops the parked frames of flows of a blocked address or service. -ENOBUFS: the worker has not
 * read its orders for long. */
int worker_block(struct worker *w, const struct weir_block *key);
/* Ends what a consumer of one of this worker's flows holds (app/consumer.h), by its handle. 0 or
 * -ENOBUFS: the order did not fit. */
int worker_release(struct worker *w, uint64_t handle, enum weir_action action);

/* Callbacks for a worker's records. */
struct worker_reader {
	/*
	 * A flow decided here as drop or reset, with the frame that decided it gone: the gate tells
	 * of a flow only when its next frame comes, which it may never do. Or an anomaly. The
	 * packet's headers may be NULL.
	 */
	void (*event)(const struct weir_event *, const struct packet_header *, void *arg);
	/* What the worker knows of a flow, once. */
	void (*note)(const struct worker_note *, void *arg);
};
/* Calls the callbacks for the records in the ring at the time of the call, in order. For one
 * thread, not a worker's. Records are checked: kinds and ports are valid, texts printable. */
void worker_read_news(struct worker *w, const struct worker_reader *to, void *arg);
/* Readable when the ring is filling up, and should be read before the next tick. */
int worker_news_fd(const struct worker *w);
/* A consistent enough copy: each number is read once. */
void worker_counters(const struct worker *w, struct worker_counters *out);

/* What worker_metrics are written from: the counters of all workers. */
struct worker_numbers {
	size_t worker_count;
	struct worker_counters workers[];
};
extern const struct metric worker_metrics[];

#endif

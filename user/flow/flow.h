/* SPDX-License-Identifier: GPL-2.0-only */
/* Slow-path flows of one worker: bounded table, in-order assembly of each direction's first
 * message, hand-over numbers. */
#ifndef WEIR_USER_FLOW_H
#define WEIR_USER_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/details.h"
#include "packet/packet.h"
#include "proto/stream.h"
#include "weir/anomaly.h"
#include "weir/ctl.h"
#include "weir/flow.h"

/*
 * One direction of a TCP flow, put together. At first it is the direction's first message: bytes in
 * order from the first payload byte up to a limit, all kept. Where somebody reads on, it becomes a
 * window that slides over the rest (flow.follow), and gives events. Segments out of order are kept
 * (bounded) until the gap closes. When segments overlap, the bytes received first are kept, and
 * later copies are compared with them.
 */
struct stream;

/* X(enumerator, "label", "help"): what is counted of segments, as weir_reassembly_total{event}. */
#define FLOW_STREAM_EVENTS(X)                                                                      \
	X(OUT_OF_ORDER, "tcp-out-of-order", "segments that came behind a gap")                     \
	X(OVERLAP, "tcp-overlap", "segments that repeat bytes that are kept")                      \
	X(CONTRADICTION, "tcp-contradiction", "of these, segments with other bytes")               \
	X(UNCOMPARED, "tcp-uncompared", "segments that repeat bytes no longer kept")               \
	X(GAP, "tcp-gap", "gaps given up")                                                         \
	X(OUT_OF_WINDOW, "tcp-out-of-window", "segments beyond what a receiver can take")          \
	X(SYN_DATA, "tcp-syn-data", "data in a SYN")                                               \
	X(AFTER_FIN, "tcp-after-fin", "data behind the sender's FIN")                              \
	X(REFUSED, "tcp-refused", "segments not kept because a bound was reached")

enum flow_stream_event {
#define X(id, name, help) FLOW_STREAM_##id,
	FLOW_STREAM_EVENTS(X)
#undef X
		FLOW_STREAM_EVENT_COUNT,
};

struct flow {
	/* What nearly every frame needs is in front. */
	uint64_t id;
	struct flow *next_hash; /* beside what is compared with it */
	struct flow *newer, *older;
	uint64_t seen_ns;
	uint64_t bytes;
	uint32_t frames; /* frames seen, with or without payload */
	uint16_t app;
	uint8_t method : 4;
	uint8_t wanted : 2; /* with inspect: sides, bits by enum stream_side */
	uint8_t confidence : 7;
	bool expected : 1;  /* by an expectation with the wish to be read */
	uint16_t anomalies; /* bits of enum weir_anomaly: what was seen of it */
	uint8_t origin : 1; /* side that sent the first frame */
	bool midstream : 1; /* TCP whose SYN was not seen */
	bool two_way : 1;   /* both directions were seen */
	bool decided : 1;
	bool inspect : 1;      /* decided, consumers still read it, or it is followed for order */
	bool peer : 1;	       /* decided: the responder's port is the application's alone */
	bool reading : 1;      /* decided, its first messages are still read for details */
	bool follow : 1;       /* its streams are windows (flow_stream_follow) */
	bool reset : 1;	       /* TCP: seen */
	uint8_t traits_of : 7; /* generation whose policy judged its traits last, low bits */
	uint8_t tunnel;	       /* enum packet_tunnel it is inside of */
	uint8_t carries;       /* enum packet_tunnel, where inner flows are looked at */
	uint8_t icmp_errors;   /* ICMP errors about its packets, up to 255 */
	uint8_t source;	       /* enum weir_source, with WEIR_METHOD_ENDPOINT */
	struct stream *stream[2]; /* TCP: NULL until payload */
	void *module; /* the inspector's state, with its modules' in it, as long as the flow is
			 looked into; freed by the inspector */
	struct flow_details *details; /* NULL until something is known; freed by the table */
	struct weir_flow_key key;
	uint32_t payload_frames; /* frames with payload that were classified */
	uint32_t decided_after;	 /* frames seen when decided */
	uint32_t serial;	 /* order of first frames in this table */
	uint16_t unheard;	 /* frames that came as if the decision were not known */
	bool fin[2];		 /* TCP: seen */
	uint32_t traits;	 /* user space's half (weir_flow.traits) */
};
/* A table has hundreds of thousands. */
_Static_assert(sizeof(struct flow) <= 160, "struct flow");

/* Frames with payload seen when it was decided, as weir_flow and weir_identification hold them. */
static inline uint8_t flow_payloads(const struct flow *f)
{
	return f->payload_frames < UINT8_MAX ? (uint8_t)f->payload_frames : UINT8_MAX;
}

struct flow_table;
struct flow_limits {
	size_t flows;		 /* at most; the least recently seen goes first and is counted */
	size_t stream_bytes;	 /* of one direction (inspect.bytes) */
	size_t window_bytes;	 /* of one direction that is followed (reassembly.flow) */
	size_t stream_bytes_all; /* of all streams of the table (reassembly.total) */
	uint64_t idle_ns;
};
struct flow_table_stats {
	uint64_t created, expired, evicted;
	uint64_t stream[FLOW_STREAM_EVENT_COUNT];
	size_t flows, stream_bytes;
};

/* release is called before a flow is freed (for .module); may be NULL. Heap; NULL on ENOMEM or
 * without random numbers for the hash. */
struct flow_table *flow_table_new(const struct flow_limits *limits,
				  void (*release)(struct flow *, void *), void *arg);
void flow_table_free(struct flow_table *t);
/*
 * The flow of id (online) or, with id 0, of key (offline; such flows are created with id 0).
 * Created when absent, with origin = dir. NULL on ENOMEM.
 */
struct flow *flow_table_get(struct flow_table *t, uint64_t id, const struct weir_flow_key *key,
			    uint8_t dir, uint64_t now_ns, bool *created);
/* How long the flow that flow_table_get() last returned had been quiet; 0 for a new one. */
uint64_t flow_table_quiet_ns(const struct flow_table *t);
/* The flow of key that was created without an id, or NULL; does not count as seeing it. */
struct flow *flow_table_find(const struct flow_table *t, const struct weir_flow_key *key);
/* The flow of an id, or NULL; does not count as seeing it. */
struct flow *flow_table_find_id(const struct flow_table *t, uint64_t id);
/* Prefetches the hash bucket of id. */
void flow_table_prefetch(const struct flow_table *t, uint64_t id);
void flow_table_remove(struct flow_table *t, struct flow *f);
/* Frees the streams of a flow that no longer needs them; the next begins anew. */
void flow_release_streams(struct flow_table *t, struct flow *f);
/* Removes what was idle too long; at most `budget` flows per call. Returns how many. */
unsigned int flow_table_expire(struct flow_table *t, uint64_t now_ns, unsigned int budget);
/* Calls fn for every flow, oldest first. */
void flow_table_each(struct flow_table *t, void (*fn)(struct flow *, void *), void *arg);
void flow_table_stats(const struct flow_table *t, struct flow_table_stats *out);

/*
 * Adds a TCP segment's payload, whose first byte has number seq (behind a SYN: its own plus one).
 * isn_valid: isn is the direction's initial sequence number (its SYN), so the first payload byte is
 * isn + 1; otherwise the first segment pushed sets the base (mid-stream). Returns how many bytes
 * are contiguous now. -ENOMEM: a bound was reached (counted). -ENOSPC: the flow is followed and the
 * segment is beyond its window; flow_stream_skip() may help.
 */
int64_t flow_stream_push(struct flow_table *t, struct flow *f, uint8_t dir, bool isn_valid,
			 uint32_t isn, uint32_t seq, const uint8_t *data, size_t len);
/* The bytes of the first message so far; *len may be 0. Valid until the next push or release. */
const uint8_t *flow_stream_data(const struct flow *f, uint8_t dir, size_t *len);
/* The number of the byte behind the contiguous ones; false without a stream. */
bool flow_stream_next(const struct flow *f, uint8_t dir, uint32_t *seq);
/* True once the message will not grow: its limit is reached, or its beginning is gone. */
bool flow_stream_full(const struct flow *f, uint8_t dir);
/* Whether bytes are kept that lie behind a gap. */
bool flow_stream_has_gap(const struct flow *f, uint8_t dir);
/* The receiver of direction dir has acknowledged everything before ack. */
void flow_stream_acked(struct flow *f, uint8_t dir, uint32_t ack);
/* Counts an event of the flow's TCP segments and sets its anomaly bit, where it has one. */
void flow_stream_note(struct flow_table *t, struct flow *f, enum flow_stream_event event);

/*
 * From now on the flow's streams are windows: what was taken is kept only as long as there is room,
 * to be compared with repeated bytes. from_start: the first messages are yet to be taken; else they
 * count as taken.
 */
void flow_stream_follow(struct flow_table *t, struct flow *f, bool from_start);
/*
 * The next event of a followed direction, in order: GAP with length 0 first, where the beginning
 * was not seen; DATA; GAP where bytes were given up; END behind the last byte. Each is given once.
 * False: none at present. e->time_ns is the caller's to set; data are valid until the next push.
 */
bool flow_stream_take(struct flow *f, uint8_t dir, struct stream_event *e);
/* The direction ends (its FIN) before number seq. The others as in flow_stream_push(). */
void flow_stream_end(struct flow_table *t, struct flow *f, uint8_t dir, bool isn_valid,
		     uint32_t isn, uint32_t seq);
/* The sender of direction dir has broken the connection off: neither direction gives events any
 * more. False: its end was told already. */
bool flow_stream_reset(struct flow *f, uint8_t dir, struct stream_event *e);
/* Whether the end was taken, or the conversation was reset. */
bool flow_stream_ended(const struct flow *f, uint8_t dir);
/* Nobody reads the direction any more: frees what it holds. If segments are pushed again, it goes
 * on with the next one, behind a GAP of unknown length. */
void flow_stream_pause(struct flow_table *t, struct flow *f, uint8_t dir);
/*
 * Gives up the first gap of a followed direction: goes on at the bytes behind it. Where the
 * segment at seq, which is beyond the window, does not continue those, one such segment is no part
 * of the stream; when several in a row say so, goes on there. False: nothing has changed.
 */
bool flow_stream_skip(struct flow_table *t, struct flow *f, uint8_t dir, uint32_t seq);

/*
 * Hand-over (docs/architecture.md, "Order"). The gate numbers punted frames per flow and direction;
 * the worker publishes in weir_done the highest number seen, at each moment when every frame
 * received of that flow and direction has left or was dropped and no wire segment of the last
 * number is still to come. One tracker per worker, with a lane for each direction that has frames
 * in the slow path; no allocation after handover_new(). Frames of one flow delay the hand-over of
 * no other.
 */
struct handover;
#define HANDOVER_NONE UINT32_MAX /* no lane: a frame that has no flow, or one made here */
/* done: the memory-mapped weir_done, two elements a slot; slots: a power of two. frames: that can
 * be in the slow path at once. Heap; NULL on ENOMEM. */
struct handover *handover_new(uint64_t *done, uint32_t slots, uint32_t frames);
void handover_free(struct handover *h);
/* A punted frame was read from a ring. Returns its lane, or HANDOVER_NONE. */
uint32_t handover_received(struct handover *h, const struct weir_punt *punt);
/* It has left (its address came back on the completion ring) or was dropped. Once for each frame
 * received; the lane is not valid any more. */
void handover_finished(struct handover *h, uint32_t lane);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this folder share. */
#ifndef WEIR_WORKER_PRIVATE_H
#define WEIR_WORKER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "worker/park.h"
#include "worker/post.h"
#include "worker/worker.h"

#define WORKER_BATCH 64

/* When frames were last steered to a receive ring of ours. */
struct worker_ring {
	uint32_t sent; /* weir_xsk_sent at that time */
	uint64_t since_ns;
};

/* By which exit a flow's last frame left, and how many kicks there had been. */
struct worker_exit_mark {
	uint32_t kicks;
	uint8_t exit;
};

struct worker {
	struct worker_ring rings[WEIR_PORTS_MAX][WEIR_QUEUES_MAX];
	const struct worker_shared *origin; /* the daemon's, read while this thread is paused */
	struct worker_shared own;	    /* a copy, and the settings in use */
	struct worker_shared *shared;	    /* &own */
	uint32_t index;
	struct inspector *inspector;
	struct handover *handover;
	struct worker_exit_mark exits[1024]; /* by flow; flows may share one */
	uint32_t kicks;
	struct park *park;
	struct worker_taps *taps; /* NULL: there are none (tap.h) */
	struct worker_counters counters;
	struct post post;
	/* To be taken next: put here by the daemon, taken by this thread. */
	_Atomic(struct worker_settings *) offered;
	struct worker_settings *next; /* taken, and not in use yet */
	/* Compiled blocks to use next; with it goes the right to put them. */
	_Atomic(struct worker_blocks *) blocks_offered;
	uint64_t number, told; /* of the settings in use; as the daemon was told */
	/* Of the frame at hand: where either side of the flow comes in, 0 = not known; and its
	 * packet, NULL = there is none. */
	uint8_t note_port[2];
	const struct packet *note_packet;
	enum packet_status note_status;
	uint32_t outstanding; /* frames queued for sending whose completion has not come */
	uint64_t now_ns;
	uint64_t beat_ns;   /* last heartbeat written */
	uint64_t expire_ns; /* next expiry run */

	pthread_t thread;
	int wake_fd; /* eventfd: leave the poll */
	atomic_bool stop;
	atomic_bool pause;
	unsigned int ending; /* written before pause is */
	bool paused;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

/* frame.c: judges one received frame and sends or drops it; owns the frame. */
void worker_frame(struct worker *w, const struct frame *f);
/* Ends a frame that waited while the daemon stood still. */
void worker_frame_stale(struct worker *w, const struct frame *f);
/* Ends a frame that was parked: PASS sends it on; drop: the reason where the action is DROP. Owns
 * the frame. */
void worker_frame_end(struct worker *w, const struct frame *f, enum weir_action action,
		      enum weir_reason drop);
/* The same for one that was overtaken while the daemon stood still. */
void worker_frame_lose(struct worker *w, const struct frame *f);
/* The policy's action for the flow of a parked frame; UNDECIDED where this worker has not decided
 * it. */
enum weir_action worker_frame_action(struct worker *w, const struct frame *f);
/* Whether the flow's frames come to this worker. */
bool worker_owns(const struct worker *w, uint64_t flow_id);

/* parking.c */
enum parking {
	PARKING_NONE,	/* the frame is the caller's, and next in its order */
	PARKING_PARKED, /* it waits */
	PARKING_DROP,	/* it has to be dropped as WEIR_REASON_DROP_PARKED */
	PARKING_RESET,	/* likewise as a reset */
};
/*
 * Holds a direction: from now on what carries payload, SYN, FIN or RST of it waits until every
 * reason was released, or a deadline has passed; then the answer applies. Of several reasons the
 * strictest answer does. To be called before the frame that has to wait is given to worker_park().
 * -ENOBUFS and the errors of a map: nothing is held (counted), and the answer is the caller's to
 * give.
 */
int worker_park_hold(struct worker *w, const struct park_key *key, enum weir_park reason,
		     uint64_t deadline_ns, enum weir_action answer);
/* The reason has ended: without another one the frames go on. */
void worker_park_release(struct worker *w, const struct park_key *key, enum weir_park reason);
/*
 * Whether a frame that was judged (o) and may pass has to wait. p: NULL where it was not decoded.
 * settle_ms: how long frames of its flow may be on their way by another exit, 0 where none are: it
 * waits so long, whatever it carries, and what comes behind it.
 */
enum parking worker_park(struct worker *w, const struct frame *f, const struct weir_punt *punt,
			 const struct packet *p, const struct inspect_outcome *o,
			 uint32_t settle_ms);
/* The reasons that hold a direction whose frames wait, as bits. */
uint32_t worker_park_reasons(const struct worker *w, const struct park_key *key);
/* Until when one of them does. */
uint64_t worker_park_until(const struct worker *w, const struct park_key *key,
			   enum weir_park reason);
/* After a frame was judged and has ended: lets those go that waited for it. drop: the reason where
 * the action is DROP. */
void worker_park_after(struct worker *w, const struct weir_punt *punt,
		       const struct inspect_outcome *o, enum weir_action action,
		       enum weir_reason drop);
/* The same with an answer: unless that is to pass, it applies to what waits of the direction,
 * whatever else holds it, and to what comes later. */
void worker_park_settle(struct worker *w, const struct park_key *key, enum weir_park reason,
			enum weir_action action);
/* hold.c: holds what the consumers of a frame's flow asked for. What becomes of the frame where
 * that is not possible; else PASS. */
enum weir_action worker_hold(struct worker *w, const struct weir_punt *punt,
			     const struct inspect_outcome *o);
/* The inspector's callback for a hold that was released. arg: the worker. */
void worker_hold_released(void *arg, uint64_t flow_id, uint8_t dir, uint8_t reason, uint8_t action);
/* exit.c: where a frame is to go. */
struct worker_route {
	uint8_t in_port, out_port; /* out_port WEIR_PORT_NONE: not known */
	uint8_t exit;		   /* enum weir_exit */
	uint16_t pipe;
	uint32_t flow; /* the same for all frames of a flow */
};
/*
 * Queues a frame by the exit asked for, or the one that is possible. True: it is gone, *reason is
 * how it was reinjected, f->cookie comes back by worker_complete(). False: it is still the
 * caller's, *reason is why.
 */
bool worker_exit(struct worker *w, const struct worker_route *r, const struct frame *f,
		 enum weir_reason *reason);
/* Wakes the kernel for all that is queued. */
void worker_kick(struct worker *w);
/* Deadlines that have passed. */
void worker_park_expire(struct worker *w);
/* The policy has changed: bounds, and what it says of the flows whose frames wait. */
void worker_park_reload(struct worker *w);
/* Drops what is parked of the flows for which fn is true. */
void worker_park_drop(struct worker *w, bool (*fn)(uint64_t flow_id, void *arg), void *arg,
		      enum weir_reason reason);
/* Lets go what came in by the port or would leave by it; WEIR_PORTS_MAX: everything. */
void worker_park_end(struct worker *w, unsigned int port);
/* After a standstill: drops the frames that others were sent past. */
void worker_park_stale(struct worker *w);
/* Takes over what weir_parked has of an earlier daemon. */
void worker_park_adopt(struct worker *w);
/* Takes completions back; returns how many. */
uint32_t worker_complete(struct worker *w);
/* rules.c: whether classes, traits and rule of the frame are of the policy that the worker uses. */
bool worker_punt_is_of_policy(const struct worker *w, const struct weir_punt *punt);
/* What the policy does with a flow, of which this is a packet. */
const struct weir_cell *worker_cell(const struct worker *w, const struct flow *f,
				    const struct weir_punt *punt, const struct packet *packet);
/* Judges the conditions of rules that are user space's, where there is news of the flow or another
 * policy. Returns whether the flow meets more of them than before. */
bool worker_traits_update(const struct worker *w, struct flow *f, bool news);
/* Whether rules ask for the host name of a flow that is read on, and it is yet to come. */
bool worker_waits_for_name(const struct worker *w, const struct flow *f);
/* settings.c: this thread's copy of *shared before it runs. */
void worker_settings_begin(struct worker *w, const struct worker_shared *shared);
/* Tells the inspector of the settings in use, except for the signatures. */
void worker_settings_apply(struct worker *w);
/* Others lie in the place for them; takes what lay there before this call, and says so. */
void worker_settings_ordered(struct worker *w);
void worker_settings_take(struct worker *w);
/* orders.c: carries out the daemon's orders, between two batches. */
void worker_read_orders(struct worker *w);
/* blocks.c: a worker counts as a user of the blocks in its copy of *shared, until the end. */
void worker_blocks_begin(struct worker *w);
void worker_blocks_end(struct worker *w);
/* Whether the operator has shut out the flow, which is decided. */
bool worker_blocked(struct worker *w, const struct flow *f);
/* events.c: tells the daemon that the first frame of a flow was dropped by what the policy says of
 * its application. */
void worker_event_drop(struct worker *w, const struct flow *f, const struct weir_punt *punt,
		       const struct weir_cell *cell);
/* The same of what the operator blocks. */
void worker_event_blocked(struct worker *w, const struct flow *f, const struct weir_punt *punt);
/* Tells of the anomalies (bits of enum weir_anomaly) that a frame of the flow was the first to
 * raise. */
void worker_event_anomalies(struct worker *w, const struct flow *f, const struct weir_punt *punt,
			    uint16_t anomalies);
/* notes.c: tells the daemon what is known of a decided flow, once. */
void worker_note_details(struct worker *w, struct flow *f);
/* The frame at hand, whose flow events and notes are about. packet: valid until the next call;
 * NULL: no frame is. */
void worker_note_frame(struct worker *w, const struct weir_punt *punt, const struct packet *packet,
		       enum packet_status status);
/* Size of an answer in bytes, without its unused records. */
size_t worker_answer_bytes(const struct app_dns *d);
/* The inspector's callbacks for a flow that ends and for an answer of the DNS. arg: the worker. */
void worker_released(struct flow *f, void *arg);
void worker_told(void *arg, const struct app_message *m, const struct app_record *r);
void worker_answered(void *arg, const struct app_message *m, const struct app_dns *answer);
/* The inspector's callback for a new endpoint. arg: the worker. */
void worker_learn(void *arg, const struct weir_endpoint_key *key, const struct weir_peer *peer);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slow path's judgement without its input and output: packets in, findings out. A worker feeds
 * it from AF_XDP, `weir classify` from a capture. One inspector per thread.
 */
#ifndef WEIR_INSPECT_H
#define WEIR_INSPECT_H

#include "app/app.h"
#include "classify/classify.h"
#include "flow/flow.h"
#include "packet/fragments.h"
#include "packet/tunnel.h"

/* What is done with packets that carry packets. */
enum inspect_tunnels {
	INSPECT_TUNNELS_OUTER,	/* nothing: the tunnel is the flow */
	INSPECT_TUNNELS_UNWRAP, /* IP in IP alone, in place of the outer packet */
	INSPECT_TUNNELS_INNER,	/* inner packets are judged as flows of their own, beside it */
};
#define INSPECT_TUNNELS_MAX 4 /* one in the other */

struct inspect_settings {
	unsigned int packets; /* payload packets of a flow that are classified at most
				 (inspect.packets) */
	bool follow_all; /* every TCP flow is read to its end, also where no module asks for it */
	bool read_on; /* online: a decided flow's payload is asked for until its first messages are
			 read for details; offline they always are */
	struct flow_limits limits;
	enum inspect_tunnels tunnels;
	uint32_t modules_off; /* bits by place in app_modules(): as if they were not there */
	bool online;	      /* fed by the gate: what left is not kept for inspector_finish */
	size_t fragmented;    /* datagrams whose fragments are under way at most; 0 = 256 */
	struct names *names;  /* what the DNS tells; the caller's, shared; NULL: none */
	/* An answer of the DNS to m's receiver, after it was learned; may be NULL. arg: that of
	 * inspector_new(). */
	void (*answered)(void *arg, const struct app_message *m, const struct app_dns *answer);
	uint64_t endpoint_ttl_ns; /* of what is learned, in the clock of now_ns; 0 = endpoints_new's
				     from CLOCK_MONOTONIC on */
};

struct inspect_inner {
	struct flow *flow;
	uint8_t dir; /* of the packet at hand */
	bool decided_now;
};

/* What the packet led to. */
struct inspect_outcome {
	struct flow *flow;
	bool decided_now;  /* this packet decided (or re-decided) the flow, or the gate goes on as
			      if it had not heard: publish flow->app .. */
	bool reconnect;	   /* with decided_now: a reconnection entry is due */
	bool bad_checksum; /* passed on uninspected */
	/* Flows inside of flow, outermost first. The gate does not know them. */
	struct inspect_inner inner[INSPECT_TUNNELS_MAX];
	unsigned int inner_count;
	bool read;	    /* TCP payload of a direction that is still read, and next is valid */
	bool out_of_order;  /* with read: the payload begins behind `next`, where bytes are missing
			     */
	uint32_t next;	    /* number of the first byte of this direction that has not come */
	uint16_t anomalies; /* bits of enum weir_anomaly that this packet was the first of its flow
			       to raise */
};

struct inspector;
/*
 * signatures, registry and endpoints are the caller's and shared; endpoints may be NULL (nothing is
 * learned). learn is called (after endpoints_add) for every new endpoint, and for a renewed one
 * when a good part of its time has passed; may be NULL. Heap; NULL on ENOMEM. The process's first
 * inspector starts the library of ciphers: it is made before other threads, and before what a
 * sandbox takes away.
 */
struct inspector *inspector_new(const struct inspect_settings *settings, struct signatures *s,
				struct app_registry *r, struct endpoints *endpoints,
				void (*learn)(void *arg, const struct weir_endpoint_key *key,
					      const struct weir_peer *peer),
				void *arg);
void inspector_free(struct inspector *i);
/* A new signature set takes effect for the following packets; the old one is the caller's to free
 * afterwards. */
int inspector_set_signatures(struct inspector *i, struct signatures *s);
/* settings.read_on from now on. */
void inspector_set_read_on(struct inspector *i, bool read_on);
/* Another inspect.packets from now on. */
void inspector_set_packets(struct inspector *i, unsigned int packets);
/* Whether flows that are decided from now on are all followed. */
void inspector_set_follow_all(struct inspector *i, bool follow_all);
/* Other modules_off from now on, for flows that are read already too. */
void inspector_set_modules(struct inspector *i, uint32_t modules_off);
/* Another `tunnels` from now on. */
void inspector_set_tunnels(struct inspector *i, enum inspect_tunnels tunnels);
/* Has the processor begin to load what judging the packet of this metadata will take. */
void inspector_prefetch(const struct inspector *i, const struct weir_punt *punt);
/*
 * Judges one packet. punt: the gate's metadata, NULL offline (then flows are found by key and the
 * SYN's number is taken from the packets). A fragment is kept; the one that completes its datagram
 * is judged as all of it, with its own metadata. out->flow is NULL where the packet belongs to no
 * flow (not IP, malformed, a fragment among others) or memory ran out.
 */
void inspector_packet(struct inspector *i, const struct packet *p, enum packet_status status,
		      const struct weir_punt *punt, uint64_t now_ns, struct inspect_outcome *out);
/* Offline: flows still open at the end are decided as unknown; fn sees every flow, also those that
 * expired before (in order of first frame) unless inspector_on_release took them. Such flows carry
 * no streams and no module. */
void inspector_finish(struct inspector *i, void (*fn)(struct flow *, void *), void *arg);
/* Calls fn for flows as they leave the table (expiry, eviction, another flow on the same tuple).
 * Offline flows are then not kept for inspector_finish. */
void inspector_on_release(struct inspector *i, void (*fn)(struct flow *, void *), void *arg);
/* The flow of an id that the table has, or NULL. */
struct flow *inspector_find(const struct inspector *i, uint64_t flow_id);
unsigned int inspector_expire(struct inspector *i, uint64_t now_ns, unsigned int budget);
void inspector_stats(const struct inspector *i, struct flow_table_stats *out);
void inspector_fragments_stats(const struct inspector *i, struct fragments_stats *out);

/* Data connections that control connections announced. */
struct expect_stats {
	uint64_t expected;
	uint64_t refused; /* of another host than the one that spoke, or not to be overruled */
};
void inspector_expect_stats(const struct inspector *i, struct expect_stats *out);

#endif

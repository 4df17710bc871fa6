/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inspector: identifies flows from packets, without doing input or output. A worker passes it
 * packets from AF_XDP, `weir classify` those of a pcap file. One inspector per thread.
 */
#ifndef WEIR_INSPECT_H
#define WEIR_INSPECT_H

#include "app/app.h"
#include "classify/classify.h"
#include "flow/flow.h"
#include "packet/fragments.h"
#include "packet/tunnel.h"

/* Handling of tunnels. */
enum inspect_tunnels {
	INSPECT_TUNNELS_OUTER,	/* none: the tunnel itself is the flow */
	INSPECT_TUNNELS_UNWRAP, /* only IP in IP: the inner packet is inspected in place of the
				   outer one */
	INSPECT_TUNNELS_INNER,	/* inner packets are inspected as flows of their own, in addition to
				   the tunnel */
};
#define INSPECT_TUNNELS_MAX 4 /* nesting depth */

struct inspect_settings {
	unsigned int packets; /* packets with payload of a flow that are classified at most
				 (inspect.packets) */
	bool follow_all; /* every TCP flow is followed to its end, even if no module asks for it */
	bool read_on; /* live mode: the payload of an identified flow is requested until its first
			 messages are read for details. Offline they always are */
	struct flow_limits limits;
	enum inspect_tunnels tunnels;
	uint32_t modules_off; /* disabled modules, bits by index in app_modules() */
	bool online; /* live mode: packets come from the gate, and expired flows are not kept for
			inspector_finish() */
	size_t fragmented;   /* incomplete datagrams that are reassembled at a time; 0 = 256 */
	struct names *names; /* names learned from the DNS; the caller's, may be shared between
				inspectors; NULL: none */
	/* Called for a DNS answer to the receiver of m, after it was learned; may be NULL. arg:
	 * that of inspector_new(). */
	void (*answered)(void *arg, const struct app_message *m, const struct app_dns *answer);
	/* Called when the last hold of a direction for a reason was released: what becomes of its
	 * frames, if no other reason holds it. May be NULL. arg: that of inspector_new(). */
	void (*released)(void *arg, uint64_t flow_id, uint8_t dir, uint8_t reason, uint8_t action);
	/* Called for what consumers tell (app_services.tell); may be NULL. arg as above. */
	void (*told)(void *arg, const struct app_message *m, const struct app_record *r);
	uint32_t records;	  /* kinds of it that are wanted: bits by enum app_record_kind */
	uint64_t endpoint_ttl_ns; /* time to live of learned endpoints, in the clock of now_ns; 0 =
				     that of endpoints_new(), from CLOCK_MONOTONIC */
};

/* A direction of the packet's flow that a consumer holds. */
#define INSPECT_HOLDS_MAX 4
struct inspect_hold {
	uint64_t deadline_ns;
	uint8_t dir;
	uint8_t reason; /* enum weir_park */
	uint8_t answer; /* enum weir_action, when the deadline passes */
};

struct inspect_inner {
	struct flow *flow;
	uint8_t dir; /* direction of the packet */
	bool decided_now;
};

/* The results of one packet. */
struct inspect_outcome {
	struct flow *flow;
	bool decided_now; /* this packet identified the flow (or changed its identification), or the
			     gate seems not to know the identification: publish flow->app and the
			     following fields */
	bool changed;	  /* with decided_now: the flow was another application before */
	bool reconnect;	  /* with decided_now: later flows to this endpoint may be identified by it,
			     so publish the endpoint */
	bool bad_checksum; /* the packet was not inspected */
	/* Flows inside the tunnel `flow`, outermost first. The gate does not know them. */
	struct inspect_inner inner[INSPECT_TUNNELS_MAX];
	unsigned int inner_count;
	bool read; /* TCP payload of a direction that is still being read; `next` is valid */
	bool out_of_order; /* with read: the payload begins after `next`, so bytes before it are
			      missing */
	uint32_t
		next; /* sequence number of the first byte of this direction that has not arrived */
	/* Live mode: what is held from this packet on. */
	uint8_t hold_count;
	uint8_t hold_refused; /* strictest answer to holds for which there was no room; 0: none */
	const struct inspect_hold *hold; /* valid until the next packet */
	uint16_t anomalies; /* bits of enum weir_anomaly that this packet is the first of its flow
			       to show */
};

struct inspector;
/*
 * signatures, registry and endpoints remain the caller's and may be shared between inspectors;
 * endpoints may be NULL (nothing is learned). learn (may be NULL) is called after endpoints_add()
 * for every new endpoint, and for a renewed one if a considerable part of its time has passed.
 * Heap; NULL on ENOMEM. The first inspector of a process initialises the cryptography library, so
 * create it before other threads and before a sandbox is entered.
 */
struct inspector *inspector_new(const struct inspect_settings *settings, struct signatures *s,
				struct app_registry *r, struct endpoints *endpoints,
				void (*learn)(void *arg, const struct weir_endpoint_key *key,
					      const struct weir_peer *peer),
				void *arg);
void inspector_free(struct inspector *i);
/* Uses another signature set from the next packet on; afterwards the old one is no longer used and
 * the caller may free it. 0 or a negative errno. */
int inspector_set_signatures(struct inspector *i, struct signatures *s);
/* Sets settings.read_on. */
void inspector_set_read_on(struct inspector *i, bool read_on);
/* Sets settings.records. */
void inspector_set_records(struct inspector *i, uint32_t records);
/* Sets settings.packets. */
void inspector_set_packets(struct inspector *i, unsigned int packets);
/* Sets settings.follow_all, for flows that are identified from now on. */
void inspector_set_follow_all(struct inspector *i, bool follow_all);
/* Sets settings.modules_off, also for flows that are already followed. */
void inspector_set_modules(struct inspector *i, uint32_t modules_off);
/* Ends a hold, by the handle that its consumer was given and an enum weir_action. One that is not
 * known, or whose deadline has passed, is ignored. */
void inspector_release_hold(struct inspector *i, uint64_t handle, uint8_t action);
/* Sets settings.tunnels. */
void inspector_set_tunnels(struct inspector *i, enum inspect_tunnels tunnels);
/* Prefetches the hash bucket of the flow that the metadata names. */
void inspector_prefetch(const struct inspector *i, const struct weir_punt *punt);
/*
 * Inspects one packet. punt: the gate's metadata; NULL offline (then flows are found by key, and
 * the SYN's sequence number is read from the packets). A fragment is stored; the one that completes
 * its datagram is inspected as the whole datagram, with the metadata of that last fragment.
 * out->flow is NULL if the packet belongs to no flow (not IP, malformed, a fragment of an
 * incomplete datagram) or memory ran out.
 */
void inspector_packet(struct inspector *i, const struct packet *p, enum packet_status status,
		      const struct weir_punt *punt, uint64_t now_ns, struct inspect_outcome *out);
/*
 * Offline: ends all flows, which become unknown if they were not identified, and calls fn for every
 * flow, also for those that expired before (in order of the first frame) unless
 * inspector_on_release() received them. These flows have no streams and no module state.
 */
void inspector_finish(struct inspector *i, void (*fn)(struct flow *, void *), void *arg);
/* Calls fn for flows when they leave the table (expiry, eviction, another flow with the same
 * tuple). Flows are then not kept for inspector_finish(). */
void inspector_on_release(struct inspector *i, void (*fn)(struct flow *, void *), void *arg);
/* The flow of an id that the table has, or NULL. */
struct flow *inspector_find(const struct inspector *i, uint64_t flow_id);
unsigned int inspector_expire(struct inspector *i, uint64_t now_ns, unsigned int budget);
void inspector_stats(const struct inspector *i, struct flow_table_stats *out);
void inspector_fragments_stats(const struct inspector *i, struct fragments_stats *out);

/* Data connections that control connections announced; counters. */
struct expect_stats {
	uint64_t expected;
	uint64_t refused; /* announced for another host than the sender, or already learned as
			     another application */
};
void inspector_expect_stats(const struct inspector *i, struct expect_stats *out);

#endif

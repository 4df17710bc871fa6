/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of user/replay share. */
#ifndef WEIR_REPLAY_STATE_H
#define WEIR_REPLAY_STATE_H

#include "app/record.h"
#include "classify/classify.h"
#include "inspect/inspect.h"
#include "pcap/pcap_file.h"
#include "replay/flows.h"
#include "replay/replay.h"

#define REPLAY_DOMAIN	 1 /* forwarding group of all frames */
#define REPLAY_PORTS_MAX 64

/* Hosts that are at a port. */
struct replay_port {
	uint8_t port; /* number of the policy's port, from 1 */
	bool by_mac;
	uint8_t mac[6];
	uint32_t address[4];
	unsigned int prefixlen; /* of the 128-bit form */
};

struct reconnect {
	struct weir_reconnect_key key;
	struct weir_peer peer;
};
#define RECONNECTS 16384 /* a power of two; when two share a place the later one is kept */

/* What the inspector told while it looked at the frame at hand. */
#define TOLD_MAX 16
struct told {
	const struct flow *flow;
	uint16_t app; /* of the flow at that moment */
	struct app_dns *dns;
	struct app_record *record;
};

struct replay {
	struct replay_options options;
	struct app_registry *registry;
	struct policy *policy;
	struct signatures *signatures;
	struct names *names;
	struct endpoints *endpoints;
	struct inspector *inspector;
	struct replay_flows *flows;
	struct reconnect *reconnects;
	struct replay_port ports[REPLAY_PORTS_MAX];
	unsigned int port_count;
	struct eve eve;
	unsigned int wanted; /* POLICY_EVENT_* */
	struct replay_summary summary;
	bool began, failed;
	uint64_t base_ns; /* time 0 of the frames' clock, since 1970 */
	uint64_t now_ns;  /* in that clock */
	uint64_t sweep_ns;
	uint32_t generation; /* one more with each change of schedules */
	struct told told[TOLD_MAX];
	unsigned int told_count;
	const struct replay_flow *telling; /* whose event is being made */
};

/* The frame at hand. */
struct sight {
	const struct pcap_frame *frame;
	struct packet packet;
	enum packet_status status;
	struct packet_header header;
	uint64_t bytes;
};

/* ports.c: fills r->ports from options.ports. */
int replay_ports_read(struct replay *r, struct error *e);
/* Number of the port of the frame's sender, 0 = not known. */
uint8_t replay_port_of(const struct replay *r, const struct sight *s);

/* gate.c: what the gate does with frames of flows. */
/* Whether the frame ends there: its flow is dropped, or not inspected. */
bool gate_ends(struct replay *r, const struct sight *s);
/* The gate's flow of an inspector's one; the frame is counted. NULL: no memory. */
struct replay_flow *gate_see(struct replay *r, const struct sight *s, const struct flow *f);
/* The slow path has said what the flow is, or said so again. */
void gate_hear(struct replay *r, const struct sight *s, struct replay_flow *rf,
	       const struct inspect_outcome *o);
/* The flow's time is over; the captures are over. arg: struct replay. */
void gate_flow_quiet(struct replay_flow *rf, void *arg);
void gate_flow_cut(struct replay_flow *rf, void *arg);
/* Remembers what a later attempt is identified by. */
void gate_reconnect_put(struct replay *r, const struct flow *f);

/* tell.c: events. */
void tell_identified(struct replay *r, const struct replay_flow *rf);
void tell_ended(struct replay *r, const struct replay_flow *rf, enum weir_end end, bool shutdown);
/* flow_id 0 in f: no flow came into being. */
void tell_drop(struct replay *r, const struct sight *s, const struct weir_flow *f,
	       const struct weir_flow_key *key, uint8_t dir, enum weir_reason reason);
void tell_anomalies(struct replay *r, const struct sight *s, const struct replay_flow *rf,
		    uint16_t anomalies);
void tell_details(struct replay *r, struct replay_flow *rf, const struct flow *f);
void tell_dns(struct replay *r, const struct replay_flow *rf, const struct app_dns *d);
void tell_record(struct replay *r, const struct replay_flow *rf, uint16_t app,
		 const struct app_record *record);

#endif

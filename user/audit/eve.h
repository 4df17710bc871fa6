/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events as JSON objects with the names, types and values of Suricata 7's EVE (docs/events.md).
 * What weir alone knows stands in the top-level object `weir`. The daemon and `weir replay` make
 * their events by these functions. All return a new reference; when memory runs out, fields are
 * missing, or the result is NULL.
 */
#ifndef WEIR_AUDIT_EVE_H
#define WEIR_AUDIT_EVE_H

#include <jansson.h>
#include <stdbool.h>

#include "app/app.h"
#include "app/record.h"
#include "classify/classify.h"
#include "packet/header.h"
#include "weir/ctl.h"

/* X(enumerator, "name", "what it tells"): every type of event. */
#define EVE_TYPES(X)                                                                               \
	X(FLOW, "flow", "a flow ended: its totals")                                                \
	X(IDENTIFIED, "identified", "a flow was decided, or decided again")                        \
	X(DROP, "drop", "a packet was dropped")                                                    \
	X(ALERT, "alert", "the same as an alert of the rule that dropped it")                      \
	X(ANOMALY, "anomaly", "a flow did what correct hosts do not do")                           \
	X(TLS, "tls", "hellos and certificate of a TLS or DTLS flow")                              \
	X(QUIC, "quic", "hello of a QUIC flow")                                                    \
	X(HTTP, "http", "an HTTP request and its answer")                                          \
	X(DNS, "dns", "a question to the DNS, or an answer")                                       \
	X(FILEINFO, "fileinfo", "a file was transferred")                                          \
	X(STATS, "stats", "counters")                                                              \
	X(POLICY, "policy", "the policy changed")                                                  \
	X(PORT, "port", "a port changed")

enum eve_type {
#define X(id, name, help) EVE_##id,
	EVE_TYPES(X)
#undef X
		EVE_TYPE_COUNT
};
const char *eve_type_name(enum eve_type type);
/* EVE_TYPE_COUNT: none has this name. */
enum eve_type eve_type_find(const char *name);

/* What an event needs to know beyond what is told. */
struct eve {
	const struct app_registry *registry;
	/* Added to a time of an event to get nanoseconds since 1970: 0 for times of a capture,
	 * eve_clock_offset() for CLOCK_MONOTONIC. */
	int64_t clock_offset_ns;
	bool community_id;
	uint16_t community_seed;
	bool alerts; /* drops are told as alerts too */
	void *arg;
	/* The interface of a port, the name of the rule that decided a flow, the flow's host name.
	 * NULL or "": not known. The functions may be NULL. */
	const char *(*interface)(void *arg, unsigned int port);
	const char *(*rule)(void *arg, const struct weir_flow *flow);
	const char *(*hostname)(void *arg, uint64_t flow_id);
};
/* The offset for CLOCK_MONOTONIC. Stays `before` as long as that is right to a millisecond, so that
 * a moment has the same text in all events. */
int64_t eve_clock_offset(int64_t before);

/* Events of a flow. ev->kind is one that belongs to the type. */
json_t *eve_identified(const struct eve *e, const struct weir_event *ev);
/* end_ns: when the last packet was seen; 0: as the flow says, to a tenth of a second. */
json_t *eve_flow(const struct eve *e, const struct weir_event *ev, uint64_t end_ns);
/* The same for a flow that had not ended when weir or the capture did. */
json_t *eve_flow_cut(const struct eve *e, const struct weir_event *ev, uint64_t end_ns);
/* packet may be NULL. */
json_t *eve_drop(const struct eve *e, const struct weir_event *ev,
		 const struct packet_header *packet);
json_t *eve_alert(const struct eve *e, const struct weir_event *ev,
		  const struct packet_header *packet);
/* The source is the packet's sender. */
json_t *eve_anomaly(const struct eve *e, const struct weir_event *ev);

/* Something that was read in a flow. */
struct eve_note {
	uint64_t time_ns;
	uint64_t flow_id;
	uint64_t parent_id; /* of the flow that announced it, 0 = none */
	const struct weir_flow_key *key;
	unsigned int origin;  /* key side of the originator */
	unsigned int in_port; /* of the originator, WEIR_PORT_NONE or 0 = not known */
	unsigned int app;
	int64_t tx; /* number of the transaction in its flow, -1 = none */
};
/* body: under the type's name; weir: under "weir", or NULL. Both are stolen. */
json_t *eve_note(const struct eve *e, enum eve_type type, const struct eve_note *note, json_t *body,
		 json_t *weir);
/* `http` or `fileinfo`: the type and the event of a record. */
enum eve_type eve_record_type(const struct app_record *r);
json_t *eve_record(const struct eve *e, const struct eve_note *note, const struct app_record *r);
/* An event that belongs to no flow; body is stolen. time_ns in the clock of e. */
json_t *eve_plain(const struct eve *e, enum eve_type type, uint64_t time_ns, json_t *body);

/* "TCP", "UDP", "ICMP" ... as Suricata writes them; for others the number, formatted in buf. */
#define EVE_PROTOCOL_MAX 12
const char *eve_protocol(uint8_t proto, char buf[EVE_PROTOCOL_MAX]);
/* Whether the key's port fields are ports (for ICMP they contain its identifier). */
bool eve_has_ports(uint8_t proto);
/* A flow id as shown to people and JSON readers: 51 bits, which a double represents exactly. */
int64_t eve_flow_id(uint64_t id);
/* Local time, ISO 8601 with microseconds and zone, as Suricata writes it. Returns buf. */
#define EVE_TIMESTAMP_MAX 48
const char *eve_timestamp(const struct eve *e, uint64_t time_ns, char buf[EVE_TIMESTAMP_MAX]);

/*
 * Community ID, version 1 (https://github.com/corelight/community-id-spec): SHA-1 over seed,
 * addresses, protocol and ports in an order that is the same for both directions, in base64.
 * icmp: {type, code}, or {type, type of the reply} where there is one; ignored for other protocols.
 * False: the protocol needs icmp and it is NULL, or the library lacks SHA-1.
 */
#define EVE_COMMUNITY_MAX 40
bool eve_community_id(const struct weir_flow_key *key, unsigned int origin, const uint8_t *icmp,
		      uint16_t seed, char buf[EVE_COMMUNITY_MAX]);

#endif

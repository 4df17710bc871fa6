/* SPDX-License-Identifier: GPL-2.0-only */
/* Events as JSON lines with Suricata's EVE field names: to the policy's file and to whoever
 * follows. */
#ifndef WEIR_AUDIT_H
#define WEIR_AUDIT_H

#include <jansson.h>
#include <stdbool.h>

#include "classify/classify.h"
#include "policy/policy.h"
#include "util/util.h"
#include "weir/ctl.h"

/* Types of the events there are: "flow" ...; AUDIT_TYPES names them to people. */
#define AUDIT_TYPES "flow, drop, anomaly, tls, http, dns, policy, port"
bool audit_type_known(const char *type);

struct audit;
/* file NULL = no file. Opened for appending, reopened when it was renamed (logrotate). */
int audit_open(const char *file, struct audit **out, struct error *e);
void audit_close(struct audit *a);
/* sink is called with every line (no newline) after it was written; may be NULL. */
void audit_set_sink(struct audit *a, void (*sink)(const char *type, const char *line, void *arg),
		    void *arg);
/* Another file from now on (policy reload); NULL = none. */
int audit_set_file(struct audit *a, const char *file, struct error *e);

/* The gate's event as `flow` (decided, closed, evicted) or `drop`. port_interface: of ev->in_port;
 * rule: name; hostname "" = none. */
void audit_flow(struct audit *a, const struct weir_event *ev, const struct app_registry *r,
		const char *port_interface, const char *rule, const char *hostname);
/* A weir_event of kind ANOMALY as `anomaly`; src is the sender of the frame. */
void audit_anomaly(struct audit *a, const struct weir_event *ev, const struct app_registry *r,
		   const char *port_interface);
/* What was read of a flow, as an event of the type ("tls" ...); body is stolen. */
struct audit_note {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint64_t flow_id;
	const struct weir_flow_key *key;
	unsigned int origin;	    /* side of the key that opened the flow */
	const char *interface;	    /* "" = not known */
	const struct app_info *app; /* NULL = unknown */
};
void audit_note(struct audit *a, const char *type, const struct audit_note *note, json_t *body);
json_t *audit_note_json(const char *type, const struct audit_note *note, json_t *body);
/* An event of another type; body is stolen and put under the type's name. */
void audit_event(struct audit *a, const char *type, json_t *body);
/* An event of type `policy` or `port`: what changed ("loaded", "vanished" ...) of which one. */
void audit_change(struct audit *a, const char *type, const char *what, const char *name);
/*
 * The JSON object of a gate event (docs/events.md), for other writers. New reference, NULL on
 * ENOMEM.
 */
json_t *audit_flow_json(const struct weir_event *ev, const struct app_registry *r,
			const char *port_interface, const char *rule, const char *hostname);

json_t *audit_anomaly_json(const struct weir_event *ev, const struct app_registry *r,
			   const char *port_interface);

/* The last AUDIT_RECENT_MAX lines, oldest first; type NULL = all. fn returns false to stop. */
#define AUDIT_RECENT_MAX 1000
void audit_recent(const struct audit *a, const char *type, bool (*fn)(const char *line, void *arg),
		  void *arg);
/* Lines that did not get into the file. */
uint64_t audit_lost(const struct audit *a);

/* A flow's id as people and JSON readers see it: 51 bits, as doubles carry it exactly. */
int64_t audit_flow_id(uint64_t id);
/* "TCP", "UDP", "ICMP" ... as EVE writes them; the number in buf for others. */
#define AUDIT_PROTOCOL_MAX 12
const char *audit_protocol(uint8_t proto, char buf[AUDIT_PROTOCOL_MAX]);
/* Whether ports of the key are ports (ICMP keeps its identifier there). */
bool audit_has_ports(uint8_t proto);
/* ISO 8601 with microseconds and zone, local time, of a CLOCK_MONOTONIC moment. */
#define AUDIT_TIMESTAMP_MAX 48
const char *audit_timestamp(uint64_t monotonic_ns, char buf[AUDIT_TIMESTAMP_MAX]);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Events as JSON lines with Suricata's EVE field names, written to the policy's file and to the
 * clients that follow them. */
#ifndef WEIR_AUDIT_H
#define WEIR_AUDIT_H

#include <jansson.h>
#include <stdbool.h>

#include "classify/classify.h"
#include "policy/policy.h"
#include "util/util.h"
#include "weir/ctl.h"

struct audit;
/* Opens the events. file NULL = no file. The file is opened for appending, and reopened after it
 * was renamed (logrotate). 0 or a negative errno with e filled. */
int audit_open(const char *file, struct audit **out, struct error *e);
void audit_close(struct audit *a);
/* Sets a function that is called with every line (without newline) after it was written; NULL:
 * none. */
void audit_set_sink(struct audit *a, void (*sink)(const char *type, const char *line, void *arg),
		    void *arg);
/* Switches to another file (policy reload); NULL = none. 0 or a negative errno with e filled. */
int audit_set_file(struct audit *a, const char *file, struct error *e);

/* Writes the gate's event as `flow` (decided, closed, evicted) or `drop`. port_interface: interface
 * of ev->in_port; rule: the rule's name; hostname: "" = none. */
void audit_flow(struct audit *a, const struct weir_event *ev, const struct app_registry *r,
		const char *port_interface, const char *rule, const char *hostname);
/* Writes a weir_event of kind ANOMALY as `anomaly`; src is the sender of the frame. */
void audit_anomaly(struct audit *a, const struct weir_event *ev, const struct app_registry *r,
		   const char *port_interface);
/* Details of a flow, as an event of the given type ("tls" ...); body is stolen. */
struct audit_note {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint64_t flow_id;
	const struct weir_flow_key *key;
	unsigned int origin;	    /* key side of the originator */
	const char *interface;	    /* "" = unknown */
	const struct app_info *app; /* NULL = unknown */
};
void audit_note(struct audit *a, const char *type, const struct audit_note *note, json_t *body);
json_t *audit_note_json(const char *type, const struct audit_note *note, json_t *body);
/* Writes an event of another type; body is stolen and stored under the type's name. */
void audit_event(struct audit *a, const char *type, json_t *body);
/* An event of type `policy` or `port`: what changed ("loaded", "vanished" ...) of which one. */
void audit_change(struct audit *a, const char *type, const char *what, const char *name);
/*
 * The JSON object of a gate event (docs/events.md), for other writers. New reference; NULL on
 * ENOMEM.
 */
json_t *audit_flow_json(const struct weir_event *ev, const struct app_registry *r,
			const char *port_interface, const char *rule, const char *hostname);

json_t *audit_anomaly_json(const struct weir_event *ev, const struct app_registry *r,
			   const char *port_interface);

/* Calls fn for the last AUDIT_RECENT_MAX lines, oldest first; type NULL = all. fn returns false to
 * stop. */
#define AUDIT_RECENT_MAX 1000
void audit_recent(const struct audit *a, const char *type, bool (*fn)(const char *line, void *arg),
		  void *arg);
/* Number of lines that could not be written to the file. */
uint64_t audit_lost(const struct audit *a);

/* A flow id as shown to people and JSON readers: 51 bits, which a double represents exactly. */
int64_t audit_flow_id(uint64_t id);
/* "TCP", "UDP", "ICMP" ... as in EVE; for other protocols the number, formatted in buf. */
#define AUDIT_PROTOCOL_MAX 12
const char *audit_protocol(uint8_t proto, char buf[AUDIT_PROTOCOL_MAX]);
/* Whether the key's port fields are ports (for ICMP they contain its identifier). */
bool audit_has_ports(uint8_t proto);
/* Formats a CLOCK_MONOTONIC time as local time, ISO 8601 with microseconds and zone. Returns
 * buf. */
#define AUDIT_TIMESTAMP_MAX 48
const char *audit_timestamp(uint64_t monotonic_ns, char buf[AUDIT_TIMESTAMP_MAX]);

#endif

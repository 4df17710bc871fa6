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

struct audit;
/* file NULL = no file. Opened for appending, reopened when it was renamed (logrotate). */
int audit_open(const char *file, struct audit **out, struct error *e);
void audit_close(struct audit *a);
/* sink is called with every line (no newline) after it was written; may be NULL. */
void audit_set_sink(struct audit *a, void (*sink)(const char *type, const char *line, void *arg),
		    void *arg);
/* Another file from now on (policy reload); NULL = none. */
int audit_set_file(struct audit *a, const char *file, struct error *e);

/* The gate's event as `flow` (decided, closed) or `drop`. port_interface: of ev->port; rule: name;
 * hostname "" = none. */
void audit_flow(struct audit *a, const struct weir_event *ev, const struct app_registry *r,
		const char *port_interface, const char *rule, const char *hostname);
/* An event of another type; body is stolen and put under the type's name. */
void audit_event(struct audit *a, const char *type, json_t *body);
/* The JSON object of a gate event, for other writers. New reference. */
json_t *audit_flow_json(const struct weir_event *ev, const struct app_registry *r,
			const char *port_interface, const char *rule, const char *hostname);

#endif

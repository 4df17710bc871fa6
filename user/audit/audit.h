/* SPDX-License-Identifier: GPL-2.0-only */
/* Events as JSON lines (audit/eve.h), written to the policy's file and to the clients that follow
 * them; the most recent ones are kept. */
#ifndef WEIR_AUDIT_H
#define WEIR_AUDIT_H

#include <jansson.h>
#include <stdbool.h>

#include "audit/eve.h"
#include "util/util.h"

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

/* Events of each type are written up to this many a second, and as many at once; 0 = without a
 * bound, as at first. */
void audit_set_rate(struct audit *a, uint32_t per_second);
/* Whether an event of this type may be written at this moment; it then counts towards the rate.
 * False: it is over the bound, and counted. To be asked before an event is built. */
bool audit_admit(struct audit *a, enum eve_type type);
/* Writes an event that was admitted; it is stolen. NULL (no memory): counted as lost. */
void audit_put(struct audit *a, enum eve_type type, json_t *event);
/* Both for an event that belongs to no flow; body is stolen and stored under the type's name. */
void audit_event(struct audit *a, enum eve_type type, json_t *body);
/* An event of type `policy` or `port`: what changed ("loaded", "vanished" ...) of which one. */
void audit_change(struct audit *a, enum eve_type type, const char *what, const char *name);

/* Calls fn for the last AUDIT_RECENT_MAX lines, oldest first; type NULL = all. fn returns false to
 * stop. */
#define AUDIT_RECENT_MAX 1000
void audit_recent(const struct audit *a, const char *type, bool (*fn)(const char *line, void *arg),
		  void *arg);
/* Number of lines that could not be written to the file. */
uint64_t audit_lost(const struct audit *a);
/* Events written, and events over the rate, of a type. */
uint64_t audit_written(const struct audit *a, enum eve_type type);
uint64_t audit_dropped(const struct audit *a, enum eve_type type);

#endif

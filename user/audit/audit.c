// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "audit/audit.h"
#include "audit/file.h"

#define AUDIT_TYPE_MAX 32

struct audit_line {
	char *text; /* ends in a newline, not part of len */
	size_t len;
	char type[AUDIT_TYPE_MAX];
};

struct audit {
	struct audit_file file; /* path NULL = none */
	uint64_t lost_before;	/* lines lost of earlier files */
	void (*sink)(const char *type, const char *line, void *arg);
	void *arg;
	struct audit_line recent[AUDIT_RECENT_MAX];
	uint64_t written; /* number of lines written; the next one goes to index written %
			     AUDIT_RECENT_MAX */
};

int audit_open(const char *file, struct audit **out, struct error *e)
{
	struct audit *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return error_set(e, -ENOMEM, "out of memory");
	a->file.fd = -1;
	err = audit_set_file(a, file, e);
	if (err < 0) {
		audit_close(a);
		return err;
	}
	*out = a;
	return 0;
}

void audit_close(struct audit *a)
{
	if (!a)
		return;
	audit_file_close(&a->file);
	for (size_t i = 0; i < AUDIT_RECENT_MAX; i++)
		free(a->recent[i].text);
	free(a);
}

void audit_set_sink(struct audit *a, void (*sink)(const char *type, const char *line, void *arg),
		    void *arg)
{
	a->sink = sink;
	a->arg = arg;
}

int audit_set_file(struct audit *a, const char *file, struct error *e)
{
	struct audit_file next = {.fd = -1};
	int err = 0;

	if (file && a->file.path && strcmp(file, a->file.path) == 0)
		return 0;
	if (file)
		err = audit_file_open(&next, file, e);
	if (err < 0)
		return err;
	a->lost_before += a->file.lost;
	audit_file_close(&a->file);
	a->file = next;
	return 0;
}

/* Stores the line in the ring, which then owns it. text[len] is reserved for the newline. */
static const struct audit_line *audit_keep(struct audit *a, const char *type, char *text)
{
	struct audit_line *l = &a->recent[a->written++ % AUDIT_RECENT_MAX];

	free(l->text);
	l->text = text;
	l->len = strlen(text);
	snprintf(l->type, sizeof(l->type), "%s", type);
	return l;
}

/* Steals event. */
static void audit_write(struct audit *a, const char *type, json_t *event)
{
	char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;
	const struct audit_line *l;

	json_decref(event);
	if (!text) {
		a->lost_before++;
		return;
	}
	l = audit_keep(a, type, text);
	if (a->file.path) {
		/* Replace the terminating NUL by a newline for the duration of the write, so that
		 * one write has the whole line. */
		text[l->len] = '\n';
		audit_file_write(&a->file, text, l->len + 1);
		text[l->len] = '\0';
	}
	if (a->sink)
		a->sink(l->type, l->text, a->arg);
}

void audit_flow(struct audit *a, const struct weir_event *ev, const struct app_registry *r,
		const char *port_interface, const char *rule, const char *hostname)
{
	audit_write(a, ev->kind == WEIR_EVENT_DROPPED ? "drop" : "flow",
		    audit_flow_json(ev, r, port_interface, rule, hostname));
}

void audit_anomaly(struct audit *a, const struct weir_event *ev, const struct app_registry *r,
		   const char *port_interface)
{
	audit_write(a, "anomaly", audit_anomaly_json(ev, r, port_interface));
}

void audit_note(struct audit *a, const char *type, const struct audit_note *note, json_t *body)
{
	audit_write(a, type, audit_note_json(type, note, body));
}

void audit_event(struct audit *a, const char *type, json_t *body)
{
	char timestamp[AUDIT_TIMESTAMP_MAX];

	audit_timestamp(time_now_ns(), timestamp);
	audit_write(a, type,
		    json_pack("{s:s, s:s, s:o}", "timestamp", timestamp, "event_type", type, type,
			      body ? body : json_object()));
}

void audit_change(struct audit *a, const char *type, const char *what, const char *name)
{
	audit_event(a, type, json_pack("{s:s, s:s}", "change", what, "name", name));
}

void audit_recent(const struct audit *a, const char *type, bool (*fn)(const char *line, void *arg),
		  void *arg)
{
	uint64_t first = a->written > AUDIT_RECENT_MAX ? a->written - AUDIT_RECENT_MAX : 0;

	for (uint64_t i = first; i < a->written; i++) {
		const struct audit_line *l = &a->recent[i % AUDIT_RECENT_MAX];

		if (type && strcmp(type, l->type) != 0)
			continue;
		if (!fn(l->text, arg))
			return;
	}
}

uint64_t audit_lost(const struct audit *a)
{
	return a->lost_before + a->file.lost;
}

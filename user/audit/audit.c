// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "audit/audit.h"
#include "audit/file.h"

#define NS_PER_S 1000000000ull

struct audit_line {
	char *text;
	size_t len;
	enum eve_type type;
};

/* What is left of a type's rate: events times NS_PER_S, so that nothing is lost by division. */
struct audit_rate {
	uint64_t left;
	uint64_t at_ns; /* when that was so */
	uint64_t written, dropped;
};

struct audit {
	struct audit_file file; /* path NULL = none */
	uint64_t lost_before;	/* lines lost of earlier files */
	void (*sink)(const char *type, const char *line, void *arg);
	void *arg;
	uint32_t per_second; /* 0 = no bound */
	struct audit_rate rates[EVE_TYPE_COUNT];
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

void audit_set_rate(struct audit *a, uint32_t per_second)
{
	if (per_second == a->per_second)
		return;
	a->per_second = per_second;
	for (size_t i = 0; i < EVE_TYPE_COUNT; i++)
		a->rates[i].left = per_second * NS_PER_S;
}

bool audit_admit(struct audit *a, enum eve_type type)
{
	struct audit_rate *r = &a->rates[type];
	uint64_t most = a->per_second * NS_PER_S, now_ns, passed_ns;

	if (!a->per_second)
		return true;
	now_ns = time_now_ns();
	passed_ns = now_ns - r->at_ns;
	r->at_ns = now_ns;
	if (passed_ns > NS_PER_S)
		passed_ns = NS_PER_S;
	r->left += passed_ns * a->per_second;
	if (r->left > most)
		r->left = most;
	if (r->left < NS_PER_S) {
		r->dropped++;
		return false;
	}
	r->left -= NS_PER_S;
	return true;
}

/* Stores the line in the ring, which then owns it. */
static const struct audit_line *audit_keep(struct audit *a, enum eve_type type, char *text)
{
	struct audit_line *l = &a->recent[a->written++ % AUDIT_RECENT_MAX];

	free(l->text);
	l->text = text;
	l->len = strlen(text);
	l->type = type;
	return l;
}

void audit_put(struct audit *a, enum eve_type type, json_t *event)
{
	char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;
	const struct audit_line *l;

	json_decref(event);
	if (!text) {
		a->lost_before++;
		return;
	}
	a->rates[type].written++;
	l = audit_keep(a, type, text);
	if (a->file.path) {
		/* Replace the terminating NUL by a newline for the duration of the write, so that
		 * one write has the whole line. */
		text[l->len] = '\n';
		audit_file_write(&a->file, text, l->len + 1);
		text[l->len] = '\0';
	}
	if (a->sink)
		a->sink(eve_type_name(type), l->text, a->arg);
}

void audit_event(struct audit *a, enum eve_type type, json_t *body)
{
	const struct eve e = {.clock_offset_ns = eve_clock_offset(0)};

	if (audit_admit(a, type))
		audit_put(a, type, eve_plain(&e, type, time_now_ns(), body));
	else
		json_decref(body);
}

void audit_change(struct audit *a, enum eve_type type, const char *what, const char *name)
{
	audit_event(a, type, json_pack("{s:s, s:s}", "change", what, "name", name));
}

void audit_recent(const struct audit *a, const char *type, bool (*fn)(const char *line, void *arg),
		  void *arg)
{
	uint64_t first = a->written > AUDIT_RECENT_MAX ? a->written - AUDIT_RECENT_MAX : 0;

	for (uint64_t i = first; i < a->written; i++) {
		const struct audit_line *l = &a->recent[i % AUDIT_RECENT_MAX];

		if (type && strcmp(type, eve_type_name(l->type)) != 0)
			continue;
		if (!fn(l->text, arg))
			return;
	}
}

uint64_t audit_lost(const struct audit *a)
{
	return a->lost_before + a->file.lost;
}

uint64_t audit_written(const struct audit *a, enum eve_type type)
{
	return a->rates[type].written;
}

uint64_t audit_dropped(const struct audit *a, enum eve_type type)
{
	return a->rates[type].dropped;
}

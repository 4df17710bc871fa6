// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "service/service.h"

static size_t service_count(const struct host *h)
{
	size_t n = 0;

	while (h->services[n])
		n++;
	return n;
}

int services_new(struct host *h)
{
	h->self = calloc(service_count(h) + 1, sizeof(*h->self));
	return h->self ? 0 : -ENOMEM;
}

void services_free(struct host *h)
{
	free(h->self);
	h->self = NULL;
}

/* NULL: not open. */
static void *service_self(const struct host *h, size_t i)
{
	return h->self ? h->self[i] : NULL;
}

int services_open(struct host *h, enum service_stage stage, const struct policy *p, struct error *e)
{
	for (size_t i = 0; h->services[i]; i++) {
		const struct service *s = h->services[i];
		void *self = h->daemon;
		int err;

		if (s->stage != stage)
			continue;
		err = s->open ? s->open(h, p, &self, e) : 0;
		if (err < 0) {
			services_close(h, stage);
			return error_set(e, err, "%s: %s", s->name, strerror(-err));
		}
		h->self[i] = self;
	}
	return 0;
}

void services_close(struct host *h, enum service_stage stage)
{
	for (size_t i = service_count(h); h->self && i-- > 0;) {
		const struct service *s = h->services[i];

		if (s->stage != stage || !h->self[i])
			continue;
		if (s->close)
			s->close(h->self[i]);
		h->self[i] = NULL;
	}
}

int services_reload(struct host *h, const struct policy *running, const struct policy *next,
		    struct error *e)
{
	size_t i;
	int err = 0;

	for (i = 0; h->services[i]; i++) {
		const struct service *s = h->services[i];

		if (!s->reload || !h->self[i])
			continue;
		err = s->reload(h->self[i], next, e);
		if (err < 0)
			break;
	}
	while (err < 0 && i-- > 0)
		if (h->services[i]->reload && h->self[i])
			h->services[i]->reload(h->self[i], running, NULL);
	return err;
}

static const struct service_verb *verb_find(const struct service *s, const char *name)
{
	for (const struct service_verb *v = s->verbs; v && v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

int services_answer(const char *verb, const json_t *args, json_t **data, bool *follow, void *host,
		    struct error *e)
{
	const struct host *h = host;

	for (size_t i = 0; h->services[i]; i++) {
		const struct service_verb *v = verb_find(h->services[i], verb);

		if (!v || !service_self(h, i))
			continue;
		*follow = v->follow;
		return v->answer(h->self[i], args, data, e);
	}
	return error_set(e, -ENOSYS, "the daemon does not know %s", verb);
}

int services_event_type(const struct host *h, const json_t *args, const char **type,
			struct error *e)
{
	const char *wanted = json_string_value(json_object_get(args, "type"));
	char known[256] = "";
	size_t at = 0;

	for (size_t i = 0; wanted && h->services[i]; i++) {
		const char *const *t = h->services[i]->events;

		for (; t && *t; t++) {
			if (strcmp(*t, wanted) == 0) {
				*type = wanted;
				return 0;
			}
			if (at < sizeof(known))
				at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s",
						       at ? ", " : "", *t);
		}
	}
	if (wanted)
		return error_set(e, -EINVAL, "no events of type %s: they are %s", wanted, known);
	*type = NULL;
	return 0;
}

static void service_metrics(const struct host *h, size_t i, FILE *out,
			    const struct stats_snapshot *s)
{
	const struct service *one = h->services[i];
	void *self = service_self(h, i);
	_cleanup_free_ void *numbers = self && one->numbers ? one->numbers(self) : NULL;

	metrics_write(out, one->metrics, s, one->numbers ? numbers : self);
}

char *services_metrics(const struct host *h, const struct stats_snapshot *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool failed;

	if (!out)
		return NULL;
	for (size_t i = 0; h->services[i]; i++)
		service_metrics(h, i, out, s);
	failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}

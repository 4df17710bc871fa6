// SPDX-License-Identifier: GPL-2.0-only
/* Service: events to the file, to followers of the control socket, and the most recent ones. */
#include "daemon/weir.h"

static void publish(const char *type, const char *line, void *arg)
{
	control_server_publish(arg, type, line);
}

static int events_open(struct host *h, const struct policy *p, void **self, struct error *e)
{
	struct weir *w = h->daemon;
	int err = audit_open(p->events_file, &w->audit, e);

	if (err < 0)
		return err;
	audit_set_sink(w->audit, publish, w->control);
	*self = w;
	return 0;
}

static int events_reload(void *self, const struct policy *next, struct error *e)
{
	struct weir *w = self;

	return audit_set_file(w->audit, next->events_file, e);
}

static void events_close(void *self)
{
	struct weir *w = self;

	audit_close(w->audit);
}

static int query_follow(void *arg, const json_t *args, json_t **data, struct error *e)
{
	struct weir *w = arg;
	const char *type;
	int err = services_event_type(&w->host, args, &type, e);

	if (!err)
		*data = json_object();
	return err;
}

static bool recent_add(const char *line, void *arg)
{
	json_array_append_new(arg, json_loads(line, 0, NULL));
	return true;
}

int query_recent(void *arg, const json_t *args, json_t **data, struct error *e)
{
	struct weir *w = arg;
	const char *type;
	json_t *list;
	int err = services_event_type(&w->host, args, &type, e);

	if (err < 0)
		return err;
	list = json_array();
	audit_recent(w->audit, type, recent_add, list);
	*data = json_pack("{s:o}", "events", list);
	return *data ? 0 : error_set(e, -ENOMEM, "out of memory");
}

static const struct service_verb verbs[] = {
	{.name = "events", .answer = query_follow, .follow = true},
	{.name = "recent", .answer = query_recent},
	{.name = NULL},
};

SERVICE(audit) = {
	.name = "audit",
	.stage = SERVICE_BEFORE_PORTS,
	.open = events_open,
	.reload = events_reload,
	.close = events_close,
	.verbs = verbs,
	.metrics = stats_event_metrics,
};

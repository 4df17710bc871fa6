// SPDX-License-Identifier: GPL-2.0-only
/* Service: events to the file, to followers of the control socket, and the most recent ones. */
#include <string.h>

#include "daemon/weir.h"

#define NS_PER_MS 1000000u

static void publish(const char *type, const char *line, void *arg)
{
	control_server_publish(arg, type, line);
}

static const char *interface_of(void *arg, unsigned int port)
{
	const struct weir *w = arg;

	return port < WEIR_PORTS_MAX ? w->ports[port].interface : "";
}

static const char *rule_of(void *arg, const struct weir_flow *flow)
{
	const struct weir *w = arg;

	return rule_name_of(w, flow);
}

static const char *hostname_of(void *arg, uint64_t flow_id)
{
	const struct weir *w = arg;

	return hostnames_get(w->hostnames, flow_id, NULL);
}

static void apply(struct weir *w, const struct policy *p)
{
	w->eve.community_id = !p->events_plain;
	w->eve.community_seed = (uint16_t)p->events_seed;
	w->eve.alerts = p->events_alerts;
	audit_set_rate(w->audit, p->events_rate);
}

const struct eve *events_context(struct weir *w)
{
	w->eve.clock_offset_ns = eve_clock_offset(w->eve.clock_offset_ns);
	return &w->eve;
}

/* ---- the service ---- */

static int set_timer(struct weir *w, const struct policy *p)
{
	int err = 0;

	if (w->stats_event_ns == p->events_stats_ns)
		return 0;
	loop_forget(w->stats_event);
	w->stats_event = NULL;
	w->stats_event_ns = 0;
	if (p->events_stats_ns)
		err = loop_every(w->host.loop, (unsigned int)(p->events_stats_ns / NS_PER_MS),
				 stats_event, w, &w->stats_event);
	if (!err)
		w->stats_event_ns = p->events_stats_ns;
	return err;
}

static int events_open(struct host *h, const struct policy *p, void **self, struct error *e)
{
	struct weir *w = h->daemon;
	int err = audit_open(p->events_file, &w->audit, e);

	if (err < 0)
		return err;
	w->eve = (struct eve){
		.registry = w->registry,
		.arg = w,
		.interface = interface_of,
		.rule = rule_of,
		.hostname = hostname_of,
	};
	apply(w, p);
	audit_set_sink(w->audit, publish, w->control);
	*self = w;
	err = set_timer(w, p);
	return err < 0 ? error_set(e, err, "events: stats: %s", strerror(-err)) : 0;
}

static int events_reload(void *self, const struct policy *next, struct error *e)
{
	struct weir *w = self;
	int err = audit_set_file(w->audit, next->events_file, e);

	if (!err)
		err = set_timer(w, next);
	if (err < 0)
		return error_set(e, err, "events: %s", strerror(-err));
	apply(w, next);
	return 0;
}

static void events_close(void *self)
{
	struct weir *w = self;

	loop_forget(w->stats_event);
	w->stats_event = NULL;
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

/* ---- metrics ---- */

static void write_counts(FILE *out, const char *name, const struct weir *w,
			 uint64_t (*count)(const struct audit *, enum eve_type))
{
	for (unsigned int i = 0; i < EVE_TYPE_COUNT; i++)
		metric_sample(out, name, count(w->audit, i), "type", eve_type_name(i));
}

static void write_written(FILE *out, const char *name, const void *numbers)
{
	write_counts(out, name, numbers, audit_written);
}

static void write_dropped(FILE *out, const char *name, const void *numbers)
{
	write_counts(out, name, numbers, audit_dropped);
}

static const struct metric metrics[] = {
	{{"weir_events_total", "counter", "type", "Events made, by type"},
	 .write_own = write_written},
	{{"weir_events_dropped_total", "counter", "type",
	  "Events not made because more came in a second than `events: { rate }` allows"},
	 .write_own = write_dropped},
	{.info.name = NULL},
};

static const struct service_verb verbs[] = {
	{.name = "events", .answer = query_follow, .follow = true},
	{.name = "recent", .answer = query_recent},
	{.name = NULL},
};
static const char *const types[] = {"stats", NULL};

SERVICE(audit) = {
	.name = "audit",
	.stage = SERVICE_BEFORE_PORTS,
	.open = events_open,
	.reload = events_reload,
	.close = events_close,
	.verbs = verbs,
	.metrics = metrics,
	.events = types,
};

// SPDX-License-Identifier: GPL-2.0-only
/* Answers to the listing verbs; docs/events.md and docs/metrics.md name their fields. */
#include <stdio.h>
#include <string.h>

#include "daemon/weir.h"

static void snapshot_freep(struct stats_snapshot **s)
{
	stats_snapshot_free(*s);
}
#define _cleanup_snapshot_ _cleanup_(snapshot_freep)

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static int no_memory(struct error *e)
{
	return error_set(e, -ENOMEM, "out of memory");
}

/* An answer, or ENOMEM when it could not be built. */
static int answer(json_t *built, json_t **data, struct error *e)
{
	if (!built)
		return no_memory(e);
	*data = built;
	return 0;
}

/* ---- status ---- */

static const char *kind_name(enum weir_reason_kind kind)
{
	switch (kind) {
	case WEIR_KIND_REDIRECT:
		return "redirect";
	case WEIR_KIND_STACK:
		return "stack";
	case WEIR_KIND_DROP:
		return "drop";
	case WEIR_KIND_PUNT:
		return "punt";
	case WEIR_KIND_MADE:
		return "made";
	}
	return "";
}

/* A reason's name; of a name that two kinds share ("failure"), "drop_failure". */
static const char *reason_key(enum weir_reason r, char *buf, size_t cap)
{
	const char *name = stats_reason_name(r);

	for (unsigned int other = 0; other < WEIR_REASON_COUNT; other++) {
		if (other == r || strcmp(stats_reason_name(other), name) != 0)
			continue;
		snprintf(buf, cap, "%s_%s", kind_name(stats_reason_kind(r)), name);
		return buf;
	}
	return name;
}

static json_t *port_reasons(const struct stats_port *p)
{
	json_t *o = json_object();
	char key[64];

	for (unsigned int r = 0; r < WEIR_REASON_COUNT; r++)
		json_object_set_new(o, reason_key(r, key, sizeof(key)),
				    number(stats_port_dropped(p, r)));
	return o;
}

static json_t *port_sockets_json(const struct stats_sockets *x)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "rx_dropped", (json_int_t)x->rx_dropped,
			 "rx_invalid", (json_int_t)x->rx_invalid, "tx_invalid",
			 (json_int_t)x->tx_invalid, "rx_ring_full", (json_int_t)x->rx_ring_full,
			 "fill_ring_empty", (json_int_t)x->rx_fill_ring_empty, "tx_ring_empty",
			 (json_int_t)x->tx_ring_empty);
}

/* What is known of a port without its counters. */
static json_t *port_face(const struct daemon_port *p, const char *hook, const char *mode)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:s}", "name", p->name,
			 "interface", p->interface, "hook", hook, "hook_reason",
			 p->hook_reason ? p->hook_reason : "", "mode", mode, "enabled", p->enabled,
			 "present", p->present, "attached", p->attached, "degraded", p->degraded);
}

static json_t *port_status(const struct daemon_port *p, const struct stats_snapshot *s, size_t i)
{
	const struct stats_port *sp = &s->ports[i];
	struct weir_volume rx = stats_port_received(sp), tx = stats_port_sent(sp);
	json_t *o = port_face(p, sp->hook, sp->mode);
	struct stats_balance b;

	stats_port_balance(s, i, &b);
	json_object_set_new(o, "received", number(b.received));
	json_object_set_new(o, "made", number(b.made));
	json_object_set_new(o, "redirected", number(b.redirected));
	json_object_set_new(o, "stack", number(b.stack));
	json_object_set_new(o, "dropped", number(b.dropped));
	json_object_set_new(o, "in_flight", json_integer(b.in_flight));
	json_object_set_new(o, "punted", number(stats_port_dropped(sp, WEIR_REASON_PUNTED)));
	json_object_set_new(o, "sent", number(tx.frames));
	json_object_set_new(o, "rx_frames", number(rx.frames));
	json_object_set_new(o, "rx_bytes", number(rx.bytes));
	json_object_set_new(o, "tx_frames", number(tx.frames));
	json_object_set_new(o, "tx_bytes", number(tx.bytes));
	json_object_set_new(o, "link_tx_dropped", number(sp->link_tx_dropped));
	json_object_set_new(o, "reasons", port_reasons(sp));
	json_object_set_new(o, "sockets", port_sockets_json(&sp->sockets));
	return o;
}

/* Ports in the order of the snapshot. */
static json_t *ports_status(const struct weir *w, const struct stats_snapshot *s)
{
	json_t *list = json_array();
	size_t at = 0;

	for (unsigned int i = 1; i < WEIR_PORTS_MAX && at < s->port_count; i++)
		if (w->ports[i].configured)
			json_array_append_new(list, port_status(&w->ports[i], s, at++));
	return list;
}

static double heartbeat_age(const struct weir *w, uint32_t worker, uint64_t now_ns)
{
	uint64_t beat_ns =
		__atomic_load_n(&gate_ctl(w->gate)->heartbeat_ns[worker], __ATOMIC_RELAXED);

	return now_ns > beat_ns ? (double)(now_ns - beat_ns) / 1e9 : 0;
}

static json_t *workers_status(const struct weir *w, const struct stats_snapshot *s,
			      const struct worker_numbers *n)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < n->worker_count; i++) {
		const struct worker_counters *c = &n->workers[i];

		json_array_append_new(
			list,
			json_pack("{s:i, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "worker", (int)i,
				  "heartbeat_age_seconds", heartbeat_age(w, i, s->time_ns), "flows",
				  (json_int_t)c->flows.flows, "queue_frames",
				  (json_int_t)c->queue_frames, "classified",
				  (json_int_t)c->classified, "decided", (json_int_t)c->decided,
				  "learned", (json_int_t)c->learned, "bad_checksums",
				  (json_int_t)c->bad_checksums, "stalls", (json_int_t)c->stalls));
	}
	return list;
}

static void degraded_add(json_t *list, const char *fmt, ...) _printf_(2, 3);
static void degraded_add(json_t *list, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(list, json_string(text));
}

/* Everything that is slower or passes more than asked, in words. */
static json_t *degraded(const struct weir *w, const struct stats_snapshot *s)
{
	json_t *list = json_array();

	for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++) {
		const struct daemon_port *p = &w->ports[i];

		if (!p->configured)
			continue;
		if (!p->present)
			degraded_add(list, "port %s: interface %s is gone", p->name, p->interface);
		else if (p->degraded[0])
			degraded_add(list, "port %s: %s", p->name, p->degraded);
		if (p->present && !p->enabled)
			degraded_add(list, "port %s: disabled, the kernel's alone", p->name);
	}
	for (uint32_t i = 0; i < w->worker_count; i++)
		if (heartbeat_age(w, i, s->time_ns) * 1e9 > (double)WEIR_HEARTBEAT_MAX_NS)
			degraded_add(list,
				     "worker %u: no heartbeat for %.1f s: new flows follow "
				     "on_failure",
				     i, heartbeat_age(w, i, s->time_ns));
	if (!s->losses_accounted)
		degraded_add(list, "what the kernel loses after a redirect is not counted (no raw "
				   "tracepoints)");
	if (s->events_unwritten > 0)
		degraded_add(list, "%llu events did not get into the events file",
			     (unsigned long long)s->events_unwritten);
	return list;
}

/* Rules that are not active now, and when that changes in seconds since 1970. */
static json_t *schedule_json(const struct policy *p)
{
	unsigned int inactive = 0;

	for (unsigned int i = 0; i < p->rule_count; i++)
		inactive += !policy_rule_active(p, i);
	return json_pack("{s:i, s:o}", "inactive", (int)inactive, "next_change",
			 p->schedule_next ? json_integer(p->schedule_next) : json_null());
}

static json_t *policy_status(const struct weir *w, const struct stats_snapshot *s)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "path", w->policy->path, "generation",
			 (json_int_t)s->generation, "rules", (json_int_t)w->policy->rule_count,
			 "loads_ok", (json_int_t)s->loads_ok, "loads_failed",
			 (json_int_t)s->loads_failed, "schedule", schedule_json(w->policy));
}

/* By the gate and the workers. */
static uint64_t events_lost(const struct stats_snapshot *s, const struct worker_numbers *n)
{
	uint64_t sum = s->events_lost;

	for (size_t i = 0; i < n->worker_count; i++)
		for (unsigned int kind = 0; kind < WORKER_NEWS_COUNT; kind++)
			sum += n->workers[i].news_lost[kind];
	return sum;
}

int query_status(void *arg, const json_t *args _unused_, json_t **data, struct error *e)
{
	struct weir *w = arg;
	_cleanup_snapshot_ struct stats_snapshot *s = snapshot_take(w);
	_cleanup_free_ struct worker_numbers *n = workers_numbers(w);
	json_t *flows;

	if (!s || !n)
		return no_memory(e);
	flows = json_pack("{s:I, s:I}", "decided", (json_int_t)s->flows_decided, "undecided",
			  (json_int_t)s->flows_undecided);
	return answer(json_pack("{s:s, s:i, s:f, s:I, s:b, s:o, s:o, s:f, s:o, s:I, s:b, s:I, s:o, "
				"s:o}",
				"version", WEIR_VERSION, "pid", (int)getpid(), "uptime_seconds",
				(double)(s->time_ns - w->started_ns) / 1e9, "time_ns",
				(json_int_t)s->time_ns, "adopted", w->adopted, "policy",
				policy_status(w, s), "workers", workers_status(w, s, n),
				"heartbeat_age_seconds", s->heartbeat_age_seconds, "flows", flows,
				"endpoints", (json_int_t)s->endpoints, "losses_accounted",
				s->losses_accounted, "events_lost", (json_int_t)events_lost(s, n),
				"ports", ports_status(w, s), "degraded", degraded(w, s)),
		      data, e);
}

/* ---- ports ---- */

int query_ports(void *arg, const json_t *args, json_t **data, struct error *e)
{
	struct weir *w = arg;
	_cleanup_snapshot_ struct stats_snapshot *s = snapshot_take(w);
	json_t *list = json_array();
	size_t at = 0;

	if (!s) {
		json_decref(list);
		return no_memory(e);
	}
	for (unsigned int i = 1; i < WEIR_PORTS_MAX && at < s->port_count; i++) {
		if (!w->ports[i].configured)
			continue;
		json_array_append_new(
			list, port_face(&w->ports[i], s->ports[at].hook, s->ports[at].mode));
		at++;
	}
	return answer(json_pack("{s:o}", "ports", list), data, e);
}

/* ---- applications ---- */

int query_apps(void *arg, const json_t *args _unused_, json_t **data, struct error *e)
{
	struct weir *w = arg;
	unsigned int count = app_registry_count(w->registry);
	json_t *list = json_array();

	for (unsigned int i = 0; i < count; i++) {
		const struct app_info *a = app_registry_get(w->registry, i);

		if (!a)
			continue;
		json_array_append_new(list,
				      json_pack("{s:i, s:s, s:s, s:s*, s:I, s:b}", "number", (int)i,
						"name", a->name, "category", a->category, "module",
						a->module, "signatures", (json_int_t)a->signatures,
						"enabled", a->enabled));
	}
	return answer(json_pack("{s:o}", "applications", list), data, e);
}

int query_modules(void *arg, const json_t *args _unused_, json_t **data, struct error *e)
{
	struct weir *w = arg;
	const struct app_module *const *modules = app_modules();
	json_t *list = json_array();

	for (unsigned int i = 0; modules[i]; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:b}", "name", modules[i]->name,
					"category", modules[i]->category, "help", modules[i]->help,
					"enabled", !(w->policy->modules_off >> i & 1)));
	return answer(json_pack("{s:o}", "modules", list), data, e);
}

int query_top(void *arg, const json_t *args _unused_, json_t **data, struct error *e)
{
	struct weir *w = arg;
	_cleanup_snapshot_ struct stats_snapshot *s = snapshot_take(w);
	json_t *list = json_array();

	if (!s) {
		json_decref(list);
		return no_memory(e);
	}
	for (size_t i = 0; i < s->app_count; i++) {
		const struct stats_app *a = &s->apps[i];
		uint64_t flows = 0;

		for (unsigned int m = 0; m < WEIR_METHOD_COUNT; m++)
			flows += a->flows[m];
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}",
						"application", a->name, "category", a->category,
						"frames_toserver", (json_int_t)a->volume[0].frames,
						"frames_toclient", (json_int_t)a->volume[1].frames,
						"bytes_toserver", (json_int_t)a->volume[0].bytes,
						"bytes_toclient", (json_int_t)a->volume[1].bytes,
						"flows", (json_int_t)flows));
	}
	return answer(
		json_pack("{s:I, s:o}", "time_ns", (json_int_t)s->time_ns, "applications", list),
		data, e);
}

/* ---- counters, policy ---- */

int query_stats(void *arg, const json_t *args _unused_, json_t **data, struct error *e)
{
	struct weir *w = arg;
	_cleanup_snapshot_ struct stats_snapshot *s = snapshot_take(w);
	_cleanup_free_ char *text = s ? services_metrics(&w->host, s) : NULL;

	return answer(text ? json_pack("{s:s}", "text", text) : NULL, data, e);
}

int query_policy(void *arg, const json_t *args _unused_, json_t **data, struct error *e)
{
	struct weir *w = arg;
	_cleanup_snapshot_ struct stats_snapshot *s = snapshot_take(w);
	const struct policy *p = w->policy;
	json_t *rules;

	if (!s)
		return no_memory(e);
	rules = json_array();
	for (unsigned int i = 0; i < p->rule_count; i++)
		json_array_append_new(rules, json_pack("{s:s, s:s, s:s, s:I, s:i, s:b, s:s?}",
						       "name", p->rules[i].name, "action",
						       policy_action_name(p->rules[i].action),
						       "exit", policy_exit_name(p->rules[i].exit),
						       "hits", (json_int_t)s->rules[i].hits, "line",
						       (int)p->rules[i].line, "active",
						       policy_rule_active(p, i), "schedule",
						       policy_rule_schedule(p, i)));
	return answer(
		json_pack("{s:s, s:I, s:I, s:I, s:s, s:I, s:s, s:s, s:s, s:i, s:i, s:i, s:i, "
			  "s:o, s:o}",
			  "path", p->path, "generation", (json_int_t)s->generation, "loads_ok",
			  (json_int_t)s->loads_ok, "loads_failed", (json_int_t)s->loads_failed,
			  "default", policy_action_name(p->default_action), "default_hits",
			  (json_int_t)s->rules[p->rule_count].hits, "on_failure",
			  p->on_failure_drop ? "drop" : "pass", "on_overload",
			  p->on_overload_drop ? "drop" : "pass", "tunnels",
			  p->inspect_tunnels ? "inspect" : "outer", "classes", (int)p->class_ids,
			  "prefixes", (int)p->class_count, "conditions",
			  (int)(p->trait_conditions + p->condition_count), "inspect_packets",
			  (int)p->inspect_packets, "schedule", schedule_json(p), "rules", rules),
		data, e);
}

static const struct service_verb verbs[] = {
	{.name = "status", .answer = query_status},
	{.name = "stats", .answer = query_stats},
	{.name = "apps", .answer = query_apps},
	{.name = "modules", .answer = query_modules},
	{.name = NULL},
};

SERVICE(status) = {
	.name = "status",
	.stage = SERVICE_RUNNING,
	.verbs = verbs,
	.metrics = stats_daemon_metrics,
};

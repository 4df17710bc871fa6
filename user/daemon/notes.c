// SPDX-License-Identifier: GPL-2.0-only
/* Handles records from workers and gate: host names are kept for `weir flows`, the rest becomes
 * events. */
#include <sys/epoll.h>

#include "audit/details.h"
#include "daemon/weir.h"

static struct eve_note note_of(const struct worker_note *n, unsigned int app)
{
	return (struct eve_note){
		.time_ns = n->time_ns,
		.flow_id = n->flow_id,
		.key = &n->key,
		.origin = n->origin,
		.in_port = n->in_port,
		.app = app,
		.tx = -1,
	};
}

/* body and weir are stolen. */
static void tell(struct weir *w, const struct worker_note *n, enum eve_type type, unsigned int app,
		 json_t *body, json_t *weir)
{
	const struct eve_note note = note_of(n, app);

	if (body && audit_admit(w->audit, type)) {
		audit_put(w->audit, type, eve_note(events_context(w), type, &note, body, weir));
		return;
	}
	json_decref(body);
	json_decref(weir);
}

/* The first question is told before its flow is identified by it. */
static unsigned int app_of_dns(const struct weir *w, const struct worker_note *n)
{
	int app = n->app ? n->app : app_registry_find(w->registry, "dns");

	return app > 0 ? (unsigned int)app : 0;
}

static void tell_record(struct weir *w, const struct worker_note *n)
{
	enum eve_type type = eve_record_type(n->record);
	const struct eve_note note = note_of(n, n->app);

	if (audit_admit(w->audit, type))
		audit_put(w->audit, type, eve_record(events_context(w), &note, n->record));
}

static void note_details(struct weir *w, const struct worker_note *n)
{
	unsigned int wanted = w->policy->event_protocols;
	const struct flow_details *d = n->details;

	if (wanted & POLICY_EVENT_TLS)
		tell(w, n, EVE_TLS, n->app, details_tls_event(d), details_weir_event(d));
	if (wanted & POLICY_EVENT_QUIC)
		tell(w, n, EVE_QUIC, n->app, details_quic_event(d), details_weir_event(d));
}

static void note_visit(const struct worker_note *n, void *arg)
{
	struct weir *w = arg;
	const struct flow_details *d = n->details;
	const char *hostname = d ? flow_details_text(d, FLOW_HOSTNAME) : NULL;

	if (n->dns)
		tell(w, n, EVE_DNS, app_of_dns(w, n), details_dns_event(n->dns), NULL);
	if (n->record)
		tell_record(w, n);
	if (!d)
		return;
	if (hostname) {
		hostnames_put(w->hostnames, n->flow_id, hostname, d->hostname_source);
		if (traits_of_name(w, n->flow_id, hostname))
			gate_redecide(w->gate);
	}
	note_details(w, n);
}

static void tell_drop(struct weir *w, const struct weir_event *ev)
{
	const struct eve *e = events_context(w);

	if (audit_admit(w->audit, EVE_DROP))
		audit_put(w->audit, EVE_DROP, eve_drop(e, ev, NULL));
	if (e->alerts && audit_admit(w->audit, EVE_ALERT))
		audit_put(w->audit, EVE_ALERT, eve_alert(e, ev, NULL));
}

/* One that ended before the gate could decide it is shown as it was judged. */
static void tell_end(struct weir *w, const struct weir_event *ev)
{
	struct weir_event judged = *ev;

	if (judged.flow.action == WEIR_ACTION_UNDECIDED && judged.flow.app)
		flow_judge(w, &judged.key, &judged.flow);
	audit_put(w->audit, EVE_FLOW, eve_flow(events_context(w), &judged, 0));
}

void event_visit(const struct weir_event *ev, void *arg)
{
	struct weir *w = arg;

	switch (ev->kind) {
	case WEIR_EVENT_DROPPED:
		tell_drop(w, ev);
		break;
	case WEIR_EVENT_ANOMALY:
		if (audit_admit(w->audit, EVE_ANOMALY))
			audit_put(w->audit, EVE_ANOMALY, eve_anomaly(events_context(w), ev));
		break;
	case WEIR_EVENT_DECIDED:
		if (audit_admit(w->audit, EVE_IDENTIFIED))
			audit_put(w->audit, EVE_IDENTIFIED, eve_identified(events_context(w), ev));
		break;
	default:
		if (audit_admit(w->audit, EVE_FLOW))
			tell_end(w, ev);
	}
}

void news_read(struct weir *w)
{
	static const struct worker_reader reader = {.event = event_visit, .note = note_visit};

	for (uint32_t i = 0; i < w->worker_count; i++)
		worker_read_news(w->workers[i], &reader, w);
	if (w->settings)
		worker_settings_sweep(w->settings, w->workers, w->worker_count);
}

/* More than can wait for the next tick. */
static int on_news(sd_event_source *s _unused_, int fd _unused_, uint32_t events _unused_,
		   void *arg)
{
	news_read(arg);
	return 0;
}

static void news_close(void *self)
{
	struct weir *w = self;

	for (uint32_t i = 0; i < WEIR_WORKERS_MAX; i++)
		loop_forget(w->news_sources[i]);
}

static int news_open(struct host *h, const struct policy *p _unused_, void **self,
		     struct error *e _unused_)
{
	struct weir *w = h->daemon;
	int err = 0;

	for (uint32_t i = 0; err >= 0 && i < w->worker_count; i++)
		err = sd_event_add_io(h->loop, &w->news_sources[i], worker_news_fd(w->workers[i]),
				      EPOLLIN, on_news, w);
	if (err < 0) {
		news_close(w);
		return err;
	}
	*self = w;
	return 0;
}

static const char *const types[] = {"tls", "quic", "http", "dns", "fileinfo", NULL};

SERVICE(news) = {
	.name = "news",
	.stage = SERVICE_RUNNING,
	.open = news_open,
	.close = news_close,
	.metrics = stats_event_metrics,
	.events = types,
};

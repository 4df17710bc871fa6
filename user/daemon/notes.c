// SPDX-License-Identifier: GPL-2.0-only
/* Handles records from workers and gate: host names are kept for `weir flows`, the rest becomes
 * events. */
#include <sys/epoll.h>

#include "audit/details.h"
#include "daemon/weir.h"

static void note_event(struct weir *w, const struct worker_note *n, const char *type, json_t *body)
{
	const char *interface = n->in_port < WEIR_PORTS_MAX ? w->ports[n->in_port].interface : "";

	if (body)
		audit_note(w->audit, type,
			   &(struct audit_note){
				   .time_ns = n->time_ns,
				   .flow_id = n->flow_id,
				   .key = &n->key,
				   .origin = n->origin,
				   .interface = interface,
				   .app = app_registry_get(w->registry, n->app),
			   },
			   body);
}

static void note_visit(const struct worker_note *n, void *arg)
{
	struct weir *w = arg;
	unsigned int wanted = w->policy->event_protocols;
	const struct flow_details *d = n->details;
	const char *hostname = d ? flow_details_text(d, FLOW_HOSTNAME) : NULL;

	if (n->dns)
		note_event(w, n, "dns", details_dns_event(n->dns));
	if (!d)
		return;
	if (hostname) {
		hostnames_put(w->hostnames, n->flow_id, hostname, d->hostname_source);
		if (traits_of_name(w, n->flow_id, hostname))
			gate_redecide(w->gate);
	}
	if (wanted & POLICY_EVENT_TLS)
		note_event(w, n, "tls", details_tls_event(d));
	if (wanted & POLICY_EVENT_HTTP)
		note_event(w, n, "http", details_http_event(d));
}

void event_visit(const struct weir_event *ev, void *arg)
{
	struct weir *w = arg;
	const char *interface = ev->in_port < WEIR_PORTS_MAX ? w->ports[ev->in_port].interface : "";

	if (ev->kind == WEIR_EVENT_ANOMALY) {
		audit_anomaly(w->audit, ev, w->registry, interface);
		return;
	}
	audit_flow(w->audit, ev, w->registry, interface, policy_rule_name(w->policy, ev->flow.rule),
		   hostnames_get(w->hostnames, ev->flow.id, NULL));
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

static const char *const types[] = {"tls", "http", "dns", NULL};

SERVICE(news) = {
	.name = "news",
	.stage = SERVICE_RUNNING,
	.open = news_open,
	.close = news_close,
	.events = types,
};

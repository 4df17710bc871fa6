// SPDX-License-Identifier: GPL-2.0-only
/* What workers tell of flows: host names are kept for the listing, the rest becomes events. */
#include "audit/details.h"
#include "daemon/weir.h"

static void note_event(struct weir *w, const struct worker_note *n, const char *type, json_t *body)
{
	const char *interface = n->port < WEIR_PORTS_MAX ? w->ports[n->port].interface : "";

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
	if (hostname)
		hostnames_put(w->hostnames, n->flow_id, hostname, d->hostname_source);
	if (wanted & POLICY_EVENT_TLS)
		note_event(w, n, "tls", details_tls_event(d));
	if (wanted & POLICY_EVENT_HTTP)
		note_event(w, n, "http", details_http_event(d));
}

void notes_read(struct weir *w)
{
	for (uint32_t i = 0; i < w->worker_count; i++)
		worker_read_notes(w->workers[i], note_visit, w);
}

static const char *const events[] = {"tls", "http", "dns", NULL};

SERVICE(notes) = {.name = "notes", .stage = SERVICE_RUNNING, .events = events};

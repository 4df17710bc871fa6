// SPDX-License-Identifier: GPL-2.0-only
/* Events of captures, made by the functions that make those of live frames. */
#include <string.h>

#include "audit/details.h"
#include "replay/state.h"
#include "weir/anomaly.h"

/* Steals event. */
static void put(struct replay *r, enum eve_type type, json_t *event)
{
	if (!event || json_dumpf(event, r->options.out, JSON_COMPACT) < 0 ||
	    fputc('\n', r->options.out) == EOF)
		r->failed = true;
	json_decref(event);
	r->summary.events[type]++;
}

static struct weir_event event_of(struct replay *r, const struct replay_flow *rf,
				  enum weir_event_kind kind)
{
	r->telling = rf;
	return (struct weir_event){
		.time_ns = r->now_ns,
		.key = rf->key,
		.kind = (uint8_t)kind,
		.in_port = rf->in_port,
		.dir = rf->flow.flags & WEIR_FLOW_ORIGIN ? 1 : 0,
		.flow = rf->flow,
	};
}

void tell_identified(struct replay *r, const struct replay_flow *rf)
{
	const struct weir_event ev = event_of(r, rf, WEIR_EVENT_DECIDED);

	put(r, EVE_IDENTIFIED, eve_identified(&r->eve, &ev));
}

void tell_ended(struct replay *r, const struct replay_flow *rf, enum weir_end end, bool shutdown)
{
	struct weir_event ev = event_of(r, rf, WEIR_EVENT_ENDED);

	ev.reason = (uint8_t)end;
	put(r, EVE_FLOW,
	    shutdown ? eve_flow_cut(&r->eve, &ev, rf->seen_ns)
		     : eve_flow(&r->eve, &ev, rf->seen_ns));
}

void tell_drop(struct replay *r, const struct sight *s, const struct weir_flow *f,
	       const struct weir_flow_key *key, uint8_t dir, enum weir_reason reason)
{
	const struct weir_event ev = {
		.time_ns = r->now_ns,
		.key = *key,
		.kind = WEIR_EVENT_DROPPED,
		.reason = (uint8_t)reason,
		.in_port = f->in_port[f->flags & WEIR_FLOW_ORIGIN ? 1 : 0],
		.dir = dir,
		.flow = *f,
	};

	put(r, EVE_DROP, eve_drop(&r->eve, &ev, &s->header));
	if (r->eve.alerts)
		put(r, EVE_ALERT, eve_alert(&r->eve, &ev, &s->header));
}

void tell_anomalies(struct replay *r, const struct sight *s, const struct replay_flow *rf,
		    uint16_t anomalies)
{
	struct weir_event ev = event_of(r, rf, WEIR_EVENT_ANOMALY);

	ev.dir = s->packet.dir;
	for (unsigned int i = 0; i < WEIR_ANOMALY_COUNT; i++) {
		ev.reason = (uint8_t)i;
		if (anomalies >> i & 1)
			put(r, EVE_ANOMALY, eve_anomaly(&r->eve, &ev));
	}
}

static struct eve_note note_of(const struct replay *r, const struct replay_flow *rf, uint16_t app)
{
	return (struct eve_note){
		.time_ns = r->now_ns,
		.flow_id = rf->flow.id,
		.key = &rf->key,
		.origin = rf->flow.flags & WEIR_FLOW_ORIGIN ? 1 : 0,
		.in_port = rf->in_port,
		.app = app,
		.tx = -1,
	};
}

/* body and weir are stolen. */
static void note(struct replay *r, const struct replay_flow *rf, enum eve_type type, uint16_t app,
		 json_t *body, json_t *weir)
{
	const struct eve_note n = note_of(r, rf, app);

	if (body)
		put(r, type, eve_note(&r->eve, type, &n, body, weir));
	else
		json_decref(weir);
}

void tell_details(struct replay *r, struct replay_flow *rf, const struct flow *f)
{
	const struct flow_details *d = f->details;

	if (rf->details_told || !d)
		return;
	rf->details_told = true;
	if (flow_hostname(f)[0])
		rf->hostname = strdup(flow_hostname(f));
	if (r->wanted & POLICY_EVENT_TLS)
		note(r, rf, EVE_TLS, f->app, details_tls_event(d), details_weir_event(d));
	if (r->wanted & POLICY_EVENT_QUIC)
		note(r, rf, EVE_QUIC, f->app, details_quic_event(d), details_weir_event(d));
}

void tell_dns(struct replay *r, const struct replay_flow *rf, const struct app_dns *d)
{
	int app = app_registry_find(r->registry, "dns");

	if (r->wanted & POLICY_EVENT_DNS)
		note(r, rf, EVE_DNS, app > 0 ? (uint16_t)app : 0, details_dns_event(d), NULL);
}

void tell_record(struct replay *r, const struct replay_flow *rf, const struct app_record *record)
{
	const struct eve_note n = note_of(r, rf, rf->known ? rf->next.app : rf->flow.app);
	bool http = record->kind == APP_RECORD_HTTP;

	if (r->wanted & (http ? POLICY_EVENT_HTTP : POLICY_EVENT_FILES))
		put(r, eve_record_type(record), eve_record(&r->eve, &n, record));
}

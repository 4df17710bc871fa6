// SPDX-License-Identifier: GPL-2.0-only
/* Sends a worker's events to the daemon. */
#include <string.h>

#include "packet/header.h"
#include "worker/worker_private.h"

const char *worker_news_name(enum worker_news kind)
{
	static const char *const names[] = {
#define X(id, name, share, help) [WORKER_NEWS_##id] = name,
		WORKER_NEWS(X)
#undef X
	};

	return names[kind];
}

static enum weir_reason reason_of(const struct flow *f, const struct weir_cell *cell)
{
	if (f->tunnel)
		return WEIR_REASON_DROP_TUNNEL;
	return cell->action == WEIR_ACTION_RESET ? WEIR_REASON_DROP_RESET
						 : WEIR_REASON_DROP_VERDICT;
}

static void tell(struct worker *w, enum worker_news kind, const struct weir_event *e)
{
	if (mail_put(w->post.out, kind, e, sizeof(*e)) < 0)
		w->counters.news_lost[kind]++;
}

/* With the packet's headers. */
static void tell_drop(struct worker *w, const struct weir_event *e)
{
	struct packet_header header;
	const struct iovec pieces[] = {{(void *)e, sizeof(*e)}, {&header, sizeof(header)}};

	if (!w->note_packet) {
		tell(w, WORKER_NEWS_DROP, e);
		return;
	}
	packet_header_read(w->note_packet, w->note_status, &header);
	if (mail_put_pieces(w->post.out, WORKER_NEWS_DROP, pieces, ARRAY_SIZE(pieces)) < 0)
		w->counters.news_lost[WORKER_NEWS_DROP]++;
}

static bool wanted(const struct worker *w)
{
	return gate_ctl(w->shared->gate)->flags & WEIR_CTL_EVENTS;
}

/* Where the originator's packets come in; 0: not known. */
static uint8_t origin_port(const struct flow *f, const struct weir_punt *punt)
{
	if (f->origin == weir_punt_dir(punt))
		return punt->in_port;
	return punt->out_port < WEIR_PORTS_MAX ? punt->out_port : 0;
}

static void fill(struct worker *w, struct weir_event *e, enum weir_event_kind kind,
		 const struct flow *f, const struct weir_punt *punt)
{
	*e = (struct weir_event){
		.time_ns = w->now_ns,
		.key = f->key,
		.kind = (uint8_t)kind,
		.in_port = origin_port(f, punt),
		.dir = weir_punt_dir(punt),
		.flow = {.id = f->id,
			 .flags = f->origin ? WEIR_FLOW_ORIGIN : 0,
			 .app = f->app,
			 .method = f->method,
			 .confidence = f->confidence,
			 .payloads = flow_payloads(f)},
	};
}

void worker_event_drop(struct worker *w, const struct flow *f, const struct weir_punt *punt,
		       const struct weir_cell *cell)
{
	struct weir_event e;

	if (!wanted(w))
		return;
	fill(w, &e, WEIR_EVENT_DROPPED, f, punt);
	e.reason = reason_of(f, cell);
	e.flow.rule = cell->rule;
	e.flow.action = cell->action;
	tell_drop(w, &e);
}

void worker_event_blocked(struct worker *w, const struct flow *f, const struct weir_punt *punt)
{
	struct weir_event e;

	if (!wanted(w))
		return;
	fill(w, &e, WEIR_EVENT_DROPPED, f, punt);
	e.reason = WEIR_REASON_DROP_BLOCKED;
	e.flow.flags |= WEIR_FLOW_BLOCKED;
	e.flow.rule = WEIR_RULE_DEFAULT;
	e.flow.action = WEIR_ACTION_DROP;
	tell_drop(w, &e);
}

void worker_event_anomalies(struct worker *w, const struct flow *f, const struct weir_punt *punt,
			    uint16_t anomalies)
{
	struct weir_event e;

	if (!wanted(w))
		return;
	fill(w, &e, WEIR_EVENT_ANOMALY, f, punt);
	for (unsigned int i = 0; i < WEIR_ANOMALY_COUNT; i++) {
		e.reason = (uint8_t)i;
		if (anomalies >> i & 1)
			tell(w, WORKER_NEWS_ANOMALY, &e);
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/* Sends the daemon what a worker knows of a flow beyond its application: details, DNS answers. */
#include <string.h>

#include "worker/worker_private.h"

void worker_note_frame(struct worker *w, const struct weir_punt *punt, const struct packet *packet,
		       enum packet_status status)
{
	uint8_t dir = punt ? weir_punt_dir(punt) : 0;

	w->note_packet = packet;
	w->note_status = status;
	memset(w->note_port, 0, sizeof(w->note_port));
	if (!punt)
		return;
	w->note_port[dir] = punt->in_port;
	w->note_port[!dir] = punt->out_port < WEIR_PORTS_MAX ? punt->out_port : 0;
}

static int tell(struct worker *w, enum worker_news kind, const struct flow *f, const void *rest,
		size_t len)
{
	struct post_note n = {
		.time_ns = w->now_ns,
		.flow_id = f->id,
		.key = f->key,
		.origin = f->origin,
		.in_port = w->note_port[f->origin],
		.app = f->app,
	};
	const struct iovec pieces[] = {{&n, sizeof(n)}, {(void *)rest, len}};
	int err = mail_put_pieces(w->post.out, kind, pieces, ARRAY_SIZE(pieces));

	if (err < 0)
		w->counters.news_lost[kind]++;
	return err;
}

void worker_note_details(struct worker *w, struct flow *f)
{
	if (!f->id || !f->decided || !f->details)
		return;
	if (tell(w, WORKER_NEWS_DETAILS, f, f->details, flow_details_bytes(f->details)) == 0)
		flow_details_free(f);
}

void worker_released(struct flow *f, void *arg)
{
	worker_note_details(arg, f);
}

size_t worker_answer_bytes(const struct app_dns *d)
{
	return offsetof(struct app_dns, record) + d->count * sizeof(d->record[0]);
}

void worker_told(void *arg, const struct app_message *m, const struct app_record *r)
{
	if (m->flow->id)
		tell(arg, WORKER_NEWS_RECORD, m->flow, r, app_record_bytes(r));
}

void worker_answered(void *arg, const struct app_message *m, const struct app_dns *answer)
{
	struct worker *w = arg;

	if (!(w->shared->policy->event_protocols & POLICY_EVENT_DNS) || !m->flow->id)
		return;
	tell(w, WORKER_NEWS_DNS, m->flow, answer, worker_answer_bytes(answer));
}

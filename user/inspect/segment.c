// SPDX-License-Identifier: GPL-2.0-only
/* Adds TCP segments of flows that are read to their streams (flow.h). */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "inspect/state.h"
#include "util/util.h"

/* A SYN occupies the sequence number before its data (RFC 9293, 3.4). */
static uint32_t first_number(const struct packet *p)
{
	return p->seq + !!(p->tcp_flags & TH_SYN);
}

/* Length of the payload on the wire, also where the pcap file has less. */
static uint32_t wire_payload(const struct packet *p)
{
	return p->l4_len - (uint32_t)(p->payload - p->l4);
}

void segment_tell_end(struct glance *g, uint8_t dir)
{
	const struct judgement *j = g->j;

	flow_stream_end(g->i->table, g->f, dir, j->isn_valid[dir] && !j->resumed, j->isn[dir],
			j->fin_seq[dir]);
}

void segment_end(struct glance *g)
{
	const struct packet *p = g->p;
	struct judgement *j = g->j;

	if (j->ended[p->dir])
		return;
	j->ended[p->dir] = true;
	j->fin_seq[p->dir] = first_number(p) + wire_payload(p);
	if (g->f->follow)
		segment_tell_end(g, p->dir);
}

int64_t segment_retry(struct glance *g)
{
	const struct packet *p = g->p;
	/* What comes behind the end is for nobody. */
	bool over = g->f->follow && flow_stream_ended(g->f, p->dir);
	/* For a resumed flow the beginning of the stream is gone. */
	bool from_isn = g->j->isn_valid[p->dir] && !g->j->resumed && !g->j->skipped[p->dir];

	return over ? 0
		    : flow_stream_push(g->i->table, g->f, p->dir, from_isn, g->j->isn[p->dir],
				       first_number(p), p->frame + p->payload, p->payload_len);
}

/*
 * Data after a FIN is read: the FIN may not have reached the receiver, and a receiver that has it
 * ignores the data (RFC 9293, 3.10.7.4).
 */
int64_t segment_add(struct glance *g)
{
	const struct packet *p = g->p;
	uint32_t end = first_number(p) + p->payload_len;

	if (p->tcp_flags & TH_SYN)
		flow_stream_note(g->i->table, g->f, FLOW_STREAM_SYN_DATA);
	if (g->j->ended[p->dir] && (int32_t)(end - g->j->fin_seq[p->dir]) > 0)
		flow_stream_note(g->i->table, g->f, FLOW_STREAM_AFTER_FIN);
	if (p->tcp_flags & TH_FIN)
		segment_end(g);
	if (p->tcp_flags & TH_ACK)
		flow_stream_acked(g->f, !p->dir, p->ack);
	return segment_retry(g);
}

void segment_place(struct glance *g)
{
	const struct packet *p = g->p;
	struct inspect_outcome *out = g->out;

	if (g->f->decided && !follow_wants(g))
		return;
	if (g->f->follow ? flow_stream_ended(g->f, p->dir) : flow_stream_full(g->f, p->dir))
		return;
	out->read = flow_stream_next(g->f, p->dir, &out->next);
	out->out_of_order = out->read && (int32_t)(first_number(p) - out->next) > 0;
}

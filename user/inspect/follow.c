// SPDX-License-Identifier: GPL-2.0-only
/*
 * Followed flows: the payload goes on being read after the decision, in order. A gap that does not
 * close before the data after it exceeds the window is given up.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "inspect/reading.h"

bool follow_wants(const struct glance *g)
{
	const struct flow *f = g->f;
	uint8_t side = g->p->dir == f->origin ? CONSUMER_CLIENT : CONSUMER_SERVER;

	return f->reading || (f->inspect && f->wanted & side);
}

static void follow_segment(struct glance *g)
{
	uint8_t dir = g->p->dir;
	int64_t have = segment_add(g);

	reading_streams(g, dir);
	while (have == -ENOSPC && flow_stream_skip(g->i->table, g->f, dir, g->p->seq)) {
		reading_streams(g, dir);
		have = segment_retry(g);
		reading_streams(g, dir);
	}
}

void follow_packet(struct glance *g)
{
	if (g->p->proto != IPPROTO_TCP) {
		reading_datagram(g);
		return;
	}
	if (!follow_wants(g))
		return;
	follow_segment(g);
	reading_settle(g);
}

void follow_end(struct glance *g)
{
	if (!follow_wants(g))
		return;
	segment_end(g);
	reading_streams(g, g->p->dir);
	reading_settle(g);
}

/* RFC 5961, 3.2: one that is not in the window is none. */
void follow_reset(struct glance *g)
{
	uint32_t next;

	if (flow_stream_next(g->f, g->p->dir, &next) &&
	    g->p->seq - next > g->i->settings.limits.window_bytes)
		return;
	reading_reset(g);
}

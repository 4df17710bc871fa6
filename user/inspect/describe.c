// SPDX-License-Identifier: GPL-2.0-only
/* What a flow's first messages say about it beyond its application. */
#include <errno.h>

#include "inspect/hostname.h"
#include "inspect/state.h"
#include "util/util.h"

/* Puts a piece of a QUIC handshake where TCP has its first message. */
static void add_handshake(void *arg, uint32_t offset, const uint8_t *data, size_t len)
{
	struct glance *g = arg;

	flow_stream_push(g->i->table, g->f, g->f->origin, true, UINT32_MAX, offset, data, len);
}

static int note_name(struct glance *g, int rc, const char *name, enum flow_name_source source)
{
	return rc > 0 && flow_set_hostname(g->f, name, source) < 0 ? -ENOMEM : rc;
}

/* A datagram of the side that began; offline alone, since the gate has no use for the name. */
static int udp_hostname(struct glance *g)
{
	const struct packet *p = g->p;
	char name[HOSTNAME_BYTES];
	const uint8_t *hello;
	size_t len;

	if (g->f->id != 0 || !p || p->dir != g->f->origin || p->payload_len == 0)
		return g->j->quic.known ? -EAGAIN : 0;
	if (hostname_from_chlo(p->frame + p->payload, p->payload_len, name, sizeof(name)) > 0)
		return note_name(g, 1, name, FLOW_NAME_QUIC);
	quic_read_initials(p->frame + p->payload, p->payload_len, &g->j->quic, add_handshake, g);
	hello = flow_stream_data(g->f, g->f->origin, &len);
	if (len > 0)
		return note_name(g, hostname_from_hello(hello, len, name, sizeof(name)), name,
				 FLOW_NAME_QUIC);
	return g->j->quic.known ? -EAGAIN : 0;
}

static int tcp_hostname(struct glance *g, uint8_t dir)
{
	char name[HOSTNAME_BYTES];
	size_t len;
	const uint8_t *data = flow_stream_data(g->f, dir, &len);
	int rc;

	if (len == 0)
		return 0;
	rc = hostname_from_tls(data, len, name, sizeof(name));
	if (rc)
		return note_name(g, rc, name, FLOW_NAME_SNI);
	return note_name(g, hostname_from_http(data, len, name, sizeof(name)), name,
			 FLOW_NAME_HTTP);
}

void judge_hostname(struct glance *g, bool may_wait)
{
	bool wait = false;

	if (g->f->key.proto == IPPROTO_UDP)
		wait = udp_hostname(g) == -EAGAIN && !flow_stream_full(g->f, g->f->origin);
	for (uint8_t dir = 0; dir < 2 && g->f->key.proto == IPPROTO_TCP && !flow_hostname(g->f)[0];
	     dir++)
		wait |= tcp_hostname(g, dir) == -EAGAIN && !flow_stream_full(g->f, dir);
	g->j->want_host = may_wait && wait && !flow_hostname(g->f)[0];
}

// SPDX-License-Identifier: GPL-2.0-only
/* SIP (RFC 3261): the session descriptions in its messages give the ports of the media flows. */
#include <netinet/in.h>
#include <stdlib.h>

#include "app/control.h"
#include "app/module.h"
#include "app/sdp.h"
#include "proto/lines.h"

/* Largest keep-alive: RFC 5626, 3.5.1, and what clients send instead. */
#define KEEPALIVE_MAX 8

/* Lines of a description are recognised anywhere in a message, so no framing is needed. */
struct sip {
	struct lines lines[2]; /* lines of the responder, of the originator */
	struct sdp sdp[2];
};

struct sip_line {
	struct sdp *sdp;
	const struct app_services *s;
	const struct app_message *m;
};

static void sip_line(void *arg, const char *line)
{
	const struct sip_line *l = arg;

	/* Header lines have a colon or blank before any '='. */
	if (line[0] && line[1] == '=')
		sdp_line(l->sdp, l->s, l->m, line);
}

static void sip_read(struct sip *sip, const struct app_services *s, const struct app_message *m)
{
	struct sip_line l = {.sdp = &sip->sdp[m->from_origin], .s = s, .m = m};
	struct lines *lines = &sip->lines[m->from_origin];

	lines_feed(lines, m->data, m->len, sip_line, &l);
	if (m->proto == IPPROTO_UDP)
		lines_end(lines, sip_line, &l);
}

/* A datagram that is neither a SIP message (RFC 3261, 7: begins with a method or the version) nor a
 * keep-alive. */
static bool is_none(const struct app_message *m)
{
	return m->proto == IPPROTO_UDP && m->len > KEEPALIVE_MAX &&
	       (m->data[0] < 'A' || m->data[0] > 'Z');
}

static void sip_event(const struct app_services *s, const struct app_message *m, const void *event,
		      void **state, struct consumer_answer *answer)
{
	const struct stream_event *e = event;
	struct sip *sip = control_state(s, state, sizeof(*sip), answer);

	if (!sip)
		return;
	if (e->kind == STREAM_GAP && e->len)
		lines_gap(&sip->lines[m->from_origin]);
	if (!stream_has_bytes(e))
		return;
	sip_read(sip, s, m);
	if (lines_are_none(&sip->lines[m->from_origin]) || is_none(m))
		answer->verb = CONSUMER_LEAVE;
}

static unsigned int sip_wants(const struct app_services *s, const struct flow *f)
{
	return s->expect && f->method == WEIR_METHOD_SIGNATURE ? CONSUMER_BOTH : 0;
}

CONSUMER(sip) = {
	.abi = CONSUMER_ABI,
	.name = "sip",
	.help = "media flows that session descriptions announce",
	.module = "sip",
	.wants = sip_wants,
	.event = sip_event,
	.release = free,
};

const struct app_module sip_module = {
	.name = "sip",
	.category = "voip",
	.help = "expects the media of session descriptions",
};

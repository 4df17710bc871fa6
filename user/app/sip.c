// SPDX-License-Identifier: GPL-2.0-only
/* SIP (RFC 3261): the session descriptions in its messages give the ports of the media flows. */
#include <stdlib.h>

#include "app/control.h"
#include "app/module.h"
#include "app/sdp.h"
#include "proto/message.h"

struct sip {
	struct sdp sdp[2]; /* of the responder, of the originator */
};

static void sip_event(const struct app_services *s, const struct app_message *m, const void *event,
		      void **state, struct consumer_answer *answer)
{
	struct sip *sip = control_state(s, state, sizeof(*sip), answer);
	const struct message_event *e = event;

	if (sip && e->kind == MESSAGE_LINE && e->text[0] && e->text[1] == '=')
		sdp_line(&sip->sdp[m->from_origin], s, m, e->text);
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
	.reader = &reader_sip,
	.wants = sip_wants,
	.event = sip_event,
	.release = free,
};

CONSUMER(sip_datagrams) = {
	.abi = CONSUMER_ABI,
	.name = "sip_datagrams",
	.help = "media flows that session descriptions announce",
	.module = "sip",
	.reader = &reader_sip_datagrams,
	.wants = sip_wants,
	.event = sip_event,
	.release = free,
};

const struct app_module sip_module = {
	.name = "sip",
	.category = "voip",
	.help = "expects the media of session descriptions",
};

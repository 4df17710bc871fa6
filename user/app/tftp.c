// SPDX-License-Identifier: GPL-2.0-only
/* TFTP (RFC 1350, 4): the server answers a request from a new port of its choice. */
#include <netinet/in.h>

#include "app/consumer.h"
#include "app/module.h"

static unsigned int tftp_wants(const struct app_services *s, const struct flow *f)
{
	return s->expect && f->key.proto == IPPROTO_UDP && f->method == WEIR_METHOD_SIGNATURE
		       ? CONSUMER_CLIENT
		       : 0;
}

static void tftp_event(const struct app_services *s, const struct app_message *m, const void *event,
		       void **state, struct consumer_answer *answer)
{
	(void)state;
	if (stream_has_bytes(event))
		(void)s->expect(s->arg, m, NULL, m->sport, "tftp", false);
	answer->verb = CONSUMER_LEAVE;
}

CONSUMER(tftp) = {
	.abi = CONSUMER_ABI,
	.name = "tftp",
	.help = "the answer to a request",
	.module = "tftp",
	.wants = tftp_wants,
	.event = tftp_event,
};

const struct app_module tftp_module = {
	.name = "tftp",
	.category = "files",
	.help = "expects the answer to a request",
};

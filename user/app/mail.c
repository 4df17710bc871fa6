// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mail connections that switch to TLS (RFC 3207 for SMTP, RFC 9051 for IMAP, RFC 2595 for POP3).
 * From there on the flow is identified as the application in which TLS comes first: smtps, imaps,
 * pop3s.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/consumer.h"
#include "app/module.h"

/* Pieces of both sides that are examined: clients switch to TLS at the beginning. */
#define SEGMENTS_MAX 18

struct mail {
	uint8_t segments;
};

/* RFC 8446, 5.1 and 4.1.2: a ClientHello; no mail command begins with a control character. */
static bool is_client_hello(const uint8_t *data, size_t len)
{
	return len >= 6 && data[0] == 22 && data[1] == 3 && data[2] <= 4 && data[5] == 1;
}

/* The name of the secure application is the plain one's plus "s". */
static void found_secure(const struct app_services *s, unsigned int plain, struct app_finding *f)
{
	const struct app_info *info = app_registry_get(s->registry, plain);
	char name[WEIR_APP_NAME_LEN + 1];
	int app;

	if (!info)
		return;
	snprintf(name, sizeof(name), "%ss", info->name);
	app = app_registry_find(s->registry, name);
	if (app <= 0)
		return;
	f->app = (uint16_t)app;
	f->method = WEIR_METHOD_SIGNATURE;
	f->confidence = 95;
}

static unsigned int mail_wants(const struct app_services *s, const struct flow *f)
{
	(void)s;
	return f->key.proto == IPPROTO_TCP && f->method == WEIR_METHOD_SIGNATURE ? CONSUMER_BOTH
										 : 0;
}

static void mail_event(const struct app_services *s, const struct app_message *m, const void *event,
		       void **state, struct consumer_answer *answer)
{
	struct mail *mail;

	if (!stream_has_bytes(event))
		return;
	if (!*state)
		*state = calloc(1, sizeof(*mail));
	mail = *state;
	if (m->from_origin && is_client_hello(m->data, m->len)) {
		found_secure(s, m->flow->app, &answer->finding);
		answer->verb = CONSUMER_LEAVE;
	} else if (!mail || ++mail->segments >= SEGMENTS_MAX) {
		answer->verb = CONSUMER_LEAVE;
	}
}

CONSUMER(mail) = {
	.abi = CONSUMER_ABI,
	.name = "mail",
	.help = "mail connections that go on with TLS",
	.module = "mail",
	.wants = mail_wants,
	.event = mail_event,
	.release = free,
};

const struct app_module mail_module = {
	.name = "mail",
	.category = "mail",
	.help = "SMTP, IMAP and POP3 that go on with TLS",
};

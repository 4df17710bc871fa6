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
#include "proto/imap.h"
#include "proto/pop3.h"
#include "proto/smtp.h"

/* Commands that are looked at: clients switch to TLS at the beginning. */
#define COMMANDS_MAX 16

struct mail {
	uint8_t commands;
};

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

/* A command was given, or (secure) TLS begins. */
static void mail_heard(const struct app_services *s, const struct app_message *m, bool secure,
		       void **state, struct consumer_answer *answer)
{
	struct mail *mail;

	if (secure) {
		found_secure(s, m->flow->app, &answer->finding);
		answer->verb = CONSUMER_LEAVE;
		return;
	}
	if (!*state)
		*state = calloc(1, sizeof(*mail));
	mail = *state;
	if (!mail || ++mail->commands >= COMMANDS_MAX)
		answer->verb = CONSUMER_LEAVE;
}

static void smtp_event(const struct app_services *s, const struct app_message *m, const void *event,
		       void **state, struct consumer_answer *answer)
{
	const struct smtp_event *e = event;

	if (e->kind == SMTP_COMMAND || e->kind == SMTP_ENCRYPTED)
		mail_heard(s, m, e->kind == SMTP_ENCRYPTED, state, answer);
	else if (e->kind == SMTP_BODY)
		answer->verb = CONSUMER_LEAVE;
}

static void imap_event(const struct app_services *s, const struct app_message *m, const void *event,
		       void **state, struct consumer_answer *answer)
{
	const struct imap_event *e = event;

	if ((e->kind == IMAP_LINE && e->side == STREAM_CLIENT) || e->kind == IMAP_ENCRYPTED)
		mail_heard(s, m, e->kind == IMAP_ENCRYPTED, state, answer);
}

static void pop3_event(const struct app_services *s, const struct app_message *m, const void *event,
		       void **state, struct consumer_answer *answer)
{
	const struct pop3_event *e = event;

	if (e->kind == POP3_COMMAND || e->kind == POP3_ENCRYPTED)
		mail_heard(s, m, e->kind == POP3_ENCRYPTED, state, answer);
}

static const char *const smtp_apps[] = {"smtp", NULL};

CONSUMER(smtp) = {
	.abi = CONSUMER_ABI,
	.name = "smtp",
	.help = "SMTP that goes on with TLS",
	.module = "mail",
	.apps = smtp_apps,
	.reader = &reader_smtp,
	.wants = mail_wants,
	.event = smtp_event,
	.release = free,
};

static const char *const imap_apps[] = {"imap", NULL};

CONSUMER(imap) = {
	.abi = CONSUMER_ABI,
	.name = "imap",
	.help = "IMAP that goes on with TLS",
	.module = "mail",
	.apps = imap_apps,
	.reader = &reader_imap,
	.wants = mail_wants,
	.event = imap_event,
	.release = free,
};

static const char *const pop3_apps[] = {"pop3", NULL};

CONSUMER(pop3) = {
	.abi = CONSUMER_ABI,
	.name = "pop3",
	.help = "POP3 that goes on with TLS",
	.module = "mail",
	.apps = pop3_apps,
	.reader = &reader_pop3,
	.wants = mail_wants,
	.event = pop3_event,
	.release = free,
};

const struct app_module mail_module = {
	.name = "mail",
	.category = "mail",
	.help = "SMTP, IMAP and POP3 that go on with TLS",
};

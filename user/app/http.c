// SPDX-License-Identifier: GPL-2.0-only
/* Transactions of HTTP for events: one record for each request, with what answered it. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/consumer.h"
#include "app/record.h"
#include "proto/http.h"

/* Requests of a connection that wait for their answers; of more, the oldest is told without one. */
#define WAITING_MAX 8

struct transaction {
	bool waits;
	struct app_record record;
};

struct transactions {
	bool deaf; /* answers are not to be had */
	/* Made when they are needed, and kept for later requests. */
	struct transaction *at[WAITING_MAX];
};

static void tell(const struct app_services *s, const struct app_message *m, struct transaction *t)
{
	t->waits = false;
	if (s->tell)
		s->tell(s->arg, m, &t->record);
}

static void record_text(struct app_record *r, enum app_text to, const struct http_head *h,
			enum http_text from)
{
	size_t len;
	const char *text = http_head_text(h, from, &len);

	app_record_text(r, to, text, len);
}

/* A place for another; what waits longest makes room. NULL on ENOMEM. */
static struct transaction *transaction_new(struct transactions *all, const struct app_services *s,
					   const struct app_message *m, uint32_t tx)
{
	struct transaction *oldest = NULL, *t = NULL;

	for (unsigned int i = 0; i < WAITING_MAX && !t; i++) {
		if (!all->at[i])
			all->at[i] = calloc(1, sizeof(*t));
		if (all->at[i] && !all->at[i]->waits)
			t = all->at[i];
		else if (all->at[i] && (!oldest || all->at[i]->record.tx < oldest->record.tx))
			oldest = all->at[i];
	}
	if (!t && oldest) {
		tell(s, m, oldest);
		t = oldest;
	}
	if (!t)
		return NULL;
	memset(&t->record, 0, offsetof(struct app_record, text));
	t->record.kind = APP_RECORD_HTTP;
	t->record.tx = tx;
	t->waits = true;
	return t;
}

static struct transaction *transaction_find(struct transactions *all, uint32_t tx)
{
	for (unsigned int i = 0; i < WAITING_MAX; i++)
		if (all->at[i] && all->at[i]->waits && all->at[i]->record.tx == tx)
			return all->at[i];
	return NULL;
}

static bool waits(const struct transactions *all)
{
	for (unsigned int i = 0; i < WAITING_MAX; i++)
		if (all->at[i] && all->at[i]->waits)
			return true;
	return false;
}

static void record_protocol(struct app_record *r, const struct http_head *h)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "HTTP/%s%u", h->versioned ? "1." : "0.",
			   h->versioned ? h->minor : 9u);

	app_record_text(r, APP_TEXT_PROTOCOL, text, (size_t)len);
}

static void request_begin(struct transactions *all, const struct app_services *s,
			  const struct app_message *m, const struct http_event *e)
{
	struct transaction *t = transaction_new(all, s, m, e->tx);
	char name[HTTP_HOSTNAME_BYTES];
	struct app_record *r;

	if (!t)
		return;
	r = &t->record;
	record_text(r, APP_TEXT_METHOD, e->head, HTTP_METHOD);
	record_text(r, APP_TEXT_URL, e->head, HTTP_TARGET);
	record_protocol(r, e->head);
	if (http_head_hostname(e->head, name, &r->port))
		app_record_text(r, APP_TEXT_HOSTNAME, name, strlen(name));
	record_text(r, APP_TEXT_USER_AGENT, e->head, HTTP_USER_AGENT);
	record_text(r, APP_TEXT_REFER, e->head, HTTP_REFERER);
	if (all->deaf)
		tell(s, m, t);
}

/* An answer whose request was not given is told with what it says itself. */
static void response_begin(struct transactions *all, const struct app_services *s,
			   const struct app_message *m, const struct http_event *e)
{
	struct transaction *t = transaction_find(all, e->tx);

	if (!t)
		t = transaction_new(all, s, m, e->tx);
	if (!t)
		return;
	t->record.answered = true;
	t->record.status = e->head->status;
	record_protocol(&t->record, e->head);
	record_text(&t->record, APP_TEXT_CONTENT_TYPE, e->head, HTTP_CONTENT_TYPE);
	record_text(&t->record, APP_TEXT_REDIRECT, e->head, HTTP_LOCATION);
}

static void response_end(struct transactions *all, const struct app_services *s,
			 const struct app_message *m, const struct http_event *e)
{
	struct transaction *t = transaction_find(all, e->tx);

	if (!t)
		return;
	t->record.length = e->size - e->missing;
	tell(s, m, t);
}

/* No more answers come: what waits is told in the order of the requests. */
static void tell_all(struct transactions *all, const struct app_services *s,
		     const struct app_message *m)
{
	struct transaction *next;

	all->deaf = true;
	do {
		next = NULL;
		for (unsigned int i = 0; i < WAITING_MAX; i++)
			if (all->at[i] && all->at[i]->waits &&
			    (!next || all->at[i]->record.tx < next->record.tx))
				next = all->at[i];
		if (next)
			tell(s, m, next);
	} while (next);
}

static void http_event(const struct app_services *s, const struct app_message *m, const void *event,
		       void **state, struct consumer_answer *answer)
{
	const struct http_event *e = event;
	struct transactions *all = *state;

	if (!all)
		all = *state = calloc(1, sizeof(*all));
	if (!all) {
		answer->verb = CONSUMER_LEAVE;
		return;
	}
	switch (e->kind) {
	case HTTP_REQUEST:
		request_begin(all, s, m, e);
		break;
	case HTTP_RESPONSE:
		response_begin(all, s, m, e);
		break;
	case HTTP_END:
		if (e->side == STREAM_SERVER)
			response_end(all, s, m, e);
		break;
	case HTTP_TUNNEL:
		/* A client need not wait for the answer that opens it. */
		if (e->side == STREAM_SERVER || e->stream.kind != STREAM_DATA)
			tell_all(all, s, m);
		if (e->side == STREAM_SERVER || !waits(all))
			answer->verb = CONSUMER_LEAVE;
		break;
	case HTTP_LOST:
	case HTTP_CLOSE:
		if (e->side == STREAM_SERVER)
			tell_all(all, s, m);
		break;
	default:
		break;
	}
}

static void http_release(void *state)
{
	struct transactions *all = state;

	for (unsigned int i = 0; all && i < WAITING_MAX; i++)
		free(all->at[i]);
	free(all);
}

static unsigned int http_wants(const struct app_services *s, const struct flow *f)
{
	size_t len;
	const uint8_t *data = flow_stream_data(f, f->origin, &len);

	if (!(s->records & 1u << APP_RECORD_HTTP) || !s->tell || f->key.proto != IPPROTO_TCP ||
	    f->method == WEIR_METHOD_ENDPOINT || f->method == WEIR_METHOD_STATISTICS)
		return 0;
	return !len || reader_http.guess(STREAM_CLIENT, data, len) != READER_NO ? CONSUMER_BOTH : 0;
}

CONSUMER(http) = {
	.abi = CONSUMER_ABI,
	.name = "http",
	.help = "requests and their answers, for events",
	.reader = &reader_http,
	.wants = http_wants,
	.event = http_event,
	.release = http_release,
};

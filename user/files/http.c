// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files in HTTP's bodies (RFC 9110), of requests and responses: as they are transferred, so with
 * their content coding if they have one.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/consumer.h"
#include "files/transfer.h"
#include "proto/http.h"

/* Requests of a connection that are remembered until they are answered; older ones are forgotten,
 * and their files have no name. */
#define ASKED_MAX 8

/* What a request says of the file that answers it. */
struct asked {
	uint32_t tx;
	struct app_record texts;
};

/* The message of one side. */
struct sent {
	struct transfer file;
	struct app_record record;
};

/* Made when they are needed. */
struct http_files {
	struct asked *asked[ASKED_MAX]; /* by number of the transaction */
	struct sent *sent[2];		/* by enum stream_side */
};

static void clear(struct app_record *r, uint32_t tx)
{
	memset(r, 0, offsetof(struct app_record, text));
	r->kind = APP_RECORD_FILE;
	r->tx = tx;
}

static void head_text(struct app_record *r, enum app_text to, const struct http_head *h,
		      enum http_text from)
{
	size_t len;
	const char *text = http_head_text(h, from, &len);

	app_record_text(r, to, text, len);
}

static void request_texts(struct app_record *r, const struct http_head *h)
{
	char name[HTTP_FILE_NAME_BYTES], host[HTTP_HOSTNAME_BYTES];

	if (http_head_file_name(h, h, name))
		app_record_text(r, APP_TEXT_FILENAME, name, strlen(name));
	if (http_head_hostname(h, host, &r->port))
		app_record_text(r, APP_TEXT_HOSTNAME, host, strlen(host));
	head_text(r, APP_TEXT_METHOD, h, HTTP_METHOD);
	head_text(r, APP_TEXT_URL, h, HTTP_TARGET);
	head_text(r, APP_TEXT_USER_AGENT, h, HTTP_USER_AGENT);
	head_text(r, APP_TEXT_REFER, h, HTTP_REFERER);
}

static void protocol(struct app_record *r, const struct http_head *h)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "HTTP/%s%u", h->versioned ? "1." : "0.",
			   h->versioned ? h->minor : 9u);

	app_record_text(r, APP_TEXT_PROTOCOL, text, (size_t)len);
}

/* The texts of the request but the file's name, for which the response has the first word. */
static void copy_texts(struct app_record *r, const struct app_record *from)
{
	for (unsigned int which = 0; which < APP_TEXT_COUNT; which++) {
		size_t len;
		const char *text = app_record_get(from, which, &len);

		app_record_text(r, which, text, len);
	}
	r->port = from->port;
}

/* RFC 9110, 14.4: "bytes first-last/size". */
static void range(struct app_record *r, const struct http_head *h)
{
	unsigned long long first, last;
	char text[64];
	size_t len;
	const char *at = http_head_text(h, HTTP_CONTENT_RANGE, &len);

	if (h->status != 206 || len >= sizeof(text))
		return;
	memcpy(text, at, len);
	text[len] = '\0';
	if (sscanf(text, "bytes %19llu-%19llu", &first, &last) == 2 && first <= last) {
		r->start = first;
		r->end = last;
	}
}

static struct sent *sent_of(struct http_files *f, uint8_t side)
{
	if (!f->sent[side])
		f->sent[side] = calloc(1, sizeof(*f->sent[side]));
	return f->sent[side];
}

static void request(struct http_files *f, const struct http_event *e)
{
	struct asked **slot = &f->asked[e->tx % ASKED_MAX];
	struct sent *sent;

	if (!*slot)
		*slot = calloc(1, sizeof(**slot));
	if (*slot) {
		(*slot)->tx = e->tx;
		clear(&(*slot)->texts, e->tx);
		request_texts(&(*slot)->texts, e->head);
	}
	/* Few requests have a body. */
	if (e->head->length == 0 || (e->head->length == HTTP_LENGTH_UNKNOWN && !e->head->chunked))
		return;
	sent = sent_of(f, e->side);
	if (!sent)
		return;
	clear(&sent->record, e->tx);
	request_texts(&sent->record, e->head);
	protocol(&sent->record, e->head);
	head_text(&sent->record, APP_TEXT_CONTENT_TYPE, e->head, HTTP_CONTENT_TYPE);
	sent->record.to_server = true;
}

static void response(struct http_files *f, const struct http_event *e)
{
	const struct asked *asked = f->asked[e->tx % ASKED_MAX];
	struct sent *sent = sent_of(f, e->side);
	char name[HTTP_FILE_NAME_BYTES];

	if (!sent)
		return;
	clear(&sent->record, e->tx);
	sent->record.status = e->head->status;
	if (http_head_file_name(e->head, NULL, name))
		app_record_text(&sent->record, APP_TEXT_FILENAME, name, strlen(name));
	protocol(&sent->record, e->head);
	head_text(&sent->record, APP_TEXT_CONTENT_TYPE, e->head, HTTP_CONTENT_TYPE);
	range(&sent->record, e->head);
	if (asked && asked->tx == e->tx)
		copy_texts(&sent->record, &asked->texts);
}

static void body(struct http_files *f, const struct http_event *e)
{
	struct sent *sent = f->sent[e->side];

	if (!sent)
		return;
	if (!sent->file.begun)
		transfer_begin(&sent->file);
	if (e->stream.kind == STREAM_GAP)
		transfer_gap(&sent->file);
	else
		transfer_data(&sent->file, e->stream.data, (size_t)e->stream.len);
}

/* The message has ended: what had a body was a file. */
static void end(struct http_files *f, const struct app_services *s, const struct app_message *m,
		const struct http_event *e)
{
	struct sent *sent = f->sent[e->side];

	if (!sent || !sent->file.begun)
		return;
	transfer_end(&sent->file, e->complete, &sent->record);
	if (e->side == STREAM_SERVER) {
		sent->record.answered = true;
		sent->record.length = sent->file.size;
	}
	if (s->tell)
		s->tell(s->arg, m, &sent->record);
}

static void http_files_event(const struct app_services *s, const struct app_message *m,
			     const void *event, void **state, struct consumer_answer *answer)
{
	const struct http_event *e = event;
	struct http_files *f = *state;

	if (!f)
		f = *state = calloc(1, sizeof(*f));
	if (!f) {
		answer->verb = CONSUMER_LEAVE;
		return;
	}
	switch (e->kind) {
	case HTTP_REQUEST:
		request(f, e);
		break;
	case HTTP_RESPONSE:
		response(f, e);
		break;
	case HTTP_BODY:
		body(f, e);
		break;
	case HTTP_END:
		end(f, s, m, e);
		break;
	case HTTP_TUNNEL:
		if (e->side == STREAM_SERVER)
			answer->verb = CONSUMER_LEAVE;
		break;
	default:
		break;
	}
}

static void http_files_release(void *state)
{
	struct http_files *f = state;

	for (unsigned int i = 0; f && i < ASKED_MAX; i++)
		free(f->asked[i]);
	for (unsigned int side = 0; f && side < 2; side++) {
		if (f->sent[side])
			transfer_free(&f->sent[side]->file);
		free(f->sent[side]);
	}
	free(f);
}

/* Whatever the flow was found to be, if it speaks HTTP. */
static unsigned int http_files_wants(const struct app_services *s, const struct flow *f)
{
	size_t len;
	const uint8_t *data;

	if (!(s->records & 1u << APP_RECORD_FILE) || !s->tell || f->key.proto != IPPROTO_TCP)
		return 0;
	data = flow_stream_data(f, f->origin, &len);
	return len && reader_http.guess(STREAM_CLIENT, data, len) != READER_NO ? CONSUMER_BOTH : 0;
}

CONSUMER(http_files) = {
	.abi = CONSUMER_ABI,
	.name = "http_files",
	.help = "files in HTTP's bodies, for events",
	.reader = &reader_http,
	.wants = http_files_wants,
	.event = http_files_event,
	.release = http_files_release,
};

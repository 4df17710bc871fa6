/* SPDX-License-Identifier: GPL-2.0-only */
/* What the reader of HTTP gives, as one text for each side that does not depend on how bytes were
 * cut. The includer defines trace_check(condition). */
#ifndef WEIR_UNIT_HTTP_TRACE_H
#define WEIR_UNIT_HTTP_TRACE_H

#include <stdio.h>
#include <string.h>

#include "proto/http.h"

#define TRACE_BYTES 16384

struct trace {
	struct http_connection state;
	int err;
	struct {
		uint64_t fed;	/* bytes given to the reader, gaps included */
		uint64_t place; /* in the body or tunnel */
		uint64_t lacks;
		bool open, tunnel;
		size_t at;
		char text[TRACE_BYTES];
	} side[2];
};

static void trace_text(struct trace *t, uint8_t side, const char *text, size_t len)
{
	size_t room = TRACE_BYTES - 1 - t->side[side].at;

	if (len > room)
		len = room;
	memcpy(t->side[side].text + t->side[side].at, text, len);
	t->side[side].at += len;
	t->side[side].text[t->side[side].at] = '\0';
}

static void trace_stream(struct trace *t, const struct http_event *e)
{
	char text[32];
	int n = 0;

	trace_check(e->stream.side == e->side && e->stream.offset == t->side[e->side].place);
	t->side[e->side].place += e->stream.len;
	if (e->stream.kind == STREAM_DATA) {
		trace_check(e->stream.len > 0);
		trace_text(t, e->side, (const char *)e->stream.data, (size_t)e->stream.len);
	} else if (e->stream.kind == STREAM_GAP) {
		t->side[e->side].lacks += e->stream.len;
		n = snprintf(text, sizeof(text), "[%llu]", (unsigned long long)e->stream.len);
	} else {
		n = snprintf(text, sizeof(text), "%s", e->stream.kind == STREAM_END ? "|" : "/");
	}
	trace_text(t, e->side, text, (size_t)n);
}

static void trace_head(struct trace *t, const struct http_event *e)
{
	char text[4096], name[HTTP_HOSTNAME_BYTES] = "";
	size_t method, target;
	const char *m = http_head_text(e->head, HTTP_METHOD, &method);
	const char *u = http_head_text(e->head, HTTP_TARGET, &target);
	uint16_t port;
	int n;

	if (e->kind == HTTP_REQUEST) {
		http_head_hostname(e->head, name, &port);
		n = snprintf(text, sizeof(text), "{%u %.*s %.*s %s}", e->tx, (int)method, m,
			     (int)target, u, name);
	} else {
		n = snprintf(text, sizeof(text), "{%u %u}", e->tx, e->head->status);
	}
	trace_text(t, e->side, text, (size_t)n);
}

static void trace_event(void *arg, const void *event)
{
	const struct http_event *e = event;
	struct trace *t = arg;

	trace_check(!!e->head == (e->kind < HTTP_TUNNEL));
	if (e->unsure && e->kind <= HTTP_INTERIM)
		trace_text(t, e->side, "?", 1);
	switch (e->kind) {
	case HTTP_REQUEST:
	case HTTP_RESPONSE:
		trace_check(!t->side[e->side].open && !t->side[e->side].tunnel);
		trace_check((e->kind == HTTP_REQUEST) == (e->side == STREAM_CLIENT));
		t->side[e->side].open = true;
		t->side[e->side].place = 0;
		t->side[e->side].lacks = 0;
		trace_head(t, e);
		break;
	case HTTP_INTERIM:
		trace_check(!t->side[e->side].open);
		trace_head(t, e);
		break;
	case HTTP_BODY:
		trace_check(t->side[e->side].open);
		trace_stream(t, e);
		break;
	case HTTP_END:
		trace_check(t->side[e->side].open && e->size == t->side[e->side].place &&
			    e->missing == t->side[e->side].lacks);
		trace_check(!e->missing || e->gaps);
		t->side[e->side].open = false;
		trace_text(t, e->side, e->complete ? ";" : "!", 1);
		if (e->last)
			trace_text(t, e->side, ".", 1);
		break;
	case HTTP_TUNNEL:
		trace_check(!t->side[e->side].open);
		if (!t->side[e->side].tunnel) {
			t->side[e->side].place = 0;
			trace_text(t, e->side, e->tunnel == HTTP_TUNNEL_CONNECT ? "#" : "@", 1);
		}
		t->side[e->side].tunnel = true;
		trace_stream(t, e);
		break;
	case HTTP_CLOSE:
		trace_check(!t->side[e->side].open && !t->side[e->side].tunnel);
		trace_text(t, e->side, e->stream.kind == STREAM_END ? "|" : "/", 1);
		break;
	default:
		trace_text(t, e->side, "X", 1);
	}
}

/* Begins anew; t is zeroed, or was used before. */
static void trace_begin(struct trace *t)
{
	reader_http.fini(&t->state);
	memset(&t->state, 0, sizeof(t->state));
	t->err = 0;
	for (unsigned int i = 0; i < 2; i++) {
		memset(&t->side[i], 0, offsetof(__typeof__(t->side[i]), text));
		t->side[i].text[0] = '\0';
	}
}

/* Gives an event of the side's next bytes. */
static void trace_feed(struct trace *t, uint8_t side, uint8_t kind, const void *data, uint64_t len)
{
	const struct stream_event e = {
		.kind = kind,
		.side = side,
		.offset = t->side[side].fed,
		.data = data,
		.len = len,
	};

	t->side[side].fed += len;
	if (t->err == 0)
		t->err = reader_http.read(&t->state, &e, trace_event, t);
}

#endif

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "proto/http_private.h"
#include "util/util.h"

/* ---- events ---- */

static struct http_event event_of(const struct http_reading *r, enum http_kind kind)
{
	return (struct http_event){
		.kind = (uint8_t)kind,
		.side = http_is_client(r) ? STREAM_CLIENT : STREAM_SERVER,
		.unsure = r->c->unsure,
		.tx = http_tx_now(r->s),
		.head = &r->s->head,
	};
}

static void tell(const struct http_reading *r, enum http_kind kind)
{
	struct http_event e = event_of(r, kind);

	if (kind == HTTP_LOST)
		e.head = NULL;
	if (kind == HTTP_INTERIM)
		e.tx = r->s->tx;
	r->emit(r->arg, &e);
}

void http_tell_piece(const struct http_reading *r, enum http_kind kind, enum stream_kind piece,
		     const uint8_t *data, uint64_t len)
{
	struct http_event e = event_of(r, kind);

	if (kind == HTTP_TUNNEL) {
		e.head = NULL;
		e.tunnel = r->c->tunnel;
	}
	e.stream = (struct stream_event){
		.kind = (uint8_t)piece,
		.side = e.side,
		.offset = r->s->at,
		.data = data,
		.len = len,
		.time_ns = r->e->time_ns,
	};
	r->s->at += len;
	r->emit(r->arg, &e);
}

void http_head_begin_side(const struct http_reading *r)
{
	struct http_head *h = &r->s->head;

	(void)http_head_keep(h, r->scratch, false, 0, 0);
	h->text = r->scratch;
	h->cap = HTTP_HEAD_BYTES;
	http_head_init(h, http_is_client(r));
}

/* ---- ends ---- */

static bool in_message(const struct http_side *s)
{
	return s->stage >= IN_BODY && s->stage <= IN_TRAILER;
}

/* Whether the connection ends with this message (RFC 9112, 9.3). */
static bool is_last(const struct http_head *h)
{
	return h->close || !h->versioned || (h->minor == 0 && !h->keep_alive);
}

static void message_end(const struct http_reading *r, bool complete)
{
	struct http_side *s = r->s;
	struct http_event e = event_of(r, HTTP_END);

	e.complete = complete;
	e.gaps = s->gaps;
	e.size = s->at;
	e.missing = s->missing;
	e.last = is_last(&s->head);
	s->stage = AT_START;
	s->line = 0;
	r->emit(r->arg, &e);
}

static void side_lose(const struct http_reading *r)
{
	if (in_message(r->s))
		message_end(r, false);
	r->s->stage = OVER;
	tell(r, HTTP_LOST);
}

/* ---- header sections ---- */

static enum bearing bearing_of(const struct http_head *h)
{
	if (http_head_is(h, HTTP_METHOD, "HEAD"))
		return BEARS_HEAD;
	if (http_head_is(h, HTTP_METHOD, "CONNECT"))
		return BEARS_CONNECT;
	return h->upgrade && h->kept >> HTTP_UPGRADE & 1 ? BEARS_UPGRADE : BEARS_NOTHING;
}

/* How the request that the response answers bears on it. */
static enum bearing bearing_for(const struct http_reading *r)
{
	uint32_t tx = http_tx_now(r->s), sent = r->c->side[STREAM_CLIENT].tx;

	if (tx >= sent || sent - tx > HTTP_PIPELINE_MAX)
		return BEARS_NOTHING;
	return (enum bearing)r->c->method[tx % HTTP_PIPELINE_MAX];
}

static void body_begin(const struct http_reading *r, enum http_stage without_length)
{
	struct http_side *s = r->s;

	s->left = s->head.length;
	if (s->head.chunked)
		s->stage = AT_CHUNK;
	else if (s->head.coded || s->head.length == HTTP_LENGTH_UNKNOWN)
		s->stage = (uint8_t)without_length;
	else
		s->stage = s->left ? IN_BODY : AT_START;
	if (s->stage == AT_START)
		message_end(r, true);
}

static int request_end(const struct http_reading *r)
{
	struct http_side *s = r->s;
	enum bearing bearing = bearing_of(&s->head);

	/* Behind bytes that were not given: what was answered was asked before. */
	if (r->c->unsure && s->tx < r->c->side[STREAM_SERVER].tx)
		s->tx = r->c->side[STREAM_SERVER].tx;
	r->c->method[s->tx % HTTP_PIPELINE_MAX] = (uint8_t)bearing;
	s->tx++;
	tell(r, HTTP_REQUEST);
	/* A coding other than chunks does not tell where a request ends (RFC 9112, 6.3). */
	if (s->head.coded && !s->head.chunked) {
		message_end(r, false);
		return -EPROTO;
	}
	if (bearing == BEARS_CONNECT) {
		message_end(r, true);
		s->doubt = HTTP_TUNNEL_CONNECT;
		return 0;
	}
	body_begin(r, AT_START);
	s->doubt = bearing == BEARS_UPGRADE ? HTTP_TUNNEL_UPGRADE : HTTP_TUNNEL_NONE;
	return 0;
}

/* Behind bytes that were not given: the response is that to the last request, since few clients
 * send one before the answer to the one before. */
static void response_number(const struct http_reading *r)
{
	uint32_t sent = r->c->side[STREAM_CLIENT].tx;

	if (r->c->unsure && sent > r->s->tx)
		r->s->tx = sent - 1;
	r->s->tx++;
}

static enum http_tunnel opens_tunnel(const struct http_head *h, enum bearing bearing)
{
	if (h->status == 101)
		return HTTP_TUNNEL_UPGRADE;
	return bearing == BEARS_CONNECT && h->status / 100 == 2 ? HTTP_TUNNEL_CONNECT
								: HTTP_TUNNEL_NONE;
}

static int response_end(const struct http_reading *r)
{
	struct http_side *s = r->s;
	uint16_t status = s->head.status;
	enum http_tunnel opens;
	enum bearing bearing;

	if (status < 200 && status != 101) {
		tell(r, HTTP_INTERIM);
		s->stage = AT_START;
		return 0;
	}
	response_number(r);
	bearing = bearing_for(r);
	opens = opens_tunnel(&s->head, bearing);
	tell(r, HTTP_RESPONSE);
	if (opens) {
		message_end(r, true);
		http_tunnel_answer(r, opens);
		http_tunnel_begin(r, opens);
		return 0;
	}
	http_tunnel_answer(r, HTTP_TUNNEL_NONE);
	if (bearing == BEARS_HEAD || status == 204 || status == 304)
		message_end(r, true);
	else
		body_begin(r, TILL_END);
	return 0;
}

static int head_end(const struct http_reading *r)
{
	struct http_side *s = r->s;

	r->c->read = true;
	s->at = 0;
	s->missing = 0;
	s->gaps = false;
	s->section = 0;
	return s->head.request ? request_end(r) : response_end(r);
}

/* ---- lines ---- */

static int start_line(const struct http_reading *r, const char *line, size_t len)
{
	struct http_side *s = r->s;

	/* An empty line may precede a message (RFC 9112, 2.2). */
	if (len == 0)
		return 0;
	if (s->resync && http_is_client(r) && http_head_method(line, len) <= 0)
		return -EPROTO;
	if (http_head_start(&s->head, line, len, s->long_line) < 0 ||
	    (s->resync && !s->head.versioned))
		return -EPROTO;
	s->resync = false;
	s->stage = IN_FIELDS;
	return 0;
}

static int chunk_line(struct http_side *s, const char *line, size_t len)
{
	if (http_chunk_size(line, len, &s->left) < 0)
		return -EPROTO;
	s->section = 0;
	s->head.fields = 0;
	s->stage = s->left ? IN_CHUNK : IN_TRAILER;
	return 0;
}

/* A line is complete; its bytes lie behind the texts that are kept. */
static int line_end(const struct http_reading *r)
{
	struct http_side *s = r->s;
	char *line = s->head.text + s->head.used;
	size_t len = s->line;

	if (len && line[len - 1] == '\r')
		len--;
	s->line = 0;
	switch (s->stage) {
	case AT_START:
		return start_line(r, line, len);
	case IN_FIELDS:
		if (len == 0)
			return head_end(r);
		if (s->head.fields == HTTP_FIELDS_MAX)
			return -EPROTO;
		return http_head_field(&s->head, len, s->long_line);
	case AT_CHUNK:
		return chunk_line(s, line, len);
	case AFTER_CHUNK:
		s->stage = AT_CHUNK;
		return len ? -EPROTO : 0;
	default:
		if (len == 0)
			message_end(r, true);
		return ++s->head.fields > HTTP_FIELDS_MAX ? -EPROTO : 0;
	}
}

/* Takes bytes up to the end of a line. Returns their number, or -EPROTO. */
static ssize_t line_feed(const struct http_reading *r, const uint8_t *data, size_t len)
{
	struct http_side *s = r->s;
	const uint8_t *end = memchr(data, '\n', len);
	size_t take = end ? (size_t)(end - data) : len, keep = take, room;

	if (s->stage == AT_START && s->line == 0)
		http_head_begin_side(r);
	if (s->line == 0)
		s->long_line = false;
	room = s->head.cap - s->head.used - s->line;
	if (keep > room) {
		keep = room;
		s->long_line = true;
	}
	memcpy(s->head.text + s->head.used + s->line, data, keep);
	s->line = (uint16_t)(s->line + keep);
	if (s->section + take >= HTTP_SECTION_MAX)
		return -EPROTO;
	s->section += (uint32_t)take;
	if (s->stage == AT_START && !http_head_may_begin(&s->head, s->line))
		return -EPROTO;
	if (!end)
		return (ssize_t)take;
	s->section++;
	return line_end(r) < 0 ? -EPROTO : (ssize_t)take + 1;
}

/* The server begins with what is no response: where the client has asked in one line, that was a
 * request of HTTP/0.9 (RFC 1945, 5), and the answer is a body alone. */
static void old_answer(const struct http_reading *r)
{
	struct http_reading client = http_other_side(r);
	const struct http_head *h = &client.s->head;

	if (r->s->stage == AT_START && !http_is_client(r) && client.s->stage == IN_FIELDS &&
	    !h->versioned && h->fields == 0)
		(void)head_end(&client);
}

/* ---- bytes ---- */

static size_t body_feed(const struct http_reading *r, const uint8_t *data, size_t len)
{
	struct http_side *s = r->s;

	if (s->stage != TILL_END && len > s->left)
		len = (size_t)s->left;
	http_tell_piece(r, HTTP_BODY, STREAM_DATA, data, len);
	if (s->stage == TILL_END)
		return len;
	s->left -= len;
	if (s->left == 0 && s->stage == IN_BODY)
		message_end(r, true);
	else if (s->left == 0)
		s->stage = AFTER_CHUNK;
	return len;
}

static ssize_t feed(const struct http_reading *r, const uint8_t *data, size_t len)
{
	const struct http_side *s = r->s;

	http_tunnel_settle(r);
	switch (s->stage) {
	case IN_BODY:
	case IN_CHUNK:
	case TILL_END:
		return (ssize_t)body_feed(r, data, len);
	case IN_TUNNEL:
		http_tunnel_data(r, data, len);
		return (ssize_t)len;
	case AT_START:
		if (s->doubt)
			return (ssize_t)http_tunnel_doubt(r, data, len);
		return line_feed(r, data, len);
	default:
		return line_feed(r, data, len);
	}
}

static void data_read(const struct http_reading *r)
{
	size_t at = 0, len = (size_t)r->e->len;

	while (at < len && r->s->stage != OVER) {
		ssize_t n = feed(r, r->e->data + at, len - at);

		if (n < 0) {
			old_answer(r);
			side_lose(r);
		} else {
			at += (size_t)n;
		}
	}
}

/* ---- gaps ---- */

static void body_gap(const struct http_reading *r, uint64_t len)
{
	r->s->gaps = true;
	r->s->missing += len;
	http_tell_piece(r, HTTP_BODY, STREAM_GAP, NULL, len);
}

/* Bytes are missing of which it is not known what they were: only what certainly begins a message
 * is read behind them. */
static void resync(const struct http_reading *r)
{
	struct http_side *s = r->s;

	if (in_message(s))
		message_end(r, false);
	s->stage = AT_START;
	s->line = 0;
	s->section = 0;
	s->doubt = HTTP_TUNNEL_NONE;
	s->resync = true;
	r->c->unsure = true;
}

static void gap_read(const struct http_reading *r)
{
	struct http_side *s = r->s;
	uint64_t len = r->e->len;

	http_tunnel_settle(r);
	switch (s->stage) {
	case OVER:
		return;
	case IN_TUNNEL:
		http_tell_piece(r, HTTP_TUNNEL, STREAM_GAP, NULL, len);
		return;
	case TILL_END:
		body_gap(r, len);
		return;
	case IN_BODY:
	case IN_CHUNK:
		break;
	default:
		resync(r);
		return;
	}
	if (len == 0 || len > s->left) {
		body_gap(r, len ? s->left : 0);
		resync(r);
		return;
	}
	body_gap(r, len);
	s->left -= len;
	if (s->left == 0 && s->stage == IN_CHUNK)
		s->stage = AFTER_CHUNK;
	else if (s->left == 0)
		message_end(r, true);
}

/* ---- the ends ---- */

static void side_end(const struct http_reading *r, enum stream_kind kind)
{
	struct http_side *s = r->s;
	struct http_event e;

	http_tunnel_settle(r);
	if (s->stage == OVER)
		return;
	if (s->stage == IN_TUNNEL) {
		http_tell_piece(r, HTTP_TUNNEL, kind, NULL, 0);
		s->stage = OVER;
		return;
	}
	/* A request of HTTP/0.9 is a line (RFC 1945, 5). */
	if (s->stage == IN_FIELDS && s->head.request && !s->head.versioned)
		(void)head_end(r);
	if (in_message(s))
		message_end(r, kind == STREAM_END && s->stage == TILL_END);
	s->stage = OVER;
	e = event_of(r, HTTP_CLOSE);
	e.head = NULL;
	e.stream.kind = (uint8_t)kind;
	r->emit(r->arg, &e);
}

/* Keeps what the rest of a message needs of its beginning, and nothing between messages. */
static void head_keep(const struct http_reading *r)
{
	struct http_side *s = r->s;
	bool begins = s->stage == IN_FIELDS || (s->stage == AT_START && s->line);
	size_t bytes = (size_t)s->head.used + s->line;
	size_t longest = begins ? HTTP_HEAD_BYTES : (size_t)s->head.used + HTTP_LINE_ROOM;
	size_t room = longest > bytes ? longest - bytes : 0;

	if (http_head_keep(&s->head, r->scratch, begins || in_message(s), bytes, room) < 0) {
		s->stage = OVER;
		tell(r, HTTP_LOST);
	}
}

static void http_fini(void *state)
{
	struct http_connection *c = state;

	for (unsigned int i = 0; i < ARRAY_SIZE(c->side); i++)
		(void)http_head_keep(&c->side[i].head, NULL, false, 0, 0);
}

static int http_read(void *state, const struct stream_event *e, reader_emit *emit, void *arg)
{
	struct http_connection *c = state;
	char scratch[HTTP_HEAD_BYTES];
	struct http_reading r = {.c = c,
				 .s = &c->side[e->side != STREAM_CLIENT],
				 .e = e,
				 .emit = emit,
				 .arg = arg,
				 .scratch = scratch};
	struct http_reading other = http_other_side(&r);

	switch (e->kind) {
	case STREAM_DATA:
		data_read(&r);
		break;
	case STREAM_GAP:
		gap_read(&r);
		break;
	case STREAM_END:
		side_end(&r, STREAM_END);
		break;
	case STREAM_RESET:
		side_end(&r, STREAM_RESET);
		side_end(&other, STREAM_RESET);
		break;
	default:
		return -EPROTO;
	}
	head_keep(&r);
	head_keep(&other);
	if (e->kind != STREAM_DATA && e->kind != STREAM_GAP)
		return 0;
	/* Whoever begins otherwise speaks something else. */
	if (r.s->stage == OVER && (!c->read || other.s->stage == OVER))
		return -EPROTO;
	return 0;
}

static enum reader_guess http_guess(enum stream_side side, const uint8_t *data, size_t len)
{
	static const char version[] = "HTTP/1.";
	const char *text = (const char *)data;
	int rc;

	if (len == 0)
		return READER_MAYBE;
	if (side == STREAM_SERVER) {
		if (memcmp(text, version, len < 7 ? len : 7) != 0)
			return READER_NO;
		return len < 7 ? READER_MAYBE : READER_YES;
	}
	rc = http_head_method(text, len);
	/* The line tells, and the reader looks at it. */
	return rc == 0 ? READER_NO : READER_MAYBE;
}

/* Without the first bytes nothing else tells. */
static const char *const spoken[] = {"http", "bittorrent", NULL};

READER(http) = {
	.abi = READER_ABI,
	.name = "http",
	.help = "HTTP/1: requests and responses of a connection, their bodies, and tunnels",
	.proto = IPPROTO_TCP,
	.size = sizeof(struct http_connection),
	.guess = http_guess,
	.apps = spoken,
	.read = http_read,
	.fini = http_fini,
};

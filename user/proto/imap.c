// SPDX-License-Identifier: GPL-2.0-only
#include "proto/imap.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "proto/lines.h"
#include "util/util.h"

struct reading {
	struct imap *c;
	struct imap_side *s;
	const struct stream_event *e;
	reader_emit *emit;
	void *arg;
};

static struct imap_event event_of(const struct reading *r, enum imap_kind kind)
{
	return (struct imap_event){
		.kind = (uint8_t)kind,
		.side = r->s == &r->c->side[STREAM_SERVER] ? STREAM_SERVER : STREAM_CLIENT,
		.part = r->s->part,
		.tag = r->s->tag,
		.text = "",
	};
}

static bool is_client(const struct reading *r)
{
	return r->e->side == STREAM_CLIENT;
}

/* ---- literals ---- */

static void literal_end(const struct reading *r, bool complete)
{
	struct imap_event e = event_of(r, IMAP_LITERAL_END);
	struct imap_side *s = r->s;

	if (!s->in_literal)
		return;
	s->in_literal = false;
	s->waits = false;
	e.complete = complete;
	e.gaps = s->body.gaps;
	e.size = s->body.at;
	if (s->part < UINT16_MAX)
		s->part++;
	r->emit(r->arg, &e);
}

static void literal_piece(const struct reading *r, const uint8_t *data, uint64_t len)
{
	struct imap_event e = event_of(r, IMAP_LITERAL);
	struct imap_side *s = r->s;

	s->waits = false;
	mail_body_piece(&s->body, r->e, data, len, &e.stream);
	s->left -= len;
	r->emit(r->arg, &e);
	if (s->left == 0)
		literal_end(r, true);
}

/* RFC 9051, 4.3; RFC 7888: "{size}" or "{size+}" ends the line. */
static bool announces(const struct imap_side *s, uint64_t *size, bool *waits)
{
	char tail[IMAP_TAIL + 1];
	size_t len = s->tail_len;
	const char *p;
	int64_t n;

	memcpy(tail, s->tail, len);
	if (len && tail[len - 1] == '\r')
		len--;
	tail[len] = '\0';
	p = strrchr(tail, '{');
	if (!p)
		return false;
	p++;
	n = text_number(&p, INT64_MAX / 16);
	*waits = *p != '+';
	p += *p == '+';
	*size = (uint64_t)n;
	return n >= 0 && strcmp(p, "}") == 0;
}

static void literal_begin(const struct reading *r, uint64_t size, bool waits)
{
	struct imap_side *s = r->s;

	s->in_literal = true;
	s->waits = waits && is_client(r);
	s->left = size;
	s->body = (struct mail_body){.open = true};
	if (size == 0)
		literal_end(r, true);
}

/* The server has answered the command without waiting for its literal: none comes. */
static void literal_refused(const struct reading *r)
{
	struct reading client = *r;

	client.s = &r->c->side[STREAM_CLIENT];
	if (!client.s->waits || strcmp(client.s->tag, r->s->tag) != 0)
		return;
	literal_end(&client, false);
	client.s->part = 0;
}

/* ---- lines ---- */

/* Moves the tag out of the line's text; returns what follows. */
static const char *take_tag(struct imap_side *s)
{
	size_t n = strcspn(s->text, " ");

	if (n > IMAP_TAG_MAX) {
		s->tag[0] = '\0';
		return s->text;
	}
	memcpy(s->tag, s->text, n);
	s->tag[n] = '\0';
	return s->text[n] ? s->text + n + 1 : s->text + n;
}

/* Texts for people end such responses, and may say anything (RFC 9051, 7.1). */
static bool is_for_people(const struct imap_event *e)
{
	static const char *const states[] = {"OK", "NO", "BAD", "BYE", "PREAUTH"};

	if (e->side == STREAM_CLIENT || e->part)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		const char *p = text_after(e->text, states[i]);

		if (p && (*p == ' ' || !*p))
			return true;
	}
	return strcmp(e->tag, "+") == 0;
}

static void line_state(const struct reading *r, const struct imap_event *e)
{
	struct imap *c = r->c;

	if (e->part)
		return;
	if (is_client(r)) {
		if (text_after(e->text, "COMPRESS "))
			memcpy(c->compress, e->tag, strlen(e->tag) + 1);
		return;
	}
	literal_refused(r);
	if (c->compress[0] && strcmp(c->compress, e->tag) == 0)
		c->over = text_after(e->text, "OK") != NULL;
}

static void line_end(const struct reading *r)
{
	struct imap_side *s = r->s;
	struct imap_event e;
	bool waits = false;

	if (s->len && !s->cut && s->text[s->len - 1] == '\r')
		s->len--;
	s->text[s->len] = '\0';
	if (memchr(s->text, '\0', s->len) || (s->len == 0 && s->part == 0)) {
		r->c->skipped += s->len;
		s->len = 0;
		s->tail_len = 0;
		return;
	}
	e = event_of(r, IMAP_LINE);
	e.text = s->part ? s->text : take_tag(s);
	e.cut = s->cut;
	e.literal = !is_for_people(&e) && announces(s, &e.size, &waits);
	e.size = e.literal ? e.size : 0;
	line_state(r, &e);
	r->emit(r->arg, &e);
	s->len = 0;
	s->cut = false;
	s->tail_len = 0;
	if (e.literal)
		literal_begin(r, e.size, waits);
	else
		s->part = 0;
}

static void keep_tail(struct imap_side *s, const uint8_t *data, size_t len)
{
	size_t old;

	if (len >= IMAP_TAIL) {
		memcpy(s->tail, data + len - IMAP_TAIL, IMAP_TAIL);
		s->tail_len = IMAP_TAIL;
		return;
	}
	old = s->tail_len < IMAP_TAIL - len ? s->tail_len : IMAP_TAIL - len;
	memmove(s->tail, s->tail + s->tail_len - old, old);
	memcpy(s->tail + old, data, len);
	s->tail_len = (uint8_t)(old + len);
}

static size_t line_feed(const struct reading *r, const uint8_t *data, size_t len)
{
	struct imap_side *s = r->s;
	const uint8_t *end = memchr(data, '\n', len);
	size_t take = end ? (size_t)(end - data) : len;
	size_t keep = take, room = IMAP_LINE_MAX - 1u - s->len;

	if (keep > room) {
		keep = room;
		s->cut = true;
		r->c->skipped += (uint32_t)(take - keep);
	}
	memcpy(s->text + s->len, data, keep);
	s->len = (uint16_t)(s->len + keep);
	keep_tail(s, data, take);
	if (!end)
		return take;
	line_end(r);
	return take + 1;
}

/* ---- bytes ---- */

static void hello_feed(const struct reading *r, uint8_t byte)
{
	int is = mail_hello_take(&r->c->hello, byte);
	struct imap_event e = event_of(r, IMAP_ENCRYPTED);

	r->c->over = is != 0;
	e.tag = "";
	if (is > 0)
		r->emit(r->arg, &e);
}

static size_t feed(const struct reading *r, const uint8_t *data, size_t len)
{
	struct imap_side *s = r->s;

	if (s->in_literal) {
		if (len > s->left)
			len = (size_t)s->left;
		literal_piece(r, data, len);
		return len;
	}
	s->hello_begun |= s->len == 0 && s->part == 0 && *data == 22;
	if (!s->hello_begun)
		return line_feed(r, data, len);
	/* The server's TLS says no more than the client's. */
	if (!is_client(r))
		return len;
	hello_feed(r, *data);
	return 1;
}

/* A literal's end is known; whatever else is missing may have announced one. */
static void gap_read(const struct reading *r)
{
	struct imap_side *s = r->s;
	uint64_t len = r->e->len;

	if (s->in_literal && len && len <= s->left) {
		literal_piece(r, NULL, len);
		return;
	}
	literal_end(r, false);
	r->c->over = true;
}

static int imap_read(void *state, const struct stream_event *e, reader_emit *emit, void *arg)
{
	struct imap *c = state;
	struct reading r = {.c = c, .s = &c->side[e->side], .e = e, .emit = emit, .arg = arg};
	size_t at = 0;

	switch (e->kind) {
	case STREAM_DATA:
		while (at < e->len && !c->over) {
			at += feed(&r, e->data + at, (size_t)e->len - at);
			c->over |= c->skipped > IMAP_SKIPPED_MAX;
		}
		break;
	case STREAM_GAP:
		gap_read(&r);
		break;
	case STREAM_END:
		literal_end(&r, false);
		return 0;
	case STREAM_RESET:
		literal_end(&r, false);
		r.s = &c->side[e->side == STREAM_CLIENT ? STREAM_SERVER : STREAM_CLIENT];
		literal_end(&r, false);
		return 0;
	default:
		return -EPROTO;
	}
	return c->over ? -EPROTO : 0;
}

static const char *const imap_apps[] = {"imap", NULL};

READER(imap) = {
	.abi = READER_ABI,
	.name = "imap",
	.help = "IMAP: commands, responses, literals",
	.proto = IPPROTO_TCP,
	.size = sizeof(struct imap),
	.apps = imap_apps,
	.read = imap_read,
};

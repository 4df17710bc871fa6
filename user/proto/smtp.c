// SPDX-License-Identifier: GPL-2.0-only
#include "proto/smtp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "util/util.h"

enum stage {
	IN_COMMANDS,
	IN_HELLO,    /* a line that may be a ClientHello */
	BEFORE_TEXT, /* behind DATA */
	IN_TEXT,
	IN_CHUNK, /* of BDAT */
};

struct reading {
	struct smtp *c;
	const struct stream_event *e;
	reader_emit *emit;
	void *arg;
};

static const char *const verbs[] = {"",
#define X(name) #name,
				    SMTP_VERBS(X)
#undef X
};

/* ---- events ---- */

static struct smtp_event event_of(const struct reading *r, enum smtp_kind kind)
{
	return (struct smtp_event){.kind = (uint8_t)kind, .side = r->e->side, .text = ""};
}

static void body_begin(struct smtp *c)
{
	c->body = (struct mail_body){.open = true};
	c->dots = (struct dots){0};
}

static void body_piece(void *arg, const uint8_t *data, size_t len)
{
	const struct reading *r = arg;
	struct smtp_event e = event_of(r, SMTP_BODY);

	mail_body_piece(&r->c->body, r->e, data, len, &e.stream);
	r->emit(r->arg, &e);
}

static void body_end(const struct reading *r, bool complete)
{
	struct smtp_event e = event_of(r, SMTP_BODY_END);
	struct smtp *c = r->c;

	if (!c->body.open)
		return;
	e.side = STREAM_CLIENT;
	e.complete = complete;
	e.gaps = c->body.gaps;
	e.size = c->body.at;
	e.last = c->stage != IN_CHUNK || c->last;
	c->body.open = false;
	c->stage = IN_COMMANDS;
	r->emit(r->arg, &e);
}

/* ---- lines ---- */

/* RFC 3030, 2: BDAT size [LAST]. */
static void chunk_begin(const struct reading *r, const char *p)
{
	int64_t size = text_number(&p, INT64_MAX / 16);

	if (size < 0) {
		r->c->over = true;
		return;
	}
	body_begin(r->c);
	r->c->last = text_after(p, " LAST") != NULL;
	r->c->left = (uint64_t)size;
	r->c->stage = IN_CHUNK;
	if (size == 0)
		body_end(r, true);
}

static void client_line(void *arg, const char *line)
{
	const struct reading *r = arg;
	struct smtp_event e = event_of(r, SMTP_COMMAND);
	struct smtp *c = r->c;

	e.text = line;
	for (unsigned int i = 1; i < ARRAY_SIZE(verbs); i++) {
		const char *p = text_after(line, verbs[i]);

		if (!p || (*p && *p != ' '))
			continue;
		e.verb = (uint8_t)i;
		e.text = *p ? p + 1 : p;
		break;
	}
	c->commands++;
	r->emit(r->arg, &e);
	if (e.verb == SMTP_DATA) {
		c->stage = BEFORE_TEXT;
		c->data_command = c->commands;
	} else if (e.verb == SMTP_BDAT) {
		chunk_begin(r, e.text);
	}
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void server_line(void *arg, const char *line)
{
	const struct reading *r = arg;
	struct smtp_event e = event_of(r, SMTP_REPLY);
	struct smtp *c = r->c;

	if (!is_digit(line[0]) || !is_digit(line[1]) || !is_digit(line[2]) ||
	    (line[3] && line[3] != ' ' && line[3] != '-'))
		return;
	e.code = (uint16_t)((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
	e.more = line[3] == '-';
	e.text = line[3] ? line + 4 : line + 3;
	if (!e.more)
		c->code[c->replies++ % SMTP_REPLIES_MAX] = e.code;
	r->emit(r->arg, &e);
}

/* Whether the server has refused the message of the last DATA, as far as its replies were given. */
static bool is_refused(const struct smtp *c)
{
	uint64_t n = c->data_command;

	return !c->deaf && n < c->replies && c->replies - n <= SMTP_REPLIES_MAX &&
	       c->code[n % SMTP_REPLIES_MAX] / 100 != 3;
}

/* ---- bytes ---- */

static void encrypted(const struct reading *r)
{
	struct smtp_event e = event_of(r, SMTP_ENCRYPTED);

	r->c->over = true;
	r->emit(r->arg, &e);
}

static size_t hello_feed(struct reading *r, const uint8_t *data)
{
	int is = mail_hello_take(&r->c->hello, *data);

	if (is > 0)
		encrypted(r);
	else if (is < 0)
		r->c->over = true;
	return 1;
}

static size_t chunk_feed(struct reading *r, const uint8_t *data, size_t len)
{
	struct smtp *c = r->c;

	if (len > c->left)
		len = (size_t)c->left;
	body_piece(r, data, len);
	c->left -= len;
	if (c->left == 0)
		body_end(r, true);
	return len;
}

static size_t text_feed(struct reading *r, const uint8_t *data, size_t len)
{
	size_t taken = dots_feed(&r->c->dots, data, len, body_piece, r);

	if (r->c->dots.ended)
		body_end(r, true);
	return taken;
}

static size_t client_feed(struct reading *r, const uint8_t *data, size_t len)
{
	struct smtp *c = r->c;

	if (c->stage == BEFORE_TEXT) {
		c->stage = is_refused(c) ? IN_COMMANDS : IN_TEXT;
		if (c->stage == IN_TEXT)
			body_begin(c);
	}
	if (c->stage == IN_TEXT)
		return text_feed(r, data, len);
	if (c->stage == IN_CHUNK)
		return chunk_feed(r, data, len);
	if (c->stage == IN_COMMANDS && c->lines[STREAM_CLIENT].len == 0 && *data == 22)
		c->stage = IN_HELLO;
	if (c->stage == IN_HELLO)
		return hello_feed(r, data);
	return lines_take(&c->lines[STREAM_CLIENT], data, len, client_line, r);
}

static void data_read(struct reading *r, const uint8_t *data, size_t len)
{
	struct smtp *c = r->c;
	struct lines *lines = &c->lines[r->e->side];

	while (len && !c->over) {
		size_t taken;

		if (r->e->side == STREAM_CLIENT) {
			taken = client_feed(r, data, len);
		} else if (c->server_dark || (lines->len == 0 && *data == 22)) {
			c->server_dark = true;
			return;
		} else {
			taken = lines_take(lines, data, len, server_line, r);
		}
		c->over |= lines_are_none(lines);
		data += taken;
		len -= taken;
	}
}

/* A chunk's end is known; whatever else is missing on the client's side may have been anything. */
static void gap_read(struct reading *r)
{
	struct smtp *c = r->c;
	uint64_t len = r->e->len;

	if (r->e->side == STREAM_SERVER) {
		c->deaf = true;
		if (len)
			lines_gap(&c->lines[STREAM_SERVER]);
		return;
	}
	if (c->stage != IN_CHUNK || len == 0 || len > c->left) {
		body_end(r, false);
		c->over = true;
		return;
	}
	body_piece(r, NULL, (size_t)len);
	c->left -= len;
	if (c->left == 0)
		body_end(r, true);
}

static int smtp_read(void *state, const struct stream_event *e, reader_emit *emit, void *arg)
{
	struct reading r = {.c = state, .e = e, .emit = emit, .arg = arg};

	switch (e->kind) {
	case STREAM_DATA:
		data_read(&r, e->data, (size_t)e->len);
		break;
	case STREAM_GAP:
		gap_read(&r);
		break;
	case STREAM_END:
		if (e->side == STREAM_CLIENT)
			body_end(&r, false);
		return 0;
	case STREAM_RESET:
		body_end(&r, false);
		return 0;
	default:
		return -EPROTO;
	}
	return r.c->over ? -EPROTO : 0;
}

static const char *const smtp_apps[] = {"smtp", NULL};

READER(smtp) = {
	.abi = READER_ABI,
	.name = "smtp",
	.help = "SMTP: commands, replies, messages",
	.proto = IPPROTO_TCP,
	.size = sizeof(struct smtp),
	.apps = smtp_apps,
	.read = smtp_read,
};

// SPDX-License-Identifier: GPL-2.0-only
#include "proto/pop3.h"

#include <errno.h>
#include <netinet/in.h>

#include "util/util.h"

#define LONG_ANSWER 0x80 /* in asked[] */

struct reading {
	struct pop3 *c;
	const struct stream_event *e;
	reader_emit *emit;
	void *arg;
};

static const char *const verbs[] = {"",
#define X(name) #name,
				    POP3_VERBS(X)
#undef X
};

static struct pop3_event event_of(const struct reading *r, enum pop3_kind kind)
{
	return (struct pop3_event){
		.kind = (uint8_t)kind, .side = r->e->side, .verb = r->c->answered, .text = ""};
}

/* ---- the client's side ---- */

/* RFC 1939 5, 7; RFC 2449 5: LIST and UIDL of one message are answered in one line. */
static bool has_long_answer(const struct pop3_event *e)
{
	switch (e->verb) {
	case POP3_RETR:
	case POP3_TOP:
	case POP3_CAPA:
		return true;
	case POP3_LIST:
	case POP3_UIDL:
	case POP3_AUTH:
		return !*e->text;
	default:
		return false;
	}
}

static void client_line(void *arg, const char *line)
{
	const struct reading *r = arg;
	struct pop3_event e = event_of(r, POP3_COMMAND);
	struct pop3 *c = r->c;

	e.verb = POP3_OTHER;
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
	c->asked[c->commands % POP3_PIPELINE_MAX] =
		e.verb | (has_long_answer(&e) ? LONG_ANSWER : 0);
	r->emit(r->arg, &e);
}

static void encrypted(const struct reading *r)
{
	struct pop3_event e = event_of(r, POP3_ENCRYPTED);

	e.verb = POP3_OTHER;
	r->c->over = true;
	r->emit(r->arg, &e);
}

static size_t client_feed(struct reading *r, const uint8_t *data, size_t len)
{
	struct pop3 *c = r->c;
	int is;

	c->hello_begun |= c->lines[STREAM_CLIENT].len == 0 && *data == 22;
	if (!c->hello_begun)
		return lines_take(&c->lines[STREAM_CLIENT], data, len, client_line, r);
	is = mail_hello_take(&c->hello, *data);
	if (is > 0)
		encrypted(r);
	else if (is < 0)
		c->over = true;
	return 1;
}

/* ---- the server's side ---- */

static void body_piece(void *arg, const uint8_t *data, size_t len)
{
	const struct reading *r = arg;
	struct pop3_event e = event_of(r, POP3_BODY);

	mail_body_piece(&r->c->body, r->e, data, len, &e.stream);
	r->emit(r->arg, &e);
}

static void body_end(const struct reading *r, bool complete)
{
	struct pop3_event e = event_of(r, POP3_BODY_END);

	if (!r->c->in_text)
		return;
	e.side = STREAM_SERVER;
	e.complete = complete;
	e.size = r->c->body.at;
	r->c->in_text = false;
	r->emit(r->arg, &e);
}

static void server_line(void *arg, const char *line)
{
	const struct reading *r = arg;
	struct pop3 *c = r->c;
	uint64_t n = c->answers++;
	bool known = n > 0 && n <= c->commands && c->commands - n < POP3_PIPELINE_MAX;
	uint8_t asked = known ? c->asked[n % POP3_PIPELINE_MAX] : POP3_OTHER;
	struct pop3_event e;

	c->answered = asked & (uint8_t)~LONG_ANSWER;
	e = event_of(r, POP3_ANSWER);
	e.ok = line[0] == '+';
	e.text = text_after(line, "+OK");
	if (!e.text)
		e.text = text_after(line, "-ERR");
	/* RFC 5034, 4: "+ " goes on with a dialogue. */
	if (!e.text && line[0] == '+' && (line[1] == ' ' || !line[1])) {
		e.text = line + 1;
		asked = 0;
	}
	if (!e.text) {
		/* What answers in several lines was asked for by a command that was not given. */
		c->over = true;
		return;
	}
	e.text += *e.text == ' ';
	r->emit(r->arg, &e);
	if (e.ok && asked & LONG_ANSWER) {
		c->in_text = true;
		c->dots = (struct dots){0};
		c->body = (struct mail_body){.open = true};
	}
}

static size_t server_feed(struct reading *r, const uint8_t *data, size_t len)
{
	struct pop3 *c = r->c;
	size_t taken;

	if (!c->in_text)
		return lines_take(&c->lines[STREAM_SERVER], data, len, server_line, r);
	taken = dots_feed(&c->dots, data, len, body_piece, r);
	if (c->dots.ended)
		body_end(r, true);
	return taken;
}

/* ---- events ---- */

static void data_read(struct reading *r, const uint8_t *data, size_t len)
{
	struct pop3 *c = r->c;
	struct lines *lines = &c->lines[r->e->side];

	while (len && !c->over) {
		size_t taken;

		if (r->e->side == STREAM_CLIENT) {
			taken = client_feed(r, data, len);
		} else if (c->server_dark || (!c->in_text && lines->len == 0 && *data == 22)) {
			c->server_dark = true;
			return;
		} else {
			taken = server_feed(r, data, len);
		}
		c->over |= lines_are_none(lines);
		data += taken;
		len -= taken;
	}
}

static int pop3_read(void *state, const struct stream_event *e, reader_emit *emit, void *arg)
{
	struct reading r = {.c = state, .e = e, .emit = emit, .arg = arg};

	switch (e->kind) {
	case STREAM_DATA:
		data_read(&r, e->data, (size_t)e->len);
		break;
	case STREAM_GAP:
		/* What is missing may have been a command, or a text's end. */
		body_end(&r, false);
		r.c->over = true;
		break;
	case STREAM_END:
		if (e->side == STREAM_SERVER)
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

static const char *const pop3_apps[] = {"pop3", NULL};

READER(pop3) = {
	.abi = READER_ABI,
	.name = "pop3",
	.help = "POP3: commands, answers, messages",
	.proto = IPPROTO_TCP,
	.size = sizeof(struct pop3),
	.apps = pop3_apps,
	.read = pop3_read,
};

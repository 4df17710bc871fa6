// SPDX-License-Identifier: GPL-2.0-only
#include "proto/irc.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "util/util.h"

#define TLS_HANDSHAKE 22 /* RFC 8446, 5.1 */
#define RPL_STARTTLS  670
#define CTCP_MARK     '\x01'

struct reading {
	struct irc_connection *c;
	enum stream_side side;
	reader_emit *emit;
	void *arg;
};

/* Cuts the text before the next space, and moves *at behind the spaces. */
static const char *word(char **at)
{
	char *begin = *at;
	size_t len = strcspn(begin, " ");
	char *end = begin + len;

	*at = end + strspn(end, " ");
	*end = '\0';
	return begin;
}

static uint16_t number_of(const char *command)
{
	if (strspn(command, "0123456789") != 3 || command[3])
		return 0;
	return (uint16_t)((command[0] - '0') * 100 + (command[1] - '0') * 10 + (command[2] - '0'));
}

static void params(struct irc_event *e, char *at)
{
	while (*at && e->count < IRC_PARAMS_MAX) {
		/* The last of all is the rest, with a colon or without (RFC 2812, 2.3.1). */
		e->trailing = *at == ':';
		if (e->trailing || e->count == IRC_PARAMS_MAX - 1) {
			e->params[e->count++] = at + e->trailing;
			break;
		}
		e->params[e->count++] = word(&at);
	}
	for (unsigned int i = e->count; i < IRC_PARAMS_MAX; i++)
		e->params[i] = "";
}

static void ctcp(struct irc_event *e)
{
	char *text, *end;

	if (e->count < 2 ||
	    (strcasecmp(e->command, "PRIVMSG") != 0 && strcasecmp(e->command, "NOTICE") != 0))
		return;
	text = (char *)e->params[e->count - 1];
	if (text[0] != CTCP_MARK)
		return;
	end = strchr(text + 1, CTCP_MARK);
	if (end)
		*end = '\0';
	e->ctcp = text + 1;
}

static void encrypted(const struct reading *r)
{
	struct irc_event e = {.kind = IRC_ENCRYPTED,
			      .side = (uint8_t)r->side,
			      .tags = "",
			      .prefix = "",
			      .command = ""};

	params(&e, (char[]){""});
	r->c->over = true;
	r->emit(r->arg, &e);
}

static void read_line(void *arg, const char *line)
{
	const struct reading *r = arg;
	struct irc_event e = {
		.kind = IRC_MESSAGE, .side = (uint8_t)r->side, .tags = "", .prefix = ""};
	/* The line is the reader's own, and is cut into its words in place. */
	char *at = r->c->lines[r->side].text;

	(void)line;
	at += strspn(at, " ");
	if (*at == '@') {
		at++;
		e.tags = word(&at);
	}
	if (*at == ':') {
		at++;
		e.prefix = word(&at);
	}
	e.command = word(&at);
	if (!e.command[0])
		return;
	e.number = number_of(e.command);
	params(&e, at);
	ctcp(&e);
	if (r->side == STREAM_CLIENT && strcasecmp(e.command, "STARTTLS") == 0)
		r->c->starttls = true;
	r->emit(r->arg, &e);
	if (r->side == STREAM_SERVER && r->c->starttls && e.number == RPL_STARTTLS)
		encrypted(r);
}

static void data_read(struct reading *r, const uint8_t *data, size_t len)
{
	struct lines *lines = &r->c->lines[r->side];

	while (len && !r->c->over) {
		size_t taken = len;

		/* The client begins with TLS, and the reply was not given, or follows. */
		if (r->c->starttls && r->side == STREAM_CLIENT && lines->len == 0 &&
		    *data == TLS_HANDSHAKE)
			encrypted(r);
		else
			taken = lines_take(lines, data, len, read_line, r);
		r->c->over |= lines_are_none(lines);
		data += taken;
		len -= taken;
	}
}

static int irc_read(void *state, const struct stream_event *e, reader_emit *emit, void *arg)
{
	struct irc_connection *c = state;
	struct reading r = {.c = c, .side = e->side, .emit = emit, .arg = arg};

	switch (e->kind) {
	case STREAM_DATA:
		data_read(&r, e->data, (size_t)e->len);
		break;
	case STREAM_GAP:
		/* Who joins later does so between two lines. */
		if (e->len)
			lines_gap(&c->lines[e->side]);
		break;
	case STREAM_END:
	case STREAM_RESET:
		break;
	default:
		return -EPROTO;
	}
	return c->over ? -EPROTO : 0;
}

static const char *const irc_apps[] = {"irc", NULL};

READER(irc) = {
	.abi = READER_ABI,
	.name = "irc",
	.help = "IRC: messages",
	.proto = IPPROTO_TCP,
	.size = sizeof(struct irc_connection),
	.apps = irc_apps,
	.read = irc_read,
};

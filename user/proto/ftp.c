// SPDX-License-Identifier: GPL-2.0-only
#include "proto/ftp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "util/util.h"

#define TLS_HANDSHAKE 22 /* RFC 8446, 5.1 */

struct reading {
	struct ftp_control *c;
	enum stream_side side;
	reader_emit *emit;
	void *arg;
};

static const char *const verbs[] = {"",
#define X(name) #name,
				    FTP_VERBS(X)
#undef X
};

/* ---- addresses ---- */

/* RFC 959, 4.1.2 "h1,h2,h3,h4,p1,p2". */
static void host_port(const char *p, struct ftp_event *e)
{
	uint32_t byte[6];

	for (unsigned int i = 0; i < 6; i++) {
		int64_t n = text_number(&p, 255);

		if (n < 0 || (i < 5 && *p++ != ','))
			return;
		byte[i] = (uint32_t)n;
	}
	address_from_v4(e->addr, htonl(byte[0] << 24 | byte[1] << 16 | byte[2] << 8 | byte[3]));
	e->addressed = true;
	e->port = (uint16_t)(byte[4] << 8 | byte[5]);
}

/* RFC 2428, 2: EPRT |protocol|address|port| with any printable character for the bars. */
static void active_extended(const char *p, struct ftp_event *e)
{
	const char bar[] = {*p, '\0'};
	int64_t port;

	if (*p < 33 || *p > 126 || (p[1] != '1' && p[1] != '2') || p[2] != *bar)
		return;
	p += 3;
	if (text_address(&p, bar, e->addr) < 0 || *p++ != *bar)
		return;
	port = text_number(&p, UINT16_MAX);
	if (port <= 0 || *p != *bar)
		return;
	e->addressed = true;
	e->port = (uint16_t)port;
}

/* RFC 1123, 4.1.2.6: the brackets around the numbers may be missing. */
static void passive(const char *p, struct ftp_event *e)
{
	while (*p && (*p < '0' || *p > '9'))
		p++;
	host_port(p, e);
}

/* RFC 2428, 3: (|||port|). */
static void passive_extended(const char *p, struct ftp_event *e)
{
	int64_t port;
	char bar;

	p = strchr(p, '(');
	if (!p)
		return;
	bar = p[1];
	if (bar < 33 || bar > 126 || p[2] != bar || p[3] != bar)
		return;
	p += 4;
	port = text_number(&p, UINT16_MAX);
	if (port > 0 && *p == bar)
		e->port = (uint16_t)port;
}

/* ---- lines ---- */

static void secure(const struct reading *r)
{
	const struct ftp_event e = {.kind = FTP_SECURE, .side = (uint8_t)r->side, .text = ""};

	r->c->secure = true;
	r->emit(r->arg, &e);
}

/* The text behind a verb; NULL if the line has another. */
static const char *argument(const char *line, const char *verb)
{
	const char *p = text_after(line, verb);

	if (!p || (*p != ' ' && *p != '\0'))
		return NULL;
	return *p ? p + 1 : p;
}

static void client_line(void *arg, const char *line)
{
	const struct reading *r = arg;
	struct ftp_event e = {.kind = FTP_COMMAND, .side = STREAM_CLIENT, .text = line};

	for (unsigned int i = 1; i < ARRAY_SIZE(verbs); i++) {
		const char *p = argument(line, verbs[i]);

		if (!p)
			continue;
		e.verb = (uint8_t)i;
		e.text = p;
		break;
	}
	if (e.verb == FTP_PORT)
		host_port(e.text, &e);
	else if (e.verb == FTP_EPRT)
		active_extended(e.text, &e);
	else if (e.verb == FTP_AUTH)
		r->c->auth = true;
	r->emit(r->arg, &e);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 959, 4.2: three digits; a hyphen behind them begins a reply of several lines, which ends with
 * the same digits and a space. */
static uint16_t code_of(const char *line)
{
	if (!is_digit(line[0]) || !is_digit(line[1]) || !is_digit(line[2]) ||
	    (line[3] != ' ' && line[3] != '-' && line[3] != '\0'))
		return 0;
	return (uint16_t)((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
}

static void server_line(void *arg, const char *line)
{
	const struct reading *r = arg;
	struct ftp_event e = {.kind = FTP_REPLY, .side = STREAM_SERVER, .code = code_of(line)};

	if (!e.code)
		return;
	if (line[3] == '-') {
		if (!r->c->more)
			r->c->more = e.code;
		return;
	}
	if (r->c->more && e.code != r->c->more)
		return;
	r->c->more = 0;
	e.text = line[3] ? line + 4 : line + 3;
	if (e.code == 227)
		passive(e.text, &e);
	else if (e.code == 229)
		passive_extended(e.text, &e);
	r->emit(r->arg, &e);
	/* RFC 4217, 4: TLS follows; RFC 2228: some other protection. */
	if (r->c->auth && e.code == 234)
		secure(r);
}

/* ---- events ---- */

static void data_read(struct reading *r, const uint8_t *data, size_t len)
{
	struct lines *lines = &r->c->lines[r->side];
	bool client = r->side == STREAM_CLIENT;

	while (len && !r->c->secure && !lines_are_none(lines)) {
		size_t taken = len;

		/* The client begins with TLS, and the reply was not given, or follows. */
		if (r->c->auth && client && lines->len == 0 && *data == TLS_HANDSHAKE)
			secure(r);
		else
			taken = lines_take(lines, data, len, client ? client_line : server_line, r);
		data += taken;
		len -= taken;
	}
}

static int ftp_read(void *state, const struct stream_event *e, reader_emit *emit, void *arg)
{
	struct ftp_control *c = state;
	struct reading r = {.c = c, .side = e->side, .emit = emit, .arg = arg};
	struct lines *lines = &c->lines[e->side];

	switch (e->kind) {
	case STREAM_DATA:
		data_read(&r, e->data, (size_t)e->len);
		break;
	case STREAM_GAP:
		/* Who joins later does so between two lines. */
		if (e->len)
			lines_gap(lines);
		c->more = e->side == STREAM_SERVER ? 0 : c->more;
		break;
	case STREAM_END:
	case STREAM_RESET:
		break;
	default:
		return -EPROTO;
	}
	return c->secure || lines_are_none(lines) ? -EPROTO : 0;
}

static const char *const ftp_apps[] = {"ftp", NULL};

READER(ftp) = {
	.abi = READER_ABI,
	.name = "ftp",
	.help = "FTP control connections: commands and replies",
	.proto = IPPROTO_TCP,
	.size = sizeof(struct ftp_control),
	.apps = ftp_apps,
	.read = ftp_read,
};

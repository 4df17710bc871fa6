// SPDX-License-Identifier: GPL-2.0-only
/*
 * FTP control connections (RFC 959, RFC 2428): addresses and ports of the data connections. After
 * AUTH (RFC 4217) the connection is encrypted and nothing is learned.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "app/control.h"
#include "app/module.h"
#include "proto/lines.h"
#include "util/util.h"

#define FTP_DATA "ftp-data"

struct ftp {
	struct lines lines[2]; /* lines of the responder, of the originator */
	bool passive;	       /* PASV or EPSV was sent and not yet answered */
	bool secure;	       /* AUTH was sent */
	bool ended;
};

/* A line with its context. */
struct ftp_line {
	struct ftp *ftp;
	const struct app_services *s;
	const struct app_message *m;
};

static void expect(const struct ftp_line *l, const uint32_t *addr, uint16_t port)
{
	(void)l->s->expect(l->s->arg, l->m, addr, port, FTP_DATA, false);
}

/* RFC 959, 4.1.2 "h1,h2,h3,h4,p1,p2". */
static bool parse_host_port(const char *p, uint32_t addr[4], uint16_t *port)
{
	uint32_t byte[6];

	for (unsigned int i = 0; i < 6; i++) {
		int64_t n = text_number(&p, 255);

		if (n < 0 || (i < 5 && *p++ != ','))
			return false;
		byte[i] = (uint32_t)n;
	}
	address_from_v4(addr, htonl(byte[0] << 24 | byte[1] << 16 | byte[2] << 8 | byte[3]));
	*port = (uint16_t)(byte[4] << 8 | byte[5]);
	return true;
}

/* RFC 2428, 2: EPRT |protocol|address|port| with any printable character for the bars. */
static void active_extended(const struct ftp_line *l, const char *p)
{
	const char bar[] = {*p, '\0'};
	uint32_t addr[4];
	int64_t port;

	if (*p < 33 || *p > 126 || (p[1] != '1' && p[1] != '2') || p[2] != *bar)
		return;
	p += 3;
	if (text_address(&p, bar, addr) < 0 || *p++ != *bar)
		return;
	port = text_number(&p, UINT16_MAX);
	if (port > 0 && *p == *bar)
		expect(l, addr, (uint16_t)port);
}

static void active(const struct ftp_line *l, const char *p)
{
	uint32_t addr[4];
	uint16_t port;

	if (parse_host_port(p, addr, &port))
		expect(l, addr, port);
}

static void client_line(void *arg, const char *line)
{
	const struct ftp_line *l = arg;
	const char *p;

	if ((p = text_after(line, "PORT ")))
		active(l, p);
	else if ((p = text_after(line, "EPRT ")))
		active_extended(l, p);
	else if (text_after(line, "PASV") || text_after(line, "EPSV"))
		l->ftp->passive = true;
	else if (text_after(line, "AUTH "))
		l->ftp->secure = true;
}

/*
 * RFC 1123, 4.1.2.6: search for the numbers, since the brackets may be missing. An address other
 * than the server's is that of a server behind NAT; clients connect to the address they know.
 */
static void passive(const struct ftp_line *l, const char *p)
{
	uint32_t addr[4];
	uint16_t port;

	while (*p && (*p < '0' || *p > '9'))
		p++;
	if (!parse_host_port(p, addr, &port))
		return;
	if (memcmp(addr, l->m->src, sizeof(addr)) != 0)
		expect(l, addr, port);
	expect(l, NULL, port);
}

/* RFC 2428, 3: (|||port|). */
static void passive_extended(const struct ftp_line *l, const char *p)
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
		expect(l, NULL, (uint16_t)port);
}

static void server_line(void *arg, const char *line)
{
	const struct ftp_line *l = arg;
	const char *p;

	/* RFC 4217, 4: TLS follows. */
	if (l->ftp->secure && text_after(line, "234"))
		l->ftp->ended = true;
	else if (l->ftp->passive && (p = text_after(line, "227 ")))
		passive(l, p);
	else if (l->ftp->passive && (p = text_after(line, "229 ")))
		passive_extended(l, p);
	else
		return;
	l->ftp->passive = false;
}

static void ftp_read(struct ftp *f, const struct app_services *s, const struct app_message *m)
{
	struct ftp_line l = {.ftp = f, .s = s, .m = m};

	lines_feed(&f->lines[m->from_origin], m->data, m->len,
		   m->from_origin ? client_line : server_line, &l);
}

static void ftp_event(const struct app_services *s, const struct app_message *m, const void *event,
		      void **state, struct consumer_answer *answer)
{
	const struct stream_event *e = event;
	struct ftp *f = control_state(s, state, sizeof(*f), answer);

	if (!f)
		return;
	if (e->kind == STREAM_GAP && e->len)
		lines_gap(&f->lines[m->from_origin]);
	if (!stream_has_bytes(e))
		return;
	ftp_read(f, s, m);
	if (f->ended || lines_are_none(&f->lines[m->from_origin]))
		answer->verb = CONSUMER_LEAVE;
}

static unsigned int ftp_wants(const struct app_services *s, const struct flow *f)
{
	return s->expect && f->key.proto == IPPROTO_TCP && f->method == WEIR_METHOD_SIGNATURE
		       ? CONSUMER_BOTH
		       : 0;
}

CONSUMER(ftp) = {
	.abi = CONSUMER_ABI,
	.name = "ftp",
	.help = "data connections that are announced",
	.module = "ftp",
	.wants = ftp_wants,
	.event = ftp_event,
	.release = free,
};

const struct app_module ftp_module = {
	.name = "ftp",
	.category = "files",
	.help = "expects the data connections of PORT, EPRT, PASV and EPSV",
};

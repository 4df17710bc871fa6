// SPDX-License-Identifier: GPL-2.0-only
/*
 * FTP: the data connections that control connections announce, and what they carry: the transfer is
 * named (RETR, STOR) behind the announcement. After AUTH (RFC 4217) nothing is learned.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "app/control.h"
#include "app/module.h"
#include "app/record.h"
#include "proto/ftp.h"

#define FTP_DATA "ftp-data"

struct ftp {
	uint64_t expected; /* handle of the newest expectation */
	bool passive;	   /* PASV or EPSV was sent and not yet answered */
	bool unnamed;	   /* STOU was sent: the reply names the file */
	char user[APP_EXPECT_USER_MAX + 1];
};

/* An event with its context. */
struct telling {
	struct ftp *ftp;
	const struct app_services *s;
	const struct app_message *m;
};

static void expect(const struct telling *t, const uint32_t *addr, uint16_t port)
{
	const struct app_expectation e = {
		.addr = addr,
		.port = port,
		.inspect = t->s->records & 1u << APP_RECORD_FILE,
		.app = FTP_DATA,
		.user = t->ftp->user,
	};
	uint64_t handle = 0;

	if (t->s->expect_data)
		handle = t->s->expect_data(t->s->arg, t->m, &e);
	else
		(void)t->s->expect(t->s->arg, t->m, addr, port, FTP_DATA, false);
	if (handle)
		t->ftp->expected = handle;
}

static void name(const struct telling *t, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (t->ftp->expected && t->s->expect_name)
		t->s->expect_name(t->s->arg, t->ftp->expected,
				  slash && slash[1] ? slash + 1 : path);
}

static void command(const struct telling *t, const struct ftp_event *e)
{
	struct ftp *f = t->ftp;
	size_t len;

	switch (e->verb) {
	case FTP_PORT:
	case FTP_EPRT:
		if (e->port)
			expect(t, e->addr, e->port);
		break;
	case FTP_PASV:
	case FTP_EPSV:
		f->passive = true;
		break;
	case FTP_USER:
		len = strnlen(e->text, APP_EXPECT_USER_MAX);
		memcpy(f->user, e->text, len);
		f->user[len] = '\0';
		break;
	case FTP_RETR:
	case FTP_STOR:
	case FTP_APPE:
		name(t, e->text);
		break;
	case FTP_STOU:
		f->unnamed = true;
		break;
	case FTP_LIST:
	case FTP_NLST:
	case FTP_MLSD:
		/* The same data port may be used again, for no file. */
		name(t, "");
		break;
	default:
		break;
	}
}

/* The address is another than the server's behind NAT: clients connect to the one they know. */
static void passive(const struct telling *t, const struct ftp_event *e)
{
	if (!e->port)
		return;
	if (e->addressed && memcmp(e->addr, t->m->src, sizeof(e->addr)) != 0)
		expect(t, e->addr, e->port);
	expect(t, NULL, e->port);
}

static void reply(const struct telling *t, const struct ftp_event *e)
{
	struct ftp *f = t->ftp;
	const char *p;

	if (f->passive && (e->code == 227 || e->code == 229)) {
		passive(t, e);
		f->passive = false;
	} else if (f->unnamed && (e->code == 125 || e->code == 150)) {
		/* RFC 1123, 4.1.2.9 */
		p = text_after(e->text, "FILE: ");
		if (p)
			name(t, p);
		f->unnamed = false;
	}
}

static void ftp_event(const struct app_services *s, const struct app_message *m, const void *event,
		      void **state, struct consumer_answer *answer)
{
	struct telling t = {.s = s, .m = m};
	const struct ftp_event *e = event;

	t.ftp = control_state(s, state, sizeof(*t.ftp), answer);
	if (!t.ftp)
		return;
	if (e->kind == FTP_COMMAND)
		command(&t, e);
	else if (e->kind == FTP_REPLY)
		reply(&t, e);
	else
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
	.help = "data connections that are announced, and their files' names",
	.module = "ftp",
	.reader = &reader_ftp,
	.wants = ftp_wants,
	.event = ftp_event,
	.release = free,
};

const struct app_module ftp_module = {
	.name = "ftp",
	.category = "files",
	.help = "expects the data connections of PORT, EPRT, PASV and EPSV",
};

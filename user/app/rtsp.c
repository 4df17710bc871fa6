// SPDX-License-Identifier: GPL-2.0-only
/* RTSP (RFC 2326, 12.39; RFC 7826, 18.54): the Transport header of SETUP gives the ports of the
 * media flows. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/control.h"
#include "app/module.h"
#include "proto/message.h"

struct rtsp {
	bool interleaved; /* media are sent on the control connection (RFC 2326, 10.12) */
};

struct rtsp_line {
	struct rtsp *rtsp;
	const struct app_services *s;
	const struct app_message *m;
};

/* The value of a parameter of one transport, or NULL. */
static const char *parameter(const char *transport, const char *name)
{
	const char *p = transport;
	const char *value;

	while ((p = strpbrk(p, ";,")) && *p == ';') {
		p++;
		value = text_after(p, name);
		if (value && *value == '=')
			return value + 1;
	}
	return NULL;
}

/* port[-port]: RTP and RTCP. */
static void expect_ports(const struct rtsp_line *l, const uint32_t *addr, const char *p,
			 bool secure)
{
	int64_t rtp = text_number(&p, UINT16_MAX);
	int64_t rtcp = -1;

	if (rtp <= 0)
		return;
	if (*p == '-') {
		p++;
		rtcp = text_number(&p, UINT16_MAX);
	}
	(void)l->s->expect(l->s->arg, l->m, addr, (uint16_t)rtp, secure ? "srtp" : "rtp", false);
	if (rtcp > 0 && rtcp != rtp)
		(void)l->s->expect(l->s->arg, l->m, addr, (uint16_t)rtcp, "rtcp", false);
}

/* One of the comma-separated transports: the ports on which the sender of this message receives. */
static void transport(const struct rtsp_line *l, const char *p)
{
	bool client = l->m->from_origin;
	bool secure = strncmp(p, "RTP/SAVP", 8) == 0;
	const char *ports = parameter(p, client ? "client_port" : "server_port");
	const char *host = parameter(p, client ? "destination" : "source");
	uint32_t addr[4];
	bool named;

	if (!secure && strncmp(p, "RTP/AVP", 7) != 0)
		return;
	if (!client && parameter(p, "interleaved"))
		l->rtsp->interleaved = true;
	named = host && text_address(&host, ";,\"", addr) == 0;
	if (ports)
		expect_ports(l, named ? addr : NULL, ports, secure);
}

static void transports(const struct rtsp_line *l, const char *p)
{
	while (p) {
		p += strspn(p, " \t");
		transport(l, p);
		p = strchr(p, ',');
		if (p)
			p++;
	}
}

static void rtsp_event(const struct app_services *s, const struct app_message *m, const void *event,
		       void **state, struct consumer_answer *answer)
{
	struct rtsp_line l = {.s = s, .m = m};
	const struct message_event *e = event;

	l.rtsp = control_state(s, state, sizeof(*l.rtsp), answer);
	if (!l.rtsp)
		return;
	if (e->kind == MESSAGE_HEADER && strcasecmp(e->name, "Transport") == 0)
		transports(&l, e->text);
	/* Media on the control connection are too many bytes to be read. */
	if (l.rtsp->interleaved || e->kind == MESSAGE_MEDIA)
		answer->verb = CONSUMER_LEAVE;
}

static unsigned int rtsp_wants(const struct app_services *s, const struct flow *f)
{
	return s->expect && f->key.proto == IPPROTO_TCP && f->method == WEIR_METHOD_SIGNATURE
		       ? CONSUMER_BOTH
		       : 0;
}

CONSUMER(rtsp) = {
	.abi = CONSUMER_ABI,
	.name = "rtsp",
	.help = "media flows that SETUP announces",
	.module = "rtsp",
	.reader = &reader_rtsp,
	.wants = rtsp_wants,
	.event = rtsp_event,
	.release = free,
};

const struct app_module rtsp_module = {
	.name = "rtsp",
	.category = "voip",
	.help = "expects the media of SETUP",
};

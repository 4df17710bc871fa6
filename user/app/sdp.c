// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "app/sdp.h"
#include "proto/lines.h"

static void expect(const struct sdp *d, const struct app_services *s, const struct app_message *m,
		   uint16_t port, const char *app)
{
	const uint32_t *addr = d->has_media_address ? d->media_address
			       : d->has_address	    ? d->address
						    : NULL;

	if (addr)
		(void)s->expect(s->arg, m, addr, port, app, false);
}

/* RTP on the port itself, RTCP on the next one (RFC 3550, 11) unless a=rtcp says otherwise. */
static void expect_media(const struct sdp *d, const struct app_services *s,
			 const struct app_message *m)
{
	if (!d->port)
		return;
	expect(d, s, m, d->port, d->secure ? "srtp" : "rtp");
	if (d->port < UINT16_MAX)
		expect(d, s, m, (uint16_t)(d->port + 1), "rtcp");
}

/* c=IN IP4 address, IN IP6 address; a multicast address has a /ttl. */
static bool connection(const char *p, uint32_t addr[4])
{
	const char *at = text_after(p, "IN IP4 ");

	if (!at)
		at = text_after(p, "IN IP6 ");
	return at && text_address(&at, "/", addr) == 0;
}

/* m=media port[/count] protocol formats. Only RTP over UDP is expected: media over TCP begin with
 * protocol text that identifies them. */
static void media(struct sdp *d, const char *p)
{
	int64_t port;

	d->in_media = true;
	d->has_media_address = false;
	d->port = 0;
	p = strchr(p, ' ');
	if (!p || d->media >= SDP_MEDIA_MAX)
		return;
	d->media++;
	p++;
	port = text_number(&p, UINT16_MAX);
	p += strcspn(p, " ");
	if (port <= 0 || *p++ != ' ')
		return;
	d->secure = strncmp(p, "RTP/SAVP", 8) == 0 || strncmp(p, "UDP/TLS/RTP/SAVP", 16) == 0;
	if (d->secure || strncmp(p, "RTP/AVP", 7) == 0)
		d->port = (uint16_t)port;
}

static void address_line(struct sdp *d, const struct app_services *s, const struct app_message *m,
			 const char *p)
{
	if (!d->in_media) {
		d->has_address = connection(p, d->address);
		return;
	}
	d->has_media_address = connection(p, d->media_address);
	if (d->has_media_address)
		expect_media(d, s, m);
}

void sdp_line(struct sdp *d, const struct app_services *s, const struct app_message *m,
	      const char *line)
{
	const char *p;
	int64_t port;

	if (strcmp(line, "v=0") == 0) {
		memset(d, 0, sizeof(*d));
	} else if ((p = text_after(line, "c="))) {
		address_line(d, s, m, p);
	} else if ((p = text_after(line, "m="))) {
		media(d, p);
		if (d->has_address)
			expect_media(d, s, m);
	} else if ((p = text_after(line, "a=rtcp:")) && d->port) {
		/* RFC 3605 */
		port = text_number(&p, UINT16_MAX);
		if (port > 0 && (!*p || *p == ' '))
			expect(d, s, m, (uint16_t)port, "rtcp");
	}
}

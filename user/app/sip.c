// SPDX-License-Identifier: GPL-2.0-only
/* SIP (RFC 3261): the session descriptions in its messages say where the media go. */
#include <netinet/in.h>
#include <stdlib.h>

#include "app/lines.h"
#include "app/module.h"
#include "app/sdp.h"

/* Descriptions are known by their lines, wherever in a message they come: no framing is needed. */
struct sip {
	struct lines lines[2]; /* of the responder, of the originator */
	struct sdp sdp[2];
};

struct sip_line {
	struct sdp *sdp;
	const struct app_services *s;
	const struct app_message *m;
};

static void sip_line(void *arg, const char *line)
{
	const struct sip_line *l = arg;

	/* Header lines have their colon or blank before any '='. */
	if (line[0] && line[1] == '=')
		sdp_line(l->sdp, l->s, l->m, line);
}

static void sip_read(struct sip *sip, const struct app_services *s, const struct app_message *m)
{
	struct sip_line l = {.sdp = &sip->sdp[m->from_origin], .s = s, .m = m};
	struct lines *lines = &sip->lines[m->from_origin];

	lines_feed(lines, m->data, m->len, sip_line, &l);
	if (m->proto == IPPROTO_UDP)
		lines_end(lines, sip_line, &l);
}

static void sip_undecided(const struct app_services *s, const struct app_message *m, void **state,
			  struct app_finding *finding)
{
	if (!s->expect)
		return;
	/* Undecided flows are shown from their first byte every time. */
	free(*state);
	*state = calloc(1, sizeof(struct sip));
	if (!*state)
		return;
	sip_read(*state, s, m);
	finding->inspect = true;
}

static void sip_inspected(const struct app_services *s, const struct app_message *m, void **state,
			  struct app_finding *finding)
{
	(void)finding;
	if (!*state)
		*state = calloc(1, sizeof(struct sip));
	if (*state && s->expect)
		sip_read(*state, s, m);
}

const struct app_module sip_module = {
	.name = "sip",
	.category = "voip",
	.help = "expects the media of session descriptions",
	.only_named = true,
	.undecided = sip_undecided,
	.inspected = sip_inspected,
	.release = free,
};

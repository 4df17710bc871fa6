// SPDX-License-Identifier: GPL-2.0-only
/* TFTP (RFC 1350, 4): the server answers a request from a new port of its choice. */
#include "app/module.h"

static void tftp_undecided(const struct app_services *s, const struct app_message *m, void **state,
			   struct app_finding *finding)
{
	(void)state;
	(void)finding;
	if (s->expect && m->from_origin)
		(void)s->expect(s->arg, m, NULL, m->sport, "tftp", false);
}

const struct app_module tftp_module = {
	.name = "tftp",
	.category = "files",
	.help = "expects the answer to a request",
	.only_named = true,
	.undecided = tftp_undecided,
};

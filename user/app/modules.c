// SPDX-License-Identifier: GPL-2.0-only
/* The table of modules: a new module is a file and a line here. */
#include <string.h>

#include "app/module.h"

/* clang-format off: one module per line, so that adding one changes one line. */
static const struct app_module *const modules[] = {
	&bittorrent_module,
	&directconnect_module,
	&dns_module,
	&edonkey_module,
	&ftp_module,
	&gnutella_module,
	&http_module,
	&irc_module,
	&mail_module,
	&ppstream_module,
	&rtp_module,
	&rtsp_module,
	&sip_module,
	&soulseek_module,
	&stun_module,
	&tftp_module,
	NULL,
};
/* clang-format on */
_Static_assert(sizeof(modules) / sizeof(modules[0]) <= APP_MODULES_MAX + 1,
	       "a bit for each module");

const struct app_module *const *app_modules(void)
{
	return modules;
}

const struct app_module *app_module_find(const char *name)
{
	for (size_t i = 0; modules[i]; i++)
		if (strcmp(modules[i]->name, name) == 0)
			return modules[i];
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "cli/table.h"
#include "cli/verb.h"

void show_ports(const json_t *data, FILE *out)
{
	static const char *const headers[] = {"PORT",	 "INTERFACE", "HOOK", "MODE",
					      "ENABLED", "PRESENT",   "NOTE", NULL};
	struct table *t = table_new(headers);
	const json_t *port;
	size_t i;

	json_array_foreach(json_object_get(data, "ports"), i, port)
	{
		table_cell(t, "%s", json_text(port, "name"));
		table_cell(t, "%s", json_text(port, "interface"));
		table_cell(t, "%s", json_text(port, "hook"));
		table_cell(t, "%s", json_text(port, "mode")[0] ? json_text(port, "mode") : "-");
		table_cell(t, "%s", json_flag(port, "enabled") ? "yes" : "no");
		table_cell(t, "%s", json_flag(port, "present") ? "yes" : "no");
		table_cell(t, "%s", json_text(port, "degraded"));
	}
	table_print(t, out);
	table_free(t);
}

int cli_port_list(const struct call *c)
{
	return cli_list(c, "ports", NULL, show_ports);
}

static int port_switch(const struct call *c, bool enabled)
{
	json_auto_t *data = NULL;

	return cli_ask(c, "port", json_pack("{s:s, s:b}", "port", c->args[0], "enabled", enabled),
		       &data);
}

int cli_port_enable(const struct call *c)
{
	return port_switch(c, true);
}

int cli_port_disable(const struct call *c)
{
	return port_switch(c, false);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "cli/table.h"
#include "cli/verb.h"

void show_apps(const json_t *data, FILE *out)
{
	static const char *const headers[] = {"APPLICATION", "CATEGORY", "MODULE",
					      ">SIGNATURES", "ENABLED",	 NULL};
	struct table *t = table_new(headers);
	const json_t *app;
	size_t i;

	json_array_foreach(json_object_get(data, "applications"), i, app)
	{
		const char *category = json_text(app, "category"),
			   *module = json_text(app, "module");

		table_cell(t, "%s", json_text(app, "name"));
		table_cell(t, "%s", category[0] ? category : "-");
		table_cell(t, "%s", module[0] ? module : "-");
		table_cell(t, "%lld", (long long)json_number(app, "signatures"));
		table_cell(t, "%s", json_flag(app, "enabled") ? "yes" : "no");
	}
	table_print(t, out);
	table_free(t);
}

void show_modules(const json_t *data, FILE *out)
{
	static const char *const headers[] = {"MODULE", "CATEGORY", "ENABLED", "WHAT IT DOES",
					      NULL};
	struct table *t = table_new(headers);
	const json_t *module;
	size_t i;

	json_array_foreach(json_object_get(data, "modules"), i, module)
	{
		table_cell(t, "%s", json_text(module, "name"));
		table_cell(t, "%s", json_text(module, "category"));
		table_cell(t, "%s", json_flag(module, "enabled") ? "yes" : "no");
		table_cell(t, "%s", json_text(module, "help"));
	}
	table_print(t, out);
	table_free(t);
}

int cli_modules(const struct call *c)
{
	return cli_list(c, "modules", NULL, show_modules);
}

int cli_apps(const struct call *c)
{
	return cli_list(c, "apps", NULL, show_apps);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "cli/table.h"
#include "cli/verb.h"

static void show_client(struct table *t, const json_t *client)
{
	if (json_is_object(client))
		table_cell(t, "%lld/%lld", (long long)json_number(client, "pid"),
			   (long long)json_number(client, "uid"));
	else
		table_cell(t, "none");
}

void show_taps(const json_t *data, FILE *out)
{
	static const char *const headers[] = {"NAME",	  "CLIENT/USER", "MODE",     ">FLOWS",
					      ">GIVEN",	  ">ANSWERED",	 ">TIMEOUT", ">DROPPED",
					      ">CHANGED", ">WAITING",	 ">LAG",     NULL};
	struct table *t = table_new(headers);
	const json_t *tap;
	size_t i;

	json_array_foreach(json_object_get(data, "taps"), i, tap)
	{
		const json_t *counts = json_object_get(tap, "counts");

		table_cell(t, "%s", json_text(tap, "name"));
		show_client(t, json_object_get(tap, "client"));
		table_cell(t, "%s%s", json_text(tap, "mode"),
			   json_is_true(json_object_get(tap, "copy")) ? " copy" : "");
		table_cell(t, "%lld", (long long)json_number(tap, "flows"));
		table_cell(t, "%lld", (long long)json_number(counts, "given"));
		table_cell(t, "%lld",
			   (long long)(json_number(counts, "pass") + json_number(counts, "drop") +
				       json_number(counts, "change")));
		table_cell(t, "%lld", (long long)json_number(counts, "timeout"));
		table_cell(t, "%lld", (long long)json_number(counts, "dropped"));
		table_cell(t, "%lld", (long long)json_number(counts, "changed"));
		table_cell(t, "%lld", (long long)json_number(tap, "waiting"));
		table_cell(t, "%.1fms", json_number_value(json_object_get(tap, "lag")) * 1e3);
	}
	table_print(t, out);
	table_free(t);
}

int cli_tap_list(const struct call *c)
{
	return cli_list(c, "taps", NULL, show_taps);
}

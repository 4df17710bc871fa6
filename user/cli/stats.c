// SPDX-License-Identifier: GPL-2.0-only
#include "cli/table.h"
#include "cli/verb.h"

int cli_stats(const struct call *c)
{
	json_auto_t *data = NULL;
	int status = cli_ask(c, "stats", NULL, &data);

	if (status == CLI_DONE)
		fputs(json_text(data, "text"), stdout);
	return status;
}

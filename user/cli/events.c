// SPDX-License-Identifier: GPL-2.0-only
#include "cli/verb.h"
#include "control/control.h"

static bool event_line(const char *line, void *arg _unused_)
{
	/* Whoever reads a pipe wants the line now; a reader that left ends the stream. */
	return puts(line) != EOF && fflush(stdout) == 0;
}

static int events_follow(const struct call *c)
{
	const char *type = call_value(c, "--type");
	struct error e = {0};
	int err = control_follow(call_socket(c), "events", json_pack("{s:s*}", "type", type),
				 event_line, NULL, &e);

	return err ? cli_refused(err, &e) : CLI_DONE;
}

static void show_events(const json_t *data, FILE *out)
{
	const json_t *event;
	size_t i;

	json_array_foreach(json_object_get(data, "events"), i, event)
	{
		json_dumpf(event, out, JSON_COMPACT);
		fputc('\n', out);
	}
}

int cli_events(const struct call *c)
{
	if (call_has(c, "--follow"))
		return events_follow(c);
	return cli_list(c, "recent", json_pack("{s:s*}", "type", call_value(c, "--type")),
			show_events);
}

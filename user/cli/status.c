// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <time.h>

#include "cli/table.h"
#include "cli/verb.h"

#define RATE_INTERVAL_MS 200

static const json_t *port_named(const json_t *status, const char *name)
{
	const json_t *port;
	size_t i;

	json_array_foreach(json_object_get(status, "ports"), i,
			   port) if (strcmp(json_text(port, "name"), name) == 0) return port;
	return NULL;
}

/* A counter that stepped back began again: no rate, rather than a wrong one. */
static double rate(const json_t *before, const json_t *after, const char *key, double seconds)
{
	json_int_t moved = json_number(after, key) - json_number(before, key);

	return before && moved > 0 && seconds > 0 ? (double)moved / seconds : 0;
}

void status_add_rates(const json_t *before, json_t *after)
{
	double seconds =
		(double)(json_number(after, "time_ns") - json_number(before, "time_ns")) / 1e9;
	json_t *port;
	size_t i;

	json_array_foreach(json_object_get(after, "ports"), i, port)
	{
		const json_t *was = port_named(before, json_text(port, "name"));

		json_object_set_new(
			port, "rates",
			json_pack("{s:f, s:f, s:f, s:f, s:f}", "over_seconds", seconds,
				  "rx_frames_per_second", rate(was, port, "rx_frames", seconds),
				  "tx_frames_per_second", rate(was, port, "tx_frames", seconds),
				  "rx_bits_per_second", 8 * rate(was, port, "rx_bytes", seconds),
				  "tx_bits_per_second", 8 * rate(was, port, "tx_bytes", seconds)));
	}
}

static const char *port_state(const json_t *port)
{
	if (!json_flag(port, "present"))
		return "absent";
	if (!json_flag(port, "enabled"))
		return "disabled";
	return json_text(port, "degraded")[0] ? "degraded" : "enabled";
}

/* The rest of a line: rules that are not active now, and when that changes. */
static void show_schedule(const json_t *s, FILE *out)
{
	time_t next = (time_t)json_number(s, "next_change");
	char when[32];
	struct tm tm;

	if (next && localtime_r(&next, &tm) && strftime(when, sizeof(when), "%a %H:%M", &tm))
		fprintf(out, "; %lld inactive by schedule, next change %s",
			(long long)json_number(s, "inactive"), when);
	else if (json_number(s, "inactive"))
		fprintf(out, "; %lld inactive by schedule", (long long)json_number(s, "inactive"));
	fputc('\n', out);
}

static void show_head(const json_t *s, FILE *out)
{
	const json_t *policy = json_object_get(s, "policy"), *flows = json_object_get(s, "flows");
	char age[HUMAN_MAX];

	fprintf(out, "weir %s, pid %lld, up %s%s\n", json_text(s, "version"),
		(long long)json_number(s, "pid"),
		human_age(json_real_number(s, "uptime_seconds"), age),
		json_flag(s, "adopted") ? ", took over a running gate" : "");
	fprintf(out, "policy %s, generation %lld, %lld rules", json_text(policy, "path"),
		(long long)json_number(policy, "generation"),
		(long long)json_number(policy, "rules"));
	show_schedule(json_object_get(policy, "schedule"), out);
	fprintf(out, "flows %lld decided, %lld undecided; %lld learned endpoints\n",
		(long long)json_number(flows, "decided"),
		(long long)json_number(flows, "undecided"), (long long)json_number(s, "endpoints"));
	fprintf(out, "%zu workers, heartbeat %.3f s ago; kernel losses %s\n",
		json_array_size(json_object_get(s, "workers")),
		json_real_number(s, "heartbeat_age_seconds"),
		json_flag(s, "losses_accounted") ? "counted" : "not counted");
}

static void show_port_row(struct table *t, const json_t *port)
{
	const json_t *rates = json_object_get(port, "rates");
	char text[HUMAN_MAX];

	table_cell(t, "%s", json_text(port, "name"));
	table_cell(t, "%s", json_text(port, "interface"));
	table_cell(t, "%s", json_text(port, "hook"));
	table_cell(t, "%s", json_text(port, "mode")[0] ? json_text(port, "mode") : "-");
	table_cell(t, "%s", port_state(port));
	table_cell(t, "%s", human_count(json_real_number(rates, "rx_frames_per_second"), text));
	table_cell(t, "%s", human_bits(json_real_number(rates, "rx_bits_per_second"), text));
	table_cell(t, "%lld", (long long)json_number(port, "received"));
	table_cell(t, "%lld", (long long)json_number(port, "made"));
	table_cell(t, "%lld", (long long)json_number(port, "redirected"));
	table_cell(t, "%lld", (long long)json_number(port, "stack"));
	table_cell(t, "%lld", (long long)json_number(port, "dropped"));
	table_cell(t, "%lld", (long long)json_number(port, "in_flight"));
}

void show_status(const json_t *s, FILE *out)
{
	static const char *const headers[] = {"PORT",	    "INTERFACE",   "HOOK",     "MODE",
					      "STATE",	    ">FRAMES/S",   ">RATE IN", ">RECEIVED",
					      ">MADE",	    ">REDIRECTED", ">STACK",   ">DROPPED",
					      ">IN-FLIGHT", NULL};
	struct table *t = table_new(headers);
	const json_t *port, *text;
	size_t i;

	show_head(s, out);
	fputc('\n', out);
	json_array_foreach(json_object_get(s, "ports"), i, port) show_port_row(t, port);
	table_print(t, out);
	table_free(t);
	fputc('\n', out);
	json_array_foreach(json_object_get(s, "ports"), i,
			   port) if (json_text(port, "hook_reason")[0])
		fprintf(out, "port %s: hook %s: %s\n", json_text(port, "name"),
			json_text(port, "hook"), json_text(port, "hook_reason"));
	json_array_foreach(json_object_get(s, "degraded"), i, text)
		fprintf(out, "degraded: %s\n", json_string_value(text));
}

int cli_status(const struct call *c)
{
	struct timespec interval = {.tv_nsec = RATE_INTERVAL_MS * 1000000L};
	json_auto_t *before = NULL, *after = NULL;
	int status = cli_ask(c, "status", NULL, &before);

	if (status != CLI_DONE)
		return status;
	nanosleep(&interval, NULL);
	status = cli_ask(c, "status", NULL, &after);
	if (status != CLI_DONE)
		return status;
	status_add_rates(before, after);
	if (call_has(c, "--json"))
		return cli_print_json(after);
	show_status(after, stdout);
	return CLI_DONE;
}

// SPDX-License-Identifier: GPL-2.0-only
/* weir replay: the slow path and a policy over captures, as events. */
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/verb.h"
#include "replay/replay.h"

#define NS_PER_SECOND UINT64_C(1000000000)

static void show_progress(void *arg, const char *capture, uint64_t frames, uint64_t events)
{
	time_t *shown = arg, now = time(NULL);

	if (now == *shown)
		return;
	*shown = now;
	fprintf(stderr, "weir: %s: %llu frames, %llu events\n", capture, (unsigned long long)frames,
		(unsigned long long)events);
}

static json_t *events_json(const struct replay_summary *s)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < EVE_TYPE_COUNT; i++)
		if (s->events[i])
			json_object_set_new(o, eve_type_name(i),
					    json_integer((json_int_t)s->events[i]));
	return o;
}

static json_t *summary_json(const struct replay_summary *s)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:o}", "captures",
			 (json_int_t)s->captures, "frames", (json_int_t)s->frames, "bytes",
			 (json_int_t)s->bytes, "unread_frames", (json_int_t)s->unread, "seconds",
			 s->last_ns > s->first_ns
				 ? (double)(s->last_ns - s->first_ns) / (double)NS_PER_SECOND
				 : 0.0,
			 "flows", (json_int_t)s->flows, "undecided_flows", (json_int_t)s->undecided,
			 "dropped_flows", (json_int_t)s->dropped_flows, "dropped_frames",
			 (json_int_t)s->dropped_frames, "events", events_json(s));
}

static void show_summary(const struct replay_summary *s, FILE *out)
{
	const char *separator = "";

	fprintf(out,
		"%llu frames in %llu captures (%llu not read), %llu flows (%llu undecided), "
		"dropped: %llu flows, %llu frames\nevents: ",
		(unsigned long long)s->frames, (unsigned long long)s->captures,
		(unsigned long long)s->unread, (unsigned long long)s->flows,
		(unsigned long long)s->undecided, (unsigned long long)s->dropped_flows,
		(unsigned long long)s->dropped_frames);
	for (unsigned int i = 0; i < EVE_TYPE_COUNT; i++) {
		if (!s->events[i])
			continue;
		fprintf(out, "%s%llu %s", separator, (unsigned long long)s->events[i],
			eve_type_name(i));
		separator = ", ";
	}
	fprintf(out, "%s\n", separator[0] ? "" : "none");
}

static bool same_file(const char *a, const char *b)
{
	struct stat one, other;

	return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* NULL after a text to stderr. */
static FILE *open_events(const struct call *c, const char *path)
{
	FILE *out;

	for (unsigned int i = 0; path && i < c->arg_count; i++) {
		if (!same_file(path, c->args[i]))
			continue;
		fprintf(stderr, "weir: %s: is a capture to be read; name another file for events\n",
			path);
		return NULL;
	}
	out = path ? fopen(path, "we") : stdout;
	if (!out)
		fprintf(stderr, "weir: %s: %s\n", path, strerror(errno));
	return out;
}

/* Reads every capture, also behind one that failed. */
static int run_captures(const struct call *c, struct replay *r)
{
	int status = CLI_DONE;

	for (unsigned int i = 0; i < c->arg_count; i++) {
		struct error e = {0};
		int err = replay_capture(r, c->args[i], &e);

		if (!err)
			continue;
		status = cli_fail(&e);
		if (err == -EPIPE)
			break;
	}
	return status;
}

static int finish(const struct call *c, struct replay *r, FILE *out)
{
	int status = run_captures(c, r);
	struct error e = {0};

	if (replay_finish(r, &e) < 0 && status == CLI_DONE)
		status = cli_fail(&e);
	if (out != stdout && fclose(out) != 0) {
		fprintf(stderr, "weir: %s: %s\n", call_value(c, "--events"), strerror(errno));
		status = CLI_FAILED;
	}
	if (call_has(c, "--json")) {
		json_t *o = summary_json(replay_summary(r));

		cli_print_json(o);
		json_decref(o);
	} else {
		show_summary(replay_summary(r), stderr);
	}
	return status;
}

int cli_replay(const struct call *c)
{
	time_t shown = time(NULL);
	struct replay_options options = {
		.policy = call_value(c, "--config"),
		.ports = call_value(c, "--ports"),
		.warnings = stderr,
		.progress = isatty(STDERR_FILENO) ? show_progress : NULL,
		.arg = &shown,
	};
	const char *path = call_value(c, "--events");
	struct replay *r = NULL;
	struct error e = {0};
	int status;

	if (!options.policy)
		return cli_usage(c, "which policy? name its file with -c FILE");
	if (call_has(c, "--json") && !path)
		return cli_usage(c, "--json prints the summary where the events would go: name a "
				    "file for these with --events FILE");
	options.out = open_events(c, path);
	if (!options.out)
		return CLI_FAILED;
	if (replay_open(&options, &r, &e) < 0) {
		if (path)
			fclose(options.out);
		return cli_fail(&e);
	}
	status = finish(c, r, options.out);
	replay_close(r);
	return status;
}

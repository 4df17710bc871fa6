// SPDX-License-Identifier: GPL-2.0-only
/* Applications by rate, from two answers of the daemon a second apart. */
#include <string.h>
#include <time.h>

#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/verb.h"
#include "control/control.h"

#define TOP_INTERVAL_MS 1000
#define SCREEN_HOME	"\033[H\033[2J"
/* Lines above the applications, and one below for the cursor. */
#define TOP_HEAD_ROWS 4

struct top_row {
	const char *application, *category;
	double bits[2], frames; /* a second */
	json_int_t bytes, flows;
};

static const json_t *app_named(const json_t *answer, const char *name)
{
	const json_t *app;
	size_t i;

	json_array_foreach(json_object_get(answer, "applications"), i,
			   app) if (strcmp(json_text(app, "application"), name) == 0) return app;
	return NULL;
}

/* What was not there before had no traffic before; what stepped back began again. */
static double moved(const json_t *before, const json_t *after, const char *key)
{
	json_int_t n = json_number(after, key) - json_number(before, key);

	return n > 0 ? (double)n : 0;
}

static struct top_row top_row(const json_t *before, const json_t *app, double seconds)
{
	const json_t *was = app_named(before, json_text(app, "application"));

	return (struct top_row){
		.application = json_text(app, "application"),
		.category = json_text(app, "category"),
		.bits = {8 * moved(was, app, "bytes_toserver") / seconds,
			 8 * moved(was, app, "bytes_toclient") / seconds},
		.frames =
			(moved(was, app, "frames_toserver") + moved(was, app, "frames_toclient")) /
			seconds,
		.bytes = json_number(app, "bytes_toserver") + json_number(app, "bytes_toclient"),
		.flows = json_number(app, "flows"),
	};
}

static int compare_rows(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	double rx = x->bits[0] + x->bits[1], ry = y->bits[0] + y->bits[1];

	if (rx != ry)
		return rx < ry ? 1 : -1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->application, y->application);
}

static void row_cells(struct table *t, const struct top_row *r)
{
	char text[HUMAN_MAX];

	table_cell(t, "%s", r->application);
	table_cell(t, "%s", r->category[0] ? r->category : "-");
	table_cell(t, "%s", human_bits(r->bits[0], text));
	table_cell(t, "%s", human_bits(r->bits[1], text));
	table_cell(t, "%s", human_count(r->frames, text));
	table_cell(t, "%s", human_bytes((double)r->bytes, text));
	table_cell(t, "%lld", (long long)r->flows);
}

void show_top(const json_t *before, const json_t *after, unsigned int rows, FILE *out)
{
	static const char *const headers[] = {"APPLICATION", "CATEGORY", ">TO SERVER", ">TO CLIENT",
					      ">FRAMES/S",   ">BYTES",	 ">FLOWS",     NULL};
	const json_t *apps = json_object_get(after, "applications"), *app;
	double seconds =
		(double)(json_number(after, "time_ns") - json_number(before, "time_ns")) / 1e9;
	size_t count = json_array_size(apps), i;
	_cleanup_free_ struct top_row *list = calloc(count + 1, sizeof(*list));
	struct table *t = table_new(headers);

	json_array_foreach(apps, i, app) if (list) list[i] =
		top_row(before, app, seconds > 0 ? seconds : 1);
	if (list)
		qsort(list, count, sizeof(*list), compare_rows);
	for (i = 0; list && i < count && (rows == 0 || i < rows); i++)
		row_cells(t, &list[i]);
	table_print(t, out);
	table_free(t);
}

static int top_once(const struct call *c)
{
	struct timespec interval = {.tv_sec = TOP_INTERVAL_MS / 1000};
	json_auto_t *before = NULL, *after = NULL;
	int status;

	if (call_has(c, "--json"))
		return cli_list(c, "top", NULL, NULL);
	status = cli_ask(c, "top", NULL, &before);
	if (status != CLI_DONE)
		return status;
	nanosleep(&interval, NULL);
	status = cli_ask(c, "top", NULL, &after);
	if (status == CLI_DONE)
		show_top(before, after, 0, stdout);
	return status;
}

static void top_draw(const json_t *before, const json_t *after)
{
	unsigned int rows = terminal_rows();

	fputs(SCREEN_HOME, stdout);
	printf("weir top: applications by rate, of decided flows. q quits.\n\n");
	show_top(before, after, rows > TOP_HEAD_ROWS ? rows - TOP_HEAD_ROWS : 1, stdout);
	fflush(stdout);
}

/* Until q or a signal (0), or the daemon's end; *after is the answer to begin with. */
static int top_loop(const char *socket, const struct terminal *t, json_t **after, struct error *e)
{
	json_auto_t *before = json_incref(*after);
	enum terminal_event event;
	int err = 0;

	while (!err) {
		json_t *next = NULL;

		top_draw(before, *after);
		event = terminal_wait(t, TOP_INTERVAL_MS);
		if (event == TERMINAL_QUIT)
			break;
		if (event == TERMINAL_RESIZE)
			continue;
		err = control_request(socket, "top", NULL, &next, e);
		if (err)
			break;
		json_decref(before);
		before = *after;
		*after = next;
	}
	return err;
}

static int top_live(const struct call *c)
{
	json_auto_t *after = NULL;
	struct terminal t;
	struct error e = {0};
	int status = cli_ask(c, "top", NULL, &after), err;

	if (status != CLI_DONE)
		return status;
	if (terminal_open(&t) < 0)
		return top_once(c);
	err = top_loop(call_socket(c), &t, &after, &e);
	terminal_close(&t);
	/* Only now: on the other screen the text would be lost. */
	return err ? cli_refused(err, &e) : CLI_DONE;
}

int cli_top(const struct call *c)
{
	if (call_has(c, "--once") || call_has(c, "--json") || !terminal_is_there())
		return top_once(c);
	return top_live(c);
}

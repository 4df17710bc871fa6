/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of the table of verbs, and what a handler gets. Private to user/cli and its tests. */
#ifndef WEIR_CLI_VERB_H
#define WEIR_CLI_VERB_H

#include <jansson.h>
#include <stdio.h>

#include "cli/cli.h"
#include "util/util.h"

#define VERB_OPTIONS_MAX 8
#define VERB_ARGS_MAX	 64

struct option_info {
	const char *name;  /* "--json" */
	const char *brief; /* "-c" or NULL */
	const char *value; /* "FILE", NULL for a flag */
	const char *help;
};

struct call;

struct verb {
	const char *words;     /* "port list": one or two words */
	const char *arguments; /* "PORT", "CAPTURE...", "" = none */
	unsigned int min_args, max_args;
	const char *help; /* one line, no full stop */
	const char *more; /* paragraphs for `-h` and the man page, or NULL */
	const struct option_info *options[VERB_OPTIONS_MAX + 1]; /* NULL-terminated */
	int (*run)(const struct call *c);
	int (*raw)(int argc,
		   char **argv); /* instead of run: arguments from the verb's first word */
};

/* A command line that fits its verb. */
struct call {
	const struct verb *verb;
	const char *values[VERB_OPTIONS_MAX]; /* by position in verb->options; NULL = not given, ""
						 for a flag */
	const char *args[VERB_ARGS_MAX];
	unsigned int arg_count;
	int argc; /* from the verb's first word */
	char **argv;
};

/* The table; NULL beyond the end. */
const struct verb *verb_at(size_t index);
/* Value of an option ("--limit"), NULL when it was not given. */
const char *call_value(const struct call *c, const char *name);
bool call_has(const struct call *c, const char *name);
/* --socket or the default. */
const char *call_socket(const struct call *c);

/* Parses argv (from the first word after the program's name). 0, or CLI_USAGE after a text to
 * stderr. */
int call_parse(int argc, char **argv, const struct verb *v, struct call *out);
/* The verb that argv names; NULL after a text to stderr. *used: how many words name it. */
const struct verb *verb_find(int argc, char **argv, int *used);
/* Whether a verb begins with this word. */
bool verb_is_group(const char *word);

/* help.c */
void help_program(FILE *out);
void help_group(FILE *out, const char *word);
void help_verb(FILE *out, const struct verb *v);
void help_usage(FILE *out, const struct verb *v);
void help_man(FILE *out);
/* completion.c */
void completion_bash(FILE *out);
void completion_zsh(FILE *out);

/* Prints "weir: TEXT" to stderr and returns CLI_USAGE or CLI_FAILED. */
int cli_usage(const struct call *c, const char *fmt, ...) _printf_(2, 3);
int cli_fail(const struct error *e);
/* The same for an error of the control socket: CLI_NO_DAEMON when nobody listens. */
int cli_refused(int err, const struct error *e);
/* Asks the daemon; args is stolen. CLI_DONE with *data a new reference, or an exit status after a
 * text to stderr. */
int cli_ask(const struct call *c, const char *verb, json_t *args, json_t **data);
/* The document, indented, and a newline. */
int cli_print_json(const json_t *data);
/* Asks a listing verb and shows it: as JSON, or by show. */
int cli_list(const struct call *c, const char *verb, json_t *args,
	     void (*show)(const json_t *data, FILE *out));

/* Handlers, one file a noun. */
int cli_run(const struct call *c);
int cli_detach(const struct call *c);
int cli_status(const struct call *c);
int cli_port_list(const struct call *c);
int cli_port_enable(const struct call *c);
int cli_port_disable(const struct call *c);
int cli_policy_check(const struct call *c);
int cli_policy_load(const struct call *c);
int cli_policy_show(const struct call *c);
int cli_flows(const struct call *c);
int cli_apps(const struct call *c);
int cli_modules(const struct call *c);
int cli_block(const struct call *c);
int cli_unblock(const struct call *c);
int cli_blocks(const struct call *c);
int cli_tap_list(const struct call *c);
int cli_stats(const struct call *c);
int cli_top(const struct call *c);
int cli_events(const struct call *c);
int cli_replay(const struct call *c);
int cli_completion_bash(const struct call *c);
int cli_completion_zsh(const struct call *c);
int cli_help(const struct call *c);

/* What the handlers show, apart for tests. */
void show_status(const json_t *data, FILE *out);
void show_ports(const json_t *data, FILE *out);
void show_policy(const json_t *data, FILE *out);
void show_flows(const json_t *data, FILE *out);
void show_apps(const json_t *data, FILE *out);
void show_modules(const json_t *data, FILE *out);
void show_blocks(const json_t *data, FILE *out);
void show_taps(const json_t *data, FILE *out);
/* Adds "rates" to every port of `after` from what moved since `before`. */
void status_add_rates(const json_t *before, json_t *after);
/* Applications by rate between two answers; at most rows lines (0 = all). */
void show_top(const json_t *before, const json_t *after, unsigned int rows, FILE *out);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/* Dispatch, and what all verbs share. */
#include <string.h>

#include "cli/verb.h"
#include "control/control.h"

int cli_fail(const struct error *e)
{
	fprintf(stderr, "weir: %s\n", e->text);
	return CLI_FAILED;
}

int cli_refused(int err, const struct error *e)
{
	cli_fail(e);
	return err == -ENOENT || err == -ECONNREFUSED ? CLI_NO_DAEMON : CLI_FAILED;
}

int cli_ask(const struct call *c, const char *verb, json_t *args, json_t **data)
{
	struct error e = {0};
	int err = control_request(call_socket(c), verb, args, data, &e);

	return err ? cli_refused(err, &e) : CLI_DONE;
}

int cli_print_json(const json_t *data)
{
	if (json_dumpf(data, stdout, JSON_INDENT(2)) < 0)
		return cli_fail(&(struct error){"cannot write the answer"});
	putchar('\n');
	return CLI_DONE;
}

int cli_list(const struct call *c, const char *verb, json_t *args,
	     void (*show)(const json_t *data, FILE *out))
{
	json_auto_t *data = NULL;
	int status = cli_ask(c, verb, args, &data);

	if (status != CLI_DONE)
		return status;
	if (call_has(c, "--json"))
		return cli_print_json(data);
	show(data, stdout);
	return CLI_DONE;
}

static bool is_help(const char *word)
{
	return strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0;
}

/* Whether help is asked for among the options. */
static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (is_help(argv[i]))
			return true;
	return false;
}

int cli_help(const struct call *c)
{
	const struct verb *v;
	int used;

	if (call_has(c, "--man")) {
		help_man(stdout);
		return CLI_DONE;
	}
	if (c->arg_count == 0) {
		help_program(stdout);
		return CLI_DONE;
	}
	if (c->arg_count == 1 && verb_is_group(c->args[0])) {
		help_group(stdout, c->args[0]);
		return CLI_DONE;
	}
	v = verb_find((int)c->arg_count, (char **)c->args, &used);
	if (!v)
		return CLI_USAGE;
	help_verb(stdout, v);
	return CLI_DONE;
}

int cli_completion_bash(const struct call *c _unused_)
{
	completion_bash(stdout);
	return CLI_DONE;
}

int cli_completion_zsh(const struct call *c _unused_)
{
	completion_zsh(stdout);
	return CLI_DONE;
}

/* argv from the first word on. */
static int dispatch(int argc, char **argv)
{
	const struct verb *v;
	struct call c;
	int used, err;

	if (verb_is_group(argv[0]) && argc == 2 && is_help(argv[1])) {
		help_group(stdout, argv[0]);
		return CLI_DONE;
	}
	v = verb_find(argc, argv, &used);
	if (!v)
		return CLI_USAGE;
	if (wants_help(argc, argv)) {
		help_verb(stdout, v);
		return CLI_DONE;
	}
	err = call_parse(argc, argv, v, &c);
	if (err)
		return err;
	return v->raw ? v->raw(argc, argv) : v->run(&c);
}

int cli_main(int argc, char **argv)
{
	int status;

	if (argc < 2) {
		help_program(stderr);
		return CLI_USAGE;
	}
	if (is_help(argv[1])) {
		help_program(stdout);
		status = CLI_DONE;
	} else if (strcmp(argv[1], "--version") == 0) {
		puts("weir " WEIR_VERSION);
		status = CLI_DONE;
	} else if (argv[1][0] == '-') {
		fprintf(stderr, "weir: %s: options follow the verb\nTry `weir help`.\n", argv[1]);
		return CLI_USAGE;
	} else {
		status = dispatch(argc - 1, argv + 1);
	}
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_DONE)
		status = cli_fail(&(struct error){"cannot write to standard output"});
	return status;
}

// SPDX-License-Identifier: GPL-2.0-only
/* weir signatures: what a signature set knows, and whether a file is one. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "classify/classify.h"
#include "cli/cli.h"
#include "cli/signatures_parts.h"
#include "util/util.h"

#define FILES_MAX 16

struct arguments {
	const char *files[FILES_MAX]; /* --signatures, or what is to be checked */
	size_t file_count;
	const char *output;
	bool json;
	bool check, import;
};

struct set {
	struct app_registry *registry;
	struct signatures *signatures;
};

static void set_fini(struct set *s)
{
	signatures_free(s->signatures);
	app_registry_free(s->registry);
}

static int set_load(struct set *s, const struct arguments *a, struct error *e)
{
	s->registry = app_registry_new();
	if (!s->registry)
		return error_set(e, -ENOMEM, "out of memory");
	if (a->file_count == 0)
		return signatures_load_builtin(s->registry, &s->signatures, e);
	return signatures_load(a->files, a->file_count, s->registry, &s->signatures, e);
}

/* The next application that the set can name, from *at on; NULL at the end. */
static const struct app_info *set_next(const struct set *s, unsigned int *at)
{
	while (*at < app_registry_count(s->registry)) {
		const struct app_info *info = app_registry_get(s->registry, (*at)++);

		if (info->signatures > 0)
			return info;
	}
	return NULL;
}

static int written(bool ok)
{
	if (ok && fflush(stdout) != EOF && !ferror(stdout))
		return CLI_DONE;
	fputs("weir: signatures: cannot write the result\n", stderr);
	return CLI_FAILED;
}

static int print_document(json_t *document)
{
	bool ok = document && json_dumpf(document, stdout, JSON_INDENT(2)) == 0;

	json_decref(document);
	putchar('\n');
	return written(ok);
}

static json_t *list_json(const struct set *s)
{
	json_t *list = json_array();
	const struct app_info *info;

	for (unsigned int at = 0; (info = set_next(s, &at));)
		if (json_array_append_new(list, json_pack("{ss ss ss* si}", "name", info->name,
							  "category", info->category, "module",
							  info->module, "features",
							  (int)info->signatures)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static int list_columns(const struct set *s)
{
	const struct app_info *info;

	printf("%-*s %-12s %-12s %8s\n", WEIR_APP_NAME_LEN / 2, "APPLICATION", "CATEGORY", "MODULE",
	       "FEATURES");
	for (unsigned int at = 0; (info = set_next(s, &at));)
		printf("%-*s %-12s %-12s %8u\n", WEIR_APP_NAME_LEN / 2, info->name,
		       info->category[0] ? info->category : "-", info->module ? info->module : "-",
		       info->signatures);
	return written(true);
}

static unsigned int set_count(const struct set *s)
{
	unsigned int count = 0;

	for (unsigned int at = 0; set_next(s, &at);)
		count++;
	return count;
}

/* What a check found wrong goes to stderr, as everything that is no result; with --json it is
 * the result. */
static int check_failed(const struct arguments *a, const struct error *e)
{
	if (a->json)
		print_document(json_pack("{sb ss}", "ok", 0, "error", e->text));
	else
		fprintf(stderr, "%s\n", e->text);
	return CLI_FAILED;
}

static int check_passed_json(const struct set *s)
{
	json_t *document = json_pack("{sb si}", "ok", 1, "applications", (int)set_count(s));

	if (document && cli_signatures_add(s->signatures, document) < 0) {
		json_decref(document);
		document = NULL;
	}
	return print_document(document);
}

static int check_passed(const struct arguments *a, const struct set *s)
{
	unsigned int count = set_count(s);

	if (a->json)
		return check_passed_json(s);
	if (cli_signatures_print(s->signatures) < 0)
		return written(false);
	for (size_t i = 0; i < a->file_count; i++)
		printf("%s%s", i ? ", " : "", a->files[i]);
	printf(": %u application%s\n", count, count == 1 ? "" : "s");
	return written(true);
}

static int run(const struct arguments *a, struct set *s)
{
	struct error e = {0};

	if (set_load(s, a, &e) < 0) {
		if (a->check)
			return check_failed(a, &e);
		fprintf(stderr, "weir: %s\n", e.text);
		return CLI_FAILED;
	}
	if (a->check)
		return check_passed(a, s);
	return a->json ? print_document(list_json(s)) : list_columns(s);
}

static void usage(FILE *out)
{
	fputs("usage: weir signatures list [--json] [--signatures FILE]\n"
	      "       weir signatures check FILE... [--json]\n"
	      "       weir signatures import DIR [-o FILE]\n"
	      "\n"
	      "list shows the applications that the built-in signature set, or that of FILE,\n"
	      "knows. check reads files as one set, as the daemon would, and says what is wrong\n"
	      "as FILE:LINE:COLUMN: message; what can never match or never win, or is not used,\n"
	      "is a warning. Features that make others true or false are listed. import makes a "
	      "signature file of the pattern files\n"
	      "(.pat) of l7-filter in a folder. None needs a daemon.\n"
	      "\n"
	      "  --json             one JSON document\n"
	      "  --signatures FILE  instead of the built-in set; may be given several times\n"
	      "  -o, --output FILE  where import writes to, instead of standard output\n"
	      "  -h, --help         this text\n",
	      out);
}

static int usage_error(const char *what)
{
	fprintf(stderr, "weir: signatures: %s\n", what);
	usage(stderr);
	return -EINVAL;
}

/* The words that are no options: list, check and its files, or import and a folder. */
static int parse_words(int count, char **words, struct arguments *out)
{
	if (count == 0)
		return usage_error("expected `list`, `check` or `import`");
	out->check = strcmp(words[0], "check") == 0;
	out->import = strcmp(words[0], "import") == 0;
	if (!out->check && !out->import && strcmp(words[0], "list") != 0)
		return usage_error("expected `list`, `check` or `import`");
	if (out->output && !out->import)
		return usage_error("--output is of import");
	if (out->import && (count != 2 || out->file_count > 0 || out->json))
		return usage_error("import takes one folder, and --output");
	if (!out->check && !out->import && count > 1)
		return usage_error("list takes no arguments");
	if (out->check && out->file_count > 0)
		return usage_error("check takes its files as arguments");
	if (out->check && count == 1)
		return usage_error("check: no file named");
	if (count - 1 > FILES_MAX)
		return usage_error("too many files");
	for (int i = 1; i < count; i++)
		out->files[out->file_count++] = words[i];
	return 0;
}

/* 0, 1 after --help, or -EINVAL after a text to stderr. */
static int parse_arguments(int argc, char **argv, struct arguments *out)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"signatures", required_argument, NULL, 's'},
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			return 1;
		}
		if (option == 'j') {
			out->json = true;
		} else if (option == 'o') {
			out->output = optarg;
		} else if (option == 's' && out->file_count < FILES_MAX) {
			out->files[out->file_count++] = optarg;
		} else {
			usage(stderr);
			return -EINVAL;
		}
	}
	return parse_words(argc - optind, argv + optind, out);
}

int cli_signatures(int argc, char **argv)
{
	_cleanup_(set_fini) struct set s = {0};
	struct arguments a = {0};
	int status = parse_arguments(argc, argv, &a);

	if (status != 0)
		return status < 0 ? CLI_USAGE : CLI_DONE;
	if (a.import)
		return cli_signatures_import(a.files[0], a.output);
	return run(&a, &s);
}

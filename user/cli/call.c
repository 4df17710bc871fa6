// SPDX-License-Identifier: GPL-2.0-only
/* From words to a call: which verb, which options, which arguments. Whole words only. */
#include <stdarg.h>
#include <string.h>

#include "cli/verb.h"
#include "control/control.h"

#define CALL_NAMES_MAX 64

/* Whether the first word of a verb is word. */
static bool verb_starts(const struct verb *v, const char *word)
{
	size_t len = strlen(word);

	return strncmp(v->words, word, len) == 0 && (v->words[len] == '\0' || v->words[len] == ' ');
}

/* The second word of a verb, NULL when there is one word. */
static const char *verb_object(const struct verb *v)
{
	const char *space = strchr(v->words, ' ');

	return space ? space + 1 : NULL;
}

bool verb_is_group(const char *word)
{
	const struct verb *v;

	for (size_t i = 0; *word && (v = verb_at(i)); i++)
		if (verb_starts(v, word) && verb_object(v))
			return true;
	return false;
}

static void complain_of_verb(const char *word)
{
	char names[CALL_NAMES_MAX][16];
	const char *candidates[CALL_NAMES_MAX], *near;
	const struct verb *v;
	size_t count = 0;

	for (size_t i = 0; count < CALL_NAMES_MAX && (v = verb_at(i)); i++) {
		snprintf(names[count], sizeof(names[count]), "%.*s", (int)strcspn(v->words, " "),
			 v->words);
		candidates[count] = names[count];
		count++;
	}
	near = text_nearest(word, candidates, count);
	fprintf(stderr, "weir: no command %s%s%s%s\nTry `weir help`.\n", word,
		near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

static void complain_of_object(const char *word, const char *object)
{
	const struct verb *v;

	if (object)
		fprintf(stderr, "weir: %s: no %s\n", word, object);
	else
		fprintf(stderr, "weir: %s: what about it?\n", word);
	for (size_t i = 0; (v = verb_at(i)); i++)
		if (verb_starts(v, word))
			help_usage(stderr, v);
}

const struct verb *verb_find(int argc, char **argv, int *used)
{
	const struct verb *v;

	if (!verb_is_group(argv[0])) {
		for (size_t i = 0; (v = verb_at(i)); i++) {
			if (strcmp(v->words, argv[0]) != 0)
				continue;
			*used = 1;
			return v;
		}
		complain_of_verb(argv[0]);
		return NULL;
	}
	for (size_t i = 0; argc > 1 && (v = verb_at(i)); i++) {
		if (!verb_starts(v, argv[0]) || strcmp(verb_object(v), argv[1]) != 0)
			continue;
		*used = 2;
		return v;
	}
	complain_of_object(argv[0], argc > 1 ? argv[1] : NULL);
	return NULL;
}

static int usage_of(const struct verb *v, const char *fmt, ...) _printf_(2, 3);
static int usage_of(const struct verb *v, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "weir: %s: ", v->words);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	help_usage(stderr, v);
	return CLI_USAGE;
}

int cli_usage(const struct call *c, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return usage_of(c->verb, "%s", text);
}

static int unknown_option(const struct verb *v, const char *word, size_t len)
{
	const char *candidates[VERB_OPTIONS_MAX + 1] = {"--help"}, *near;
	char name[64];
	size_t count = 1;

	for (; v->options[count - 1]; count++)
		candidates[count] = v->options[count - 1]->name;
	snprintf(name, sizeof(name), "%.*s", (int)len, word);
	near = text_nearest(name, candidates, count);
	if (near)
		return usage_of(v, "no option %s (did you mean %s?)", name, near);
	return usage_of(v, "no option %s", name);
}

/* One option at argv[*at]; moves *at over its value. */
static int parse_option(int argc, char **argv, int *at, const struct verb *v, struct call *c)
{
	const char *word = argv[*at], *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);

	for (size_t i = 0; v->options[i]; i++) {
		const struct option_info *o = v->options[i];
		bool brief = o->brief && strcmp(word, o->brief) == 0;

		if (!brief && (strlen(o->name) != len || strncmp(word, o->name, len) != 0))
			continue;
		if (!o->value && equals)
			return usage_of(v, "%s takes no value", o->name);
		if (!o->value)
			c->values[i] = "";
		else if (equals)
			c->values[i] = equals + 1;
		else if (++*at < argc)
			c->values[i] = argv[*at];
		if (o->value && (!c->values[i] || !c->values[i][0] || *at >= argc))
			return usage_of(v, "%s needs a value: %s", o->name, o->value);
		return 0;
	}
	return unknown_option(v, word, len);
}

static int check_arguments(const struct verb *v, const struct call *c)
{
	if (c->arg_count < v->min_args)
		return usage_of(v, "%s is missing", v->arguments);
	if (c->arg_count > v->max_args)
		return usage_of(v, "too many arguments: %s", c->args[v->max_args]);
	return 0;
}

int call_parse(int argc, char **argv, const struct verb *v, struct call *out)
{
	struct call c = {.verb = v, .argc = argc, .argv = argv};
	int at = strchr(v->words, ' ') ? 2 : 1, err;
	bool options = true;

	for (; at < argc; at++) {
		const char *word = argv[at];

		if (options && strcmp(word, "--") == 0) {
			options = false;
		} else if (options && word[0] == '-' && word[1]) {
			err = parse_option(argc, argv, &at, v, &c);
			if (err)
				return err;
		} else {
			/* Verbs that take any number read argv themselves. */
			if (c.arg_count < VERB_ARGS_MAX)
				c.args[c.arg_count] = word;
			c.arg_count++;
		}
	}
	err = check_arguments(v, &c);
	if (!err)
		*out = c;
	return err;
}

const char *call_value(const struct call *c, const char *name)
{
	for (size_t i = 0; c->verb->options[i]; i++)
		if (strcmp(c->verb->options[i]->name, name) == 0)
			return c->values[i];
	return NULL;
}

bool call_has(const struct call *c, const char *name)
{
	return call_value(c, name) != NULL;
}

const char *call_socket(const struct call *c)
{
	const char *path = call_value(c, "--socket");

	return path ? path : CONTROL_SOCKET_DEFAULT;
}

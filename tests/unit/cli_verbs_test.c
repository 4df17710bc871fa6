// SPDX-License-Identifier: GPL-2.0-only
/* The table of verbs: complete, consistent, and what help, man page and completion make of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/verb.h"

#define EACH_VERB(v) for (size_t at = 0; ((v) = verb_at(at)); at++)

/* What a writer of help writes; free it. */
static char *written(void (*fn)(FILE *out))
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	fn(out);
	fclose(out);
	return text;
}

static void every_verb_is_complete(void **state)
{
	const struct verb *v, *other;

	EACH_VERB(v)
	{
		size_t spaces = 0;

		for (const char *p = v->words; *p; p++) {
			assert_true(islower((unsigned char)*p) || *p == ' ');
			spaces += *p == ' ';
		}
		assert_in_range(spaces, 0, 1);
		assert_true(strlen(v->help) > 10);
		assert_int_not_equal(v->help[strlen(v->help) - 1], '.');
		assert_true(!v->more || v->more[strlen(v->more) - 1] == '.');
		assert_true((v->run != NULL) != (v->raw != NULL));
		assert_true(v->min_args <= v->max_args);
		assert_true((v->max_args > 0) == (v->arguments[0] != '\0'));
		assert_true(v->raw || v->max_args <= VERB_ARGS_MAX);
		for (size_t i = 0; (other = verb_at(i)); i++)
			assert_true(other == v || strcmp(other->words, v->words) != 0);
	}
}

static void every_option_is_complete(void **state)
{
	const struct verb *v;

	EACH_VERB(v)
	{
		assert_null(v->options[VERB_OPTIONS_MAX]);
		for (size_t i = 0; v->options[i]; i++) {
			const struct option_info *o = v->options[i];

			assert_memory_equal(o->name, "--", 2);
			assert_true(strlen(o->name) > 3);
			assert_true(!o->brief || (o->brief[0] == '-' && strlen(o->brief) == 2));
			assert_true(strlen(o->help) > 5);
			for (size_t k = 0; k < i; k++)
				assert_string_not_equal(v->options[k]->name, o->name);
		}
	}
}

static bool has_option(const struct verb *v, const char *name)
{
	for (size_t i = 0; v->options[i]; i++)
		if (strcmp(v->options[i]->name, name) == 0)
			return true;
	return false;
}

static const struct verb *verb_named(const char *words)
{
	const struct verb *v;

	EACH_VERB(v)
	if (strcmp(v->words, words) == 0)
		return v;
	fail_msg("no verb %s", words);
	return NULL;
}

static void the_contracts_verbs_are_there(void **state)
{
	static const char *const listing[] = {"status",	  "port list",	     "policy show", "flows",
					      "apps",	  "blocks",	     "events",	    "top",
					      "classify", "signatures list", "modules"};
	static const char *const others[] = {
		"run",	       "detach", "port enable", "port disable", "policy check",
		"policy load", "block",	 "unblock",	"stats",	"signatures check"};

	for (size_t i = 0; i < ARRAY_SIZE(listing); i++)
		assert_true(has_option(verb_named(listing[i]), "--json"));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		verb_named(others[i]);
	assert_true(has_option(verb_named("run"), "--config"));
	assert_true(has_option(verb_named("run"), "--pins"));
	assert_true(has_option(verb_named("run"), "--state"));
	assert_true(has_option(verb_named("flows"), "--app"));
	assert_true(has_option(verb_named("flows"), "--user"));
	assert_true(has_option(verb_named("flows"), "--address"));
	assert_true(has_option(verb_named("flows"), "--limit"));
}

static void help_names_every_verb(void **state)
{
	char *text = written(help_program);
	const struct verb *v;

	EACH_VERB(v)
	{
		assert_non_null(strstr(text, v->words));
		assert_non_null(strstr(text, v->help));
	}
	free(text);
}

static void help_of_a_verb_names_its_options(void **state)
{
	const struct verb *v;

	EACH_VERB(v)
	{
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		help_verb(out, v);
		fclose(out);
		assert_non_null(strstr(text, v->help));
		for (size_t i = 0; v->options[i]; i++) {
			assert_non_null(strstr(text, v->options[i]->name));
			assert_non_null(strstr(text, v->options[i]->help));
		}
		assert_non_null(strstr(text, "--help"));
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			if (strncmp(line, "usage:", 6) != 0 && line[0] != ' ')
				assert_in_range(strlen(line), 0, 80);
		free(text);
	}
}

/* roff of a word: dashes are escaped. */
static void roff_word(const char *text, char *out)
{
	for (; *text; text++) {
		if (*text == '-')
			*out++ = '\\';
		*out++ = *text;
	}
	*out = '\0';
}

static void the_man_page_has_every_verb_and_option(void **state)
{
	char *text = written(help_man), needle[256];
	const struct verb *v;

	EACH_VERB(v)
	{
		snprintf(needle, sizeof(needle), ".SS \"weir %s%s%s\"\n", v->words,
			 v->arguments[0] ? " " : "", v->arguments);
		assert_non_null(strstr(text, needle));
		for (size_t i = 0; v->options[i]; i++) {
			roff_word(v->options[i]->name, needle);
			assert_non_null(strstr(text, needle));
		}
	}
	assert_memory_equal(text, ".TH WEIR 8 ", 11);
	assert_non_null(strstr(text, ".SH EXIT STATUS"));
	/* No line of text may be taken for a request. */
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (line[0] == '.')
			assert_true(isupper((unsigned char)line[1]));
	free(text);
}

/* What bash offers for words; the last is being typed. */
static void offered(const char *words, int cword, char *out, size_t cap)
{
	char *script = written(completion_bash), command[128], path[64];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/tmp/weir-completion-%d", (int)getpid());
	f = fopen(path, "w");
	fputs(script, f);
	fprintf(f,
		"weir() { :; }\nCOMP_WORDS=(%s)\nCOMP_CWORD=%d\n_weir\necho \" ${COMPREPLY[*]} "
		"\"\n",
		words, cword);
	fclose(f);
	snprintf(command, sizeof(command), "bash -u %s 2>&1", path);
	f = popen(command, "r");
	n = fread(out, 1, cap - 1, f);
	out[n] = '\0';
	assert_int_equal(pclose(f), 0);
	unlink(path);
	free(script);
}

static void completion_offers_every_verb(void **state)
{
	char out[4096], needle[64];
	const struct verb *v;

	offered("weir ''", 1, out, sizeof(out));
	EACH_VERB(v)
	{
		snprintf(needle, sizeof(needle), " %.*s ", (int)strcspn(v->words, " "), v->words);
		assert_non_null(strstr(out, needle));
	}
	offered("weir po", 1, out, sizeof(out));
	assert_string_equal(out, " port policy \n");
}

static void completion_offers_objects_and_options(void **state)
{
	char words[128], out[4096], needle[64];
	const struct verb *v;

	EACH_VERB(v)
	{
		const char *space = strchr(v->words, ' ');

		if (space) {
			snprintf(words, sizeof(words), "weir %.*s ''", (int)(space - v->words),
				 v->words);
			offered(words, 2, out, sizeof(out));
			snprintf(needle, sizeof(needle), " %s ", space + 1);
			assert_non_null(strstr(out, needle));
		}
		snprintf(words, sizeof(words), "weir %s --", v->words);
		offered(words, space ? 3 : 2, out, sizeof(out));
		assert_non_null(strstr(out, " --help "));
		for (size_t i = 0; v->options[i]; i++) {
			snprintf(needle, sizeof(needle), " %s ", v->options[i]->name);
			assert_non_null(strstr(out, needle));
		}
	}
}

static void completion_offers_files(void **state)
{
	char out[65536];

	offered("weir run -c /et", 3, out, sizeof(out));
	assert_string_equal(out, " /etc \n");
	offered("weir policy check /et", 3, out, sizeof(out));
	assert_string_equal(out, " /etc \n");
	offered("weir classify --json /et", 3, out, sizeof(out));
	assert_string_equal(out, " /etc \n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_verb_is_complete),
		cmocka_unit_test(every_option_is_complete),
		cmocka_unit_test(the_contracts_verbs_are_there),
		cmocka_unit_test(help_names_every_verb),
		cmocka_unit_test(help_of_a_verb_names_its_options),
		cmocka_unit_test(the_man_page_has_every_verb_and_option),
		cmocka_unit_test(completion_offers_every_verb),
		cmocka_unit_test(completion_offers_objects_and_options),
		cmocka_unit_test(completion_offers_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

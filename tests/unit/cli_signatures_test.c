// SPDX-License-Identifier: GPL-2.0-only
/* weir signatures: exit statuses, and what goes to stdout and stderr. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "util/util.h"

struct outcome {
	int status;
	char out[65536];
	char err[4096];
};

static void read_back(FILE *f, char *buf, size_t cap)
{
	rewind(f);
	buf[fread(buf, 1, cap - 1, f)] = '\0';
	fclose(f);
}

/* Runs the verb with both streams in files. */
static void run(struct outcome *o, int argc, char **argv)
{
	FILE *out = tmpfile(), *err = tmpfile();
	int saved_out, saved_err;

	assert_non_null(out);
	assert_non_null(err);
	fflush(stdout);
	fflush(stderr);
	saved_out = dup(STDOUT_FILENO);
	saved_err = dup(STDERR_FILENO);
	dup2(fileno(out), STDOUT_FILENO);
	dup2(fileno(err), STDERR_FILENO);
	o->status = cli_signatures(argc, argv);
	fflush(stdout);
	fflush(stderr);
	dup2(saved_out, STDOUT_FILENO);
	dup2(saved_err, STDERR_FILENO);
	close(saved_out);
	close(saved_err);
	read_back(out, o->out, sizeof(o->out));
	read_back(err, o->err, sizeof(o->err));
}

#define RUN(o, ...)                                                                                \
	do {                                                                                       \
		char *argv[] = {"signatures", __VA_ARGS__, NULL};                                  \
		run(o, (int)ARRAY_SIZE(argv) - 1, argv);                                           \
	} while (0)

static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void list_shows_applications(void **state)
{
	struct outcome o;

	RUN(&o, "list");
	assert_int_equal(o.status, CLI_DONE);
	assert_non_null(strstr(o.out, "APPLICATION"));
	assert_non_null(strstr(o.out, "\nbittorrent "));
	assert_null(strstr(o.out, "unknown"));
	assert_string_equal(o.err, "");
}

static void list_is_one_document(void **state)
{
	json_t *list, *item;
	struct outcome o;
	size_t i, found = 0;

	RUN(&o, "list", "--json");
	assert_int_equal(o.status, CLI_DONE);
	list = json_loads(o.out, 0, NULL);
	assert_true(json_is_array(list));
	json_array_foreach(list, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));

		if (strcmp(name, "bittorrent") != 0)
			continue;
		found++;
		assert_string_equal(json_string_value(json_object_get(item, "category")), "p2p");
		assert_true(json_integer_value(json_object_get(item, "features")) > 5);
	}
	assert_int_equal(found, 1);
	json_decref(list);
}

static void check_says_what_is_wrong(void **state)
{
	char good[] = "/tmp/weir-cli-XXXXXX", bad[] = "/tmp/weir-cli-XXXXXX";
	struct outcome o;
	char want[128];
	json_t *document;

	write_file(good, "features: { a: { regex: x } }\napplications: { x: { when: a } }\n");
	write_file(bad, "features: { a: { regex: x } }\napplications: { x: { when: b } }\n");
	RUN(&o, "check", good);
	assert_int_equal(o.status, CLI_DONE);
	snprintf(want, sizeof(want), "%s: 1 application\n", good);
	assert_string_equal(o.out, want);
	RUN(&o, "check", bad);
	assert_int_equal(o.status, CLI_FAILED);
	assert_string_equal(o.out, "");
	snprintf(want, sizeof(want), "%s:2:28: when: unknown feature `b`, did you mean `a`?\n",
		 bad);
	assert_string_equal(o.err, want);
	RUN(&o, "check", "--json", bad);
	assert_int_equal(o.status, CLI_FAILED);
	document = json_loads(o.out, 0, NULL);
	assert_true(json_is_false(json_object_get(document, "ok")));
	json_decref(document);
	RUN(&o, "list", "--signatures", good, "--json");
	assert_non_null(strstr(o.out, "\"x\""));
	unlink(good);
	unlink(bad);
}

static const char reviewed[] =
	"features:\n"
	"  never: { transport: udp, length: 3, mask: { offset: 4, bytes: '11' } }\n"
	"  short: { regex: { pattern: '^abcdef', within: 5 } }\n"
	"  get: { transport: tcp, mask: { text: 'GET ' } }\n"
	"  g: { transport: tcp, mask: { text: 'G' } }\n"
	"  go: { transport: tcp, mask: { text: 'GO' } }\n"
	"  unused: { port: 9 }\n"
	"applications:\n"
	"  a: { when: never or short, confidence: 99 }\n"
	"  b: { when: g, confidence: 95 }\n"
	"  c: { when: get }\n"
	"  d: { rules: [ { when: get and go }, { when: go and not g }, { when: g and not get, "
	"confidence: 96 } ] }\n";

static void check_reviews_the_set(void **state)
{
	static const char *const wanted[] = {
		":2:3: warning: feature `never` can never match",
		":3:3: warning: feature `short` can never match",
		":7:3: warning: feature `unused` is used by no rule",
		":9:14: warning: rule of `a` can never be true",
		":9:3: warning: application `a` can never be the answer",
		":11:14: warning: rule of `c` never wins: wherever it is true, so is a surer rule "
		"of `b`",
		":11:3: warning: application `c` can never be the answer",
		":12:25: warning: rule of `d` can never be true",
		":12:47: warning: rule of `d` can never be true",
		"\nget implies g\n",
		"\ngo implies g\n",
		"\nget excludes go\n",
		": 4 applications\n",
	};
	char path[] = "/tmp/weir-cli-XXXXXX";
	json_t *document, *implies;
	struct outcome o;

	write_file(path, reviewed);
	RUN(&o, "check", path);
	assert_int_equal(o.status, CLI_DONE);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!strstr(o.out, wanted[i]))
			fail_msg("%s in\n%s", wanted[i], o.out);
	assert_null(strstr(o.out, "warning: rule of `b`"));
	assert_null(strstr(o.out, "application `d`"));
	assert_null(strstr(o.out, "`g` is used"));
	RUN(&o, "check", "--json", path);
	assert_int_equal(o.status, CLI_DONE);
	document = json_loads(o.out, 0, NULL);
	assert_true(json_is_true(json_object_get(document, "ok")));
	assert_int_equal(json_array_size(json_object_get(document, "warnings")), 10);
	implies = json_object_get(json_object_get(document, "implies"), "get");
	assert_string_equal(json_string_value(json_array_get(implies, 0)), "g");
	assert_int_equal(json_object_size(json_object_get(document, "excludes")), 1);
	json_decref(document);
	unlink(path);
}

/* A folder with a pattern file of each kind. */
static const struct {
	const char *name, *text;
} patterns[] = {
	{"hail.pat", "# Hail - a protocol of this test\n# Pattern attributes: great veryfast\n"
		     "# Protocol groups: open_source chat ietf_draft_standard\n\nhail\n"
		     "^hail (one|two)[ \\x09]+[^\\x0d]*\\/end\n"
		     "userspace pattern=^HAIL (one|two)\nuserspace flags=REG_NOSUB\n"},
	{"raw.pat", "raw\n^\\x01.?a+\\xfe\n"},
	{"braces.pat", "br@ces\na{2}'s [a]\\.b \"\n"},
	{"all.pat", "all\n.*\n"},
	{"twice.pat", "hail\nx\n"},
	{"open.pat", "open\n^(a\n"},
	{"bracket.pat", "bracket\n[a-\n"},
	{"empty.pat", "# nothing\n"},
	{"nameonly.pat", "nameonly\n"},
	{"star.pat", "star\na**\n"},
	{"notes.txt", "no pattern\n^x\n"},
};

static void folder_make(char *folder)
{
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		char path[128];
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", folder, patterns[i].name);
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(patterns[i].text, f);
		fclose(f);
	}
}

static void folder_remove(const char *folder)
{
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", folder, patterns[i].name);
		unlink(path);
	}
	rmdir(folder);
}

static void import_translates_patterns(void **state)
{
	static const char *const wanted[] = {
		"'^hail\\x20(?:one|two)[\\x20\\x09]+[^\\x0d]*/end', caseless: true",
		"hail: { category: chat, when: 'hail', confidence: 85 }",
		"'^\\x00*\\x01(?:\\x00*[^\\x00])?(?:\\x00*a)+\\x00*\\xfe'",
		"br-ces: { regex: { pattern: 'a\\x7b2\\x7d\\x27s\\x20[a]\\x2eb\\x20\\x22'",
		"all.pat: it matches everything",
		"twice.pat: another file has a pattern of this name",
		"bracket.pat: a bracket that is not closed",
		"empty.pat: it has no name",
		"nameonly.pat: it has no pattern",
		"star.pat: a repetition of a repetition",
		"open.pat: pattern:2:",
	};
	char folder[] = "/tmp/weir-pat-XXXXXX", set[] = "/tmp/weir-set-XXXXXX";
	char missing[] = "/tmp/weir-set-XXXXXX/nowhere";
	struct outcome o;

	folder_make(folder);
	RUN(&o, "import", folder);
	assert_int_equal(o.status, CLI_DONE);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!strstr(o.out, wanted[i]))
			fail_msg("%s in\n%s", wanted[i], o.out);
	assert_null(strstr(o.out, "notes.txt"));
	assert_non_null(strstr(o.err, "star.pat: left out: a repetition of a repetition\n"));
	assert_non_null(strstr(o.err, "3 patterns of 10 files, 7 left out\n"));
	write_file(set, "");
	RUN(&o, "import", folder, "-o", set);
	assert_int_equal(o.status, CLI_DONE);
	assert_string_equal(o.out, "");
	RUN(&o, "check", set);
	assert_int_equal(o.status, CLI_DONE);
	assert_non_null(strstr(o.out, ": 3 applications\n"));
	RUN(&o, "import", folder, "-o", missing);
	assert_int_equal(o.status, CLI_FAILED);
	assert_non_null(strstr(o.err, "No such file or directory"));
	unlink(set);
	folder_remove(folder);
}

static void import_needs_a_folder_with_patterns(void **state)
{
	char folder[] = "/tmp/weir-pat-XXXXXX";
	struct outcome o;

	RUN(&o, "import");
	assert_int_equal(o.status, CLI_USAGE);
	RUN(&o, "list", "-o", "x");
	assert_int_equal(o.status, CLI_USAGE);
	assert_non_null(mkdtemp(folder));
	RUN(&o, "import", folder);
	assert_int_equal(o.status, CLI_FAILED);
	assert_non_null(strstr(o.err, "no .pat files"));
	rmdir(folder);
	RUN(&o, "import", folder);
	assert_int_equal(o.status, CLI_FAILED);
	assert_non_null(strstr(o.err, "No such file or directory"));
}

static void usage_is_two(void **state)
{
	struct outcome o;

	RUN(&o, "frobnicate");
	assert_int_equal(o.status, CLI_USAGE);
	assert_string_equal(o.out, "");
	assert_non_null(strstr(o.err, "expected `list`, `check` or `import`"));
	RUN(&o, "check");
	assert_int_equal(o.status, CLI_USAGE);
	assert_non_null(strstr(o.err, "no file named"));
	RUN(&o, "list", "extra");
	assert_int_equal(o.status, CLI_USAGE);
	RUN(&o, "list", "--bogus");
	assert_int_equal(o.status, CLI_USAGE);
	RUN(&o, "-h");
	assert_int_equal(o.status, CLI_DONE);
	assert_non_null(strstr(o.out, "usage: weir signatures"));
	assert_string_equal(o.err, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_shows_applications),
		cmocka_unit_test(list_is_one_document),
		cmocka_unit_test(check_says_what_is_wrong),
		cmocka_unit_test(check_reviews_the_set),
		cmocka_unit_test(import_translates_patterns),
		cmocka_unit_test(import_needs_a_folder_with_patterns),
		cmocka_unit_test(usage_is_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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

static void usage_is_two(void **state)
{
	struct outcome o;

	RUN(&o, "frobnicate");
	assert_int_equal(o.status, CLI_USAGE);
	assert_string_equal(o.out, "");
	assert_non_null(strstr(o.err, "expected `list` or `check`"));
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
		cmocka_unit_test(usage_is_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

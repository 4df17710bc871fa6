// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "yaml/yaml.h"

static struct yaml_file *parse(const char *text)
{
	struct yaml_file *f = NULL;
	struct error e = {0};
	int err = yaml_parse("t.yaml", text, strlen(text), &f, &e);

	if (err < 0)
		fail_msg("%s", e.text);
	return f;
}

static void assert_refused(const char *text, size_t len, const char *message)
{
	struct yaml_file *f = NULL;
	struct error e = {0};

	assert_true(yaml_parse("t.yaml", text, len, &f, &e) < 0);
	assert_null(f);
	assert_string_equal(e.text, message);
}

static void tree_keeps_places(void **state)
{
	struct yaml_file *f = parse("a: 1\nb:\n  - x\n  - \"2\"\nc: { d: e, f: [g] }\n");
	const struct yaml_node *root = yaml_root(f), *n;

	assert_int_equal(root->kind, YAML_MAPPING);
	assert_int_equal(root->count, 3);
	n = yaml_get(root, "b");
	assert_int_equal(n->kind, YAML_SEQUENCE);
	assert_int_equal(n->count, 2);
	assert_string_equal(n->items[0]->text, "x");
	assert_int_equal(n->items[1]->line, 4);
	assert_int_equal(n->items[1]->column, 5);
	assert_true(n->items[1]->quoted);
	assert_false(n->items[0]->quoted);
	n = yaml_get(yaml_get(root, "c"), "f");
	assert_string_equal(n->items[0]->text, "g");
	assert_int_equal(n->items[0]->line, 5);
	assert_int_equal(n->items[0]->column, 16);
	assert_null(yaml_get(root, "z"));
	assert_string_equal(yaml_name(f), "t.yaml");
	yaml_close(f);
}

static void many_items(void **state)
{
	struct yaml_file *f;
	char text[4000] = "[";
	size_t at = 1;

	for (int i = 0; i < 500; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%d,", i);
	snprintf(text + at, sizeof(text) - at, "]");
	f = parse(text);
	assert_int_equal(yaml_root(f)->count, 500);
	assert_string_equal(yaml_root(f)->items[499]->text, "499");
	yaml_close(f);
}

static void empty_document(void **state)
{
	static const char *const texts[] = {"", "# only a comment\n", "---\n", "~\n"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct yaml_file *f = parse(texts[i]);

		assert_null(yaml_root(f));
		yaml_close(f);
	}
}

static void byte_order_mark(void **state)
{
	struct yaml_file *f = parse("\xef\xbb\xbf"
				    "a: b\n");

	assert_string_equal(yaml_get(yaml_root(f), "a")->text, "b");
	yaml_close(f);
}

static void refusals(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"a: &x 1\nb: *x\n", "t.yaml:1:4: anchors, aliases and tags are not allowed"},
		{"b: *x\n", "t.yaml:1:4: anchors, aliases and tags are not allowed"},
		{"a: !!int 1\n", "t.yaml:1:4: anchors, aliases and tags are not allowed"},
		{"a: &x [1]\n", "t.yaml:1:4: anchors, aliases and tags are not allowed"},
		{"a: !t {b: c}\n", "t.yaml:1:4: anchors, aliases and tags are not allowed"},
		{"a: 1\nb: 2\n\na: 3\n", "t.yaml:4:1: key `a` is given twice"},
		{"x: {b: 1, c: 2, c: 3, b: 4}\n", "t.yaml:1:17: key `c` is given twice"},
		{"a: 1\n---\nb: 2\n", "t.yaml:2:1: more than one document"},
		{"{[a]: b}\n", "t.yaml:1:2: a key must be plain text"},
		{"? {a: b}\n: c\n", "t.yaml:1:3: a key must be plain text"},
		{"a: \"x\\0y\"\n", "t.yaml:1:4: text with a NUL byte"},
		{"a: [1, 2\nb: 3\n",
		 "t.yaml:2:2: while parsing a flow sequence did not find expected ',' or ']'"},
		{"a:\n\t- b\n", "t.yaml:2:1: while scanning for the next token found character "
				"that cannot start any token"},
		{"a: b\nc: \x01\n", "t.yaml:2:4: control characters are not allowed"},
		{"a: \xff\n", "t.yaml:1:4: invalid leading UTF-8 octet"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_refused(cases[i].text, strlen(cases[i].text), cases[i].message);
}

static void depth_is_bounded(void **state)
{
	char text[2 * (YAML_DEPTH_MAX + 1) + 1];
	struct yaml_file *f;

	memset(text, '[', YAML_DEPTH_MAX + 1);
	memset(text + YAML_DEPTH_MAX + 1, ']', YAML_DEPTH_MAX + 1);
	assert_refused(text, sizeof(text) - 1, "t.yaml:1:33: nested too deeply");
	text[2 * YAML_DEPTH_MAX + 1] = '\0';
	f = parse(text + 1);
	yaml_close(f);
}

/* Each end of a line that YAML knows. */
static void directives_are_bounded(void **state)
{
	static const char *const breaks[] = {"\n",	 "\r\n",	 "\r",
					     "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};
	char text[1000];

	for (size_t i = 0; i < ARRAY_SIZE(breaks); i++) {
		struct yaml_file *f = NULL;
		struct error e = {0};
		size_t at = 0;

		for (int n = 0; n < YAML_DIRECTIVES_MAX; n++)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%%TAG !%d! x%s", n,
					       breaks[i]);
		snprintf(text + at, sizeof(text) - at, "---%s'%% %%'", breaks[i]);
		yaml_close(parse(text));
		snprintf(text + at, sizeof(text) - at, "%%TAG !y! x%s---%s", breaks[i], breaks[i]);
		assert_int_equal(yaml_parse("t", text, strlen(text), &f, &e), -EINVAL);
		assert_non_null(strstr(e.text, ":1: too many directives"));
		assert_null(f);
	}
}

static void directives_are_counted_where_they_are(void **state)
{
	char text[YAML_DIRECTIVES_MAX * 16 + 32];
	size_t at = (size_t)snprintf(text, sizeof(text), "a: b%%\n...\n");

	for (int n = 0; n <= YAML_DIRECTIVES_MAX; n++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%%TAG !%d! x\n", n);
	assert_refused(text, at, "t.yaml:19:1: too many directives");
}

static void nodes_are_bounded(void **state)
{
	size_t len = 2 * YAML_NODES_MAX + 2;
	char *text = malloc(len);

	text[0] = '[';
	for (size_t i = 1; i < len; i += 2) {
		text[i] = '1';
		text[i + 1 < len ? i + 1 : i] = ',';
	}
	text[len - 1] = ']';
	assert_refused(text, len, "t.yaml:1:400000: too many nodes");
	free(text);
}

static void size_is_bounded(void **state)
{
	char *text = malloc(YAML_FILE_MAX + 1);

	memset(text, '\n', YAML_FILE_MAX + 1);
	assert_refused(text, YAML_FILE_MAX + 1, "t.yaml: larger than 4194304 bytes");
	free(text);
}

static void files(void **state)
{
	char path[] = "/tmp/weir-yaml-XXXXXX", want[128];
	struct yaml_file *f = NULL;
	struct error e = {0};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a: b\n", 5), 5);
	assert_int_equal(yaml_open(path, &f, &e), 0);
	assert_string_equal(yaml_get(yaml_root(f), "a")->text, "b");
	yaml_close(f);
	close(fd);
	unlink(path);
	f = NULL;
	assert_int_equal(yaml_open(path, &f, &e), -ENOENT);
	snprintf(want, sizeof(want), "%s: No such file or directory", path);
	assert_string_equal(e.text, want);
	assert_null(f);
	e.text[0] = '\0';
	assert_int_equal(yaml_open("/tmp", &f, &e), -EISDIR);
	assert_string_equal(e.text, "/tmp: Is a directory");
}

static void typed_reads(void **state)
{
	struct yaml_file *f = parse("n: 42\nb: true\nm: {}\ns: text\nl: []\n");
	const struct yaml_node *root = yaml_root(f);
	const char *text = NULL;
	unsigned long n = 0;
	bool b = false;

	assert_int_equal(yaml_uint(f, yaml_get(root, "n"), "n", 0, 42, &n, NULL), 0);
	assert_int_equal(n, 42);
	assert_int_equal(yaml_bool(f, yaml_get(root, "b"), "b", &b, NULL), 0);
	assert_true(b);
	assert_int_equal(yaml_mapping(f, yaml_get(root, "m"), "m", NULL), 0);
	assert_int_equal(yaml_sequence(f, yaml_get(root, "l"), "l", NULL), 0);
	assert_int_equal(yaml_string(f, yaml_get(root, "s"), "s", &text, NULL), 0);
	assert_string_equal(text, "text");
	yaml_close(f);
}

enum read { READ_UINT, READ_BOOL, READ_STRING, READ_MAPPING, READ_SEQUENCE };

static int read_as(enum read how, const struct yaml_file *f, const struct yaml_node *n,
		   struct error *e)
{
	const char *text = "untouched";
	unsigned long value = 77;
	bool b = true;
	int err = 0;

	if (how == READ_UINT)
		err = yaml_uint(f, n, "key", 1, 100, &value, e);
	else if (how == READ_BOOL)
		err = yaml_bool(f, n, "key", &b, e);
	else if (how == READ_STRING)
		err = yaml_string(f, n, "key", &text, e);
	else
		err = how == READ_MAPPING ? yaml_mapping(f, n, "key", e)
					  : yaml_sequence(f, n, "key", e);
	assert_true(err == 0 || (value == 77 && b && strcmp(text, "untouched") == 0));
	return err;
}

static void typed_refusals(void **state)
{
	static const struct {
		enum read how;
		const char *text, *message;
	} cases[] = {
		{READ_UINT, "key: 0", "key: expected a number from 1 to 100, found `0`"},
		{READ_UINT, "key: 101", "key: expected a number from 1 to 100, found `101`"},
		{READ_UINT, "key: 1x", "key: expected a number from 1 to 100, found `1x`"},
		{READ_UINT, "key: -1", "key: expected a number from 1 to 100, found `-1`"},
		{READ_UINT, "key: \"5\"", "key: expected a number from 1 to 100, found \"5\""},
		{READ_UINT, "key: 99999999999999999999",
		 "key: expected a number from 1 to 100, found `99999999999999999999`"},
		{READ_BOOL, "key: yes", "key: expected true or false, found `yes`"},
		{READ_BOOL, "key: \"true\"", "key: expected true or false, found \"true\""},
		{READ_STRING, "key: [a]", "key: expected text, found a list"},
		{READ_STRING, "key:", "key: expected text, found nothing"},
		{READ_STRING, "key: ~", "key: expected text, found nothing"},
		{READ_MAPPING, "key: a", "key: expected a mapping, found `a`"},
		{READ_SEQUENCE, "key: {}", "key: expected a list, found a mapping"},
		{READ_MAPPING, "key: \"a\\nb\"", "key: expected a mapping, found \"a?b\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct yaml_file *f = parse(cases[i].text);
		const struct yaml_node *n = yaml_get(yaml_root(f), "key");
		struct error e = {0};
		char want[256];

		assert_int_equal(read_as(cases[i].how, f, n, &e), -EINVAL);
		snprintf(want, sizeof(want), "t.yaml:%u:%u: %s", n->line, n->column,
			 cases[i].message);
		assert_string_equal(e.text, want);
		yaml_close(f);
	}
}

static void missing_node(void **state)
{
	struct yaml_file *f = parse("a: b");
	struct error e = {0};

	assert_int_equal(yaml_mapping(f, yaml_get(yaml_root(f), "c"), "c", &e), -EINVAL);
	assert_string_equal(e.text, "t.yaml:1:1: c: expected a mapping, found nothing");
	yaml_close(f);
}

static void known_keys(void **state)
{
	static const char *const known[] = {"interface", "hook", NULL};
	struct yaml_file *f = parse("hook: a\ninterfase: b\n");
	struct error e = {0};

	assert_int_equal(yaml_known_keys(f, yaml_root(f), "port", known, &e), -EINVAL);
	assert_string_equal(e.text,
			    "t.yaml:2:1: port: unknown key `interfase`, did you mean `interface`?");
	yaml_close(f);
	f = parse("zzz: 1");
	e.text[0] = '\0';
	assert_int_equal(yaml_known_keys(f, yaml_root(f), "port", known, &e), -EINVAL);
	assert_string_equal(e.text, "t.yaml:1:1: port: unknown key `zzz`");
	yaml_close(f);
	f = parse("hook: 1\ninterface: 2\n");
	assert_int_equal(yaml_known_keys(f, yaml_root(f), "port", known, &e), 0);
	yaml_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_keeps_places),
		cmocka_unit_test(many_items),
		cmocka_unit_test(empty_document),
		cmocka_unit_test(byte_order_mark),
		cmocka_unit_test(refusals),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(directives_are_bounded),
		cmocka_unit_test(directives_are_counted_where_they_are),
		cmocka_unit_test(nodes_are_bounded),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(files),
		cmocka_unit_test(typed_reads),
		cmocka_unit_test(typed_refusals),
		cmocka_unit_test(missing_node),
		cmocka_unit_test(known_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* The journal of changes against kinds that only write down what they were asked to take back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "port/changes.h"

struct fixture {
	char dir[64];
	char path[96];
	char undone[256]; /* "b.a." in the order of undoing */
	const char *refuse;
	bool file_named_it; /* the change undone last was still in the file */
};

static bool file_has(const struct fixture *f, const char *needle)
{
	char content[4096] = "";
	FILE *file = fopen(f->path, "r");
	size_t n;

	if (!file)
		return false;
	n = fread(content, 1, sizeof(content) - 1, file);
	content[n] = 0;
	fclose(file);
	return strstr(content, needle);
}

static bool file_exists(const struct fixture *f)
{
	return !access(f->path, F_OK);
}

static int fake_undo(const json_t *change, void *arg)
{
	struct fixture *f = arg;
	const char *name = json_string_value(json_object_get(change, "interface"));

	if (f->refuse && !strcmp(f->refuse, name))
		return -EBUSY;
	f->file_named_it = file_has(f, name);
	strcat(f->undone, name);
	strcat(f->undone, ".");
	return 0;
}

static const struct changes_kind fake_kinds[] = {
	{"colour", fake_undo}, {"size", fake_undo}, {NULL, NULL}};

static json_t *change(const char *kind, const char *interface)
{
	return json_pack("{s:s, s:s}", "kind", kind, "interface", interface);
}

static struct port_changes *open_journal(struct fixture *f)
{
	struct port_changes *c = NULL;
	struct error e = {0};

	assert_int_equal(changes_open(f->path, fake_kinds, f, &c, &e), 0);
	assert_non_null(c);
	return c;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/weir-changes-%d", (int)getpid());
	snprintf(f->path, sizeof(f->path), "%s/changes.json", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void test_written_before_made(void **state)
{
	struct fixture *f = *state;
	struct port_changes *c = open_journal(f);
	struct stat st;

	assert_false(file_exists(f));
	assert_int_equal(changes_add(c, change("colour", "alpha")), 0);
	assert_true(file_has(f, "\"alpha\""));
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	port_changes_close(c);
	assert_true(file_exists(f));
}

static void test_undo_newest_first(void **state)
{
	struct fixture *f = *state;
	struct port_changes *c = open_journal(f);

	assert_int_equal(changes_add(c, change("colour", "a")), 0);
	assert_int_equal(changes_add(c, change("colour", "b")), 0);
	assert_int_equal(changes_add(c, change("size", "c")), 0);
	assert_int_equal(port_changes_undo(c), 0);
	assert_string_equal(f->undone, "c.b.a.");
	/* A daemon killed while it undoes must find the change that it was at. */
	assert_true(f->file_named_it);
	assert_false(file_exists(f));
	port_changes_close(c);
}

static void test_undo_one_interface(void **state)
{
	struct fixture *f = *state;
	struct port_changes *c = open_journal(f);

	assert_int_equal(changes_add(c, change("colour", "a")), 0);
	assert_int_equal(changes_add(c, change("colour", "b")), 0);
	assert_int_equal(changes_add(c, change("size", "a")), 0);
	assert_int_equal(changes_add(c, json_pack("{s:s, s:s, s:s}", "kind", "size", "interface",
						  "n", "peer", "a")),
			 0);
	assert_int_equal(port_changes_undo_interface(c, "a"), 0);
	assert_string_equal(f->undone, "n.a.a.");
	assert_true(file_has(f, "\"b\""));
	assert_false(file_has(f, "\"a\""));
	port_changes_close(c);
}

static void test_continued_not_duplicated(void **state)
{
	struct fixture *f = *state;
	struct port_changes *c = open_journal(f);

	assert_int_equal(changes_add(c, change("colour", "a")), 0);
	assert_int_equal(changes_add(c, change("colour", "b")), 0);
	port_changes_close(c); /* the daemon died */
	c = open_journal(f);
	assert_non_null(changes_find(c, "colour", "a"));
	assert_null(changes_find(c, "size", "a"));
	assert_int_equal(changes_add(c, change("colour", "a")), 0);
	assert_int_equal(changes_add(c, change("size", "c")), 0);
	assert_int_equal(port_changes_undo(c), 0);
	assert_string_equal(f->undone, "c.b.a.");
	port_changes_close(c);
}

static void test_refused_undo_stays(void **state)
{
	struct fixture *f = *state;
	struct port_changes *c = open_journal(f);

	assert_int_equal(changes_add(c, change("colour", "a")), 0);
	assert_int_equal(changes_add(c, change("colour", "b")), 0);
	f->refuse = "b";
	assert_int_equal(port_changes_undo(c), -EBUSY);
	assert_string_equal(f->undone, "a.");
	assert_true(file_has(f, "\"b\""));
	f->refuse = NULL;
	assert_int_equal(port_changes_undo(c), 0);
	assert_false(file_exists(f));
	port_changes_close(c);
}

static void test_forgotten(void **state)
{
	struct fixture *f = *state;
	struct port_changes *c = open_journal(f);

	assert_int_equal(changes_add(c, change("colour", "a")), 0);
	changes_forget(c, "colour", "a");
	assert_false(file_exists(f));
	assert_int_equal(port_changes_undo(c), 0);
	assert_string_equal(f->undone, "");
	assert_int_equal(changes_add(c, NULL), -ENOMEM);
	port_changes_close(c);
}

/* What was not written must not be made, nor undone. */
static void test_unwritable(void **state)
{
	struct fixture *f = *state;
	struct port_changes *c = open_journal(f);
	char blocker[128];

	snprintf(blocker, sizeof(blocker), "%s.new", f->path);
	assert_int_equal(mkdir(blocker, 0700), 0);
	assert_int_equal(changes_add(c, change("colour", "a")), -EISDIR);
	assert_null(changes_find(c, "colour", "a"));
	assert_int_equal(rmdir(blocker), 0);
	port_changes_close(c);
}

static void check_rejected(struct fixture *f, const char *content)
{
	struct port_changes *c = NULL;
	struct error e = {0};
	FILE *file;

	mkdir(f->dir, 0700);
	file = fopen(f->path, "w");
	assert_non_null(file);
	fputs(content, file);
	fclose(file);
	assert_int_equal(changes_open(f->path, fake_kinds, f, &c, &e), -EINVAL);
	assert_null(c);
	assert_non_null(strstr(e.text, f->path));
	assert_true(file_exists(f));
}

static void test_foreign_file(void **state)
{
	struct fixture *f = *state;

	check_rejected(f, "");
	check_rejected(f, "{\"version\": 1, \"changes\": [");
	check_rejected(f, "{\"version\": 2, \"changes\": []}");
	check_rejected(f, "{\"version\": 1, \"changes\": {}}");
	check_rejected(f, "{\"version\": 1, \"changes\": [7]}");
	check_rejected(f, "{\"version\": 1, \"changes\": "
			  "[{\"kind\": \"unheard-of\", \"interface\": \"a\"}]}");
	check_rejected(f, "{\"version\": 1, \"changes\": [{\"kind\": \"size\"}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_written_before_made, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undo_newest_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undo_one_interface, setup, teardown),
		cmocka_unit_test_setup_teardown(test_continued_not_duplicated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_undo_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unwritable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_file, setup, teardown),
	};

	return cmocka_run_group_tests_name("port_changes", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"

struct lines {
	int count;
	char type[32], first[2048], last[2048];
};

static void sink(const char *type, const char *line, void *arg)
{
	struct lines *l = arg;

	snprintf(l->type, sizeof(l->type), "%s", type);
	snprintf(l->count++ ? l->last : l->first, sizeof(l->first), "%s", line);
}

static bool count(const char *line, void *arg)
{
	sink("", line, arg);
	return true;
}

static bool stop_at_two(const char *line, void *arg)
{
	count(line, arg);
	return ((struct lines *)arg)->count < 2;
}

static void keeps_the_last_thousand(void **state)
{
	struct audit *a = NULL;
	struct lines all = {0}, flows = {0}, two = {0};

	assert_int_equal(audit_open(NULL, &a, NULL), 0);
	for (int i = 0; i < AUDIT_RECENT_MAX + 10; i++)
		audit_event(a, i % 2 ? EVE_PORT : EVE_POLICY, json_pack("{s:i}", "n", i));
	audit_recent(a, NULL, count, &all);
	audit_recent(a, "port", count, &flows);
	audit_recent(a, NULL, stop_at_two, &two);
	assert_int_equal(all.count, AUDIT_RECENT_MAX);
	assert_non_null(strstr(all.first, "\"policy\":{\"n\":10}"));
	assert_non_null(strstr(all.last, "\"port\":{\"n\":1009}"));
	assert_int_equal(flows.count, AUDIT_RECENT_MAX / 2);
	assert_int_equal(two.count, 2);
	assert_int_equal(audit_lost(a), 0);
	audit_close(a);
}

static void tells_the_sink(void **state)
{
	struct lines l = {0};
	struct audit *a = NULL;

	assert_int_equal(audit_open(NULL, &a, NULL), 0);
	audit_set_sink(a, sink, &l);
	audit_change(a, EVE_PORT, "vanished", "lan");
	assert_string_equal(l.type, "port");
	assert_null(strchr(l.first, '\n'));
	assert_non_null(strstr(l.first, "{\"change\":\"vanished\",\"name\":\"lan\"}"));
	audit_close(a);
}

/* Each type has its own bound, and what is over it is counted. */
static void rates_are_bounded_by_type(void **state)
{
	struct lines l = {0};
	struct audit *a = NULL;

	assert_int_equal(audit_open(NULL, &a, NULL), 0);
	audit_set_sink(a, sink, &l);
	for (int i = 0; i < 100; i++)
		audit_event(a, EVE_PORT, NULL);
	assert_int_equal(l.count, 100);
	audit_set_rate(a, 10);
	for (int i = 0; i < 1000; i++)
		audit_event(a, EVE_PORT, NULL);
	audit_event(a, EVE_POLICY, NULL);
	/* The loop may take a tenth of a second, in which one more is allowed. */
	assert_in_range(audit_dropped(a, EVE_PORT), 980, 990);
	assert_int_equal(audit_written(a, EVE_PORT), 1100 - audit_dropped(a, EVE_PORT));
	assert_int_equal(audit_dropped(a, EVE_POLICY), 0);
	assert_int_equal(audit_written(a, EVE_POLICY), 1);
	usleep(250000);
	assert_true(audit_admit(a, EVE_PORT));
	assert_true(audit_admit(a, EVE_PORT));
	audit_set_rate(a, 0);
	for (int i = 0; i < 100; i++)
		assert_true(audit_admit(a, EVE_PORT));
	assert_int_equal(audit_lost(a), 0);
	audit_close(a);
}

/* Lines of a file that are whole JSON objects; -1 when one is not. */
static int whole_lines(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[4096];
	int n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		n = o && strchr(line, '\n') ? n + 1 : -1;
		json_decref(o);
		if (n < 0)
			break;
	}
	fclose(f);
	return n;
}

static void writes_lines_and_follows_a_rename(void **state)
{
	char path[64], moved[80], other[80];
	struct audit *a = NULL;
	struct error e = {0};

	snprintf(path, sizeof(path), "/tmp/weir-audit-%d.json", (int)getpid());
	snprintf(moved, sizeof(moved), "%s.1", path);
	snprintf(other, sizeof(other), "%s.other", path);
	assert_int_equal(audit_open(path, &a, &e), 0);
	audit_event(a, EVE_PORT, json_pack("{s:s}", "name", "a\nb"));
	audit_event(a, EVE_PORT, NULL);
	assert_int_equal(rename(path, moved), 0);
	audit_event(a, EVE_PORT, NULL);
	assert_int_equal(whole_lines(moved), 2);
	assert_int_equal(whole_lines(path), 1);
	assert_int_equal(unlink(path), 0);
	audit_event(a, EVE_PORT, NULL);
	assert_int_equal(whole_lines(path), 1);
	assert_int_equal(audit_set_file(a, other, &e), 0);
	audit_event(a, EVE_PORT, NULL);
	assert_int_equal(whole_lines(other), 1);
	assert_int_equal(audit_set_file(a, "/nonexistent/folder/x", &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nonexistent/folder/x"));
	audit_event(a, EVE_PORT, NULL);
	assert_int_equal(whole_lines(other), 2);
	assert_int_equal(audit_set_file(a, NULL, &e), 0);
	audit_event(a, EVE_PORT, NULL);
	assert_int_equal(whole_lines(other), 2);
	assert_int_equal(audit_lost(a), 0);
	audit_close(a);
	unlink(path);
	unlink(moved);
	unlink(other);
}

/* Readable by the group adm and by nobody else, whatever the umask; a file that is there keeps what
 * it has. */
static void a_new_file_is_for_root_and_adm(void **state)
{
	static const mode_t masks[] = {0, 022, 077};
	const struct group *adm = getgrnam("adm");
	struct audit *a = NULL;
	struct error e = {0};
	struct stat st;
	char path[64];
	mode_t before;

	snprintf(path, sizeof(path), "/tmp/weir-audit-%d.mode", (int)getpid());
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		before = umask(masks[i]);
		assert_int_equal(audit_open(path, &a, &e), 0);
		umask(before);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0640);
		if (geteuid() == 0) {
			assert_int_equal(st.st_uid, 0);
			assert_int_equal(st.st_gid, adm ? adm->gr_gid : 0);
		}
		audit_close(a);
		assert_int_equal(chmod(path, 0600), 0);
		assert_int_equal(audit_open(path, &a, &e), 0);
		audit_close(a);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(unlink(path), 0);
	}
}

static void counts_what_it_cannot_write(void **state)
{
	struct audit *a = NULL;
	struct error e = {0};

	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(audit_open("/dev/full", &a, &e), 0);
	audit_event(a, EVE_PORT, NULL);
	audit_event(a, EVE_PORT, NULL);
	assert_int_equal(audit_lost(a), 2);
	assert_int_equal(audit_set_file(a, NULL, &e), 0);
	assert_int_equal(audit_lost(a), 2);
	audit_close(a);
}

/* A FIFO whose reader does not read must not stop the daemon. */
static void does_not_wait_for_a_reader(void **state)
{
	struct audit *a = NULL;
	struct error e = {0};
	char path[64];
	int reader;

	snprintf(path, sizeof(path), "/tmp/weir-audit-%d.fifo", (int)getpid());
	assert_int_equal(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(audit_open(path, &a, &e), 0);
	log_set_level(LOG_LEVEL_ERROR);
	for (int i = 0; i < 2000; i++)
		audit_event(a, EVE_PORT,
			    json_pack("{s:s}", "name", "0123456789012345678901234567890"));
	assert_true(audit_lost(a) > 0);
	audit_close(a);
	close(reader);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_last_thousand),
		cmocka_unit_test(tells_the_sink),
		cmocka_unit_test(rates_are_bounded_by_type),
		cmocka_unit_test(a_new_file_is_for_root_and_adm),
		cmocka_unit_test(writes_lines_and_follows_a_rename),
		cmocka_unit_test(counts_what_it_cannot_write),
		cmocka_unit_test(does_not_wait_for_a_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

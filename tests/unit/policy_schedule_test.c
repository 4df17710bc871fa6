// SPDX-License-Identifier: GPL-2.0-only
/* Schedules of rules, and the time zones behind them against the C library's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "policy/draft.h"
#include "policy/zone.h"
#include "unit/policy_words.h"

#define HEAD                                                                                       \
	"version: 1\n"                                                                             \
	"ports: { lan: { interface: eth1 } }\n"                                                    \
	"forward: [ { mode: bridge, bridge: br0, ports: [lan] } ]\n"                               \
	"rules:\n"

static struct policy *parse(const char *rules)
{
	struct app_registry *r = app_registry_new();
	struct policy *p = NULL;
	struct error e = {0};
	char text[8192];

	snprintf(text, sizeof(text), HEAD "%s", rules);
	if (policy_parse("p.yaml", text, strlen(text), r, &p, NULL, &e) < 0)
		fail_msg("%s", e.text);
	app_registry_free(r);
	return p;
}

static void expect_words(const char *rules, int result, const char *words)
{
	char text[8192];

	snprintf(text, sizeof(text), HEAD "%s", rules);
	policy_expect_words(app_registry_new(), text, result, words);
}

/* A moment by the clock of a zone; dst as in struct tm. */
static int64_t moment(const char *zone, const char *text, int dst)
{
	struct tm tm = {0};
	time_t t;

	setenv("TZ", zone, 1);
	tzset();
	assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
	tm.tm_isdst = dst;
	t = mktime(&tm);
	unsetenv("TZ");
	tzset();
	return t;
}

/* The rule that decides at that moment. */
static const char *rule_at(struct policy *p, int64_t time)
{
	policy_schedule_apply(p, time);
	assert_false(policy_schedule_due(p, time));
	return policy_rule_name(p, policy_cell(p, &(struct weir_subject){0}, 0)->rule);
}

static void zones_are_the_c_librarys(void **state)
{
	static const char *const zones[] = {"Europe/Berlin",	   "America/New_York",
					    "Australia/Lord_Howe", "Asia/Kolkata",
					    "America/St_Johns",	   "Pacific/Auckland",
					    "Africa/Casablanca",   "UTC",
					    "Europe/Dublin",	   "America/Sao_Paulo",
					    "Asia/Tehran",	   "Antarctica/Troll",
					    "Asia/Jerusalem",	   "America/Scoresbysund"};

	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		struct zone *z = NULL;

		assert_int_equal(zone_open(zones[i], &z), 0);
		setenv("TZ", zones[i], 1);
		tzset();
		/* Every seven hours and some from 1975 on to beyond what the files list. */
		for (int64_t t = 157766400; t < 3500000000; t += 25399 * 4) {
			time_t seconds = (time_t)t;
			struct tm tm;

			assert_non_null(localtime_r(&seconds, &tm));
			if (zone_offset(z, t) != tm.tm_gmtoff)
				fail_msg("%s at %lld: %d, not %ld", zones[i], (long long)t,
					 zone_offset(z, t), tm.tm_gmtoff);
		}
		unsetenv("TZ");
		tzset();
		zone_free(z);
	}
}

static void zones_that_are_none(void **state)
{
	struct zone *z = NULL;

	assert_int_equal(zone_open("Europe/Nowhere", &z), -ENOENT);
	assert_int_equal(zone_open("../../etc/passwd", &z), -ENOENT);
	assert_int_equal(zone_open("/etc/passwd", &z), -ENOENT);
	assert_int_equal(zone_open("tzdata.zi", &z), -ENOENT);
	assert_int_equal(zone_open("", &z), 0);
	zone_free(z);
}

static void windows_of_the_week(void **state)
{
	struct policy *p = parse(
		"- { name: work, schedule: \"mon-fri 08:00-18:00 Europe/Berlin\", action: drop }\n"
		"- { name: night, schedule: [\"fri,sat 22:30-02:00 Europe/Berlin\",\n"
		"    \"sun 12:00-12:30 UTC\"], action: drop }\n"
		"- { name: always, schedule: \"00:00-24:00 Asia/Kolkata\", action: pass }\n");
	const char *berlin = "Europe/Berlin";

	/* 2026-11-30 is a Monday. */
	assert_string_equal(rule_at(p, moment(berlin, "2026-11-30 07:59", -1)), "always");
	assert_int_equal(p->schedule_next, moment(berlin, "2026-11-30 08:00", -1));
	assert_false(policy_rule_active(p, 0));
	assert_string_equal(rule_at(p, moment(berlin, "2026-11-30 08:00", -1)), "work");
	assert_int_equal(p->schedule_next, moment(berlin, "2026-11-30 18:00", -1));
	assert_true(policy_schedule_due(p, moment(berlin, "2026-11-30 18:00", -1)));
	assert_string_equal(rule_at(p, moment(berlin, "2026-11-30 18:00", -1)), "always");
	assert_string_equal(rule_at(p, moment(berlin, "2026-12-04 23:00", -1)), "night");
	assert_string_equal(rule_at(p, moment(berlin, "2026-12-05 01:59", -1)), "night");
	assert_string_equal(rule_at(p, moment(berlin, "2026-12-05 02:00", -1)), "always");
	assert_string_equal(rule_at(p, moment(berlin, "2026-12-06 01:59", -1)), "night");
	assert_string_equal(rule_at(p, moment(berlin, "2026-12-06 23:00", -1)), "always");
	assert_string_equal(rule_at(p, moment(berlin, "2026-12-07 01:00", -1)), "always");
	assert_string_equal(rule_at(p, moment("UTC", "2026-12-06 12:15", -1)), "night");
	assert_string_equal(rule_at(p, moment(berlin, "2026-12-06 12:15", -1)), "always");
	assert_string_equal(policy_rule_schedule(p, 1),
			    "fri,sat 22:30-02:00 Europe/Berlin, sun 12:00-12:30 UTC");
	policy_free(p);
	/* One that never changes has no next boundary. */
	p = parse("- { name: a, schedule: \"00:00-24:00\", action: drop }\n");
	assert_string_equal(rule_at(p, 1000000000), "a");
	assert_int_equal(p->schedule_next, 0);
	policy_free(p);
	p = parse("- { name: a, action: drop }\n");
	assert_false(policy_schedule_due(p, 1000000000));
	assert_null(policy_rule_schedule(p, 0));
	policy_free(p);
}

/* In Berlin clocks go from 02:00 to 03:00 on 2027-03-28, and from 03:00 back to 02:00 on
 * 2026-10-25. */
static void clocks_that_are_changed(void **state)
{
	struct policy *p = parse(
		"- { name: gap, schedule: \"02:15-02:45 Europe/Berlin\", action: drop }\n"
		"- { name: over, schedule: \"sat 22:00-05:00 Europe/Berlin\", action: drop }\n");
	const char *berlin = "Europe/Berlin";
	int64_t spring = moment("UTC", "2027-03-28 01:00", -1);
	int64_t autumn = moment("UTC", "2026-10-25 01:00", -1);

	/* The window that does not exist that day is left out; it is the next day's. */
	assert_string_equal(rule_at(p, spring - 60), "over");
	assert_string_equal(rule_at(p, spring + 16 * 60), "over");
	assert_int_equal(p->schedule_next, moment("UTC", "2027-03-28 03:00", -1));
	assert_string_equal(rule_at(p, moment("UTC", "2027-03-28 03:00", -1)), "default");
	assert_int_equal(p->schedule_next, moment("UTC", "2027-03-29 00:15", -1));
	/* The one that comes twice is twice. */
	assert_string_equal(rule_at(p, moment(berlin, "2026-10-25 02:20", 1)), "gap");
	assert_int_equal(p->schedule_next, moment(berlin, "2026-10-25 02:45", 1));
	assert_string_equal(rule_at(p, moment(berlin, "2026-10-25 02:50", 1)), "over");
	assert_int_equal(p->schedule_next, autumn + 15 * 60);
	assert_string_equal(rule_at(p, moment(berlin, "2026-10-25 02:20", 0)), "gap");
	assert_string_equal(rule_at(p, moment("UTC", "2026-10-25 03:59", -1)), "over");
	assert_string_equal(rule_at(p, moment("UTC", "2026-10-25 04:00", -1)), "default");
	policy_free(p);
}

static void what_is_refused(void **state)
{
	char many[4096] = "";

	expect_words("- { name: a, schedule: \"mon-fri\", action: drop }\n", -EINVAL,
		     "p.yaml:5:24: schedule: expected days, times and perhaps a time zone");
	expect_words("- { name: a, schedule: \"mo-fr 08:00-18:00\", action: drop }\n", -EINVAL,
		     "found `mo-fr 08:00-18:00`");
	expect_words("- { name: a, schedule: \"8:00-18:00\", action: drop }\n", -EINVAL, "found");
	expect_words("- { name: a, schedule: \"08:00-24:01\", action: drop }\n", -EINVAL, "found");
	expect_words("- { name: a, schedule: \"24:00-08:00\", action: drop }\n", -EINVAL, "found");
	expect_words("- { name: a, schedule: \"08:60-09:00\", action: drop }\n", -EINVAL, "found");
	expect_words("- { name: a, schedule: \"mon, 08:00-18:00\", action: drop }\n", -EINVAL,
		     "found");
	expect_words("- { name: a, schedule: \"mon 08:00-18:00 UTC x\", action: drop }\n", -EINVAL,
		     "found");
	expect_words(
		"- { name: a, schedule: \"mon 08:00-18:00 Europe/Bielefeld\", action: drop }\n",
		-EINVAL, "p.yaml:5:24: schedule: no time zone `Europe/Bielefeld`");
	expect_words("- { name: a, schedule: [\"mon 08:00-18:00\", 9], action: drop }\n", -EINVAL,
		     "p.yaml:5:44: schedule");
	expect_words("- { name: a, schedule: [], action: drop }\n", -EINVAL, "at least one entry");
	for (int i = 0; i < 33; i++)
		sprintf(many + strlen(many),
			"- { name: r%d, schedule: \"00:%02d-01:00\", action: drop }\n", i, i);
	expect_words(many, -EINVAL, "more than 32 different schedules");
}

static void a_rule_with_another_schedule_hides_none(void **state)
{
	expect_words("- { name: a, schedule: \"mon 08:00-18:00\", action: drop }\n"
		     "- { name: b, action: drop }\n",
		     0, NULL);
	expect_words("- { name: a, schedule: \"mon 08:00-18:00\", action: drop }\n"
		     "- { name: b, schedule: \"mon 08:00-18:00\", action: drop }\n",
		     0, "rule `b` is never reached: rule `a` matches first");
	expect_words("- { name: a, action: drop }\n"
		     "- { name: b, schedule: \"mon 08:00-18:00\", action: drop }\n",
		     0, "rule `b` is never reached: rule `a` matches first");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_are_the_c_librarys),
		cmocka_unit_test(zones_that_are_none),
		cmocka_unit_test(windows_of_the_week),
		cmocka_unit_test(clocks_that_are_changed),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(a_rule_with_another_schedule_hides_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

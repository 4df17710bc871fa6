// SPDX-License-Identifier: GPL-2.0-only
/* Services: opened in stages, reloaded together, asked by what is in their rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "service/service.h"

/* What was called, in order. */
static char calls[128];
static bool second_fails;

static void note(const char *what)
{
	strncat(calls, what, sizeof(calls) - strlen(calls) - 1);
}

static int open_a(struct host *h, const struct policy *p, void **self, struct error *e)
{
	note("+a");
	*self = (void *)"a";
	return 0;
}

static int open_b(struct host *h, const struct policy *p, void **self, struct error *e)
{
	note("+b");
	return second_fails ? error_set(e, -EACCES, "b may not") : 0;
}

static void close_a(void *self)
{
	assert_string_equal(self, "a");
	note("-a");
}

static void close_b(void *self)
{
	note("-b");
}

static int reload_a(void *self, const struct policy *next, struct error *e)
{
	note(next ? "a:next " : "a:old ");
	return 0;
}

static int reload_b(void *self, const struct policy *next, struct error *e)
{
	note(next ? "b:next " : "b:old ");
	return second_fails ? error_set(e, -EIO, "b cannot") : 0;
}

static int answer(void *self, const json_t *args, json_t **data, struct error *e)
{
	*data = json_string(self);
	return 0;
}

static void write_own(FILE *out, const char *name, const void *numbers)
{
	metric_sample(out, name, 7, "of", (const char *)numbers);
}

static const struct service_verb verbs[] = {
	{.name = "what", .answer = answer},
	{.name = "watch", .answer = answer, .follow = true},
	{.name = NULL},
};
static const struct metric metrics[] = {
	{.info = {"weir_a_total", "counter", "of", "Of a"}, .write_own = write_own},
	{.info.name = NULL},
};
static const char *const events[] = {"alpha", "beta", NULL}, *const more[] = {"gamma", NULL};

static SERVICE(a) = {
	.name = "a",
	.stage = SERVICE_RUNNING,
	.open = open_a,
	.reload = reload_a,
	.close = close_a,
	.verbs = verbs,
	.metrics = metrics,
	.events = events,
};
static SERVICE(b) = {
	.name = "b",
	.stage = SERVICE_RUNNING,
	.open = open_b,
	.reload = reload_b,
	.close = close_b,
	.events = more,
};
static const struct service *const table[] = {&service_a, &service_b, NULL};

static int setup(void **state)
{
	struct host *h = calloc(1, sizeof(*h));

	h->services = table;
	h->daemon = h;
	calls[0] = '\0';
	second_fails = false;
	assert_int_equal(services_new(h), 0);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	services_free(*state);
	free(*state);
	return 0;
}

static void open_all(struct host *h)
{
	struct error e = {0};

	assert_int_equal(services_open(h, SERVICE_RUNNING, NULL, &e), 0);
}

static void what_was_opened_is_closed_in_reverse(void **state)
{
	struct host *h = *state;
	struct error e = {0};

	assert_int_equal(services_open(h, SERVICE_FIRST, NULL, &e), 0);
	assert_string_equal(calls, "");
	open_all(h);
	services_close(h, SERVICE_RUNNING);
	services_close(h, SERVICE_RUNNING);
	assert_string_equal(calls, "+a+b-b-a");
}

static void a_failure_closes_what_was_opened(void **state)
{
	struct host *h = *state;
	struct error e = {0};

	second_fails = true;
	assert_int_equal(services_open(h, SERVICE_RUNNING, NULL, &e), -EACCES);
	assert_string_equal(e.text, "b may not");
	assert_string_equal(calls, "+a+b-a");
}

static void a_reload_is_taken_by_all_or_none(void **state)
{
	const struct policy *next = (const struct policy *)"next";
	struct host *h = *state;
	struct error e = {0};

	assert_int_equal(services_reload(h, NULL, next, &e), 0);
	assert_string_equal(calls, "");
	open_all(h);
	calls[0] = '\0';
	assert_int_equal(services_reload(h, NULL, next, &e), 0);
	assert_string_equal(calls, "a:next b:next ");
	second_fails = true;
	calls[0] = '\0';
	assert_int_equal(services_reload(h, NULL, next, &e), -EIO);
	assert_string_equal(e.text, "b cannot");
	assert_string_equal(calls, "a:next b:next a:old ");
	services_close(h, SERVICE_RUNNING);
}

static void verbs_are_those_of_open_services(void **state)
{
	struct host *h = *state;
	struct error e = {0};
	json_t *data = NULL;
	bool follow = true;

	assert_int_equal(services_answer("what", NULL, &data, &follow, h, &e), -ENOSYS);
	assert_string_equal(e.text, "the daemon does not know what");
	open_all(h);
	assert_int_equal(services_answer("what", NULL, &data, &follow, h, &e), 0);
	assert_string_equal(json_string_value(data), "a");
	assert_false(follow);
	json_decref(data);
	assert_int_equal(services_answer("watch", NULL, &data, &follow, h, &e), 0);
	assert_true(follow);
	json_decref(data);
	services_close(h, SERVICE_RUNNING);
}

static void events_are_listed_for_who_asks_for_another(void **state)
{
	json_t *good = json_pack("{s:s}", "type", "gamma");
	json_t *bad = json_pack("{s:s}", "type", "delta"), *none = json_object();
	const char *type = "";
	struct error e = {0};

	assert_int_equal(services_event_type(*state, none, &type, &e), 0);
	assert_null(type);
	assert_int_equal(services_event_type(*state, good, &type, &e), 0);
	assert_string_equal(type, "gamma");
	assert_int_equal(services_event_type(*state, bad, &type, &e), -EINVAL);
	assert_string_equal(e.text, "no events of type delta: they are alpha, beta, gamma");
	json_decref(good);
	json_decref(bad);
	json_decref(none);
}

static void metrics_have_samples_while_open(void **state)
{
	static const char head[] = "# HELP weir_a_total Of a\n# TYPE weir_a_total counter\n";
	struct host *h = *state;
	char *text = services_metrics(h, NULL);

	assert_string_equal(text, head);
	free(text);
	open_all(h);
	text = services_metrics(h, NULL);
	assert_memory_equal(text, head, sizeof(head) - 1);
	assert_string_equal(text + sizeof(head) - 1, "weir_a_total{of=\"a\"} 7\n");
	free(text);
	services_close(h, SERVICE_RUNNING);
}

/* ---- the program's own rows ---- */

static const char *seen[512];
static size_t seen_count;

static void once(const char *what, const char *owner)
{
	for (size_t i = 0; i < seen_count; i++)
		if (strcmp(seen[i], what) == 0)
			fail_msg("%s: %s is another service's", owner, what);
	assert_true(seen_count < ARRAY_SIZE(seen));
	seen[seen_count++] = what;
}

static void check_verbs(const struct service *s)
{
	for (const struct service_verb *v = s->verbs; v && v->name; v++) {
		once(v->name, s->name);
		assert_non_null(v->answer);
	}
}

static void check_metrics(const struct service *s)
{
	for (const struct metric *m = s->metrics; m && m->info.name; m++) {
		once(m->info.name, s->name);
		assert_true(m->info.type && m->info.labels && m->info.help);
		assert_true(!m->write != !m->write_own);
	}
}

static void check_each(void (*check)(const struct service *s))
{
	seen_count = 0;
	for (size_t i = 0; services[i]; i++)
		check(services[i]);
	assert_true(seen_count > 0);
}

static void check_name(const struct service *s)
{
	once(s->name, "two rows");
}

static void check_events(const struct service *s)
{
	for (const char *const *t = s->events; t && *t; t++)
		once(*t, s->name);
}

static void each_name_has_one_owner(void **state)
{
	check_each(check_name);
	check_each(check_verbs);
	check_each(check_metrics);
	check_each(check_events);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(what_was_opened_is_closed_in_reverse),
		WITH(a_failure_closes_what_was_opened),
		WITH(a_reload_is_taken_by_all_or_none),
		WITH(verbs_are_those_of_open_services),
		WITH(events_are_listed_for_who_asks_for_another),
		WITH(metrics_have_samples_while_open),
		cmocka_unit_test(each_name_has_one_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

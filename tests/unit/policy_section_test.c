// SPDX-License-Identifier: GPL-2.0-only
/* The rows of the policy file: whole, compared, and refused or accepted at a reload by what they
 * say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/section.h"

#define HEAD                                                                                       \
	"version: 1\n"                                                                             \
	"ports: { lan: { interface: eth1 } }\n"                                                    \
	"forward: [ { mode: bridge, bridge: br0, ports: [lan] } ]\n"

/* ---- what each row has to have ---- */

static bool stated(enum policy_change c)
{
	return c == POLICY_CHANGE_LIVE || c == POLICY_CHANGE_RESTART;
}

static void check_settings(const struct policy_section *s)
{
	assert_true(s->setting_count > 0);
	assert_false(s->scalar && s->setting_count > 1);
	for (size_t i = 0; i < s->setting_count; i++) {
		const struct policy_setting *one = &s->settings[i];

		if (!one->key || !stated(one->change) || !one->read || !one->size)
			fail_msg("%s: setting %zu is not whole", s->key, i);
		if (s->size && one->offset + one->size > s->size)
			fail_msg("%s: %s stands outside of its data", s->key, one->key);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(one->key, s->settings[j].key);
	}
}

static void every_row_says_how_it_changes(void **state)
{
	for (size_t i = 0; policy_sections[i]; i++) {
		const struct policy_section *s = policy_sections[i];

		assert_non_null(s->key);
		if (s->change == POLICY_CHANGE_BY_SETTING) {
			check_settings(s);
			continue;
		}
		if (!stated(s->change) || !s->read)
			fail_msg("%s: neither POLICY_LIVE nor POLICY_RESTART, or no reader",
				 s->key);
		if (s->change == POLICY_CHANGE_RESTART && !s->same)
			fail_msg("%s: fixed at the start and compared by nothing", s->key);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(s->key, policy_sections[j]->key);
	}
}

/* NULL or a function of another kind as a comparison: the macro has no branch for it. */
#define COMPARES(fn) _Generic((fn), bool (*)(const void *, const void *) : 1, default : 0)
int not_a_comparison(const void *a);
_Static_assert(!COMPARES(NULL) && !COMPARES(not_a_comparison), "these do not compile in a row");

/* ---- two files ---- */

struct bench {
	char path[64];
	struct policy *running;
	struct signatures *signatures;
	struct app_registry *registry;
};

static void say(const struct bench *b, const char *text)
{
	FILE *f = fopen(b->path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct error e = {0};
	int fd;

	strcpy(b->path, "/tmp/weir-section-XXXXXX");
	fd = mkstemp(b->path);
	assert_true(fd >= 0);
	close(fd);
	b->registry = app_registry_new();
	say(b, HEAD);
	if (policy_load(b->path, b->registry, &b->running, &b->signatures, NULL, &e) < 0)
		fail_msg("%s", e.text);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	unlink(b->path);
	policy_free(b->running);
	signatures_free(b->signatures);
	app_registry_free(b->registry);
	free(b);
	return 0;
}

/* Reads text as what is to replace the running policy. */
static int reload(struct bench *b, const char *text, struct error *e)
{
	struct signatures *s = NULL;
	struct policy *p = NULL;
	int err;

	say(b, text);
	memset(e, 0, sizeof(*e));
	err = policy_reload(b->path, b->running, b->registry, &p, &s, NULL, e);
	assert_true((err == 0) == (p != NULL));
	policy_free(p);
	signatures_free(s);
	return err;
}

static void assert_accepted(struct bench *b, const char *text)
{
	struct error e;

	if (reload(b, text, &e) < 0)
		fail_msg("refused: %s", e.text);
}

static void assert_refused(struct bench *b, const char *text, const char *place, const char *what)
{
	char wanted[256];
	struct error e;

	if (reload(b, text, &e) == 0)
		fail_msg("accepted, though `%s` differs", what);
	snprintf(wanted, sizeof(wanted),
		 "%s:%s: `%s` is not the running one; restart weir to change it", b->path, place,
		 what);
	assert_string_equal(e.text, wanted);
}

/* A value that is not the default, as it is written. */
static bool another_value(const struct policy_setting *s, char *out, size_t room)
{
	uint64_t value = s->initial == s->min ? s->max : s->min;

	if (s->read == policy_number_read || s->read == policy_power_read)
		snprintf(out, room, "%llu", (unsigned long long)value);
	else if (s->read == policy_size_read)
		snprintf(out, room, "%lluB", (unsigned long long)value);
	else if (s->read == policy_time_read)
		snprintf(out, room, "%llums", (unsigned long long)value / 1000000);
	else if (s->read == policy_bool_read)
		snprintf(out, room, "true");
	else if (s->read == policy_not_read)
		snprintf(out, room, "false");
	else if (s->read == policy_choice_read)
		snprintf(out, room, "%s", s->choices[1]);
	else
		return false;
	return true;
}

/* Each setting there is, changed alone: nobody can forget to compare one. */
static void each_setting_changes_as_it_says(void **state)
{
	struct bench *b = *state;
	size_t tried = 0;

	for (size_t i = 0; policy_sections[i]; i++) {
		const struct policy_section *s = policy_sections[i];

		for (size_t k = 0; k < s->setting_count; k++) {
			const struct policy_setting *one = &s->settings[k];
			char value[64], text[512], what[128], place[32];

			if (!another_value(one, value, sizeof(value)))
				continue;
			tried++;
			if (s->scalar) {
				snprintf(text, sizeof(text), HEAD "%s: %s\n", s->key, value);
				snprintf(what, sizeof(what), "%s", s->key);
				strcpy(place, "4:1");
			} else {
				snprintf(text, sizeof(text), HEAD "%s:\n  %s: %s\n", s->key,
					 one->key, value);
				snprintf(what, sizeof(what), "%s: %s", s->key, one->key);
				strcpy(place, "5:3");
			}
			if (one->change == POLICY_CHANGE_LIVE)
				assert_accepted(b, text);
			else
				assert_refused(b, text, place, what);
		}
	}
	assert_true(tried >= 22);
}

/* Sections with a comparison of their own: each of them, and each part of what it compares. */
static void sections_that_are_fixed_are_compared(void **state)
{
	static const struct {
		const char *what, *place, *text;
	} cases[] = {
		{"ports", "2:1",
		 "version: 1\nports: { lan: { interface: eth2 } }\n"
		 "forward: [ { mode: bridge, bridge: br0, ports: [lan] } ]\n"},
		{"ports", "2:1",
		 "version: 1\nports: { wan: { interface: eth1 } }\n"
		 "forward: [ { mode: bridge, bridge: br0, ports: [wan] } ]\n"},
		{"ports", "2:1",
		 "version: 1\nports: { lan: { interface: eth1, hook: tc } }\n"
		 "forward: [ { mode: bridge, bridge: br0, ports: [lan] } ]\n"},
		{"forward", "3:1",
		 "version: 1\nports: { lan: { interface: eth1 } }\n"
		 "forward: [ { mode: bridge, bridge: br7, ports: [lan] } ]\n"},
		{"forward", "3:1",
		 "version: 1\nports: { lan: { interface: eth1 } }\n"
		 "forward: [ { mode: bridge, bridge: br0, create: true, ports: [lan] } ]\n"},
		{"metrics", "4:1", HEAD "metrics: { listen: \"127.0.0.1:9477\" }\n"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_refused(b, cases[i].text, cases[i].place, cases[i].what);
	for (size_t i = 0; policy_sections[i]; i++) {
		bool tried = policy_sections[i]->change != POLICY_CHANGE_RESTART;

		for (size_t k = 0; k < ARRAY_SIZE(cases); k++)
			tried |= strcmp(cases[k].what, policy_sections[i]->key) == 0;
		if (!tried)
			fail_msg("%s: no case of it here", policy_sections[i]->key);
	}
}

/* A section that the next file leaves out differs too, and its place is where it would stand. */
static void what_is_left_out_is_refused_at_the_document(void **state)
{
	struct bench *b = *state;
	struct policy *first = b->running;
	struct signatures *s = NULL;
	struct error e = {0};

	say(b, HEAD "workers: 3\nlimits: { decided: 2048 }\n");
	assert_int_equal(policy_load(b->path, b->registry, &b->running, &s, NULL, &e), 0);
	assert_refused(b, HEAD "workers: 3\n", "1:1", "limits: decided");
	assert_refused(b, HEAD "workers: 3\nlimits: { blocks: 4096 }\n", "5:1", "limits: decided");
	assert_accepted(b, HEAD "limits: { decided: 2048 }\nworkers: 3\n");
	policy_free(first);
	signatures_free(s);
}

/* What is refused leaves no application behind in the registry. */
static void a_refused_file_changes_nothing(void **state)
{
	struct bench *b = *state;
	unsigned int before = app_registry_count(b->registry);

	assert_refused(b, HEAD "workers: 2\n", "4:1", "workers");
	assert_int_equal(app_registry_count(b->registry), before);
}

static void live_sections_are_accepted(void **state)
{
	struct bench *b = *state;

	assert_accepted(b, HEAD "groups: { staff: [10.0.0.0/8] }\n"
				"rules: [ { name: a, from: staff, action: drop } ]\n"
				"default: drop\n"
				"modules: { disable: [irc] }\n"
				"events: { file: /tmp/none.json, protocols: [tls] }\n");
}

/* The first mistake of the file is the one that is told, whatever its section. */
static void the_first_mistake_is_told(void **state)
{
	struct bench *b = *state;
	struct error e;

	assert_true(reload(b, HEAD "tunnels: maybe\ndefault: maybe\n", &e) < 0);
	assert_non_null(strstr(e.text, ":4:10: tunnels:"));
	assert_true(reload(b, HEAD "default: maybe\ntunnels: maybe\n", &e) < 0);
	assert_non_null(strstr(e.text, ":4:10: default:"));
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_says_how_it_changes),
		WITH(each_setting_changes_as_it_says),
		WITH(sections_that_are_fixed_are_compared),
		WITH(what_is_left_out_is_refused_at_the_document),
		WITH(a_refused_file_changes_nothing),
		WITH(live_sections_are_accepted),
		WITH(the_first_mistake_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

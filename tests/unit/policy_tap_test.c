// SPDX-License-Identifier: GPL-2.0-only
/* `taps:` and the key `tap` of rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/draft.h"

#define HEAD                                                                                       \
	"version: 1\n"                                                                             \
	"ports: { lan: { interface: eth1 } }\n"                                                    \
	"forward: [ { mode: bridge, bridge: br0, ports: [lan] } ]\n"

static int parse(const char *text, struct policy **out, struct error *e)
{
	struct app_registry *r = app_registry_new();
	int err;

	app_registry_add(r, "http", "web");
	err = policy_parse("p.yaml", text, strlen(text), r, out, NULL, e);
	app_registry_free(r);
	return err;
}

static void taps_are_read(void **state)
{
	struct error e = {{0}};
	struct policy *p = NULL;
	const struct policy_tap *t;

	assert_int_equal(
		parse(HEAD "rules:\n"
			   "  - { name: a, application: http, action: pass, tap: two }\n"
			   "  - { name: b, action: pass }\n"
			   "taps:\n"
			   "  one: {}\n"
			   "  two: { mode: frames, copy: true, timeout: 2ms, ring: 1MiB,\n"
			   "         on_timeout: drop, on_absent: drop, user: 12, group: root }\n",
		      &p, &e),
		0);
	assert_int_equal(p->tap_count, 2);
	t = &p->taps[0];
	assert_string_equal(t->name, "one");
	assert_false(t->copy);
	assert_int_equal(t->timeout_ns, 50000000);
	assert_int_equal(t->ring_bytes, 4 << 20);
	assert_int_equal(t->on_timeout, WEIR_ACTION_PASS);
	assert_int_equal(t->on_absent, WEIR_ACTION_PASS);
	assert_int_equal(t->uid, POLICY_TAP_NOBODY);
	assert_int_equal(t->gid, POLICY_TAP_NOBODY);
	t = &p->taps[1];
	assert_true(t->copy);
	assert_int_equal(t->timeout_ns, 2000000);
	assert_int_equal(t->ring_bytes, 1 << 20);
	assert_int_equal(t->on_timeout, WEIR_ACTION_DROP);
	assert_int_equal(t->on_absent, WEIR_ACTION_DROP);
	assert_int_equal(t->uid, 12);
	assert_int_equal(t->gid, 0);
	assert_ptr_equal(policy_rule_tap(p, 0), t);
	assert_null(policy_rule_tap(p, 1));
	assert_null(policy_rule_tap(p, WEIR_RULE_DEFAULT));
	assert_int_equal(p->compiled[0].cell.flags, WEIR_CELL_TAP);
	assert_int_equal(p->compiled[1].cell.flags, 0);
	policy_free(p);
}

static void errors_name_their_place(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"taps: []\n", "p.yaml:4:7: taps: expected a mapping, found a list"},
		{"taps: { a: { size: 1 } }\n", "p.yaml:4:14: tap `a`: unknown key `size`"},
		{"taps: { a: { mode: bytes } }\n",
		 "p.yaml:4:20: mode: expected frames or stream, found `bytes`"},
		{"taps: { a: { mode: stream } }\n",
		 "p.yaml:4:20: mode `stream` is not yet supported"},
		{"taps: { a: { timeout: 11s } }\n",
		 "p.yaml:4:23: timeout: expected a time from 1ms to 10s, found `11s`"},
		{"taps: { a: { ring: 1KiB } }\n",
		 "p.yaml:4:20: ring: expected a size from 64KiB to 256MiB, found `1KiB`"},
		{"taps: { a: { on_absent: reset } }\n",
		 "p.yaml:4:25: on_absent: expected pass or drop, found `reset`"},
		{"taps: { a: { user: weir-no-such-user } }\n",
		 "p.yaml:4:20: unknown user `weir-no-such-user`"},
		{"taps: { b/c: {} }\n",
		 "p.yaml:4:9: tap name: expected letters, digits, `-`, `_` and `.`, found `b/c`"},
		{"rules: [ { name: r, action: pass, tap: a } ]\n", "p.yaml:4:40: unknown tap `a`"},
		{"taps: { scanner: {} }\nrules: [ { name: r, action: pass, tap: scaner } ]\n",
		 "p.yaml:5:40: unknown tap `scaner`, did you mean `scanner`?"},
		{"taps: { a: {} }\nrules: [ { name: r, action: drop, tap: a } ]\n",
		 "p.yaml:5:40: rule `r`: `tap` is for `action: pass`"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		struct error e = {{0}};
		struct policy *p = NULL;

		snprintf(text, sizeof(text), "%s%s", HEAD, cases[i].text);
		assert_int_equal(parse(text, &p, &e), -EINVAL);
		assert_memory_equal(e.text, cases[i].message, strlen(cases[i].message));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taps_are_read),
		cmocka_unit_test(errors_name_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Loading: what is wrong is said with its place, and leaves everything as it was. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "classify/set.h"

static const struct {
	const char *yaml, *message;
} wrong[] = {
	{"", "t.yaml:1:1: signatures: expected a mapping, found nothing"},
	{"feature: {}\n",
	 "t.yaml:1:1: signatures: unknown key `feature`, did you mean `features`?"},
	{"features: []\n", "t.yaml:1:11: features: expected a mapping, found a list"},
	{"features:\n  a: { regex: x }\n  a: { regex: y }\n", "t.yaml:3:3: key `a` is given twice"},
	{"features: { A: { regex: x } }\n",
	 "t.yaml:1:13: feature: expected a name of at most 31 characters of a-z 0-9 . - _ +, found "
	 "`A`"},
	{"features: { and: { regex: x } }\n",
	 "t.yaml:1:13: feature: `and` is a word of expressions"},
	{"features: { a: {} }\n", "t.yaml:1:16: feature without a condition matches everything"},
	{"features: { a: { transport: udp } }\n",
	 "t.yaml:1:16: feature without a condition matches everything"},
	{"features: { a: { mask: { byte: 00 } } }\n",
	 "t.yaml:1:26: mask: unknown key `byte`, did you mean `bytes`?"},
	{"features:\n  a: { transprot: tcp, regex: x }\n",
	 "t.yaml:2:8: feature: unknown key `transprot`, did you mean `transport`?"},
	{"features: { a: { transport: sctp, regex: x } }\n",
	 "t.yaml:1:29: transport: expected `tcp`, `udp` or `any`, found `sctp`"},
	{"features: { a: { direction: up, regex: x } }\n",
	 "t.yaml:1:29: direction: expected `origin`, `responder` or `any`, found `up`"},
	{"features: { a: { mask: { bytes: 0g } } }\n",
	 "t.yaml:1:33: bytes: expected bytes of two hexadecimal digits, found `0g`"},
	{"features: { a: { mask: { bytes: '000' } } }\n",
	 "t.yaml:1:33: bytes: expected bytes of two hexadecimal digits, found `0`"},
	{"features: { a: { mask: { bytes: ' ' } } }\n", "t.yaml:1:33: bytes: no bytes"},
	{"features: { a: { mask: { offset: 3 } } }\n",
	 "t.yaml:1:24: mask: expected either `bytes` or `text`"},
	{"features: { a: { mask: { bytes: 00, text: x } } }\n",
	 "t.yaml:1:24: mask: expected either `bytes` or `text`"},
	{"features: { a: { mask: { bytes: '00 11', mask: ff } } }\n",
	 "t.yaml:1:48: mask: 1 bytes for 2 to compare"},
	{"features: { a: { mask: { offset: 70000, bytes: ff } } }\n",
	 "t.yaml:1:34: offset: expected a number from 0 to 65535, found `70000`"},
	{"features: { a: { mask: [] } }\n", "t.yaml:1:24: mask: an empty list"},
	{"features: { a: { length: { min: 5, max: 4 } } }\n", "t.yaml:1:26: min 5 is above max 4"},
	{"features: { a: { length: { equals: 5, max: 6 } } }\n",
	 "t.yaml:1:26: length: `equals` stands alone"},
	{"features: { a: { length: [1, 5-x] } }\n",
	 "t.yaml:1:30: length: expected a number or a range such as 20-40, found `5-x`"},
	{"features: { a: { length: 9-3 } }\n", "t.yaml:1:26: min 9 is above max 3"},
	{"features: { a: { port: 65536 } }\n", "t.yaml:1:24: port: larger than 65535"},
	{"features: { a: { dport: [] } }\n", "t.yaml:1:25: dport: expected 1 to 64 entries"},
	{"features: { a: { field: { bytes: 2, equals: 3 } } }\n",
	 "t.yaml:1:25: field: `offset` is missing"},
	{"features: { a: { field: { offset: 0, bytes: 9, equals: 3 } } }\n",
	 "t.yaml:1:45: bytes: expected a number from 1 to 8, found `9`"},
	{"features: { a: { field: { offset: 0, bytes: 2 } } }\n",
	 "t.yaml:1:25: field: expected `equals`, `min` or `max`"},
	{"features: { a: { field: { offset: 0, bytes: 2, equals: 0x } } }\n",
	 "t.yaml:1:56: equals: expected a number, found `0x`"},
	{"features: { a: { length_field: { offset: 0, bytes: 2, endian: mixed } } }\n",
	 "t.yaml:1:63: endian: expected `big` or `little`, found `mixed`"},
	{"features: { a: { length_field: { offset: 0, bytes: 2, add: -99999 } } }\n",
	 "t.yaml:1:60: add: expected a number from -65535 to 65535, found `-99999`"},
	{"features: { a: { length_field: { offset: 0, bytes: 2, unit: 0 } } }\n",
	 "t.yaml:1:61: unit: expected a number from 1 to 1024, found `0`"},
	{"features: { a: { regex: 'x(y' } }\n", "t.yaml:1:29: regex: missing closing parenthesis"},
	{"features: { a: { regex: { pattern: '[z-a]' } } }\n",
	 "t.yaml:1:40: regex: range out of order in character class"},
	{"features: { a: { regex: '(*UTF)x' } }\n",
	 "t.yaml:1:32: regex: using UTF is disabled by the application"},
	{"features: { a: { regex: { caseless: true } } }\n",
	 "t.yaml:1:25: regex: `pattern` is missing"},
	{"features: { a: { regex: { pattern: x, within: 99999 } } }\n",
	 "t.yaml:1:47: within: expected a number from 1 to 16384, found `99999`"},
	{"features: { a: { regex: x } }\napplications: { X: { when: a } }\n",
	 "t.yaml:2:17: application: expected a name of at most 31 characters of a-z 0-9 . - _ +, "
	 "found `X`"},
	{"features: { a: { regex: x } }\napplications: { unknown: { when: a } }\n",
	 "t.yaml:2:17: application: `unknown` is what matches nothing"},
	{"features: { a: { regex: x } }\napplications: { x: { category: p2p } }\n",
	 "t.yaml:2:20: application: `when` is missing"},
	{"applications: { x: { protocol: 6 } }\n",
	 "t.yaml:1:32: protocol: TCP has ports, and many applications: describe features"},
	{"applications: { x: { protocol: 256 } }\n",
	 "t.yaml:1:32: protocol: expected a number from 0 to 255, found `256`"},
	{"applications: { x: { protocol: [] } }\n", "t.yaml:1:32: protocol: an empty list"},
	{"applications: { x: { protocol: 99 }, y: { protocol: [98, 99] } }\n",
	 "t.yaml:1:58: protocol: 99 is `x` already"},
	{"applications: { x: { protocol: 99, wait: true } }\n",
	 "t.yaml:1:20: application: `when` is missing"},
	{"features: { a: { regex: x } }\napplications: { x: { wen: a } }\n",
	 "t.yaml:2:22: application: unknown key `wen`, did you mean `when`?"},
	{"features: { a: { regex: x } }\napplications: { x: { when: a, confidence: 101 } }\n",
	 "t.yaml:2:43: confidence: expected a number from 1 to 100, found `101`"},
	{"features: { a: { regex: x } }\napplications: { x: { when: a, method: guess } }\n",
	 "t.yaml:2:39: method: expected `signature` or `port`, found `guess`"},
	{"features: { a: { regex: x } }\napplications: { x: { when: a, rules: [{ when: a }] } }\n",
	 "t.yaml:2:38: application: `rules` takes the place of `when`"},
	{"features: { a: { regex: x } }\napplications: { x: { rules: [] } }\n",
	 "t.yaml:2:29: rules: an empty list"},
	/* Expressions: the column is the word's, behind a quote too. */
	{"features: { hello: { regex: x } }\napplications: { x: { when: hello and helo } }\n",
	 "t.yaml:2:38: when: unknown feature `helo`, did you mean `hello`?"},
	{"features: { hello: { regex: x } }\napplications: { x: { when: \"hello or zzz\" } }\n",
	 "t.yaml:2:38: when: unknown feature `zzz`"},
	{"features: { a: { regex: x } }\napplications: { x: { when: a and } }\n",
	 "t.yaml:2:33: when: expected a feature, found the end"},
	{"features: { a: { regex: x } }\napplications: { x: { when: a or or a } }\n",
	 "t.yaml:2:33: when: expected a feature, found `or`"},
	{"features: { a: { regex: x } }\napplications: { x: { when: a a } }\n",
	 "t.yaml:2:30: when: expected `and` or `or`, found `a`"},
	{"features: { a: { regex: x } }\napplications: { x: { when: a or (a and a } }\n",
	 "t.yaml:2:33: when: this `(` is not closed"},
	{"features: { a: { regex: x } }\napplications: { x: { when: a) } }\n",
	 "t.yaml:2:29: when: expected `and` or `or`, found `)`"},
	{"features: { a: { regex: x } }\napplications: { x: { when: 'a & a' } }\n",
	 "t.yaml:2:31: when: expected `and` or `or`, found `&`"},
	{"features: { a: { regex: x } }\napplications: { x: { when: [a, b] } }\n",
	 "t.yaml:2:32: when: unknown feature `b`, did you mean `a`?"},
	{"features: { a: { regex: x } }\napplications: { x: { when: [] } }\n",
	 "t.yaml:2:28: when: an empty list"},
};

static void what_is_wrong_is_said(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct app_registry *r = app_registry_new();
		unsigned int count = app_registry_count(r);
		struct signatures *s = NULL;
		struct error e = {""};

		assert_int_equal(
			signatures_parse("t.yaml", wrong[i].yaml, strlen(wrong[i].yaml), r, &s, &e),
			-EINVAL);
		assert_string_equal(e.text, wrong[i].message);
		assert_null(s);
		assert_int_equal(app_registry_count(r), count);
		app_registry_free(r);
	}
}

static void too_deep_is_said(void **state)
{
	char yaml[256] = "features: { a: { regex: x } }\napplications: { x: { when: ";
	struct app_registry *r = app_registry_new();
	struct signatures *s = NULL;
	struct error e = {""};

	for (int i = 0; i <= RULE_DEPTH_MAX; i++)
		strcat(yaml, "(");
	strcat(yaml, "a } }\n");
	assert_int_equal(signatures_parse("t.yaml", yaml, strlen(yaml), r, &s, &e), -EINVAL);
	assert_string_equal(e.text, "t.yaml:2:60: when: nested more than 32 deep");
	app_registry_free(r);
}

static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void files_share_their_features(void **state)
{
	char one[] = "/tmp/weir-signatures-XXXXXX", two[] = "/tmp/weir-signatures-XXXXXX";
	const char *paths[] = {one, two};
	struct app_registry *r = app_registry_new();
	struct signatures *s = NULL;
	struct error e = {""};
	char want[128];

	write_file(one, "applications: { x: { when: a, category: p2p, module: m } }\n");
	write_file(two, "features: { a: { mask: { text: A } } }\n");
	assert_int_equal(signatures_load(paths, 2, r, &s, &e), 0);
	assert_string_equal(app_registry_get(r, (unsigned int)app_registry_find(r, "x"))->category,
			    "p2p");
	assert_string_equal(app_registry_get(r, (unsigned int)app_registry_find(r, "x"))->module,
			    "m");
	signatures_free(s);
	paths[0] = two;
	assert_int_equal(signatures_load(paths, 2, r, &s, &e), -EINVAL);
	snprintf(want, sizeof(want), "%s:1:13: feature `a` is already defined at %s:1:13", two,
		 two);
	assert_string_equal(e.text, want);
	unlink(one);
	unlink(two);
	app_registry_free(r);
}

static void missing_file_is_said(void **state)
{
	const char *path = "/nonexistent/signatures.yaml";
	struct app_registry *r = app_registry_new();
	struct signatures *s = NULL;
	struct error e = {""};

	assert_int_equal(signatures_load(&path, 1, r, &s, &e), -ENOENT);
	assert_string_equal(e.text, "/nonexistent/signatures.yaml: No such file or directory");
	app_registry_free(r);
}

/* A new set takes the place of the old one; numbers, and what is not mentioned, stay. */
static void reload_keeps_numbers(void **state)
{
	static const char first[] = "features: { a: { regex: x }, b: { regex: y } }\n"
				    "applications: { x: { when: a or b }, y: { when: a } }\n";
	static const char second[] = "features: { a: { regex: x } }\n"
				     "applications: { z: { when: a }, y: { when: a } }\n";
	struct app_registry *r = app_registry_new();
	struct signatures *s = NULL, *t = NULL;
	struct error e = {""};
	int x, y;

	assert_int_equal(signatures_parse("1", first, sizeof(first) - 1, r, &s, &e), 0);
	x = app_registry_find(r, "x");
	y = app_registry_find(r, "y");
	assert_int_equal(app_registry_get(r, (unsigned int)x)->signatures, 2);
	assert_true(app_registry_get(r, (unsigned int)x)->enabled);
	assert_int_equal(signatures_parse("2", second, sizeof(second) - 1, r, &t, &e), 0);
	assert_int_equal(app_registry_find(r, "x"), x);
	assert_int_equal(app_registry_find(r, "y"), y);
	assert_false(app_registry_get(r, (unsigned int)x)->enabled);
	assert_int_equal(app_registry_get(r, (unsigned int)x)->signatures, 0);
	assert_true(app_registry_get(r, (unsigned int)y)->enabled);
	assert_true(app_registry_get(r, app_registry_by_protocol(r, IPPROTO_ICMP))->enabled);
	signatures_free(s);
	signatures_free(t);
	app_registry_free(r);
}

/* Numbers of IP protocols without ports are applications of a set, for as long as it is used. */
static void protocols_by_number(void **state)
{
	static const char yaml[] = "applications:\n"
				   "  tunnel-x: { category: vpn, protocol: 253 }\n"
				   "  routing: { protocol: [89, 124] }\n";
	struct app_registry *r = app_registry_new();
	struct signatures *s = NULL;
	struct error e = {""};
	unsigned int x, ospf = app_registry_by_protocol(r, 89);

	(void)state;
	assert_int_equal(signatures_parse("p", yaml, strlen(yaml), r, &s, &e), 0);
	x = (unsigned int)app_registry_find(r, "tunnel-x");
	assert_int_equal(signatures_by_protocol(s, r, 253), x);
	assert_true(app_registry_get(r, x)->enabled);
	assert_string_equal(app_registry_get(r, x)->category, "vpn");
	assert_int_equal(app_registry_get(r, x)->signatures, 1);
	x = (unsigned int)app_registry_find(r, "routing");
	assert_int_equal(signatures_by_protocol(s, r, 89), x);
	assert_int_equal(signatures_by_protocol(s, r, 124), x);
	assert_int_equal(signatures_by_protocol(s, r, IPPROTO_GRE),
			 app_registry_by_protocol(r, IPPROTO_GRE));
	assert_int_equal(signatures_by_protocol(s, r, 252), 0);
	assert_int_equal(signatures_by_protocol(NULL, r, 89), ospf);
	signatures_free(s);
	app_registry_free(r);
}

static void full_registry_changes_nothing(void **state)
{
	static const char yaml[] = "features: { a: { regex: x } }\n"
				   "applications: { fits: { when: a }, not: { when: a } }\n";
	struct app_registry *r = app_registry_new();
	struct signatures *s = NULL;
	struct error e = {""};
	char name[WEIR_APP_NAME_LEN];

	while (app_registry_count(r) < WEIR_APPS_MAX - 1) {
		snprintf(name, sizeof(name), "app-%u", app_registry_count(r));
		assert_true(app_registry_add(r, name, NULL) > 0);
	}
	assert_int_equal(signatures_parse("t.yaml", yaml, sizeof(yaml) - 1, r, &s, &e), -ENOSPC);
	assert_string_equal(e.text, "signatures: more than 1023 applications");
	assert_int_equal(app_registry_find(r, "fits"), -ENOENT);
	app_registry_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(too_deep_is_said),
		cmocka_unit_test(files_share_their_features),
		cmocka_unit_test(missing_file_is_said),
		cmocka_unit_test(reload_keeps_numbers),
		cmocka_unit_test(protocols_by_number),
		cmocka_unit_test(full_registry_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

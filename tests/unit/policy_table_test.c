// SPDX-License-Identifier: GPL-2.0-only
/* Classes and sets of rules against what the rules say, worked out the slow way. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/draft.h"

#define HEAD                                                                                       \
	"version: 1\n"                                                                             \
	"ports: { lan: { interface: eth1 } }\n"                                                    \
	"forward: [ { mode: bridge, bridge: br0, ports: [lan] } ]\n"

static struct app_registry *registry(void)
{
	struct app_registry *r = app_registry_new();

	assert_true(app_registry_add(r, "bittorrent", "p2p") > 0);
	assert_true(app_registry_add(r, "edonkey", "p2p") > 0);
	assert_true(app_registry_add(r, "http", "web") > 0);
	return r;
}

static struct policy *parse(const char *text)
{
	struct app_registry *r = registry();
	struct policy *p = NULL;
	struct error e = {0};

	if (policy_parse("p.yaml", text, strlen(text), r, &p, NULL, &e) < 0)
		fail_msg("%s", e.text);
	app_registry_free(r);
	return p;
}

static uint32_t class_at(const struct policy *p, const char *address)
{
	uint32_t addr[4];

	assert_int_equal(address_parse(address, addr), 0);
	return policy_class(p, addr);
}

/* Name of the rule that decides, as the gate finds it. */
static const char *rule_with(const struct policy *p, const char *from, const char *to,
			     const char *app, unsigned int confidence)
{
	struct app_registry *r = registry();
	int number = app_registry_find(r, app);
	const struct weir_cell *cell;
	struct weir_subject s;

	/* Not registered: a number that no policy knew when it was compiled. */
	if (number < 0)
		number = WEIR_APPS_MAX - 1;
	s = (struct weir_subject){
		.from = class_at(p, from), .to = class_at(p, to), .app = (uint32_t)number};
	cell = policy_cell(p, &s, confidence);
	app_registry_free(r);
	assert_non_null(cell);
	return policy_rule_name(p, cell->rule);
}

static const char *rule_of(const struct policy *p, const char *from, const char *to,
			   const char *app)
{
	return rule_with(p, from, to, app, 100);
}

static void rules_may_ask_for_confidence(void **state)
{
	struct policy *p = parse(
		HEAD "rules:\n"
		     "- { name: sure, application: bittorrent, confidence: 90, action: drop }\n"
		     "- { name: staff, from: 10.1.0.0/16, application: bittorrent,\n"
		     "    confidence: 60, action: reset }\n"
		     "- { name: rest, application: [bittorrent, unknown], action: pass }\n"
		     "default: drop\n");

	assert_string_equal(rule_with(p, "10.1.0.1", "192.0.2.1", "bittorrent", 100), "sure");
	assert_string_equal(rule_with(p, "10.1.0.1", "192.0.2.1", "bittorrent", 90), "sure");
	assert_string_equal(rule_with(p, "10.1.0.1", "192.0.2.1", "bittorrent", 89), "staff");
	assert_string_equal(rule_with(p, "10.1.0.1", "192.0.2.1", "bittorrent", 60), "staff");
	assert_string_equal(rule_with(p, "10.1.0.1", "192.0.2.1", "bittorrent", 59), "rest");
	assert_string_equal(rule_with(p, "10.2.0.1", "192.0.2.1", "bittorrent", 89), "rest");
	assert_string_equal(rule_with(p, "10.2.0.1", "192.0.2.1", "bittorrent", 0), "rest");
	assert_string_equal(rule_with(p, "10.2.0.1", "192.0.2.1", "edonkey", 0), "default");
	policy_free(p);
}

/* The line of the error or the warnings that a list of rules gives. */
static void expect_words(const char *rules, int result, const char *words)
{
	struct app_registry *r = registry();
	struct policy *p = NULL;
	struct error e = {0};
	char text[4096], said[4096] = "";
	FILE *warnings = fmemopen(said, sizeof(said), "w");

	snprintf(text, sizeof(text), HEAD "rules:\n%s", rules);
	assert_int_equal(policy_parse("p.yaml", text, strlen(text), r, &p, warnings, &e), result);
	fclose(warnings);
	assert_non_null(strstr(result ? e.text : said, words));
	policy_free(p);
	app_registry_free(r);
}

static void confidences_are_checked(void **state)
{
	expect_words("- { name: a, application: http, confidence: 0, action: drop }\n", -EINVAL,
		     "p.yaml:5:45: confidence: expected a number from 1 to 100");
	expect_words("- { name: a, application: http, confidence: 101, action: drop }\n", -EINVAL,
		     "confidence");
	expect_words("- { name: a, application: http, confidence: 50, action: drop }\n"
		     "- { name: b, application: http, confidence: 70, action: drop }\n",
		     0, "rule `b` is never reached: rule `a` matches first");
}

static void first_match_wins(void **state)
{
	struct policy *p = parse(
		HEAD "groups: { staff: [10.1.0.0/16], students: [10.2.0.0/16] }\n"
		     "rules:\n"
		     "- { name: boss, from: 10.1.0.7, application: bittorrent, action: pass }\n"
		     "- { name: p2p, from: [staff, students], application: \"category:p2p\",\n"
		     "    action: drop }\n"
		     "- { name: exam, from: students, to: 203.0.113.0/24, action: reset }\n"
		     "- { name: odd, application: unknown, to: staff, action: drop }\n"
		     "- { name: list, application: [http, edonkey], action: pass }\n"
		     "default: drop\n");

	assert_string_equal(rule_of(p, "10.1.0.7", "192.0.2.1", "bittorrent"), "boss");
	assert_string_equal(rule_of(p, "10.1.0.7", "192.0.2.1", "edonkey"), "p2p");
	assert_string_equal(rule_of(p, "10.1.0.8", "192.0.2.1", "bittorrent"), "p2p");
	assert_string_equal(rule_of(p, "10.2.3.4", "203.0.113.9", "bittorrent"), "p2p");
	assert_string_equal(rule_of(p, "10.2.3.4", "203.0.113.9", "http"), "exam");
	assert_string_equal(rule_of(p, "10.2.3.4", "203.0.113.9", "later"), "exam");
	assert_string_equal(rule_of(p, "10.2.3.4", "203.0.114.9", "later"), "default");
	assert_string_equal(rule_of(p, "203.0.113.9", "10.2.3.4", "http"), "list");
	assert_string_equal(rule_of(p, "192.0.2.1", "10.1.0.7", "unknown"), "odd");
	assert_string_equal(rule_of(p, "192.0.2.1", "10.1.0.7", "later"), "default");
	assert_string_equal(rule_of(p, "192.0.2.1", "192.0.2.2", "edonkey"), "list");
	assert_int_equal(policy_cell(p, &(struct weir_subject){0}, 100)->action, WEIR_ACTION_DROP);
	policy_free(p);
}

static const char *exit_of(const struct policy *p, unsigned int rule)
{
	return policy_exit_name(p->rules[rule].exit);
}

static void rules_have_exits(void **state)
{
	struct policy *p =
		parse(HEAD "rules:\n"
			   "  - { name: a, application: http, action: pass, exit: shaped }\n"
			   "  - { name: b, application: edonkey, action: pass, exit: stack }\n"
			   "  - { name: c, action: pass, exit: wire }\n"
			   "  - { name: d, action: drop }\n");

	assert_string_equal(exit_of(p, 0), "shaped");
	assert_string_equal(exit_of(p, 1), "stack");
	assert_string_equal(exit_of(p, 2), "wire");
	assert_string_equal(exit_of(p, 3), "wire");
	policy_free(p);
}

static void marks_are_runs_of_bits(void **state)
{
	static const struct {
		const char *text;
		uint32_t mask; /* 0: refused */
	} marks[] = {
		{"0xfff00000", 0xfff00000},
		{"0x3", 3},
		{"0xffff0000", 0xffff0000},
		{"0x0", 0},
		{"0x80000000", 0},
		{"0x5", 0},
		{"0x1ffff", 0},
		{"0x3ffffffff", 0},
		{"12", 0},
		{"0xfg", 0},
		{"[0x3]", 0},
	};
	struct policy *usual = parse(HEAD);

	assert_int_equal(usual->mark_mask, 0xfff00000);
	policy_free(usual);
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		struct app_registry *r = registry();
		struct policy *p = NULL;
		struct error e = {0};
		char text[300];
		int err;

		snprintf(text, sizeof(text), HEAD "mark: { mask: %s }\n", marks[i].text);
		err = policy_parse("p.yaml", text, strlen(text), r, &p, NULL, &e);
		assert_int_equal(err, marks[i].mask ? 0 : -EINVAL);
		if (p)
			assert_int_equal(p->mark_mask, marks[i].mask);
		policy_free(p);
		app_registry_free(r);
	}
}

static void exits_are_checked(void **state)
{
	static const char *const wrong[][2] = {
		{"exit: local, action: pass", "exit"},
		{"exit: [wire], action: pass", "exit"},
		{"exit: shaped, action: drop", "`exit` is for `action: pass`"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct app_registry *r = registry();
		struct policy *p = NULL;
		struct error e = {0};
		char text[300];

		snprintf(text, sizeof(text), HEAD "rules: [ { name: a, %s } ]\n", wrong[i][0]);
		assert_int_equal(policy_parse("p.yaml", text, strlen(text), r, &p, NULL, &e),
				 -EINVAL);
		assert_non_null(strstr(e.text, wrong[i][1]));
		app_registry_free(r);
	}
}

static void nested_prefixes_add_up(void **state)
{
	struct policy *p =
		parse(HEAD "groups:\n"
			   "  campus: [10.0.0.0/8, \"2001:db8::/32\"]\n"
			   "  lab: [10.1.0.0/16, \"2001:db8:1::/48\"]\n"
			   "  host: [10.1.2.3, \"2001:db8:1::5\"]\n"
			   "  other: [10.1.2.3]\n"
			   "rules:\n"
			   "- { name: a, from: campus, to: lab, application: http, action: drop }\n"
			   "- { name: b, from: host, to: campus, action: drop }\n");

	/* none, campus, campus+lab, campus+lab+host+other, campus+lab+host */
	assert_int_equal(p->class_ids, 5);
	assert_int_equal(class_at(p, "11.0.0.1"), 0);
	assert_int_equal(class_at(p, "::1"), 0);
	assert_int_equal(class_at(p, "10.9.9.9"), class_at(p, "2001:db8:2::1"));
	assert_int_equal(class_at(p, "10.1.9.9"), class_at(p, "2001:db8:1::1"));
	assert_int_not_equal(class_at(p, "10.9.9.9"), class_at(p, "10.1.9.9"));
	assert_int_not_equal(class_at(p, "10.1.2.3"), class_at(p, "2001:db8:1::5"));
	assert_string_equal(rule_of(p, "10.1.2.3", "10.1.0.1", "http"), "a");
	assert_string_equal(rule_of(p, "10.1.2.3", "10.2.0.1", "http"), "b");
	assert_string_equal(rule_of(p, "2001:db8:1::5", "10.2.0.1", "unknown"), "b");
	assert_string_equal(rule_of(p, "10.9.9.9", "2001:db8:1::1", "http"), "a");
	policy_free(p);
}

static void whole_families(void **state)
{
	struct policy *p = parse(HEAD "rules:\n"
				      "- { name: six, from: \"::/0\", action: drop }\n"
				      "- { name: low, from: \"::/80\", action: drop }\n"
				      "- { name: four, from: 0.0.0.0/0, action: pass }\n"
				      "- { name: ten, from: 10.0.0.0/8, action: pass }\n");

	assert_string_equal(rule_of(p, "2001:db8::1", "::1", "http"), "six");
	assert_string_equal(rule_of(p, "192.0.2.1", "::1", "http"), "four");
	assert_string_equal(rule_of(p, "10.0.0.1", "::1", "http"), "four");
	assert_int_not_equal(class_at(p, "::5"), class_at(p, "2001::"));
	policy_free(p);

	p = parse(HEAD "rules:\n- { name: six, to: \"::/0\", action: drop }\n");
	assert_string_equal(rule_of(p, "192.0.2.1", "192.0.2.2", "http"), "default");
	assert_string_equal(rule_of(p, "192.0.2.1", "2001:db8::1", "http"), "six");
	assert_int_equal(class_at(p, "192.0.2.1"), 0);
	policy_free(p);
}

static void too_many_classes(void **state)
{
	size_t room = 64 * 1024, at;
	char *text = malloc(room);
	struct app_registry *r = registry();
	struct policy *p = NULL;
	struct error e = {0};

	at = (size_t)snprintf(text, room, HEAD "groups:\n");
	for (int i = 0; i < WEIR_CLASSES_MAX; i++)
		at += (size_t)snprintf(text + at, room - at, "  g%d: [10.%d.%d.0/24]\n", i, i / 256,
				       i % 256);
	assert_true(policy_parse("p.yaml", text, at, r, &p, NULL, &e) < 0);
	assert_string_equal(e.text, "p.yaml:5:3: groups and prefixes overlap in more than 1023 "
				    "different ways");
	/* One fewer is allowed. */
	at = (size_t)(strrchr(text, 'g') - text) - 2;
	e.text[0] = '\0';
	assert_int_equal(policy_parse("p.yaml", text, at, r, &p, NULL, &e), 0);
	assert_int_equal(p->class_ids, WEIR_CLASSES_MAX);
	policy_free(p);
	app_registry_free(r);
	free(text);
}

/* 300 groups, each with a rule of its own for both sides: more combinations than anybody could
 * list.
 */
static void three_hundred_groups(void **state)
{
	size_t room = 256 * 1024, at;
	char *text = malloc(room);
	struct policy *p;

	at = (size_t)snprintf(text, room, HEAD "groups:\n");
	for (int i = 0; i < 300; i++)
		at += (size_t)snprintf(text + at, room - at, "  g%d: [10.%d.%d.0/24]\n", i, i / 256,
				       i % 256);
	at += (size_t)snprintf(text + at, room - at, "rules:\n");
	for (int i = 0; i < 300; i++)
		at += (size_t)snprintf(
			text + at, room - at,
			"- { name: f%d, from: g%d, to: g%d, action: drop }\n"
			"- { name: t%d, to: g%d, application: http, action: reset }\n",
			i, i, (i + 7) % 300, i, i);
	p = parse(text);
	assert_int_equal(p->class_ids, 301);
	assert_string_equal(rule_of(p, "10.1.43.9", "10.0.6.1", "unknown"), "f299");
	assert_string_equal(rule_of(p, "10.0.4.9", "10.0.11.1", "http"), "f4");
	assert_string_equal(rule_of(p, "10.0.4.9", "10.0.12.1", "http"), "t12");
	assert_string_equal(rule_of(p, "10.0.4.9", "10.0.12.1", "unknown"), "default");
	assert_string_equal(rule_of(p, "192.0.2.1", "10.1.43.1", "http"), "t299");
	policy_free(p);
	free(text);
}

/* ---- against brute force ---- */

#define GROUPS	 6
#define PREFIXES 8

struct model {
	uint32_t addr[GROUPS][PREFIXES][4];
	unsigned int bits[GROUPS][PREFIXES];
};

static uint32_t random_state;

static uint32_t random_next(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8;
}

static bool in_prefix(const uint32_t addr[4], const uint32_t prefix[4], unsigned int bits)
{
	for (unsigned int i = 0; i < bits; i++)
		if ((ntohl(addr[i / 32]) ^ ntohl(prefix[i / 32])) >> (31 - i % 32) & 1)
			return false;
	return address_is_v4(addr) == (bits >= 96 && address_is_v4(prefix));
}

/* Few different bits, so that prefixes nest and addresses meet them. */
static void random_address(uint32_t addr[4])
{
	if (random_next() % 2)
		address_from_v4(addr, htonl((random_next() & 3) << 30 | (random_next() & 3) << 16 |
					    (random_next() & 1)));
	else
		for (int i = 0; i < 4; i++)
			addr[i] = htonl((random_next() & 1) << 31 | (random_next() & 1) << 12);
}

static size_t random_prefix(struct model *m, int g, int i, char *text, size_t room)
{
	char address[ADDRESS_TEXT_MAX];
	uint32_t *addr = m->addr[g][i];
	unsigned int bits;
	bool v4;

	random_address(addr);
	v4 = address_is_v4(addr);
	bits = v4 ? 96 + random_next() % 33 : random_next() % 129;
	for (unsigned int bit = bits; bit < 128; bit++)
		addr[bit / 32] &= ~htonl(0x80000000u >> (bit % 32));
	m->bits[g][i] = bits;
	address_format(addr, address);
	return (size_t)snprintf(text, room, "%s\"%s/%u\"", i ? ", " : "", address,
				v4 ? bits - 96 : bits);
}

static void classes_equal_brute_force(void **state)
{
	for (int round = 0; round < 60; round++) {
		char text[16384];
		size_t at = (size_t)snprintf(text, sizeof(text), HEAD "groups:\n");
		unsigned int seen[WEIR_CLASSES_MAX];
		bool known[WEIR_CLASSES_MAX] = {false};
		struct model m;
		struct policy *p;

		random_state = 4711u + (uint32_t)round;
		for (int g = 0; g < GROUPS; g++) {
			at += (size_t)snprintf(text + at, sizeof(text) - at, "  g%d: [", g);
			for (int i = 0; i < PREFIXES; i++)
				at += random_prefix(&m, g, i, text + at, sizeof(text) - at);
			at += (size_t)snprintf(text + at, sizeof(text) - at, "]\n");
		}
		p = parse(text);
		for (int probe = 0; probe < 400; probe++) {
			unsigned int member = 0;
			uint32_t addr[4], class;

			random_address(addr);
			for (int g = 0; g < GROUPS; g++)
				for (int i = 0; i < PREFIXES; i++)
					if (in_prefix(addr, m.addr[g][i], m.bits[g][i]))
						member |= 1u << g;
			class = policy_class(p, addr);
			assert_true(class < p->class_ids);
			assert_int_equal(class == 0, member == 0);
			if (known[class])
				assert_int_equal(seen[class], member);
			known[class] = true;
			seen[class] = member;
		}
		/* Different classes are different memberships. */
		for (uint32_t a = 0; a < p->class_ids; a++)
			for (uint32_t b = 0; b < a; b++)
				assert_false(known[a] && known[b] && seen[a] == seen[b]);
		policy_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_match_wins),
		cmocka_unit_test(rules_may_ask_for_confidence),
		cmocka_unit_test(confidences_are_checked),
		cmocka_unit_test(rules_have_exits),
		cmocka_unit_test(exits_are_checked),
		cmocka_unit_test(marks_are_runs_of_bits),
		cmocka_unit_test(nested_prefixes_add_up),
		cmocka_unit_test(whole_families),
		cmocka_unit_test(too_many_classes),
		cmocka_unit_test(three_hundred_groups),
		cmocka_unit_test(classes_equal_brute_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

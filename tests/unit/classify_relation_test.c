// SPDX-License-Identifier: GPL-2.0-only
/* What features say of one another, what that spares, and that it changes no answer. */
#include "classify/index.h"
#include "classify_fixture.h"

struct pair {
	struct fixture f;
	struct shape a, b;
};

static void pair_open(struct pair *p, const char *a, const char *b)
{
	char yaml[1024];

	snprintf(yaml, sizeof(yaml),
		 "features:\n  a: { %s }\n  b: { %s }\napplications: { x: { when: a or b } }\n", a,
		 b);
	fixture_open(&p->f, yaml);
	shape_read(&p->f.s->features[0], &p->a);
	shape_read(&p->f.s->features[1], &p->b);
}

static void implications(void **state)
{
	static const struct {
		const char *a, *b;
		bool implies;
	} cases[] = {
		{"mask: { bytes: '11 22 33' }", "mask: { bytes: '11 22' }", true},
		{"mask: { bytes: '11 22' }", "mask: { bytes: '11 22 33' }", false},
		{"mask: { bytes: '11 22 33' }", "mask: { offset: 1, bytes: '20', mask: 'f0' }",
		 true},
		{"mask: { bytes: '11 22' }", "mask: { bytes: '12 22' }", false},
		{"mask: { bytes: '11', mask: '1f' }", "mask: { bytes: '11' }", false},
		{"mask: { offset: 70, bytes: '11 22' }", "mask: { offset: 71, bytes: '22' }", true},
		{"mask: { offset: 70, bytes: '11 22' }", "mask: { offset: 71, bytes: '23' }",
		 false},
		{"mask: { offset: 70, bytes: '11', mask: '1f' }",
		 "mask: { offset: 70, bytes: '11', mask: '3f' }", false},
		{"transport: tcp, mask: { bytes: '11' }", "mask: { bytes: '11' }", true},
		{"mask: { bytes: '11' }", "transport: tcp, mask: { bytes: '11' }", false},
		{"direction: origin, length: 5", "length: [4-6]", true},
		{"length: [4-6]", "length: [5-7]", false},
		{"length: { min: 9 }", "length: { min: 8 }", true},
		{"mask: { offset: 6, bytes: '01 02' }", "length: { min: 8 }", true},
		{"mask: { offset: 6, bytes: '01 02' }", "length: { min: 9 }", false},
		{"dport: 53", "port: [50-60]", true},
		{"port: 53", "dport: 53", false},
		{"port: [53, 80]", "port: 53", false},
		{"regex: '^GET /'", "mask: { text: GET }", true},
		{"regex: '^(?:GET|GOT) '", "mask: { offset: 2, text: T }", true},
		{"regex: '^(?:GET|PUT) '", "mask: { text: GET }", false},
		{"mask: { text: 'GET /x' }", "regex: '^GET [/*]'", true},
		{"mask: { text: 'GET /x' }", "regex: '^GET [/*]+'", false},
		{"regex: 'abc+', length: 5", "regex: 'abc+'", true},
		{"regex: { pattern: 'abc+', caseless: true }", "regex: 'abc+'", false},
		{"regex: { pattern: 'abc+', within: 9 }", "regex: 'abc+'", false},
		{"field: { offset: 0, bytes: 2, min: 5, max: 6 }",
		 "field: { offset: 0, bytes: 2, max: 9 }", true},
		{"field: { offset: 0, bytes: 2, min: 5, max: 6 }",
		 "field: { offset: 0, bytes: 2, max: 5 }", false},
		{"field: { offset: 0, bytes: 2, equals: 0x1234 }", "mask: { bytes: '12' }", true},
		{"field: { offset: 0, bytes: 2, endian: little, equals: 0x1234 }",
		 "mask: { bytes: '34 12' }", true},
		{"count: { class: high, min: 9 }", "count: { class: high, min: 8 }", true},
		{"count: { class: high, min: 7 }", "count: { class: high, min: 8 }", false},
		{"entropy: { within: 64, min: 5 }", "entropy: { within: 64, min: 4.9 }", true},
		{"entropy: { within: 63, min: 5 }", "entropy: { within: 64, min: 4.9 }", false},
		{"length_field: { offset: 0, bytes: 1 }, regex: '^.b'", "regex: '^.b'", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pair p;

		pair_open(&p, cases[i].a, cases[i].b);
		if (feature_implies(&p.f.s->features[0], &p.a, &p.f.s->features[1]) !=
		    cases[i].implies)
			fail_msg("%s: %s", cases[i].a, cases[i].b);
		fixture_close(&p.f);
	}
}

static void exclusions(void **state)
{
	static const struct {
		const char *a, *b;
		enum exclusion exclusion;
	} cases[] = {
		{"mask: { bytes: '11 22' }", "mask: { offset: 1, bytes: '23' }", EXCLUDES},
		{"mask: { bytes: '11 22' }", "mask: { offset: 1, bytes: '20', mask: 'f0' }",
		 EXCLUDES_NOT},
		{"transport: tcp, length: 5", "transport: udp, length: 5", EXCLUDES},
		{"direction: origin, length: 5", "direction: responder, length: 5", EXCLUDES},
		{"length: 5", "length: 6", EXCLUDES_WHOLE},
		{"length: [4-6]", "length: [6-8]", EXCLUDES_NOT},
		{"length: { max: 5 }", "mask: { offset: 5, bytes: '00' }", EXCLUDES_WHOLE},
		{"sport: 5", "sport: 6", EXCLUDES},
		{"port: 5", "port: 6", EXCLUDES_NOT},
		{"sport: 5", "dport: 6", EXCLUDES_NOT},
		{"regex: '^GET'", "regex: '^.O'", EXCLUDES},
		{"regex: 'GET'", "regex: '^.O'", EXCLUDES_NOT},
		{"field: { offset: 60, bytes: 4, max: 5 }",
		 "field: { offset: 60, bytes: 4, min: 6 }", EXCLUDES},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pair p;

		pair_open(&p, cases[i].a, cases[i].b);
		if (feature_excludes(&p.f.s->features[0], &p.a, &p.f.s->features[1], &p.b) !=
			    cases[i].exclusion ||
		    feature_excludes(&p.f.s->features[1], &p.b, &p.f.s->features[0], &p.a) !=
			    cases[i].exclusion)
			fail_msg("%s: %s", cases[i].a, cases[i].b);
		fixture_close(&p.f);
	}
}

/* Evaluations (features, regexes) that a datagram takes. */
static void cost(const char *yaml, const char *text, unsigned int features, unsigned int regexes,
		 const char *app)
{
	struct fixture f;

	fixture_open(&f, yaml);
	assert_string_equal(udp(&f, text, strlen(text)), app);
	assert_int_equal(classify_scratch_evaluations(f.c), features);
	assert_int_equal(classify_scratch_regexes(f.c), regexes);
	fixture_close(&f);
}

static void implied_features_are_not_evaluated(void **state)
{
	/* b is true where a is; c cannot be. */
	cost("features:\n"
	     "  a: { mask: { text: 'ab' } }\n"
	     "  b: { mask: { text: 'a' } }\n"
	     "  c: { mask: { offset: 1, text: 'c' }, regex: 'z' }\n"
	     "applications:\n"
	     "  x: { when: a and b and not c }\n",
	     "ab", 1, 0, "x");
	/* Where b is false, a is too. */
	cost("features:\n"
	     "  a: { mask: { offset: 60, text: 'ab' }, regex: 'x+y' }\n"
	     "  b: { mask: { offset: 60, text: 'ab' } }\n"
	     "applications:\n"
	     "  x: { when: not b and not a }\n",
	     "ab", 1, 0, "x");
	/* The longer pattern's answer is the shorter one's. */
	cost("features:\n"
	     "  a: { length: 4, regex: 'o+p' }\n"
	     "  b: { regex: 'o+p' }\n"
	     "applications:\n"
	     "  x: { when: a and b }\n",
	     "loop", 2, 1, "x");
}

/* A length that is right now may be passed: the other is not false for that. */
static void lengths_of_streams_exclude_nothing(void **state)
{
	struct fixture f;

	fixture_open(&f, "features:\n"
			 "  a: { length: 3 }\n"
			 "  b: { length: 5 }\n"
			 "applications:\n"
			 "  x: { when: b, confidence: 95 }\n"
			 "  y: { when: a, wait: true }\n");
	assert_string_equal(tcp(&f, "123"), "unknown");
	assert_true(f.result.pending);
	assert_string_equal(tcp(&f, "12345"), "x");
	fixture_close(&f);
}

/* ---- against one rule at a time ---- */

#define FEATURES 48
#define RULES	 64

static const char *const conditions[] = {
	"mask: { offset: #, bytes: '6#' }",
	"mask: { offset: #, bytes: '6# 60', mask: 'ff f0' }",
	"regex: { offset: #, pattern: '^[ab]*c#' }",
	"regex: '^a{#}b{0,#}c'",
	"regex: 'abca[ac]{#}b{#}'",
	"regex: { pattern: 'bcaab.{#}[abc]{#}', caseless: true }",
	"length: { min: #, max: 2# }",
	"field: { offset: #, bytes: 2, min: 0x6162, max: 0x626# }",
	"regex: '^[a-c]{#}c.{#}'",
	"dport: [#, 222#]",
	"count: { bytes: '61', offset: #, min: # }",
	"length_field: { offset: #, bytes: 1, min: 0x61, max: 0x7#, add: -90, more: true }",
};

/* The text with a number below `below` for every #. */
static void fill(char *out, size_t cap, const char *text, int below, unsigned int *seed)
{
	size_t at = strlen(out);

	for (; *text && at + 4 < cap; text++) {
		if (*text == '#')
			at += (size_t)snprintf(out + at, cap - at, "%d", rand_r(seed) % below);
		else
			out[at++] = *text;
	}
	out[at] = '\0';
}

static void set_make(char features[FEATURES][160], char rules[RULES][64], unsigned int *seed)
{
	static const char *const ends[] = {"", "transport: tcp, ", "transport: udp, ",
					   "direction: origin, "};

	for (int i = 0; i < FEATURES; i++) {
		snprintf(features[i], 160, "  f%d: { %s", i, ends[rand_r(seed) % 4]);
		fill(features[i], 160, conditions[(size_t)rand_r(seed) % ARRAY_SIZE(conditions)], 4,
		     seed);
		fill(features[i], 160, " }\n", 1, seed);
	}
	for (int i = 0; i < RULES; i++) {
		static const char *const shapes[] = {"f#", "f# and f#", "f# and (f# or f#)",
						     "f# and not f#"};

		rules[i][0] = '\0';
		fill(rules[i], 64, shapes[rand_r(seed) % 4], FEATURES, seed);
	}
}

/* The set of all rules, or of one. */
static void set_open(struct fixture *f, char features[FEATURES][160], char rules[RULES][64],
		     int only)
{
	static char yaml[32768];
	size_t at = 0;

	at += (size_t)snprintf(yaml, sizeof(yaml), "features:\n");
	for (int i = 0; i < FEATURES; i++)
		at += (size_t)snprintf(yaml + at, sizeof(yaml) - at, "%s", features[i]);
	at += (size_t)snprintf(yaml + at, sizeof(yaml) - at, "applications:\n");
	for (int i = 0; i < RULES; i++)
		if (only < 0 || i == only)
			at += (size_t)snprintf(yaml + at, sizeof(yaml) - at,
					       "  r%d: { confidence: %d, when: %s }\n", i, i + 1,
					       rules[i]);
	fixture_open(f, yaml);
}

static void message_make(struct classify_input *in, uint8_t data[40], unsigned int *seed)
{
	*in = (struct classify_input){.data = data,
				      .len = 1 + (size_t)rand_r(seed) % 39,
				      .proto = rand_r(seed) % 2 ? IPPROTO_UDP : IPPROTO_TCP,
				      .from_origin = rand_r(seed) % 2,
				      .complete = rand_r(seed) % 2,
				      .sport = 1111,
				      .dport = (uint16_t)(2220 + rand_r(seed) % 5)};
	for (size_t i = 0; i < in->len; i++)
		data[i] = (uint8_t) "aaabbbccCd"[rand_r(seed) % 10];
}

static void message_check(struct fixture *all, struct fixture *single,
			  const struct classify_input *in)
{
	struct classify_result expected = {0}, one;

	for (int i = 0; i < RULES; i++) {
		if (classify_message(single[i].s, single[i].c, in, &one))
			expected.confidence = one.confidence;
		expected.pending |= one.pending;
	}
	if (expected.confidence > 0)
		expected.pending = false;
	classify_message(all->s, all->c, in, &one);
	if (one.confidence != expected.confidence || one.pending != expected.pending)
		fail_msg("%.*s (%s, %s): %u instead of %u, pending %d instead of %d", (int)in->len,
			 (const char *)in->data, in->proto == IPPROTO_UDP ? "udp" : "tcp",
			 in->complete ? "complete" : "open", one.confidence, expected.confidence,
			 one.pending, expected.pending);
}

static void no_answer_changes(void **state)
{
	static struct fixture single[RULES];
	static char features[FEATURES][160], rules[RULES][64];
	unsigned int seed = 3;

	for (int round = 0; round < 12; round++) {
		struct fixture all;

		set_make(features, rules, &seed);
		set_open(&all, features, rules, -1);
		for (int i = 0; i < RULES; i++)
			set_open(&single[i], features, rules, i);
		for (int i = 0; i < 1500; i++) {
			struct classify_input in;
			uint8_t data[40];

			message_make(&in, data, &seed);
			message_check(&all, single, &in);
		}
		for (int i = 0; i < RULES; i++)
			fixture_close(&single[i]);
		fixture_close(&all);
	}
}

/* A stream that comes in pieces, with and without what was kept of it. */
static void memory_changes_no_answer(void **state)
{
	static char features[FEATURES][160], rules[RULES][64];
	unsigned int seed = 5, answers = 0;

	for (int round = 0; round < 12; round++) {
		struct fixture all;

		set_make(features, rules, &seed);
		set_open(&all, features, rules, -1);
		for (int i = 0; i < 1500; i++) {
			struct classify_memo memo = {.set = 0};
			struct classify_input in;
			uint8_t data[40];
			size_t whole;

			message_make(&in, data, &seed);
			whole = in.len;
			in.proto = IPPROTO_TCP;
			for (in.len = 0; in.len < whole;) {
				struct classify_result with, without;

				in.len += 1 + (size_t)rand_r(&seed) % 9;
				in.len = in.len < whole ? in.len : whole;
				in.complete = in.len == whole && rand_r(&seed) % 2;
				classify_stream(all.s, all.c, &in, &memo, &with);
				classify_message(all.s, all.c, &in, &without);
				assert_int_equal(with.app, without.app);
				assert_int_equal(with.confidence, without.confidence);
				assert_int_equal(with.pending, without.pending);
				answers += with.app != 0;
			}
		}
		fixture_close(&all);
	}
	assert_true(answers > 1000);
}

static void settled_rules_are_not_looked_at_again(void **state)
{
	struct classify_input in = {
		(const uint8_t *)"HELLO wor", 9, IPPROTO_TCP, true, false, 1, 2};
	struct classify_memo memo = {.set = 0};
	struct classify_result result;
	struct fixture f;
	uint64_t before;

	fixture_open(&f, "features:\n"
			 "  a: { transport: tcp, regex: '^HELLO [a-z]+\\n' }\n"
			 "  b: { transport: tcp, regex: '^[A-Z]+ [a-z]+[0-9]' }\n"
			 "  c: { transport: tcp, length: { max: 5 } }\n"
			 "  d: { transport: tcp, mask: { offset: 2, text: 'X' } }\n"
			 "applications: { x: { when: a }, y: { when: b }, z: { when: c or d } }\n");
	assert_false(classify_stream(f.s, f.c, &in, &memo, &result));
	assert_true(result.pending);
	assert_int_equal(memo.count, 2);
	before = classify_scratch_evaluations(f.c);
	in.data = (const uint8_t *)"HELLO world\n";
	in.len = 12;
	assert_true(classify_stream(f.s, f.c, &in, &memo, &result));
	assert_int_equal(classify_scratch_evaluations(f.c), before + 2);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(implications),
		cmocka_unit_test(exclusions),
		cmocka_unit_test(implied_features_are_not_evaluated),
		cmocka_unit_test(lengths_of_streams_exclude_nothing),
		cmocka_unit_test(no_answer_changes),
		cmocka_unit_test(memory_changes_no_answer),
		cmocka_unit_test(settled_rules_are_not_looked_at_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

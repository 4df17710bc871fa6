// SPDX-License-Identifier: GPL-2.0-only
#include "classify_fixture.h"

static void mask_compares_bits(void **state)
{
	struct fixture f;

	fixture_open(
		&f,
		"features:\n"
		"  a: { transport: udp, mask: { offset: 1, bytes: \"4f 0f\", mask: \"f0 ff\" } }\n"
		"applications: { x: { when: a } }\n");
	assert_string_equal(udp(&f, "\x00\x4a\x0f", 3), "x");
	assert_string_equal(udp(&f, "\xff\x40\x0f\x01", 4), "x");
	assert_string_equal(udp(&f, "\x00\x5a\x0f", 3), "unknown");
	assert_string_equal(udp(&f, "\x00\x4a\x1f", 3), "unknown");
	assert_string_equal(udp(&f, "\x00\x4a", 2), "unknown");
	assert_false(f.result.pending);
	assert_string_equal(tcp(&f, "aO"), "unknown");
	fixture_close(&f);
}

static void lists_of_masks_are_conjunctions(void **state)
{
	struct fixture f;

	fixture_open(&f, "features:\n"
			 "  a: { mask: [ { bytes: aa }, { offset: 2, text: 'zz' } ] }\n"
			 "applications: { x: { when: a } }\n");
	assert_string_equal(udp(&f, "\xaa-zz", 4), "x");
	assert_string_equal(udp(&f, "\xab-zz", 4), "unknown");
	assert_string_equal(udp(&f, "\xaa-zy", 4), "unknown");
	fixture_close(&f);
}

static void lengths(void **state)
{
	uint8_t data[64] = {0};
	struct fixture f;

	fixture_open(&f, "features:\n"
			 "  a: { length: 10 }\n"
			 "  b: { length: [20, 30-32, 60-] }\n"
			 "  c: { length: { min: 40, max: 41 } }\n"
			 "applications: { a: { when: a }, b: { when: b }, c: { when: c } }\n");
	assert_string_equal(udp(&f, data, 10), "a");
	assert_string_equal(udp(&f, data, 9), "unknown");
	assert_string_equal(udp(&f, data, 20), "b");
	assert_string_equal(udp(&f, data, 29), "unknown");
	assert_string_equal(udp(&f, data, 30), "b");
	assert_string_equal(udp(&f, data, 32), "b");
	assert_string_equal(udp(&f, data, 33), "unknown");
	assert_string_equal(udp(&f, data, 64), "b");
	assert_string_equal(udp(&f, data, 41), "c");
	fixture_close(&f);
}

static void ports(void **state)
{
	struct classify_input in = {(const uint8_t *)"x", 1, IPPROTO_UDP, true, true, 53, 4000};
	struct fixture f;

	fixture_open(
		&f,
		"features:\n"
		"  any: { port: [53, 100-200] }\n"
		"  src: { sport: 5000 }\n"
		"  dst: { dport: 5000 }\n"
		"applications: { any: { when: any }, src: { when: src }, dst: { when: dst } }\n");
	assert_string_equal(run(&f, &in), "any");
	in.sport = 4000;
	assert_string_equal(run(&f, &in), "unknown");
	in.dport = 200;
	assert_string_equal(run(&f, &in), "any");
	in.dport = 5000;
	assert_string_equal(run(&f, &in), "dst");
	in.dport = 4000;
	in.sport = 5000;
	assert_string_equal(run(&f, &in), "src");
	fixture_close(&f);
}

static void fields(void **state)
{
	struct fixture f;

	fixture_open(&f, "features:\n"
			 "  big: { field: { offset: 1, bytes: 2, min: 0x100, max: 0x1ff } }\n"
			 "  little: { field: { offset: 1, bytes: 4, endian: little, equals: 7 } }\n"
			 "  bits: { field: { offset: 0, bytes: 1, mask: 0x0f, equals: 5 } }\n"
			 "applications:\n"
			 "  big: { when: big }\n"
			 "  little: { when: little }\n"
			 "  bits: { when: bits }\n");
	assert_string_equal(udp(&f, "\0\x01\xff", 3), "big");
	assert_string_equal(udp(&f, "\0\x02\x00", 3), "unknown");
	assert_string_equal(udp(&f, "\0\x07\0\0\0", 5), "little");
	assert_string_equal(udp(&f, "\0\x07\0\0", 4), "unknown");
	assert_string_equal(udp(&f, "\xf5", 1), "bits");
	assert_string_equal(udp(&f, "\xf4", 1), "unknown");
	fixture_close(&f);
}

static void length_fields(void **state)
{
	struct fixture f;

	fixture_open(
		&f,
		"features:\n"
		"  exact: { transport: udp, length_field: { offset: 0, bytes: 2, endian: little, "
		"add: 2 } }\n"
		"  words: { transport: udp, mask: { bytes: ff }, length_field: { offset: 1, "
		"bytes: 1, unit: 4, add: 4 } }\n"
		"  stream: { transport: tcp, mask: { text: S }, length_field: { offset: 1, "
		"bytes: 1, add: 2, min: 1, max: 99, more: true } }\n"
		"applications:\n"
		"  exact: { when: exact }\n"
		"  words: { when: words }\n"
		"  stream: { when: stream }\n");
	assert_string_equal(udp(&f, "\x03\0abc", 5), "exact");
	assert_string_equal(udp(&f, "\x03\0abcd", 6), "unknown");
	assert_string_equal(udp(&f, "\x03\0ab", 4), "unknown");
	assert_string_equal(udp(&f, "\xff\x01\0\0\0\0\0\0", 8), "words");
	assert_string_equal(udp(&f, "\xff\x01\0\0\0\0\0", 7), "unknown");
	assert_string_equal(tcp(&f, "S\x03"
				    "abc"),
			    "stream");
	assert_string_equal(tcp(&f, "S\x03"
				    "abc and more"),
			    "stream");
	assert_string_equal(tcp(&f, "S\x03"
				    "ab"),
			    "unknown");
	assert_true(f.result.pending);
	assert_string_equal(tcp(&f, "S\x7f"
				    "ab"),
			    "unknown");
	assert_false(f.result.pending);
	fixture_close(&f);
}

static void logic(void **state)
{
	static const struct {
		const char *when, *text;
		bool match;
	} cases[] = {
		{"a and b", "ab", true},
		{"a and b", "a", false},
		{"a or b", "b", true},
		{"a or b", "c", false},
		{"not a", "b", true},
		{"not a", "a", false},
		{"not not a", "a", true},
		/* and binds tighter than or */
		{"a or b and c", "a", true},
		{"(a or b) and c", "a", false},
		{"(a or b) and c", "bc", true},
		{"a and (b or not c)", "a", true},
		{"a and (b or not c)", "ac", false},
		{"a and (b or not c)", "abc", true},
		{"not (a or b) and c", "c", true},
		{"not (a or b) and c", "ac", false},
		{"a and b and c", "abc", true},
		{"a and b and c", "bc", false},
		{"[a and b, c]", "c", true},
		{"[a and b, c]", "a", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		char yaml[512];

		snprintf(yaml, sizeof(yaml),
			 "features: { a: { regex: a }, b: { regex: b }, c: { regex: c } }\n"
			 "applications:\n  x: { when: %s }\n",
			 cases[i].when);
		fixture_open(&f, yaml);
		if ((strcmp(udp(&f, cases[i].text, strlen(cases[i].text)), "x") == 0) !=
		    cases[i].match)
			fail_msg("`%s` of `%s`", cases[i].when, cases[i].text);
		fixture_close(&f);
	}
}

static void deepest_expression_runs(void **state)
{
	char yaml[1024] = "features: { a: { mask: { text: a } }, b: { mask: { text: b } } }\n"
			  "applications: { x: { when: [ b, '";
	struct fixture f;

	for (int i = 0; i < RULE_DEPTH_MAX; i++)
		strcat(yaml, "b or a and (");
	strcat(yaml, "b or a and a");
	for (int i = 0; i < RULE_DEPTH_MAX; i++)
		strcat(yaml, ")");
	strcat(yaml, "' ] } }\n");
	fixture_open(&f, yaml);
	assert_string_equal(udp(&f, "a", 1), "x");
	assert_string_equal(udp(&f, "c", 1), "unknown");
	fixture_close(&f);
}

static void a_feature_is_evaluated_once(void **state)
{
	struct fixture f;

	fixture_open(&f, "features:\n"
			 "  a: { regex: 'a' }\n"
			 "  b: { regex: 'b' }\n"
			 "applications:\n"
			 "  x: { when: a and b }\n"
			 "  y: { when: b and not a }\n"
			 "  z: { when: a or b }\n");
	assert_string_equal(udp(&f, "b", 1), "y");
	assert_int_equal(classify_scratch_evaluations(f.c), 2);
	assert_int_equal(classify_scratch_regexes(f.c), 2);
	/* Nothing is kept from one message to the next. */
	assert_string_equal(udp(&f, "ab", 2), "x");
	assert_int_equal(classify_scratch_evaluations(f.c), 4);
	fixture_close(&f);
}

static void cheap_conditions_save_regexes(void **state)
{
	struct fixture f;

	fixture_open(&f, "features:\n"
			 "  a: { length: 3, regex: 'a' }\n"
			 "  b: { regex: 'b' }\n"
			 "  c: { transport: tcp, regex: 'c' }\n"
			 "  d: { regex: '^d' }\n"
			 "  e: { direction: responder, regex: 'e' }\n"
			 "applications:\n"
			 "  x: { when: b and a }\n"
			 "  y: { when: c or d or e }\n");
	/* a is false by its length, so b's regex never runs; c, d and e cannot apply. */
	assert_string_equal(udp(&f, "ab", 2), "unknown");
	assert_int_equal(classify_scratch_regexes(f.c), 0);
	assert_string_equal(udp(&f, "bab", 3), "x");
	assert_int_equal(classify_scratch_regexes(f.c), 2);
	fixture_close(&f);
}

static void sure_match_saves_regexes(void **state)
{
	struct fixture f;

	fixture_open(&f, "features:\n"
			 "  a: { regex: 'a' }\n"
			 "  b: { mask: { text: a } }\n"
			 "applications:\n"
			 "  x: { when: a, confidence: 80 }\n"
			 "  y: { when: b }\n");
	assert_string_equal(udp(&f, "a", 1), "y");
	assert_int_equal(classify_scratch_regexes(f.c), 0);
	fixture_close(&f);
}

static void choice_of_the_best(void **state)
{
	struct fixture f;

	fixture_open(&f, "features:\n"
			 "  a: { mask: { text: a } }\n"
			 "  b: { mask: { offset: 1, text: b } }\n"
			 "  c: { mask: { offset: 2, text: c } }\n"
			 "  d: { mask: { offset: 3, text: d } }\n"
			 "applications:\n"
			 "  first: { when: a }\n"
			 "  second: { when: a }\n"
			 "  specific: { when: a and b }\n"
			 "  sure: { when: c, confidence: 95 }\n"
			 "  weak: { rules: [ { when: a and b, confidence: 10 }, { when: d, "
			 "confidence: 99 } ] }\n");
	assert_string_equal(udp(&f, "a", 1), "first");
	assert_int_equal(f.result.confidence, 90);
	assert_int_equal(f.result.method, WEIR_METHOD_SIGNATURE);
	assert_string_equal(udp(&f, "ab", 2), "specific");
	assert_string_equal(udp(&f, "abc", 3), "sure");
	assert_int_equal(f.result.confidence, 95);
	assert_string_equal(udp(&f, "abcd", 4), "weak");
	fixture_close(&f);
}

static void methods(void **state)
{
	struct fixture f;

	fixture_open(&f, "features: { p: { port: 2222 } }\n"
			 "applications: { x: { when: p, method: port } }\n");
	assert_string_equal(udp(&f, "a", 1), "x");
	assert_int_equal(f.result.method, WEIR_METHOD_PORT);
	assert_true(f.result.confidence < 50);
	fixture_close(&f);
}

/* The bytes of a number that are there can rule out what it has to be. */
static void half_a_number_may_be_enough(void **state)
{
	static const char *const set[] = {"field: { offset: 0, bytes: 4, min: 0x100, max: 0x1ff }",
					  "length_field: { offset: 0, bytes: 6, add: 4 }",
					  "field: { offset: 0, bytes: 2, endian: little, min: 5, "
					  "max: 9, mask: 0xff }"};
	static const struct {
		unsigned int set;
		const char *text;
		size_t len;
		bool pending;
	} cases[] = {
		{0, "\0", 1, true},  {0, "\0\0\1", 3, true},   {0, "\0\0\2", 3, false},
		{0, "\1", 1, false}, {1, "\0\0\xff", 3, true}, {1, "\0\1", 2, false},
		{2, "\7", 1, true},  {2, "\4", 1, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct classify_input in = {.data = (const uint8_t *)cases[i].text,
					    .proto = IPPROTO_TCP,
					    .from_origin = true};
		struct classify_memo memo = {.set = 0};
		struct classify_result result;
		struct fixture f;
		char yaml[200];

		snprintf(yaml, sizeof(yaml),
			 "features: { a: { %s } }\napplications: { x: { when: a } }\n",
			 set[cases[i].set]);
		fixture_open(&f, yaml);
		for (in.len = 1; in.len <= cases[i].len; in.len++)
			classify_stream(f.s, f.c, &in, &memo, &result);
		if (result.pending != cases[i].pending)
			print_error("case %zu\n", i);
		assert_int_equal(result.pending, cases[i].pending);
		in.len = cases[i].len;
		classify_message(f.s, f.c, &in, &result);
		assert_int_equal(result.pending, cases[i].pending);
		fixture_close(&f);
	}
}

static void pending_until_it_cannot_match(void **state)
{
	struct classify_input in = {(const uint8_t *)"HEL", 3, IPPROTO_TCP, true, true, 1, 2};
	struct fixture f;

	fixture_open(&f, "features:\n"
			 "  a: { transport: tcp, regex: '^HELLO [a-z]+\\n' }\n"
			 "  b: { transport: tcp, mask: { text: 'HELP' } }\n"
			 "applications: { x: { when: a }, y: { when: b } }\n");
	assert_string_equal(tcp(&f, "HEL"), "unknown");
	assert_true(f.result.pending);
	assert_string_equal(tcp(&f, "HELLO wor"), "unknown");
	assert_true(f.result.pending);
	assert_string_equal(tcp(&f, "HELLO world\n"), "x");
	assert_string_equal(tcp(&f, "HELP"), "y");
	assert_string_equal(tcp(&f, "HELLO World\n"), "unknown");
	assert_false(f.result.pending);
	assert_string_equal(tcp(&f, "HELX"), "unknown");
	assert_false(f.result.pending);
	assert_string_equal(tcp(&f, ""), "unknown");
	assert_true(f.result.pending);
	/* The same bytes, but nothing will follow. */
	assert_string_equal(run(&f, &in), "unknown");
	assert_false(f.result.pending);
	fixture_close(&f);
}

static void not_waits_for_certainty(void **state)
{
	struct fixture f;

	fixture_open(&f, "features:\n"
			 "  a: { transport: tcp, mask: { text: 'a' } }\n"
			 "  abc: { transport: tcp, mask: { text: 'abc' } }\n"
			 "applications: { x: { when: a and not abc } }\n");
	assert_string_equal(tcp(&f, "ab"), "unknown");
	assert_true(f.result.pending);
	assert_string_equal(tcp(&f, "abd"), "x");
	assert_string_equal(tcp(&f, "abc"), "unknown");
	assert_false(f.result.pending);
	fixture_close(&f);
}

static void regex_looks_within_its_window(void **state)
{
	struct fixture f;

	fixture_open(&f,
		     "features:\n"
		     "  a: { transport: tcp, regex: { pattern: '^XyZ', caseless: true, offset: 2, "
		     "within: 4 } }\n"
		     "  b: { transport: tcp, regex: { pattern: 'end', within: 6 } }\n"
		     "applications: { x: { when: a }, y: { when: b } }\n");
	assert_string_equal(tcp(&f, "..xYz"), "x");
	assert_string_equal(tcp(&f, "..xY"), "unknown");
	assert_true(f.result.pending);
	assert_string_equal(tcp(&f, "123end"), "y");
	/* Cut off by the window, however much follows. */
	assert_string_equal(tcp(&f, "1234end"), "unknown");
	assert_false(f.result.pending);
	fixture_close(&f);
}

static void patterns_without_anchor_stay_open(void **state)
{
	struct fixture f;

	fixture_open(&f, "features: { a: { transport: tcp, regex: 'needle' } }\n"
			 "applications: { x: { when: a } }\n");
	assert_string_equal(tcp(&f, "hay"), "unknown");
	assert_true(f.result.pending);
	assert_string_equal(tcp(&f, "hay, needle"), "x");
	fixture_close(&f);
}

/* A match that waits does so while a surer rule is open, and no longer; others do not. */
static void surer_rules_are_waited_for(void **state)
{
	struct classify_input in = {(const uint8_t *)"HELLO", 5, IPPROTO_TCP, true, true, 1, 2};
	struct fixture f;

	fixture_open(&f, "features:\n"
			 "  a: { transport: tcp, mask: { text: 'HELLO' } }\n"
			 "  b: { transport: tcp, mask: { text: 'HELLO WORLD' } }\n"
			 "  c: { transport: tcp, mask: { text: 'HEL' } }\n"
			 "applications:\n"
			 "  x: { when: a, wait: true }\n"
			 "  y: { when: b, confidence: 95 }\n"
			 "  z: { when: c, confidence: 80 }\n");
	assert_string_equal(tcp(&f, "HEL"), "z");
	assert_string_equal(tcp(&f, "HELLO"), "unknown");
	assert_true(f.result.pending);
	assert_string_equal(tcp(&f, "HELLO WORLD"), "y");
	assert_string_equal(tcp(&f, "HELLO THERE"), "x");
	assert_string_equal(run(&f, &in), "x");
	fixture_close(&f);
}

/* A length field bounds what the feature's regex sees, and what it waits for. */
static void regex_stays_within_the_message(void **state)
{
	struct fixture f;

	fixture_open(
		&f, "features: { a: { transport: tcp, length_field: { offset: 0, bytes: 1, add: 1, "
		    "more: true }, regex: { offset: 1, pattern: 'end' } } }\n"
		    "applications: { x: { when: a } }\n");
	assert_string_equal(tcp(&f, "\x05"
				    "12end"),
			    "x");
	assert_string_equal(tcp(&f, "\x05"
				    "12"),
			    "unknown");
	assert_true(f.result.pending);
	assert_string_equal(tcp(&f, "\x05"
				    "123end"),
			    "unknown");
	assert_false(f.result.pending);
	fixture_close(&f);
}

static void regexes_see_bytes(void **state)
{
	struct fixture f;

	fixture_open(&f, "features: { a: { regex: '^\\x00[\\x80-\\xff].\\xe3\\x00$' } }\n"
			 "applications: { x: { when: a } }\n");
	assert_string_equal(udp(&f, "\0\xff\n\xe3\0", 5), "x");
	assert_string_equal(udp(&f, "\0\x7f\n\xe3\0", 5), "unknown");
	assert_string_equal(udp(&f, "\0\xff\n\xe3\0\n", 6), "unknown");
	fixture_close(&f);
}

static void hostile_regex_costs_little(void **state)
{
	static uint8_t data[REGEX_WITHIN_MAX];
	uint64_t start_ns, took_ns;
	struct fixture f;

	/* Exponential without limits: minutes to centuries. */
	fixture_open(&f, "features:\n"
			 "  a: { regex: { pattern: '^(a+)+(a+)+(a+)+$', within: 16384 } }\n"
			 "  b: { regex: { pattern: '(?:(?:a|aa|aaa)*)*b', within: 16384 } }\n"
			 "  c: { regex: { pattern: '^(a(?1)?)b', within: 16384 } }\n"
			 "applications: { x: { when: a or b or c } }\n");
	memset(data, 'a', sizeof(data));
	data[sizeof(data) - 1] = '!';
	start_ns = time_now_ns();
	assert_string_equal(udp(&f, data, sizeof(data)), "unknown");
	took_ns = time_now_ns() - start_ns;
	assert_int_equal(classify_scratch_regexes(f.c), 3);
	assert_in_range(took_ns, 0, 2000000000ULL);
	fixture_close(&f);
}

static void other_transports_have_no_message(void **state)
{
	struct classify_input in = {(const uint8_t *)"a", 1, IPPROTO_SCTP, true, true, 1, 2};
	struct fixture f;

	fixture_open(&f, "features: { a: { mask: { text: a } } }\n"
			 "applications: { x: { when: a } }\n");
	assert_string_equal(run(&f, &in), "unknown");
	in.proto = IPPROTO_TCP;
	assert_string_equal(run(&f, &in), "x");
	fixture_close(&f);
}

static void directions(void **state)
{
	struct classify_input in = {(const uint8_t *)"a", 1, IPPROTO_TCP, true, true, 1, 2};
	struct fixture f;

	fixture_open(&f, "features:\n"
			 "  a: { direction: origin, mask: { text: a } }\n"
			 "  b: { direction: responder, mask: { text: a } }\n"
			 "applications: { x: { when: a }, y: { when: b } }\n");
	assert_string_equal(run(&f, &in), "x");
	in.from_origin = false;
	assert_string_equal(run(&f, &in), "y");
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mask_compares_bits),
		cmocka_unit_test(lists_of_masks_are_conjunctions),
		cmocka_unit_test(lengths),
		cmocka_unit_test(ports),
		cmocka_unit_test(fields),
		cmocka_unit_test(length_fields),
		cmocka_unit_test(logic),
		cmocka_unit_test(deepest_expression_runs),
		cmocka_unit_test(a_feature_is_evaluated_once),
		cmocka_unit_test(cheap_conditions_save_regexes),
		cmocka_unit_test(sure_match_saves_regexes),
		cmocka_unit_test(choice_of_the_best),
		cmocka_unit_test(methods),
		cmocka_unit_test(half_a_number_may_be_enough),
		cmocka_unit_test(pending_until_it_cannot_match),
		cmocka_unit_test(not_waits_for_certainty),
		cmocka_unit_test(regex_looks_within_its_window),
		cmocka_unit_test(patterns_without_anchor_stay_open),
		cmocka_unit_test(surer_rules_are_waited_for),
		cmocka_unit_test(regex_stays_within_the_message),
		cmocka_unit_test(regexes_see_bytes),
		cmocka_unit_test(hostile_regex_costs_little),
		cmocka_unit_test(other_transports_have_no_message),
		cmocka_unit_test(directions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

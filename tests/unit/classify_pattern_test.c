// SPDX-License-Identifier: GPL-2.0-only
/* What is read out of a regex's text holds for everything that PCRE2 matches with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "classify/pattern.h"
#include "util/util.h"

static void lengths_of_matches(void **state)
{
	static const struct {
		const char *text;
		uint32_t min, max;
	} cases[] = {
		{"", 0, 0},
		{"abc", 3, 3},
		{"^a?b+$", 1, PATTERN_UNBOUNDED},
		{"^(?:ab|cde|)f{2,4}", 2, 7},
		{"[^a-z]\\x41\\d{3}", 5, 5},
		{"a*?b++", 1, PATTERN_UNBOUNDED},
		{"(?:ab){2,3}\\b", 4, 6},
		{"(?=abc)a(?!x)b(?<=y)", 2, 2},
		{"[]a]\\]x{y}", 6, 6},
		{"(?:x{1000}){60000}", 60000000, 60000000},
		{"(?:(?:x{65535}){65535}){9}", PATTERN_UNBOUNDED, PATTERN_UNBOUNDED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pattern p;
		uint32_t min, max;

		if (pattern_parse(cases[i].text, false, &p) < 0)
			fail_msg("%s", cases[i].text);
		pattern_length(&p, &min, &max);
		if (min != cases[i].min || max != cases[i].max)
			fail_msg("%s: %u to %u", cases[i].text, min, max);
		pattern_fini(&p);
	}
}

static void what_is_not_understood_is_refused(void **state)
{
	static const char *const texts[] = {
		"(?i)a",   "a(?1)",   "(?<n>a)",  "\\1",  "\\pL",  "[[.a.]]", "(*LIMIT_MATCH=1)a",
		"a\\",	   "[a",      "(a",	  "a)",	  "*a",	   "a**",     "\\Qa\\E",
		"[a-\\d]", "[\\d-z]", "a{,3}",	  "\\g1", "(?#c)", "\\K",     "\\R",
		"[b-a]",   "a{2}{3}", "\\x{100}",
	};
	struct pattern p;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (pattern_parse(texts[i], false, &p) != -ENOTSUP)
			fail_msg("%s", texts[i]);
}

static void set_text(const struct byte_set *s, char *out)
{
	for (int b = 0; b < 256; b++)
		if (byte_set_has(s, (uint8_t)b))
			*out++ = (char)(b >= 0x20 && b < 0x7f ? b : '.');
	*out = '\0';
}

/* Of each row of some bytes, from each byte on. */
static void bits_that_bytes_share(void **state)
{
	uint8_t mask, value;

	for (unsigned int step = 1; step < 256; step++)
		for (unsigned int n = 1; n < 6; n++)
			for (unsigned int first = 0; first < 256; first += 5) {
				struct byte_set set = {0};
				uint8_t all = 0xff, any = 0;

				for (unsigned int i = 0; i < n; i++) {
					uint8_t byte = (uint8_t)(first + i * step);

					byte_set_add(&set, byte);
					all &= byte;
					any |= byte;
				}
				byte_set_bits(&set, &mask, &value);
				assert_int_equal(mask, (uint8_t) ~(all ^ any));
				assert_int_equal(value, all);
			}
	byte_set_bits(&(struct byte_set){0}, &mask, &value);
	assert_int_equal(mask, 0);
}

static void prefixes(void **state)
{
	static const struct {
		const char *text, *sets; /* by blanks */
		bool all;
	} cases[] = {
		{"^abc", "a b c", true},
		{"^a[bc]{2}", "a bc bc", true},
		{"^a[bc]{2}$", "a bc bc", false},
		{"^(?:GET|PUT|HEAD) ", "GHP EU AT  D", false},
		{"^ab?c", "a bc", false},
		{"^(?:ab){2}c*", "a b a b", false},
		{"^ab(?!c)d", "a b d", false},
		{"a|^b", "ab", false},
		{"^(?:\\b(?:){9}){9}x", "x", false},
		{"^x*y", "xy", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct byte_set sets[PATTERN_PREFIX_MAX];
		char text[512] = "", one[257];
		struct pattern p;
		unsigned int len;

		assert_int_equal(pattern_parse(cases[i].text, false, &p), 0);
		len = pattern_prefix(&p, sets);
		for (unsigned int k = 0; k < len; k++) {
			set_text(&sets[k], one);
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 k ? " " : "", one);
		}
		if (strcmp(text, cases[i].sets) != 0)
			fail_msg("%s: `%s`", cases[i].text, text);
		assert_int_equal(pattern_is_prefix(&p), cases[i].all);
		pattern_fini(&p);
	}
}

static void literals_that_matches_need(void **state)
{
	static const struct {
		const char *text, *literals;
	} cases[] = {
		{"needle", "needle"},
		{"[0-9]+Needle.*ab", "needle"},
		{"(?:one|three)x", "onex threex"},
		{"a?longer?", "alonger alonge longer longe"},
		{"x(?:foo|[a-z]+)bar", "bar"},
		{"[a-z]+", ""},
		{"a.b.c", ""},
		{"(?:ab)+", "ab"},
		{"(?:abc)*d", ""},
		{"(?:abc|.)", ""},
		{"[ab]cd", "acd bcd"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct literal list[PATTERN_LITERALS_MAX];
		struct pattern p;
		char text[512] = "";
		size_t count;

		assert_int_equal(pattern_parse(cases[i].text, false, &p), 0);
		count = pattern_literals(&p, list);
		for (size_t k = 0; k < count; k++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%.*s",
				 k ? " " : "", list[k].len, (const char *)list[k].bytes);
		pattern_fini(&p);
		if (strcmp(text, cases[i].literals) != 0)
			fail_msg("%s: `%s`", cases[i].text, text);
	}
}

/* A pattern of a few constructs over a few letters, so that it matches now and then. */
static void pattern_make(char *out, size_t cap, unsigned int *seed)
{
	static const char *const pieces[] = {
		"a",  "b",    "[ab]",	      "[^a]",  ".",	"(?:a|bc)", "(?:ab)?", "b*",
		"a+", "c{2}", "(?:a|b){1,2}", "\\x61", "(?=a)", "(?:|c)",   "B"};
	unsigned int count = 1 + (unsigned int)rand_r(seed) % 5;

	snprintf(out, cap, "%s", rand_r(seed) % 2 ? "^" : "");
	for (unsigned int i = 0; i < count; i++)
		snprintf(out + strlen(out), cap - strlen(out), "%s",
			 pieces[(unsigned int)rand_r(seed) % ARRAY_SIZE(pieces)]);
}

static bool has_literal(const struct literal *list, size_t count, const char *text, size_t len)
{
	for (size_t i = 0; i < count; i++)
		for (size_t at = 0; at + list[i].len <= len; at++)
			if (strncasecmp((const char *)list[i].bytes, text + at, list[i].len) == 0)
				return true;
	return count == 0;
}

static void match_check(const char *text, const struct pattern *p, const char *subject,
			size_t begin, size_t end)
{
	struct byte_set sets[PATTERN_PREFIX_MAX];
	struct literal list[PATTERN_LITERALS_MAX];
	unsigned int len = pattern_prefix(p, sets);
	uint32_t min, max;

	pattern_length(p, &min, &max);
	if (end - begin < min || end - begin > max || end - begin < len)
		fail_msg("%s matches %zu to %zu of %s", text, begin, end, subject);
	for (unsigned int i = 0; i < len; i++)
		if (!byte_set_has(&sets[i], (uint8_t)subject[begin + i]))
			fail_msg("%s begins with %s", text, subject + begin);
	if (!has_literal(list, pattern_literals(p, list), subject + begin, end - begin))
		fail_msg("%s needs a literal in %s", text, subject);
	if (pattern_is_prefix(p) && (end - begin != len || min != max))
		fail_msg("%s is more than its prefix", text);
}

/* Against PCRE2, over made patterns and subjects. */
static void holds_for_every_match(void **state)
{
	unsigned int seed = 7, matches = 0;

	for (int i = 0; i < 4000; i++) {
		bool caseless = i % 2;
		struct pattern p;
		char text[128];
		PCRE2_SIZE at;
		pcre2_match_data *match;
		pcre2_code *code;
		int err;

		pattern_make(text, sizeof(text), &seed);
		code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
				     PCRE2_DOTALL | (caseless ? PCRE2_CASELESS : 0), &err, &at,
				     NULL);
		assert_non_null(code);
		assert_int_equal(pattern_parse(text, caseless, &p), 0);
		match = pcre2_match_data_create(1, NULL);
		for (int k = 0; k < 8; k++) {
			char subject[12] = "";

			for (size_t c = 0; c + 1 < sizeof(subject); c++)
				subject[c] = "aabbcAB."[rand_r(&seed) % 8];
			if (pcre2_match(code, (PCRE2_SPTR)subject, strlen(subject), 0, 0, match,
					NULL) < 0)
				continue;
			match_check(text, &p, subject, pcre2_get_ovector_pointer(match)[0],
				    pcre2_get_ovector_pointer(match)[1]);
			matches++;
		}
		pcre2_match_data_free(match);
		pcre2_code_free(code);
		pattern_fini(&p);
	}
	assert_true(matches > 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_of_matches),
		cmocka_unit_test(what_is_not_understood_is_refused),
		cmocka_unit_test(bits_that_bytes_share),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(literals_that_matches_need),
		cmocka_unit_test(holds_for_every_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

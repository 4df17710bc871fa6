// SPDX-License-Identifier: GPL-2.0-only
/* Conditions on what a window is made of: byte counts and entropy. */
#include "classify_fixture.h"

static void counts_bytes_of_a_window(void **state)
{
	struct fixture f;

	fixture_open(&f,
		     "features:\n"
		     "  a: { count: { bytes: '00 0a-0c', offset: 1, within: 4, min: 2, max: 3 } }\n"
		     "applications: { x: { when: a } }\n");
	assert_string_equal(udp(&f, "\0\0\x0a..", 5), "x");
	assert_string_equal(udp(&f, "\0\0\x0b\x0c.", 5), "x");
	/* Neither the byte before the window nor those behind it count. */
	assert_string_equal(udp(&f, "\0\0...\0\0", 7), "unknown");
	assert_string_equal(udp(&f, "\0\0\x0d\x09..", 6), "unknown");
	assert_string_equal(udp(&f, ".\0\0\0\0.", 6), "unknown");
	assert_string_equal(udp(&f, ".", 1), "unknown");
	/* A message that ends within the window is what there is. */
	assert_string_equal(udp(&f, ".\0\0", 3), "x");
	fixture_close(&f);
}

static void counts_shares_of_a_class(void **state)
{
	struct fixture f;

	fixture_open(&f, "features: { a: { count: { class: printable, within: 10, min: 80% } } }\n"
			 "applications: { x: { when: a } }\n");
	assert_string_equal(udp(&f, "12345678\x01\x02", 10), "x");
	assert_string_equal(udp(&f, "1234567\x7f\x01\x02", 10), "unknown");
	assert_string_equal(udp(&f, "1234\x80", 5), "x");
	assert_string_equal(udp(&f, "123\x80", 4), "unknown");
	fixture_close(&f);
}

static void classes_are_what_they_say(void **state)
{
	static const struct {
		const char *class, *in, *out;
	} cases[] = {
		{"printable", " ~Az", "\t\n\x7f\x80"},
		{"text", "\t\n\r ~", "\x01\x0b\x7f"},
		{"alpha", "AZaz", "@[`{0"},
		{"digit", "09", "/:a"},
		{"control", "\x01\x1f\x7f", " ~\x80"},
		{"high", "\x80\xff", "\x7f "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		char yaml[160];

		snprintf(yaml, sizeof(yaml),
			 "features: { a: { count: { class: %s, min: 1 } } }\n"
			 "applications: { x: { when: a } }\n",
			 cases[i].class);
		fixture_open(&f, yaml);
		for (const char *p = cases[i].in; *p; p++)
			assert_string_equal(udp(&f, p, 1), "x");
		for (const char *p = cases[i].out; *p; p++)
			assert_string_equal(udp(&f, p, 1), "unknown");
		fixture_close(&f);
	}
}

/* A stream decides as soon as what is still to come cannot change the answer. */
static void counts_of_a_stream(void **state)
{
	struct fixture f;

	fixture_open(&f,
		     "features:\n"
		     "  least: { count: { bytes: '61', within: 8, min: 2 } }\n"
		     "  most: { count: { bytes: '62', within: 8, max: 1 } }\n"
		     "  both: { mask: { text: s }, count: { bytes: '62', within: 4, min: 50% } }\n"
		     "applications:\n"
		     "  least: { when: least }\n"
		     "  most: { when: most and not least, confidence: 80 }\n"
		     "  share: { when: both, confidence: 70 }\n");
	assert_string_equal(tcp(&f, "a"), "unknown");
	assert_true(f.result.pending);
	assert_string_equal(tcp(&f, "aa"), "least");
	assert_string_equal(tcp(&f, "xbb"), "unknown");
	assert_true(f.result.pending);
	assert_string_equal(tcp(&f, "xbbxxxxx"), "unknown");
	assert_false(f.result.pending);
	assert_string_equal(tcp(&f, "xbxxxxxx"), "most");
	assert_string_equal(tcp(&f, "sbbbbbbb"), "share");
	assert_string_equal(tcp(&f, "sbb"), "unknown");
	assert_true(f.result.pending);
	fixture_close(&f);
}

static void entropy_of_known_distributions(void **state)
{
	/* n equally frequent bytes have log2(n) bits; one byte has none. */
	static const struct {
		unsigned int symbols;
		const char *min, *max;
		bool match;
	} cases[] = {
		{1, "0", "0", true},	     {1, "0.001", "8", false},	{2, "1", "1", true},
		{16, "4", "4.0", true},	     {16, "4.001", "8", false}, {16, "0", "3.999", false},
		{256, "7.999", "8", true},   {256, "8", "8.0", true},	{128, "7.001", "8", false},
		{3, "1.584", "1.585", true}, {3, "1.586", "2", false},	{3, "0", "1.583", false},
	};
	uint8_t data[1536];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		char yaml[160];

		snprintf(yaml, sizeof(yaml),
			 "features: { a: { entropy: { within: 1536, min: %s, max: %s } } }\n"
			 "applications: { x: { when: a } }\n",
			 cases[i].min, cases[i].max);
		for (size_t b = 0; b < sizeof(data); b++)
			data[b] = (uint8_t)(b % cases[i].symbols);
		fixture_open(&f, yaml);
		if ((strcmp(udp(&f, data, sizeof(data)), "x") == 0) != cases[i].match)
			fail_msg("%u symbols between %s and %s", cases[i].symbols, cases[i].min,
				 cases[i].max);
		fixture_close(&f);
	}
}

static void entropy_waits_for_its_window(void **state)
{
	struct fixture f;

	fixture_open(&f, "features: { a: { entropy: { offset: 2, within: 4, min: 1.9 } } }\n"
			 "applications: { x: { when: a } }\n");
	assert_string_equal(tcp(&f, "..abc"), "unknown");
	assert_true(f.result.pending);
	assert_string_equal(tcp(&f, "..abcd"), "x");
	assert_string_equal(tcp(&f, "..abcdaaaaaa"), "x");
	assert_string_equal(tcp(&f, "..abca"), "unknown");
	assert_false(f.result.pending);
	assert_string_equal(udp(&f, "..abc", 5), "unknown");
	assert_string_equal(udp(&f, "..", 2), "unknown");
	assert_string_equal(udp(&f, ".", 1), "unknown");
	fixture_close(&f);
}

static void says_what_is_wrong(void **state)
{
	static const struct {
		const char *condition, *message;
	} cases[] = {
		{"count: { min: 1 }", "count: expected either `bytes` or `class`"},
		{"count: { bytes: '00' }", "count: expected `min` or `max`"},
		{"count: { bytes: '0', min: 1 }", "bytes: expected bytes such as"},
		{"count: { bytes: '0- -a', min: 1 }", "bytes: expected bytes such as"},
		{"count: { bytes: '-1', min: 1 }", "bytes: expected bytes such as"},
		{"count: { bytes: '00-+f', min: 1 }", "bytes: expected bytes such as"},
		{"count: { bytes: '00-0', min: 1 }", "bytes: expected bytes such as"},
		{"count: { bytes: '0 1', min: 1 }", "bytes: expected bytes such as"},
		{"count: { bytes: '0f-0a', min: 1 }", "bytes: 0f is above 0a"},
		{"count: { bytes: ' ', min: 1 }", "bytes: no bytes"},
		{"count: { class: odd, min: 1 }", "class: expected `printable`"},
		{"count: { class: high, min: 101% }", "min: expected a number of bytes or a share"},
		{"count: { class: high, min: 1.5 }", "min: expected a number of bytes or a share"},
		{"count: { class: high, min: 5, max: 4 }", "min 5 is above max 4"},
		{"count: { class: high, min: 5, max: 50% }", "count: one bound in bytes"},
		{"count: { class: high, min: 1, within: 0 }", "within: expected a number"},
		{"entropy: { min: 1 }", "entropy: `within` is missing"},
		{"entropy: { within: 10 }", "entropy: expected `min` or `max`"},
		{"entropy: { within: 5000, min: 1 }", "within: expected a number from 1 to 4096"},
		{"entropy: { within: 10, min: 8.1 }", "min: expected bits per byte from 0 to 8"},
		{"entropy: { within: 10, min: 7. }", "min: expected bits per byte from 0 to 8"},
		{"entropy: { within: 10, min: 1.2345 }", "min: expected bits per byte"},
		{"entropy: { within: 10, min: 3, max: 2 }", "min is above max"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct app_registry *r = app_registry_new();
		struct signatures *s = NULL;
		struct error e = {""};
		char yaml[200];

		snprintf(yaml, sizeof(yaml), "features: { a: { %s } }\n", cases[i].condition);
		assert_int_equal(signatures_parse("t", yaml, strlen(yaml), r, &s, &e), -EINVAL);
		if (!strstr(e.text, cases[i].message))
			fail_msg("%s: %s", cases[i].condition, e.text);
		app_registry_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_bytes_of_a_window),
		cmocka_unit_test(counts_shares_of_a_class),
		cmocka_unit_test(classes_are_what_they_say),
		cmocka_unit_test(counts_of_a_stream),
		cmocka_unit_test(entropy_of_known_distributions),
		cmocka_unit_test(entropy_waits_for_its_window),
		cmocka_unit_test(says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

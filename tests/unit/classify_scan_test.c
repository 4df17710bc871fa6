// SPDX-License-Identifier: GPL-2.0-only
/* The search for texts, against looking at every place for every text. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "classify/index.h"

#define TEXTS	    6
#define MESSAGE_MAX 70

static void note(void *arg, uint16_t feature)
{
	*(unsigned int *)arg |= 1u << feature;
}

static uint8_t lower(uint8_t byte)
{
	return byte < 128 ? (uint8_t)tolower(byte) : byte;
}

/* As the search does it, a text counts by its first SCAN_TEXT_MAX bytes. */
static bool has_text(const uint8_t *data, size_t len, const struct literal *x)
{
	size_t text = x->len < SCAN_TEXT_MAX ? x->len : SCAN_TEXT_MAX;

	for (size_t at = 0; at + text <= len; at++) {
		size_t same = 0;

		while (same < text && lower(data[at + same]) == x->bytes[same])
			same++;
		if (same == text)
			return true;
	}
	return false;
}

static struct scan *scan_open(const struct literal texts[TEXTS])
{
	struct scan *x = scan_new();

	assert_non_null(x);
	for (uint16_t i = 0; i < TEXTS; i++)
		assert_int_equal(scan_add(x, &texts[i], 1, i), 0);
	assert_int_equal(scan_finish(x), 0);
	return x;
}

static void texts_make(struct literal texts[TEXTS], unsigned int shortest, const char *of,
		       unsigned int *seed)
{
	for (unsigned int i = 0; i < TEXTS; i++) {
		texts[i] = (struct literal){.len = (uint8_t)(shortest + i % 3)};
		for (uint8_t k = 0; k < texts[i].len; k++)
			texts[i].bytes[k] = (uint8_t)of[(size_t)rand_r(seed) % strlen(of)];
	}
}

static void check_messages(const struct literal texts[TEXTS], const char *of, unsigned int *seed)
{
	struct scan *x = scan_open(texts);
	unsigned int all = 0;

	for (unsigned int round = 0; round < 3000; round++) {
		size_t len = 1 + (size_t)rand_r(seed) % MESSAGE_MAX, at;
		unsigned int found = 0, i = round % TEXTS;
		uint8_t data[MESSAGE_MAX + 32];

		for (at = 0; at < len; at++)
			data[at] =
				round & 1 ? (uint8_t)rand_r(seed)
					  : (uint8_t)toupper(of[(size_t)rand_r(seed) % strlen(of)]);
		at = (size_t)rand_r(seed) % len;
		if (at + texts[i].len <= len)
			memcpy(data + at, texts[i].bytes, texts[i].len);
		scan_run(x, data, len, note, &found);
		for (unsigned int k = 0; k < TEXTS; k++)
			if ((found >> k & 1) != has_text(data, len, &texts[k]))
				fail_msg("round %u, text %u of %zu bytes", round, k, len);
		all |= found;
	}
	assert_int_equal(all, (1u << TEXTS) - 1);
	scan_free(x);
}

/* Of every step of windows; of letters, of what stands between them, of bytes far apart. */
static void finds_every_text_and_no_other(void **state)
{
	static const char *const of[] = {"abcdefghijklmnopqrstuvwxyz", "ab", "a /.:-1\r\n",
					 "\x01\x7f\xc3\xff z"};
	unsigned int seed = 7;

	for (size_t i = 0; i < ARRAY_SIZE(of); i++)
		for (unsigned int shortest = 5; shortest <= SCAN_TEXT_MAX + 1; shortest++) {
			struct literal texts[TEXTS];

			texts_make(texts, shortest, of[i], &seed);
			check_messages(texts, of[i], &seed);
		}
}

static void short_texts_are_refused(void **state)
{
	struct literal x = {4, "abcd"};
	struct scan *s = scan_new();
	unsigned int found = 0;

	assert_non_null(s);
	assert_int_equal(scan_add(s, &x, 1, 0), -ENOSPC);
	assert_int_equal(scan_finish(s), 0);
	scan_run(s, (const uint8_t *)"abcdabcdabcdabcdabcd", 20, note, &found);
	assert_int_equal(found, 0);
	scan_free(s);
}

static void count(void *arg, uint16_t feature)
{
	++*(unsigned int *)arg;
}

/* Zeros are in most binary messages; what differs further on would be found twice. */
static void common_texts_are_refused_and_same_ones_looked_for_once(void **state)
{
	struct literal zeros = {6, "ab\0\0\0\0"}, half = {6, "abc\0\0\0"};
	struct literal same[2] = {{10, "abcdefghij"}, {10, "abcdefghkl"}};
	struct scan *s = scan_new();
	unsigned int found = 0;

	assert_non_null(s);
	assert_int_equal(scan_add(s, &zeros, 1, 0), -ENOSPC);
	assert_int_equal(scan_add(s, &half, 1, 0), 0);
	assert_int_equal(scan_add(s, same, 2, 1), 0);
	assert_int_equal(scan_finish(s), 0);
	scan_run(s, (const uint8_t *)"--abcdefghij--", 14, count, &found);
	assert_int_equal(found, 1);
	scan_run(s, (const uint8_t *)"ab\0\0\0\0\0abc\0\0\0", 13, count, &found);
	assert_int_equal(found, 2);
	scan_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_every_text_and_no_other),
		cmocka_unit_test(short_texts_are_refused),
		cmocka_unit_test(common_texts_are_refused_and_same_ones_looked_for_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

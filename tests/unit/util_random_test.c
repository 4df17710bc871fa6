// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/util.h"

#define LEN_MIN 56
#define LEN_MAX 256

/* A generator whose numbers are the same everywhere (Marsaglia, "Xorshift RNGs"). */
static uint64_t next_number(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static bool is_within(long off, long squares)
{
	return off * off <= squares;
}

/* What the header promises, byte by byte. */
static bool plainly(const uint8_t *data, size_t len)
{
	long n = (long)len, bits = 0, printable = 0, distinct = 0, halves[2] = {0};
	unsigned int seen[256] = {0}, high[16] = {0}, low[16] = {0};

	for (size_t i = 0; i < len; i++) {
		bits += __builtin_popcount(data[i]);
		printable += data[i] >= 0x20 && data[i] < 0x7f;
		distinct += seen[data[i]]++ == 0;
		high[data[i] >> 4]++;
		low[data[i] & 15]++;
	}
	for (int i = 0; i < 16; i++) {
		halves[0] += (long)high[i] * high[i];
		halves[1] += (long)low[i] * low[i];
	}
	if (!is_within(bits - 4 * n, 32 * n))
		return false;
	if (256 * printable > 95 * n && !is_within(256 * printable - 95 * n, 16L * 95 * 161 * n))
		return false;
	return distinct >= n - n * n / 512 - n / 8 && 16 * halves[0] <= n * (n + 55) &&
	       16 * halves[1] <= n * (n + 55);
}

/* From random bytes to such of few values, each at a limit of one of the measures. */
static void as_counted_plainly(void **state)
{
	uint64_t number = 0x9e3779b97f4a7c15;
	unsigned int answers[2] = {0};
	uint8_t data[LEN_MAX + 1];

	for (unsigned int round = 0; round < 40000; round++) {
		size_t len = LEN_MIN + next_number(&number) % (LEN_MAX - LEN_MIN + 1);
		unsigned int letters = (unsigned int)(next_number(&number) % 100);
		uint8_t mask = (uint8_t)next_number(&number);
		unsigned int masked = (unsigned int)(next_number(&number) % 60);
		bool answer;

		for (size_t i = 0; i < len; i++) {
			uint64_t x = next_number(&number);

			data[i] = (uint8_t)(x >> 8);
			if (x % 100 < letters / 3)
				data[i] = (uint8_t)(0x1e + (x >> 16) % 98);
			if (round % 2 && (x >> 32) % 100 < masked)
				data[i] |= mask;
		}
		answer = bytes_look_random(data, len);
		assert_int_equal(answer, plainly(data, len));
		answers[answer]++;
	}
	assert_true(answers[0] > 1000 && answers[1] > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(as_counted_plainly)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

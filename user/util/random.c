// SPDX-License-Identifier: GPL-2.0-only
/* Whether bytes could be random ones. */
#include <string.h>

#include "util/util.h"

/* How often each value of half a byte occurs, and how many values of a byte do. */
struct spread {
	unsigned int distinct;
	unsigned int high[16], low[16];
};

static void spread_count(struct spread *s, const uint8_t *data, size_t n)
{
	bool seen[256] = {false};

	*s = (struct spread){0};
	for (size_t i = 0; i < n; i++) {
		s->distinct += !seen[data[i]];
		seen[data[i]] = true;
		s->high[data[i] >> 4]++;
		s->low[data[i] & 15]++;
	}
}

/* By pairs, fours and bytes, since not every machine that this is built for counts bits itself. */
static unsigned int word_bits(uint64_t x)
{
	x -= x >> 1 & UINT64_C(0x5555555555555555);
	x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
	x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned int)(x * UINT64_C(0x0101010101010101) >> 56);
}

static unsigned int count_bits(const uint8_t *data, size_t n)
{
	unsigned int bits = 0;

	for (size_t at = 0; at < n; at += 8) {
		uint64_t word = 0;

		memcpy(&word, data + at, n - at < 8 ? n - at : 8);
		bits += word_bits(word);
	}
	return bits;
}

static unsigned int count_printable(const uint8_t *data, size_t n)
{
	unsigned int count = 0;

	for (size_t i = 0; i < n; i++)
		count += (uint8_t)(data[i] - 0x20) < 0x7f - 0x20;
	return count;
}

/* Chi-square of 16 equally likely values: 15 degrees of freedom, above 55 once in 2^19. */
static bool is_even(const unsigned int count[16], unsigned int n)
{
	unsigned int squares = 0;

	for (int i = 0; i < 16; i++)
		squares += count[i] * count[i];
	return 16 * squares <= n * (n + 55);
}

bool bytes_look_random(const uint8_t *data, size_t n)
{
	unsigned int count = (unsigned int)n;
	struct spread s;
	int off;

	/* The cheapest first: most messages end there. Half of 8n bits, variance 2n: beyond four
	 * sigma once in 2^14. */
	off = (int)count_bits(data, n) - 4 * (int)count;
	if (off * off > 32 * (int)count)
		return false;
	/* 95 of 256 values, and only too many tell: four sigma again. */
	off = 256 * (int)count_printable(data, n) - 95 * (int)count;
	if (off > 0 && (long)off * off > 16L * 95 * 161 * (long)count)
		return false;
	spread_count(&s, data, n);
	/* n - n^2/512 are expected; n/8 below is four sigma for 56 bytes, more for others. */
	if (s.distinct < count - count * count / 512 - count / 8)
		return false;
	return is_even(s.high, count) && is_even(s.low, count);
}

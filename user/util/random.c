// SPDX-License-Identifier: GPL-2.0-only
/* Whether bytes could be random ones. */
#include "util/util.h"

struct spread {
	unsigned int bits, printable, distinct;
	unsigned int high[16], low[16];
};

static void spread_count(struct spread *s, const uint8_t *data, size_t n)
{
	bool seen[256] = {false};

	*s = (struct spread){0};
	for (size_t i = 0; i < n; i++) {
		s->bits += (unsigned int)__builtin_popcount(data[i]);
		s->printable += data[i] >= 0x20 && data[i] < 0x7f;
		s->distinct += !seen[data[i]];
		seen[data[i]] = true;
		s->high[data[i] >> 4]++;
		s->low[data[i] & 15]++;
	}
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

	spread_count(&s, data, n);
	/* Half of 8n bits, variance 2n: beyond four sigma once in 2^14. */
	off = (int)s.bits - 4 * (int)count;
	if (off * off > 32 * (int)count)
		return false;
	/* 95 of 256 values, and only too many tell: four sigma again. */
	off = 256 * (int)s.printable - 95 * (int)count;
	if (off > 0 && (long)off * off > 16L * 95 * 161 * (long)count)
		return false;
	/* n - n^2/512 are expected; n/8 below is four sigma for 56 bytes, more for others. */
	if (s.distinct < count - count * count / 512 - count / 8)
		return false;
	return is_even(s.high, count) && is_even(s.low, count);
}

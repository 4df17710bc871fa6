// SPDX-License-Identifier: GPL-2.0-only
/* Tests whether bytes look random. */
#include <string.h>

#include "util/util.h"

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Number of occurrences of each half-byte value, and number of distinct byte values. */
struct spread {
	unsigned int distinct;
	uint16_t high[16], low[16];
};

/* Population count by pairs, fours and bytes, since not every target machine has an instruction for
 * it. */
static unsigned int word_bits(uint64_t x)
{
	x -= x >> 1 & EACH_BYTE(0x55);
	x = (x & EACH_BYTE(0x33)) + (x >> 2 & EACH_BYTE(0x33));
	x = (x + (x >> 4)) & EACH_BYTE(0x0f);
	return (unsigned int)(x * EACH_BYTE(1) >> 56);
}

static void spread_count(struct spread *s, const uint8_t *data, size_t n)
{
	uint64_t seen[4] = {0};

	*s = (struct spread){0};
	for (size_t i = 0; i < n; i++) {
		seen[data[i] >> 6] |= UINT64_C(1) << (data[i] & 63);
		s->high[data[i] >> 4]++;
		s->low[data[i] & 15]++;
	}
	for (int i = 0; i < 4; i++)
		s->distinct += word_bits(seen[i]);
}

/* The eight bytes at data[at], zero-padded at the end. */
static uint64_t word_at(const uint8_t *data, size_t n, size_t at)
{
	uint64_t word = 0;

	if (n - at >= sizeof(word))
		memcpy(&word, data + at, sizeof(word));
	else
		memcpy(&word, data + at, n - at);
	return word;
}

static unsigned int count_bits(const uint8_t *data, size_t n)
{
	unsigned int bits = 0;

	for (size_t at = 0; at < n; at += 8)
		bits += word_bits(word_at(data, n, at));
	return bits;
}

/* Counts 0x20 to 0x7e. The comparison result is in each byte's highest bit; the bytes' own highest
 * bits are cleared first, so there is no carry between bytes. */
static unsigned int count_printable(const uint8_t *data, size_t n)
{
	unsigned int count = 0;

	for (size_t at = 0; at < n; at += 8) {
		uint64_t word = word_at(data, n, at), low = word & EACH_BYTE(0x7f);
		uint64_t beyond = (low + EACH_BYTE(0x80 - 0x7f)) | word;
		uint64_t printable = (low + EACH_BYTE(0x80 - 0x20)) & ~beyond & EACH_BYTE(0x80);

		count += (unsigned int)((printable >> 7) * EACH_BYTE(1) >> 56);
	}
	return count;
}

/* Chi-square test with 16 equally likely values: 15 degrees of freedom, above 55 once in 2^19. */
static bool is_even(const uint16_t count[16], unsigned int n)
{
	unsigned int squares = 0;

	for (int i = 0; i < 16; i++)
		squares += (unsigned int)count[i] * count[i];
	return 16 * squares <= n * (n + 55);
}

bool bytes_look_random(const uint8_t *data, size_t n)
{
	unsigned int count = (unsigned int)n;
	struct spread s;
	int off;

	/* The cheapest test first, since most messages fail it. Expected are half of 8n bits with a
	 * variance of 2n: beyond four sigma once in 2^14. */
	off = (int)count_bits(data, n) - 4 * (int)count;
	if (off * off > 32 * (int)count)
		return false;
	/* Expected are 95 of 256 values; only too many count: four sigma again. */
	off = 256 * (int)count_printable(data, n) - 95 * (int)count;
	if (off > 0 && (long)off * off > 16L * 95 * 161 * (long)count)
		return false;
	spread_count(&s, data, n);
	/* Expected are n - n^2/512; n/8 less is four sigma for 56 bytes, and more for others. */
	if (s.distinct < count - count * count / 512 - count / 8)
		return false;
	return is_even(s.high, count) && is_even(s.low, count);
}

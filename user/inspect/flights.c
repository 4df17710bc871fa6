// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "inspect/flights.h"
#include "inspect/mse.h"

/* Bytes from a flight's beginning that are weighed: a key exchange's first flight each way is
 * longer, the third of MSE may be no longer. */
#define WEIGHED_FIRST 96
#define WEIGHED_LATER 56

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

/* Whether a number of two bytes near the beginning is the length of what follows it, or of all, in
 * either byte order. Random bytes fulfil that once in 4096 flights. */
static bool is_framed(const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < 4 && at + 2 <= len; at++) {
		size_t big = (size_t)data[at] << 8 | data[at + 1];
		size_t little = (size_t)data[at + 1] << 8 | data[at];
		size_t rest = len - at - 2;

		if (big == rest || little == rest || big == len || little == len)
			return true;
	}
	return false;
}

static uint16_t saturated(size_t len)
{
	return len < UINT16_MAX ? (uint16_t)len : UINT16_MAX;
}

/* data: the flight as far as it has come; before: its length without the newest segment. */
static void weigh(struct flights *f, unsigned int n, const uint8_t *data, size_t before, size_t len)
{
	size_t needed = n < 2 ? WEIGHED_FIRST : WEIGHED_LATER;
	uint8_t bit = (uint8_t)(1u << n);

	if (n < 2) {
		f->framed &= (uint8_t)~bit;
		if (is_framed(data, len))
			f->framed |= bit;
	}
	if (before >= needed || len < needed)
		return;
	if (bytes_look_random(data, needed))
		f->random |= bit;
	if (n < 2)
		f->known_key |= mse_key_is_known(data);
}

static struct flight *flight_of(struct flights *f, uint8_t dir)
{
	if (f->count > 0 && f->dir == dir)
		return &f->flight[f->count - 1];
	if (f->count == FLIGHTS_MAX) {
		f->over = true;
		return NULL;
	}
	if (f->count == 0)
		f->from_responder = dir != 0;
	f->dir = dir;
	return &f->flight[f->count++];
}

void flights_note(struct flights *f, uint8_t dir, const uint8_t *message, size_t len, size_t fresh)
{
	struct flight *now;
	size_t before;

	if (fresh == 0 || fresh > len || f->over)
		return;
	now = flight_of(f, dir);
	if (!now)
		return;
	before = now->len;
	now->last = saturated(fresh);
	if (before == 0)
		now->first = now->last;
	/* A saturated flight is beyond every shape; where it began is no longer known. */
	if (before + fresh <= len && before < UINT16_MAX)
		weigh(f, f->count - 1u, message + len - fresh - before, before, before + fresh);
	now->len = saturated(before + fresh);
}

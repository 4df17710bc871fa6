// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "inspect/flights.h"
#include "inspect/mse.h"
#include "util/util.h"

/* Bytes at a flight's beginning that are tested for randomness: the first flight of each direction
 * of a key exchange is longer, the third of MSE may be no longer. */
#define WEIGHED_FIRST 96
#define WEIGHED_LATER 56

/* Whether a 16-bit number near the beginning is the length of the rest or of all, in either byte
 * order. One in 4096 random flights passes. */
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

/* data: the flight so far; before: its length without the latest segment. */
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
	/* A saturated flight matches no shape, and its start is no longer known. */
	if (before + fresh <= len && before < UINT16_MAX)
		weigh(f, f->count - 1u, message + len - fresh - before, before, before + fresh);
	now->len = saturated(before + fresh);
}

bool flights_are_random(const struct flights *f)
{
	return (f->random & 3) == 3 && !(f->framed & 3);
}

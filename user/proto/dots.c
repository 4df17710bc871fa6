// SPDX-License-Identifier: GPL-2.0-only
#include "proto/dots.h"

#include <string.h>

enum place {
	AT_BEGINNING, /* of a line */
	BEHIND_DOT,   /* the line's first byte, not given */
	BEHIND_LAST,  /* behind that and CR, not given */
	BEHIND_CR,
	IN_LINE,
};

/* The place behind a byte of a line that is given. */
static uint8_t place_behind(uint8_t at, uint8_t byte)
{
	if (byte == '\r')
		return BEHIND_CR;
	return at == BEHIND_CR && byte == '\n' ? AT_BEGINNING : IN_LINE;
}

/* Bytes up to the end of the line, or all. */
static size_t line_rest(struct dots *d, const uint8_t *data, size_t len)
{
	size_t n = 0;

	while (n < len) {
		const uint8_t *cr;

		if (d->at == AT_BEGINNING && data[n] == '.')
			return n;
		d->at = place_behind(d->at, data[n++]);
		if (d->at != IN_LINE)
			continue;
		cr = memchr(data + n, '\r', len - n);
		n = cr ? (size_t)(cr - data) : len;
	}
	return n;
}

size_t dots_feed(struct dots *d, const uint8_t *data, size_t len,
		 void (*fn)(void *arg, const uint8_t *data, size_t len), void *arg)
{
	size_t at = 0;

	while (at < len && !d->ended) {
		size_t n;

		if (d->at == BEHIND_DOT && data[at] == '\r') {
			d->at = BEHIND_LAST;
			at++;
			continue;
		}
		if (d->at == BEHIND_LAST && data[at] == '\n') {
			d->ended = true;
			return at + 1;
		}
		if (d->at == BEHIND_DOT) {
			d->at = IN_LINE;
		} else if (d->at == BEHIND_LAST) {
			fn(arg, (const uint8_t *)"\r", 1);
			d->at = BEHIND_CR;
		} else if (d->at == AT_BEGINNING && data[at] == '.') {
			d->at = BEHIND_DOT;
			at++;
			continue;
		}
		n = line_rest(d, data + at, len - at);
		if (n)
			fn(arg, data + at, n);
		at += n;
	}
	return at;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts that end with a line of one dot (RFC 5321, 4.5.2; RFC 1939, 3), in pieces of any size. What
 * is given is the text without the dots that were added to its lines, up to the line end before the
 * last dot. Only CR LF ends a line.
 */
#ifndef WEIR_PROTO_DOTS_H
#define WEIR_PROTO_DOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed at the beginning of a text. */
struct dots {
	uint8_t at;
	bool ended;
};

/* Gives the text's bytes to fn, up to the end of the text. Returns the bytes that were taken. */
size_t dots_feed(struct dots *d, const uint8_t *data, size_t len,
		 void (*fn)(void *arg, const uint8_t *data, size_t len), void *arg);

#endif

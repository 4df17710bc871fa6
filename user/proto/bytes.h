/* SPDX-License-Identifier: GPL-2.0-only */
/* Parsing of messages that may be incomplete.  */
#ifndef WEIR_PROTO_BYTES_H
#define WEIR_PROTO_BYTES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of a message. more: the message may continue after it. */
struct bytes {
	const uint8_t *at;
	size_t len;
	bool more;
};

/* Integer in network order, n bytes, at most 4. */
static inline uint32_t bytes_number(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* Consumes n bytes into *out (may be NULL). 1; if fewer are left: -EAGAIN with `more`, else 0. */
static inline int bytes_take(struct bytes *b, size_t n, struct bytes *out)
{
	if (b->len < n)
		return b->more ? -EAGAIN : 0;
	if (out)
		*out = (struct bytes){b->at, n, false};
	b->at += n;
	b->len -= n;
	return 1;
}

/* Consumes a vector with a length prefix of width bytes (RFC 8446, 3.4). If its end has not arrived
 * yet, *out has the bytes present and `more` set. 1, 0, -EAGAIN as above. */
static inline int bytes_vector(struct bytes *b, size_t width, struct bytes *out)
{
	struct bytes number = {0};
	int rc = bytes_take(b, width, &number);
	size_t len;

	if (rc <= 0)
		return rc;
	len = bytes_number(number.at, width);
	if (len > b->len) {
		if (!b->more)
			return 0;
		*out = *b;
		b->at += b->len;
		b->len = 0;
		return 1;
	}
	return bytes_take(b, len, out);
}

/* Consumes the next line into *line, without its line end; false if it is incomplete. */
bool bytes_line(struct bytes *b, struct bytes *line);
/* Whether b begins with the text, compared without regard to case. */
bool bytes_begin(const struct bytes *b, const char *text);

#endif

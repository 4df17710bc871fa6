/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading of messages that may not all be there yet, for user/inspect alone. */
#ifndef WEIR_INSPECT_BYTES_H
#define WEIR_INSPECT_BYTES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of a message. `more` tells that the message may go on behind it. */
struct bytes {
	const uint8_t *at;
	size_t len;
	bool more;
};

/* Number in network order, n at most 4. */
static inline uint32_t bytes_number(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* Takes n bytes into out (may be NULL): 1, or what their absence means: 0, -EAGAIN. */
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

/* Takes a vector behind a length of width bytes (RFC 8446, 3.4). What has not arrived yet is left
 * open at its end. */
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

/* Takes the next line without its end; false when it has none yet. */
bool bytes_line(struct bytes *b, struct bytes *line);
/* Whether b begins with the text, whatever its case. */
bool bytes_begin(const struct bytes *b, const char *text);

#endif

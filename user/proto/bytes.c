// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "proto/bytes.h"

bool bytes_line(struct bytes *b, struct bytes *line)
{
	const uint8_t *end = b->len ? memchr(b->at, '\n', b->len) : NULL;

	if (!end)
		return false;
	line->at = b->at;
	line->len = (size_t)(end - b->at);
	b->len -= line->len + 1;
	b->at = end + 1;
	if (line->len && line->at[line->len - 1] == '\r')
		line->len--;
	return true;
}

bool bytes_begin(const struct bytes *b, const char *text)
{
	size_t len = strlen(text);

	return b->len >= len && strncasecmp((const char *)b->at, text, len) == 0;
}

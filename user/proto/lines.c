// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "proto/lines.h"
#include "util/util.h"

static void keep(struct lines *l, const uint8_t *data, size_t len)
{
	if (l->len + len >= LINES_MAX) {
		/* All of the line, however it was cut. */
		l->skipped += (uint32_t)len + (l->len < LINES_MAX ? l->len : 0u);
		l->len = LINES_MAX;
		return;
	}
	memcpy(l->text + l->len, data, len);
	l->len = (uint16_t)(l->len + len);
}

void lines_end(struct lines *l, void (*fn)(void *arg, const char *line), void *arg)
{
	size_t len = l->len;

	l->len = 0;
	if (len == LINES_MAX)
		return;
	if (len > 0 && l->text[len - 1] == '\r')
		len--;
	l->text[len] = '\0';
	if (memchr(l->text, '\0', len))
		l->skipped += (uint32_t)len;
	else if (len > 0)
		fn(arg, l->text);
}

size_t lines_take(struct lines *l, const uint8_t *data, size_t len,
		  void (*fn)(void *arg, const char *line), void *arg)
{
	const uint8_t *end = memchr(data, '\n', len);
	size_t piece = end ? (size_t)(end - data) : len;

	keep(l, data, piece);
	if (!end)
		return len;
	lines_end(l, fn, arg);
	return piece + 1;
}

void lines_feed(struct lines *l, const uint8_t *data, size_t len,
		void (*fn)(void *arg, const char *line), void *arg)
{
	while (len > 0) {
		size_t taken = lines_take(l, data, len, fn, arg);

		data += taken;
		len -= taken;
	}
}

void lines_gap(struct lines *l)
{
	l->len = LINES_MAX;
}

bool lines_are_none(const struct lines *l)
{
	return l->skipped > LINES_SKIPPED_MAX;
}

const char *text_after(const char *line, const char *prefix)
{
	size_t len = strlen(prefix);

	/* Compare the first letter without its case bit first: most lines differ there. */
	if ((line[0] ^ prefix[0]) & ~0x20)
		return NULL;
	return strncasecmp(line, prefix, len) == 0 ? line + len : NULL;
}

int64_t text_number(const char **at, uint64_t max)
{
	const char *p = *at;
	uint64_t number = 0;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++) {
		number = number * 10 + (uint64_t)(*p - '0');
		if (number > max)
			return -1;
	}
	*at = p;
	return (int64_t)number;
}

int text_address(const char **at, const char *ends, uint32_t addr[4])
{
	char text[ADDRESS_TEXT_MAX];
	size_t len = strcspn(*at, " \t");
	size_t stop = strcspn(*at, ends);

	if (stop < len)
		len = stop;
	if (len == 0 || len >= sizeof(text))
		return -EINVAL;
	memcpy(text, *at, len);
	text[len] = '\0';
	if (address_parse(text, addr) < 0)
		return -EINVAL;
	*at += len;
	return 0;
}

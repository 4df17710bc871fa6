// SPDX-License-Identifier: GPL-2.0-only
#include "app/record.h"

#include <string.h>

static const uint16_t longest[APP_TEXT_COUNT] = {
#define X(id, name, max) [APP_TEXT_##id] = (max),
	APP_TEXTS(X)
#undef X
};

static bool printable(char c)
{
	return c >= 0x20 && c < 0x7f;
}

void app_record_text(struct app_record *r, enum app_text which, const void *text, size_t len)
{
	const char *from = text;

	if (len > longest[which])
		len = longest[which];
	if (!len || r->place[which].len || len > sizeof(r->text) - r->used)
		return;
	for (size_t i = 0; i < len; i++)
		r->text[r->used + i] = printable(from[i]) ? from[i] : '.';
	r->place[which].at = r->used;
	r->place[which].len = (uint16_t)len;
	r->used = (uint16_t)(r->used + len);
}

const char *app_record_get(const struct app_record *r, enum app_text which, size_t *len)
{
	*len = r->place[which].len;
	return *len ? r->text + r->place[which].at : NULL;
}

size_t app_record_bytes(const struct app_record *r)
{
	return offsetof(struct app_record, text) + r->used;
}

/* Copied from raw bytes: a bool that is neither 0 nor 1 must not be read as one. */
static bool is_bool(const void *copy, size_t at)
{
	return ((const uint8_t *)copy)[at] <= 1;
}

bool app_record_sound(const void *copy, size_t len)
{
	static const size_t bools[] = {
		offsetof(struct app_record, answered), offsetof(struct app_record, to_server),
		offsetof(struct app_record, closed),   offsetof(struct app_record, gaps),
		offsetof(struct app_record, hashed),
	};
	const struct app_record *r = copy;

	if (len < offsetof(struct app_record, text) || len > sizeof(*r) ||
	    r->kind >= APP_RECORD_COUNT || len != app_record_bytes(r))
		return false;
	for (size_t i = 0; i < sizeof(bools) / sizeof(bools[0]); i++)
		if (!is_bool(copy, bools[i]))
			return false;
	for (size_t i = 0; i < APP_TEXT_COUNT; i++)
		if (r->place[i].at > r->used || r->place[i].len > r->used - r->place[i].at ||
		    r->place[i].len > longest[i])
			return false;
	for (size_t i = 0; i < r->used; i++)
		if (!printable(r->text[i]))
			return false;
	return true;
}

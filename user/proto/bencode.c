// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "proto/bencode.h"

#define DIGITS_MAX 18 /* fits 64 bits */

struct feed {
	struct bencode *b;
	void (*fn)(void *arg, const struct bencode *b, const struct bencode_event *e);
	void *arg;
};

void bencode_init(struct bencode *b)
{
	memset(b, 0, offsetof(struct bencode, key));
}

static void emit(const struct feed *f, enum bencode_kind kind, int64_t integer)
{
	const struct bencode_event e = {
		.kind = kind,
		.depth = f->b->depth,
		.integer = integer,
	};

	f->fn(f->arg, f->b, &e);
}

static bool in_dict(const struct bencode *b)
{
	return b->depth && (b->dicts >> (b->depth - 1) & 1);
}

static void value_ended(struct bencode *b)
{
	b->state = b->depth ? BENCODE_AT_VALUE : BENCODE_DONE;
	b->key_due = in_dict(b);
}

static int container_begin(const struct feed *f, bool dict)
{
	struct bencode *b = f->b;

	if (b->depth == BENCODE_DEPTH_MAX)
		return -EINVAL;
	emit(f, dict ? BENCODE_DICT : BENCODE_LIST, 0);
	b->key[b->depth][0] = '\0';
	b->dicts = (uint8_t)((b->dicts & ~(1u << b->depth)) | (unsigned int)dict << b->depth);
	b->depth++;
	b->key_due = dict;
	return 0;
}

static int container_end(const struct feed *f)
{
	struct bencode *b = f->b;

	if (!b->depth || (in_dict(b) && !b->key_due))
		return -EINVAL;
	b->depth--;
	emit(f, BENCODE_END, 0);
	value_ended(b);
	return 0;
}

/* Begins a value that is not a string. */
static int value_begin(const struct feed *f, uint8_t c)
{
	struct bencode *b = f->b;

	if (c == 'e')
		return container_end(f);
	if (b->key_due)
		return -EINVAL;
	if (c == 'd' || c == 'l')
		return container_begin(f, c == 'd');
	if (c != 'i')
		return -EINVAL;
	b->state = BENCODE_IN_INTEGER;
	b->number = 0;
	b->digits = 0;
	b->negative = false;
	return 0;
}

static bool is_digit(uint8_t c)
{
	return (uint8_t)(c - '0') < 10;
}

static int digit_add(struct bencode *b, uint8_t c)
{
	if (!is_digit(c) || b->digits == DIGITS_MAX)
		return -EINVAL;
	b->number = b->number * 10 + (uint64_t)(c - '0');
	b->digits++;
	return 0;
}

static int integer_byte(const struct feed *f, uint8_t c)
{
	struct bencode *b = f->b;

	if (c == '-' && !b->digits && !b->negative) {
		b->negative = true;
		return 0;
	}
	if (c != 'e')
		return digit_add(b, c);
	if (!b->digits)
		return -EINVAL;
	emit(f, BENCODE_INTEGER, b->negative ? -(int64_t)b->number : (int64_t)b->number);
	value_ended(b);
	return 0;
}

static void text_end(struct bencode *b)
{
	if (!b->key_due) {
		value_ended(b);
		return;
	}
	b->key_due = false;
	b->state = BENCODE_AT_VALUE;
}

/* Most keys are a letter or two. */
static void key_piece(struct bencode *b, const uint8_t *data, size_t len)
{
	char *key = b->key[b->depth - 1] + b->offset;

	for (size_t i = 0; i < len; i++)
		key[i] = (char)data[i];
	key[len] = '\0';
}

/* Emits len bytes of the current string, of which at least as many are missing. */
static void text_piece(const struct feed *f, const uint8_t *data, size_t len)
{
	struct bencode *b = f->b;

	if (!b->key_due) {
		const struct bencode_event e = {
			.kind = BENCODE_TEXT,
			.depth = b->depth,
			.data = data,
			.len = len,
			.offset = b->offset,
			.total = b->total,
		};

		f->fn(f->arg, b, &e);
	} else if (b->total < BENCODE_KEY_MAX) {
		key_piece(b, data, len);
	}
	b->offset += (uint32_t)len;
	if (b->offset == b->total)
		text_end(b);
}

/* Called after the colon of a string's length. */
static int text_begin(const struct feed *f)
{
	struct bencode *b = f->b;

	if (b->number > BENCODE_TEXT_MAX)
		return -EINVAL;
	b->state = BENCODE_IN_TEXT;
	b->offset = 0;
	b->total = (uint32_t)b->number;
	if (b->key_due)
		b->key[b->depth - 1][0] = '\0';
	if (b->total == 0)
		text_piece(f, (const uint8_t *)"", 0);
	return 0;
}

static int length_byte(const struct feed *f, uint8_t c)
{
	return c == ':' ? text_begin(f) : digit_add(f->b, c);
}

static int byte_feed(const struct feed *f, uint8_t c)
{
	struct bencode *b = f->b;

	switch (b->state) {
	case BENCODE_AT_VALUE:
		if (!is_digit(c))
			return value_begin(f, c);
		b->state = BENCODE_IN_LENGTH;
		b->number = (uint64_t)(c - '0');
		b->digits = 1;
		return 0;
	case BENCODE_IN_LENGTH:
		return length_byte(f, c);
	case BENCODE_IN_INTEGER:
		return integer_byte(f, c);
	default:
		return -EINVAL;
	}
}

/* Parses a string that is contained whole in data, as nearly every one is. Returns the bytes
 * consumed; 0: it has to be parsed byte by byte. */
static size_t text_feed(const struct feed *f, const uint8_t *data, size_t len)
{
	struct bencode *b = f->b;
	struct bencode_event e = {.kind = BENCODE_TEXT, .depth = b->depth};
	uint32_t total = 0;
	size_t at = 0;

	while (at < len && is_digit(data[at]) && total <= BENCODE_TEXT_MAX)
		total = total * 10 + (uint32_t)(data[at++] - '0');
	if (at == 0 || at == len || data[at++] != ':' || total > BENCODE_TEXT_MAX ||
	    total > len - at)
		return 0;
	if (b->key_due) {
		b->offset = 0;
		key_piece(b, data + at, total < BENCODE_KEY_MAX ? total : 0);
		b->key_due = false;
		return at + total;
	}
	e.data = data + at;
	e.len = e.total = total;
	f->fn(f->arg, b, &e);
	value_ended(b);
	return at + total;
}

int bencode_feed(struct bencode *b, const uint8_t *data, size_t len, size_t *used,
		 void (*fn)(void *arg, const struct bencode *b, const struct bencode_event *e),
		 void *arg)
{
	const struct feed f = {.b = b, .fn = fn, .arg = arg};
	size_t at = 0;

	while (at < len && b->state != BENCODE_DONE && b->state != BENCODE_FAILED) {
		size_t piece = len - at;

		if (b->state == BENCODE_IN_TEXT) {
			if (piece > b->total - b->offset)
				piece = b->total - b->offset;
			text_piece(&f, data + at, piece);
			at += piece;
			continue;
		}
		piece = b->state == BENCODE_AT_VALUE ? text_feed(&f, data + at, piece) : 0;
		at += piece;
		if (piece == 0 && byte_feed(&f, data[at++]) < 0)
			b->state = BENCODE_FAILED;
	}
	if (used)
		*used = at;
	if (b->state == BENCODE_FAILED)
		return -EINVAL;
	return b->state == BENCODE_DONE;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "app/bencode.h"

#define DIGITS_MAX 18 /* fits 64 bits */

struct feed {
	struct bencode *b;
	void (*fn)(void *arg, const struct bencode *b, const struct bencode_event *e);
	void *arg;
};

void bencode_init(struct bencode *b)
{
	memset(b, 0, sizeof(*b));
}

const char *bencode_key(const struct bencode *b, unsigned int depth)
{
	return depth < b->depth ? b->key[depth] : "";
}

static void emit(const struct feed *f, struct bencode_event e)
{
	e.depth = f->b->depth;
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
	emit(f, (struct bencode_event){.kind = dict ? BENCODE_DICT : BENCODE_LIST});
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
	emit(f, (struct bencode_event){.kind = BENCODE_END});
	value_ended(b);
	return 0;
}

static int value_begin(const struct feed *f, uint8_t c)
{
	struct bencode *b = f->b;

	if (c == 'e')
		return container_end(f);
	if (c >= '0' && c <= '9') {
		b->state = BENCODE_IN_LENGTH;
		b->number = (uint64_t)(c - '0');
		b->digits = 1;
		return 0;
	}
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

static int digit_add(struct bencode *b, uint8_t c)
{
	if (c < '0' || c > '9' || b->digits == DIGITS_MAX)
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
	emit(f, (struct bencode_event){.kind = BENCODE_INTEGER,
				       .integer = b->negative ? -(int64_t)b->number
							      : (int64_t)b->number});
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

/* A piece of the text at hand, of at least as many bytes as are given. */
static void text_piece(const struct feed *f, const uint8_t *data, size_t len)
{
	struct bencode *b = f->b;
	char *key = b->depth ? b->key[b->depth - 1] : NULL;

	if (!b->key_due)
		emit(f, (struct bencode_event){.kind = BENCODE_TEXT,
					       .data = data,
					       .len = len,
					       .offset = b->offset,
					       .total = b->total});
	else if (b->total < BENCODE_KEY_MAX)
		memcpy(key + b->offset, data, len);
	b->offset += (uint32_t)len;
	if (b->offset == b->total)
		text_end(b);
}

static int length_byte(const struct feed *f, uint8_t c)
{
	struct bencode *b = f->b;

	if (c != ':')
		return digit_add(b, c);
	if (b->number > BENCODE_TEXT_MAX)
		return -EINVAL;
	b->state = BENCODE_IN_TEXT;
	b->offset = 0;
	b->total = (uint32_t)b->number;
	if (b->key_due)
		memset(b->key[b->depth - 1], 0, BENCODE_KEY_MAX);
	if (b->total == 0)
		text_piece(f, (const uint8_t *)"", 0);
	return 0;
}

static int byte_feed(const struct feed *f, uint8_t c)
{
	switch (f->b->state) {
	case BENCODE_AT_VALUE:
		return value_begin(f, c);
	case BENCODE_IN_LENGTH:
		return length_byte(f, c);
	case BENCODE_IN_INTEGER:
		return integer_byte(f, c);
	default:
		return -EINVAL;
	}
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
		if (byte_feed(&f, data[at++]) < 0)
			b->state = BENCODE_FAILED;
	}
	if (used)
		*used = at;
	if (b->state == BENCODE_FAILED)
		return -EINVAL;
	return b->state == BENCODE_DONE;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bencoding (BEP 3) as it arrives: fed in pieces of any size, keeps no more than where it is. Texts
 * are handed on in the pieces they came in, so a long one costs no memory.
 */
#ifndef WEIR_PROTO_BENCODE_H
#define WEIR_PROTO_BENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCODE_DEPTH_MAX 8
#define BENCODE_KEY_MAX	  24
#define BENCODE_TEXT_MAX  (1u << 20)

enum bencode_kind {
	BENCODE_DICT, /* begins */
	BENCODE_LIST, /* begins */
	BENCODE_END,  /* of the innermost dictionary or list */
	BENCODE_INTEGER,
	BENCODE_TEXT, /* a piece of one; an empty text is one empty piece */
};

struct bencode_event {
	enum bencode_kind kind;
	unsigned int depth; /* dictionaries and lists around it, itself not counted */
	int64_t integer;
	const uint8_t *data; /* the piece */
	size_t len;
	size_t offset, total; /* where the piece lies in the text */
};

enum bencode_state {
	BENCODE_AT_VALUE,
	BENCODE_IN_LENGTH,
	BENCODE_IN_TEXT,
	BENCODE_IN_INTEGER,
	BENCODE_DONE,
	BENCODE_FAILED,
};

struct bencode {
	uint8_t state; /* enum bencode_state */
	uint8_t depth;
	uint8_t digits;
	bool negative;
	bool key_due;		/* in a dictionary, the next text is a key */
	uint8_t dicts;		/* bit i: container i is a dictionary */
	uint32_t offset, total; /* of the text */
	uint64_t number;
	char key[BENCODE_DEPTH_MAX][BENCODE_KEY_MAX]; /* of each open dictionary; "" for none or one
							 too long */
};
_Static_assert(BENCODE_DEPTH_MAX <= 8, "a bit each in struct bencode.dicts");

void bencode_init(struct bencode *b);
/*
 * Reads on, calling fn for what is found; *used (may be NULL) tells how many bytes were taken: all,
 * unless the value ended. 1 at its end, 0 when more is needed, -EINVAL for what is no bencoding, is
 * nested too deeply or has a text too long (and ever after).
 */
int bencode_feed(struct bencode *b, const uint8_t *data, size_t len, size_t *used,
		 void (*fn)(void *arg, const struct bencode *b, const struct bencode_event *e),
		 void *arg);
/* The current key of the dictionary that is container `depth` (0 = outermost), "" for a list. */
static inline const char *bencode_key(const struct bencode *b, unsigned int depth)
{
	return depth < b->depth ? b->key[depth] : "";
}

#endif

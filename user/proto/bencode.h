/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Streaming parser of bencoding (BEP 3). Input comes in pieces of any size; only the parser's
 * position and the current keys are kept. Strings are passed on in the pieces they arrive in, so a
 * long one needs no memory.
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
	BENCODE_END,  /* end of the innermost dictionary or list */
	BENCODE_INTEGER,
	BENCODE_TEXT, /* a piece of a string; an empty string is one empty piece */
};

struct bencode_event {
	enum bencode_kind kind;
	unsigned int depth; /* number of dictionaries and lists around it, not counting itself */
	int64_t integer;
	const uint8_t *data; /* the piece */
	size_t len;
	size_t offset, total; /* position of the piece in the string, length of the string */
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
	bool key_due;		/* the next string is a key of a dictionary */
	uint8_t dicts;		/* bit i: container i is a dictionary */
	uint32_t offset, total; /* position in the string, its length */
	uint64_t number;
	char key[BENCODE_DEPTH_MAX][BENCODE_KEY_MAX]; /* current key of each open dictionary; "" for
							 none or one that is too long */
};
_Static_assert(BENCODE_DEPTH_MAX <= 8, "a bit each in struct bencode.dicts");

void bencode_init(struct bencode *b);
/*
 * Parses the next piece and calls fn for each event. *used (may be NULL) receives the number of
 * bytes consumed: all, unless the value ended. 1: the value is complete; 0: more input is needed;
 * -EINVAL, also from all later calls: not bencoding, nested too deeply, or a string that is too
 * long.
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

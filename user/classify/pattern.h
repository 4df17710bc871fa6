/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Necessary conditions for a match of a regex, derived from its text. PCRE2 decides what matches;
 * what is derived here holds for every match. Patterns with constructs that this parser does not
 * know are rejected, and nothing is derived.
 */
#ifndef WEIR_CLASSIFY_PATTERN_H
#define WEIR_CLASSIFY_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_PREFIX_MAX   32 /* positions */
#define PATTERN_LITERALS_MAX 48 /* alternatives */
#define PATTERN_LITERAL_MAX  24 /* bytes of one */
#define PATTERN_NODES_MAX    4096
#define PATTERN_DEPTH_MAX    40
#define PATTERN_UNBOUNDED    UINT32_MAX

/* A set of bytes. */
struct byte_set {
	uint32_t bits[8];
};

static inline bool byte_set_has(const struct byte_set *s, uint8_t byte)
{
	return s->bits[byte >> 5] >> (byte & 31) & 1;
}
static inline void byte_set_add(struct byte_set *s, uint8_t byte)
{
	s->bits[byte >> 5] |= 1u << (byte & 31);
}
unsigned int byte_set_count(const struct byte_set *s);
/* The bits that have the same value in all bytes of the set, and these values. An empty set has
 * none. */
void byte_set_bits(const struct byte_set *s, uint8_t *mask, uint8_t *value);

enum pattern_kind {
	PATTERN_SET,	/* one byte of set */
	PATTERN_START,	/* ^ */
	PATTERN_ASSERT, /* zero-width: $ \b (?=...) */
	PATTERN_CAT,
	PATTERN_ALT,
	PATTERN_REPEAT, /* its only child, min to max times */
};

struct pattern_node {
	enum pattern_kind kind;
	struct byte_set set;
	uint32_t min, max;	 /* PATTERN_REPEAT */
	uint32_t child, sibling; /* index of a node, 0 for none */
};

/* A parsed pattern. Node 0 is not used. */
struct pattern {
	struct pattern_node *nodes;
	uint32_t count, room;
	uint32_t root;
};

/* Parses PCRE2 syntax (DOTALL, no UTF). 0; -ENOTSUP for a valid construct that is not known here;
 * -ENOMEM. After success the caller frees out with pattern_fini(). */
int pattern_parse(const char *text, bool caseless, struct pattern *out);
void pattern_fini(struct pattern *p);

/* Lengths of the shortest and the longest match, bytes; PATTERN_UNBOUNDED: no bound. */
void pattern_length(const struct pattern *p, uint32_t *min, uint32_t *max);

/*
 * The set of possible bytes at each position from the start of a match. Returns the number of
 * positions, all of which every match has; 0 also where the computation would need too much memory.
 */
unsigned int pattern_prefix(const struct pattern *p, struct byte_set out[PATTERN_PREFIX_MAX]);

/* Whether the pattern is an anchored sequence of at most PATTERN_PREFIX_MAX byte sets and nothing
 * else, so that pattern_prefix() describes it completely. */
bool pattern_is_prefix(const struct pattern *p);

struct literal {
	uint8_t len;
	uint8_t bytes[PATTERN_LITERAL_MAX]; /* letters in lower case */
};
/*
 * Literals of which every match contains at least one, compared without regard to case. Returns
 * their number; 0 where there are none of at least two bytes.
 */
size_t pattern_literals(const struct pattern *p, struct literal out[PATTERN_LITERALS_MAX]);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Searches a message for many literals in one pass: windows of four bytes are looked up by hash, as
 * far apart as the shortest literal allows (Karp and Rabin 1987; Wu and Manber 1994). No step
 * depends on the previous one, which makes this faster than an automaton (measurements:
 * docs/signatures.md).
 */
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "classify/index.h"

#define WINDOW		 4
#define TEXT_MIN	 5  /* with a shorter one every byte would have to be looked up */
#define FILTER_BITS_MIN	 12 /* log2 of its size in bits */
#define FILTER_BITS_MAX	 18
#define FILTER_PER_ENTRY 64
#define TEXTS_MAX	 65535u
#define FOLD		 0x20 /* maps both cases of a letter to one value */
#define BLOCK		 16
#define SPAN_MAX	 95 /* of folded bytes: with more, too many blocks contain windows */

/* A window of a literal, compared on a hit of the hash. */
struct entry {
	uint32_t text; /* index into texts */
	uint32_t next; /* next entry with the same hash, 0 for none */
	uint8_t at;    /* offset of the window in the literal */
};

struct text {
	struct literal literal;
	uint16_t feature;
};

struct scan {
	struct text *texts;
	size_t text_count, text_room;
	unsigned int step, shift; /* distance of windows; shift of hashes */
	uint8_t low, high;	  /* smallest and largest folded byte of the literals' windows */
	uint64_t *filter;	  /* bitmap of the hashes of windows; NULL: no literals */
	uint32_t *first;	  /* entry by hash, 0 for none */
	struct entry *entries;	  /* entry 0 is not used */
	size_t entry_count;
};

struct scan *scan_new(void)
{
	return calloc(1, sizeof(struct scan));
}

void scan_free(struct scan *x)
{
	if (!x)
		return;
	free(x->texts);
	free(x->filter);
	free(x->first);
	free(x->entries);
	free(x);
}

/* A literal of mostly zeros occurs in most binary messages. */
static bool text_is_common(const struct literal *x)
{
	unsigned int zeros = 0;

	for (uint8_t i = 0; i < x->len; i++)
		zeros += x->bytes[i] == 0;
	return 2 * zeros > x->len;
}

static struct literal text_cut(const struct literal *x)
{
	struct literal cut = *x;

	cut.len = x->len < SCAN_TEXT_MAX ? x->len : SCAN_TEXT_MAX;
	return cut;
}

/* Literals that differ only beyond SCAN_TEXT_MAX bytes are one. */
static bool texts_have(const struct scan *x, size_t from, const struct literal *text)
{
	for (size_t i = from; i < x->text_count; i++)
		if (x->texts[i].literal.len == text->len &&
		    memcmp(x->texts[i].literal.bytes, text->bytes, text->len) == 0)
			return true;
	return false;
}

int scan_add(struct scan *x, const struct literal *literals, size_t count, uint16_t feature)
{
	size_t from = x->text_count;

	if (x->text_count + count > TEXTS_MAX)
		return -ENOSPC;
	for (size_t i = 0; i < count; i++) {
		struct literal cut = text_cut(&literals[i]);

		if (cut.len < TEXT_MIN || text_is_common(&cut))
			return -ENOSPC;
	}
	for (size_t i = 0; i < count; i++) {
		struct text t = {text_cut(&literals[i]), feature};

		if (texts_have(x, from, &t.literal))
			continue;
		if (list_reserve(&x->texts, &x->text_room, x->text_count, sizeof(t)) < 0)
			return -ENOMEM;
		x->texts[x->text_count++] = t;
	}
	return 0;
}

/* Both cases of letters, and a few other bytes, have the same hash: a hit has to be verified. */
static uint32_t window_hash(const uint8_t *at, unsigned int shift)
{
	uint32_t x;

	memcpy(&x, at, WINDOW);
	return ((x | FOLD * 0x01010101u) * 2654435761u) >> shift;
}

static void bytes_bound(struct scan *x)
{
	x->low = 0xff;
	x->high = 0;
	for (size_t t = 0; t < x->text_count; t++)
		for (unsigned int i = 0; i + 1 < x->step + WINDOW; i++) {
			uint8_t byte = x->texts[t].literal.bytes[i] | FOLD;

			x->low = byte < x->low ? byte : x->low;
			x->high = byte > x->high ? byte : x->high;
		}
}

static void entries_fill(struct scan *x)
{
	x->entry_count = 1;
	for (uint32_t t = 0; t < x->text_count; t++)
		for (uint8_t at = 0; at < x->step; at++) {
			uint32_t hash = window_hash(x->texts[t].literal.bytes + at, x->shift);

			x->entries[x->entry_count] = (struct entry){t, x->first[hash], at};
			x->first[hash] = (uint32_t)x->entry_count++;
			x->filter[hash / 64] |= UINT64_C(1) << hash % 64;
		}
}

int scan_finish(struct scan *x)
{
	unsigned int shortest = SCAN_TEXT_MAX, bits = FILTER_BITS_MIN;
	size_t entries;

	if (x->text_count == 0)
		return 0;
	for (size_t i = 0; i < x->text_count; i++)
		if (x->texts[i].literal.len < shortest)
			shortest = x->texts[i].literal.len;
	x->step = shortest - WINDOW + 1;
	entries = x->text_count * x->step;
	while (bits < FILTER_BITS_MAX && (size_t)1 << bits < entries * FILTER_PER_ENTRY)
		bits++;
	x->shift = 32 - bits;
	x->filter = calloc(((size_t)1 << bits) / 64, sizeof(*x->filter));
	x->first = calloc((size_t)1 << bits, sizeof(*x->first));
	x->entries = calloc(entries + 1, sizeof(*x->entries));
	if (!x->filter || !x->first || !x->entries)
		return -ENOMEM;
	entries_fill(x);
	bytes_bound(x);
	return 0;
}

static bool text_is_at(const struct literal *x, const uint8_t *at)
{
	for (uint8_t i = 0; i < x->len; i++) {
		uint8_t b = at[i];

		if (b >= 'A' && b <= 'Z')
			b |= 0x20;
		if (b != x->bytes[i])
			return false;
	}
	return true;
}

static __attribute__((noinline)) void hit_check(const struct scan *x, uint32_t hash,
						const uint8_t *data, size_t len, size_t at,
						void (*found)(void *arg, uint16_t feature),
						void *arg)
{
	for (uint32_t e = x->first[hash]; e; e = x->entries[e].next) {
		const struct text *t = &x->texts[x->entries[e].text];
		size_t back = x->entries[e].at;

		if (at >= back && at - back + t->literal.len <= len &&
		    text_is_at(&t->literal, data + at - back))
			found(arg, t->feature);
	}
}

/* The fields of a scan that the loops use, to be kept in registers. */
struct search {
	const struct scan *scan;
	const uint64_t *filter;
	unsigned int shift;
	const uint8_t *data;
	size_t len;
	void (*found)(void *arg, uint16_t feature);
	void *arg;
};

static inline void window_try(struct search s, size_t at)
{
	uint32_t hash = window_hash(s.data + at, s.shift);

	if (__builtin_expect(s.filter[hash / 64] >> (hash % 64) & 1, 0))
		hit_check(s.scan, hash, s.data, s.len, at, s.found, s.arg);
}

/*
 * Searches whole blocks. In a block, only windows whose bytes all lie between the smallest and the
 * largest byte of the literals are looked up, which are few in a binary message. Returns the offset
 * of the first window after the blocks.
 */
static size_t blocks_run(struct search s)
{
	size_t at = 0;
#ifdef __SSE2__
	const struct scan *x = s.scan;
	unsigned int step = x->step, last = (BLOCK - WINDOW) / step * step, starts = 0;
	__m128i fold = _mm_set1_epi8(FOLD), low = _mm_set1_epi8((char)x->low);
	__m128i span = _mm_set1_epi8((char)(x->high - x->low));

	if (x->high - x->low > SPAN_MAX)
		return 0;
	for (unsigned int i = 0; i <= last; i += step)
		starts |= 1u << i;
	for (; at + BLOCK <= s.len; at += last + step) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s.data + at));
		unsigned int in;

		v = _mm_sub_epi8(_mm_or_si128(v, fold), low);
		in = (unsigned int)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, span), v));
		in &= in >> 1;
		in &= in >> 2;
		for (in &= starts; in; in &= in - 1)
			window_try(s, at + (unsigned int)__builtin_ctz(in));
	}
#endif
	return at;
}

void scan_run(const struct scan *x, const uint8_t *data, size_t len,
	      void (*found)(void *arg, uint16_t feature), void *arg)
{
	struct search s = {x, x->filter, x->shift, data, len, found, arg};

	if (!x->filter)
		return;
	for (size_t at = blocks_run(s); at + WINDOW <= len; at += x->step)
		window_try(s, at);
}

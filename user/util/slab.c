// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/slab.h"

#define LINE_BYTES 64
/* Half a cache line: objects touch no more lines than if they were aligned to lines. */
#define STEP_BYTES  32
#define AHEAD_BYTES 1024
#define CHUNK_BYTES 65536 /* including the chunk's header line */

struct chunk {
	struct chunk *next;
};

/* With AddressSanitizer each object is allocated by malloc(), so that errors are detected. */
#if defined(__SANITIZE_ADDRESS__)
#define SLAB_IS_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_IS_HEAP 1
#endif
#endif
#ifndef SLAB_IS_HEAP
#define SLAB_IS_HEAP 0
#endif

void slab_init(struct slab *s, size_t size)
{
	*s = (struct slab){.size = (size + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES};
}

static void push(struct slab *s, void *object)
{
	memcpy(object, &s->free, sizeof(s->free));
	s->free = object;
}

static int grow(struct slab *s)
{
	uint8_t *memory = aligned_alloc(LINE_BYTES, CHUNK_BYTES);
	struct chunk *chunk = (struct chunk *)memory;

	if (!memory)
		return -1;
	chunk->next = s->chunks;
	s->chunks = chunk;
	s->fresh = memory + LINE_BYTES;
	s->left = (CHUNK_BYTES - LINE_BYTES) / s->size;
	return 0;
}

/* Prefetch the next object, or its beginning: taking it writes all of it and reads the list's next
 * pointer. */
static void load_ahead(const struct slab *s, const uint8_t *object)
{
	for (size_t at = 0; object && at < s->size && at < AHEAD_BYTES; at += LINE_BYTES)
		__builtin_prefetch(object + at, 1);
}

/* Takes an object from the free list, which may still be in the cache, or else from the chunk,
 * whose unused memory is not touched before. */
static void *pop(struct slab *s)
{
	uint8_t *object = s->free;

	if (object) {
		memcpy(&s->free, object, sizeof(s->free));
		load_ahead(s, s->free);
		return object;
	}
	if (s->left == 0 && grow(s) < 0)
		return NULL;
	object = s->fresh;
	s->fresh = object + s->size;
	s->left--;
	return object;
}

void *slab_take_raw(struct slab *s)
{
	return SLAB_IS_HEAP ? malloc(s->size) : pop(s);
}

void *slab_take(struct slab *s)
{
	void *object = slab_take_raw(s);

	return object ? memset(object, 0, s->size) : NULL;
}

void slab_give(struct slab *s, void *object)
{
	if (SLAB_IS_HEAP)
		free(object);
	else if (object)
		push(s, object);
}

void slab_fini(struct slab *s)
{
	struct chunk *chunk = s->chunks;

	while (chunk) {
		struct chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	*s = (struct slab){.size = s->size};
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Allocator of fixed-size objects without a malloc() for each, for per-flow state. Not
 * thread-safe. */
#ifndef WEIR_SLAB_H
#define WEIR_SLAB_H

#include <stddef.h>

struct slab {
	size_t size;  /* size of an object, rounded up to half cache lines */
	void *free;   /* free list, latest first */
	void *fresh;  /* unused objects of the latest chunk */
	size_t left;  /* number of those */
	void *chunks; /* list of all chunks, for slab_fini() */
};

/* size in bytes, at most 8192. Allocates nothing yet. */
void slab_init(struct slab *s, size_t size);
/* Returns a zeroed object; NULL on ENOMEM. Memory is allocated in chunks and reused, but not
 * returned before slab_fini(), so the caller has to bound the number of objects. */
void *slab_take(struct slab *s);
/* The same, with any content. */
void *slab_take_raw(struct slab *s);
/* Returns an object to the slab; it may be NULL. */
void slab_give(struct slab *s, void *object);
/* Frees all memory, including objects that were not given back. */
void slab_fini(struct slab *s);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects of one size without a call of the C library for each: for what comes and goes with every
 * flow. One thread's. */
#ifndef WEIR_SLAB_H
#define WEIR_SLAB_H

#include <stddef.h>

struct slab {
	size_t size;  /* of an object, rounded up to half cache lines */
	void *free;   /* objects that were given back, the latest first */
	void *fresh;  /* objects of the latest chunk that nobody took yet */
	size_t left;  /* of those */
	void *chunks; /* all memory, for slab_fini */
};

/* size in bytes, at most 4096. Takes no memory yet. */
void slab_init(struct slab *s, size_t size);
/* A zeroed object; NULL on ENOMEM. Memory grows in chunks, is used again, and is the slab's until
 * its end: whoever takes objects bounds their number. */
void *slab_take(struct slab *s);
/* object may be NULL. */
void slab_give(struct slab *s, void *object);
/* Frees all memory, with every object that was not given back. */
void slab_fini(struct slab *s);

#endif

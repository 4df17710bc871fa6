/* SPDX-License-Identifier: GPL-2.0-only */
/* Lock-free single-producer, single-consumer ring of 64-bit words. */
#ifndef WEIR_XSK_RING_H
#define WEIR_XSK_RING_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct ring {
	_Alignas(64) atomic_uint head; /* written by the producer */
	_Alignas(64) atomic_uint tail; /* written by the consumer */
	_Alignas(64) uint32_t mask;
	uint64_t *words;
};

/* size: a power of two. 0 or -ENOMEM. */
static inline int ring_init(struct ring *r, uint32_t size)
{
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
	r->mask = size - 1;
	r->words = calloc(size, sizeof(*r->words));
	return r->words ? 0 : -ENOMEM;
}

static inline void ring_fini(struct ring *r)
{
	free(r->words);
}

static inline bool ring_push(struct ring *r, uint64_t word)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&r->tail, memory_order_acquire) > r->mask)
		return false;
	r->words[head & r->mask] = word;
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}

static inline bool ring_pop(struct ring *r, uint64_t *word)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
		return false;
	*word = r->words[tail & r->mask];
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	return true;
}

#endif

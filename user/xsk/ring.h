/* SPDX-License-Identifier: GPL-2.0-only */
/* Lock-free single-producer, single-consumer ring of 64-bit words, in zeroed memory that processes
 * may share. Its size is not in that memory: each side passes the one it knows. */
#ifndef WEIR_XSK_RING_H
#define WEIR_XSK_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	_Alignas(64) atomic_uint head; /* written by the producer */
	_Alignas(64) atomic_uint tail; /* written by the consumer */
	_Alignas(64) uint64_t words[];
};

/* size: of the ring in words, a power of two. */
static inline size_t ring_bytes(uint32_t size)
{
	return (sizeof(struct ring) + size * sizeof(uint64_t) + 63) / 64 * 64;
}

static inline bool ring_push(struct ring *r, uint32_t size, uint64_t word)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&r->tail, memory_order_acquire) >= size)
		return false;
	r->words[head & (size - 1)] = word;
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}

static inline bool ring_pop(struct ring *r, uint32_t size, uint64_t *word)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
		return false;
	*word = r->words[tail & (size - 1)];
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	return true;
}

#endif

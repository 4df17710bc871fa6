/* SPDX-License-Identifier: GPL-2.0-only */
/* The frame pool as the sockets see it. Chunks are named by number: address / WEIR_FRAME_BYTES.
 * Private to user/xsk. */
#ifndef WEIR_XSK_POOL_H
#define WEIR_XSK_POOL_H

#include <stdatomic.h>

#include "xsk/ring.h"
#include "xsk/xsk.h"

/* Where a chunk is: with user space, or in the kernel's hands by way of a port's rings. */
#define POOL_USER	0
#define POOL_FILL(port) ((uint8_t)(2 * (port) + 1))
#define POOL_SENT(port) ((uint8_t)(2 * (port) + 2))
_Static_assert(2 * WEIR_PORTS_MAX + 2 <= UINT8_MAX, "a place fits a byte");

/* Written before a chunk goes into a kernel ring, read after it came out of one, perhaps by another
 * thread: the rings order the two. */
struct pool_chunk {
	uint32_t cookie;
	uint8_t sender; /* worker that sent it */
	/* Written by whoever owns the chunk; read by the thread that closes a port. */
	_Atomic uint8_t place;
};

/* Free chunks of one worker; touched by that worker alone. */
struct pool_stock {
	_Alignas(64) uint32_t count;
	uint32_t chunks[];
};

/* Free chunks of nobody: what one worker has too much of, and what closed ports had. Workers only
 * ever try the lock. */
struct pool_spare {
	_Alignas(64) atomic_flag busy;
	atomic_uint count;
	uint32_t chunks[];
};

struct pool_state {
	atomic_uint queues; /* that are open on all ports, so that none takes everything */
};

/*
 * One process's view of the pool. What is behind pointers is shared by all that have the
 * descriptor: who closes ports may be another process than the workers, and does not believe what
 * they write.
 */
struct frame_pool {
	int fd;
	uint8_t *area;
	size_t area_bytes, map_bytes;
	uint32_t frames, workers;
	uint32_t share; /* of a worker's stock: half of the pool is for it, half for the rings */
	struct pool_state *state;
	struct pool_chunk *chunks;
	struct pool_stock *stocks[WEIR_WORKERS_MAX];
	struct pool_spare *spare;
	/* [from * workers + to]: cookies of completed frames; from == workers is the thread that
	 * opens and closes ports */
	struct ring *mail[(WEIR_WORKERS_MAX + 1) * WEIR_WORKERS_MAX];
	uint32_t box_words, closer_box_words;
};

static inline void pool_place(struct frame_pool *p, uint32_t chunk, uint8_t place)
{
	atomic_store_explicit(&p->chunks[chunk].place, place, memory_order_relaxed);
}

/* From and to a worker's stock. */
static inline bool pool_take(struct frame_pool *p, uint32_t worker, uint32_t *chunk)
{
	struct pool_stock *s = p->stocks[worker];

	if (!s->count)
		return false;
	*chunk = s->chunks[--s->count];
	return true;
}

static inline void pool_put(struct frame_pool *p, uint32_t worker, uint32_t chunk)
{
	struct pool_stock *s = p->stocks[worker];

	pool_place(p, chunk, POOL_USER);
	s->chunks[s->count++] = chunk;
}

/* Tells the sender of a frame, another worker, that it has left. False: its mail box is full. */
bool pool_mail_put(struct frame_pool *p, uint32_t from, uint32_t to, uint32_t cookie);
/* Takes a worker's mail. Returns how many. */
uint32_t pool_mail_take(struct frame_pool *p, uint32_t worker, uint32_t *cookies, uint32_t max);
/* Puts a surplus with the spare ones or takes some of them; never waits. */
void pool_balance(struct frame_pool *p, uint32_t worker);
/* Takes spare chunks, for a port's first frames. Not for workers: waits for the lock, up to a
 * second (its holder may be a process that died); 0 then. */
uint32_t pool_spare_take(struct frame_pool *p, uint32_t *chunks, uint32_t max);
/* Takes back what a closed port's rings held; the cookies of frames that were to be sent go to
 * their senders. Workers may run. */
void pool_reclaim(struct frame_pool *p, unsigned int port);

#endif

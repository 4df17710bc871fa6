/* SPDX-License-Identifier: GPL-2.0-only */
/* Internals of the frame pool, for the socket code. A chunk is identified by its number: UMEM
 * address / WEIR_FRAME_BYTES. Private to user/xsk. */
#ifndef WEIR_XSK_POOL_H
#define WEIR_XSK_POOL_H

#include <stdatomic.h>

#include "xsk/ring.h"
#include "xsk/xsk.h"

/* Values of pool_chunk.place: owned by user space, or by the kernel through a port's fill ring or
 * transmit ring. */
#define POOL_USER	0
#define POOL_FILL(port) ((uint8_t)(2 * (port) + 1))
#define POOL_SENT(port) ((uint8_t)(2 * (port) + 2))
/* The sockets of a port's pair (xsk_sender_open) count as those of a port behind the last. */
#define POOL_SENDER(port) (WEIR_PORTS_MAX + (port))
#define POOL_PORTS_MAX	  (2 * WEIR_PORTS_MAX)
_Static_assert(2 * POOL_PORTS_MAX + 2 <= UINT8_MAX, "a place fits a byte");

/* Written before a chunk is put into a kernel ring and read after it was taken out of one, possibly
 * by another thread: the ring's barriers order the two accesses. */
struct pool_chunk {
	uint32_t cookie;
	uint8_t sender; /* number of the worker that sent it */
	/* Written by the chunk's owner; read by the thread that closes a port. */
	_Atomic uint8_t place;
};

/* Free chunks of one worker; accessed by that worker only. */
struct pool_stock {
	_Alignas(64) uint32_t count;
	uint32_t chunks[];
};

/* Free chunks that belong to no worker: surplus of workers, and the chunks of closed ports. Workers
 * only try the lock and never wait for it. */
struct pool_spare {
	_Alignas(64) atomic_flag busy;
	atomic_uint count;
	uint32_t chunks[];
};

struct pool_state {
	atomic_uint
		queues; /* open queues of all ports; divides the frames among their fill rings */
};

/*
 * A mapping of the pool. What the pointers lead to is in the memfd and may be written by another
 * process: the functions for opening and closing ports check each number they read there.
 */
struct frame_pool {
	int fd;
	uint8_t *area;
	size_t area_bytes, map_bytes;
	uint32_t frames, workers;
	uint32_t share; /* target size of a worker's stock: half of the pool is divided among the
			   stocks, the other half is for the rings */
	struct pool_state *state;
	struct pool_chunk *chunks;
	struct pool_stock *stocks[WEIR_WORKERS_MAX];
	struct pool_spare *spare;
	/* [from * workers + to]: cookies of completed frames. from == workers is the thread that
	 * opens and closes ports */
	struct ring *mail[(WEIR_WORKERS_MAX + 1) * WEIR_WORKERS_MAX];
	uint32_t box_words, closer_box_words; /* sizes of a worker's rings and of that thread's */
};

static inline void pool_place(struct frame_pool *p, uint32_t chunk, uint8_t place)
{
	atomic_store_explicit(&p->chunks[chunk].place, place, memory_order_relaxed);
}

/* Take a chunk from a worker's stock, put one back. False: the stock is empty. */
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

/* Reports a completed frame to the worker that sent it. False: the mailbox is full. */
bool pool_mail_put(struct frame_pool *p, uint32_t from, uint32_t to, uint32_t cookie);
/* Reads the cookies that other threads put into a worker's mailboxes, max at most. Returns their
 * number. */
uint32_t pool_mail_take(struct frame_pool *p, uint32_t worker, uint32_t *cookies, uint32_t max);
/* Moves a surplus of the worker's stock to the spare chunks, or refills the stock from them. Never
 * waits for the lock. */
void pool_balance(struct frame_pool *p, uint32_t worker);
/* Takes up to max spare chunks to fill a new port's rings; returns their number. Not for workers:
 * waits for the lock, up to a second (a process may have died with it); 0 then. */
uint32_t pool_spare_take(struct frame_pool *p, uint32_t *chunks, uint32_t max);
/* Takes back the chunks that were in the rings of a closed port; the cookies of frames that were
 * queued for sending go to the workers that queued them. Workers may run. */
void pool_reclaim(struct frame_pool *p, unsigned int port);

#endif

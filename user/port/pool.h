/* SPDX-License-Identifier: GPL-2.0-only */
/* The frame pool as the sockets see it. Chunks are named by number: address / WEIR_FRAME_BYTES. */
#ifndef WEIR_PORT_POOL_H
#define WEIR_PORT_POOL_H

#include "port/port.h"
#include "port/ring.h"

#define POOL_HELD 0 /* pool_chunk.port: owned by a worker or its stock */

struct pool_chunk {
	uint32_t cookie;
	uint8_t worker; /* who sent it */
	uint8_t port;	/* whose rings have it, or POOL_HELD */
};

/* Free chunks of one worker; touched by that worker alone while it runs. */
struct pool_stock {
	_Alignas(64) uint32_t count;
	uint32_t *chunks;
	uint32_t turn; /* whom the next surplus goes to */
};

struct frame_pool {
	uint8_t *area;
	size_t area_bytes;
	uint32_t frames, workers;
	struct pool_chunk *chunks;
	struct pool_stock stocks[WEIR_WORKERS_MAX];
	struct ring *rings; /* [from * workers + to] */
};

/* What travels between workers: a chunk whose completion its sender waits for, or a gift. */
#define POOL_WORD_DONE (1ULL << 63)

bool pool_take(struct frame_pool *p, uint32_t worker, uint32_t *chunk);
void pool_put(struct frame_pool *p, uint32_t worker, uint32_t chunk);
/* A sent chunk came back: to its sender. */
void pool_completed(struct frame_pool *p, uint32_t worker, uint32_t chunk);
/* Takes what other workers passed over; cookies of own completions go to cookies[0..max). Returns
 * how many. */
uint32_t pool_collect(struct frame_pool *p, uint32_t worker, uint32_t *cookies, uint32_t max);
/* Passes a surplus on, a few chunks at a time, so that whoever fills the receive rings has some. */
void pool_balance(struct frame_pool *p, uint32_t worker);
/* Takes back what a closed port's rings held. No worker may run. */
void pool_reclaim(struct frame_pool *p, unsigned int port, uint32_t worker);

#endif

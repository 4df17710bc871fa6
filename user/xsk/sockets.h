/* SPDX-License-Identifier: GPL-2.0-only */
/* The sockets of a port, opened by sockets.c and used by xsk.c. Private to user/xsk. */
#ifndef WEIR_XSK_SOCKETS_H
#define WEIR_XSK_SOCKETS_H

#include "xsk/socket.h"

struct xsk_sockets {
	struct frame_pool *pool;
	unsigned int port;
	unsigned int ifindex;
	uint32_t queue_count, workers;
	uint32_t senders; /* queues that send: the device may have fewer than it receives on */
	bool receives;	  /* false: its fill rings stay empty */
	enum xsk_mode mode;
	struct xsk_queue *queues;
	struct xsk_socket *sockets; /* [queue * workers + worker] */
};

static inline struct xsk_socket *sockets_at(const struct xsk_sockets *s, uint32_t queue,
					    uint32_t worker)
{
	return &s->sockets[queue * s->workers + worker];
}

/* Frames of a socket that were queued for sending and are not completed yet. */
static inline uint32_t sockets_outstanding(struct xsk_socket *ps)
{
	return ps->sent - atomic_load_explicit(&ps->completed, memory_order_relaxed);
}

/* Number of frames to keep in a fill ring: half of the pool divided by the number of open queues.
 * The other half remains for frames that workers hold or that are being sent. */
static inline uint32_t sockets_fill_level(const struct xsk_sockets *s, const struct xsk_queue *q)
{
	uint32_t queues = atomic_load_explicit(&s->pool->state->queues, memory_order_relaxed);
	uint32_t level = s->pool->frames / 2 / (queues ? queues : 1);

	return level < q->fill.size ? level : q->fill.size;
}

/* Writes a fill ring entry that was reserved before. */
static inline void sockets_fill(struct xsk_sockets *s, struct xsk_queue *q, uint32_t at,
				uint32_t chunk)
{
	pool_place(s->pool, chunk, POOL_FILL(s->port));
	*xsk_ring_prod__fill_addr(&q->fill, at) = (uint64_t)chunk * WEIR_FRAME_BYTES;
}

#endif

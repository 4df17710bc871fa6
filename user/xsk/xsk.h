/* SPDX-License-Identifier: GPL-2.0-only */
/* AF_XDP: the frame pool, rings and sockets of ports. Knows frames, not packets. */
#ifndef WEIR_XSK_H
#define WEIR_XSK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/util.h"
#include "weir/ctl.h"

/*
 * One frame pool for all ports: 2 KiB chunks of one piece of memory, which every port registers as
 * its UMEM. Each worker has a stock of its own; a chunk is owned by exactly one of: a worker's
 * stock, the spare ones, a fill ring, a receive ring, a worker, a transmit ring, a completion ring.
 */
struct frame_pool;
int frame_pool_new(uint32_t frames, uint32_t workers, struct frame_pool **out, struct error *e);
void frame_pool_free(struct frame_pool *p);
/* All of it is in a memfd, so another process can have it by this descriptor and the numbers it was
 * made with. The descriptor stays the pool's. */
int frame_pool_fd(const struct frame_pool *p);
/* -EINVAL where the descriptor is no pool of these numbers. Each worker, and the thread that opens
 * and closes ports, is in one process at a time. fd stays the caller's. */
int frame_pool_open(int fd, uint32_t frames, uint32_t workers, struct frame_pool **out,
		    struct error *e);
/* How many frames it was made with. */
uint32_t frame_pool_size(const struct frame_pool *p);

/* What a worker holds: a frame with its metadata. */
struct frame {
	uint64_t addr; /* of the data in the UMEM */
	uint32_t len;
	uint32_t cookie; /* the worker's own, given back at completion */
};
uint8_t *frame_data(struct frame_pool *p, const struct frame *f);
/* The weir_punt in front of the data. */
const struct weir_punt *frame_punt(struct frame_pool *p, const struct frame *f);
/* An empty frame from the worker's stock (for resets); false when there is none. */
bool frame_take(struct frame_pool *p, uint32_t worker, struct frame *out);
/* Drops a frame: back to stock. */
void frame_give(struct frame_pool *p, uint32_t worker, const struct frame *f);

enum xsk_mode { XSK_MODE_COPY, XSK_MODE_ZEROCOPY };
struct xsk_counters { /* sums of XDP_STATISTICS */
	uint64_t rx_dropped, rx_invalid, tx_invalid, rx_ring_full, rx_fill_ring_empty,
		tx_ring_empty;
};
/* The sockets of one port: one per worker and queue. Fill and completion ring of a queue are shared
 * by the queue's sockets and served by whichever worker comes by. */
struct xsk_sockets;
/*
 * Opens sockets on the first `queues` receive queues of ifname: the port itself, or the far end of
 * its punt pair. port: 0..WEIR_PORTS_MAX-1, of no other open sockets. workers: as the pool has.
 * ring_frames is rounded up to a power of two. Workers may run meanwhile. -EBUSY (another program
 * has a queue; waits a second first), -ENODEV, -ENOBUFS (limit on locked memory), -EPERM, -EINVAL
 * (no such queue), each with a text.
 */
int xsk_sockets_open(struct frame_pool *p, const char *ifname, unsigned int port, uint32_t queues,
		     uint32_t workers, uint32_t ring_frames, bool generic, struct xsk_sockets **out,
		     struct error *e);
/*
 * Waits up to 50 ms for queued frames to leave, then closes. No worker may be inside a call on s,
 * nor make one later; they may run on other ports. The cookies of frames that were queued or under
 * way come back from their senders' next xsk_complete() of another port.
 */
void xsk_sockets_close(struct xsk_sockets *s);
int xsk_sockets_fd(const struct xsk_sockets *s, uint32_t queue, uint32_t worker);
enum xsk_mode xsk_sockets_mode(const struct xsk_sockets *s);
int xsk_sockets_counters(const struct xsk_sockets *s, struct xsk_counters *out);
uint32_t xsk_sockets_queues(const struct xsk_sockets *s);

/* Per-packet calls, by the worker that owns the ring; none allocates, logs or blocks. */
/* Takes up to max received frames of a queue. */
uint32_t xsk_receive(struct xsk_sockets *s, uint32_t queue, uint32_t worker, struct frame *out,
		     uint32_t max);
/* Queues a frame for sending; false when the ring is full, or the frame is empty or not within its
 * chunk (it stays the caller's). Ownership passes otherwise. A queue that the device only receives
 * on stands for one that it sends on, always the same. */
bool xsk_send(struct xsk_sockets *s, uint32_t queue, uint32_t worker, const struct frame *f);
/* Wakes the kernel where it asks for it: sends what is queued, refills. One call per batch. */
void xsk_kick(struct xsk_sockets *s, uint32_t worker);
/*
 * Takes back up to max sent frames of this worker (of other ports too, where another worker saw
 * them leave); the cookies tell what they were. The chunks are already back in stock. Also moves
 * chunks between workers and refills the fill rings. To be called even when nothing was sent.
 */
uint32_t xsk_complete(struct xsk_sockets *s, uint32_t worker, uint32_t *cookies, uint32_t max);

#endif

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
 * One frame pool for all ports: 2 KiB chunks of one memory area, which every port registers as its
 * UMEM. Each worker has its own stock of free chunks. A chunk has exactly one owner: a worker's
 * stock, the spare chunks, a fill ring, a receive ring, a worker, a transmit ring or a completion
 * ring.
 */
struct frame_pool;
int frame_pool_new(uint32_t frames, uint32_t workers, struct frame_pool **out, struct error *e);
void frame_pool_free(struct frame_pool *p);
/* The descriptor of the memfd that holds all of the pool; it stays the pool's. */
int frame_pool_fd(const struct frame_pool *p);
/*
 * Maps the pool of another process by a copy of that descriptor; frames and workers as it was made
 * with. Each worker, and the thread that opens and closes ports, runs in one process at a time. fd
 * stays the caller's. -EINVAL: no such pool.
 */
int frame_pool_open(int fd, uint32_t frames, uint32_t workers, struct frame_pool **out,
		    struct error *e);
/* The number of frames the pool was made with. */
uint32_t frame_pool_size(const struct frame_pool *p);

/* A frame owned by a worker. */
struct frame {
	uint64_t addr; /* address of the data in the UMEM */
	uint32_t len;
	uint32_t cookie; /* the worker's own value, returned by xsk_complete() */
};
uint8_t *frame_data(struct frame_pool *p, const struct frame *f);
/* The metadata that the gate wrote in front of the data. */
const struct weir_punt *frame_punt(struct frame_pool *p, const struct frame *f);
/* Takes an empty frame from the worker's stock (for resets). False: the stock is empty. */
bool frame_take(struct frame_pool *p, uint32_t worker, struct frame *out);
/* Drops a frame: returns its chunk to the worker's stock. */
void frame_give(struct frame_pool *p, uint32_t worker, const struct frame *f);

enum xsk_mode { XSK_MODE_COPY, XSK_MODE_ZEROCOPY };
struct xsk_counters { /* sums of XDP_STATISTICS */
	uint64_t rx_dropped, rx_invalid, tx_invalid, rx_ring_full, rx_fill_ring_empty,
		tx_ring_empty;
};
/* The sockets of one port: one for each worker and queue. The sockets of a queue share its fill and
 * completion ring; any worker may serve them. */
struct xsk_sockets;
/*
 * Opens sockets on the first `queues` receive queues of ifname, which is the port's own interface
 * or the far end of its punt pair. port: 0..WEIR_PORTS_MAX-1, without open sockets. workers: the
 * number the pool was made with. ring_frames is rounded up to a power of two. Workers may run
 * meanwhile. 0, or with a text in e: -EBUSY (another program uses a queue; returned after waiting a
 * second), -ENODEV, -ENOBUFS (limit on locked memory), -EPERM, -EINVAL (no such queue).
 */
int xsk_sockets_open(struct frame_pool *p, const char *ifname, unsigned int port, uint32_t queues,
		     uint32_t workers, uint32_t ring_frames, bool generic, struct xsk_sockets **out,
		     struct error *e);
/* The same on the first queue, for sending alone: takes no chunks of the pool. port: as above, and
 * the port may have other sockets that receive. */
int xsk_sender_open(struct frame_pool *p, const char *ifname, unsigned int port, uint32_t workers,
		    uint32_t ring_frames, struct xsk_sockets **out, struct error *e);
/*
 * Waits up to 50 ms for queued frames to be sent, then closes. No worker may be inside a call on s
 * or make one later; workers may use other ports. The cookies of frames that were queued or being
 * sent are returned to the workers that queued them, by their next xsk_complete() on another port.
 */
void xsk_sockets_close(struct xsk_sockets *s);
int xsk_sockets_fd(const struct xsk_sockets *s, uint32_t queue, uint32_t worker);
enum xsk_mode xsk_sockets_mode(const struct xsk_sockets *s);
int xsk_sockets_counters(const struct xsk_sockets *s, struct xsk_counters *out);
uint32_t xsk_sockets_queues(const struct xsk_sockets *s);

/*
 * Per-packet calls, made by the worker that owns the ring. None of them allocates, logs or blocks.
 */
/*
 * Takes up to max received frames from a queue. Returns their number; the frames are the caller's.
 */
uint32_t xsk_receive(struct xsk_sockets *s, uint32_t queue, uint32_t worker, struct frame *out,
		     uint32_t max);
/*
 * Queues a frame for sending and takes ownership of it. False: the ring is full, or the frame is
 * empty or not within its chunk; it remains the caller's. A queue number without a transmit queue
 * is mapped to one that has it, always to the same.
 */
bool xsk_send(struct xsk_sockets *s, uint32_t queue, uint32_t worker, const struct frame *f);
/* Wakes the kernel where its wake-up flags ask for it, to send queued frames and to take from the
 * fill rings. Call it once per batch. */
void xsk_kick(struct xsk_sockets *s, uint32_t worker);
/*
 * Returns the cookies of up to max frames that this worker queued and that have been sent, also on
 * other ports if another worker saw them completed. Their chunks are already back in a stock. Also
 * moves chunks between the workers and refills the fill rings, so call it even if nothing was sent.
 * Returns the number of cookies.
 */
uint32_t xsk_complete(struct xsk_sockets *s, uint32_t worker, uint32_t *cookies, uint32_t max);

#endif

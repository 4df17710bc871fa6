/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One AF_XDP socket, made with the kernel interface (socket options and mmap). libxdp's socket
 * functions are not used: libxdp keeps a single owner of a UMEM for the UMEM's whole life and
 * shares a queue's rings with that owner only. Its ring accessors (xdp/xsk.h) are used. Private to
 * user/xsk.
 */
#ifndef WEIR_XSK_SOCKET_H
#define WEIR_XSK_SOCKET_H

#include <xdp/xsk.h>

#include "xsk/pool.h"

struct socket_map {
	void *base;
	size_t bytes;
};

/* The fill and completion ring of a queue, shared by its sockets. */
struct xsk_queue {
	_Alignas(64) atomic_flag busy; /* lock of both rings; tried, never waited for */
	struct xsk_ring_prod fill;
	struct xsk_ring_cons completion;
	struct socket_map maps[2];
};

/* A worker's socket on a queue: its own receive and transmit ring. */
struct xsk_socket {
	_Alignas(64) int fd;
	bool sends;    /* the device has a transmit queue of this number */
	uint32_t sent; /* frames queued; written by the worker */
	struct xsk_ring_cons rx;
	struct xsk_ring_prod tx;
	struct socket_map maps[2];
	_Alignas(64) atomic_uint
		completed; /* frames completed; written by the holder of the queue's lock */
};

struct socket_setup {
	unsigned int ifindex;
	uint32_t queue;
	uint32_t ring_frames, completion_frames; /* powers of two */
	uint8_t *area;				 /* the pool's memory: chunks of WEIR_FRAME_BYTES */
	size_t area_bytes;
	int umem_fd; /* socket whose UMEM this one shares; -1: register `area` as a new UMEM */
	uint16_t bind_flags; /* used when umem_fd is -1 */
};

/*
 * Opens and binds s. q: receives the queue's rings; NULL: s shares the rings of the queue's first
 * socket, umem_fd. Waits up to a second for a queue that the kernel is still releasing. 0 or a
 * negative errno; on failure s is closed (fd -1).
 */
int socket_open(const struct socket_setup *c, struct xsk_socket *s, struct xsk_queue *q);
void socket_close(struct xsk_socket *s);
void socket_unmap_queue(struct xsk_queue *q);
/*
 * Waits until the kernel has released a queue whose sockets were closed; until then it may still
 * write to their chunks. 0; -EBUSY: not released within a second; another negative errno: the state
 * of the queue could not be determined.
 */
int socket_wait_released(unsigned int ifindex, uint32_t queue);

#endif

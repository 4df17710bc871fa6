/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One AF_XDP socket, made by the kernel's own interface. libxdp's sockets are not used because it
 * keeps one owner of a UMEM for its whole life and shares a queue's rings only with that owner;
 * its ring accessors (xdp/xsk.h) are. Private to user/xsk.
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
	_Alignas(64) atomic_flag busy; /* whoever holds it serves both rings */
	struct xsk_ring_prod fill;
	struct xsk_ring_cons completion;
	struct socket_map maps[2];
};

/* A worker's socket on a queue: its own receive and transmit ring. */
struct xsk_socket {
	_Alignas(64) int fd;
	bool sends;    /* the device has a transmit queue of this number */
	uint32_t sent; /* by the worker */
	struct xsk_ring_cons rx;
	struct xsk_ring_prod tx;
	struct socket_map maps[2];
	_Alignas(64) atomic_uint completed; /* by whoever serves the queue */
};

struct socket_setup {
	unsigned int ifindex;
	uint32_t queue;
	uint32_t ring_frames, completion_frames; /* powers of two */
	uint8_t *area;				 /* of chunks of WEIR_FRAME_BYTES */
	size_t area_bytes;
	int umem_fd;	     /* socket whose UMEM this one shares, -1: registers the area itself */
	uint16_t bind_flags; /* without umem_fd */
};

/*
 * Opens and binds. q NULL: shares the rings of the queue's first socket, which is umem_fd. Waits up
 * to a second for a queue that is being released. On failure s is closed again (fd -1).
 */
int socket_open(const struct socket_setup *c, struct xsk_socket *s, struct xsk_queue *q);
void socket_close(struct xsk_socket *s);
void socket_unmap_queue(struct xsk_queue *q);
/* Waits until the kernel has let go of a queue whose sockets were closed: it may write to their
 * chunks until then. 0, -EBUSY (not within a second), or what else keeps from knowing. */
int socket_wait_released(unsigned int ifindex, uint32_t queue);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_XDP sockets of a port. Every port registers the pool's memory as a UMEM of its own:
 * registrations of the same pages are independent, so a port can be zero-copy beside one that
 * copies, and ports open and close in any order, while a frame received on one still leaves on
 * another without a copy here.
 */
#include <linux/if_xdp.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include <xdp/xsk.h>

#include "port/pool.h"

#ifndef SOL_XDP
#define SOL_XDP 283
#endif
/* The kernel sends at most 32 frames a call in copy mode. */
#define KICKS_MAX 4
/* Chunks a worker keeps back from the fill rings, for frames of its own. */
#define STOCK_RESERVE 32

struct queue_rings {
	struct xsk_ring_prod fill;
	struct xsk_ring_cons completion;
};

struct worker_socket {
	struct xsk_socket *socket;
	struct xsk_ring_cons rx;
	struct xsk_ring_prod tx;
	int fd;
};

struct port_sockets {
	struct frame_pool *pool;
	struct xsk_umem *umem;
	unsigned int port;
	uint32_t queue_count, workers, ring_frames;
	enum xsk_mode mode;
	struct queue_rings *queues;
	struct worker_socket *sockets; /* [queue * workers + worker] */
};

/* Who serves a queue's fill and completion ring. */
static bool serves(const struct port_sockets *s, uint32_t queue, uint32_t worker)
{
	return (queue + s->port) % s->workers == worker;
}

static struct worker_socket *socket_of(const struct port_sockets *s, uint32_t queue,
				       uint32_t worker)
{
	return &s->sockets[queue * s->workers + worker];
}

static void refill(struct port_sockets *s, uint32_t queue, uint32_t worker)
{
	struct xsk_ring_prod *fill = &s->queues[queue].fill;
	uint32_t stock = s->pool->stocks[worker].count, n, at;

	n = xsk_prod_nb_free(fill, s->ring_frames);
	if (n > s->ring_frames)
		n = s->ring_frames;
	if (stock <= STOCK_RESERVE)
		return;
	if (n > stock - STOCK_RESERVE)
		n = stock - STOCK_RESERVE;
	if (!n || xsk_ring_prod__reserve(fill, n, &at) != n)
		return;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t chunk = 0;

		pool_take(s->pool, worker, &chunk);
		s->pool->chunks[chunk].port = (uint8_t)s->port;
		*xsk_ring_prod__fill_addr(fill, at + i) = (uint64_t)chunk * WEIR_FRAME_BYTES;
	}
	xsk_ring_prod__submit(fill, n);
}

static int open_socket(struct port_sockets *s, const char *ifname, uint32_t queue, uint32_t worker,
		       uint16_t bind_flags)
{
	struct worker_socket *ws = socket_of(s, queue, worker);
	struct xsk_socket_config cfg = {
		.rx_size = s->ring_frames,
		.tx_size = s->ring_frames,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = bind_flags,
	};
	int err;

	err = xsk_socket__create_shared(&ws->socket, ifname, queue, s->umem, &ws->rx, &ws->tx,
					&s->queues[queue].fill, &s->queues[queue].completion, &cfg);
	if (err < 0)
		return err;
	ws->fd = xsk_socket__fd(ws->socket);
	return 0;
}

static int open_umem(struct port_sockets *s)
{
	struct xsk_umem_config cfg = {
		.fill_size = s->ring_frames,
		.comp_size = s->ring_frames,
		.frame_size = WEIR_FRAME_BYTES,
	};

	return xsk_umem__create(&s->umem, s->pool->area, s->pool->area_bytes, &s->queues[0].fill,
				&s->queues[0].completion, &cfg);
}

static int read_mode(struct port_sockets *s)
{
	struct xdp_options o = {0};
	socklen_t len = sizeof(o);

	if (getsockopt(s->sockets[0].fd, SOL_XDP, XDP_OPTIONS, &o, &len) < 0)
		return -errno;
	s->mode = o.flags & XDP_OPTIONS_ZEROCOPY ? XSK_MODE_ZEROCOPY : XSK_MODE_COPY;
	return 0;
}

static int open_all(struct port_sockets *s, const char *ifname, bool generic, struct error *e)
{
	/* Without a mode the kernel takes zero-copy where the driver has it, and copies elsewhere.
	 */
	uint16_t flags = XDP_USE_NEED_WAKEUP | (generic ? XDP_COPY : 0);
	int err = open_umem(s);

	if (err < 0)
		return error_set(e, err, "%s: cannot register %zu MiB for AF_XDP: %s", ifname,
				 s->pool->area_bytes >> 20, strerror(-err));
	for (uint32_t q = 0; q < s->queue_count; q++) {
		for (uint32_t w = 0; w < s->workers; w++) {
			err = open_socket(s, ifname, q, w, flags);
			if (err < 0)
				return error_set(e, err,
						 "%s: cannot open an AF_XDP socket on queue %u: "
						 "%s%s",
						 ifname, q, strerror(-err),
						 err == -EBUSY ? " (another program has it)" : "");
		}
	}
	return read_mode(s);
}

int port_sockets_open(struct frame_pool *p, const char *ifname, unsigned int port, uint32_t queues,
		      uint32_t workers, uint32_t ring_frames, bool generic,
		      struct port_sockets **out, struct error *e)
{
	struct port_sockets *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return error_set(e, -ENOMEM, "%s: no memory", ifname);
	s->pool = p;
	s->port = port;
	s->queue_count = queues;
	s->workers = workers;
	s->ring_frames = ring_frames;
	s->queues = calloc(queues, sizeof(*s->queues));
	s->sockets = calloc((size_t)queues * workers, sizeof(*s->sockets));
	err = s->queues && s->sockets ? open_all(s, ifname, generic, e)
				      : error_set(e, -ENOMEM, "%s: no memory", ifname);
	if (err < 0) {
		port_sockets_close(s);
		return err;
	}
	for (uint32_t q = 0; q < queues; q++)
		refill(s, q, (q + port) % workers);
	*out = s;
	return 0;
}

void port_sockets_close(struct port_sockets *s)
{
	if (!s)
		return;
	/* The one that carries the UMEM, the first, goes last. */
	for (uint32_t i = s->sockets ? s->queue_count * s->workers : 0; i-- > 0;) {
		if (s->sockets[i].socket)
			xsk_socket__delete(s->sockets[i].socket);
	}
	if (s->umem) {
		xsk_umem__delete(s->umem);
		pool_reclaim(s->pool, s->port, s->port % s->workers);
	}
	free(s->sockets);
	free(s->queues);
	free(s);
}

int port_sockets_fd(const struct port_sockets *s, uint32_t queue, uint32_t worker)
{
	return socket_of(s, queue, worker)->fd;
}

enum xsk_mode port_sockets_mode(const struct port_sockets *s)
{
	return s->mode;
}

uint32_t port_sockets_queues(const struct port_sockets *s)
{
	return s->queue_count;
}

int port_sockets_counters(const struct port_sockets *s, struct xsk_counters *out)
{
	struct xsk_counters sum = {0};

	for (uint32_t i = 0; i < s->queue_count * s->workers; i++) {
		struct xdp_statistics st = {0};
		socklen_t len = sizeof(st);

		if (getsockopt(s->sockets[i].fd, SOL_XDP, XDP_STATISTICS, &st, &len) < 0)
			return -errno;
		sum.rx_dropped += st.rx_dropped;
		sum.rx_invalid += st.rx_invalid_descs;
		sum.tx_invalid += st.tx_invalid_descs;
		sum.rx_ring_full += st.rx_ring_full;
		sum.rx_fill_ring_empty += st.rx_fill_ring_empty_descs;
		sum.tx_ring_empty += st.tx_ring_empty_descs;
	}
	*out = sum;
	return 0;
}

uint32_t port_receive(struct port_sockets *s, uint32_t queue, uint32_t worker, struct frame *out,
		      uint32_t max)
{
	struct xsk_ring_cons *rx = &socket_of(s, queue, worker)->rx;
	uint32_t at, n = xsk_ring_cons__peek(rx, max, &at);

	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *d = xsk_ring_cons__rx_desc(rx, at + i);

		out[i] = (struct frame){.addr = d->addr, .len = d->len};
		s->pool->chunks[d->addr / WEIR_FRAME_BYTES].port = POOL_HELD;
	}
	if (n)
		xsk_ring_cons__release(rx, n);
	return n;
}

bool port_send(struct port_sockets *s, uint32_t queue, uint32_t worker, const struct frame *f)
{
	struct xsk_ring_prod *tx = &socket_of(s, queue, worker)->tx;
	struct pool_chunk *c = &s->pool->chunks[f->addr / WEIR_FRAME_BYTES];
	struct xdp_desc *d;
	uint32_t at;

	if (xsk_ring_prod__reserve(tx, 1, &at) != 1)
		return false;
	*c = (struct pool_chunk){
		.cookie = f->cookie,
		.worker = (uint8_t)worker,
		.port = (uint8_t)s->port,
	};
	d = xsk_ring_prod__tx_desc(tx, at);
	*d = (struct xdp_desc){.addr = f->addr, .len = f->len};
	xsk_ring_prod__submit(tx, 1);
	return true;
}

static uint32_t unsent(const struct worker_socket *ws)
{
	return ws->tx.cached_prod - __atomic_load_n(ws->tx.consumer, __ATOMIC_ACQUIRE);
}

void port_kick(struct port_sockets *s, uint32_t worker)
{
	for (uint32_t q = 0; q < s->queue_count; q++) {
		struct worker_socket *ws = socket_of(s, q, worker);

		for (int i = 0; i < KICKS_MAX && unsent(ws); i++) {
			if (!xsk_ring_prod__needs_wakeup(&ws->tx))
				break;
			/* Busy or out of buffers: the frames stay in the ring for the next call. */
			if (sendto(ws->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != EAGAIN)
				break;
		}
		if (serves(s, q, worker) && xsk_ring_prod__needs_wakeup(&s->queues[q].fill))
			recvfrom(ws->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
	}
}

/* Own completions become cookies, others' go to their senders. */
static uint32_t drain(struct port_sockets *s, uint32_t queue, uint32_t worker, uint32_t *cookies,
		      uint32_t max)
{
	struct xsk_ring_cons *completion = &s->queues[queue].completion;
	uint32_t at, own = 0, n = xsk_ring_cons__peek(completion, max, &at);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t addr = *xsk_ring_cons__comp_addr(completion, at + i);
		uint32_t chunk = (uint32_t)(addr / WEIR_FRAME_BYTES);

		if (s->pool->chunks[chunk].worker != worker) {
			pool_completed(s->pool, worker, chunk);
			continue;
		}
		cookies[own++] = s->pool->chunks[chunk].cookie;
		pool_put(s->pool, worker, chunk);
	}
	if (n)
		xsk_ring_cons__release(completion, n);
	return own;
}

uint32_t port_complete(struct port_sockets *s, uint32_t worker, uint32_t *cookies, uint32_t max)
{
	uint32_t n = 0;

	if (s->workers > 1)
		n = pool_collect(s->pool, worker, cookies, max);
	for (uint32_t q = 0; q < s->queue_count; q++) {
		if (!serves(s, q, worker))
			continue;
		if (n < max)
			n += drain(s, q, worker, cookies + n, max - n);
		refill(s, q, worker);
	}
	pool_balance(s->pool, worker);
	return n;
}

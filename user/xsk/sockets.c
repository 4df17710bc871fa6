// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opens and closes a port's sockets. Every port registers the pool's memory as a UMEM of its own.
 * Registrations of the same pages are independent of each other: one port can be zero-copy while
 * another copies, ports can be opened and closed in any order, and a frame received on one port is
 * sent on another without being copied here.
 */
#include "xsk/sockets.h"

#include <linux/if_xdp.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "port/ethtool.h"

#ifndef SOL_XDP
#define SOL_XDP 283
#endif

#define COMPLETION_FRAMES_MAX 16384
/* Time that closing waits for queued frames to be sent. */
#define DRAIN_TRIES    50
#define DRAIN_PAUSE_NS 1000000

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

/* Large enough that all transmit rings of the queue can be emptied without reading completions. */
static uint32_t completion_frames(uint32_t ring_frames, uint32_t workers)
{
	uint32_t n = power_of_two(ring_frames * workers);

	return n < COMPLETION_FRAMES_MAX ? n : COMPLETION_FRAMES_MAX;
}

static int open_queue(struct xsk_sockets *s, uint32_t queue, struct socket_setup c)
{
	for (uint32_t w = 0; w < s->workers; w++) {
		struct xsk_socket *ps = sockets_at(s, queue, w);
		int err;

		ps->sends = queue < s->senders;
		err = socket_open(&c, ps, w ? NULL : &s->queues[queue]);
		if (err)
			return err;
		/* The kernel shares a queue's rings only with the socket that created them. */
		c.umem_fd = sockets_at(s, queue, 0)->fd;
	}
	return 0;
}

static void close_all(struct xsk_sockets *s)
{
	/* The socket that registered the UMEM is closed last. */
	for (uint32_t i = s->queue_count * s->workers; i-- > 0;)
		socket_close(&s->sockets[i]);
	for (uint32_t q = 0; q < s->queue_count; q++)
		socket_unmap_queue(&s->queues[q]);
}

static int open_all(struct xsk_sockets *s, struct socket_setup c)
{
	int err;

	for (uint32_t q = 0; q < s->queue_count; q++) {
		c.queue = q;
		c.umem_fd = q ? sockets_at(s, 0, 0)->fd : -1;
		err = open_queue(s, q, c);
		if (err) {
			close_all(s);
			return err;
		}
	}
	return 0;
}

/* Zero-copy if the driver supports it on every queue, otherwise copy mode. */
static int open_best(struct xsk_sockets *s, struct socket_setup c, bool generic)
{
	int err = -EOPNOTSUPP;

	if (!generic) {
		c.bind_flags = XDP_ZEROCOPY | XDP_USE_NEED_WAKEUP;
		s->mode = XSK_MODE_ZEROCOPY;
		err = open_all(s, c);
	}
	if (err == 0 || err == -EBUSY || err == -ENODEV || err == -EPERM)
		return err;
	c.bind_flags = XDP_COPY | XDP_USE_NEED_WAKEUP;
	s->mode = XSK_MODE_COPY;
	return open_all(s, c);
}

static int open_failed(int err, const char *ifname, uint32_t queues, const struct frame_pool *p,
		       struct error *e)
{
	switch (err) {
	case -EBUSY:
		return error_set(e, err, "%s: another program has AF_XDP sockets on its queues",
				 ifname);
	case -ENOBUFS:
		return error_set(e, err,
				 "%s: %zu MiB cannot be locked in memory for AF_XDP (ulimit -l)",
				 ifname, p->area_bytes >> 20);
	case -EPERM:
		return error_set(e, err, "%s: AF_XDP needs CAP_NET_RAW", ifname);
	case -EAFNOSUPPORT:
		return error_set(e, err, "this kernel has no AF_XDP (CONFIG_XDP_SOCKETS)");
	case -EINVAL:
		return error_set(e, err, "%s: does not take AF_XDP sockets on %u queues", ifname,
				 queues);
	default:
		return error_set(e, err, "%s: cannot open AF_XDP sockets: %s", ifname,
				 strerror(-err));
	}
}

static struct xsk_sockets *sockets_new(struct frame_pool *p, unsigned int port, uint32_t queues,
				       uint32_t workers, bool receives)
{
	struct xsk_sockets *s = calloc(1, sizeof(*s));
	size_t queue_bytes = queues * sizeof(*s->queues);
	size_t socket_bytes = (size_t)queues * workers * sizeof(*s->sockets);

	if (!s)
		return NULL;
	*s = (struct xsk_sockets){.pool = p,
				  .port = port,
				  .queue_count = queues,
				  .workers = workers,
				  .receives = receives};
	s->queues = aligned_alloc(_Alignof(struct xsk_queue), queue_bytes);
	s->sockets = aligned_alloc(_Alignof(struct xsk_socket), socket_bytes);
	if (!s->queues || !s->sockets)
		return s;
	memset(s->queues, 0, queue_bytes);
	memset(s->sockets, 0, socket_bytes);
	for (uint32_t q = 0; q < queues; q++)
		atomic_flag_clear(&s->queues[q].busy);
	for (uint32_t i = 0; i < queues * workers; i++)
		s->sockets[i].fd = -1;
	return s;
}

static void sockets_freep(struct xsk_sockets **s)
{
	if (!*s)
		return;
	free((*s)->sockets);
	free((*s)->queues);
	free(*s);
}

/* Fills the rings from the spare chunks, since a stock may be used by its worker only. Workers add
 * what is missing later. */
static int first_fill(struct xsk_sockets *s)
{
	_cleanup_free_ uint32_t *chunks = calloc(s->pool->frames, sizeof(*chunks));

	if (!chunks)
		return -ENOMEM;
	for (uint32_t q = 0; q < s->queue_count; q++) {
		struct xsk_queue *pq = &s->queues[q];
		uint32_t at, n = pool_spare_take(s->pool, chunks, sockets_fill_level(s, pq));

		if (!n || xsk_ring_prod__reserve(&pq->fill, n, &at) != n)
			continue;
		for (uint32_t i = 0; i < n; i++)
			sockets_fill(s, pq, at + i, chunks[i]);
		xsk_ring_prod__submit(&pq->fill, n);
	}
	return 0;
}

/* What sockets_open() is asked for; the first members as in xsk_sockets_open(). */
struct sockets_wish {
	const char *ifname;
	unsigned int port; /* 0..POOL_PORTS_MAX-1 */
	uint32_t queues, workers, ring_frames;
	bool copy; /* do not try zero-copy */
	bool receives;
};

static int sockets_open(struct frame_pool *p, const struct sockets_wish *wish,
			struct xsk_sockets **out, struct error *e)
{
	_cleanup_(sockets_freep) struct xsk_sockets *s = NULL;
	const char *ifname = wish->ifname;
	uint32_t queues = wish->queues, workers = wish->workers, ring_frames = wish->ring_frames;
	struct socket_setup c = {
		.ifindex = if_nametoindex(ifname), .area = p->area, .area_bytes = p->area_bytes};
	unsigned int rx, tx;
	int err;

	if (!queues || queues > WEIR_QUEUES_MAX || workers != p->workers || !ring_frames ||
	    ring_frames > p->frames || wish->port >= POOL_PORTS_MAX)
		return error_set(e, -EINVAL,
				 "%s: no sockets for %u queues, %u workers and rings of %u frames",
				 ifname, queues, workers, ring_frames);
	if (!c.ifindex)
		return error_set(e, -ENODEV, "no interface named \"%s\"", ifname);
	s = sockets_new(p, wish->port, queues, workers, wish->receives);
	if (!s || !s->queues || !s->sockets)
		return error_set(e, -ENOMEM, "%s: no memory for its sockets", ifname);
	ethtool_queues(ifname, &rx, &tx);
	s->ifindex = c.ifindex;
	s->senders = tx < queues ? tx : queues;
	c.ring_frames = power_of_two(ring_frames);
	c.completion_frames = completion_frames(c.ring_frames, workers);
	err = open_best(s, c, wish->copy);
	if (err)
		return open_failed(err, ifname, queues, p, e);
	if (s->receives) {
		atomic_fetch_add(&p->state->queues, queues);
		err = first_fill(s);
	}
	if (err) {
		xsk_sockets_close(TAKE_PTR(s));
		return error_set(e, err, "%s: no memory for its sockets", ifname);
	}
	*out = TAKE_PTR(s);
	return 0;
}

int xsk_sockets_open(struct frame_pool *p, const char *ifname, unsigned int port, uint32_t queues,
		     uint32_t workers, uint32_t ring_frames, bool generic, struct xsk_sockets **out,
		     struct error *e)
{
	const struct sockets_wish wish = {
		.ifname = ifname,
		/* Beyond the last port: refused. */
		.port = port < WEIR_PORTS_MAX ? port : POOL_PORTS_MAX,
		.queues = queues,
		.workers = workers,
		.ring_frames = ring_frames,
		.copy = generic,
		.receives = true,
	};

	return sockets_open(p, &wish, out, e);
}

int xsk_sender_open(struct frame_pool *p, const char *ifname, unsigned int port, uint32_t workers,
		    uint32_t ring_frames, struct xsk_sockets **out, struct error *e)
{
	const struct sockets_wish wish = {
		.ifname = ifname,
		.port = POOL_SENDER(port),
		.queues = 1,
		.workers = workers,
		.ring_frames = ring_frames,
		.copy = true,
	};

	return sockets_open(p, &wish, out, e);
}

/* Only counts: the chunks and their cookies go the way of all that a closed port had. */
static void count_completions(struct xsk_sockets *s, uint32_t queue)
{
	struct xsk_ring_cons *completion = &s->queues[queue].completion;
	uint32_t at, n = xsk_ring_cons__peek(completion, completion->size, &at);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t addr = *xsk_ring_cons__comp_addr(completion, at + i);
		uint8_t sender = s->pool->chunks[addr / WEIR_FRAME_BYTES].sender;

		if (sender < s->workers)
			atomic_fetch_add(&sockets_at(s, queue, sender)->completed, 1);
	}
	if (n)
		xsk_ring_cons__release(completion, n);
}

/* Waits a limited time for queued frames to be sent. */
static void drain(struct xsk_sockets *s)
{
	struct timespec pause = {.tv_nsec = DRAIN_PAUSE_NS};

	for (int i = 0; i < DRAIN_TRIES; i++) {
		uint32_t left = 0;

		for (uint32_t k = 0; k < s->queue_count * s->workers; k++)
			left += sockets_outstanding(&s->sockets[k]);
		if (!left)
			return;
		for (uint32_t w = 0; w < s->workers; w++)
			xsk_kick(s, w);
		for (uint32_t q = 0; q < s->queue_count; q++)
			count_completions(s, q);
		nanosleep(&pause, NULL);
	}
}

void xsk_sockets_close(struct xsk_sockets *s)
{
	if (!s)
		return;
	drain(s);
	close_all(s);
	/* In zero-copy mode the driver writes to its chunks until the queue is released. */
	for (uint32_t q = 0; s->mode == XSK_MODE_ZEROCOPY && q < s->queue_count; q++)
		if (socket_wait_released(s->ifindex, q) == -EBUSY)
			log_warning("port %u: queue %u is slow to stop", s->port, q);
	if (s->receives)
		atomic_fetch_sub(&s->pool->state->queues, s->queue_count);
	pool_reclaim(s->pool, s->port);
	sockets_freep(&s);
}

int xsk_sockets_fd(const struct xsk_sockets *s, uint32_t queue, uint32_t worker)
{
	return sockets_at(s, queue, worker)->fd;
}

enum xsk_mode xsk_sockets_mode(const struct xsk_sockets *s)
{
	return s->mode;
}

uint32_t xsk_sockets_queues(const struct xsk_sockets *s)
{
	return s->queue_count;
}

int xsk_sockets_counters(const struct xsk_sockets *s, struct xsk_counters *out)
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
		sum.tx_ring_empty += st.tx_ring_empty_descs;
		/* A counter of the queue's fill ring: every socket of the queue reports the same
		 * value. */
		if (i % s->workers == 0)
			sum.rx_fill_ring_empty += st.rx_fill_ring_empty_descs;
	}
	*out = sum;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The per-packet calls. A worker's receive and transmit rings are its own. The fill and completion
 * ring of a queue are served by any worker that gets the queue's lock: if they were bound to one
 * worker they would not be served while that worker sleeps and only others have frames. A worker
 * that finds the lock taken goes on without waiting, because the holder is serving the rings.
 */
#include "xsk/sockets.h"

#include <sys/socket.h>

/* System calls per kick at most: one call sends 32 frames in copy mode, and only one where the
 * device refuses each. */
#define KICKS_MAX 32
/* Chunks that refilling leaves in the stock, for resets. */
#define STOCK_RESERVE 32
/* Refilling with fewer chunks does not pay for the cache misses. */
#define REFILL_MIN 32

uint32_t xsk_receive(struct xsk_sockets *s, uint32_t queue, uint32_t worker, struct frame *out,
		     uint32_t max)
{
	struct xsk_ring_cons *rx = &sockets_at(s, queue, worker)->rx;
	uint32_t at, n = xsk_ring_cons__peek(rx, max, &at);

	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *d = xsk_ring_cons__rx_desc(rx, at + i);

		out[i] = (struct frame){.addr = d->addr, .len = d->len};
		pool_place(s->pool, (uint32_t)(d->addr / WEIR_FRAME_BYTES), POOL_USER);
	}
	if (n)
		xsk_ring_cons__release(rx, n);
	return n;
}

/* The kernel drops an invalid descriptor without returning its chunk, so check first. */
static bool sendable(const struct frame_pool *p, const struct frame *f)
{
	return f->len && f->addr < p->area_bytes &&
	       f->addr % WEIR_FRAME_BYTES + f->len <= WEIR_FRAME_BYTES;
}

bool xsk_send(struct xsk_sockets *s, uint32_t queue, uint32_t worker, const struct frame *f)
{
	struct xsk_socket *ps = sockets_at(s, queue % s->senders, worker);
	uint32_t chunk = (uint32_t)(f->addr / WEIR_FRAME_BYTES), at;

	if (!sendable(s->pool, f) || xsk_ring_prod__reserve(&ps->tx, 1, &at) != 1)
		return false;
	s->pool->chunks[chunk].cookie = f->cookie;
	s->pool->chunks[chunk].sender = (uint8_t)worker;
	pool_place(s->pool, chunk, POOL_SENT(s->port));
	*xsk_ring_prod__tx_desc(&ps->tx, at) = (struct xdp_desc){.addr = f->addr, .len = f->len};
	ps->sent++;
	xsk_ring_prod__submit(&ps->tx, 1);
	return true;
}

static uint32_t unsent(const struct xsk_socket *ps)
{
	return ps->tx.cached_prod - __atomic_load_n(ps->tx.consumer, __ATOMIC_ACQUIRE);
}

/* In copy mode the kernel completes a frame by itself once it left the ring; a zero-copy driver may
 * have to be woken to complete it. */
static bool wants_kick(const struct xsk_sockets *s, struct xsk_socket *ps)
{
	return ps->sends && (s->mode == XSK_MODE_COPY ? unsent(ps) : sockets_outstanding(ps));
}

/*
 * Frames that cannot be sent now stay in the ring for the next kick. EAGAIN: the budget of the call
 * is used up, or the kernel's send buffer is full (then no frame was taken). EBUSY: the device
 * refused one frame, which is returned as completed.
 */
static void kick_socket(const struct xsk_sockets *s, struct xsk_socket *ps)
{
	for (int i = 0; i < KICKS_MAX && wants_kick(s, ps); i++) {
		uint32_t before = unsent(ps);

		if (!xsk_ring_prod__needs_wakeup(&ps->tx) ||
		    sendto(ps->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0)
			return;
		if (errno != EBUSY && (errno != EAGAIN || unsent(ps) == before))
			return;
	}
}

void xsk_kick(struct xsk_sockets *s, uint32_t worker)
{
	for (uint32_t q = 0; q < s->queue_count; q++) {
		struct xsk_socket *ps = sockets_at(s, q, worker);

		kick_socket(s, ps);
		if (xsk_ring_prod__needs_wakeup(&s->queues[q].fill))
			recvfrom(ps->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
	}
}

static void refill(struct xsk_sockets *s, struct xsk_queue *q, uint32_t worker)
{
	uint32_t stock = s->pool->stocks[worker]->count, want = sockets_fill_level(s, q), have, n,
		 at, chunk;

	if (!s->receives)
		return;
	have = q->fill.size - xsk_prod_nb_free(&q->fill, q->fill.size);
	if (have >= want || stock <= STOCK_RESERVE)
		return;
	n = want - have;
	if (n < REFILL_MIN && have > want / 2)
		return;
	if (n > stock - STOCK_RESERVE)
		n = stock - STOCK_RESERVE;
	if (xsk_ring_prod__reserve(&q->fill, n, &at) != n)
		return;
	for (uint32_t i = 0; i < n && pool_take(s->pool, worker, &chunk); i++)
		sockets_fill(s, q, at + i, chunk);
	xsk_ring_prod__submit(&q->fill, n);
}

/* Written only by the holder of the queue's lock. */
static void count_completed(struct xsk_socket *ps)
{
	uint32_t n = atomic_load_explicit(&ps->completed, memory_order_relaxed);

	atomic_store_explicit(&ps->completed, n + 1, memory_order_relaxed);
}

/*
 * Takes completions: own cookies go to the caller, those of other workers to their mailboxes,
 * chunks to the stock. Stops when one of them is full; the kernel then holds back further frames.
 */
static uint32_t reap(struct xsk_sockets *s, uint32_t queue, uint32_t worker, uint32_t *cookies,
		     uint32_t max)
{
	struct xsk_ring_cons *completion = &s->queues[queue].completion;
	uint32_t at, own = 0, done, n = xsk_ring_cons__peek(completion, completion->size, &at);

	for (done = 0; done < n; done++) {
		uint64_t addr = *xsk_ring_cons__comp_addr(completion, at + done);
		uint32_t chunk = (uint32_t)(addr / WEIR_FRAME_BYTES);
		const struct pool_chunk *c = &s->pool->chunks[chunk];

		if (c->sender == worker && own == max)
			break;
		if (c->sender == worker)
			cookies[own++] = c->cookie;
		else if (!pool_mail_put(s->pool, worker, c->sender, c->cookie))
			break;
		count_completed(sockets_at(s, queue, c->sender));
		pool_put(s->pool, worker, chunk);
	}
	xsk_ring_cons__cancel(completion, n - done);
	if (done)
		xsk_ring_cons__release(completion, done);
	return own;
}

static bool queue_try(const struct xsk_sockets *s, struct xsk_queue *q)
{
	return s->workers == 1 ||
	       !atomic_flag_test_and_set_explicit(&q->busy, memory_order_acquire);
}

static void queue_leave(const struct xsk_sockets *s, struct xsk_queue *q)
{
	if (s->workers > 1)
		atomic_flag_clear_explicit(&q->busy, memory_order_release);
}

uint32_t xsk_complete(struct xsk_sockets *s, uint32_t worker, uint32_t *cookies, uint32_t max)
{
	uint32_t n = pool_mail_take(s->pool, worker, cookies, max);

	pool_balance(s->pool, worker);
	for (uint32_t q = 0; q < s->queue_count; q++) {
		struct xsk_queue *pq = &s->queues[q];

		if (!queue_try(s, pq))
			continue;
		n += reap(s, q, worker, cookies + n, max - n);
		refill(s, pq, worker);
		queue_leave(s, pq);
	}
	return n;
}

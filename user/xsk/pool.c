// SPDX-License-Identifier: GPL-2.0-only
#include "xsk/pool.h"

#include <sched.h>

/* A stock smaller than this is refilled from the spare chunks; one that exceeds its share by more
 * gives chunks away. */
#define STOCK_LOW 128
/* Chunks moved at a time at most: bounds the time a worker spends on it. */
#define BALANCE_BATCH 256
/* Whoever holds the lock for this long has died with it. */
#define LOCK_NS 1000000000ULL

uint32_t frame_pool_size(const struct frame_pool *p)
{
	return p->frames;
}

/* ---- mail ---- */

static uint32_t box_words(const struct frame_pool *p, uint32_t from)
{
	return from == p->workers ? p->closer_box_words : p->box_words;
}

bool pool_mail_put(struct frame_pool *p, uint32_t from, uint32_t to, uint32_t cookie)
{
	return ring_push(p->mail[from * p->workers + to], box_words(p, from), cookie);
}

uint32_t pool_mail_take(struct frame_pool *p, uint32_t worker, uint32_t *cookies, uint32_t max)
{
	uint32_t n = 0;
	uint64_t word;

	for (uint32_t from = 0; from <= p->workers; from++)
		while (n < max &&
		       ring_pop(p->mail[from * p->workers + worker], box_words(p, from), &word))
			cookies[n++] = (uint32_t)word;
	return n;
}

/* ---- spare chunks ---- */

static bool spare_try(struct pool_spare *s)
{
	return !atomic_flag_test_and_set_explicit(&s->busy, memory_order_acquire);
}

static void spare_leave(struct pool_spare *s)
{
	atomic_flag_clear_explicit(&s->busy, memory_order_release);
}

/* The count is atomic so that it can be read without the lock. */
static void spare_set(struct pool_spare *s, uint32_t count)
{
	atomic_store_explicit(&s->count, count, memory_order_relaxed);
}

static uint32_t spare_count(struct pool_spare *s)
{
	return atomic_load_explicit(&s->count, memory_order_relaxed);
}

/* Waits for the lock, up to LOCK_NS; not for workers. False: not locked. */
static bool spare_enter(struct pool_spare *s)
{
	uint64_t until_ns = time_now_ns() + LOCK_NS;

	while (!spare_try(s)) {
		if (time_now_ns() > until_ns)
			return false;
		sched_yield();
	}
	return true;
}

/* Bounded by the size of the list: workers write the count. */
static uint32_t spare_count_sane(const struct frame_pool *p)
{
	uint32_t count = spare_count(p->spare);

	return count < p->frames ? count : p->frames;
}

uint32_t pool_spare_take(struct frame_pool *p, uint32_t *chunks, uint32_t max)
{
	struct pool_spare *s = p->spare;
	uint32_t count, n = 0;

	if (!spare_enter(s))
		return 0;
	count = spare_count_sane(p);
	while (n < max && count) {
		uint32_t chunk = s->chunks[--count];

		if (chunk < p->frames)
			chunks[n++] = chunk;
	}
	spare_set(s, count);
	spare_leave(s);
	return n;
}

static void spare_give(struct frame_pool *p, uint32_t worker, uint32_t n)
{
	struct pool_spare *s = p->spare;
	uint32_t count, chunk;

	if (!spare_try(s))
		return;
	count = spare_count(s);
	while (n-- > 0 && pool_take(p, worker, &chunk))
		s->chunks[count++] = chunk;
	spare_set(s, count);
	spare_leave(s);
}

static void spare_take(struct frame_pool *p, uint32_t worker, uint32_t n)
{
	struct pool_spare *s = p->spare;
	uint32_t count;

	if (!spare_try(s))
		return;
	count = spare_count(s);
	while (n-- > 0 && count)
		pool_put(p, worker, s->chunks[--count]);
	spare_set(s, count);
	spare_leave(s);
}

void pool_balance(struct frame_pool *p, uint32_t worker)
{
	uint32_t have = p->stocks[worker]->count, surplus;

	if (have < STOCK_LOW) {
		if (spare_count(p->spare))
			spare_take(p, worker, BALANCE_BATCH);
		return;
	}
	/* Tolerate a stock slightly above its share: moving so little would only contend for the
	 * lock. */
	if (have <= p->share + STOCK_LOW || p->workers == 1)
		return;
	surplus = have - p->share;
	spare_give(p, worker, surplus < BALANCE_BATCH ? surplus : BALANCE_BATCH);
}

void pool_reclaim(struct frame_pool *p, unsigned int port)
{
	struct pool_spare *s = p->spare;
	uint32_t count;

	if (!spare_enter(s))
		return;
	count = spare_count_sane(p);
	for (uint32_t i = 0; i < p->frames && count < p->frames; i++) {
		uint8_t place = atomic_load_explicit(&p->chunks[i].place, memory_order_relaxed);
		uint8_t sender = p->chunks[i].sender;

		if (place != POOL_FILL(port) && place != POOL_SENT(port))
			continue;
		if (place == POOL_SENT(port) && sender < p->workers)
			pool_mail_put(p, p->workers, sender, p->chunks[i].cookie);
		pool_place(p, i, POOL_USER);
		s->chunks[count++] = i;
	}
	spare_set(s, count);
	spare_leave(s);
}

/* ---- frames ---- */

uint8_t *frame_data(struct frame_pool *p, const struct frame *f)
{
	return p->area + f->addr;
}

const struct weir_punt *frame_punt(struct frame_pool *p, const struct frame *f)
{
	return (const struct weir_punt *)(p->area + f->addr - sizeof(struct weir_punt));
}

bool frame_take(struct frame_pool *p, uint32_t worker, struct frame *out)
{
	uint32_t chunk;

	if (!pool_take(p, worker, &chunk))
		return false;
	*out = (struct frame){.addr = (uint64_t)chunk * WEIR_FRAME_BYTES};
	return true;
}

void frame_give(struct frame_pool *p, uint32_t worker, const struct frame *f)
{
	pool_put(p, worker, (uint32_t)(f->addr / WEIR_FRAME_BYTES));
}

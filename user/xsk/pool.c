// SPDX-License-Identifier: GPL-2.0-only
#include "xsk/pool.h"

#include <sched.h>
#include <string.h>
#include <sys/mman.h>

/* A stock smaller than this is refilled from the spare chunks; one that exceeds its share by more
 * gives chunks away. */
#define STOCK_LOW 128
/* Chunks moved at a time at most: bounds the time a worker spends on it. */
#define BALANCE_BATCH 256
/* Size of a mailbox. If a worker lets one run full, completions stay in the kernel's ring until it
 * reads its mail. */
#define MAIL_WORDS_MAX 4096

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

static int mail_new(struct frame_pool *p)
{
	uint32_t boxes = (p->workers + 1) * p->workers, words = power_of_two(p->frames);

	p->mail = aligned_alloc(_Alignof(struct ring), sizeof(*p->mail) * boxes);
	if (!p->mail)
		return -ENOMEM;
	memset(p->mail, 0, sizeof(*p->mail) * boxes);
	for (uint32_t i = 0; i < boxes; i++) {
		/* Closing a port must not wait for a worker to read its mail, so this
		 * mailbox has room for every chunk. */
		bool closer = i >= p->workers * p->workers;

		if (ring_init(&p->mail[i],
			      closer || words < MAIL_WORDS_MAX ? words : MAIL_WORDS_MAX))
			return -ENOMEM;
	}
	return 0;
}

static int stocks_new(struct frame_pool *p)
{
	p->spare.chunks = calloc(p->frames, sizeof(uint32_t));
	p->chunks = calloc(p->frames, sizeof(*p->chunks));
	if (!p->spare.chunks || !p->chunks)
		return -ENOMEM;
	for (uint32_t w = 0; w < p->workers; w++) {
		p->stocks[w].chunks = calloc(p->frames, sizeof(uint32_t));
		if (!p->stocks[w].chunks)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < p->frames; i++) {
		if (i < p->share * p->workers)
			pool_put(p, i % p->workers, i);
		else
			p->spare.chunks[p->spare.count++] = i;
	}
	return 0;
}

static int area_new(struct frame_pool *p)
{
	p->area_bytes = (size_t)p->frames * WEIR_FRAME_BYTES;
	p->area = mmap(NULL, p->area_bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (p->area == MAP_FAILED) {
		p->area = NULL;
		return -errno;
	}
	return 0;
}

static void pool_freep(struct frame_pool **p)
{
	frame_pool_free(*p);
}

int frame_pool_new(uint32_t frames, uint32_t workers, struct frame_pool **out, struct error *e)
{
	_cleanup_(pool_freep) struct frame_pool *p = NULL;
	int err;

	if (!frames || frames > UINT32_MAX / WEIR_FRAME_BYTES || !workers ||
	    workers > WEIR_WORKERS_MAX)
		return error_set(e, -EINVAL, "no pool of %u frames for %u workers", frames,
				 workers);
	p = aligned_alloc(_Alignof(struct frame_pool), sizeof(*p));
	if (!p)
		return error_set(e, -ENOMEM, "no memory for the frame pool");
	memset(p, 0, sizeof(*p));
	p->frames = frames;
	p->workers = workers;
	p->share = frames / 2 / workers;
	atomic_flag_clear(&p->spare.busy);
	err = area_new(p);
	if (!err)
		err = stocks_new(p);
	if (!err)
		err = mail_new(p);
	if (err)
		return error_set(e, err, "no memory for a pool of %u frames of 2 KiB", frames);
	*out = TAKE_PTR(p);
	return 0;
}

void frame_pool_free(struct frame_pool *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; p->mail && i < (p->workers + 1) * p->workers; i++)
		ring_fini(&p->mail[i]);
	for (uint32_t w = 0; w < p->workers; w++)
		free(p->stocks[w].chunks);
	free(p->spare.chunks);
	free(p->mail);
	free(p->chunks);
	if (p->area)
		munmap(p->area, p->area_bytes);
	free(p);
}

uint32_t frame_pool_size(const struct frame_pool *p)
{
	return p->frames;
}

/* ---- mail ---- */

bool pool_mail_put(struct frame_pool *p, uint32_t from, uint32_t to, uint32_t cookie)
{
	return ring_push(&p->mail[from * p->workers + to], cookie);
}

uint32_t pool_mail_take(struct frame_pool *p, uint32_t worker, uint32_t *cookies, uint32_t max)
{
	uint32_t n = 0;
	uint64_t word;

	for (uint32_t from = 0; from <= p->workers; from++)
		while (n < max && ring_pop(&p->mail[from * p->workers + worker], &word))
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

/* Waits for the lock; not for workers. */
static void spare_enter(struct pool_spare *s)
{
	while (!spare_try(s))
		sched_yield();
}

uint32_t pool_spare_take(struct frame_pool *p, uint32_t *chunks, uint32_t max)
{
	struct pool_spare *s = &p->spare;
	uint32_t count, n = 0;

	spare_enter(s);
	count = spare_count(s);
	while (n < max && count)
		chunks[n++] = s->chunks[--count];
	spare_set(s, count);
	spare_leave(s);
	return n;
}

static void spare_give(struct frame_pool *p, uint32_t worker, uint32_t n)
{
	struct pool_spare *s = &p->spare;
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
	struct pool_spare *s = &p->spare;
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
	uint32_t have = p->stocks[worker].count, surplus;

	if (have < STOCK_LOW) {
		if (spare_count(&p->spare))
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
	struct pool_spare *s = &p->spare;
	uint32_t count;

	spare_enter(s);
	count = spare_count(s);
	for (uint32_t i = 0; i < p->frames; i++) {
		uint8_t place = atomic_load_explicit(&p->chunks[i].place, memory_order_relaxed);

		if (place != POOL_FILL(port) && place != POOL_SENT(port))
			continue;
		if (place == POOL_SENT(port))
			pool_mail_put(p, p->workers, p->chunks[i].sender, p->chunks[i].cookie);
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

// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <sys/mman.h>

#include "port/pool.h"

#define BALANCE_BATCH 64

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

static int pool_fill(struct frame_pool *p)
{
	for (uint32_t w = 0; w < p->workers; w++) {
		p->stocks[w].chunks = calloc(p->frames, sizeof(uint32_t));
		if (!p->stocks[w].chunks)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < p->workers * p->workers; i++) {
		if (ring_init(&p->rings[i], power_of_two(p->frames)) < 0)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < p->frames; i++)
		pool_put(p, i % p->workers, i);
	return 0;
}

int frame_pool_new(uint32_t frames, uint32_t workers, struct frame_pool **out, struct error *e)
{
	struct frame_pool *p = calloc(1, sizeof(*p));
	size_t bytes = (size_t)frames * WEIR_FRAME_BYTES;
	int err = -ENOMEM;

	if (!p || !frames || !workers || workers > WEIR_WORKERS_MAX) {
		free(p);
		return error_set(e, -EINVAL, "a frame pool of %u frames for %u workers?", frames,
				 workers);
	}
	p->frames = frames;
	p->workers = workers;
	p->chunks = calloc(frames, sizeof(*p->chunks));
	p->rings = aligned_alloc(64, sizeof(*p->rings) * workers * workers);
	if (p->rings)
		memset(p->rings, 0, sizeof(*p->rings) * workers * workers);
	p->area = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (p->area == MAP_FAILED)
		p->area = NULL;
	p->area_bytes = bytes;
	if (p->chunks && p->rings && p->area)
		err = pool_fill(p);
	if (err < 0) {
		frame_pool_free(p);
		return error_set(e, err, "no memory for a pool of %u frames", frames);
	}
	*out = p;
	return 0;
}

void frame_pool_free(struct frame_pool *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; p->rings && i < p->workers * p->workers; i++)
		ring_fini(&p->rings[i]);
	for (uint32_t w = 0; w < p->workers; w++)
		free(p->stocks[w].chunks);
	free(p->rings);
	free(p->chunks);
	if (p->area)
		munmap(p->area, p->area_bytes);
	free(p);
}

bool pool_take(struct frame_pool *p, uint32_t worker, uint32_t *chunk)
{
	struct pool_stock *s = &p->stocks[worker];

	if (!s->count)
		return false;
	*chunk = s->chunks[--s->count];
	return true;
}

void pool_put(struct frame_pool *p, uint32_t worker, uint32_t chunk)
{
	struct pool_stock *s = &p->stocks[worker];

	p->chunks[chunk].port = POOL_HELD;
	s->chunks[s->count++] = chunk;
}

void pool_completed(struct frame_pool *p, uint32_t worker, uint32_t chunk)
{
	uint32_t sender = p->chunks[chunk].worker;

	p->chunks[chunk].port = POOL_HELD;
	/* The ring holds every chunk there is, so it is never full. */
	ring_push(&p->rings[worker * p->workers + sender], chunk | POOL_WORD_DONE);
}

uint32_t pool_collect(struct frame_pool *p, uint32_t worker, uint32_t *cookies, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t from = 0; from < p->workers; from++) {
		uint64_t word;

		while (n < max && ring_pop(&p->rings[from * p->workers + worker], &word)) {
			uint32_t chunk = (uint32_t)word;

			if (word & POOL_WORD_DONE)
				cookies[n++] = p->chunks[chunk].cookie;
			pool_put(p, worker, chunk);
		}
	}
	return n;
}

void pool_balance(struct frame_pool *p, uint32_t worker)
{
	struct pool_stock *s = &p->stocks[worker];
	uint32_t chunk;

	if (p->workers == 1 || s->count <= p->frames / p->workers)
		return;
	s->turn = (s->turn + 1) % p->workers;
	if (s->turn == worker)
		return;
	for (unsigned int i = 0; i < BALANCE_BATCH && pool_take(p, worker, &chunk); i++)
		ring_push(&p->rings[worker * p->workers + s->turn], chunk);
}

void pool_reclaim(struct frame_pool *p, unsigned int port, uint32_t worker)
{
	for (uint32_t i = 0; i < p->frames; i++) {
		if (p->chunks[i].port == port)
			pool_put(p, worker, i);
	}
}

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

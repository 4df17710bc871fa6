// SPDX-License-Identifier: GPL-2.0-only
/* The ring between two threads, and that no chunk of the pool is ever lost or in two places. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "xsk/pool.h"

#define RING_WORDS  64
#define RING_PASSED 200000
#define FRAMES	    4096
#define PORT	    5

static void test_ring_order_and_full(void **state)
{
	struct ring r;
	uint64_t word;

	assert_int_equal(ring_init(&r, 4), 0);
	assert_false(ring_pop(&r, &word));
	/* Many times around, so that the positions wrap within the ring. */
	for (uint64_t round = 0; round < 100; round++) {
		for (uint64_t i = 0; i < 4; i++)
			assert_true(ring_push(&r, round * 4 + i));
		assert_false(ring_push(&r, 999));
		for (uint64_t i = 0; i < 4; i++) {
			assert_true(ring_pop(&r, &word));
			assert_int_equal(word, round * 4 + i);
		}
		assert_false(ring_pop(&r, &word));
	}
	ring_fini(&r);
}

static void *produce(void *arg)
{
	struct ring *r = arg;

	for (uint64_t i = 0; i < RING_PASSED; i++)
		while (!ring_push(r, i * 3))
			sched_yield();
	return NULL;
}

static void test_ring_threads(void **state)
{
	struct ring r;
	pthread_t thread;
	uint64_t word;

	assert_int_equal(ring_init(&r, RING_WORDS), 0);
	assert_int_equal(pthread_create(&thread, NULL, produce, &r), 0);
	for (uint64_t i = 0; i < RING_PASSED; i++) {
		while (!ring_pop(&r, &word))
			sched_yield();
		assert_int_equal(word, i * 3);
	}
	pthread_join(thread, NULL);
	assert_false(ring_pop(&r, &word));
	ring_fini(&r);
}

/* ---- the pool ---- */

static struct frame_pool *pool(uint32_t frames, uint32_t workers)
{
	struct frame_pool *p = NULL;
	struct error e = {0};

	assert_int_equal(frame_pool_new(frames, workers, &p, &e), 0);
	return p;
}

/* Marks where each chunk is; the rest is counted by the caller. */
static uint32_t count_free(const struct frame_pool *p, uint8_t *seen)
{
	uint32_t total = 0;

	memset(seen, 0, p->frames);
	for (uint32_t w = 0; w < p->workers; w++) {
		for (uint32_t i = 0; i < p->stocks[w].count; i++, total++)
			assert_int_equal(seen[p->stocks[w].chunks[i]]++, 0);
	}
	for (uint32_t i = 0; i < p->spare.count; i++, total++)
		assert_int_equal(seen[p->spare.chunks[i]]++, 0);
	return total;
}

static void assert_all_free(const struct frame_pool *p)
{
	uint8_t seen[FRAMES];

	assert_true(p->frames <= FRAMES);
	assert_int_equal(count_free(p, seen), p->frames);
}

static void test_new(void **state)
{
	struct frame_pool *p;
	struct error e = {0};

	assert_int_equal(frame_pool_new(0, 1, &p, &e), -EINVAL);
	assert_int_equal(frame_pool_new(64, 0, &p, &e), -EINVAL);
	assert_int_equal(frame_pool_new(64, WEIR_WORKERS_MAX + 1, &p, &e), -EINVAL);
	assert_int_equal(frame_pool_new(UINT32_MAX, 1, &p, &e), -EINVAL);
	assert_non_null(strstr(e.text, "pool"));
	for (uint32_t workers = 1; workers <= WEIR_WORKERS_MAX; workers++) {
		p = pool(1001, workers);
		assert_all_free(p);
		frame_pool_free(p);
	}
	frame_pool_free(NULL);
}

static void test_take_and_give(void **state)
{
	struct frame_pool *p = pool(64, 1);
	struct frame f[64];
	uint32_t n = 0;

	while (frame_take(p, 0, &f[n])) {
		assert_int_equal(f[n].addr % WEIR_FRAME_BYTES, 0);
		assert_true(f[n].addr < 64 * WEIR_FRAME_BYTES);
		memset(frame_data(p, &f[n]), (int)n, WEIR_FRAME_BYTES);
		n++;
		if (!p->stocks[0].count)
			pool_balance(p, 0);
	}
	assert_int_equal(n, 64);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(frame_data(p, &f[i])[WEIR_FRAME_BYTES - 1], i);
	for (uint32_t i = 0; i < n; i++) {
		/* As received: the data lies somewhere in the chunk. */
		f[i].addr += 256;
		assert_ptr_equal(frame_punt(p, &f[i]),
				 frame_data(p, &f[i]) - sizeof(struct weir_punt));
		frame_give(p, 0, &f[i]);
	}
	assert_all_free(p);
	frame_pool_free(p);
}

/* A worker that gathers everything feeds one that has nothing. */
static void test_balance(void **state)
{
	struct frame_pool *p = pool(FRAMES, 2);
	uint32_t chunk;

	while (pool_take(p, 1, &chunk))
		pool_put(p, 0, chunk);
	for (int i = 0; i < 64; i++) {
		pool_balance(p, 0);
		pool_balance(p, 1);
	}
	assert_true(p->stocks[1].count >= 128);
	assert_true(p->stocks[0].count <= p->share + 128);
	assert_all_free(p);
	frame_pool_free(p);
}

/* Somebody at the spare chunks is never waited for. */
static void test_balance_busy(void **state)
{
	struct frame_pool *p = pool(FRAMES, 2);
	uint32_t chunk;

	while (pool_take(p, 1, &chunk))
		pool_put(p, 0, chunk);
	assert_false(atomic_flag_test_and_set(&p->spare.busy));
	pool_balance(p, 0);
	pool_balance(p, 1);
	assert_int_equal(p->stocks[1].count, 0);
	atomic_flag_clear(&p->spare.busy);
	pool_balance(p, 1);
	assert_true(p->stocks[1].count > 0);
	assert_all_free(p);
	frame_pool_free(p);
}

static void test_mail(void **state)
{
	struct frame_pool *p = pool(8, 3);
	uint32_t cookies[32];

	for (uint32_t i = 0; i < 8; i++)
		assert_true(pool_mail_put(p, 0, 2, 100 + i));
	assert_false(pool_mail_put(p, 0, 2, 1));
	assert_true(pool_mail_put(p, 1, 2, 200));
	assert_true(pool_mail_put(p, 3, 2, 300));
	assert_int_equal(pool_mail_take(p, 0, cookies, 32), 0);
	assert_int_equal(pool_mail_take(p, 2, cookies, 3), 3);
	assert_int_equal(cookies[0], 100);
	assert_int_equal(pool_mail_take(p, 2, cookies, 32), 7);
	assert_int_equal(cookies[4], 107);
	assert_int_equal(cookies[5], 200);
	assert_int_equal(cookies[6], 300);
	frame_pool_free(p);
}

static void test_reclaim(void **state)
{
	struct frame_pool *p = pool(FRAMES, 2);
	uint8_t seen[FRAMES];
	uint32_t cookies[64], chunk = 0;

	for (uint32_t i = 0; i < 30; i++) {
		assert_true(pool_take(p, i % 2, &chunk));
		p->chunks[chunk].cookie = 1000 + i;
		p->chunks[chunk].sender = (uint8_t)(i % 2);
		pool_place(p, chunk,
			   i < 10   ? POOL_FILL(PORT)
			   : i < 20 ? POOL_SENT(PORT)
				    : POOL_SENT(PORT + 1));
	}
	pool_reclaim(p, PORT);
	assert_int_equal(count_free(p, seen), FRAMES - 10);
	assert_int_equal(pool_mail_take(p, 0, cookies, 64), 5);
	assert_int_equal(pool_mail_take(p, 1, cookies, 64), 5);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(cookies[i] % 2, 1);
	pool_reclaim(p, PORT);
	assert_int_equal(count_free(p, seen), FRAMES - 10);
	pool_reclaim(p, PORT + 1);
	assert_all_free(p);
	frame_pool_free(p);
}

/* ---- workers that take, give, and balance at once, while a port is closed over and over ---- */

struct churn {
	struct frame_pool *p;
	uint32_t worker;
	uint32_t lent; /* chunks left with PORT's rings */
};

static void *churn(void *arg)
{
	struct churn *c = arg;
	uint32_t held[256], n = 0, random = 12345 + c->worker;

	for (int i = 0; i < 50000; i++) {
		random = random * 1664525 + 1013904223;
		if (random >> 31 && n < 256 && pool_take(c->p, c->worker, &held[n])) {
			n++;
		} else if (n) {
			uint32_t chunk = held[--n];

			if (random % 16 == 0) {
				pool_place(c->p, chunk, POOL_FILL(PORT));
				c->lent++;
			} else {
				pool_put(c->p, c->worker, chunk);
			}
		}
		pool_balance(c->p, c->worker);
	}
	while (n)
		pool_put(c->p, c->worker, held[--n]);
	return NULL;
}

static void test_conserved_by_threads(void **state)
{
	struct frame_pool *p = pool(FRAMES, 2);
	struct churn c[2] = {{.p = p, .worker = 0}, {.p = p, .worker = 1}};
	uint8_t seen[FRAMES];
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn, &c[i]), 0);
	for (int i = 0; i < 200; i++) {
		/* Nobody lends to this one: it only competes for the spare chunks. */
		pool_reclaim(p, PORT + 1);
		sched_yield();
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(count_free(p, seen), FRAMES - c[0].lent - c[1].lent);
	pool_reclaim(p, PORT);
	assert_all_free(p);
	frame_pool_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_order_and_full),
		cmocka_unit_test(test_ring_threads),
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_take_and_give),
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_balance_busy),
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_reclaim),
		cmocka_unit_test(test_conserved_by_threads),
	};

	return cmocka_run_group_tests_name("port_pool", tests, NULL, NULL);
}

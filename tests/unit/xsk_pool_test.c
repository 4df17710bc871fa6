// SPDX-License-Identifier: GPL-2.0-only
/* The ring between two threads, and that no chunk of the pool is ever lost or in two places. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xsk/pool.h"

#define RING_WORDS  64
#define RING_PASSED 200000
#define FRAMES	    4096
#define PORT	    5

static struct ring *ring(uint32_t size)
{
	struct ring *r = aligned_alloc(_Alignof(struct ring), ring_bytes(size));

	assert_non_null(r);
	memset(r, 0, ring_bytes(size));
	return r;
}

static void test_ring_order_and_full(void **state)
{
	struct ring *r = ring(4);
	uint64_t word;

	assert_false(ring_pop(r, 4, &word));
	/* Many times around, so that the positions wrap within the ring. */
	for (uint64_t round = 0; round < 100; round++) {
		for (uint64_t i = 0; i < 4; i++)
			assert_true(ring_push(r, 4, round * 4 + i));
		assert_false(ring_push(r, 4, 999));
		for (uint64_t i = 0; i < 4; i++) {
			assert_true(ring_pop(r, 4, &word));
			assert_int_equal(word, round * 4 + i);
		}
		assert_false(ring_pop(r, 4, &word));
	}
	free(r);
}

static void *produce(void *arg)
{
	struct ring *r = arg;

	for (uint64_t i = 0; i < RING_PASSED; i++)
		while (!ring_push(r, RING_WORDS, i * 3))
			sched_yield();
	return NULL;
}

static void test_ring_threads(void **state)
{
	struct ring *r = ring(RING_WORDS);
	pthread_t thread;
	uint64_t word;

	assert_int_equal(pthread_create(&thread, NULL, produce, r), 0);
	for (uint64_t i = 0; i < RING_PASSED; i++) {
		while (!ring_pop(r, RING_WORDS, &word))
			sched_yield();
		assert_int_equal(word, i * 3);
	}
	pthread_join(thread, NULL);
	assert_false(ring_pop(r, RING_WORDS, &word));
	free(r);
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
		for (uint32_t i = 0; i < p->stocks[w]->count; i++, total++)
			assert_int_equal(seen[p->stocks[w]->chunks[i]]++, 0);
	}
	for (uint32_t i = 0; i < p->spare->count; i++, total++)
		assert_int_equal(seen[p->spare->chunks[i]]++, 0);
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
		if (!p->stocks[0]->count)
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
	assert_true(p->stocks[1]->count >= 128);
	assert_true(p->stocks[0]->count <= p->share + 128);
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
	assert_false(atomic_flag_test_and_set(&p->spare->busy));
	pool_balance(p, 0);
	pool_balance(p, 1);
	assert_int_equal(p->stocks[1]->count, 0);
	atomic_flag_clear(&p->spare->busy);
	pool_balance(p, 1);
	assert_true(p->stocks[1]->count > 0);
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

/* ---- another process ---- */

/* A worker elsewhere: takes a frame, writes to it, and hears of one that has left. */
static int work_elsewhere(int fd)
{
	struct frame_pool *p = NULL;
	struct frame f;
	uint32_t cookie;

	if (frame_pool_open(fd, FRAMES, 2, &p, NULL) < 0 || !frame_take(p, 1, &f))
		return 1;
	memcpy(frame_data(p, &f), "elsewhere", 9);
	p->chunks[f.addr / WEIR_FRAME_BYTES].cookie = 77;
	p->chunks[f.addr / WEIR_FRAME_BYTES].sender = 1;
	pool_place(p, (uint32_t)(f.addr / WEIR_FRAME_BYTES), POOL_SENT(PORT));
	return pool_mail_take(p, 1, &cookie, 1) == 1 && cookie == 5 ? 0 : 2;
}

static void test_another_process(void **state)
{
	struct frame_pool *p = pool(FRAMES, 2);
	uint32_t next = p->stocks[1]->chunks[p->stocks[1]->count - 1], cookie;
	int status;
	pid_t pid;

	assert_true(pool_mail_put(p, 2, 1, 5));
	pid = fork();
	if (pid == 0) {
		if (dup2(frame_pool_fd(p), 100) != 100)
			_exit(3);
		frame_pool_free(p);
		_exit(work_elsewhere(100));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_memory_equal(p->area + (size_t)next * WEIR_FRAME_BYTES, "elsewhere", 9);
	pool_reclaim(p, PORT);
	assert_int_equal(pool_mail_take(p, 1, &cookie, 1), 1);
	assert_int_equal(cookie, 77);
	assert_all_free(p);
	frame_pool_free(p);
}

static void test_open_refuses(void **state)
{
	struct frame_pool *p = pool(FRAMES, 2), *q = NULL;
	int fd = memfd_create("unsealed", MFD_ALLOW_SEALING);
	struct error e = {0};
	struct stat st;

	assert_int_equal(frame_pool_open(frame_pool_fd(p), FRAMES, 3, &q, &e), -EINVAL);
	assert_non_null(strstr(e.text, "3 workers"));
	assert_int_equal(frame_pool_open(frame_pool_fd(p), FRAMES / 2, 2, &q, NULL), -EINVAL);
	assert_int_equal(frame_pool_open(-1, FRAMES, 2, &q, NULL), -EINVAL);
	assert_int_equal(fstat(frame_pool_fd(p), &st), 0);
	assert_int_equal(ftruncate(fd, st.st_size), 0);
	assert_int_equal(frame_pool_open(fd, FRAMES, 2, &q, NULL), -EINVAL);
	assert_int_equal(ftruncate(frame_pool_fd(p), 4096), -1);
	close(fd);
	frame_pool_free(p);
}

/* Who closes ports takes no number of the workers for granted. */
static void test_lies_of_workers(void **state)
{
	struct frame_pool *p = pool(64, 2);
	uint32_t chunks[128], n;

	p->spare->count = UINT32_MAX;
	p->spare->chunks[63] = UINT32_MAX;
	n = pool_spare_take(p, chunks, 128);
	assert_int_equal(n, 63);
	for (uint32_t i = 0; i < n; i++)
		assert_true(chunks[i] < 64);
	for (uint32_t i = 0; i < 64; i++) {
		p->chunks[i].sender = 255;
		pool_place(p, i, POOL_SENT(PORT));
	}
	p->spare->count = UINT32_MAX;
	pool_reclaim(p, PORT);
	assert_int_equal(p->spare->count, 64);
	/* One that died with the lock costs a second, not the daemon. */
	assert_false(atomic_flag_test_and_set(&p->spare->busy));
	assert_int_equal(pool_spare_take(p, chunks, 128), 0);
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
		cmocka_unit_test(test_another_process),
		cmocka_unit_test(test_open_refuses),
		cmocka_unit_test(test_lies_of_workers),
	};

	return cmocka_run_group_tests_name("port_pool", tests, NULL, NULL);
}

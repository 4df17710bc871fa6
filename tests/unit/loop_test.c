// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "loop/loop.h"

struct bench {
	sd_event *loop;
	pthread_mutex_t lock;
	sd_event_source *timer;
	unsigned int calls, ended_after, unlocked;
	uint64_t first_ns, last_ns;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct error e = {0};

	pthread_mutex_init(&b->lock, NULL);
	assert_int_equal(loop_open(&b->loop, &e), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	sd_event_unref(b->loop);
	free(b);
	return 0;
}

static void count(void *arg)
{
	struct bench *b = arg;

	b->last_ns = time_now_ns();
	if (b->calls++ == 0)
		b->first_ns = b->last_ns;
	/* Held: the metrics listener's thread cannot look at what a handler is changing. */
	if (pthread_mutex_trylock(&b->lock) == 0) {
		b->unlocked++;
		pthread_mutex_unlock(&b->lock);
	}
	if (b->calls == b->ended_after)
		sd_event_exit(b->loop, 0);
}

static void handlers_run_with_the_lock_held(void **state)
{
	struct bench *b = *state;

	b->ended_after = 5;
	assert_int_equal(loop_every(b->loop, 10, count, b, NULL), 0);
	assert_int_equal(loop_run(b->loop, &b->lock), 0);
	assert_int_equal(b->calls, 5);
	assert_int_equal(b->unlocked, 0);
	assert_true(b->last_ns - b->first_ns >= 30000000);
	assert_int_equal(pthread_mutex_trylock(&b->lock), 0);
	pthread_mutex_unlock(&b->lock);
}

static int read_nothing(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	struct bench *b = arg;

	if (++b->calls == 100)
		sd_event_exit(b->loop, 0);
	return 0;
}

/* Of a signal and of descriptors that are always readable, the signal is dispatched first. */
static void a_signal_ends_a_busy_loop_at_once(void **state)
{
	struct bench *b = *state;
	int ends[8][2];

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		assert_int_equal(pipe(ends[i]), 0);
		assert_int_equal(write(ends[i][1], "x", 1), 1);
		assert_true(sd_event_add_io(b->loop, NULL, ends[i][0], EPOLLIN, read_nothing, b) >=
			    0);
	}
	assert_int_equal(loop_end_on_signals(b->loop), 0);
	raise(SIGTERM);
	assert_int_equal(loop_run(b->loop, &b->lock), 0);
	assert_int_equal(b->calls, 0);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
}

static void forget(void *arg)
{
	struct bench *b = arg;

	b->calls++;
	loop_forget(b->timer);
	b->timer = NULL;
}

static void a_timer_may_forget_itself(void **state)
{
	struct bench *b = *state;
	struct bench other = {.loop = b->loop, .lock = PTHREAD_MUTEX_INITIALIZER, .ended_after = 8};

	assert_int_equal(loop_every(b->loop, 5, forget, b, &b->timer), 0);
	assert_int_equal(loop_every(b->loop, 5, count, &other, NULL), 0);
	assert_int_equal(loop_run(b->loop, &other.lock), 0);
	assert_int_equal(b->calls, 1);
	assert_int_equal(other.calls, 8);
}

static void sleep_long(void *arg)
{
	struct bench *b = arg;

	b->calls++;
	usleep(60000);
	if (b->calls == 2)
		sd_event_exit(b->loop, 0);
}

/* What a slow handler made late comes once, not as often as it was missed. */
static void missed_calls_are_made_up_for_by_one(void **state)
{
	struct bench *b = *state;
	struct bench other = {
		.loop = b->loop, .lock = PTHREAD_MUTEX_INITIALIZER, .ended_after = 99};

	assert_int_equal(loop_every(b->loop, 30, sleep_long, b, NULL), 0);
	assert_int_equal(loop_every(b->loop, 5, count, &other, NULL), 0);
	assert_int_equal(loop_run(b->loop, &other.lock), 0);
	assert_true(other.calls <= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(handlers_run_with_the_lock_held, setup, teardown),
		cmocka_unit_test_setup_teardown(a_signal_ends_a_busy_loop_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_timer_may_forget_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(missed_calls_are_made_up_for_by_one, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <string.h>
#include <time.h>

#include "loop/loop.h"

/* How much later than asked a timer may fire, so that the kernel can wake for several at once. */
#define LOOP_ACCURACY_US 1000

struct every {
	uint64_t interval_us;
	void (*fn)(void *arg);
	void *arg;
};

int loop_open(sd_event **out, struct error *e)
{
	sd_event *loop = NULL;
	sigset_t set;
	int err;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	err = sd_event_new(&loop);
	if (err < 0)
		return error_set(e, err, "cannot make an event loop: %s", strerror(-err));
	*out = loop;
	return 0;
}

static int add_end_signal(sd_event *loop, int signal)
{
	sd_event_source *s = NULL;
	/* Without a handler sd-event leaves the loop. */
	int err = sd_event_add_signal(loop, &s, signal, NULL, NULL);

	if (err >= 0)
		err = sd_event_source_set_priority(s, SD_EVENT_PRIORITY_IMPORTANT);
	if (err >= 0)
		err = sd_event_source_set_floating(s, 1);
	sd_event_source_unref(s);
	return err < 0 ? err : 0;
}

int loop_end_on_signals(sd_event *loop)
{
	int err = add_end_signal(loop, SIGTERM);

	return err < 0 ? err : add_end_signal(loop, SIGINT);
}

static int on_time(sd_event_source *s, uint64_t due_us, void *arg)
{
	const struct every *t = arg;
	uint64_t now_us = 0, next_us = due_us + t->interval_us;

	sd_event_now(sd_event_source_get_event(s), CLOCK_MONOTONIC, &now_us);
	if (next_us < now_us)
		next_us = now_us + t->interval_us;
	sd_event_source_set_time(s, next_us);
	sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
	/* Last: it may take the source out of the loop, and t with it. */
	t->fn(t->arg);
	return 0;
}

int loop_every(sd_event *loop, unsigned int interval_ms, void (*fn)(void *arg), void *arg,
	       sd_event_source **out)
{
	struct every *t = calloc(1, sizeof(*t));
	sd_event_source *s = NULL;
	int err;

	if (!t)
		return -ENOMEM;
	*t = (struct every){.interval_us = interval_ms * 1000ULL, .fn = fn, .arg = arg};
	err = sd_event_add_time_relative(loop, &s, CLOCK_MONOTONIC, t->interval_us,
					 LOOP_ACCURACY_US, on_time, t);
	if (err < 0) {
		free(t);
		return err;
	}
	sd_event_source_set_destroy_callback(s, free);
	if (out) {
		*out = s;
		return 0;
	}
	sd_event_source_set_floating(s, 1);
	sd_event_source_unref(s);
	return 0;
}

void loop_forget(sd_event_source *s)
{
	sd_event_source_disable_unref(s);
}

int loop_run(sd_event *loop, pthread_mutex_t *lock)
{
	while (sd_event_get_state(loop) != SD_EVENT_FINISHED) {
		int ready = sd_event_prepare(loop);

		if (ready == 0)
			ready = sd_event_wait(loop, UINT64_MAX);
		if (ready > 0) {
			pthread_mutex_lock(lock);
			ready = sd_event_dispatch(loop);
			pthread_mutex_unlock(lock);
		}
		if (ready < 0)
			return ready;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's event loop, an sd_event. Services add descriptors, timers, signals and child
 * processes by sd_event_add_io(3), sd_event_add_time(3), sd_event_add_child(3) ...
 */
#ifndef WEIR_LOOP_H
#define WEIR_LOOP_H

#include <pthread.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "util/util.h"

/*
 * Blocks SIGTERM, SIGINT and SIGHUP in the calling thread, so that threads started later inherit
 * it and the loop alone takes them, and ignores SIGPIPE. Undo with sd_event_unref().
 */
int loop_open(sd_event **out, struct error *e);
/* SIGTERM and SIGINT end loop_run(); they are dispatched before any other pending source. */
int loop_end_on_signals(sd_event *loop);
/*
 * Calls fn every interval_ms, first after one interval. Several missed calls become one. out NULL:
 * the timer lasts as long as the loop; otherwise *out is a source for loop_forget().
 */
int loop_every(sd_event *loop, unsigned int interval_ms, void (*fn)(void *arg), void *arg,
	       sd_event_source **out);
/* Removes a source; NULL is allowed. May be called from any handler, the source's own included. */
void loop_forget(sd_event_source *s);
/*
 * Runs until sd_event_exit() or a signal of loop_end_on_signals(). Handlers run with lock held; it
 * is released while the loop waits. 0 or a negative errno.
 */
int loop_run(sd_event *loop, pthread_mutex_t *lock);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/* Service: ends flows of which nothing comes any more. */
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon_private.h"

#define SECOND_NS     1000000000ULL
#define DECISECOND_NS 100000000ULL
/* The decided table is gone through in so many ticks (two seconds), and the undecided flows every
 * second. */
#define PASS_TICKS    20
#define WAITING_TICKS 10
/* Going through the undecided flows takes at most this share of the daemon's time. */
#define WAITING_SHARE 50
/* Ends that a tick tells at most: of more the rest stay in the tables for the next one. */
#define BUDGET	 1000
#define RING_MAX (512 << 10) /* half of the gate's ring is for what cannot wait */

struct sweep {
	struct weir *weir;
	sd_event_source *timer;
	uint32_t next_set;
	unsigned int ticks;
	uint64_t waiting_ns; /* when the undecided flows are gone through next */
	/* Undecided flows that their map has lost, and what of that is another gate's account. */
	int64_t lost, lost_before;
	bool known; /* lost_before is */
	bool off;
};

static void ask_fill(const struct weir *w, struct weir_sweep *ask)
{
	*ask = (struct weir_sweep){.budget = BUDGET, .ring_max = RING_MAX};
	for (unsigned int i = 0; i < WEIR_IDLE_COUNT; i++)
		ask->idle_ds[i] = (uint32_t)(policy_idle_ns(w->policy, i) / DECISECOND_NS);
}

/* A part of the decided table. */
static int sweep_decided(struct sweep *s, struct weir_sweep *ask)
{
	const uint32_t all = gate_sets(s->weir->gate);
	uint32_t left = all / PASS_TICKS + 1;

	while (left > 0) {
		int r;

		ask->first = s->next_set;
		ask->sets = left < WEIR_SWEEP_SETS ? left : WEIR_SWEEP_SETS;
		r = gate_sweep(s->weir->gate, ask);
		if (r < 0)
			return r;
		ask->budget -= ask->told < ask->budget ? ask->told : ask->budget;
		/* The set at which it was cut off comes again. */
		if (ask->cut && ask->gone_through)
			ask->gone_through--;
		s->next_set = (s->next_set + ask->gone_through) & (all - 1);
		left -= ask->gone_through < left ? ask->gone_through : left;
		if (ask->cut)
			break;
	}
	return 0;
}

/*
 * What became undecided and neither was decided, nor ended and was told, nor is still there has
 * been lost by the map, which nobody is told of. Counted from below: what comes and goes meanwhile
 * makes it less.
 */
static void count_lost(struct sweep *s, uint64_t made, uint32_t waiting)
{
	uint64_t cache[GATE_CACHE_COUNT];
	int64_t lost;

	if (gate_read_cache(s->weir->gate, cache) < 0)
		return;
	lost = (int64_t)(made - cache[GATE_CACHE_SETTLED] - waiting);
	/* Flows that were taken over from a gate without this account were never counted as made.
	 */
	if (!s->known && lost < 0)
		s->lost_before = lost;
	s->known = true;
	if (lost - s->lost_before > s->lost)
		s->lost = lost - s->lost_before;
}

static int sweep_waiting(struct sweep *s, struct weir_sweep *ask)
{
	uint64_t cache[GATE_CACHE_COUNT];
	int r = gate_read_cache(s->weir->gate, cache);

	if (!r)
		r = gate_sweep_waiting(s->weir->gate, ask);
	if (r < 0)
		return r;
	s->weir->flows_undecided = ask->waiting;
	count_lost(s, cache[GATE_CACHE_WAITING], ask->waiting);
	return 0;
}

static void tick(void *arg)
{
	struct sweep *s = arg;
	struct weir_sweep ask;
	uint64_t now = time_now_ns();
	int r = 0;

	if (s->off)
		return;
	ask_fill(s->weir, &ask);
	if (s->ticks++ % WAITING_TICKS == 0 && now >= s->waiting_ns) {
		r = sweep_waiting(s, &ask);
		s->waiting_ns = now + (time_now_ns() - now) * WAITING_SHARE;
		ask.budget -= ask.told < ask.budget ? ask.told : ask.budget;
	}
	if (!r)
		r = sweep_decided(s, &ask);
	if (r < 0) {
		log_warning("flows are not swept: %s", strerror(-r));
		s->off = true;
		s->weir->sweeps = false;
	}
}

static int sweep_open(struct host *h, const struct policy *p _unused_, void **self, struct error *e)
{
	struct sweep *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return error_set(e, -ENOMEM, "no memory");
	s->weir = h->daemon;
	s->weir->sweeps = true;
	err = loop_every(h->loop, DAEMON_TICK_MS, tick, s, &s->timer);
	if (err < 0) {
		free(s);
		return err;
	}
	*self = s;
	return 0;
}

static void sweep_close(void *self)
{
	struct sweep *s = self;

	loop_forget(s->timer);
	free(s);
}

/* ---- metrics ---- */

struct numbers {
	uint64_t ended, ring, rate, lost;
};

static void *sweep_numbers(void *self)
{
	const struct sweep *s = self;
	struct numbers *n = calloc(1, sizeof(*n));
	uint64_t cache[GATE_CACHE_COUNT];

	if (!n)
		return NULL;
	if (!gate_read_cache(s->weir->gate, cache)) {
		n->ended = cache[GATE_CACHE_ENDED];
		n->ring = cache[GATE_CACHE_UNTOLD_RING];
		n->rate = cache[GATE_CACHE_UNTOLD_RATE];
	}
	n->lost = (uint64_t)s->lost;
	return n;
}

static void write_ended(FILE *out, const char *name, const void *numbers)
{
	const struct numbers *n = numbers;

	metric_sample(out, name, n->ended);
}

static void write_untold(FILE *out, const char *name, const void *numbers)
{
	const struct numbers *n = numbers;

	metric_sample(out, name, n->ring, "reason", "ring");
	metric_sample(out, name, n->rate, "reason", "rate");
	metric_sample(out, name, n->lost, "reason", "undecided");
}

static const struct metric metrics[] = {
	{{"weir_flows_ended_total", "counter", "", "Flows whose end was told by the gate"},
	 .write_own = write_ended},
	{{"weir_flows_untold_total", "counter", "reason",
	  "Flows that ended without being told: the gate's ring was full (ring), more than 5000 in "
	  "a "
	  "second made room for others or began anew (rate), the table of undecided flows was full "
	  "(undecided)"},
	 .write_own = write_untold},
	{.info.name = NULL},
};

SERVICE(sweep) = {
	.name = "sweep",
	.stage = SERVICE_RUNNING,
	.open = sweep_open,
	.close = sweep_close,
	.metrics = metrics,
	.numbers = sweep_numbers,
};

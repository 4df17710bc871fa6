// SPDX-License-Identifier: GPL-2.0-only
/* How the daemon sweeps: all of the table in two seconds, bounded in each tick, and what the map of
 * undecided flows has lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "daemon/weir.h"
#include "policy/section.h"

#define SETS 32768

/* ---- what stands in for the kernel's side, and the loop ---- */

static struct {
	uint32_t visits[SETS];
	unsigned int runs, waiting_runs;
	uint32_t ends; /* of the decided table that are due, all in one set */
	uint32_t waiting;
	uint64_t cache[GATE_CACHE_COUNT];
	struct weir_sweep last;
	int fail;
} fake;
static void (*tick)(void *arg);
static void *tick_arg;

uint32_t gate_sets(const struct gate *g)
{
	return SETS;
}

int gate_sweep(struct gate *g, struct weir_sweep *s)
{
	fake.runs++;
	fake.last = *s;
	assert_in_range(s->sets, 1, WEIR_SWEEP_SETS);
	s->told = s->cut = 0;
	for (s->gone_through = 0; s->gone_through < s->sets && !s->cut; s->gone_through++) {
		uint32_t set = (s->first + s->gone_through) & (SETS - 1);

		fake.visits[set]++;
		if (set != 5000)
			continue;
		s->told = fake.ends < s->budget ? fake.ends : s->budget;
		fake.ends -= s->told;
		s->cut = fake.ends > 0;
	}
	return fake.fail;
}

int gate_sweep_waiting(struct gate *g, struct weir_sweep *s)
{
	fake.waiting_runs++;
	s->told = 0;
	s->waiting = fake.waiting;
	return fake.fail;
}

int gate_read_cache(struct gate *g, uint64_t out[GATE_CACHE_COUNT])
{
	memcpy(out, fake.cache, sizeof(fake.cache));
	return 0;
}

int loop_every(sd_event *loop, unsigned int interval_ms, void (*fn)(void *arg), void *arg,
	       sd_event_source **out)
{
	assert_int_equal(interval_ms, 100);
	tick = fn;
	tick_arg = arg;
	return 0;
}

void loop_forget(sd_event_source *s)
{
}

/* ---- tests ---- */

extern const struct service service_sweep;
extern const struct policy_section policy_section_timeouts;

struct fixture {
	struct weir w;
	struct policy policy;
	struct host host;
	void *self;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memset(&fake, 0, sizeof(fake));
	f->w.policy = &f->policy;
	f->host.daemon = &f->w;
	assert_int_equal(service_sweep.open(&f->host, &f->policy, &f->self, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	service_sweep.close(f->self);
	free(f);
	return 0;
}

static void ticks(unsigned int n)
{
	while (n--)
		tick(tick_arg);
}

static void all_sets_in_two_seconds(void **state)
{
	ticks(20);
	for (uint32_t i = 0; i < SETS; i++)
		assert_in_range(fake.visits[i], 1, 2);
	/* Undecided flows once a second, or more seldom where that takes long. */
	assert_in_range(fake.waiting_runs, 1, 2);
}

/* More than a tick may tell is told by the following ones, and no set is left out for it. */
static void what_is_cut_off_goes_on(void **state)
{
	fake.ends = 3500;
	ticks(3);
	assert_int_equal(fake.ends, 3500);
	ticks(1);
	assert_int_equal(fake.ends, 2500);
	ticks(3);
	assert_int_equal(fake.ends, 0);
	ticks(17);
	for (uint32_t i = 0; i < SETS; i++)
		assert_true(fake.visits[i] >= 1);
}

static void timeouts_are_the_policys(void **state)
{
	struct fixture *f = *state;
	uint64_t ns[WEIR_IDLE_COUNT];
	struct policy_data section = {.row = &policy_section_timeouts, .data = ns};

	for (unsigned int i = 0; i < WEIR_IDLE_COUNT; i++)
		ns[i] = (i + 1) * 1500000000ULL;
	f->policy.sections = &section;
	f->policy.section_count = 1;
	ticks(1);
	for (unsigned int i = 0; i < WEIR_IDLE_COUNT; i++)
		assert_int_equal(fake.last.idle_ds[i], (i + 1) * 15);
}

static uint64_t untold(struct fixture *f, const char *reason)
{
	void *numbers = service_sweep.numbers(f->self);
	char *text = NULL, wanted[64];
	const char *at;
	uint64_t value;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	metrics_write(out, service_sweep.metrics, NULL, numbers);
	fclose(out);
	snprintf(wanted, sizeof(wanted), "weir_flows_untold_total{reason=\"%s\"} ", reason);
	at = strstr(text, wanted);
	assert_non_null(at);
	value = strtoull(at + strlen(wanted), NULL, 10);
	free(text);
	free(numbers);
	return value;
}

/* What became undecided and is neither there nor known to be gone. */
static void what_the_map_lost_is_counted(void **state)
{
	struct fixture *f = *state;

	fake.cache[GATE_CACHE_UNTOLD_RING] = 4;
	fake.cache[GATE_CACHE_UNTOLD_RATE] = 5;
	fake.cache[GATE_CACHE_WAITING] = 1000;
	fake.cache[GATE_CACHE_SETTLED] = 900;
	fake.waiting = 100;
	ticks(1);
	assert_int_equal(f->w.flows_undecided, 100);
	assert_int_equal(untold(f, "undecided"), 0);
	fake.waiting = 70;
	ticks(10);
	assert_int_equal(untold(f, "undecided"), 30);
	/* One that comes while they are counted does not take it back. */
	fake.waiting = 71;
	ticks(10);
	assert_int_equal(untold(f, "undecided"), 30);
	assert_int_equal(untold(f, "ring"), 4);
	assert_int_equal(untold(f, "rate"), 5);
}

/* Flows taken over from a gate that did not count them are not owed. */
static void an_adopted_gates_flows_are_no_debt(void **state)
{
	struct fixture *f = *state;

	fake.waiting = 50;
	ticks(1);
	assert_int_equal(untold(f, "undecided"), 0);
	fake.cache[GATE_CACHE_WAITING] = 10;
	fake.waiting = 40;
	ticks(10);
	assert_int_equal(untold(f, "undecided"), 20);
}

/* A kernel without such programs is asked once. */
static void without_the_programs_nothing_is_swept(void **state)
{
	struct fixture *f = *state;

	fake.fail = -ENOTSUP;
	ticks(5);
	assert_int_equal(fake.waiting_runs + fake.runs, 1);
	assert_false(f->w.sweeps);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_sets_in_two_seconds),
		TEST(what_is_cut_off_goes_on),
		TEST(timeouts_are_the_policys),
		TEST(what_the_map_lost_is_counted),
		TEST(an_adopted_gates_flows_are_no_debt),
		TEST(without_the_programs_nothing_is_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

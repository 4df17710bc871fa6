// SPDX-License-Identifier: GPL-2.0-only
/* A policy load on its way to workers, of which some hang. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "worker/worker_private.h"

/* ---- what stands in for policies and inspectors ---- */

static unsigned int policies_freed;

void policy_free(struct policy *p)
{
	policies_freed++;
	free(p);
}

void signatures_free(struct signatures *s)
{
}

struct inspector {
	const struct signatures *signatures;
	unsigned int packets;
	int fail;
};

int inspector_set_signatures(struct inspector *i, struct signatures *s)
{
	if (i->fail)
		return i->fail;
	i->signatures = s;
	return 0;
}

void inspector_set_records(struct inspector *i, uint32_t records)
{
}

void inspector_set_packets(struct inspector *i, unsigned int packets)
{
	i->packets = packets;
}

void inspector_set_modules(struct inspector *i, uint32_t modules_off)
{
}

void inspector_set_tunnels(struct inspector *i, enum inspect_tunnels tunnels)
{
}

void inspector_set_follow_all(struct inspector *i, bool follow_all)
{
}

void inspector_set_read_on(struct inspector *i, bool read_on)
{
}

struct flow *inspector_find(const struct inspector *i, uint64_t flow_id)
{
	return NULL;
}

void worker_park_drop(struct worker *w, bool (*fn)(uint64_t flow_id, void *arg), void *arg,
		      enum weir_reason reason)
{
	fail();
}

/* ---- two workers and their daemon ---- */

#define WORKERS 2

struct fixture {
	struct worker_settings *settings;
	struct worker_shared shared;
	struct worker workers[WORKERS];
	struct worker *all[WORKERS];
	struct inspector inspectors[WORKERS];
};

static struct worker_settings *settings_of(unsigned int packets)
{
	struct policy *p = calloc(1, sizeof(*p));
	struct worker_settings *s = NULL;

	p->inspect_packets = packets;
	/* Another set with each policy; what it points to is nobody's to read here. */
	assert_int_equal(worker_settings_new(p, (struct signatures *)p, &s), 0);
	return s;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	policies_freed = 0;
	f->settings = f->shared.settings = settings_of(1);
	for (uint32_t i = 0; i < WORKERS; i++) {
		struct worker *w = f->all[i] = &f->workers[i];

		w->index = i;
		w->inspector = &f->inspectors[i];
		assert_int_equal(post_open(&w->post, -1), 0);
		worker_settings_begin(w, &f->shared);
		worker_settings_apply(w);
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	unsigned int left = worker_settings_count(f->settings);

	for (uint32_t i = 0; i < WORKERS; i++)
		post_close(&f->workers[i].post);
	policies_freed = 0;
	worker_settings_free(f->settings);
	assert_int_equal(policies_freed, left);
	free(f);
	return 0;
}

static void load(struct fixture *f, unsigned int packets)
{
	struct worker_settings *next = settings_of(packets);

	worker_settings_give(next, f->settings, f->all, WORKERS);
	f->settings = next;
}

static void no_event(const struct weir_event *e, const struct packet_header *packet, void *arg)
{
	fail();
}

static void no_note(const struct worker_note *n, void *arg)
{
	fail();
}

/* What the daemon does every now and then. */
static void tick(struct fixture *f)
{
	static const struct worker_reader reader = {.event = no_event, .note = no_note};

	for (uint32_t i = 0; i < WORKERS; i++)
		worker_read_news(f->all[i], &reader, NULL);
	worker_settings_sweep(f->settings, f->all, WORKERS);
}

static void assert_uses(const struct worker *w, unsigned int packets)
{
	assert_int_equal(w->shared->policy->inspect_packets, packets);
	assert_int_equal(w->inspector->packets, packets);
	assert_ptr_equal(w->inspector->signatures, w->shared->signatures);
}

static void workers_take_it_between_two_batches(void **state)
{
	struct fixture *f = *state;

	load(f, 7);
	assert_int_equal(f->workers[0].shared->policy->inspect_packets, 1);
	for (uint32_t i = 0; i < WORKERS; i++)
		worker_read_orders(f->all[i]);
	assert_uses(f->all[0], 7);
	assert_uses(f->all[1], 7);
	assert_int_equal(policies_freed, 0);
	tick(f);
	assert_int_equal(policies_freed, 1);
	assert_int_equal(worker_settings_count(f->settings), 1);
}

static void the_old_one_lives_until_the_last_lets_go(void **state)
{
	struct fixture *f = *state;

	load(f, 7);
	worker_read_orders(f->all[0]);
	tick(f);
	tick(f);
	assert_int_equal(policies_freed, 0);
	assert_int_equal(f->workers[1].shared->policy->inspect_packets, 1);
	worker_read_orders(f->all[1]);
	assert_int_equal(policies_freed, 0);
	tick(f);
	assert_int_equal(policies_freed, 1);
}

/* It holds up the one that it uses; of the others none is kept for it but the newest. */
static void a_worker_that_hangs_holds_up_nobody_else(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 2; i <= 10000; i++) {
		load(f, i);
		worker_read_orders(f->all[0]);
		assert_uses(f->all[0], i);
		tick(f);
		assert_int_equal(worker_settings_count(f->settings), 2);
	}
	assert_int_equal(policies_freed, 9998);
	assert_int_equal(f->workers[1].shared->policy->inspect_packets, 1);
	worker_read_orders(f->all[1]);
	assert_uses(f->all[1], 10000);
	tick(f);
	assert_int_equal(worker_settings_count(f->settings), 1);
}

/* What it has taken but not said so is kept too. */
static void what_is_not_said_is_not_freed(void **state)
{
	struct fixture *f = *state;

	load(f, 2);
	worker_read_orders(f->all[0]);
	worker_read_orders(f->all[1]);
	load(f, 3);
	worker_settings_sweep(f->settings, f->all, WORKERS);
	assert_int_equal(policies_freed, 0);
	tick(f);
	assert_int_equal(policies_freed, 1); /* the first; the second is in use */
	assert_uses(f->all[0], 2);
}

static void short_of_memory_it_goes_on_with_the_old_one(void **state)
{
	struct fixture *f = *state;

	f->inspectors[1].fail = -ENOMEM;
	load(f, 7);
	worker_read_orders(f->all[0]);
	worker_read_orders(f->all[1]);
	tick(f);
	assert_int_equal(policies_freed, 0);
	assert_int_equal(f->workers[1].shared->policy->inspect_packets, 1);
	/* A later one takes its place. */
	load(f, 8);
	worker_read_orders(f->all[0]);
	worker_read_orders(f->all[1]);
	tick(f);
	f->inspectors[1].fail = 0;
	worker_read_orders(f->all[1]);
	assert_uses(f->all[1], 8);
	tick(f);
	assert_int_equal(policies_freed, 2);
	assert_int_equal(worker_settings_count(f->settings), 1);
}

/* An order that found no room is given again. */
static void a_full_ring_of_orders_delays_it(void **state)
{
	struct fixture *f = *state;
	static uint8_t big[MAIL_PAYLOAD_MAX];

	while (mail_put(f->workers[1].post.orders, MAIL_TYPES_MAX - 1, big, 1000) == 0)
		;
	while (mail_put(f->workers[1].post.orders, MAIL_TYPES_MAX - 1, big, 0) == 0)
		;
	load(f, 7);
	worker_read_orders(f->all[0]);
	worker_read_orders(f->all[1]);
	assert_uses(f->all[0], 7);
	assert_int_equal(f->workers[1].shared->policy->inspect_packets, 1);
	tick(f);
	worker_read_orders(f->all[1]);
	assert_uses(f->all[1], 7);
	tick(f);
	assert_int_equal(policies_freed, 1);
}

/* So is its word that it has let go. */
static void a_full_ring_of_news_delays_the_end(void **state)
{
	struct fixture *f = *state;
	struct worker *w = f->all[1];
	const struct weir_event e = {.kind = WEIR_EVENT_DROPPED, .in_port = WEIR_PORTS_MAX};

	while (mail_put(w->post.out, WORKER_NEWS_DROP, &e, sizeof(e)) == 0)
		;
	while (mail_put(w->post.out, WORKER_NEWS_DROP, &e, 0) == 0)
		;
	load(f, 7);
	worker_read_orders(f->all[0]);
	worker_read_orders(w);
	assert_uses(w, 7);
	tick(f);
	assert_int_equal(policies_freed, 0);
	worker_read_orders(w);
	tick(f);
	assert_int_equal(policies_freed, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(workers_take_it_between_two_batches),
		TEST(the_old_one_lives_until_the_last_lets_go),
		TEST(a_worker_that_hangs_holds_up_nobody_else),
		TEST(what_is_not_said_is_not_freed),
		TEST(short_of_memory_it_goes_on_with_the_old_one),
		TEST(a_full_ring_of_orders_delays_it),
		TEST(a_full_ring_of_news_delays_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

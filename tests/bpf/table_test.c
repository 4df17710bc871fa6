// SPDX-License-Identifier: GPL-2.0-only
/* The table of decided flows: who goes when a set is full, and two CPUs that write to it at once.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "bpf/rig.h"
#include "crowd.skel.h"

#define CACHE_EVICTED 4
#define CACHE_REFUSED 5

/* One set, and eight flows of it that were decided at their SYN, seen at clock 100. */
static void fill(struct rig *r)
{
	r->ctl->sets_mask = 0;
	r->table.sets = 1;
	rig_reconnect(r, RIG_WEB, rig_soon(), 0);
	for (uint16_t i = 1; i <= WEIR_WAYS; i++)
		SEND(r, REDIRECTED, .tcp_flags = SHAPE_SYN, .sport = i);
	assert_int_equal(rig_events(r, WEIR_EVENT_DECIDED, NULL), WEIR_WAYS);
}

static bool is_there(const struct rig *r, uint16_t sport)
{
	struct weir_flow flow;

	return rig_flow(r, true, &(struct shape){.sport = sport}, &flow);
}

/* A flow more, and which one goes for it; its end is told. */
static void expect_eviction(struct rig *r, uint16_t sport, uint16_t victim, enum weir_end end)
{
	uint64_t before = rig_sum(r, "weir_cache", CACHE_EVICTED);
	struct weir_flow_key key;
	struct weir_event event;
	struct weir_flow flow;

	assert_true(rig_flow(r, true, &(struct shape){.sport = victim}, &flow));
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_SYN, .sport = sport);
	assert_true(is_there(r, sport));
	assert_false(is_there(r, victim));
	assert_int_equal(rig_sum(r, "weir_cache", CACHE_EVICTED), before + 1);
	assert_int_equal(rig_events(r, WEIR_EVENT_ENDED, &event), 1);
	assert_int_equal(event.reason, end);
	shape_key(&(struct shape){.sport = victim}, &key, NULL);
	assert_memory_equal(&event.key, &key, sizeof(key));
	assert_memory_equal(&event.flow, &flow, sizeof(flow));
	assert_int_equal(event.in_port, RIG_A);
}

static void closed_flows_go_first_and_then_the_oldest(void **state)
{
	struct rig *r = *state;

	fill(r);
	for (uint16_t i = 1; i <= WEIR_WAYS; i++) {
		r->ctl->clock_ds = 110 + (i * 5) % WEIR_WAYS;
		SEND(r, REDIRECTED, DATA, .sport = i);
	}
	/* The youngest was closed by both sides, another by a reset. */
	r->ctl->clock_ds = 120;
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_FIN | SHAPE_ACK, .sport = 3);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_FIN | SHAPE_ACK, .sport = 3, BACK);
	r->ctl->clock_ds = 119;
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_RST, .sport = 5);
	r->ctl->clock_ds = 150;
	expect_eviction(r, 11, 5, WEIR_END_RST);
	expect_eviction(r, 12, 3, WEIR_END_FIN);
	/* Seen at 110 + 0, 2, 3, 4, 5, 6. */
	expect_eviction(r, 13, 8, WEIR_END_EVICTED);
	expect_eviction(r, 14, 2, WEIR_END_EVICTED);
	expect_eviction(r, 15, 7, WEIR_END_EVICTED);
	expect_eviction(r, 16, 4, WEIR_END_EVICTED);
	expect_eviction(r, 17, 1, WEIR_END_EVICTED);
	expect_eviction(r, 18, 6, WEIR_END_EVICTED);
	assert_int_equal(gate_table_count(&r->table), WEIR_WAYS);
}

static void a_flow_that_was_seen_just_now_stays(void **state)
{
	struct rig *r = *state;

	fill(r);
	/* A closed flow too. */
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_RST, .sport = 1);
	r->ctl->clock_ds = 119;
	SEND(r, STACK_TABLE, .tcp_flags = SHAPE_SYN, .sport = 11);
	assert_false(is_there(r, 11));
	assert_int_equal(rig_sum(r, "weir_cache", CACHE_REFUSED), 1);
	assert_int_equal(rig_sum(r, "weir_cache", CACHE_EVICTED), 0);
	for (uint16_t i = 1; i <= WEIR_WAYS; i++)
		assert_true(is_there(r, i));
	r->ctl->clock_ds = 120;
	SEND(r, REDIRECTED, DATA, .sport = 4);
	expect_eviction(r, 12, 1, true);
	for (uint16_t i = 13; i < 13 + WEIR_WAYS - 2; i++)
		SEND(r, REDIRECTED, .tcp_flags = SHAPE_SYN, .sport = i);
	assert_true(is_there(r, 4));
	SEND(r, STACK_TABLE, .tcp_flags = SHAPE_SYN, .sport = 30);
	assert_true(is_there(r, 4));
	assert_int_equal(rig_sum(r, "weir_cache", CACHE_REFUSED), 2);
}

/* What the policy drops is dropped without a place too; what it passes waits behind its own. */
static void a_refused_flow_keeps_its_verdict(void **state)
{
	const struct shape drop = {DATA, .sport = 30, .dport = 81};
	const struct shape pass = {DATA, .sport = 31, .dport = 81};
	struct rig *r = *state;
	struct weir_flow flow;

	fill(r);
	rig_identify(r, &drop, RIG_P2P);
	assert_int_equal(rig_send(r, &drop, NULL), WEIR_REASON_DROP_VERDICT);
	assert_int_equal(rig_send(r, &pass, NULL), WEIR_REASON_PUNTED);
	assert_true(rig_flow(r, false, &pass, &flow));
	rig_tell(r, flow.id, RIG_WEB, 0);
	assert_int_equal(rig_send(r, &pass, NULL), WEIR_REASON_PUNTED);
	rig_finish(r);
	assert_int_equal(rig_send(r, &pass, NULL), WEIR_REASON_STACK_TABLE);
	r->ctl->clock_ds += 20;
	assert_int_equal(rig_send(r, &pass, NULL), WEIR_REASON_REDIRECTED);
	assert_int_equal(rig_send(r, &drop, NULL), WEIR_REASON_DROP_VERDICT);
	assert_true(is_there(r, 1) + is_there(r, 2) < 2);
}

/* ---- two CPUs ---- */

#define CROWD_FLOWS  4096 /* four times what the table holds */
#define CROWD_FRAMES 400000

struct walker {
	pthread_t thread;
	int prog, cpu, result;
	struct built frame;
};

static void *walk(void *arg)
{
	struct walker *w = arg;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = w->frame.data, .data_size_in = w->frame.len,
		    .repeat = CROWD_FRAMES);
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(w->cpu, &cpu);
	w->result = pthread_setaffinity_np(pthread_self(), sizeof(cpu), &cpu)
			    ? -1
			    : bpf_prog_test_run_opts(w->prog, &opts);
	return NULL;
}

/* No way that somebody left BUSY, no flow twice, every tag its entry's. */
static void check_table(const struct gate_table *t)
{
	for (uint32_t i = 0; i < t->sets * WEIR_WAYS; i++) {
		const uint64_t *tags = (const uint64_t *)t->tags[i / WEIR_WAYS].tag;
		const struct weir_flow_key *key = &t->entries[i].key;
		uint64_t tag = tags[i % WEIR_WAYS], hash = weir_flow_hash(key, t->hash_key);

		assert_true(tag != WEIR_TAG_BUSY);
		if (tag == WEIR_TAG_FREE)
			continue;
		assert_true(tag == weir_flow_tag(hash));
		assert_int_equal(weir_flow_set(hash, t->sets - 1), i / WEIR_WAYS);
		for (uint32_t way = i % WEIR_WAYS + 1; way < WEIR_WAYS; way++)
			assert_true(tags[way] != tag);
	}
}

/* Frames that a port has ended, whatever the reason. */
static uint64_t frames_ended(const struct rig *r)
{
	uint64_t sum = 0;

	for (uint32_t reason = 0; reason < WEIR_REASON_COUNT; reason++)
		sum += rig_sum(r, "weir_counters", RIG_A * WEIR_REASON_STRIDE + reason);
	return sum;
}

static void crowd_start(struct rig *r, struct crowd_bpf *crowd, struct walker walkers[2])
{
	struct weir_port_of of = {.ifindex = 1, .port = RIG_A};
	uint32_t zero = 0, lo = 1;
	int gate = rig_prog(r);

	rig_put(r, "weir_port_of", &lo, &of);
	crowd->bss->flows = CROWD_FLOWS;
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(crowd->maps.gate), &zero, &gate, 0), 0);
	for (int i = 0; i < 2; i++) {
		walkers[i] = (struct walker){.prog = bpf_program__fd(crowd->progs.crowd), .cpu = i};
		shape_build(&(struct shape){.proto = IPPROTO_GRE, .payload = 8}, &walkers[i].frame);
		assert_int_equal(pthread_create(&walkers[i].thread, NULL, walk, &walkers[i]), 0);
	}
}

static void two_cpus_insert_the_same_flows(void **state)
{
	struct rig *r = *state;
	struct crowd_bpf *crowd = crowd_bpf__open_and_load();
	struct walker walkers[2];
	uint64_t decided;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		crowd_bpf__destroy(crowd);
		skip();
	}
	assert_non_null(crowd);
	crowd_start(r, crowd, walkers);
	for (int i = 0; i < 2; i++) {
		/* Time passes, so that there is always a flow that may go. */
		while (pthread_tryjoin_np(walkers[i].thread, NULL)) {
			__atomic_fetch_add(&r->ctl->clock_ds, 30, __ATOMIC_RELAXED);
			usleep(500);
		}
		assert_int_equal(walkers[i].result, 0);
	}
	check_table(&r->table);
	assert_int_equal(frames_ended(r), 2 * CROWD_FRAMES);
	decided = rig_sum(r, "weir_app_flows", 0);
	printf("%llu decided, %llu evicted, %llu refused, %llu in the table\n",
	       (unsigned long long)decided,
	       (unsigned long long)rig_sum(r, "weir_cache", CACHE_EVICTED),
	       (unsigned long long)rig_sum(r, "weir_cache", CACHE_REFUSED),
	       (unsigned long long)gate_table_count(&r->table));
	assert_true(rig_sum(r, "weir_cache", CACHE_EVICTED) > CROWD_FLOWS);
	/* What was decided is there or was evicted, and told of. */
	assert_int_equal(decided,
			 rig_sum(r, "weir_cache", CACHE_EVICTED) + gate_table_count(&r->table));
	crowd_bpf__destroy(crowd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(closed_flows_go_first_and_then_the_oldest),
		RIG_TEST(a_flow_that_was_seen_just_now_stays),
		RIG_TEST(a_refused_flow_keeps_its_verdict),
		{"two_cpus_insert_the_same_flows", two_cpus_insert_the_same_flows, rig_setup,
		 rig_teardown, &rig_hooks[RIG_XDP]},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

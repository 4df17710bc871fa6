// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>

#include "flow/flow.h"
#include "util/util.h"

static const struct flow_limits small = {
	.flows = 4, .stream_bytes = 64, .stream_bytes_all = 1024, .idle_ns = 100};

struct released {
	unsigned int count;
	uint64_t ids[64];
};

static void on_release(struct flow *f, void *arg)
{
	struct released *r = arg;

	r->ids[r->count++] = f->id;
}

static struct weir_flow_key key_of(uint16_t port)
{
	struct weir_flow_key k = {.proto = 6};

	address_from_v4(k.addr[0], htonl(0x0a000001));
	address_from_v4(k.addr[1], htonl(0x0a000002));
	k.port[0] = htons(port);
	k.port[1] = htons(80);
	return k;
}

/* Appendix A of the SipHash paper. */
static void hash_known_answer(void **state)
{
	uint8_t bytes[16], data[15];
	uint64_t key[2];

	for (uint8_t i = 0; i < 16; i++)
		bytes[i] = i;
	for (uint8_t i = 0; i < 15; i++)
		data[i] = i;
	memcpy(key, bytes, sizeof(key));
	assert_true(hash_keyed(key, data, sizeof(data)) == 0xa129ca6149be45e5);
}

static void finds_by_id_and_by_key(void **state)
{
	struct flow_table *t = flow_table_new(&small, NULL, NULL);
	struct weir_flow_key a = key_of(1), b = key_of(2);
	struct flow *online, *offline;
	bool created;

	online = flow_table_get(t, 7, &a, 1, 10, &created);
	assert_true(created);
	assert_int_equal(online->origin, 1);
	assert_int_equal(online->id, 7);
	offline = flow_table_get(t, 0, &a, 0, 11, &created);
	assert_true(created);
	assert_ptr_not_equal(online, offline);
	assert_ptr_equal(flow_table_get(t, 7, &b, 0, 12, &created), online);
	assert_false(created);
	assert_int_equal(online->origin, 1);
	assert_int_equal(online->seen_ns, 12);
	assert_int_equal(flow_table_quiet_ns(t), 2);
	assert_ptr_equal(flow_table_get(t, 0, &a, 1, 13, NULL), offline);
	assert_ptr_not_equal(flow_table_get(t, 0, &b, 1, 13, &created), offline);
	assert_true(created);
	assert_int_equal(flow_table_quiet_ns(t), 0);
	flow_table_free(t);
}

static void evicts_the_least_recent(void **state)
{
	struct released r = {0};
	struct flow_table *t = flow_table_new(&small, on_release, &r);
	struct weir_flow_key k = key_of(1);
	struct flow_table_stats stats;

	for (uint64_t id = 1; id <= 4; id++)
		flow_table_get(t, id, &k, 0, id, NULL);
	flow_table_get(t, 1, &k, 0, 5, NULL);
	flow_table_get(t, 5, &k, 0, 6, NULL);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.ids[0], 2);
	flow_table_stats(t, &stats);
	assert_int_equal(stats.flows, 4);
	assert_int_equal(stats.created, 5);
	assert_int_equal(stats.evicted, 1);
	flow_table_free(t);
	assert_int_equal(r.count, 5);
}

static void expires_within_the_budget(void **state)
{
	struct released r = {0};
	struct flow_table *t = flow_table_new(&small, on_release, &r);
	struct weir_flow_key k = key_of(1);
	struct flow_table_stats stats;

	for (uint64_t id = 1; id <= 4; id++)
		flow_table_get(t, id, &k, 0, id * 10, NULL);
	assert_int_equal(flow_table_expire(t, 5, 10), 0);
	assert_int_equal(flow_table_expire(t, 110, 10), 0);
	assert_int_equal(flow_table_expire(t, 135, 2), 2);
	assert_int_equal(flow_table_expire(t, 135, 2), 1);
	assert_int_equal(flow_table_expire(t, 135, 2), 0);
	assert_int_equal(r.ids[2], 3);
	flow_table_stats(t, &stats);
	assert_int_equal(stats.expired, 3);
	assert_int_equal(stats.evicted, 0);
	assert_int_equal(stats.flows, 1);
	flow_table_free(t);
}

static void collect(struct flow *f, void *arg)
{
	on_release(f, arg);
}

static void visits_oldest_first(void **state)
{
	struct released r = {0};
	struct flow_table *t = flow_table_new(&small, NULL, NULL);
	struct weir_flow_key k = key_of(1);

	for (uint64_t id = 1; id <= 3; id++)
		flow_table_get(t, id, &k, 0, id, NULL);
	flow_table_get(t, 2, &k, 0, 9, NULL);
	flow_table_each(t, collect, &r);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.ids[0], 1);
	assert_int_equal(r.ids[1], 3);
	assert_int_equal(r.ids[2], 2);
	flow_table_remove(t, flow_table_get(t, 3, &k, 0, 9, NULL));
	r.count = 0;
	flow_table_each(t, collect, &r);
	assert_int_equal(r.count, 2);
	flow_table_free(t);
}

/* Many more flows than the table takes, in a fixed pseudo-random order: the bound holds, and what
 * is found is what was put in. */
static void stays_bounded(void **state)
{
	struct flow_limits limits = {
		.flows = 1000, .stream_bytes = 64, .stream_bytes_all = 1024, .idle_ns = 1};
	struct flow_table *t = flow_table_new(&limits, NULL, NULL);
	struct flow_table_stats stats;
	uint32_t x = 1;

	for (unsigned int i = 0; i < 20000; i++) {
		struct weir_flow_key k;
		struct flow *f;

		x = x * 1664525 + 1013904223;
		k = key_of((uint16_t)(x >> 20));
		f = flow_table_get(t, 0, &k, 0, i, NULL);
		assert_memory_equal(&f->key, &k, sizeof(k));
		flow_table_stats(t, &stats);
		assert_true(stats.flows <= 1000);
	}
	assert_int_equal(stats.created - stats.evicted, stats.flows);
	assert_int_equal(stats.flows, 1000);
	flow_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_known_answer),
		cmocka_unit_test(finds_by_id_and_by_key),
		cmocka_unit_test(evicts_the_least_recent),
		cmocka_unit_test(expires_within_the_budget),
		cmocka_unit_test(visits_oldest_first),
		cmocka_unit_test(stays_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

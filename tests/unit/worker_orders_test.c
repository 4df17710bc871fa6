// SPDX-License-Identifier: GPL-2.0-only
/* Orders of the daemon, and which flows a block means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>

#include "worker/worker_private.h"

/* ---- what stands in for flows, parked frames and settings ---- */

static struct flow flows[3];
static char dropped[16];
static unsigned int settings_ordered;

struct flow *inspector_find(const struct inspector *i, uint64_t flow_id)
{
	return flow_id < ARRAY_SIZE(flows) ? &flows[flow_id] : NULL;
}

/* One flow more is parked than the inspector still knows. */
void worker_park_drop(struct worker *w, bool (*fn)(uint64_t flow_id, void *arg), void *arg,
		      enum weir_reason reason)
{
	size_t n = 0;

	assert_int_equal(reason, WEIR_REASON_DROP_BLOCKED);
	for (uint64_t id = 0; id <= ARRAY_SIZE(flows); id++)
		if (fn(id, arg))
			dropped[n++] = (char)('0' + id);
	dropped[n] = '\0';
}

static struct {
	uint64_t handle;
	uint8_t action;
} ended;

void inspector_release_hold(struct inspector *i, uint64_t handle, uint8_t action)
{
	ended.handle = handle;
	ended.action = action;
}

void worker_settings_ordered(struct worker *w)
{
	settings_ordered++;
}

void worker_settings_take(struct worker *w)
{
}

static struct weir_flow_key key_of(const char *from, uint16_t sport, const char *to, uint16_t dport)
{
	struct weir_flow_key k = {.port = {htons(sport), htons(dport)}};

	assert_int_equal(address_parse(from, k.addr[0]), 0);
	assert_int_equal(address_parse(to, k.addr[1]), 0);
	return k;
}

static int setup(void **state)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	assert_int_equal(post_open(&w->post, -1), 0);
	flows[0].key = key_of("10.0.0.1", 40000, "10.0.0.2", 80);
	flows[1].key = key_of("10.0.0.3", 80, "10.0.0.1", 40001);
	flows[2].key = key_of("10.0.0.3", 443, "2001:db8::1", 80);
	settings_ordered = 0;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct worker *w = *state;

	post_close(&w->post);
	free(w);
	return 0;
}

static void block(struct worker *w, const char *address, uint16_t port)
{
	struct weir_block k = {
		.port = htons(port), .to_bits = WEIR_BLOCK_ONE_SIDE, .app = WEIR_BLOCK_ANY_APP};
	unsigned int bits;

	assert_int_equal(prefix_parse(address, k.from, &bits), 0);
	k.from_bits = (uint8_t)bits;
	assert_int_equal(worker_block(w, &k), 0);
	dropped[0] = '\0';
	worker_read_orders(w);
}

static void a_host_means_all_its_flows(void **state)
{
	block(*state, "10.0.0.1", 0);
	assert_string_equal(dropped, "01");
	block(*state, "2001:db8::1", 0);
	assert_string_equal(dropped, "2");
	block(*state, "10.0.0.9", 0);
	assert_string_equal(dropped, "");
	block(*state, "10.0.0.0/31", 0);
	assert_string_equal(dropped, "01");
}

static void a_service_means_its_port_alone(void **state)
{
	block(*state, "10.0.0.3", 80);
	assert_string_equal(dropped, "1");
	block(*state, "10.0.0.3", 40001);
	assert_string_equal(dropped, "");
}

static void a_hold_is_ended(void **state)
{
	struct worker *w = *state;

	assert_int_equal(worker_release(w, UINT64_C(1) << 40, WEIR_ACTION_RESET), 0);
	assert_int_equal(ended.handle, 0);
	worker_read_orders(w);
	assert_true(ended.handle == UINT64_C(1) << 40);
	assert_int_equal(ended.action, WEIR_ACTION_RESET);
}

static void orders_are_told_apart(void **state)
{
	struct worker *w = *state;
	const struct weir_block k = {0};

	mail_put(w->post.orders, WORKER_ORDER_BLOCK, &k, sizeof(k) - 1);
	mail_put(w->post.orders, MAIL_TYPES_MAX - 1, &k, sizeof(k));
	mail_put(w->post.orders, WORKER_ORDER_SETTINGS, NULL, 0);
	dropped[0] = 'x';
	worker_read_orders(w);
	assert_int_equal(dropped[0], 'x');
	assert_int_equal(settings_ordered, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_host_means_all_its_flows),
		TEST(a_service_means_its_port_alone),
		TEST(a_hold_is_ended),
		TEST(orders_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

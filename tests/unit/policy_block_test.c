// SPDX-License-Identifier: GPL-2.0-only
/* Blocks as the gate looks them up, against what they say. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

#define ANY WEIR_BLOCK_ANY_APP

static struct policy_block block(const char *from, const char *to, uint16_t port, uint16_t app,
				 uint64_t expires_ns)
{
	struct policy_block b = {
		.block = {.to_bits = WEIR_BLOCK_ONE_SIDE, .port = htons(port), .app = app},
		.expires_ns = expires_ns};
	unsigned int bits;

	assert_int_equal(prefix_parse(from, b.block.from, &bits), 0);
	b.block.from_bits = (uint8_t)bits;
	if (!to)
		return b;
	assert_int_equal(prefix_parse(to, b.block.to, &bits), 0);
	b.block.to_bits = (uint8_t)bits;
	return b;
}

static bool bits_equal(const uint32_t a[4], const uint32_t b[4], unsigned int bits)
{
	for (unsigned int i = 0; i < bits; i++)
		if ((ntohl(a[i / 32]) ^ ntohl(b[i / 32])) >> (31 - i % 32) & 1)
			return false;
	return true;
}

/* As the kernel's table: the longest prefix. */
static uint32_t number_of(const struct policy_blocks *b, const uint32_t addr[4])
{
	const struct policy_class *best = NULL;

	for (size_t i = 0; i < b->prefix_count; i++)
		if (bits_equal(addr, b->prefixes[i].key.addr, b->prefixes[i].key.prefixlen) &&
		    (!best || b->prefixes[i].key.prefixlen > best->key.prefixlen))
			best = &b->prefixes[i];
	return best ? best->class : 0;
}

static bool holds(const struct policy_blocks *b, uint32_t from, uint32_t to, __be16 port,
		  uint16_t app, uint64_t now_ns)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct weir_block_key *k = &b->entries[i].key;

		if (k->from == from && k->to == to && (!k->port || k->port == port) &&
		    (k->app == ANY || k->app == app))
			if (!b->entries[i].expires_ns || b->entries[i].expires_ns > now_ns)
				return true;
	}
	return false;
}

/* As bpf/block.bpf.h. */
static bool gate_blocks(const struct policy_blocks *b, const struct weir_flow_key *k,
			unsigned int origin, uint16_t app, uint64_t now_ns)
{
	uint32_t side[2] = {number_of(b, k->addr[0]), number_of(b, k->addr[1])};

	for (unsigned int i = 0; i < 2; i++)
		if (side[i] && holds(b, side[i], WEIR_BLOCK_EITHER, k->port[i], app, now_ns))
			return true;
	return side[0] && side[1] &&
	       holds(b, side[origin], side[!origin], k->port[!origin], app, now_ns);
}

static uint32_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % n;
}

static const char *const prefixes[] = {"10.0.0.0/8",	  "10.1.0.0/16",  "10.1.2.0/24",
				       "10.1.2.3",	  "10.1.2.4",	  "192.0.2.0/24",
				       "0.0.0.0/0",	  "::/0",	  "2001:db8::/32",
				       "2001:db8:1::/48", "2001:db8:1::5"};
static const char *const hosts[] = {"10.1.2.3",	     "10.1.2.4",      "10.1.2.5", "10.1.9.9",
				    "10.9.9.9",	     "192.0.2.1",     "8.8.8.8",  "2001:db8:1::5",
				    "2001:db8:1::6", "2001:db8:2::1", "fd00::1"};

static bool in_prefix(const char *prefix, const uint32_t addr[4])
{
	uint32_t p[4];
	unsigned int bits;

	assert_int_equal(prefix_parse(prefix, p, &bits), 0);
	return bits_equal(addr, p, bits) && address_is_v4(addr) == (bits >= 96 && address_is_v4(p));
}

struct said {
	const char *from, *to;
	uint16_t port, app;
	uint64_t expires_ns;
};

static bool said_means(const struct said *s, const struct weir_flow_key *k, unsigned int origin,
		       uint16_t app, uint64_t now_ns)
{
	if (s->expires_ns && s->expires_ns <= now_ns)
		return false;
	if (s->app != ANY && s->app != app)
		return false;
	if (s->to)
		return in_prefix(s->from, k->addr[origin]) && in_prefix(s->to, k->addr[!origin]) &&
		       (!s->port || htons(s->port) == k->port[!origin]);
	for (unsigned int i = 0; i < 2; i++)
		if (in_prefix(s->from, k->addr[i]) && (!s->port || htons(s->port) == k->port[i]))
			return true;
	return false;
}

static void random_blocks_mean_what_they_say(void **state)
{
	unsigned int blocked = 0, passed = 0;

	for (unsigned int round = 0; round < 300; round++) {
		unsigned int count = 1 + random_below(6);
		struct policy_block list[6];
		struct policy_blocks made;
		struct said said[6];

		random_state = 7 + round;
		for (unsigned int i = 0; i < count; i++) {
			said[i] = (struct said){
				.from = prefixes[random_below(ARRAY_SIZE(prefixes))],
				.to = random_below(2) ? prefixes[random_below(ARRAY_SIZE(prefixes))]
						      : NULL,
				.port = (uint16_t)(random_below(2) ? 80 + random_below(2) : 0),
				.app = random_below(2) ? (uint16_t)random_below(3) : ANY,
				.expires_ns = random_below(2) ? 10 + random_below(20) : 0,
			};
			list[i] = block(said[i].from, said[i].to, said[i].port, said[i].app,
					said[i].expires_ns);
		}
		assert_int_equal(policy_blocks_compile(list, count, &made), 0);
		for (unsigned int n = 0; n < 200; n++) {
			struct weir_flow_key key = {
				.port = {htons((uint16_t)(79 + random_below(4))),
					 htons((uint16_t)(79 + random_below(4)))}};
			unsigned int origin = random_below(2);
			uint16_t app = random_below(4) ? (uint16_t)random_below(3) : ANY;
			uint64_t now_ns = random_below(40);
			bool expected = false, means = false;

			for (unsigned int side = 0; side < 2; side++)
				assert_int_equal(
					address_parse(hosts[random_below(ARRAY_SIZE(hosts))],
						      key.addr[side]),
					0);
			for (unsigned int i = 0; i < count; i++) {
				expected |= said_means(&said[i], &key, origin, app, now_ns);
				means |= (!list[i].expires_ns || list[i].expires_ns > now_ns) &&
					 policy_block_means(&list[i].block, &key, origin, app);
			}
			assert_int_equal(gate_blocks(&made, &key, origin, app, now_ns), expected);
			assert_int_equal(means, expected);
			assert_int_equal(policy_blocks_until(&made, &key, origin, app) > now_ns,
					 expected);
			blocked += expected;
			passed += !expected;
		}
		policy_blocks_fini(&made);
	}
	assert_true(blocked > 1000 && passed > 1000);
}

static void the_longest_time_counts(void **state)
{
	struct policy_block list[3] = {block("10.1.2.3", NULL, 0, ANY, 50),
				       block("10.0.0.0/8", NULL, 0, ANY, 90),
				       block("10.1.0.0/16", NULL, 0, ANY, 70)};
	struct policy_blocks made;

	for (unsigned int round = 0; round < 2; round++) {
		assert_int_equal(policy_blocks_compile(list, 3, &made), 0);
		assert_int_equal(made.prefix_count, 3);
		assert_int_equal(made.count, 3);
		for (size_t i = 0; i < made.count; i++)
			assert_int_equal(made.entries[i].expires_ns, round ? 0 : 90);
		policy_blocks_fini(&made);
		list[1].expires_ns = 0;
	}
	assert_int_equal(policy_blocks_compile(NULL, 0, &made), 0);
	assert_int_equal(made.count + made.prefix_count, 0);
	policy_blocks_fini(&made);
}

/* Pairs of nested networks multiply. */
static void too_many_are_refused(void **state)
{
	const unsigned int hosts_max = 1100;
	struct policy_block *list = calloc(hosts_max + 1, sizeof(*list));
	struct policy_blocks made = {.count = 99};

	for (unsigned int i = 0; i < hosts_max; i++) {
		list[i] = block("10.0.0.1", NULL, 0, ANY, 0);
		list[i].block.from[3] = htonl(0x0a000000 + i);
	}
	list[hosts_max] = block("10.0.0.0/8", "10.0.0.0/8", 0, ANY, 0);
	assert_int_equal(policy_blocks_compile(list, hosts_max + 1, &made), -E2BIG);
	assert_int_equal(made.count, 99);
	assert_int_equal(policy_blocks_compile(list, hosts_max, &made), 0);
	assert_int_equal(made.count, hosts_max);
	policy_blocks_fini(&made);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_blocks_mean_what_they_say),
		cmocka_unit_test(the_longest_time_counts),
		cmocka_unit_test(too_many_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

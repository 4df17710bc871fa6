// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "learn/learn.h"

#define SECOND 1000000000ULL

static struct weir_endpoint_key key_of(const char *host, const char *peer, uint16_t port)
{
	struct weir_endpoint_key key = {.port = htons(port), .domain = 1};

	if (host)
		assert_int_equal(address_parse(host, key.host), 0);
	assert_int_equal(address_parse(peer, key.peer), 0);
	return key;
}

static int add(struct endpoints *e, struct weir_endpoint_key key, uint16_t app, uint64_t expires_ns)
{
	struct weir_peer peer = {.expires_ns = expires_ns, .app = app, .source = WEIR_SOURCE_DHT};

	return endpoints_add(e, &key, &peer);
}

/* Application found, 0 = none. */
static int find(struct endpoints *e, struct weir_endpoint_key key, uint64_t now_ns)
{
	struct weir_peer peer;

	return endpoints_find(e, &key, now_ns, &peer) ? peer.app : 0;
}

static void told_to_one_host_only(void **state)
{
	struct endpoints *e = endpoints_new(8, SECOND);

	assert_int_equal(add(e, key_of("10.0.0.1", "198.51.100.7", 6881), 5, 10 * SECOND), 1);
	assert_int_equal(find(e, key_of("10.0.0.1", "198.51.100.7", 6881), SECOND), 5);
	assert_int_equal(find(e, key_of("10.0.0.2", "198.51.100.7", 6881), SECOND), 0);
	assert_int_equal(find(e, key_of("10.0.0.1", "198.51.100.7", 6882), SECOND), 0);
	assert_int_equal(find(e, key_of("10.0.0.1", "198.51.100.8", 6881), SECOND), 0);
	endpoints_free(e);
}

static void another_domain_is_another_network(void **state)
{
	struct endpoints *e = endpoints_new(8, SECOND);
	struct weir_endpoint_key key = key_of("10.0.0.1", "10.0.0.7", 6881);

	assert_int_equal(add(e, key, 5, 10 * SECOND), 1);
	key.pad = 0x55; /* is no part of the key */
	assert_int_equal(find(e, key, SECOND), 5);
	key.domain = 2;
	assert_int_equal(find(e, key, SECOND), 0);
	endpoints_free(e);
}

static void said_of_itself_holds_for_all(void **state)
{
	struct endpoints *e = endpoints_new(8, SECOND);

	assert_int_equal(add(e, key_of(NULL, "2001:db8::7", 6881), 5, 10 * SECOND), 1);
	assert_int_equal(find(e, key_of("2001:db8::1", "2001:db8::7", 6881), SECOND), 5);
	assert_int_equal(find(e, key_of("10.0.0.2", "2001:db8::7", 6881), SECOND), 5);
	/* What the host was told itself comes first. */
	assert_int_equal(add(e, key_of("10.0.0.2", "2001:db8::7", 6881), 6, 10 * SECOND), 1);
	assert_int_equal(find(e, key_of("10.0.0.2", "2001:db8::7", 6881), SECOND), 6);
	endpoints_free(e);
}

static void time_runs_out(void **state)
{
	struct endpoints *e = endpoints_new(8, SECOND);
	struct weir_endpoint_key key = key_of("10.0.0.1", "198.51.100.7", 6881);

	assert_int_equal(add(e, key, 5, 10 * SECOND), 1);
	assert_int_equal(add(e, key, 5, 20 * SECOND), 0);
	assert_int_equal(endpoints_count(e), 1);
	assert_int_equal(find(e, key, 20 * SECOND - 1), 5);
	assert_int_equal(find(e, key, 20 * SECOND), 0);
	assert_int_equal(endpoints_count(e), 0);
	assert_int_equal(find(e, key, SECOND), 0);
	endpoints_free(e);
}

static void default_time_to_live(void **state)
{
	struct endpoints *e = endpoints_new(8, 1000 * SECOND);
	struct weir_endpoint_key key = key_of("10.0.0.1", "198.51.100.7", 6881);
	uint64_t before_ns = time_now_ns();

	assert_int_equal(add(e, key, 5, 0), 1);
	assert_int_equal(find(e, key, before_ns + 999 * SECOND), 5);
	assert_int_equal(find(e, key, time_now_ns() + 1000 * SECOND), 0);
	endpoints_free(e);
}

static void unreachable_peers_are_refused(void **state)
{
	static const char *const refused[] = {
		"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "255.255.255.255",
		"::",	   "::1",     "ff02::1",   "ff0e::1:2"};
	struct endpoints *e = endpoints_new(8, SECOND);

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(add(e, key_of("10.0.0.1", refused[i], 6881), 5, 10 * SECOND),
				 -EINVAL);
	assert_int_equal(add(e, key_of("10.0.0.1", "198.51.100.7", 0), 5, 10 * SECOND), -EINVAL);
	assert_int_equal(endpoints_count(e), 0);
	assert_int_equal(add(e, key_of("10.0.0.1", "223.255.255.255", 1), 5, 10 * SECOND), 1);
	endpoints_free(e);
}

static void oldest_goes_first(void **state)
{
	struct endpoints *e = endpoints_new(3, SECOND);

	for (uint16_t port = 1; port <= 3; port++)
		assert_int_equal(add(e, key_of("10.0.0.1", "198.51.100.7", port), port, SECOND), 1);
	/* Told again: now the youngest. */
	assert_int_equal(add(e, key_of("10.0.0.1", "198.51.100.7", 1), 1, SECOND), 0);
	assert_int_equal(add(e, key_of("10.0.0.1", "198.51.100.7", 4), 4, SECOND), 1);
	assert_int_equal(endpoints_count(e), 3);
	assert_int_equal(find(e, key_of("10.0.0.1", "198.51.100.7", 1), 0), 1);
	assert_int_equal(find(e, key_of("10.0.0.1", "198.51.100.7", 2), 0), 0);
	assert_int_equal(find(e, key_of("10.0.0.1", "198.51.100.7", 3), 0), 3);
	assert_int_equal(find(e, key_of("10.0.0.1", "198.51.100.7", 4), 0), 4);
	endpoints_free(e);
}

/* Every entry stays reachable through eviction, expiry and re-use. */
static void churn_stays_consistent(void **state)
{
	struct endpoints *e = endpoints_new(100, SECOND);

	for (uint32_t i = 1; i <= 20000; i++) {
		struct weir_endpoint_key key = key_of("10.0.0.1", "198.51.100.7", 6881);

		key.peer[3] = htonl(0xc6336400u + i % 777);
		assert_in_range(add(e, key, 5, i % 3 ? 30000 : i + 1), 0, 1);
		assert_int_equal(find(e, key, i), 5);
		key.peer[3] = htonl(0xc6336400u + (i * 31) % 777);
		find(e, key, i);
		assert_in_range(endpoints_count(e), 1, 100);
	}
	endpoints_free(e);
}

/* More hosts than a count goes to: none of them is lost, nor one that is told of it later. */
static void a_peer_that_everybody_is_told_of(void **state)
{
	struct endpoints *e = endpoints_new(1024, SECOND);
	struct weir_endpoint_key key = key_of("10.0.0.1", "198.51.100.7", 6881);

	for (uint32_t host = 0; host < 600; host++) {
		key.host[3] = htonl(0x0a000000u + host);
		assert_int_equal(add(e, key, 5, 10 * SECOND), 1);
	}
	for (uint32_t host = 0; host < 600; host++) {
		key.host[3] = htonl(0x0a000000u + host);
		assert_int_equal(find(e, key, SECOND), 5);
		assert_true(endpoints_withdraw(e, &key));
		assert_int_equal(find(e, key, SECOND), 0);
	}
	assert_int_equal(add(e, key, 6, 10 * SECOND), 1);
	assert_int_equal(find(e, key, SECOND), 6);
	endpoints_free(e);
}

static void sizes_are_bounded(void **state)
{
	struct endpoints *e = endpoints_new(1, SECOND);

	assert_null(endpoints_new(0, SECOND));
	assert_null(endpoints_new(SIZE_MAX, SECOND));
	assert_int_equal(add(e, key_of(NULL, "198.51.100.7", 1), 1, SECOND), 1);
	assert_int_equal(add(e, key_of(NULL, "198.51.100.7", 2), 2, SECOND), 1);
	assert_int_equal(endpoints_count(e), 1);
	endpoints_free(e);
	endpoints_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_to_one_host_only),
		cmocka_unit_test(another_domain_is_another_network),
		cmocka_unit_test(said_of_itself_holds_for_all),
		cmocka_unit_test(time_runs_out),
		cmocka_unit_test(default_time_to_live),
		cmocka_unit_test(unreachable_peers_are_refused),
		cmocka_unit_test(oldest_goes_first),
		cmocka_unit_test(churn_stays_consistent),
		cmocka_unit_test(a_peer_that_everybody_is_told_of),
		cmocka_unit_test(sizes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

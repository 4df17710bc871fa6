// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "learn/learn.h"

#define SECOND 1000000000ULL

static void address(const char *text, uint32_t addr[4])
{
	assert_int_equal(address_parse(text, addr), 0);
}

static void each_kind_is_apart_and_ends(void **state)
{
	struct facts *f = facts_new(64, 10 * SECOND);
	uint8_t identity[16] = "0123456789abcde", out[16];
	uint32_t host[4], other[4];
	uint16_t app = 0;

	address("10.0.0.1", host);
	address("10.0.0.2", other);
	facts_host_runs(f, host, 1, 7, SECOND);
	assert_true(facts_does_host_run(f, host, 1, 7, 2 * SECOND));
	assert_false(facts_does_host_run(f, host, 1, 8, 2 * SECOND));
	assert_false(facts_does_host_run(f, host, 2, 7, 2 * SECOND));
	assert_false(facts_does_host_run(f, other, 1, 7, 2 * SECOND));
	assert_false(facts_does_host_run(f, host, 1, 7, 11 * SECOND));

	assert_false(facts_service(f, host, htons(8080), 1, 2 * SECOND, &app));
	facts_service_is(f, host, htons(8080), 1, 9, SECOND);
	assert_true(facts_service(f, host, htons(8080), 1, 2 * SECOND, &app));
	assert_int_equal(app, 9);
	assert_false(facts_service(f, host, htons(8081), 1, 2 * SECOND, &app));

	assert_false(facts_identity(f, host, htons(8080), 1, 2 * SECOND, out));
	facts_identity_is(f, host, htons(8080), 1, identity, SECOND);
	assert_true(facts_identity(f, host, htons(8080), 1, 2 * SECOND, out));
	assert_memory_equal(out, identity, sizeof(out));
	facts_free(f);
}

static void two_sources_and_two_hosts_confirm(void **state)
{
	struct facts *f = facts_new(64, 10 * SECOND);
	struct fact_key key = {.port = htons(8080), .kind = FACT_LEARNED};
	uint32_t host[4], other[4];
	struct fact fact;

	address("10.0.0.1", host);
	address("10.0.0.2", other);
	facts_endpoint_learned(f, &key, 7, host, 1, SECOND);
	facts_endpoint_learned(f, &key, 7, other, 1, SECOND);
	facts_endpoint_learned(f, &key, 7, other, 2, SECOND);
	assert_true(facts_get(f, &key, 2 * SECOND, &fact));
	assert_false(fact.confirmed);
	facts_endpoint_learned(f, &key, 7, host, 1, 2 * SECOND);
	assert_true(facts_get(f, &key, 2 * SECOND, &fact));
	assert_true(fact.confirmed);
	assert_memory_equal(fact.data, host, sizeof(host));
	/* It stays so, but not when something else is told, or nothing for long. */
	facts_endpoint_learned(f, &key, 7, host, 1, 3 * SECOND);
	assert_true(facts_get(f, &key, 3 * SECOND, &fact) && fact.confirmed);
	facts_endpoint_learned(f, &key, 7, other, 2, 13 * SECOND);
	assert_true(facts_get(f, &key, 13 * SECOND, &fact) && !fact.confirmed);
	facts_endpoint_learned(f, &key, 7, host, 1, 14 * SECOND);
	facts_endpoint_learned(f, &key, 8, other, 2, 15 * SECOND);
	assert_true(facts_get(f, &key, 15 * SECOND, &fact) && !fact.confirmed);
	facts_free(f);
}

static void a_flood_takes_its_own_room(void **state)
{
	struct facts *f = facts_new(64, 10 * SECOND);
	uint32_t host[4] = {0};
	unsigned int kept = 0;

	for (uint32_t i = 0; i < 10000; i++) {
		host[3] = htonl(i);
		facts_host_runs(f, host, 1, 7, i);
	}
	for (uint32_t i = 0; i < 10000; i++) {
		host[3] = htonl(i);
		kept += facts_does_host_run(f, host, 1, 7, SECOND);
	}
	assert_in_range(kept, 64, 128);
	/* The newest is always there. */
	assert_true(facts_does_host_run(f, host, 1, 7, SECOND));
	facts_free(f);
}

static void the_endpoints_bring_one(void **state)
{
	struct endpoints *e = endpoints_new(8, SECOND);

	assert_non_null(endpoints_facts(e));
	endpoints_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_is_apart_and_ends),
		cmocka_unit_test(two_sources_and_two_hosts_confirm),
		cmocka_unit_test(a_flood_takes_its_own_room),
		cmocka_unit_test(the_endpoints_bring_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

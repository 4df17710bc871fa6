// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/hostnames.h"

static void names_by_flow(void **state)
{
	struct hostnames *h = hostnames_new(8);
	uint8_t source = 0;

	assert_string_equal(hostnames_get(NULL, 1, NULL), "");
	assert_string_equal(hostnames_get(h, 0, NULL), "");
	hostnames_put(h, 3, "a.example", 2);
	assert_string_equal(hostnames_get(h, 3, &source), "a.example");
	assert_int_equal(source, 2);
	assert_string_equal(hostnames_get(h, 11, NULL), ""); /* the same place */
	hostnames_put(h, 11, "b.example", 1);
	assert_string_equal(hostnames_get(h, 11, NULL), "b.example");
	assert_string_equal(hostnames_get(h, 3, NULL), "");
	hostnames_put(h, 11, "c.example", 1);
	assert_string_equal(hostnames_get(h, 11, NULL), "c.example");
	hostnames_free(h);
	hostnames_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_by_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

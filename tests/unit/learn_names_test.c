// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "learn/learn.h"

static struct name_key key_of(uint32_t host, uint32_t address)
{
	return (struct name_key){.host = {host}, .address = {address}};
}

static const char *find(struct names *n, uint32_t host, uint32_t address, uint64_t now_ns)
{
	static char out[NAME_TEXT_MAX + 1];
	const struct name_key key = key_of(host, address);

	return names_find(n, &key, now_ns, out) ? out : NULL;
}

static void add(struct names *n, uint32_t host, uint32_t address, const char *name,
		uint64_t expires_ns)
{
	const struct name_key key = key_of(host, address);

	assert_int_equal(names_add(n, &key, name, expires_ns), 0);
}

static void names_are_their_hosts_alone(void **state)
{
	struct names *n = names_new(4);

	assert_null(find(n, 1, 2, 0));
	add(n, 1, 2, "a.example", 100);
	assert_string_equal(find(n, 1, 2, 99), "a.example");
	assert_null(find(n, 1, 2, 100));
	assert_null(find(n, 2, 1, 0));
	assert_null(find(n, 3, 2, 0));
	add(n, 1, 2, "b.example", 200);
	assert_string_equal(find(n, 1, 2, 150), "b.example");
	names_free(n);
}

static void the_oldest_goes_first(void **state)
{
	struct names *n = names_new(3);
	char name[16];

	for (uint32_t i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		add(n, i, 9, name, 10);
		add(n, 0, 9, "kept", 10); /* told again and again */
	}
	assert_string_equal(find(n, 0, 9, 0), "kept");
	assert_string_equal(find(n, 99, 9, 0), "n99");
	assert_string_equal(find(n, 98, 9, 0), "n98");
	assert_null(find(n, 97, 9, 0));
	names_free(n);
}

static void what_is_no_name(void **state)
{
	struct names *n = names_new(1);
	const struct name_key key = key_of(1, 2);
	char name[NAME_TEXT_MAX + 2];

	memset(name, 'a', sizeof(name));
	name[NAME_TEXT_MAX + 1] = 0;
	assert_int_equal(names_add(n, &key, name, 1), -EINVAL);
	assert_int_equal(names_add(n, &key, "", 1), -EINVAL);
	assert_null(names_new(0));
	name[NAME_TEXT_MAX] = 0;
	assert_int_equal(names_add(n, &key, name, 1), 0);
	assert_string_equal(find(n, 1, 2, 0), name);
	names_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_their_hosts_alone),
		cmocka_unit_test(the_oldest_goes_first),
		cmocka_unit_test(what_is_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

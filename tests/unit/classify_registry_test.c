// SPDX-License-Identifier: GPL-2.0-only
#include <netinet/in.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "classify/classify.h"

static int setup(void **state)
{
	*state = app_registry_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	app_registry_free(*state);
	return 0;
}

static void protocols_are_known(void **state)
{
	static const struct {
		uint8_t proto;
		const char *name;
	} known[] = {{IPPROTO_ICMP, "icmp"}, {IPPROTO_ICMPV6, "icmpv6"}, {IPPROTO_IGMP, "igmp"},
		     {IPPROTO_GRE, "gre"},   {IPPROTO_ESP, "ipsec"},	 {IPPROTO_AH, "ipsec"},
		     {89, "ospf"},	     {IPPROTO_SCTP, "sctp"},	 {113, "pgm"}};
	struct app_registry *r = *state;

	assert_string_equal(app_registry_get(r, 0)->name, "unknown");
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		unsigned int app = app_registry_by_protocol(r, known[i].proto);

		assert_int_not_equal(app, 0);
		assert_string_equal(app_registry_get(r, app)->name, known[i].name);
		assert_true(app_registry_get(r, app)->enabled);
	}
	assert_int_equal(app_registry_by_protocol(r, IPPROTO_TCP), 0);
	assert_int_equal(app_registry_by_protocol(r, IPPROTO_UDP), 0);
	assert_int_equal(app_registry_by_protocol(r, 255), 0);
}

static void numbers_stay(void **state)
{
	struct app_registry *r = *state;
	int first = app_registry_add(r, "bittorrent", "p2p");
	int second = app_registry_add(r, "irc", NULL);

	assert_true(first > 0);
	assert_int_equal(second, first + 1);
	assert_int_equal(app_registry_add(r, "bittorrent", NULL), first);
	assert_int_equal(app_registry_find(r, "irc"), second);
	assert_int_equal(app_registry_find(r, "ircd"), -ENOENT);
	assert_string_equal(app_registry_get(r, (unsigned int)first)->category, "p2p");
	assert_int_equal(app_registry_count(r), second + 1);
	assert_null(app_registry_get(r, app_registry_count(r)));
}

static void odd_names_are_refused(void **state)
{
	struct app_registry *r = *state;
	unsigned int count = app_registry_count(r);

	assert_int_equal(app_registry_add(r, "", NULL), -EINVAL);
	assert_int_equal(app_registry_add(r, "Upper", NULL), -EINVAL);
	assert_int_equal(app_registry_add(r, "a b", NULL), -EINVAL);
	assert_int_equal(app_registry_add(r, "a\"b", NULL), -EINVAL);
	assert_int_equal(app_registry_add(r, "-a", NULL), -EINVAL);
	assert_int_equal(app_registry_add(r, "abcdefghijklmnopqrstuvwxyz012345", NULL), -EINVAL);
	assert_int_equal(app_registry_add(r, "ok", "NOT OK"), -EINVAL);
	assert_int_equal(app_registry_count(r), count);
	assert_true(app_registry_add(r, "abcdefghijklmnopqrstuvwxyz01234", NULL) > 0);
}

static void full_is_said(void **state)
{
	struct app_registry *r = *state;
	char name[WEIR_APP_NAME_LEN];

	while (app_registry_count(r) < WEIR_APPS_MAX) {
		snprintf(name, sizeof(name), "app-%u", app_registry_count(r));
		assert_true(app_registry_add(r, name, NULL) > 0);
	}
	assert_int_equal(app_registry_add(r, "one-more", NULL), -ENOSPC);
	assert_int_equal(app_registry_add(r, name, NULL), WEIR_APPS_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(protocols_are_known, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(odd_names_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(full_is_said, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

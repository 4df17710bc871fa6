// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "flow/flow.h"

static void nothing_is_known_at_first(void **state)
{
	struct flow f = {0};

	assert_string_equal(flow_hostname(&f), "");
	assert_string_equal(flow_get_text(&f, FLOW_TLS_JA4), "");
	assert_int_equal(flow_set_text(&f, FLOW_TLS_SNI, "x", 0), 0);
	assert_null(f.details);
	flow_details_free(&f);
}

static void texts_are_cut_and_printable(void **state)
{
	struct flow f = {0};
	char text[400];

	memset(text, 'a', sizeof(text));
	text[1] = '\n';
	text[2] = '\0';
	text[3] = (char)0xe4;
	assert_int_equal(flow_set_text(&f, FLOW_HTTP_CONTENT_TYPE, text, sizeof(text)), 0);
	assert_int_equal(strlen(flow_get_text(&f, FLOW_HTTP_CONTENT_TYPE)), 128);
	assert_memory_equal(flow_get_text(&f, FLOW_HTTP_CONTENT_TYPE), "a...aa", 6);
	assert_int_equal(flow_set_text(&f, FLOW_HTTP_CONTENT_TYPE, "text/html", 9), 0);
	assert_string_equal(flow_get_text(&f, FLOW_HTTP_CONTENT_TYPE), "text/html");
	flow_details_free(&f);
	assert_null(f.details);
}

static void the_better_source_names_the_host(void **state)
{
	struct flow f = {0};

	flow_set_hostname(&f, "by-dns.example", FLOW_NAME_DNS);
	assert_string_equal(flow_name_source_name(f.details->hostname_source), "dns");
	flow_set_hostname(&f, "by-sni.example", FLOW_NAME_SNI);
	assert_string_equal(flow_hostname(&f), "by-sni.example");
	flow_set_hostname(&f, "by-certificate.example", FLOW_NAME_CERTIFICATE);
	flow_set_hostname(&f, "", FLOW_NAME_SNI);
	assert_string_equal(flow_hostname(&f), "by-sni.example");
	assert_string_equal(flow_name_source_name(f.details->hostname_source), "sni");
	flow_details_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(texts_are_cut_and_printable),
		cmocka_unit_test(the_better_source_names_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "flow/flow.h"
#include "util/util.h"

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

static void set(struct flow *f, enum flow_text which, const char *text)
{
	assert_int_equal(flow_set_text(f, which, text, strlen(text)), 0);
}

/* In whatever order they come, each is what was set last. */
static void texts_do_not_touch_each_other(void **state)
{
	char want[FLOW_TEXT_COUNT][64] = {""};
	struct flow f = {0};

	for (unsigned int n = 0; n < 2000; n++) {
		enum flow_text which = n * 7 % FLOW_TEXT_COUNT;

		/* Every third says the same as others do, so that it may equal the host name. */
		if (n % 3 == 0)
			snprintf(want[which], sizeof(want[which]), "same.example");
		else
			snprintf(want[which], sizeof(want[which]), "%.*u", 1 + (int)(n % 36), n);
		/* JA4's limit is 36. */
		want[which][36] = 0;
		if (which == FLOW_HTTP_METHOD)
			want[which][32] = 0;
		set(&f, which, want[which]);
		for (unsigned int i = 0; i < FLOW_TEXT_COUNT; i++)
			assert_string_equal(flow_get_text(&f, i), want[i]);
	}
	flow_details_free(&f);
}

static void numbers_stay_when_texts_come(void **state)
{
	struct flow f = {0};

	flow_details_get(&f)->tls_version = 0x0304;
	f.details->quic_version = 0xff00001d;
	f.details->http_status = 204;
	flow_set_hostname(&f, "a.example", FLOW_NAME_SNI);
	set(&f, FLOW_TLS_ALPN, "h2");
	assert_int_equal(f.details->tls_version, 0x0304);
	assert_int_equal(f.details->quic_version, 0xff00001d);
	assert_int_equal(f.details->http_status, 204);
	assert_int_equal(f.details->hostname_source, FLOW_NAME_SNI);
	flow_details_free(&f);
}

/* A server name is the host name in most flows. */
static void the_host_name_is_kept_once(void **state)
{
	static const char name[] = "cdn-17.static.example.org";
	struct flow f = {0};

	set(&f, FLOW_TLS_SNI, name);
	flow_set_hostname(&f, name, FLOW_NAME_SNI);
	assert_int_equal(f.details->kept, 1u << FLOW_HOSTNAME);
	assert_ptr_equal(flow_get_text(&f, FLOW_TLS_SNI), flow_hostname(&f));
	assert_true(malloc_usable_size(f.details) < sizeof(*f.details) + sizeof(name) + 16);
	/* The one changes, the other does not. */
	set(&f, FLOW_HOSTNAME, "other.example");
	assert_string_equal(flow_get_text(&f, FLOW_TLS_SNI), name);
	set(&f, FLOW_TLS_SNI, "other.example");
	set(&f, FLOW_TLS_SNI, "third.example");
	assert_string_equal(flow_hostname(&f), "other.example");
	assert_string_equal(flow_get_text(&f, FLOW_TLS_SNI), "third.example");
	flow_details_free(&f);
}

static void some_are_set_at_once(void **state)
{
	const struct flow_value first[] = {
		{.which = FLOW_TLS_ALPN, .text = "h2", .len = 2},
		{.which = FLOW_TLS_SNI, .text = "a\tb", .len = 3},
		{.which = FLOW_HOSTNAME, .source = FLOW_NAME_SNI, .text = "a\nb", .len = 3},
		{.which = FLOW_TLS_JA4, .text = "", .len = 0},
	};
	const struct flow_value second[] = {
		{.which = FLOW_HOSTNAME, .source = FLOW_NAME_DNS, .text = "dns", .len = 3},
		{.which = FLOW_HTTP_HOST, .text = "a.b", .len = 3},
	};
	const struct flow_details *before;
	struct flow f = {0};

	assert_int_equal(flow_set_texts(&f, first, ARRAY_SIZE(first)), 0);
	assert_string_equal(flow_get_text(&f, FLOW_TLS_ALPN), "h2");
	assert_string_equal(flow_get_text(&f, FLOW_TLS_SNI), "a.b");
	assert_string_equal(flow_hostname(&f), "a.b");
	assert_ptr_equal(flow_get_text(&f, FLOW_TLS_SNI), flow_hostname(&f));
	assert_string_equal(flow_get_text(&f, FLOW_TLS_JA4), "");
	assert_int_equal(f.details->hostname_source, FLOW_NAME_SNI);
	/* A name of a worse source is left out, the rest is not. */
	assert_int_equal(flow_set_texts(&f, second, ARRAY_SIZE(second)), 0);
	assert_string_equal(flow_hostname(&f), "a.b");
	assert_int_equal(f.details->hostname_source, FLOW_NAME_SNI);
	assert_ptr_equal(flow_get_text(&f, FLOW_HTTP_HOST), flow_hostname(&f));
	before = f.details;
	assert_int_equal(flow_set_texts(&f, second, 1), 0);
	assert_ptr_equal(f.details, before);
	flow_details_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(texts_are_cut_and_printable),
		cmocka_unit_test(the_better_source_names_the_host),
		cmocka_unit_test(texts_do_not_touch_each_other),
		cmocka_unit_test(numbers_stay_when_texts_come),
		cmocka_unit_test(the_host_name_is_kept_once),
		cmocka_unit_test(some_are_set_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

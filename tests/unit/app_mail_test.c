// SPDX-License-Identifier: GPL-2.0-only
/* Mail that goes on with TLS. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/consume.h"

static const uint8_t hello[] = {22, 3, 1, 0, 4, 1, 0, 0, 0};

struct bench {
	const struct app_module *module;
	struct app_services services;
	struct flow flow;
	struct consume consume;
};

static int setup(void **state)
{
	static const char *const names[] = {"smtp", "smtps", "imap", "imaps"};
	struct bench *b = calloc(1, sizeof(*b));

	b->module = app_module_find("mail");
	b->consume = (struct consume){.module = b->module, .flow = &b->flow};
	b->services.registry = app_registry_new();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_true(app_registry_add(b->services.registry, names[i], "mail") > 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	consume_end(&b->consume);
	app_registry_free(b->services.registry);
	free(b);
	return 0;
}

static uint16_t number(const struct bench *b, const char *name)
{
	return (uint16_t)app_registry_find(b->services.registry, name);
}

/* Shows a piece of a flow that a signature has identified as app; returns what it is then. */
static uint16_t show(struct bench *b, const char *app, bool from_origin, const void *data,
		     size_t len)
{
	uint8_t *copy = malloc(len);
	struct app_message m = {
		.flow = &b->flow,
		.data = copy,
		.len = len,
		.proto = IPPROTO_TCP,
		.from_origin = from_origin,
	};

	memcpy(copy, data, len);
	if (b->consume.finding.app != number(b, app)) {
		consume_end(&b->consume);
		b->consume.finding = (struct app_finding){
			.app = number(b, app), .method = WEIR_METHOD_SIGNATURE, .confidence = 95};
	}
	consume_show(&b->consume, &b->services, &m);
	free(copy);
	return b->consume.finding.app;
}

static void becomes_secure(void **state)
{
	struct bench *b = *state;

	assert_int_equal(show(b, "smtp", true, "STARTTLS\r\n", 10), number(b, "smtp"));
	assert_int_equal(show(b, "smtp", false, "220 go\r\n", 8), number(b, "smtp"));
	assert_int_equal(b->consume.reading, 1);
	assert_int_equal(show(b, "smtp", true, hello, sizeof(hello)), number(b, "smtps"));
	assert_int_equal(b->consume.reading, 0);
	assert_int_equal(show(b, "imap", true, hello, sizeof(hello)), number(b, "imaps"));
}

static void stays_plain(void **state)
{
	static const uint8_t server_hello[] = {22, 3, 1, 0, 4, 2, 0, 0, 0};
	struct bench *b = *state;

	assert_int_equal(show(b, "smtp", true, server_hello, 9), number(b, "smtp"));
	assert_int_equal(show(b, "smtp", false, hello, 9), number(b, "smtp"));
	assert_int_equal(show(b, "smtp", true, hello, 5), number(b, "smtp"));
	/* What has no secure form keeps its name. */
	assert_int_equal(show(b, "imaps", true, hello, 9), number(b, "imaps"));
}

static void looking_ends(void **state)
{
	struct bench *b = *state;
	unsigned int n = 0;

	do {
		show(b, "smtp", true, "NOOP\r\n", 6);
	} while (b->consume.reading > 0 && ++n < 100);
	assert_true(n < 20);
}

static void only_streams_are_read_on(void **state)
{
	struct bench *b = *state;
	struct app_message m = {.flow = &b->flow, .data = hello, .len = 1, .proto = IPPROTO_UDP};

	b->consume.finding = (struct app_finding){
		.app = number(b, "smtp"), .method = WEIR_METHOD_SIGNATURE, .confidence = 95};
	consume_show(&b->consume, &b->services, &m);
	assert_int_equal(b->consume.reading, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(becomes_secure),
		TEST(stays_plain),
		TEST(looking_ends),
		TEST(only_streams_are_read_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

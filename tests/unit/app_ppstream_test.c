// SPDX-License-Identifier: GPL-2.0-only
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "app/app.h"

#define ROOM 1400

/* A masked message of len bytes; its plain form is counted up from the family on. */
static void make(uint8_t *out, size_t len, uint8_t family, uint16_t number)
{
	size_t last = (len < 128 ? len : 128) - 1;
	uint8_t chain = 0, plain;

	for (size_t i = 0; i < ROOM; i++)
		out[i] = (uint8_t)(i * 7);
	for (size_t i = 2; i <= last; i++) {
		plain = (uint8_t)(i == 2 ? family : i == 3 ? number : i == 4 ? number >> 8 : i * 5);
		chain ^= plain;
		out[i] = chain;
	}
	/* The chain that began at zero has to end in the length; any first byte will do then. */
	out[last] = (uint8_t)len;
	out[0] = 0xc3;
	for (size_t i = 2; i <= last; i++)
		out[i] ^= out[0];
	out[1] = (uint8_t)(0x80 | len >> 8);
}

static unsigned int found(struct app_registry *r, const uint8_t *data, size_t len)
{
	const struct app_module *module = app_module_find("ppstream");
	struct app_services services = {.registry = r};
	struct app_message m = {.data = data, .len = len, .proto = IPPROTO_UDP, .complete = true};
	struct app_finding f = {0};
	void *state = NULL;

	assert_non_null(module);
	module->undecided(&services, &m, &state, &f);
	assert_null(state);
	if (f.app)
		assert_int_equal(f.app, app_registry_find(r, "ppstream"));
	return f.app ? f.confidence : 0;
}

static void masked_messages_of_any_length(void **state)
{
	static const size_t lengths[] = {14, 19, 24, 37, 127, 128, 129, 255, 256, 1065, 1400};
	struct app_registry *r = app_registry_new();
	uint8_t message[ROOM];

	app_registry_add(r, "ppstream", "p2p");
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		make(message, lengths[i], 0x44, 0x25);
		assert_int_equal(found(r, message, lengths[i]), 90);
		assert_int_equal(found(r, message, lengths[i] - 1), 0);
		message[1] &= 0x7f;
		assert_int_equal(found(r, message, lengths[i]), 0);
	}
	app_registry_free(r);
}

static void nothing_else(void **state)
{
	struct app_registry *r = app_registry_new();
	uint8_t message[ROOM];

	app_registry_add(r, "ppstream", "p2p");
	make(message, 37, 0x42, 0x25);
	assert_int_equal(found(r, message, 37), 0);
	make(message, 37, 0x44, 0x125);
	assert_int_equal(found(r, message, 37), 0);
	make(message, 37, 0x44, 0);
	assert_int_equal(found(r, message, 37), 0);
	for (size_t len = 0; len < 14; len++)
		assert_int_equal(found(r, message, len), 0);
	app_registry_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masked_messages_of_any_length),
		cmocka_unit_test(nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

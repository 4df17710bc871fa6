// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "hello_build.h"
#include "proto/certificate.h"
#include "proto/hello.h"
#include "proto/ja4.h"
#include "proto/secret.h"
#include "util/util.h"

/* JA4 hashes, for which the library has to be started. */
static int start(void **state)
{
	struct secret *secret = secret_new();

	secret_free(secret);
	return secret ? 0 : -1;
}

static const uint16_t versions[] = {0x3a3a, 0x0304, 0x0303, 0};

/* At its exact size on the heap, so that a read beyond it shows under ASan. */
static uint8_t *exact(const uint8_t *from, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, from, len);
	return copy;
}

static void a_hello_is_read(void **state)
{
	const struct hello_spec spec = {.name = "www.example.org",
					.protocol = "h2",
					.second_protocol = "http/1.1",
					.versions = versions};
	struct client_hello hello;
	struct build b = {.len = 0};
	struct bytes name;

	build_client_hello(&b, &spec);
	assert_int_equal(hello_read_client(b.at, b.len, false, &hello), 1);
	assert_int_equal(hello.version, 0x0303);
	assert_int_equal(hello.best_version, 0x0304);
	assert_true(hello.has_name);
	assert_int_equal(hello.name.len, 15);
	assert_memory_equal(hello.name.at, "www.example.org", 15);
	assert_true(hello_next_protocol(&hello.protocols, &name));
	assert_memory_equal(name.at, "h2", 2);
	assert_true(hello_next_protocol(&hello.protocols, &name));
	assert_memory_equal(name.at, "http/1.1", 8);
	assert_false(hello_next_protocol(&hello.protocols, &name));
}

/* Every beginning of it waits; the name is known as soon as it is there. */
static void half_a_hello_waits(void **state)
{
	const struct hello_spec spec = {
		.name = "www.example.org", .protocol = "h2", .versions = versions};
	struct client_hello hello;
	struct build b = {.len = 0};
	bool named = false;

	build_client_hello(&b, &spec);
	for (size_t n = 0; n < b.len; n++) {
		uint8_t *copy = exact(b.at, n);

		assert_int_equal(hello_read_client(copy, n, false, &hello), -EAGAIN);
		assert_true(hello.name.len >= (named ? 15u : 0u));
		named = hello.name.len == 15;
		free(copy);
	}
	assert_true(named);
}

static void what_is_no_hello(void **state)
{
	const struct hello_spec spec = {.name = "www.example.org"};
	struct client_hello hello;
	struct build b = {.len = 0}, old = {.len = 0};

	build_client_hello(&b, &spec);
	b.at[3]--; /* the message ends within an extension */
	assert_int_equal(hello_read_client(b.at, b.len, false, &hello), 0);
	b.at[0] = 2;
	assert_int_equal(hello_read_client(b.at, b.len, false, &hello), 0);
	/* SSL 3.0 and TLS 1.0 may end behind the compression methods. */
	build_client_hello(&old, &spec);
	old.at[2] = 0;
	old.at[3] = 2 + 32 + 1 + 4 + 2;
	assert_int_equal(hello_read_client(old.at, 4u + old.at[3], false, &hello), 1);
	assert_int_equal(hello.name.len, 0);
}

/* The example of JA4's specification, with values of RFC 8701 among the lists. */
static void ja4_known_answer(void **state)
{
	static const uint16_t ciphers[] = {0xdada, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f,
					   0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
					   0x009c, 0x009d, 0x002f, 0x0035, 0};
	static const uint16_t extensions[] = {0x4a4a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469,
					      0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012,
					      0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0xffff};
	static const uint16_t signatures[] = {0x0403, 0x0804, 0x0401, 0x0503, 0x0805,
					      0x0501, 0x0806, 0x0601, 0};
	struct hello_spec spec = {.ciphers = ciphers,
				  .extensions = extensions,
				  .signatures = signatures,
				  .versions = versions,
				  .name = "www.example.org",
				  .protocol = "h2"};
	struct client_hello hello;
	char ja4[JA4_BYTES];
	struct build b = {.len = 0};

	build_client_hello(&b, &spec);
	assert_int_equal(hello_read_client(b.at, b.len, false, &hello), 1);
	assert_true(ja4_make(&hello, 't', ja4));
	assert_string_equal(ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
	/* Without signature algorithms: the specification's other sum. */
	spec.signatures = (const uint16_t[]){0};
	b.len = 0;
	build_client_hello(&b, &spec);
	assert_int_equal(hello_read_client(b.at, b.len, false, &hello), 1);
	assert_true(ja4_make(&hello, 'q', ja4));
	assert_string_equal(ja4, "q13d1516h2_8daaf6152771_6d807ffa2a79");
}

static void ja4_of_little(void **state)
{
	static const uint16_t none[] = {0xffff}, alpn[] = {16, 0xffff};
	static const uint16_t datagram_versions[] = {0xfefd, 0xfefc, 0};
	static const uint16_t with_versions[] = {43, 0xffff};
	static const struct {
		struct hello_spec spec;
		char transport;
		const char *ja4;
	} table[] = {
		{{.version = 0x0301, .extensions = none},
		 't',
		 "t10i000000_000000000000_000000000000"},
		{{.extensions = alpn, .protocol = "x"},
		 't',
		 "t12i0101xx_0f2cb44170f4_000000000000"},
		{{.extensions = alpn, .protocol = "0\xab"},
		 't',
		 "t12i01013b_0f2cb44170f4_000000000000"},
		{{.extensions = alpn, .protocol = "\x5a\x5a", .second_protocol = "http/1.1"},
		 't',
		 "t12i0101h1_0f2cb44170f4_000000000000"},
		{{.version = 0xfefd,
		  .extensions = with_versions,
		  .versions = datagram_versions,
		  .datagram = true},
		 'd',
		 "dd3i010100_0f2cb44170f4_b9a491fefe05"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct hello_spec spec = table[i].spec;
		static const uint16_t nothing[] = {0};
		struct client_hello hello;
		struct build b = {.len = 0};
		char ja4[JA4_BYTES];

		if (i == 0)
			spec.ciphers = nothing;
		build_client_hello(&b, &spec);
		assert_int_equal(hello_read_client(b.at, b.len, spec.datagram, &hello), 1);
		assert_true(ja4_make(&hello, table[i].transport, ja4));
		assert_string_equal(ja4, table[i].ja4);
	}
}

/* More ciphers than are counted, and more than there can be. */
static void ja4_of_much(void **state)
{
	uint16_t ciphers[1026];
	const struct hello_spec spec = {.ciphers = ciphers};
	struct client_hello hello;
	char ja4[JA4_BYTES] = "";
	struct build b = {.len = 0};

	for (uint16_t i = 0; i < 1025; i++)
		ciphers[i] = (uint16_t)(0x100 + i);
	ciphers[1025] = 0;
	build_client_hello(&b, &spec);
	assert_int_equal(hello_read_client(b.at, b.len, false, &hello), 1);
	assert_false(ja4_make(&hello, 't', ja4));
	assert_string_equal(ja4, "");
	hello.ciphers.len -= 2;
	assert_true(ja4_make(&hello, 't', ja4));
	assert_memory_equal(ja4, "t12d9903", 8);
}

static void a_server_hello_tells_the_version(void **state)
{
	struct build b = {.len = 0};
	uint16_t version = 0;

	build_server_hello(&b, 0x0303, 0);
	assert_int_equal(hello_read_server(b.at, b.len, &version), 1);
	assert_int_equal(version, 0x0303);
	b.len = 0;
	build_server_hello(&b, 0x0303, 0x0304);
	assert_int_equal(hello_read_server(b.at, b.len, &version), 1);
	assert_int_equal(version, 0x0304);
	for (size_t n = 0; n < b.len; n++) {
		uint8_t *copy = exact(b.at, n);

		assert_int_equal(hello_read_server(copy, n, &version), -EAGAIN);
		free(copy);
	}
}

static void the_servers_certificate_is_found(void **state)
{
	struct build b = {.len = 0};
	struct bytes der = {0};
	char name[64];

	build_server_hello(&b, 0x0303, 0);
	build_certificate_message(&b, "common.example", "first.example");
	assert_int_equal(hello_find_certificate(b.at, b.len, &der), 1);
	assert_int_equal(certificate_name(der, name, sizeof(name)), 1);
	assert_string_equal(name, "first.example");
	for (size_t n = 0; n < b.len; n++) {
		uint8_t *copy = exact(b.at, n);

		assert_int_equal(hello_find_certificate(copy, n, &der), -EAGAIN);
		free(copy);
	}
}

static void who_is_named(void **state)
{
	static const struct {
		const char *common, *alternative;
		int rc;
		const char *name;
	} table[] = {
		{"common.example", "*.first.example", 1, "*.first.example"},
		{"common.example", NULL, 1, "common.example"},
		{"common.example", "bad\x01name", 1, "second.example"},
		{NULL, "first.example", 1, "first.example"},
		{NULL, NULL, 0, ""},
		{"bad\x7f", NULL, 0, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct build b = {.len = 0};
		char name[64] = "";

		build_certificate(&b, table[i].common, table[i].alternative);
		assert_int_equal(
			certificate_name((struct bytes){b.at, b.len, false}, name, sizeof(name)),
			table[i].rc);
		assert_string_equal(name, table[i].name);
	}
}

/* A name longer than the room is none; half a certificate has the subject at least. */
static void certificates_that_are_cut(void **state)
{
	struct build b = {.len = 0};
	char name[16] = "";

	build_certificate(&b, "common.example", "alternative.first.example");
	assert_int_equal(certificate_name((struct bytes){b.at, b.len, false}, name, sizeof(name)),
			 1);
	assert_string_equal(name, "second.example");
	for (size_t n = 0; n < b.len; n++) {
		uint8_t *copy = exact(b.at, n);
		char out[64] = "";

		assert_int_equal(certificate_name((struct bytes){copy, n, false}, out, sizeof(out)),
				 0);
		if (certificate_name((struct bytes){copy, n, true}, out, sizeof(out)))
			assert_true(strstr(out, ".example") != NULL);
		free(copy);
	}
	assert_int_equal(
		certificate_name((struct bytes){b.at, b.len - 60, true}, name, sizeof(name)), 1);
	assert_string_equal(name, "common.example");
}

static void records_are_joined(void **state)
{
	const struct hello_spec spec = {.name = "www.example.org"};
	struct build b = {.len = 0}, wire = {.len = 0};
	uint8_t out[HELLO_ROOM];
	bool open;

	build_client_hello(&b, &spec);
	build_records(&wire, &b, 11);
	assert_int_equal(hello_join_records(wire.at, wire.len, out, sizeof(out), &open), b.len);
	assert_memory_equal(out, b.at, b.len);
	assert_true(open);
	assert_int_equal(hello_join_records(wire.at, wire.len, out, 20, &open), 20);
	wire.at[wire.len++] = 0x17;
	assert_int_equal(hello_join_records(wire.at, wire.len, out, sizeof(out), &open), b.len);
	assert_false(open);
	assert_int_equal(hello_join_records((const uint8_t *)"\x17\x03", 2, out, 9, &open),
			 -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_is_read),
		cmocka_unit_test(half_a_hello_waits),
		cmocka_unit_test(what_is_no_hello),
		cmocka_unit_test(ja4_known_answer),
		cmocka_unit_test(ja4_of_little),
		cmocka_unit_test(ja4_of_much),
		cmocka_unit_test(a_server_hello_tells_the_version),
		cmocka_unit_test(the_servers_certificate_is_found),
		cmocka_unit_test(who_is_named),
		cmocka_unit_test(certificates_that_are_cut),
		cmocka_unit_test(records_are_joined),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hostname.h"
#include "proto/http_head.h"
#include "util/util.h"

#define GET "GET / HTTP/1.1\r\n"

/* As far as the section is there. */
static int http(const char *text, char out[static HTTP_HOSTNAME_BYTES])
{
	/* At its exact size on the heap, so that a read beyond it shows under ASan. */
	size_t len = strlen(text);
	uint8_t *copy = malloc(len ? len : 1);
	char text_of[HTTP_HEAD_BYTES];
	struct http_head head;
	int rc;

	memcpy(copy, text, len);
	rc = http_head_parse(copy, len, text_of, &head);
	free(copy);
	if (http_head_hostname(&head, out, NULL))
		return 1;
	return rc == -EAGAIN && !head.status && !(head.kept >> HTTP_HOST & 1) ? rc : 0;
}

static void http_samples(void **state)
{
	static const struct {
		const char *text;
		int rc;
		const char *name;
	} table[] = {
		{GET "Host: www.example.org\r\n\r\n", 1, "www.example.org"},
		{GET "host:www.example.org\r\n", 1, "www.example.org"},
		{GET "Accept: */*\r\nHOST: \t a.b:8080 \t\r\n", 1, "a.b"},
		{GET "Host: [2001:db8::1]:80\r\n", 1, "2001:db8::1"},
		{GET "X-Host: wrong.example\r\nHost: right.example\r\n", 1, "right.example"},
		{"POST /a?b HTTP/1.0\nHost: lf.example\n", 1, "lf.example"},
		{"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n", 1, "239.255.255.250"},
		{"CONNECT proxy.example:443 HTTP/1.1\r\nHost: other.example\r\n", 1,
		 "proxy.example"},
		{"GET http://abs.example:81/x HTTP/1.1\r\nHost: other.example\r\n", 1,
		 "abs.example"},
		{"GET http://abs.example HTTP/1.1\r\n", 1, "abs.example"},
		{"", 0, ""},
		{"G", -EAGAIN, ""},
		{"GET / HTTP/1.1", -EAGAIN, ""},
		{GET "Host: www.exam", -EAGAIN, ""},
		{GET, -EAGAIN, ""},
		{GET "\r\nHost: body.example\r\n", 0, ""},
		{GET "Host: \r\n\r\n", 0, ""},
		{GET "Host: a b\r\n", 0, ""},
		{GET "Host: a\"b\r\n", 0, ""},
		{GET "Host: \xc3\xa4\r\n", 0, ""},
		{"HTTP/1.1 200 OK\r\nHost: server.example\r\n", 0, ""},
		{"GET /\r\nHost: Old.example\r\n", 1, "old.example"},
		{"GET/ HTTP/1.1\r\nHost: old.example\r\n", 1, "old.example"},
		{"get / HTTP/1.1\r\nHost: a\r\n", 0, ""},
		{"SSH-2.0-OpenSSH_9.2\r\n", 0, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char out[HTTP_HOSTNAME_BYTES] = "";

		assert_int_equal(http(table[i].text, out), table[i].rc);
		assert_string_equal(out, table[i].name);
	}
}

static void names_longer_than_the_room_are_none(void **state)
{
	char text[512], out[HTTP_HOSTNAME_BYTES] = "";

	snprintf(text, sizeof(text), GET "Host: %0255d\r\n", 0);
	assert_int_equal(http(text, out), 1);
	assert_int_equal(strlen(out), 255);
	snprintf(text, sizeof(text), GET "Host: %0256d\r\n", 1);
	out[0] = '\0';
	assert_int_equal(http(text, out), 0);
	assert_string_equal(out, "");
}

/* A ClientHello with a session of 4 bytes, two cipher suites, an extension before server_name and
 * one behind. */
static const uint8_t hello[] = {
	0x16, 0x03, 0x01, 0x00, 0x5b, /* record: 91 bytes */
	0x01, 0x00, 0x00, 0x57,	      /* ClientHello: 87 */
	0x03, 0x03, 1,	  2,	3,    4,    5,	  6,	7,    8,   9,	10,
	11,   12,   13,	  14,	15,   16,   17,	  18,	19,   20,  21,	22,
	23,   24,   25,	  26,	27,   28,   29,	  30,	31,   32, /* version, random */
	4,    0xaa, 0xbb, 0xcc, 0xdd,				  /* session */
	0x00, 0x04, 0x13, 0x01, 0x13, 0x02,			  /* cipher suites */
	1,    0,						  /* compression */
	0x00, 0x26,						  /* extensions: 38 */
	0x00, 0x17, 0x00, 0x00,					  /* extended master secret */
	0x00, 0x00, 0x00, 0x14, 0x00, 0x12, 0x00, 0x00, 0x0f, 'w', 'w', 'w',
	'.',  'e',  'x',  'a',	'm',  'p',  'l',  'e',	'.',  'o', 'r', 'g',
	0x00, 0x2b, 0x00, 0x06, 5,    0x03, 0x04, 0x03, 0x03, 0,
};
#define NAME_END 86 /* where the name ends in hello */

static int tls(const uint8_t *data, size_t len, char *out, size_t cap)
{
	uint8_t *copy = malloc(len ? len : 1);
	int rc;

	memcpy(copy, data, len);
	rc = hostname_from_tls(copy, len, out, cap);
	free(copy);
	return rc;
}

static void tls_whole_and_every_beginning(void **state)
{
	for (size_t n = 1; n <= sizeof(hello); n++) {
		char out[64] = "";
		int rc = tls(hello, n, out, sizeof(out));

		assert_int_equal(rc, n >= NAME_END ? 1 : -EAGAIN);
		assert_string_equal(out, n >= NAME_END ? "www.example.org" : "");
	}
}

/* The hello in two records, cut at each byte. */
static void tls_in_two_records(void **state)
{
	size_t body = sizeof(hello) - 5;

	for (size_t cut = 1; cut < body; cut++) {
		uint8_t two[sizeof(hello) + 5];
		char out[64] = "";

		memcpy(two, hello, 3);
		two[3] = 0;
		two[4] = (uint8_t)cut;
		memcpy(two + 5, hello + 5, cut);
		memcpy(two + 5 + cut, hello, 3);
		two[5 + cut + 3] = 0;
		two[5 + cut + 4] = (uint8_t)(body - cut);
		memcpy(two + 10 + cut, hello + 5 + cut, body - cut);
		assert_int_equal(tls(two, sizeof(two), out, sizeof(out)), 1);
		assert_string_equal(out, "www.example.org");
	}
}

static void tls_without_a_name(void **state)
{
	static const struct {
		const char *what;
		unsigned int at;
		uint8_t value;
	} table[] = {
		{"not a handshake", 0, 0x17},	{"not TLS", 1, 0x02},
		{"a ServerHello", 5, 2},	{"session beyond", 43, 0xff},
		{"suites beyond", 48, 0xff},	{"compression beyond", 54, 0xff},
		{"extension beyond", 60, 0xff}, {"list beyond", 65, 0xff},
		{"list empty", 67, 0},		{"not a host name", 68, 1},
		{"name beyond", 70, 0xff},	{"name with a space", 75, ' '},
		{"name with NUL", 75, 0},	{"hello shorter than it", 8, 40},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		uint8_t copy[sizeof(hello)];
		char out[64] = "";

		memcpy(copy, hello, sizeof(hello));
		assert_int_not_equal(copy[table[i].at], table[i].value);
		copy[table[i].at] = table[i].value;
		if (tls(copy, sizeof(copy), out, sizeof(out)) != 0)
			print_message("  %s\n", table[i].what);
		assert_int_equal(tls(copy, sizeof(copy), out, sizeof(out)), 0);
		assert_string_equal(out, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_samples),
		cmocka_unit_test(names_longer_than_the_room_are_none),
		cmocka_unit_test(tls_whole_and_every_beginning),
		cmocka_unit_test(tls_in_two_records),
		cmocka_unit_test(tls_without_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/http.h"
#include "util/util.h"

struct trace {
	struct http_reader r;
	char text[512];
	size_t at;
};

static void trace_event(void *arg, enum http_kind kind, const uint8_t *data, size_t len)
{
	struct trace *t = arg;
	size_t room = sizeof(t->text) - t->at;

	if (kind == HTTP_HEAD)
		t->at += (size_t)snprintf(t->text + t->at, room, "%u%s%s:", t->r.status,
					  t->r.encoded ? "e" : "", t->r.close ? "c" : "");
	else if (kind == HTTP_BODY)
		t->at += (size_t)snprintf(t->text + t->at, room, "%.*s", (int)len, data);
	else
		t->at += (size_t)snprintf(t->text + t->at, room, ";");
}

struct example {
	const char *text, *trace;
	int result;
};

static const struct example examples[] = {
	{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 404 No\r\nContent-Length: "
	 "0\r\n\r\n",
	 "200:abc;404:;", 0},
	{"HTTP/1.0 200 OK\r\n\r\nabc", "200c:abc", 0},
	{"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na", "200:a;", 0},
	{"HTTP/1.1 200 OK\nconnection: close\ncontent-length:2\n\nab", "200c:ab;", 0},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
	 "chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n"
	 "Trailer: x\r\n\r\nHTTP/1.1 204 -\r\n\r\n",
	 "200:abc0123456789;204:;", 0},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "200:a;", 0},
	{"HTTP/1.1 304 Not\r\nContent-Length: 500\r\n\r\n", "304:;", 0},
	{"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nz", "200e:z;", 0},
	{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", "200:ab;", 0},
	{"\r\nHTTP/1.1 200\r\nContent-Length: 1\r\n\r\na", "200:a;", 0},
	{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", "", -EPROTO},
	{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "", -EPROTO},
	{"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999\r\n\r\n", "", -EPROTO},
	{"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n", "", -EPROTO},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "", -EPROTO},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "200:", -EPROTO},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n123456789\r\n", "200:", -EPROTO},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", "200:a", -EPROTO},
	{"HTTP/2 200 OK\r\n\r\n", "", -EPROTO},
	{"HTTP/1.1 2x0 OK\r\n\r\n", "", -EPROTO},
	{"220 ready\r\n", "", -EPROTO},
};

static void whole_and_split(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		const uint8_t *data = (const uint8_t *)examples[i].text;
		size_t len = strlen(examples[i].text);

		for (size_t split = 0; split <= len; split++) {
			struct trace t = {.at = 0};

			http_init(&t.r);
			(void)http_feed(&t.r, data, split, trace_event, &t);
			assert_int_equal(
				http_feed(&t.r, data + split, len - split, trace_event, &t),
				examples[i].result);
			assert_string_equal(t.text, examples[i].trace);
		}
	}
}

static void byte_by_byte(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		struct trace t = {.at = 0};
		int err = 0;

		http_init(&t.r);
		for (const char *c = examples[i].text; *c; c++)
			err = http_feed(&t.r, (const uint8_t *)c, 1, trace_event, &t);
		assert_int_equal(err, examples[i].result);
		assert_string_equal(t.text, examples[i].trace);
	}
}

/* Longer than what is kept of a line: read over, and what follows is still found. */
static void long_header(void **state)
{
	char text[2048];
	struct trace t = {.at = 0};
	int len = snprintf(text, sizeof(text),
			   "HTTP/1.1 200 OK\r\nX: %01000d\r\nContent-Length: 2\r\n\r\nab", 0);

	http_init(&t.r);
	assert_int_equal(http_feed(&t.r, (const uint8_t *)text, (size_t)len, trace_event, &t), 0);
	assert_string_equal(t.text, "200:ab;");
}

static void too_many_headers(void **state)
{
	struct trace t = {.at = 0};

	http_init(&t.r);
	assert_int_equal(
		http_feed(&t.r, (const uint8_t *)"HTTP/1.1 200 OK\r\n", 17, trace_event, &t), 0);
	for (int i = 0; i < HTTP_HEADERS_MAX; i++)
		assert_int_equal(http_feed(&t.r, (const uint8_t *)"a: b\r\n", 6, trace_event, &t),
				 0);
	assert_int_equal(http_feed(&t.r, (const uint8_t *)"a: b\r\n", 6, trace_event, &t), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_and_split),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(long_header),
		cmocka_unit_test(too_many_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

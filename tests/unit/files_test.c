// SPDX-License-Identifier: GPL-2.0-only
/* Files on FTP's data connections and in HTTP's bodies: what is told of them, cut at every byte and
 * with gaps at every place. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/consumer.h"
#include "app/record.h"
#include "proto/http.h"
#include "proto/secret.h"
#include "util/util.h"

extern CONSUMER(ftp_files);
extern CONSUMER(http_files);

#define C	 STREAM_CLIENT
#define S	 STREAM_SERVER
#define TOLD_MAX 4096

/* A flow with one consumer, and what it has told: "name size state", one after the other. */
struct bench {
	const struct consumer *row;
	struct app_services services;
	struct flow flow;
	void *state, *reader;
	bool left;
	uint64_t offset[2];
	const char *parent_name; /* NULL: nobody announced the flow */
	char expect[65];	 /* hash that is right, in hex; "": none */
	struct app_record last;
	unsigned int count;
	char told[TOLD_MAX];
};

static bool parent(void *arg, const struct flow *f, struct app_parent *out)
{
	struct bench *b = arg;

	assert_ptr_equal(f, &b->flow);
	if (!b->parent_name)
		return false;
	*out = (struct app_parent){.flow_id = 77};
	snprintf(out->name, sizeof(out->name), "%s", b->parent_name);
	return true;
}

static void hex_of(const uint8_t hash[32], char out[65])
{
	for (unsigned int i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

static void tell(void *arg, const struct app_message *m, const struct app_record *r)
{
	struct bench *b = arg;
	size_t used = strlen(b->told), len;
	const char *name = app_record_get(r, APP_TEXT_FILENAME, &len);
	uint8_t copy[sizeof(*r)];

	(void)m;
	assert_int_equal(r->kind, APP_RECORD_FILE);
	memcpy(copy, r, app_record_bytes(r));
	assert_true(app_record_sound(copy, app_record_bytes(r)));
	assert_true(!r->hashed || (r->closed && !r->gaps));
	memcpy(&b->last, r, sizeof(*r));
	b->count++;
	snprintf(b->told + used, sizeof(b->told) - used, "%s%u %s %.*s %llu%s%s%s", used ? ";" : "",
		 r->tx, r->to_server ? "up" : "down", (int)len, name ? name : "",
		 (unsigned long long)r->size, r->closed ? "" : " open", r->gaps ? " gaps" : "",
		 r->hashed ? "" : " unhashed");
}

static struct bench *bench_new(const struct consumer *row)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->row = row;
	b->services = (struct app_services){
		.tell = tell, .parent = parent, .records = 1u << APP_RECORD_FILE, .arg = b};
	if (row->reader)
		b->reader = calloc(1, row->reader->size);
	return b;
}

static void bench_free(struct bench *b)
{
	b->row->release(b->state);
	free(b->reader);
	free(b);
}

static void give(void *arg, const void *event)
{
	struct bench *b = arg;
	struct app_message m = {.flow = &b->flow};
	struct consumer_answer answer = {.sides = CONSUMER_BOTH};

	if (b->left)
		return;
	b->row->event(&b->services, &m, event, &b->state, &answer);
	b->left = answer.verb == CONSUMER_LEAVE;
}

static void event(struct bench *b, uint8_t side, uint8_t kind, const void *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct stream_event e = {.kind = kind,
				 .side = side,
				 .offset = b->offset[side],
				 .data = kind == STREAM_DATA ? copy : NULL,
				 .len = len};

	if (kind == STREAM_DATA)
		memcpy(copy, data, len);
	b->offset[side] += len;
	if (b->row->reader)
		(void)b->row->reader->read(b->reader, &e, give, b);
	else
		give(b, &e);
	free(copy);
}

static void say(struct bench *b, uint8_t side, const char *text, size_t piece)
{
	size_t len = strlen(text);

	for (size_t at = 0; at < len; at += piece)
		event(b, side, STREAM_DATA, text + at, len - at < piece ? len - at : piece);
}

static void assert_hash(const struct bench *b, const char *text)
{
	uint8_t hash[32];
	char is[65], wanted[65];

	secret_hash((const uint8_t *)text, strlen(text), hash);
	hex_of(hash, wanted);
	hex_of(b->last.sha256, is);
	assert_true(b->last.hashed);
	assert_string_equal(is, wanted);
}

/* ---- FTP ---- */

static void ftp_both_ways(void **state)
{
	for (uint8_t side = 0; side < 2; side++) {
		for (size_t piece = 1; piece < 12; piece++) {
			struct bench *b = bench_new(&consumer_ftp_files);

			(void)state;
			b->parent_name = "a.txt";
			say(b, side, "some bytes", piece);
			/* The receiver may end its side at any time. */
			event(b, !side, STREAM_END, NULL, 0);
			assert_false(b->left);
			event(b, side, STREAM_END, NULL, 0);
			assert_true(b->left);
			assert_string_equal(b->told,
					    side == C ? "0 up a.txt 10" : "0 down a.txt 10");
			assert_hash(b, "some bytes");
			assert_int_equal(b->last.parent_id, 77);
			bench_free(b);
		}
	}
}

static void ftp_gaps(void **state)
{
	static const char text[] = "0123456789";

	(void)state;
	for (size_t at = 0; at <= 10; at++) {
		struct bench *b = bench_new(&consumer_ftp_files);

		b->parent_name = "a.txt";
		event(b, S, STREAM_DATA, text, at);
		event(b, S, STREAM_GAP, NULL, 3);
		event(b, S, STREAM_DATA, text + at, 10 - at);
		event(b, S, STREAM_END, NULL, 0);
		assert_string_equal(b->told, "0 down a.txt 10 gaps unhashed");
		bench_free(b);
	}
}

static void ftp_beginning_not_seen(void **state)
{
	struct bench *b = bench_new(&consumer_ftp_files);

	(void)state;
	b->parent_name = "a.txt";
	event(b, C, STREAM_GAP, NULL, 0);
	event(b, S, STREAM_GAP, NULL, 0);
	say(b, S, "rest", 4);
	event(b, S, STREAM_END, NULL, 0);
	assert_string_equal(b->told, "0 down a.txt 4 gaps unhashed");
	bench_free(b);
}

static void ftp_broken_off(void **state)
{
	struct bench *b = bench_new(&consumer_ftp_files);

	(void)state;
	b->parent_name = "a.txt";
	say(b, S, "half", 4);
	event(b, C, STREAM_RESET, NULL, 0);
	assert_string_equal(b->told, "0 down a.txt 4 open unhashed");
	bench_free(b);
}

static void ftp_empty(void **state)
{
	struct bench *b = bench_new(&consumer_ftp_files);

	(void)state;
	b->parent_name = "a.txt";
	event(b, C, STREAM_END, NULL, 0);
	event(b, S, STREAM_END, NULL, 0);
	assert_string_equal(b->told, "0 up a.txt 0");
	assert_hash(b, "");
	bench_free(b);
}

static void ftp_named_at_the_end_or_not_at_all(void **state)
{
	struct bench *b = bench_new(&consumer_ftp_files);

	(void)state;
	b->parent_name = "";
	say(b, S, "bytes", 5);
	b->parent_name = "late";
	event(b, S, STREAM_END, NULL, 0);
	assert_string_equal(b->told, "0 down late 5");
	bench_free(b);
	/* The next transfer's name is not this one's. */
	b = bench_new(&consumer_ftp_files);
	b->parent_name = "one";
	say(b, S, "bytes", 5);
	b->parent_name = "two";
	event(b, S, STREAM_END, NULL, 0);
	assert_string_equal(b->told, "0 down one 5");
	bench_free(b);
	/* A listing. */
	b = bench_new(&consumer_ftp_files);
	b->parent_name = "";
	say(b, S, "-rw-r--r--", 5);
	event(b, S, STREAM_END, NULL, 0);
	assert_string_equal(b->told, "");
	bench_free(b);
}

static void nobody_wants_files(void **state)
{
	struct bench *b = bench_new(&consumer_ftp_files);

	(void)state;
	b->flow.key.proto = IPPROTO_TCP;
	assert_int_equal(b->row->wants(&b->services, &b->flow), 0);
	b->flow.expected = true;
	assert_int_equal(b->row->wants(&b->services, &b->flow), CONSUMER_BOTH);
	b->services.records = 0;
	assert_int_equal(b->row->wants(&b->services, &b->flow), 0);
	assert_int_equal(consumer_http_files.wants(&b->services, &b->flow), 0);
	bench_free(b);
}

/* ---- HTTP ---- */

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
	const char *client, *server, *told;
} transactions[] = {
	{"GET /d/a.bin?x HTTP/1.1\r\nHost: h\r\n\r\n", OK "Content-Length: 5\r\n\r\nbytes",
	 "0 down a.bin 5"},
	{"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n",
	 OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" OK
	    "Content-Length: 0\r\n\r\n" OK
	    "Content-Disposition: attachment; filename=\"x.y\"\r\nContent-Length: 1\r\n\r\nz",
	 "0 down a 5;2 down x.y 1"},
	{"PUT /up HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 204 -\r\n\r\n", "0 up up 3"},
	{"HEAD /a HTTP/1.1\r\n\r\n", OK "Content-Length: 50\r\n\r\n", ""},
	{"GET /a HTTP/1.1\r\n\r\n", OK "Content-Length: 9\r\n\r\nhalf", "0 down a 4 open unhashed"},
	{"GET / HTTP/1.0\r\n\r\n", OK "\r\nto the end", "0 down  10"},
	{"", OK "Content-Length: 5\r\n\r\nbytes", "0 down  5"},
};

static void play(struct bench *b, size_t i, size_t piece, bool server_first)
{
	if (server_first)
		say(b, S, transactions[i].server, piece);
	say(b, C, transactions[i].client, piece);
	if (!server_first)
		say(b, S, transactions[i].server, piece);
	event(b, C, STREAM_END, NULL, 0);
	event(b, S, STREAM_END, NULL, 0);
}

static void http_cut_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(transactions); i++) {
		for (size_t piece = 1; piece < 80; piece++) {
			struct bench *b = bench_new(&consumer_http_files);

			play(b, i, piece, false);
			assert_string_equal(b->told, transactions[i].told);
			bench_free(b);
		}
	}
}

static void http_answers_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(transactions); i++) {
		struct bench *b = bench_new(&consumer_http_files);

		play(b, i, 7, true);
		/* Without the request there is no name; all else is the same. */
		assert_int_equal(b->count > 0, transactions[i].told[0] != 0);
		bench_free(b);
	}
}

static void http_texts_and_hash(void **state)
{
	struct bench *b = bench_new(&consumer_http_files);
	size_t len;

	(void)state;
	say(b, C, "GET /d/a.bin HTTP/1.1\r\nHost: H.example:81\r\nUser-Agent: me\r\n\r\n", 9);
	say(b, S,
	    "HTTP/1.1 206 Part\r\nContent-Type: text/plain\r\nContent-Range: bytes 5-9/70\r\n"
	    "Content-Length: 5\r\n\r\nbytes",
	    9);
	assert_hash(b, "bytes");
	assert_int_equal(b->last.status, 206);
	assert_int_equal(b->last.start, 5);
	assert_int_equal(b->last.end, 9);
	assert_int_equal(b->last.port, 81);
	assert_true(b->last.answered);
	assert_memory_equal(app_record_get(&b->last, APP_TEXT_URL, &len), "/d/a.bin", 8);
	assert_memory_equal(app_record_get(&b->last, APP_TEXT_HOSTNAME, &len), "h.example", 9);
	assert_memory_equal(app_record_get(&b->last, APP_TEXT_CONTENT_TYPE, &len), "text/plain",
			    10);
	bench_free(b);
}

static void http_gaps(void **state)
{
	static const char head[] = OK "Content-Length: 10\r\n\r\n", text[] = "0123456789";

	(void)state;
	for (size_t at = 0; at < 8; at++) {
		struct bench *b = bench_new(&consumer_http_files);

		say(b, C, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n", 100);
		say(b, S, head, 100);
		if (at)
			event(b, S, STREAM_DATA, text, at);
		event(b, S, STREAM_GAP, NULL, 3);
		if (at < 7)
			event(b, S, STREAM_DATA, text + at + 3, 7 - at);
		say(b, S, OK "Content-Length: 1\r\n\r\nx", 100);
		assert_string_equal(b->told, "0 down a 7 gaps unhashed;1 down b 1");
		bench_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ftp_both_ways),
		cmocka_unit_test(ftp_gaps),
		cmocka_unit_test(ftp_beginning_not_seen),
		cmocka_unit_test(ftp_broken_off),
		cmocka_unit_test(ftp_empty),
		cmocka_unit_test(ftp_named_at_the_end_or_not_at_all),
		cmocka_unit_test(nobody_wants_files),
		cmocka_unit_test(http_cut_at_every_byte),
		cmocka_unit_test(http_answers_first),
		cmocka_unit_test(http_texts_and_hash),
		cmocka_unit_test(http_gaps),
	};
	struct secret *library = secret_new();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	secret_free(library);
	return failed;
}

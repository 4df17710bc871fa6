// SPDX-License-Identifier: GPL-2.0-only
/* The readers of uTP and of the peer wire protocol. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/peer_wire.h"
#include "proto/utp.h"

/* What was given, as text: pieces that follow each other are one. */
struct log {
	char text[4096];
	size_t len;
	int last; /* side of the bytes at the end, -1: none */
	uint64_t offset[2];
};

static void put(struct log *l, const char *text, size_t len)
{
	assert_true(l->len + len < sizeof(l->text));
	if (len)
		memcpy(l->text + l->len, text, len);
	l->len += len;
	l->text[l->len] = '\0';
}

static void see_stream(void *arg, const void *event)
{
	static const char *const names[] = {"", "-gap", "-end", "-reset"};
	const struct stream_event *e = event;
	struct log *l = arg;

	assert_int_equal(e->offset, l->offset[e->side]);
	if (e->kind != STREAM_DATA || l->last != e->side)
		put(l, e->side ? " S:" : " C:", 3);
	if (e->kind == STREAM_DATA) {
		put(l, (const char *)e->data, e->len);
		l->offset[e->side] += e->len;
	} else {
		put(l, names[e->kind], strlen(names[e->kind]));
	}
	l->last = e->kind == STREAM_DATA ? e->side : -1;
	if (e->kind == STREAM_RESET)
		l->offset[0] = l->offset[1] = 0;
}

static struct utp utp;
static struct log seen;

static int start(void **state)
{
	memset(&utp, 0, sizeof(utp));
	seen = (struct log){.last = -1};
	return 0;
}

static int end(void **state)
{
	reader_utp.fini(&utp);
	return 0;
}

enum { DATA, FIN, STATE, RESET, SYN };

static int send(enum stream_side side, uint8_t type, uint16_t id, uint16_t seq, uint16_t ack,
		const char *text)
{
	size_t len = 20 + strlen(text);
	uint8_t *data = calloc(1, len);
	struct stream_event e = {
		.kind = STREAM_DATAGRAM, .side = (uint8_t)side, .data = data, .len = len};
	const uint16_t words[] = {(uint16_t)((type << 4 | 1) << 8), id, 0, 7, 0, 0, 1, 0, seq, ack};
	int rc;

	for (int i = 0; i < 10; i++) {
		data[2 * i] = (uint8_t)(words[i] >> 8);
		data[2 * i + 1] = (uint8_t)words[i];
	}
	memcpy(data + 20, text, len - 20);
	rc = reader_utp.read(&utp, &e, see_stream, &seen);
	free(data);
	return rc;
}

#define CLIENT(type, seq, ack, text) send(STREAM_CLIENT, type, 101, seq, ack, text)
#define SERVER(type, seq, ack, text) send(STREAM_SERVER, type, 100, seq, ack, text)

static void open_utp(void)
{
	send(STREAM_CLIENT, SYN, 100, 65534, 0, "");
	SERVER(STATE, 5, 65534, "");
}

/* Numbers wrap, packets come in any order and twice, both sides at once. */
static void order_is_restored(void **state)
{
	static const uint8_t orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 0, 3, 2}, {2, 3, 0, 1}};
	static const char *const texts[] = {"ab", "cd", "ef", "gh"};

	for (size_t o = 0; o < 4; o++) {
		end(NULL);
		start(NULL);
		open_utp();
		for (size_t n = 0; n < 8; n++) {
			uint8_t i = orders[o][n / 2];

			CLIENT(DATA, (uint16_t)(65535 + i), 4, texts[i]);
		}
		CLIENT(FIN, 3, 4, "");
		CLIENT(DATA, 3, 4, "late");
		assert_string_equal(seen.text, " C:abcdefgh C:-end");
	}
}

/* An end in front of what is missing waits for it. */
static void an_end_comes_last(void **state)
{
	open_utp();
	CLIENT(FIN, 1, 4, "");
	CLIENT(DATA, 0, 4, "b");
	assert_string_equal(seen.text, "");
	CLIENT(DATA, 65535, 4, "a");
	assert_string_equal(seen.text, " C:ab C:-end");
	SERVER(DATA, 5, 1, "x");
	SERVER(RESET, 6, 1, "");
	assert_string_equal(seen.text, " C:ab C:-end S:x S:-reset");
}

/* What the receiver has acknowledged will not be sent again. */
static void what_is_acknowledged_is_missing(void **state)
{
	open_utp();
	CLIENT(DATA, 65535, 4, "a");
	CLIENT(DATA, 1, 4, "c");
	SERVER(STATE, 5, 65535, "");
	assert_string_equal(seen.text, " C:a");
	SERVER(STATE, 5, 1, "");
	assert_string_equal(seen.text, " C:a C:-gap C:c");
	CLIENT(DATA, 0, 4, "b");
	CLIENT(DATA, 2, 4, "d");
	assert_string_equal(seen.text, " C:a C:-gap C:cd");
}

/* More than is kept behind a gap ends the waiting for it; nothing comes twice or out of order. */
static void waiting_is_bounded(void **state)
{
	char text[1400];

	open_utp();
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (uint16_t n = 1; n < 40; n++)
		CLIENT(DATA, (uint16_t)(65535 + 2 * n), 4, n < 20 ? "y" : "z");
	assert_non_null(strstr(seen.text, "-gap C:y"));
	assert_true(utp.side[0].held <= UTP_HELD_MAX);
	end(NULL);
	start(NULL);
	open_utp();
	for (uint16_t n = 1; n < 13; n++)
		CLIENT(DATA, (uint16_t)(65535 + n), 4, n == 12 ? "end" : n == 1 ? "first" : text);
	assert_string_equal(seen.text, "");
}

/* The number of the first packet with data: that of the responder's answer, or the next. */
static void both_ways_of_counting(void **state)
{
	open_utp();
	CLIENT(STATE, 65535, 4, "");
	SERVER(DATA, 5, 65534, "a");
	assert_string_equal(seen.text, " S:a");
	end(NULL);
	start(NULL);
	open_utp();
	CLIENT(STATE, 65535, 5, "");
	SERVER(DATA, 6, 65534, "a");
	SERVER(DATA, 5, 65534, "z");
	assert_string_equal(seen.text, " S:a");
	end(NULL);
	start(NULL);
	open_utp();
	SERVER(DATA, 6, 65534, "a");
	CLIENT(STATE, 65535, 6, "");
	assert_string_equal(seen.text, " S:a");
}

/* Begun at the answer, at data, or behind the beginning: that is told. */
static void without_its_beginning(void **state)
{
	SERVER(STATE, 5, 65534, "");
	CLIENT(DATA, 0, 4, "b");
	CLIENT(DATA, 65535, 4, "a");
	assert_string_equal(seen.text, " C:-gap C:ab");
	end(NULL);
	start(NULL);
	CLIENT(DATA, 7, 4, "a");
	SERVER(DATA, 5, 7, "x");
	assert_string_equal(seen.text, " C:-gap C:a S:-gap S:x");
}

static void others_are_not_of_it(void **state)
{
	struct stream_event other = {
		.kind = STREAM_DATAGRAM, .data = (const uint8_t *)"d1:", .len = 3};
	int rc = 0;

	open_utp();
	send(STREAM_CLIENT, DATA, 102, 65535, 4, "other id");
	CLIENT(DATA, 5000, 4, "far");
	send(STREAM_SERVER, RESET, 77, 5, 4, "");
	assert_string_equal(seen.text, "");
	CLIENT(DATA, 65535, 4, "a");
	/* Another connection between the same ports, opened by the other side. */
	send(STREAM_SERVER, SYN, 300, 9, 0, "");
	send(STREAM_CLIENT, STATE, 300, 20, 9, "");
	send(STREAM_SERVER, DATA, 301, 10, 19, "x");
	assert_string_equal(seen.text, " C:a S:-reset S:x");
	for (int i = 0; i < 1000 && rc == 0; i++)
		rc = reader_utp.read(&utp, &other, see_stream, &seen);
	assert_int_equal(rc, -EPROTO);
}

/* ---- peer wire ---- */

static void see_wire(void *arg, const void *event)
{
	const struct peer_wire_event *e = event;
	struct log *l = arg;
	char text[128] = "";

	if (e->kind == PEER_WIRE_PAYLOAD) {
		if (e->at == 0)
			put(l, " ", 1);
		put(l, (const char *)e->data, e->size);
		assert_true(e->at + e->size <= e->len);
		return;
	}
	if (e->kind == PEER_WIRE_GREETED)
		snprintf(text, sizeof(text), " %u:hello-%.4s-%.4s-%d@%u", e->side, e->info_hash,
			 e->peer_id, e->extends, (unsigned int)e->offset);
	else if (e->kind == PEER_WIRE_ALIVE)
		snprintf(text, sizeof(text), " %u:alive", e->side);
	else
		snprintf(text, sizeof(text), " %u:%u#%u-%u,%u,%u,%u,%u@%u", e->side, e->id,
			 e->number, e->len, e->index, e->begin, e->length, e->port,
			 (unsigned int)e->offset);
	put(l, text, strlen(text));
}

static const char wire[] =
	"\x13"
	"BitTorrent protocol\0\0\0\0\0\x10\0\1HASH5678901234567890PEER5678901234567890"
	"\0\0\0\0"
	"\0\0\0\1\1"
	"\0\0\0\5\4\0\0\0\7"
	"\0\0\0\x0d\6\0\0\0\1\0\0\2\0\0\0\x40\0"
	"\0\0\0\x0e\7\0\0\0\1\0\0\2\0block"
	"\0\0\0\3\x9\x1a\xe1"
	"\0\0\0\7\x14\3extra"
	"\0\0\0\2\x14\0"
	"\0\0\0\1\x14"
	"\0\0\0\4\6abc";
static const char want[] =
	" 0:hello-HASH-PEER-1@0 0:alive 0:1#0-0,0,0,0,0@72 0:4#0-4,7,0,0,0@77"
	" 0:6#0-12,1,512,16384,0@86 0:7#0-13,1,512,5,0@103 0:9#0-2,0,0,0,6881@121"
	" 0:20#3-5,0,0,0,0@128 extra 0:20#0-0,0,0,0,0@139  0:20#0-0,0,0,0,0@145"
	" 0:6#0-3,0,0,0,0@150";

static int feed(struct peer_wire *w, enum stream_kind kind, const char *text, size_t len)
{
	struct stream_event e = {.kind = (uint8_t)kind, .data = (const uint8_t *)text, .len = len};
	uint8_t *copy = malloc(len ? len : 1);
	int rc;

	if (kind == STREAM_DATA) {
		memcpy(copy, text, len);
		e.data = copy;
	}
	rc = peer_wire_read(w, &e, see_wire, &seen);
	free(copy);
	return rc;
}

static void every_cut_of_a_connection(void **state)
{
	size_t len = sizeof(wire) - 1;

	for (size_t cut = 0; cut <= len; cut++) {
		struct peer_wire w = {0};

		start(NULL);
		assert_int_equal(feed(&w, STREAM_DATA, wire, cut), 0);
		assert_int_equal(feed(&w, STREAM_DATA, wire + cut, len - cut), 0);
		assert_string_equal(seen.text, want);
	}
	start(NULL);
	{
		struct peer_wire w = {0};

		feed(&w, STREAM_GAP, NULL, 0); /* its beginning was not seen, and yet it is here */
		for (size_t at = 0; at < len; at++)
			assert_int_equal(feed(&w, STREAM_DATA, wire + at, 1), 0);
		assert_string_equal(seen.text, want);
	}
}

/* Behind a gap in a block it goes on; elsewhere nothing is made up. */
static void every_gap_in_a_connection(void **state)
{
	size_t len = sizeof(wire) - 1, block = 103 + 13;

	for (size_t at = 0; at < len; at++) {
		struct peer_wire w = {0};
		int rc;

		start(NULL);
		feed(&w, STREAM_DATA, wire, at);
		assert_int_equal(feed(&w, STREAM_GAP, NULL, 1), 0);
		rc = feed(&w, STREAM_DATA, wire + at + 1, len - at - 1);
		assert_int_equal(rc, 0);
		if (at >= block && at < block + 5)
			assert_string_equal(seen.text, want);
		else if (at < 150 + 4)
			assert_memory_equal(seen.text, want, seen.len);
	}
}

static void what_is_no_peer(void **state)
{
	struct peer_wire w = {0};

	assert_int_equal(feed(&w, STREAM_DATA,
			      "\x13"
			      "BitTorrent protocoX",
			      20),
			 -EPROTO);
	w = (struct peer_wire){0};
	assert_int_equal(feed(&w, STREAM_DATA, wire, 68), 0);
	assert_int_equal(feed(&w, STREAM_DATA, "\0\x20\0\1", 4), -EPROTO);
	w = (struct peer_wire){0};
	feed(&w, STREAM_DATA, wire, 70);
	feed(&w, STREAM_RESET, NULL, 0);
	start(NULL);
	assert_int_equal(feed(&w, STREAM_DATA, wire, sizeof(wire) - 1), 0);
	assert_string_equal(seen.text, want);
	assert_int_equal(reader_peer_wire.guess(STREAM_CLIENT, (const uint8_t *)wire, 5),
			 READER_MAYBE);
	assert_int_equal(reader_peer_wire.guess(STREAM_CLIENT, (const uint8_t *)wire, 30),
			 READER_YES);
	assert_int_equal(reader_peer_wire.guess(STREAM_CLIENT, (const uint8_t *)"GET", 3),
			 READER_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(order_is_restored, start, end),
		cmocka_unit_test_setup_teardown(an_end_comes_last, start, end),
		cmocka_unit_test_setup_teardown(what_is_acknowledged_is_missing, start, end),
		cmocka_unit_test_setup_teardown(waiting_is_bounded, start, end),
		cmocka_unit_test_setup_teardown(both_ways_of_counting, start, end),
		cmocka_unit_test_setup_teardown(without_its_beginning, start, end),
		cmocka_unit_test_setup_teardown(others_are_not_of_it, start, end),
		cmocka_unit_test_setup(every_cut_of_a_connection, start),
		cmocka_unit_test_setup(every_gap_in_a_connection, start),
		cmocka_unit_test_setup(what_is_no_peer, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* IRC: cut at every byte, with gaps, in any order of the sides. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/util.h"

#define trace_check(condition) assert_true(condition)
#include "unit/irc_trace.h"

#define C STREAM_CLIENT
#define S STREAM_SERVER

static struct trace t;

static const struct {
	const char *client, *server, *said, *heard;
	int err;
} examples[] = {
	{"NICK a\r\nUSER a 0 * :A B\r\n\r\nPING\r\n", ":s.x 001 a :Hi there\r\n",
	 "||NICK(a);||USER(a,0,*,A B);||PING();", "|s.x|001(a,Hi there);", 0},
	{"@k=v;x :p  join   #a,#b  k\r\n", "", "k=v;x|p|join(#a,#b,k);", "", 0},
	{"A 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", "",
	 "||A(1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 16 17);", "", 0},
	{"PRIVMSG b :\x01"
	 "DCC SEND x 1 2\x01\r\nNOTICE b \x01PING\r\nTOPIC b :\x01x\r\n",
	 "",
	 "||PRIVMSG(b,\x01"
	 "DCC SEND x 1 2){DCC SEND x 1 2};||NOTICE(b,\x01PING){PING};||TOPIC(b,\x01x);",
	 "", 0},
	{"@x\r\n:y\r\n   \r\n", "", "", "", 0},
	{"STARTTLS\r\n", ":s 670 a :go\r\n:s 1 a\r\n", "||STARTTLS();", "|s|670(a,go);TLS",
	 -EPROTO},
	{"STARTTLS\r\n\x16\x03", "", "||STARTTLS();TLS", "", -EPROTO},
};

static void cut_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		for (size_t piece = 1; piece < 100; piece++) {
			trace_begin(&t, &reader_irc);
			trace_text(&t, C, examples[i].client, strlen(examples[i].client), piece,
				   trace_irc);
			trace_text(&t, S, examples[i].server, strlen(examples[i].server), piece,
				   trace_irc);
			assert_string_equal(t.side[C].text, examples[i].said);
			assert_string_equal(t.side[S].text, examples[i].heard);
			assert_int_equal(t.err, examples[i].err);
			trace_end(&t);
		}
	}
}

static void the_server_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < 5; i++) {
		trace_begin(&t, &reader_irc);
		trace_text(&t, S, examples[i].server, strlen(examples[i].server), 3, trace_irc);
		trace_text(&t, C, examples[i].client, strlen(examples[i].client), 3, trace_irc);
		assert_string_equal(t.side[C].text, examples[i].said);
		assert_string_equal(t.side[S].text, examples[i].heard);
		trace_end(&t);
	}
}

/* The line with the gap is not read. */
static void gaps_at_every_place(void **state)
{
	static const char text[] = "NICK a\r\nJOIN b\r\nPART c\r\n";

	(void)state;
	for (size_t at = 0; at < sizeof(text) - 1; at++) {
		trace_begin(&t, &reader_irc);
		trace_text(&t, S, text, at, 100, trace_irc);
		trace_feed(&t, S, STREAM_GAP, NULL, 1, trace_irc);
		trace_text(&t, S, text + at + 1, sizeof(text) - 2 - at, 100, trace_irc);
		assert_int_equal(strstr(t.side[S].text, "NICK(a)") != NULL, at >= 8);
		/* Without its end a line takes the next one with it. */
		assert_int_equal(strstr(t.side[S].text, "JOIN(b)") != NULL, at < 7 || at >= 16);
		assert_int_equal(strstr(t.side[S].text, "PART(c)") != NULL, at < 15);
		assert_int_equal(t.err, 0);
		trace_end(&t);
	}
}

static void no_text(void **state)
{
	static const uint8_t zero[4096];

	(void)state;
	trace_begin(&t, &reader_irc);
	for (unsigned int n = 0; n < 20; n++)
		trace_feed(&t, C, STREAM_DATA, zero, sizeof(zero), trace_irc);
	assert_int_equal(t.err, -EPROTO);
	trace_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(the_server_first),
		cmocka_unit_test(gaps_at_every_place),
		cmocka_unit_test(no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* FTP control connections: cut at every byte, with gaps, the answers first. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/ftp.h"
#include "unit/text_trace.h"
#include "util/util.h"

#define C STREAM_CLIENT
#define S STREAM_SERVER

static struct trace t;

static void heard(void *arg, const void *event)
{
	const struct ftp_event *e = event;
	char addr[ADDRESS_TEXT_MAX] = "";

	assert_ptr_equal(arg, &t);
	assert_non_null(e->text);
	if (e->addressed)
		address_format(e->addr, addr);
	if (e->kind == FTP_SECURE)
		trace_say(&t, S, "TLS;");
	else if (e->port || e->addressed)
		trace_say(&t, e->side, "%u %s %u;", e->kind == FTP_COMMAND ? e->verb : e->code,
			  addr, e->port);
	else
		trace_say(&t, e->side, "%u %s;", e->kind == FTP_COMMAND ? e->verb : e->code,
			  e->text);
}

static const struct {
	const char *client, *server, *commands, *replies;
	int err;
} examples[] = {
	{"USER me\r\nretr a b\r\nNOOP\r\n", "220 Hi\r\n331 x\r\n", "1 me;6 a b;0 NOOP;",
	 "220 Hi;331 x;", 0},
	{"PORT 10,0,0,1,4,1\r\nPORT 1,2\r\nEPRT |2|2001:db8::1|77|\r\nEPRT |3|x|1|\r\n", "",
	 "2 10.0.0.1 1025;2 1,2;3 2001:db8::1 77;3 |3|x|1|;", "", 0},
	{"PASV\nEPSV\nRETRx\n", "227 Go 10,0,0,2,1,0\n229 Go (|||99|)\n229 Go (||99|)\n",
	 "4 ;5 ;0 RETRx;", "227 10.0.0.2 256;229  99;229 Go (||99|);", 0},
	/* Of several lines: the last one. */
	{"", "220-one\r\n227 no (1,1,1,1,1,1)\r\n221-x\r\n220 end\r\n221 bye\r\n", "",
	 "220 end;221 bye;", 0},
	{"", "not a reply\r\n22 x\r\n2200 x\r\n220\r\n", "", "220 ;", 0},
	{"AUTH TLS\r\n", "234 go\r\n227 Go 10,0,0,2,1,0\r\n", "17 TLS;", "234 go;TLS;", -EPROTO},
	{"AUTH TLS\r\n\x16\x03\x01", "", "17 TLS;", "TLS;", -EPROTO},
};

static void play(size_t i, size_t piece, bool server_first)
{
	const char *text[2] = {examples[i].client, examples[i].server};

	trace_begin(&t, &reader_ftp);
	for (unsigned int n = 0; n < 2; n++) {
		uint8_t side = n ^ server_first;

		trace_text(&t, side, text[side], strlen(text[side]), piece, heard);
	}
	trace_feed(&t, C, STREAM_END, NULL, 0, heard);
	trace_feed(&t, S, STREAM_END, NULL, 0, heard);
}

static void cut_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		for (size_t piece = 1; piece < 100; piece++) {
			play(i, piece, false);
			assert_string_equal(t.side[C].text, examples[i].commands);
			assert_string_equal(t.side[S].text, examples[i].replies);
			assert_int_equal(t.err, examples[i].err);
			trace_end(&t);
		}
	}
}

static void the_answers_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < 5; i++) {
		play(i, 5, true);
		assert_string_equal(t.side[C].text, examples[i].commands);
		assert_string_equal(t.side[S].text, examples[i].replies);
		trace_end(&t);
	}
}

/* The line with the gap is not read, nor taken together with what is behind it. */
static void gaps_at_every_place(void **state)
{
	static const char text[] = "USER a\r\nRETR b\r\nSTOR c\r\n";
	static const char *const left[] = {"6 b;7 c;", "1 a;7 c;", "1 a;6 b;"};

	(void)state;
	for (size_t at = 0; at < sizeof(text) - 1; at++) {
		trace_begin(&t, &reader_ftp);
		trace_text(&t, C, text, at, 100, heard);
		trace_feed(&t, C, STREAM_GAP, NULL, 1, heard);
		trace_text(&t, C, text + at + 1, sizeof(text) - 2 - at, 100, heard);
		/* Without its end a line takes the next one with it. */
		assert_string_equal(t.side[C].text, at == 7    ? "7 c;"
						    : at == 15 ? "1 a;"
						    : at == 23 ? "1 a;6 b;"
							       : left[at / 8]);
		assert_int_equal(t.err, 0);
		trace_end(&t);
	}
}

static void a_gap_ends_a_long_reply(void **state)
{
	(void)state;
	trace_begin(&t, &reader_ftp);
	trace_text(&t, S, "220-one\r\n", 9, 9, heard);
	trace_feed(&t, S, STREAM_GAP, NULL, 9, heard);
	trace_text(&t, S, "x\r\n331 y\r\n", 10, 10, heard);
	assert_string_equal(t.side[S].text, "331 y;");
	trace_end(&t);
}

static void no_text(void **state)
{
	static const uint8_t zero[4096];

	(void)state;
	trace_begin(&t, &reader_ftp);
	for (unsigned int i = 0; i < 20; i++)
		trace_feed(&t, C, STREAM_DATA, zero, sizeof(zero), heard);
	assert_int_equal(t.err, -EPROTO);
	trace_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_at_every_byte),	   cmocka_unit_test(the_answers_first),
		cmocka_unit_test(gaps_at_every_place),	   cmocka_unit_test(no_text),
		cmocka_unit_test(a_gap_ends_a_long_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

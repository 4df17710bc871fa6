// SPDX-License-Identifier: GPL-2.0-only
/* SMTP, IMAP and POP3: cut at every byte, with gaps, in any order of the sides. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/util.h"

#define trace_check(condition) assert_true(condition)
#include "unit/mail_trace.h"

#define C     STREAM_CLIENT
#define S     STREAM_SERVER
#define HELLO "\x16\x03\x01\x04\x04\x01"

static struct trace t;

/* One side sends a text, or what `kind` says. */
struct step {
	uint8_t side, kind;
	const char *text;
	uint64_t len; /* of a gap */
};

#define SAY(from, bytes)                                                                           \
	{                                                                                          \
		.side = (from), .text = (bytes)                                                    \
	}
#define GAP(from, bytes)                                                                           \
	{                                                                                          \
		.side = (from), .kind = STREAM_GAP, .len = (bytes)                                 \
	}
#define TELL(from, what)                                                                           \
	{                                                                                          \
		.side = (from), .kind = (what)                                                     \
	}

struct example {
	struct step step[8];
	const char *client, *server;
	int err;
};

static const struct example smtp[] = {
	/* A message, its dots, and pipelining. */
	{{SAY(S, "220 hi\r\n"), SAY(C, "EHLO x\r\n"), SAY(S, "250-a\r\n250 b\r\n"),
	  SAY(C, "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"), SAY(S, "250 \r\n250 \r\n354 go\r\n"),
	  SAY(C, "S: x\r\n\r\n..a\r\n.\rb\r\n.c\r\n...\r\n.\r\nQUIT\r\n"),
	  SAY(S, "250 \r\n221 \r\n")},
	 "2 x;4 FROM:<a>;5 TO:<b>;6 ;<S: x\r\n\r\n.a\r\n\rb\r\nc\r\n..\r\n>23.11 ;",
	 "220 hi;250- a;250 b;250 ;250 ;354 go;250 ;221 ;",
	 0},
	/* LF alone ends no text, nor does a dot in the middle. */
	{{SAY(C, "DATA\r\na\n.\nb.\r\n.\r\n")}, "6 ;<a\n.\nb.\r\n>8.", "", 0},
	{{SAY(C, "DATA\r\n.\r\nRSET\r\n")}, "6 ;<>0.8 ;", "", 0},
	/* The server refuses. */
	{{SAY(S, "220 hi\r\n"), SAY(C, "DATA\r\n"), SAY(S, "503 no\r\n"), SAY(C, "QUIT\r\n")},
	 "6 ;11 ;",
	 "220 hi;503 no;",
	 0},
	/* The server's side first. */
	{{SAY(S, "220 \r\n503 no\r\n354 go\r\n250 \r\n"),
	  SAY(C, "DATA\r\nDATA\r\nx\r\n.\r\nQUIT\r\n")},
	 "6 ;6 ;<x\r\n>3.11 ;",
	 "220 ;503 no;354 go;250 ;",
	 0},
	{{SAY(C, "BDAT 5\r\na\r\n.\rBDAT 2 LAST\r\n\r\nBDAT 0 LAST\r\n")},
	 "7 5;<a\r\n.\r>5,7 2 LAST;<\r\n>2.7 0 LAST;<>0.",
	 "",
	 0},
	{{SAY(C, "BDAT 9\r\nabc"), GAP(C, 4), SAY(C, "deRSET\r\n")}, "7 9;<abc[4]de>9,8 ;", "", 0},
	{{SAY(C, "BDAT 3\r\nabc"), GAP(C, 1)}, "7 3;<abc>3,", "", -EPROTO},
	{{SAY(C, "BDAT 3\r\nab"), GAP(C, 2)}, "7 3;<ab>2!,", "", -EPROTO},
	{{SAY(C, "DATA\r\nab"), GAP(C, 2)}, "6 ;<ab>2!.", "", -EPROTO},
	{{SAY(C, "DATA\r\nab"), TELL(S, STREAM_RESET)}, "6 ;<ab>2!.", "", 0},
	{{SAY(C, "DATA\r\nab"), TELL(S, STREAM_END), TELL(C, STREAM_END)}, "6 ;<ab>2!.", "", 0},
	/* Replies that were not given say nothing of others. */
	{{SAY(S, "220 hi\r\n503"), GAP(S, 3), SAY(S, "x\r\n503 \r\n"),
	  SAY(C, "DATA\r\na\r\n.\r\n")},
	 "6 ;<a\r\n>3.",
	 "220 hi;503 ;",
	 0},
	{{GAP(C, 0)}, "", "", -EPROTO},
	{{SAY(C, "STARTTLS\r\n"), SAY(S, "220 go\r\n"), SAY(C, HELLO "RSET\r\n")},
	 "10 ;TLS",
	 "220 go;",
	 -EPROTO},
	{{SAY(C, "\x16\x03\x01\x04\x04\x02")}, "", "", -EPROTO},
	{{SAY(C, "BDAT x\r\n")}, "7 x;", "", -EPROTO},
};

static const struct example pop3[] = {
	{{SAY(S, "+OK hi\r\n"), SAY(C, "CAPA\r\nLIST 1\r\nRETR 1\r\nNOOP\r\n"),
	  SAY(S, "+OK\r\nTOP\r\n.\r\n+OK 1 9\r\n+OK 9 bytes\r\n..a\r\n+OK b\r\n.\r\n+OK\r\n")},
	 "9 ;7 1;5 1;0 NOOP;",
	 "0+ hi;9+ ;<TOP\r\n>5.7+ 1 9;5+ 9 bytes;<.a\r\n+OK b\r\n>11.0+ ;",
	 0},
	{{SAY(S, "+OK\r\n"), SAY(C, "RETR 1\r\nRETR 2\r\n"),
	  SAY(S, "-ERR no\r\n+OK\r\nx\r\n.\r\n")},
	 "5 1;5 2;",
	 "0+ ;5- no;5+ ;<x\r\n>3.",
	 0},
	{{SAY(S, "+OK\r\n"), SAY(C, "AUTH PLAIN\r\n"), SAY(S, "+ \r\n"), SAY(C, "AGE=\r\n"),
	  SAY(S, "+OK in\r\n"), SAY(C, "TOP 1 0\r\n"), SAY(S, "+OK\r\na"), TELL(S, STREAM_END)},
	 "4 PLAIN;0 AGE=;6 1 0;",
	 "0+ ;4+ ;0+ in;6+ ;<a>1!.",
	 0},
	/* The server's side first: up to what the commands would explain. */
	{{SAY(S, "+OK\r\n+OK\r\n-ERR\r\nx\r\n.\r\n"), SAY(C, "NOOP\r\n")},
	 "",
	 "0+ ;0+ ;0- ;",
	 -EPROTO},
	{{SAY(S, "+OK\r\n"), SAY(C, "RETR 1\r\n"), SAY(S, "+OK\r\na"), GAP(S, 4), SAY(S, "b")},
	 "5 1;",
	 "0+ ;5+ ;<a>1!.",
	 -EPROTO},
	{{SAY(C, "RETR 1\r\n"), GAP(C, 4)}, "5 1;", "", -EPROTO},
	{{SAY(S, "+OK\r\n"), SAY(C, "STLS\r\n"), SAY(S, "+OK\r\n"), SAY(C, HELLO)},
	 "11 ;TLS",
	 "0+ ;11+ ;",
	 -EPROTO},
};

static const struct example imap[] = {
	{{SAY(S, "* OK hi {3}\r\n"), SAY(C, "a LOGIN {2}\r\n"), SAY(S, "+ go {1}\r\n"),
	  SAY(C, "me {3+}\r\nxyz\r\nb NOOP\r\n"), SAY(S, "a OK in\r\n")},
	 "0 a:LOGIN {2}+;<me>2.1 : {3+}+;<xyz>3.2 :;0 b:NOOP;",
	 "0 *:OK hi {3};0 +:go {1};0 a:OK in;",
	 0},
	{{SAY(S, "* 1 FETCH (BODY[] {7}\r\na {9}\r\n FLAGS ())\r\n* 2 FETCH (X {0}\r\n)\r\n")},
	 "",
	 "0 *:1 FETCH (BODY[] {7}+;<a {9}\r\n>7.1 : FLAGS ());0 *:2 FETCH (X {0}+;<>0.1 :);",
	 0},
	/* Nothing follows what was refused. */
	{{SAY(C, "a APPEND x {99}\r\n"), SAY(S, "a NO\r\n"), SAY(C, "b LOGOUT\r\n")},
	 "0 a:APPEND x {99}+;<>0!.0 b:LOGOUT;",
	 "0 a:NO;",
	 0},
	{{SAY(S, "* 1 FETCH ({9}\r\nabc"), GAP(S, 4), SAY(S, "de)\r\n")},
	 "",
	 "0 *:1 FETCH ({9}+;<abc[4]de>9.1 :);",
	 0},
	{{SAY(S, "* 1 FETCH ({9}\r\nabc"), GAP(S, 7)}, "", "0 *:1 FETCH ({9}+;<abc>3!.", -EPROTO},
	{{SAY(S, "* 1 FE"), GAP(S, 7)}, "", "", -EPROTO},
	{{SAY(C, "a APPEND {9+}\r\nabc"), TELL(S, STREAM_RESET)},
	 "0 a:APPEND {9+}+;<abc>3!.",
	 "",
	 0},
	{{SAY(C, "a STARTTLS\r\n"), SAY(S, "a OK\r\n"), SAY(C, HELLO)},
	 "0 a:STARTTLS;TLS",
	 "0 a:OK;",
	 -EPROTO},
	{{SAY(C, "a COMPRESS DEFLATE\r\n"), SAY(S, "a OK\r\n\x01")},
	 "0 a:COMPRESS DEFLATE;",
	 "0 a:OK;",
	 -EPROTO},
};

static void play(const struct reader *row, reader_emit *emit, const struct example *e, size_t piece)
{
	trace_begin(&t, row);
	for (const struct step *s = e->step; s < e->step + ARRAY_SIZE(e->step); s++) {
		if (s->text)
			trace_text(&t, s->side, s->text, strlen(s->text), piece, emit);
		else if (s->kind)
			trace_feed(&t, s->side, s->kind, NULL, s->len, emit);
	}
}

static void cut_all(const struct reader *row, reader_emit *emit, const struct example *e, size_t n)
{
	for (; n > 0; n--, e++) {
		for (size_t piece = 1; piece < 110; piece++) {
			play(row, emit, e, piece);
			assert_string_equal(t.side[C].text, e->client);
			assert_string_equal(t.side[S].text, e->server);
			assert_int_equal(t.err, e->err);
			trace_end(&t);
		}
	}
}

/* Whatever is missing, nothing is given that was not sent, and what was begun ends. */
static void gaps_all(const struct reader *row, reader_emit *emit, const struct example *e, size_t n)
{
	for (; n > 0; n--, e++) {
		for (size_t at = 0; at < strlen(e->step[0].text ? e->step[0].text : ""); at++) {
			const char *text = e->step[0].text;

			trace_begin(&t, row);
			trace_text(&t, e->step[0].side, text, at, 100, emit);
			trace_feed(&t, e->step[0].side, STREAM_GAP, NULL, 1, emit);
			trace_text(&t, e->step[0].side, text + at + 1, strlen(text) - at - 1, 100,
				   emit);
			trace_feed(&t, C, STREAM_RESET, NULL, 0, emit);
			assert_true(t.err || !t.side[C].place);
			assert_true(t.err || !t.side[S].place);
			trace_end(&t);
		}
	}
}

static void smtp_is_read(void **state)
{
	(void)state;
	cut_all(&reader_smtp, trace_smtp, smtp, ARRAY_SIZE(smtp));
	gaps_all(&reader_smtp, trace_smtp, smtp, ARRAY_SIZE(smtp));
}

static void pop3_is_read(void **state)
{
	(void)state;
	cut_all(&reader_pop3, trace_pop3, pop3, ARRAY_SIZE(pop3));
	gaps_all(&reader_pop3, trace_pop3, pop3, ARRAY_SIZE(pop3));
}

static void imap_is_read(void **state)
{
	(void)state;
	cut_all(&reader_imap, trace_imap, imap, ARRAY_SIZE(imap));
	gaps_all(&reader_imap, trace_imap, imap, ARRAY_SIZE(imap));
}

/* The literal is found although its line is too long to be kept. */
static void imap_long_line(void **state)
{
	char text[4096];
	int len = snprintf(text, sizeof(text), "* 1 FETCH (ENVELOPE %02000d BODY[] {3}\r\nabc)\r\n",
			   0);

	(void)state;
	for (size_t piece = 1; piece < 2100; piece += 7) {
		trace_begin(&t, &reader_imap);
		trace_text(&t, S, text, (size_t)len, piece, trace_imap);
		assert_non_null(strstr(t.side[S].text, "~+;<abc>3.1 :);"));
		assert_int_equal(t.err, 0);
		trace_end(&t);
	}
}

static void no_text(void **state)
{
	static const struct {
		const struct reader *row;
		reader_emit *emit;
	} all[] = {
		{&reader_smtp, trace_smtp}, {&reader_pop3, trace_pop3}, {&reader_imap, trace_imap}};
	static const uint8_t zero[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		trace_begin(&t, all[i].row);
		for (unsigned int n = 0; n < 20; n++)
			trace_feed(&t, C, STREAM_DATA, zero, sizeof(zero), all[i].emit);
		assert_int_equal(t.err, -EPROTO);
		trace_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smtp_is_read), cmocka_unit_test(pop3_is_read),
		cmocka_unit_test(imap_is_read), cmocka_unit_test(imap_long_line),
		cmocka_unit_test(no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* SIP and RTSP: cut at every byte, with gaps at every place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/util.h"

#define trace_check(condition) assert_true(condition)
#include "unit/message_trace.h"

#define S STREAM_SERVER

static struct trace t;

static const struct {
	const struct reader *row;
	const char *text, *given;
	size_t len; /* 0: of the text */
} examples[] = {
	{&reader_sip,
	 "INVITE sip:b@x SIP/2.0\r\nl : 7\r\nX:y\r\n\r\nv=0\r\no=SIP/2.0 180 Ringing\r\n\r\n",
	 "{INVITE sip:b@x}l=7;X=y;[v=0][o=].{180}", 0},
	/* Without a length: up to the next message. */
	{&reader_sip,
	 "SIP/2.0 200 OK\r\n\r\nv=0\r\na=rtcp:9\r\nBYE a b SIP/2.0\r\nContent-Length: "
	 "0\r\n\r\n\r\nv=1\n",
	 "{200}[v=0][a=rtcp:9]{BYE a b}Content-Length=0;.[v=1]", 0},
	{&reader_sip, "OPTIONS * RTSP/1.0\r\nSIP/2.0 20\r\nbye a SIP/2.0\r\n",
	 "[OPTIONS * RTSP/1.0][SIP/2.0 20][bye a SIP/2.0]", 0},
	{&reader_rtsp,
	 "SETUP rtsp://h/1 RTSP/1.0\r\nTransport:a\r\n\r\n$\1\0\3\n$\nRTSP/1.0 200 "
	 "OK\r\nContent-length: 2\r\n\r\n$a$\2\0\0PLAY u RTSP/1.0\r\n",
	 "{SETUP rtsp://h/1}Transport=a;$1:3{200}Content-length=2;[$a].$2:0{PLAY u}", 110},
};

static void cut_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		size_t len = examples[i].len ? examples[i].len : strlen(examples[i].text);

		for (size_t piece = 1; piece < 130; piece++) {
			trace_begin(&t, examples[i].row);
			trace_text(&t, S, examples[i].text, len, piece, trace_message);
			assert_string_equal(t.side[S].text, examples[i].given);
			assert_int_equal(t.err, 0);
			trace_end(&t);
		}
	}
}

/* A gap takes the line that it is in, and leaves all others. */
static void gaps_at_every_place(void **state)
{
	static const char text[] = "BYE a SIP/2.0\r\nA: 1\r\nB: 2\r\nl: 8\r\n\r\nv=0\r\nw=1";
	static const char *const lines[] = {"{BYE a}", "A=1;", "B=2;", "l=8;"};
	static const size_t from[] = {0, 15, 21, 27, 33};

	(void)state;
	for (size_t at = 0; at < sizeof(text) - 1; at++) {
		trace_begin(&t, &reader_sip);
		trace_text(&t, S, text, at, 100, trace_message);
		trace_feed(&t, S, STREAM_GAP, NULL, 1, trace_message);
		trace_text(&t, S, text + at + 1, sizeof(text) - 2 - at, 100, trace_message);
		for (unsigned int i = 0; i < 4; i++)
			if (at < (i ? from[i] - 1 : 0) || at >= from[i + 1])
				assert_non_null(strstr(t.side[S].text, lines[i]));
		if (at >= 35)
			assert_non_null(strstr(t.side[S].text, "!."));
		assert_int_equal(t.err, 0);
		trace_end(&t);
	}
}

static void datagrams(void **state)
{
	static const char text[] = "SIP/2.0 200 OK\r\nl: 0\r\n\r\nv=0\r\nw=1";

	(void)state;
	trace_begin(&t, &reader_sip_datagrams);
	trace_feed(&t, S, STREAM_DATAGRAM, "\r\n\r\n", 4, trace_message);
	trace_feed(&t, S, STREAM_DATAGRAM, text, sizeof(text) - 1, trace_message);
	trace_feed(&t, S, STREAM_DATAGRAM, text, 17, trace_message);
	assert_string_equal(t.side[S].text, "{200}l=0;[v=0][w=1].{200}.");
	trace_feed(&t, S, STREAM_DATAGRAM, "\x80\0\0\0\0\0\0\0\0\0", 10, trace_message);
	assert_int_equal(t.err, -EPROTO);
	trace_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(gaps_at_every_place),
		cmocka_unit_test(datagrams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

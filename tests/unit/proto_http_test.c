// SPDX-License-Identifier: GPL-2.0-only
/* HTTP/1: whole connections, cut at every byte, with gaps at every place, in any order of the
 * sides. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/util.h"

#define trace_check(condition) assert_true(condition)
#include "unit/http_trace.h"

#define C   STREAM_CLIENT
#define S   STREAM_SERVER
#define GET "GET /a HTTP/1.1\r\nHost: Example.ORG:8080\r\n\r\n"
#define GOT "{0 GET /a example.org};"
#define OK  "HTTP/1.1 200 OK\r\n"

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

static const struct example examples[] = {
	/* Requests. */
	{{SAY(C, GET)}, GOT, "", 0},
	{{SAY(C, GET GET "GET http://Other.org/b?c HTTP/1.0\r\nHost: x\r\n\r\n")},
	 GOT "{1 GET /a example.org};{2 GET http://Other.org/b?c other.org};.",
	 "",
	 0},
	{{SAY(C, "POST /p HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" GET)},
	 "{0 POST /p }abc;{1 GET /a example.org};",
	 "",
	 0},
	{{SAY(C, "POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n" GET)},
	 "{0 POST /p }abc0123456789;{1 GET /a example.org};",
	 "",
	 0},
	{{SAY(C, "\r\n\r\nGET /a HTTP/1.1\nHost:example.org\n\n")}, GOT, "", 0},
	{{SAY(C, "GET  /a  HTTP/1.1\r\nHOST :  example.org  \r\n\r\n")}, GOT, "", 0},
	{{SAY(C, "GET/a HTTP/1.1\r\nHost: example.org\r\n\r\n")}, GOT, "", 0},
	{{SAY(C, "GET /a\r\nHost: example.org\r\n\r\n")}, "{0 GET /a example.org};.", "", 0},
	{{SAY(C, "GET /a\r\n"), TELL(C, STREAM_END)}, "{0 GET /a };.|", "", 0},
	{{SAY(C, "POST /a\r\nTransfer-Encoding: chunked\r\n"), TELL(C, STREAM_END)},
	 "{0 POST /a }!.|",
	 "",
	 0},
	{{SAY(C, "GET /a\r\n"), SAY(S, "<html>")}, "{0 GET /a };.", "X", 0},
	{{SAY(C, "GET /a HTTP/1.1\r\nHost:\r\n example.org\r\nHost: other\r\n\r\n")}, GOT, "", 0},
	{{SAY(C, "M-SEARCH * HTTP/1.1\r\nHost: [2001:DB8::1]:1900\r\n\r\n")},
	 "{0 M-SEARCH * 2001:db8::1};",
	 "",
	 0},
	/* Not this protocol, or not to be read. */
	{{SAY(C, "SSH-2.0-x\r\n")}, "X", "", -EPROTO},
	{{SAY(C, "get /a HTTP/1.1\r\n\r\n")}, "X", "", -EPROTO},
	{{SAY(C, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")}, "X", "", -EPROTO},
	{{SAY(C, "OPTIONS rtsp://x/ RTSP/1.0\r\n\r\n")}, "X", "", -EPROTO},
	{{SAY(S, "220 ready\r\n")}, "", "X", -EPROTO},
	{{SAY(S, "HTTP/1.1 2x0 OK\r\n")}, "", "X", -EPROTO},
	{{SAY(C, "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nabc")}, "{0 POST / }!X", "", 0},
	{{SAY(C, "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")},
	 "X",
	 "",
	 -EPROTO},
	{{SAY(C, "POST / HTTP/1.1\r\nContent-Length:\r\n 2\r\n\r\n")}, "X", "", -EPROTO},
	{{SAY(C, GET), SAY(S, OK "Content-Length: 1, 2\r\n\r\n"), SAY(C, GET)},
	 GOT "{1 GET /a example.org};",
	 "X",
	 0},
	{{SAY(C, GET "nonsense"), SAY(S, OK "Content-Length: 1\r\n\r\na")},
	 GOT "X",
	 "{0 200}a;",
	 0},
	/* Responses. */
	{{SAY(C, GET), SAY(S, OK "Content-Length: 3\r\n\r\nabc"), SAY(C, GET),
	  SAY(S, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")},
	 GOT "{1 GET /a example.org};",
	 "{0 200}abc;{1 404};",
	 0},
	{{SAY(C, "HEAD / HTTP/1.1\r\n\r\n" GET), SAY(S, OK "Content-Length: 9\r\n\r\n"),
	  SAY(S, OK "Content-Length: 2, 2\r\n\r\nab")},
	 "{0 HEAD / };{1 GET /a example.org};",
	 "{0 200};{1 200}ab;",
	 0},
	{{SAY(S, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 -\r\n\r\n"),
	  SAY(S, "HTTP/1.1 304 -\r\nContent-Length: 500\r\n\r\n")},
	 "",
	 "{0 100}{0 204};{1 304};",
	 0},
	{{SAY(S, "HTTP/1.0 200 OK\r\n\r\nabc"), TELL(S, STREAM_END)}, "", "{0 200}abc;.|", 0},
	{{SAY(S, "HTTP/1.0 200 OK\r\n\r\nabc"), TELL(S, STREAM_RESET)}, "/", "{0 200}abc!./", 0},
	{{SAY(S, OK "Content-Length: 5\r\n\r\nabc"), TELL(S, STREAM_END)}, "", "{0 200}abc!|", 0},
	{{SAY(S, "HTTP/1.0 200 OK\r\nConnection: x, Keep-Alive\r\nContent-Length: 1\r\n\r\na")},
	 "",
	 "{0 200}a;",
	 0},
	{{SAY(S, OK "connection: Close\r\ncontent-length:2\r\n\r\nab")}, "", "{0 200}ab;.", 0},
	{{SAY(S, OK
	      "Transfer-Encoding: gzip, chunked\r\nContent-Length: 7\r\n\r\n1\r\na\r\n0\r\n\r\n")},
	 "",
	 "{0 200}a;",
	 0},
	{{SAY(S, OK "Transfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nabc"),
	  TELL(S, STREAM_END)},
	 "",
	 "{0 200}abc;|",
	 0},
	{{SAY(S, OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n")}, "", "{0 200}!X", 0},
	{{SAY(S, OK "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n")}, "", "{0 200}a!X", 0},
	{{SAY(S, OK "Transfer-Encoding: chunked\r\n\r\n1234567890abcdef\r\n")}, "", "{0 200}!X", 0},
	{{SAY(S, OK "Content-Length: 9999999999999999999\r\n\r\n")}, "", "X", -EPROTO},
	/* Tunnels. */
	{{SAY(C, "CONNECT Host:443 HTTP/1.1\r\n\r\n"), SAY(S, OK "\r\nab"), SAY(C, "GET /"),
	  TELL(S, STREAM_END), TELL(C, STREAM_RESET)},
	 "{0 CONNECT Host:443 host};#GET //",
	 "{0 200};#ab|",
	 0},
	{{SAY(C, "CONNECT host:443 HTTP/1.1\r\n\r\n"),
	  SAY(S, "HTTP/1.1 407 No\r\nContent-Length: 1\r\n\r\na"),
	  SAY(C, "CONNECT host:443 HTTP/1.1\r\n\r\n"), SAY(S, OK "Content-Length: 3\r\n\r\n"),
	  SAY(C, "\x16"), SAY(S, "HTTP")},
	 "{0 CONNECT host:443 host};{1 CONNECT host:443 host};#\x16",
	 "{0 407}a;{1 200};#HTTP",
	 0},
	{{SAY(C, "CONNECT host:443 HTTP/1.1\r\n\r\nCONNECT host:444 HTTP/1.1\r\n\r\n\x13"
		 "BitTorrent")},
	 "{0 CONNECT host:443 host};{1 CONNECT host:444 host};#\x13"
	 "BitTorrent",
	 "",
	 0},
	{{SAY(C, "CONNECT host:80 HTTP/1.1\r\n\r\nGET /x HTTP/1.1\r\n\r\n")},
	 "{0 CONNECT host:80 host};#GET /x HTTP/1.1\r\n\r\n",
	 "",
	 0},
	{{SAY(C, "CONNECT host:80 HTTP/1.1\r\n\r\nGET http://y/x HTTP/1.1\r\n\r\n")},
	 "{0 CONNECT host:80 host};{1 GET http://y/x y};",
	 "",
	 0},
	{{SAY(C, "GET /w HTTP/1.1\r\nConnection: a, Upgrade\r\nUpgrade: websocket\r\n\r\n\x81"),
	  SAY(S, "HTTP/1.1 101 -\r\n\r\n\x82")},
	 "{0 GET /w };@\x81",
	 "{0 101};@\x82",
	 0},
	{{SAY(C,
	      "GET /w HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET / HTTP/1.1\r\n"),
	  SAY(S, OK "Content-Length: 0\r\n\r\n"), SAY(C, "\r\n")},
	 "{0 GET /w };{1 GET / };",
	 "{0 200};",
	 0},
	{{SAY(S, "HTTP/1.1 101 -\r\n\r\nx"),
	  SAY(C, "GET /w HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: w\r\n\r\nGET / HTTP/1.1")},
	 "{0 GET /w };@GET / HTTP/1.1",
	 "{0 101};@x",
	 0},
	/* Gaps. */
	{{SAY(S, OK "Content-Length: 5\r\n\r\na"), GAP(S, 3), SAY(S, "e" OK "\r\nx")},
	 "",
	 "{0 200}a[3]e;{1 200}x",
	 0},
	{{SAY(S, OK "Content-Length: 3\r\n\r\n"), GAP(S, 3), SAY(S, OK "\r\nx")},
	 "",
	 "{0 200}[3];{1 200}x",
	 0},
	{{SAY(S, OK "Content-Length: 3\r\n\r\n"), GAP(S, 4), SAY(S, OK "\r\nx")},
	 "",
	 "{0 200}[3]!?{1 200}x",
	 0},
	{{SAY(S, OK "Content-Length: 3\r\n\r\na"), GAP(S, 4), SAY(S, "HTTQ")},
	 "",
	 "{0 200}a[2]!X",
	 0},
	{{SAY(S, OK "Transfer-Encoding: chunked\r\n\r\n4\r\na"), GAP(S, 3),
	  SAY(S, "\r\n0\r\n\r\n")},
	 "",
	 "{0 200}a[3];",
	 0},
	{{SAY(S, OK "\r\na"), GAP(S, 0), SAY(S, "b"), TELL(S, STREAM_END)},
	 "",
	 "{0 200}a[0]b;|",
	 0},
	{{GAP(C, 0), SAY(C, GET)}, "?{0 GET /a example.org};", "", 0},
	{{GAP(C, 0), SAY(C, "/a HTTP/1.1\r\n")}, "X", "", -EPROTO},
	{{GAP(C, 0), SAY(C, "FOO /a HTTP/1.1\r\n")}, "X", "", -EPROTO},
	{{SAY(C, GET GET), GAP(S, 0), SAY(S, OK "Content-Length: 1\r\n\r\na")},
	 GOT "{1 GET /a example.org};",
	 "?{1 200}a;",
	 0},
	{{SAY(C, GET), GAP(S, 0), SAY(S, "abc"), SAY(C, GET)},
	 GOT "?{1 GET /a example.org};",
	 "X",
	 0},
	{{SAY(C, "CONNECT h:1 HTTP/1.1\r\n\r\n\x16"), GAP(C, 2), SAY(C, "x")},
	 "{0 CONNECT h:1 h};#\x16[2]x",
	 "",
	 0},
};

static void step_feed(struct trace *t, const struct step *s, size_t from, size_t to)
{
	if (s->text && to > from)
		trace_feed(t, s->side, STREAM_DATA, s->text + from, to - from);
	else if (!s->text && s->kind)
		trace_feed(t, s->side, s->kind, NULL, s->len);
}

/* Plays the example in pieces of at most `piece` bytes, the one at hand also cut at `cut`. */
static void play(struct trace *t, const struct example *e, size_t piece, size_t cut)
{
	trace_begin(t);
	for (size_t i = 0; i < ARRAY_SIZE(e->step); i++) {
		const struct step *s = &e->step[i];
		size_t len = s->text ? strlen(s->text) : 1;

		for (size_t at = 0, to; at < len; at = to) {
			to = len - at < piece ? len : at + piece;
			if (cut > at && cut < to)
				to = cut;
			step_feed(t, s, at, to);
		}
		cut = s->text && cut > len ? cut - len : s->text ? 0 : cut;
	}
}

static void assert_trace(const struct trace *t, const struct example *e)
{
	assert_string_equal(t->side[C].text, e->client);
	assert_string_equal(t->side[S].text, e->server);
	assert_int_equal(t->err, e->err);
}

static void cut_anywhere(void **state)
{
	static struct trace t;

	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		size_t all = 0;

		for (size_t k = 0; k < ARRAY_SIZE(examples[i].step); k++)
			all += examples[i].step[k].text ? strlen(examples[i].step[k].text) : 0;
		for (size_t cut = 0; cut < all; cut++) {
			play(&t, &examples[i], SIZE_MAX, cut);
			assert_trace(&t, &examples[i]);
		}
		for (size_t piece = 1; piece < 8; piece++) {
			play(&t, &examples[i], piece, 0);
			assert_trace(&t, &examples[i]);
		}
	}
}

#define LONG_CLIENT                                                                                \
	GET "POST /p HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd"                                    \
	    "POST /q HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n" GET
#define LONG_SERVER                                                                                \
	OK "Content-Length: 6\r\n\r\nabcdef" OK "Transfer-Encoding: chunked\r\n\r\n"               \
	   "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\nHTTP/1.1 204 -\r\n\r\n" OK "\r\nend"

/* One side after the other, either first. */
static void sides_in_any_order(void **state)
{
	static struct trace t;
	static const char client[] = GOT "{1 POST /p }abcd;{2 POST /q }ab;{3 GET /a example.org};";
	static const char ended[] = GOT "{1 POST /p }abcd;{2 POST /q }ab;{3 GET /a example.org};|";
	static const char server[] = "{0 200}abcdef;{1 200}abcd;{2 204};{3 200}end;|";
	static const struct example orders[] = {
		{{SAY(C, LONG_CLIENT), SAY(S, LONG_SERVER), TELL(S, STREAM_END)},
		 client,
		 server,
		 0},
		{{SAY(S, LONG_SERVER), TELL(S, STREAM_END), SAY(C, LONG_CLIENT)},
		 client,
		 server,
		 0},
		{{SAY(C, LONG_CLIENT), TELL(C, STREAM_END)}, ended, "", 0},
		{{SAY(S, LONG_SERVER), TELL(S, STREAM_END)}, "", server, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		for (size_t piece = 1; piece < 40; piece++) {
			play(&t, &orders[i], piece, 0);
			assert_trace(&t, &orders[i]);
		}
	}
}

/* A gap of every length at every place of either side: what is given agrees with itself and does
 * not depend on the cuts, and the other side is not touched. */
static void gaps_anywhere(void **state)
{
	static const char *const text[2] = {LONG_CLIENT, LONG_SERVER};
	static struct trace whole, cut;

	for (uint8_t side = 0; side < 2; side++) {
		for (size_t at = 0; at < strlen(text[side]); at++) {
			for (size_t len = 1; len <= 24 && at + len <= strlen(text[side]); len++) {
				struct example e = {.step = {{!side, 0, text[!side], 0},
							     {side, 0, "", 0},
							     {side, STREAM_GAP, NULL, len},
							     {side, 0, text[side] + at + len, 0}}};
				char head[1024];

				memcpy(head, text[side], at);
				head[at] = '\0';
				e.step[1].text = head;
				play(&whole, &e, SIZE_MAX, 0);
				play(&cut, &e, 1, 0);
				assert_string_equal(whole.side[C].text, cut.side[C].text);
				assert_string_equal(whole.side[S].text, cut.side[S].text);
				assert_int_equal(whole.err, cut.err);
			}
		}
	}
}

static struct http_head kept;
static char kept_text[HTTP_HEAD_BYTES];

static void keep(const struct http_head *h)
{
	kept = *h;
	memcpy(kept_text, h->text, h->used);
	kept.text = kept_text;
}

static void keep_head(void *arg, const void *event)
{
	const struct http_event *e = event;

	if (e->kind == HTTP_REQUEST || e->kind == HTTP_RESPONSE)
		keep(e->head);
	(void)arg;
}

/* Reads one header section. */
static void head_of(uint8_t side, const char *text)
{
	static struct http_connection c;
	const struct stream_event e = {
		.side = side, .data = (const uint8_t *)text, .len = strlen(text)};

	memset(&c, 0, sizeof(c));
	memset(&kept, 0, sizeof(kept));
	assert_int_equal(reader_http.read(&c, &e, keep_head, NULL), 0);
	reader_http.fini(&c);
}

static void assert_text(enum http_text which, const char *text)
{
	size_t len;
	const char *at = http_head_text(&kept, which, &len);

	assert_int_equal(len, strlen(text));
	assert_memory_equal(at, text, len);
}

static void fields(void **state)
{
	head_of(C, "GET /x HTTP/1.1\r\nUser-Agent: a b\t\r\nREFERER:http://r/\r\nX: y\r\n"
		   "Upgrade: a,  b\r\nConnection: Upgrade\r\nuser-agent: second\r\n\r\n");
	assert_text(HTTP_METHOD, "GET");
	assert_text(HTTP_TARGET, "/x");
	assert_text(HTTP_USER_AGENT, "a b");
	assert_text(HTTP_REFERER, "http://r/");
	assert_true(http_head_lists(&kept, HTTP_UPGRADE, "B"));
	assert_false(http_head_lists(&kept, HTTP_UPGRADE, "c"));
	assert_true(kept.upgrade && !kept.close);
	head_of(S, "HTTP/1.1 206 Part\r\nContent-Type: text/html; a=b\r\nContent-Encoding: gzip\r\n"
		   "Content-Range: bytes 1-2/3\r\nLocation: /l\r\nContent-Length: 2\r\n\r\n");
	assert_text(HTTP_CONTENT_TYPE, "text/html; a=b");
	assert_text(HTTP_CONTENT_ENCODING, "gzip");
	assert_text(HTTP_CONTENT_RANGE, "bytes 1-2/3");
	assert_text(HTTP_LOCATION, "/l");
	assert_int_equal(kept.status, 206);
	assert_true(kept.encoded && kept.length == 2);
}

/* Texts are cut at their longest, and what frames the message is read behind them all the same. */
static void long_lines(void **state)
{
	char text[16384];

	snprintf(text, sizeof(text),
		 "GET /%05000d HTTP/1.1\r\nReferer: %0900d\r\nX: %04000d\r\nUser-Agent: %0900d\r\n"
		 "Host: example.org\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab",
		 0, 0, 0, 0);
	head_of(C, text);
	assert_int_equal(kept.len[HTTP_TARGET], 2048);
	assert_int_equal(kept.len[HTTP_REFERER], 512);
	assert_int_equal(kept.cut, 1u << HTTP_TARGET | 1u << HTTP_REFERER | 1u << HTTP_USER_AGENT);
	assert_true(kept.close && kept.length == 2);
	assert_text(HTTP_HOST, "example.org");
}

/* Too many fields, too long a section, a first line without an end. */
static void bounds(void **state)
{
	static struct trace t;
	static const char line[] = "X: 0123456789012345678901234567890123456789\r\n";

	trace_begin(&t);
	trace_feed(&t, C, STREAM_DATA, "GET / HTTP/1.1\r\n", 16);
	for (int i = 0; i < HTTP_FIELDS_MAX; i++)
		trace_feed(&t, C, STREAM_DATA, line, sizeof(line) - 1);
	assert_int_equal(t.err, 0);
	trace_feed(&t, C, STREAM_DATA, line, sizeof(line) - 1);
	assert_int_equal(t.err, -EPROTO);
	trace_begin(&t);
	trace_feed(&t, C, STREAM_DATA, "GET /", 5);
	for (unsigned int i = 0; i < HTTP_SECTION_MAX / 32 - 1; i++)
		trace_feed(&t, C, STREAM_DATA, line, 32);
	assert_int_equal(t.err, 0);
	trace_feed(&t, C, STREAM_DATA, line, 32);
	assert_int_equal(t.err, -EPROTO);
}

/* An idle connection keeps no texts; a message that goes on keeps what it began with. */
static void nothing_is_kept_between_messages(void **state)
{
	static const char post[] = "POST /p HTTP/1.1\r\nContent-Length: 3\r\n\r\na";
	static struct trace t;

	trace_begin(&t);
	trace_feed(&t, C, STREAM_DATA, GET, sizeof(GET) - 1);
	assert_null(t.state.side[C].head.text);
	trace_feed(&t, C, STREAM_DATA, post, sizeof(post) - 1);
	assert_non_null(t.state.side[C].head.text);
	assert_true(t.state.side[C].head.cap <= t.state.side[C].head.used + HTTP_LINE_ROOM);
	trace_feed(&t, C, STREAM_DATA, "bc", 2);
	assert_null(t.state.side[C].head.text);
	trace_feed(&t, C, STREAM_DATA, post, 9);
	trace_feed(&t, C, STREAM_RESET, NULL, 0);
	assert_null(t.state.side[C].head.text);
}

/* More requests wait for an answer than methods are remembered. */
static void long_pipelines(void **state)
{
	static struct trace t;
	static const char head[] = "HEAD / HTTP/1.1\r\n\r\n", ok[] = OK "Content-Length: 1\r\n\r\n";
	char last[32];

	trace_begin(&t);
	for (int i = 0; i < HTTP_PIPELINE_MAX; i++)
		trace_feed(&t, C, STREAM_DATA, head, sizeof(head) - 1);
	for (int i = 0; i < HTTP_PIPELINE_MAX; i++)
		trace_feed(&t, S, STREAM_DATA, ok, sizeof(ok) - 1);
	snprintf(last, sizeof(last), "{%d 200};", HTTP_PIPELINE_MAX - 1);
	assert_non_null(strstr(t.side[S].text, last));
	/* One that was forgotten is taken for a GET. */
	trace_begin(&t);
	for (int i = 0; i <= HTTP_PIPELINE_MAX; i++)
		trace_feed(&t, C, STREAM_DATA, head, sizeof(head) - 1);
	trace_feed(&t, S, STREAM_DATA, ok, sizeof(ok) - 1);
	trace_feed(&t, S, STREAM_DATA, "a", 1);
	trace_feed(&t, S, STREAM_DATA, ok, sizeof(ok) - 1);
	assert_string_equal(t.side[S].text, "{0 200}a;{1 200};");
}

static void assert_file_name(const char *disposition, const char *target, const char *expected)
{
	char request_text[HTTP_HEAD_BYTES];
	struct http_head request;
	char text[1024], name[HTTP_FILE_NAME_BYTES] = "none";

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n\r\n", target);
	head_of(C, text);
	request = kept;
	memcpy(request_text, kept_text, sizeof(request_text));
	request.text = request_text;
	snprintf(text, sizeof(text), OK "Content-Disposition: %s\r\n\r\n", disposition);
	head_of(S, text);
	assert_int_equal(http_head_file_name(&kept, &request, name), strcmp(expected, "none") != 0);
	assert_string_equal(name, expected);
}

static void file_names(void **state)
{
	assert_file_name("attachment; filename=a.bin", "/b", "a.bin");
	assert_file_name("attachment; FileName=\"a; b.bin\"; x=y", "/b", "a; b.bin");
	assert_file_name("attachment; filename=\"a\\\"b\"", "/b", "a\"b");
	assert_file_name("attachment; filename=\"../../etc/passwd\"", "/b", "passwd");
	assert_file_name("attachment; filename=\"C:\\x\\y.exe\"", "/b", "y.exe");
	assert_file_name("attachment; filename=e.txt; filename*=UTF-8''%e2%82%ac%20.txt", "/b",
			 "\xe2\x82\xac .txt");
	assert_file_name("attachment; filename*=UTF-8''..%2f..%2fx%00y; filename=e", "/b", "x_y");
	assert_file_name("inline", "/d/b%20c.iso?x=/y", "b c.iso");
	assert_file_name("", "http://host/b", "b");
	assert_file_name("", "http://host", "none");
	assert_file_name("", "/d/", "none");
	assert_file_name("attachment; filename=\"..\"", "/d/", "none");
}

static void guesses(void **state)
{
	static const struct {
		uint8_t side;
		const char *text;
		enum reader_guess guess;
	} table[] = {
		{C, "", READER_MAYBE},	     {C, "G", READER_MAYBE},	 {C, "GET /", READER_MAYBE},
		{C, "BIND /", READER_NO},    {C, "\x16\x03", READER_NO}, {S, "HT", READER_MAYBE},
		{S, "HTTP/1.0", READER_YES}, {S, "HTTP/2", READER_NO},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_int_equal(reader_http.guess(table[i].side, (const uint8_t *)table[i].text,
						   strlen(table[i].text)),
				 table[i].guess);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(sides_in_any_order),
		cmocka_unit_test(gaps_anywhere),
		cmocka_unit_test(fields),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(bounds),
		cmocka_unit_test(long_pipelines),
		cmocka_unit_test(nothing_is_kept_between_messages),
		cmocka_unit_test(file_names),
		cmocka_unit_test(guesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

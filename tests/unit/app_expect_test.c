// SPDX-License-Identifier: GPL-2.0-only
/* Control connections that announce data connections: FTP, TFTP, SIP, RTSP, IRC. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/record.h"
#include "unit/consume.h"

#define CLIENT	  "192.0.2.5"
#define SERVER	  "198.51.100.10"
#define TOLD_MAX  16
#define TOLD_TEXT 160

/* What was announced, as "client 1234 ftp-data", with "= address" where one was told and " anyone".
 */
struct bench {
	const struct app_module *module;
	struct app_services services;
	struct flow flow;
	struct consume consume;
	uint8_t proto;
	bool v6;
	unsigned int count;
	char told[TOLD_MAX][TOLD_TEXT];
};

static bool expect(void *arg, const struct app_message *m, const uint32_t *addr, uint16_t port,
		   const char *app, bool anyone)
{
	struct bench *b = arg;
	char text[ADDRESS_TEXT_MAX] = "";
	bool own = !addr || memcmp(addr, m->src, sizeof(m->src)) == 0;

	assert_true(b->count < TOLD_MAX);
	if (addr)
		address_format(addr, text);
	snprintf(b->told[b->count++], TOLD_TEXT, "%s %u %s%s%s%s",
		 m->from_origin ? "client" : "server", port, app, own ? "" : " not ",
		 own ? "" : text, anyone ? " anyone" : "");
	return own;
}

static struct bench *bench_new(const char *module, uint8_t proto)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->module = app_module_find(module);
	assert_non_null(b->module);
	b->services = (struct app_services){.expect = expect, .arg = b};
	/* A signature has named the application. */
	b->consume = (struct consume){
		.module = b->module,
		.flow = &b->flow,
		.finding = {.app = 1, .method = WEIR_METHOD_SIGNATURE, .confidence = 95},
	};
	b->proto = proto;
	return b;
}

static void bench_free(struct bench *b)
{
	consume_end(&b->consume);
	free(b);
}

static void show(struct bench *b, bool from_client, const char *data, size_t len)
{
	const char *client = b->v6 ? "2001:db8::5" : CLIENT;
	const char *server = b->v6 ? "2001:db8::10" : SERVER;
	struct app_message m = {
		.flow = &b->flow,
		.len = len,
		.proto = b->proto,
		.from_origin = from_client,
		.sport = from_client ? 40000 : 21,
		.dport = from_client ? 21 : 40000,
	};
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	m.data = copy;
	assert_int_equal(address_parse(from_client ? client : server, m.src), 0);
	assert_int_equal(address_parse(from_client ? server : client, m.dst), 0);
	consume_show(&b->consume, &b->services, &m);
	free(copy);
}

static void client(struct bench *b, const char *text)
{
	show(b, true, text, strlen(text));
}

static void server(struct bench *b, const char *text)
{
	show(b, false, text, strlen(text));
}

static void assert_told(struct bench *b, const char *const *told)
{
	unsigned int i = 0;

	for (; told && told[i]; i++) {
		assert_true(i < b->count);
		assert_string_equal(b->told[i], told[i]);
	}
	assert_int_equal(b->count, i);
	b->count = 0;
}

#define TOLD(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- FTP ---- */

static void test_ftp_passive(void **state)
{
	struct bench *b = bench_new("ftp", IPPROTO_TCP);

	(void)state;
	server(b, "220 ftp\r\n");
	assert_true(b->consume.reading > 0);
	client(b, "PASV\r\n");
	server(b, "227 Entering Passive Mode (198,51,100,10,4,1).\r\n");
	assert_told(b, TOLD("server 1025 ftp-data"));
	client(b, "pasv\r\n");
	server(b, "227 Entering Passive Mode 198,51,100,10,255,255\r\n");
	assert_told(b, TOLD("server 65535 ftp-data"));
	client(b, "EPSV\r\n");
	server(b, "229 Entering Extended Passive Mode (|||6446|)\r\n");
	assert_told(b, TOLD("server 6446 ftp-data"));
	/* In pieces, and behind other lines. */
	client(b, "NOOP\r\nEP");
	client(b, "SV\r\n");
	server(b, "200 Zzz\r\n229 Entering (||");
	server(b, "|7000|)\r");
	server(b, "\n");
	assert_told(b, TOLD("server 7000 ftp-data"));
	bench_free(b);
}

/* ---- names of files ---- */

static uint64_t expect_data(void *arg, const struct app_message *m, const struct app_expectation *e)
{
	struct bench *b = arg;

	(void)m;
	assert_true(b->count < TOLD_MAX);
	snprintf(b->told[b->count++], TOLD_TEXT, "%u %s for %s%s", e->port, e->app, e->user,
		 e->inspect ? ", read" : "");
	return e->addr && memcmp(e->addr, m->src, sizeof(m->src)) != 0 ? 0 : b->count;
}

static void expect_name(void *arg, uint64_t handle, const char *name)
{
	struct bench *b = arg;

	assert_true(b->count < TOLD_MAX);
	snprintf(b->told[b->count++], TOLD_TEXT, "%llu is \"%s\"", (unsigned long long)handle,
		 name);
}

static void test_ftp_names(void **state)
{
	struct bench *b = bench_new("ftp", IPPROTO_TCP);

	(void)state;
	b->services.expect_data = expect_data;
	b->services.expect_name = expect_name;
	b->services.records = 1u << APP_RECORD_FILE;
	client(b, "USER me\r\nRETR nowhere\r\nPASV\r\n");
	assert_told(b, NULL);
	server(b, "227 Go (198,51,100,10,4,1)\r\n");
	client(b, "RETR /a/b c.txt\r\n");
	assert_told(b, TOLD("1025 ftp-data for me, read", "1 is \"b c.txt\""));
	client(b, "PORT 192,0,2,5,4,2\r\nSTOR x\r\nLIST\r\nSTOU\r\n");
	server(b, "150 FILE: y.1\r\n150 FILE: z\r\n");
	assert_told(b,
		    TOLD("1026 ftp-data for me, read", "1 is \"x\"", "1 is \"\"", "1 is \"y.1\""));
	/* Nobody wants to hear of files. */
	b->services.records = 0;
	client(b, "PORT 192,0,2,5,4,3\r\n");
	assert_told(b, TOLD("1027 ftp-data for me"));
	bench_free(b);
}

static void test_ftp_active(void **state)
{
	struct bench *b = bench_new("ftp", IPPROTO_TCP);

	(void)state;
	server(b, "220 ftp\r\n");
	client(b, "PORT 192,0,2,5,8,0\r\n");
	assert_told(b, TOLD("client 2048 ftp-data"));
	client(b, "EPRT |1|192.0.2.5|5282|\r\n");
	assert_told(b, TOLD("client 5282 ftp-data"));
	client(b, "EPRT !1!192.0.2.5!5283!\r\n");
	assert_told(b, TOLD("client 5283 ftp-data"));
	b->v6 = true;
	client(b, "EPRT |2|2001:db8::5|5284|\r\n");
	assert_told(b, TOLD("client 5284 ftp-data"));
	bench_free(b);
}

/* FTP bounce: somebody else's address is handed on as such, and refused there. */
static void test_ftp_other_address(void **state)
{
	struct bench *b = bench_new("ftp", IPPROTO_TCP);

	(void)state;
	server(b, "220 ftp\r\n");
	client(b, "PORT 203,0,113,7,0,25\r\n");
	assert_told(b, TOLD("client 25 ftp-data not 203.0.113.7"));
	client(b, "EPRT |1|203.0.113.7|80|\r\n");
	assert_told(b, TOLD("client 80 ftp-data not 203.0.113.7"));
	/* A server behind address translation tells its inner address: clients use the outer one.
	 */
	client(b, "PASV\r\n");
	server(b, "227 Entering Passive Mode (10,0,0,1,4,1)\r\n");
	assert_told(b, TOLD("server 1025 ftp-data not 10.0.0.1", "server 1025 ftp-data"));
	bench_free(b);
}

static void test_ftp_nothing_told(void **state)
{
	static const char *const lines[] = {
		"PORT 192,0,2,5,8\r\n",
		"PORT 192,0,2,256,8,0\r\n",
		"PORT 192.0.2.5.8.0\r\n",
		"PORT\r\n",
		"EPRT |1|192.0.2.5|99999|\r\n",
		"EPRT |1|192.0.2.5|5282\r\n",
		"EPRT |3|192.0.2.5|5282|\r\n",
		"EPRT |1|nowhere|5282|\r\n",
		"EPRT \r\n",
		"EPRT |\r\n",
		"EPRT |1\r\n",
		"STOR PORT 192,0,2,5,8,0\r\n",
	};
	static const char *const answers[] = {
		"227 Entering\r\n",    "227 (1,2,3)\r\n",     "229 no\r\n",
		"229 (\r\n",	       "229 (|||\r\n",	      "229 (|||0|)\r\n",
		"229 (|||65536|)\r\n", "229 (||1|6446|)\r\n", "227-(198,51,100,10,4,1)\r\n",
	};
	struct bench *b = bench_new("ftp", IPPROTO_TCP);

	(void)state;
	server(b, "220 ftp\r\n");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		client(b, lines[i]);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		client(b, "PASV\r\n");
		server(b, answers[i]);
	}
	assert_told(b, NULL);
	/* Answers to what was not asked, and each once. */
	client(b, "PASV\r\n");
	server(b, "227 (198,51,100,10,4,1)\r\n227 (198,51,100,10,4,2)\r\n");
	assert_told(b, TOLD("server 1025 ftp-data"));
	bench_free(b);
}

static void test_ftp_long_line(void **state)
{
	struct bench *b = bench_new("ftp", IPPROTO_TCP);
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof(text));
	server(b, "220 ftp\r\n");
	show(b, true, text, sizeof(text));
	client(b, "PORT 192,0,2,5,8,0\r\n");
	assert_told(b, NULL);
	client(b, "PORT 192,0,2,5,8,0\r\n");
	assert_told(b, TOLD("client 2048 ftp-data"));
	bench_free(b);
}

/* A greeting does not have all the rest of a stream read. */
static void test_no_text(void **state)
{
	static const char *const modules[] = {"ftp", "irc", "rtsp", "sip"};
	char text[2][700];

	(void)state;
	memset(text[0], 'x', sizeof(text[0])); /* no line ends */
	memset(text[1], 'x', sizeof(text[1]));
	text[1][300] = '\0';
	text[1][699] = '\n';
	for (size_t i = 0; i < 2 * ARRAY_SIZE(modules); i++) {
		struct bench *b = bench_new(modules[i / 2], IPPROTO_TCP);
		unsigned int n = 0;

		server(b, "220 ftp\r\n");
		assert_true(b->consume.reading > 0);
		while (b->consume.reading > 0 && n++ < 1000)
			show(b, true, text[i % 2], sizeof(text[0]));
		assert_in_range(n, 90, 110);
		bench_free(b);
	}
}

static void test_sip_datagrams(void **state)
{
	struct bench *b = bench_new("sip", IPPROTO_UDP);

	(void)state;
	client(b, "hello");
	client(b, "\r\n\r\n");
	client(b, "INVITE sip:b@example.com SIP/2.0\r\n");
	server(b, "SIP/2.0 100 Trying\r\n");
	assert_true(b->consume.reading > 0);
	server(b, "\x80 media on this port");
	assert_int_equal(b->consume.reading, 0);
	bench_free(b);
}

static void test_ftp_encrypted(void **state)
{
	struct bench *b = bench_new("ftp", IPPROTO_TCP);

	(void)state;
	server(b, "220 ftp\r\n");
	client(b, "AUTH TLS\r\n");
	server(b, "500 no\r\n");
	assert_true(b->consume.reading > 0);
	client(b, "AUTH TLS\r\n");
	server(b, "234 go ahead\r\n");
	assert_int_equal(b->consume.reading, 0);
	bench_free(b);
}

/* Without anything to learn it in the connection is not read on. */
static void test_no_learning(void **state)
{
	static const char *const modules[] = {"ftp", "irc", "rtsp", "sip", "tftp"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		struct bench *b = bench_new(modules[i], IPPROTO_TCP);

		b->services.expect = NULL;
		client(b, "PORT 192,0,2,5,8,0\r\n");
		assert_int_equal(b->consume.reading, 0);
		bench_free(b);
	}
}

/* Nor is one that was inspected before. */
static void test_no_learning_any_more(void **state)
{
	static const char *const modules[] = {"ftp", "irc", "rtsp", "sip"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		struct bench *b = bench_new(modules[i], IPPROTO_TCP);

		b->services.expect = NULL;
		consume_resume(&b->consume, &b->services, b->proto, 1);
		client(b, "PORT 192,0,2,5,8,0\r\n");
		assert_int_equal(b->consume.reading, 0);
		bench_free(b);
	}
}

/* The state went (another worker, a restart): the next lines are read all the same. */
static void test_resumed(void **state)
{
	struct bench *b = bench_new("ftp", IPPROTO_TCP);

	(void)state;
	consume_resume(&b->consume, &b->services, b->proto, 1);
	client(b, "PORT 192,0,2,5,8,0\r\n");
	assert_told(b, TOLD("client 2048 ftp-data"));
	bench_free(b);
}

/* ---- TFTP ---- */

static void test_tftp(void **state)
{
	struct bench *b = bench_new("tftp", IPPROTO_UDP);

	(void)state;
	show(b, true,
	     "\0\1"
	     "file\0octet",
	     13);
	assert_told(b, TOLD("client 40000 tftp"));
	free(b);
}

/* ---- SIP ---- */

static void test_sip_offer_and_answer(void **state)
{
	struct bench *b = bench_new("sip", IPPROTO_UDP);

	(void)state;
	client(b, "INVITE sip:b@example.com SIP/2.0\r\nc: application/sdp\r\n\r\n"
		  "v=0\r\no=- 1 1 IN IP4 192.0.2.5\r\ns=-\r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\n"
		  "m=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
		  "m=video 51372 RTP/AVP 31\r\na=rtcp:51400 IN IP4 192.0.2.5\r\n");
	assert_true(b->consume.reading > 0);
	assert_told(b, TOLD("client 49170 rtp", "client 49171 rtcp", "client 51372 rtp",
			    "client 51373 rtcp", "client 51400 rtcp"));
	/* The last line of a datagram need not end. */
	server(b, "SIP/2.0 200 OK\r\n\r\nv=0\r\nm=audio 6000 RTP/SAVP 0\r\nc=IN IP4 198.51.100.10");
	assert_told(b, TOLD("server 6000 srtp", "server 6001 rtcp"));
	bench_free(b);
}

static void test_sip_over_tcp(void **state)
{
	struct bench *b = bench_new("sip", IPPROTO_TCP);

	(void)state;
	client(b, "INVITE sip:b@example.com SIP/2.0\r\n\r\nv=0\r\nc=IN IP4 192.0.2.5\r\nm=aud");
	assert_told(b, NULL);
	client(b, "io 7000/2 RTP/AVPF 0\r\n");
	assert_told(b, TOLD("client 7000 rtp", "client 7001 rtcp"));
	bench_free(b);
}

static void test_sip_not_expected(void **state)
{
	static const char *const bodies[] = {
		"c=IN IP4 192.0.2.5\r\nm=audio 0 RTP/AVP 0\r\n",       /* refused media */
		"c=IN IP4 192.0.2.5\r\nm=audio 70000 RTP/AVP 0\r\n",   /* no port */
		"c=IN IP4 192.0.2.5\r\nm=message 9000 TCP/MSRP *\r\n", /* no RTP */
		"c=IN IP4 192.0.2.5\r\nm=image 9000 udptl t38\r\n",    /* no RTP */
		"c=IN IP4 host.example\r\nm=audio 9000 RTP/AVP 0\r\n", /* a name */
		"m=audio 9000 RTP/AVP 0\r\n",			       /* no address */
		"c=IN IP4 192.0.2.5\r\nm=audio\r\nm=\r\nm=audio x RTP/AVP 0\r\na=rtcp:9\r\n",
	};
	struct bench *b = bench_new("sip", IPPROTO_TCP);

	(void)state;
	client(b, "OPTIONS sip:b@example.com SIP/2.0\r\n\r\n");
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		client(b, "v=0\r\n");
		client(b, bodies[i]);
	}
	assert_told(b, NULL);
	client(b, "v=0\r\nc=IN IP4 203.0.113.1\r\nm=audio 9000 RTP/AVP 0\r\n");
	assert_told(b, TOLD("client 9000 rtp not 203.0.113.1", "client 9001 rtcp not 203.0.113.1"));
	bench_free(b);
}

/* However many media a description has, eight are enough. */
static void test_sip_bounded(void **state)
{
	struct bench *b = bench_new("sip", IPPROTO_TCP);

	(void)state;
	client(b, "INVITE sip:b@example.com SIP/2.0\r\n\r\nv=0\r\nc=IN IP4 192.0.2.5\r\n");
	for (int i = 0; i < 20; i++)
		client(b, "m=audio 65535 RTP/AVP 0\r\n");
	assert_int_equal(b->count, 8);
	bench_free(b);
}

/* ---- RTSP ---- */

static void test_rtsp(void **state)
{
	struct bench *b = bench_new("rtsp", IPPROTO_TCP);

	(void)state;
	client(b, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n");
	assert_true(b->consume.reading > 0);
	client(b, "SETUP rtsp://h/1 RTSP/1.0\r\nTransport: RTP/AVP;unicast;client_port=4588-4589,"
		  "RTP/SAVP/UDP;unicast;client_port=4600\r\n\r\n");
	assert_told(b, TOLD("client 4588 rtp", "client 4589 rtcp", "client 4600 srtp"));
	server(b, "RTSP/1.0 200 OK\r\ntransport:RTP/AVP;unicast;client_port=4588-4589;"
		  "source=198.51.100.10;server_port=6256-6257\r\n\r\n");
	assert_told(b, TOLD("server 6256 rtp", "server 6257 rtcp"));
	server(b, "Transport: RTP/AVP;source=203.0.113.9;server_port=80\r\n");
	assert_told(b, TOLD("server 80 rtp not 203.0.113.9"));
	client(b, "Transport: RTP/AVP;client_port=x\r\nTransport: RAW;client_port=5\r\n"
		  "Transport: RTP/AVP;server_port=6\r\nTransport: RTP/AVP;xclient_port=7\r\n"
		  "Transport:\r\nTransport: ,,;\r\n");
	assert_told(b, NULL);
	bench_free(b);
}

/* Media on the control connection are not read. */
static void test_rtsp_interleaved(void **state)
{
	struct bench *b = bench_new("rtsp", IPPROTO_TCP);

	(void)state;
	client(b, "OPTIONS * RTSP/1.0\r\n\r\n");
	client(b, "Transport: RTP/AVP/TCP;interleaved=0-1\r\n");
	assert_true(b->consume.reading > 0);
	server(b, "Transport: RTP/AVP/TCP;interleaved=0-1\r\n");
	assert_int_equal(b->consume.reading, 0);
	bench_free(b);
	b = bench_new("rtsp", IPPROTO_TCP);
	client(b, "OPTIONS * RTSP/1.0\r\n\r\n");
	server(b, "$\1\2abc");
	assert_int_equal(b->consume.reading, 0);
	bench_free(b);
}

/* ---- IRC ---- */

static void test_irc_offer(void **state)
{
	static const struct {
		const char *line, *told;
	} cases[] = {
		{"PRIVMSG bob :\001DCC SEND a.txt 3221225989 5000 77\001\r\n",
		 "client 5000 irc anyone"},
		{"PRIVMSG bob :\001DCC SEND \"a b.txt\" 3221225989 5001\001\r\n",
		 "client 5001 irc anyone"},
		{"@t=1 PRIVMSG bob :\001DCC CHAT chat 3221225989 5002\001\r\n",
		 "client 5002 irc anyone"},
		{"PRIVMSG bob :\001DCC SEND a 3405803783 25 1\001\r\n",
		 "client 25 irc not 203.0.113.7 anyone"},
	};
	struct bench *b = bench_new("irc", IPPROTO_TCP);

	(void)state;
	client(b, "NICK a\r\nUSER a b c :d\r\n");
	assert_true(b->consume.reading > 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		client(b, cases[i].line);
		assert_told(b, TOLD(cases[i].told));
	}
	/* What a server relays names somebody else; a relay that speaks for itself is one host. */
	server(b, ":alice!a@h PRIVMSG bob :\001DCC SEND a 3405803783 5000 1\001\r\n");
	assert_told(b, TOLD("server 5000 irc not 203.0.113.7"));
	server(b, ":alice!a@h PRIVMSG bob :\001DCC SEND a 3325256714 5000 1\001\r\n");
	assert_told(b, TOLD("server 5000 irc"));
	b->v6 = true;
	client(b, "PRIVMSG bob :\001DCC SEND a 2001:db8::5 5000 1\001\r\n");
	assert_told(b, TOLD("client 5000 irc anyone"));
	bench_free(b);
}

static void test_irc_no_offer(void **state)
{
	static const char *const lines[] = {
		"PRIVMSG bob :\001DCC SEND a 3221225989 0 77 12\001\r\n", /* the other way round */
		"PRIVMSG bob :\001DCC ACCEPT a 5000 12\001\r\n",
		"PRIVMSG bob :\001DCC SEND a\001\r\n",
		"PRIVMSG bob :\001DCC SEND \"a 3221225989 5000\001\r\n",
		"PRIVMSG bob :\001DCC SEND a 4294967296 5000\001\r\n",
		"PRIVMSG bob :\001DCC SEND a 3221225989 65536\001\r\n",
		"PRIVMSG bob :\001DCC SEND a 3221225989 5000x\r\n",
		"PRIVMSG bob :\001DCC \r\n",
		"PRIVMSG bob :DCC SEND a 3221225989 5000\r\n",
		"QUIT :\001DCC SEND a 3221225989 5000\001\r\n",
	};
	struct bench *b = bench_new("irc", IPPROTO_TCP);

	(void)state;
	client(b, "NICK a\r\nUSER a b c :d\r\n");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		client(b, lines[i]);
	assert_told(b, NULL);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ftp_passive),
		cmocka_unit_test(test_ftp_names),
		cmocka_unit_test(test_ftp_active),
		cmocka_unit_test(test_ftp_other_address),
		cmocka_unit_test(test_ftp_nothing_told),
		cmocka_unit_test(test_ftp_long_line),
		cmocka_unit_test(test_ftp_encrypted),
		cmocka_unit_test(test_no_text),
		cmocka_unit_test(test_sip_datagrams),
		cmocka_unit_test(test_no_learning),
		cmocka_unit_test(test_no_learning_any_more),
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_tftp),
		cmocka_unit_test(test_sip_offer_and_answer),
		cmocka_unit_test(test_sip_over_tcp),
		cmocka_unit_test(test_sip_not_expected),
		cmocka_unit_test(test_sip_bounded),
		cmocka_unit_test(test_rtsp),
		cmocka_unit_test(test_rtsp_interleaved),
		cmocka_unit_test(test_irc_offer),
		cmocka_unit_test(test_irc_no_offer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

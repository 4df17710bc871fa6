// SPDX-License-Identifier: GPL-2.0-only
/* The set that weir carries, on peers whose beginning was not seen, on answers alone, and on
 * networks of other names. */
#include "classify_samples.h"

#define TCP(app, data)                                                                             \
	{                                                                                          \
		app, IPPROTO_TCP, true, 40000, 50000, data, sizeof(data) - 1                       \
	}
#define TCP_ANSWER(app, data)                                                                      \
	{                                                                                          \
		app, IPPROTO_TCP, false, 50000, 40000, data, sizeof(data) - 1                      \
	}
#define UDP(app, data)                                                                             \
	{                                                                                          \
		app, IPPROTO_UDP, true, 40000, 50000, data, sizeof(data) - 1                       \
	}

#define ID16  "abcdefghijklmnop"
#define ID32  ID16 ID16
#define SUM   "\x5d\xf6\xe0\xe2"
#define MAGIC "\xfa\x1c\x55\x02" /* of a network that nobody has */
#define ZERO4 "\0\0\0\0"
#define MD5   "0123456789abcdef0123456789abcdef"
#define TTH   "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFG"

/* Version 70016, services, time, two addresses, nonce, an agent of 3 bytes, height, relay: 89
 * bytes. */
#define VERSION                                                                                    \
	"\x80\x11\1\0" ID16 ID16 ID16 ID16 "abcdefghijk"                                           \
	"\3/a/" ZERO4 "\1"

static const struct sample currencies[] = {
	TCP("bitcoin", MAGIC "version\0\0\0\0\0\x58\0\0\0" SUM VERSION),
	TCP_ANSWER("bitcoin", MAGIC "version\0\0\0\0\0\x58\0\0\0" SUM VERSION "more"),
	/* Shorter than any, its own version of 2^24 and more, a command that goes on. */
	TCP(NULL, MAGIC "version\0\0\0\0\0\x54\0\0\0" SUM VERSION),
	TCP(NULL, MAGIC "version\0\0\0\0\0\x58\0\0\0" SUM "\x80\x11\1\1" ID16 ID16 ID16 ID16 ID16),
	TCP(NULL, MAGIC "version\0\0\0\0\1\x58\0\0\0" SUM VERSION),
	/* In mid-stream. */
	TCP("bitcoin", MAGIC "inv\0\0\0\0\0\0\0\0\0\x25\0\0\0" SUM "\1\1\0\0\0" ID32),
	TCP("bitcoin", MAGIC "ping\0\0\0\0\0\0\0\0\x08\0\0\0" SUM "12345678"),
	TCP_ANSWER("bitcoin", MAGIC "cmpctblock\0\0\x25\3\0\0" SUM "\1\1\0\0\0" ID32),
	TCP(NULL, MAGIC "ping\0\0\0\0\0\0\0\0\x09\0\0\0" SUM "12345678"),
	TCP(NULL, MAGIC "inv\0\0\0\0\0\0\0\0 \x25\0\0\0" SUM "\1\1\0\0\0" ID32),
	TCP(NULL, MAGIC "inv\0\0\0\0\0\0\0\0\0\x25\0\0\1" SUM "\1\1\0\0\0" ID32),
	TCP(NULL, MAGIC "invite\0\0\0\0\0\0\x25\0\0\0" SUM "\1\1\0\0\0" ID32),
	UDP(NULL, MAGIC "inv\0\0\0\0\0\0\0\0\0\x25\0\0\0" SUM "\1\1\0\0\0" ID32),
};

static const struct sample mining[] = {
	TCP("stratum", "{\"id\": 1, \"method\": \"mining.subscribe\", \"params\": []}\n"),
	TCP("stratum",
	    "{\"params\":[\"w\",\"j\",\"0\",\"5\",\"b\"],\"id\":4,\"method\":\"mining.submit\"}\n"),
	TCP("stratum",
	    "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"eth_submitLogin\",\"params\":[\"0x1\"]}\n"),
	TCP("stratum", "{\"worker\":\"w\",\"jsonrpc\":\"2.0\",\"params\":[],\"id\":3,"
		       "\"method\":\"eth_getWork\"}\n"),
	TCP("stratum",
	    "{\"id\":5,\"method\":\"submit\",\"params\":{\"id\":\"1\",\"job_id\":\"2\"}}\n"),
	TCP_ANSWER("stratum",
		   "{\"id\":null,\"method\":\"mining.set_difficulty\",\"params\":[512]}\n"),
	TCP_ANSWER("stratum",
		   "{\"params\":[\"bf\",\"4d\"],\"id\":null,\"method\":\"mining.notify\"}\n"),
	TCP_ANSWER("stratum",
		   "{\"jsonrpc\":\"2.0\",\"method\":\"job\",\"params\":{\"blob\":\"07\"}}\n"),
	TCP_ANSWER("stratum",
		   "{\"id\":1,\"result\":[[[\"mining.set_difficulty\",\"b4\"]],\"08\",4]}\n"),
	TCP_ANSWER(
		"stratum",
		"{\"id\":1,\"error\":null,\"result\":{\"id\":\"a\",\"job\":{\"blob\":\"07\"}}}\n"),
	TCP(NULL, "{\"id\":1,\"method\":\"eth_getBlockByNumber\",\"params\":[]}\n"),
	TCP(NULL, "{\"id\":1,\"method\":\"submit\",\"params\":{\"form\":\"2\"}}\n"),
	TCP_ANSWER(NULL, "{\"id\":1,\"result\":true,\"error\":null}\n"),
	TCP_ANSWER(NULL, "{\"id\":1,\"result\":{\"job\":{\"name\":\"07\"}}}\n"),
	TCP_ANSWER(NULL, "{\"id\":1,\"result\":[[[\"mining.town\",\"b4\"]],\"08\",4]}\n"),
};

/* Of a capture that begins in the middle, or holds one direction, nobody knows who called. */
static const struct sample trackers[] = {
	TCP_ANSWER("bittorrent", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
				 "d8:completei3e10:incompletei1e8:intervali1800e5:peers0:e"),
	TCP("bittorrent", "HTTP/1.0 200 OK\r\n\r\nd8:intervali1800e5:peers6:abcdefe"),
	TCP("bittorrent", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3a\r\n"
			  "d5:peers6:abcdef8:intervali1800ee"),
	TCP("bittorrent", "HTTP/1.1 200 OK\r\n\r\nd5:filesd20:" ID16 "qrstd8:completei3e"),
	TCP("bittorrent", "HTTP/1.1 200 OK\r\n\r\nd14:failure reason9:not todaye"),
	TCP("http", "HTTP/1.1 200 OK\r\n\r\nd8:announce30:http"),
	TCP("http", "HTTP/1.1 200 OK\r\n\r\nd8:completei3e4:infod"),
	TCP("http", "HTTP/1.1 200 OK\r\n\r\nd5:peers6:abcdefe"),
	TCP_ANSWER("bittorrent",
		   "GET /announce?info_hash=%aa%bbabcdefghijklmnopqr&port=1 HTTP/1.1\r\n"),
};

static const struct sample turned[] = {
	TCP("gnutella", "GNUTELLA/0.6 503 Full\r\n"),
	TCP_ANSWER("gnutella", "GET /uri-res/N2R?urn:sha1:A HTTP/1.1\r\n"),
	TCP("edonkey", "\xe3\x09\0\0\0\x40\x0a\0\0\1\0\0\0\0\xe3\x07\0\0\0\x38\4\0test"),
	TCP("edonkey", "\xe3\x07\0\0\0\x38\4\0test"),
	TCP("soulseek", "\x14\0\0\0\1\0\0\0\0\x0b\0\0\0INVALIDPASS"),
	TCP_ANSWER("soulseek", "\x11\0\0\0\1\3\0\0\0bob\1\0\0\0F\0\0\0\0"),
};

static const struct sample files[] = {
	/* Soulseek: a call back; the server's word on a login. */
	TCP("soulseek", "\5\0\0\0\0\x21\x91\x10\0"),
	TCP_ANSWER(NULL, "\5\0\0\0\0\x21\x91\x10\0"),
	TCP(NULL, "\5\0\0\0\0\0\0\0\0"),
	TCP(NULL, "\5\0\0\0\0\x21\x91\x10\0\0"),
	TCP(NULL, "\5\0\0\0\1\x21\x91\x10\0"),
	TCP_ANSWER("soulseek", "\x34\0\0\0\1\0\0\0\1\2\0\0\0hi\1\0\0\x0a\x20\0\0\0" MD5 "\0"),
	TCP_ANSWER("soulseek", "\x14\0\0\0\1\0\0\0\0\x0b\0\0\0INVALIDPASS"),
	TCP_ANSWER(NULL, "\x34\0\0\0\1\0\0\0\1\2\0\0\0hi\1\0\0\x0a\x20\0\0\0" ID32 "\0"),
	TCP_ANSWER(NULL, "\x14\0\0\0\1\0\0\0\0\x0b\0\0\0INVALIDNAME"),
	/* FastTrack */
	UDP("fasttrack", "\x27\0\0\0\xa9\x80KaZaA\0"),
	UDP(NULL, "\x27\0\0\0\xa9\x80KaZaA"),
	UDP(NULL, "\x2a\0\0\0\xa9\x80KaZaA\0"),
	/* Direct Connect in mid-stream */
	TCP_ANSWER("directconnect", "$MyINFO $ALL joe text$ $100\1$$1234$|"),
	TCP("directconnect", "$ADCGET file TTH/" TTH " 0 -1 ZL1|"),
	TCP("directconnect", "$Search 192.0.2.7:412 T?F?0?9?TTH:" TTH "|"),
	TCP_ANSWER("directconnect", "$ConnectToMe joe 192.0.2.7:412|"),
	TCP("directconnect", "$SR joe dir\\file.txt\5"
			     "10 1/2\5hub (192.0.2.7:411)|"),
	TCP("directconnect", "BINF AAAB ID" TTH " NIjoe\n"),
	TCP("directconnect", "DCTM AAAB AAAC ADC/1.0 412 12345\n"),
	TCP("directconnect", "CGET file TTH/" TTH " 0 -1\n"),
	TCP("directconnect", "FSCH AAAB +TCP4 TRabc\n"),
	TCP(NULL, "$MyINFO $ALL joe text|"),
	TCP(NULL, "$Search for something|"),
	TCP(NULL, "$ConnectToMe now|"),
	TCP(NULL, "BINF AA1B NIjoe\n"),
	TCP(NULL, "DCTM AAAB AAAC TLS/1.0 412 12345\n"),
	TCP(NULL, "CGET file readme 0 -1\n"),
	/* Gnutella: an answer alone */
	TCP_ANSWER("gnutella",
		   "HTTP/1.1 206 Partial\r\nServer: x\r\n"
		   "X-Gnutella-Content-URN: urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB\r\n\r\n"),
	TCP_ANSWER("gnutella", "HTTP/1.1 200 OK\r\nX-Thex-URI: /uri-res/N2X?urn:sha1:A\r\n\r\n"),
	TCP_ANSWER("http", "HTTP/1.1 200 OK\r\nX-Note: X-Gnutella-Content-URN\r\n\r\n"),
	/* Kad: publishing and searching */
	UDP("edonkey", "\xe4\x43" ID16 "\2\0" ID16 "\4\2\1\0\1\3\0abc"),
	UDP("edonkey", "\xe4\x44" ID32 "\4\x0b\1\0\2abcdefgh"),
	UDP("edonkey", "\xe4\x3b" ID32 "\1\0" ID16 "\4\2\1\0\1\3\0abc"),
	UDP("edonkey", "\xe4\x34" ID16 "\0\0\1\2\3\4\5\0\0\0"),
	UDP("edonkey", "\xe4\x35" ID16 "\1\2\3\4\5\0\0\0"),
	UDP(NULL, "\xe4\x43" ID16 "\2\2" ID16 "\4\2\1\0\1\3\0abc"),
	UDP(NULL, "\xe4\x44" ID32 "\4\x0c\1\0\2abcdefgh"),
	UDP(NULL, "\xe4\x44" ID32 "\4\x0b\1\1\2abcdefgh"),
	UDP(NULL, "\xe4\x34" ID16 "\0\x80\1\2\3\4\5\0\0\0"),
	UDP(NULL, "\xe4\x34" ID16 "\0\0\1\2\3\4\5\0\0\1"),
	UDP(NULL, "\xe4\x35" ID16 "\1\2\3\4\5\0\0\0\0"),
};

/* A client hello that asks for these protocols (ALPN). */
static size_t hello(char *out, const char *protocols, size_t len)
{
	size_t at = 0;
	const uint8_t head[] = {0x16, 3, 1, 0, (uint8_t)(53 + len), 1, 0, 0, (uint8_t)(49 + len),
				3,    3};
	const uint8_t rest[] = {0,
				0,
				2,
				0x13,
				1,
				1,
				0,
				0,
				(uint8_t)(6 + len),
				0,
				16,
				0,
				(uint8_t)(2 + len),
				0,
				(uint8_t)len};

	memcpy(out, head, sizeof(head));
	memset(out + sizeof(head), 0x5a, 32);
	at = sizeof(head) + 32;
	memcpy(out + at, rest, sizeof(rest));
	memcpy(out + at + sizeof(rest), protocols, len);
	return at + sizeof(rest) + len;
}

static void relays_by_alpn(void **state)
{
	static const struct {
		const char *app, *protocols;
		size_t len;
	} list[] = {
		{"syncthing", "\7bep/1.0", 8},
		{"syncthing",
		 "\x9"
		 "bep-relay",
		 10},
		{"tls",
		 "\x9"
		 "bep-relax",
		 10},
		{"tls",
		 "\x8"
		 "bep-relay",
		 10},
	};
	char data[256];

	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		struct sample x = {list[i].app, IPPROTO_TCP, true, 40000, 22067, data, 0};

		x.len = hello(data, list[i].protocols, list[i].len);
		samples_check(*state, &x, 1);
	}
}

static void currencies_of_any_name(void **state)
{
	samples_check(*state, currencies, ARRAY_SIZE(currencies));
}

static void pools_and_their_miners(void **state)
{
	samples_check(*state, mining, ARRAY_SIZE(mining));
}

static void answers_of_trackers(void **state)
{
	samples_check(*state, trackers, ARRAY_SIZE(trackers));
}

static void who_called_is_not_known(void **state)
{
	samples_check(*state, turned, ARRAY_SIZE(turned));
}

static void files_are_shared(void **state)
{
	samples_check(*state, files, ARRAY_SIZE(files));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(currencies_of_any_name),  cmocka_unit_test(pools_and_their_miners),
		cmocka_unit_test(files_are_shared),	   cmocka_unit_test(answers_of_trackers),
		cmocka_unit_test(who_called_is_not_known), cmocka_unit_test(relays_by_alpn),
	};

	return cmocka_run_group_tests(tests, samples_setup, samples_teardown);
}

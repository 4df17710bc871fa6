// SPDX-License-Identifier: GPL-2.0-only
/* The set that weir carries: what it has to know, and look-alikes that it must not. */
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
#define UDP_AT(app, port, data)                                                                    \
	{                                                                                          \
		app, IPPROTO_UDP, true, 40000, port, data, sizeof(data) - 1                        \
	}
#define TCP_AT(app, port, data)                                                                    \
	{                                                                                          \
		app, IPPROTO_TCP, true, 40000, port, data, sizeof(data) - 1                        \
	}
#define TCP_ANSWER_AT(app, port, data)                                                             \
	{                                                                                          \
		app, IPPROTO_TCP, false, port, 40000, data, sizeof(data) - 1                       \
	}

#define ID16 "abcdefghijklmnop"
#define ID20 "abcdefghijklmnopqrst"
#define ID32 ID16 ID16

static const struct sample bittorrent[] = {
	/* BEP 3 */
	TCP("bittorrent", "\x13"
			  "BitTorrent protocol\0\0\0\0\0\x10\0\x05" ID20 "-XX0001-abcdefghijkl"),
	TCP("bittorrent", "\x13"
			  "BitTorrent protocol"),
	TCP(NULL, "\x13"
		  "BitTorrent protocoX"),
	TCP(NULL, "\x12"
		  "BitTorrent protocol"),
	UDP(NULL, "\x13"
		  "BitTorrent protocol"),
	/* BEP 29 */
	UDP("bittorrent", "\x41\0\x12\x34tttt\0\0\0\0\0\x10\0\0\0\1\0\0"),
	UDP("bittorrent", "\x41\2\x12\x34tttt\0\0\0\0\0\x10\0\0\0\1\0\0\0\x08\0\0\0\0\0\0\0\0"),
	UDP("bittorrent", "\x01\0\x12\x34tttt\0\0\0\x50\0\x10\0\0\0\2\0\1\x13"
			  "BitTorrent protocol\0\0\0\0\0\0\0\0"),
	/* A time difference or an acknowledgement before anything was received. */
	UDP(NULL, "\x41\0\x12\x34tttt\0\0\0\1\0\x10\0\0\0\1\0\0"),
	UDP(NULL, "\x41\0\x12\x34tttt\0\0\0\0\0\x10\0\0\0\1\0\1"),
	UDP(NULL, "\x41\0\x12\x34tttt\0\0\0\0\0\x10\0\0\0\1\0\0\0"),
	UDP(NULL, "\x01\0\x12\x34tttt\0\0\0\x50\0\x10\0\0\0\2\0\1"),
	UDP(NULL, "\x21\0\x12\x34tttt\0\0\0\x50\0\x10\0\0\0\2\0\1"),
	/* BEP 5 */
	UDP("bittorrent", "d1:ad2:id20:" ID20 "e1:q4:ping1:t2:aa1:y1:qe"),
	UDP("bittorrent", "d1:rd2:id20:" ID20 "e1:t2:aa1:y1:re"),
	UDP("bittorrent", "d2:ip6:\1\2\3\4\5\6"
			  "1:rd2:id20:" ID20 "e1:t2:aa1:y1:re"),
	UDP("bittorrent", "d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee"),
	UDP(NULL, "d1:ad2:id19:" ID20 "e1:q4:ping1:t2:aa1:y1:qe"),
	UDP(NULL, "d1:ad2:xx20:" ID20 "e1:q4:ping1:t2:aa1:y1:qe"),
	/* BEP 15 */
	UDP("bittorrent", "\0\0\4\x17\x27\x10\x19\x80\0\0\0\0wxyz"),
	UDP(NULL, "\0\0\4\x17\x27\x10\x19\x80\0\0\0\1wxyz"),
	UDP(NULL, "\0\0\4\x17\x27\x10\x19\x80\0\0\0\0wxy"),
	UDP("bittorrent", "connecti\0\0\0\1wxyz" ID20 "-XX0001-abcdefghijkl"
			  "12345678abcdefgh12345678\0\0\0\2\0\0\0\0keyk\xff\xff\xff\xff\x1a\xe1"),
	UDP(NULL, "connecti\0\0\0\1wxyz" ID20 "-XX0001-abcdefghijkl"
		  "12345678abcdefgh12345678\0\0\0\7\0\0\0\0keyk\xff\xff\xff\xff\x1a\xe1"),
	/* BEP 3 and 48, over HTTP */
	TCP("bittorrent", "GET /announce?info_hash=%aa%bbabcdefghijklmnopqr&peer_id=x&port=6881 "
			  "HTTP/1.1\r\nHost: t\r\n\r\n"),
	TCP("bittorrent", "GET /scrape?x=1&info_hash=%00%01%02%03%04%05%06%07%08%09%0a%0b%0c%0d%0e%"
			  "0f%10%11%12%13 HTTP/1.0\r\n\r\n"),
	TCP("http", "GET /announce?info_hash=short&peer_id=x HTTP/1.1\r\nHost: t\r\n\r\n"),
	TCP("http", "GET /?q=info_hash HTTP/1.1\r\nHost: t\r\n\r\n"),
	/* BEP 14 */
	UDP("bittorrent", "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 1\r\n"),
	UDP(NULL, "BT-SEARCH * HTTP/2.0\r\n"),
};

#define HELLO_REST ID16 "\x0a\0\0\1\x36\x12\4\0\0\0\2\1\0\1\5\0bnick\3\1\0\x11\x3c\0\0\0"

static const struct sample edonkey[] = {
	TCP("edonkey", "\xe3\x2e\0\0\0\1\x10" HELLO_REST "wx"),
	TCP("edonkey", "\xe3\x2d\0\0\0\1" HELLO_REST "wx"),
	TCP_ANSWER("edonkey", "\xe3\x2d\0\0\0\x4c" HELLO_REST "wx\xc5\1"),
	/* Longer than it says it is going to be, no such opcode, no tag, too many tags. */
	TCP(NULL, "\xe3\x2e\0\0\1\1\x10" HELLO_REST "wx"),
	TCP(NULL, "\xe3\x2e\0\0\0\7\x10" HELLO_REST "wx"),
	TCP(NULL, "\xe3\x2d\0\0\0\1" ID16 "\x0a\0\0\1\x36\x12\4\0\0\0\7\1\0\1\5\0bnickxxxxxxxxxxx"),
	TCP(NULL, "\xe3\x2d\0\0\0\1" ID16 "\x0a\0\0\1\x36\x12\xff\0\0\0\2\1\0\1\5\0bnickxxxxxxxxx"),
	TCP(NULL, "\xe3\xe3\xe3\xe3\xe3\xe3\xe3\xe3"),
	TCP_ANSWER("edonkey", "\xe3\x09\0\0\0\x40\x0a\0\0\1\0\0\0\0\xe3\x07\0\0\0\x38\4\0test"),
	TCP_ANSWER("edonkey", "\xe3\x07\0\0\0\x38\4\0test"),
	TCP_ANSWER(NULL, "\xe3\x07\0\0\0\x38\5\0test"),
	UDP("edonkey", "\xe3\x96\x12\x34\xaa\x55"),
	UDP(NULL, "\xe3\x96\x12\x34\xaa\x56"),
	UDP(NULL, "\xe3\x96\x12\x34\xaa\x55\0"),
	UDP("edonkey", "\xe3\x9b" ID16 "\x02"
		       "abcdefabcdef"),
	UDP(NULL, "\xe3\x9b" ID16 "\x02"
		  "abcdefabcde"),
	UDP("edonkey", "\xe4\x21\x02" ID32),
	UDP(NULL, "\xe4\x21\x03" ID32),
	UDP(NULL, "\xe4\x21\x02" ID32 "x"),
	UDP("edonkey", "\xe4\x29" ID16 "\x01" ID16 "123456789"),
	UDP(NULL, "\xe4\x29" ID16 "\x02" ID16 "123456789"),
	UDP("edonkey", "\xe4\x11" ID16 "\x36\x12\x08\0"),
	UDP(NULL, "\xe4\x11" ID16 "\x36\x12\x28\0"),
	UDP(NULL, "\xc5\x92"),
	UDP(NULL, "\xe4\x01"),
};

static const struct sample gnutella[] = {
	TCP("gnutella", "GNUTELLA CONNECT/0.6\r\nUser-Agent: x\r\n\r\n"),
	TCP("gnutella", "GNUTELLA CONNECT/0.4\n\n"),
	TCP_ANSWER("gnutella", "GNUTELLA/0.6 200 OK\r\n\r\n"),
	TCP("gnutella", "GIV 17:0123456789abcdef0123456789abcdef/file\n\n"),
	TCP("gnutella", "GET /uri-res/N2R?urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB HTTP/1.1\r\n"),
	TCP("http", "GET /uri-res/ HTTP/1.1\r\n\r\n"),
	TCP(NULL, "GNUTELLA CONNECTION refused\r\n"),
	/* Ping without and with GGEP, pong, query. */
	UDP("gnutella", "12345678\xff"
			"1234567\x00\x01\x00\x00\x00\x00\x00"),
	UDP("gnutella", "12345678\xff"
			"1234567\x00\x01\x00\x05\x00\x00\x00\xc3\x82SCP"),
	UDP("gnutella", ID16 "\x01\x01\x00\x0e\x00\x00\x00"
			     "12345678901234"),
	UDP("gnutella", ID16 "\x80\x01\x02\x05\x00\x00\x00\0\0abc"),
	/* The length is not the datagram's; TTL 0 and hops 0; no such type; a ping's GUID. */
	UDP(NULL, ID16 "\x01\x01\x00\x0d\x00\x00\x00"
		       "12345678901234"),
	UDP(NULL, ID16 "\x01\x00\x00\x0e\x00\x00\x00"
		       "12345678901234"),
	UDP(NULL, ID16 "\x03\x01\x00\x0e\x00\x00\x00"
		       "12345678901234"),
	UDP(NULL, ID16 "\x00\x01\x00\x00\x00\x00\x00"),
	UDP(NULL, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
};

static const struct sample common[] = {
	/* IRC */
	TCP("irc", "NICK joe\r\nUSER joe 0 * :Joe\r\n"),
	TCP("irc", "CAP LS 302\r\nNICK joe\r\nUSER joe 0 * :Joe\r\n"),
	TCP("irc", "PASS secret\r\nNICK joe\r\nUSER joe 0 * :Joe\r\n"),
	TCP_ANSWER("irc", ":irc.example.net NOTICE AUTH :*** Looking up your hostname...\r\n"),
	TCP_ANSWER("irc", ":irc.example.net 001 joe :Welcome\r\n"),
	TCP(NULL, "NICK of time\r\n"),
	TCP(NULL, "USER joe\r\n"),
	/* HTTP */
	TCP("http", "GET / HTTP/1.1\r\nHost: example.net\r\n\r\n"),
	TCP_ANSWER("http", "HTTP/1.1 200 OK\r\n\r\n"),
	TCP("http", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	TCP(NULL, "GET / HTTP/9\r\n\r\n"),
	TCP(NULL, "Getting / HTTP/1.1\r\n\r\n"),
	TCP("http", "OPTIONS * HTTP/1.1\r\n\r\n"),
	TCP("rtsp", "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
	/* TLS */
	TCP("tls", "\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03" ID32),
	TCP_ANSWER("tls", "\x16\x03\x03\x00\x40\x02\x00\x00\x3c\x03\x03" ID32),
	TCP_AT("imaps", 993, "\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03" ID32),
	TCP(NULL, "\x16\x03\x01\x00\x40\x05\x00\x00\x3c\x03\x03" ID32),
	TCP(NULL, "\x16\x03\x01\x00\x40\x01\x01\x00\x3c\x03\x03" ID32),
	/* DNS */
	UDP_AT("dns", 53, "\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\7example\3net\0\0\1\0\1"),
	UDP_AT("mdns", 5353, "\0\0\0\0\0\1\0\0\0\0\0\0\4host\5local\0\0\1\0\1"),
	UDP_AT("llmnr", 5355, "\x12\x34\0\0\0\1\0\0\0\0\0\0\4host\0\0\1\0\1"),
	UDP_AT(NULL, 53, "\x12\x34\1\0\0\1\0\0\0\0\0\0\x7fwww\7example\3net\0\0\1\0\1"),
	UDP_AT(NULL, 53, "\x12\x34\1\x40\0\1\0\0\0\0\0\0\3www\0\0\1\0\1"),
	TCP_AT("dns", 53, "\0\x21\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\7example\3net\0\0\1\0\1"),
	TCP_AT(NULL, 53, "nothing of the kind, just text on the port of DNS"),
	/* SSH, FTP, SMTP, IMAP, POP3 */
	TCP_ANSWER("ssh", "SSH-2.0-OpenSSH_9.2\r\n"),
	TCP(NULL, "SSH is great\r\n"),
	TCP_ANSWER("ftp", "220 ProFTPD Server ready.\r\n"),
	TCP_ANSWER_AT("ftp", 21, "220 welcome\r\n"),
	TCP_ANSWER(NULL, "220 welcome\r\n"),
	TCP_ANSWER("smtp", "220 mail.example.net ESMTP Postfix\r\n"),
	TCP("smtp", "EHLO client.example.net\r\n"),
	TCP_ANSWER("imap", "* OK [CAPABILITY IMAP4rev1] ready\r\n"),
	TCP_ANSWER_AT("pop3", 110, "+OK hello\r\n"),
	/* QUIC: version 1, a draft's, an unknown one; a connection id that is too long */
	UDP("quic", "\xc3\0\0\0\1\x08" ID32),
	UDP("quic", "\xc3\xff\0\0\x1d\x08" ID32),
	UDP(NULL, "\xc3\0\0\0\7\x08" ID32),
	UDP(NULL, "\xc3\0\0\0\1\x15" ID32),
	UDP(NULL, "\x43\0\0\0\1\x08" ID32),
	/* The rest, one each */
	UDP("stun", "\0\1\0\0\x21\x12\xa4\x42"
		    "123456789012"),
	UDP(NULL, "\0\1\0\4\x21\x12\xa4\x42"
		  "123456789012"),
	UDP("sip", "REGISTER sip:example.net SIP/2.0\r\n"),
	UDP("ssdp", "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"),
	TCP("xmpp", "<?xml version='1.0'?><stream:stream to='x' xmlns='jabber:client'>"),
	TCP("mqtt", "\x10\x0c\0\4MQTT\4\2\0\x3c\0\0"),
	TCP("smb", "\0\0\0\x20\xfeSMB" ID32),
	TCP("rdp", "\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0"),
	TCP_ANSWER("mysql", "\x4a\0\0\0\x0a"
			    "8.0.36\0"
			    "\1\0\0\0"
			    "abcdefgh\0\xff\xff"),
	TCP("postgresql", "\0\0\0\x08\4\xd2\x16\x2f"),
	TCP("redis", "*1\r\n$4\r\nPING\r\n"),
	TCP("mongodb", "\x14\0\0\0\1\0\0\0\0\0\0\0\xdd\7\0\0\0\0\0\0"),
	TCP("memcached", "get key\r\n"),
	TCP("socks", "\5\1\0"),
	TCP(NULL, "\5\2\0"),
	UDP("openvpn", "\x38"
		       "12345678\0\0\0\0\0"),
	UDP("bittorrent", "d1:rd2:id20:" ID20 "5:nodes0:e1:t1:x1:y1:re"),
	TCP("bitcoin", "\xf9\xbe\xb4\xd9version\0\0\0\0\0\x55\0\0\0"),
	TCP("directconnect", "HSUP ADBASE ADTIGR\n"),
	TCP("directconnect", "$Lock EXTENDEDPROTOCOLABCABC Pk=x|"),
};

#define RANDOM16 "\xd2\x7a\x01\x93\xee\x48\xb5\x0c\x66\xf1\x3d\x87\x2a\xc9\x54\xbe"
#define RANDOM96 RANDOM16 RANDOM16 RANDOM16 RANDOM16 RANDOM16 RANDOM16
#define SAME16	 "\x31\x31\x31\x31\x31\x31\x31\x31\x31\x31\x31\x31\x31\x31\x31\x31"
#define SAME96	 SAME16 SAME16 SAME16 SAME16 SAME16 SAME16
#define HELLO_UP_TO_ALPN(size)                                                                     \
	"\x16\x03\x01\0" size "\x01\0\0\x60\x03\x03" ID32 "\0\0\x04\x13\x01\x13\x02\x01\0"

static const struct sample other_p2p[] = {
	/* EIP-8: 0x121 = 289 bytes follow, of which the key's first is 04 */
	TCP("ethereum", "\x01\x21\x04" RANDOM96 RANDOM96 RANDOM96),
	TCP(NULL, "\x01\x22\x04" RANDOM96 RANDOM96 RANDOM96),
	TCP(NULL, "\x01\x21\x03" RANDOM96 RANDOM96 RANDOM96),
	TCP(NULL, "\x01\x21\x04" SAME96 SAME96 SAME96),
	TCP_ANSWER(NULL, "\x01\x21\x04" RANDOM96 RANDOM96 RANDOM96),
	/* Discovery v4: a request for the record */
	UDP("ethereum", RANDOM96 "\x01\x05\xc5\x84\x5f\x01\x02\x03"),
	UDP(NULL, RANDOM96 "\x02\x05\xc5\x84\x5f\x01\x02\x03"),
	UDP(NULL, RANDOM96 "\x01\x05\xc5\x84\x5f\x01\x02"),
	/* ALPN behind a client hello's fixed part; TLS is TLS without it */
	TCP("syncthing", HELLO_UP_TO_ALPN("\x3f") "\0\x0e\0\x10\0\x0a\0\x08\x07"
						  "bep/1.0"),
	TCP("directconnect", HELLO_UP_TO_ALPN("\x3b") "\0\x0a\0\x10\0\x06\0\x04\x03"
						      "adc"),
	TCP("tls", HELLO_UP_TO_ALPN("\x3a") "\0\x09\0\x10\0\x05\0\x03\x02h2"),
	TCP("ipfs", HELLO_UP_TO_ALPN("\x3e") "\0\x0d\0\x10\0\x09\0\x07\x06"
					     "libp2p"),
	TCP("ipfs", HELLO_UP_TO_ALPN("\x4b") "\0\x1a\0\x10\0\x16\0\x14\x0c"
					     "/yamux/1.0.0\x06libp2p"),
	TCP("tls", HELLO_UP_TO_ALPN("\x3f") "\0\x0e\0\x10\0\x0a\0\x08\x07"
					    "libp2p2"),
	UDP("syncthing", "\x2e\xa7\xd9\x0b\x0a\x20" ID32),
	TCP("syncthing", "\x9e\x79\xbc\x40\0\0\0\x01\0\0\0\0"),
	TCP("ipfs", "\x13/multistream/1.0.0\n"),
	TCP("monero", "\x01\x21\x01\x01\x01\x01\x01\x01\x0e\x01\0\0\0\0\0\0\x01"),
	TCP("nano", "RC\x14\x12\x0a\x05\0\0"),
	TCP(NULL, "RC car for sale"),
};

/* Byte by byte a stream is pending until it is what it is: never something else before. */
static void check_growing(struct fixture *f, const struct sample *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].proto != IPPROTO_TCP || !list[i].app)
			continue;
		for (size_t len = 1; len < list[i].len; len++) {
			const char *got = sample_name(f, &list[i], len, false);

			if (strcmp(got, "pending") == 0)
				continue;
			if (strcmp(got, list[i].app) != 0)
				fail_msg("sample %zu (%.24s) of %s is %s after %zu bytes", i,
					 list[i].data, list[i].app, got, len);
			break;
		}
	}
}

static void bittorrent_is_known(void **state)
{
	samples_check(*state, bittorrent, ARRAY_SIZE(bittorrent));
}

static void edonkey_is_known(void **state)
{
	samples_check(*state, edonkey, ARRAY_SIZE(edonkey));
}

static void gnutella_is_known(void **state)
{
	samples_check(*state, gnutella, ARRAY_SIZE(gnutella));
}

static void other_p2p_is_known(void **state)
{
	samples_check(*state, other_p2p, ARRAY_SIZE(other_p2p));
}

static void common_protocols_are_known(void **state)
{
	samples_check(*state, common, ARRAY_SIZE(common));
}

static void streams_are_pending_until_known(void **state)
{
	check_growing(*state, bittorrent, ARRAY_SIZE(bittorrent));
	check_growing(*state, edonkey, ARRAY_SIZE(edonkey));
	check_growing(*state, gnutella, ARRAY_SIZE(gnutella));
	check_growing(*state, other_p2p, ARRAY_SIZE(other_p2p));
	check_growing(*state, common, ARRAY_SIZE(common));
}

static bool is_p2p(const struct fixture *f, const char *name)
{
	int app = app_registry_find(f->r, name);

	return app > 0 && strcmp(app_registry_get(f->r, (unsigned int)app)->category, "p2p") == 0;
}

/* Random bytes are no P2P application, whatever their length. A fixed seed: a failure repeats. */
static void random_bytes_are_not_p2p(void **state)
{
	struct fixture *f = *state;
	uint64_t x = 0x9e3779b97f4a7c15ULL;
	uint8_t data[1500];

	for (unsigned int round = 0; round < 30000; round++) {
		struct sample s = {NULL,      round & 1 ? IPPROTO_TCP : IPPROTO_UDP,
				   round & 2, 4000,
				   5000,      (const char *)data,
				   0};

		for (size_t i = 0; i < sizeof(data); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			data[i] = (uint8_t)(x >> 24);
		}
		/* Every first byte, many lengths: what a rule of few bits would fall for. */
		data[0] = (uint8_t)(round >> 2);
		s.len = 1 + (round * 7919) % sizeof(data);
		if (is_p2p(f, sample_name(f, &s, s.len, true)))
			fail_msg("round %u is P2P", round);
	}
}

/* Neither are zeros and short runs of small numbers, of which binary protocols are made. */
static void sparse_bytes_are_not_p2p(void **state)
{
	struct fixture *f = *state;
	uint8_t data[400];

	for (unsigned int first = 0; first < 256; first++) {
		for (size_t len = 1; len <= sizeof(data); len++) {
			struct sample s = {NULL, first & 1 ? IPPROTO_UDP : IPPROTO_TCP,
					   true, 1,
					   2,	 (const char *)data,
					   len};

			memset(data, 0, sizeof(data));
			data[0] = (uint8_t)first;
			data[len / 2] = 1;
			data[len - 1] = (uint8_t)len;
			if (is_p2p(f, sample_name(f, &s, len, true)))
				fail_msg("first byte %u, %zu bytes", first, len);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bittorrent_is_known),
		cmocka_unit_test(edonkey_is_known),
		cmocka_unit_test(gnutella_is_known),
		cmocka_unit_test(other_p2p_is_known),
		cmocka_unit_test(common_protocols_are_known),
		cmocka_unit_test(streams_are_pending_until_known),
		cmocka_unit_test(random_bytes_are_not_p2p),
		cmocka_unit_test(sparse_bytes_are_not_p2p),
	};

	return cmocka_run_group_tests(tests, samples_setup, samples_teardown);
}

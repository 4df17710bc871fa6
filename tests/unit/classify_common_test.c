// SPDX-License-Identifier: GPL-2.0-only
/* The set that weir carries: a message of each common protocol, as its specification draws it, and
 * what misses it by a little. */
#include "classify_samples.h"

/* Of the side that opened the flow to port, and of the other. */
#define TO(app, proto, port, data)                                                                 \
	{                                                                                          \
		app, proto, true, 40000, port, data, sizeof(data) - 1                              \
	}
#define OF(app, proto, port, data)                                                                 \
	{                                                                                          \
		app, proto, false, port, 40000, data, sizeof(data) - 1                             \
	}
#define U(app, port, data)  TO(app, IPPROTO_UDP, port, data)
#define T(app, port, data)  TO(app, IPPROTO_TCP, port, data)
#define UA(app, port, data) OF(app, IPPROTO_UDP, port, data)
#define TA(app, port, data) OF(app, IPPROTO_TCP, port, data)

#define ZERO4  "\0\0\0\0"
#define ZERO16 ZERO4 ZERO4 ZERO4 ZERO4
#define X4     "wxyz"
#define X8     "abcdefgh"
#define X16    X8 "ijklmnop"
#define X32    X16 "qrstuvwxyz123456"
#define X64    X32 X32

static const struct sample web[] = {
	T("http", 80, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"),
	T("http", 80, "GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
	T("http", 80, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	T("http", 80, "RPC_IN_DATA /rpc/rpcproxy.dll?h:6001 HTTP/1.1\r\nHost: h\r\n\r\n"),
	T(NULL, 80, "GET /index.html\r\n"),
	T(NULL, 80, "Get /index.html HTTP/1.1\r\n"),
	T("tls", 443, "\x16\1\1\0\x2d\1\0\0\x29\1\1" X32 "\0\0\2\xe0\x13\1\0"),
	T(NULL, 80, "PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n"),
	/* RFC 6347: a hello; a record in mid-stream; one that is longer than it says it is. */
	U("dtls", 4433,
	  "\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x20\1\0\0\x14\0\0\0\0\0\0\0\x14\xfe\xfd" X16),
	U("dtls", 4433, "\x17\xfe\xfd\0\1\0\0\0\0\0\7\0\x10" X16),
	U(NULL, 4433, "\x17\xfe\xfd\0\1\0\0\0\0\0\7\0\x11" X16),
	U(NULL, 4433, "\x19\xfe\xfd\0\1\0\0\0\0\0\7\0\x10" X16),
	/* Google QUIC's server: connection id, packet 1, hash, stream 1 with a rejection. */
	UA("quic", 443, "\x08" X8 "\1" X8 X4 "\xa0\1\2\x5bREJ\0\7\0\0\0STK\0\x38\0\0\0"),
	UA(NULL, 443, "\x08" X8 "\1" X8 X4 "\xa0\1\2\x5bREX\0\7\0\0\0STK\0\x38\0\0\0"),
	UA(NULL, 4430, "\x08" X8 "\1" X8 X4 "\xa0\1\2\x5bREJ\0\7\0\0\0STK\0\x38\0\0\0"),
	U("quic", 4443, "\xc2\xff\2\0\0\x08" X8 "\0" X16),
	/* A reserved version, in a datagram as large as a client's first must be. */
	U("quic", 443,
	  "\xc3\x0a\x1a\x2a\x3a\x08" X8
	  "\0\0" X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64),
	U(NULL, 443,
	  "\xc3\x0a\x1a\x2a\x3b\x08" X8
	  "\0\0" X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64),
	U(NULL, 443, "\xc3\x0a\x1a\x2a\x3a\x08" X8 "\0\0" X64 X64),
};

static const struct sample hosts[] = {
	/* RFC 2131 and 8415 */
	U("dhcp", 67,
	  "\1\1\6\0" X4 "\0\0\0\0" ZERO16 X16 ZERO16 ZERO16 ZERO16 ZERO16 ZERO16 ZERO16 ZERO16
		  ZERO16 ZERO16 ZERO16 ZERO16 ZERO4 ZERO4 "\x63\x82\x53\x63\x35\1\1\xff"),
	U("dhcpv6", 547,
	  "\1"
	  "abc"
	  "\0\1\0\x0e" X8 X4 "wx"),
	U(NULL, 548,
	  "\1"
	  "abc"
	  "\0\1\0\x0e" X8 X4 "wx"),
	/* RFC 5905: a client's; mode 0 is none. */
	U("ntp", 123, "\x23\0\6\xec" ZERO16 ZERO16 ZERO4 X8),
	U(NULL, 123, "\x20\0\6\xec" ZERO16 ZERO16 ZERO4 X8),
	/* RFC 1157: version 1, community, get */
	U("snmp", 161, "\x30\x1c\2\1\0\4\6public\xa0\x0f\2\1\1\2\1\0\2\1\0\x30\4\x30\2\6\0"),
	U(NULL, 161, "\x30\x1c\2\1\0\5\6public\xa0\x0f\2\1\1\2\1\0\2\1\0\x30\4\x30\2\6\0"),
	/* RFC 5424 */
	U("dhcpv6", 547, "\x0c\0" X16 X16 "\0\x09\0\4" X4),
	U(NULL, 547, "\x0c\x21" X16 X16 "\0\x09\0\4" X4),
	U("syslog", 5140, "<34>Oct 11 22:14:15 host su: failed"),
	U(NULL, 5140, "<34>Okt 11 22:14:15 host su: failed"),
	U("syslog", 514, "<34>1 2003-10-11T22:14:15.003Z host su - ID47 - failed"),
	T("syslog", 6514, "71 <34>1 2003-10-11T22:14:15.003Z host su - ID47 - failed"),
	U(NULL, 514, "<192>1 2003-10-11T22:14:15.003Z host su - ID47 - failed"),
	/* RFC 2865: access request of 26 bytes */
	U("radius", 1812, "\1\7\0\x1a" X16 "\1\6nemo"),
	U(NULL, 1812, "\1\7\0\x1b" X16 "\1\6nemo"),
	/* RFC 4120: AS-REQ */
	U("kerberos", 88, "\x6a\x10\x30\x0e\xa1\3\2\1\5\xa2\3\2\1\x0a\xa4\2\x30\0"),
	T("kerberos", 88, "\0\0\0\x12\x6a\x10\x30\x0e\xa1\3\2\1\5\xa2\3\2\1\x0a\xa4\2\x30\0"),
	U(NULL, 88, "\x6a\x10\x30\x0e\xa1\3\2\1\4\xa2\3\2\1\x0a\xa4\2\x30\0"),
	/* RFC 4511: anonymous bind */
	T("ldap", 389, "\x30\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0"),
	T(NULL, 389, "\x30\x0c\2\1\1\x5f\7\2\1\3\4\0\x80\0"),
	/* RFC 6886 and 6887 */
	U("nat-pmp", 5351, "\0\0"),
	U("nat-pmp", 5351, "\0\1\0\0\x1a\xe1\x1a\xe1\0\0\x0e\x10"),
	U("nat-pmp", 5351, "\2\1\0\0\0\0\x0e\x10" ZERO4 ZERO4 "\0\0\xff\xff" X4 ZERO4 ZERO4),
	U(NULL, 5351, "\3\0"),
	/* RFC 1002: name query, session request */
	U("netbios", 137,
	  "\x12\x34\1\x10\0\1\0\0\0\0\0\0\x20"
	  "ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP"
	  "\0\0\x20\0\1"),
	T("netbios", 139,
	  "\x81\0\0\x44\x20"
	  "ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP"
	  "\0\x20"
	  "ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP\0"),
	/* RFC 5415: DTLS preamble; discovery request (message 1) */
	U("capwap", 5246, "\1\0\0\0\x16\xfe\xff\0\0" X16),
	U("capwap", 5246, "\0\x10\2\0\0\0\0\0\0\0\0\1\5\0\x10\0" X16),
	U(NULL, 5248, "\0\x10\2\0\0\0\0\0\0\0\0\1\5\0\x10\0" X16),
	U("coap", 5683,
	  "\x42\1\x12\x34"
	  "ab\xbb.well-known"),
	U(NULL, 5683,
	  "\x49\1\x12\x34"
	  "ab\xbb.well-known"),
};

static const struct sample files[] = {
	U("tftp", 69, "\0\1file\0octet\0"),
	U(NULL, 69, "\0\1file\0xctet\0"),
	T("rsync", 873, "@RSYNCD: 31.0\n"),
	/* RFC 5531 and 1813: NULL of NFS 3; mount; the lock manager; rpcbind asked for NFS, and for
	   another. */
	U("nfs", 2049, X4 ZERO4 "\0\0\0\2\0\1\x86\xa3\0\0\0\3" ZERO4 ZERO16),
	T("nfs", 2049, "\x80\0\0\x28" X4 ZERO4 "\0\0\0\2\0\1\x86\xa3\0\0\0\3" ZERO4 ZERO16),
	U("nfs", 999, X4 ZERO4 "\0\0\0\2\0\1\x86\xa5\0\0\0\3" ZERO4 ZERO16),
	T("nfs", 999, "\x80\0\0\x28" X4 ZERO4 "\0\0\0\2\0\1\x86\xa5\0\0\0\3" ZERO4 ZERO16),
	U("nfs", 999, X4 ZERO4 "\0\0\0\2\0\1\x86\xb5\0\0\0\4" ZERO4 ZERO16),
	T("nfs", 999, "\x80\0\0\x28" X4 ZERO4 "\0\0\0\2\0\1\x87\x83\0\0\0\3" ZERO4 ZERO16),
	U("nfs", 111,
	  X4 ZERO4 "\0\0\0\2\0\1\x86\xa0\0\0\0\2\0\0\0\3" ZERO16
		   "\0\1\x86\xa3\0\0\0\3\0\0\0\6" ZERO4),
	T("nfs", 111,
	  "\x80\0\0\x38" X4 ZERO4 "\0\0\0\2\0\1\x86\xa0\0\0\0\2\0\0\0\3" ZERO16
	  "\0\1\x86\xa3\0\0\0\3\0\0\0\6" ZERO4),
	U("rpcbind", 111,
	  X4 ZERO4 "\0\0\0\2\0\1\x86\xa0\0\0\0\2\0\0\0\3" ZERO16
		   "\0\1\x86\xa4\0\0\0\3\0\0\0\6" ZERO4),
	U("rpcbind", 111, X4 ZERO4 "\0\0\0\2\0\1\x86\xa0\0\0\0\2\0\0\0\4" ZERO16),
	U(NULL, 111, X4 ZERO4 "\0\0\0\3\0\1\x86\xa0\0\0\0\2\0\0\0\4" ZERO16),
	T("smb", 445, "\0\0\0\x2f\xffSMBr" ZERO16),
	T("smb", 445, "\0\0\0\x40\xfeSMB\x40\0" ZERO16),
	T("smtps", 465, "\x16\3\1\0\x2d\1\0\0\x29\3\3" X32 "\0\0\2\x13\1\1\0"),
	T("pop3s", 995, "\x16\3\1\0\x2d\1\0\0\x29\3\3" X32 "\0\0\2\x13\1\1\0"),
	T("tls", 994, "\x16\3\1\0\x2d\1\0\0\x29\3\3" X32 "\0\0\2\x13\1\1\0"),
};

static const struct sample talk[] = {
	T("msn", 1863, "VER 0 MSNP8 CVR0\r\n"),
	T("msn", 1863, "PNG\r\n"),
	TA("msn", 1863, "QNG 45\r\n"),
	T(NULL, 1863, "PNG\x89\r\n"),
	T(NULL, 1864, "PNG\r\n"),
	TA("msn", 1863, "NLN NLN a@example.org a 0\r\n"),
	TA(NULL, 1864, "NLN NLN a@example.org a 0\r\n"),
	TA("oscar", 5190, "\x2a\2\x12\x34\0\4\0\1\0\2"),
	TA(NULL, 5190, "\x2a\2\x12\x34\0\5\0\1\0\2"),
	T("oscar", 5190, "\x2a\1\x12\x34\0\4\0\0\0\1"),
	T(NULL, 5190, "\x2a\1\x12\x34\0\4\0\0\0\2"),
	U("oicq", 8000, "\2\x12\x34\0\1\x12\x34\x05\x06\x07\x08" X16 "\3"),
	T("whatsapp", 443, "WA\6\3\0" X16),
	T("whatsapp", 443,
	  "ED\0\1\0\0\7"
	  "1234567"
	  "WA\6\3\0" X16),
	T(NULL, 443, "WB\6\3" X16),
	U("telegram", 529,
	  X16 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff" X8),
	T("telegram", 443, "\xef\x0a" ZERO4 ZERO4 X8 "\x14\0\0\0\xf1\x8e\x7e\xbe" X16),
	T("telegram", 443,
	  "\xee\xee\xee\xee\x28\0\0\0" ZERO4 ZERO4 X8 "\x14\0\0\0\x78\x97\x46\x60" X16),
	T("telegram", 443,
	  "\xdd\xdd\xdd\xdd\x2b\0\0\0" ZERO4 ZERO4 X8 "\x14\0\0\0\xf1\x8e\x7e\xbe" X16 "abc"),
	T(NULL, 443, "\xef\x0a" ZERO4 "\0\0\0\1" X8 "\x14\0\0\0\xf1\x8e\x7e\xbe" X16),
	U("discord", 50001, "\0\1\0\x46" X64 X4 "ab"),
	U(NULL, 50001, "\0\1\0\x46" X64 X4 "a"),
	TA("viber", 4244, "\x16\0\x0a\0\0\0" X16),
	TA(NULL, 4244, "\x17\0\x0a\0\0\0" X16),
	TA(NULL, 4244, "\x16\0\x0a\0\0\1" X16),
	TA(NULL, 4245, "\x16\0\x0a\0\0\0" X16),
	U("viber", 7985, "\xce\xc0\1\0\5\0" X64 X64),
	U("viber", 7987, "\xce\xc0\x19\0" X16 X8 "123456"),
	U("viber", 5243, "\xce\xc0\x1f\0" X8),
	U("viber", 50002, "\xce\xc0\3\0" X8 X4),
	U(NULL, 50002,
	  "\xce\xc0\3\0"
	  "abcd\0fgh" X4),
	U(NULL, 50002, "\xce\xc0\3\0" X8 X4 "x"),
	U(NULL, 7988, "\xce\xc0\x19\0" X16 X8 "123456"),
	U("zoom", 8801, "\1\0\3" X16 "\0\0\0\0\0\0\0\2" X32 X32),
	UA("zoom", 8801, "\2\0\3" X16 "\0" X8 X16),
	UA("zoom", 8803, "\3\0\0\0" X8 "x\0"),
	U(NULL, 8801, "\5\0\1\0" X4 "\0"), /* too short */
	U("zoom", 8801, "\5\0\1wxyz\0\x0f\1" X16),
	U(NULL, 8811, "\5\0\1wxyz\0\x0f\1" X16),
	U("zoom", 49586,
	  "\x1f\2\1\0\x08\0\1\0\4\0" X4 "\0\0\0\7\0\0\0\x62\xb8\xd0\0\0\0\x0c"
	  "10.78.14.178" X16),
	U(NULL, 49586,
	  "\x1f\2\1\0\x08\0\1\0\4\0" X4 "\0\0\0\7\0\0\0\x62\xb8\xd0\0\0\1\x0c"
	  "10.78.14.178" X16),
	/* RFC 3261, RFC 5626 */
	U("sip", 5060, "OPTIONS sip:a@b SIP/2.0\r\n"),
	U("sip", 5060, "\r\n\r\n"),
	UA("sip", 5060, "\r\n"),
	U(NULL, 5062, "\r\n\r\n"),
	U(NULL, 5060, "hello"),
	{"sip", IPPROTO_UDP, true, 5060, 5060, "hello", 5},
	/* RFC 3550: a receiver report of one block and a description; with a wrong size */
	U("rtcp", 5005, "\x81\xc9\0\7" X4 X8 X16 "\x81\xca\0\2" X4 "\1\2ab"),
	U("rtcp", 5005, "\x80\xc8\0\6" X8 X16),
	U(NULL, 5005, "\x81\xc9\0\6" X4 X8 X16 "\x81\xca\0\2" X4 "\1\2ab"),
	U("srtp", 5004,
	  "\x10\0\0\1ZRTP" X4 "PZ\0\x1d"
	  "Hello   " X16),
	U(NULL, 5004,
	  "\x10\0\0\1ZRTX" X4 "PZ\0\x1d"
	  "Hello   " X16),
	/* RFC 8656: ChannelData */
	U("stun", 3478, "\x40\0\0\x10" X16),
	U("stun", 3478, "\0\1\0\0\x21\x12\xa4\x42" X8 X4),
	U(NULL, 3478, "\x40\0\0\x11" X16),
	U(NULL, 3477, "\x40\0\0\x10" X16),
	T("rtsp", 554, "SETUP rtsp://h/1 RTSP/1.0\r\nCSeq: 1\r\n"),
	T("xmpp", 5222, "<?xml version='1.0'?><stream:stream to='h'>"),
};

static const struct sample remote[] = {
	T("telnet", 23, "\xff\xfb\x1f\xff\xfd\3"),
	TA("vnc", 5900, "RFB 003.008\n"),
	/* [MS-RDPEUDP]: SYN, padded */
	{"rdp", IPPROTO_UDP, true, 40000, 3389,
	 "\xff\xff\xff\xff\0\x40\0\1" X16 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64
		 X64 X64 X64 X64 X64,
	 1132},
	{NULL, IPPROTO_UDP, true, 40000, 3389,
	 "\xff\xff\xff\xff\0\x40\0\2" X16 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64
		 X64 X64 X64 X64 X64,
	 1132},
	TA("mysql", 3306, "\x45\0\0\0\xff\x6a\4Host 'h' is not allowed to connect to this server"),
	TA("postgresql", 5432, "R\0\0\0\x0c\0\0\0\5salt"),
	TA("postgresql", 5432, "E\0\0\0\x20SFATAL\0C28000\0Mno\0"),
	TA(NULL, 5432, "R\0\0\0\x0c\0\0\0\x0dsalt"),
	T("postgresql", 5432, "Q\0\0\0\x0dSELECT 1\0"),
	T(NULL, 5433, "Q\0\0\0\x0dSELECT 1\0"),
	U("mssql", 1434, "\4SQLEXPRESS"),
	U("mssql", 1434, "\2"),
	UA("mssql", 1434, "\5\x20\0ServerName;A;"),
	U(NULL, 1434, "\6"),
	T("mssql", 1433, "\x12\1\0\x2f\0\0\1\0\0\0\x1a\0\6" X32),
	U("memcached", 11211, "\x12\x34\0\0\0\1\0\0get key\r\n"),
	UA("memcached", 11211, "\x12\x34\0\0\0\1\0\0STAT pid 1\r\n"),
	U(NULL, 11211, "\x12\x34\0\0\0\1\0\1get key\r\n"),
	T("kafka", 9092, "\0\0\0\x1a\0\x12\0\3\0\0\0\1\0\7rdkafka" X8 "z"),
	TA("kafka", 9092, "\0\0\0\x10\0\0\0\1" X8 X4),
	TA(NULL, 9095, "\0\0\0\x10\0\0\0\1" X8 X4),
	TA("amqp", 5672, "\x01\0\1\0\0\0\x08" X8 "\xce"),
	TA(NULL, 5672, "\x09\0\1\0\0\0\x08" X8 "\xce"),
	TA("redis", 6379, "+PONG\r\n"),
	T("redis", 6379, "PING\r\n"),
	TA(NULL, 6380, "+PONG\r\n"),
	T("mqtt", 1883, "\xc0\0"),
	T("mqtt", 1883,
	  "\x82\x09\0\1\0\4"
	  "a/bc\0"),
	T(NULL, 1884, "\xc0\0"),
	T("amqp", 5672, "AMQP\0\0\x09\1"),
	T(NULL, 5672, "AMQP\0\0\x0a\1"),
	U("wireguard", 51820, "\4\0\0\0" X4 "\1\0\0\0\0\0\0\0" X16),
	U("ipsec", 500, X8 ZERO4 ZERO4 "\x21\x20\x22\x08\0\0\0\0\0\0\0\x2c" X16),
	U(NULL, 500, X8 ZERO4 ZERO4 "\x21\x20\x22\x08\0\0\0\0\0\0\0\x2d" X16),
	U("openvpn", 1194, "\x48\0\0\1" X32),
	U(NULL, 1195, "\x48\0\0\1" X32),
	U("gtp", 2152, "\x30\xff\0\x10" X4 X16),
	U(NULL, 2152, "\x30\xff\0\x11" X4 X16),
	U("vxlan", 4789, "\x08\0\0\0\0\1\x23\0" X16),
	U("teredo", 3544, "\0\1\0\0" X8 "\0\x60\0\0\0\0\x10\x11\x40" X32),
	U("teredo", 3544, "\x60\0\0\0\0\x10\x3a\x40" X32),
};

static void test_web(void **state)
{
	samples_check(*state, web, ARRAY_SIZE(web));
}

static void test_hosts(void **state)
{
	samples_check(*state, hosts, ARRAY_SIZE(hosts));
}

static void test_files(void **state)
{
	samples_check(*state, files, ARRAY_SIZE(files));
}

static void test_talk(void **state)
{
	samples_check(*state, talk, ARRAY_SIZE(talk));
}

static void test_remote(void **state)
{
	samples_check(*state, remote, ARRAY_SIZE(remote));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_web),    cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_files),  cmocka_unit_test(test_talk),
		cmocka_unit_test(test_remote),
	};

	return cmocka_run_group_tests(tests, samples_setup, samples_teardown);
}

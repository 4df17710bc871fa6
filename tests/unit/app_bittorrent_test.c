// SPDX-License-Identifier: GPL-2.0-only
/* The BitTorrent module between peers: handshakes, the DHT, uTP. */
#include "unit/app_bench.h"

#define HANDSHAKE                                                                                  \
	"\x13"                                                                                     \
	"BitTorrent protocol"                                                                      \
	"\0\0\0\0\0\x10\0\5"                                                                       \
	"hhhhhhhhhhhhhhhhhhhh"                                                                     \
	"pppppppppppppppppppp"

static void peer_handshake(void **state)
{
	struct bench *b = bench_new(IPPROTO_TCP, 6881);

	message(b, true, HANDSHAKE, 19);
	assert_int_equal(b->consume.finding.app, 0);
	message(b, true, HANDSHAKE, 20);
	assert_found(b, WEIR_METHOD_HANDSHAKE, true, true);
	assert_int_equal(b->count, 0);
	bench_free(b);
}

/* Who was called and answers in kind has shown what its port is; who called has not. */
static void the_answer_speaks_for_its_port(void **state)
{
	struct bench *b = bench_new(IPPROTO_TCP, 6881);

	message(b, true, HANDSHAKE, 68);
	message(b, true, "\0\0\0\1\2", 5);
	assert_true(is_read(b));
	message(b, false, HANDSHAKE, 68);
	assert_int_equal(b->count, 1);
	assert_learned(b, 0, NULL, TRACKER, 6881, WEIR_SOURCE_HANDSHAKE);
	assert_true(is_read(b)); /* both know BEP 10 */
	bench_free(b);
}

static void another_answer_says_nothing(void **state)
{
	struct bench *b = bench_new(IPPROTO_TCP, 8080);

	message(b, true, HANDSHAKE, 68);
	server_text(b, "HTTP/1.1 400 Bad Request\r\n\r\n");
	assert_int_equal(b->count, 0);
	assert_false(is_read(b));
	bench_free(b);
}

static void no_answer_is_not_waited_for(void **state)
{
	struct bench *b = bench_new(IPPROTO_TCP, 6881);
	unsigned int segments = 0;

	message(b, true, HANDSHAKE, 68);
	while (is_read(b)) {
		assert_true(++segments <= 16);
		message(b, true, "\0\0\0\0", 4);
	}
	message(b, false, HANDSHAKE, 68);
	assert_int_equal(b->count, 0);
	bench_free(b);
}

static void greet(struct bench *b, bool from_client)
{
	message(b, from_client, HANDSHAKE, 68);
}

static void without_extensions_there_is_no_exchange(void **state)
{
	struct bench *b = bench_new(IPPROTO_TCP, 6881);
	uint8_t data[68];

	memcpy(data, HANDSHAKE, sizeof(data));
	data[25] = 0; /* the bit of BEP 10 */
	greet(b, true);
	message(b, false, data, sizeof(data));
	assert_int_equal(b->count, 1);
	assert_false(is_read(b));
	bench_free(b);
}

/* An extension's message, shown in pieces. */
static void extended(struct bench *b, bool from_client, uint8_t number, const char *text,
		     size_t len, size_t piece)
{
	uint8_t data[1024] = {0, 0, (uint8_t)((len + 2) >> 8), (uint8_t)(len + 2), 20, number};

	memcpy(data + 6, text, len);
	for (size_t at = 0; at < len + 6; at += piece)
		message(b, from_client, data + at, len + 6 - at < piece ? len + 6 - at : piece);
}

#define TEXT(s) s, sizeof(s) - 1

static void peer_exchange_in_pieces(size_t piece)
{
	static const char peers[] = "d5:added12:\xc6\x33\x64\x07\x1a\xe1\xc6\x33\x64\x08\x1a\xe2"
				    "7:added.f2:\0\0"
				    "6:added618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09\x1a\xe3"
				    "7:dropped0:e";
	struct bench *b = bench_new(IPPROTO_TCP, 6881);

	greet(b, true);
	greet(b, false);
	assert_true(is_read(b));
	assert_int_equal(b->count, 1);
	/* The client wants ut_pex as 3 and listens on 6999. */
	extended(b, true, 0, TEXT("d1:md11:ut_metadatai2e6:ut_pexi3ee1:pi6999ee"), piece);
	assert_learned(b, 1, NULL, CLIENT, 6999, WEIR_SOURCE_HANDSHAKE);
	message(b, false, "\0\0\0\0\0\0\0\1\2\0\0\0\5\4\0\0\0\1", 18);
	extended(b, false, 2, TEXT(peers), piece);
	assert_int_equal(b->count, 2);
	extended(b, false, 3, TEXT(peers), piece);
	assert_learned(b, 2, CLIENT, "198.51.100.7", 6881, WEIR_SOURCE_PEX);
	assert_learned(b, 3, CLIENT, "198.51.100.8", 6882, WEIR_SOURCE_PEX);
	assert_learned(b, 4, CLIENT, "2001:db8::9", 6883, WEIR_SOURCE_PEX);
	assert_int_equal(b->count, 5);
	/* The peer never said by which number it wants it. */
	extended(b, true, 3, TEXT(peers), piece);
	assert_int_equal(b->count, 5);
	assert_true(is_read(b));
	bench_free(b);
}

static void peer_exchange(void **state)
{
	static const size_t pieces[] = {1024, 50, 7, 1};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		peer_exchange_in_pieces(pieces[i]);
}

static void peer_exchange_is_not_read_for_ever(void **state)
{
	struct bench *b = bench_new(IPPROTO_TCP, 6881);
	uint8_t piece[1000] = {0, 0, 3, 0xe4, 7}; /* a message of 1000 bytes */
	unsigned int count = 0;

	greet(b, true);
	greet(b, false);
	while (is_read(b)) {
		assert_true(++count <= 300);
		message(b, false, piece, sizeof(piece));
	}
	assert_in_range(count, 200, 300);
	bench_free(b);

	b = bench_new(IPPROTO_TCP, 6881);
	greet(b, true);
	greet(b, false);
	message(b, false, "\xff\xff\xff\xff", 4);
	assert_false(is_read(b));
	bench_free(b);
}

/* Without the SYN the side that was called is not known. */
static void midstream_says_nothing(void **state)
{
	struct bench *b = bench_new(IPPROTO_TCP, 6881);

	b->flow.midstream = true;
	message(b, false, HANDSHAKE, 68);
	assert_found(b, WEIR_METHOD_HANDSHAKE, false, true);
	assert_int_equal(b->count, 0);
	bench_free(b);
}

static void handshake_of_the_responder(void **state)
{
	struct bench *b = bench_new(IPPROTO_TCP, 6881);

	message(b, false, HANDSHAKE, 68);
	assert_found(b, WEIR_METHOD_HANDSHAKE, false, true);
	assert_int_equal(b->count, 1);
	assert_learned(b, 0, NULL, TRACKER, 6881, WEIR_SOURCE_HANDSHAKE);
	bench_free(b);
}

/* Port 443 may serve others as well: identified, but the next connection is looked at again. */
static void handshake_on_a_service_port(void **state)
{
	struct bench *b = bench_new(IPPROTO_TCP, 443);

	message(b, true, HANDSHAKE, 68);
	assert_found(b, WEIR_METHOD_HANDSHAKE, true, false);
	message(b, false, HANDSHAKE, 68);
	assert_int_equal(b->count, 0);
	bench_free(b);
}

static void nothing_of_ours(void **state)
{
	static const char *const texts[] = {
		"\x13"
		"BitTorrent protocoX",
		"\x14"
		"BitTorrent protocol",
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /announce HTTP/1.1\r\n\r\n",
		"GET /announce?info_hash=short&peer_id=aaaaaaaaaaaaaaaaaaaa&port=6881 "
		"HTTP/1.1\r\n\r\n",
		"GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=aaaaaaaaaaaaaaaaaaaa&port=0 "
		"HTTP/1.1\r\n\r\n",
		"GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&port=6881 HTTP/1.1\r\n\r\n",
		"GET "
		"/announce?info_hash=%zzaaaaaaaaaaaaaaaaaaa&peer_id=aaaaaaaaaaaaaaaaaaaa&port=1 "
		"HTTP/1.1\r\n\r\n",
		"GET /announce?info_hash=aaaaaaaaaaaaaaaaaaa%4 HTTP/1.1\r\n\r\n",
		"GET /search?info_hash=aaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n\r\n",
		"POST "
		"/announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=aaaaaaaaaaaaaaaaaaaa&port=6881 "
		"HTTP/1.1\r\n\r\n",
		"GET "
		"/announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=aaaaaaaaaaaaaaaaaaaa&port=6881 "
		"RTSP/1.0\r\n\r\n",
		"G",
		"GET",
		"",
	};
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP};

	for (size_t i = 0; i < ARRAY_SIZE(texts) * 2; i++) {
		struct bench *b = bench_new(protos[i % 2], 6881);

		client_text(b, texts[i / 2]);
		assert_int_equal(b->consume.finding.app, 0);
		assert_int_equal(b->count, 0);
		bench_free(b);
	}
}

/* ---- DHT and uTP ---- */

static void dht_messages(void **state)
{
	static const char *const texts[] = {
		"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:ping1:t2:aa1:y1:qe",
		"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaa9:info_hash20:bbbbbbbbbbbbbbbbbbbbe1:q9:get_peers"
		"1:t2:aa1:v4:UT\x01\x02"
		"1:y1:qe",
		"d1:rd2:id20:aaaaaaaaaaaaaaaaaaaa5:nodes0:e1:t2:aa1:y1:re",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct bench *b = bench_new(IPPROTO_UDP, 6881);

		client_text(b, texts[i]);
		assert_found(b, WEIR_METHOD_SIGNATURE, true, true);
		bench_free(b);
	}
}

static void not_quite_dht(void **state)
{
	static const char *const texts[] = {
		"d1:ad2:id19:aaaaaaaaaaaaaaaaaaae1:q4:ping1:t2:aa1:y1:qe",
		"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:ping1:y1:qe",
		"d1:rd2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:ping1:t2:aa1:y1:qe",
		"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:ping1:t2:aa1:y1:qeX",
		"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:ping1:t2:aa1:y1:q",
		"d8:announce3:url4:infod4:name1:aee",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct bench *b = bench_new(IPPROTO_UDP, 6881);

		client_text(b, texts[i]);
		assert_int_equal(b->consume.finding.app, 0);
		bench_free(b);
	}
}

static const uint8_t utp_syn[20] = {0x41, 0, 0x12, 0x34, 1, 2, 3, 4, 0, 0,
				    0,	  0, 0,	   0x10, 0, 0, 0, 7, 0, 0};
static const uint8_t utp_state[20] = {0x21, 0, 0x12, 0x34, 5, 6, 7, 8, 9, 9,
				      9,    9, 0,    0x10, 0, 0, 0, 1, 0, 7};

static void utp_connection(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6881);

	message(b, true, utp_syn, sizeof(utp_syn));
	assert_int_equal(b->consume.finding.app, 0);
	message(b, false, utp_state, sizeof(utp_state));
	assert_found(b, WEIR_METHOD_HANDSHAKE, true, true);
	assert_int_equal(b->count, 1);
	assert_learned(b, 0, CLIENT, TRACKER, 6881, WEIR_SOURCE_HANDSHAKE);
	bench_free(b);
}

static void utp_answers_of_others(void **state)
{
	for (size_t at = 0; at < sizeof(utp_state); at++) {
		struct bench *b = bench_new(IPPROTO_UDP, 6881);
		uint8_t other[sizeof(utp_state)];
		bool free_field = (at >= 4 && at < 18);

		memcpy(other, utp_state, sizeof(other));
		other[at] ^= 0x80;
		message(b, true, utp_syn, sizeof(utp_syn));
		message(b, false, other, sizeof(other));
		assert_int_equal(b->consume.finding.app != 0, free_field);
		bench_free(b);
	}
}

/* A packet of a connection that was there before: STATE without payload, DATA with 4 bytes. */
static size_t utp_packet(uint8_t out[24], uint8_t type, uint16_t id, uint32_t time, uint16_t seq,
			 uint16_t ack)
{
	memset(out, 0, 24);
	out[0] = (uint8_t)(type << 4 | 1);
	out[2] = (uint8_t)(id >> 8);
	out[3] = (uint8_t)id;
	for (int i = 0; i < 4; i++)
		out[4 + i] = (uint8_t)(time >> (24 - 8 * i));
	out[16] = (uint8_t)(seq >> 8);
	out[17] = (uint8_t)seq;
	out[18] = (uint8_t)(ack >> 8);
	out[19] = (uint8_t)ack;
	return type == 0 ? 24 : 20;
}

struct utp_step {
	bool from_client;
	uint8_t type;
	uint16_t id;
	uint32_t time;
	uint16_t seq, ack;
};

static unsigned int utp_steps(const struct utp_step *steps, size_t count)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6881);
	unsigned int confidence;
	uint8_t data[24];

	for (size_t i = 0; i < count; i++) {
		const struct utp_step *x = &steps[i];

		assert_int_equal(b->consume.finding.app, 0);
		message(b, x->from_client, data,
			utp_packet(data, x->type, x->id, x->time, x->seq, x->ack));
	}
	confidence = b->consume.finding.app ? b->consume.finding.confidence : 0;
	bench_free(b);
	return confidence;
}

static void utp_without_its_beginning(void **state)
{
	static const struct utp_step data[] = {{true, 0, 0x1234, 900, 65535, 7},
					       {true, 0, 0x1234, 1000, 0, 7},
					       {true, 2, 0x1234, 90000, 0, 8}};
	static const struct utp_step both[] = {{true, 0, 0x1234, 900, 100, 7},
					       {false, 2, 0x1235, 77, 8, 100},
					       {true, 0, 0x1234, 950, 101, 8}};
	static const struct utp_step still[] = {{true, 2, 0x1234, 900, 100, 7},
						{true, 2, 0x1234, 1000, 100, 7},
						{true, 2, 0x1234, 1100, 100, 7}};
	static const struct utp_step backwards[] = {{true, 0, 0x1234, 900, 100, 7},
						    {true, 0, 0x1234, 800, 101, 7},
						    {true, 0, 0x1234, 700, 102, 7},
						    {true, 0, 0x1234, 600, 103, 7}};
	static const struct utp_step other_ids[] = {{true, 0, 0x1234, 900, 100, 7},
						    {true, 0, 0x1236, 1000, 101, 7},
						    {true, 0, 0x1238, 1100, 102, 7}};

	assert_int_equal(utp_steps(data, 3), 80);
	assert_int_equal(utp_steps(both, 3), 95);
	assert_int_equal(utp_steps(still, 3), 0);
	assert_int_equal(utp_steps(backwards, 4), 0);
	assert_int_equal(utp_steps(other_ids, 3), 0);
}

static void utp_data_with_handshake(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6881);
	/* With a selective acknowledgement of four bytes before the payload. */
	uint8_t data[26 + 68] = {0x01, 1, [20] = 0, [21] = 4};

	memcpy(data + 26, HANDSHAKE, 68);
	message(b, true, data, sizeof(data));
	assert_found(b, WEIR_METHOD_HANDSHAKE, true, true);
	bench_free(b);
}

/* What a peer sends over uTP, in packets of so many bytes; of each pair the second comes first. */
static void send_utp(struct bench *b, bool from_client, uint16_t *sequence, uint16_t acknowledged,
		     const char *data, size_t len, size_t piece)
{
	uint8_t packet[2][20 + 1024] = {{0}};
	size_t size[2], n = 0, at = 0;

	while (at < len) {
		uint16_t id = from_client ? 0x1235 : 0x1234;

		for (n = 0; n < 2 && at < len; n++, at += piece) {
			size[n] = len - at < piece ? len - at : piece;
			utp_packet(packet[n], 0, id, 1, (*sequence)++, acknowledged);
			memcpy(packet[n] + 20, data + at, size[n]);
		}
		while (n--)
			message(b, from_client, packet[n], 20 + size[n]);
	}
}

static void peer_exchange_over_utp(void **state)
{
	static const char hello[] = "\0\0\0\x1d\x14\0d1:md6:ut_pexi3ee1:pi6999ee";
	static const char peers[] = "\0\0\0\x13\x14\3d5:added6:\xc6\x33\x64\x07\x1a\xe1"
				    "e";
	static const size_t pieces[] = {1, 5, 50, 1000};

	for (size_t i = 0; i < 4; i++) {
		struct bench *b = bench_new(IPPROTO_UDP, 6881);
		uint16_t client = 8, server = 1;

		message(b, true, utp_syn, sizeof(utp_syn));
		message(b, false, utp_state, sizeof(utp_state));
		send_utp(b, true, &client, 0, HANDSHAKE, 68, pieces[i]);
		send_utp(b, false, &server, 7, HANDSHAKE, 68, pieces[i]);
		assert_learned(b, 1, CLIENT, TRACKER, 6881, WEIR_SOURCE_HANDSHAKE);
		send_utp(b, true, &client, 0, hello, sizeof(hello) - 1, pieces[i]);
		assert_learned(b, 2, TRACKER, CLIENT, 6999, WEIR_SOURCE_HANDSHAKE);
		send_utp(b, false, &server, 7, peers, sizeof(peers) - 1, pieces[i]);
		assert_learned(b, 3, CLIENT, "198.51.100.7", 6881, WEIR_SOURCE_PEX);
		assert_int_equal(b->count, 4);
		assert_true(is_read(b));
		bench_free(b);
	}
}

/* An encrypted connection is let go at its first bytes. */
static void encrypted_utp_is_not_read(void **state)
{
	struct bench *b = bench_new(IPPROTO_UDP, 6881);
	uint16_t client = 8;

	message(b, true, utp_syn, sizeof(utp_syn));
	message(b, false, utp_state, sizeof(utp_state));
	assert_true(is_read(b));
	send_utp(b, true, &client, 0, "0123456789", 10, 10);
	assert_false(is_read(b));
	bench_free(b);
}

/* A module identifies, or a consumer belongs to it. */
static bool has_a_part(const struct app_module *m)
{
	for (size_t i = 0; consumers[i]; i++)
		if (consumers[i]->module && strcmp(consumers[i]->module, m->name) == 0)
			return true;
	return m->undecided;
}

static void modules_table(void **state)
{
	const struct app_module *const *m = app_modules();

	assert_non_null(m[0]);
	for (; *m; m++) {
		assert_non_null((*m)->help);
		assert_true(has_a_part(*m));
		assert_ptr_equal(app_module_find((*m)->name), *m);
	}
	assert_null(app_module_find("nothing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peer_handshake),
		cmocka_unit_test(without_extensions_there_is_no_exchange),
		cmocka_unit_test(peer_exchange),
		cmocka_unit_test(peer_exchange_is_not_read_for_ever),
		cmocka_unit_test(handshake_of_the_responder),
		cmocka_unit_test(midstream_says_nothing),
		cmocka_unit_test(the_answer_speaks_for_its_port),
		cmocka_unit_test(another_answer_says_nothing),
		cmocka_unit_test(no_answer_is_not_waited_for),
		cmocka_unit_test(handshake_on_a_service_port),
		cmocka_unit_test(nothing_of_ours),
		cmocka_unit_test(dht_messages),
		cmocka_unit_test(not_quite_dht),
		cmocka_unit_test(utp_connection),
		cmocka_unit_test(utp_answers_of_others),
		cmocka_unit_test(utp_data_with_handshake),
		cmocka_unit_test(peer_exchange_over_utp),
		cmocka_unit_test(encrypted_utp_is_not_read),
		cmocka_unit_test(utp_without_its_beginning),
		cmocka_unit_test(modules_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

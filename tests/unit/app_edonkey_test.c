// SPDX-License-Identifier: GPL-2.0-only
#include "app_bench.h"

#include "app/edonkey.h"

#define PORT 4661

/* Bytes in hexadecimal, blanks between them ignored. */
static size_t hex(const char *text, uint8_t *out)
{
	size_t len = 0;

	for (; *text; text++) {
		unsigned int value;

		if (*text == ' ')
			continue;
		assert_int_equal(sscanf(text, "%2x", &value), 1);
		out[len++] = (uint8_t)value;
		text++;
	}
	return len;
}

static void show(struct bench *b, bool from_client, const char *text)
{
	uint8_t data[512];

	message(b, from_client, data, hex(text, data));
}

/* Shows a message of a flow that a signature identified. */
static void identified(struct bench *b, bool from_client, const char *text)
{
	uint8_t data[512];

	name(b);
	message(b, from_client, data, hex(text, data));
}

#define LOGIN "e3 1f000000 01 000102030405060708090a0b0c0d0e0f 00000000 1234 01000000 02010001"
#define HELLO                                                                                      \
	"e3 25000000 01 10 000102030405060708090a0b0c0d0e0f 00000000 3412 01000000 030100f9 "      \
	"3512 3612 00"

static void md5_and_its_limits(void **state)
{
	static const uint8_t empty[16] = {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04,
					  0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e};
	static const uint8_t longest[16] = {0xef, 0x17, 0x72, 0xb6, 0xdf, 0xf9, 0xa1, 0x22,
					    0x35, 0x85, 0x52, 0x95, 0x4a, 0xd0, 0xdf, 0x65};
	uint8_t text[56], out[16];

	memset(text, 'a', sizeof(text));
	ed2k_md5(text, 0, out);
	assert_memory_equal(out, empty, 16);
	ed2k_md5(text, 55, out);
	assert_memory_equal(out, longest, 16);
}

/* Made with an implementation of its own (Python's hashlib, RC4 by its definition). */
static void a_known_identity_opens_what_is_hidden(void **state)
{
	uint8_t identity[16], data[64];
	uint32_t sender[4];
	size_t len;

	for (int i = 0; i < 16; i++)
		identity[i] = (uint8_t)i;
	assert_int_equal(address_parse("10.1.0.5", sender), 0);
	len = hex("77010203041716dcbe604f14", data);
	assert_true(ed2k_opens_stream(identity, data, len));
	assert_false(ed2k_opens_stream(identity, data, 8));
	assert_false(ed2k_opens_datagram(identity, sender, data, len));
	data[1] ^= 1;
	assert_false(ed2k_opens_stream(identity, data, len));

	len = hex("400908db72031703d7c89f909920cc1a54e7", data);
	assert_true(ed2k_opens_datagram(identity, sender, data, len));
	len = hex("4109081b933dfb7cad84", data);
	assert_true(ed2k_opens_datagram(identity, sender, data, len));
	sender[3]++;
	assert_false(ed2k_opens_datagram(identity, sender, data, len));
	len = hex("410908192863949729b5", data);
	assert_true(ed2k_opens_datagram(identity, sender, data, len));
	assert_false(ed2k_opens_datagram(identity, sender, data, ED2K_CRYPT_HEADER));
	assert_false(ed2k_opens_answer(identity, data, len));
	len = hex("41090850228fe7cb7289", data);
	assert_true(ed2k_opens_answer(identity, data, len));
	assert_false(ed2k_opens_answer(identity, data, ED2K_CRYPT_HEADER));
}

static void a_server_tells_of_itself_and_of_sources(void **state)
{
	struct bench *b = bench_of("edonkey", IPPROTO_TCP, PORT);
	uint8_t identity[16];
	uint32_t peer[4];

	identified(b, true, LOGIN);
	assert_true(is_read(b));
	/* Id change: the server's UDP ports. */
	show(b, false, "e3 09000000 40 0a010005 00060000");
	assert_learned(b, 1, CLIENT, TRACKER, PORT + 4, WEIR_SOURCE_ED2K_SERVER);
	assert_learned(b, 2, CLIENT, TRACKER, PORT + 12, WEIR_SOURCE_ED2K_SERVER);
	assert_int_equal(b->count, 3);
	/* Sources, in two pieces: one of 198.51.100.7:55005, one that cannot be called. */
	show(b, false, "e3 1e000000 42 00112233445566778899aabb");
	show(b, false, "ccddeeff 02 c6336407 ddd6 01020300 ddd6");
	assert_learned(b, 3, CLIENT, "198.51.100.7", 55005, WEIR_SOURCE_ED2K_SERVER);
	assert_int_equal(b->count, 4);
	/* With options, the second with its user hash; behind the end there is nothing. */
	show(b, false,
	     "e3 31000000 44 00112233445566778899aabbccddeeff 03 c6336408 ddd6 01 c6336409 ddd6 83 "
	     "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff c6");
	assert_learned(b, 4, CLIENT, "198.51.100.8", 55005, WEIR_SOURCE_ED2K_SERVER);
	assert_learned(b, 5, CLIENT, "198.51.100.9", 55005, WEIR_SOURCE_ED2K_SERVER);
	assert_int_equal(b->count, 6);
	assert_int_equal(address_parse("198.51.100.9", peer), 0);
	assert_true(facts_identity(b->services.facts, peer, htons(55005), 3, 1, identity));
	assert_int_equal(identity[0], 0xf0);
	/* Other servers, and a client that asks to be called. */
	show(b, false, "e3 08000000 32 01 c633640a 3512 e3 07000000 35 c633640b ddd6");
	assert_learned(b, 6, CLIENT, "198.51.100.10", 4661, WEIR_SOURCE_ED2K_SERVER);
	assert_learned(b, 9, CLIENT, "198.51.100.11", 55005, WEIR_SOURCE_ED2K_SERVER);
	assert_int_equal(b->count, 10);
	assert_true(is_read(b));
	show(b, false, "00");
	assert_false(is_read(b));
	bench_free(b);
}

static void what_a_client_says_is_no_servers_word(void **state)
{
	struct bench *b = bench_of("edonkey", IPPROTO_TCP, PORT);

	identified(b, true, "e3 18000000 42 00112233445566778899aabbccddeeff 01 c6336407 ddd6");
	assert_int_equal(b->count, 0);
	bench_free(b);
}

static void a_hello_tells_ports_and_hash(void **state)
{
	struct bench *b = bench_of("edonkey", IPPROTO_TCP, 5000);
	uint8_t identity[16];
	uint32_t client[4];

	identified(b, true, HELLO);
	assert_learned(b, 0, TRACKER, CLIENT, 0x1234, WEIR_SOURCE_ED2K_PEER);
	assert_learned(b, 1, TRACKER, CLIENT, 0x1235, WEIR_SOURCE_ED2K_PEER);
	assert_learned(b, 2, TRACKER, CLIENT, 0x1236, WEIR_SOURCE_ED2K_PEER);
	assert_int_equal(b->count, 3);
	assert_int_equal(address_parse(CLIENT, client), 0);
	assert_true(facts_identity(b->services.facts, client, htons(0x1234), 3, 1, identity));
	assert_int_equal(identity[15], 15);
	/* Source exchange, version 4: the address is a number there. */
	show(b, false,
	     "c5 31000000 84 04 00112233445566778899aabbccddeeff 0100 076433c6 ddd6 00000000 0000 "
	     "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff 03");
	assert_learned(b, 3, CLIENT, "198.51.100.7", 55005, WEIR_SOURCE_ED2K_PEER);
	bench_free(b);
}

static void an_obfuscated_connection_is_opened(void **state)
{
	struct bench *b = bench_of("edonkey", IPPROTO_TCP, 5000);
	uint8_t identity[16];
	uint32_t server[4];

	for (int i = 0; i < 16; i++)
		identity[i] = (uint8_t)i;
	assert_int_equal(address_parse(TRACKER, server), 0);
	show(b, true, "77010203041716dcbe604f14");
	assert_int_equal(b->consume.finding.app, 0);
	facts_identity_is(b->services.facts, server, htons(5000), 3, identity, 0);
	show(b, true, "77010203041716dcbe");
	assert_found(b, WEIR_METHOD_SIGNATURE, false, true);
	assert_int_equal(b->consume.finding.confidence, 100);
	bench_free(b);
}

static void kad_contacts_are_learned_when_asked_for(void **state)
{
	static const char answer[] =
		"e4 29 00112233445566778899aabbccddeeff 01 000102030405060708090a0b0c0d0e0f "
		"076433c6 3512 3612 08";
	struct bench *b = bench_of("edonkey", IPPROTO_UDP, 4672);
	uint8_t identity[16];
	uint32_t peer[4];

	identified(b, false, answer);
	assert_int_equal(b->count, 0);
	show(b, true,
	     "e4 21 0b 00112233445566778899aabbccddeeff 000102030405060708090a0b0c0d0e0f 00");
	show(b, false, answer);
	assert_learned(b, 0, CLIENT, "198.51.100.7", 0x1235, WEIR_SOURCE_KAD);
	assert_learned(b, 1, CLIENT, "198.51.100.7", 0x1236, WEIR_SOURCE_KAD);
	assert_int_equal(b->count, 2);
	/* The contact's Kad id opens what is sent to it. */
	assert_int_equal(address_parse("198.51.100.7", peer), 0);
	assert_true(facts_identity(b->services.facts, peer, htons(0x1235), 3, 1, identity));
	b->server = "198.51.100.7";
	b->server_port = 0x1235;
	consume_end(&b->consume);
	show(b, true, "400908da72031703d7c89f909920cc1a54e7");
	show(b, true, "400a08db72031703d7c89f909920cc1a54e7");
	assert_int_equal(b->consume.finding.app, 0);
	show(b, true, "400908db72031703d7c89f909920cc1a54e7");
	assert_found(b, WEIR_METHOD_SIGNATURE, false, false);
	bench_free(b);
}

/* ---- lengths ---- */

static uint32_t seed = 1;

static void random_bytes(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		out[i] = (uint8_t)(seed >> 24);
	}
}

/* Shows datagrams of these lengths, negative ones the responder's; returns what was said at the
 * end. */
static unsigned int shape_of(const int *lengths, size_t count, uint8_t low_bit)
{
	struct kad_shape k = {0};
	unsigned int confidence = 0;
	uint8_t data[1024];

	for (size_t i = 0; i < count; i++) {
		size_t len = (size_t)(lengths[i] < 0 ? -lengths[i] : lengths[i]);

		random_bytes(data, len);
		data[0] = (uint8_t)((data[0] & 0x1e) | low_bit);
		confidence = kad_shape_note(&k, lengths[i] > 0, data, len);
	}
	return confidence;
}

static void kad_is_told_by_pairs_of_lengths(void **state)
{
	static const int meeting[] = {18, -20, 51, -85};
	static const int searching[] = {51, -110, -51, 35};
	static const int pings[] = {18, -20, 18, -20, 18, -20};
	static const int other_answer[] = {18, -20, 51, -86};
	static const int unasked[] = {18, -20, -85, 85};
	static const int none[] = {64, 64, 128, 128};

	assert_int_equal(shape_of(meeting, 4, 0), 70);
	assert_int_equal(shape_of(searching, 4, 0), 70);
	assert_int_equal(shape_of(meeting, 4, 1), 0);
	assert_int_equal(shape_of(pings, 6, 0), 0);
	assert_int_equal(shape_of(other_answer, 4, 0), 0);
	assert_int_equal(shape_of(unasked, 4, 0), 0);
	assert_int_equal(shape_of(none, 4, 0), 0);
}

static void kad_shape_of_what_is_not_random_is_none(void **state)
{
	uint8_t zeros[128] = {0};
	struct kad_shape k = {0};

	assert_true(kad_shape_may_begin(zeros, 18));
	assert_false(kad_shape_may_begin(zeros, 19));
	kad_shape_note(&k, true, zeros, 51);
	kad_shape_note(&k, false, zeros, 85);
	kad_shape_note(&k, true, zeros, 51);
	assert_int_equal(kad_shape_note(&k, false, zeros, 85), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(md5_and_its_limits),
		cmocka_unit_test(a_known_identity_opens_what_is_hidden),
		cmocka_unit_test(a_server_tells_of_itself_and_of_sources),
		cmocka_unit_test(what_a_client_says_is_no_servers_word),
		cmocka_unit_test(a_hello_tells_ports_and_hash),
		cmocka_unit_test(an_obfuscated_connection_is_opened),
		cmocka_unit_test(kad_contacts_are_learned_when_asked_for),
		cmocka_unit_test(kad_is_told_by_pairs_of_lengths),
		cmocka_unit_test(kad_shape_of_what_is_not_random_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hostname.h"
#include "proto/quic.h"
#include "proto/secret.h"
#include "quic_build.h"
#include "util/util.h"

#define DATAGRAM 1200

static void same(const uint8_t *got, const char *text)
{
	uint8_t want[64];

	assert_memory_equal(got, want, quic_hex(text, want));
}

static int start(void **state)
{
	*state = secret_new();
	return *state ? 0 : -1;
}

static int end(void **state)
{
	secret_free(*state);
	return 0;
}

/* FIPS 180-4's examples, and a length that leaves no room for the count in its block. */
static void hash_known_answers(void **state)
{
	uint8_t out[SECRET_HASH_BYTES];

	secret_hash((const uint8_t *)"abc", 3, out);
	same(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	secret_hash((const uint8_t *)"", 0, out);
	same(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	secret_hash((const uint8_t *)"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
		    out);
	same(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* RFC 5869, A.3 (no salt), and RFC 4231, 4.2 (key of 20 bytes), in turns: the key that is
 * remembered is the right one. */
static void extract_known_answers(void **state)
{
	uint8_t salt[20], ikm[22], out[SECRET_HASH_BYTES];

	memset(salt, 0x0b, sizeof(salt));
	memset(ikm, 0x0b, sizeof(ikm));
	for (int i = 0; i < 3; i++) {
		assert_true(secret_extract(*state, NULL, 0, ikm, 22, out));
		same(out, "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
		for (int j = 0; j < 2; j++) {
			assert_true(secret_extract(*state, salt, 20, (const uint8_t *)"Hi There", 8,
						   out));
			same(out,
			     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
		}
	}
}

static void what_is_too_long_is_refused(void **state)
{
	static const char label[] = "thirty-three characters of a label";
	uint8_t key[64] = {0}, out[64] = {0x5a}, before[64] = {0x5a};

	assert_false(secret_extract(*state, key, 33, key, 1, out));
	assert_false(secret_expand(*state, key, label, out, 16));
	assert_false(secret_expand(*state, key, "label", out, 33));
	assert_memory_equal(out, before, sizeof(out));
}

/* FIPS 197, appendix C.1. */
static void cipher_known_answer(void **state)
{
	uint8_t key[16], block[16];

	quic_hex("000102030405060708090a0b0c0d0e0f", key);
	quic_hex("00112233445566778899aabbccddeeff", block);
	assert_true(secret_block(*state, key, block, block));
	same(block, "69c4e0d86a7b0430d8cdb78070b4c55a");
}

/* The Galois/Counter Mode of Operation (McGrew, Viega), appendix B, test case 4: 60 bytes, and in
 * place. */
static void stream_known_answer(void **state)
{
	static const char plain[] =
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a7"
		"21c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
	static const char sealed[] = "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca"
				     "12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091";
	uint8_t key[16], nonce[12], data[60];

	quic_hex("feffe9928665731c6d6a8f9467308308", key);
	quic_hex("cafebabefacedbaddecaf888", nonce);
	assert_int_equal(quic_hex(plain, data), sizeof(data));
	assert_true(secret_stream(*state, key, nonce, data, sizeof(data), data));
	same(data, sealed);
}

/* RFC 9001, appendix A.1 and A.2. */
static void initial_keys_known_answers(void **state)
{
	uint8_t salt[20], id[8], initial[32], client[32], out[32], sample[16];

	quic_hex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a", salt);
	quic_hex("8394c8f03e515708", id);
	assert_true(secret_extract(*state, salt, sizeof(salt), id, sizeof(id), initial));
	same(initial, "7db5df06e7a69e432496adedb00851923595221596ae2ae9fb8115c1e9ed0a44");
	assert_true(secret_expand(*state, initial, "client in", client, 32));
	same(client, "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea");
	assert_true(secret_expand(*state, client, "quic key", out, 16));
	same(out, "1f369613dd76d5467730efcbe3b1a22d");
	assert_true(secret_expand(*state, client, "quic iv", out, 12));
	same(out, "fa044b2f42a3fd3b46fb255c");
	assert_true(secret_expand(*state, client, "quic hp", out, 16));
	same(out, "9f50449e04a0e810283a1e9933adedd2");
	quic_hex("d1b1c98dd7689fb8ec11d242b123dc9b", sample);
	assert_true(secret_block(*state, out, sample, out));
	same(out, "437b9aec36");
}

struct collected {
	uint8_t data[256];
	size_t total;
	unsigned int pieces;
	size_t wanted; /* 0 = all */
};

static bool collect(void *arg, uint32_t offset, const uint8_t *data, size_t len)
{
	struct collected *c = arg;

	assert_true(offset + len <= sizeof(c->data));
	memcpy(c->data + offset, data, len);
	c->total += len;
	c->pieces++;
	return !c->wanted || c->total < c->wanted;
}

static const uint8_t frames[] = {
	1, 0, 0,					  /* PING, PADDING */
	6, 3, 4,    'd', 'e', 'f', 'g',			  /* CRYPTO at 3 */
	2, 5, 0,    1,	 0,   0,   0,			  /* ACK with one more range */
	3, 5, 0,    0,	 0,   1,   2,	3,		  /* ACK with ECN counts */
	6, 0, 0x40, 3,	 'a', 'b', 'c', 0, 0, 0, 0, 0, 0, /* CRYPTO at 0, its length in two bytes */
};
#define ID "8394c8f03e515708"

static void reads_crypto_in_any_order(void **state)
{
	uint8_t packet[DATAGRAM];
	struct quic_connection c = {0};
	struct collected got = {0};
	size_t len = quic_protect(packet, ID, 0x1234, frames, sizeof(frames));

	assert_int_equal(quic_read_initials(*state, packet, len, &c, collect, &got), 1);
	assert_int_equal(got.total, 7);
	assert_memory_equal(got.data, "abcdefg", 7);
	assert_true(c.known);
	assert_int_equal(c.id_len, 8);
}

/* Two packets in one datagram, the second towards the server's id but with the first one's keys,
 * then padding. */
static void reads_coalesced_packets(void **state)
{
	static const uint8_t more[] = {6, 7, 3, 'h', 'i', 'j', 0, 0, 0, 0,
				       0, 0, 0, 0,   0,	  0,   0, 0, 0, 0};
	uint8_t datagram[DATAGRAM] = {0};
	struct quic_connection c = {0};
	struct collected got = {0};
	size_t len = quic_protect(datagram, ID, 0, frames, sizeof(frames));

	quic_protect(datagram + len, ID, 1, more, sizeof(more));
	assert_int_equal(quic_read_initials(*state, datagram, sizeof(datagram), &c, collect, &got),
			 2);
	assert_memory_equal(got.data, "abcdefghij", 10);
}

static void a_new_id_brings_new_keys(void **state)
{
	uint8_t packet[DATAGRAM];
	struct quic_connection c = {0};
	struct collected got = {0};
	size_t len = quic_protect(packet, "0102030405060708", 0, frames, sizeof(frames));

	assert_int_equal(quic_read_initials(*state, packet, len, &c, collect, &got), 1);
	len = quic_protect(packet, "1112131415161718", 0, frames, sizeof(frames));
	assert_int_equal(quic_read_initials(*state, packet, len, &c, collect, &got), 1);
	assert_int_equal(c.id[0], 0x11);
}

/* Datagrams of one connection, with the same keys, out of order, and one that comes again. */
static void keys_are_derived_once(void **state)
{
	uint8_t packet[DATAGRAM];
	struct quic_connection c = {0};
	struct collected got = {0};

	for (uint16_t number = 5; number > 0; number--) {
		size_t len = quic_protect(packet, ID, number / 2, frames, sizeof(frames));

		assert_int_equal(quic_read_initials(*state, packet, len, &c, collect, &got), 1);
	}
	assert_int_equal(c.derived, 1);
}

/* The same packet again and again, which its own id does not open. */
static void keys_that_do_not_fit_are_derived_once(void **state)
{
	uint8_t packet[DATAGRAM];
	struct quic_connection c = {0};
	struct collected got = {0};
	size_t len = quic_protect(packet, ID, 0, frames, sizeof(frames));

	packet[6] ^= 1; /* of the id */
	for (int i = 0; i < 5; i++)
		assert_int_equal(quic_read_initials(*state, packet, len, &c, collect, &got), 0);
	assert_int_equal(c.derived, 1);
	assert_false(c.known);
	packet[6] ^= 1;
	assert_int_equal(quic_read_initials(*state, packet, len, &c, collect, &got), 1);
	assert_int_equal(c.derived, 2);
}

/* A packet that was damaged on the way derives the keys for the next. */
static void keys_that_fit_later_are_known(void **state)
{
	uint8_t packet[DATAGRAM];
	struct quic_connection c = {0};
	struct collected got = {0};
	size_t len = quic_protect(packet, ID, 0, frames, sizeof(frames));

	for (size_t at = 18; at < len; at++)
		packet[at] ^= 0x55;
	assert_int_equal(quic_read_initials(*state, packet, len, &c, collect, &got), 0);
	assert_false(c.known);
	len = quic_protect(packet, ID, 1, frames, sizeof(frames));
	assert_int_equal(quic_read_initials(*state, packet, len, &c, collect, &got), 1);
	assert_true(c.known);
	assert_int_equal(c.derived, 1);
}

/* Another id, or another version, in every packet. */
static void the_work_for_a_connection_is_bounded(void **state)
{
	uint8_t packet[DATAGRAM];
	struct collected got = {0};

	for (unsigned int known = 0; known < 2; known++) {
		struct quic_connection c = {0};
		size_t len = quic_protect(packet, ID, 0, frames, sizeof(frames));

		if (known)
			quic_read_initials(*state, packet, len, &c, collect, &got);
		for (unsigned int i = 0; i < 64; i++) {
			packet[6] = (uint8_t)i;
			packet[4] = i % 2 ? 1 : 0x1d;
			packet[1] = i % 2 ? 0 : 0xff;
			quic_read_initials(*state, packet, len, &c, collect, &got);
		}
		assert_int_equal(c.derived, 8);
		assert_int_equal(c.known, known);
		/* What was known still is. */
		len = quic_protect(packet, ID, 1, frames, sizeof(frames));
		assert_int_equal(quic_read_initials(*state, packet, len, &c, collect, &got), known);
	}
}

/* Reserved bits that are not zero (RFC 9000, 17.2). */
static void reserved_bits_refuse_a_packet(void **state)
{
	static const uint8_t first[] = {0xc1 | 0x04, 0xc1 | 0x08, 0xc1 | 0x0c};
	uint8_t packet[DATAGRAM];

	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		struct quic_connection c = {0};
		struct collected got = {0};
		size_t len = quic_protect_as(packet, first[i], ID, 0, frames, sizeof(frames));

		assert_int_equal(quic_read_initials(*state, packet, len, &c, collect, &got), 0);
		assert_int_equal(got.pieces, 0);
	}
}

/* Neither further frames nor further packets. */
static void nothing_is_read_behind_enough(void **state)
{
	uint8_t datagram[DATAGRAM] = {0};
	struct quic_connection c = {0};
	struct collected got = {.wanted = 4};
	size_t len = quic_protect(datagram, ID, 0, frames, sizeof(frames));

	len += quic_protect(datagram + len, ID, 1, frames, sizeof(frames));
	assert_int_equal(quic_read_initials(*state, datagram, len, &c, collect, &got), 1);
	assert_int_equal(got.pieces, 1);
	assert_true(c.known);
	got.wanted = 100;
	assert_int_equal(quic_read_initials(*state, datagram, len, &c, collect, &got), 2);
	assert_int_equal(got.pieces, 5);
}

/* Padding of every length before, between and behind, with whole words and without. */
static void padding_is_skipped(void **state)
{
	for (size_t padding = 0; padding < 40; padding++) {
		uint8_t plain[128] = {0}, packet[DATAGRAM];
		struct quic_connection c = {0};
		struct collected got = {0};
		size_t at = padding, len;

		memcpy(plain + at, "\6\0\2ab", 5);
		at += 5 + padding;
		memcpy(plain + at, "\1\6\2\2cd", 6);
		at += 6 + padding;
		len = quic_protect(packet, ID, 0, plain, at < 20 ? 20 : at);
		assert_int_equal(quic_read_initials(*state, packet, len, &c, collect, &got), 1);
		assert_memory_equal(got.data, "abcd", 4);
		assert_int_equal(got.pieces, 2);
	}
}

static void what_is_no_initial(void **state)
{
	uint8_t good[DATAGRAM];
	size_t len = quic_protect(good, ID, 0, frames, sizeof(frames));
	static const struct {
		unsigned int at;
		uint8_t value;
	} table[] = {
		{0, 0x41 ^ 0x08}, /* a short header */
		{4, 9},		  /* an unknown version */
		{5, 21},	  /* an id too long */
		{14, 200},	  /* a source id beyond the packet */
		{15, 0x7f},	  /* a token beyond the packet */
		{16, 0x7f},	  /* a length beyond the datagram */
		{40, 0},	  /* bytes that make no frames */
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct quic_connection c = {0};
		struct collected got = {0};
		uint8_t bad[DATAGRAM];

		memcpy(bad, good, len);
		bad[table[i].at] = (uint8_t)(table[i].value == bad[table[i].at] ? ~table[i].value
										: table[i].value);
		if (table[i].at == 40) /* every frame's type behind the sample is another */
			for (size_t at = 18; at < len; at++)
				bad[at] ^= 0x55;
		assert_int_equal(quic_read_initials(*state, bad, len, &c, collect, &got), 0);
		assert_int_equal(got.pieces, 0);
		assert_false(c.known);
	}
}

static void every_beginning_of_a_datagram(void **state)
{
	uint8_t packet[DATAGRAM];
	size_t len = quic_protect(packet, ID, 0, frames, sizeof(frames));

	for (size_t n = 0; n < len; n++) {
		struct quic_connection c = {0};
		struct collected got = {0};
		uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, packet, n);
		assert_int_equal(quic_read_initials(*state, cut, n, &c, collect, &got), 0);
		free(cut);
	}
}

/* CHLO with the tags PAD, SNI and VER behind a public header of 30 bytes. */
static size_t make_chlo(uint8_t *out)
{
	static const uint8_t tags[] = {
		'C', 'H', 'L', 'O', 3,	 0,   0,   0,	'P', 'A', 'D', 0,   4,	 0,
		0,   0,	  'S', 'N', 'I', 0,   19,  0,	0,   0,	  'V', 'E', 'R', 0,
		23,  0,	  0,   0,   '-', '-', '-', '-', 'w', 'w', 'w', '.', 'e', 'x',
		'a', 'm', 'p', 'l', 'e', '.', 'o', 'r', 'g', 'Q', '0', '4', '3',
	};

	memset(out, 0xa5, 30);
	memcpy(out + 30, tags, sizeof(tags));
	return 30 + sizeof(tags);
}

static void chlo_has_a_name(void **state)
{
	uint8_t datagram[DATAGRAM];
	char out[64] = "";
	size_t len = make_chlo(datagram);

	assert_int_equal(hostname_from_chlo(datagram, len, out, sizeof(out)), 1);
	assert_string_equal(out, "www.example.org");
	for (size_t n = 0; n < 30 + 32 + 19; n++) {
		uint8_t *cut = malloc(n ? n : 1);

		out[0] = 0;
		memcpy(cut, datagram, n);
		assert_int_equal(hostname_from_chlo(cut, n, out, sizeof(out)), 0);
		assert_string_equal(out, "");
		free(cut);
	}
	datagram[30 + 20] = 3; /* the name ends before it begins */
	assert_int_equal(hostname_from_chlo(datagram, len, out, sizeof(out)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_known_answers),
		cmocka_unit_test(extract_known_answers),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(cipher_known_answer),
		cmocka_unit_test(stream_known_answer),
		cmocka_unit_test(initial_keys_known_answers),
		cmocka_unit_test(reads_crypto_in_any_order),
		cmocka_unit_test(reads_coalesced_packets),
		cmocka_unit_test(a_new_id_brings_new_keys),
		cmocka_unit_test(keys_are_derived_once),
		cmocka_unit_test(keys_that_do_not_fit_are_derived_once),
		cmocka_unit_test(keys_that_fit_later_are_known),
		cmocka_unit_test(the_work_for_a_connection_is_bounded),
		cmocka_unit_test(reserved_bits_refuse_a_packet),
		cmocka_unit_test(nothing_is_read_behind_enough),
		cmocka_unit_test(padding_is_skipped),
		cmocka_unit_test(what_is_no_initial),
		cmocka_unit_test(every_beginning_of_a_datagram),
		cmocka_unit_test(chlo_has_a_name),
	};

	return cmocka_run_group_tests(tests, start, end);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "inspect/secret.h"

#define HASH_BLOCK    64
#define HMAC_DATA_MAX 512

/* ---- SHA-256 ---- */

/* First 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t hash_rounds[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned int bits)
{
	return x >> bits | x << (32 - bits);
}

static void hash_schedule(const uint8_t *block, uint32_t w[64])
{
	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)block[i * 4] << 24 | (uint32_t)block[i * 4 + 1] << 16 |
		       (uint32_t)block[i * 4 + 2] << 8 | block[i * 4 + 3];
	for (int i = 16; i < 64; i++) {
		uint32_t a = w[i - 15];
		uint32_t b = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
		       (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
}

static void hash_block(uint32_t h[8], const uint8_t *block)
{
	uint32_t w[64];
	uint32_t s[8];

	hash_schedule(block, w);
	memcpy(s, h, sizeof(s));
	for (int i = 0; i < 64; i++) {
		uint32_t choose = (s[4] & s[5]) ^ (~s[4] & s[6]);
		uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
		uint32_t one = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
			       choose + hash_rounds[i] + w[i];
		uint32_t two = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) + majority;

		memmove(s + 1, s, 7 * sizeof(s[0]));
		s[4] += one;
		s[0] = one + two;
	}
	for (int i = 0; i < 8; i++)
		h[i] += s[i];
}

void secret_hash(const uint8_t *data, size_t len, uint8_t out[SECRET_HASH_BYTES])
{
	/* The fractions of the square roots of the first 8 primes. */
	uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
			 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	uint8_t tail[2 * HASH_BLOCK] = {0};
	size_t whole = len / HASH_BLOCK * HASH_BLOCK;
	size_t rest = len - whole;
	size_t tail_len = rest + 9 > HASH_BLOCK ? 2 * HASH_BLOCK : HASH_BLOCK;

	for (size_t at = 0; at < whole; at += HASH_BLOCK)
		hash_block(h, data + at);
	if (rest)
		memcpy(tail, data + whole, rest);
	tail[rest] = 0x80;
	for (int i = 0; i < 8; i++)
		tail[tail_len - 1 - (size_t)i] = (uint8_t)((uint64_t)len * 8 >> (8 * i));
	for (size_t at = 0; at < tail_len; at += HASH_BLOCK)
		hash_block(h, tail + at);
	for (int i = 0; i < SECRET_HASH_BYTES; i++)
		out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

/* ---- HMAC and HKDF ---- */

static void hmac_half(const uint8_t *key, size_t key_len, uint8_t pad, const uint8_t *data,
		      size_t len, uint8_t out[SECRET_HASH_BYTES])
{
	uint8_t text[HASH_BLOCK + HMAC_DATA_MAX];

	memset(text, pad, HASH_BLOCK);
	for (size_t i = 0; i < key_len; i++)
		text[i] ^= key[i];
	memcpy(text + HASH_BLOCK, data, len);
	secret_hash(text, HASH_BLOCK + len, out);
}

void secret_hmac(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
		 uint8_t out[SECRET_HASH_BYTES])
{
	uint8_t inner[SECRET_HASH_BYTES];

	if (key_len > HASH_BLOCK || len > HMAC_DATA_MAX)
		return;
	hmac_half(key, key_len, 0x36, data, len, inner);
	hmac_half(key, key_len, 0x5c, inner, sizeof(inner), out);
}

void secret_expand(const uint8_t key[SECRET_HASH_BYTES], const char *label, uint8_t *out,
		   size_t len)
{
	static const char prefix[] = "tls13 ";
	size_t label_len = strlen(label);
	uint8_t info[64] = {0};
	uint8_t block[SECRET_HASH_BYTES];
	size_t at = 3;

	if (len > sizeof(block) || label_len > 32)
		return;
	info[1] = (uint8_t)len;
	info[2] = (uint8_t)(sizeof(prefix) - 1 + label_len);
	memcpy(info + at, prefix, sizeof(prefix) - 1);
	at += sizeof(prefix) - 1;
	memcpy(info + at, label, label_len);
	at += label_len + 1; /* an empty context: one byte, zero */
	info[at++] = 1;	     /* of HKDF-Expand: the first block */
	secret_hmac(key, SECRET_HASH_BYTES, info, at, block);
	memcpy(out, block, len);
}

/* ---- AES-128 ---- */

/* Inverses in GF(2^8), then the affine map of FIPS 197, 5.1.1. */
static const uint8_t substitute[256] = {
	0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab,
	0x76, 0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4,
	0x72, 0xc0, 0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71,
	0xd8, 0x31, 0x15, 0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2,
	0xeb, 0x27, 0xb2, 0x75, 0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0, 0x52, 0x3b, 0xd6,
	0xb3, 0x29, 0xe3, 0x2f, 0x84, 0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb,
	0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf, 0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45,
	0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8, 0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5,
	0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2, 0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44,
	0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73, 0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a,
	0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb, 0xe0, 0x32, 0x3a, 0x0a, 0x49,
	0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79, 0xe7, 0xc8, 0x37, 0x6d,
	0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08, 0xba, 0x78, 0x25,
	0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a, 0x70, 0x3e,
	0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e, 0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e, 0xe1,
	0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
	0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb,
	0x16,
};

static uint8_t times_two(uint8_t x)
{
	return (uint8_t)(x << 1 ^ (x & 0x80 ? 0x1b : 0));
}

void secret_cipher_init(struct secret_cipher *c, const uint8_t key[SECRET_BLOCK_BYTES])
{
	uint8_t constant = 1;

	memcpy(c->round[0], key, SECRET_BLOCK_BYTES);
	for (int r = 1; r <= 10; r++) {
		const uint8_t *before = c->round[r - 1];
		uint8_t *now = c->round[r];

		for (int i = 0; i < 4; i++)
			now[i] = before[i] ^ substitute[before[12 + (i + 1) % 4]];
		now[0] ^= constant;
		for (int i = 4; i < SECRET_BLOCK_BYTES; i++)
			now[i] = now[i - 4] ^ before[i];
		constant = times_two(constant);
	}
}

static void mix_column(uint8_t *column)
{
	uint8_t all = column[0] ^ column[1] ^ column[2] ^ column[3];
	uint8_t first = column[0];

	for (int i = 0; i < 4; i++) {
		uint8_t next = i < 3 ? column[i + 1] : first;

		column[i] ^= all ^ times_two(column[i] ^ next);
	}
}

static void add_round(uint8_t *state, const uint8_t *round)
{
	for (int i = 0; i < SECRET_BLOCK_BYTES; i++)
		state[i] ^= round[i];
}

void secret_cipher_block(const struct secret_cipher *c, const uint8_t in[SECRET_BLOCK_BYTES],
			 uint8_t out[SECRET_BLOCK_BYTES])
{
	uint8_t state[SECRET_BLOCK_BYTES];
	uint8_t shifted[SECRET_BLOCK_BYTES];

	memcpy(state, in, sizeof(state));
	add_round(state, c->round[0]);
	for (int r = 1; r <= 10; r++) {
		for (int i = 0; i < SECRET_BLOCK_BYTES; i++)
			shifted[i] = substitute[state[(i + 4 * (i % 4)) % 16]];
		for (int column = 0; r < 10 && column < 4; column++)
			mix_column(shifted + 4 * column);
		memcpy(state, shifted, sizeof(state));
		add_round(state, c->round[r]);
	}
	memcpy(out, state, sizeof(state));
}

void secret_cipher_stream(const struct secret_cipher *c, const uint8_t nonce[12], const uint8_t *in,
			  size_t len, uint8_t *out)
{
	uint8_t counter[SECRET_BLOCK_BYTES] = {0};
	uint8_t pad[SECRET_BLOCK_BYTES];
	uint32_t n = 2; /* 1 belongs to the tag */

	memcpy(counter, nonce, 12);
	for (size_t at = 0; at < len; at++) {
		if (at % SECRET_BLOCK_BYTES == 0) {
			for (int i = 0; i < 4; i++)
				counter[15 - i] = (uint8_t)(n >> (8 * i));
			n++;
			secret_cipher_block(c, counter, pad);
		}
		out[at] = in[at] ^ pad[at % SECRET_BLOCK_BYTES];
	}
}

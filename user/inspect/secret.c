// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
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

struct hash_state {
	uint32_t a, b, c, d, e, f, g, h;
};

/* One round, after which h stands where a did: the next is called with the letters moved on. */
static inline __attribute__((always_inline)) void hash_round(uint32_t a, uint32_t b, uint32_t c,
							     uint32_t *d, uint32_t e, uint32_t f,
							     uint32_t g, uint32_t *h, uint32_t word)
{
	uint32_t choose = g ^ (e & (f ^ g));
	uint32_t majority = (a & b) | (c & (a | b));
	uint32_t one = *h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choose + word;

	*d += one;
	*h = one + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority;
}

static void hash_block(uint32_t h[8], const uint8_t *block)
{
	struct hash_state s = {h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]};
	uint32_t w[64];

	hash_schedule(block, w);
	for (int i = 0; i < 64; i += 8) {
		const uint32_t *k = hash_rounds + i;
		const uint32_t *x = w + i;

		hash_round(s.a, s.b, s.c, &s.d, s.e, s.f, s.g, &s.h, k[0] + x[0]);
		hash_round(s.h, s.a, s.b, &s.c, s.d, s.e, s.f, &s.g, k[1] + x[1]);
		hash_round(s.g, s.h, s.a, &s.b, s.c, s.d, s.e, &s.f, k[2] + x[2]);
		hash_round(s.f, s.g, s.h, &s.a, s.b, s.c, s.d, &s.e, k[3] + x[3]);
		hash_round(s.e, s.f, s.g, &s.h, s.a, s.b, s.c, &s.d, k[4] + x[4]);
		hash_round(s.d, s.e, s.f, &s.g, s.h, s.a, s.b, &s.c, k[5] + x[5]);
		hash_round(s.c, s.d, s.e, &s.f, s.g, s.h, s.a, &s.b, k[6] + x[6]);
		hash_round(s.b, s.c, s.d, &s.e, s.f, s.g, s.h, &s.a, k[7] + x[7]);
	}
	h[0] += s.a;
	h[1] += s.b;
	h[2] += s.c;
	h[3] += s.d;
	h[4] += s.e;
	h[5] += s.f;
	h[6] += s.g;
	h[7] += s.h;
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
/* clang-format off */
#define SUBSTITUTE(X) \
	X(63) X(7c) X(77) X(7b) X(f2) X(6b) X(6f) X(c5) X(30) X(01) X(67) X(2b) X(fe) X(d7) X(ab) \
	X(76) X(ca) X(82) X(c9) X(7d) X(fa) X(59) X(47) X(f0) X(ad) X(d4) X(a2) X(af) X(9c) X(a4) \
	X(72) X(c0) X(b7) X(fd) X(93) X(26) X(36) X(3f) X(f7) X(cc) X(34) X(a5) X(e5) X(f1) X(71) \
	X(d8) X(31) X(15) X(04) X(c7) X(23) X(c3) X(18) X(96) X(05) X(9a) X(07) X(12) X(80) X(e2) \
	X(eb) X(27) X(b2) X(75) X(09) X(83) X(2c) X(1a) X(1b) X(6e) X(5a) X(a0) X(52) X(3b) X(d6) \
	X(b3) X(29) X(e3) X(2f) X(84) X(53) X(d1) X(00) X(ed) X(20) X(fc) X(b1) X(5b) X(6a) X(cb) \
	X(be) X(39) X(4a) X(4c) X(58) X(cf) X(d0) X(ef) X(aa) X(fb) X(43) X(4d) X(33) X(85) X(45) \
	X(f9) X(02) X(7f) X(50) X(3c) X(9f) X(a8) X(51) X(a3) X(40) X(8f) X(92) X(9d) X(38) X(f5) \
	X(bc) X(b6) X(da) X(21) X(10) X(ff) X(f3) X(d2) X(cd) X(0c) X(13) X(ec) X(5f) X(97) X(44) \
	X(17) X(c4) X(a7) X(7e) X(3d) X(64) X(5d) X(19) X(73) X(60) X(81) X(4f) X(dc) X(22) X(2a) \
	X(90) X(88) X(46) X(ee) X(b8) X(14) X(de) X(5e) X(0b) X(db) X(e0) X(32) X(3a) X(0a) X(49) \
	X(06) X(24) X(5c) X(c2) X(d3) X(ac) X(62) X(91) X(95) X(e4) X(79) X(e7) X(c8) X(37) X(6d) \
	X(8d) X(d5) X(4e) X(a9) X(6c) X(56) X(f4) X(ea) X(65) X(7a) X(ae) X(08) X(ba) X(78) X(25) \
	X(2e) X(1c) X(a6) X(b4) X(c6) X(e8) X(dd) X(74) X(1f) X(4b) X(bd) X(8b) X(8a) X(70) X(3e) \
	X(b5) X(66) X(48) X(03) X(f6) X(0e) X(61) X(35) X(57) X(b9) X(86) X(c1) X(1d) X(9e) X(e1) \
	X(f8) X(98) X(11) X(69) X(d9) X(8e) X(94) X(9b) X(1e) X(87) X(e9) X(ce) X(55) X(28) X(df) \
	X(8c) X(a1) X(89) X(0d) X(bf) X(e6) X(42) X(68) X(41) X(99) X(2d) X(0f) X(b0) X(54) X(bb) \
	X(16)
/* clang-format on */
static const uint8_t substitute[256] = {
#define X(s) 0x##s,
	SUBSTITUTE(X)
#undef X
};

/* A substituted byte's part of its column after mixing (5.1.3): twice, once, once, three times it,
 * the first in the lowest byte. */
#define TWICE(s) ((s) << 1 ^ ((s)&0x80 ? 0x11b : 0))
static const uint32_t mixed[256] = {
#define X(s)                                                                                       \
	(uint32_t) TWICE(0x##s) | 0x##s##u << 8 | 0x##s##u << 16 |                                 \
		(uint32_t)(TWICE(0x##s) ^ 0x##s) << 24,
	SUBSTITUTE(X)
#undef X
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

static uint32_t column_get(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return le32toh(word);
}

static uint32_t rotate_up(uint32_t x, unsigned int bits)
{
	return x << bits | x >> (32 - bits);
}

/* One column of a middle round: row n comes from n columns further on. */
static uint32_t middle_column(uint32_t a, uint32_t b, uint32_t c, uint32_t d, const uint8_t *round)
{
	return mixed[a & 255] ^ rotate_up(mixed[b >> 8 & 255], 8) ^
	       rotate_up(mixed[c >> 16 & 255], 16) ^ rotate_up(mixed[d >> 24], 24) ^
	       column_get(round);
}

/* The last round mixes nothing. */
static uint32_t last_column(uint32_t a, uint32_t b, uint32_t c, uint32_t d, const uint8_t *round)
{
	return (substitute[a & 255] | (uint32_t)substitute[b >> 8 & 255] << 8 |
		(uint32_t)substitute[c >> 16 & 255] << 16 | (uint32_t)substitute[d >> 24] << 24) ^
	       column_get(round);
}

/* A block as two words whose lowest bytes come first. */
struct words {
	uint64_t low, high;
};

static struct words words_get(const uint8_t *p)
{
	struct words w;

	memcpy(&w.low, p, 8);
	memcpy(&w.high, p + 8, 8);
	return (struct words){le64toh(w.low), le64toh(w.high)};
}

static void words_put(uint8_t *p, struct words w)
{
	w = (struct words){htole64(w.low), htole64(w.high)};
	memcpy(p, &w.low, 8);
	memcpy(p + 8, &w.high, 8);
}

static struct words encrypt(const struct secret_cipher *cipher, struct words in)
{
	struct words first = words_get(cipher->round[0]);
	uint32_t a = (uint32_t)(in.low ^ first.low), b = (uint32_t)((in.low ^ first.low) >> 32);
	uint32_t c = (uint32_t)(in.high ^ first.high), d = (uint32_t)((in.high ^ first.high) >> 32);
	const uint8_t *last = cipher->round[10];

	for (int r = 1; r < 10; r++) {
		const uint8_t *round = cipher->round[r];
		uint32_t w = middle_column(a, b, c, d, round);
		uint32_t x = middle_column(b, c, d, a, round + 4);
		uint32_t y = middle_column(c, d, a, b, round + 8);

		d = middle_column(d, a, b, c, round + 12);
		a = w;
		b = x;
		c = y;
	}
	return (struct words){
		.low = last_column(a, b, c, d, last) | (uint64_t)last_column(b, c, d, a, last + 4)
							       << 32,
		.high = last_column(c, d, a, b, last + 8) |
			(uint64_t)last_column(d, a, b, c, last + 12) << 32,
	};
}

void secret_cipher_block(const struct secret_cipher *c, const uint8_t in[SECRET_BLOCK_BYTES],
			 uint8_t out[SECRET_BLOCK_BYTES])
{
	words_put(out, encrypt(c, words_get(in)));
}

void secret_cipher_stream(const struct secret_cipher *c, const uint8_t nonce[12], const uint8_t *in,
			  size_t len, uint8_t *out)
{
	uint8_t block[SECRET_BLOCK_BYTES] = {0};
	struct words counter;
	uint32_t n = 2; /* 1 belongs to the tag */
	size_t at = 0;

	memcpy(block, nonce, 12);
	counter = words_get(block);
	for (; at < len; at += SECRET_BLOCK_BYTES, n++) {
		size_t rest = len - at;
		struct words pad, text;

		/* Its last four bytes, the highest first. */
		counter.high = (counter.high & UINT32_MAX) | (uint64_t)__builtin_bswap32(n) << 32;
		pad = encrypt(c, counter);
		memset(block, 0, sizeof(block));
		if (rest < sizeof(block))
			memcpy(block, in + at, rest);
		text = words_get(rest < sizeof(block) ? block : in + at);
		words_put(block, (struct words){text.low ^ pad.low, text.high ^ pad.high});
		memcpy(out + at, block, rest < sizeof(block) ? rest : sizeof(block));
	}
}

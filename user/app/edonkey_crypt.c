// SPDX-License-Identifier: GPL-2.0-only
/*
 * The obfuscation of eMule (0.47 and later). Its keys are derived from data that other peers know:
 * the MD5 (RFC 1321) of a peer's identity and a few unencrypted bytes is the RC4 key. The
 * ciphertext begins with a constant of 32 bits, so a wrong key passes once in 2^32.
 */
#include <string.h>

#include "app/edonkey.h"

#define TCP_DISCARD  1024
#define TCP_SYNC     0x835e6fc4u
#define CLIENT_SYNC  0x395f2ec1u
#define SERVER_SYNC  0x13ef24d5u
#define REQUESTER    34
#define CLIENT_MAGIC 91
#define TO_SERVER    0x6b
#define FROM_SERVER  0xa5

/* ---- MD5, of at most 55 bytes: one block ---- */

static const uint32_t sines[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613,
	0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193,
	0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d,
	0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed,
	0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122,
	0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
	0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244,
	0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
	0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb,
	0xeb86d391,
};

static uint32_t md5_mix(unsigned int round, const uint32_t v[4])
{
	switch (round / 16) {
	case 0:
		return (v[1] & v[2]) | (~v[1] & v[3]);
	case 1:
		return (v[1] & v[3]) | (v[2] & ~v[3]);
	case 2:
		return v[1] ^ v[2] ^ v[3];
	default:
		return v[2] ^ (v[1] | ~v[3]);
	}
}

static void md5_block(const uint8_t block[64], uint32_t h[4])
{
	static const uint8_t shifts[4][4] = {
		{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
	static const uint8_t steps[4] = {1, 5, 3, 7}, starts[4] = {0, 1, 5, 0};
	uint32_t v[4], words[16];

	for (int i = 0; i < 16; i++)
		words[i] = (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 |
			   (uint32_t)block[4 * i + 2] << 16 | (uint32_t)block[4 * i + 3] << 24;
	memcpy(v, h, sizeof(v));
	for (unsigned int i = 0; i < 64; i++) {
		unsigned int turn = i / 16;
		uint32_t sum = v[0] + md5_mix(i, v) + sines[i] +
			       words[(steps[turn] * i + starts[turn]) & 15];
		unsigned int bits = shifts[turn][i & 3];

		v[0] = v[3];
		v[3] = v[2];
		v[2] = v[1];
		v[1] += sum << bits | sum >> (32 - bits);
	}
	for (int i = 0; i < 4; i++)
		h[i] += v[i];
}

void ed2k_md5(const uint8_t *data, size_t len, uint8_t out[16])
{
	uint32_t h[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
	uint8_t block[64] = {0};

	if (len > 55)
		return;
	memcpy(block, data, len);
	block[len] = 0x80;
	block[56] = (uint8_t)(len << 3);
	block[57] = (uint8_t)(len >> 5);
	md5_block(block, h);
	for (int i = 0; i < 16; i++)
		out[i] = (uint8_t)(h[i / 4] >> (8 * (i % 4)));
}

/* ---- RC4 ---- */

struct stream_cipher {
	uint8_t s[256];
	uint8_t x, y;
};

static uint8_t cipher_next(struct stream_cipher *c)
{
	uint8_t swap;

	c->x++;
	swap = c->s[c->x];
	c->y = (uint8_t)(c->y + swap);
	c->s[c->x] = c->s[c->y];
	c->s[c->y] = swap;
	return c->s[(uint8_t)(c->s[c->x] + swap)];
}

static void cipher_init(struct stream_cipher *c, const uint8_t key[16], unsigned int discard)
{
	uint8_t y = 0, swap;

	for (int i = 0; i < 256; i++)
		c->s[i] = (uint8_t)i;
	for (int i = 0; i < 256; i++) {
		swap = c->s[i];
		y = (uint8_t)(y + swap + key[i & 15]);
		c->s[i] = c->s[y];
		c->s[y] = swap;
	}
	c->x = c->y = 0;
	while (discard--)
		(void)cipher_next(c);
}

/* Whether data decrypts to the constant under the key derived from material. */
static bool opens(const uint8_t *material, size_t len, unsigned int discard, const uint8_t *data,
		  uint32_t sync)
{
	struct stream_cipher c;
	uint8_t key[16];

	ed2k_md5(material, len, key);
	cipher_init(&c, key, discard);
	for (int i = 0; i < 4; i++)
		if ((data[i] ^ cipher_next(&c)) != (uint8_t)(sync >> (8 * i)))
			return false;
	return true;
}

/* ---- keys to try ---- */

bool ed2k_opens_stream(const uint8_t identity[16], const uint8_t *data, size_t len)
{
	uint8_t material[21];

	if (len < 9)
		return false;
	memcpy(material, identity, 16);
	material[16] = REQUESTER;
	memcpy(material + 17, data + 1, 4);
	return opens(material, sizeof(material), TCP_DISCARD, data + 5, TCP_SYNC);
}

static bool opens_to_server(const uint8_t key[4], uint8_t direction, const uint8_t *data)
{
	uint8_t material[7];

	memcpy(material, key, 4);
	material[4] = direction;
	memcpy(material + 5, data + 1, 2);
	return opens(material, sizeof(material), 0, data + 3, SERVER_SYNC);
}

bool ed2k_opens_datagram(const uint8_t identity[16], const uint32_t sender[4], const uint8_t *data,
			 size_t len)
{
	uint8_t material[23];

	if (len <= ED2K_CRYPT_HEADER)
		return false;
	memcpy(material, identity, 16);
	memcpy(material + 16, data + 1, 2);
	if (opens(material, 18, 0, data + 3, CLIENT_SYNC))
		return true;
	memcpy(material + 16, &sender[3], 4);
	material[20] = CLIENT_MAGIC;
	memcpy(material + 21, data + 1, 2);
	return opens(material, sizeof(material), 0, data + 3, CLIENT_SYNC) ||
	       opens_to_server(identity, TO_SERVER, data);
}

bool ed2k_opens_answer(const uint8_t key[4], const uint8_t *data, size_t len)
{
	return len > ED2K_CRYPT_HEADER && opens_to_server(key, FROM_SERVER, data);
}

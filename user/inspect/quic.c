// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "inspect/quic.h"
#include "inspect/secret.h"
#include "util/util.h"

#define PACKET_MAX    1500
#define SAMPLE_OFFSET 4 /* from the packet number to the sample that masks it (RFC 9001, 5.4.2) */
#define TAG_BYTES     16

struct quic_version {
	uint32_t first, last;
	uint8_t salt[20];
	uint8_t initial; /* type bits of an Initial packet */
	const char *key, *iv, *hp;
};

static const struct quic_version versions[] = {
	{1,
	 1,
	 {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
	  0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
	 0,
	 "quic key",
	 "quic iv",
	 "quic hp"},
	/* RFC 9369, 3.2 and 3.3 */
	{0x6b3343cf,
	 0x6b3343cf,
	 {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
	  0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
	 1,
	 "quicv2 key",
	 "quicv2 iv",
	 "quicv2 hp"},
	/* drafts 33 and 34 */
	{0xff000021,
	 0xff000022,
	 {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
	  0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
	 0,
	 "quic key",
	 "quic iv",
	 "quic hp"},
	/* drafts 29 to 32 */
	{0xff00001d,
	 0xff000020,
	 {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
	  0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99},
	 0,
	 "quic key",
	 "quic iv",
	 "quic hp"},
	/* drafts 23 to 28 */
	{0xff000017,
	 0xff00001c,
	 {0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
	  0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02},
	 0,
	 "quic key",
	 "quic iv",
	 "quic hp"},
	/* mvfst's names for draft 27 */
	{0xfaceb002,
	 0xfaceb00e,
	 {0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
	  0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02},
	 0,
	 "quic key",
	 "quic iv",
	 "quic hp"},
};

static const struct quic_version *version_find(uint32_t number)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		if (number >= versions[i].first && number <= versions[i].last)
			return &versions[i];
	return NULL;
}

/* ---- reading ---- */

struct cursor {
	const uint8_t *at;
	size_t left;
};

static bool skip(struct cursor *c, size_t n)
{
	if (c->left < n)
		return false;
	c->at += n;
	c->left -= n;
	return true;
}

/* RFC 9000, 16. */
static bool take_varint(struct cursor *c, uint64_t *out)
{
	size_t n = c->left ? (size_t)1 << (c->at[0] >> 6) : 1;
	uint64_t v;

	if (c->left < n)
		return false;
	v = c->at[0] & 0x3f;
	for (size_t i = 1; i < n; i++)
		v = v << 8 | c->at[i];
	*out = v;
	return skip(c, n);
}

static bool take_id(struct cursor *c, const uint8_t **id, uint8_t *len)
{
	if (c->left < 1 || c->at[0] > QUIC_ID_MAX || c->left - 1 < c->at[0])
		return false;
	*len = c->at[0];
	*id = c->at + 1;
	return skip(c, (size_t)*len + 1);
}

/* A packet with a long header within a datagram. */
struct long_packet {
	const struct quic_version *version; /* NULL: none that is known */
	const uint8_t *start;
	size_t number_at; /* of the packet number, from start */
	size_t len;	  /* from start */
	bool initial;
	const uint8_t *id;
	uint8_t id_len;
};

/* RFC 9000, 17.2. False when nothing behind this packet can be read either. */
static bool take_packet(struct cursor *c, struct long_packet *out)
{
	struct cursor p = *c;
	const uint8_t *source;
	uint8_t source_len;
	uint64_t token, len;
	uint32_t number;

	if (p.left < 7 || (p.at[0] & 0xc0) != 0xc0)
		return false;
	number = (uint32_t)p.at[1] << 24 | (uint32_t)p.at[2] << 16 | (uint32_t)p.at[3] << 8 |
		 p.at[4];
	out->start = p.at;
	out->version = version_find(number);
	if (!out->version || !skip(&p, 5))
		return false;
	out->initial = (out->start[0] >> 4 & 3) == out->version->initial;
	if (!take_id(&p, &out->id, &out->id_len) || !take_id(&p, &source, &source_len))
		return false;
	if (out->initial && (!take_varint(&p, &token) || token > p.left || !skip(&p, token)))
		return false;
	if (!take_varint(&p, &len) || len > p.left)
		return false;
	out->number_at = (size_t)(p.at - out->start);
	out->len = out->number_at + len;
	return skip(c, out->len);
}

/* ---- protection ---- */

struct keys {
	struct secret_cipher packet, header;
	uint8_t iv[12];
};

static void derive(const struct quic_version *v, const uint8_t *id, uint8_t id_len,
		   struct keys *out)
{
	uint8_t initial[SECRET_HASH_BYTES];
	uint8_t client[SECRET_HASH_BYTES];
	uint8_t key[SECRET_BLOCK_BYTES];

	secret_hmac(v->salt, sizeof(v->salt), id, id_len, initial);
	secret_expand(initial, "client in", client, sizeof(client));
	secret_expand(client, v->key, key, sizeof(key));
	secret_cipher_init(&out->packet, key);
	secret_expand(client, v->hp, key, sizeof(key));
	secret_cipher_init(&out->header, key);
	secret_expand(client, v->iv, out->iv, sizeof(out->iv));
}

/* Takes off the protection of header and payload (RFC 9001, 5.3 and 5.4). Returns the payload's
 * length in out. */
static size_t unprotect(const struct long_packet *p, const struct keys *k, uint8_t *out)
{
	uint8_t mask[SECRET_BLOCK_BYTES];
	uint8_t nonce[12];
	size_t number_len, len;

	if (p->len > PACKET_MAX || p->len - p->number_at < SAMPLE_OFFSET + SECRET_BLOCK_BYTES)
		return 0;
	secret_cipher_block(&k->header, p->start + p->number_at + SAMPLE_OFFSET, mask);
	number_len = ((p->start[0] ^ mask[0]) & 3) + 1u;
	memcpy(nonce, k->iv, sizeof(nonce));
	for (size_t i = 0; i < number_len; i++)
		nonce[12 - number_len + i] ^= p->start[p->number_at + i] ^ mask[1 + i];
	len = p->len - p->number_at - number_len;
	if (len < TAG_BYTES)
		return 0;
	len -= TAG_BYTES;
	secret_cipher_stream(&k->packet, nonce, p->start + p->number_at + number_len, len, out);
	return len;
}

/* ---- frames ---- */

/* ACK (RFC 9000, 19.3). */
static bool skip_ack(struct cursor *c, bool ecn)
{
	uint64_t ignored, ranges;

	if (!take_varint(c, &ignored) || !take_varint(c, &ignored) || !take_varint(c, &ranges) ||
	    !take_varint(c, &ignored) || ranges > c->left)
		return false;
	for (uint64_t n = ranges * 2 + (ecn ? 3 : 0); n > 0; n--)
		if (!take_varint(c, &ignored))
			return false;
	return true;
}

/* Frames that an Initial packet may have (RFC 9000, 12.4). A wrong key shows as another. fn NULL:
 * just checks. */
static bool read_frames(struct cursor c, void (*fn)(void *, uint32_t, const uint8_t *, size_t),
			void *arg)
{
	while (c.left) {
		uint8_t type = c.at[0];
		uint64_t offset, len;

		skip(&c, 1);
		if (type == 0 || type == 1) /* PADDING, PING */
			continue;
		if (type == 2 || type == 3) {
			if (!skip_ack(&c, type == 3))
				return false;
			continue;
		}
		if (type != 6 || !take_varint(&c, &offset) || !take_varint(&c, &len))
			return false;
		if (len > c.left || offset > UINT16_MAX)
			return false;
		if (fn)
			fn(arg, (uint32_t)offset, c.at, len);
		skip(&c, len);
	}
	return true;
}

static bool read_packet(const struct long_packet *p, const uint8_t *id, uint8_t id_len,
			void (*fn)(void *, uint32_t, const uint8_t *, size_t), void *arg)
{
	uint8_t plain[PACKET_MAX];
	struct cursor frames = {.at = plain};
	struct keys keys;

	derive(p->version, id, id_len, &keys);
	frames.left = unprotect(p, &keys, plain);
	if (frames.left == 0 || !read_frames(frames, NULL, NULL))
		return false;
	return read_frames(frames, fn, arg);
}

unsigned int quic_read_initials(const uint8_t *data, size_t len, struct quic_connection *c,
				void (*fn)(void *arg, uint32_t offset, const uint8_t *data,
					   size_t len),
				void *arg)
{
	struct cursor rest = {data, len};
	struct long_packet p;
	unsigned int count = 0;

	while (take_packet(&rest, &p)) {
		if (!p.initial)
			continue;
		if (c->known && read_packet(&p, c->id, c->id_len, fn, arg)) {
			count++;
		} else if (read_packet(&p, p.id, p.id_len, fn, arg)) {
			/* The first, or the first after a Retry. */
			c->known = true;
			c->id_len = p.id_len;
			memcpy(c->id, p.id, p.id_len);
			count++;
		}
	}
	return count;
}

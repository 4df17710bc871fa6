// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "proto/quic.h"
#include "util/util.h"

#define PACKET_MAX    1500
#define SAMPLE_OFFSET 4 /* from the packet number to the sample that masks it (RFC 9001, 5.4.2) */
#define TAG_BYTES     16
#define SALT_BYTES    20
#define INITIALS_MAX  8 /* Initial packets of one datagram; a client sends two or three at most */
#define DERIVED_MAX   8 /* key derivations of a connection; Retry and negotiation need three */
/* Zero in every packet (RFC 9000, 17.2): three in four wrong keys fail there. */
#define RESERVED_BITS 0x0c

struct quic_version {
	uint32_t first, last;
	const uint8_t *salt; /* SALT_BYTES */
	uint8_t initial;     /* type bits of an Initial packet */
	const char *key, *iv, *hp;
	uint8_t crypto; /* type of the frame that carries the handshake */
};

/* RFC 9001, 5.2, also drafts 33 and 34 */
static const uint8_t salt_1[SALT_BYTES] = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34,
					   0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
					   0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
/* RFC 9369, 3.3.1 */
static const uint8_t salt_2[SALT_BYTES] = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6,
					   0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26,
					   0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};
/* draft-ietf-quic-tls-29 to -32 */
static const uint8_t salt_29[SALT_BYTES] = {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2,
					    0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61,
					    0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99};
/* draft-ietf-quic-tls-23 to -28 */
static const uint8_t salt_23[SALT_BYTES] = {0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb,
					    0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4,
					    0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02};
/* draft-ietf-quic-tls-22 */
static const uint8_t salt_22[SALT_BYTES] = {0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb,
					    0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51,
					    0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a};
/* Google's versions between gQUIC and IETF QUIC: Q050 has a CHLO, T050 and T051 have TLS. */
static const uint8_t salt_q50[SALT_BYTES] = {0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe,
					     0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3,
					     0xa7, 0xf0, 0xd3, 0xb5, 0x6b, 0x45};
static const uint8_t salt_t50[SALT_BYTES] = {0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72,
					     0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2,
					     0x36, 0x7c, 0x60, 0x48, 0x83, 0x10};
static const uint8_t salt_t51[SALT_BYTES] = {0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee,
					     0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f,
					     0xc8, 0xcc, 0xda, 0x6e, 0x03, 0x3d};

static const struct quic_version versions[] = {
	{1, 1, salt_1, 0, "quic key", "quic iv", "quic hp", 6},
	/* RFC 9369, 3.2 and 3.3 */
	{0x6b3343cf, 0x6b3343cf, salt_2, 1, "quicv2 key", "quicv2 iv", "quicv2 hp", 6},
	{0xff000021, 0xff000022, salt_1, 0, "quic key", "quic iv", "quic hp", 6},
	{0xff00001d, 0xff000020, salt_29, 0, "quic key", "quic iv", "quic hp", 6},
	{0xff000017, 0xff00001c, salt_23, 0, "quic key", "quic iv", "quic hp", 6},
	{0xff000016, 0xff000016, salt_22, 0, "quic key", "quic iv", "quic hp", 6},
	/* mvfst's names for draft 27 */
	{0xfaceb002, 0xfaceb00e, salt_23, 0, "quic key", "quic iv", "quic hp", 6},
	{0x51303530, 0x51303530, salt_q50, 0, "quic key", "quic iv", "quic hp", 8},
	{0x54303530, 0x54303530, salt_t50, 0, "quic key", "quic iv", "quic hp", 8},
	{0x54303531, 0x54303531, salt_t51, 0, "quic key", "quic iv", "quic hp", 8},
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

uint32_t quic_version_of(const uint8_t *data, size_t len)
{
	if (len < 7 || (data[0] & 0xc0) != 0xc0 || data[5] > QUIC_ID_MAX)
		return 0;
	return (uint32_t)data[1] << 24 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 8 | data[4];
}

/* A packet with a long header within a datagram. */
struct long_packet {
	const struct quic_version *version; /* NULL: unknown version */
	const uint8_t *start;
	size_t number_at; /* offset of the packet number, from start */
	size_t len;	  /* length, from start */
	bool initial;
	const uint8_t *id;
	uint8_t id_len;
};

/* RFC 9000, 17.2. False if the rest of the datagram cannot be parsed either. */
static bool take_packet(struct cursor *c, struct long_packet *out)
{
	struct cursor p = *c;
	const uint8_t *source;
	uint8_t source_len;
	uint64_t token, len;

	out->start = p.at;
	out->version = version_find(quic_version_of(p.at, p.left));
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

static bool derive(struct secret *s, const struct quic_version *v, const uint8_t *id,
		   uint8_t id_len, struct quic_keys *out)
{
	uint8_t initial[SECRET_HASH_BYTES];
	uint8_t client[SECRET_HASH_BYTES];

	return secret_extract(s, v->salt, SALT_BYTES, id, id_len, initial) &&
	       secret_expand(s, initial, "client in", client, sizeof(client)) &&
	       secret_expand(s, client, v->key, out->packet, sizeof(out->packet)) &&
	       secret_expand(s, client, v->hp, out->header, sizeof(out->header)) &&
	       secret_expand(s, client, v->iv, out->iv, sizeof(out->iv));
}

/* Removes header and payload protection (RFC 9001, 5.3 and 5.4). Returns the payload's length in
 * out; 0: the keys are wrong. */
static size_t unprotect(struct secret *s, const struct long_packet *p, const struct quic_keys *k,
			uint8_t *out)
{
	uint8_t mask[SECRET_BLOCK_BYTES];
	uint8_t nonce[SECRET_NONCE_BYTES];
	size_t number_len, len;

	if (p->len > PACKET_MAX || p->len - p->number_at < SAMPLE_OFFSET + SECRET_BLOCK_BYTES ||
	    !secret_block(s, k->header, p->start + p->number_at + SAMPLE_OFFSET, mask) ||
	    (p->start[0] ^ mask[0]) & RESERVED_BITS)
		return 0;
	number_len = ((p->start[0] ^ mask[0]) & 3) + 1u;
	memcpy(nonce, k->iv, sizeof(nonce));
	for (size_t i = 0; i < number_len; i++)
		nonce[12 - number_len + i] ^= p->start[p->number_at + i] ^ mask[1 + i];
	len = p->len - p->number_at - number_len;
	if (len <= TAG_BYTES)
		return 0;
	len -= TAG_BYTES;
	return secret_stream(s, k->packet, nonce, p->start + p->number_at + number_len, len, out)
		       ? len
		       : 0;
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

/* Most of a client's first packets is padding. */
static void skip_padding(struct cursor *c)
{
	uint64_t word;

	for (; c->left >= sizeof(word); skip(c, sizeof(word))) {
		memcpy(&word, c->at, sizeof(word));
		if (word)
			break;
	}
	while (c->left && c->at[0] == 0)
		skip(c, 1);
}

/* Pieces of a handshake within a packet: each takes at least a type, two numbers and a byte. */
#define PIECES_MAX (PACKET_MAX / 4)
struct pieces {
	unsigned int count;
	struct piece {
		uint16_t offset;  /* offset in the handshake */
		uint16_t at, len; /* position in the packet's payload */
	} piece[PIECES_MAX];
};

static bool take_piece(struct cursor *c, const uint8_t *payload, struct pieces *out)
{
	uint64_t offset, len;

	if (!take_varint(c, &offset) || !take_varint(c, &len) || len > c->left ||
	    offset > UINT16_MAX)
		return false;
	if (len)
		out->piece[out->count++] = (struct piece){
			.offset = (uint16_t)offset,
			.at = (uint16_t)(c->at - payload),
			.len = (uint16_t)len,
		};
	return skip(c, (size_t)len);
}

/* Whether the payload consists only of frames that an Initial packet may have (RFC 9000, 12.4),
 * which a wrong key does not produce. */
static bool read_frames(const uint8_t *payload, size_t payload_len, uint8_t crypto,
			struct pieces *out)
{
	struct cursor c = {payload, payload_len};

	out->count = 0;
	for (skip_padding(&c); c.left; skip_padding(&c)) {
		uint8_t type = c.at[0];

		skip(&c, 1);
		if (type == 1) /* PING */
			continue;
		if (type == 2 || type == 3) {
			if (!skip_ack(&c, type == 3))
				return false;
			continue;
		}
		if (type != crypto || !take_piece(&c, payload, out))
			return false;
	}
	return true;
}

/* ---- connections ---- */

/* Receiver of the pieces of a datagram. */
struct reader {
	struct secret *secret;
	quic_piece_fn *fn;
	void *arg;
	bool enough;
};

static bool read_packet(struct reader *r, const struct long_packet *p, const struct quic_keys *keys)
{
	uint8_t plain[PACKET_MAX];
	struct pieces pieces;
	size_t len = unprotect(r->secret, p, keys, plain);

	if (len == 0 || !read_frames(plain, len, p->version->crypto, &pieces))
		return false;
	for (unsigned int n = 0; n < pieces.count && !r->enough; n++) {
		const struct piece *x = &pieces.piece[n];

		r->enough = !r->fn(r->arg, x->offset, plain + x->at, x->len);
	}
	return true;
}

static bool is_id(const struct quic_connection *c, const struct long_packet *p)
{
	return c->id_len == p->id_len && memcmp(c->id, p->id, p->id_len) == 0;
}

/* Bounded per connection: a sender that changes ids or versions with every packet is not
 * followed. */
static bool derive_next(struct reader *r, struct quic_connection *c, const struct quic_version *v,
			const uint8_t *id, uint8_t id_len, struct quic_keys *out)
{
	if (c->derived >= DERIVED_MAX)
		return false;
	c->derived++;
	return derive(r->secret, v, id, id_len, out);
}

/* Reads a packet with the keys of the connection's first id, which are used until the handshake is
 * over. After a version negotiation the same id gives other keys (RFC 9369, 4.1). */
static bool read_known(struct reader *r, struct quic_connection *c, const struct long_packet *p)
{
	struct quic_keys keys;

	if (c->keys_of == p->version) {
		if (!read_packet(r, p, &c->keys))
			return false;
		c->known = true;
		return true;
	}
	if (!c->known || !derive_next(r, c, p->version, c->id, c->id_len, &keys) ||
	    !read_packet(r, p, &keys))
		return false;
	c->keys = keys;
	c->keys_of = p->version;
	return true;
}

/*
 * Reads a packet with keys from its own id: it is the first packet, or the first after a Retry. The
 * keys are kept if they fit; if there are no better ones they are kept as well, so that a repeated
 * packet does not derive them again.
 */
static bool read_first(struct reader *r, struct quic_connection *c, const struct long_packet *p)
{
	struct quic_keys keys;
	bool fits;

	if ((c->keys_of == p->version || c->known) && is_id(c, p))
		return false; /* tried already */
	if (!derive_next(r, c, p->version, p->id, p->id_len, &keys))
		return false;
	fits = read_packet(r, p, &keys);
	if (c->known && !fits)
		return false;
	c->known = fits;
	c->keys_of = p->version;
	c->keys = keys;
	c->id_len = p->id_len;
	memcpy(c->id, p->id, p->id_len);
	return fits;
}

unsigned int quic_read_initials(struct secret *s, const uint8_t *data, size_t len,
				struct quic_connection *c, quic_piece_fn *fn, void *arg)
{
	struct reader r = {.secret = s, .fn = fn, .arg = arg};
	struct cursor rest = {data, len};
	struct long_packet p;
	unsigned int count = 0, tried = 0;

	if (quic_version_of(data, len))
		c->version = quic_version_of(data, len);
	while (tried < INITIALS_MAX && !r.enough && take_packet(&rest, &p)) {
		if (!p.initial)
			continue;
		tried++;
		if (read_known(&r, c, &p) || read_first(&r, c, &p))
			count++;
	}
	return count;
}

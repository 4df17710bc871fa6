// SPDX-License-Identifier: GPL-2.0-only
#include "app/midstream.h"

#include <string.h>

#include "app/edonkey.h"
#include "util/load.h"
#include "util/util.h"

/* Blocks are of 16 KiB (BEP 3, "request": "all current implementations use 2^14"). */
#define BLOCK	      0x4000u
#define PIECE	      13 /* bytes of a header: length, id, index, begin */
#define REQUEST	      17
#define HAVE	      9
#define HAVES	      3
#define INDEX_MAX     (1u << 24)
#define ED2K_PART     30 /* bytes of a header: protocol, length, opcode, hash, start, end */
#define ED2K_ASK      6
#define ED2K_PART_MAX (1u << 18)
#define DESCRIPTOR    23

/* ---- BitTorrent: length (BE, of id and the rest), id ---- */

/* Index and begin of a block. */
static bool is_block(const uint8_t *p)
{
	return load_be32(p) < INDEX_MAX && load_be32(p + 4) % BLOCK == 0 &&
	       load_be32(p + 4) < BLOCK << 12;
}

static bool is_piece(const uint8_t *p)
{
	return is_block(p + 5);
}

static bool is_request(const uint8_t *p)
{
	return is_block(p + 5) && load_be32(p + 13) == BLOCK;
}

/* Search for the fourth byte of a header, which is its rarest: zeros are common. */
static bool has_message(const uint8_t *data, size_t len, const uint8_t head[5], size_t size,
			bool (*is)(const uint8_t *message))
{
	const uint8_t *end = data + len;
	const uint8_t *at = data + (len < size ? len : 3);

	while (at < end && (at = memchr(at, head[3], (size_t)(end - at)))) {
		const uint8_t *message = at++ - 3;

		if ((size_t)(end - message) >= size && memcmp(message, head, 5) == 0 && is(message))
			return true;
	}
	return false;
}

static bool begins_with_haves(const uint8_t *data, size_t len)
{
	static const uint8_t head[5] = {0, 0, 0, 5, 4};

	if (len < HAVES * HAVE)
		return false;
	for (size_t i = 0; i < HAVES; i++, data += HAVE)
		if (memcmp(data, head, sizeof(head)) != 0 || load_be32(data + 5) >= INDEX_MAX)
			return false;
	return true;
}

bool bittorrent_goes_on(const uint8_t *data, size_t len)
{
	static const uint8_t piece[5] = {0, 0, 0x40, 9, 7};
	static const uint8_t request[5] = {0, 0, 0, 13, 6};

	return has_message(data, len, piece, PIECE, is_piece) ||
	       has_message(data, len, request, REQUEST, is_request) || begins_with_haves(data, len);
}

/* ---- eDonkey: protocol, length (LE, of opcode and the rest), opcode ---- */

/* The length of the part equals the rest of the message after opcode, hash, start and end. */
static bool is_sending_part(const uint8_t *p)
{
	uint32_t start = load_le32(p + 22), end = load_le32(p + 26);

	return p[5] == 0x46 && end > start && end - start <= ED2K_PART_MAX &&
	       load_le32(p + 1) == 25 + (end - start);
}

static bool has_sending_part(const uint8_t *data, size_t len)
{
	const uint8_t *end = data + len;
	const uint8_t *at = data;

	while ((at = memchr(at, ED2K_PLAIN, (size_t)(end - at))) &&
	       (size_t)(end - at) >= ED2K_PART) {
		if (is_sending_part(at))
			return true;
		at++;
	}
	return false;
}

bool edonkey_goes_on(const uint8_t *data, size_t len)
{
	/* The hash is followed by three starts and three ends. */
	static const uint8_t ask[ED2K_ASK] = {ED2K_PLAIN, 0x29, 0, 0, 0, 0x47};
	static const uint8_t ask_large[ED2K_ASK] = {ED2K_EMULE, 0x41, 0, 0, 0, 0xa3};

	if (len >= ED2K_ASK + 40 && memcmp(data, ask, sizeof(ask)) == 0)
		return load_le32(data + 22) < load_le32(data + 34);
	if (len >= ED2K_ASK + 64 && memcmp(data, ask_large, sizeof(ask_large)) == 0)
		return data[29] == 0 && data[53] == 0;
	return has_sending_part(data, len);
}

/* ---- Gnutella: 16 bytes of identifier, type, time to live, hops, length (LE) ---- */

/* Size of the descriptor, bytes; 0 for an invalid one. */
static size_t descriptor_size(const uint8_t *p)
{
	static const struct {
		uint8_t type, min;
		uint16_t max;
	} types[] = {{0x00, 0, 512},   {0x01, 14, 512}, {0x02, 2, 512},
		     {0x30, 1, 65535}, {0x31, 8, 8192}, {0x32, 8, 8192},
		     {0x40, 26, 512},  {0x80, 3, 4096}, {0x81, 27, 65535}};
	unsigned int ttl = p[17], hops = p[18];
	uint32_t len = load_le32(p + 19);

	if (ttl > 7 || hops > 7 || ttl + hops == 0 || ttl + hops > 8 || load_be32(p) == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (p[16] == types[i].type && len >= types[i].min && len <= types[i].max)
			return DESCRIPTOR + len;
	return 0;
}

bool gnutella_goes_on(const uint8_t *data, size_t len)
{
	size_t size = len < DESCRIPTOR ? 0 : descriptor_size(data);

	return size && len >= size + DESCRIPTOR && descriptor_size(data + size) != 0 &&
	       memcmp(data, data + size, 16) != 0;
}

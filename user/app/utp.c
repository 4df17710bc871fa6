// SPDX-License-Identifier: GPL-2.0-only
/*
 * The header, version 1: type and version, extension, connection, time, time difference, window,
 * sequence, acknowledged; all big endian, 20 bytes, then extensions chained by type.
 */
#include "app/bittorrent.h"

#define HEADER	   20
#define TYPE_DATA  0x01 /* type in the upper half, version 1 in the lower */
#define TYPE_STATE 0x21
#define TYPE_SYN   0x41

static unsigned int u16_at(const uint8_t *data, size_t at)
{
	return (unsigned int)data[at] << 8 | data[at + 1];
}

static bool is_zero(const uint8_t *data, size_t at, size_t len)
{
	for (size_t i = at; i < at + len; i++)
		if (data[i])
			return false;
	return true;
}

/* Where the extensions end, or 0 when they do not within the packet. */
static size_t extensions_end(const uint8_t *data, size_t len)
{
	unsigned int next = data[1];
	size_t at = HEADER;

	while (next) {
		if (len - at < 2 || next > 3 || len - at - 2 < data[at + 1])
			return 0;
		next = data[at];
		at += 2 + (size_t)data[at + 1];
	}
	return at;
}

bool utp_parse_syn(const uint8_t *data, size_t len, struct utp_syn *out)
{
	/* Nothing was received yet: no time difference, nothing acknowledged. The payload is
	 * empty. */
	if (len < HEADER || data[0] != TYPE_SYN || !is_zero(data, 8, 4) || !is_zero(data, 18, 2) ||
	    is_zero(data, 4, 4) || extensions_end(data, len) != len)
		return false;
	out->connection = (uint16_t)u16_at(data, 2);
	out->sequence = (uint16_t)u16_at(data, 16);
	return true;
}

bool utp_answers_syn(const uint8_t *data, size_t len, const struct utp_syn *syn)
{
	return len >= HEADER && data[0] == TYPE_STATE && extensions_end(data, len) == len &&
	       u16_at(data, 2) == syn->connection && u16_at(data, 18) == syn->sequence;
}

size_t utp_payload(const uint8_t *data, size_t len)
{
	size_t end;

	if (len < HEADER || data[0] != TYPE_DATA)
		return 0;
	end = extensions_end(data, len);
	return end < len ? end : 0;
}

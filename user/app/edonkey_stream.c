// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "app/edonkey.h"

#define HEADER 6
/* Of a message, bytes: a part of a file with its header is 180 KiB. */
#define LENGTH_MAX (2u << 20)

static bool is_protocol(uint8_t byte)
{
	return byte == ED2K_PLAIN || byte == ED2K_EMULE || byte == ED2K_PACKED;
}

static bool header_done(struct ed2k_reader *r)
{
	uint32_t len = (uint32_t)r->header[1] | (uint32_t)r->header[2] << 8 |
		       (uint32_t)r->header[3] << 16 | (uint32_t)r->header[4] << 24;

	if (!is_protocol(r->header[0]) || len == 0 || len > LENGTH_MAX)
		return false;
	r->left = len - 1;
	r->kept = 0;
	return true;
}

static size_t take_body(struct ed2k_reader *r, const uint8_t *data, size_t len)
{
	size_t room = sizeof(r->keep) - r->kept;
	size_t kept;

	if (len > r->left)
		len = r->left;
	kept = len < room ? len : room;
	memcpy(r->keep + r->kept, data, kept);
	r->kept += (uint32_t)kept;
	r->left -= (uint32_t)len;
	return len;
}

bool ed2k_feed(struct ed2k_reader *r, const uint8_t *data, size_t len,
	       void (*fn)(void *arg, uint8_t protocol, uint8_t opcode, const uint8_t *payload,
			  size_t len, size_t total),
	       void *arg)
{
	uint32_t total = 0;

	while (len > 0 && !r->broken) {
		size_t used = 1;

		if (r->have < HEADER) {
			r->header[r->have++] = *data;
			r->broken =
				r->have == HEADER ? !header_done(r) : !is_protocol(r->header[0]);
		} else {
			used = take_body(r, data, len);
		}
		data += used;
		len -= used;
		if (r->broken || r->have < HEADER || r->left > 0)
			continue;
		total = (uint32_t)r->header[1] | (uint32_t)r->header[2] << 8 |
			(uint32_t)r->header[3] << 16 | (uint32_t)r->header[4] << 24;
		r->have = 0;
		fn(arg, r->header[0], r->header[5], r->keep, r->kept, total - 1);
	}
	return !r->broken;
}

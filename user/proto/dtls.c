// SPDX-License-Identifier: GPL-2.0-only
#include "proto/dtls.h"
#include "proto/bytes.h"

#define RECORD_HANDSHAKE 22
#define FRAGMENT_HEADER	 12

/* 1.0, 1.2 and 1.3 (which sends 1.2), and OpenSSL's version from before RFC 4347. */
static bool is_version(uint32_t version)
{
	return version == 0xfeff || version == 0xfefd || version == 0xfefc || version == 0x0100;
}

static bool take_fragment(struct bytes *record, struct dtls_fragment *out)
{
	struct bytes head = {0}, body = {0};

	if (bytes_take(record, FRAGMENT_HEADER, &head) <= 0)
		return false;
	*out = (struct dtls_fragment){
		.type = head.at[0],
		.total = bytes_number(head.at + 1, 3),
		.sequence = (uint16_t)bytes_number(head.at + 4, 2),
		.offset = bytes_number(head.at + 6, 3),
		.len = bytes_number(head.at + 9, 3),
	};
	if (bytes_take(record, out->len, &body) <= 0 || out->offset > out->total ||
	    out->len > out->total - out->offset)
		return false;
	out->data = body.at;
	return true;
}

unsigned int dtls_read_handshake(const uint8_t *data, size_t len,
				 void (*fn)(void *arg, const struct dtls_fragment *f), void *arg)
{
	struct bytes rest = {data, len, false}, head = {0}, record = {0};
	struct dtls_fragment fragment;
	unsigned int count = 0;

	/* Type, version, epoch and sequence number, then the length-prefixed record. */
	while (bytes_take(&rest, 1 + 2 + 8, &head) > 0 &&
	       is_version(bytes_number(head.at + 1, 2)) && bytes_vector(&rest, 2, &record) > 0) {
		if (head.at[0] != RECORD_HANDSHAKE || bytes_number(head.at + 3, 2) != 0)
			continue;
		while (record.len) {
			if (!take_fragment(&record, &fragment))
				return count;
			fn(arg, &fragment);
			count++;
		}
	}
	return count;
}

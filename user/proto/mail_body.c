// SPDX-License-Identifier: GPL-2.0-only
#include "proto/mail_body.h"

#define HANDSHAKE    22
#define CLIENT_HELLO 1

void mail_body_piece(struct mail_body *b, const struct stream_event *from, const uint8_t *data,
		     uint64_t len, struct stream_event *out)
{
	*out = (struct stream_event){
		.kind = data ? STREAM_DATA : STREAM_GAP,
		.side = from->side,
		.offset = b->at,
		.data = data,
		.len = len,
		.time_ns = from->time_ns,
	};
	b->at += len;
	if (!data) {
		b->gaps = true;
		b->missing += len;
	}
}

int mail_hello_take(struct mail_hello *h, uint8_t byte)
{
	h->bytes[h->have++] = byte;
	if (h->bytes[0] != HANDSHAKE || (h->have > 1 && h->bytes[1] != 3) ||
	    (h->have > 2 && h->bytes[2] > 4))
		return -1;
	if (h->have < MAIL_HELLO_BYTES)
		return 0;
	return h->bytes[5] == CLIENT_HELLO ? 1 : -1;
}

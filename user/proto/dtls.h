/* SPDX-License-Identifier: GPL-2.0-only */
/* Handshake messages in DTLS datagrams.  */
#ifndef WEIR_PROTO_DTLS_H
#define WEIR_PROTO_DTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A fragment of a handshake message (RFC 6347, 4.2.2). */
struct dtls_fragment {
	uint8_t type;
	uint16_t sequence; /* message_seq of the message */
	uint32_t total;	   /* length of the whole message */
	uint32_t offset;
	const uint8_t *data;
	size_t len;
};
/*
 * Calls fn for every fragment in the unencrypted handshake records (epoch 0) of a datagram (RFC
 * 6347, 4.1; RFC 9147, 4). Returns their number; parsing stops at a fragment with contradictory
 * lengths.
 */
unsigned int dtls_read_handshake(const uint8_t *data, size_t len,
				 void (*fn)(void *arg, const struct dtls_fragment *f), void *arg);

#endif

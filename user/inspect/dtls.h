/* SPDX-License-Identifier: GPL-2.0-only */
/* Handshake messages in DTLS datagrams, for user/inspect alone. */
#ifndef WEIR_INSPECT_DTLS_H
#define WEIR_INSPECT_DTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A fragment of a handshake message (RFC 6347, 4.2.2). */
struct dtls_fragment {
	uint8_t type;
	uint16_t sequence; /* of the message */
	uint32_t total;	   /* the message's length */
	uint32_t offset;
	const uint8_t *data;
	size_t len;
};
/*
 * Calls fn for every fragment in the plain handshake records (epoch 0) of a datagram (RFC
 * 6347, 4.1; RFC 9147, 4). Returns how many there were; those with contradicting lengths end the
 * reading.
 */
unsigned int dtls_read_handshake(const uint8_t *data, size_t len,
				 void (*fn)(void *arg, const struct dtls_fragment *f), void *arg);

#endif

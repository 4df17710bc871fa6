/* SPDX-License-Identifier: GPL-2.0-only */
/* The handshake bytes of QUIC Initial packets, for user/inspect alone. */
#ifndef WEIR_INSPECT_QUIC_H
#define WEIR_INSPECT_QUIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/secret.h"

#define QUIC_ID_MAX 20

/* What protects the client's Initial packets. */
struct quic_keys {
	uint8_t packet[SECRET_BLOCK_BYTES], header[SECRET_BLOCK_BYTES];
	uint8_t iv[SECRET_NONCE_BYTES];
};

struct quic_version;
/* What the packets of one connection share. Zeroed at first. */
struct quic_connection {
	uint32_t version; /* of the client's last long header, 0 = none */
	bool known;	  /* a packet could be read */
	uint8_t derived;  /* how many times keys were */
	uint8_t id_len;	  /* of the client's first Initial: its keys come from there */
	uint8_t id[QUIC_ID_MAX];
	const struct quic_version *keys_of; /* NULL: there are none yet */
	struct quic_keys keys;		    /* of id and keys_of; not known: that fitted nothing */
};

/* The version of a datagram that begins with a long header (RFC 9000, 17.2; any version but
 * Google's first ones), 0: it does not. */
uint32_t quic_version_of(const uint8_t *data, size_t len);

/* A piece of the handshake. False: no more of the datagram is wanted. */
typedef bool quic_piece_fn(void *arg, uint32_t offset, const uint8_t *data, size_t len);
/*
 * Reads the client's Initial packets of a datagram (RFC 9000, 17.2.2; RFC 9001, 5; RFC 9369; drafts
 * 22 to 34, Q050, T050, T051) and calls fn for every piece of its TLS handshake, in any order.
 * Returns how many packets could be read. The authentication tag is not checked: anyone could make
 * it. Keys are derived once for an id and version, and eight times for a connection.
 */
unsigned int quic_read_initials(struct secret *s, const uint8_t *data, size_t len,
				struct quic_connection *c, quic_piece_fn *fn, void *arg);

#endif

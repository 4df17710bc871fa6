/* SPDX-License-Identifier: GPL-2.0-only */
/* The handshake bytes of QUIC Initial packets.  */
#ifndef WEIR_PROTO_QUIC_H
#define WEIR_PROTO_QUIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/secret.h"

#define QUIC_ID_MAX 20

/* Keys of the client's Initial packets. */
struct quic_keys {
	uint8_t packet[SECRET_BLOCK_BYTES], header[SECRET_BLOCK_BYTES];
	uint8_t iv[SECRET_NONCE_BYTES];
};

struct quic_version;
/* State of one connection. Zeroed at first. */
struct quic_connection {
	uint32_t version; /* version in the client's last long header, 0 = none */
	bool known;	  /* a packet could be decrypted */
	uint8_t derived;  /* number of key derivations so far */
	uint8_t id_len; /* length of the connection id of the client's first Initial, from which its
			   keys are derived */
	uint8_t id[QUIC_ID_MAX];
	const struct quic_version *keys_of; /* version of the keys; NULL: no keys yet */
	struct quic_keys keys; /* keys of id and keys_of; if not `known`, they fitted no packet */
};

/* Version of a datagram that begins with a long header (RFC 9000, 17.2; any version except Google's
 * first ones), 0 if it does not. */
uint32_t quic_version_of(const uint8_t *data, size_t len);

/* Receives a piece of the handshake. False: stop reading the datagram. */
typedef bool quic_piece_fn(void *arg, uint32_t offset, const uint8_t *data, size_t len);
/*
 * Decrypts the client's Initial packets of a datagram (RFC 9000, 17.2.2; RFC 9001, 5; RFC 9369;
 * drafts 22 to 34, Q050, T050, T051) and calls fn for every piece of its TLS handshake, in any
 * order. Returns the number of packets that could be read. The authentication tag is not checked,
 * because anyone could compute it. Keys are derived once for an id and version, and at most eight
 * times for a connection.
 */
unsigned int quic_read_initials(struct secret *s, const uint8_t *data, size_t len,
				struct quic_connection *c, quic_piece_fn *fn, void *arg);

#endif

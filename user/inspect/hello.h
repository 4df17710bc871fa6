/* SPDX-License-Identifier: GPL-2.0-only */
/* The hellos of TLS and DTLS, for user/inspect alone. */
#ifndef WEIR_INSPECT_HELLO_H
#define WEIR_INSPECT_HELLO_H

#include <sys/types.h>

#include "inspect/bytes.h"

#define HELLO_CLIENT	  1 /* handshake types */
#define HELLO_SERVER	  2
#define HELLO_CERTIFICATE 11
#define HELLO_MAX	  16384 /* bytes of a flight that are looked at */

/* What a ClientHello offers; pieces of the message, empty where it has none. */
struct client_hello {
	uint16_t version;      /* legacy_version */
	uint16_t best_version; /* highest of supported_versions (RFC 8446, 4.2.1), else version */
	bool has_name;	       /* there is a server_name extension */
	struct bytes ciphers, extensions;
	struct bytes name;	 /* server_name (RFC 6066, 3) */
	struct bytes protocols;	 /* ALPN's list (RFC 7301, 3.1): names behind a length each */
	struct bytes signatures; /* signature_algorithms (RFC 8446, 4.2.3) */
};
/*
 * Reads a ClientHello (RFC 8446, 4.1.2; datagram: RFC 6347, 4.2.1) from its handshake type on, as
 * QUIC's CRYPTO frames carry it. 1: all of it, -EAGAIN: more is to come (what is there is filled),
 * 0: it is none, or broken from some point on (what stands before is filled).
 */
int hello_read_client(const uint8_t *data, size_t len, bool datagram, struct client_hello *out);
/* The next name of ALPN's list; false at the end. Those that only fill the list (RFC 8701) are left
 * out. */
bool hello_next_protocol(struct bytes *protocols, struct bytes *out);
/* Whether a cipher, extension, version or signature is one of RFC 8701's. */
bool hello_is_grease(uint16_t value);

/*
 * The version that a ServerHello chose (RFC 8446, 4.1.3), with supported_versions looked at. Data
 * as above. 1, -EAGAIN, 0.
 */
int hello_read_server(const uint8_t *data, size_t len, uint16_t *version);
/*
 * The server's own certificate, DER, among the handshake messages of its first flight (RFC 5246,
 * 7.4.2). Only TLS before 1.3 sends it in the clear. 1, -EAGAIN, 0.
 */
int hello_find_certificate(const uint8_t *data, size_t len, struct bytes *out);

/* Joins the handshake bytes of consecutive records (RFC 8446, 5.1); -EPROTO when the first is
 * another record. Returns how many. *open: further records may follow. */
ssize_t hello_join_records(const uint8_t *data, size_t len, uint8_t *out, size_t cap, bool *open);

#endif

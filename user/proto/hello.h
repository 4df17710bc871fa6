/* SPDX-License-Identifier: GPL-2.0-only */
/* ClientHello and ServerHello of TLS and DTLS.  */
#ifndef WEIR_PROTO_HELLO_H
#define WEIR_PROTO_HELLO_H

#include <sys/types.h>

#include "proto/bytes.h"

#define HELLO_CLIENT	  1 /* handshake types */
#define HELLO_SERVER	  2
#define HELLO_CERTIFICATE 11
#define HELLO_MAX	  16384 /* bytes of a flight that are parsed at most */

/* Contents of a ClientHello; parts of the message, empty where absent. */
struct client_hello {
	uint16_t version;      /* legacy_version */
	uint16_t best_version; /* highest of supported_versions (RFC 8446, 4.2.1), else version */
	bool has_name;	       /* there is a server_name extension */
	struct bytes ciphers, extensions;
	struct bytes name;	 /* server_name (RFC 6066, 3) */
	struct bytes protocols;	 /* ALPN's list (RFC 7301, 3.1): length-prefixed names */
	struct bytes signatures; /* signature_algorithms (RFC 8446, 4.2.3) */
};
/*
 * Parses a ClientHello (RFC 8446, 4.1.2; datagram: RFC 6347, 4.2.1), beginning with the handshake
 * type, as in QUIC's CRYPTO frames. 1: complete; -EAGAIN: more bytes are needed (*out has what is
 * present); 0: not a ClientHello, or malformed from some point on (*out has the fields before it).
 */
int hello_read_client(const uint8_t *data, size_t len, bool datagram, struct client_hello *out);
/* The next name of ALPN's list; false at the end. GREASE values (RFC 8701) are skipped. */
bool hello_next_protocol(struct bytes *protocols, struct bytes *out);
/* Whether a cipher, extension, version or signature algorithm is a GREASE value (RFC 8701). */
bool hello_is_grease(uint16_t value);

/*
 * The version that a ServerHello selected (RFC 8446, 4.1.3), also by supported_versions. data and
 * results as above.
 */
int hello_read_server(const uint8_t *data, size_t len, uint16_t *version);
/*
 * The server's own certificate (DER) in the handshake messages of its first flight (RFC 5246,
 * 7.4.2). Only TLS before 1.3 sends it unencrypted. 1, -EAGAIN or 0 as above.
 */
int hello_find_certificate(const uint8_t *data, size_t len, struct bytes *out);

/* Concatenates the handshake bytes of consecutive records (RFC 8446, 5.1) into out. Within a
 * message a ChangeCipherSpec or a warning is passed over. Returns their number; -EPROTO if the
 * first record is of another type. *open: further records may follow. */
ssize_t hello_join_records(const uint8_t *data, size_t len, uint8_t *out, size_t cap, bool *open);

/*
 * A hello as the one record that it could have come in, for rules that read one record.
 * hello_to_record() takes the message (of QUIC), and returns the record's length, 0 if none has
 * room for it. hello_unite_records() takes the records of a TLS stream from its beginning on
 * (complete: no more will follow). It returns the length of what there is of the record; 0 if the
 * stream's own first record does as well: it has the whole hello, or none, or the rest will not
 * come; -EAGAIN: that is not known yet.
 */
#define HELLO_RECORD_MAX (5 + HELLO_MAX)
size_t hello_to_record(const uint8_t *hello, size_t len, uint8_t out[HELLO_RECORD_MAX]);
ssize_t hello_unite_records(const uint8_t *data, size_t len, bool complete,
			    uint8_t out[HELLO_RECORD_MAX]);

#endif

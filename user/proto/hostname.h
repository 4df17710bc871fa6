/* SPDX-License-Identifier: GPL-2.0-only */
/* Host names in the first message of a direction.  */
#ifndef WEIR_PROTO_HOSTNAME_H
#define WEIR_PROTO_HOSTNAME_H

#include <stddef.h>
#include <stdint.h>

#define HOSTNAME_BYTES 256 /* longest name of RFC 1035, and NUL */

/*
 * All functions copy the name (without port, NUL-terminated) into out of cap bytes. 1: found; 0:
 * the message has none; -EAGAIN: more of the message may contain one. A name with invalid
 * characters, or longer than out, counts as none.
 */
/* Copies the name out of "host", "host:port", "[v6]" or "[v6]:port". */
int hostname_copy(const uint8_t *at, size_t len, char *out, size_t cap);
/* TLS ClientHello (RFC 8446, 4.1.2): server_name (RFC 6066, 3). */
int hostname_from_tls(const uint8_t *data, size_t len, char *out, size_t cap);
/* The ClientHello without record layer, as QUIC carries it (RFC 9001, 4). */
int hostname_from_hello(const uint8_t *data, size_t len, char *out, size_t cap);
/* A datagram of QUIC before TLS ("QUIC Crypto", versions Q023 to Q046): the SNI tag of its CHLO. */
int hostname_from_chlo(const uint8_t *data, size_t len, char *out, size_t cap);

#endif

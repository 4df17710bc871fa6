/* SPDX-License-Identifier: GPL-2.0-only */
/* JA4, the fingerprint of a TLS client (FoxIO's specification).  */
#ifndef WEIR_PROTO_JA4_H
#define WEIR_PROTO_JA4_H

#include "proto/hello.h"

#define JA4_BYTES 37 /* with NUL */

/*
 * Computes the JA4 of a complete hello. transport: 't' TLS over TCP, 'q' QUIC, 'd' DTLS. False, and
 * out unchanged, if one of its lists is longer than any client's. secret_new() must have been
 * called before.
 */
bool ja4_make(const struct client_hello *hello, char transport, char out[JA4_BYTES]);

#endif

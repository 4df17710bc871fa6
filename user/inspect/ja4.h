/* SPDX-License-Identifier: GPL-2.0-only */
/* JA4, the fingerprint of a TLS client (FoxIO's specification), for user/inspect alone. */
#ifndef WEIR_INSPECT_JA4_H
#define WEIR_INSPECT_JA4_H

#include "inspect/hello.h"

#define JA4_BYTES 37 /* with its end */

/* transport: 't' TLS over TCP, 'q' QUIC, 'd' DTLS. hello: a whole one. False (out untouched) when a
 * list of it is longer than anyone's. A secret_new() comes before. */
bool ja4_make(const struct client_hello *hello, char transport, char out[JA4_BYTES]);

#endif

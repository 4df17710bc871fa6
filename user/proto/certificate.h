/* SPDX-License-Identifier: GPL-2.0-only */
/* The host name in a certificate.  */
#ifndef WEIR_PROTO_CERTIFICATE_H
#define WEIR_PROTO_CERTIFICATE_H

#include "proto/bytes.h"

/*
 * The name in an X.509 certificate (RFC 5280, 4.1; DER): the first dNSName of subjectAltName, else
 * the subject's commonName, as in RFC 6125, 6.4.4. Copied into out of cap bytes, NUL-terminated,
 * printable. An incomplete certificate (der.more) is parsed as far as it goes. 1 if there is a
 * name, else 0. Nothing of the certificate is verified.
 */
int certificate_name(struct bytes der, char *out, size_t cap);

#endif

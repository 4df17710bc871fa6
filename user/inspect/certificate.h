/* SPDX-License-Identifier: GPL-2.0-only */
/* Whom a certificate names, for user/inspect alone. */
#ifndef WEIR_INSPECT_CERTIFICATE_H
#define WEIR_INSPECT_CERTIFICATE_H

#include "inspect/bytes.h"

/*
 * The name in an X.509 certificate (RFC 5280, 4.1; DER): the first dNSName of subjectAltName, else
 * the subject's commonName, as RFC 6125, 6.4.4 has it. Copied into out of cap bytes,
 * NUL-terminated, printable. A certificate whose end is missing (der.more) is read as far as it
 * goes. 1 when there is one, else 0. Nothing of it is verified.
 */
int certificate_name(struct bytes der, char *out, size_t cap);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections whose beginning was not seen, by messages that the protocols repeat. data begins with
 * the first byte that was seen of a direction. Each is true of less than one in 2^48 streams of
 * random bytes, and needs fields that agree, so that zeros and small numbers alone are never
 * enough.
 */
#ifndef WEIR_APP_MIDSTREAM_H
#define WEIR_APP_MIDSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* BEP 3: a block of 16 KiB or a request for one, anywhere; three "have" in a row, in front. */
bool bittorrent_goes_on(const uint8_t *data, size_t len);
/* eMule's opcodes.h: OP_SENDINGPART anywhere; OP_REQUESTPARTS, also of large files, in front. */
bool edonkey_goes_on(const uint8_t *data, size_t len);
/* RFC-Gnutella, 2.3: two descriptors, one behind the other, in front. */
bool gnutella_goes_on(const uint8_t *data, size_t len);

#endif

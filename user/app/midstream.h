/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recognises connections whose beginning was not seen, by messages that the protocols repeat. data
 * begins with the first byte that was seen of a direction. Each test is true for fewer than one in
 * 2^48 streams of random bytes, and compares fields with each other, so that zeros and small
 * numbers alone do not satisfy it.
 */
#ifndef WEIR_APP_MIDSTREAM_H
#define WEIR_APP_MIDSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* BEP 3: a block of 16 KiB or a request for one, at any offset; or three "have" messages at the
 * beginning. */
bool bittorrent_goes_on(const uint8_t *data, size_t len);
/* eMule's opcodes.h: OP_SENDINGPART at any offset; or OP_REQUESTPARTS, also for large files, at the
 * beginning. */
bool edonkey_goes_on(const uint8_t *data, size_t len);
/* RFC-Gnutella, 2.3: two consecutive descriptors at the beginning. */
bool gnutella_goes_on(const uint8_t *data, size_t len);

#endif

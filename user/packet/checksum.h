/* SPDX-License-Identifier: GPL-2.0-only */
/* The Internet checksum (RFC 1071). Private to user/packet. */
#ifndef WEIR_PACKET_CHECKSUM_H
#define WEIR_PACKET_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "packet/packet.h"

/* Adds data to a running sum of big-endian words. Only the last piece may have an odd length. */
uint32_t checksum_add(uint32_t sum, const uint8_t *data, size_t len);
/* Folds a sum to 16 bits, host order, not complemented. */
uint16_t checksum_fold(uint32_t sum);
/* Sum of the pseudo-header (RFC 9293, 3.1; RFC 8200, 8.1) of the IP header at l3. */
uint32_t checksum_pseudo(const uint8_t *l3, uint8_t version, uint8_t proto, uint32_t l4_len);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes a decoded packet in place: payload, TCP numbers, SACK blocks. Lengths and checksums
 * follow. The packet's checksums were right or absent before (packet_checksum()), and are after.
 */
#ifndef WEIR_PACKET_REWRITE_H
#define WEIR_PACKET_REWRITE_H

#include "packet/packet.h"

/* Whether the payload of the packet, which decoded as PACKET_OK, can be replaced: TCP or UDP, all
 * of it in the frame, and without an option that signs it (RFC 2385, 5925; AH). */
bool packet_can_rewrite(const struct packet *p);
/*
 * Replaces the payload; frame is the writable memory that p was decoded from, cap its size. What is
 * behind the packet in the frame (padding) is cut off. Returns the frame's new length and updates
 * p; -EMSGSIZE: it does not fit cap or the protocol's length fields.
 */
int packet_set_payload(struct packet *p, uint8_t *frame, size_t cap, const void *payload,
		       size_t len);
/* Writes other TCP numbers and updates p. */
void packet_set_numbers(struct packet *p, uint8_t *frame, uint32_t seq, uint32_t ack);
/*
 * Calls fn for each SACK block (RFC 2018): it changes the edges in place, and returns whether the
 * block is still one. The others are removed from the option. fn is not called for other packets.
 */
void packet_map_sack(struct packet *p, uint8_t *frame,
		     bool (*fn)(uint32_t *left, uint32_t *right, void *arg), void *arg);
/* Removes FIN from a TCP segment. */
void packet_clear_fin(struct packet *p, uint8_t *frame);

#endif

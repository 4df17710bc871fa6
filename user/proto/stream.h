/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stream: the bytes of one direction of a conversation, in order, with 64-bit offsets, whatever
 * carries them (TCP, uTP, the CRYPTO frames of QUIC). Datagrams are events too.
 */
#ifndef WEIR_PROTO_STREAM_H
#define WEIR_PROTO_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stream_kind {
	STREAM_DATA,	 /* the next bytes; they begin where the event before ended */
	STREAM_GAP,	 /* bytes that will not come; more may follow behind them */
	STREAM_END,	 /* the sender has ended the direction, and everything before was given */
	STREAM_RESET,	 /* the conversation was broken off */
	STREAM_DATAGRAM, /* a whole datagram; offset counts datagrams of the direction */
};

/* Sides of a conversation. */
enum stream_side { STREAM_CLIENT, STREAM_SERVER }; /* who sent its first frame, and the other */

struct stream_event {
	uint8_t kind;	     /* enum stream_kind */
	uint8_t side;	     /* enum stream_side: the sender */
	uint64_t offset;     /* of the first byte, from the direction's first byte on; if that was
				not seen, from the first that was */
	const uint8_t *data; /* DATA, DATAGRAM; valid during the call */
	/* GAP: bytes that are missing. 0: it is not known how many, as where the beginning was not
	 * seen; then offset is 0. */
	uint64_t len;
	uint64_t time_ns; /* of the frame that led to the event */
};

#endif

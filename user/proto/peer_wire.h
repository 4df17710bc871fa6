/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BitTorrent's peer wire protocol (BEP 3, 6, 10), unencrypted: both sides' handshakes, the headers
 * of their messages with the fields of those whose length is fixed, and the payload of extension
 * messages in the pieces in which it comes. Read from TCP (READER(peer_wire)) or from the streams
 * of another reader, as of uTP. Events are struct peer_wire_event.
 */
#ifndef WEIR_PROTO_PEER_WIRE_H
#define WEIR_PROTO_PEER_WIRE_H

#include "proto/reader.h"

#define PEER_WIRE_HANDSHAKE_BYTES 68
#define PEER_WIRE_LENGTH_MAX	  (1u << 21) /* of a message; longer ones are none */
#define PEER_WIRE_HEAD_MAX	  17

enum peer_wire_id {
	PEER_WIRE_CHOKE,
	PEER_WIRE_UNCHOKE,
	PEER_WIRE_INTERESTED,
	PEER_WIRE_NOT_INTERESTED,
	PEER_WIRE_HAVE,
	PEER_WIRE_BITFIELD,
	PEER_WIRE_REQUEST,
	PEER_WIRE_PIECE,
	PEER_WIRE_CANCEL,
	PEER_WIRE_PORT,
	PEER_WIRE_SUGGEST = 13,
	PEER_WIRE_REJECT = 16,
	PEER_WIRE_ALLOWED = 17,
	PEER_WIRE_EXTENDED = 20,
};

enum peer_wire_kind {
	PEER_WIRE_GREETED, /* a handshake is complete */
	PEER_WIRE_ALIVE,   /* a message without content */
	PEER_WIRE_MESSAGE, /* a message's header is complete */
	PEER_WIRE_PAYLOAD, /* a piece of an extension message, the last or only one may be empty */
};

struct peer_wire_event {
	uint8_t kind;	 /* enum peer_wire_kind */
	uint8_t side;	 /* enum stream_side: the sender */
	uint64_t offset; /* in the side's stream: where the handshake or the message begins */
	/* GREETED: the handshake; valid during the call. */
	const uint8_t *reserved;  /* 8 bytes */
	const uint8_t *info_hash; /* 20 */
	const uint8_t *peer_id;	  /* 20 */
	bool extends;		  /* it supports the extension protocol */
	/* MESSAGE, PAYLOAD */
	uint8_t id;	/* enum peer_wire_id, or another */
	uint8_t number; /* of an extension message: what the receiver calls it, 0: handshake */
	uint32_t len;	/* of the payload: behind the id, of extensions behind the number */
	/* MESSAGE: as far as its kind has them, else 0. */
	uint32_t index;		/* HAVE, REQUEST, PIECE, CANCEL, REJECT, SUGGEST, ALLOWED */
	uint32_t begin, length; /* REQUEST, CANCEL, REJECT; PIECE (length: of the block) */
	uint16_t port;		/* PORT: of the DHT */
	/* PAYLOAD */
	const uint8_t *data;
	uint32_t size, at; /* of the piece, and its position in the payload */
};

/* State: zeroed at the beginning. */
struct peer_wire {
	struct peer_wire_side {
		uint8_t greeted; /* bytes of the handshake */
		uint8_t have;	 /* bytes of head */
		uint8_t need;	 /* bytes that its head has, as far as known */
		bool began;	 /* bytes or a gap were given */
		bool lost;	 /* nothing tells where its next message begins */
		bool payload;	 /* what is left is an extension message's */
		uint8_t id, number;
		uint8_t head[PEER_WIRE_HANDSHAKE_BYTES];
		uint32_t left, len;
		uint64_t offset, begun; /* of the next byte, of the message at hand */
	} side[2];
};

/* As struct reader's read. After a RESET the state begins anew. */
int peer_wire_read(void *state, const struct stream_event *e, reader_emit *emit, void *arg);

extern const struct reader reader_peer_wire;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uTP (BEP 29): the header of its packets, and the streams that a connection's datagrams carry.
 * READER(utp) gives struct stream_event: the bytes of each side in order, whatever order their
 * packets come in.
 */
#ifndef WEIR_PROTO_UTP_H
#define WEIR_PROTO_UTP_H

#include "proto/reader.h"

enum utp_type { UTP_DATA, UTP_FIN, UTP_STATE, UTP_RESET, UTP_SYN };

struct utp_packet {
	uint8_t type;				     /* enum utp_type */
	uint16_t connection, sequence, acknowledged; /* host order */
	uint32_t time, difference; /* the sender's clock, and how far off the other's is, in us */
	const uint8_t *data;	   /* behind the extensions */
	size_t len;
};
/* Reads a packet of version 1. False: it is none, or its extensions exceed it. */
bool utp_read_packet(const uint8_t *data, size_t len, struct utp_packet *out);

/* Packets of a side that are kept behind one that is missing, and their bytes. */
#define UTP_HELD_MAX   32
#define UTP_HELD_BYTES 16384

/* One side of a connection. */
struct utp_side {
	bool seen;	/* a packet of it was */
	bool placed;	/* next is known */
	bool tentative; /* next follows from a packet without data: senders differ by one */
	bool begun;	/* an event was given */
	bool ends;	/* its FIN was seen, with number fin */
	bool over;	/* END was given */
	uint8_t held;
	uint16_t connection, next, fin;
	uint16_t used; /* bytes of room */
	uint64_t offset;
	struct utp_held {
		uint16_t sequence, at, len;
	} kept[UTP_HELD_MAX];
	uint8_t *room; /* UTP_HELD_BYTES from the first packet out of order on */
};

/* State of READER(utp): the connection that was opened last. */
struct utp {
	bool open;
	bool from_start; /* its SYN was seen */
	uint8_t others;	 /* datagrams in a row that are not of the connection */
	struct utp_side side[2];
};

extern const struct reader reader_utp;

#endif

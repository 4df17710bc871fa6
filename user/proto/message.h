/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SIP (RFC 3261) and RTSP (RFC 2326, 7826): messages of lines. Bodies are given by lines: those
 * that matter are texts. What follows a message without a length, or bytes that were not given, is
 * read as far as it is plain: start lines and headers are known by their form, all else is a
 * body's.
 */
#ifndef WEIR_PROTO_MESSAGE_H
#define WEIR_PROTO_MESSAGE_H

#include "proto/lines.h"
#include "proto/reader.h"

enum message_kind {
	MESSAGE_START,	/* a start line */
	MESSAGE_HEADER, /* a header of one line */
	MESSAGE_LINE,	/* a line of the body */
	MESSAGE_END,	/* of a body whose length was said, or a datagram */
	MESSAGE_MEDIA,	/* RTSP: a frame of media between messages (RFC 2326, 10.12); not its bytes
			 */
};

/* Texts are terminated and valid during the call; "" where there is none. */
struct message_event {
	uint8_t kind;	    /* enum message_kind */
	uint8_t side;	    /* enum stream_side */
	uint8_t channel;    /* MEDIA */
	bool gaps;	    /* END: some of the body was not given */
	uint16_t status;    /* START of a response, else 0 */
	uint16_t size;	    /* MEDIA: bytes of the frame */
	const char *method; /* START of a request */
	const char *target;
	const char *name; /* HEADER */
	const char *text; /* HEADER: its value; LINE: the line */
};

struct message_side {
	struct lines lines;
	uint8_t stage;
	bool said; /* Content-Length */
	bool gaps;
	uint8_t frame_len;
	uint8_t frame[4]; /* head of a frame of media */
	uint64_t left;	  /* of the body or the frame */
};

struct messages {
	struct message_side side[2]; /* by enum stream_side */
};
_Static_assert(sizeof(struct messages) < 2560, "stated size");

/* Their state is struct messages, their events struct message_event. */
extern const struct reader reader_sip;		 /* over TCP */
extern const struct reader reader_sip_datagrams; /* over UDP */
extern const struct reader reader_rtsp;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IRC (RFC 1459, 2812; message tags of IRCv3): messages of both sides. A side that is never given,
 * or begins late, is coped with.
 */
#ifndef WEIR_PROTO_IRC_H
#define WEIR_PROTO_IRC_H

#include "proto/lines.h"
#include "proto/reader.h"

#define IRC_PARAMS_MAX 15

enum irc_kind {
	IRC_MESSAGE,
	IRC_ENCRYPTED, /* TLS begins behind STARTTLS; nothing more comes */
};

/* Texts are terminated and valid during the call; "" where there is none. */
struct irc_event {
	uint8_t kind;	 /* enum irc_kind */
	uint8_t side;	 /* enum stream_side */
	uint8_t count;	 /* of params; beyond them "" */
	bool trailing;	 /* the last one followed a colon */
	uint16_t number; /* of a reply of three digits, else 0 */
	const char *tags;
	const char *prefix; /* who the message comes from, as the server says */
	const char *command;
	const char *params[IRC_PARAMS_MAX];
	/* CTCP in PRIVMSG or NOTICE, without its marks: the last of params from its second byte on,
	 * up to the mark at the end or all. NULL: there is none. */
	const char *ctcp;
};

struct irc_connection {
	struct lines lines[2]; /* by enum stream_side */
	bool starttls;	       /* was sent */
	bool over;
};
_Static_assert(sizeof(struct irc_connection) < 2560, "stated size");

/* Its state is struct irc_connection, its events struct irc_event. */
extern const struct reader reader_irc;

#endif

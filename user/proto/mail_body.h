/* SPDX-License-Identifier: GPL-2.0-only */
/* What the readers of SMTP, IMAP and POP3 share: texts that messages carry, and the change to TLS.
 */
#ifndef WEIR_PROTO_MAIL_BODY_H
#define WEIR_PROTO_MAIL_BODY_H

#include "proto/stream.h"

/* Bytes of a ClientHello by which it is known (RFC 8446, 5.1 and 4.1.2). */
#define MAIL_HELLO_BYTES 6

/* The place in a text of one side. */
struct mail_body {
	bool open;
	bool gaps;
	uint64_t at; /* bytes so far, gaps included */
	uint64_t missing;
};

/* The first bytes of a line that may be a ClientHello. */
struct mail_hello {
	uint8_t have;
	uint8_t bytes[MAIL_HELLO_BYTES];
};

/* Fills the event of the next bytes (data) or missing ones (NULL) of the text. */
void mail_body_piece(struct mail_body *b, const struct stream_event *from, const uint8_t *data,
		     uint64_t len, struct stream_event *out);
/*
 * Takes one byte at the beginning of a client's line, or behind those that were taken. Returns 1:
 * it is a ClientHello; 0: more bytes are needed; -1: it is none. No command of these protocols
 * begins with a control character, so lines are not mistaken for it.
 */
int mail_hello_take(struct mail_hello *h, uint8_t byte);

#endif

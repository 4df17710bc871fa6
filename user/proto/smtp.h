/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SMTP (RFC 5321, 2920, 3030, 3207) and what has its form: commands, replies, and messages of DATA
 * and BDAT without what was added to them. Whether a message follows DATA is the server's word;
 * where that was not given the message is taken to follow.
 */
#ifndef WEIR_PROTO_SMTP_H
#define WEIR_PROTO_SMTP_H

#include "proto/dots.h"
#include "proto/lines.h"
#include "proto/mail_body.h"
#include "proto/reader.h"

#define SMTP_VERBS(X)                                                                              \
	X(HELO)                                                                                    \
	X(EHLO)                                                                                    \
	X(LHLO)                                                                                    \
	X(MAIL)                                                                                    \
	X(RCPT)                                                                                    \
	X(DATA)                                                                                    \
	X(BDAT)                                                                                    \
	X(RSET)                                                                                    \
	X(AUTH)                                                                                    \
	X(STARTTLS)                                                                                \
	X(QUIT)

enum smtp_verb {
	SMTP_OTHER,
#define X(name) SMTP_##name,
	SMTP_VERBS(X)
#undef X
};

enum smtp_kind {
	SMTP_COMMAND,
	SMTP_REPLY,	/* a line of a reply */
	SMTP_BODY,	/* stream: DATA or GAP of a message, offset from its beginning */
	SMTP_BODY_END,	/* the message, or BDAT's chunk, has ended */
	SMTP_ENCRYPTED, /* TLS begins; nothing more comes */
};

struct smtp_event {
	uint8_t kind;  /* enum smtp_kind */
	uint8_t side;  /* enum stream_side */
	uint8_t verb;  /* COMMAND: enum smtp_verb */
	bool more;     /* REPLY: other lines of it follow */
	uint16_t code; /* REPLY */
	/* COMMAND: its argument, REPLY: what follows the code; terminated. "" otherwise. */
	const char *text;
	struct stream_event stream; /* BODY */
	bool complete;		    /* BODY_END: the end was reached */
	bool gaps;		    /* BODY_END: some of it was not given */
	bool last;		    /* BODY_END: the message ends with it */
	uint64_t size;		    /* BODY_END: bytes, gaps included */
};

/* Replies that are remembered: so many may be ahead of what the client was given. */
#define SMTP_REPLIES_MAX 64

struct smtp {
	struct lines lines[2]; /* by enum stream_side */
	uint8_t stage;	       /* of the client */
	bool deaf;	       /* replies were missed: which answers what is not known */
	bool server_dark;      /* the server has begun with TLS */
	bool over;
	bool last; /* BDAT LAST */
	struct mail_hello hello;
	struct dots dots;
	struct mail_body body;
	uint64_t left; /* of BDAT's chunk */
	/* The greeting is reply 0, so reply n answers the n-th command. */
	uint64_t commands, replies, data_command;
	uint16_t code[SMTP_REPLIES_MAX];
};
_Static_assert(sizeof(struct smtp) < 2560, "stated size");

/* Its state is struct smtp, its events struct smtp_event. */
extern const struct reader reader_smtp;

#endif

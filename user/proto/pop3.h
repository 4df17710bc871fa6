/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * POP3 (RFC 1939, 2449, 2595): commands, answers, and what answers of several lines carry, without
 * what was added to them. Only the command says whether an answer has several lines: a server's
 * side that is given before it can be read up to the first such answer.
 */
#ifndef WEIR_PROTO_POP3_H
#define WEIR_PROTO_POP3_H

#include "proto/dots.h"
#include "proto/lines.h"
#include "proto/mail_body.h"
#include "proto/reader.h"

#define POP3_VERBS(X)                                                                              \
	X(USER)                                                                                    \
	X(PASS)                                                                                    \
	X(APOP)                                                                                    \
	X(AUTH)                                                                                    \
	X(RETR)                                                                                    \
	X(TOP)                                                                                     \
	X(LIST)                                                                                    \
	X(UIDL)                                                                                    \
	X(CAPA)                                                                                    \
	X(DELE)                                                                                    \
	X(STLS)                                                                                    \
	X(QUIT)

enum pop3_verb {
	POP3_OTHER,
#define X(name) POP3_##name,
	POP3_VERBS(X)
#undef X
};

enum pop3_kind {
	POP3_COMMAND,
	POP3_ANSWER,
	POP3_BODY, /* stream: DATA of an answer's lines, offset from their beginning */
	POP3_BODY_END,
	POP3_ENCRYPTED, /* TLS begins; nothing more comes */
};

struct pop3_event {
	uint8_t kind; /* enum pop3_kind */
	uint8_t side; /* enum stream_side */
	uint8_t verb; /* COMMAND: enum pop3_verb; else of the command that is answered, as far as
			 known */
	bool ok;      /* ANSWER: +OK, or + of a dialogue */
	/* COMMAND: its argument, ANSWER: what follows the sign; terminated. "" otherwise. */
	const char *text;
	struct stream_event stream; /* BODY */
	bool complete;		    /* BODY_END: the last dot was seen */
	uint64_t size;		    /* BODY_END */
};

/* Commands without an answer that are remembered. */
#define POP3_PIPELINE_MAX 64

struct pop3 {
	struct lines lines[2]; /* by enum stream_side */
	bool hello_begun, server_dark, over;
	bool in_text; /* the server's side is in an answer's lines */
	uint8_t answered;
	struct mail_hello hello;
	struct dots dots;
	struct mail_body body;
	/* The greeting is answer 0, so answer n is to the n-th command. */
	uint64_t commands, answers;
	uint8_t asked[POP3_PIPELINE_MAX]; /* enum pop3_verb, and whether several lines answer */
};
_Static_assert(sizeof(struct pop3) < 2560, "stated size");

/* Its state is struct pop3, its events struct pop3_event. */
extern const struct reader reader_pop3;

#endif

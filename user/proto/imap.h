/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IMAP (RFC 9051, 7888): the lines of commands and responses, and the literals in them. A message
 * may have several lines, with a literal between each two: part 0 begins it. A line may be cut, its
 * literal is found all the same.
 */
#ifndef WEIR_PROTO_IMAP_H
#define WEIR_PROTO_IMAP_H

#include "proto/mail_body.h"
#include "proto/reader.h"

#define IMAP_TAG_MAX  31
#define IMAP_LINE_MAX 1024
#define IMAP_TAIL     24 /* bytes at a line's end in which a literal is announced */
/* Bytes of lines that are too long, or of none: so much is no IMAP. */
#define IMAP_SKIPPED_MAX 65536

enum imap_kind {
	IMAP_LINE,
	IMAP_LITERAL, /* stream: DATA or GAP of a literal, offset from its beginning */
	IMAP_LITERAL_END,
	IMAP_ENCRYPTED, /* TLS begins; nothing more comes */
};

struct imap_event {
	uint8_t kind;  /* enum imap_kind */
	uint8_t side;  /* enum stream_side; the client sends commands, the server responses */
	bool cut;      /* LINE: text is its beginning */
	bool literal;  /* LINE: a literal follows */
	uint16_t part; /* of the message, from 0 on */
	/* LINE: of the message's tag: "*" and "+" too; "" if there is none. Terminated. */
	const char *tag;
	const char *text; /* LINE: what follows the tag, or the whole of a later part. Terminated */
	struct stream_event stream; /* LITERAL */
	uint64_t size;		    /* LINE, of what follows; LITERAL_END: bytes, gaps included */
	bool complete, gaps;	    /* LITERAL_END */
};

struct imap_side {
	uint16_t len; /* bytes of the line that are kept */
	bool cut;
	bool in_literal;
	bool hello_begun;
	bool waits; /* the literal waits for the server's word */
	uint8_t tail_len;
	uint16_t part;
	uint64_t left; /* of the literal */
	struct mail_body body;
	char tag[IMAP_TAG_MAX + 1];
	char tail[IMAP_TAIL]; /* the line's newest bytes */
	char text[IMAP_LINE_MAX];
};

struct imap {
	struct imap_side side[2]; /* by enum stream_side */
	struct mail_hello hello;
	bool over;
	uint32_t skipped;
	char compress[IMAP_TAG_MAX + 1]; /* tag of COMPRESS (RFC 4978) */
};
_Static_assert(sizeof(struct imap) < 2560, "stated size");

/* Its state is struct imap, its events struct imap_event. */
extern const struct reader reader_imap;

#endif

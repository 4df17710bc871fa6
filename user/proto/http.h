/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HTTP/1 (RFC 9112): reads whole connections, both sides. Messages, their bodies without the
 * framing of chunks, and what a tunnel carries behind CONNECT or 101.
 *
 * A transaction is a request and its response; the n-th response answers the n-th request. A side
 * that is never given, or given late, is coped with: an answer whose request was not given is read
 * as one to GET.
 *
 * Events of a message come in this order: HTTP_REQUEST or HTTP_RESPONSE, HTTP_BODY as often as
 * needed, HTTP_END. What is given does not depend on how the bytes were cut.
 */
#ifndef WEIR_PROTO_HTTP_H
#define WEIR_PROTO_HTTP_H

#include "proto/http_head.h"
#include "proto/reader.h"

/* Requests without an answer whose methods are remembered; those of older ones are forgotten. */
#define HTTP_PIPELINE_MAX 64
#define HTTP_FIELDS_MAX	  256
/* Bytes of a header or trailer section. */
#define HTTP_SECTION_MAX (256u << 10)

enum http_kind {
	HTTP_REQUEST,  /* a request's header section is complete */
	HTTP_RESPONSE, /* a final response's; also 101 */
	HTTP_INTERIM,  /* another 1xx response; neither body nor end follow */
	HTTP_BODY,     /* stream: DATA or GAP of the body, offset from its beginning */
	HTTP_END,      /* the message has ended */
	HTTP_TUNNEL,   /* stream: DATA, GAP, END or RESET of what the side sends in the tunnel */
	HTTP_LOST,     /* nothing more of this side can be read */
	HTTP_CLOSE,    /* the side has ended, outside of a tunnel; stream.kind: END or RESET */
};

enum http_tunnel { HTTP_TUNNEL_NONE, HTTP_TUNNEL_CONNECT, HTTP_TUNNEL_UPGRADE };

struct http_event {
	uint8_t kind;	/* enum http_kind */
	uint8_t side;	/* enum stream_side */
	uint8_t tunnel; /* TUNNEL: enum http_tunnel */
	/* Messages were not given before this: which response answers which request is a guess. */
	bool unsure;
	uint32_t tx; /* number of the transaction; of a TUNNEL event: that opened it. From 0 on */
	/* The message's; NULL for TUNNEL, LOST and CLOSE. Valid during the call. */
	const struct http_head *head;
	struct stream_event stream; /* BODY, TUNNEL */
	/* END */
	bool complete;	  /* the message's last byte was reached */
	bool gaps;	  /* some of the body was not given */
	uint64_t size;	  /* bytes of the body up to here, gaps included */
	uint64_t missing; /* of these not given, as far as known */
	bool last;	  /* the connection does not go on behind this message */
};

/* One side of a connection. */
struct http_side {
	uint8_t stage;
	bool resync;	  /* behind a gap: only what certainly begins a message is taken */
	bool long_line;	  /* the line at hand did not fit */
	uint8_t doubt;	  /* enum http_tunnel: the next bytes may be of a tunnel, or a request */
	bool gaps;	  /* of the body */
	uint16_t line;	  /* bytes of the line at hand; they lie behind head.text[head.used] */
	uint32_t section; /* bytes of the header or trailer section so far */
	uint32_t tx;	  /* messages that have begun, informational responses excepted */
	uint64_t left;	  /* bytes of the body or chunk */
	uint64_t at;	  /* place in the body or the tunnel */
	uint64_t missing;
	struct http_head head;
};

/* The state of one connection: some 500 bytes, and while a message goes on over several events 3.5
 * KB at most for each side; between messages nothing. */
struct http_connection {
	bool read;	/* a message was read */
	bool unsure;	/* see struct http_event */
	uint8_t tunnel; /* enum http_tunnel: what the sides are in */
	uint8_t opened; /* the same: what the last response has opened */
	/* By number of the transaction: how the method bears on the response. */
	uint8_t method[HTTP_PIPELINE_MAX];
	struct http_side side[2]; /* by enum stream_side */
};
_Static_assert(sizeof(struct http_connection) < 512, "stated size");

/* Its state is struct http_connection, its events struct http_event. */
extern const struct reader reader_http;

#endif

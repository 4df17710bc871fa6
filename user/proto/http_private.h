/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of HTTP's reader share. Private to user/proto/http*.c. */
#ifndef WEIR_PROTO_HTTP_PRIVATE_H
#define WEIR_PROTO_HTTP_PRIVATE_H

#include "proto/http.h"

enum http_stage {
	AT_START, /* before a message, or in its start line */
	IN_FIELDS,
	IN_BODY,  /* of known length */
	TILL_END, /* a body that the end of the side ends */
	AT_CHUNK, /* in a line with the size of a chunk */
	IN_CHUNK,
	AFTER_CHUNK,
	IN_TRAILER,
	IN_TUNNEL,
	OVER, /* lost or ended */
};

/* How a method bears on the response. */
enum bearing { BEARS_NOTHING, BEARS_HEAD, BEARS_CONNECT, BEARS_UPGRADE };

/* One side, and the event that is read. */
struct http_reading {
	struct http_connection *c;
	struct http_side *s;
	const struct stream_event *e;
	reader_emit *emit;
	void *arg;
	char *scratch; /* HTTP_HEAD_BYTES: for the texts of a message that this event begins */
};

/* Looks at another side with the same event. */
static inline struct http_reading http_other_side(const struct http_reading *r)
{
	struct http_reading o = *r;

	o.s = &r->c->side[r->s == &r->c->side[0]];
	return o;
}

static inline bool http_is_client(const struct http_reading *r)
{
	return r->s == &r->c->side[STREAM_CLIENT];
}

/* Number of the transaction whose message was begun last. */
static inline uint32_t http_tx_now(const struct http_side *s)
{
	return s->tx ? s->tx - 1 : 0;
}

/* http.c */
void http_tell_piece(const struct http_reading *r, enum http_kind kind, enum stream_kind piece,
		     const uint8_t *data, uint64_t len);
/* A message begins. */
void http_head_begin_side(const struct http_reading *r);

/* http_tunnel.c */
void http_tunnel_data(const struct http_reading *r, const uint8_t *data, size_t len);
/* What the side sends from now on is the tunnel's, also the part of a line that it has sent. */
void http_tunnel_begin(const struct http_reading *r, enum http_tunnel kind);
/* Takes bytes for as long as it is in doubt whose they are. Returns their number. */
size_t http_tunnel_doubt(const struct http_reading *r, const uint8_t *data, size_t len);
/* Ends the client's doubt where the response has opened the tunnel. */
void http_tunnel_settle(const struct http_reading *r);
/* The response to what might open a tunnel has come. */
void http_tunnel_answer(const struct http_reading *r, enum http_tunnel opened);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Streaming parser of the HTTP/1 responses (RFC 9112) of a connection: finds each body, keeps only
 * one header line.
 */
#ifndef WEIR_PROTO_HTTP_H
#define WEIR_PROTO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_LINE_MAX	 256
#define HTTP_HEADERS_MAX 128

enum http_kind {
	HTTP_HEAD, /* headers are complete: see struct http_reader */
	HTTP_BODY, /* a piece of the body, unchunked */
	HTTP_END,  /* end of the response */
};

enum http_state {
	HTTP_AT_STATUS,
	HTTP_IN_HEADERS,
	HTTP_IN_BODY, /* of known length */
	HTTP_UNTIL_CLOSE,
	HTTP_AT_CHUNK,
	HTTP_IN_CHUNK,
	HTTP_AFTER_CHUNK,
	HTTP_IN_TRAILER,
	HTTP_FAILED,
};

struct http_reader {
	uint8_t state; /* enum http_state */
	uint8_t minor; /* HTTP/1.minor */
	bool chunked;
	bool has_length;
	bool encoded; /* Content-Encoding other than identity */
	bool close;   /* the connection ends with this response */
	bool keep_alive;
	uint16_t status;
	uint16_t headers;
	uint16_t line_len; /* may exceed HTTP_LINE_MAX: the rest was not kept */
	uint64_t left;	   /* bytes of the body or the chunk */
	char line[HTTP_LINE_MAX];
};

void http_init(struct http_reader *r);
/* Parses the next bytes and calls fn for each event. 0; -EPROTO, also from all later calls, if this
 * is no HTTP/1 response. */
int http_feed(struct http_reader *r, const uint8_t *data, size_t len,
	      void (*fn)(void *arg, enum http_kind kind, const uint8_t *data, size_t len),
	      void *arg);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The header section of an HTTP/1 message (RFC 9112, 3 to 5; RFC 9110). Part of proto/http.h. */
#ifndef WEIR_PROTO_HTTP_HEAD_H
#define WEIR_PROTO_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Texts that are kept: id, field name (NULL: of the request line), longest in bytes. */
#define HTTP_TEXTS(X)                                                                              \
	X(METHOD, NULL, 32)                                                                        \
	X(TARGET, NULL, 2048)                                                                      \
	X(HOST, "host", 261) /* a name of 255, and a port */                                       \
	X(USER_AGENT, "user-agent", 512)                                                           \
	X(REFERER, "referer", 512)                                                                 \
	X(CONTENT_TYPE, "content-type", 128)                                                       \
	X(CONTENT_ENCODING, "content-encoding", 64)                                                \
	X(CONTENT_DISPOSITION, "content-disposition", 512)                                         \
	X(CONTENT_RANGE, "content-range", 64)                                                      \
	X(LOCATION, "location", 512)                                                               \
	X(UPGRADE, "upgrade", 64)

enum http_text {
#define X(id, name, max) HTTP_##id,
	HTTP_TEXTS(X)
#undef X
		HTTP_TEXT_COUNT
};

#define HTTP_HEAD_BYTES	     3328 /* for the texts, and the line at hand behind them */
#define HTTP_LINE_ROOM	     320  /* of that always left for a line: what frames a message fits */
#define HTTP_LENGTH_UNKNOWN  UINT64_MAX
#define HTTP_HOSTNAME_BYTES  256 /* longest name of RFC 1035, and NUL */
#define HTTP_FILE_NAME_BYTES 256

/* Of fields that come twice the first is kept. */
struct http_head {
	bool request;	 /* else a response */
	bool versioned;	 /* the start line named a version; else it is HTTP/0.9, or a mistake */
	uint8_t minor;	 /* of HTTP/1.x */
	uint16_t status; /* of a response */
	bool chunked;	 /* the body comes in chunks */
	bool coded;	 /* it has a transfer coding that is not undone, such as gzip */
	bool encoded;	 /* Content-Encoding other than identity */
	bool close;	 /* Connection: close */
	bool keep_alive; /* Connection: keep-alive */
	bool upgrade;	 /* Connection: upgrade */
	uint64_t length; /* Content-Length, or HTTP_LENGTH_UNKNOWN */
	uint16_t fields; /* lines */
	uint16_t used;	 /* bytes of text with texts; the line at hand begins behind them */
	uint8_t last;	 /* enum http_text of the field at hand, or HTTP_TEXT_COUNT */
	bool framing;	 /* the field at hand says how long the message is */
	uint32_t kept;	 /* bits by enum http_text */
	uint32_t cut;	 /* the same: it was longer */
	uint16_t at[HTTP_TEXT_COUNT], len[HTTP_TEXT_COUNT];
	uint16_t cap; /* bytes of text */
	char *text;   /* valid during the call that gives the head */
};

/* The text, without NUL; "" and 0 where it is absent. */
const char *http_head_text(const struct http_head *h, enum http_text which, size_t *len);
/* Whether there is the text and it is this one, compared without regard to case. */
bool http_head_is(const struct http_head *h, enum http_text which, const char *text);
/* Whether the text, a list, has this element. */
bool http_head_lists(const struct http_head *h, enum http_text which, const char *element);
/*
 * Host name of a request, in lower case, without the port: the authority of its target (RFC 9112,
 * 3.2), else the Host field (RFC 9110, 7.2). port: 0 if none is said. False, and the outputs
 * unchanged, if there is no valid one.
 */
bool http_head_hostname(const struct http_head *h, char name[static HTTP_HOSTNAME_BYTES],
			uint16_t *port);
/*
 * Name of the file that the message carries: of Content-Disposition (RFC 6266), else the last part
 * of the path of `request`, which is the message itself or the request that it answers; may be
 * NULL. Decoded, without folders; bytes that are control characters become '_'. False: there is
 * none.
 */
bool http_head_file_name(const struct http_head *h, const struct http_head *request,
			 char name[static HTTP_FILE_NAME_BYTES]);

/*
 * Parses a header section that is there as a whole, or as far as it is: complete lines are parsed.
 * text: memory for the texts. 1: complete; -EAGAIN: more bytes are needed; 0: not HTTP/1. It is a
 * response if it begins as one.
 */
int http_head_parse(const uint8_t *data, size_t len, char text[static HTTP_HEAD_BYTES],
		    struct http_head *out);
/* Parses the request line alone, which must be complete. False: it is none. */
bool http_head_request_line(const uint8_t *data, size_t len, char text[static HTTP_HEAD_BYTES],
			    struct http_head *out);

/* ---- for http.c ---- */

/* text and cap stay. */
void http_head_init(struct http_head *h, bool request);
/*
 * After an event, in which a head without text has used `scratch`: forgets the text, or keeps its
 * first bytes with room for `room` more. 0 or -ENOMEM.
 */
int http_head_keep(struct http_head *h, const char *scratch, bool needed, size_t bytes,
		   size_t room);
/* Reads a request line or status line. long_line: its end is missing. 0; -EPROTO: it is none. */
int http_head_start(struct http_head *h, const char *line, size_t len, bool long_line);
/*
 * Reads a line of the header section, which lies in h->text from h->used on. long_line: its end is
 * missing. 0; -EPROTO: the length of the message is not certain.
 */
int http_head_field(struct http_head *h, size_t len, bool long_line);
/* Length of the method and the space behind it if `line` may begin a request with a method that is
 * registered. 0: it cannot; -EAGAIN: more bytes are needed. */
int http_head_method(const char *line, size_t len);
/* Whether the start line, which lies at the beginning of h->text, may be one as far as it is there.
 */
bool http_head_may_begin(const struct http_head *h, size_t len);
/* Size in the line before a chunk (RFC 9112, 7.1); extensions are ignored. 0; -EPROTO. */
int http_chunk_size(const char *line, size_t len, uint64_t *size);

#endif

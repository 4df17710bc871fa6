/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What consumers tell of a flow, each becomes an event: an HTTP transaction, a file that was
 * transferred. Records have no pointers, so that a worker can send them to the daemon.
 */
#ifndef WEIR_APP_RECORD_H
#define WEIR_APP_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(enumerator, "event", POLICY_EVENT_*) */
#define APP_RECORDS(X)                                                                             \
	X(HTTP, "http", HTTP)                                                                      \
	X(FILE, "fileinfo", FILES)

enum app_record_kind {
#define X(id, name, wanted) APP_RECORD_##id,
	APP_RECORDS(X)
#undef X
		APP_RECORD_COUNT
};

/* X(enumerator, "field of the event", most bytes) */
#define APP_TEXTS(X)                                                                               \
	X(FILENAME, "filename", 512)                                                               \
	X(METHOD, "http_method", 32)                                                               \
	X(URL, "url", 1024)                                                                        \
	X(PROTOCOL, "protocol", 16)                                                                \
	X(HOSTNAME, "hostname", 255) /* without the port; told in lower case */                    \
	X(USER_AGENT, "http_user_agent", 512)                                                      \
	X(REFER, "http_refer", 512)                                                                \
	X(CONTENT_TYPE, "http_content_type", 128) /* told without its parameters */                \
	X(REDIRECT, "redirect", 512)

enum app_text {
#define X(id, name, max) APP_TEXT_##id,
	APP_TEXTS(X)
#undef X
		APP_TEXT_COUNT
};

#define APP_TEXT_BYTES 4096 /* of all texts; what has no room is left out */

/* Zeroed before use. A file of an HTTP transaction has the texts of both. */
struct app_record {
	uint8_t kind;	 /* enum app_record_kind */
	bool answered;	 /* HTTP: status and length are those of the answer */
	uint16_t status; /* 0 = none */
	uint32_t tx;	 /* number of the transaction in its flow, from 0 */
	uint64_t length; /* HTTP: bytes of the answer's body */
	uint16_t port;	 /* HTTP: in the Host header, 0 = none */
	bool to_server;	 /* file: sent by the flow's originator */
	bool closed;	 /* its end was seen */
	bool gaps;	 /* bytes of it are missing */
	bool hashed;	 /* sha256 is valid */
	uint64_t size;	 /* bytes that were seen */
	uint64_t start;	 /* first and last byte of a part (Content-Range), both 0: the whole */
	uint64_t end;
	uint64_t parent_id; /* of the flow that announced this one, 0 = none */
	uint8_t sha256[32];
	struct {
		uint16_t at, len;
	} place[APP_TEXT_COUNT]; /* in text */
	uint16_t used;		 /* bytes of text */
	char text[APP_TEXT_BYTES];
};

/* Sets a text once: cut at its longest, with '.' for what is not printable ASCII. len 0: none. */
void app_record_text(struct app_record *r, enum app_text which, const void *text, size_t len);
/* The text, not terminated; NULL and *len 0: none. */
const char *app_record_get(const struct app_record *r, enum app_text which, size_t *len);
/* Bytes up to the end of its texts: a copy of these is as good. */
size_t app_record_bytes(const struct app_record *r);
/* Whether a copy of len bytes from somebody who is not trusted is sound: all that the functions
 * here rely on, and printable. */
bool app_record_sound(const void *copy, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The header section of an HTTP/1 message.  */
#ifndef WEIR_PROTO_HEAD_H
#define WEIR_PROTO_HEAD_H

#include "proto/bytes.h"

/* Parts of the message, empty where absent. */
struct http_head {
	bool request;	 /* else a response */
	uint16_t status; /* status code of a response */
	struct bytes method, target;
	struct bytes host, user_agent, content_type;
};
/*
 * Parses the request or status line (RFC 9112, 3 and 4) and the header fields. 1: complete;
 * -EAGAIN: more bytes are needed (complete lines are parsed); 0: not HTTP/1.
 */
int http_head_read(const uint8_t *data, size_t len, struct http_head *out);

#endif

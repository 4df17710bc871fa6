/* SPDX-License-Identifier: GPL-2.0-only */
/* The head of an HTTP/1 message, for user/inspect alone. */
#ifndef WEIR_INSPECT_HEAD_H
#define WEIR_INSPECT_HEAD_H

#include "inspect/bytes.h"

/* Pieces of the message, empty where it has none. */
struct http_head {
	bool request;	 /* else a response */
	uint16_t status; /* of a response */
	struct bytes method, target;
	struct bytes host, user_agent, content_type;
};
/*
 * Reads request or status line (RFC 9112, 3 and 4) and the fields. 1: the whole head, -EAGAIN: more
 * of it is to come (whole lines are read), 0: none.
 */
int http_head_read(const uint8_t *data, size_t len, struct http_head *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The server's side of one connection: bounded buffers, no blocking. Private to user/control. */
#ifndef WEIR_CONTROL_SESSION_H
#define WEIR_CONTROL_SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/control.h"

/* An answer may be large (a listing of flows); what a follower has not read yet may not. */
#define SESSION_ANSWER_MAX (64u << 20)
#define SESSION_FOLLOW_MAX (1u << 20)

struct session {
	int fd;	   /* -1 once it was cut off */
	bool eof;  /* the peer sends no more */
	bool last; /* the connection ends with what is in out */
	bool following;
	char *type; /* filter of a follower, NULL = everything */
	char *in;   /* CONTROL_REQUEST_MAX bytes */
	size_t in_len;
	char *out;
	size_t out_len, out_cap;
	uint64_t progress_ns; /* when it last read or wrote something */
	uint32_t events;      /* what epoll was asked for */
	struct session *next;
};

/* Takes over fd. NULL on ENOMEM (fd stays the caller's). */
struct session *session_new(int fd, uint64_t now_ns);
void session_free(struct session *c);
/* Closes at once; the struct stays. */
void session_cut(struct session *c);
/* Appends len bytes and a newline. -ENOBUFS beyond max, -ENOMEM. */
int session_append(struct session *c, const char *text, size_t len, size_t max);
/* Sends what the socket takes. A negative errno: the peer is gone. */
int session_flush(struct session *c, uint64_t now_ns);
/* Reads once. 1 got bytes, 0 nothing now, a negative errno: the peer is gone. */
int session_read(struct session *c, uint64_t now_ns);
/* Length of the first whole line in `in` without its newline, or -EAGAIN, -EMSGSIZE when none fits.
 */
int session_line(const struct session *c);
/* Takes the first line, of len bytes, off. */
void session_consume(struct session *c, size_t len);
/* Appends {KEY: value}; steals value. */
int session_answer(struct session *c, const char *key, json_t *value);

#endif

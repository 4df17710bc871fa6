/* SPDX-License-Identifier: GPL-2.0-only */
/* The server's end of one connection: bounded buffers, non-blocking. Private to user/control. */
#ifndef WEIR_CONTROL_SESSION_H
#define WEIR_CONTROL_SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/control.h"

/* Bounds of unsent bytes: an answer may be large (a listing of flows), the backlog of a follower
 * may not. */
#define SESSION_ANSWER_MAX (64u << 20)
#define SESSION_FOLLOW_MAX (1u << 20)

struct session {
	int fd;	   /* -1 after it was disconnected */
	bool eof;  /* the peer has closed its sending side */
	bool last; /* close the connection when out is sent */
	bool following;
	char *type; /* a follower's filter, NULL = everything */
	char *in;   /* CONTROL_REQUEST_MAX bytes */
	size_t in_len;
	char *out;
	size_t out_len, out_cap;
	uint64_t progress_ns; /* time of the last read or write */
	uint32_t events;      /* events registered with epoll */
	struct session *next;
};

/* Takes ownership of fd. NULL on ENOMEM (fd remains the caller's). */
struct session *session_new(int fd, uint64_t now_ns);
void session_free(struct session *c);
/* Closes the connection at once; the struct remains. */
void session_cut(struct session *c);
/* Appends len bytes and a newline to out. 0, -ENOBUFS if that exceeds max, -ENOMEM. */
int session_append(struct session *c, const char *text, size_t len, size_t max);
/* Sends as much as the socket accepts. 0; a negative errno: the peer is gone. */
int session_flush(struct session *c, uint64_t now_ns);
/* Reads once. 1: got bytes; 0: nothing available; a negative errno: the peer is gone. */
int session_read(struct session *c, uint64_t now_ns);
/* Length of the first complete line in `in` without its newline; -EAGAIN: incomplete; -EMSGSIZE:
 * too long. */
int session_line(const struct session *c);
/* Removes the first line, of len bytes. */
void session_consume(struct session *c, size_t len);
/* Appends {KEY: value} as a line; steals value. Errors as session_append(). */
int session_answer(struct session *c, const char *key, json_t *value);

#endif

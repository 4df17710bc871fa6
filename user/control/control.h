/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's socket. A request is one JSON line {"verb": "flows", "args": {...}}; the answer one
 * JSON line {"data": ...} or {"error": "text"}. A followed stream (verb "events") is {"data":
 * {...}} and then one line an event until either side closes.
 */
#ifndef WEIR_CONTROL_H
#define WEIR_CONTROL_H

#include <jansson.h>
#include <stdbool.h>

#include "util/util.h"

#define CONTROL_SOCKET_DEFAULT "/run/weir/weir.sock"
#define CONTROL_REQUEST_MAX    65536

/* ---- server: runs in the daemon's poll loop ---- */
struct control_server;
/*
 * Answers a verb: sets *data (new reference; NULL answers null) and returns 0, or a negative errno
 * with e filled. args is never NULL and belongs to the server. The handler sets *follow to keep the
 * connection for control_server_publish; args.type is then the stream's filter.
 */
typedef int (*control_handler)(const char *verb, const json_t *args, json_t **data, bool *follow,
			       void *arg, struct error *e);
/* Makes the socket's folder when absent, mode 0600, refuses when another daemon answers there
 * (-EADDRINUSE), replaces a dead one. */
int control_server_open(const char *path, control_handler handler, void *arg,
			struct control_server **out, struct error *e);
void control_server_close(struct control_server *s);
/* Removes the name that a daemon which is dead left behind; 0 also when there is none. -EADDRINUSE,
 * -EEXIST as control_server_open. */
int control_socket_clear(const char *path, struct error *e);
/* Descriptor that becomes readable when there is work (an epoll of its own), and the work. Clients
 * never block the daemon. */
int control_server_fd(const struct control_server *s);
void control_server_work(struct control_server *s);
/* A line to every follower whose filter (args.type) matches; a follower that does not read is cut
 * off. */
void control_server_publish(struct control_server *s, const char *type, const char *line);

/* ---- client ---- */
/*
 * One request. args is stolen, NULL = none; *data is a new reference. -ECONNREFUSED / -ENOENT when
 * no daemon listens, -EPROTO on nonsense, -EREMOTEIO with the daemon's own text, -ETIMEDOUT.
 */
int control_request(const char *socket_path, const char *verb, json_t *args, json_t **data,
		    struct error *e);
/* Follows: fn gets every line (no newline) until it returns false or the daemon closes; both are 0.
 * args is stolen. Errors as above. */
int control_follow(const char *socket_path, const char *verb, json_t *args,
		   bool (*fn)(const char *line, void *arg), void *arg, struct error *e);

#endif

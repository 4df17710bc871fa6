/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's control socket. A request is one JSON line {"verb": "flows", "args": {...}}; the
 * answer is one JSON line {"data": ...} or {"error": "text"}. The answer to a verb that follows
 * ("events") is {"data": {...}}, then one line per event until either side closes.
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
 * Answers a verb: sets *data (new reference; NULL answers null) and returns 0, or returns a
 * negative errno with e filled. args is never NULL and belongs to the server. The handler sets
 * *follow to keep the connection open for control_server_publish(); args.type is then its filter.
 */
typedef int (*control_handler)(const char *verb, const json_t *args, json_t **data, bool *follow,
			       void *arg, struct error *e);
/* Creates the socket, mode 0600, and its folder if absent. -EADDRINUSE if another daemon answers
 * there; a socket without a daemon is replaced. */
int control_server_open(const char *path, control_handler handler, void *arg,
			struct control_server **out, struct error *e);
void control_server_close(struct control_server *s);
/* Removes a socket that no daemon listens on any more; 0 also if there is none. -EADDRINUSE,
 * -EEXIST as control_server_open(). */
int control_socket_clear(const char *path, struct error *e);
/* A descriptor that becomes readable when there is work (an epoll instance), and the function that
 * does the work. Clients never block the daemon. */
int control_server_fd(const struct control_server *s);
void control_server_work(struct control_server *s);
/* Sends a line to every follower whose filter (args.type) matches. A follower that does not read is
 * disconnected. */
void control_server_publish(struct control_server *s, const char *type, const char *line);

/* ---- client ---- */
/*
 * Sends one request. args is stolen, NULL = none; *data is a new reference. 0; -ECONNREFUSED or
 * -ENOENT: no daemon listens; -EPROTO: invalid answer; -EREMOTEIO: the daemon reports an error,
 * whose text is in e; -ETIMEDOUT.
 */
int control_request(const char *socket_path, const char *verb, json_t *args, json_t **data,
		    struct error *e);
/* Follows: calls fn for every line (without newline) until it returns false or the daemon closes; 0
 * in both cases. args is stolen. Errors as above. */
int control_follow(const char *socket_path, const char *verb, json_t *args,
		   bool (*fn)(const char *line, void *arg), void *arg, struct error *e);

#endif

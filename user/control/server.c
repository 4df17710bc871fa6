// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "control/listener.h"
#include "control/request.h"
#include "control/session.h"

#define SERVER_SESSIONS_MAX 64
#define SERVER_EVENTS	    16
/* How long a peer may leave a request incomplete or an answer unread. */
#define SERVER_PATIENCE_NS 10000000000ull

struct control_server {
	struct listener listener;
	int epoll, timer;
	control_handler handler;
	void *arg;
	struct session *sessions;
	size_t count;
};

/* epoll data of the two descriptors that are not sessions. */
static void *server_tag(struct control_server *s, int which)
{
	return which == 0 ? (void *)&s->listener : (void *)&s->timer;
}

static int server_add(struct control_server *s, int fd, void *tag, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = tag};

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

/* The timer runs only while a session can time out. */
static void server_arm(struct control_server *s)
{
	struct itimerspec every = {0};

	if (s->count > 0)
		every.it_interval.tv_sec = every.it_value.tv_sec = 1;
	timerfd_settime(s->timer, 0, &every, NULL);
}

/* Removed from epoll explicitly: after a mere close() the socket stays registered while another
 * descriptor refers to it, and its events would refer to freed memory. */
static void server_cut(struct control_server *s, struct session *c)
{
	if (c->fd >= 0)
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	session_cut(c);
}

static void server_reap(struct control_server *s)
{
	struct session **at = &s->sessions;
	size_t before = s->count;

	while (*at) {
		struct session *c = *at;

		if (c->fd >= 0) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		session_free(c);
		s->count--;
	}
	if (before > 0 && s->count == 0)
		server_arm(s);
}

/* Flushes, closes the session if it is finished, and registers the events to wait for. */
static void server_settle(struct control_server *s, struct session *c, uint64_t now_ns)
{
	struct epoll_event ev = {.data.ptr = c};

	if (c->fd < 0)
		return;
	if (session_flush(c, now_ns) < 0 || (c->out_len == 0 && c->last)) {
		server_cut(s, c);
		return;
	}
	/* No further request is read while a peer does not read its answer. */
	if (c->out_len > 0)
		ev.events = EPOLLOUT;
	else if (!c->eof)
		ev.events = EPOLLIN;
	if (ev.events == c->events)
		return;
	c->events = ev.events;
	if (epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->fd, &ev) < 0)
		server_cut(s, c);
}

static int server_follow(struct session *c, const json_t *args)
{
	const char *type = json_string_value(json_object_get(args, "type"));

	if (type) {
		c->type = strdup(type);
		if (!c->type)
			return -ENOMEM;
	}
	c->following = true;
	return 0;
}

static int server_call(struct control_server *s, struct session *c, const struct request *r)
{
	struct error e = {0};
	json_t *data = NULL;
	bool follow = false;
	int err;

	err = s->handler(r->verb, r->args, &data, &follow, s->arg, &e);
	if (err < 0) {
		error_set(&e, err, "%s", strerror(-err));
		return session_answer(c, "error", json_string(e.text));
	}
	if (follow && server_follow(c, r->args) < 0) {
		json_decref(data);
		return -ENOMEM;
	}
	return session_answer(c, "data", data ? data : json_null());
}

static int server_request(struct control_server *s, struct session *c, size_t len)
{
	struct request r = {0};
	struct error e = {0};
	int err;

	if (request_parse(c->in, len, &r, &e) < 0) {
		c->last = true;
		return session_answer(c, "error", json_string(e.text));
	}
	err = server_call(s, c, &r);
	request_fini(&r);
	return err;
}

/* Answers every complete line, one answer at a time. */
static void server_serve(struct control_server *s, struct session *c, uint64_t now_ns)
{
	while (c->fd >= 0 && !c->last && !c->following && c->out_len == 0) {
		int len = session_line(c), err;

		if (len == -EAGAIN) {
			c->last = c->eof;
			break;
		}
		if (len < 0) {
			c->last = true;
			err = session_answer(c, "error", json_string("request is too long"));
		} else {
			err = server_request(s, c, (size_t)len);
			session_consume(c, (size_t)len);
		}
		if (err < 0 || session_flush(c, now_ns) < 0)
			server_cut(s, c);
	}
	server_settle(s, c, now_ns);
}

static void server_session_event(struct control_server *s, struct session *c, uint32_t events)
{
	uint64_t now_ns = time_now_ns();

	if (c->fd < 0)
		return;
	if ((events & EPOLLIN) && session_read(c, now_ns) < 0)
		server_cut(s, c);
	/* With nothing to read or write, epoll reports only a hang-up. */
	else if ((events & (EPOLLHUP | EPOLLERR)) && !(events & (EPOLLIN | EPOLLOUT)))
		server_cut(s, c);
	else if (events & EPOLLOUT && session_flush(c, now_ns) < 0)
		server_cut(s, c);
	/* Input of a follower is read, to notice its end, and ignored. */
	if (c->following)
		c->in_len = 0;
	server_serve(s, c, now_ns);
}

static void server_refuse(int fd, const char *why)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "{\"error\":\"%s\"}\n", why);

	/* A new socket's buffer has room for a line; if not, closing has to suffice. */
	if (send(fd, line, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("control: %s", why);
	close(fd);
}

static void server_accept(struct control_server *s)
{
	struct session *c;
	int fd = accept4(s->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (!listener_peer_allowed(fd)) {
		server_refuse(fd, "permission denied");
		return;
	}
	if (s->count >= SERVER_SESSIONS_MAX) {
		server_refuse(fd, "too many clients");
		return;
	}
	c = session_new(fd, time_now_ns());
	if (!c || server_add(s, fd, c, EPOLLIN) < 0) {
		if (c)
			c->fd = -1;
		session_free(c);
		close(fd);
		return;
	}
	c->events = EPOLLIN;
	c->next = s->sessions;
	s->sessions = c;
	if (s->count++ == 0)
		server_arm(s);
}

static void server_lose_patience(struct control_server *s)
{
	uint64_t expirations, now_ns = time_now_ns();

	if (read(s->timer, &expirations, sizeof(expirations)) < 0)
		return;
	for (struct session *c = s->sessions; c; c = c->next)
		if (!(c->following && c->out_len == 0) &&
		    now_ns > c->progress_ns + SERVER_PATIENCE_NS)
			server_cut(s, c);
}

void control_server_work(struct control_server *s)
{
	struct epoll_event events[SERVER_EVENTS];
	int count = epoll_wait(s->epoll, events, SERVER_EVENTS, 0);

	for (int i = 0; i < count; i++) {
		void *tag = events[i].data.ptr;

		if (tag == server_tag(s, 0))
			server_accept(s);
		else if (tag == server_tag(s, 1))
			server_lose_patience(s);
		else
			server_session_event(s, tag, events[i].events);
	}
	/* Freed only now: a later event of this batch may refer to a session that an earlier one
	 * closed. */
	server_reap(s);
}

void control_server_publish(struct control_server *s, const char *type, const char *line)
{
	uint64_t now_ns = time_now_ns();
	size_t len = strlen(line);

	for (struct session *c = s->sessions; c; c = c->next) {
		if (c->fd < 0 || !c->following || (c->type && strcmp(c->type, type) != 0))
			continue;
		/* The backlog was empty: the time to read it starts now. */
		if (c->out_len == 0)
			c->progress_ns = now_ns;
		if (session_append(c, line, len, SESSION_FOLLOW_MAX) < 0)
			server_cut(s, c);
		else
			server_settle(s, c, now_ns);
	}
}

int control_server_fd(const struct control_server *s)
{
	return s->epoll;
}

void control_server_close(struct control_server *s)
{
	if (!s)
		return;
	while (s->sessions) {
		struct session *c = s->sessions;

		s->sessions = c->next;
		session_free(c);
	}
	listener_close(&s->listener);
	util_closep(&s->timer);
	util_closep(&s->epoll);
	free(s);
}

static void control_server_closep(struct control_server **s)
{
	control_server_close(*s);
}

static struct control_server *control_server_new(control_handler handler, void *arg)
{
	struct control_server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->listener.fd = -1;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	s->handler = handler;
	s->arg = arg;
	return s;
}

int control_server_open(const char *path, control_handler handler, void *arg,
			struct control_server **out, struct error *e)
{
	_cleanup_(control_server_closep) struct control_server *s =
		control_server_new(handler, arg);
	int err;

	if (!s)
		return error_set(e, -ENOMEM, "out of memory");
	if (s->epoll < 0 || s->timer < 0)
		return error_set(e, -EMFILE, "control socket: no descriptor left");
	err = listener_open(&s->listener, path, e);
	if (err < 0)
		return err;
	err = server_add(s, s->listener.fd, server_tag(s, 0), EPOLLIN);
	if (!err)
		err = server_add(s, s->timer, server_tag(s, 1), EPOLLIN);
	if (err < 0)
		return error_set(e, err, "control socket: %s", strerror(-err));
	*out = TAKE_PTR(s);
	return 0;
}

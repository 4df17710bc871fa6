// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <sys/socket.h>

#include "control/session.h"

struct session *session_new(int fd, uint64_t now_ns)
{
	struct session *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->in = malloc(CONTROL_REQUEST_MAX);
	if (!c->in) {
		free(c);
		return NULL;
	}
	c->fd = fd;
	c->progress_ns = now_ns;
	return c;
}

void session_free(struct session *c)
{
	if (!c)
		return;
	session_cut(c);
	free(c->type);
	free(c->in);
	free(c->out);
	free(c);
}

void session_cut(struct session *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

int session_append(struct session *c, const char *text, size_t len, size_t max)
{
	size_t need = c->out_len + len + 1;

	if (len >= max || need > max)
		return -ENOBUFS;
	if (need > c->out_cap) {
		size_t cap = need + need / 2;
		char *grown = realloc(c->out, cap);

		if (!grown)
			return -ENOMEM;
		c->out = grown;
		c->out_cap = cap;
	}
	memcpy(c->out + c->out_len, text, len);
	c->out[c->out_len + len] = '\n';
	c->out_len = need;
	return 0;
}

int session_flush(struct session *c, uint64_t now_ns)
{
	size_t done = 0;
	int err = 0;

	while (done < c->out_len) {
		ssize_t n =
			send(c->fd, c->out + done, c->out_len - done, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err = errno == EAGAIN ? 0 : -errno;
			break;
		}
		done += (size_t)n;
		c->progress_ns = now_ns;
	}
	if (done > 0)
		memmove(c->out, c->out + done, c->out_len - done);
	c->out_len -= done;
	if (c->out_len == 0 && c->out_cap > SESSION_FOLLOW_MAX) {
		free(c->out);
		c->out = NULL;
		c->out_cap = 0;
	}
	return err;
}

int session_read(struct session *c, uint64_t now_ns)
{
	ssize_t n;

	if (c->in_len == CONTROL_REQUEST_MAX)
		return 0;
	n = recv(c->fd, c->in + c->in_len, CONTROL_REQUEST_MAX - c->in_len, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0) {
		c->eof = true;
		return 0;
	}
	c->in_len += (size_t)n;
	c->progress_ns = now_ns;
	return 1;
}

int session_line(const struct session *c)
{
	const char *end = memchr(c->in, '\n', c->in_len);

	if (end)
		return (int)(end - c->in);
	return c->in_len == CONTROL_REQUEST_MAX ? -EMSGSIZE : -EAGAIN;
}

void session_consume(struct session *c, size_t len)
{
	size_t gone = len + 1;

	memmove(c->in, c->in + gone, c->in_len - gone);
	c->in_len -= gone;
}

int session_answer(struct session *c, const char *key, json_t *value)
{
	static const char too_large[] = "{\"error\":\"the answer is too large: ask for less\"}";
	json_t *answer = json_pack("{s:o}", key, value);
	_cleanup_free_ char *text = NULL;
	int err;

	if (!answer)
		return -ENOMEM;
	text = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	if (!text)
		return -ENOMEM;
	err = session_append(c, text, strlen(text), SESSION_ANSWER_MAX);
	if (err == -ENOBUFS)
		err = session_append(c, too_large, strlen(too_large), SESSION_ANSWER_MAX);
	return err;
}

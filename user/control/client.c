// SPDX-License-Identifier: GPL-2.0-only
/* The client of the control socket: blocking, with a timeout. */
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "control/listener.h"

/* Loading a policy or scanning a million flows takes seconds, never this long. */
#define CLIENT_TIMEOUT_S  60
#define CLIENT_ANSWER_MAX (256u << 20)

struct reader {
	int fd;
	char *buf;
	size_t len, cap;
	size_t taken; /* length of the line returned last */
};

static void reader_fini(struct reader *r)
{
	free(r->buf);
	util_closep(&r->fd);
}

static int client_connect(const char *path, int *out, struct error *e)
{
	struct timeval timeout = {.tv_sec = CLIENT_TIMEOUT_S};
	_cleanup_close_ int fd = -1;
	struct sockaddr_un address;
	int err = listener_address(path, &address, e);

	if (err < 0)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(e, -errno, "control socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		err = -errno;
		/* A path through a non-directory has no daemon either. */
		if (err == -ENOENT || err == -ECONNREFUSED || err == -ENOTDIR)
			return error_set(e, err == -ENOTDIR ? -ENOENT : err,
					 "no daemon answers on %s (start one with `weir run`)",
					 path);
		return error_set(e, err, "%s: %s", path, strerror(-err));
	}
	*out = TAKE_FD(fd);
	return 0;
}

static int client_error(const char *path, struct error *e)
{
	int err = errno == EAGAIN ? ETIMEDOUT : errno;

	return error_set(e, -err, "%s: %s", path, strerror(err));
}

static int client_send(int fd, const char *path, const char *verb, json_t *args, struct error *e)
{
	json_t *request = json_pack("{s:s, s:o*}", "verb", verb, "args", args);
	_cleanup_free_ char *text = NULL;
	size_t len, done = 0;

	if (!request)
		return error_set(e, -EINVAL, "request cannot be written as JSON");
	text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (!text)
		return error_set(e, -ENOMEM, "out of memory");
	len = strlen(text);
	text[len++] = '\n'; /* replaces the NUL */
	while (done < len) {
		ssize_t n = send(fd, text + done, len - done, MSG_NOSIGNAL);

		/* The daemon may have answered and closed before it read everything. */
		if (n < 0 && errno == EPIPE)
			return 0;
		if (n < 0 && errno != EINTR)
			return client_error(path, e);
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* Grows the buffer within its bound. */
static int reader_grow(struct reader *r)
{
	size_t cap = r->cap ? r->cap * 2 : 65536;
	char *grown;

	if (r->len + 1 < r->cap)
		return 0;
	if (cap > CLIENT_ANSWER_MAX)
		return -EMSGSIZE;
	grown = realloc(r->buf, cap);
	if (!grown)
		return -ENOMEM;
	r->buf = grown;
	r->cap = cap;
	return 0;
}

/* The next line without its newline, NUL-terminated, valid until the next call. 1, 0 at the end, or
 * a negative errno. */
static int reader_line(struct reader *r, char **line)
{
	size_t looked = 0;

	if (r->taken > 0) {
		memmove(r->buf, r->buf + r->taken, r->len - r->taken);
		r->len -= r->taken;
		r->taken = 0;
	}
	for (;;) {
		char *end = r->len > looked ? memchr(r->buf + looked, '\n', r->len - looked) : NULL;
		ssize_t n;
		int err;

		if (end) {
			*end = '\0';
			r->taken = (size_t)(end - r->buf) + 1;
			*line = r->buf;
			return 1;
		}
		looked = r->len;
		err = reader_grow(r);
		if (err < 0)
			return err;
		n = recv(r->fd, r->buf + r->len, r->cap - r->len - 1, 0);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		r->len += n > 0 ? (size_t)n : 0;
	}
}

/* Reads the answer {"data": ...} or {"error": ...}. */
static int client_answer(struct reader *r, const char *path, json_t **data, struct error *e)
{
	char *line = NULL;
	json_t *answer, *value;
	int err = reader_line(r, &line);

	if (err == 0)
		return error_set(e, -EPROTO, "%s: the daemon closed without an answer", path);
	if (err < 0)
		return error_set(e, err, "%s: %s", path, strerror(-err));
	answer = json_loads(line, JSON_DECODE_ANY, NULL);
	value = json_object_get(answer, "error");
	if (json_is_string(value)) {
		err = error_set(e, -EREMOTEIO, "%s", json_string_value(value));
	} else {
		value = json_object_get(answer, "data");
		if (value)
			*data = json_incref(value);
		err = value ? 0 : error_set(e, -EPROTO, "%s: not an answer of weir's", path);
	}
	json_decref(answer);
	return err;
}

int control_request(const char *socket_path, const char *verb, json_t *args, json_t **data,
		    struct error *e)
{
	_cleanup_(reader_fini) struct reader r = {.fd = -1};
	int err = client_connect(socket_path, &r.fd, e);

	if (err < 0) {
		json_decref(args);
		return err;
	}
	err = client_send(r.fd, socket_path, verb, args, e);
	if (err < 0)
		return err;
	return client_answer(&r, socket_path, data, e);
}

int control_follow(const char *socket_path, const char *verb, json_t *args,
		   bool (*fn)(const char *line, void *arg), void *arg, struct error *e)
{
	_cleanup_(reader_fini) struct reader r = {.fd = -1};
	int err = client_connect(socket_path, &r.fd, e);
	struct timeval forever = {0};
	json_t *data = NULL;
	char *line = NULL;

	if (err < 0) {
		json_decref(args);
		return err;
	}
	err = client_send(r.fd, socket_path, verb, args, e);
	if (!err)
		err = client_answer(&r, socket_path, &data, e);
	if (err < 0)
		return err;
	json_decref(data);
	setsockopt(r.fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
	do {
		err = reader_line(&r, &line);
	} while (err > 0 && fn(line, arg));
	if (err < 0)
		return error_set(e, err, "%s: %s", socket_path, strerror(-err));
	return 0;
}

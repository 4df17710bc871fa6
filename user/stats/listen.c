// SPDX-License-Identifier: GPL-2.0-only
/* The metrics listener. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>

#include "stats/stats.h"

/* A scraper asks every few seconds; more than this at once is something else. */
#define LISTEN_CONNECTIONS_MAX 16
#define LISTEN_PER_ADDRESS_MAX 8
#define LISTEN_TIMEOUT_S       10

struct stats_server {
	struct MHD_Daemon *http;
	char *(*render)(void *arg);
	void *arg;
};

union listen_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Splits "host:port" and "[host]:port". */
static int listen_split(const char *listen, char host[64], const char **port)
{
	const char *colon = strrchr(listen, ':');
	const char *begin = listen, *end = colon;

	if (!colon)
		return -EINVAL;
	if (*begin == '[') {
		begin++;
		end--;
		if (end <= begin || *end != ']')
			return -EINVAL;
	} else if (memchr(listen, ':', (size_t)(colon - listen))) {
		return -EINVAL;
	}
	if (end <= begin || end - begin >= 64)
		return -EINVAL;
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	*port = colon + 1;
	return 0;
}

static int listen_port(const char *text, in_port_t *out)
{
	char *end;
	unsigned long port;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	port = strtoul(text, &end, 10);
	if (*end || port > 65535)
		return -EINVAL;
	*out = htons((uint16_t)port);
	return 0;
}

/* Addresses only: a name server that does not answer must not hold up a start. */
static int listen_parse(const char *listen, union listen_address *out)
{
	union listen_address a = {0};
	const char *port;
	char host[64];
	in_port_t number;

	if (listen_split(listen, host, &port) < 0 || listen_port(port, &number) < 0)
		return -EINVAL;
	if (strcmp(host, "localhost") == 0)
		memcpy(host, "127.0.0.1", sizeof("127.0.0.1"));
	if (inet_pton(AF_INET, host, &a.v4.sin_addr) == 1) {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = number;
	} else if (inet_pton(AF_INET6, host, &a.v6.sin6_addr) == 1) {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = number;
	} else {
		return -EINVAL;
	}
	*out = a;
	return 0;
}

/* text is copied. */
static enum MHD_Result listen_reply(struct MHD_Connection *c, unsigned int status,
				    const char *content_type, const char *text)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ret;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	ret = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ret;
}

static enum MHD_Result listen_answer(void *cls, struct MHD_Connection *c, const char *url,
				     const char *method, const char *version, const char *upload,
				     size_t *upload_len, void **request)
{
	struct stats_server *s = cls;
	_cleanup_free_ char *text = NULL;

	/* Called first with the headers alone; an answer is due at the second call. */
	if (!*request) {
		*request = s;
		return MHD_YES;
	}
	if (*upload_len > 0) {
		*upload_len = 0;
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return listen_reply(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "only GET\n");
	if (strcmp(url, "/metrics") != 0)
		return listen_reply(c, MHD_HTTP_NOT_FOUND, "text/plain",
				    "not found: the metrics are at /metrics\n");
	text = s->render(s->arg);
	if (!text)
		return listen_reply(c, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain",
				    "out of memory\n");
	return listen_reply(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text);
}

/* libmicrohttpd prints to stderr what every port scan provokes. */
static void listen_log(void *arg _unused_, const char *fmt _unused_, va_list ap _unused_)
{
}

int stats_server_start(const char *listen, char *(*render)(void *arg), void *arg,
		       struct stats_server **out, struct error *e)
{
	union listen_address a;
	struct stats_server *s;
	unsigned int flags = MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ERROR_LOG;
	int err;

	if (listen_parse(listen, &a) < 0)
		return error_set(e, -EINVAL,
				 "metrics: %s: expected ADDRESS:PORT, as 127.0.0.1:9477", listen);
	s = calloc(1, sizeof(*s));
	if (!s)
		return error_set(e, -ENOMEM, "out of memory");
	s->render = render;
	s->arg = arg;
	if (a.any.sa_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	errno = 0;
	s->http = MHD_start_daemon(
		flags, 0, NULL, NULL, listen_answer, s, MHD_OPTION_EXTERNAL_LOGGER, listen_log,
		NULL, MHD_OPTION_SOCK_ADDR, &a.any, MHD_OPTION_CONNECTION_LIMIT,
		LISTEN_CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT, LISTEN_PER_ADDRESS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, LISTEN_TIMEOUT_S, MHD_OPTION_END);
	if (!s->http) {
		err = errno ? -errno : -EIO;
		free(s);
		return error_set(e, err, "metrics: cannot listen on %s: %s", listen,
				 strerror(-err));
	}
	*out = s;
	return 0;
}

void stats_server_stop(struct stats_server *s)
{
	if (!s)
		return;
	MHD_stop_daemon(s->http);
	free(s);
}

unsigned int stats_server_port(const struct stats_server *s)
{
	const union MHD_DaemonInfo *i = MHD_get_daemon_info(s->http, MHD_DAEMON_INFO_BIND_PORT);

	return i ? i->port : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "proto/http.h"

struct feed {
	struct http_reader *r;
	void (*fn)(void *arg, enum http_kind kind, const uint8_t *data, size_t len);
	void *arg;
};

void http_init(struct http_reader *r)
{
	memset(r, 0, sizeof(*r));
}

static void response_end(const struct feed *f)
{
	f->fn(f->arg, HTTP_END, NULL, 0);
	f->r->state = HTTP_AT_STATUS;
}

/* "HTTP/1.1 200 OK" */
static int status_line(struct http_reader *r)
{
	const char *l = r->line;

	if (r->line_len < 12 || memcmp(l, "HTTP/1.", 7) != 0 || (l[7] != '0' && l[7] != '1') ||
	    l[8] != ' ')
		return -EPROTO;
	r->status = 0;
	for (int i = 9; i < 12; i++) {
		if (l[i] < '0' || l[i] > '9')
			return -EPROTO;
		r->status = (uint16_t)(r->status * 10 + (l[i] - '0'));
	}
	r->minor = (uint8_t)(l[7] - '0');
	r->chunked = r->has_length = r->encoded = r->close = r->keep_alive = false;
	r->headers = 0;
	r->left = 0;
	r->state = HTTP_IN_HEADERS;
	return 0;
}

/* Value of the current header line if it is the named one. */
static const char *header_value(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	line += len + 1;
	return line + strspn(line, " \t");
}

static int content_length(struct http_reader *r, const char *value)
{
	size_t digits = strspn(value, "0123456789");
	uint64_t length = 0;

	if (digits == 0 || digits > 15 || value[digits + strspn(value + digits, " \t")])
		return -EPROTO;
	for (size_t i = 0; i < digits; i++)
		length = length * 10 + (uint64_t)(value[i] - '0');
	/* Two different lengths: the end of the body is undefined (RFC 9112, 6.3). */
	if (r->has_length && length != r->left)
		return -EPROTO;
	r->has_length = true;
	r->left = length;
	return 0;
}

static int header_line(struct http_reader *r)
{
	const char *value;

	if (++r->headers > HTTP_HEADERS_MAX)
		return -EPROTO;
	if ((value = header_value(r->line, "Content-Length")))
		return content_length(r, value);
	if ((value = header_value(r->line, "Transfer-Encoding"))) {
		r->chunked = true;
		return strncasecmp(value, "chunked", 7) == 0 ? 0 : -EPROTO;
	}
	if ((value = header_value(r->line, "Content-Encoding")))
		r->encoded = strncasecmp(value, "identity", 8) != 0;
	if ((value = header_value(r->line, "Connection"))) {
		r->close |= strcasestr(value, "close") != NULL;
		r->keep_alive |= strcasestr(value, "keep-alive") != NULL;
	}
	return 0;
}

/* Determines the extent of the body by RFC 9112, 6.3. */
static void headers_end(const struct feed *f)
{
	struct http_reader *r = f->r;
	bool bodiless = r->status < 200 || r->status == 204 || r->status == 304;

	if (r->minor == 0 && !r->keep_alive)
		r->close = true;
	if (r->status >= 100 && r->status < 200) {
		r->state = HTTP_AT_STATUS;
		return;
	}
	f->fn(f->arg, HTTP_HEAD, NULL, 0);
	if (bodiless || (!r->chunked && r->has_length && r->left == 0))
		response_end(f);
	else if (r->chunked)
		r->state = HTTP_AT_CHUNK;
	else
		r->state = r->has_length ? HTTP_IN_BODY : HTTP_UNTIL_CLOSE;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Chunk size in hexadecimal; extensions after it are ignored. */
static int chunk_line(struct http_reader *r)
{
	size_t at = 0;

	r->left = 0;
	for (; hex_digit(r->line[at]) >= 0; at++) {
		if (at == 8)
			return -EPROTO;
		r->left = r->left * 16 + (uint64_t)hex_digit(r->line[at]);
	}
	if (at == 0 || (r->line[at] && !strchr("; \t", r->line[at])))
		return -EPROTO;
	r->state = r->left ? HTTP_IN_CHUNK : HTTP_IN_TRAILER;
	return 0;
}

static int line_end(const struct feed *f)
{
	struct http_reader *r = f->r;
	size_t len = r->line_len < HTTP_LINE_MAX ? r->line_len : HTTP_LINE_MAX - 1;
	bool empty;

	if (len && r->line[len - 1] == '\r')
		len--;
	r->line[len] = '\0';
	empty = len == 0;
	r->line_len = (uint16_t)len;
	switch (r->state) {
	case HTTP_AT_STATUS:
		/* An empty line may precede a message. */
		return empty ? 0 : status_line(r);
	case HTTP_IN_HEADERS:
		if (!empty)
			return header_line(r);
		headers_end(f);
		return 0;
	case HTTP_AT_CHUNK:
		return chunk_line(r);
	case HTTP_AFTER_CHUNK:
		r->state = HTTP_AT_CHUNK;
		return empty ? 0 : -EPROTO;
	default:
		if (empty)
			response_end(f);
		return ++r->headers > HTTP_HEADERS_MAX ? -EPROTO : 0;
	}
}

/* Consumes bytes up to the end of a line. Returns their number. */
static size_t line_feed(const struct feed *f, const uint8_t *data, size_t len)
{
	struct http_reader *r = f->r;
	const uint8_t *end = memchr(data, '\n', len);
	size_t take = end ? (size_t)(end - data) : len;
	size_t keep = r->line_len < HTTP_LINE_MAX - 1 ? HTTP_LINE_MAX - 1 - r->line_len : 0;

	if (keep > take)
		keep = take;
	memcpy(r->line + r->line_len, data, keep);
	r->line_len = (uint16_t)(r->line_len + keep);
	/* Headers may be longer; only the first bytes are needed. */
	if (keep < take)
		r->line_len = HTTP_LINE_MAX;
	if (!end)
		return take;
	if (line_end(f) < 0)
		r->state = HTTP_FAILED;
	r->line_len = 0;
	return take + 1;
}

static size_t body_feed(const struct feed *f, const uint8_t *data, size_t len)
{
	struct http_reader *r = f->r;

	if (r->state != HTTP_UNTIL_CLOSE && len > r->left)
		len = (size_t)r->left;
	f->fn(f->arg, HTTP_BODY, data, len);
	if (r->state == HTTP_UNTIL_CLOSE)
		return len;
	r->left -= len;
	if (r->left == 0 && r->state == HTTP_IN_BODY)
		response_end(f);
	else if (r->left == 0)
		r->state = HTTP_AFTER_CHUNK;
	return len;
}

int http_feed(struct http_reader *r, const uint8_t *data, size_t len,
	      void (*fn)(void *arg, enum http_kind kind, const uint8_t *data, size_t len),
	      void *arg)
{
	const struct feed f = {.r = r, .fn = fn, .arg = arg};
	size_t at = 0;

	while (at < len && r->state != HTTP_FAILED) {
		bool body = r->state == HTTP_IN_BODY || r->state == HTTP_IN_CHUNK ||
			    r->state == HTTP_UNTIL_CLOSE;

		at += body ? body_feed(&f, data + at, len - at)
			   : line_feed(&f, data + at, len - at);
	}
	return r->state == HTTP_FAILED ? -EPROTO : 0;
}

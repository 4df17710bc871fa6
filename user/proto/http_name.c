// SPDX-License-Identifier: GPL-2.0-only
/* Names that a header section gives: host, file. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "proto/hostname.h"
#include "proto/http_head.h"

_Static_assert(HTTP_HOSTNAME_BYTES >= HOSTNAME_BYTES, "a name fits");

/* ---- hosts ---- */

/* The authority of a target in absolute or authority form (RFC 9112, 3.2). */
static size_t target_authority(const struct http_head *h, const char **at)
{
	size_t len, n = 0, skip = 0;
	const char *target = http_head_text(h, HTTP_TARGET, &len);

	if (!http_head_is(h, HTTP_METHOD, "CONNECT")) {
		if (len >= 7 && strncasecmp(target, "http://", 7) == 0)
			skip = 7;
		else if (len >= 8 && strncasecmp(target, "https://", 8) == 0)
			skip = 8;
		else
			return 0;
	}
	*at = target + skip;
	while (skip + n < len && !strchr("/?#", (*at)[n]))
		n++;
	return n;
}

/* The port behind a name or an address in brackets; 0: none. */
static uint16_t port_of(const char *at, size_t len)
{
	const char *colon = memrchr(at, ':', len);
	unsigned int port = 0;

	if (!colon || memchr(colon, ']', len - (size_t)(colon - at)))
		return 0;
	for (const char *p = colon + 1; p < at + len; p++) {
		if (!isdigit((unsigned char)*p))
			return 0;
		port = port * 10 + (unsigned int)(*p - '0');
		if (port > 65535)
			return 0;
	}
	return (uint16_t)port;
}

bool http_head_hostname(const struct http_head *h, char name[static HTTP_HOSTNAME_BYTES],
			uint16_t *port)
{
	char found[HTTP_HOSTNAME_BYTES];
	const char *at = NULL;
	size_t len;

	if (!h->request)
		return false;
	len = target_authority(h, &at);
	if (!len || !hostname_copy((const uint8_t *)at, len, found, sizeof(found))) {
		at = http_head_text(h, HTTP_HOST, &len);
		if (!hostname_copy((const uint8_t *)at, len, found, sizeof(found)))
			return false;
	}
	for (size_t i = 0; i == 0 || name[i - 1]; i++)
		name[i] = (char)tolower((unsigned char)found[i]);
	if (port)
		*port = port_of(at, len);
	return true;
}

/* ---- files ---- */

/* A name in the making. */
struct making {
	char *out;
	size_t len;
};

static void make_byte(struct making *m, unsigned char c)
{
	if (c == '/' || c == '\\') {
		m->len = 0;
		return;
	}
	if (m->len < HTTP_FILE_NAME_BYTES - 1)
		m->out[m->len++] = c < 0x20 || c == 0x7f ? '_' : (char)c;
}

static int hex_of(char c)
{
	if (!isxdigit((unsigned char)c))
		return -1;
	return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

static void make_percent(struct making *m, const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)at[i];

		if (c == '%' && len - i > 2 && hex_of(at[i + 1]) >= 0 && hex_of(at[i + 2]) >= 0) {
			c = (unsigned char)(hex_of(at[i + 1]) << 4 | hex_of(at[i + 2]));
			i += 2;
		}
		make_byte(m, c);
	}
}

/* A token or a quoted string. */
static void make_value(struct making *m, const char *at, size_t len)
{
	bool quoted = len && *at == '"';

	for (size_t i = quoted; i < len; i++) {
		if (quoted && at[i] == '"')
			return;
		/* Senders that escape nothing write C:\x; a quote alone is escaped for certain. */
		if (quoted && at[i] == '\\' && i + 1 < len && at[i + 1] == '"')
			i++;
		make_byte(m, (unsigned char)at[i]);
	}
}

/* charset'language'percent-encoded (RFC 8187). */
static void make_extended(struct making *m, const char *at, size_t len)
{
	const char *end = memrchr(at, '\'', len);

	if (end)
		make_percent(m, end + 1, len - (size_t)(end + 1 - at));
}

/* Length of the parameter at hand: up to a semicolon outside of quotes. */
static size_t parameter_len(const char *at, size_t len)
{
	bool quoted = false;
	size_t n = 0;

	for (; n < len && (quoted || at[n] != ';'); n++) {
		if (quoted && at[n] == '\\' && n + 1 < len && at[n + 1] == '"')
			n++;
		else if (at[n] == '"')
			quoted = !quoted;
	}
	return n;
}

static void make_disposition(struct making *m, const char *at, size_t len)
{
	while (len) {
		size_t n = parameter_len(at, len), blank = 0, end = n;

		while (blank < n && (at[blank] == ' ' || at[blank] == '\t'))
			blank++;
		while (end > blank && (at[end - 1] == ' ' || at[end - 1] == '\t'))
			end--;
		if (end - blank > 10 && strncasecmp(at + blank, "filename*=", 10) == 0) {
			m->len = 0;
			make_extended(m, at + blank + 10, end - blank - 10);
			if (m->len)
				return;
		} else if (end - blank > 9 && strncasecmp(at + blank, "filename=", 9) == 0 &&
			   m->len == 0) {
			make_value(m, at + blank + 9, end - blank - 9);
		}
		n += n < len;
		at += n;
		len -= n;
	}
}

static void make_path(struct making *m, const struct http_head *request)
{
	const char *authority = NULL, *target;
	size_t len, n = 0, from = 0;

	target = http_head_text(request, HTTP_TARGET, &len);
	n = target_authority(request, &authority);
	if (n) {
		n += (size_t)(authority - target);
		target += n;
		len -= n;
		n = 0;
	}
	while (n < len && target[n] != '?' && target[n] != '#')
		n++;
	for (size_t i = 0; i < n; i++)
		if (target[i] == '/')
			from = i + 1;
	if (from)
		make_percent(m, target + from, n - from);
}

bool http_head_file_name(const struct http_head *h, const struct http_head *request,
			 char name[static HTTP_FILE_NAME_BYTES])
{
	char out[HTTP_FILE_NAME_BYTES];
	struct making m = {.out = out};
	size_t len;
	const char *at = http_head_text(h, HTTP_CONTENT_DISPOSITION, &len);

	make_disposition(&m, at, len);
	if (m.len == 0 && request)
		make_path(&m, request);
	while (m.len && (out[m.len - 1] == ' ' || out[m.len - 1] == '.'))
		m.len--;
	if (m.len == 0)
		return false;
	memcpy(name, out, m.len);
	name[m.len] = '\0';
	return true;
}

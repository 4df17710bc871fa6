// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "inspect/hostname.h"
#include "util/util.h"

/* A piece of a message. `more` tells that the message may go on behind it. */
struct bytes {
	const uint8_t *at;
	size_t len;
	bool more;
};

static bool is_host_byte(uint8_t c)
{
	return isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':';
}

/* "host", "host:port", "[v6]", "[v6]:port" to the name alone. */
static int copy_host(const uint8_t *at, size_t len, char *out, size_t cap)
{
	size_t n = 0;

	if (len && at[0] == '[') {
		at++;
		len--;
		while (n < len && at[n] != ']')
			n++;
	} else {
		while (n < len && at[n] != ':')
			n++;
	}
	if (n == 0 || n >= cap)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!is_host_byte(at[i]))
			return 0;
	memcpy(out, at, n);
	out[n] = 0;
	return 1;
}

/* ---- HTTP ---- */

/* Takes the next line without its end; false when it has none yet. */
static bool take_line(struct bytes *b, struct bytes *line)
{
	const uint8_t *end = b->len ? memchr(b->at, '\n', b->len) : NULL;

	if (!end)
		return false;
	line->at = b->at;
	line->len = (size_t)(end - b->at);
	b->len -= line->len + 1;
	b->at = end + 1;
	if (line->len && line->at[line->len - 1] == '\r')
		line->len--;
	return true;
}

static bool starts_with(const struct bytes *b, const char *text)
{
	size_t len = strlen(text);

	return b->len >= len && strncasecmp((const char *)b->at, text, len) == 0;
}

/* A request begins with a token (RFC 9110, 9.1; extensions have '-'), a space and a target. */
static int http_target(const struct bytes *line, struct bytes *target)
{
	const uint8_t *version;
	size_t n = 0;

	while (n < line->len && (isupper(line->at[n]) || line->at[n] == '-' || line->at[n] == '_'))
		n++;
	if (n == 0 || n > 32 || n == line->len || line->at[n] != ' ')
		return 0;
	target->at = line->at + n + 1;
	target->len = line->len - n - 1;
	version = memrchr(target->at, ' ', target->len);
	if (!version)
		return 0;
	target->len = (size_t)(version - target->at);
	n = line->len - (size_t)(version + 1 - line->at);
	return n >= 5 && memcmp(version + 1, "HTTP/", 5) == 0;
}

static int http_authority(const struct bytes *line, const struct bytes *target, char *out,
			  size_t cap)
{
	struct bytes rest = *target;
	size_t n = 0;

	if (!starts_with(line, "CONNECT ")) {
		size_t scheme = starts_with(target, "http://")	  ? 7
				: starts_with(target, "https://") ? 8
								  : 0;

		if (!scheme)
			return 0;
		rest.at += scheme;
		rest.len -= scheme;
	}
	while (n < rest.len && rest.at[n] != '/' && rest.at[n] != '?')
		n++;
	return copy_host(rest.at, n, out, cap);
}

static int http_host_field(struct bytes *b, char *out, size_t cap)
{
	struct bytes line = {0};

	while (take_line(b, &line)) {
		if (line.len == 0)
			return 0;
		if (!starts_with(&line, "host:"))
			continue;
		line.at += 5;
		line.len -= 5;
		while (line.len && (line.at[0] == ' ' || line.at[0] == '\t')) {
			line.at++;
			line.len--;
		}
		while (line.len && (line.at[line.len - 1] == ' ' || line.at[line.len - 1] == '\t'))
			line.len--;
		return copy_host(line.at, line.len, out, cap);
	}
	return -EAGAIN;
}

int hostname_from_http(const uint8_t *data, size_t len, char *out, size_t cap)
{
	struct bytes b = {.at = data, .len = len};
	struct bytes line = {0};
	struct bytes target = {0};

	if (len == 0 || !isupper(data[0]))
		return 0;
	if (!take_line(&b, &line))
		return -EAGAIN;
	if (!http_target(&line, &target))
		return 0;
	if (http_authority(&line, &target, out, cap))
		return 1;
	return http_host_field(&b, out, cap);
}

/* ---- TLS ---- */

static uint32_t get_number(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* Takes n bytes: 1, or what their absence means. */
static int take(struct bytes *b, size_t n, struct bytes *out)
{
	if (b->len < n)
		return b->more ? -EAGAIN : 0;
	if (out)
		*out = (struct bytes){b->at, n, false};
	b->at += n;
	b->len -= n;
	return 1;
}

/* Takes a vector behind a length of width bytes (RFC 8446, 3.4). What has not arrived yet is left
 * open at its end. */
static int take_vector(struct bytes *b, size_t width, struct bytes *out)
{
	struct bytes number;
	int rc = take(b, width, &number);
	size_t len;

	if (rc <= 0)
		return rc;
	len = get_number(number.at, width);
	if (len > b->len) {
		if (!b->more)
			return 0;
		*out = *b;
		b->at += b->len;
		b->len = 0;
		return 1;
	}
	return take(b, len, out);
}

static int skip_vector(struct bytes *b, size_t width)
{
	struct bytes skipped;

	return take_vector(b, width, &skipped);
}

static int server_name(struct bytes *extension, char *out, size_t cap)
{
	struct bytes list = {0};
	struct bytes name = {0};
	struct bytes type;
	int rc = take_vector(extension, 2, &list);

	if (rc > 0)
		rc = take(&list, 1, &type);
	if (rc > 0 && type.at[0] != 0)
		return 0;
	if (rc > 0)
		rc = take_vector(&list, 2, &name);
	if (rc <= 0)
		return rc;
	return name.more ? -EAGAIN : copy_host(name.at, name.len, out, cap);
}

static int find_server_name(struct bytes *extensions, char *out, size_t cap)
{
	for (;;) {
		struct bytes type;
		struct bytes body = {0};
		int rc = take(extensions, 2, &type);

		if (rc > 0)
			rc = take_vector(extensions, 2, &body);
		if (rc <= 0)
			return rc;
		if (get_number(type.at, 2) == 0)
			return server_name(&body, out, cap);
	}
}

static int client_hello(struct bytes *b, char *out, size_t cap)
{
	struct bytes extensions = {0};
	int rc = take(b, 2 + 32, NULL); /* version, random */

	if (rc > 0)
		rc = skip_vector(b, 1); /* session */
	if (rc > 0)
		rc = skip_vector(b, 2); /* cipher suites */
	if (rc > 0)
		rc = skip_vector(b, 1); /* compression */
	if (rc > 0)
		rc = take_vector(b, 2, &extensions);
	return rc > 0 ? find_server_name(&extensions, out, cap) : rc;
}

#define TLS_HANDSHAKE	 22
#define TLS_CLIENT_HELLO 1
#define TLS_HELLO_MAX	 16384

/* Joins the handshake bytes of consecutive records (RFC 8446, 5.1); -EPROTO when the first is
 * another record. Returns how many. */
static ssize_t join_records(const uint8_t *data, size_t len, uint8_t *out, size_t cap)
{
	size_t used = 0;
	size_t at = 0;

	if (len && data[0] != TLS_HANDSHAKE)
		return -EPROTO;
	while (len - at >= 5 && data[at] == TLS_HANDSHAKE && data[at + 1] == 3) {
		size_t n = get_number(data + at + 3, 2);

		at += 5;
		if (n > len - at)
			n = len - at;
		if (n > cap - used)
			n = cap - used;
		memcpy(out + used, data + at, n);
		used += n;
		at += n;
	}
	return (ssize_t)used;
}

int hostname_from_hello(const uint8_t *data, size_t len, char *out, size_t cap)
{
	struct bytes b = {data, len, true};
	struct bytes type;
	struct bytes body = {0};
	int rc = take(&b, 1, &type);

	if (rc > 0 && type.at[0] != TLS_CLIENT_HELLO)
		return 0;
	if (rc > 0)
		rc = take_vector(&b, 3, &body);
	return rc > 0 ? client_hello(&body, out, cap) : rc;
}

int hostname_from_tls(const uint8_t *data, size_t len, char *out, size_t cap)
{
	uint8_t hello[TLS_HELLO_MAX];
	ssize_t used = join_records(data, len, hello, sizeof(hello));

	if (len == 0 || used < 0 || (len > 1 && data[1] != 3))
		return 0;
	return hostname_from_hello(hello, (size_t)used, out, cap);
}

/* ---- QUIC Crypto ---- */

#define CHLO_SEARCH                                                                                \
	64 /* where a CHLO begins at the latest: behind public header and stream frame */

static uint32_t get_little(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int hostname_from_chlo(const uint8_t *data, size_t len, char *out, size_t cap)
{
	const uint8_t *m = memmem(data, len < CHLO_SEARCH ? len : CHLO_SEARCH, "CHLO", 4);
	size_t left = m ? len - (size_t)(m - data) : 0;
	uint32_t begin = 0;
	size_t tags, values;

	if (left < 8)
		return 0;
	/* A count of tags, then for each its name and where its value ends. */
	tags = (size_t)m[4] | (size_t)m[5] << 8;
	values = 8 + tags * 8;
	if (values > left)
		return 0;
	for (size_t i = 0; i < tags; i++) {
		const uint8_t *tag = m + 8 + i * 8;
		uint32_t end = get_little(tag + 4);

		if (end < begin || end > left - values)
			return 0;
		if (memcmp(tag, "SNI", 4) == 0)
			return copy_host(m + values + begin, end - begin, out, cap);
		begin = end;
	}
	return 0;
}

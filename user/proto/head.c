// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>

#include "proto/head.h"
#include "util/util.h"

#define METHOD_MAX 32

/* A request line is a token (RFC 9110, 9.1; extensions have '-'), a space, a target, a space and a
 * version. */
static bool read_request(const struct bytes *line, struct http_head *out)
{
	const uint8_t *version;
	size_t n = 0;

	while (n < line->len && (isupper(line->at[n]) || line->at[n] == '-' || line->at[n] == '_'))
		n++;
	if (n == 0 || n > METHOD_MAX || n == line->len || line->at[n] != ' ')
		return false;
	version = memrchr(line->at + n + 1, ' ', line->len - n - 1);
	if (!version || line->len - (size_t)(version + 1 - line->at) < 5 ||
	    memcmp(version + 1, "HTTP/", 5) != 0)
		return false;
	out->request = true;
	out->method = (struct bytes){line->at, n, false};
	out->target.at = line->at + n + 1;
	out->target.len = (size_t)(version - out->target.at);
	return true;
}

/* "HTTP/1.1 200 OK" (RFC 9112, 4). */
static bool read_status(const struct bytes *line, struct http_head *out)
{
	const uint8_t *l = line->at;

	if (line->len < 12 || memcmp(l, "HTTP/1.", 7) != 0 || !isdigit(l[7]) || l[8] != ' ' ||
	    !isdigit(l[9]) || !isdigit(l[10]) || !isdigit(l[11]))
		return false;
	out->status = (uint16_t)((l[9] - '0') * 100 + (l[10] - '0') * 10 + (l[11] - '0'));
	return true;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Keeps the field's value if it is the first of this name. */
static void keep_field(struct bytes line, const char *name, struct bytes *out)
{
	if (out->at || !bytes_begin(&line, name))
		return;
	line.at += strlen(name);
	line.len -= strlen(name);
	while (line.len && is_blank(line.at[0])) {
		line.at++;
		line.len--;
	}
	while (line.len && is_blank(line.at[line.len - 1]))
		line.len--;
	*out = line;
}

int http_head_read(const uint8_t *data, size_t len, struct http_head *out)
{
	struct bytes b = {.at = data, .len = len}, line = {0};

	*out = (struct http_head){0};
	if (len == 0 || !isupper(data[0]))
		return 0;
	if (!bytes_line(&b, &line))
		return -EAGAIN;
	if (!read_status(&line, out) && !read_request(&line, out))
		return 0;
	while (bytes_line(&b, &line)) {
		if (line.len == 0)
			return 1;
		keep_field(line, "host:", &out->host);
		keep_field(line, "user-agent:", &out->user_agent);
		keep_field(line, "content-type:", &out->content_type);
	}
	return -EAGAIN;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/http_head.h"
#include "util/util.h"

static const struct {
	const char *name;
	uint16_t max;
} texts[] = {
#define X(id, name, max) {name, max},
	HTTP_TEXTS(X)
#undef X
};

/* Of RFC 9110, WebDAV (RFC 4918, 3253) and UPnP: those that are taken for a request where the bytes
 * before are not known. */
static const char *const methods[] = {
	"GET",	   "HEAD",     "POST",	 "PUT",	      "DELETE",	     "OPTIONS", "TRACE", "PATCH",
	"CONNECT", "PROPFIND", "MKCOL",	 "PROPPATCH", "COPY",	     "MOVE",	"LOCK",	 "UNLOCK",
	"REPORT",  "MERGE",    "SEARCH", "SUBSCRIBE", "UNSUBSCRIBE", "NOTIFY",
};

/* A piece of a line. */
struct piece {
	const char *at;
	size_t len;
};

const char *http_head_text(const struct http_head *h, enum http_text which, size_t *len)
{
	bool kept = h->kept >> which & 1;

	*len = kept ? h->len[which] : 0;
	return kept ? h->text + h->at[which] : "";
}

static bool piece_is(struct piece p, const char *text)
{
	return p.len == strlen(text) && strncasecmp(p.at, text, p.len) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct piece piece_trim(struct piece p)
{
	while (p.len && is_blank(p.at[0])) {
		p.at++;
		p.len--;
	}
	while (p.len && is_blank(p.at[p.len - 1]))
		p.len--;
	return p;
}

/* Cuts off the next element of a list; false at its end. */
static bool list_next(struct piece *list, struct piece *element)
{
	const char *end;

	if (list->len == 0)
		return false;
	end = memchr(list->at, ',', list->len);
	element->at = list->at;
	element->len = end ? (size_t)(end - list->at) : list->len;
	list->at += element->len + (end ? 1 : 0);
	list->len -= element->len + (end ? 1 : 0);
	*element = piece_trim(*element);
	return true;
}

bool http_head_is(const struct http_head *h, enum http_text which, const char *text)
{
	struct piece p;

	p.at = http_head_text(h, which, &p.len);
	return p.len && piece_is(p, text);
}

bool http_head_lists(const struct http_head *h, enum http_text which, const char *element)
{
	struct piece list, e;

	list.at = http_head_text(h, which, &list.len);
	while (list_next(&list, &e))
		if (piece_is(e, element))
			return true;
	return false;
}

void http_head_init(struct http_head *h, bool request)
{
	*h = (struct http_head){
		.request = request,
		.length = HTTP_LENGTH_UNKNOWN,
		.last = HTTP_TEXT_COUNT,
		.cap = h->cap,
		.text = h->text,
	};
}

int http_head_keep(struct http_head *h, const char *scratch, bool needed, size_t bytes, size_t room)
{
	bool own = h->text && h->text != scratch;
	char *text = NULL;

	if (!h->text || (needed && own))
		return 0;
	if (needed)
		text = malloc(bytes + room);
	if (text)
		memcpy(text, h->text, bytes);
	if (own)
		free(h->text);
	h->text = text;
	h->cap = text ? (uint16_t)(bytes + room) : 0;
	return needed && !text ? -ENOMEM : 0;
}

/* Keeps a text, cut at its longest. The piece may lie where the text goes. */
static void text_keep(struct http_head *h, enum http_text which, struct piece p)
{
	bool host_comes = h->request && which != HTTP_HOST && !(h->kept >> HTTP_HOST & 1);
	size_t end = h->cap - HTTP_LINE_ROOM - (host_comes ? texts[HTTP_HOST].max : 0);
	size_t room = end > h->used ? end - h->used : 0;

	if (room > texts[which].max)
		room = texts[which].max;
	if (p.len > room) {
		h->cut |= 1u << which;
		p.len = room;
	}
	memmove(h->text + h->used, p.at, p.len);
	h->at[which] = h->used;
	h->len[which] = (uint16_t)p.len;
	h->kept |= 1u << which;
	h->used = (uint16_t)(h->used + p.len);
}

/* ---- start lines ---- */

/* "HTTP/1.1 200 OK" (RFC 9112, 4). */
static int status_line(struct http_head *h, const char *l, size_t len)
{
	if (len < 12 || memcmp(l, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)l[7]) ||
	    l[8] != ' ' || (len > 12 && l[12] != ' '))
		return -EPROTO;
	for (size_t i = 9; i < 12; i++) {
		if (!isdigit((unsigned char)l[i]))
			return -EPROTO;
		h->status = (uint16_t)(h->status * 10 + (l[i] - '0'));
	}
	if (h->status < 100)
		return -EPROTO;
	h->versioned = true;
	h->minor = (uint8_t)(l[7] - '0');
	return 0;
}

static bool is_method_byte(char c)
{
	return isupper((unsigned char)c) || c == '-' || c == '_';
}

int http_head_method(const char *line, size_t len)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		size_t n = strlen(methods[i]);

		if (memcmp(line, methods[i], len < n ? len : n) != 0)
			continue;
		if (len <= n)
			rc = -EAGAIN;
		else if (line[n] == ' ')
			return (int)n + 1;
	}
	return rc;
}

/*
 * A method (RFC 9110, 9.1: a token; extensions have '-'), a target and a version. Taken as well:
 * further spaces, and for a registered method a target without the space before it ("GET/
 * HTTP/1.1") or no version at all.
 */
static int request_line(struct http_head *h, const char *line, size_t len, bool long_line)
{
	struct piece method = {line, 0}, target, version;
	const char *space;
	int known = http_head_method(line, len);

	while (method.len < len && is_method_byte(line[method.len]))
		method.len++;
	if (method.len == 0 || method.len > texts[HTTP_METHOD].max || method.len == len)
		return -EPROTO;
	if (line[method.len] == '/') {
		char text[40];

		memcpy(text, line, method.len);
		text[method.len] = ' ';
		known = http_head_method(text, method.len + 1);
		if (known <= 0)
			return -EPROTO;
	} else if (line[method.len] != ' ') {
		return -EPROTO;
	}
	target = piece_trim((struct piece){line + method.len, len - method.len});
	space = target.len ? memrchr(target.at, ' ', target.len) : NULL;
	version.at = space ? space + 1 : target.at;
	version.len = target.len - (size_t)(version.at - target.at);
	if (space && version.len >= 8 && memcmp(version.at, "HTTP/1.", 7) == 0 &&
	    isdigit((unsigned char)version.at[7])) {
		h->versioned = true;
		h->minor = (uint8_t)(version.at[7] - '0');
		target = piece_trim((struct piece){target.at, (size_t)(space - target.at)});
	} else if (known > 0 && long_line) {
		h->versioned = true;
		h->minor = 1;
		h->cut |= 1u << HTTP_TARGET;
	} else if (known <= 0 || space || target.len == 0 || target.at[0] != '/') {
		return -EPROTO;
	}
	text_keep(h, HTTP_METHOD, method);
	text_keep(h, HTTP_TARGET, target);
	return 0;
}

int http_head_start(struct http_head *h, const char *line, size_t len, bool long_line)
{
	return h->request ? request_line(h, line, len, long_line) : status_line(h, line, len);
}

bool http_head_may_begin(const struct http_head *h, size_t len)
{
	static const char version[] = "HTTP/1.";
	size_t n = 0;

	if (len == 0 || h->text[0] == '\r')
		return true;
	if (!h->request)
		return memcmp(h->text, version, len < 7 ? len : 7) == 0;
	while (n < len && is_method_byte(h->text[n]))
		n++;
	if (n == 0 || n > texts[HTTP_METHOD].max)
		return false;
	return n == len || h->text[n] == ' ' || h->text[n] == '/';
}

/* ---- fields ---- */

/* A number, or the same one repeated in a list (RFC 9112, 6.3). */
static int content_length(struct http_head *h, struct piece list)
{
	struct piece p;

	if (list.len == 0)
		return -EPROTO;
	while (list_next(&list, &p)) {
		uint64_t length = 0;

		if (p.len == 0 || p.len > 18)
			return -EPROTO;
		for (size_t i = 0; i < p.len; i++) {
			if (!isdigit((unsigned char)p.at[i]))
				return -EPROTO;
			length = length * 10 + (uint64_t)(p.at[i] - '0');
		}
		if (h->length != HTTP_LENGTH_UNKNOWN && h->length != length)
			return -EPROTO;
		h->length = length;
	}
	return 0;
}

/* The last coding says how the body is framed (RFC 9112, 6.1). */
static void transfer_encoding(struct http_head *h, struct piece list)
{
	struct piece p;

	while (list_next(&list, &p)) {
		if (p.len == 0 || piece_is(p, "identity"))
			continue;
		h->coded |= h->chunked || !piece_is(p, "chunked");
		h->chunked = piece_is(p, "chunked");
	}
}

static void connection(struct http_head *h, struct piece list)
{
	struct piece p;

	while (list_next(&list, &p)) {
		h->close |= piece_is(p, "close");
		h->keep_alive |= piece_is(p, "keep-alive");
		h->upgrade |= piece_is(p, "upgrade");
	}
}

/* A line that begins with a blank goes on with the field before (RFC 9112, 5.2). */
static int field_go_on(struct http_head *h, struct piece more)
{
	enum http_text which = h->last;
	size_t blank, end = h->cap - HTTP_LINE_ROOM;

	/* Nobody who means well does that to what frames a message. */
	if (h->framing)
		return -EPROTO;
	if (which == HTTP_TEXT_COUNT || more.len == 0)
		return 0;
	blank = h->len[which] > 0;
	if (which != HTTP_HOST && h->request && !(h->kept >> HTTP_HOST & 1))
		end -= texts[HTTP_HOST].max;
	if (h->len[which] + blank + more.len > texts[which].max ||
	    h->used + blank + more.len > end) {
		h->cut |= 1u << which;
		return 0;
	}
	memmove(h->text + h->used + blank, more.at, more.len);
	if (blank)
		h->text[h->used] = ' ';
	h->len[which] = (uint16_t)(h->len[which] + blank + more.len);
	h->used = (uint16_t)(h->used + blank + more.len);
	return 0;
}

static int frame_field(struct http_head *h, struct piece name, struct piece value, bool long_line)
{
	bool length = piece_is(name, "content-length");

	h->framing = length || piece_is(name, "transfer-encoding");
	if (h->framing && long_line)
		return -EPROTO;
	if (length)
		return content_length(h, value);
	if (h->framing)
		transfer_encoding(h, value);
	else if (piece_is(name, "connection"))
		connection(h, value);
	else if (piece_is(name, "content-encoding") && value.len)
		h->encoded |= !piece_is(value, "identity");
	return 0;
}

int http_head_field(struct http_head *h, size_t len, bool long_line)
{
	struct piece name = {h->text + h->used, len}, value;
	const char *colon = memchr(name.at, ':', len);
	int err;

	h->fields++;
	if (is_blank(name.at[0]))
		return field_go_on(h, piece_trim(name));
	h->last = HTTP_TEXT_COUNT;
	h->framing = false;
	if (!colon)
		return 0;
	name.len = (size_t)(colon - name.at);
	value = piece_trim((struct piece){colon + 1, len - name.len - 1});
	name = piece_trim(name);
	err = frame_field(h, name, value, long_line);
	for (unsigned int i = 0; i < ARRAY_SIZE(texts) && !err; i++) {
		if (!texts[i].name || h->kept >> i & 1 || !piece_is(name, texts[i].name))
			continue;
		text_keep(h, i, value);
		h->cut |= long_line ? 1u << i : 0;
		h->last = (uint8_t)i;
		break;
	}
	return err;
}

/* ---- chunks ---- */

/* Larger ones are not meant to be received. */
#define CHUNK_DIGITS_MAX 15

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int http_chunk_size(const char *line, size_t len, uint64_t *size)
{
	uint64_t sum = 0;
	size_t at = 0;

	for (; at < len && hex_digit(line[at]) >= 0; at++) {
		if (at == CHUNK_DIGITS_MAX)
			return -EPROTO;
		sum = sum << 4 | (uint64_t)hex_digit(line[at]);
	}
	if (at == 0 || (at < len && line[at] != ';' && line[at] != ' ' && line[at] != '\t'))
		return -EPROTO;
	*size = sum;
	return 0;
}

/* ---- whole sections ---- */

/* Copies the next line behind the texts that are kept. False: its end is missing. */
static bool line_next(struct http_head *h, const uint8_t **data, size_t *len, size_t *line,
		      bool *long_line)
{
	const uint8_t *end = *len ? memchr(*data, '\n', *len) : NULL;
	size_t n = end ? (size_t)(end - *data) : 0, room = h->cap - h->used;

	if (!end)
		return false;
	*long_line = n > room;
	*line = *long_line ? room : n;
	memcpy(h->text + h->used, *data, *line);
	if (*line && h->text[h->used + *line - 1] == '\r')
		--*line;
	*data += n + 1;
	*len -= n + 1;
	return true;
}

int http_head_parse(const uint8_t *data, size_t len, char text[static HTTP_HEAD_BYTES],
		    struct http_head *out)
{
	bool long_line;
	size_t line;

	out->text = text;
	out->cap = HTTP_HEAD_BYTES;
	http_head_init(out, len == 0 || data[0] != 'H' || (len > 1 && data[1] != 'T'));
	if (len == 0 || !isupper(data[0]))
		return 0;
	if (!line_next(out, &data, &len, &line, &long_line))
		return -EAGAIN;
	if (http_head_start(out, out->text, line, long_line) < 0)
		return 0;
	while (line_next(out, &data, &len, &line, &long_line)) {
		if (line == 0)
			return 1;
		/* What is wrong with the message's length is not the concern here. */
		(void)http_head_field(out, line, long_line);
	}
	return -EAGAIN;
}

bool http_head_request_line(const uint8_t *data, size_t len, char text[static HTTP_HEAD_BYTES],
			    struct http_head *out)
{
	bool long_line;
	size_t line;

	out->text = text;
	out->cap = HTTP_HEAD_BYTES;
	http_head_init(out, true);
	return line_next(out, &data, &len, &line, &long_line) &&
	       http_head_start(out, out->text, line, long_line) == 0;
}

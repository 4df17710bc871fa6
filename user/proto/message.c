// SPDX-License-Identifier: GPL-2.0-only
#include "proto/message.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "util/util.h"

/* Largest keep-alive in a datagram: RFC 5626, 3.5.1, and what clients send instead. */
#define KEEPALIVE_MAX 8
#define NAME_MAX_LEN  64

enum stage {
	AT_START,
	IN_HEAD,
	IN_BODY,  /* of a length that was said */
	IN_MEDIA, /* in a frame of media, or its head */
};

struct reading {
	struct message_side *s;
	const struct stream_event *e;
	const char *version; /* that start lines have */
	bool datagram;	     /* its end is the message's */
	reader_emit *emit;
	void *arg;
};

static struct message_event event_of(const struct reading *r, enum message_kind kind)
{
	return (struct message_event){.kind = (uint8_t)kind,
				      .side = r->e->side,
				      .method = "",
				      .target = "",
				      .name = "",
				      .text = ""};
}

static void message_end(const struct reading *r)
{
	struct message_event e = event_of(r, MESSAGE_END);

	e.gaps = r->s->gaps;
	r->s->stage = AT_START;
	r->s->gaps = false;
	r->emit(r->arg, &e);
}

/* ---- lines ---- */

static bool is_version(const struct reading *r, const char *p)
{
	size_t len = strlen(r->version);

	return strncmp(p, r->version, len) == 0 && p[len] >= '0' && p[len] <= '9';
}

/* Reads a start line, and cuts it into its words. */
static bool start_line(const struct reading *r, char *line)
{
	struct message_event e = event_of(r, MESSAGE_START);
	char *second = strchr(line, ' ');
	char *third = second ? strrchr(second + 1, ' ') : NULL;
	const char *p = second ? second + 1 : NULL;

	if (p && is_version(r, line)) {
		int64_t status = text_number(&p, 999);

		if (status < 100 || (*p && *p != ' '))
			return false;
		e.status = (uint16_t)status;
	} else {
		if (!third || !is_version(r, third + 1) || line[0] < 'A' || line[0] > 'Z')
			return false;
		*second = '\0';
		*third = '\0';
		e.method = line;
		e.target = second + 1;
	}
	r->s->stage = IN_HEAD;
	r->s->said = false;
	r->s->left = 0;
	r->emit(r->arg, &e);
	return true;
}

/* RFC 3261, 25.1: what a name consists of. */
static bool is_name(const char *text, size_t len)
{
	if (len == 0 || len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i] | 0x20;

		if ((c < 'a' || c > 'z') && (text[i] < '0' || text[i] > '9') && text[i] != '-')
			return false;
	}
	return true;
}

static bool header_line(const struct reading *r, char *line)
{
	struct message_event e = event_of(r, MESSAGE_HEADER);
	size_t len = strcspn(line, ": \t");
	char *colon = line + len + strspn(line + len, " \t");
	const char *p;
	int64_t length;

	if (*colon != ':' || !is_name(line, len))
		return false;
	line[len] = '\0';
	e.name = line;
	e.text = colon + 1 + strspn(colon + 1, " \t");
	p = e.text;
	length = text_number(&p, UINT32_MAX);
	if (length >= 0 &&
	    (strcasecmp(e.name, "Content-Length") == 0 || strcasecmp(e.name, "l") == 0)) {
		r->s->said = true;
		r->s->left = (uint64_t)length;
	}
	r->s->stage = IN_HEAD;
	r->emit(r->arg, &e);
	return true;
}

static void read_line(void *arg, const char *line)
{
	const struct reading *r = arg;
	struct message_event e = event_of(r, MESSAGE_LINE);
	/* The line is the reader's own, and is cut in place. */
	char *text = r->s->lines.text;

	if (r->s->stage == IN_HEAD) {
		(void)header_line(r, text);
		return;
	}
	if (r->s->stage == AT_START && (start_line(r, text) || header_line(r, text)))
		return;
	e.text = line;
	r->emit(r->arg, &e);
}

/* A line without a byte ends the headers. */
static void empty_line(const struct reading *r)
{
	struct message_side *s = r->s;

	if (s->stage != IN_HEAD)
		return;
	s->stage = s->said && s->left && !r->datagram ? IN_BODY : AT_START;
	if (s->said && !s->left && !r->datagram)
		message_end(r);
}

/* ---- bytes ---- */

static bool is_empty(const struct lines *l, const uint8_t *data, size_t len)
{
	if (data[len - 1] != '\n')
		return false;
	if (l->len == 0)
		return len == 1 || (len == 2 && data[0] == '\r');
	return l->len == 1 && l->text[0] == '\r' && len == 1;
}

static size_t line_feed(struct reading *r, const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, '\n', len);
	size_t piece = end ? (size_t)(end - data) + 1 : len;
	bool empty = is_empty(&r->s->lines, data, piece);

	piece = lines_take(&r->s->lines, data, piece, read_line, r);
	if (empty)
		empty_line(r);
	return piece;
}

static void body_took(struct reading *r, uint64_t len)
{
	r->s->left -= len;
	if (r->s->left)
		return;
	lines_end(&r->s->lines, read_line, r);
	message_end(r);
}

static size_t media_feed(struct reading *r, const uint8_t *data, size_t len)
{
	struct message_side *s = r->s;
	struct message_event e = event_of(r, MESSAGE_MEDIA);

	if (s->frame_len == sizeof(s->frame)) {
		len = len < s->left ? len : (size_t)s->left;
		s->left -= len;
	} else {
		s->frame[s->frame_len++] = *data;
		len = 1;
		if (s->frame_len < sizeof(s->frame))
			return 1;
		e.channel = s->frame[1];
		e.size = (uint16_t)(s->frame[2] << 8 | s->frame[3]);
		s->left = e.size;
		r->emit(r->arg, &e);
	}
	if (s->left == 0)
		s->stage = AT_START;
	return len;
}

static size_t feed(struct reading *r, const uint8_t *data, size_t len)
{
	struct message_side *s = r->s;

	if (s->stage == AT_START && s->lines.len == 0 && *data == '$') {
		s->stage = IN_MEDIA;
		s->frame_len = 0;
	}
	if (s->stage == IN_MEDIA)
		return media_feed(r, data, len);
	if (s->stage != IN_BODY)
		return line_feed(r, data, len);
	len = lines_take(&s->lines, data, len < s->left ? len : (size_t)s->left, read_line, r);
	body_took(r, len);
	return len;
}

/* A body's end, and a frame's, are known. Behind other gaps what is plain is read. */
static void gap_read(struct reading *r)
{
	struct message_side *s = r->s;
	uint64_t len = r->e->len;
	bool inside = len && len <= s->left &&
		      (s->stage == IN_BODY || (s->stage == IN_MEDIA && s->frame_len == 4));

	if (inside && s->stage == IN_MEDIA) {
		s->left -= len;
		s->stage = s->left ? IN_MEDIA : AT_START;
		return;
	}
	if (len)
		lines_gap(&s->lines);
	if (inside) {
		s->gaps = true;
		body_took(r, len);
		return;
	}
	s->stage = AT_START;
	s->said = false;
	s->left = 0;
}

static int stream_read(struct reading *r)
{
	const struct stream_event *e = r->e;
	size_t at = 0;

	if (e->kind == STREAM_GAP)
		gap_read(r);
	else if (e->kind == STREAM_DATAGRAM)
		return -EPROTO;
	while (e->kind == STREAM_DATA && at < e->len && !lines_are_none(&r->s->lines))
		at += feed(r, e->data + at, (size_t)e->len - at);
	return lines_are_none(&r->s->lines) ? -EPROTO : 0;
}

static struct reading reading_of(void *state, const struct stream_event *e, const char *version,
				 reader_emit *emit, void *arg)
{
	struct messages *c = state;

	return (struct reading){
		.s = &c->side[e->side], .e = e, .version = version, .emit = emit, .arg = arg};
}

static int sip_read(void *state, const struct stream_event *e, reader_emit *emit, void *arg)
{
	struct reading r = reading_of(state, e, "SIP/", emit, arg);

	return stream_read(&r);
}

static int rtsp_read(void *state, const struct stream_event *e, reader_emit *emit, void *arg)
{
	struct reading r = reading_of(state, e, "RTSP/", emit, arg);

	return stream_read(&r);
}

/* A message is a datagram, whatever length it says (RFC 3261, 18.3). */
static int sip_datagram(void *state, const struct stream_event *e, reader_emit *emit, void *arg)
{
	struct reading r = reading_of(state, e, "SIP/", emit, arg);

	if (e->kind != STREAM_DATAGRAM)
		return e->kind == STREAM_DATA ? -EPROTO : 0;
	if (e->len <= KEEPALIVE_MAX)
		return 0;
	/* RFC 3261, 7: begins with a method or the version. */
	if (e->data[0] < 'A' || e->data[0] > 'Z')
		return -EPROTO;
	r.s->stage = AT_START;
	r.datagram = true;
	for (size_t at = 0; at < e->len;)
		at += line_feed(&r, e->data + at, (size_t)e->len - at);
	lines_end(&r.s->lines, read_line, &r);
	message_end(&r);
	return lines_are_none(&r.s->lines) ? -EPROTO : 0;
}

static const char *const sip_apps[] = {"sip", NULL};
static const char *const rtsp_apps[] = {"rtsp", NULL};

READER(sip) = {
	.abi = READER_ABI,
	.name = "sip",
	.help = "SIP over TCP: start lines, headers, bodies",
	.proto = IPPROTO_TCP,
	.size = sizeof(struct messages),
	.apps = sip_apps,
	.read = sip_read,
};

READER(sip_datagrams) = {
	.abi = READER_ABI,
	.name = "sip_datagrams",
	.help = "SIP over UDP: start lines, headers, bodies",
	.proto = IPPROTO_UDP,
	.size = sizeof(struct messages),
	.apps = sip_apps,
	.read = sip_datagram,
};

READER(rtsp) = {
	.abi = READER_ABI,
	.name = "rtsp",
	.help = "RTSP: start lines, headers, bodies",
	.proto = IPPROTO_TCP,
	.size = sizeof(struct messages),
	.apps = rtsp_apps,
	.read = rtsp_read,
};

// SPDX-License-Identifier: GPL-2.0-only
#include "proto/dns.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define HEADER	12
#define POINTER 0xc0

static uint16_t u16_at(const uint8_t *data, size_t at)
{
	return (uint16_t)(data[at] << 8 | data[at + 1]);
}

static uint32_t u32_at(const uint8_t *data, size_t at)
{
	return (uint32_t)u16_at(data, at) << 16 | u16_at(data, at + 2);
}

static char label_char(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c + ('a' - 'A'));
	return c > 0x20 && c < 0x7f && c != '.' ? (char)c : '?';
}

bool dns_read_name(const uint8_t *data, size_t len, size_t *at, char out[DNS_NAME_MAX + 1])
{
	size_t pos = *at, limit = len, used = 0, behind = 0;

	for (;;) {
		uint8_t n;

		if (pos >= limit)
			return false;
		n = data[pos];
		if (n == 0)
			break;
		if (n >= POINTER) {
			size_t target;

			if (pos + 2 > len)
				return false;
			target = u16_at(data, pos) & 0x3fff;
			if (!behind)
				behind = pos + 2;
			/* Only backward pointers, so that parsing terminates. */
			if (target >= pos || target < HEADER)
				return false;
			limit = pos;
			pos = target;
			continue;
		}
		if (n >= 0x40 || pos + 1 + n > len || used + n + 1 > DNS_NAME_MAX)
			return false;
		if (used)
			out[used++] = '.';
		for (size_t i = 0; i < n; i++)
			out[used++] = label_char(data[pos + 1 + i]);
		pos += 1u + n;
	}
	out[used] = 0;
	*at = behind ? behind : pos + 1;
	return true;
}

bool dns_read_question(const uint8_t *data, size_t len, struct dns_question *out)
{
	size_t at = HEADER;

	/* Opcode 0, one question (RFC 1035, 4.1.1). */
	if (len < HEADER || (data[2] & 0x78) != 0 || u16_at(data, 4) != 1)
		return false;
	if (!dns_read_name(data, len, &at, out->name) || len - at < 4 ||
	    (u16_at(data, at + 2) & 0x7fff) != DNS_CLASS_IN)
		return false;
	out->id = u16_at(data, 0);
	out->flags = u16_at(data, 2);
	out->response = data[2] & 0x80;
	out->rcode = data[3] & 0x0f;
	out->answers = u16_at(data, 6);
	out->authorities = u16_at(data, 8);
	out->additional = u16_at(data, 10);
	out->type = u16_at(data, at);
	out->end = at + 4;
	return true;
}

bool dns_next_record(const uint8_t *data, size_t len, size_t *at, struct dns_record *out)
{
	size_t pos = *at;

	if (!dns_read_name(data, len, &pos, out->owner) || len - pos < 10)
		return false;
	out->type = u16_at(data, pos);
	out->class = u16_at(data, pos + 2);
	out->ttl_seconds = u32_at(data, pos + 4);
	out->len = u16_at(data, pos + 8);
	out->at = pos + 10;
	if (out->len > len - out->at)
		return false;
	*at = out->at + out->len;
	return true;
}

/* ---- the readers ---- */

#define LENGTH 2 /* bytes in front of a message over TCP (RFC 1035, 4.2.2) */
/* Messages and datagrams in a row that are not of DNS. */
#define OTHERS_MAX 256

struct giving {
	struct dns_stream *d;
	uint8_t side;
	reader_emit *emit;
	void *arg;
};

static void give(const struct giving *t, const uint8_t *data, size_t len)
{
	struct dns_event e = {.side = t->side, .data = data, .len = len};

	if (!dns_read_question(data, len, &e.question)) {
		t->d->others++;
		return;
	}
	t->d->others = 0;
	t->emit(t->arg, &e);
}

/* Takes bytes of a message that does not lie in one piece. A longer one than fits is passed over.
 */
static size_t take_part(const struct giving *t, struct dns_side *s, const uint8_t *data, size_t len)
{
	size_t need = (size_t)(s->head[0] << 8 | s->head[1]), n = need - s->have;

	n = len < n ? len : n;
	if (!s->room && need <= DNS_MESSAGE_MAX)
		s->room = malloc(DNS_MESSAGE_MAX);
	if (s->room && need <= DNS_MESSAGE_MAX && n)
		memcpy(s->room + s->have, data, n);
	s->have = (uint16_t)(s->have + n);
	if (s->have < need)
		return n;
	if (s->room && need <= DNS_MESSAGE_MAX)
		give(t, s->room, need);
	s->head_have = 0;
	s->have = 0;
	return n;
}

static size_t take(const struct giving *t, struct dns_side *s, const uint8_t *data, size_t len)
{
	size_t need;

	if (s->head_have < LENGTH) {
		s->head[s->head_have++] = data[0];
		if (s->head_have == LENGTH && !s->head[0] && !s->head[1])
			take_part(t, s, NULL, 0);
		return 1;
	}
	need = (size_t)(s->head[0] << 8 | s->head[1]);
	if (s->have || len < need || need > DNS_MESSAGE_MAX)
		return take_part(t, s, data, len);
	give(t, data, need);
	s->head_have = 0;
	return need;
}

/* Nothing tells where the next message begins behind a gap. */
static int dns_read(void *state, const struct stream_event *e, reader_emit *emit, void *arg)
{
	struct dns_stream *d = state;
	struct giving t = {.d = d, .side = e->side & 1, .emit = emit, .arg = arg};
	struct dns_side *s = &d->side[t.side];

	s->lost |= e->kind == STREAM_GAP;
	if (s->lost)
		return d->side[!t.side].lost ? -EPROTO : 0;
	if (e->kind != STREAM_DATA)
		return 0;
	for (size_t at = 0; at < e->len && d->others < OTHERS_MAX;)
		at += take(&t, s, e->data + at, e->len - at);
	return d->others < OTHERS_MAX ? 0 : -EPROTO;
}

static void dns_fini(void *state)
{
	struct dns_stream *d = state;

	free(d->side[0].room);
	free(d->side[1].room);
}

static int dns_read_datagram(void *state, const struct stream_event *e, reader_emit *emit,
			     void *arg)
{
	struct dns_stream *d = state;
	struct giving t = {.d = d, .side = e->side & 1, .emit = emit, .arg = arg};

	if (e->kind == STREAM_DATAGRAM)
		give(&t, e->data, e->len);
	return d->others < OTHERS_MAX ? 0 : -EPROTO;
}

/* A question need not be the first thing that a flow is seen to carry. */
static const char *const dns_apps[] = {"dns", NULL};

READER(dns) = {
	.abi = READER_ABI,
	.name = "dns",
	.help = "questions to the DNS and answers, over TCP",
	.proto = IPPROTO_TCP,
	.size = sizeof(struct dns_stream),
	.apps = dns_apps,
	.read = dns_read,
	.fini = dns_fini,
};

READER(dns_datagrams) = {
	.abi = READER_ABI,
	.name = "dns-datagrams",
	.help = "the same over UDP",
	.proto = IPPROTO_UDP,
	.size = sizeof(struct dns_stream),
	.apps = dns_apps,
	.read = dns_read_datagram,
};

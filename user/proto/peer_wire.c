// SPDX-License-Identifier: GPL-2.0-only
#include "proto/peer_wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "proto/bytes.h"

#define LENGTH	    4 /* bytes of a message's length */
#define RESERVED_AT 20
#define HASH_AT	    28
#define ID_AT	    48

static const uint8_t greeting[RESERVED_AT] = "\x13"
					     "BitTorrent protocol";

struct giving {
	struct peer_wire_side *s;
	uint8_t side;
	reader_emit *emit;
	void *arg;
};

static void greet(const struct giving *t)
{
	const uint8_t *h = t->s->head;
	const struct peer_wire_event e = {
		.kind = PEER_WIRE_GREETED,
		.side = t->side,
		.offset = t->s->begun,
		.reserved = h + RESERVED_AT,
		.info_hash = h + HASH_AT,
		.peer_id = h + ID_AT,
		.extends = h[RESERVED_AT + 5] & 0x10,
	};

	t->emit(t->arg, &e);
}

/* Takes bytes of the handshake. False: it is none. */
static bool take_greeting(const struct giving *t, const uint8_t *data, size_t len, size_t *used)
{
	struct peer_wire_side *s = t->s;
	size_t n = PEER_WIRE_HANDSHAKE_BYTES - s->greeted;

	n = len < n ? len : n;
	memcpy(s->head + s->greeted, data, n);
	s->greeted = (uint8_t)(s->greeted + n);
	*used = n;
	if (memcmp(s->head, greeting,
		   s->greeted < sizeof(greeting) ? s->greeted : sizeof(greeting)) != 0)
		return false;
	if (s->greeted == PEER_WIRE_HANDSHAKE_BYTES)
		greet(t);
	return true;
}

/* Bytes of a message's fields behind its id; len: of the message behind its id. */
static uint8_t fields_of(uint8_t id, uint32_t len)
{
	switch (id) {
	case PEER_WIRE_HAVE:
	case PEER_WIRE_SUGGEST:
	case PEER_WIRE_ALLOWED:
		return len == 4 ? 4 : 0;
	case PEER_WIRE_REQUEST:
	case PEER_WIRE_CANCEL:
	case PEER_WIRE_REJECT:
		return len == 12 ? 12 : 0;
	case PEER_WIRE_PIECE:
		return len >= 8 ? 8 : 0;
	case PEER_WIRE_PORT:
		return len == 2 ? 2 : 0;
	case PEER_WIRE_EXTENDED:
		return len >= 1 ? 1 : 0;
	default:
		return 0;
	}
}

static struct peer_wire_event event_of(const struct giving *t, enum peer_wire_kind kind)
{
	return (struct peer_wire_event){
		.kind = (uint8_t)kind,
		.side = t->side,
		.offset = t->s->begun,
		.id = t->s->id,
		.number = t->s->number,
		.len = t->s->len,
	};
}

static void give_payload(const struct giving *t, const uint8_t *data, uint32_t size)
{
	struct peer_wire_event e = event_of(t, PEER_WIRE_PAYLOAD);

	e.data = data;
	e.size = size;
	e.at = t->s->len - t->s->left;
	t->emit(t->arg, &e);
}

/* A message's header is complete. */
static void begin_message(const struct giving *t)
{
	struct peer_wire_side *s = t->s;
	const uint8_t *field = s->head + LENGTH + 1;
	uint8_t fields = (uint8_t)(s->have - LENGTH - 1);
	struct peer_wire_event e;

	s->left -= fields + 1u;
	s->have = s->need = 0;
	s->payload = s->id == PEER_WIRE_EXTENDED && fields;
	s->number = s->payload ? field[0] : 0;
	s->len = s->left + (s->payload ? 0 : fields);
	e = event_of(t, PEER_WIRE_MESSAGE);
	if (fields >= 4)
		e.index = bytes_number(field, 4);
	if (fields >= 8)
		e.begin = bytes_number(field + 4, 4);
	if (fields == 12)
		e.length = bytes_number(field + 8, 4);
	if (fields == 8)
		e.length = s->left;
	if (fields == 2)
		e.port = (uint16_t)bytes_number(field, 2);
	t->emit(t->arg, &e);
	if (s->payload && s->left == 0)
		give_payload(t, NULL, 0);
}

static void keep_alive(const struct giving *t)
{
	const struct peer_wire_event e = {
		.kind = PEER_WIRE_ALIVE, .side = t->side, .offset = t->s->begun};

	t->s->have = 0;
	t->emit(t->arg, &e);
}

/* Takes one byte of a header. False: there is no such message. */
static bool take_head(const struct giving *t, uint8_t byte)
{
	struct peer_wire_side *s = t->s;

	if (s->have == 0)
		s->begun = s->offset;
	s->head[s->have++] = byte;
	if (s->have < LENGTH)
		return true;
	if (s->have == LENGTH) {
		s->left = bytes_number(s->head, LENGTH);
		if (s->left == 0)
			keep_alive(t);
		return s->left <= PEER_WIRE_LENGTH_MAX;
	}
	if (s->have == LENGTH + 1) {
		s->id = byte;
		s->need = (uint8_t)(LENGTH + 1 + fields_of(byte, s->left - 1));
	}
	if (s->have == s->need)
		begin_message(t);
	return true;
}

static size_t take_rest(const struct giving *t, const uint8_t *data, size_t len)
{
	struct peer_wire_side *s = t->s;
	uint32_t n = len < s->left ? (uint32_t)len : s->left;

	if (s->payload)
		give_payload(t, data, n);
	s->left -= n;
	return n;
}

static bool take_data(const struct giving *t, const uint8_t *data, size_t len)
{
	struct peer_wire_side *s = t->s;

	while (len > 0) {
		size_t used = 1;
		bool ok = true;

		if (s->greeted < PEER_WIRE_HANDSHAKE_BYTES)
			ok = take_greeting(t, data, len, &used);
		else if (s->have == 0 && s->left > 0)
			used = take_rest(t, data, len);
		else
			ok = take_head(t, *data);
		if (!ok)
			return false;
		data += used;
		len -= used;
		s->offset += used;
	}
	return true;
}

/* A gap within a message's rest, of known length, is passed over; extension messages end there. */
static void take_gap(struct peer_wire_side *s, uint64_t len)
{
	bool before = !s->began && len == 0;

	s->began = true;
	s->offset += len;
	if (before)
		return;
	s->lost |= s->greeted < PEER_WIRE_HANDSHAKE_BYTES || s->have || s->payload || len == 0 ||
		   len > s->left;
	s->left = s->lost ? 0 : s->left - (uint32_t)len;
}

int peer_wire_read(void *state, const struct stream_event *e, reader_emit *emit, void *arg)
{
	struct peer_wire *w = state;
	struct giving t = {
		.s = &w->side[e->side & 1], .side = e->side & 1, .emit = emit, .arg = arg};

	if (e->kind == STREAM_RESET) {
		*w = (struct peer_wire){0};
		return 0;
	}
	if (e->kind == STREAM_GAP) {
		take_gap(t.s, e->len);
	} else if (e->kind == STREAM_DATA && !t.s->lost) {
		t.s->began = true;
		if (!take_data(&t, e->data, e->len))
			return -EPROTO;
	}
	return w->side[0].lost && w->side[1].lost ? -EPROTO : 0;
}

static enum reader_guess peer_wire_guess(enum stream_side side, const uint8_t *data, size_t len)
{
	(void)side;
	if (memcmp(data, greeting, len < sizeof(greeting) ? len : sizeof(greeting)) != 0)
		return READER_NO;
	return len < sizeof(greeting) ? READER_MAYBE : READER_YES;
}

READER(peer_wire) = {
	.abi = READER_ABI,
	.name = "peer_wire",
	.help = "handshakes and messages between BitTorrent's peers",
	.proto = IPPROTO_TCP,
	.size = sizeof(struct peer_wire),
	.guess = peer_wire_guess,
	.read = peer_wire_read,
};

// SPDX-License-Identifier: GPL-2.0-only
#include "proto/utp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"

#define HEADER	      20
#define EXTENSION_MAX 3
/* Packets that are further ahead than any window are not of this connection. */
#define AHEAD_MAX 1024
/* The DHT uses the same ports, so datagrams of others are no reason to stop, unless nothing else
 * comes. */
#define OTHERS_MAX 64

/* ---- packets ---- */

bool utp_read_packet(const uint8_t *data, size_t len, struct utp_packet *out)
{
	size_t at = HEADER;
	unsigned int next;

	if (len < HEADER || (data[0] & 15) != 1 || data[0] >> 4 > UTP_SYN)
		return false;
	for (next = data[1]; next; at += 2 + (size_t)data[at + 1]) {
		if (len - at < 2 || next > EXTENSION_MAX || len - at - 2 < data[at + 1])
			return false;
		next = data[at];
	}
	*out = (struct utp_packet){
		.type = data[0] >> 4,
		.connection = (uint16_t)bytes_number(data + 2, 2),
		.time = bytes_number(data + 4, 4),
		.difference = bytes_number(data + 8, 4),
		.sequence = (uint16_t)bytes_number(data + 16, 2),
		.acknowledged = (uint16_t)bytes_number(data + 18, 2),
		.data = data + at,
		.len = len - at,
	};
	return true;
}

/* ---- events ---- */

struct giving {
	struct utp *u;
	uint64_t time_ns;
	reader_emit *emit;
	void *arg;
};

static void give(struct giving *t, unsigned int side, enum stream_kind kind, const uint8_t *data,
		 size_t len)
{
	struct utp_side *s = &t->u->side[side];
	struct stream_event e = {
		.kind = (uint8_t)kind,
		.side = (uint8_t)side,
		.offset = s->offset,
		.data = data,
		.len = len,
		.time_ns = t->time_ns,
	};

	if (!s->begun && kind == STREAM_DATA && !t->u->from_start) {
		struct stream_event gap = {
			.kind = STREAM_GAP, .side = (uint8_t)side, .time_ns = t->time_ns};

		t->emit(t->arg, &gap);
	}
	s->begun = true;
	s->offset += kind == STREAM_DATA ? len : 0;
	t->emit(t->arg, &e);
}

static void side_reset(struct utp_side *s)
{
	uint8_t *room = s->room;

	*s = (struct utp_side){.room = room};
}

static void connection_reset(struct giving *t, unsigned int side)
{
	bool over = t->u->side[0].over && t->u->side[1].over;

	if (!over && (t->u->side[0].begun || t->u->side[1].begun))
		give(t, side, STREAM_RESET, NULL, 0);
	side_reset(&t->u->side[0]);
	side_reset(&t->u->side[1]);
	t->u->open = t->u->from_start = false;
}

/* ---- order ---- */

static int16_t ahead(uint16_t sequence, uint16_t of)
{
	return (int16_t)(sequence - of);
}

/* The packet that is kept with the lowest number; there is one. */
static unsigned int lowest(const struct utp_side *s)
{
	unsigned int best = 0;

	for (unsigned int n = 1; n < s->held; n++)
		if (ahead(s->kept[n].sequence, s->kept[best].sequence) < 0)
			best = n;
	return best;
}

static void forget(struct utp_side *s, unsigned int n)
{
	s->kept[n] = s->kept[--s->held];
	if (s->held == 0)
		s->used = 0;
}

static void end_if_due(struct giving *t, unsigned int side)
{
	struct utp_side *s = &t->u->side[side];

	if (!s->ends || s->over || !s->placed || s->fin != s->next)
		return;
	s->over = true;
	give(t, side, STREAM_END, NULL, 0);
}

static void take(struct giving *t, unsigned int side, const uint8_t *data, size_t len)
{
	struct utp_side *s = &t->u->side[side];

	s->next++;
	s->tentative = false;
	if (len)
		give(t, side, STREAM_DATA, data, len);
}

/* Gives what is kept and follows. */
static void drain(struct giving *t, unsigned int side)
{
	struct utp_side *s = &t->u->side[side];

	while (s->held) {
		unsigned int n = lowest(s);
		struct utp_held kept = s->kept[n];
		int16_t by = ahead(kept.sequence, s->next);

		if (by > 0)
			break;
		if (by == 0)
			take(t, side, s->room + kept.at, kept.len);
		forget(s, n);
	}
	end_if_due(t, side);
}

/* What is missing in front of what is kept will not come. */
static void skip(struct giving *t, unsigned int side)
{
	struct utp_side *s = &t->u->side[side];
	uint16_t first;

	if (!s->held)
		return;
	first = s->kept[lowest(s)].sequence;
	if (!(s->tentative && ahead(first, s->next) == 1))
		give(t, side, STREAM_GAP, NULL, 0);
	s->tentative = false;
	s->next = first;
	drain(t, side);
}

static bool is_kept(const struct utp_side *s, uint16_t sequence)
{
	for (unsigned int n = 0; n < s->held; n++)
		if (s->kept[n].sequence == sequence)
			return true;
	return false;
}

/* Whether there is room for a packet out of order; the room is allocated once. */
static bool has_room(struct utp_side *s, size_t len)
{
	if (!s->room)
		s->room = malloc(UTP_HELD_BYTES);
	return s->room && s->held < UTP_HELD_MAX && len <= (size_t)(UTP_HELD_BYTES - s->used);
}

static void keep(struct giving *t, unsigned int side, const struct utp_packet *p)
{
	struct utp_side *s = &t->u->side[side];

	if (is_kept(s, p->sequence))
		return;
	while (s->held && !has_room(s, p->len))
		skip(t, side);
	if (ahead(p->sequence, s->next) <= 0 || !has_room(s, p->len)) {
		/* What came meanwhile is this one's turn, or it never fits. */
		if (ahead(p->sequence, s->next) < 0)
			return;
		if (p->sequence != s->next)
			give(t, side, STREAM_GAP, NULL, 0);
		s->next = p->sequence;
		take(t, side, p->data, p->len);
		drain(t, side);
		return;
	}
	s->kept[s->held++] = (struct utp_held){p->sequence, s->used, (uint16_t)p->len};
	if (p->len)
		memcpy(s->room + s->used, p->data, p->len);
	s->used = (uint16_t)(s->used + p->len);
}

static void read_data(struct giving *t, unsigned int side, const struct utp_packet *p)
{
	struct utp_side *s = &t->u->side[side];
	int16_t by = ahead(p->sequence, s->next);

	if (by < 0 || by > AHEAD_MAX || (s->ends && ahead(p->sequence, s->fin) >= 0))
		return;
	if (by == 0) {
		take(t, side, p->data, p->len);
		drain(t, side);
	} else {
		keep(t, side, p);
	}
}

/* ---- connections ---- */

static void place(struct utp_side *s, uint16_t next, bool tentative)
{
	if (s->placed)
		return;
	s->placed = true;
	s->tentative = tentative;
	s->next = next;
}

/* The other side has what is acknowledged, so it is not sent again. */
static void acknowledged(struct giving *t, unsigned int side, uint16_t number)
{
	struct utp_side *s = &t->u->side[side];

	if (!s->placed) {
		place(s, (uint16_t)(number + 1), false);
		return;
	}
	if (s->tentative && !s->held && !s->ends && number == s->next)
		s->next++;
	while (s->held && ahead(number, s->next) >= 0 && ahead(number, s->next) <= AHEAD_MAX)
		skip(t, side);
}

/* The initiator's packets have the id of its SYN plus one, those of the other side the id itself
 * (BEP 29, "connection setup"). */
static void open_connection(struct giving *t, unsigned int side, const struct utp_packet *p)
{
	struct utp *u = t->u;

	if (u->open && u->side[side].connection == (uint16_t)(p->connection + 1) &&
	    u->side[!side].connection == p->connection)
		return; /* sent again */
	connection_reset(t, side);
	u->open = u->from_start = true;
	u->side[side].seen = u->side[!side].seen = true;
	u->side[side].connection = (uint16_t)(p->connection + 1);
	u->side[!side].connection = p->connection;
	place(&u->side[side], (uint16_t)(p->sequence + 1), false);
}

/* Whether the packet is the connection's. Of one whose SYN was not seen the ids show as they
 * come. */
static bool is_ours(struct utp *u, unsigned int side, const struct utp_packet *p)
{
	struct utp_side *s = &u->side[side], *other = &u->side[!side];
	uint16_t apart = (uint16_t)(p->connection - other->connection);

	if (!s->seen && (!other->seen || apart == 1 || apart == UINT16_MAX)) {
		s->seen = true;
		s->connection = p->connection;
	}
	return s->seen && s->connection == p->connection;
}

static bool read_reset(struct giving *t, unsigned int side, const struct utp_packet *p)
{
	const struct utp *u = t->u;

	if (!u->open ||
	    (u->side[0].connection != p->connection && u->side[1].connection != p->connection))
		return false;
	connection_reset(t, side);
	return true;
}

/* The sender's last packet: nothing is taken from behind it. */
static void read_end(struct giving *t, unsigned int side, uint16_t number)
{
	struct utp_side *s = &t->u->side[side];

	if (s->ends || ahead(number, s->next) < 0 || ahead(number, s->next) > AHEAD_MAX)
		return;
	s->ends = true;
	s->fin = number;
	for (unsigned int n = s->held; n-- > 0;)
		if (ahead(s->kept[n].sequence, number) >= 0)
			forget(s, n);
	end_if_due(t, side);
}

/* Whether the packet belongs to the connection. */
static bool read_packet(struct giving *t, unsigned int side, const struct utp_packet *p)
{
	struct utp *u = t->u;
	struct utp_side *s = &u->side[side];

	if (p->type == UTP_SYN) {
		open_connection(t, side, p);
		return true;
	}
	if (p->type == UTP_RESET)
		return read_reset(t, side, p);
	if (!is_ours(u, side, p))
		return false;
	u->open = true;
	acknowledged(t, !side, p->acknowledged);
	place(s, p->sequence, p->type == UTP_STATE);
	if (p->type == UTP_DATA)
		read_data(t, side, p);
	if (p->type == UTP_FIN)
		read_end(t, side, p->sequence);
	return true;
}

/* ---- the reader ---- */

static int utp_read(void *state, const struct stream_event *e, reader_emit *emit, void *arg)
{
	struct utp *u = state;
	struct giving t = {.u = u, .time_ns = e->time_ns, .emit = emit, .arg = arg};
	struct utp_packet p;

	if (e->kind == STREAM_RESET)
		connection_reset(&t, e->side & 1);
	if (e->kind != STREAM_DATAGRAM)
		return 0;
	if (utp_read_packet(e->data, e->len, &p) && read_packet(&t, e->side & 1, &p))
		u->others = 0;
	else if (++u->others >= OTHERS_MAX)
		return -EPROTO;
	return 0;
}

static void utp_fini(void *state)
{
	struct utp *u = state;

	free(u->side[0].room);
	free(u->side[1].room);
	u->side[0].room = u->side[1].room = NULL;
}

/* What the DHT's port begins with need not be uTP. */
static const char *const utp_apps[] = {"bittorrent", NULL};

READER(utp) = {
	.abi = READER_ABI,
	.name = "utp",
	.help = "the streams of uTP's connections",
	.proto = IPPROTO_UDP,
	.size = sizeof(struct utp),
	.apps = utp_apps,
	.read = utp_read,
	.fini = utp_fini,
};

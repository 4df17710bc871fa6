// SPDX-License-Identifier: GPL-2.0-only
/* Which datagrams are uTP's: proto/utp.h reads them. */
#include "proto/utp.h"
#include "app/bittorrent.h"

bool utp_parse_syn(const uint8_t *data, size_t len, struct utp_syn *out)
{
	struct utp_packet p;

	/* In a SYN nothing was received yet: no time difference, nothing acknowledged, no
	 * payload. */
	if (!utp_read_packet(data, len, &p) || p.type != UTP_SYN || p.difference || !p.time ||
	    p.acknowledged || p.len)
		return false;
	out->connection = p.connection;
	out->sequence = p.sequence;
	return true;
}

bool utp_answers_syn(const uint8_t *data, size_t len, const struct utp_syn *syn)
{
	struct utp_packet p;

	return utp_read_packet(data, len, &p) && p.type == UTP_STATE && !p.len &&
	       p.connection == syn->connection && p.acknowledged == syn->sequence;
}

size_t utp_payload(const uint8_t *data, size_t len)
{
	struct utp_packet p;

	if (!utp_read_packet(data, len, &p) || p.type != UTP_DATA || !p.len)
		return 0;
	return (size_t)(p.data - data);
}

/* Largest differences between two packets that are seen: of sequence numbers, and of the sender's
 * clock in microseconds. */
#define STEP_NUMBERS 256
#define STEP_TIME    (60u * 1000000u)
/* Packets that have to be consistent with the one before, at least one of them with something
 * new. */
#define STEPS_NEEDED 2

/* Reads a packet whose payload fits its type. */
static bool read_packet(const uint8_t *data, size_t len, struct utp_packet *out)
{
	return utp_read_packet(data, len, out) && out->time &&
	       (out->type == UTP_DATA) == (out->len > 0);
}

bool utp_is_packet(const uint8_t *data, size_t len)
{
	struct utp_packet p;

	return read_packet(data, len, &p);
}

static bool follows(const struct utp_steps *before, const struct utp_steps *now)
{
	uint32_t time = now->time - before->time;

	return now->connection == before->connection && time > 0 && time < STEP_TIME &&
	       (uint16_t)(now->sequence - before->sequence) < STEP_NUMBERS &&
	       (uint16_t)(now->acknowledged - before->acknowledged) < STEP_NUMBERS;
}

/* The connection ids of both sides differ by one, and one side acknowledges what the other
 * sends. */
static bool belong_together(const struct utp_steps *a, const struct utp_steps *b)
{
	uint16_t apart = (uint16_t)(a->connection - b->connection);

	return (apart == 1 || apart == UINT16_MAX) &&
	       (uint16_t)(a->sequence - b->acknowledged + STEP_NUMBERS) < 2 * STEP_NUMBERS &&
	       (uint16_t)(b->sequence - a->acknowledged + STEP_NUMBERS) < 2 * STEP_NUMBERS;
}

unsigned int utp_track_note(struct utp_track *t, bool from_origin, const uint8_t *data, size_t len)
{
	struct utp_steps *side = &t->side[from_origin], *other = &t->side[!from_origin];
	struct utp_steps now = {.seen = true};
	struct utp_packet p;

	/* A SYN has another connection id than the packets after it, and is recognised by its
	 * answer. */
	if (!read_packet(data, len, &p) || p.type == UTP_SYN || p.type == UTP_RESET)
		return 0;
	now.connection = p.connection;
	now.time = p.time;
	now.sequence = p.sequence;
	now.acknowledged = p.acknowledged;
	if (side->seen && follows(side, &now)) {
		now.steps = (uint8_t)(side->steps + (side->steps < UINT8_MAX));
		now.moved = (uint8_t)(side->moved + (now.sequence != side->sequence ||
						     now.acknowledged != side->acknowledged));
	}
	*side = now;
	if (other->seen && belong_together(side, other) && side->steps + other->steps >= 1)
		return 95;
	return side->steps >= STEPS_NEEDED && side->moved ? 80 : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The header, version 1: type and version, extension, connection, time, time difference, window,
 * sequence, acknowledged; all big endian, 20 bytes, then extensions chained by type.
 */
#include "app/bittorrent.h"

#define HEADER	   20
#define TYPE_MAX   4
#define TYPE_RESET 0x31
#define TYPE_DATA  0x01 /* type in the upper half, version 1 in the lower */
#define TYPE_STATE 0x21
#define TYPE_SYN   0x41

static unsigned int u16_at(const uint8_t *data, size_t at)
{
	return (unsigned int)data[at] << 8 | data[at + 1];
}

static bool is_zero(const uint8_t *data, size_t at, size_t len)
{
	for (size_t i = at; i < at + len; i++)
		if (data[i])
			return false;
	return true;
}

/* Offset of the end of the extensions; 0 if they exceed the packet. */
static size_t extensions_end(const uint8_t *data, size_t len)
{
	unsigned int next = data[1];
	size_t at = HEADER;

	while (next) {
		if (len - at < 2 || next > 3 || len - at - 2 < data[at + 1])
			return 0;
		next = data[at];
		at += 2 + (size_t)data[at + 1];
	}
	return at;
}

bool utp_parse_syn(const uint8_t *data, size_t len, struct utp_syn *out)
{
	/* In a SYN nothing was received yet: no time difference, nothing acknowledged, no
	 * payload. */
	if (len < HEADER || data[0] != TYPE_SYN || !is_zero(data, 8, 4) || !is_zero(data, 18, 2) ||
	    is_zero(data, 4, 4) || extensions_end(data, len) != len)
		return false;
	out->connection = (uint16_t)u16_at(data, 2);
	out->sequence = (uint16_t)u16_at(data, 16);
	return true;
}

bool utp_answers_syn(const uint8_t *data, size_t len, const struct utp_syn *syn)
{
	return len >= HEADER && data[0] == TYPE_STATE && extensions_end(data, len) == len &&
	       u16_at(data, 2) == syn->connection && u16_at(data, 18) == syn->sequence;
}

size_t utp_payload(const uint8_t *data, size_t len)
{
	size_t end;

	if (len < HEADER || data[0] != TYPE_DATA)
		return 0;
	end = extensions_end(data, len);
	return end < len ? end : 0;
}

/* Largest differences between two packets that are seen: of sequence numbers, and of the sender's
 * clock in microseconds. */
#define STEP_NUMBERS 256
#define STEP_TIME    (60u * 1000000u)
/* Packets that have to be consistent with the one before, at least one of them with something
 * new. */
#define STEPS_NEEDED 2

static uint32_t u32_at(const uint8_t *data, size_t at)
{
	return (uint32_t)u16_at(data, at) << 16 | u16_at(data, at + 2);
}

bool utp_is_packet(const uint8_t *data, size_t len)
{
	size_t end;

	if (len < HEADER || (data[0] & 15) != 1 || data[0] >> 4 > TYPE_MAX || is_zero(data, 4, 4))
		return false;
	end = extensions_end(data, len);
	return end && (data[0] == TYPE_DATA ? end < len : end == len);
}

static bool follows(const struct utp_side *before, const struct utp_side *now)
{
	uint32_t time = now->time - before->time;

	return now->connection == before->connection && time > 0 && time < STEP_TIME &&
	       (uint16_t)(now->sequence - before->sequence) < STEP_NUMBERS &&
	       (uint16_t)(now->acknowledged - before->acknowledged) < STEP_NUMBERS;
}

/* The connection ids of both sides differ by one, and one side acknowledges what the other
 * sends. */
static bool belong_together(const struct utp_side *a, const struct utp_side *b)
{
	uint16_t apart = (uint16_t)(a->connection - b->connection);

	return (apart == 1 || apart == UINT16_MAX) &&
	       (uint16_t)(a->sequence - b->acknowledged + STEP_NUMBERS) < 2 * STEP_NUMBERS &&
	       (uint16_t)(b->sequence - a->acknowledged + STEP_NUMBERS) < 2 * STEP_NUMBERS;
}

unsigned int utp_track_note(struct utp_track *t, bool from_origin, const uint8_t *data, size_t len)
{
	struct utp_side *side = &t->side[from_origin], *other = &t->side[!from_origin];
	struct utp_side now = {.seen = true};

	/* A SYN has another connection id than the packets after it, and is recognised by its
	 * answer. */
	if (!utp_is_packet(data, len) || data[0] == TYPE_SYN || data[0] == TYPE_RESET)
		return 0;
	now.connection = (uint16_t)u16_at(data, 2);
	now.time = u32_at(data, 4);
	now.sequence = (uint16_t)u16_at(data, 16);
	now.acknowledged = (uint16_t)u16_at(data, 18);
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

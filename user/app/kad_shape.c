// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kad's obfuscated datagrams show only their lengths and one bit: a header of 8 bytes and two keys
 * of 4 bytes precede the message, and the lowest bit of the first byte is 0. They are recognised by
 * the messages with which nodes join (KADEMLIA2_BOOTSTRAP_REQ and _PING of 2 bytes, answered by
 * contacts or 4 bytes) and search (KADEMLIA2_REQ of 35 bytes, answered by 19 bytes and 25 for each
 * contact).
 */
#include <string.h>

#include "app/edonkey.h"
#include "util/util.h"

#define OVERHEAD  16
#define SHORT	  2
#define PONG	  4
#define BOOTSTRAP 23
#define REQUEST	  35
#define ANSWER	  19
#define CONTACT	  25
#define COUNT_MAX 32 /* contacts of an answer at most */
#define LONGEST	  (OVERHEAD + BOOTSTRAP + COUNT_MAX * CONTACT)

enum { ASKED_SHORT = 1, ASKED_REQUEST = 2 };

static bool is_plain(uint8_t byte)
{
	return byte == ED2K_EMULE || byte == ED2K_PACKED || byte == ED2K_KAD || byte == 0xe5 ||
	       byte == 0xa3 || byte == 0xb2;
}

static bool is_list(size_t len, size_t head)
{
	return len >= head && (len - head) % CONTACT == 0 && (len - head) / CONTACT <= COUNT_MAX;
}

static bool fits(const uint8_t *data, size_t len)
{
	return len >= OVERHEAD + SHORT && len <= LONGEST && !(data[0] & 1) && !is_plain(data[0]);
}

bool kad_shape_may_begin(const uint8_t *data, size_t len)
{
	return fits(data, len) && (len == OVERHEAD + SHORT || len == OVERHEAD + REQUEST);
}

/* Bit mask of the other side's requests that a message of this length can answer. */
static uint8_t answers(size_t len)
{
	uint8_t kinds = 0;

	if (len == PONG || is_list(len, BOOTSTRAP))
		kinds |= ASKED_SHORT;
	if (is_list(len, ANSWER))
		kinds |= ASKED_REQUEST;
	return kinds;
}

static void weigh(struct kad_shape *k, const uint8_t *data, size_t len)
{
	size_t room = sizeof(k->bytes) - k->have;

	/* The first byte is not random in its lowest bit, so it is left out. */
	if (len - 1 < room)
		room = len - 1;
	memcpy(k->bytes + k->have, data + 1, room);
	k->have = (uint16_t)(k->have + room);
}

unsigned int kad_shape_note(struct kad_shape *k, bool from_origin, const uint8_t *data, size_t len)
{
	uint8_t *mine = &k->asked[from_origin], *theirs = &k->asked[!from_origin];
	uint8_t answered;

	if (k->over || k->count == KAD_SHAPE_MAX || !fits(data, len)) {
		k->over = true;
		return 0;
	}
	k->count++;
	weigh(k, data, len);
	len -= OVERHEAD;
	answered = answers(len) & *theirs;
	*theirs &= (uint8_t)~answered;
	if (answered) {
		k->pairs++;
		k->requests += !!(answered & ASKED_REQUEST);
	}
	if (len == SHORT)
		*mine |= ASKED_SHORT;
	if (len == REQUEST)
		*mine |= ASKED_REQUEST;
	if (k->pairs < 2 || !k->requests || k->have < 96)
		return 0;
	return bytes_look_random(k->bytes, k->have) ? 70 : 0;
}

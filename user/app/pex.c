// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer exchange (BEP 11) in unencrypted peer connections. The handshake (BEP 3) is followed by
 * messages with a length of four bytes. Message 20 is an extension message (BEP 10), whose number 0
 * is the extension handshake, in which each side assigns the numbers of the extension messages that
 * it receives.
 */
#include <arpa/inet.h>
#include <string.h>

#include "app/bittorrent.h"

#define HANDSHAKE     68
#define RESERVED_AT   25 /* offset in the handshake of the byte with the extension bit */
#define EXTENSION_BIT 0x10
#define EXTENDED      20
#define LENGTH_MAX    (1u << 21)
#define MESSAGES_MAX  64
#define PEERS_MAX     256 /* peers of one message that are learned at most */

enum body { BODY_NONE, BODY_HANDSHAKE, BODY_PEERS };

struct side_at_work {
	struct pex *pex;
	struct pex_side *side;
	const struct app_services *services;
	const struct app_message *message;
};

static void handshake_event(void *arg, const struct bencode *b, const struct bencode_event *e)
{
	const struct side_at_work *w = arg;

	if (e->kind != BENCODE_INTEGER)
		return;
	if (e->depth == 2 && strcmp(bencode_key(b, 0), "m") == 0 &&
	    strcmp(bencode_key(b, 1), "ut_pex") == 0 && e->integer > 0 && e->integer < 256)
		w->side->wants = (uint8_t)e->integer;
	/* A host may announce its own port. */
	if (e->depth == 1 && strcmp(bencode_key(b, 0), "p") == 0 && e->integer > 0 &&
	    e->integer <= UINT16_MAX)
		peer_learn_sender(w->services, w->message, (uint16_t)e->integer,
				  WEIR_SOURCE_HANDSHAKE);
}

/* Entries of 6 or 18 bytes, which may be split. */
static void peers_event(void *arg, const struct bencode *b, const struct bencode_event *e)
{
	const struct side_at_work *w = arg;
	struct pex_side *side = w->side;
	size_t size;

	if (e->kind != BENCODE_TEXT || e->depth != 1)
		return;
	if (strcmp(bencode_key(b, 0), "added") == 0)
		size = 6;
	else if (strcmp(bencode_key(b, 0), "added6") == 0)
		size = 18;
	else
		return;
	for (size_t i = 0; i < e->len; i++) {
		size_t at = (e->offset + i) % size;

		side->part[at] = e->data[i];
		if (at == size - 1 && side->peers++ < PEERS_MAX)
			peer_learn_compact(w->services, w->message, side->part, size,
					   WEIR_SOURCE_PEX);
	}
}

/* Called when a message's length, type and extension number are complete. */
static void message_begin(struct side_at_work *w)
{
	struct pex_side *side = w->side, *other = &w->pex->side[side == &w->pex->side[0]];
	uint8_t number = side->head[5];

	side->body = BODY_NONE;
	if (side->head[4] != EXTENDED || side->left < 2)
		return;
	side->left -= 2;
	side->have = 0;
	if (number == 0)
		side->body = BODY_HANDSHAKE;
	else if (number == other->wants)
		side->body = BODY_PEERS;
	if (side->body == BODY_NONE)
		return;
	w->pex->messages++;
	side->peers = 0;
	bencode_init(&side->bencode);
}

static size_t body_take(struct side_at_work *w, const uint8_t *data, size_t len)
{
	struct pex_side *side = w->side;

	if (len > side->left)
		len = side->left;
	if (side->body == BODY_HANDSHAKE)
		(void)bencode_feed(&side->bencode, data, len, NULL, handshake_event, w);
	else if (side->body == BODY_PEERS)
		(void)bencode_feed(&side->bencode, data, len, NULL, peers_event, w);
	side->left -= (uint32_t)len;
	if (side->left == 0)
		side->body = BODY_NONE;
	return len;
}

static size_t handshake_take(struct pex_side *side, const uint8_t *data, size_t len)
{
	if (len > (size_t)(HANDSHAKE - side->greeted))
		len = (size_t)(HANDSHAKE - side->greeted);
	if (side->greeted <= RESERVED_AT && side->greeted + len > RESERVED_AT)
		side->extends = data[RESERVED_AT - side->greeted] & EXTENSION_BIT;
	side->greeted = (uint8_t)(side->greeted + len);
	return len;
}

/* Takes one byte of a message's header: four of length, one of type; of an extension message one
 * more. */
static void head_take(struct side_at_work *w, uint8_t byte)
{
	struct pex_side *side = w->side;

	side->head[side->have++] = byte;
	if (side->have < 4)
		return;
	if (side->have == 4) {
		side->left = (uint32_t)side->head[0] << 24 | (uint32_t)side->head[1] << 16 |
			     (uint32_t)side->head[2] << 8 | side->head[3];
		if (side->left == 0)
			side->have = 0;
		w->pex->over |= side->left > LENGTH_MAX;
		return;
	}
	/* The length includes the type and the extension number. */
	if (side->have == 5 && (byte != EXTENDED || side->left < 2)) {
		side->left--;
		side->have = 0;
		side->body = BODY_NONE;
	} else if (side->have == 6) {
		message_begin(w);
		side->have = 0;
	}
}

bool pex_read(struct pex *p, const struct app_services *s, const struct app_message *m)
{
	struct pex_side *side = &p->side[m->from_origin];
	struct side_at_work w = {p, side, s, m};
	const uint8_t *data = m->data;
	size_t len = m->len, used;

	p->bytes += (uint32_t)len;
	while (len > 0 && !p->over) {
		used = 1;
		if (side->greeted < HANDSHAKE)
			used = handshake_take(side, data, len);
		else if (side->have == 0 && side->left > 0)
			used = body_take(&w, data, len);
		else
			head_take(&w, *data);
		data += used;
		len -= used;
	}
	if (p->side[0].greeted == HANDSHAKE && p->side[1].greeted == HANDSHAKE &&
	    !(p->side[0].extends && p->side[1].extends))
		return false;
	return !p->over && p->bytes < PEX_BYTES_MAX && p->messages < MESSAGES_MAX;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What peers tell of themselves and of others in unencrypted connections, over TCP and uTP: the
 * responder's handshake shows that its port is BitTorrent's; the extension handshake (BEP 10) names
 * a host's own port and the number by which it wants peer exchange (BEP 11).
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "app/bittorrent.h"
#include "app/consumer.h"
#include "proto/peer_wire.h"
#include "proto/utp.h"

#define MESSAGES_MAX 64	 /* extension messages that are read */
#define PEERS_MAX    256 /* peers of one message that are learned at most */
/* Messages of one side that are waited through for the other's handshake. */
#define UNANSWERED_MAX 8

struct exchange {
	struct exchange_side {
		bool greeted;
		bool extends;  /* it supports the extension protocol */
		uint8_t wants; /* number that it chose for ut_pex, 0: none */
		bool reads;    /* the payload at hand is read */
		uint16_t peers;
		uint8_t part[18]; /* compact entry */
		uint64_t bytes;	  /* up to its last message */
		struct bencode bencode;
	} side[2];
	uint8_t messages, unanswered;
};

/* What is told of one event. */
struct telling {
	struct exchange *x;
	struct exchange_side *side;
	const struct app_services *services;
	const struct app_message *message;
};

static void handshake_event(void *arg, const struct bencode *b, const struct bencode_event *e)
{
	const struct telling *t = arg;

	if (e->kind != BENCODE_INTEGER)
		return;
	if (e->depth == 2 && strcmp(bencode_key(b, 0), "m") == 0 &&
	    strcmp(bencode_key(b, 1), "ut_pex") == 0 && e->integer > 0 && e->integer < 256)
		t->side->wants = (uint8_t)e->integer;
	/* A host may announce its own port. */
	if (e->depth == 1 && strcmp(bencode_key(b, 0), "p") == 0 && e->integer > 0 &&
	    e->integer <= UINT16_MAX)
		peer_learn_sender(t->services, t->message, (uint16_t)e->integer,
				  WEIR_SOURCE_HANDSHAKE);
}

/* Entries of 6 or 18 bytes, which may be split. */
static void peers_event(void *arg, const struct bencode *b, const struct bencode_event *e)
{
	const struct telling *t = arg;
	struct exchange_side *side = t->side;
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
			peer_learn_compact(t->services, t->message, side->part, size,
					   WEIR_SOURCE_PEX);
	}
}

static void read_payload(struct telling *t, const struct peer_wire_event *e)
{
	struct exchange_side *side = t->side, *other = &t->x->side[!e->side];

	if (e->at == 0) {
		side->reads = e->number == 0 || e->number == other->wants;
		side->peers = 0;
		t->x->messages += side->reads;
		bencode_init(&side->bencode);
	}
	if (side->reads && e->size)
		(void)bencode_feed(&side->bencode, e->data, e->size, NULL,
				   e->number == 0 ? handshake_event : peers_event, t);
}

static void greet(struct telling *t, const struct peer_wire_event *e)
{
	if (t->side->greeted)
		return;
	t->side->greeted = true;
	t->side->extends = e->extends;
	/* Sent by the responder, a handshake proves that its port is BitTorrent's. */
	if (e->side == STREAM_SERVER)
		peer_learn_sender(t->services, t->message, t->message->sport,
				  WEIR_SOURCE_HANDSHAKE);
}

/* Whether to go on. */
static bool goes_on(const struct exchange *x)
{
	bool client = x->side[STREAM_CLIENT].greeted, server = x->side[STREAM_SERVER].greeted;

	if (server && !client)
		return false;
	if (server && !(x->side[0].extends && x->side[1].extends))
		return false;
	return x->unanswered < UNANSWERED_MAX && x->messages < MESSAGES_MAX &&
	       x->side[0].bytes + x->side[1].bytes < PEX_BYTES_MAX;
}

/* Takes an event of a peer connection, m of its sender. Returns whether to go on. */
static bool exchange_take(struct exchange *x, const struct app_services *s,
			  const struct app_message *m, const struct peer_wire_event *e)
{
	struct telling t = {.x = x, .side = &x->side[e->side], .services = s, .message = m};

	if (e->kind == PEER_WIRE_GREETED)
		greet(&t, e);
	else if (e->kind == PEER_WIRE_PAYLOAD)
		read_payload(&t, e);
	else
		x->unanswered += !x->side[!e->side].greeted;
	t.side->bytes = e->offset;
	return goes_on(x);
}

static unsigned int wants(const struct app_services *s, const struct flow *f)
{
	bool known = f->method == WEIR_METHOD_SIGNATURE || f->method == WEIR_METHOD_HANDSHAKE;

	/* Without its beginning the side that was called is not known. */
	return s->learn && known && !f->midstream ? CONSUMER_BOTH : 0;
}

static void peer_event(const struct app_services *s, const struct app_message *m, const void *event,
		       void **state, struct consumer_answer *answer)
{
	if (!*state)
		*state = calloc(1, sizeof(struct exchange));
	if (!*state || !exchange_take(*state, s, m, event))
		answer->verb = CONSUMER_LEAVE;
}

CONSUMER(bittorrent_peer) = {
	.abi = CONSUMER_ABI,
	.name = "bittorrent-peer",
	.help = "peers that peer exchange tells of, over TCP",
	.module = BITTORRENT_NAME,
	.reader = &reader_peer_wire,
	.wants = wants,
	.event = peer_event,
	.release = free,
};

/* ---- over uTP ---- */

struct utp_peer {
	struct peer_wire wire;
	struct exchange exchange;
	bool over;
};

struct utp_telling {
	struct utp_peer *peer;
	const struct app_services *services;
	const struct app_message *message;
};

static void wire_event(void *arg, const void *event)
{
	struct utp_telling *t = arg;

	if (!t->peer->over)
		t->peer->over = !exchange_take(&t->peer->exchange, t->services, t->message, event);
}

/* What the sender of the event would have sent: a datagram of the other side may be why it comes
 * now. */
static struct app_message message_of(const struct app_message *m, const struct stream_event *e)
{
	struct app_message out = *m;

	if (m->from_origin == (e->side == STREAM_CLIENT))
		return out;
	out.dir = !m->dir;
	out.from_origin = !m->from_origin;
	out.sport = m->dport;
	out.dport = m->sport;
	memcpy(out.src, m->dst, sizeof(out.src));
	memcpy(out.dst, m->src, sizeof(out.dst));
	return out;
}

static void utp_event(const struct app_services *s, const struct app_message *m, const void *event,
		      void **state, struct consumer_answer *answer)
{
	const struct stream_event *e = event;
	struct app_message sender = message_of(m, e);
	struct utp_peer *p = *state;
	struct utp_telling t = {.services = s, .message = &sender};

	if (!p)
		p = *state = calloc(1, sizeof(*p));
	t.peer = p;
	/* Encrypted, or another protocol; another connection begins behind a RESET. */
	if (p && (peer_wire_read(&p->wire, e, wire_event, &t) < 0 || p->over))
		p->over = true;
	if (!p || p->over)
		answer->verb = CONSUMER_LEAVE;
	else if (e->kind == STREAM_RESET)
		p->exchange = (struct exchange){.messages = p->exchange.messages};
}

CONSUMER(bittorrent_utp) = {
	.abi = CONSUMER_ABI,
	.name = "bittorrent-utp",
	.help = "peers that peer exchange tells of, over uTP",
	.module = BITTORRENT_NAME,
	.reader = &reader_utp,
	.wants = wants,
	.event = utp_event,
	.release = free,
};

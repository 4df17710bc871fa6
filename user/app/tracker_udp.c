// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <string.h>

#include "app/bittorrent.h"

#define CONNECT_REQUEST	  16
#define CONNECT_MAX	  64
#define CONNECT_RESPONSE  16
#define ANNOUNCE_REQUEST  98
#define ANNOUNCE_RESPONSE 20
#define ANNOUNCE_PORT	  96
#define ANNOUNCE_EVENT	  80
#define ANNOUNCE_LEFT	  64

static uint32_t word_at(const uint8_t *data, size_t at)
{
	uint32_t w;

	memcpy(&w, data + at, sizeof(w));
	return w;
}

bool tracker_udp_is_connect(const uint8_t *data, size_t len)
{
	/* The protocol's magic number, then action 0. */
	static const uint8_t magic[12] = {0, 0, 0x04, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0};

	return len >= CONNECT_REQUEST && len <= CONNECT_MAX &&
	       memcmp(data, magic, sizeof(magic)) == 0;
}

bool tracker_udp_may_be_announce(const uint8_t *data, size_t len)
{
	return len >= ANNOUNCE_REQUEST && word_at(data, 8) == htonl(TRACKER_ANNOUNCE) &&
	       ntohl(word_at(data, ANNOUNCE_EVENT)) <= 3 &&
	       (data[ANNOUNCE_PORT] || data[ANNOUNCE_PORT + 1]) &&
	       /* no torrent has 2^56 bytes, but -1 means "unknown" */
	       (data[ANNOUNCE_LEFT] == 0 || data[ANNOUNCE_LEFT] == 0xff);
}

static void pending_add(struct tracker_udp *t, uint32_t transaction, enum tracker_action action,
			unsigned int own)
{
	t->pending[t->next] = (struct tracker_pending){.transaction = transaction,
						       .own = (uint16_t)own,
						       .action = (uint8_t)action,
						       .used = true};
	t->next = (uint8_t)((t->next + 1) % TRACKER_PENDING_MAX);
}

/* The remembered request that a datagram of the tracker answers, or NULL. */
static const struct tracker_pending *pending_find(const struct tracker_udp *t,
						  const struct app_message *m)
{
	uint32_t action = m->len < CONNECT_RESPONSE ? TRACKER_ERROR : ntohl(word_at(m->data, 0));

	if (action != TRACKER_CONNECT && (action != TRACKER_ANNOUNCE || m->len < ANNOUNCE_RESPONSE))
		return NULL;
	for (size_t i = 0; i < TRACKER_PENDING_MAX; i++) {
		const struct tracker_pending *p = &t->pending[i];

		if (p->used && p->transaction == word_at(m->data, 4) && p->action == action)
			return p;
	}
	return NULL;
}

void tracker_udp_request(struct tracker_udp *t, const struct app_message *m)
{
	const uint8_t *port = m->data + ANNOUNCE_PORT;

	if (tracker_udp_is_connect(m->data, m->len))
		pending_add(t, word_at(m->data, 12), TRACKER_CONNECT, 0);
	else if (tracker_udp_may_be_announce(m->data, m->len))
		pending_add(t, word_at(m->data, 12), TRACKER_ANNOUNCE,
			    (unsigned int)port[0] << 8 | port[1]);
}

static void announce_response(const struct app_services *s, const struct app_message *m)
{
	/* BEP 15: the peers' addresses are of the same family as the flow's. */
	size_t size = address_is_v4(m->src) ? 6 : 18;
	size_t count = (m->len - ANNOUNCE_RESPONSE) / size;

	if (count > TRACKER_PEERS_MAX)
		count = TRACKER_PEERS_MAX;
	for (size_t i = 0; i < count; i++)
		peer_learn_compact(s, m, m->data + ANNOUNCE_RESPONSE + i * size, size,
				   WEIR_SOURCE_UDP_TRACKER);
}

bool tracker_udp_answers(const struct tracker_udp *t, const struct app_message *m)
{
	return pending_find(t, m);
}

bool tracker_udp_response(struct tracker_udp *t, const struct app_services *s,
			  const struct app_message *m)
{
	const struct tracker_pending *p = pending_find(t, m);

	if (!p)
		return false;
	/* An answer counts once. */
	t->pending[p - t->pending].used = false;
	if (p->action == TRACKER_CONNECT)
		return true;
	peer_learn_own(s, m, p->own);
	announce_response(s, m);
	return true;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "app/bittorrent.h"

/* What of a KRPC message has been seen. */
struct message {
	char type; /* q or r */
	bool method;
	bool transaction;
	bool query_id, response_id; /* 20 bytes */
};

static void message_event(void *arg, const struct bencode *b, const struct bencode_event *e)
{
	struct message *m = arg;
	const char *key = bencode_key(b, 0);

	/* A datagram is read in one go, so a text is one piece. */
	if (e->kind != BENCODE_TEXT)
		return;
	if (e->depth == 1 && strcmp(key, "y") == 0 && e->len == 1)
		m->type = (char)e->data[0];
	if (e->depth == 1 && strcmp(key, "q") == 0)
		m->method = e->len > 0;
	if (e->depth == 1 && strcmp(key, "t") == 0)
		m->transaction = true;
	if (e->depth != 2 || strcmp(bencode_key(b, 1), "id") != 0 || e->len != 20)
		return;
	m->query_id |= strcmp(key, "a") == 0;
	m->response_id |= strcmp(key, "r") == 0;
}

bool dht_is_message(const uint8_t *data, size_t len)
{
	struct bencode b;
	struct message m = {0};
	size_t used = 0;

	if (len < 8 || data[0] != 'd')
		return false;
	bencode_init(&b);
	if (bencode_feed(&b, data, len, &used, message_event, &m) != 1 || used != len)
		return false;
	return m.transaction &&
	       ((m.type == 'q' && m.method && m.query_id) || (m.type == 'r' && m.response_id));
}

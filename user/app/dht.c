// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "app/bittorrent.h"

/* State while parsing a KRPC message. */
struct krpc {
	struct dht_message *out;
	char type; /* q, r or e */
	bool method;
	bool transaction;
	bool query_id, response_id; /* an id of 20 bytes was seen */
	bool error;
	bool implied_port;
	int64_t port;
};

static inline bool is_key(const struct bencode *b, unsigned int depth, const char *key)
{
	const char *is = bencode_key(b, depth);

	return is[0] == key[0] && strcmp(is, key) == 0;
}

static bool is_text(const struct bencode_event *e, const char *text)
{
	return e->len == strlen(text) && memcmp(e->data, text, e->len) == 0;
}

static void token_set(struct dht_token *t, const struct bencode_event *e)
{
	*t = (struct dht_token){.len = (uint8_t)(e->len < 255 ? e->len : 255)};
	memcpy(t->head, e->data, e->len < sizeof(t->head) ? e->len : sizeof(t->head));
}

static bool token_is(const struct dht_token *a, const struct dht_token *b)
{
	return a->len > 0 && memcmp(a, b, sizeof(*a)) == 0;
}

static void outer_text(struct krpc *k, const struct bencode *b, const struct bencode_event *e)
{
	if (is_key(b, 0, "y") && e->len == 1)
		k->type = (char)e->data[0];
	if (is_key(b, 0, "t")) {
		k->transaction = true;
		token_set(&k->out->transaction, e);
	}
	if (!is_key(b, 0, "q") || e->len == 0)
		return;
	k->method = true;
	if (is_text(e, "get_peers"))
		k->out->method = DHT_GET_PEERS;
	else if (is_text(e, "announce_peer"))
		k->out->method = DHT_ANNOUNCE_PEER;
}

static void inner_text(struct krpc *k, const struct bencode *b, const struct bencode_event *e)
{
	if (is_key(b, 1, "token"))
		token_set(&k->out->token, e);
	if (e->len != 20 || !is_key(b, 1, "id"))
		return;
	k->query_id |= is_key(b, 0, "a");
	k->response_id |= is_key(b, 0, "r");
}

static void inner_integer(struct krpc *k, const struct bencode *b, int64_t integer)
{
	if (!is_key(b, 0, "a"))
		return;
	if (is_key(b, 1, "port"))
		k->port = integer;
	if (is_key(b, 1, "implied_port"))
		k->implied_port = integer != 0;
}

/* A datagram is parsed in one call, so a string is one piece. */
static void krpc_event(void *arg, const struct bencode *b, const struct bencode_event *e)
{
	struct krpc *k = arg;

	if (e->depth == 1 && e->kind == BENCODE_TEXT)
		outer_text(k, b, e);
	else if (e->depth == 1 && e->kind == BENCODE_LIST)
		k->error |= is_key(b, 0, "e");
	else if (e->depth == 2 && e->kind == BENCODE_TEXT)
		inner_text(k, b, e);
	else if (e->depth == 2 && e->kind == BENCODE_INTEGER)
		inner_integer(k, b, e->integer);
}

static uint8_t krpc_kind(const struct krpc *k)
{
	if (!k->transaction)
		return DHT_NONE;
	if (k->type == 'q' && k->method && k->query_id)
		return DHT_QUERY;
	if (k->type == 'r' && k->response_id)
		return DHT_RESPONSE;
	return k->type == 'e' && k->error ? DHT_ERROR : DHT_NONE;
}

static bool
read_whole(const uint8_t *data, size_t len,
	   void (*fn)(void *arg, const struct bencode *b, const struct bencode_event *e), void *arg)
{
	struct bencode b;
	size_t used = 0;

	if (len < 8 || data[0] != 'd')
		return false;
	bencode_init(&b);
	return bencode_feed(&b, data, len, &used, fn, arg) == 1 && used == len;
}

void dht_parse(const uint8_t *data, size_t len, struct dht_message *out)
{
	struct krpc k = {.out = out};

	*out = (struct dht_message){0};
	if (!read_whole(data, len, krpc_event, &k))
		return;
	out->kind = krpc_kind(&k);
	if (k.port > 0 && k.port <= UINT16_MAX && !k.implied_port)
		out->port = (uint16_t)k.port;
}

/* A host that returns the token has received it, so its address is not spoofed. */
static uint16_t announced_port(const struct dht *d, const struct dht_message *q,
			       const struct app_message *m)
{
	if (q->method != DHT_ANNOUNCE_PEER || !token_is(&q->token, &d->token[m->from_origin]))
		return 0;
	return q->port ? q->port : m->sport;
}

static void pending_add(struct dht *d, const struct dht_message *q, const struct app_message *m)
{
	d->pending[d->next] = (struct dht_pending){
		.transaction = q->transaction,
		.method = q->method,
		.from_origin = m->from_origin,
		.used = true,
		.own = announced_port(d, q, m),
	};
	d->next = (uint8_t)((d->next + 1) % DHT_PENDING_MAX);
}

/* Removes a remembered query of the other side, because an answer counts once. */
static bool pending_take(struct dht *d, const struct dht_message *r, bool from_origin,
			 struct dht_pending *out)
{
	for (size_t i = 0; i < DHT_PENDING_MAX; i++) {
		struct dht_pending *p = &d->pending[i];

		if (!p->used || p->from_origin == from_origin ||
		    !token_is(&p->transaction, &r->transaction))
			continue;
		p->used = false;
		*out = *p;
		return true;
	}
	return false;
}

/* An answer whose peers are learned. */
struct reading {
	const struct app_services *services;
	const struct app_message *message;
	unsigned int peers;
};

static void value_event(void *arg, const struct bencode *b, const struct bencode_event *e)
{
	struct reading *t = arg;

	if (e->kind != BENCODE_TEXT || e->depth != 3 || !is_key(b, 0, "r") ||
	    !is_key(b, 1, "values") || (e->len != 6 && e->len != 18) ||
	    t->peers == TRACKER_PEERS_MAX)
		return;
	t->peers++;
	peer_learn_compact(t->services, t->message, e->data, e->len, WEIR_SOURCE_DHT);
}

static void answered(const struct dht_pending *q, const struct app_services *s,
		     const struct app_message *m)
{
	struct reading t = {.services = s, .message = m};

	/* A host that knows the transaction has received the query. */
	peer_learn_sender(s, m, m->sport, WEIR_SOURCE_DHT);
	peer_learn_own(s, m, q->own);
	if (q->method == DHT_GET_PEERS)
		(void)read_whole(m->data, m->len, value_event, &t);
}

void dht_note(struct dht *d, const struct dht_message *k, const struct app_services *s,
	      const struct app_message *m)
{
	struct dht_pending query;

	if (k->kind == DHT_QUERY)
		pending_add(d, k, m);
	else if (k->kind == DHT_RESPONSE && pending_take(d, k, m->from_origin, &query))
		answered(&query, s, m);
	if (k->kind == DHT_RESPONSE && k->token.len > 0)
		d->token[!m->from_origin] = k->token;
}

bool dht_read(struct dht *d, const struct app_services *s, const struct app_message *m)
{
	struct dht_message k;

	dht_parse(m->data, m->len, &k);
	dht_note(d, &k, s, m);
	return k.kind != DHT_NONE;
}

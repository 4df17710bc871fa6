// SPDX-License-Identifier: GPL-2.0-only
/*
 * eDonkey, eMule and Kad as far as signatures cannot identify them: peers learned from unencrypted
 * messages, and obfuscated flows, which are identified by the receiver's identity or by Kad's
 * datagram lengths.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "app/consumer.h"
#include "app/edonkey.h"
#include "app/finding.h"
#include "app/midstream.h"
#include "app/module.h"

/* Bytes of a connection between clients that are read: files follow. */
#define PEER_BYTES_MAX 65536
/* Datagrams of a UDP flow that are read: enough for the first exchange. */
#define DATAGRAMS_MAX 32

enum role { ROLE_STREAM, ROLE_DATAGRAMS, ROLE_SHAPE };

struct stream {
	struct ed2k_reader reader[2];
	uint32_t bytes;
	bool server;
};

struct edonkey {
	enum role role;
	union {
		struct stream stream;
		struct kad_shape shape;
		struct {
			unsigned int count;
			bool asked[2]; /* a request of the responder, of the originator was seen */
		} datagrams;
	};
};

static struct edonkey *state_new(void **state, enum role role)
{
	struct edonkey *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	free(*state);
	*state = e;
	e->role = role;
	return e;
}

static struct edonkey *state_in(void **state, enum role role)
{
	struct edonkey *e = *state;

	return e && e->role == role ? e : NULL;
}

static void found(const struct app_services *s, unsigned int confidence, enum weir_method method,
		  struct app_finding *f)
{
	(void)finding_name(s, EDONKEY_NAME, method, confidence, f);
}

/* ---- connections ---- */

struct reading {
	const struct app_services *services;
	const struct app_message *message;
	struct stream *stream;
};

static void on_message(void *arg, uint8_t protocol, uint8_t opcode, const uint8_t *payload,
		       size_t len, size_t total)
{
	const struct reading *t = arg;

	if (ed2k_tell_message(t->services, t->message, protocol, opcode, payload, len))
		t->stream->server = true;
}

/* Parses the next bytes. Returns whether to continue reading. */
static bool stream_read(struct stream *st, const struct app_services *s,
			const struct app_message *m, const uint8_t *data, size_t len)
{
	struct reading t = {s, m, st};
	bool ok = ed2k_feed(&st->reader[m->from_origin], data, len, on_message, &t);

	st->bytes += (uint32_t)len;
	return ok && (st->server || st->bytes < PEER_BYTES_MAX);
}

/* Whether the connection begins with obfuscation under a peer's known identity. */
static bool stream_opens(const struct app_services *s, const struct app_message *m)
{
	uint8_t identity[16];

	return s->facts && m->from_origin &&
	       facts_identity(s->facts, m->dst, htons(m->dport), m->domain, m->now_ns, identity) &&
	       ed2k_opens_stream(identity, m->data, m->len);
}

static void stream_undecided(const struct app_services *s, const struct app_message *m,
			     struct app_finding *f)
{
	if (f->app)
		return;
	if (stream_opens(s, m)) {
		found(s, 100, WEIR_METHOD_SIGNATURE, f);
		f->reconnect = peer_is_acceptable(m->dst, m->dport);
	} else if (m->flow->midstream && edonkey_goes_on(m->data, m->len)) {
		found(s, 95, WEIR_METHOD_SIGNATURE, f);
	}
}

/* ---- datagrams ---- */

#define KAD_REQUESTS "\x01\x11\x21"

static bool is_kad_request(const struct app_message *m)
{
	return m->len >= 2 && m->data[0] == ED2K_KAD && m->data[1] &&
	       strchr(KAD_REQUESTS, m->data[1]) != NULL;
}

/* An answer without a request is not used. */
static bool datagram_read(struct edonkey *e, const struct app_services *s,
			  const struct app_message *m)
{
	bool request = m->data[0] == ED2K_PLAIN || is_kad_request(m);

	if (e->datagrams.asked[!m->from_origin])
		ed2k_tell_datagram(s, m);
	if (request)
		e->datagrams.asked[m->from_origin] = true;
	return ++e->datagrams.count < DATAGRAMS_MAX;
}

static bool datagram_opens(const struct app_services *s, const struct app_message *m)
{
	uint8_t identity[16];

	if (!s->facts)
		return false;
	if (facts_identity(s->facts, m->dst, htons(m->dport), m->domain, m->now_ns, identity) &&
	    ed2k_opens_datagram(identity, m->src, m->data, m->len))
		return true;
	return facts_identity(s->facts, m->src, htons(m->sport), m->domain, m->now_ns, identity) &&
	       ed2k_opens_answer(identity, m->data, m->len);
}

static void datagram_undecided(const struct app_services *s, const struct app_message *m,
			       void **state, struct app_finding *f)
{
	struct edonkey *e = state_in(state, ROLE_SHAPE);
	unsigned int confidence;

	if (f->app)
		return;
	if (datagram_opens(s, m)) {
		found(s, 100, WEIR_METHOD_SIGNATURE, f);
		return;
	}
	if (!*state && m->from_origin && kad_shape_may_begin(m->data, m->len))
		e = state_new(state, ROLE_SHAPE);
	confidence = e ? kad_shape_note(&e->shape, m->from_origin, m->data, m->len) : 0;
	if (confidence)
		found(s, confidence, WEIR_METHOD_STATISTICS, f);
}

/* ---- the module ---- */

static void edonkey_undecided(const struct app_services *s, const struct app_message *m,
			      void **state, struct app_finding *finding)
{
	if (m->len == 0)
		return;
	if (m->proto == IPPROTO_TCP)
		stream_undecided(s, m, finding);
	else if (m->proto == IPPROTO_UDP)
		datagram_undecided(s, m, state, finding);
}

/* One that is obfuscated cannot be read. */
static struct edonkey *datagrams_begin(const struct app_message *m, void **state)
{
	static const uint8_t plain[] = {ED2K_PLAIN, ED2K_EMULE, ED2K_PACKED, ED2K_KAD,
					ED2K_KAD_PACKED};

	return m->len && memchr(plain, m->data[0], sizeof(plain)) ? state_new(state, ROLE_DATAGRAMS)
								  : NULL;
}

static unsigned int edonkey_wants(const struct app_services *s, const struct flow *f)
{
	return s->learn && f->method == WEIR_METHOD_SIGNATURE ? CONSUMER_BOTH : 0;
}

static void edonkey_event(const struct app_services *s, const struct app_message *m,
			  const void *event, void **state, struct consumer_answer *answer)
{
	const struct stream_event *e = event;
	struct edonkey *k = *state;
	bool stays = e->kind != STREAM_GAP; /* nothing tells where the next message begins */

	if (stream_has_bytes(e) && m->len) {
		if (!k)
			k = m->proto == IPPROTO_TCP ? state_new(state, ROLE_STREAM)
						    : datagrams_begin(m, state);
		stays = k &&
			(k->role == ROLE_STREAM ? stream_read(&k->stream, s, m, m->data, m->len)
						: datagram_read(k, s, m));
	}
	if (!stays)
		answer->verb = CONSUMER_LEAVE;
}

CONSUMER(edonkey) = {
	.abi = CONSUMER_ABI,
	.name = EDONKEY_NAME,
	.help = "sources, servers and contacts that clients are told of",
	.module = EDONKEY_NAME,
	.wants = edonkey_wants,
	.event = edonkey_event,
	.release = free,
};

const struct app_module edonkey_module = {
	.name = EDONKEY_NAME,
	.category = "p2p",
	.help = "sources and contacts that clients are told of; obfuscated eMule and Kad",
	.undecided = edonkey_undecided,
	.release = free,
};

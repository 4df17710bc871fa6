// SPDX-License-Identifier: GPL-2.0-only
/*
 * BitTorrent: the peer handshake (BEP 3), the DHT (BEP 5), local discovery (BEP 14), uTP (BEP 29),
 * and trackers. The peers that are learned from them identify later connections before their first
 * byte.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "app/bittorrent.h"
#include "app/consumer.h"
#include "app/finding.h"
#include "app/midstream.h"
#include "app/module.h"

static const uint8_t handshake[20] = "\x13"
				     "BitTorrent protocol";

/* Roles of a flow. */
enum role {
	ROLE_NONE,
	ROLE_UDP_TRACKER,
	ROLE_UTP,
	ROLE_DHT,
	ROLE_LATE, /* datagrams whose beginning was not seen */
};

struct bittorrent {
	enum role role;
	bool from_origin; /* direction of the client or of the SYN */
	union {
		struct tracker_udp udp;
		struct {
			struct utp_syn syn;
			bool began; /* the flow began with that SYN */
			struct utp_track track;
		} utp;
		struct dht dht;
	};
};

/* Replaces the flow's state by that of a new role; NULL on ENOMEM. */
static struct bittorrent *state_new(void **state, enum role role, const struct app_message *m)
{
	struct bittorrent *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	free(*state);
	*state = b;
	b->role = role;
	b->from_origin = m->from_origin;
	return b;
}

static struct bittorrent *state_in(void **state, enum role role)
{
	struct bittorrent *b = *state;

	return b && b->role == role ? b : NULL;
}

static void found(const struct app_services *s, enum weir_method method, struct app_finding *f)
{
	(void)finding_name(s, BITTORRENT_NAME, method, 100, f);
}

/* A flow between peers: the responder's port serves BitTorrent only, unless it is a well-known
 * one. */
static void found_peer(const struct app_services *s, const struct app_message *m,
		       enum weir_method method, struct app_finding *f)
{
	found(s, method, f);
	f->reconnect = f->app && peer_is_acceptable(m->from_origin ? m->dst : m->src,
						    m->from_origin ? m->dport : m->sport);
}

static void found_tracker(const struct app_services *s, enum weir_method method,
			  struct app_finding *f)
{
	found(s, method, f);
	/* A web front end may serve other sites on the tracker's port. */
	f->reconnect = false;
}

static bool is_bittorrent(const struct app_services *s, const struct app_finding *f)
{
	return f->app && f->app == app_registry_find(s->registry, BITTORRENT_NAME);
}

static bool is_handshake(const uint8_t *data, size_t len)
{
	return len >= sizeof(handshake) && memcmp(data, handshake, sizeof(handshake)) == 0;
}

static bool udp_is_request(const struct app_message *m)
{
	return tracker_udp_is_connect(m->data, m->len) ||
	       tracker_udp_may_be_announce(m->data, m->len);
}

static struct bittorrent *udp_begin(const struct app_message *m, void **state)
{
	struct bittorrent *b = state_in(state, ROLE_UDP_TRACKER);

	if (!udp_is_request(m))
		return NULL;
	if (!b)
		b = state_new(state, ROLE_UDP_TRACKER, m);
	if (b)
		tracker_udp_request(&b->udp, m);
	return b;
}

static void tcp_undecided(const struct app_services *s, const struct app_message *m,
			  struct app_finding *f)
{
	struct tracker_request request;

	if (is_handshake(m->data, m->len))
		found_peer(s, m, WEIR_METHOD_HANDSHAKE, f);
	else if (tracker_request_parse(m->data, m->len, &request))
		found_tracker(s, WEIR_METHOD_SIGNATURE, f);
	else if (!f->app && m->flow->midstream && bittorrent_goes_on(m->data, m->len))
		found(s, WEIR_METHOD_SIGNATURE, f);
}

/* A client's datagram to a tracker. A connect request identifies the flow; an announce alone (the
 * connect was before the flow was seen) has to be answered first, unless a signature identified
 * it. */
static bool udp_tracker_undecided(const struct app_services *s, const struct app_message *m,
				  void **state, struct app_finding *f)
{
	struct bittorrent *b = state_in(state, ROLE_UDP_TRACKER);

	if (b && m->from_origin != b->from_origin) {
		if (!tracker_udp_answers(&b->udp, m))
			return false;
		found_tracker(s, WEIR_METHOD_HANDSHAKE, f);
		return true;
	}
	if (!udp_is_request(m))
		return false;
	if (is_bittorrent(s, f) || tracker_udp_is_connect(m->data, m->len))
		found_tracker(s, WEIR_METHOD_SIGNATURE, f);
	else
		(void)udp_begin(m, state);
	return true;
}

/* A uTP connection whose SYN was not seen. */
static void utp_midstream(const struct app_services *s, const struct app_message *m, void **state,
			  struct app_finding *f)
{
	struct bittorrent *b = state_in(state, ROLE_UTP);
	unsigned int confidence;

	if (!b && !*state && utp_is_packet(m->data, m->len))
		b = state_new(state, ROLE_UTP, m);
	confidence = b ? utp_track_note(&b->utp.track, m->from_origin, m->data, m->len) : 0;
	if (!confidence)
		return;
	found(s, WEIR_METHOD_STATISTICS, f);
	f->confidence = (uint8_t)confidence;
}

static void utp_undecided(const struct app_services *s, const struct app_message *m, void **state,
			  struct app_finding *f)
{
	struct bittorrent *b = state_in(state, ROLE_UTP);
	size_t payload = utp_payload(m->data, m->len);
	struct utp_syn syn;

	if (payload && is_handshake(m->data + payload, m->len - payload)) {
		found_peer(s, m, WEIR_METHOD_HANDSHAKE, f);
	} else if (b && b->utp.began && m->from_origin != b->from_origin) {
		if (utp_answers_syn(m->data, m->len, &b->utp.syn))
			found_peer(s, m, WEIR_METHOD_HANDSHAKE, f);
		else
			utp_midstream(s, m, state, f);
	} else if (utp_parse_syn(m->data, m->len, &syn)) {
		b = state_new(state, ROLE_UTP, m);
		if (!b)
			return;
		b->utp.syn = syn;
		b->utp.began = true;
	} else if (!f->app) {
		utp_midstream(s, m, state, f);
	}
}

/* Whether m is a DHT message. If it is a query it is remembered. */
static bool dht_begin(const struct app_services *s, const struct app_message *m, void **state)
{
	struct bittorrent *b;
	struct dht_message k;

	dht_parse(m->data, m->len, &k);
	if (k.kind == DHT_NONE || k.kind == DHT_ERROR)
		return false;
	b = state_new(state, ROLE_DHT, m);
	if (b)
		dht_note(&b->dht, &k, s, m);
	return true;
}

static bool is_dht(const struct app_message *m)
{
	struct dht_message k;

	dht_parse(m->data, m->len, &k);
	return k.kind != DHT_NONE && k.kind != DHT_ERROR;
}

static void udp_undecided(const struct app_services *s, const struct app_message *m, void **state,
			  struct app_finding *f)
{
	if (is_dht(m))
		found_peer(s, m, WEIR_METHOD_SIGNATURE, f);
	else if (lsd_is_group(m->dst) && lsd_parse(m->data, m->len))
		found(s, WEIR_METHOD_SIGNATURE, f);
	else if (!udp_tracker_undecided(s, m, state, f))
		utp_undecided(s, m, state, f);
}

static void bittorrent_undecided(const struct app_services *s, const struct app_message *m,
				 void **state, struct app_finding *finding)
{
	if (m->len == 0)
		return;
	if (m->proto == IPPROTO_TCP)
		tcp_undecided(s, m, finding);
	else if (m->proto == IPPROTO_UDP)
		udp_undecided(s, m, state, finding);
}

/* ---- what is concluded of decided flows ---- */

/* The datagram that answered a connection's first one, which the module has kept. */
static bool utp_answer(const struct bittorrent *b, const struct app_services *s,
		       const struct app_message *m)
{
	if (b->utp.began && m->from_origin != b->from_origin &&
	    utp_answers_syn(m->data, m->len, &b->utp.syn))
		peer_learn_sender(s, m, m->sport, WEIR_SOURCE_HANDSHAKE);
	return false;
}

static bool udp_begins(const struct app_services *s, const struct app_message *m, void **state)
{
	if (dht_begin(s, m, state))
		return s->learn;
	if (lsd_is_group(m->dst) && lsd_parse(m->data, m->len)) {
		peer_learn_sender(s, m, lsd_parse(m->data, m->len), WEIR_SOURCE_LSD);
		return false;
	}
	return udp_begin(m, state);
}

static bool udp_goes_on(const struct app_services *s, const struct app_message *m, void **state)
{
	struct bittorrent *b = *state;

	if (!b)
		return udp_begins(s, m, state);
	if (b->role == ROLE_UTP)
		return utp_answer(b, s, m);
	/* uTP shares the DHT's ports. */
	if (b->role == ROLE_DHT)
		return dht_read(&b->dht, s, m);
	if (m->from_origin == b->from_origin)
		tracker_udp_request(&b->udp, m);
	else
		(void)tracker_udp_response(&b->udp, s, m);
	return true;
}

static void bittorrent_event(const struct app_services *s, const struct app_message *m,
			     const void *event, void **state, struct consumer_answer *answer)
{
	const struct stream_event *e = event;
	bool stays = m->proto == IPPROTO_UDP; /* TCP is pex.c's matter, and that of HTTP */

	if (stays && e->kind == STREAM_GAP && !*state)
		stays = state_new(state, ROLE_LATE, m);
	else if (stays && e->kind == STREAM_GAP)
		stays = ((struct bittorrent *)*state)->role == ROLE_LATE;
	else if (stays && stream_has_bytes(e) && m->len)
		stays = udp_goes_on(s, m, state);
	if (!stays)
		answer->verb = CONSUMER_LEAVE;
}

CONSUMER(bittorrent) = {
	.abi = CONSUMER_ABI,
	.name = BITTORRENT_NAME,
	.help = "peers that UDP trackers, the DHT, local discovery and uTP tell of",
	.module = BITTORRENT_NAME,
	.inherits = true,
	.event = bittorrent_event,
	.release = free,
};

const struct app_module bittorrent_module = {
	.name = BITTORRENT_NAME,
	.category = "p2p",
	.help = "peer handshake, DHT, uTP; learns peers from trackers, the DHT, local discovery",
	.undecided = bittorrent_undecided,
	.release = free,
};

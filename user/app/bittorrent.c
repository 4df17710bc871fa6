// SPDX-License-Identifier: GPL-2.0-only
/*
 * BitTorrent: the peer handshake (BEP 3), the DHT (BEP 5), uTP (BEP 29), and trackers, whose
 * answers tell which connections will be BitTorrent's before their first byte.
 */
#include <netinet/in.h>
#include <string.h>

#include "app/bittorrent.h"
#include "app/module.h"

static const uint8_t handshake[20] = "\x13"
				     "BitTorrent protocol";

/* What a flow is found to be. */
enum role { ROLE_NONE, ROLE_HTTP_TRACKER, ROLE_UDP_TRACKER, ROLE_UTP };

struct bittorrent {
	enum role role;
	bool from_origin; /* the client's or the SYN's direction */
	union {
		struct tracker_http http;
		struct tracker_udp udp;
		struct utp_syn syn;
	};
};

/* The flow's state in a new role; NULL on ENOMEM. */
static struct bittorrent *state_new(void **state, enum role role, const struct app_message *m)
{
	struct bittorrent *b = *state;

	if (!b)
		b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	*state = b;
	memset(b, 0, sizeof(*b));
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
	int app = app_registry_find(s->registry, BITTORRENT_NAME);

	if (app <= 0)
		return;
	f->app = (uint16_t)app;
	f->method = (uint8_t)method;
	f->confidence = 100;
}

/* A flow between peers: the responder's port is BitTorrent's, unless it is one that serves others
 * too. */
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
	f->inspect = f->app != 0;
	/* A web front end may serve the tracker's port to others. */
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

/* Begins to read a tracker's answers, when m is a client's request. NULL when it is none. */
static struct bittorrent *http_begin(const struct app_message *m, void **state)
{
	struct tracker_request request;
	struct bittorrent *b;

	if (!tracker_request_parse(m->data, m->len, &request))
		return NULL;
	b = state_new(state, ROLE_HTTP_TRACKER, m);
	if (!b)
		return NULL;
	tracker_http_init(&b->http);
	b->http.close = request.close;
	b->http.own = request.port;
	return b;
}

static struct bittorrent *udp_begin(const struct app_message *m, void **state)
{
	struct bittorrent *b = state_in(state, ROLE_UDP_TRACKER);

	if (!tracker_udp_is_connect(m->data, m->len) &&
	    !tracker_udp_may_be_announce(m->data, m->len))
		return NULL;
	if (!b)
		b = state_new(state, ROLE_UDP_TRACKER, m);
	if (b)
		tracker_udp_request(&b->udp, m);
	return b;
}

static void tcp_undecided(const struct app_services *s, const struct app_message *m, void **state,
			  struct app_finding *f)
{
	if (is_handshake(m->data, m->len))
		found_peer(s, m, WEIR_METHOD_HANDSHAKE, f);
	else if (http_begin(m, state))
		found_tracker(s, WEIR_METHOD_SIGNATURE, f);
}

/* A client's datagram to a tracker: the connect request shows what it is, an announce alone (of a
 * connection made before the flow was seen) awaits its answer, unless a signature knew it. */
static bool udp_tracker_undecided(const struct app_services *s, const struct app_message *m,
				  void **state, struct app_finding *f)
{
	struct bittorrent *b = state_in(state, ROLE_UDP_TRACKER);

	if (b && m->from_origin != b->from_origin) {
		if (!tracker_udp_response(&b->udp, s, m))
			return false;
		found_tracker(s, WEIR_METHOD_HANDSHAKE, f);
		return true;
	}
	if (!udp_begin(m, state))
		return false;
	if (is_bittorrent(s, f) || tracker_udp_is_connect(m->data, m->len))
		found_tracker(s, WEIR_METHOD_SIGNATURE, f);
	return true;
}

static void utp_undecided(const struct app_services *s, const struct app_message *m, void **state,
			  struct app_finding *f)
{
	struct bittorrent *b = state_in(state, ROLE_UTP);
	size_t payload = utp_payload(m->data, m->len);
	struct utp_syn syn;

	if (payload && is_handshake(m->data + payload, m->len - payload)) {
		found_peer(s, m, WEIR_METHOD_HANDSHAKE, f);
	} else if (b && m->from_origin != b->from_origin) {
		if (utp_answers_syn(m->data, m->len, &b->syn))
			found_peer(s, m, WEIR_METHOD_HANDSHAKE, f);
	} else if (utp_parse_syn(m->data, m->len, &syn)) {
		b = state_new(state, ROLE_UTP, m);
		if (b)
			b->syn = syn;
	}
}

static void udp_undecided(const struct app_services *s, const struct app_message *m, void **state,
			  struct app_finding *f)
{
	if (dht_is_message(m->data, m->len))
		found_peer(s, m, WEIR_METHOD_SIGNATURE, f);
	else if (!udp_tracker_undecided(s, m, state, f))
		utp_undecided(s, m, state, f);
}

static void bittorrent_undecided(const struct app_services *s, const struct app_message *m,
				 void **state, struct app_finding *finding)
{
	if (m->len == 0)
		return;
	if (m->proto == IPPROTO_TCP)
		tcp_undecided(s, m, state, finding);
	else if (m->proto == IPPROTO_UDP)
		udp_undecided(s, m, state, finding);
}

/* Requests split over segments are not read: the answer is all the same. */
static void http_inspected(struct bittorrent *b, const struct app_services *s,
			   const struct app_message *m, struct app_finding *finding)
{
	struct tracker_request request;

	if (m->from_origin != b->from_origin) {
		tracker_http_response(&b->http, s, m);
	} else if (tracker_request_parse(m->data, m->len, &request)) {
		b->http.close = request.close;
		b->http.own = request.port;
	}
	finding->done = b->http.finished;
}

static void udp_inspected(struct bittorrent *b, const struct app_services *s,
			  const struct app_message *m)
{
	if (m->from_origin == b->from_origin)
		tracker_udp_request(&b->udp, m);
	else
		(void)tracker_udp_response(&b->udp, s, m);
}

static void bittorrent_inspected(const struct app_services *s, const struct app_message *m,
				 void **state, struct app_finding *finding)
{
	struct bittorrent *b = *state;

	if (m->len == 0)
		return;
	/* A flow whose state was lost begins anew with the client's next request. */
	if (!b && m->proto == IPPROTO_TCP)
		(void)http_begin(m, state);
	else if (!b)
		(void)udp_begin(m, state);
	else if (b->role == ROLE_HTTP_TRACKER)
		http_inspected(b, s, m, finding);
	else if (b->role == ROLE_UDP_TRACKER)
		udp_inspected(b, s, m);
}

static void bittorrent_release(void *state)
{
	free(state);
}

const struct app_module bittorrent_module = {
	.name = BITTORRENT_NAME,
	.category = "p2p",
	.help = "peer handshake, DHT, uTP; learns peers from HTTP and UDP trackers",
	.undecided = bittorrent_undecided,
	.inspected = bittorrent_inspected,
	.release = bittorrent_release,
};

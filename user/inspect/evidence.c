// SPDX-License-Identifier: GPL-2.0-only
/*
 * Evidence from flows about other flows. A learned endpoint is only a claim: it is withdrawn if
 * another application answers there, and hosts that are known to run an application raise the
 * confidence of what would otherwise be a guess.
 */
#include <arpa/inet.h>
#include <string.h>

#include "inspect/evidence.h"
#include "inspect/mse.h"
#include "proto/hostname.h"
#include "util/util.h"

/* Confidence from which on an identification is evidence for other flows. */
#define SURE 85
/* Confidence of MSE's shape (a guess of 40 alone) if one host runs BitTorrent; if both do, or if
 * independent sources named the endpoint: docs/encrypted.md. */
#define SHAPE_ONE_HOST	 65
#define SHAPE_BOTH_HOSTS 75
/* Confidence between two hosts that are in Direct Connect hubs: TLS without a server name;
 * datagrams of a block cipher. */
#define CLIENTS_TLS   70
#define CLIENTS_BLOCK 65
/* Confidence of STUN or DTLS to a candidate that a WebTorrent tracker relayed. */
#define CANDIDATE      85
#define BLOCK	       16
#define RANDOM_MIN     96
#define RANDOM_WEIGHED 256

static uint16_t app_of(const struct inspector *i, const char *name)
{
	int app = app_registry_find(i->registry, name);

	return app > 0 ? (uint16_t)app : 0;
}

void evidence_resolve(struct inspector *i)
{
	i->apps.bittorrent = app_of(i, MSE_APPLICATION);
	i->apps.directconnect = app_of(i, "directconnect");
	i->apps.encrypted = app_of(i, APP_ENCRYPTED);
	i->apps.tls = app_of(i, "tls");
	i->apps.stun = app_of(i, "stun");
	i->apps.dtls = app_of(i, "dtls");
}

static struct facts *facts_of(const struct glance *g)
{
	return g->i->services.facts;
}

/* ---- what an identified flow shows ---- */

static bool is_sure(const struct flow *f)
{
	return f->app && f->two_way && f->confidence >= SURE &&
	       (f->method == WEIR_METHOD_SIGNATURE || f->method == WEIR_METHOD_HANDSHAKE);
}

/* Mirrors of the table (weir_endpoints) drop the entry because it has expired. */
static void withdraw(const struct glance *g, const struct weir_endpoint_key *key, uint16_t app)
{
	const struct weir_peer ended = {.app = app, .expires_ns = 1};

	if (endpoints_withdraw(g->i->endpoints, key) && g->i->learn)
		g->i->learn(g->i->learn_arg, key, &ended);
}

/* Another application than the learned one answers there: withdraw the endpoint from every host. */
static void withdraw_all(const struct glance *g, const uint32_t addr[4], uint16_t port)
{
	struct weir_endpoint_key key = {.port = port, .domain = g->f->key.domain};
	struct fact_key learned = {.port = port, .kind = FACT_LEARNED, .domain = g->f->key.domain};
	struct fact fact;

	memcpy(key.peer, addr, sizeof(key.peer));
	memcpy(learned.addr, addr, sizeof(learned.addr));
	if (!facts_get(facts_of(g), &learned, g->i->now_ns, &fact) || fact.app == g->f->app)
		return;
	withdraw(g, &key, fact.app);
	memcpy(key.host, fact.data, sizeof(key.host));
	withdraw(g, &key, fact.app);
	memcpy(key.host, g->f->key.addr[g->f->origin], sizeof(key.host));
	withdraw(g, &key, fact.app);
}

static void note_service(const struct glance *g)
{
	const struct flow *f = g->f;
	const struct weir_flow_key *k = &f->key;
	unsigned int called = !f->origin;
	uint16_t known = 0;

	/* STUN and DTLS do not show what they carry. */
	if (f->midstream || f->app == g->i->apps.stun || f->app == g->i->apps.dtls ||
	    ntohs(k->port[called]) < SERVICE_PORTS)
		return;
	if (!facts_service(facts_of(g), k->addr[called], k->port[called], k->domain, g->i->now_ns,
			   &known) ||
	    known != f->app)
		withdraw_all(g, k->addr[called], k->port[called]);
	facts_service_is(facts_of(g), k->addr[called], k->port[called], k->domain, f->app,
			 g->i->now_ns);
}

void evidence_note(const struct glance *g)
{
	const struct flow *f = g->f;
	const struct app_info *info;

	if (!facts_of(g) || !flow_has_ports(f) || !is_sure(f))
		return;
	info = app_registry_get(g->i->registry, f->app);
	if (!info || strcmp(info->category, "p2p") != 0) {
		note_service(g);
		return;
	}
	facts_host_runs(facts_of(g), f->key.addr[f->origin], f->key.domain, f->app, g->i->now_ns);
	/* A tracker or hub serves the application without running it. */
	if (f->peer)
		facts_host_runs(facts_of(g), f->key.addr[!f->origin], f->key.domain, f->app,
				g->i->now_ns);
}

/* ---- endpoints ---- */

bool evidence_refuses(const struct inspector *i, const struct weir_endpoint_key *key, uint16_t app)
{
	uint16_t service = 0;

	return i->services.facts &&
	       facts_service(i->services.facts, key->peer, key->port, key->domain, i->now_ns,
			     &service) &&
	       service != app;
}

bool evidence_is_service(const struct glance *g)
{
	const struct weir_flow_key *k = &g->f->key;
	struct weir_endpoint_key key = {.port = k->port[!g->f->origin], .domain = k->domain};

	memcpy(key.peer, k->addr[!g->f->origin], sizeof(key.peer));
	return flow_has_ports(g->f) && evidence_refuses(g->i, &key, g->f->app);
}

/* Networks within which one party may control several addresses: /16 of IPv4, /32 of IPv6. */
static uint32_t network_of(const uint32_t addr[4])
{
	return address_is_v4(addr) ? ntohl(addr[3]) >> 16 : addr[0];
}

/* Whether the responder was named to two hosts, by sources in two networks. */
static bool is_confirmed(const struct glance *g, uint16_t app)
{
	const struct weir_flow_key *k = &g->f->key;
	struct fact_key learned = {
		.port = k->port[!g->f->origin], .kind = FACT_LEARNED, .domain = k->domain};
	struct weir_endpoint_key key = {.port = learned.port, .domain = k->domain};
	struct fact fact;

	memcpy(learned.addr, k->addr[!g->f->origin], sizeof(learned.addr));
	memcpy(key.peer, learned.addr, sizeof(key.peer));
	return facts_get(facts_of(g), &learned, g->i->now_ns, &fact) && fact.confirmed &&
	       fact.app == app && !evidence_refuses(g->i, &key, app);
}

void evidence_learned(const struct inspector *i, const struct weir_endpoint_key *key, uint16_t app)
{
	struct fact_key learned = {.port = key->port, .kind = FACT_LEARNED, .domain = key->domain};

	memcpy(learned.addr, key->peer, sizeof(learned.addr));
	if (i->services.facts)
		facts_endpoint_learned(i->services.facts, &learned, app, key->host,
				       network_of(i->source), i->now_ns);
}

/* Whether side `host` has learned the other side as an endpoint. */
static bool find_learned(const struct glance *g, unsigned int host, struct weir_peer *peer)
{
	const struct weir_flow_key *k = &g->f->key;
	struct weir_endpoint_key key = {.port = k->port[!host], .domain = k->domain};

	memcpy(key.host, k->addr[host], sizeof(key.host));
	memcpy(key.peer, k->addr[!host], sizeof(key.peer));
	return endpoints_find(g->i->endpoints, &key, g->i->now_ns, peer) &&
	       !evidence_refuses(g->i, &key, peer->app);
}

bool evidence_endpoint(const struct glance *g, struct weir_peer *peer)
{
	if (!g->i->endpoints || !flow_has_ports(g->f))
		return false;
	return find_learned(g, g->f->origin, peer) || find_learned(g, !g->f->origin, peer);
}

/* ---- findings that replace those of the bytes ---- */

static bool both_run(const struct glance *g, uint16_t app, bool *one)
{
	const struct weir_flow_key *k = &g->f->key;
	bool a = facts_does_host_run(facts_of(g), k->addr[0], k->domain, app, g->i->now_ns);
	bool b = facts_does_host_run(facts_of(g), k->addr[1], k->domain, app, g->i->now_ns);

	*one = a || b;
	return a && b;
}

/* STUN and DTLS only carry other protocols: identify the flow by the tracker that relayed the
 * candidate. */
static void judge_carrier(const struct glance *g, struct app_finding *finding)
{
	struct weir_peer peer;

	if (!evidence_endpoint(g, &peer) || peer.source != WEIR_SOURCE_WS_TRACKER)
		return;
	*finding = (struct app_finding){
		.app = peer.app,
		.method = WEIR_METHOD_ENDPOINT,
		.confidence = CANDIDATE,
	};
	g->f->source = peer.source;
}

/* Whether the datagram looks encrypted with a block cipher: whole blocks of random bytes. */
static bool is_block_cipher(const struct app_message *m)
{
	size_t weighed = m->len < RANDOM_WEIGHED ? m->len : RANDOM_WEIGHED;

	return m->proto == IPPROTO_UDP && m->len >= RANDOM_MIN && m->len % BLOCK == 0 &&
	       bytes_look_random(m->data, weighed);
}

/*
 * Direct Connect over TLS: encrypted hubs show nothing of the clients' endpoints, only that both
 * hosts are in hubs. ADCS connections have no server name, SUDP search results are AES-CBC.
 */
static void judge_clients(const struct glance *g, const struct app_message *m,
			  struct app_finding *finding)
{
	bool tls = finding->app && finding->app == g->i->apps.tls, one;
	char name[256];

	if (!g->i->apps.directconnect || (!tls && finding->app) || !m->from_origin ||
	    m->dport < SERVICE_PORTS)
		return;
	if (tls ? hostname_from_tls(m->data, m->len, name, sizeof(name)) != 0 : !is_block_cipher(m))
		return;
	if (!both_run(g, g->i->apps.directconnect, &one))
		return;
	*finding = (struct app_finding){
		.app = g->i->apps.directconnect,
		.method = WEIR_METHOD_STATISTICS,
		.confidence = tls ? CLIENTS_TLS : CLIENTS_BLOCK,
	};
}

void evidence_weigh(const struct glance *g, const struct app_message *m,
		    struct app_finding *finding)
{
	if (!facts_of(g))
		return;
	if (finding->app && (finding->app == g->i->apps.stun || finding->app == g->i->apps.dtls))
		judge_carrier(g, finding);
	else if (!finding->app || finding->app == g->i->apps.tls)
		judge_clients(g, m, finding);
}

unsigned int evidence_of_shape(const struct glance *g, unsigned int confidence)
{
	bool one = false;

	if (!confidence || confidence >= SHAPE_BOTH_HOSTS || !facts_of(g))
		return confidence;
	if (both_run(g, g->i->apps.bittorrent, &one) || is_confirmed(g, g->i->apps.bittorrent))
		return SHAPE_BOTH_HOSTS;
	return one && confidence < SHAPE_ONE_HOST ? SHAPE_ONE_HOST : confidence;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Data connections that control connections announce: which announcements are accepted. */
#include <arpa/inet.h>
#include <string.h>

#include "inspect/evidence.h"

static const uint32_t everyone[4];

static bool add(struct inspector *i, const struct weir_endpoint_key *key, uint16_t app,
		uint8_t flags)
{
	struct weir_peer peer;
	int err = expectation_add(i->endpoints, key, app, flags, i->now_ns, &peer);

	if (err > 0 && i->learn)
		i->learn(i->learn_arg, key, &peer);
	return err >= 0;
}

uint64_t expect_data(void *arg, const struct app_message *m, const struct app_expectation *e)
{
	struct inspector *i = arg;
	struct weir_endpoint_key key = {.port = htons(e->port), .domain = m->domain};
	int number = app_registry_find(i->registry, e->app);
	bool own = !e->addr || memcmp(e->addr, m->src, sizeof(m->src)) == 0;
	bool ok = number > 0 && own && e->port != 0 && (!e->anyone || e->port >= SERVICE_PORTS);

	memcpy(key.peer, m->src, sizeof(key.peer));
	memcpy(key.host, e->anyone ? everyone : m->dst, sizeof(key.host));
	ok = ok && add(i, &key, (uint16_t)number, e->inspect ? WEIR_PEER_INSPECT : 0);
	if (!ok) {
		i->expect.refused++;
		return 0;
	}
	i->expect.expected++;
	return data_flows_add(endpoints_data_flows(i->endpoints), &key, m->flow->id, e->name,
			      e->user);
}

bool expect_endpoint(void *arg, const struct app_message *m, const uint32_t *addr, uint16_t port,
		     const char *app, bool anyone)
{
	const struct app_expectation e = {.addr = addr, .port = port, .app = app, .anyone = anyone};

	return expect_data(arg, m, &e) != 0;
}

void expect_name(void *arg, uint64_t handle, const char *name)
{
	struct inspector *i = arg;

	(void)data_flows_name(endpoints_data_flows(i->endpoints), handle, name);
}

bool expect_parent(void *arg, const struct flow *f, struct app_parent *out)
{
	struct inspector *i = arg;
	const struct judgement *j = judgement_of(f);
	struct data_flow d;

	if (!j || !data_flows_get(endpoints_data_flows(i->endpoints), j->expectation, &d))
		return false;
	out->flow_id = d.parent;
	out->handle = j->expectation;
	memcpy(out->name, d.name, sizeof(out->name));
	memcpy(out->user, d.user, sizeof(out->user));
	return true;
}

_Static_assert(sizeof(((struct app_parent *)NULL)->name) == DATA_FLOW_NAME_BYTES, "a whole name");
_Static_assert(sizeof(((struct app_parent *)NULL)->user) == DATA_FLOW_USER_BYTES, "a whole user");

/* The endpoint may be either side's: the one that listens was announced. */
static uint64_t find_data_flow(const struct glance *g)
{
	struct data_flows *d = endpoints_data_flows(g->i->endpoints);
	const struct weir_flow_key *k = &g->f->key;
	uint64_t found = 0;

	for (unsigned int host = 0; host < 2 && !found; host++) {
		struct weir_endpoint_key key = {.port = k->port[!host], .domain = k->domain};

		memcpy(key.peer, k->addr[!host], sizeof(key.peer));
		memcpy(key.host, k->addr[host], sizeof(key.host));
		found = data_flows_find(d, &key);
		memset(key.host, 0, sizeof(key.host));
		if (!found)
			found = data_flows_find(d, &key);
	}
	return found;
}

void expect_note(struct glance *g, const struct weir_peer *peer)
{
	if (peer->source != WEIR_SOURCE_EXPECTATION)
		return;
	g->f->expected = peer->flags & WEIR_PEER_INSPECT;
	g->j->expectation = (uint32_t)find_data_flow(g);
}

bool expect_begins(struct glance *g)
{
	struct weir_peer peer;

	if (!evidence_endpoint(g, &peer) || peer.source != WEIR_SOURCE_EXPECTATION ||
	    !(peer.flags & WEIR_PEER_INSPECT))
		return false;
	g->f->method = WEIR_METHOD_ENDPOINT;
	g->f->confidence = peer.confidence;
	g->f->source = peer.source;
	expect_note(g, &peer);
	return true;
}

void inspector_expect_stats(const struct inspector *i, struct expect_stats *out)
{
	*out = i->expect;
}

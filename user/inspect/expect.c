// SPDX-License-Identifier: GPL-2.0-only
/* Data connections that control connections announce: which announcements are accepted. */
#include <arpa/inet.h>
#include <string.h>

#include "inspect/evidence.h"

static const uint32_t everyone[4];

static bool add(struct inspector *i, const struct weir_endpoint_key *key, uint16_t app)
{
	struct weir_peer peer;
	int err = expectation_add(i->endpoints, key, app, i->now_ns, &peer);

	if (err > 0 && i->learn)
		i->learn(i->learn_arg, key, &peer);
	return err >= 0;
}

bool expect_endpoint(void *arg, const struct app_message *m, const uint32_t *addr, uint16_t port,
		     const char *app, bool anyone)
{
	struct inspector *i = arg;
	struct weir_endpoint_key key = {.port = htons(port), .domain = m->domain};
	int number = app_registry_find(i->registry, app);
	bool own = !addr || memcmp(addr, m->src, sizeof(m->src)) == 0;
	bool ok = number > 0 && own && port != 0 && (!anyone || port >= SERVICE_PORTS);

	memcpy(key.peer, m->src, sizeof(key.peer));
	memcpy(key.host, anyone ? everyone : m->dst, sizeof(key.host));
	ok = ok && add(i, &key, (uint16_t)number);
	if (ok)
		i->expect.expected++;
	else
		i->expect.refused++;
	return ok;
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
	g->f->expected = true;
	return true;
}

void inspector_expect_stats(const struct inspector *i, struct expect_stats *out)
{
	*out = i->expect;
}

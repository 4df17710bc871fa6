// SPDX-License-Identifier: GPL-2.0-only
/*
 * Expected data connections: endpoints that a control connection announced. They are kept among the
 * learned endpoints, so that the gate knows them too, but not for long.
 */
#include <arpa/inet.h>
#include <string.h>

#include "inspect/state.h"

/* A data connection that is not made within this time is made by somebody else. */
#define EXPECT_NS (60 * UINT64_C(1000000000))

static const uint32_t everyone[4];

/* What was learned in another way is not overruled: whoever speaks both protocols could hide one
 * behind the other. */
static bool is_taken(const struct weir_peer *peer, uint16_t app)
{
	return peer->source != WEIR_SOURCE_EXPECTATION && peer->app != app;
}

/* Whether an entry of this age need not be told again to those who mirror the table. */
static bool is_young(const struct weir_peer *peer, uint16_t app, uint64_t now_ns)
{
	return peer->app == app && peer->expires_ns > now_ns + EXPECT_NS / 2;
}

static bool add(struct inspector *i, const struct weir_endpoint_key *key, uint16_t app)
{
	struct weir_peer before = {0};
	bool known = endpoints_find(i->endpoints, key, i->now_ns, &before);
	const struct weir_peer peer = {
		.expires_ns = i->now_ns + EXPECT_NS,
		.app = app,
		.source = WEIR_SOURCE_EXPECTATION,
		.confidence = ENDPOINT_CONFIDENCE,
	};

	if (known && is_taken(&before, app))
		return false;
	if (known && is_young(&before, app, i->now_ns))
		return true;
	if (endpoints_add(i->endpoints, key, &peer) < 0)
		return false;
	if (i->learn)
		i->learn(i->learn_arg, key, &peer);
	return true;
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

void inspector_expect_stats(const struct inspector *i, struct expect_stats *out)
{
	*out = i->expect;
}

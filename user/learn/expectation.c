// SPDX-License-Identifier: GPL-2.0-only
/* Expected data connections. They are kept among the learned endpoints, so that they reach the gate
 * as well, but expire soon. */
#include "learn/learn.h"

#include <errno.h>

/* A connection made later than this is not the announced one. */
#define EXPECT_NS (60 * UINT64_C(1000000000))

/* An endpoint learned from another source is not overruled: a host that speaks both protocols could
 * otherwise hide one behind the other. */
static bool is_taken(const struct weir_peer *peer, uint16_t app)
{
	return peer->source != WEIR_SOURCE_EXPECTATION && peer->app != app;
}

/* Whether the entry is so recent that it need not be published again. */
static bool is_young(const struct weir_peer *peer, uint16_t app, uint64_t now_ns)
{
	return peer->app == app && peer->expires_ns > now_ns + EXPECT_NS / 2;
}

int expectation_add(struct endpoints *e, const struct weir_endpoint_key *key, uint16_t app,
		    uint8_t flags, uint64_t now_ns, struct weir_peer *out)
{
	struct weir_peer before = {0};
	bool known = endpoints_find(e, key, now_ns, &before);
	const struct weir_peer peer = {
		.expires_ns = now_ns + EXPECT_NS,
		.app = app,
		.source = WEIR_SOURCE_EXPECTATION,
		.confidence = ENDPOINT_CONFIDENCE,
		.flags = flags,
	};
	int err;

	if (known && is_taken(&before, app))
		return -EEXIST;
	if (known && before.flags == flags && is_young(&before, app, now_ns))
		return 0;
	err = endpoints_add(e, key, &peer);
	if (err < 0)
		return err;
	*out = peer;
	return 1;
}

// SPDX-License-Identifier: GPL-2.0-only
/* What is learned of hosts and flows, as a service: endpoints (also those an earlier daemon
 * learned), names from the DNS, host names of live flows. */
#include "daemon/weir.h"

#define NAMES_MAX	65536
#define HOSTNAMES_MAX	65536
#define ENDPOINT_TTL_NS (3600ULL * 1000000000ULL)

static bool restore_endpoint(const struct weir_endpoint_key *k, const struct weir_peer *v,
			     void *arg)
{
	if (v->expires_ns > time_now_ns())
		endpoints_add(arg, k, v);
	return true;
}

static void learned_close(void *self)
{
	struct weir *w = self;

	endpoints_free(w->endpoints);
	names_free(w->names);
	hostnames_free(w->hostnames);
}

static int learned_open(struct host *h, const struct policy *p, void **self, struct error *e)
{
	struct weir *w = h->daemon;

	w->endpoints = endpoints_new(p->limit_endpoints, ENDPOINT_TTL_NS);
	w->names = names_new(NAMES_MAX);
	w->hostnames = hostnames_new(HOSTNAMES_MAX);
	if (!w->endpoints || !w->names || !w->hostnames) {
		learned_close(w);
		return error_set(e, -ENOMEM, "no memory for %u endpoints and host names",
				 p->limit_endpoints);
	}
	gate_each_endpoint(w->gate, restore_endpoint, w->endpoints);
	*self = w;
	return 0;
}

SERVICE(learned) = {
	.name = "learned",
	.stage = SERVICE_BEFORE_PORTS,
	.open = learned_open,
	.close = learned_close,
	.metrics = stats_learned_metrics,
};

// SPDX-License-Identifier: GPL-2.0-only
/* Service: learned endpoints (restored from an adopted gate), names from the DNS, host names of
 * live flows. */
#include "daemon/weir.h"
#include "policy/section.h"

#define NAMES_MAX     65536
#define HOSTNAMES_MAX 65536
#define SECOND	      1000000000ULL

struct learned {
	uint64_t endpoint_ttl_ns;
};

static const struct policy_setting learned[] = {
	POLICY_TIME(LIVE, "endpoints", struct learned, endpoint_ttl_ns, 60 * SECOND, 86400 * SECOND,
		    3600 * SECOND, "a time from 1m to 24h"),
};
POLICY_SECTION(learned) = {
	.key = "learned",
	.size = sizeof(struct learned),
	POLICY_SETTINGS(learned),
};

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
	const struct learned *said = policy_section_data(p, &policy_section_learned);
	struct weir *w = h->daemon;

	w->endpoints = endpoints_new(p->limit_endpoints, said->endpoint_ttl_ns);
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

static int learned_reload(void *self, const struct policy *next, struct error *e _unused_)
{
	const struct learned *said = policy_section_data(next, &policy_section_learned);
	struct weir *w = self;

	endpoints_set_ttl(w->endpoints, said->endpoint_ttl_ns);
	return 0;
}

SERVICE(learned) = {
	.name = "learned",
	.stage = SERVICE_BEFORE_PORTS,
	.open = learned_open,
	.reload = learned_reload,
	.close = learned_close,
	.metrics = stats_learned_metrics,
};

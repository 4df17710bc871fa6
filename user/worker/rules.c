// SPDX-License-Identifier: GPL-2.0-only
/* Finds the rule of a punted frame's flow. The classes and traits in the frame's metadata are used
 * where they were computed under this worker's policy; else the worker computes them. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "worker/worker_private.h"

/*
 * Whether a frame's classes and traits were computed under the policy that the worker uses. A
 * policy covers the generation it was loaded as and those that follow in steps of two
 * (weir/policy.h).
 */
static bool punt_is_of_policy(const struct worker *w, const struct weir_punt *punt)
{
	const struct weir_ctl *ctl = gate_ctl(w->shared->gate);
	uint32_t now = __atomic_load_n(&ctl->generation, __ATOMIC_ACQUIRE);
	uint32_t loaded = w->shared->policy->generation;
	uint32_t age = (WEIR_PUNT_GENERATION_OF(WEIR_PUNT_GENERATION(now)) -
			WEIR_PUNT_GENERATION_OF(punt->flags)) &
		       WEIR_PUNT_GENERATION_OF(WEIR_PUNT_GENERATION_MASK);

	return __atomic_load_n(&ctl->loaded, __ATOMIC_RELAXED) == loaded && age % 2 == 0 &&
	       age <= now - loaded;
}

/* Link-layer address of the side that opened the flow, of a frame as the gate saw it. */
static const uint8_t *opener_mac(const struct flow *f, const struct weir_punt *punt,
				 const struct packet *p)
{
	return p->frame + (weir_punt_dir(punt) == f->origin ? 6 : 0);
}

static uint32_t own_traits(const struct policy *p, const struct flow *f,
			   const struct weir_punt *punt, const struct packet *packet)
{
	const bool ports = f->key.proto == IPPROTO_TCP || f->key.proto == IPPROTO_UDP;
	const struct weir_trait_facts facts = {
		.port = {ports ? ntohs(f->key.port[f->origin]) : 0,
			 ports ? ntohs(f->key.port[!f->origin]) : 0},
		.vlan = ntohs(f->key.vlan[0]),
		.proto = f->key.proto,
		.in_port = weir_punt_dir(punt) == f->origin ? punt->in_port : punt->out_port,
		.midstream = f->midstream,
	};

	return policy_traits(p, &facts, opener_mac(f, punt, packet));
}

const struct weir_cell *worker_cell(const struct worker *w, const struct flow *f,
				    const struct weir_punt *punt, const struct packet *packet)
{
	const struct policy *p = w->shared->policy;
	struct weir_subject s = {
		.app = f->app,
		.traits = (uint64_t)f->traits << WEIR_GATE_TRAITS,
	};

	/* Of a flow inside of a tunnel the gate knows nothing. */
	if (!f->tunnel && punt_is_of_policy(w, punt) &&
		    punt->class[0] < p -> class_ids && punt -> class[1] < p -> class_ids) {
		s.from = punt->class[f->origin];
		s.to = punt->class[!f->origin];
		s.traits |= punt->traits;
	} else {
		s.from = policy_class(p, f->key.addr[f->origin]);
		s.to = policy_class(p, f->key.addr[!f->origin]);
		s.traits |= own_traits(p, f, punt, packet);
	}
	return policy_cell(p, &s, f->confidence);
}

bool worker_traits_update(const struct worker *w, struct flow *f, bool news)
{
	const struct policy *p = w->shared->policy;
	const struct policy_seen seen = {
		.hostname = flow_hostname(f),
		.anomalies = f->anomalies,
		.tunnel = f->tunnel,
	};
	uint32_t before = f->traits;
	uint8_t generation = p->generation & 0x7f;

	if (!news && f->traits_of == generation)
		return false;
	f->traits_of = generation;
	/* The name may have been handed on: what it once gave stays. */
	f->traits |= policy_user_traits(p, &seen);
	return f->traits != before;
}

bool worker_waits_for_name(const struct worker *w, const struct flow *f)
{
	return f->reading && !flow_hostname(f)[0] &&
	       policy_asks(w->shared->policy, POLICY_CONDITION_HOSTNAME);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Finds the rule of a punted frame's flow. The classes and traits in the frame's metadata are used
 * where they were computed under this worker's policy; else the worker computes them. */
#include "worker/worker_private.h"

/*
 * Whether a frame's classes and traits were computed under the policy that the worker uses. A
 * policy covers the generation it was loaded as and those that follow in steps of two
 * (weir/policy.h).
 */
bool worker_punt_is_of_policy(const struct worker *w, const struct weir_punt *punt)
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

/* Where the originator's packets come in. */
static unsigned int opener_port(const struct flow *f, const struct weir_punt *punt)
{
	return weir_punt_dir(punt) == f->origin ? punt->in_port : punt->out_port;
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
	if (!f->tunnel && worker_punt_is_of_policy(w, punt) &&
		    punt->class[0] < p -> class_ids && punt -> class[1] < p -> class_ids) {
		s.from = punt->class[f->origin];
		s.to = punt->class[!f->origin];
		s.traits |= punt->traits;
	} else {
		s.from = policy_class(p, f->key.addr[f->origin]);
		s.to = policy_class(p, f->key.addr[!f->origin]);
		s.traits |=
			policy_flow_traits(p, f, opener_port(f, punt), opener_mac(f, punt, packet));
	}
	return policy_cell(p, &s, f->confidence);
}

bool worker_traits_update(const struct worker *w, struct flow *f, bool news)
{
	return policy_flow_update(w->shared->policy, f, news);
}

bool worker_waits_for_name(const struct worker *w, const struct flow *f)
{
	return policy_flow_waits(w->shared->policy, f);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Evaluates host name conditions for flows that no worker reads any more, from the names that the
 * daemon keeps. A changed trait is given to the gate as an identification of the flow.
 */
#include <string.h>

#include "daemon/daemon_private.h"

int traits_number(struct weir *w, struct policy *p, uint32_t *changed, struct error *e)
{
	uint64_t ids[WEIR_USER_TRAITS];
	int err = gate_read_trait_ids(w->gate, ids);

	if (err == 0) {
		policy_number_traits(p, ids, changed);
		err = gate_write_trait_ids(w->gate, ids);
	}
	return err < 0 ? error_set(e, err, "cannot number the rules' conditions: %s",
				   strerror(-err))
		       : 0;
}

struct telling {
	struct weir *w;
	const struct policy *p;
	uint32_t stale; /* bits that stand for something else than before */
};

/* What is known of the flow, in the entry or told already. */
static void identification_of(struct weir *w, const struct weir_flow *f,
			      struct weir_identification *v)
{
	if (gate_get_identification(w->gate, f->id, v) == 0)
		return;
	*v = (struct weir_identification){
		.app = f->app,
		.method = f->method,
		.confidence = f->confidence,
		.flags = (f->flags & WEIR_FLOW_ASKED_INSPECT ? WEIR_IDENTIFIED_INSPECT : 0) |
			 (f->flags & WEIR_FLOW_RELEASED ? WEIR_IDENTIFIED_RELEASE : 0) |
			 (f->flags & WEIR_FLOW_ASKED_TAP ? WEIR_IDENTIFIED_TAP : 0),
		.payloads = f->payloads,
		.traits = (uint32_t)(f->traits >> WEIR_GATE_TRAITS),
	};
}

static bool flow_tell(const struct weir_flow_key *key _unused_, const struct weir_flow *f,
		      void *arg)
{
	const struct telling *t = arg;
	const struct policy_seen seen = {
		.hostname = hostnames_get(t->w->hostnames, f->id, NULL),
	};
	struct weir_identification v;
	uint32_t traits = policy_user_traits(t->p, &seen);

	/* Nothing to say, nothing to take back. */
	if (f->action == WEIR_ACTION_UNDECIDED ||
	    (!traits && !(f->traits >> WEIR_GATE_TRAITS & t->stale)))
		return true;
	identification_of(t->w, f, &v);
	traits |= v.traits & ~t->stale;
	if (traits == v.traits)
		return true;
	v.traits = traits;
	gate_put_identification(t->w->gate, f->id, &v);
	return true;
}

void traits_tell(struct weir *w, const struct policy *p, uint32_t changed)
{
	struct telling t = {.w = w, .p = p, .stale = changed};

	if (p->condition_count)
		gate_each_flow(w->gate, true, flow_tell, &t);
}

bool traits_of_name(struct weir *w, uint64_t flow_id, const char *hostname)
{
	const struct policy_seen seen = {.hostname = hostname};
	uint32_t traits = policy_user_traits(w->policy, &seen);
	struct weir_identification v;

	if (!traits || gate_get_identification(w->gate, flow_id, &v) < 0 || !(traits & ~v.traits))
		return false;
	v.traits |= traits;
	return gate_put_identification(w->gate, flow_id, &v) == 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* What the policy does with a flow that was identified, where the gate has seen no frame since. */
#include "daemon/weir.h"

void flow_judge(const struct weir *w, const struct weir_flow_key *k, struct weir_flow *f)
{
	unsigned int origin = f->flags & WEIR_FLOW_ORIGIN ? 1 : 0;
	const struct policy *p = w->policy;
	const struct weir_subject s = {
		.from = policy_class(p, k->addr[origin]),
		.to = policy_class(p, k->addr[!origin]),
		.app = f->app,
		.traits = f->traits,
	};
	const struct weir_cell *cell = policy_cell(p, &s, f->confidence);

	if (!cell)
		return;
	f->rule = cell->rule;
	f->generation = p->generation;
	f->exit = cell->exit;
	f->action = cell->action;
}

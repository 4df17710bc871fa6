// SPDX-License-Identifier: GPL-2.0-only
/* Rules with a schedule: at each boundary the live policy is loaded again with the rules that are
 * active from then on. Looked at once a second, so that it holds when the clock is set. */
#include <string.h>
#include <time.h>

#include "daemon/daemon_private.h"

void schedule_tick(struct weir *w)
{
	struct policy *p = w->policy;
	uint64_t hits[WEIR_RULES_MAX + 1] = {0}, before = p->schedules_active;
	time_t now = time(NULL);
	int err;

	if (!policy_schedule_due(p, now))
		return;
	carry_rule_hits(w, p, hits);
	policy_schedule_apply(p, now);
	err = gate_stage_policy(w->gate, p);
	if (err < 0) {
		log_error("cannot load the rules of the schedule into the gate: %s",
			  strerror(-err));
		/* Still due. */
		p->schedules_active = before;
		return;
	}
	memcpy(w->rule_hits_before, hits, sizeof(hits));
	gate_switch_policy(w->gate, p);
	w->generation = p->generation;
	log_info("rules by schedule, generation %u", w->generation);
	audit_change(w->audit, EVE_POLICY, "scheduled", p->path);
}

// SPDX-License-Identifier: GPL-2.0-only
/* What consumers hold (app/consumer.h), carried out by parking. */
#include "worker/worker_private.h"

enum weir_action worker_hold(struct worker *w, const struct weir_punt *punt,
			     const struct inspect_outcome *o)
{
	uint8_t action = o->hold_refused;

	for (unsigned int n = 0; n < o->hold_count; n++) {
		const struct inspect_hold *h = &o->hold[n];
		const struct park_key key = {.flow_id = punt->flow_id, .dir = h->dir};

		if (worker_park_hold(w, &key, h->reason, h->deadline_ns, h->answer) < 0 &&
		    h->answer > action)
			action = h->answer;
	}
	return action > WEIR_ACTION_PASS ? action : WEIR_ACTION_PASS;
}

void worker_hold_released(void *arg, uint64_t flow_id, uint8_t dir, uint8_t reason, uint8_t action)
{
	const struct park_key key = {.flow_id = flow_id, .dir = dir};
	struct worker *w = arg;

	worker_park_settle(w, &key, reason, action);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Section `timeouts`: for how long nothing may come of a flow before it has ended. */
#include "policy/section.h"

#define SECOND_NS 1000000000ULL
#define FOR_EVER  (UINT64_MAX / 4)

struct timeouts {
	uint64_t ns[WEIR_IDLE_COUNT];
};

static const struct policy_setting timeouts[] = {
#define X(id, key, seconds, help)                                                                  \
	POLICY_TIME(LIVE, key, struct timeouts, ns[WEIR_IDLE_##id], 2 * SECOND_NS,                 \
		    7 * 86400 * SECOND_NS, (seconds)*SECOND_NS, "a time from 2s to 7d"),
	WEIR_IDLES(X)
#undef X
};
POLICY_SECTION(timeouts) = {
	.key = "timeouts",
	.size = sizeof(struct timeouts),
	POLICY_SETTINGS(timeouts),
};

uint64_t policy_idle_ns(const struct policy *p, enum weir_idle which)
{
	const struct timeouts *t = policy_section_data(p, &policy_section_timeouts);

	return t ? t->ns[which] : FOR_EVER;
}

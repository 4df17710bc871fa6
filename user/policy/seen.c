// SPDX-License-Identifier: GPL-2.0-only
/* Conditions of a rule that user space judges: whether a flow meets them. */
#include <ctype.h>

#include "policy/policy.h"

/* Goes back to the last `*` alone: linear in the name for each of them. */
static bool glob_matches(const char *glob, const char *name)
{
	const char *star = NULL, *again = NULL;

	while (*name) {
		if (*glob == '*') {
			star = ++glob;
			again = name;
		} else if (*glob == '?' || *glob == tolower((unsigned char)*name)) {
			glob++;
			name++;
		} else if (star) {
			glob = star;
			name = ++again;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

static bool hostname_matches(const struct policy_condition *c, const char *name)
{
	for (size_t i = 0; i < c->glob_count; i++)
		if (glob_matches(c->globs[i], name))
			return true;
	return false;
}

static bool condition_holds(const struct policy_condition *c, const struct policy_seen *seen)
{
	switch (c->kind) {
	case POLICY_CONDITION_HOSTNAME:
		return seen->hostname && seen->hostname[0] && hostname_matches(c, seen->hostname);
	case POLICY_CONDITION_ANOMALY:
		return c->set & seen->anomalies;
	case POLICY_CONDITION_VIA:
		return seen->tunnel && c->set >> seen->tunnel & 1;
	default:
		return false;
	}
}

uint32_t policy_user_traits(const struct policy *p, const struct policy_seen *seen)
{
	uint32_t traits = 0;

	for (size_t i = 0; i < p->condition_count; i++)
		if (condition_holds(&p->conditions[i], seen))
			traits |= 1u << p->conditions[i].bit;
	return traits;
}

bool policy_asks(const struct policy *p, enum policy_condition_kind kind)
{
	for (size_t i = 0; i < p->condition_count; i++)
		if (p->conditions[i].kind == kind)
			return true;
	return false;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Names of the rules of earlier policies: a flow has the number of the rule that decided it, of the
 * policy of its generation, until its next frame is decided by a new one. */
#include <stdlib.h>
#include <string.h>

#include "daemon/weir.h"

#define PAST 8 /* policies whose names are kept */

struct rule_names {
	struct rule_names *older;
	uint32_t generation; /* the first of its policy */
	unsigned int count;
	char name[][sizeof(((struct policy_rule *)0)->name)];
};

/* Keeps the newest ones. */
static void forget(struct rule_names **list, unsigned int keep)
{
	while (*list && keep-- > 0)
		list = &(*list)->older;
	while (*list) {
		struct rule_names *n = *list;

		*list = n->older;
		free(n);
	}
}

void rule_names_keep(struct weir *w)
{
	const struct policy *p = w->policy;
	struct rule_names *n = calloc(1, sizeof(*n) + p->rule_count * sizeof(n->name[0]));

	if (!n)
		return;
	n->generation = p->generation;
	n->count = p->rule_count;
	for (unsigned int i = 0; i < n->count; i++)
		memcpy(n->name[i], p->rules[i].name, sizeof(n->name[i]));
	n->older = w->rule_names;
	w->rule_names = n;
	forget(&w->rule_names, PAST);
}

void rule_names_free(struct weir *w)
{
	forget(&w->rule_names, 0);
}

static bool is_of(uint32_t generation, uint32_t first)
{
	return (int32_t)(generation - first) >= 0;
}

const char *rule_name_of(const struct weir *w, const struct weir_flow *f)
{
	if (f->rule == WEIR_RULE_DEFAULT || !f->generation ||
	    is_of(f->generation, w->policy->generation))
		return policy_rule_name(w->policy, f->rule);
	for (const struct rule_names *n = w->rule_names; n; n = n->older)
		if (is_of(f->generation, n->generation))
			return f->rule < n->count ? n->name[f->rule] : "default";
	return "";
}

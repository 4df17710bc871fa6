// SPDX-License-Identifier: GPL-2.0-only
/* Rules to sets: which of them fit each source class, destination class and application. */
#include "policy/draft.h"

_Static_assert(sizeof(struct bits) == sizeof(struct weir_rule_set), "a bit for each rule");

/* Which rules' side contains each class. */
static void sides_of(const struct draft *d, bool to, struct weir_rule_set *out)
{
	for (unsigned int rule = 0; rule < d->policy->rule_count; rule++) {
		const struct draft_side *side = to ? &d->rules[rule].to : &d->rules[rule].from;

		for (uint32_t class = 0; class < d->policy->class_ids; class ++)
			if (side->any || bits_meet(&side->atoms, &d->class_atoms[class]))
				out[class].word[rule / 64] |= 1ULL << (rule % 64);
	}
}

static void apps_of(const struct draft *d, struct weir_rule_set *out)
{
	for (unsigned int rule = 0; rule < d->policy->rule_count; rule++)
		for (unsigned int app = 0; app < WEIR_APPS_MAX; app++)
			if (bits_has(&d->rules[rule].apps, app))
				out[app].word[rule / 64] |= 1ULL << (rule % 64);
}

uint64_t policy_rule_traits(const struct policy *p, unsigned int rule)
{
	uint64_t traits = p->rules[rule].traits;

	for (size_t i = 0; i < p->condition_count; i++)
		if (p->rules[rule].conditions >> i & 1)
			traits |= WEIR_TRAIT_USER(p->conditions[i].bit);
	return traits;
}

static void rules_of(const struct policy *p, struct weir_rule *out)
{
	for (unsigned int rule = 0; rule < p->rule_count; rule++)
		out[rule] = (struct weir_rule){
			.traits = policy_rule_traits(p, rule),
			.cell = {.action = (uint8_t)p->rules[rule].action,
				 .flags = p->rules[rule].tap ? WEIR_CELL_TAP : 0,
				 .rule = (uint16_t)rule,
				 .exit = (uint8_t)p->rules[rule].exit},
		};
	out[p->rule_count] = (struct weir_rule){
		.cell = {.action = (uint8_t)p->default_action, .rule = WEIR_RULE_DEFAULT},
	};
}

int draft_compile_tables(struct draft *d)
{
	struct policy *p = d->policy;
	const struct weir_rules_head head = {
		.rules = p->rule_count,
		.words = (p->rule_count + 63) / 64,
		.classes = p->class_ids,
	};

	free(p->sets);
	free(p->compiled);
	p->sets = calloc(WEIR_SETS_COUNT(p->class_ids), sizeof(*p->sets));
	p->compiled = calloc(p->rule_count + 1, sizeof(*p->compiled));
	if (!p->sets || !p->compiled)
		return draft_memory(d);
	memcpy(p->sets, &head, sizeof(head));
	sides_of(d, false, &p->sets[WEIR_SETS_FROM(0)]);
	sides_of(d, true, &p->sets[WEIR_SETS_TO(p->class_ids, 0)]);
	apps_of(d, &p->sets[WEIR_SETS_APP(p->class_ids, 0)]);
	rules_of(p, p->compiled);
	free(p->all_from);
	p->all_from = calloc(p->class_ids, sizeof(*p->all_from));
	if (!p->all_from)
		return draft_memory(d);
	memcpy(p->all_from, &p->sets[WEIR_SETS_FROM(0)], p->class_ids * sizeof(*p->all_from));
	return draft_warn_unreachable(d);
}

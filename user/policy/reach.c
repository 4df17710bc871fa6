// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds rules that no flow can reach. A rule is checked for flows that have exactly the traits it
 * needs and those that these imply; it is hidden by earlier rules that need no further traits.
 */
#include "policy/draft.h"

/* Pairs of classes that are looked at in all; a policy with more gets fewer warnings. */
#define PAIRS_MAX 200000

struct reach {
	const struct draft *d;
	unsigned int rule;
	struct bits hiding;	/* earlier rules that need no more than this one */
	struct bits *from, *to; /* of the rule's classes: which of `hiding` fit, each once */
	size_t from_count, to_count;
	size_t *budget;
};

/* Whether the early rule's side has all classes of the late one's. */
static bool side_covers(const struct draft *d, uint32_t first, unsigned int early,
			unsigned int late)
{
	const struct weir_rule_set *set = &d->policy->sets[first];

	for (uint32_t class = 0; class < d->policy->class_ids; class ++)
		if (set[class].word[late / 64] >> (late % 64) & 1 &&
		    !(set[class].word[early / 64] >> (early % 64) & 1))
			return false;
	return true;
}

static uint32_t implied_by(const struct draft *d, uint32_t traits)
{
	uint32_t implied = 0;

	for (size_t i = 0; i < d->trait_count; i++)
		if (traits >> i & 1)
			implied |= d->traits[i].implied;
	return implied;
}

/* Whether every flow with just what `late` needs has what `early` needs. */
static bool needs_no_more(const struct draft *d, unsigned int early, unsigned int late)
{
	const struct policy_rule *a = &d->policy->rules[early], *b = &d->policy->rules[late];

	return !(a->traits & ~implied_by(d, b->traits)) && !(a->conditions & ~b->conditions) &&
	       (!a->schedule || a->schedule == b->schedule);
}

/* The first earlier rule that alone takes everything `rule` names, or NULL. */
static const char *hidden_by(const struct reach *r)
{
	const struct draft *d = r->d;
	const uint32_t to = WEIR_SETS_TO(d->policy->class_ids, 0);

	for (unsigned int i = 0; i < r->rule; i++)
		if (bits_has(&r->hiding, i) && side_covers(d, WEIR_SETS_FROM(0), i, r->rule) &&
		    side_covers(d, to, i, r->rule) &&
		    bits_cover(&d->rules[i].apps, &d->rules[r->rule].apps))
			return d->policy->rules[i].name;
	return NULL;
}

/* Of the classes that the rule's side has: the rules in its way, without repetition. */
static size_t side_sets(const struct reach *r, uint32_t first, struct bits *out)
{
	const struct policy *p = r->d->policy;
	size_t count = 0;

	for (uint32_t class = 0; class < p->class_ids; class ++) {
		struct bits set;
		bool known = false;

		memcpy(&set, &p->sets[first + class], sizeof(set));
		if (!bits_has(&set, r->rule))
			continue;
		bits_and(&set, &r->hiding);
		for (size_t i = 0; i < count && !known; i++)
			known = memcmp(&out[i], &set, sizeof(set)) == 0;
		if (!known)
			out[count++] = set;
	}
	return count;
}

/* Whether an application of the rule is left for it where these rules come first. */
static bool leaves_some(const struct reach *r, const struct bits *before)
{
	struct bits open = r->d->rules[r->rule].apps;

	for (unsigned int i = 0; i < r->rule; i++)
		if (bits_has(before, i))
			bits_remove(&open, &r->d->rules[i].apps);
	return bits_meet(&open, &open);
}

static bool is_reached(struct reach *r)
{
	const struct policy *p = r->d->policy;

	r->from_count = side_sets(r, WEIR_SETS_FROM(0), r->from);
	r->to_count = side_sets(r, WEIR_SETS_TO(p->class_ids, 0), r->to);
	for (size_t i = 0; i < r->from_count; i++) {
		for (size_t j = 0; j < r->to_count; j++) {
			struct bits before = r->from[i];

			bits_and(&before, &r->to[j]);
			if (*r->budget == 0 || leaves_some(r, &before))
				return true;
			--*r->budget;
		}
	}
	return false;
}

static void rule_check(struct reach *r)
{
	const struct draft *d = r->d;
	const char *name = d->policy->rules[r->rule].name, *by;

	r->hiding = (struct bits){0};
	for (unsigned int i = 0; i < r->rule; i++)
		if (needs_no_more(d, i, r->rule))
			bits_set(&r->hiding, i);
	if (is_reached(r))
		return;
	by = hidden_by(r);
	if (by)
		draft_warn(d, d->rules[r->rule].node,
			   "rule `%s` is never reached: rule `%s` matches first", name, by);
	else
		draft_warn(d, d->rules[r->rule].node,
			   "rule `%s` is never reached: earlier rules match first", name);
}

int draft_warn_unreachable(const struct draft *d)
{
	const struct policy *p = d->policy;
	_cleanup_free_ struct bits *from = NULL, *to = NULL;
	size_t budget = PAIRS_MAX;

	if (!d->warnings)
		return 0;
	from = calloc(p->class_ids, sizeof(*from));
	to = calloc(p->class_ids, sizeof(*to));
	if (!from || !to)
		return draft_memory(d);
	for (unsigned int i = 0; i < p->rule_count; i++)
		rule_check(&(struct reach){
			.d = d, .rule = i, .from = from, .to = to, .budget = &budget});
	return 0;
}

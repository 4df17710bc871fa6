// SPDX-License-Identifier: GPL-2.0-only
/* A policy asked in user space, by the gate's own function. */
#include <string.h>

#include "policy/policy.h"
#include "weir/rule_find.h"

/* The arrays know their ends, as maps do. */
struct sets {
	const struct weir_rule_set *set;
	uint32_t count;
};
struct rules {
	const struct weir_rule *rule;
	uint32_t count;
};
struct traits {
	const uint32_t *bits;
	uint32_t count;
};

static inline const struct weir_rule_set *weir_set_at(const void *sets, __u32 index)
{
	const struct sets *s = sets;

	return index < s->count ? &s->set[index] : NULL;
}

static inline const struct weir_rule *weir_rule_at(const void *rules, __u32 index)
{
	const struct rules *r = rules;

	return index < r->count ? &r->rule[index] : NULL;
}

static inline const __u32 *weir_trait_at(const void *traits, __u32 index)
{
	const struct traits *t = traits;

	return index < t->count ? &t->bits[index] : NULL;
}

const struct weir_cell *policy_cell(const struct policy *p, const struct weir_subject *s,
				    unsigned int confidence)
{
	const struct sets sets = {p->sets, WEIR_SETS_COUNT(p->class_ids)};
	const struct rules rules = {p->compiled, p->rule_count + 1};
	const struct traits traits = {p->traits, p->trait_count};
	struct weir_subject subject = *s;
	const struct weir_rule *rule;

	if (confidence < WEIR_TRAITS_CONFIDENCE_VALUES)
		subject.traits |= weir_trait_of(&traits, WEIR_TRAITS_CONFIDENCE_AT + confidence);
	rule = weir_rule_find(&sets, &rules, &subject);
	return rule ? &rule->cell : NULL;
}

/* Lists are short: there is one for each address written in a rule. */
static uint32_t mac_traits(const struct policy *p, const uint8_t mac[6])
{
	uint32_t bits = 0;

	for (size_t i = 0; i < p->mac_count; i++) {
		const struct weir_mac_trait_key *key = &p->macs[i].key;
		unsigned int whole = key->prefixlen / 8, rest = key->prefixlen % 8;

		if (memcmp(key->mac, mac, whole) == 0 &&
		    (!rest || (key->mac[whole] ^ mac[whole]) >> (8 - rest) == 0))
			bits |= p->macs[i].traits;
	}
	return bits;
}

uint32_t policy_traits(const struct policy *p, const struct weir_trait_facts *f,
		       const uint8_t mac[6])
{
	const struct traits traits = {p->traits, p->trait_count};

	return weir_traits_find(&traits, f) | (mac ? mac_traits(p, mac) : 0);
}

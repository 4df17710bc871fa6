// SPDX-License-Identifier: GPL-2.0-only
/* Evaluates a policy in user space, with the function that the gate uses. */
#include <string.h>

#include "policy/policy.h"
#include "weir/rule_find.h"

/* The arrays know their ends, as maps do. */
struct weir_tables {
	const struct policy *p;
};

static inline const struct weir_rule_set *weir_set_at(const struct weir_tables *t, __u32 index)
{
	return index < WEIR_SETS_COUNT(t->p->class_ids) ? &t->p->sets[index] : NULL;
}

static inline const struct weir_rule *weir_rule_at(const struct weir_tables *t, __u32 index)
{
	return index <= t->p->rule_count ? &t->p->compiled[index] : NULL;
}

static inline const __u32 *weir_trait_at(const struct weir_tables *t, __u32 index)
{
	return index < t->p->trait_count ? &t->p->traits[index] : NULL;
}

static inline int weir_word_match(const struct weir_tables *t, __u32 word, __u64 set, __u64 traits)
{
	return weir_rule_in_word(t, word, set, traits);
}

const struct weir_cell *policy_cell(const struct policy *p, const struct weir_subject *s,
				    unsigned int confidence)
{
	const struct weir_tables t = {p};
	struct weir_subject subject = *s;
	const struct weir_rule *rule;

	if (confidence < WEIR_TRAITS_CONFIDENCE_VALUES)
		subject.traits |= weir_trait_of(&t, WEIR_TRAITS_CONFIDENCE_AT + confidence);
	rule = weir_rule_find(&t, &subject);
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
	const struct weir_tables t = {p};

	return weir_traits_find(&t, f) | (mac ? mac_traits(p, mac) : 0);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one function that finds a flow's rule, for the gate and for user space: the first of the
 * rules that are in the sets of its classes and of its application (bit-vector classification:
 * Lakshman and Stiliadis, SIGCOMM '98) and need no trait that it lacks.
 */
#ifndef WEIR_RULE_FIND_H
#define WEIR_RULE_FIND_H

#include "weir/rules.h"

#ifdef __clang__
/* Unrolled, the gate's program would be too large to verify. */
#define WEIR_LOOP _Pragma("clang loop unroll(disable)")
#else
#define WEIR_LOOP
#endif
#define WEIR_INLINE static inline __attribute__((always_inline))

/*
 * Of whoever includes this: where a generation's arrays are; an element of each, NULL behind its
 * end; and weir_rule_in_word() of these tables, which the gate makes a function of its own.
 */
struct weir_tables;
WEIR_INLINE const struct weir_rule_set *weir_set_at(const struct weir_tables *t, __u32 index);
WEIR_INLINE const struct weir_rule *weir_rule_at(const struct weir_tables *t, __u32 index);
WEIR_INLINE const __u32 *weir_trait_at(const struct weir_tables *t, __u32 index);
WEIR_INLINE int weir_word_match(const struct weir_tables *t, __u32 word, __u64 set, __u64 traits);

/* Number of the lowest bit of a word that has one. */
WEIR_INLINE __u32 weir_first_bit(__u64 word)
{
	__u64 n = (word & -word) - 1;

	/* The bits below it, counted: a table would be a map of its own in the gate. */
	n -= n >> 1 & 0x5555555555555555ULL;
	n = (n & 0x3333333333333333ULL) + (n >> 2 & 0x3333333333333333ULL);
	n = (n + (n >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (n * 0x0101010101010101ULL) >> 56 & 63;
}

/* The first of the rules of one word's bits whose traits are all there, or -1. */
WEIR_INLINE int weir_rule_in_word(const struct weir_tables *t, __u32 word, __u64 set, __u64 traits)
{
	WEIR_LOOP
	for (__u32 n = 0; n < 64 && set; n++) {
		__u32 index = word * 64 + weir_first_bit(set);
		const struct weir_rule *rule = weir_rule_at(t, index);

		if (rule && !(rule->traits & ~traits))
			return index;
		set &= set - 1;
	}
	return -1;
}

/*
 * The first rule that matches, or the default's element. NULL for numbers that the generation does
 * not have.
 */
WEIR_INLINE const struct weir_rule *weir_rule_find(const struct weir_tables *t,
						   const struct weir_subject *s)
{
	const struct weir_rules_head *head = (const void *)weir_set_at(t, 0);
	const struct weir_rule_set *from, *to, *app;
	__u32 classes, words;
	int rule = -1;

	if (!head)
		return 0;
	classes = head->classes;
	words = head->words;
	if (s->from >= classes || s->to >= classes || s->app >= WEIR_APPS_MAX)
		return 0;
	from = weir_set_at(t, WEIR_SETS_FROM(s->from));
	to = weir_set_at(t, WEIR_SETS_TO(classes, s->to));
	app = weir_set_at(t, WEIR_SETS_APP(classes, s->app));
	if (!from || !to || !app)
		return 0;
	WEIR_LOOP
	for (__u32 w = 0; w < WEIR_RULE_WORDS && w < words && rule < 0; w++) {
		__u64 set = from->word[w] & to->word[w] & app->word[w];

		if (set)
			rule = weir_word_match(t, w, set, s->traits);
	}
	return weir_rule_at(t, rule < 0 ? head->rules : (__u32)rule);
}

WEIR_INLINE __u32 weir_trait_of(const struct weir_tables *t, __u32 index)
{
	const __u32 *bits = weir_trait_at(t, index);

	return bits ? *bits : 0;
}

/*
 * Without those of the confidence and of the link-layer address. The port is the responder's; of a
 * flow whose start was not seen nobody knows which side that is, so either's counts.
 */
WEIR_INLINE __u32 weir_traits_find(const struct weir_tables *t, const struct weir_trait_facts *f)
{
	__u32 bits = weir_trait_of(t, WEIR_TRAITS_PROTO_AT + f->proto);

	bits |= weir_trait_of(t, WEIR_TRAITS_IN_PORT_AT + (f->in_port & 31));
	bits |= weir_trait_of(t, WEIR_TRAITS_MIDSTREAM_AT + (f->midstream & 1));
	bits |= weir_trait_of(t, WEIR_TRAITS_VLAN_AT + (f->vlan & 0xfff));
	if (f->port[1])
		bits |= weir_trait_of(t, WEIR_TRAITS_PORT_AT + f->port[1]);
	if (f->midstream && f->port[0])
		bits |= weir_trait_of(t, WEIR_TRAITS_PORT_AT + f->port[0]);
	return bits;
}

#endif

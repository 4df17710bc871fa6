/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A policy file on its way to tables: read (ports, settings, groups, rules), resolved against the
 * applications known, compiled (classes, sets of rules, traits).
 */
#ifndef WEIR_POLICY_DRAFT_H
#define WEIR_POLICY_DRAFT_H

#include <string.h>

#include "policy/section.h"

#define DRAFT_ATOMS_MAX	   1024	 /* groups and distinct prefixes written in rules */
#define DRAFT_PREFIXES_MAX 65536 /* of all groups and rules */
#define DRAFT_MACS_MAX	   4096	 /* link-layer addresses of all rules */

/* A set of up to 1024 things: atoms, rules or applications. */
#define BITS_WORDS 16
struct bits {
	uint64_t word[BITS_WORDS];
};
_Static_assert(BITS_WORDS * 64 == WEIR_APPS_MAX, "a bit for each application");
_Static_assert(BITS_WORDS * 64 == WEIR_RULES_MAX, "a bit for each rule");
_Static_assert(BITS_WORDS * 64 == DRAFT_ATOMS_MAX, "a bit for each atom");

static inline void bits_set(struct bits *b, unsigned int i)
{
	b->word[i / 64] |= 1ULL << (i % 64);
}
static inline bool bits_has(const struct bits *b, unsigned int i)
{
	return b->word[i / 64] >> (i % 64) & 1;
}
static inline void bits_fill(struct bits *b)
{
	memset(b, 0xff, sizeof(*b));
}
static inline void bits_add(struct bits *b, const struct bits *more)
{
	for (unsigned int i = 0; i < BITS_WORDS; i++)
		b->word[i] |= more->word[i];
}
static inline void bits_and(struct bits *b, const struct bits *other)
{
	for (unsigned int i = 0; i < BITS_WORDS; i++)
		b->word[i] &= other->word[i];
}
static inline void bits_remove(struct bits *b, const struct bits *gone)
{
	for (unsigned int i = 0; i < BITS_WORDS; i++)
		b->word[i] &= ~gone->word[i];
}
static inline bool bits_meet(const struct bits *a, const struct bits *b)
{
	for (unsigned int i = 0; i < BITS_WORDS; i++)
		if (a->word[i] & b->word[i])
			return true;
	return false;
}
static inline bool bits_cover(const struct bits *a, const struct bits *b)
{
	for (unsigned int i = 0; i < BITS_WORDS; i++)
		if (b->word[i] & ~a->word[i])
			return false;
	return true;
}

/* What `from` and `to` are made of: a group, or one prefix written in a rule. */
struct draft_atom {
	const char *group; /* NULL: a prefix */
	struct weir_class_key key;
};

struct draft_prefix {
	struct weir_class_key key;
	uint32_t atom;
};

/* One side's addresses in a rule. */
struct draft_side {
	bool any;
	struct bits atoms;
};

/* A condition that the gate judges, and its bit: the place among draft.traits. */
struct draft_trait {
	int table;     /* enum weir_trait_table; -1: link-layer addresses */
	uint64_t *set; /* a bit for each value of the table that meets it */
	struct weir_mac_trait_key *macs;
	size_t mac_count;
	uint32_t implied; /* bits of conditions that hold wherever it does, itself included */
};

struct draft_rule {
	const struct yaml_node *node;
	const struct yaml_node *application; /* NULL = any */
	struct draft_side from, to;
	struct bits apps;
};

struct draft {
	const struct yaml_file *file;
	FILE *warnings; /* or NULL */
	struct error *e;
	struct policy *policy;
	struct draft_atom *atoms;
	size_t atom_count;
	struct draft_prefix *prefixes;
	size_t prefix_count, prefix_room;
	struct draft_rule *rules; /* policy->rule_count entries */
	struct bits *class_atoms; /* policy->class_ids entries */
	struct draft_trait traits[WEIR_GATE_TRAITS];
	size_t trait_count;
	size_t mac_count; /* of all traits */
};

/* What a section that is fixed at the start is answered with when it differs; what: a format. */
#define DRAFT_RESTART(what) "`" what "` is not the running one; restart weir to change it"

/* section.c */
/* Room for the sections' own data. */
int draft_sections_new(struct draft *d);
int draft_read_sections(struct draft *d);
/* -EINVAL with the place of the first section that is fixed at the start and says something else
 * than the running policy's. */
int draft_fits(const struct draft *d, const struct policy *running);

/* group.c */
/* Reads `from` or `to`; n NULL = any. */
int draft_read_side(struct draft *d, const struct yaml_node *n, const char *what,
		    struct draft_side *out);
/* rule.c */
/* Applications and categories by the names that r knows. */
int draft_resolve(struct draft *d, const struct app_registry *r);
/* tap.c: the key `tap` of a rule; n NULL: none. */
int draft_read_tap(const struct draft *d, const struct yaml_node *n, struct policy_rule *rule);
/* trait.c: a rule's conditions beside classes and application. */
int draft_read_conditions(struct draft *d, const struct yaml_node *rule, struct policy_rule *out);
void draft_traits_free(struct draft *d);
/* condition.c: those that user space judges. */
int draft_read_user_conditions(struct draft *d, const struct yaml_node *rule,
			       struct policy_rule *out);
/* What the rule needs of a flow. */
uint64_t policy_rule_traits(const struct policy *p, unsigned int rule);
/* schedule.c: n NULL: always. */
int draft_read_schedule(struct draft *d, const struct yaml_node *n, uint8_t *out);
/* class.c: prefixes to classes. trait.c: weir_traits and weir_mac_traits. table.c: rules to sets,
 * anew each time. reach.c: warns of rules that are never reached. */
int draft_compile_classes(struct draft *d);
int draft_compile_traits(struct draft *d);
int draft_compile_tables(struct draft *d);
int draft_warn_unreachable(const struct draft *d);

/* load.c: from memory, against the applications of r; no signature file is opened. name as in
 * yaml_parse. */
int policy_parse(const char *name, const char *text, size_t len, const struct app_registry *r,
		 struct policy **out, FILE *warnings, struct error *e);

#endif

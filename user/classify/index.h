/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The index: which rules have to be evaluated for a message. Every rule is found in one of three
 * ways: by a small set of ports that it requires; by a decision tree over bytes at fixed positions
 * and the length; or by literals that one of its regexes requires, searched for in one pass over
 * the message.
 */
#ifndef WEIR_CLASSIFY_INDEX_H
#define WEIR_CLASSIFY_INDEX_H

#include "classify/set.h"

#define SHAPE_POSITIONS 126 /* with the two of the length, the bits of a position_set */
/* Positions of the message's length: its upper byte (255: or more) and its lower byte. */
#define SHAPE_LENGTH_HIGH SHAPE_POSITIONS
#define SHAPE_LENGTH_LOW  (SHAPE_POSITIONS + 1)
#define SHAPE_SETS	  (SHAPE_POSITIONS + 2)
#define SHAPE_KNOWN	  256 /* first positions, among which a candidate's four bytes lie */

struct position_set {
	uint64_t bits[2];
};

static inline bool position_set_has(const struct position_set *s, unsigned int position)
{
	return s->bits[position / 64] >> position % 64 & 1;
}
static inline void position_set_add(struct position_set *s, unsigned int position)
{
	s->bits[position / 64] |= UINT64_C(1) << position % 64;
}

/* Necessary conditions on the bytes and the length of a message that has a feature or matches a
 * rule. They may be wider than exact, never narrower. */
struct shape {
	struct byte_set at[SHAPE_SETS]; /* sets of possible bytes by position; those of the length
					   hold for a complete message */
	uint32_t min, max; /* length of a complete message, bytes; min > max, or a position without
			      possible bytes: no message matches */
	uint8_t transports, directions;
	/* Bits with a fixed value at each position: for a feature those of masks beyond `at`, for a
	 * rule all. */
	uint8_t mask[SHAPE_KNOWN];
	uint8_t value[SHAPE_KNOWN];
};
void shape_read(const struct feature *f, struct shape *out);
/* Shape of a rule, from the shapes of all features. */
void shape_read_rule(const struct shape *features, const struct rule *rule, struct shape *out);
/* Whether no message fits the shape. */
bool shape_empty(const struct shape *s);
/* How selective the shape is: number of fixed bits, at positions where at most a quarter of the
 * values is possible. */
unsigned int shape_bits(const struct shape *s);

/* A rule to evaluate, with four bytes to compare first: they rule it out for most messages. */
struct candidate {
	uint16_t rule;
	uint8_t offset;
	uint8_t confidence;
	uint32_t mask, value; /* of the bytes in memory order; mask 0: nothing to compare */
};
/* tested: positions that the tree has already compared. */
void candidate_make(const struct shape *s, const struct rule *rule, uint16_t number,
		    const struct position_set *tested, struct candidate *out);

struct rule_list {
	const struct candidate *rules; /* in descending order of confidence */
	size_t count;
	bool absent; /* they need bytes beyond the message's present end */
};

/* access.c: how the index finds a rule. features (PORT, LITERAL): whenever the rule is not false,
 * at least one of them is not false. */
enum access_kind { ACCESS_TREE, ACCESS_PORT, ACCESS_LITERAL };
struct access {
	enum access_kind kind;
	uint16_t features[RULE_OPS_MAX];
	size_t count;
};
#define ACCESS_PORTS_MAX 256 /* largest set of ports that counts as small */
void access_choose(const struct signatures *s, const struct shape *shapes, const struct rule *rule,
		   struct access *out);

/* relation.c */
/* Whether every message that has f (of shape s) has g as well. */
bool feature_implies(const struct feature *f, const struct shape *s, const struct feature *g);
/* WHOLE: only complete messages cannot have both, because a growing message passes through the
 * length that the other feature requires. */
enum exclusion { EXCLUDES_NOT, EXCLUDES_WHOLE, EXCLUDES };
enum exclusion feature_excludes(const struct feature *f, const struct shape *s,
				const struct feature *g, const struct shape *t);
/* Consequence for `feature` when another feature turns out to be true, or false. */
struct relation {
	uint16_t feature;
	bool value;
	bool whole; /* only for a complete message */
};
struct relations {
	uint32_t *starts; /* indexes into list: for each feature, where its relations begin when it
			     is false and when it is true; then the end */
	struct relation *list;
};
/* Computes the relations between features that one message can have together, at most 64 for each
 * value of each feature. 0 or -ENOMEM; *out is the caller's to free in both cases. */
int relations_new(const struct signatures *s, const struct shape *shapes, struct relations *out);

/* tree.c */
struct tree;
/* Builds a tree. rules: in descending order of confidence; shapes: of all rules of the set.
 * complete: the tree is for complete messages only and also tests lengths. 0 or -ENOMEM. */
int tree_new(const struct signatures *s, const struct shape *shapes, const uint16_t *rules,
	     size_t count, bool complete, struct tree **out);
void tree_free(struct tree *t);

/* A message's walk through a tree: it may reach several leaves, but finds no rule twice. */
struct tree_walk {
	const struct tree *t;
	const uint8_t *data;
	size_t len;
	unsigned int depth;
	uint32_t links[SHAPE_SETS + 1]; /* stack of links; no position is tested twice on a path */
};
void tree_walk_begin(struct tree_walk *w, const struct tree *t, const uint8_t *data, size_t len);
/* Walks over all rules of the tree, whatever the message. */
void tree_walk_all(struct tree_walk *w, const struct tree *t);
/* The next list of rules; false at the end. */
bool tree_walk_next(struct tree_walk *w, struct rule_list *out);

/* l4port.c: rules by port */
struct l4port_index;
struct l4port_index *l4port_index_new(void);
void l4port_index_free(struct l4port_index *x);
/* Rules must be added in descending order of confidence. 0 or -ENOMEM. */
int l4port_index_add(struct l4port_index *x, const struct ranges *ports, uint16_t rule);
int l4port_index_finish(struct l4port_index *x, const struct signatures *s,
			const struct shape *shapes);
struct rule_list l4port_index_find(const struct l4port_index *x, uint16_t port);

/* scan.c: case-insensitive search for many literals in one pass */
#define SCAN_TEXT_MAX 8 /* bytes of each literal that are compared: enough to be rare */
struct scan;
struct scan *scan_new(void);
void scan_free(struct scan *x);
/* Adds literals of a feature. 0; -ENOMEM; -ENOSPC for a literal of less than five bytes or of
 * mostly zeros, or for too many of them (nothing is added then). */
int scan_add(struct scan *x, const struct literal *literals, size_t count, uint16_t feature);
int scan_finish(struct scan *x);
/* Calls found for the feature of each literal in data, possibly more than once. */
void scan_run(const struct scan *x, const uint8_t *data, size_t len,
	      void (*found)(void *arg, uint16_t feature), void *arg);

struct index {
	struct tree *trees[2][2]; /* [udp][from_origin] */
	struct l4port_index *ports[2];
	struct {
		struct scan *scan;
		uint32_t within; /* number of first bytes of a message to search: the most that one
				    of these regexes examines */
		uint16_t *rules; /* in descending order of confidence */
		size_t count;
		uint8_t confidence; /* the highest */
	} literal[2];		    /* udp */
	struct {
		struct scan *scan; /* literals of TEXTS_CONFIRM features */
		uint32_t within;
	} confirm[2]; /* udp */
	struct relations relations;
	uint32_t *rules_of; /* first index into feature_rules of each scanned feature */
	uint16_t *feature_rules;
};
int index_new(struct signatures *s, struct index **out);
void index_free(struct index *x);

#endif

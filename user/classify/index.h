/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which rules a message can meet. Every rule is found in one of three ways: by a narrow set of
 * ports that it needs; by bytes at positions and the length, in a tree of decisions; or by texts
 * that one of its regexes cannot match without, in one pass over the message.
 */
#ifndef WEIR_CLASSIFY_INDEX_H
#define WEIR_CLASSIFY_INDEX_H

#include "classify/set.h"

#define SHAPE_POSITIONS 126 /* with the length's two they number the bits of a position_set */
/* Beyond the positions: the upper byte of the message's length (255: or more) and the lower. */
#define SHAPE_LENGTH_HIGH SHAPE_POSITIONS
#define SHAPE_LENGTH_LOW  (SHAPE_POSITIONS + 1)
#define SHAPE_SETS	  (SHAPE_POSITIONS + 2)
#define SHAPE_KNOWN	  256 /* positions that a candidate's four bytes may be at */

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

/* What a message for which a feature or a rule is true looks like, as far as that is bytes and
 * lengths. Never too narrow. */
struct shape {
	struct byte_set at[SHAPE_SETS]; /* the length's: of a complete message */
	uint32_t min, max; /* bytes of a complete message; min > max, or no bound: none */
	uint8_t transports, directions;
	/* Bits of each position that are given: of a feature, by masks beyond `at`; of a rule, all.
	 */
	uint8_t mask[SHAPE_KNOWN];
	uint8_t value[SHAPE_KNOWN];
};
void shape_read(const struct feature *f, struct shape *out);
/* Of a rule, given those of all features. */
void shape_read_rule(const struct shape *features, const struct rule *rule, struct shape *out);
/* Whether no message has it. */
bool shape_empty(const struct shape *s);
/* How much it narrows: whole bits, of positions that leave at most a quarter of the values. */
unsigned int shape_bits(const struct shape *s);

/* A rule, and four bytes of a message that already tell of most that it is not true. */
struct candidate {
	uint16_t rule;
	uint8_t offset;
	uint8_t confidence;
	uint32_t mask, value; /* of the bytes in memory's order; mask 0: nothing to compare */
};
/* tested: positions that are known to fit. */
void candidate_make(const struct shape *s, const struct rule *rule, uint16_t number,
		    const struct position_set *tested, struct candidate *out);

struct rule_list {
	const struct candidate *rules; /* by falling confidence */
	size_t count;
	bool absent; /* they need bytes that the message does not have (yet) */
};

/* access.c: how the index finds a rule, and the features that it goes by (PORT, LITERAL): where the
 * rule is not false, one of them is not. */
enum access_kind { ACCESS_TREE, ACCESS_PORT, ACCESS_LITERAL };
struct access {
	enum access_kind kind;
	uint16_t features[RULE_OPS_MAX];
	size_t count;
};
#define ACCESS_PORTS_MAX 256 /* of a narrow set */
void access_choose(const struct signatures *s, const struct shape *shapes, const struct rule *rule,
		   struct access *out);

/* relation.c */
/* Whether g is true of every message that f, of shape s, is true of. */
bool feature_implies(const struct feature *f, const struct shape *s, const struct feature *g);
/* WHOLE: of complete messages alone, since a length that is right now may be passed. */
enum exclusion { EXCLUDES_NOT, EXCLUDES_WHOLE, EXCLUDES };
enum exclusion feature_excludes(const struct feature *f, const struct shape *s,
				const struct feature *g, const struct shape *t);
/* What follows for a feature when another one is found true, or false. */
struct relation {
	uint16_t feature;
	bool value;
	bool whole; /* where the message is complete */
};
struct relations {
	uint32_t
		*starts; /* in list: of each feature's when it is false, when it is true; the end */
	struct relation *list;
};
/* Of the features that some message can have in common; at most 64 for each value of each. What was
 * made before -ENOMEM is the caller's to free. */
int relations_new(const struct signatures *s, const struct shape *shapes, struct relations *out);

/* tree.c */
struct tree;
/* Rules, by falling confidence, and the shapes of all rules. complete: the tree is for complete
 * messages alone, and tests lengths. */
int tree_new(const struct signatures *s, const struct shape *shapes, const uint16_t *rules,
	     size_t count, bool complete, struct tree **out);
void tree_free(struct tree *t);

/* A message's way through a tree: it meets several leaves, no rule twice. */
struct tree_walk {
	const struct tree *t;
	const uint8_t *data;
	size_t len;
	unsigned int depth;
	uint32_t links[SHAPE_SETS + 1]; /* no position is tested twice on a way */
};
void tree_walk_begin(struct tree_walk *w, const struct tree *t, const uint8_t *data, size_t len);
/* All rules, whatever the message. */
void tree_walk_all(struct tree_walk *w, const struct tree *t);
/* False at the end. */
bool tree_walk_next(struct tree_walk *w, struct rule_list *out);

/* ports.c */
struct l4port_index;
struct l4port_index *l4port_index_new(void);
void l4port_index_free(struct l4port_index *x);
/* Rules come by falling confidence. 0 or -ENOMEM. */
int l4port_index_add(struct l4port_index *x, const struct ranges *ports, uint16_t rule);
int l4port_index_finish(struct l4port_index *x, const struct signatures *s,
			const struct shape *shapes);
struct rule_list l4port_index_find(const struct l4port_index *x, uint16_t port);

/* scan.c: looks for many texts at once, whatever the case of letters. */
#define SCAN_TEXT_MAX 8 /* of each text: enough to be rare */
struct scan;
struct scan *scan_new(void);
void scan_free(struct scan *x);
/* -ENOSPC for a text of less than five bytes or mostly zeros, or too many; nothing is added then.
 */
int scan_add(struct scan *x, const struct literal *literals, size_t count, uint16_t feature);
int scan_finish(struct scan *x);
/* Calls found for the features of literals in the text, for some more than once. */
void scan_run(const struct scan *x, const uint8_t *data, size_t len,
	      void (*found)(void *arg, uint16_t feature), void *arg);

struct index {
	struct tree *trees[2][2]; /* udp, from_origin */
	struct l4port_index *ports[2];
	struct {
		struct scan *scan;
		uint32_t within; /* bytes that any of them looks at */
		uint16_t *rules; /* by falling confidence */
		size_t count;
		uint8_t confidence; /* the highest */
	} literal[2];		    /* udp */
	struct {
		struct scan *scan; /* of TEXTS_CONFIRM features */
		uint32_t within;
	} confirm[2]; /* udp */
	struct relations relations;
	uint32_t *rules_of; /* where a scanned feature's rules begin in feature_rules */
	uint16_t *feature_rules;
};
int index_new(struct signatures *s, struct index **out);
void index_free(struct index *x);

#endif

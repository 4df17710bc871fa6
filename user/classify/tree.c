// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tree of decisions, as packet classifiers have (Gupta and McKeown 1999): a node looks at one
 * byte, or at a byte of the length, and sends the message on to the rules that this leaves
 * possible. Rules for which the byte matters little are not copied into its branches but kept
 * apart, for the message to meet as well (Vamanan, Voskuilen and Vijaykumar 2010): so a set of ten
 * times the size has ten times the nodes, and a message meets little more of them.
 */
#include <string.h>

#include "classify/index.h"

#define NODES_MAX  8192
#define LEAF_RULES 3   /* looking at these is as cheap as a node */
#define SHARE_MAX  512 /* a rule that so many messages pass, in 1/1024, goes to the rest */
#define LEAF	   (1u << 31)
#define NOTHING	   LEAF /* the leaf without rules */
#define ABSENT	   256

struct node {
	uint32_t branches; /* in links */
	uint32_t absent, rest;
	uint8_t position;
	uint8_t branch_of[256];
};

struct leaf {
	uint32_t start, count; /* in rules */
};

struct tree {
	struct node *nodes;
	uint32_t *links; /* a node, or LEAF and a leaf */
	struct leaf *leaves;
	uint16_t *rules;
	size_t node_count, node_room, link_count, link_room, leaf_count, leaf_room;
	size_t rule_count, rule_room;
	uint32_t root, all; /* links */
};

/* Rules that are not yet in a leaf, and where the link to them goes. */
struct work {
	uint16_t *rules;
	size_t count;
	uint64_t tested; /* positions, as bits */
	size_t link;
};

struct builder {
	const struct shape *shapes;    /* by rule */
	uint16_t (*share)[SHAPE_SETS]; /* by rule: messages that pass each set, in 1/1024 */
	struct tree *t;
	bool complete;
	struct work *queue;
	size_t queue_head, queue_count, queue_room;
};

void tree_free(struct tree *t)
{
	if (!t)
		return;
	free(t->nodes);
	free(t->links);
	free(t->leaves);
	free(t->rules);
	free(t);
}

/* ---- look-up ---- */

static unsigned int byte_at(unsigned int position, const uint8_t *data, size_t len)
{
	if (position < SHAPE_POSITIONS)
		return position < len ? data[position] : ABSENT;
	if (position == SHAPE_LENGTH_HIGH)
		return len >> 8 < 255 ? (unsigned int)(len >> 8) : 255;
	return len & 255;
}

static struct rule_list leaf_rules(const struct tree *t, uint32_t link)
{
	const struct leaf *leaf = &t->leaves[link & ~LEAF];

	return (struct rule_list){t->rules + leaf->start, leaf->count};
}

void tree_walk_begin(struct tree_walk *w, const struct tree *t, const uint8_t *data, size_t len)
{
	w->t = t;
	w->data = data;
	w->len = len;
	w->depth = 1;
	w->links[0] = t->root;
}

void tree_walk_all(struct tree_walk *w, const struct tree *t)
{
	tree_walk_begin(w, t, NULL, 0);
	w->links[0] = t->all;
}

bool tree_walk_next(struct tree_walk *w, struct rule_list *out)
{
	const struct tree *t = w->t;

	while (w->depth > 0) {
		uint32_t link = w->links[--w->depth];

		while (!(link & LEAF)) {
			const struct node *n = &t->nodes[link];
			unsigned int b = byte_at(n->position, w->data, w->len);

			if (n->rest != NOTHING)
				w->links[w->depth++] = n->rest;
			link = b == ABSENT ? n->absent : t->links[n->branches + n->branch_of[b]];
		}
		if (link != NOTHING) {
			*out = leaf_rules(t, link);
			return true;
		}
	}
	return false;
}

/* ---- building ---- */

static int leaf_make(struct tree *t, const uint16_t *rules, size_t count, uint32_t *out)
{
	if (count == 0 && t->leaf_count > 0) {
		*out = NOTHING;
		return 0;
	}
	if (list_reserve(&t->leaves, &t->leaf_room, t->leaf_count, sizeof(*t->leaves)) < 0)
		return -ENOMEM;
	while (!t->rules || t->rule_count + count > t->rule_room)
		if (list_reserve(&t->rules, &t->rule_room, t->rule_room, sizeof(*t->rules)) < 0)
			return -ENOMEM;
	if (count > 0)
		memcpy(t->rules + t->rule_count, rules, count * sizeof(*rules));
	t->leaves[t->leaf_count] = (struct leaf){(uint32_t)t->rule_count, (uint32_t)count};
	t->rule_count += count;
	*out = LEAF | (uint32_t)t->leaf_count++;
	return 0;
}

/* The position whose byte tells most rules apart; SHAPE_SETS where there is none. */
static unsigned int position_choose(const struct builder *b, const struct work *w)
{
	unsigned int best = SHAPE_SETS, end = b->complete ? SHAPE_SETS : SHAPE_POSITIONS;
	uint64_t most = 0;

	for (unsigned int p = 0; p < end; p++) {
		uint64_t gain = 0;

		if (w->tested >> p & 1)
			continue;
		for (size_t i = 0; i < w->count; i++) {
			uint16_t share = b->share[w->rules[i]][p];

			gain += share <= SHARE_MAX ? 1024u - share : 0;
		}
		/* Messages that end before say nothing. */
		if (p < SHAPE_POSITIONS)
			gain = gain * (128 - p) / 128;
		if (gain > most) {
			most = gain;
			best = p;
		}
	}
	return best;
}

/* Whether the rule is still possible when the byte at the position is this. */
static bool rule_allows(const struct builder *b, uint16_t rule, unsigned int position,
			unsigned int byte)
{
	const struct shape *s = &b->shapes[rule];

	if (byte == ABSENT)
		return !b->complete || s->min <= position;
	return byte_set_has(&s->at[position], (uint8_t)byte);
}

static bool rule_is_rest(const struct builder *b, uint16_t rule, unsigned int position)
{
	return b->share[rule][position] > SHARE_MAX;
}

/* Queues a copy of the rules; the link is filled when its turn comes. */
static int work_queue(struct builder *b, const uint16_t *rules, size_t count, uint64_t tested,
		      size_t link)
{
	struct work next = {.count = count, .tested = tested, .link = link};

	if (list_reserve(&b->queue, &b->queue_room, b->queue_count, sizeof(next)) < 0)
		return -ENOMEM;
	next.rules = malloc((count + 1) * sizeof(*next.rules));
	if (!next.rules)
		return -ENOMEM;
	memcpy(next.rules, rules, count * sizeof(*rules));
	b->queue[b->queue_count++] = next;
	return 0;
}

static int branch_queue(struct builder *b, const struct work *w, unsigned int position,
			unsigned int byte, size_t link)
{
	uint64_t tested = w->tested | UINT64_C(1) << position;
	_cleanup_free_ uint16_t *rules = malloc((w->count + 1) * sizeof(*rules));
	size_t count = 0;

	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < w->count; i++)
		if (!rule_is_rest(b, w->rules[i], position) &&
		    rule_allows(b, w->rules[i], position, byte))
			rules[count++] = w->rules[i];
	return work_queue(b, rules, count, tested, link);
}

static int rest_queue(struct builder *b, const struct work *w, unsigned int position, size_t link)
{
	uint64_t tested = w->tested | UINT64_C(1) << position;
	_cleanup_free_ uint16_t *rules = malloc((w->count + 1) * sizeof(*rules));
	size_t count = 0;

	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < w->count; i++)
		if (rule_is_rest(b, w->rules[i], position))
			rules[count++] = w->rules[i];
	return work_queue(b, rules, count, tested, link);
}

/* Spreads a number's bits: the sums of sets of these are as good as different (Steele, Lea and
 * Flood 2014). */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Values that leave the same rules possible take the same branch; returns how many there are. */
static unsigned int branches_find(const struct builder *b, const struct work *w,
				  unsigned int position, uint8_t branch_of[256],
				  uint8_t example[256])
{
	uint64_t seen[256], hash[256] = {0};
	unsigned int count = 0;

	for (size_t i = 0; i < w->count; i++)
		for (unsigned int v = 0; v < 256 && !rule_is_rest(b, w->rules[i], position); v++)
			if (rule_allows(b, w->rules[i], position, v))
				hash[v] += mix(w->rules[i]);
	for (unsigned int v = 0; v < 256; v++) {
		unsigned int k = 0;

		while (k < count && seen[k] != hash[v])
			k++;
		if (k == count) {
			example[count] = (uint8_t)v;
			seen[count++] = hash[v];
		}
		branch_of[v] = (uint8_t)k;
	}
	return count;
}

/* The links behind those of the branches are the absent byte's and the rest's: builder_run moves
 * them into the node. */
static int node_make(struct builder *b, const struct work *w, unsigned int position, uint32_t *out)
{
	struct tree *t = b->t;
	struct node n = {.position = (uint8_t)position, .branches = (uint32_t)t->link_count};
	uint8_t example[256];
	unsigned int count = branches_find(b, w, position, n.branch_of, example);
	int err = 0;

	if (list_reserve(&t->nodes, &t->node_room, t->node_count, sizeof(n)) < 0)
		return -ENOMEM;
	for (unsigned int k = 0; k < count + 2; k++) {
		if (list_reserve(&t->links, &t->link_room, t->link_count, sizeof(*t->links)) < 0)
			return -ENOMEM;
		t->links[t->link_count++] = 0;
	}
	for (unsigned int k = 0; k < count && err == 0; k++)
		err = branch_queue(b, w, position, example[k], n.branches + k);
	n.absent = n.branches + count;
	n.rest = n.absent + 1;
	if (err == 0)
		err = branch_queue(b, w, position, ABSENT, n.absent);
	if (err == 0)
		err = rest_queue(b, w, position, n.rest);
	*out = (uint32_t)t->node_count;
	t->nodes[t->node_count++] = n;
	return err;
}

static int work_do(struct builder *b, const struct work *w)
{
	unsigned int position = SHAPE_SETS;
	uint32_t link;
	int err;

	if (w->count > LEAF_RULES && b->t->node_count < NODES_MAX)
		position = position_choose(b, w);
	err = position == SHAPE_SETS ? leaf_make(b->t, w->rules, w->count, &link)
				     : node_make(b, w, position, &link);
	if (err == 0)
		b->t->links[w->link] = link;
	return err;
}

/* How often bytes are met, in 1/1024: zeros and text are common. */
static unsigned int byte_weight(unsigned int byte)
{
	if (byte == 0)
		return 100;
	if (byte < 32)
		return 8;
	return byte < 127 ? 4 : 2;
}

static uint16_t set_share(const struct byte_set *s)
{
	unsigned int sum = 0, all = 0;

	for (unsigned int v = 0; v < 256; v++) {
		sum += byte_set_has(s, (uint8_t)v) ? byte_weight(v) : 0;
		all += byte_weight(v);
	}
	return (uint16_t)(sum * 1024 / all);
}

static void builder_fini(struct builder *b)
{
	for (size_t i = b->queue_head; i < b->queue_count; i++)
		free(b->queue[i].rules);
	free(b->queue);
	free(b->share);
	tree_free(b->t);
}

/* The first link is the root's, the first leaf the empty one. */
static int builder_begin(struct builder *b, const uint16_t *rules, size_t count)
{
	struct tree *t = b->t;
	uint32_t nothing;
	size_t most = 0;
	int err;

	for (size_t i = 0; i < count; i++)
		most = rules[i] > most ? rules[i] : most;
	b->share = calloc(most + 1, sizeof(*b->share));
	if (!b->share || list_reserve(&t->links, &t->link_room, 0, sizeof(*t->links)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		for (unsigned int p = 0; p < SHAPE_SETS; p++)
			b->share[rules[i]][p] = set_share(&b->shapes[rules[i]].at[p]);
	t->link_count = 1;
	err = leaf_make(t, rules, 0, &nothing);
	if (err == 0)
		err = leaf_make(t, rules, count, &t->all);
	return err < 0 ? err : work_queue(b, rules, count, 0, 0);
}

static int builder_run(struct builder *b)
{
	struct tree *t = b->t;

	while (b->queue_head < b->queue_count) {
		struct work w = b->queue[b->queue_head++];
		int err = work_do(b, &w);

		free(w.rules);
		if (err < 0)
			return err;
	}
	for (size_t i = 0; i < t->node_count; i++) {
		t->nodes[i].absent = t->links[t->nodes[i].absent];
		t->nodes[i].rest = t->links[t->nodes[i].rest];
	}
	t->root = t->links[0];
	return 0;
}

int tree_new(const struct shape *shapes, const uint16_t *rules, size_t count, bool complete,
	     struct tree **out)
{
	_cleanup_(builder_fini) struct builder b = {
		.shapes = shapes, .complete = complete, .t = calloc(1, sizeof(*b.t))};
	int err = b.t ? builder_begin(&b, rules, count) : -ENOMEM;

	if (err == 0)
		err = builder_run(&b);
	if (err == 0)
		*out = TAKE_PTR(b.t);
	return err;
}

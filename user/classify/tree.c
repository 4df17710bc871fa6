// SPDX-License-Identifier: GPL-2.0-only
/*
 * A decision tree as in packet classification (Gupta and McKeown 1999): a node tests one byte of
 * the message, or of its length, and leads to the rules that are still possible. Rules for which
 * the byte is hardly selective are not copied into the branches but kept in a separate subtree
 * (`rest`), which every message visits as well (Vamanan, Voskuilen and Vijaykumar 2010). So the
 * number of nodes grows linearly with the set, and a message visits hardly more of them. Nodes are
 * created in the order of the evaluations they save, up to a limit in proportion to the rules:
 * otherwise alternatives with common bytes would be separated in more and more places that hardly
 * any message reaches.
 */
#include <string.h>

#include "classify/index.h"

#define NODES_PER_RULE 1
#define NODES_MIN      64   /* minimum, for small sets */
#define ABSENT_SHARE   0.05 /* share of messages that end before a tested byte */
#define LEAF_RULES     3    /* evaluating these is as cheap as a node */
#define GAIN_MIN       2048 /* evaluations that a node must save on average, in 1/1024 */
#define SHARE_MAX      512  /* a rule that more messages pass, in 1/1024, goes to the rest */
#define NARROW	       16   /* so does one with more values, as long as others have fewer */
#define WIDE	       64
#define LEAF	       (1u << 31)
#define WITHOUT	       (1u << 30) /* mark of a link on the path: the tested byte is absent */
#define NOTHING	       LEAF	  /* the leaf without rules */
#define ABSENT	       256

#define GROUPS	   16 /* groups of values, which are the bits of a node's words */
#define CACHE_LINE 64

/* One cache line. Values that are not present lead to no rules. */
struct node {
	uint16_t present[GROUPS];
	uint8_t before[GROUPS]; /* number of values present in the groups before */
	uint32_t branches;	/* index into links: one for each value that is present */
	uint32_t absent, rest;
	uint8_t position, pad[3];
};
_Static_assert(sizeof(struct node) == CACHE_LINE, "a visit loads one line");

struct leaf {
	uint32_t start, count; /* index into rules, and number */
};

struct tree {
	struct node *nodes;
	uint32_t *links; /* a node's number, or LEAF | a leaf's */
	struct leaf *leaves;
	struct candidate *rules;
	size_t node_count, node_room, link_count, link_room, leaf_count, leaf_room;
	size_t rule_count, rule_room;
	uint32_t root, all; /* links */
};

/* The test of a node: rules with more values than limit go to the rest. */
struct test {
	unsigned int position, limit;
	uint64_t gain; /* evaluations that it saves per message on average, in 1/1024 */
};

/* Rules that are not yet in a leaf, and the link that will lead to them. */
struct work {
	uint16_t *rules;
	size_t count;
	struct position_set tested;
	size_t link;
	double reach; /* share of messages that reach it */
	struct test test;
};

struct builder {
	const struct signatures *s;
	const struct shape *shapes;	/* by rule */
	uint16_t (*share)[SHAPE_SETS];	/* by rule: share of messages passing each set, in 1/1024 */
	uint16_t (*values)[SHAPE_SETS]; /* by rule: number of values of each set */
	struct tree *t;
	bool complete;
	struct work *queue; /* a heap: the node that saves most comes first */
	size_t queue_count, queue_room, nodes_max;
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
	const struct leaf *leaf = &t->leaves[link & ~(LEAF | WITHOUT)];

	return (struct rule_list){t->rules + leaf->start, leaf->count, link & WITHOUT};
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

/* Population count of a group; in a few steps, since not every processor has an instruction for
 * it. */
static unsigned int group_count(uint32_t x)
{
	x -= x >> 1 & 0x5555;
	x = (x & 0x3333) + (x >> 2 & 0x3333);
	x = (x + (x >> 4)) & 0x0f0f;
	return (x + (x >> 8)) & 0x1f;
}

static uint32_t node_branch(const struct tree *t, const struct node *n, unsigned int byte)
{
	uint32_t group = n->present[byte / GROUPS], bit = 1u << byte % GROUPS;

	if (!(group & bit))
		return NOTHING;
	return t->links[n->branches + n->before[byte / GROUPS] + group_count(group & (bit - 1))];
}

/* The node's link for the message, with the mark of the path so far or its own. */
static uint32_t node_next(const struct tree_walk *w, const struct node *n, uint32_t without)
{
	unsigned int b = byte_at(n->position, w->data, w->len);

	return b == ABSENT ? n->absent | WITHOUT : node_branch(w->t, n, b) | without;
}

bool tree_walk_next(struct tree_walk *w, struct rule_list *out)
{
	const struct tree *t = w->t;

	while (w->depth > 0) {
		uint32_t link = w->links[--w->depth];

		while (!(link & LEAF)) {
			const struct node *n = &t->nodes[link & ~WITHOUT];
			uint32_t without = link & WITHOUT;

			link = node_next(w, n, without);
			/* Most nodes on a path have only a rest to continue with. */
			if ((link & ~WITHOUT) == NOTHING)
				link = n->rest | without;
			else if (n->rest != NOTHING)
				w->links[w->depth++] = n->rest | without;
		}
		if ((link & ~WITHOUT) != NOTHING) {
			*out = leaf_rules(t, link);
			return true;
		}
	}
	return false;
}

/* ---- building ---- */

static int leaf_make(struct builder *b, const uint16_t *rules, size_t count,
		     const struct position_set *tested, uint32_t *out)
{
	struct tree *t = b->t;

	if (count == 0 && t->leaf_count > 0) {
		*out = NOTHING;
		return 0;
	}
	if (list_reserve(&t->leaves, &t->leaf_room, t->leaf_count, sizeof(*t->leaves)) < 0)
		return -ENOMEM;
	while (!t->rules || t->rule_count + count > t->rule_room)
		if (list_reserve(&t->rules, &t->rule_room, t->rule_room, sizeof(*t->rules)) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		candidate_make(&b->shapes[rules[i]], &b->s->rules[rules[i]], rules[i], tested,
			       &t->rules[t->rule_count + i]);
	t->leaves[t->leaf_count] = (struct leaf){(uint32_t)t->rule_count, (uint32_t)count};
	t->rule_count += count;
	*out = LEAF | (uint32_t)t->leaf_count++;
	return 0;
}

/* Estimated frequency of bytes: zeros 100, control characters 8, text 4, non-ASCII bytes 2. */
static unsigned int set_weight(const struct byte_set *s)
{
	unsigned int zero = s->bits[0] & 1, other = s->bits[3] >> 31;
	unsigned int control = (unsigned int)__builtin_popcount(s->bits[0]) - zero;
	unsigned int text = 0;

	for (int i = 1; i < 4; i++)
		text += (unsigned int)__builtin_popcount(s->bits[i]);
	text -= other;
	for (int i = 4; i < 8; i++)
		other += (unsigned int)__builtin_popcount(s->bits[i]);
	return 100 * zero + 8 * control + 4 * text + 2 * other;
}

/* In 1/1024. */
static uint16_t set_share(const struct byte_set *s)
{
	static const struct byte_set all = {{~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u}};

	return (uint16_t)(set_weight(s) * 1024 / set_weight(&all));
}

static bool rule_is_rest(const struct builder *b, uint16_t rule, const struct test *t)
{
	return b->values[rule][t->position] > t->limit || b->share[rule][t->position] > SHARE_MAX;
}

static uint64_t test_gain(const struct builder *b, const struct work *w, const struct test *t)
{
	uint64_t gain = 0;

	for (size_t i = 0; i < w->count; i++)
		if (!rule_is_rest(b, w->rules[i], t))
			gain += 1024u - b->share[w->rules[i]][t->position];
	/* Messages that end before the position gain nothing from the test. */
	return t->position < SHAPE_POSITIONS ? gain * 128 / (128 + t->position) : gain;
}

/* Chooses the test that separates most rules; false if none is worth a node. */
static bool test_choose(const struct builder *b, const struct work *w, struct test *out)
{
	unsigned int end = b->complete ? SHAPE_SETS : SHAPE_POSITIONS;

	out->gain = GAIN_MIN;
	for (unsigned int limit = NARROW; limit <= WIDE && out->gain == GAIN_MIN; limit *= 2)
		for (unsigned int p = 0; p < end; p++) {
			struct test t = {.position = p, .limit = limit};

			t.gain = position_set_has(&w->tested, p) ? 0 : test_gain(b, w, &t);
			if (t.gain > out->gain)
				*out = t;
		}
	return out->gain > GAIN_MIN;
}

/* Whether the rule can still match if the byte at the position has this value. */
static bool rule_allows(const struct builder *b, uint16_t rule, unsigned int position,
			unsigned int byte)
{
	const struct shape *s = &b->shapes[rule];

	if (byte == ABSENT)
		return !b->complete || s->min <= position;
	return byte_set_has(&s->at[position], (uint8_t)byte);
}

static double work_worth(const struct work *w)
{
	return w->reach * (double)w->test.gain;
}

static void queue_swap(struct work *a, struct work *b)
{
	struct work x = *a;

	*a = *b;
	*b = x;
}

static int queue_push(struct builder *b, const struct work *w)
{
	size_t at = b->queue_count;

	if (list_reserve(&b->queue, &b->queue_room, b->queue_count, sizeof(*w)) < 0)
		return -ENOMEM;
	b->queue[b->queue_count++] = *w;
	for (; at > 0 && work_worth(&b->queue[at]) > work_worth(&b->queue[(at - 1) / 2]);
	     at = (at - 1) / 2)
		queue_swap(&b->queue[at], &b->queue[(at - 1) / 2]);
	return 0;
}

static struct work queue_pop(struct builder *b)
{
	struct work first = b->queue[0], *q = b->queue;
	size_t count = --b->queue_count;

	q[0] = q[count];
	for (size_t at = 0, child = 1; child < count; child = 2 * at + 1) {
		child += child + 1 < count && work_worth(&q[child + 1]) > work_worth(&q[child]);
		if (work_worth(&q[child]) <= work_worth(&q[at]))
			break;
		queue_swap(&q[at], &q[child]);
		at = child;
	}
	return first;
}

/* Puts the rules into a leaf, or queues a copy of them; the link is set when the queue entry is
 * processed. */
static int work_add(struct builder *b, const struct work *like, size_t link, double reach)
{
	struct work w = *like;
	int err;

	w.link = link;
	w.reach = reach;
	if (w.count <= LEAF_RULES || !test_choose(b, &w, &w.test)) {
		uint32_t leaf;

		err = leaf_make(b, w.rules, w.count, &w.tested, &leaf);
		if (err == 0)
			b->t->links[link] = leaf;
		return err;
	}
	w.rules = malloc(w.count * sizeof(*w.rules));
	if (!w.rules)
		return -ENOMEM;
	memcpy(w.rules, like->rules, w.count * sizeof(*w.rules));
	err = queue_push(b, &w);
	if (err < 0)
		free(w.rules);
	return err;
}

static int branch_add(struct builder *b, const struct work *w, unsigned int byte, size_t link,
		      double share)
{
	struct work x = {.tested = w->tested, .rules = malloc((w->count + 1) * sizeof(*x.rules))};
	int err;

	if (!x.rules)
		return -ENOMEM;
	position_set_add(&x.tested, w->test.position);
	for (size_t i = 0; i < w->count; i++)
		if (!rule_is_rest(b, w->rules[i], &w->test) &&
		    rule_allows(b, w->rules[i], w->test.position, byte))
			x.rules[x.count++] = w->rules[i];
	err = work_add(b, &x, link, w->reach * share);
	free(x.rules);
	return err;
}

/* The rest may be separated by the same position again, if some of it have fewer values. */
static int rest_add(struct builder *b, const struct work *w, size_t link)
{
	struct work x = {.tested = w->tested, .rules = malloc((w->count + 1) * sizeof(*x.rules))};
	int err;

	if (!x.rules)
		return -ENOMEM;
	for (size_t i = 0; i < w->count; i++)
		if (rule_is_rest(b, w->rules[i], &w->test))
			x.rules[x.count++] = w->rules[i];
	err = work_add(b, &x, link, w->reach);
	free(x.rules);
	return err;
}

/* Scrambles a number, so that sums of the results are practically unique to a set of numbers
 * (Steele, Lea and Flood 2014). */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Values that leave the same rules possible form one kind. */
struct kinds {
	uint8_t of[256], example[256];
	struct byte_set values[256]; /* by kind */
	unsigned int count;
	uint64_t present[4]; /* values that leave any rule possible */
};

static void kinds_find(const struct builder *b, const struct work *w, struct kinds *out)
{
	const struct test *t = &w->test;
	uint64_t seen[256], hash[256] = {0};

	*out = (struct kinds){.count = 0};
	for (size_t i = 0; i < w->count; i++) {
		const struct byte_set *set = &b->shapes[w->rules[i]].at[t->position];

		if (rule_is_rest(b, w->rules[i], t))
			continue;
		for (unsigned int word = 0; word < 8; word++) {
			uint32_t left = set->bits[word];

			out->present[word / 2] |= (uint64_t)left << word % 2 * 32;
			for (; left; left &= left - 1)
				hash[word * 32 + (unsigned int)__builtin_ctz(left)] +=
					mix(w->rules[i]);
		}
	}
	for (unsigned int v = 0; v < 256; v++) {
		unsigned int k = 0;

		while (k < out->count && seen[k] != hash[v])
			k++;
		if (k == out->count) {
			out->example[k] = (uint8_t)v;
			seen[out->count++] = hash[v];
		}
		out->of[v] = (uint8_t)k;
		byte_set_add(&out->values[k], (uint8_t)v);
	}
}

/* Appends links that are set later. */
static int links_add(struct tree *t, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (list_reserve(&t->links, &t->link_room, t->link_count, sizeof(*t->links)) < 0)
			return -ENOMEM;
		t->links[t->link_count++] = NOTHING;
	}
	return 0;
}

/* After the links of the values come those of their kinds, of the absent byte and of the rest.
 * Until builder_finish() a value's link holds the index of its kind's link. */
static int node_links(struct tree *t, struct node *n, const struct kinds *k, size_t *kinds)
{
	size_t present = 0;
	int err;

	for (int i = 0; i < GROUPS; i++) {
		n->present[i] = (uint16_t)(k->present[i / 4] >> i % 4 * GROUPS);
		n->before[i] = (uint8_t)present;
		present += group_count(n->present[i]);
	}
	n->branches = (uint32_t)t->link_count;
	*kinds = t->link_count + present;
	err = links_add(t, present + k->count + 2);
	if (err < 0)
		return err;
	for (unsigned int v = 0, at = n->branches; v < 256; v++)
		if (k->present[v / 64] >> v % 64 & 1)
			t->links[at++] = (uint32_t)(*kinds + k->of[v]);
	n->absent = (uint32_t)(*kinds + k->count);
	n->rest = n->absent + 1;
	return 0;
}

static int node_make(struct builder *b, const struct work *w)
{
	struct tree *t = b->t;
	struct node n = {.position = (uint8_t)w->test.position};
	struct kinds k;
	size_t kinds;
	int err;

	kinds_find(b, w, &k);
	if (list_reserve(&t->nodes, &t->node_room, t->node_count, sizeof(n)) < 0)
		return -ENOMEM;
	err = node_links(t, &n, &k, &kinds);
	for (unsigned int i = 0; i < k.count && err == 0; i++)
		err = branch_add(b, w, k.example[i], kinds + i, set_share(&k.values[i]) / 1024.0);
	if (err == 0)
		err = branch_add(b, w, ABSENT, n.absent, ABSENT_SHARE);
	if (err == 0)
		err = rest_add(b, w, n.rest);
	t->links[w->link] = (uint32_t)t->node_count;
	t->nodes[t->node_count++] = n;
	return err;
}

static void builder_fini(struct builder *b)
{
	for (size_t i = 0; i < b->queue_count; i++)
		free(b->queue[i].rules);
	free(b->queue);
	free(b->share);
	free(b->values);
	tree_free(b->t);
}

/* The first link is the root's, the first leaf the empty one. */
static int builder_begin(struct builder *b, const uint16_t *rules, size_t count)
{
	struct tree *t = b->t;
	struct position_set none = {{0}};
	struct work root = {.count = count};
	uint32_t nothing;
	size_t most = 0;
	int err;

	b->nodes_max = NODES_MIN + count * NODES_PER_RULE;
	for (size_t i = 0; i < count; i++)
		most = rules[i] > most ? rules[i] : most;
	b->share = calloc(most + 1, sizeof(*b->share));
	b->values = calloc(most + 1, sizeof(*b->values));
	if (!b->share || !b->values ||
	    list_reserve(&t->links, &t->link_room, 0, sizeof(*t->links)) < 0)
		return -ENOMEM;
	/* Fewer rules make a single leaf, for which no sets are needed. */
	for (size_t i = 0; i < count && count > LEAF_RULES; i++)
		for (unsigned int p = 0; p < SHAPE_SETS; p++) {
			const struct byte_set *set = &b->shapes[rules[i]].at[p];

			b->share[rules[i]][p] = set_share(set);
			b->values[rules[i]][p] = (uint16_t)byte_set_count(set);
		}
	t->link_count = 1;
	err = leaf_make(b, rules, 0, &none, &nothing);
	if (err == 0)
		err = leaf_make(b, rules, count, &none, &t->all);
	if (err < 0)
		return err;
	root.rules = malloc((count + 1) * sizeof(*rules));
	if (!root.rules)
		return -ENOMEM;
	memcpy(root.rules, rules, count * sizeof(*rules));
	err = work_add(b, &root, 0, 1);
	free(root.rules);
	return err;
}

/* Aligns each node to a cache line. */
static int nodes_align(struct tree *t)
{
	struct node *nodes = aligned_alloc(CACHE_LINE, (t->node_count + 1) * sizeof(*nodes));

	if (!nodes)
		return -ENOMEM;
	if (t->node_count > 0)
		memcpy(nodes, t->nodes, t->node_count * sizeof(*nodes));
	free(t->nodes);
	t->nodes = nodes;
	return 0;
}

static int builder_finish(struct tree *t)
{
	for (size_t i = 0; i < t->node_count; i++) {
		struct node *n = &t->nodes[i];
		uint32_t end =
			n->branches + n->before[GROUPS - 1] + group_count(n->present[GROUPS - 1]);

		for (uint32_t at = n->branches; at < end; at++)
			t->links[at] = t->links[t->links[at]];
		n->absent = t->links[n->absent];
		n->rest = t->links[n->rest];
	}
	t->root = t->links[0];
	return nodes_align(t);
}

static int builder_run(struct builder *b)
{
	while (b->queue_count > 0) {
		struct work w = queue_pop(b);
		int err = b->t->node_count < b->nodes_max
				  ? node_make(b, &w)
				  : leaf_make(b, w.rules, w.count, &w.tested, &b->t->links[w.link]);

		free(w.rules);
		if (err < 0)
			return err;
	}
	return builder_finish(b->t);
}

int tree_new(const struct signatures *s, const struct shape *shapes, const uint16_t *rules,
	     size_t count, bool complete, struct tree **out)
{
	_cleanup_(builder_fini) struct builder b = {
		.s = s, .shapes = shapes, .complete = complete, .t = calloc(1, sizeof(*b.t))};
	int err = b.t ? builder_begin(&b, rules, count) : -ENOMEM;

	if (err == 0)
		err = builder_run(&b);
	if (err == 0)
		*out = TAKE_PTR(b.t);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lengths and prefixes of matches: the pattern's tree is turned into a nondeterministic automaton
 * (Thompson 1968), which is run for a few steps on all bytes at once.
 */
#include <errno.h>
#include <string.h>

#include "classify/pattern.h"
#include "util/util.h"

#define STATES_MAX 8192

enum state_kind { STATE_BYTE, STATE_SPLIT, STATE_END };

struct nfa_state {
	enum state_kind kind;
	const struct byte_set *set;
	uint32_t next[2];
};

struct nfa {
	const struct pattern *p;
	struct nfa_state *states;
	uint32_t count;
};

static uint32_t add_length(uint32_t a, uint32_t b)
{
	return a > PATTERN_UNBOUNDED - b ? PATTERN_UNBOUNDED : a + b;
}

static uint32_t multiply_length(uint32_t a, uint32_t b)
{
	uint64_t product = (uint64_t)a * b;

	return product > PATTERN_UNBOUNDED ? PATTERN_UNBOUNDED : (uint32_t)product;
}

static void node_length(const struct pattern *p, uint32_t node, uint32_t *min, uint32_t *max)
{
	const struct pattern_node *n = &p->nodes[node];

	*min = *max = n->kind == PATTERN_SET;
	for (uint32_t child = n->child; child; child = p->nodes[child].sibling) {
		uint32_t low, high;

		node_length(p, child, &low, &high);
		if (n->kind == PATTERN_REPEAT) {
			*min = multiply_length(low, n->min);
			*max = high ? multiply_length(high, n->max) : 0;
			return;
		}
		if (n->kind == PATTERN_CAT) {
			*min = add_length(*min, low);
			*max = add_length(*max, high);
		} else {
			*min = child == n->child || low < *min ? low : *min;
			*max = high > *max ? high : *max;
		}
	}
}

void pattern_length(const struct pattern *p, uint32_t *min, uint32_t *max)
{
	node_length(p, p->root, min, max);
}

/* Returns 0 if there are too many states; state 0 is not used. */
static uint32_t nfa_add(struct nfa *a, enum state_kind kind, const struct byte_set *set,
			uint32_t next, uint32_t other)
{
	if (a->count == STATES_MAX)
		return 0;
	a->states[a->count] = (struct nfa_state){kind, set, {next, other}};
	return a->count++;
}

static uint32_t nfa_build(struct nfa *a, uint32_t node, uint32_t next);

/* Builds the children in reverse, since each one needs the state that follows it. */
static uint32_t nfa_sequence(struct nfa *a, uint32_t child, uint32_t next)
{
	if (!child)
		return next;
	next = nfa_sequence(a, a->p->nodes[child].sibling, next);
	return next ? nfa_build(a, child, next) : 0;
}

/* Makes as many copies as fit into the prefix. */
static uint32_t nfa_repeat(struct nfa *a, const struct pattern_node *n, uint32_t next)
{
	uint32_t must = n->min > PATTERN_PREFIX_MAX ? PATTERN_PREFIX_MAX : n->min;
	uint32_t may = n->max == PATTERN_UNBOUNDED ? PATTERN_UNBOUNDED : n->max - n->min;
	uint32_t shortest, longest;

	/* A zero-width child makes no states, so the number of states does not bound the copies. */
	node_length(a->p, n->child, &shortest, &longest);
	if (longest == 0)
		return next;
	if (n->min > PATTERN_PREFIX_MAX)
		may = 0;
	if (may > PATTERN_PREFIX_MAX) {
		uint32_t loop = nfa_add(a, STATE_SPLIT, NULL, next, 0), body;

		if (!loop)
			return 0;
		body = nfa_build(a, n->child, loop);
		a->states[loop].next[1] = body;
		next = body ? loop : 0;
	} else {
		for (uint32_t i = 0, end = next; i < may && next; i++) {
			next = nfa_build(a, n->child, next);
			next = next ? nfa_add(a, STATE_SPLIT, NULL, next, end) : 0;
		}
	}
	for (uint32_t i = 0; i < must && next; i++)
		next = nfa_build(a, n->child, next);
	return next;
}

/* Builds the automaton of node, which continues in state next. Returns its first state; 0 on
 * overflow. */
static uint32_t nfa_build(struct nfa *a, uint32_t node, uint32_t next)
{
	const struct pattern_node *n = &a->p->nodes[node];
	uint32_t first = 0;

	switch (n->kind) {
	case PATTERN_SET:
		return nfa_add(a, STATE_BYTE, &n->set, next, 0);
	case PATTERN_START:
	case PATTERN_ASSERT:
		return next;
	case PATTERN_CAT:
		return nfa_sequence(a, n->child, next);
	case PATTERN_REPEAT:
		return nfa_repeat(a, n, next);
	case PATTERN_ALT:
		break;
	}
	for (uint32_t child = n->child; child; child = a->p->nodes[child].sibling) {
		uint32_t begin = nfa_build(a, child, next);

		if (begin && first)
			begin = nfa_add(a, STATE_SPLIT, NULL, first, begin);
		if (!begin)
			return 0;
		first = begin;
	}
	return first;
}

/* Set of reached states. Marks stop the recursion at a cycle of epsilon transitions. */
struct front {
	uint32_t *list;
	uint32_t count;
	bool end;
};

static void front_enter(const struct nfa *a, struct front *f, uint8_t *seen, uint32_t state)
{
	uint32_t *stack = f->list + STATES_MAX; /* list and stack share the memory */
	uint32_t depth = 0;

	stack[depth++] = state;
	while (depth > 0) {
		const struct nfa_state *s;

		state = stack[--depth];
		if (seen[state])
			continue;
		seen[state] = 1;
		s = &a->states[state];
		if (s->kind == STATE_END) {
			f->end = true;
		} else if (s->kind == STATE_BYTE) {
			f->list[f->count++] = state;
		} else {
			stack[depth++] = s->next[0];
			stack[depth++] = s->next[1];
		}
	}
}

static unsigned int nfa_run(const struct nfa *a, uint32_t start, struct front *now,
			    struct front *then, uint8_t *seen, struct byte_set *out)
{
	unsigned int len = 0;

	now->count = 0;
	now->end = false;
	memset(seen, 0, STATES_MAX);
	front_enter(a, now, seen, start);
	while (len < PATTERN_PREFIX_MAX && !now->end && now->count > 0) {
		struct front *swap = now;

		memset(&out[len], 0, sizeof(out[len]));
		memset(seen, 0, STATES_MAX);
		then->count = 0;
		then->end = false;
		for (uint32_t i = 0; i < now->count; i++) {
			const struct nfa_state *s = &a->states[now->list[i]];

			for (int w = 0; w < 8; w++)
				out[len].bits[w] |= s->set->bits[w];
			front_enter(a, then, seen, s->next[0]);
		}
		len++;
		now = then;
		then = swap;
	}
	return len;
}

unsigned int pattern_prefix(const struct pattern *p, struct byte_set out[PATTERN_PREFIX_MAX])
{
	struct nfa a = {.p = p};
	_cleanup_free_ struct nfa_state *states = calloc(STATES_MAX, sizeof(*states));
	_cleanup_free_ uint32_t *lists = calloc(6 * STATES_MAX, sizeof(*lists));
	_cleanup_free_ uint8_t *seen = calloc(STATES_MAX, 1);
	struct front now = {.list = lists}, then = {0};
	uint32_t end, start;

	if (!states || !lists || !seen)
		return 0;
	then.list = lists + 3 * STATES_MAX;
	a.states = states;
	a.count = 1; /* state 0 is not used */
	end = nfa_add(&a, STATE_END, NULL, 0, 0);
	start = nfa_build(&a, p->root, end);
	return start ? nfa_run(&a, start, &now, &then, seen, out) : 0;
}

/* Counts the positions of a node that is a sequence of byte sets; false for any other node. */
static bool node_is_sets(const struct pattern *p, uint32_t node, uint32_t *len)
{
	const struct pattern_node *n = &p->nodes[node];
	uint32_t inner = 0;

	switch (n->kind) {
	case PATTERN_SET:
		++*len;
		return *len <= PATTERN_PREFIX_MAX;
	case PATTERN_REPEAT:
		if (n->min != n->max || !node_is_sets(p, n->child, &inner))
			return false;
		*len = add_length(*len, multiply_length(inner, n->min));
		return *len <= PATTERN_PREFIX_MAX;
	case PATTERN_CAT:
		for (uint32_t child = n->child; child; child = p->nodes[child].sibling)
			if (!node_is_sets(p, child, len))
				return false;
		return true;
	case PATTERN_ALT:
		return !p->nodes[n->child].sibling && node_is_sets(p, n->child, len);
	case PATTERN_START:
	case PATTERN_ASSERT:
		break;
	}
	return false;
}

bool pattern_is_prefix(const struct pattern *p)
{
	const struct pattern_node *root = &p->nodes[p->root];
	uint32_t only = root->child, len = 0;
	uint32_t first = p->nodes[only].child;

	if (p->nodes[only].sibling || !first || p->nodes[first].kind != PATTERN_START)
		return false;
	for (uint32_t child = p->nodes[first].sibling; child; child = p->nodes[child].sibling)
		if (!node_is_sets(p, child, &len))
			return false;
	return len > 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Chooses how the index finds a rule: by the most selective condition that the rule requires. */
#include <string.h>

#include "classify/index.h"

/* With so many fixed bits, the tree is preferred to a literal. */
#define TREE_BITS 6
#define NONE	  UINT16_MAX

/* Features of which the rule requires at least one, linked through `next` by position in the
 * expression. */
struct chain {
	unsigned int cost; /* 0: no such features */
	uint16_t head, tail;
};

/* Properties of a part of the expression. */
struct part {
	unsigned int bits;
	struct chain port, literal;
};

struct chooser {
	const struct signatures *s;
	const struct shape *shapes;
	const struct rule *rule;
	struct part stack[RULE_STACK_MAX];
	size_t depth;
	uint16_t next_port[RULE_OPS_MAX], next_literal[RULE_OPS_MAX];
};

static unsigned int ports_count(const struct feature *f)
{
	unsigned int count = 0;

	for (uint16_t i = 0; i < f->cheap && f->conditions[i].kind == CONDITION_PORT; i++) {
		const struct ranges *r = &f->conditions[i].port.ports;
		unsigned int own = 0;

		for (size_t k = 0; k < r->count && own <= ACCESS_PORTS_MAX; k++) {
			uint32_t max = r->list[k].max > UINT16_MAX ? UINT16_MAX : r->list[k].max;

			own += max - r->list[k].min + 1;
		}
		/* The index uses the first port condition. */
		return own <= ACCESS_PORTS_MAX ? own : 0;
	}
	return count;
}

static size_t literals_count(const struct feature *f)
{
	for (uint16_t i = f->cheap; i < f->count; i++)
		if (f->conditions[i].regex.literal_count > 0)
			return f->conditions[i].regex.literal_count;
	return 0;
}

static void choose_feature(struct chooser *c, uint16_t at, uint16_t feature)
{
	const struct feature *f = &c->s->features[feature];
	struct part *p = &c->stack[c->depth++];

	p->bits = shape_bits(&c->shapes[feature]);
	p->port = (struct chain){ports_count(f), at, at};
	p->literal = (struct chain){(unsigned int)literals_count(f), at, at};
	c->next_port[at] = c->next_literal[at] = NONE;
}

static struct chain chain_either(struct chain a, struct chain b)
{
	if (a.cost == 0 || b.cost == 0)
		return a.cost ? a : b;
	return a.cost <= b.cost ? a : b;
}

static struct chain chain_both(struct chain a, struct chain b, uint16_t *next)
{
	if (a.cost == 0 || b.cost == 0)
		return (struct chain){0};
	next[a.tail] = b.head;
	return (struct chain){a.cost + b.cost, a.head, b.tail};
}

static void choose_and(struct chooser *c)
{
	struct part *a = &c->stack[c->depth - 2], *b = &c->stack[c->depth - 1];

	c->depth--;
	a->bits = a->bits > b->bits ? a->bits : b->bits;
	a->port = chain_either(a->port, b->port);
	a->literal = chain_either(a->literal, b->literal);
}

static void choose_or(struct chooser *c)
{
	struct part *a = &c->stack[c->depth - 2], *b = &c->stack[c->depth - 1];

	c->depth--;
	a->bits = a->bits < b->bits ? a->bits : b->bits;
	a->port = chain_both(a->port, b->port, c->next_port);
	a->literal = chain_both(a->literal, b->literal, c->next_literal);
}

static void choose_run(struct chooser *c)
{
	for (uint16_t at = 0; at < c->rule->count; at++) {
		const struct op *op = &c->rule->ops[at];

		switch ((enum op_kind)op->kind) {
		case OP_FEATURE:
			choose_feature(c, at, op->arg);
			break;
		case OP_NOT:
			c->stack[c->depth - 1] = (struct part){0};
			break;
		case OP_AND:
			choose_and(c);
			break;
		case OP_OR:
			choose_or(c);
			break;
		case OP_JUMP_FALSE:
		case OP_JUMP_TRUE:
			break;
		}
	}
}

void access_choose(const struct signatures *s, const struct shape *shapes, const struct rule *rule,
		   struct access *out)
{
	struct chooser c = {.s = s, .shapes = shapes, .rule = rule};
	const uint16_t *next = c.next_port;
	const struct part *whole = &c.stack[0];
	uint16_t at;

	choose_run(&c);
	out->count = 0;
	out->kind = whole->port.cost	       ? ACCESS_PORT
		    : whole->bits >= TREE_BITS ? ACCESS_TREE
		    : whole->literal.cost      ? ACCESS_LITERAL
					       : ACCESS_TREE;
	if (out->kind == ACCESS_TREE)
		return;
	at = out->kind == ACCESS_PORT ? whole->port.head : whole->literal.head;
	next = out->kind == ACCESS_PORT ? c.next_port : c.next_literal;
	for (; at != NONE; at = next[at])
		out->features[out->count++] = rule->ops[at].arg;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Derives the literals of which every match contains one. Bottom-up, each part of the pattern
 * either is exactly one of a few literals, or contains at least one of a few.
 */
#include <ctype.h>
#include <string.h>

#include "classify/pattern.h"

#define CHOICES_MAX 4 /* possible bytes of a position within a literal */

struct texts {
	size_t count;
	struct literal list[PATTERN_LITERALS_MAX];
};

struct part {
	bool exact; /* the part matches exactly the literals `is` */
	struct texts is;
	struct texts best; /* every match contains one of these; count 0: unknown */
};

static void part_read(const struct pattern *p, uint32_t node, struct part *out);

static size_t texts_shortest(const struct texts *t)
{
	size_t shortest = t->count ? PATTERN_LITERAL_MAX : 0;

	for (size_t i = 0; i < t->count; i++)
		shortest = t->list[i].len < shortest ? t->list[i].len : shortest;
	return shortest;
}

/* Longer literals are more selective, a larger number of alternatives less. */
static unsigned int texts_score(const struct texts *t)
{
	size_t shortest = texts_shortest(t);
	unsigned int bits = 0;

	while (t->count >> (bits + 1))
		bits++;
	return shortest < 2 ? 0 : (unsigned int)shortest * 8 - bits;
}

static void best_offer(struct texts *best, const struct texts *other)
{
	if (texts_score(other) > texts_score(best))
		*best = *other;
}

static bool texts_add(struct texts *t, const struct literal *x)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].len == x->len && memcmp(t->list[i].bytes, x->bytes, x->len) == 0)
			return true;
	if (t->count == PATTERN_LITERALS_MAX)
		return false;
	t->list[t->count++] = *x;
	return true;
}

/* Concatenates each of a with each of b; false if there are too many or they are too long. */
static bool texts_multiply(struct texts *a, const struct texts *b)
{
	struct texts out = {0};

	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < b->count; k++) {
			struct literal x = a->list[i];

			if (x.len + b->list[k].len > PATTERN_LITERAL_MAX)
				return false;
			memcpy(x.bytes + x.len, b->list[k].bytes, b->list[k].len);
			x.len = (uint8_t)(x.len + b->list[k].len);
			if (!texts_add(&out, &x))
				return false;
		}
	*a = out;
	return true;
}

static void texts_empty(struct texts *t)
{
	t->count = 1;
	t->list[0] = (struct literal){0};
}

static void part_set(const struct pattern_node *n, struct part *out)
{
	out->is.count = 0;
	for (int word = 0; word < 8; word++)
		for (uint32_t left = n->set.bits[word]; left; left &= left - 1) {
			int b = word * 32 + __builtin_ctz(left);
			struct literal x = {1, {(uint8_t)(b < 128 ? tolower(b) : b)}};

			texts_add(&out->is, &x);
			if (out->is.count > CHOICES_MAX)
				return;
		}
	out->exact = out->is.count > 0;
	best_offer(&out->best, &out->is);
}

/* A sequence: literals of adjacent exact parts are concatenated. */
static void part_cat(const struct pattern *p, const struct pattern_node *n, struct part *out)
{
	struct part child;
	struct texts run;

	texts_empty(&run);
	out->exact = true;
	for (uint32_t c = n->child; c; c = p->nodes[c].sibling) {
		part_read(p, c, &child);
		best_offer(&out->best, &child.best);
		if (child.exact && texts_multiply(&run, &child.is))
			continue;
		out->exact = false;
		best_offer(&out->best, &run);
		if (child.exact)
			run = child.is;
		else
			texts_empty(&run);
	}
	best_offer(&out->best, &run);
	out->is = run;
}

static void part_alt(const struct pattern *p, const struct pattern_node *n, struct part *out)
{
	struct part child;
	bool all = true;

	out->exact = true;
	for (uint32_t c = n->child; c; c = p->nodes[c].sibling) {
		part_read(p, c, &child);
		out->exact = out->exact && child.exact;
		for (size_t i = 0; i < child.is.count && out->exact; i++)
			out->exact = texts_add(&out->is, &child.is.list[i]);
		all = all && child.best.count > 0;
		for (size_t i = 0; i < child.best.count && all; i++)
			all = texts_add(&out->best, &child.best.list[i]);
	}
	if (!all)
		out->best.count = 0;
	if (out->exact)
		best_offer(&out->best, &out->is);
}

static void part_repeat(const struct pattern *p, const struct pattern_node *n, struct part *out)
{
	struct literal none = {0};
	struct part child;

	part_read(p, n->child, &child);
	if (n->min > 0)
		out->best = child.best;
	if (!child.exact || n->max > PATTERN_LITERAL_MAX || (n->min != n->max && n->max != 1))
		return;
	texts_empty(&out->is);
	out->exact = true;
	for (uint32_t i = 0; i < n->max && out->exact; i++)
		out->exact = texts_multiply(&out->is, &child.is);
	if (out->exact && n->min != n->max)
		out->exact = texts_add(&out->is, &none);
	if (out->exact && n->min > 0)
		best_offer(&out->best, &out->is);
}

static void part_read(const struct pattern *p, uint32_t node, struct part *out)
{
	const struct pattern_node *n = &p->nodes[node];

	out->exact = false;
	out->is.count = out->best.count = 0;
	switch (n->kind) {
	case PATTERN_SET:
		part_set(n, out);
		break;
	case PATTERN_START:
	case PATTERN_ASSERT:
		out->exact = true;
		texts_empty(&out->is);
		break;
	case PATTERN_CAT:
		part_cat(p, n, out);
		break;
	case PATTERN_ALT:
		part_alt(p, n, out);
		break;
	case PATTERN_REPEAT:
		part_repeat(p, n, out);
		break;
	}
}

size_t pattern_literals(const struct pattern *p, struct literal out[PATTERN_LITERALS_MAX])
{
	struct part root;

	part_read(p, p->root, &root);
	if (texts_shortest(&root.best) < 2)
		return 0;
	memcpy(out, root.best.list, root.best.count * sizeof(*out));
	return root.best.count;
}

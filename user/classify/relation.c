// SPDX-License-Identifier: GPL-2.0-only
/*
 * Relations between features, derived from their conditions: one implies the other, or both exclude
 * each other. Only what a simple comparison of conditions shows is derived.
 */
#include <string.h>

#include "classify/index.h"

#define RELATIONS_MAX 64 /* relations of one feature, of each kind */

static bool ranges_within(const struct ranges *inner, const struct ranges *outer, uint32_t least)
{
	for (size_t i = 0; i < inner->count; i++) {
		uint32_t min = inner->list[i].min < least ? least : inner->list[i].min;
		bool within = min > inner->list[i].max;

		for (size_t k = 0; k < outer->count && !within; k++)
			within = min >= outer->list[k].min &&
				 inner->list[i].max <= outer->list[k].max;
		if (!within)
			return false;
	}
	return true;
}

static bool ranges_meet(const struct ranges *a, const struct ranges *b)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < b->count; k++)
			if (a->list[i].min <= b->list[k].max && b->list[k].min <= a->list[i].max)
				return true;
	return false;
}

static const struct condition *find_kind(const struct feature *f, enum condition_kind kind)
{
	for (uint16_t i = 0; i < f->count; i++)
		if (f->conditions[i].kind == kind)
			return &f->conditions[i];
	return NULL;
}

static bool set_within(const struct byte_set *inner, const struct byte_set *outer)
{
	for (int i = 0; i < 8; i++)
		if (inner->bits[i] & ~outer->bits[i])
			return false;
	return true;
}

static bool sets_meet(const struct byte_set *a, const struct byte_set *b)
{
	for (int i = 0; i < 8; i++)
		if (a->bits[i] & b->bits[i])
			return true;
	return false;
}

static bool integer_same(const struct integer *a, const struct integer *b)
{
	return a->offset == b->offset && a->bytes == b->bytes && a->little == b->little &&
	       a->mask == b->mask;
}

static bool port_implies(const struct condition *a, const struct port_condition *g)
{
	const struct port_condition *f = &a->port;

	return a->kind == CONDITION_PORT && f->source <= g->source &&
	       f->destination <= g->destination && ranges_within(&f->ports, &g->ports, 0);
}

static bool length_implied(const struct feature *f, const struct shape *s, const struct ranges *g)
{
	const struct condition *own = find_kind(f, CONDITION_LENGTH);
	struct range any = {s->min, UINT32_MAX};
	struct ranges all = {&any, 1};

	return ranges_within(own ? &own->length : &all, g, s->min);
}

static bool mask_implied(const struct shape *s, const struct mask_condition *g)
{
	if (s->min < (uint64_t)g->offset + g->len || g->offset + g->len > SHAPE_POSITIONS)
		return false;
	for (uint32_t i = 0; i < g->len; i++) {
		const struct byte_set *set = &s->at[g->offset + i];
		uint8_t mask, value;

		byte_set_bits(set, &mask, &value);
		if ((g->mask[i] & ~mask || (value & g->mask[i]) != g->bytes[i]) &&
		    byte_set_count(set) > 0)
			return false;
	}
	return true;
}

/* Whether a compares every bit that g compares, with the same value. */
static bool mask_implies(const struct condition *a, const struct mask_condition *g)
{
	const struct mask_condition *f = &a->mask;
	uint32_t skip = g->offset - f->offset;

	if (a->kind != CONDITION_MASK || g->offset < f->offset || skip + g->len > f->len)
		return false;
	for (uint32_t i = 0; i < g->len; i++)
		if (g->mask[i] & ~f->mask[skip + i] ||
		    (f->bytes[skip + i] & g->mask[i]) != g->bytes[i])
			return false;
	return true;
}

static bool field_implies(const struct condition *a, const struct field_condition *g)
{
	return a->kind == CONDITION_FIELD && integer_same(&a->field.integer, &g->integer) &&
	       a->field.value.min >= g->value.min && a->field.value.max <= g->value.max;
}

static bool length_field_implies(const struct condition *a, const struct length_field_condition *g)
{
	const struct length_field_condition *f = &a->length_field;

	return a->kind == CONDITION_LENGTH_FIELD && integer_same(&f->integer, &g->integer) &&
	       f->unit == g->unit && f->add == g->add && f->more <= g->more && f->min >= g->min &&
	       f->max <= g->max;
}

static bool count_implies(const struct condition *a, const struct count_condition *g)
{
	const struct count_condition *f = &a->count;

	return a->kind == CONDITION_COUNT && f->window.offset == g->window.offset &&
	       f->window.within == g->window.within && f->percent == g->percent &&
	       memcmp(f->set, g->set, sizeof(f->set)) == 0 && f->min >= g->min && f->max <= g->max;
}

static bool entropy_implies(const struct condition *a, const struct entropy_condition *g)
{
	const struct entropy_condition *f = &a->entropy;

	return a->kind == CONDITION_ENTROPY && f->window.offset == g->window.offset &&
	       f->window.within == g->window.within && f->min >= g->min && f->max <= g->max;
}

static bool regex_implies(const struct condition *a, const struct regex_condition *g)
{
	const struct regex_condition *f = &a->regex;

	return a->kind == CONDITION_REGEX && f->offset == g->offset && f->within == g->within &&
	       f->options == g->options && strcmp(f->text, g->text) == 0;
}

/* A pattern that is a sequence of byte sets is true if the feature's possible bytes lie within
 * these sets. */
static bool plain_implied(const struct shape *s, const struct regex_condition *g)
{
	if (!g->plain || s->min < (uint64_t)g->offset + g->prefix_len ||
	    g->prefix_len > g->within || g->offset + g->prefix_len > SHAPE_POSITIONS)
		return false;
	for (uint32_t i = 0; i < g->prefix_len; i++)
		if (!set_within(&s->at[g->offset + i], &g->prefix[i]))
			return false;
	return true;
}

static bool condition_implies(const struct condition *a, const struct condition *g)
{
	switch (g->kind) {
	case CONDITION_PORT:
		return port_implies(a, &g->port);
	case CONDITION_FIELD:
		return field_implies(a, &g->field);
	case CONDITION_LENGTH_FIELD:
		return length_field_implies(a, &g->length_field);
	case CONDITION_COUNT:
		return count_implies(a, &g->count);
	case CONDITION_ENTROPY:
		return entropy_implies(a, &g->entropy);
	case CONDITION_REGEX:
		return regex_implies(a, &g->regex);
	case CONDITION_MASK:
		return mask_implies(a, &g->mask);
	case CONDITION_LENGTH:
		break;
	}
	return false;
}

static bool condition_implied(const struct feature *f, const struct shape *s,
			      const struct condition *g)
{
	if (g->kind == CONDITION_LENGTH)
		return length_implied(f, s, &g->length);
	if (g->kind == CONDITION_MASK && mask_implied(s, &g->mask))
		return true;
	if (g->kind == CONDITION_REGEX && plain_implied(s, &g->regex))
		return true;
	for (uint16_t i = 0; i < f->count; i++)
		if (condition_implies(&f->conditions[i], g))
			return true;
	return false;
}

bool feature_implies(const struct feature *f, const struct shape *s, const struct feature *g)
{
	if (f->transports & ~g->transports || f->directions & ~g->directions)
		return false;
	/* With a length field, regexes examine only the bytes up to that length. */
	if (g->cheap < g->count && (find_kind(f, CONDITION_LENGTH_FIELD) != NULL ||
				    find_kind(g, CONDITION_LENGTH_FIELD) != NULL))
		return false;
	for (uint16_t i = 0; i < g->count; i++)
		if (!condition_implied(f, s, &g->conditions[i]))
			return false;
	return true;
}

static bool conditions_exclude(const struct condition *a, const struct condition *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == CONDITION_PORT)
		return a->port.source == b->port.source &&
		       a->port.destination == b->port.destination &&
		       a->port.source != a->port.destination &&
		       !ranges_meet(&a->port.ports, &b->port.ports);
	if (a->kind == CONDITION_FIELD)
		return integer_same(&a->field.integer, &b->field.integer) &&
		       (a->field.value.min > b->field.value.max ||
			b->field.value.min > a->field.value.max);
	return false;
}

static bool lengths_exclude(const struct feature *f, const struct shape *s, const struct feature *g,
			    const struct shape *t)
{
	const struct condition *a = find_kind(f, CONDITION_LENGTH);
	const struct condition *b = find_kind(g, CONDITION_LENGTH);

	if (s->max < t->min || t->max < s->min)
		return true;
	return a && b && !ranges_meet(&a->length, &b->length);
}

enum exclusion feature_excludes(const struct feature *f, const struct shape *s,
				const struct feature *g, const struct shape *t)
{
	if (!(f->transports & g->transports) || !(f->directions & g->directions))
		return EXCLUDES;
	for (int p = 0; p < SHAPE_POSITIONS; p++)
		if (!sets_meet(&s->at[p], &t->at[p]))
			return EXCLUDES;
	for (uint16_t i = 0; i < f->cheap; i++)
		for (uint16_t k = 0; k < g->cheap; k++)
			if (conditions_exclude(&f->conditions[i], &g->conditions[k]))
				return EXCLUDES;
	return lengths_exclude(f, s, g, t) ? EXCLUDES_WHOLE : EXCLUDES_NOT;
}

/* ---- relations for matching ---- */

/* Relations of one feature: consequences of it being false and of it being true. */
struct gathered {
	struct relation list[2][RELATIONS_MAX];
	size_t count[2];
};

static void relation_add(struct gathered *x, uint16_t feature, bool when, bool value, bool whole)
{
	if (x->count[when] < RELATIONS_MAX)
		x->list[when][x->count[when]++] = (struct relation){feature, value, whole};
}

/* Whether a message can have both as far as transport, direction and first byte go. Otherwise one
 * is never evaluated where the other may be true. */
static bool features_meet(const struct feature *f, const struct feature *g)
{
	uint32_t meet = 0;

	if (!(f->transports & g->transports) || !(f->directions & g->directions))
		return false;
	for (int i = 0; i < 8; i++)
		meet |= f->first[i] & g->first[i];
	return meet != 0;
}

/* Bit matrix: which features occur together in a rule. */
struct beside {
	uint64_t *bits;
	size_t words; /* words of a row */
};

static void beside_fini(struct beside *b)
{
	free(b->bits);
}

static void beside_add(struct beside *b, const struct rule *rule)
{
	for (uint16_t i = 0; i < rule->count; i++)
		for (uint16_t k = 0; k < rule->count && rule->ops[i].kind == OP_FEATURE; k++)
			if (rule->ops[k].kind == OP_FEATURE)
				b->bits[rule->ops[i].arg * b->words + rule->ops[k].arg / 64] |=
					UINT64_C(1) << rule->ops[k].arg % 64;
}

static int beside_init(struct beside *b, const struct signatures *s)
{
	b->words = s->feature_count / 64 + 1;
	b->bits = calloc((s->feature_count + 1) * b->words, sizeof(*b->bits));
	if (!b->bits)
		return -ENOMEM;
	for (size_t i = 0; i < s->rule_count; i++)
		beside_add(b, &s->rules[i]);
	return 0;
}

static bool beside_has(const struct beside *b, uint16_t f, uint16_t g)
{
	return b->bits[f * b->words + g / 64] >> g % 64 & 1;
}

/* Exclusions are kept only for features that occur in one rule together; otherwise the index
 * separates the rules. */
static void relate(const struct signatures *s, const struct shape *shapes, uint16_t f, uint16_t g,
		   bool together, struct gathered *out)
{
	const struct feature *x = &s->features[f], *y = &s->features[g];
	enum exclusion exclusion;

	if (feature_implies(x, &shapes[f], y)) {
		relation_add(out, g, true, true, false);
		return;
	}
	if (feature_implies(y, &shapes[g], x))
		relation_add(out, g, false, false, false);
	if (!together)
		return;
	exclusion = feature_excludes(x, &shapes[f], y, &shapes[g]);
	if (exclusion != EXCLUDES_NOT)
		relation_add(out, g, true, false, exclusion == EXCLUDES_WHOLE);
}

static int relations_append(struct relations *r, size_t *room, uint32_t *count,
			    const struct relation *list, size_t more)
{
	for (size_t i = 0; i < more; i++) {
		if (list_reserve(&r->list, room, *count, sizeof(*list)) < 0)
			return -ENOMEM;
		r->list[(*count)++] = list[i];
	}
	return 0;
}

int relations_new(const struct signatures *s, const struct shape *shapes, struct relations *out)
{
	_cleanup_(beside_fini) struct beside beside = {0};
	uint32_t count = 0;
	size_t room = 0;
	int err = beside_init(&beside, s);

	if (err < 0)
		return err;
	out->starts = calloc(2 * s->feature_count + 1, sizeof(*out->starts));
	if (!out->starts)
		return -ENOMEM;
	for (uint16_t f = 0; f < s->feature_count && err == 0; f++) {
		struct gathered x = {.count = {0, 0}};

		for (uint16_t g = 0; g < s->feature_count; g++)
			if (f != g && features_meet(&s->features[f], &s->features[g]))
				relate(s, shapes, f, g, beside_has(&beside, f, g), &x);
		for (int when = 0; when < 2 && err == 0; when++) {
			out->starts[2 * f + when] = count;
			err = relations_append(out, &room, &count, x.list[when], x.count[when]);
		}
		out->starts[2 * f + 2] = count;
	}
	return err;
}

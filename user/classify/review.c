// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reviews a set that loads: features that no message can have, rules that never match or never
 * decide, unused features; and relations between features. Rules are compared by enumerating all
 * combinations of values of their features.
 */
#include <stdio.h>
#include <string.h>

#include "classify/index.h"

#define VALUES_MAX 10 /* features of two rules: at most 2 to this power combinations */

struct review {
	const struct signatures *s;
	struct shape *shapes;
	void (*fn)(void *arg, const struct review_note *note);
	void *arg;
};

static const char *const kinds[] = {
	[REVIEW_FEATURE_NEVER] = "feature-never", [REVIEW_RULE_NEVER] = "rule-never",
	[REVIEW_RULE_SHADOWED] = "rule-shadowed", [REVIEW_APPLICATION] = "application-never",
	[REVIEW_UNUSED] = "feature-unused",	  [REVIEW_IMPLIES] = "implies",
	[REVIEW_EXCLUDES] = "excludes",
};

const char *review_kind_name(enum review_kind kind)
{
	return kinds[kind];
}

static void note(const struct review *r, enum review_kind kind, const struct place *place,
		 const char *subject, const char *other)
{
	struct review_note n = {.kind = kind, .subject = subject, .other = other};

	if (place) {
		n.file = r->s->files[place->file];
		n.line = place->line;
		n.column = place->column;
	}
	r->fn(r->arg, &n);
}

/* ---- features ---- */

static void review_features(const struct review *r)
{
	const struct signatures *s = r->s;

	for (size_t f = 0; f < s->feature_count; f++) {
		bool used = false;

		if (shape_empty(&r->shapes[f]))
			note(r, REVIEW_FEATURE_NEVER, &s->features[f].place, s->features[f].name,
			     NULL);
		for (size_t i = 0; i < s->rule_count && !used; i++)
			for (uint16_t k = 0; k < s->rules[i].count; k++)
				used |= s->rules[i].ops[k].kind == OP_FEATURE &&
					s->rules[i].ops[k].arg == f;
		if (!used)
			note(r, REVIEW_UNUSED, &s->features[f].place, s->features[f].name, NULL);
	}
}

/* Pairs separated by transport, direction or first byte are not reported: there are too many. */
static bool features_meet(const struct review *r, size_t f, size_t g)
{
	const struct feature *a = &r->s->features[f], *b = &r->s->features[g];
	uint32_t meet = 0;

	for (int i = 0; i < 8; i++)
		meet |= r->shapes[f].at[0].bits[i] & r->shapes[g].at[0].bits[i];
	return meet && a->transports & b->transports && a->directions & b->directions;
}

static void review_relations(const struct review *r)
{
	const struct signatures *s = r->s;

	for (size_t f = 0; f < s->feature_count; f++)
		for (size_t g = 0; g < s->feature_count; g++) {
			const struct feature *a = &s->features[f], *b = &s->features[g];

			if (f == g || shape_empty(&r->shapes[f]) || shape_empty(&r->shapes[g]))
				continue;
			if (feature_implies(a, &r->shapes[f], b))
				note(r, REVIEW_IMPLIES, NULL, a->name, b->name);
			else if (f < g && features_meet(r, f, g) &&
				 feature_excludes(a, &r->shapes[f], b, &r->shapes[g]) !=
					 EXCLUDES_NOT)
				note(r, REVIEW_EXCLUDES, NULL, a->name, b->name);
		}
}

/* ---- rules ---- */

/* Combinations of values of the features of one or two rules. */
struct values {
	const struct review *r;
	uint16_t features[VALUES_MAX];
	unsigned int count;
	unsigned int bits;
	/* by feature: values that the other features must, and must not, have if it is true */
	unsigned int must[VALUES_MAX], must_not[VALUES_MAX];
};

static enum tri value_of(void *arg, uint16_t feature)
{
	const struct values *v = arg;

	for (unsigned int i = 0; i < v->count; i++)
		if (v->features[i] == feature)
			return v->bits >> i & 1 ? TRI_TRUE : TRI_FALSE;
	return TRI_FALSE;
}

/* False if the rules have too many features to enumerate. */
static bool values_add(struct values *v, const struct rule *rule)
{
	for (uint16_t k = 0; k < rule->count; k++) {
		unsigned int i = 0;

		if (rule->ops[k].kind != OP_FEATURE)
			continue;
		while (i < v->count && v->features[i] != rule->ops[k].arg)
			i++;
		if (i == VALUES_MAX)
			return false;
		if (i == v->count)
			v->features[v->count++] = rule->ops[k].arg;
	}
	return true;
}

static void values_relate(struct values *v)
{
	const struct feature *features = v->r->s->features;
	const struct shape *shapes = v->r->shapes;

	for (unsigned int i = 0; i < v->count; i++) {
		uint16_t f = v->features[i];

		v->must[i] = v->must_not[i] = 0;
		if (shape_empty(&shapes[f]))
			v->must_not[i] |= 1u << i;
		for (unsigned int k = 0; k < v->count; k++) {
			uint16_t g = v->features[k];

			if (k != i && feature_implies(&features[f], &shapes[f], &features[g]))
				v->must[i] |= 1u << k;
			if (k != i && feature_excludes(&features[f], &shapes[f], &features[g],
						       &shapes[g]) != EXCLUDES_NOT)
				v->must_not[i] |= 1u << k;
		}
	}
}

static bool values_possible(const struct values *v)
{
	for (unsigned int i = 0; i < v->count; i++)
		if (v->bits >> i & 1 &&
		    ((v->bits & v->must[i]) != v->must[i] || v->bits & v->must_not[i]))
			return false;
	return true;
}

/* Whether some message makes `rule` true and `other` (if not NULL) false. */
static bool rule_alone(const struct review *r, const struct rule *rule, const struct rule *other)
{
	struct values v = {.r = r};

	if (!values_add(&v, rule) || (other && !values_add(&v, other)))
		return true;
	values_relate(&v);
	for (v.bits = 0; v.bits < 1u << v.count; v.bits++)
		if (values_possible(&v) && rule_value(rule, value_of, &v) == TRI_TRUE &&
		    (!other || rule_value(other, value_of, &v) != TRI_TRUE))
			return true;
	return false;
}

/* Whether `other` decides wherever both are true. */
static bool rule_beats(const struct rule *rule, const struct rule *other)
{
	/* A rule that waits may leave the decision to others. */
	if (other == rule || other->wait)
		return false;
	/* With equally many features, the first in the files wins. */
	if (other->confidence == rule->confidence)
		return other->order < rule->order && other->count == 1 && rule->count == 1;
	return other->confidence > rule->confidence;
}

static const struct rule *rule_shadow(const struct review *r, const struct rule *rule)
{
	for (size_t i = 0; i < r->s->rule_count; i++)
		if (rule_beats(rule, &r->s->rules[i]) && !rule_alone(r, rule, &r->s->rules[i]))
			return &r->s->rules[i];
	return NULL;
}

static void review_rules(const struct review *r, uint8_t *alive)
{
	const struct signatures *s = r->s;

	for (size_t i = 0; i < s->rule_count; i++) {
		const struct rule *rule = &s->rules[i], *shadow;
		const char *name = s->applications[rule->application].name;

		if (!rule_alone(r, rule, NULL)) {
			note(r, REVIEW_RULE_NEVER, &rule->place, name, NULL);
			continue;
		}
		shadow = rule_shadow(r, rule);
		if (shadow)
			note(r, REVIEW_RULE_SHADOWED, &rule->place, name,
			     s->applications[shadow->application].name);
		if (!shadow || shadow->application == rule->application)
			alive[rule->application] = 1;
	}
}

int signatures_review(const struct signatures *s,
		      void (*fn)(void *arg, const struct review_note *note), void *arg)
{
	struct review r = {.s = s, .fn = fn, .arg = arg};
	_cleanup_free_ struct shape *shapes = calloc(s->feature_count + 1, sizeof(*shapes));
	_cleanup_free_ uint8_t *alive = calloc(s->application_count + 1, 1);

	if (!shapes || !alive)
		return -ENOMEM;
	r.shapes = shapes;
	for (size_t i = 0; i < s->feature_count; i++)
		shape_read(&s->features[i], &shapes[i]);
	review_features(&r);
	review_rules(&r, alive);
	for (unsigned int proto = 0; proto < 256; proto++)
		if (s->by_protocol[proto])
			alive[s->by_protocol[proto] - 1] = 1;
	for (size_t i = 0; i < s->application_count; i++)
		if (!alive[i])
			note(&r, REVIEW_APPLICATION, &s->applications[i].place,
			     s->applications[i].name, NULL);
	review_relations(&r);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Builds the index: assigns every rule of a set to a place where all messages that can match it
 * will find it. */
#include <string.h>

#include "classify/index.h"

/* With fewer rules, evaluating all of them is cheaper than searching the message for their
 * literals. */
#define TEXT_RULES_MIN 8
/* A prefix position with more possible values than this does not count as a byte of a literal. */
#define PREFIX_VALUES_MAX 16

/* A rule that is found by the literals of a feature. */
struct text_rule {
	uint16_t feature, rule;
};

struct plan {
	struct signatures *s;
	struct index *x;
	struct shape *shapes, *rule_shapes;
	struct access *access; /* of the rule being added */
	uint16_t *order;       /* rules in descending order of confidence */
	uint16_t *tree;	       /* the rules for the tree, in the same order */
	size_t tree_count;
	struct text_rule *texts;
	size_t text_count, text_room;
	bool by_texts;
};

void index_free(struct index *x)
{
	if (!x)
		return;
	for (int udp = 0; udp < 2; udp++) {
		for (int origin = 0; origin < 2; origin++)
			tree_free(x->trees[udp][origin]);
		l4port_index_free(x->ports[udp]);
		scan_free(x->literal[udp].scan);
		scan_free(x->confirm[udp].scan);
		free(x->literal[udp].rules);
	}
	free(x->relations.starts);
	free(x->relations.list);
	free(x->rules_of);
	free(x->feature_rules);
	free(x);
}

static void plan_fini(struct plan *p)
{
	free(p->shapes);
	free(p->rule_shapes);
	free(p->access);
	free(p->order);
	free(p->tree);
	free(p->texts);
	index_free(p->x);
}

static int plan_init(struct plan *p)
{
	const struct signatures *s = p->s;

	p->x = calloc(1, sizeof(*p->x));
	p->shapes = calloc(s->feature_count + 1, sizeof(*p->shapes));
	p->rule_shapes = calloc(s->rule_count + 1, sizeof(*p->rule_shapes));
	p->access = calloc(1, sizeof(*p->access));
	p->order = calloc(s->rule_count + 1, sizeof(*p->order));
	p->tree = calloc(s->rule_count + 1, sizeof(*p->tree));
	if (!p->x || !p->shapes || !p->rule_shapes || !p->access || !p->order || !p->tree)
		return -ENOMEM;
	for (size_t i = 0; i < s->feature_count; i++)
		shape_read(&s->features[i], &p->shapes[i]);
	for (size_t i = 0; i < s->rule_count; i++)
		shape_read_rule(p->shapes, &s->rules[i], &p->rule_shapes[i]);
	for (int i = 0; i < 2; i++) {
		p->x->ports[i] = l4port_index_new();
		p->x->literal[i].scan = scan_new();
		p->x->confirm[i].scan = scan_new();
		p->x->literal[i].rules = calloc(s->rule_count + 1, sizeof(uint16_t));
		if (!p->x->ports[i] || !p->x->literal[i].scan || !p->x->confirm[i].scan ||
		    !p->x->literal[i].rules)
			return -ENOMEM;
	}
	return 0;
}

/* Sorts by descending confidence, then by order in the files (counting sort). */
static void rules_order(const struct plan *p)
{
	size_t at = 0;

	for (int confidence = 100; confidence >= 0; confidence--)
		for (uint16_t i = 0; i < p->s->rule_count; i++)
			if (p->s->rules[i].confidence == confidence)
				p->order[at++] = i;
}

static int place_by_ports(struct plan *p, uint16_t rule)
{
	int err = 0;

	for (size_t i = 0; i < p->access->count && err == 0; i++) {
		const struct feature *f = &p->s->features[p->access->features[i]];
		const struct port_condition *c = &f->conditions[0].port;

		if (c->source)
			err = l4port_index_add(p->x->ports[0], &c->ports, rule);
		if (c->destination && err == 0)
			err = l4port_index_add(p->x->ports[1], &c->ports, rule);
	}
	return err;
}

/* The regex whose literals are searched for. */
static const struct regex_condition *feature_regex(const struct feature *f)
{
	for (uint16_t i = f->cheap; i < f->count; i++)
		if (f->conditions[i].regex.literal_count > 0)
			return &f->conditions[i].regex;
	return NULL;
}

/* Adds the feature's literals to the scans of its transports, for the given use. */
static int feature_scan(struct plan *p, uint16_t feature, enum feature_texts texts)
{
	struct feature *f = &p->s->features[feature];
	const struct regex_condition *x = feature_regex(f);
	int err = 0;

	if (!x || f->texts != TEXTS_NONE)
		return 0;
	for (unsigned int udp = 0; udp < 2 && err == 0; udp++) {
		bool find = texts == TEXTS_FIND;
		struct scan *scan = find ? p->x->literal[udp].scan : p->x->confirm[udp].scan;
		uint32_t *within = find ? &p->x->literal[udp].within : &p->x->confirm[udp].within;

		if (!(f->transports & (udp ? TRANSPORT_UDP : TRANSPORT_TCP)))
			continue;
		err = scan_add(scan, x->literals, x->literal_count, feature);
		*within = x->offset + x->within > *within ? x->offset + x->within : *within;
	}
	if (err == 0)
		f->texts = (uint8_t)texts;
	return err;
}

/* Whether the prefix is as selective as the first literal. */
static bool prefix_has_text(const struct regex_condition *x)
{
	const struct literal *text = &x->literals[0];

	for (uint32_t at = 0; at + text->len <= x->prefix_len; at++) {
		uint32_t i = 0;

		while (i < text->len && byte_set_count(&x->prefix[at + i]) <= PREFIX_VALUES_MAX &&
		       byte_set_has(&x->prefix[at + i], text->bytes[i]))
			i++;
		if (i == text->len)
			return true;
	}
	return false;
}

/* Adds the literals of regexes whose rules the index does not find by literals, unless the prefix
 * implies a literal anyway. */
static int plan_confirm(struct plan *p)
{
	for (uint16_t i = 0; i < p->s->feature_count; i++) {
		const struct regex_condition *x = feature_regex(&p->s->features[i]);
		int err;

		if (!x || x->plain || prefix_has_text(x))
			continue;
		err = feature_scan(p, i, TEXTS_CONFIRM);
		if (err < 0 && err != -ENOSPC)
			return err;
	}
	return 0;
}

static int place_by_texts(struct plan *p, uint16_t rule)
{
	unsigned int transports = 0;
	int err = 0;

	for (size_t i = 0; i < p->access->count && err == 0; i++) {
		uint16_t feature = p->access->features[i];

		err = feature_scan(p, feature, TEXTS_FIND);
		if (err == 0)
			err = list_reserve(&p->texts, &p->text_room, p->text_count,
					   sizeof(*p->texts));
		if (err == 0)
			p->texts[p->text_count++] = (struct text_rule){feature, rule};
		transports |= p->s->features[feature].transports;
	}
	for (unsigned int udp = 0; udp < 2 && err == 0; udp++)
		if (transports & (udp ? TRANSPORT_UDP : TRANSPORT_TCP))
			p->x->literal[udp].rules[p->x->literal[udp].count++] = rule;
	return err;
}

static int rule_place(struct plan *p, uint16_t rule)
{
	int err = -ENOSPC;

	access_choose(p->s, p->shapes, &p->s->rules[rule], p->access);
	if (p->access->kind == ACCESS_PORT)
		return place_by_ports(p, rule);
	if (p->access->kind == ACCESS_LITERAL && p->by_texts)
		err = place_by_texts(p, rule);
	/* The tree can hold any rule, in the worst case in every leaf. */
	if (err == -ENOSPC) {
		p->tree[p->tree_count++] = rule;
		err = 0;
	}
	return err;
}

static size_t text_rules_count(const struct plan *p)
{
	size_t count = 0;

	for (size_t i = 0; i < p->s->rule_count; i++) {
		access_choose(p->s, p->shapes, &p->s->rules[i], p->access);
		count += p->access->kind == ACCESS_LITERAL;
	}
	return count;
}

/* Lists for each feature the rules that its literals lead to. */
static int texts_finish(struct plan *p)
{
	size_t features = p->s->feature_count;
	uint32_t *starts = calloc(features + 2, sizeof(*starts));

	p->x->rules_of = starts;
	p->x->feature_rules = calloc(p->text_count + 1, sizeof(uint16_t));
	if (!starts || !p->x->feature_rules)
		return -ENOMEM;
	for (size_t i = 0; i < p->text_count; i++)
		starts[p->texts[i].feature + 2]++;
	for (size_t f = 2; f < features + 2; f++)
		starts[f] += starts[f - 1];
	for (size_t i = 0; i < p->text_count; i++)
		p->x->feature_rules[starts[p->texts[i].feature + 1]++] = p->texts[i].rule;
	return 0;
}

/* Builds the tree of a transport and direction from the rules that apply there. */
static int tree_plant(struct plan *p, bool udp, bool origin)
{
	unsigned int transport = udp ? TRANSPORT_UDP : TRANSPORT_TCP;
	unsigned int direction = origin ? DIRECTION_ORIGIN : DIRECTION_RESPONDER;
	_cleanup_free_ uint16_t *rules = calloc(p->tree_count + 1, sizeof(*rules));
	size_t count = 0;

	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < p->tree_count; i++) {
		const struct shape *s = &p->rule_shapes[p->tree[i]];

		if (s->transports & transport && s->directions & direction && !shape_empty(s))
			rules[count++] = p->tree[i];
	}
	return tree_new(p->s, p->rule_shapes, rules, count, udp, &p->x->trees[udp][origin]);
}

static int plan_finish(struct plan *p)
{
	int err = texts_finish(p);

	for (unsigned int i = 0; i < 2 && err == 0; i++) {
		err = l4port_index_finish(p->x->ports[i], p->s, p->rule_shapes);
		if (err == 0)
			err = scan_finish(p->x->literal[i].scan);
		if (err == 0)
			err = scan_finish(p->x->confirm[i].scan);
		if (p->x->literal[i].count > 0)
			p->x->literal[i].confidence =
				p->s->rules[p->x->literal[i].rules[0]].confidence;
	}
	for (unsigned int udp = 0; udp < 2; udp++)
		for (unsigned int origin = 0; origin < 2 && err == 0; origin++)
			err = tree_plant(p, udp, origin);
	return err;
}

int index_new(struct signatures *s, struct index **out)
{
	_cleanup_(plan_fini) struct plan p = {.s = s};
	int err = plan_init(&p);

	if (err < 0)
		return err;
	rules_order(&p);
	p.by_texts = text_rules_count(&p) >= TEXT_RULES_MIN;
	for (size_t i = 0; i < s->rule_count && err == 0; i++)
		err = rule_place(&p, p.order[i]);
	if (err == 0)
		err = plan_confirm(&p);
	if (err == 0)
		err = relations_new(s, p.shapes, &p.x->relations);
	if (err == 0)
		err = plan_finish(&p);
	if (err == 0)
		*out = TAKE_PTR(p.x);
	return err;
}

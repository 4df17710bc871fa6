// SPDX-License-Identifier: GPL-2.0-only
/* Rules to rows and cells: first match, for every pair of classes and every application. */
#include "policy/draft.h"

/* Rows made so far, with what finds them again. There are never more sets than pairs of classes and
 * levels. */
struct table {
	struct bits *sets; /* per distinct set of rules: which apply */
	uint32_t *set_row;
	uint64_t *set_hash;
	uint32_t set_count;
	uint64_t row_hash[DRAFT_ROWS_MAX];
	uint32_t row_room;
	struct bits used; /* rules that decide a cell */
};

static void table_free(struct table *t)
{
	if (!t)
		return;
	free(t->sets);
	free(t->set_row);
	free(t->set_hash);
	free(t);
}

static struct table *table_new(uint32_t pairs)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->sets = calloc(pairs, sizeof(*t->sets));
	t->set_row = calloc(pairs, sizeof(*t->set_row));
	t->set_hash = calloc(pairs, sizeof(*t->set_hash));
	if (t->sets && t->set_row && t->set_hash)
		return t;
	table_free(t);
	return NULL;
}

static void table_freep(struct table **t)
{
	table_free(*t);
}

/* FNV-1a over words. */
static uint64_t words_hash(const void *data, size_t words)
{
	const uint64_t *w = data;
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < words; i++)
		h = ((h ^ w[i]) * 0x100000001b3ULL) ^ (h >> 29);
	return h;
}

/* Which rules' side contains each class. */
static void sides_of(const struct draft *d, bool to, struct bits *out)
{
	for (unsigned int rule = 0; rule < d->policy->rule_count; rule++) {
		const struct draft_side *side = to ? &d->rules[rule].to : &d->rules[rule].from;

		for (uint32_t class = 0; class < d->policy->class_ids; class ++)
			if (side->any || bits_meet(&side->atoms, &d->class_atoms[class]))
				bits_set(&out[class], rule);
	}
}

static void cells_of(const struct draft *d, const struct bits *rules, struct weir_cell *out,
		     struct bits *used)
{
	const struct weir_cell fallback = {.action = (uint8_t)d->policy->default_action,
					   .rule = WEIR_RULE_DEFAULT};
	struct bits open;

	bits_fill(&open);
	for (unsigned int app = 0; app < WEIR_APPS_MAX; app++)
		out[app] = fallback;
	for (unsigned int rule = 0; rule < d->policy->rule_count; rule++) {
		struct bits mine = d->rules[rule].apps;

		if (!bits_has(rules, rule))
			continue;
		bits_and(&mine, &open);
		for (unsigned int app = 0; app < WEIR_APPS_MAX; app++) {
			if (!bits_has(&mine, app))
				continue;
			out[app].action = (uint8_t)d->policy->rules[rule].action;
			out[app].rule = (uint16_t)rule;
			bits_set(used, rule);
		}
		bits_remove(&open, &mine);
	}
}

static int rows_reserve(struct draft *d, struct table *t)
{
	struct policy *p = d->policy;
	struct weir_cell *bigger;
	uint32_t room = t->row_room ? t->row_room * 2 : 4;

	if (p->row_count < t->row_room)
		return 0;
	if (p->row_count == DRAFT_ROWS_MAX)
		return draft_error(d, yaml_get(yaml_root(d->file), "rules"),
				   "rules: more than %u different combinations of `from` and `to`",
				   DRAFT_ROWS_MAX);
	/* Cells of an earlier run are reused. */
	bigger = reallocarray(p->cells, (size_t)room * WEIR_APPS_MAX, sizeof(*bigger));
	if (!bigger)
		return draft_memory(d);
	p->cells = bigger;
	t->row_room = room;
	return 0;
}

/* The row whose cells follow from this set of rules; rows with equal cells are one. */
static int row_make(struct draft *d, struct table *t, const struct bits *rules, uint32_t *out)
{
	const size_t words = WEIR_APPS_MAX * sizeof(struct weir_cell) / 8;
	struct policy *p = d->policy;
	struct weir_cell *cells;
	uint64_t hash;
	int err = rows_reserve(d, t);

	if (err < 0)
		return err;
	cells = &p->cells[(size_t)p->row_count * WEIR_APPS_MAX];
	cells_of(d, rules, cells, &t->used);
	hash = words_hash(cells, words);
	for (uint32_t row = 0; row < p->row_count; row++) {
		if (t->row_hash[row] != hash ||
		    memcmp(&p->cells[(size_t)row * WEIR_APPS_MAX], cells, words * 8))
			continue;
		*out = row;
		return 0;
	}
	t->row_hash[p->row_count] = hash;
	*out = p->row_count++;
	return 0;
}

static int row_of(struct draft *d, struct table *t, const struct bits *rules, uint32_t *out)
{
	uint64_t hash = words_hash(rules, BITS_WORDS);
	int err;

	for (uint32_t i = 0; i < t->set_count; i++) {
		if (t->set_hash[i] != hash || memcmp(&t->sets[i], rules, sizeof(*rules)))
			continue;
		*out = t->set_row[i];
		return 0;
	}
	err = row_make(d, t, rules, out);
	if (err < 0)
		return err;
	t->sets[t->set_count] = *rules;
	t->set_row[t->set_count] = *out;
	t->set_hash[t->set_count++] = hash;
	return 0;
}

/* Rules of which the confidence is reached by every answer of the level. */
static void level_rules(const struct policy *p, uint32_t level, struct bits *out)
{
	unsigned int reached = level ? p->confidence[level - 1] : 0;

	*out = (struct bits){0};
	for (unsigned int rule = 0; rule < p->rule_count; rule++)
		if (p->rules[rule].confidence <= reached)
			bits_set(out, rule);
}

static int level_fill(struct draft *d, struct table *t, const struct bits *from,
		      const struct bits *to, uint32_t level)
{
	struct policy *p = d->policy;
	struct bits reached;
	int err = 0;

	level_rules(p, level, &reached);
	for (uint32_t source = 0; err == 0 && source < p->class_ids; source++) {
		for (uint32_t dest = 0; err == 0 && dest < p->class_ids; dest++) {
			uint32_t pair = source * p->class_ids + dest;
			struct bits rules = from[source];

			bits_and(&rules, &to[dest]);
			bits_and(&rules, &reached);
			err = row_of(d, t, &rules, &p->rows[pair * p->levels + level]);
		}
	}
	return err;
}

/* The confidences asked for, ascending. False when there are too many. */
static bool levels_make(struct policy *p)
{
	bool asked[101] = {false};
	uint32_t count = 0;

	for (unsigned int rule = 0; rule < p->rule_count; rule++)
		asked[p->rules[rule].confidence] = true;
	memset(p->confidence, 0, sizeof(p->confidence));
	for (unsigned int value = 1; value <= 100; value++) {
		if (!asked[value])
			continue;
		if (count == WEIR_CONFIDENCES_MAX)
			return false;
		p->confidence[count++] = (uint8_t)value;
	}
	p->levels = count + 1;
	return true;
}

static bool side_covers(const struct draft_side *a, const struct draft_side *b)
{
	return a->any || (!b->any && bits_cover(&a->atoms, &b->atoms));
}

/* The first earlier rule that alone takes everything `rule` names, or NULL. */
static const char *rule_hidden_by(const struct draft *d, unsigned int rule)
{
	const struct draft_rule *late = &d->rules[rule];

	for (unsigned int i = 0; i < rule; i++) {
		const struct draft_rule *early = &d->rules[i];

		if (d->policy->rules[i].confidence <= d->policy->rules[rule].confidence &&
		    side_covers(&early->from, &late->from) && side_covers(&early->to, &late->to) &&
		    bits_cover(&early->apps, &late->apps))
			return d->policy->rules[i].name;
	}
	return NULL;
}

static void unreachable_warn(const struct draft *d, const struct bits *used)
{
	for (unsigned int i = 0; i < d->policy->rule_count; i++) {
		const char *name = d->policy->rules[i].name, *by;

		if (bits_has(used, i))
			continue;
		by = rule_hidden_by(d, i);
		if (by)
			draft_warn(d, d->rules[i].node,
				   "rule `%s` is never reached: rule `%s` matches first", name, by);
		else
			draft_warn(d, d->rules[i].node,
				   "rule `%s` is never reached: earlier rules match first", name);
	}
}

int draft_compile_tables(struct draft *d)
{
	struct policy *p = d->policy;
	_cleanup_(table_freep) struct table *t = NULL;
	_cleanup_free_ struct bits *from = calloc(p->class_ids, sizeof(*from));
	_cleanup_free_ struct bits *to = calloc(p->class_ids, sizeof(*to));
	uint32_t pairs;
	int err = 0;

	if (!levels_make(p))
		return draft_error(d, yaml_get(yaml_root(d->file), "rules"),
				   "rules: more than %u different values of `confidence`",
				   WEIR_CONFIDENCES_MAX);
	pairs = p->class_ids * p->class_ids * p->levels;
	t = table_new(pairs);
	free(p->rows);
	p->row_count = 0;
	p->rows = calloc(pairs, sizeof(*p->rows));
	if (!t || !from || !to || !p->rows)
		return draft_memory(d);
	sides_of(d, false, from);
	sides_of(d, true, to);
	for (uint32_t level = 0; err == 0 && level < p->levels; level++)
		err = level_fill(d, t, from, to, level);
	if (err == 0)
		unreachable_warn(d, &t->used);
	return err;
}

const struct weir_cell *policy_cell(const struct policy *p, uint32_t source_class,
				    uint32_t dest_class, uint32_t app, unsigned int confidence)
{
	uint32_t level = 0, pair;

	if (source_class >= p->class_ids || dest_class >= p->class_ids || app >= WEIR_APPS_MAX)
		return NULL;
	while (level + 1 < p->levels && confidence >= p->confidence[level])
		level++;
	pair = source_class * p->class_ids + dest_class;
	return &p->cells[(size_t)p->rows[pair * p->levels + level] * WEIR_APPS_MAX + app];
}

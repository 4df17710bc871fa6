// SPDX-License-Identifier: GPL-2.0-only
/*
 * Matching of a message, in passes over the rules that the index finds for it. The first pass
 * evaluates only cheap conditions (ports, lengths, bytes at offsets). The second runs the regexes
 * of the rules that remain and could still win; a regex that cannot match yet is run only if the
 * answer depends on it. The third pass takes the rules that the index finds by literals. The result
 * of a feature is kept for the message and shared by all rules. A rule is open if more bytes of the
 * message could make it true.
 */
#include <netinet/in.h>
#include <string.h>

#include "classify/scratch.h"

static void serial_next(struct classify_scratch *c)
{
	if (++c->serial < UINT32_MAX >> STATE_BITS)
		return;
	memset(c->states, 0, c->s->feature_count * sizeof(*c->states));
	memset(c->texts_seen, 0, c->s->feature_count * sizeof(*c->texts_seen));
	memset(c->rules_seen, 0, c->s->rule_count * sizeof(*c->rules_seen));
	c->serial = 1;
}

void classify_scratch_free(struct classify_scratch *c)
{
	if (!c)
		return;
	pcre2_match_data_free(c->match);
	free(c->candidates);
	free(c->states);
	free(c->texts_seen);
	free(c->rules_seen);
	free(c);
}

static void scratch_freep(struct classify_scratch **c)
{
	classify_scratch_free(*c);
}

struct classify_scratch *classify_scratch_new(const struct signatures *s)
{
	_cleanup_(scratch_freep) struct classify_scratch *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->s = s;
	c->match = pcre2_match_data_create(1, NULL);
	c->candidates = calloc(s->rule_count + 1, sizeof(*c->candidates));
	c->states = calloc(s->feature_count + 1, sizeof(*c->states));
	c->texts_seen = calloc(s->feature_count + 1, sizeof(*c->texts_seen));
	c->rules_seen = calloc(s->rule_count + 1, sizeof(*c->rules_seen));
	if (!c->match || !c->candidates || !c->states || !c->texts_seen || !c->rules_seen)
		return NULL;
	return TAKE_PTR(c);
}

uint64_t classify_scratch_evaluations(const struct classify_scratch *c)
{
	return c->evaluations;
}

uint64_t classify_scratch_regexes(const struct classify_scratch *c)
{
	return c->regexes;
}

uint64_t classify_scratch_given_up(const struct classify_scratch *c)
{
	return c->given_up;
}

struct best {
	const struct rule *rule;
	unsigned int specific; /* number of features of the rule that are true */
};

static unsigned int rule_specific(const struct rule *rule, const struct classify_scratch *c)
{
	unsigned int count = 0;

	for (uint16_t i = 0; i < rule->count; i++)
		count += rule->ops[i].kind == OP_FEATURE &&
			 state_get(c, rule->ops[i].arg) == STATE_TRUE;
	return count;
}

static void best_consider(struct best *best, const struct rule *rule,
			  const struct classify_scratch *c)
{
	struct best x = {rule, rule_specific(rule, c)};
	const struct rule *b = best->rule;

	if (b && b->confidence != rule->confidence) {
		if (rule->confidence > b->confidence)
			*best = x;
		return;
	}
	if (!b || x.specific > best->specific ||
	    (x.specific == best->specific && rule->order < b->order))
		*best = x;
}

static uint8_t best_confidence(const struct best *best)
{
	return best->rule ? best->rule->confidence : 0;
}

/* Whether the rule, if it were true, would not replace the best one. */
static bool rule_loses(const struct rule *rule, const struct best *best)
{
	const struct rule *b = best->rule;

	if (!b || rule->confidence != b->confidence)
		return b && rule->confidence < b->confidence;
	/* Two features are joined by an operator, so this is the number of features. */
	return (rule->count + 1u) / 2 <= best->specific && rule->order > b->order;
}

/* Whether the candidate's four bytes rule it out. */
static bool candidate_differs(const struct candidate *x, const struct classify_input *in)
{
	uint32_t bytes;

	if (in->len < x->offset + sizeof(bytes))
		return false;
	memcpy(&bytes, in->data + x->offset, sizeof(bytes));
	return (bytes & x->mask) != x->value;
}

/* Keeps a rule that has to be evaluated again when the message has grown. */
static void memo_keep(struct classify_scratch *c, uint16_t rule)
{
	if (c->memo.count < CLASSIFY_MEMO_RULES)
		c->memo.rules[c->memo.count] = rule;
	if (c->memo.count <= CLASSIFY_MEMO_RULES)
		c->memo.count++;
}

/* First pass over one rule; it becomes a candidate if it needs a regex or more bytes. */
static void rule_begin(struct classify_scratch *c, uint16_t number, struct best *best)
{
	const struct rule *rule = &c->s->rules[number];
	enum tri value;

	if (c->rules_seen[number] == c->serial)
		return;
	c->rules_seen[number] = c->serial;
	value = rule_value(rule, feature_value, c);
	if (value == TRI_TRUE)
		best_consider(best, rule, c);
	else if (value == TRI_MAYBE)
		c->candidates[c->candidate_count++] = number;
	else if (rule->negates)
		memo_keep(c, number);
}

/* First pass over the rules that the index finds. */
static void rules_filter(struct classify_scratch *c, const struct rule_list *list,
			 struct best *best)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct candidate *x = &list->rules[i];

		if (best->rule && x->confidence < best->rule->confidence)
			return;
		if (!candidate_differs(x, c->in))
			rule_begin(c, x->rule, best);
	}
}

/* First pass over the rules that stayed open for a shorter message. If they require literals, these
 * have been found already. */
static void rules_again(struct classify_scratch *c, const struct classify_memo *memo,
			struct best *best)
{
	for (uint16_t i = 0; i < memo->count; i++) {
		const struct rule *rule = &c->s->rules[memo->rules[i]];

		for (uint16_t k = 0; k < rule->count; k++)
			if (rule->ops[k].kind == OP_FEATURE)
				c->texts_seen[rule->ops[k].arg] = c->serial;
		rule_begin(c, memo->rules[i], best);
	}
}

/*
 * Second pass, over the candidates from index `from` on. Returns the highest confidence of the
 * rules that are open. Rules that are not true, and whose remaining regexes would only tell whether
 * the rule is open, stay candidates.
 */
static uint8_t rules_finish(struct classify_scratch *c, size_t from, struct best *best)
{
	size_t left = from;
	uint8_t pending = 0;

	for (size_t i = from; i < c->candidate_count; i++) {
		const struct rule *rule = &c->s->rules[c->candidates[i]];
		enum tri value;

		if (rule_loses(rule, best))
			continue;
		c->with_open = rule->negates;
		c->deferred = false;
		value = rule_value(rule, feature_value, c);
		if (value == TRI_TRUE)
			best_consider(best, rule, c);
		if (value == TRI_MAYBE && c->deferred) {
			c->candidates[left++] = c->candidates[i];
			continue;
		}
		if (value == TRI_MAYBE || (value == TRI_FALSE && rule->negates))
			memo_keep(c, c->candidates[i]);
		if (value == TRI_MAYBE && rule->confidence > pending)
			pending = rule->confidence;
	}
	c->candidate_count = left;
	c->with_open = true;
	return pending;
}

/* Evaluates the candidates that are left, if the answer depends on whether a rule is open. One open
 * rule is enough. */
static uint8_t rules_open(struct classify_scratch *c, const struct best *best, uint8_t pending)
{
	for (size_t i = 0; i < c->candidate_count; i++) {
		const struct rule *rule = &c->s->rules[c->candidates[i]];

		if (rule_loses(rule, best))
			continue;
		if (pending <= best_confidence(best)) {
			if (rule_value(rule, feature_value, c) != TRI_MAYBE)
				continue;
			pending = rule->confidence > pending ? rule->confidence : pending;
		}
		memo_keep(c, c->candidates[i]);
	}
	return pending;
}

static void text_found(void *arg, uint16_t feature)
{
	struct classify_scratch *c = arg;
	const struct index *x = c->s->index;

	if (c->texts_seen[feature] == c->serial)
		return;
	c->texts_seen[feature] = c->serial;
	for (uint32_t i = x->rules_of[feature]; i < x->rules_of[feature + 1]; i++) {
		uint16_t rule = x->feature_rules[i];

		if (c->rules_seen[rule] != c->serial)
			c->candidates[c->candidate_count++] = rule;
		c->rules_seen[rule] = c->serial;
	}
}

/*
 * Third pass: rules that require a literal. Without a literal the rule is not true; while the
 * message grows it may be open, and then only the one with the highest confidence matters, and only
 * if the answer depends on it.
 */
static uint8_t rules_by_text(struct classify_scratch *c, bool udp, struct best *best,
			     uint8_t pending, size_t from)
{
	const struct index *x = c->s->index;
	size_t len = c->in->len, within = x->literal[udp].within, left = c->candidate_count;
	uint8_t open;

	if (x->literal[udp].count == 0 || x->literal[udp].confidence < best_confidence(best))
		return pending;
	len = len < within ? len : within;
	from = from > SCAN_TEXT_MAX ? from - SCAN_TEXT_MAX : 0;
	if (from < len)
		scan_run(x->literal[udp].scan, c->in->data + from, len - from, text_found, c);
	c->scanned = true;
	open = rules_finish(c, left, best);
	pending = open > pending ? open : pending;
	if (c->in->complete || (best->rule && !best->rule->wait))
		return pending;
	for (size_t i = 0; i < x->literal[udp].count; i++) {
		uint16_t rule = x->literal[udp].rules[i];
		uint8_t confidence = c->s->rules[rule].confidence;

		if (confidence <= pending || confidence <= best_confidence(best))
			break;
		if (c->rules_seen[rule] != c->serial &&
		    rule_value(&c->s->rules[rule], feature_value, c) == TRI_MAYBE)
			return confidence;
	}
	return pending;
}

static void rules_by_bytes(struct classify_scratch *c, bool udp, struct best *best)
{
	const struct tree *t = c->s->index->trees[udp][c->in->from_origin];
	struct rule_list list;
	struct tree_walk walk;

	/* The tree for datagrams is for complete messages only. */
	if (udp && !c->in->complete)
		tree_walk_all(&walk, t);
	else
		tree_walk_begin(&walk, t, c->in->data, c->in->len);
	while (tree_walk_next(&walk, &list)) {
		if (!list.absent || udp || c->later_count == CLASSIFY_LATER_MAX)
			rules_filter(c, &list, best);
		else if (!c->in->complete)
			c->later[c->later_count++] = list;
	}
}

/*
 * Rules that need bytes beyond the present end of a stream: none is true, and whether one is open
 * matters only if the answer depends on it.
 */
static uint8_t rules_later(struct classify_scratch *c, const struct best *best, uint8_t pending)
{
	for (size_t i = 0; i < c->later_count; i++) {
		const struct rule_list *list = &c->later[i];

		for (size_t k = 0; k < list->count; k++) {
			const struct candidate *x = &list->rules[k];

			memo_keep(c, x->rule);
			if (x->confidence <= pending || x->confidence <= best_confidence(best) ||
			    (pending > 0 && !best->rule) || candidate_differs(x, c->in))
				continue;
			if (rule_value(&c->s->rules[x->rule], feature_value, c) == TRI_MAYBE)
				pending = x->confidence;
		}
	}
	return pending;
}

static void rules_by_port(struct classify_scratch *c, struct best *best)
{
	struct l4port_index *const *ports = c->s->index->ports;
	struct rule_list list = l4port_index_find(ports[0], c->in->sport);

	rules_filter(c, &list, best);
	list = l4port_index_find(ports[1], c->in->dport);
	rules_filter(c, &list, best);
}

/* Returns whether a rule with higher confidence than the best could still become true. */
static bool rules_run(struct classify_scratch *c, const struct classify_memo *memo,
		      struct best *best)
{
	bool udp = c->in->proto == IPPROTO_UDP;
	uint8_t pending;

	c->candidate_count = c->later_count = 0;
	c->memo = (struct classify_memo){.len = (uint32_t)c->in->len, .set = c->s->serial};
	c->with_regex = c->scanned = c->confirmed = false;
	c->confirmable = 0;
	if (memo) {
		rules_again(c, memo, best);
	} else {
		rules_by_bytes(c, udp, best);
		rules_by_port(c, best);
	}
	c->with_regex = true;
	pending = rules_finish(c, 0, best);
	pending = rules_by_text(c, udp, best, pending, memo ? memo->len : 0);
	if (!best->rule || best->rule->wait) {
		pending = rules_open(c, best, pending);
		pending = rules_later(c, best, pending);
	}
	return pending > best_confidence(best);
}

/* With an answer, rules that could not replace it were not evaluated, so the memo would be
 * incomplete and is cleared. */
static void memo_store(const struct classify_scratch *c, const struct best *best,
		       struct classify_memo *memo)
{
	memo->set = 0;
	/* The same after a complete message: rules were ruled out by its end, so nothing may be
	 * reused if it grows after all. */
	if (!best->rule && !c->in->complete && c->memo.count <= CLASSIFY_MEMO_RULES)
		*memo = c->memo;
}

bool classify_stream(const struct signatures *s, struct classify_scratch *c,
		     const struct classify_input *in, struct classify_memo *memo,
		     struct classify_result *out)
{
	struct best best = {NULL, 0};
	bool known = memo && memo->set == s->serial && memo->len <= in->len, pending;

	*out = (struct classify_result){.pending = !in->complete && in->len == 0};
	if (in->len == 0 || in->len > UINT32_MAX ||
	    (in->proto != IPPROTO_TCP && in->proto != IPPROTO_UDP))
		return false;
	c->in = in;
	serial_next(c);
	pending = rules_run(c, known ? memo : NULL, &best);
	if (memo)
		memo_store(c, &best, memo);
	c->in = NULL;
	if (!best.rule || (best.rule->wait && pending)) {
		out->pending = pending;
		return false;
	}
	out->app = s->applications[best.rule->application].app;
	out->method = best.rule->method;
	out->confidence = best.rule->confidence;
	return true;
}

bool classify_message(const struct signatures *s, struct classify_scratch *c,
		      const struct classify_input *in, struct classify_result *out)
{
	return classify_stream(s, c, in, NULL, out);
}

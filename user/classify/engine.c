// SPDX-License-Identifier: GPL-2.0-only
/*
 * Matching. A message meets the rules that the index finds for it. In the first pass only what is
 * cheap is looked at (ports, lengths, bytes at offsets); the regexes of the rules that survive and
 * could still win come in the second, those that cannot match yet only where an answer would wait
 * for them; rules that the index finds by texts come last. Results of features are kept for the
 * message, whatever rule asked first.
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
	unsigned int specific; /* features found true */
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

/* Whether the rule, were it true, would not be the best. */
static bool rule_loses(const struct rule *rule, const struct best *best)
{
	const struct rule *b = best->rule;

	if (!b || rule->confidence != b->confidence)
		return b && rule->confidence < b->confidence;
	/* Between two features there is an operator. */
	return (rule->count + 1u) / 2 <= best->specific && rule->order > b->order;
}

/* Whether four bytes of the message say that the rule is false. */
static bool candidate_differs(const struct candidate *x, const struct classify_input *in)
{
	uint32_t bytes;

	if (in->len < x->offset + sizeof(bytes))
		return false;
	memcpy(&bytes, in->data + x->offset, sizeof(bytes));
	return (bytes & x->mask) != x->value;
}

/* The rule is to be looked at again when there is more of the message. */
static void memo_keep(struct classify_scratch *c, uint16_t rule)
{
	if (c->memo.count < CLASSIFY_MEMO_RULES)
		c->memo.rules[c->memo.count] = rule;
	if (c->memo.count <= CLASSIFY_MEMO_RULES)
		c->memo.count++;
}

/* First pass of one rule: one that waits for a regex or for more bytes becomes a candidate. */
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

/* First pass over rules that the index finds. */
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

/* The same over those that were left of a shorter message. They were found by the texts they need,
 * if they need some. */
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
 * Second pass, over candidates from the given one on. Returns the highest confidence of a rule that
 * could still become true. Rules that are not true, and whose regexes would only be run to know
 * whether they are open, are left as candidates.
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

/* Those that were left, where an answer would wait for them: one that is open is enough. */
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
 * Third pass: rules that need a text. Those whose texts are missing are not true; while the message
 * grows the surest of them may be open, which matters only where an answer would wait for it.
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

	/* Datagrams come whole, and their tree relies on it. */
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
 * Rules that need bytes beyond the end of what there is of a stream: none is true, and which of
 * them is open matters only where an answer would wait for it.
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

/* Returns whether a rule surer than the best could still become true. */
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

/* Rules that an answer made needless were not looked at: then nothing is known of what is left. */
static void memo_store(const struct classify_scratch *c, const struct best *best,
		       struct classify_memo *memo)
{
	memo->set = 0;
	/* Rules were ruled out by the end of what was complete: if it grows after all, anew. */
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

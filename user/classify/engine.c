// SPDX-License-Identifier: GPL-2.0-only
/*
 * Matching. A message meets the rules that the index finds for it. In the first pass only what is
 * cheap is looked at (ports, lengths, bytes at offsets); the regexes of the rules that survive and
 * could still win come in the second; rules that need one of some texts come last, and only those
 * whose texts the message has. Results of features are kept for the message, whatever rule asked
 * first.
 */
#include <netinet/in.h>
#include <string.h>

#include "classify/index.h"

/* What is known of a feature for this message. The last two: all but the regexes is known. */
enum state { STATE_FALSE, STATE_TRUE, STATE_MAYBE, STATE_NEW, STATE_REGEX_TRUE, STATE_REGEX_MAYBE };

#define STATE_BITS 3

/* Marks carry the message's number, so that nothing has to be cleared between messages. */
struct classify_scratch {
	const struct signatures *s;
	const struct classify_input *in;
	bool with_regex;
	bool scanned; /* texts_seen is known */
	uint32_t serial;
	uint64_t evaluations, regexes;
	pcre2_match_data *match;
	uint16_t *candidates;
	size_t candidate_count;
	uint32_t *states;     /* by feature: serial, enum state */
	uint32_t *texts_seen; /* by feature: serial */
	uint32_t *rules_seen; /* by rule: serial */
};

static enum state state_get(const struct classify_scratch *c, uint16_t feature)
{
	uint32_t x = c->states[feature];

	return x >> STATE_BITS == c->serial ? (enum state)(x & ((1u << STATE_BITS) - 1))
					    : STATE_NEW;
}

static void state_set(struct classify_scratch *c, uint16_t feature, enum state state)
{
	c->states[feature] = c->serial << STATE_BITS | (uint32_t)state;
}

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

/* What a condition that runs beyond the end of the message is. */
static enum tri beyond(const struct classify_input *in)
{
	return in->complete ? TRI_FALSE : TRI_MAYBE;
}

static bool ranges_have(const struct ranges *r, uint32_t value)
{
	for (size_t i = 0; i < r->count; i++)
		if (value >= r->list[i].min && value <= r->list[i].max)
			return true;
	return false;
}

static enum tri port_eval(const struct port_condition *p, const struct classify_input *in)
{
	if (p->source && ranges_have(&p->ports, in->sport))
		return TRI_TRUE;
	return p->destination && ranges_have(&p->ports, in->dport) ? TRI_TRUE : TRI_FALSE;
}

static enum tri length_eval(const struct ranges *r, const struct classify_input *in)
{
	if (ranges_have(r, (uint32_t)in->len))
		return TRI_TRUE;
	for (size_t i = 0; i < r->count; i++)
		if (in->len < r->list[i].min)
			return beyond(in);
	return TRI_FALSE;
}

static enum tri mask_eval(const struct mask_condition *m, const struct classify_input *in)
{
	size_t have = in->len > m->offset ? in->len - m->offset : 0;

	if (have > m->len)
		have = m->len;
	for (size_t i = 0; i < have; i++)
		if ((in->data[m->offset + i] & m->mask[i]) != m->bytes[i])
			return TRI_FALSE;
	return have == m->len ? TRI_TRUE : beyond(in);
}

static bool integer_get(const struct integer *x, const struct classify_input *in, uint64_t *out)
{
	uint64_t value = 0;

	if (in->len < (size_t)x->offset + x->bytes)
		return false;
	for (uint32_t i = 0; i < x->bytes; i++) {
		uint32_t at = x->little ? x->bytes - 1 - i : i;

		value = value << 8 | in->data[x->offset + at];
	}
	*out = value & x->mask;
	return true;
}

static enum tri field_eval(const struct field_condition *f, const struct classify_input *in)
{
	uint64_t value;

	if (!integer_get(&f->integer, in, &value))
		return beyond(in);
	return value >= f->value.min && value <= f->value.max ? TRI_TRUE : TRI_FALSE;
}

/* The length that the field gives the message, or -1 where that is none. */
static int64_t length_field_span(const struct length_field_condition *f, uint64_t value)
{
	/* Beyond 2^32 nothing is a length, and the product stays in 64 bits. */
	if (value < f->min || value > f->max || value > UINT32_MAX)
		return -1;
	return (int64_t)(value * f->unit) + f->add;
}

static enum tri length_field_eval(const struct length_field_condition *f,
				  const struct classify_input *in)
{
	uint64_t value;
	int64_t span;

	if (!integer_get(&f->integer, in, &value))
		return beyond(in);
	span = length_field_span(f, value);
	if (span < 0 || (span < (int64_t)in->len && !f->more))
		return TRI_FALSE;
	return span > (int64_t)in->len ? beyond(in) : TRI_TRUE;
}

/* Bytes of the message that a regex may look at: where a length field says how long it is, no
 * further, and nothing is to be waited for. */
static size_t feature_span(const struct feature *f, const struct classify_input *in, bool *whole)
{
	size_t len = in->len;

	*whole = in->complete;
	for (uint16_t i = 0; i < f->cheap; i++) {
		const struct length_field_condition *x = &f->conditions[i].length_field;
		uint64_t value;
		int64_t span;

		if (f->conditions[i].kind != CONDITION_LENGTH_FIELD ||
		    !integer_get(&x->integer, in, &value))
			continue;
		span = length_field_span(x, value);
		if (span < 0 || (uint64_t)span > in->len)
			continue;
		*whole = true;
		len = (size_t)span < len ? (size_t)span : len;
	}
	return len;
}

/* What the beginning says of an anchored pattern: whether it can still match, and that it does
 * where it is nothing but a beginning. */
static enum tri prefix_eval(const struct regex_condition *x, const uint8_t *data, size_t len,
			    bool whole)
{
	size_t have = len < x->prefix_len ? len : x->prefix_len;

	for (size_t i = 0; i < have; i++)
		if (!byte_set_has(&x->prefix[i], data[i]))
			return TRI_FALSE;
	if (have < x->prefix_len)
		return whole ? TRI_FALSE : TRI_MAYBE;
	return x->plain ? TRI_TRUE : TRI_MAYBE;
}

/* Whatever PCRE2 gives up on (limits, JIT stack) is no match: hostile input buys nothing. */
static enum tri regex_run(const struct regex_condition *x, struct classify_scratch *c,
			  const uint8_t *data, size_t len, bool whole)
{
	uint32_t options = whole ? 0 : PCRE2_PARTIAL_SOFT;
	int rc;

	c->regexes++;
	if (x->jit)
		rc = pcre2_jit_match(x->code, data, len, 0, options, c->match, c->s->match);
	else
		rc = pcre2_match(x->code, data, len, 0, options, c->match, c->s->match);
	if (rc >= 0)
		return TRI_TRUE;
	/* A pattern that is not anchored may still begin to match further on. */
	return !whole && (rc == PCRE2_ERROR_PARTIAL || !x->anchored) ? TRI_MAYBE : TRI_FALSE;
}

static enum tri regex_eval(const struct regex_condition *x, struct classify_scratch *c, size_t span,
			   bool whole)
{
	size_t len = span > x->offset ? span - x->offset : 0;
	enum tri value;

	if (len >= x->within) {
		len = x->within;
		whole = true;
	}
	/* PCRE2 never calls an empty subject a partial match. */
	if (span < x->offset || (len == 0 && !whole))
		return whole ? TRI_FALSE : TRI_MAYBE;
	if (whole && len < x->min)
		return TRI_FALSE;
	value = prefix_eval(x, c->in->data + x->offset, len, whole);
	if (value == TRI_FALSE || x->plain)
		return value;
	return regex_run(x, c, c->in->data + x->offset, len, whole);
}

/* The same of a regex whose texts are known not to be in the message. */
static enum tri regex_without_text(const struct regex_condition *x, struct classify_scratch *c,
				   size_t span, bool whole)
{
	if (whole || span >= (size_t)x->offset + x->within)
		return TRI_FALSE;
	return x->anchored ? regex_eval(x, c, span, whole) : TRI_MAYBE;
}

static enum tri condition_eval(const struct condition *x, const struct classify_input *in)
{
	switch (x->kind) {
	case CONDITION_PORT:
		return port_eval(&x->port, in);
	case CONDITION_LENGTH:
		return length_eval(&x->length, in);
	case CONDITION_MASK:
		return mask_eval(&x->mask, in);
	case CONDITION_FIELD:
		return field_eval(&x->field, in);
	case CONDITION_LENGTH_FIELD:
		return length_field_eval(&x->length_field, in);
	case CONDITION_COUNT:
		return count_eval(&x->count, in);
	case CONDITION_ENTROPY:
		return entropy_eval(&x->entropy, in);
	case CONDITION_REGEX:
		break;
	}
	return TRI_FALSE;
}

static enum tri feature_cheap(const struct feature *f, const struct classify_input *in)
{
	enum tri value = TRI_TRUE;

	for (uint16_t i = 0; i < f->cheap && value != TRI_FALSE; i++)
		value = tri_and(value, condition_eval(&f->conditions[i], in));
	return value;
}

static enum tri feature_regexes(uint16_t feature, struct classify_scratch *c, enum tri value)
{
	const struct feature *f = &c->s->features[feature];
	bool without = f->scanned && c->scanned && c->texts_seen[feature] != c->serial;
	bool whole;
	size_t span = feature_span(f, c->in, &whole);

	for (uint16_t i = f->cheap; i < f->count && value != TRI_FALSE; i++) {
		const struct regex_condition *x = &f->conditions[i].regex;

		if (without && x->literal_count > 0) {
			value = tri_and(value, regex_without_text(x, c, span, whole));
			without = false; /* the texts are of the first that has some */
			continue;
		}
		value = tri_and(value, regex_eval(x, c, span, whole));
	}
	return value;
}

static enum state feature_begin(const struct feature *f, struct classify_scratch *c)
{
	unsigned int transport = c->in->proto == IPPROTO_TCP ? TRANSPORT_TCP : TRANSPORT_UDP;
	unsigned int direction = c->in->from_origin ? DIRECTION_ORIGIN : DIRECTION_RESPONDER;
	enum tri value;

	if (!(f->transports & transport) || !(f->directions & direction) ||
	    !feature_begins(f, c->in->data[0]))
		return STATE_FALSE;
	c->evaluations++;
	value = feature_cheap(f, c->in);
	if (value == TRI_FALSE || f->cheap == f->count)
		return (enum state)value;
	return value == TRI_TRUE ? STATE_REGEX_TRUE : STATE_REGEX_MAYBE;
}

static enum tri feature_value(void *arg, uint16_t feature)
{
	struct classify_scratch *c = arg;
	const struct feature *f = &c->s->features[feature];
	enum state state = state_get(c, feature);

	if (state == STATE_NEW)
		state = feature_begin(f, c);
	if (state >= STATE_REGEX_TRUE && c->with_regex) {
		enum tri cheap = state == STATE_REGEX_TRUE ? TRI_TRUE : TRI_MAYBE;

		state = (enum state)feature_regexes(feature, c, cheap);
	}
	state_set(c, feature, state);
	return state >= STATE_REGEX_TRUE ? TRI_MAYBE : (enum tri)state;
}

enum tri rule_value(const struct rule *rule, enum tri (*feature)(void *arg, uint16_t feature),
		    void *arg)
{
	enum tri stack[RULE_STACK_MAX];
	size_t depth = 0;

	stack[0] = TRI_FALSE;
	for (uint16_t at = 0; at < rule->count; at++) {
		const struct op *op = &rule->ops[at];

		switch ((enum op_kind)op->kind) {
		case OP_FEATURE:
			stack[depth++] = feature(arg, op->arg);
			break;
		case OP_NOT:
			stack[depth - 1] = tri_not(stack[depth - 1]);
			break;
		case OP_AND:
			depth--;
			stack[depth - 1] = tri_and(stack[depth - 1], stack[depth]);
			break;
		case OP_OR:
			depth--;
			stack[depth - 1] = tri_or(stack[depth - 1], stack[depth]);
			break;
		case OP_JUMP_FALSE:
			at = stack[depth - 1] == TRI_FALSE ? op->arg - 1 : at;
			break;
		case OP_JUMP_TRUE:
			at = stack[depth - 1] == TRI_TRUE ? op->arg - 1 : at;
			break;
		}
	}
	return stack[0];
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

/* Whether four bytes of the message say that the rule is false. */
static bool candidate_differs(const struct candidate *x, const struct classify_input *in)
{
	uint32_t bytes;

	if (in->len < x->offset + sizeof(bytes))
		return false;
	memcpy(&bytes, in->data + x->offset, sizeof(bytes));
	return (bytes & x->mask) != x->value;
}

/* First pass over some rules: those that wait for a regex or for more bytes become candidates. */
static void rules_filter(struct classify_scratch *c, const struct rule_list *list,
			 struct best *best)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct candidate *x = &list->rules[i];
		const struct rule *rule = &c->s->rules[x->rule];
		enum tri value;

		if (best->rule && x->confidence < best->rule->confidence)
			return;
		if (candidate_differs(x, c->in) || c->rules_seen[x->rule] == c->serial)
			continue;
		c->rules_seen[x->rule] = c->serial;
		value = rule_value(rule, feature_value, c);
		if (value == TRI_TRUE)
			best_consider(best, rule, c);
		else if (value == TRI_MAYBE)
			c->candidates[c->candidate_count++] = x->rule;
	}
}

/* Second pass. Returns the highest confidence of a rule that could still become true. */
static uint8_t rules_finish(struct classify_scratch *c, struct best *best)
{
	uint8_t pending = 0;

	for (size_t i = 0; i < c->candidate_count; i++) {
		const struct rule *rule = &c->s->rules[c->candidates[i]];
		enum tri value;

		if (best->rule && rule->confidence < best->rule->confidence)
			continue;
		value = rule_value(rule, feature_value, c);
		if (value == TRI_TRUE)
			best_consider(best, rule, c);
		if (value == TRI_MAYBE && rule->confidence > pending)
			pending = rule->confidence;
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

static uint8_t best_confidence(const struct best *best)
{
	return best->rule ? best->rule->confidence : 0;
}

/*
 * Third pass: rules that need a text. Those whose texts are missing are not true; while the message
 * grows the surest of them may be open, which matters only where an answer would wait for it.
 */
static uint8_t rules_by_text(struct classify_scratch *c, bool udp, struct best *best,
			     uint8_t pending)
{
	const struct index *x = c->s->index;
	size_t len = c->in->len, within = x->literal[udp].within;
	uint8_t open;

	if (x->literal[udp].count == 0 || x->literal[udp].confidence < best_confidence(best))
		return pending;
	c->candidate_count = 0;
	scan_run(x->literal[udp].scan, c->in->data, len < within ? len : within, text_found, c);
	c->scanned = true;
	open = rules_finish(c, best);
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
	while (tree_walk_next(&walk, &list))
		rules_filter(c, &list, best);
}

static void rules_by_port(struct classify_scratch *c, struct best *best)
{
	struct port_index *const *ports = c->s->index->ports;
	struct rule_list list = port_index_find(ports[0], c->in->sport);

	rules_filter(c, &list, best);
	list = port_index_find(ports[1], c->in->dport);
	rules_filter(c, &list, best);
}

/* Returns whether a rule surer than the best could still become true. */
static bool rules_run(struct classify_scratch *c, struct best *best)
{
	bool udp = c->in->proto == IPPROTO_UDP;
	uint8_t pending;

	c->candidate_count = 0;
	c->with_regex = c->scanned = false;
	rules_by_bytes(c, udp, best);
	rules_by_port(c, best);
	c->with_regex = true;
	pending = rules_finish(c, best);
	pending = rules_by_text(c, udp, best, pending);
	return pending > best_confidence(best);
}

bool classify_message(const struct signatures *s, struct classify_scratch *c,
		      const struct classify_input *in, struct classify_result *out)
{
	struct best best = {NULL, 0};
	bool pending;

	*out = (struct classify_result){.pending = !in->complete && in->len == 0};
	if (in->len == 0 || in->len > UINT32_MAX ||
	    (in->proto != IPPROTO_TCP && in->proto != IPPROTO_UDP))
		return false;
	c->in = in;
	serial_next(c);
	pending = rules_run(c, &best);
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

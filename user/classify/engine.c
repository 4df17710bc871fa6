// SPDX-License-Identifier: GPL-2.0-only
/*
 * Matching. A message meets the rules of its transport, direction and first byte. In the first
 * pass only what is cheap is looked at (ports, lengths, bytes at offsets); the regexes of the rules
 * that survive and could still win come in the second. Results of features are kept for the
 * message, whatever rule asked first.
 */
#include <netinet/in.h>
#include <string.h>

#include "classify/set.h"

/* What is known of a feature for this message. The last two: all but the regexes is known. */
enum state { STATE_FALSE, STATE_TRUE, STATE_MAYBE, STATE_NEW, STATE_REGEX_TRUE, STATE_REGEX_MAYBE };

struct classify_scratch {
	const struct signatures *s;
	const struct classify_input *in;
	bool with_regex;
	uint64_t evaluations, regexes;
	pcre2_match_data *match;
	uint16_t *candidates;
	uint8_t *states; /* enum state by feature */
};

void classify_scratch_free(struct classify_scratch *c)
{
	if (!c)
		return;
	pcre2_match_data_free(c->match);
	free(c->candidates);
	free(c->states);
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
	if (!c->match || !c->candidates || !c->states)
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

/* Whatever PCRE2 gives up on (limits, JIT stack) is no match: hostile input buys nothing. */
static enum tri regex_eval(const struct regex_condition *x, struct classify_scratch *c, size_t span,
			   bool whole)
{
	size_t len = span > x->offset ? span - x->offset : 0;
	int rc;

	if (len >= x->within) {
		len = x->within;
		whole = true;
	}
	/* PCRE2 never calls an empty subject a partial match. */
	if (span < x->offset || (len == 0 && !whole))
		return whole ? TRI_FALSE : TRI_MAYBE;
	c->regexes++;
	rc = pcre2_match(x->code, c->in->data + x->offset, len, 0, whole ? 0 : PCRE2_PARTIAL_SOFT,
			 c->match, c->s->match);
	if (rc >= 0)
		return TRI_TRUE;
	/* A pattern that is not anchored may still begin to match further on. */
	return !whole && (rc == PCRE2_ERROR_PARTIAL || !x->anchored) ? TRI_MAYBE : TRI_FALSE;
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

static enum tri feature_regexes(const struct feature *f, struct classify_scratch *c, enum tri value)
{
	bool whole;
	size_t span = feature_span(f, c->in, &whole);

	for (uint16_t i = f->cheap; i < f->count && value != TRI_FALSE; i++)
		value = tri_and(value, regex_eval(&f->conditions[i].regex, c, span, whole));
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
	enum state state = c->states[feature];

	if (state == STATE_NEW)
		state = feature_begin(f, c);
	if (state >= STATE_REGEX_TRUE && c->with_regex) {
		enum tri cheap = state == STATE_REGEX_TRUE ? TRI_TRUE : TRI_MAYBE;

		state = (enum state)feature_regexes(f, c, cheap);
	}
	c->states[feature] = (uint8_t)state;
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
			 c->states[rule->ops[i].arg] == STATE_TRUE;
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

/* First pass: returns how many rules wait for a regex or for more bytes. */
static size_t rules_filter(const struct signatures *s, struct classify_scratch *c,
			   struct best *best)
{
	unsigned int key =
		index_key(c->in->proto == IPPROTO_UDP, c->in->from_origin, c->in->data[0]);
	size_t count = 0;

	c->with_regex = false;
	for (uint32_t i = s->index[key]; i < s->index[key + 1]; i++) {
		uint16_t rule = s->index_rules[i];
		enum tri value = rule_value(&s->rules[rule], feature_value, c);

		if (value == TRI_TRUE)
			best_consider(best, &s->rules[rule], c);
		else if (value == TRI_MAYBE)
			c->candidates[count++] = rule;
	}
	return count;
}

/* Second pass. Returns whether a rule surer than the best could still become true. */
static bool rules_finish(const struct signatures *s, struct classify_scratch *c, size_t count,
			 struct best *best)
{
	uint8_t pending = 0;

	c->with_regex = true;
	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = &s->rules[c->candidates[i]];
		enum tri value;

		if (best->rule && rule->confidence < best->rule->confidence)
			continue;
		value = rule_value(rule, feature_value, c);
		if (value == TRI_TRUE)
			best_consider(best, rule, c);
		if (value == TRI_MAYBE && rule->confidence > pending)
			pending = rule->confidence;
	}
	return pending > (best->rule ? best->rule->confidence : 0);
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
	memset(c->states, STATE_NEW, s->feature_count);
	pending = rules_finish(s, c, rules_filter(s, c, &best), &best);
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

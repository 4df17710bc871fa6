// SPDX-License-Identifier: GPL-2.0-only
/* Values of features and rules for the current message. */
#include <netinet/in.h>
#include <string.h>

#include "classify/scratch.h"

/* Running a few regexes is cheaper than searching the message for the literals of all. */
#define CONFIRM_AFTER 4

/* Result of an anchored pattern as far as its prefix tells: whether it can still match, and whether
 * it does if it is nothing but a prefix. */
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

/* A match that PCRE2 aborts (limits, JIT stack) counts as no match, so hostile input gains
 * nothing. */
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
	c->given_up += rc != PCRE2_ERROR_NOMATCH && rc != PCRE2_ERROR_PARTIAL;
	/* A pattern that is not anchored may still match further on. */
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
	/* PCRE2 never reports a partial match for an empty subject. */
	if (span < x->offset || (len == 0 && !whole))
		return whole ? TRI_FALSE : TRI_MAYBE;
	if (whole && len < x->min)
		return TRI_FALSE;
	value = prefix_eval(x, c->in->data + x->offset, len, whole);
	if (value == TRI_FALSE || x->plain)
		return value;
	return regex_run(x, c, c->in->data + x->offset, len, whole);
}

/* The result of a regex whose literals are known not to occur in the message. */
static enum tri regex_without_text(const struct regex_condition *x, struct classify_scratch *c,
				   size_t span, bool whole)
{
	if (whole || span >= (size_t)x->offset + x->within)
		return TRI_FALSE;
	return x->anchored ? regex_eval(x, c, span, whole) : TRI_MAYBE;
}

static void text_confirmed(void *arg, uint16_t feature)
{
	struct classify_scratch *c = arg;

	c->texts_seen[feature] = c->serial;
}

/* Searches for the literals of all regexes that might be run, after a few of them were run. */
static void texts_confirm(struct classify_scratch *c)
{
	bool udp = c->in->proto == IPPROTO_UDP;
	size_t len = c->in->len, within = c->s->index->confirm[udp].within;

	if (c->confirmed || c->confirmable++ < CONFIRM_AFTER)
		return;
	scan_run(c->s->index->confirm[udp].scan, c->in->data, len < within ? len : within,
		 text_confirmed, c);
	c->confirmed = true;
}

/* Whether the message is known not to contain a literal that a regex of the feature requires. */
static bool texts_missing(struct classify_scratch *c, uint16_t feature)
{
	enum feature_texts texts = (enum feature_texts)c->s->features[feature].texts;

	if (texts == TEXTS_NONE || c->texts_seen[feature] == c->serial)
		return false;
	if (texts == TEXTS_CONFIRM)
		texts_confirm(c);
	return (texts == TEXTS_CONFIRM ? c->confirmed : c->scanned) &&
	       c->texts_seen[feature] != c->serial;
}

static enum tri feature_cheap(const struct feature *f, const struct classify_input *in)
{
	enum tri value = TRI_TRUE;

	for (uint16_t i = 0; i < f->cheap && value != TRI_FALSE; i++)
		value = tri_and(value, condition_eval(&f->conditions[i], in));
	return value;
}

/* without: the required literals are missing. */
static enum tri feature_regexes(uint16_t feature, struct classify_scratch *c, enum tri value,
				bool without)
{
	const struct feature *f = &c->s->features[feature];
	bool whole;
	size_t span = feature_span(f, c->in, &whole);

	for (uint16_t i = f->cheap; i < f->count && value != TRI_FALSE; i++) {
		const struct regex_condition *x = &f->conditions[i].regex;

		if (without && x->literal_count > 0) {
			value = tri_and(value, regex_without_text(x, c, span, whole));
			without = false; /* the literals belong to the first regex that has some */
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

/* Applies the relations of the feature to features that have no value yet. */
static void relations_apply(struct classify_scratch *c, uint16_t feature, bool value)
{
	const struct relations *r = &c->s->index->relations;
	const uint32_t *start = &r->starts[2u * feature + value];

	for (uint32_t i = start[0]; i < start[1]; i++) {
		const struct relation *x = &r->list[i];

		if ((!x->whole || c->in->complete) && state_get(c, x->feature) >= STATE_NEW)
			state_set(c, x->feature, x->value ? STATE_TRUE : STATE_FALSE);
	}
}

enum tri feature_value(void *arg, uint16_t feature)
{
	struct classify_scratch *c = arg;
	const struct feature *f = &c->s->features[feature];
	enum state state = state_get(c, feature);

	if (state < STATE_NEW)
		return (enum tri)state;
	if (state == STATE_NEW)
		state = feature_begin(f, c);
	if (state >= STATE_REGEX_TRUE && c->with_regex) {
		enum tri cheap = state == STATE_REGEX_TRUE ? TRI_TRUE : TRI_MAYBE;
		bool without = texts_missing(c, feature);

		if (without && !c->in->complete && !c->with_open)
			c->deferred = true;
		else
			state = (enum state)feature_regexes(feature, c, cheap, without);
	}
	state_set(c, feature, state);
	if (state == STATE_TRUE || state == STATE_FALSE)
		relations_apply(c, feature, state == STATE_TRUE);
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

/* SPDX-License-Identifier: GPL-2.0-only */
/* What matching keeps while it looks at one message: shared by engine.c and value.c alone. */
#ifndef WEIR_CLASSIFY_SCRATCH_H
#define WEIR_CLASSIFY_SCRATCH_H

#include "classify/index.h"

/* What is known of a feature for this message. The last two: all but the regexes is known. */
enum state { STATE_FALSE, STATE_TRUE, STATE_MAYBE, STATE_NEW, STATE_REGEX_TRUE, STATE_REGEX_MAYBE };

#define STATE_BITS	   3
#define CLASSIFY_LATER_MAX 32

/* Marks carry the message's number, so that nothing has to be cleared between messages. */
struct classify_scratch {
	const struct signatures *s;
	const struct classify_input *in;
	bool with_regex;
	bool with_open; /* and those that cannot match yet, to know whether more bytes could */
	bool deferred;	/* one of these was left out */
	bool scanned;	/* texts_seen is known of TEXTS_FIND features */
	bool confirmed; /* and of TEXTS_CONFIRM ones */
	unsigned int confirmable; /* regexes of the latter that were run before it was */
	uint32_t serial;
	uint64_t evaluations, regexes, given_up;
	pcre2_match_data *match;
	uint16_t *candidates;
	size_t candidate_count;
	struct rule_list later[CLASSIFY_LATER_MAX]; /* that can only be open */
	size_t later_count;
	struct classify_memo memo; /* rules that stay open; count beyond its room: too many */
	uint32_t *states;	   /* by feature: serial, enum state */
	uint32_t *texts_seen;	   /* by feature: serial */
	uint32_t *rules_seen;	   /* by rule: serial */
};

static inline enum state state_get(const struct classify_scratch *c, uint16_t feature)
{
	uint32_t x = c->states[feature];

	return x >> STATE_BITS == c->serial ? (enum state)(x & ((1u << STATE_BITS) - 1))
					    : STATE_NEW;
}

static inline void state_set(struct classify_scratch *c, uint16_t feature, enum state state)
{
	c->states[feature] = c->serial << STATE_BITS | (uint32_t)state;
}

/* value.c: what a feature is for the message at hand (arg is the scratch): rule_value's callback.
 * MAYBE too where a regex is not to be run yet. */
enum tri feature_value(void *arg, uint16_t feature);

/* evaluate.c */
enum tri condition_eval(const struct condition *x, const struct classify_input *in);
/* Bytes of the message that a regex of the feature may look at: where a length field says how long
 * it is, no further, and nothing is to be waited for. */
size_t feature_span(const struct feature *f, const struct classify_input *in, bool *whole);

#endif

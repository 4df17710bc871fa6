/* SPDX-License-Identifier: GPL-2.0-only */
/* Working memory of matching for one message. Private to engine.c and value.c. */
#ifndef WEIR_CLASSIFY_SCRATCH_H
#define WEIR_CLASSIFY_SCRATCH_H

#include "classify/index.h"

/* Result of a feature for the current message. REGEX_TRUE, REGEX_MAYBE: the result of all its
 * conditions except the regexes, which have not run yet. */
enum state { STATE_FALSE, STATE_TRUE, STATE_MAYBE, STATE_NEW, STATE_REGEX_TRUE, STATE_REGEX_MAYBE };

#define STATE_BITS	   3
#define CLASSIFY_LATER_MAX 32

/* Entries carry the serial number of the message, so that nothing has to be cleared between
 * messages. */
struct classify_scratch {
	const struct signatures *s;
	const struct classify_input *in;
	bool with_regex;
	bool with_open; /* also run regexes that cannot match yet, to learn whether more bytes could
			   make them match */
	bool deferred;	/* such a regex was skipped */
	bool scanned;	/* texts_seen is valid for TEXTS_FIND features */
	bool confirmed; /* texts_seen is valid for TEXTS_CONFIRM features too */
	unsigned int confirmable; /* regexes of TEXTS_CONFIRM features that ran before that */
	uint32_t serial;
	uint64_t evaluations, regexes, given_up;
	pcre2_match_data *match;
	uint16_t *candidates;
	size_t candidate_count;
	struct rule_list later[CLASSIFY_LATER_MAX]; /* lists of rules that can only be open: they
						       need bytes beyond the end */
	size_t later_count;
	struct classify_memo
		memo; /* rules that stay open; a count above the array's size: too many to keep */
	uint32_t *states;     /* by feature: serial, enum state */
	uint32_t *texts_seen; /* by feature: serial */
	uint32_t *rules_seen; /* by rule: serial */
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

/* value.c: the value of a feature for the current message; arg is the scratch (rule_value() calls
 * it). TRI_MAYBE also where a regex is not to be run yet. */
enum tri feature_value(void *arg, uint16_t feature);

/* evaluate.c */
enum tri condition_eval(const struct condition *x, const struct classify_input *in);
/* Number of bytes of the message that the feature's regexes may examine. If a length field ends the
 * message earlier, only up to there, and *whole is true: no more bytes are to be waited for. */
size_t feature_span(const struct feature *f, const struct classify_input *in, bool *whole);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Applications and the signature set. */
#ifndef WEIR_CLASSIFY_H
#define WEIR_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/util.h"
#include "weir/identification.h"
#include "weir/limits.h"

/*
 * The application registry: applications by number. A number is assigned once and never reused,
 * because numbers are stored in BPF maps; they stay valid over a reload and, through
 * weir_app_names, over a restart of the daemon. Number 0 is "unknown".
 */
struct app_info {
	char name[WEIR_APP_NAME_LEN];
	char category[WEIR_APP_NAME_LEN]; /* "" = none */
	const char *module;		  /* name of the application module, or NULL */
	bool enabled;			  /* the loaded signature set has the application */
	unsigned int signatures;	  /* number of features that its rules use */
};
struct app_registry;
/* Application of flows that look random from the first byte in both directions and show nothing
 * else. */
#define APP_ENCRYPTED "encrypted"
/* A registry with "unknown", APP_ENCRYPTED and the protocols that the IP protocol number identifies
 * (icmp, icmpv6, igmp, gre, esp, sctp ...). Heap; NULL on ENOMEM. */
struct app_registry *app_registry_new(void);
void app_registry_free(struct app_registry *r);
/* Number of name, which is added if new (category may be NULL). -ENOSPC when full, -EINVAL for a
 * name that is too long or has invalid characters. */
int app_registry_add(struct app_registry *r, const char *name, const char *category);
/* Number of name, or -ENOENT. */
int app_registry_find(const struct app_registry *r, const char *name);
/* Entry of a number; NULL for a number that is not assigned. */
const struct app_info *app_registry_get(const struct app_registry *r, unsigned int app);
unsigned int app_registry_count(const struct app_registry *r);
/* Application that the IP protocol number identifies, independent of the signature set; 0 if
 * none. */
unsigned int app_registry_by_protocol(const struct app_registry *r, uint8_t proto);

/* A compiled signature set: read-only after loading, so workers share it. */
struct signatures;
/*
 * Loads and compiles YAML files (docs/signatures.md). 0 or a negative errno; on failure r is
 * unchanged and e is "FILE:LINE:COLUMN: message".
 */
int signatures_load(const char *const *paths, size_t count, struct app_registry *r,
		    struct signatures **out, struct error *e);
/* Application that the IP protocol number identifies, according to the set (may be NULL) or else
 * the registry; 0 if none. */
unsigned int signatures_by_protocol(const struct signatures *s, const struct app_registry *r,
				    uint8_t proto);
/* Loads the set built into the program (policies/signatures.yaml at build time). */
int signatures_load_builtin(struct app_registry *r, struct signatures **out, struct error *e);
/* Loads a set from memory; name is used as the file name in messages. */
int signatures_parse(const char *name, const char *text, size_t len, struct app_registry *r,
		     struct signatures **out, struct error *e);
void signatures_free(struct signatures *s);

/* Findings about a set that loads: mistakes, and relations between its features. */
enum review_kind {
	REVIEW_FEATURE_NEVER, /* no message can have the feature */
	REVIEW_RULE_NEVER,    /* no message can match the rule; subject: the rule's application */
	REVIEW_RULE_SHADOWED, /* a rule with higher confidence matches whenever this one does;
				 other: the application of that rule */
	REVIEW_APPLICATION,   /* all rules of the application are REVIEW_RULE_NEVER or
				 REVIEW_RULE_SHADOWED */
	REVIEW_UNUSED,	      /* no rule uses the feature */
	REVIEW_IMPLIES,	      /* every message with feature subject also has feature other */
	REVIEW_EXCLUDES, /* no message can have both features; reported once for each pair, and only
			    for pairs that transport, direction and first byte do not already
			    separate */
};
struct review_note {
	enum review_kind kind;
	const char *subject, *other;
	const char *file; /* NULL where the note has no single place */
	unsigned int line, column;
};
/* Calls fn for each note, relations last. The strings are valid as long as s. 0 or -ENOMEM. */
int signatures_review(const struct signatures *s,
		      void (*fn)(void *arg, const struct review_note *note), void *arg);
/* "feature-never", "rule-never", "rule-shadowed", "application-never", "feature-unused", "implies",
 * "excludes". */
const char *review_kind_name(enum review_kind kind);

/* A pattern file of l7-filter, translated for weir. */
struct l7pat {
	char name[WEIR_APP_NAME_LEN];
	char category[WEIR_APP_NAME_LEN]; /* "" = none */
	uint8_t confidence;
	char *pattern; /* case-insensitive `regex`; printable ASCII without quotes */
};
/* Translates the text of a pattern file. 0; -EINVAL with the reason in e where it cannot be
 * translated; -ENOMEM. After success the caller frees out with l7pat_fini(). */
int l7pat_read(const char *text, size_t len, struct l7pat *out, struct error *e);
void l7pat_fini(struct l7pat *p);

/* Input of a classification: one message of one direction. For UDP the datagram, for TCP the
 * reassembled first message. */
struct classify_input {
	const uint8_t *data;
	size_t len;
	uint8_t proto;	  /* IPPROTO_TCP or IPPROTO_UDP */
	bool from_origin; /* sent by the side that opened the flow */
	bool complete;	  /* no more bytes will follow (datagram, end of stream or of its buffer) */
	uint16_t sport;	  /* source port of this direction, host order */
	uint16_t dport;
};
struct classify_result {
	uint16_t app;
	uint8_t method;	    /* enum weir_method */
	uint8_t confidence; /* 0..100 */
	bool pending;	    /* nothing matched yet (or only a rule that waits for one with higher
			       confidence), but more bytes of this message could match */
};
/* Working memory of one thread: PCRE2 match data and the results of features for the current
 * message. */
struct classify_scratch;
struct classify_scratch *classify_scratch_new(const struct signatures *s);
void classify_scratch_free(struct classify_scratch *c);
/*
 * State between calls for one direction of a growing stream: the rules that could still become
 * true. Zero it first. It is ignored by any other set than the one that filled it.
 */
#define CLASSIFY_MEMO_RULES 12
struct classify_memo {
	uint64_t set; /* serial of the set; 0: empty */
	uint32_t len; /* length of the message at the last call */
	uint16_t count;
	uint16_t rules[CLASSIFY_MEMO_RULES];
};
/* Like classify_message(), for a message that begins with the bytes of the last call with this
 * memo. Rules whose result cannot change are not evaluated again. memo NULL: no state is kept. */
bool classify_stream(const struct signatures *s, struct classify_scratch *c,
		     const struct classify_input *in, struct classify_memo *memo,
		     struct classify_result *out);
/* Classifies one message. Returns whether an application was found; *out is always filled. Each
 * feature is evaluated at most once; the PCRE2 match limits bound the cost of hostile input. */
bool classify_message(const struct signatures *s, struct classify_scratch *c,
		      const struct classify_input *in, struct classify_result *out);

#endif

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
 * Applications by number. Numbers are handed out once and never reused: they sit in BPF maps, and
 * outlive a reload and, through weir_app_names, the daemon. Number 0 is "unknown".
 */
struct app_info {
	char name[WEIR_APP_NAME_LEN];
	char category[WEIR_APP_NAME_LEN]; /* "" = none */
	const char *module;		  /* application module's name or NULL */
	bool enabled;			  /* by the loaded signature set */
	unsigned int signatures;	  /* features that can decide it */
};
struct app_registry;
/* What is random from its first byte in both directions, and told by that alone. */
#define APP_ENCRYPTED "encrypted"
/* With "unknown", APP_ENCRYPTED and the protocols known by IP protocol number alone (icmp, icmpv6,
 * igmp, gre, esp, sctp ...) registered. */
struct app_registry *app_registry_new(void);
void app_registry_free(struct app_registry *r);
/* Number of name, added when new (category may be NULL). -ENOSPC when full, -EINVAL for a name too
 * long or with odd characters. */
int app_registry_add(struct app_registry *r, const char *name, const char *category);
/* Number of name or -ENOENT. */
int app_registry_find(const struct app_registry *r, const char *name);
/* NULL beyond the end. */
const struct app_info *app_registry_get(const struct app_registry *r, unsigned int app);
unsigned int app_registry_count(const struct app_registry *r);
/* Application known by IP protocol number alone, whatever the set, or 0. */
unsigned int app_registry_by_protocol(const struct app_registry *r, uint8_t proto);

/* A compiled signature set: read-only after loading, shared by workers. */
struct signatures;
/*
 * Loads and compiles YAML files (interface.md, "Signatures"). On failure nothing of r changes and
 * the error says FILE:LINE:COLUMN: message.
 */
int signatures_load(const char *const *paths, size_t count, struct app_registry *r,
		    struct signatures **out, struct error *e);
/* Application known by IP protocol number alone, by the set (which may be NULL) or else by the
 * registry, or 0. */
unsigned int signatures_by_protocol(const struct signatures *s, const struct app_registry *r,
				    uint8_t proto);
/* The set built into the program (policies/signatures.yaml at build time). */
int signatures_load_builtin(struct app_registry *r, struct signatures **out, struct error *e);
/* From memory; name stands for the file in messages. */
int signatures_parse(const char *name, const char *text, size_t len, struct app_registry *r,
		     struct signatures **out, struct error *e);
void signatures_free(struct signatures *s);

/* What a set that loads may still have wrong, and what its features say of one another. */
enum review_kind {
	REVIEW_FEATURE_NEVER, /* no message has it */
	REVIEW_RULE_NEVER,    /* subject: its application */
	REVIEW_RULE_SHADOWED, /* other: the application of a surer rule that is true wherever it is
			       */
	REVIEW_APPLICATION,   /* all its rules are one of these */
	REVIEW_UNUSED,	      /* a feature of no rule */
	REVIEW_IMPLIES,	      /* where subject is true, other is */
	REVIEW_EXCLUDES, /* both cannot be true of one message; told once for each pair, and only
			  * of those that transport, direction and first byte do not tell apart */
};
struct review_note {
	enum review_kind kind;
	const char *subject, *other;
	const char *file; /* NULL for what has no one place */
	unsigned int line, column;
};
/* Calls fn for each note, relations last; its texts live as long as s. 0 or -ENOMEM. */
int signatures_review(const struct signatures *s,
		      void (*fn)(void *arg, const struct review_note *note), void *arg);
/* "feature-never", "rule-never", "rule-shadowed", "application-never", "feature-unused", "implies",
 * "excludes". */
const char *review_kind_name(enum review_kind kind);

/* A pattern file of l7-filter, in weir's terms. */
struct l7pat {
	char name[WEIR_APP_NAME_LEN];
	char category[WEIR_APP_NAME_LEN]; /* "" = none */
	uint8_t confidence;
	char *pattern; /* for a caseless `regex`; of printable ASCII without quotes */
};
/* Reads a file's text. -EINVAL with the reason in e where it cannot be translated. On success
 * l7pat_fini gives the memory back. */
int l7pat_read(const char *text, size_t len, struct l7pat *out, struct error *e);
void l7pat_fini(struct l7pat *p);

/* What a classification looks at: one message of one direction. For UDP the datagram, for TCP the
 * assembled first message. */
struct classify_input {
	const uint8_t *data;
	size_t len;
	uint8_t proto;	  /* IPPROTO_TCP or IPPROTO_UDP */
	bool from_origin; /* sent by the side that opened the flow */
	bool complete;	  /* the message will not grow (datagram, stream full) */
	uint16_t sport;	  /* host order, of this direction */
	uint16_t dport;
};
struct classify_result {
	uint16_t app;
	uint8_t method;	    /* enum weir_method */
	uint8_t confidence; /* 0..100 */
	bool pending;	    /* nothing matched (or only what waits for a surer rule), but more bytes
			       of this message could */
};
/* Per-worker scratch: PCRE2 match data and the per-buffer feature results. */
struct classify_scratch;
struct classify_scratch *classify_scratch_new(const struct signatures *s);
void classify_scratch_free(struct classify_scratch *c);
/*
 * What is left to look at of one direction of a stream that grows: the rules that could still
 * become true. Zero to begin with; of no use to another set.
 */
#define CLASSIFY_MEMO_RULES 12
struct classify_memo {
	uint64_t set; /* 0: nothing is known */
	uint32_t len; /* bytes looked at */
	uint16_t count;
	uint16_t rules[CLASSIFY_MEMO_RULES];
};
/* The same as classify_message, where the message is what it was at the last call with this memo,
 * and perhaps more behind it: what cannot change is not looked at again. memo NULL: none. */
bool classify_stream(const struct signatures *s, struct classify_scratch *c,
		     const struct classify_input *in, struct classify_memo *memo,
		     struct classify_result *out);
/* Evaluates each feature at most once. Returns whether an application was found; hostile input
 * costs at most the match limits. */
bool classify_message(const struct signatures *s, struct classify_scratch *c,
		      const struct classify_input *in, struct classify_result *out);

#endif

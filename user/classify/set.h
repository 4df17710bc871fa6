/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Internals of user/classify: a compiled signature set. A feature is a conjunction of conditions; a
 * rule is a boolean expression over features and names an application.
 */
#ifndef WEIR_CLASSIFY_SET_H
#define WEIR_CLASSIFY_SET_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "classify/classify.h"
#include "classify/pattern.h"
#include "yaml/yaml.h"

#define SET_FEATURES_MAX   4096
#define SET_RULES_MAX	   8192
#define SET_CONDITIONS_MAX 64	 /* conditions of one feature */
#define SET_RANGES_MAX	   64	 /* of one length or port list */
#define SET_OFFSET_MAX	   65535 /* longest possible datagram */
#define MASK_BYTES_MAX	   256
#define REGEX_WITHIN_MAX   16384
#define REGEX_WITHIN	   4096 /* default number of bytes that a regex examines */
#define ENTROPY_WITHIN_MAX 4096 /* n log n stays in 32 bits */
#define RULE_OPS_MAX	   1024
#define RULE_DEPTH_MAX	   32			    /* nested parentheses and nots */
#define RULE_STACK_MAX	   (2 * RULE_DEPTH_MAX + 4) /* `or` and `and` pending at each depth */

/* Three-valued result. MAYBE: more bytes of the message could still make it true. */
enum tri { TRI_FALSE, TRI_TRUE, TRI_MAYBE };

static inline enum tri tri_and(enum tri a, enum tri b)
{
	if (a == TRI_FALSE || b == TRI_FALSE)
		return TRI_FALSE;
	return a == TRI_TRUE && b == TRI_TRUE ? TRI_TRUE : TRI_MAYBE;
}
static inline enum tri tri_or(enum tri a, enum tri b)
{
	if (a == TRI_TRUE || b == TRI_TRUE)
		return TRI_TRUE;
	return a == TRI_FALSE && b == TRI_FALSE ? TRI_FALSE : TRI_MAYBE;
}
static inline enum tri tri_not(enum tri a)
{
	return a == TRI_MAYBE ? a : a == TRI_TRUE ? TRI_FALSE : TRI_TRUE;
}

/* In order of evaluation, which is by cost. */
enum condition_kind {
	CONDITION_PORT,
	CONDITION_LENGTH,
	CONDITION_MASK,
	CONDITION_FIELD,
	CONDITION_LENGTH_FIELD,
	CONDITION_COUNT,
	CONDITION_ENTROPY,
	CONDITION_REGEX,
};

struct range {
	uint32_t min, max; /* both included */
};

struct ranges {
	struct range *list;
	size_t count;
};

struct port_condition {
	struct ranges ports;
	bool source, destination; /* which of the two ports may match */
};

struct mask_condition {
	uint32_t offset, len;
	uint8_t *bytes; /* bits outside the mask are zero */
	uint8_t *mask;
};

/* An unsigned integer in the message. */
struct integer {
	uint32_t offset, bytes; /* 1 to 8 */
	bool little;
	uint64_t mask;
};

struct field_condition {
	struct integer integer;
	struct range64 {
		uint64_t min, max;
	} value;
};

/* integer * unit + add is the length of the message; more: further messages may follow it. The
 * feature's regexes examine nothing beyond that length. */
struct length_field_condition {
	struct integer integer;
	uint64_t min, max; /* bounds of the integer */
	uint32_t unit;
	int32_t add;
	bool more;
};

struct window {
	uint32_t offset, within;
};

/* The number of bytes of the window that are in the set. */
struct count_condition {
	struct window window;
	uint32_t set[8];
	bool percent;	   /* min and max are percentages of the bytes present */
	uint32_t min, max; /* UINT32_MAX: none */
};

/* Entropy of the window's bytes, in thousandths of a bit per byte. */
struct entropy_condition {
	struct window window;
	uint32_t min, max; /* UINT32_MAX: none */
	uint32_t *terms;   /* c log2(c) in units of 2^-16, for c from 0 to within */
};

/* A regex, and what pattern.h derives from its text (empty where it could not be parsed). */
struct regex_condition {
	uint32_t offset, within;
	bool anchored, jit;
	bool plain; /* prefix describes the pattern completely */
	pcre2_code *code;
	char *text;
	uint32_t options;
	uint32_t min, max; /* length of a match, bytes */
	uint32_t prefix_len;
	struct byte_set *prefix; /* possible bytes at each position, of an anchored pattern */
	size_t literal_count;
	struct literal *literals;
};

struct condition {
	enum condition_kind kind;
	union {
		struct port_condition port;
		struct ranges length;
		struct mask_condition mask;
		struct field_condition field;
		struct length_field_condition length_field;
		struct count_condition count;
		struct entropy_condition entropy;
		struct regex_condition regex;
	};
};

#define TRANSPORT_TCP	    1u
#define TRANSPORT_UDP	    2u
#define DIRECTION_ORIGIN    1u
#define DIRECTION_RESPONDER 2u

/* What a regex's required literals are used for: to find the rules of the feature (FIND), or to
 * avoid running the regex (CONFIRM). */
enum feature_texts { TEXTS_NONE, TEXTS_FIND, TEXTS_CONFIRM };

/* A place in a file, for messages about a set that is already loaded. */
struct place {
	uint16_t file; /* index into signatures.files */
	unsigned int line, column;
};

struct feature {
	char *name;
	struct place place;
	const struct yaml_file *file; /* while loading */
	const struct yaml_node *node; /* while loading: the node of its name */
	uint8_t transports, directions;
	uint16_t count, cheap; /* number of conditions; the first `cheap` are not regexes */
	uint8_t texts;	       /* enum feature_texts; applies to the first regex with literals */
	struct condition *conditions;
	uint32_t first[8]; /* possible first bytes of a message, as a bitmap */
};

static inline bool feature_begins(const struct feature *f, uint8_t byte)
{
	return f->first[byte >> 5] & 1u << (byte & 31);
}

enum op_kind { OP_FEATURE, OP_NOT, OP_AND, OP_OR, OP_JUMP_FALSE, OP_JUMP_TRUE };

/* Operation of a rule's postfix expression. A jump skips the second operand and its operator if the
 * first operand decides the result. */
struct op {
	uint16_t kind;
	uint16_t arg; /* feature number, or the operation to jump to */
};

struct rule {
	uint16_t application; /* index into applications */
	uint8_t method, confidence;
	bool wait;	/* is no answer while a rule with higher confidence is open */
	uint16_t order; /* position in the files */
	bool negates;	/* has a `not`, so false may become true as the message grows */
	struct place place;
	uint16_t count;
	struct op *ops;
};

struct application {
	char name[WEIR_APP_NAME_LEN];
	char category[WEIR_APP_NAME_LEN];
	char *module;		      /* or NULL */
	const struct yaml_file *file; /* while loading */
	const struct yaml_node *node; /* while loading */
	struct place place;
	unsigned int features; /* number of distinct features that its rules use */
	uint16_t app;	       /* number in the registry */
};

struct signatures {
	uint64_t serial;		       /* unique among the sets of this process */
	char **files;			       /* file names */
	size_t file_count, file_room, file_at; /* file_at: the one being read */
	struct feature *features;
	size_t feature_count, feature_room;
	struct application *applications;
	size_t application_count, application_room;
	struct rule *rules;
	size_t rule_count, rule_room;
	uint16_t by_protocol[256]; /* index into applications + 1; 0: use the registry's */
	struct index *index;
	pcre2_compile_context *compile;
	pcre2_match_context *match;
};

/* protocol.c: reads the `protocol` key of the application added last. */
int protocols_read(struct signatures *s, const struct yaml_file *f, const struct yaml_node *n,
		   struct error *e);

/* registry.c */
bool app_name_valid(const char *name);
/* A copy that lives as long as r, or NULL on ENOMEM. */
const char *app_registry_intern(struct app_registry *r, const char *text);
/* Marks all applications as without signatures. */
void app_registry_disable_all(struct app_registry *r);
/* Marks an application as part of the loaded set. module: interned or NULL; category "": keep the
 * present one. */
void app_registry_enable(struct app_registry *r, unsigned int app, const char *category,
			 const char *module, unsigned int signatures);

/* feature.c: reads one entry of `features` into *out. On failure *out has been freed. */
int feature_read(const struct signatures *s, const struct yaml_file *f, const struct yaml_node *n,
		 struct feature *out, struct error *e);
void feature_fini(struct feature *feature);
/* Grows *list to hold count + 1 entries of size bytes. 0 or -ENOMEM. */
int list_reserve(void *list, size_t *room, size_t count, size_t size);

/* condition.c: reads the value of a condition key. */
int condition_read_mask(const struct yaml_file *f, const struct yaml_node *n, struct condition *out,
			struct error *e);
int condition_read_field(const struct yaml_file *f, const struct yaml_node *n,
			 struct condition *out, struct error *e);
int condition_read_length_field(const struct yaml_file *f, const struct yaml_node *n,
				struct condition *out, struct error *e);
int condition_read_length(const struct yaml_file *f, const struct yaml_node *n,
			  struct condition *out, struct error *e);
int condition_read_port(const struct yaml_file *f, const struct yaml_node *n, bool source,
			bool destination, struct condition *out, struct error *e);
void condition_fini(struct condition *c);
/* Reads an optional integer; *value is unchanged if the mapping does not have the key. */
int condition_optional_uint(const struct yaml_file *f, const struct yaml_node *mapping,
			    const char *key, unsigned long min, unsigned long max,
			    unsigned long *value, struct error *e);

/* statistic.c */
int condition_read_count(const struct yaml_file *f, const struct yaml_node *n,
			 struct condition *out, struct error *e);
int condition_read_entropy(const struct yaml_file *f, const struct yaml_node *n,
			   struct condition *out, struct error *e);
enum tri count_eval(const struct count_condition *x, const struct classify_input *in);
enum tri entropy_eval(const struct entropy_condition *x, const struct classify_input *in);

/* regex.c */
int regex_read(const struct signatures *s, const struct yaml_file *f, const struct yaml_node *n,
	       struct condition *out, struct error *e);
/* Clears in first the bits of the bytes that no match can begin with. */
void regex_first_bytes(const struct signatures *s, const struct regex_condition *x,
		       uint32_t first[8]);

/* signatures.c: the place of a node of the file being read. */
struct place place_of(const struct signatures *s, const struct yaml_node *n);

/* rule.c: compiles a `when` expression into one rule for each alternative, with the other fields
 * copied from *like, and appends them to the set. 0 or a negative errno with e filled. */
int rules_compile(struct signatures *s, const struct yaml_file *f, const struct yaml_node *n,
		  const struct rule *like, struct error *e);

/* engine.c */
/* The value of a rule, given the values of its features. */
enum tri rule_value(const struct rule *rule, enum tri (*feature)(void *arg, uint16_t feature),
		    void *arg);

/* Number of features and of regexes evaluated since the scratch was made; for tests. */
uint64_t classify_scratch_evaluations(const struct classify_scratch *c);
uint64_t classify_scratch_regexes(const struct classify_scratch *c);
/* Number of regexes that exceeded a match limit. */
uint64_t classify_scratch_given_up(const struct classify_scratch *c);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of user/classify: a compiled signature set. Features are conjunctions of conditions;
 * rules are logic over features and name an application.
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
#define SET_CONDITIONS_MAX 64	 /* of one feature */
#define SET_RANGES_MAX	   64	 /* of one length or port list */
#define SET_OFFSET_MAX	   65535 /* the longest datagram */
#define MASK_BYTES_MAX	   256
#define REGEX_WITHIN_MAX   16384
#define REGEX_WITHIN	   4096 /* default: bytes a regex looks at */
#define ENTROPY_WITHIN_MAX 4096 /* n log n stays in 32 bits */
#define RULE_OPS_MAX	   1024
#define RULE_DEPTH_MAX	   32			    /* nested parentheses and nots */
#define RULE_STACK_MAX	   (2 * RULE_DEPTH_MAX + 4) /* an `or` and an `and` wait at each depth */

/* What is known of a condition. MAYBE: more bytes of the message could still make it true. */
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

/* From the cheapest to the dearest: the order of evaluation. */
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

/* An unsigned integer of the message. */
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

/* integer * unit + add is the length of the message; more: others may follow. The feature's regexes
 * look no further than that. */
struct length_field_condition {
	struct integer integer;
	uint64_t min, max; /* of the integer */
	uint32_t unit;
	int32_t add;
	bool more;
};

struct window {
	uint32_t offset, within;
};

/* How many bytes of the window are of the set. */
struct count_condition {
	struct window window;
	uint32_t set[8];
	bool percent;	   /* the bounds are shares of the bytes there are */
	uint32_t min, max; /* UINT32_MAX: none */
};

/* Entropy of the window's bytes, in thousandths of a bit per byte. */
struct entropy_condition {
	struct window window;
	uint32_t min, max; /* UINT32_MAX: none */
	uint32_t *terms;   /* c log2(c) in 2^-16, for c of 0 to within */
};

/* What the text of the pattern says comes with it; nothing where it was not understood. */
struct regex_condition {
	uint32_t offset, within;
	bool anchored, jit;
	bool plain; /* the prefix is all there is */
	pcre2_code *code;
	char *text;
	uint32_t options;
	uint32_t min, max; /* bytes of a match */
	uint32_t prefix_len;
	struct byte_set *prefix; /* where it is anchored */
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

/* What texts are for, of which a regex of a feature needs one: to find the rules that have it, or
 * to spare running it. */
enum feature_texts { TEXTS_NONE, TEXTS_FIND, TEXTS_CONFIRM };

/* Where something was said, for messages about a set that has been loaded. */
struct place {
	uint16_t file; /* of signatures.files */
	unsigned int line, column;
};

struct feature {
	char *name;
	struct place place;
	const struct yaml_file *file; /* while loading */
	const struct yaml_node *node; /* while loading: its name's place */
	uint8_t transports, directions;
	uint16_t count, cheap; /* conditions; the first `cheap` are no regexes */
	uint8_t texts;	       /* enum feature_texts; of the first regex that has some */
	struct condition *conditions;
	uint32_t first[8]; /* bytes a message can begin with, as a bitmap */
};

static inline bool feature_begins(const struct feature *f, uint8_t byte)
{
	return f->first[byte >> 5] & 1u << (byte & 31);
}

enum op_kind { OP_FEATURE, OP_NOT, OP_AND, OP_OR, OP_JUMP_FALSE, OP_JUMP_TRUE };

/* Postfix; a jump skips the second operand and its operator where the first one settles it. */
struct op {
	uint16_t kind;
	uint16_t arg; /* feature, or where to go on */
};

struct rule {
	uint16_t application; /* index into applications */
	uint8_t method, confidence;
	bool wait;	/* decides nothing while a surer rule is open */
	uint16_t order; /* in the files */
	bool negates;	/* has a `not`: false may become true as the message grows */
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
	unsigned int features; /* distinct ones that its rules use */
	uint16_t app;	       /* number in the registry */
};

struct signatures {
	uint64_t serial;		       /* of no other set of this process */
	char **files;			       /* their names */
	size_t file_count, file_room, file_at; /* file_at: the one being read */
	struct feature *features;
	size_t feature_count, feature_room;
	struct application *applications;
	size_t application_count, application_room;
	struct rule *rules;
	size_t rule_count, rule_room;
	uint16_t by_protocol[256]; /* number in applications + 1; 0: what the registry says */
	struct index *index;
	pcre2_compile_context *compile;
	pcre2_match_context *match;
};

/* protocol.c: reads `protocol` of the application that was added last. */
int protocols_read(struct signatures *s, const struct yaml_file *f, const struct yaml_node *n,
		   struct error *e);

/* registry.c */
bool app_name_valid(const char *name);
/* A copy that lives as long as r, or NULL on ENOMEM. */
const char *app_registry_intern(struct app_registry *r, const char *text);
/* No application has signatures any more. */
void app_registry_disable_all(struct app_registry *r);
/* module is an interned text or NULL; category "" leaves the one known. */
void app_registry_enable(struct app_registry *r, unsigned int app, const char *category,
			 const char *module, unsigned int signatures);

/* feature.c: reads one entry of `features` into *out; what was made on failure is freed. */
int feature_read(const struct signatures *s, const struct yaml_file *f, const struct yaml_node *n,
		 struct feature *out, struct error *e);
void feature_fini(struct feature *feature);
/* Room for count + 1 entries of size bytes in *list. 0 or -ENOMEM. */
int list_reserve(void *list, size_t *room, size_t count, size_t size);

/* condition.c: reads a value of one of the condition keys and appends its conditions. */
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
/* *value stays as it is where the mapping does not have the key. */
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
/* Clears the bits of bytes that no match can begin with. */
void regex_first_bytes(const struct signatures *s, const struct regex_condition *x,
		       uint32_t first[8]);

/* signatures.c: the place of a node of the file that is being read. */
struct place place_of(const struct signatures *s, const struct yaml_node *n);

/* rule.c: compiles a `when` into rules like the given one, one for each alternative, and appends
 * them to the set. */
int rules_compile(struct signatures *s, const struct yaml_file *f, const struct yaml_node *n,
		  const struct rule *like, struct error *e);

/* engine.c */
/* The value of a rule, given its features'. */
enum tri rule_value(const struct rule *rule, enum tri (*feature)(void *arg, uint16_t feature),
		    void *arg);

/* Features and regexes evaluated since the scratch was made: what tests of laziness count. */
uint64_t classify_scratch_evaluations(const struct classify_scratch *c);
uint64_t classify_scratch_regexes(const struct classify_scratch *c);
/* Regexes that ran into a limit of what a match may cost. */
uint64_t classify_scratch_given_up(const struct classify_scratch *c);

#endif

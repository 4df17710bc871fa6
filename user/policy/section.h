/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A section of the policy file is one key of the document. Its row is defined in the folder of the
 * feature that it configures:
 *
 *	POLICY_SECTION(limits) = {.key = "limits", POLICY_SETTINGS(limits)};
 *	POLICY_SECTION(ports) = {.key = "ports", .read = ports_read, POLICY_RESTART(ports_same)};
 *
 * scripts/rows.sh generates the table of all rows (policy_sections) from the sources.
 */
#ifndef WEIR_POLICY_SECTION_H
#define WEIR_POLICY_SECTION_H

#include "policy/policy.h"
#include "yaml/yaml.h"

struct draft; /* a policy file while it is read and compiled */

/* Whether the section may change when a policy replaces the running one. */
enum policy_change {
	POLICY_CHANGE_UNSTATED, /* refused by policy_section_test */
	POLICY_CHANGE_LIVE,
	POLICY_CHANGE_RESTART,
	POLICY_CHANGE_BY_SETTING, /* stated by each entry of .settings */
};

/* Reading order. Sections of one phase are read in the order of the file. */
enum policy_phase {
	POLICY_REST,	/* last: may refer to names */
	POLICY_NAMES,	/* defines names that other sections refer to: ports, groups */
	POLICY_VERSION, /* first */
};

/* A key with a single value. Initialised by the macros POLICY_NUMBER ... below. */
struct policy_setting {
	const char *key;
	enum policy_change change; /* LIVE or RESTART */
	/* Stores the value of n in field (`size` bytes at `offset` of the section's data). */
	int (*read)(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		    void *field);
	size_t offset, size;
	uint64_t min, max, initial;
	const char *expected;	    /* sizes and times: the valid range, for the error message */
	const char *const *choices; /* NULL-terminated */
};

struct policy_section {
	const char *key;
	enum policy_phase phase;
	bool required;
	enum policy_change change;
	/*
	 * Size of the section's data in each policy: zeroed before reading, freed with the policy
	 * after fini (may be NULL). 0: the values are stored in struct policy.
	 */
	size_t size;
	void (*fini)(void *data);
	/* n NULL: the file has no such section. data: the section's data, or struct policy. */
	int (*read)(struct draft *d, const struct yaml_node *n, void *data);
	/* Whether two policies are equal in this section. Required for POLICY_RESTART. */
	bool (*same)(const void *running, const void *next);
	/* Instead of read and same: the section is a mapping of these keys. */
	const struct policy_setting *settings;
	size_t setting_count;
	bool scalar; /* the section is one value, not a mapping */
};

#define POLICY_SECTION(name) const struct policy_section policy_section_##name

/* Every row has exactly one of the following four. */
#define POLICY_LIVE .change = POLICY_CHANGE_LIVE
/* fn: the comparison. NULL or a function of another type does not compile. */
#define POLICY_RESTART(fn)                                                                         \
	.change = POLICY_CHANGE_RESTART,                                                           \
	.same = _Generic((fn), bool (*)(const void *, const void *)                                \
			 : (fn))
/* Settings are compared by value; each states LIVE or RESTART. */
#define POLICY_SETTINGS(list)                                                                      \
	.change = POLICY_CHANGE_BY_SETTING, .settings = (list), .setting_count = ARRAY_SIZE(list)
#define POLICY_SETTING(one)                                                                        \
	.change = POLICY_CHANGE_BY_SETTING, .settings = &(one), .setting_count = 1, .scalar = true

/* how: LIVE or RESTART. type, field: where the value is stored; the field has type `is`. */
#define POLICY_FIELD(how, name, type, field, reader, is)                                           \
	.key = (name), .change = POLICY_CHANGE_##how, .read = (reader),                            \
	.offset = offsetof(type, field), .size = sizeof(is) * _Generic(((type *)0)->field, is : 1)
/* uint32_t. otherwise: the default. */
#define POLICY_NUMBER(how, name, type, field, from, to, otherwise)                                 \
	{                                                                                          \
		POLICY_FIELD(how, name, type, field, policy_number_read, uint32_t),                \
			.min = (from), .max = (to), .initial = (otherwise)                         \
	}
#define POLICY_POWER_OF_TWO(how, name, type, field, from, to, otherwise)                           \
	{                                                                                          \
		POLICY_FIELD(how, name, type, field, policy_power_read, uint32_t),                 \
			.min = (from), .max = (to), .initial = (otherwise)                         \
	}
/* uint64_t, in bytes or nanoseconds. text: the valid range, for the error message. */
#define POLICY_SIZE(how, name, type, field, from, to, otherwise, text)                             \
	{                                                                                          \
		POLICY_FIELD(how, name, type, field, policy_size_read, uint64_t),                  \
			.min = (from), .max = (to), .initial = (otherwise), .expected = (text)     \
	}
#define POLICY_TIME(how, name, type, field, from, to, otherwise, text)                             \
	{                                                                                          \
		POLICY_FIELD(how, name, type, field, policy_time_read, uint64_t),                  \
			.min = (from), .max = (to), .initial = (otherwise), .expected = (text)     \
	}
/* bool: `true` or `false`; one of two words (the first is false); `true` or `false`, inverted. */
#define POLICY_BOOL(how, name, type, field)                                                        \
	{                                                                                          \
		POLICY_FIELD(how, name, type, field, policy_bool_read, bool)                       \
	}
#define POLICY_CHOICE(how, name, type, field, list)                                                \
	{                                                                                          \
		POLICY_FIELD(how, name, type, field, policy_choice_read, bool), .choices = (list)  \
	}
#define POLICY_NOT(how, name, type, field)                                                         \
	{                                                                                          \
		POLICY_FIELD(how, name, type, field, policy_not_read, bool)                        \
	}
int policy_number_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		       void *field);
int policy_power_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		      void *field);
int policy_size_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		     void *field);
int policy_time_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		     void *field);
int policy_bool_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		     void *field);
int policy_not_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		    void *field);
int policy_choice_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		       void *field);

struct policy_data {
	const struct policy_section *row;
	void *data; /* NULL: the values are in struct policy */
};

/* All rows, NULL-terminated (generated). */
extern const struct policy_section *const policy_sections[];
/* The section's data. NULL for a policy that was not read from a file. */
const void *policy_section_data(const struct policy *p, const struct policy_section *s);

/* ---- for .read: error messages begin with the node's FILE:LINE:COLUMN ---- */
const struct yaml_file *draft_file(const struct draft *d);
struct error *draft_cause(const struct draft *d);
int draft_error(const struct draft *d, const struct yaml_node *n, const char *fmt, ...)
	_printf_(3, 4);
int draft_memory(const struct draft *d);
void draft_warn(const struct draft *d, const struct yaml_node *n, const char *fmt, ...)
	_printf_(3, 4);
/* A mapping whose keys are all in the NULL-terminated list. */
int draft_mapping(const struct draft *d, const struct yaml_node *n, const char *what,
		  const char *const *known);
/* A list of at least one item. */
int draft_list(const struct draft *d, const struct yaml_node *n, const char *what);
/* Index of the text among the choices. */
int draft_choice(const struct draft *d, const struct yaml_node *n, const char *what,
		 const char *const *choices, size_t count, unsigned int *out);
/* A name that may become a metric's label: letters, digits, `-`, `_`, `.`, up to room - 1. */
int draft_name(const struct draft *d, const struct yaml_node *n, const char *what, char *out,
	       size_t room);
/* An interface name as the kernel takes it. */
int draft_interface(const struct draft *d, const struct yaml_node *n, const char *what,
		    char out[16]);
/* Refuses a key that later versions will know. */
int draft_unsupported(const struct draft *d, const struct yaml_node *mapping, const char *key);

#endif

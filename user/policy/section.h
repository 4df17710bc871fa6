/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A section of the policy file (one key of the document) is a row, defined in the file that reads
 * it, in whichever folder its feature lives:
 *
 *	POLICY_SECTION(limits) = {.key = "limits", POLICY_SETTINGS(limits)};
 *	POLICY_SECTION(ports) = {.key = "ports", .read = ports_read, POLICY_RESTART(ports_same)};
 *
 * scripts/rows.sh finds the rows and writes the table of them: there is no list to add one to.
 */
#ifndef WEIR_POLICY_SECTION_H
#define WEIR_POLICY_SECTION_H

#include "policy/policy.h"
#include "yaml/yaml.h"

struct draft; /* the policy that is being read; for the functions below */

/* Whether a policy that says something else can replace the running one. */
enum policy_change {
	POLICY_CHANGE_UNSTATED, /* no row may leave it out (policy_section_test) */
	POLICY_CHANGE_LIVE,
	POLICY_CHANGE_RESTART,
	POLICY_CHANGE_BY_SETTING, /* each of .settings says it */
};

/* Sections are read phase by phase, within one in the order of the file. */
enum policy_phase {
	POLICY_REST,	/* may use what the others defined */
	POLICY_NAMES,	/* defines names that other sections use: ports, groups */
	POLICY_VERSION, /* before everything else */
};

/* A key of a section that is one value. Made by the macros POLICY_NUMBER ... below. */
struct policy_setting {
	const char *key;
	enum policy_change change; /* LIVE or RESTART */
	/* Reads n into field, size bytes of the section's data. */
	int (*read)(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		    void *field);
	size_t offset, size;
	uint64_t min, max, initial;
	const char *expected;	    /* what sizes and times have to be, for the message */
	const char *const *choices; /* NULL-terminated */
};

struct policy_section {
	const char *key;
	enum policy_phase phase;
	bool required;
	enum policy_change change;
	/*
	 * Data of the section's own, zeroed before it is read and freed with the policy; what it
	 * points to is freed by fini. size 0: what the section says goes into struct policy.
	 */
	size_t size;
	void (*fini)(void *data);
	/* n NULL: the section is absent. data: struct policy, or the section's own. */
	int (*read)(struct draft *d, const struct yaml_node *n, void *data);
	/* Whether two policies say the same; for sections that are fixed at the start. */
	bool (*same)(const void *running, const void *next);
	/* A section of single values has these instead of read and same. */
	const struct policy_setting *settings;
	size_t setting_count;
	bool scalar; /* the section is the one setting itself, not a mapping */
};

#define POLICY_SECTION(name) const struct policy_section policy_section_##name

/* Exactly one of these stands in every row. */
#define POLICY_LIVE .change = POLICY_CHANGE_LIVE
/* fn compares; anything but a comparison, NULL included, does not compile. */
#define POLICY_RESTART(fn)                                                                         \
	.change = POLICY_CHANGE_RESTART,                                                           \
	.same = _Generic((fn), bool (*)(const void *, const void *)                                \
			 : (fn))
/* Each setting says whether it is live, and is compared by its value. */
#define POLICY_SETTINGS(list)                                                                      \
	.change = POLICY_CHANGE_BY_SETTING, .settings = (list), .setting_count = ARRAY_SIZE(list)
#define POLICY_SETTING(one)                                                                        \
	.change = POLICY_CHANGE_BY_SETTING, .settings = &(one), .setting_count = 1, .scalar = true

/* how: LIVE or RESTART. type, field: where the value goes, which has to be of type `is`. */
#define POLICY_FIELD(how, name, type, field, reader, is)                                           \
	.key = (name), .change = POLICY_CHANGE_##how, .read = (reader),                            \
	.offset = offsetof(type, field), .size = sizeof(is) * _Generic(((type *)0)->field, is : 1)
/* uint32_t; initial is the default. */
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
/* uint64_t in bytes; in nanoseconds. text: what was expected, for the message. */
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
/* bool: `true` or `false`; a choice of two (the first is false); the opposite of what is said. */
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
	void *data; /* NULL: what it says stands in struct policy */
};

/* All rows, NULL-terminated; written by scripts/rows.sh. */
extern const struct policy_section *const policy_sections[];
/* What a section of its own data says; NULL for a policy that was not read from a file. */
const void *policy_section_data(const struct policy *p, const struct policy_section *s);

/* ---- for readers: messages name the node's place ---- */
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

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * YAML files as a tree that keeps line and column of every node, for messages of the form
 * FILE:LINE:COLUMN. Hostile input is bounded: file size, depth, number of nodes and of directives;
 * aliases, anchors and tags are refused.
 */
#ifndef WEIR_YAML_H
#define WEIR_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "util/util.h"

#define YAML_FILE_MAX  (4u << 20)
#define YAML_DEPTH_MAX 32
#define YAML_NODES_MAX 200000
/* Lines that begin with %; no file needs them. */
#define YAML_DIRECTIVES_MAX 16

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
	enum yaml_kind kind;
	unsigned int line, column; /* 1-based */
	bool quoted;		   /* scalar: was quoted, and so is never a number or a bool */
	char *text;		   /* scalar, NUL-terminated, no NUL inside */
	struct yaml_node **items;  /* sequence items; mapping values */
	struct yaml_node **keys;   /* mapping keys (scalars), NULL for sequences */
	size_t count;
};

struct yaml_file;
/* Reads one document. 0 or a negative errno; on failure e is "FILE:LINE:COLUMN: message" (a
 * duplicate key is an error too), or "FILE: message". The caller closes *out with yaml_close(). */
int yaml_open(const char *path, struct yaml_file **out, struct error *e);
/* The same from memory; name is used as the file name in messages. */
int yaml_parse(const char *name, const char *text, size_t len, struct yaml_file **out,
	       struct error *e);
void yaml_close(struct yaml_file *f);
const char *yaml_name(const struct yaml_file *f);
/* The root node, owned by f; NULL for an empty document. */
const struct yaml_node *yaml_root(const struct yaml_file *f);

/* Formats "FILE:LINE:COLUMN: message" for a node and returns -EINVAL. */
int yaml_error(const struct yaml_file *f, const struct yaml_node *n, struct error *e,
	       const char *fmt, ...) _printf_(4, 5);
/* The value of a key of a mapping, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);
/* Typed reads. 0 or -EINVAL, with e stating what was expected. Strings belong to f. */
int yaml_mapping(const struct yaml_file *f, const struct yaml_node *n, const char *what,
		 struct error *e);
int yaml_sequence(const struct yaml_file *f, const struct yaml_node *n, const char *what,
		  struct error *e);
int yaml_string(const struct yaml_file *f, const struct yaml_node *n, const char *what,
		const char **out, struct error *e);
int yaml_uint(const struct yaml_file *f, const struct yaml_node *n, const char *what,
	      unsigned long min, unsigned long max, unsigned long *out, struct error *e);
int yaml_bool(const struct yaml_file *f, const struct yaml_node *n, const char *what, bool *out,
	      struct error *e);
/* Checks that every key of the mapping is in the NULL-terminated list; the error names the nearest
 * known key. 0 or -EINVAL. */
int yaml_known_keys(const struct yaml_file *f, const struct yaml_node *mapping, const char *what,
		    const char *const *known, struct error *e);

#endif

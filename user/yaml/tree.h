/* SPDX-License-Identifier: GPL-2.0-only */
/* The tree behind yaml.h: what the reader builds and nobody else touches. */
#ifndef WEIR_YAML_TREE_H
#define WEIR_YAML_TREE_H

#include "yaml/yaml.h"

struct yaml_file {
	char *name;
	struct yaml_node *root;
	size_t nodes;
};

void node_free(struct yaml_node *n);
/* Appends an item to a sequence; to a mapping, a key whose value follows. -ENOMEM leaves n the
 * caller's. */
int node_append(struct yaml_node *to, struct yaml_node *n);
/* The first key of a mapping that an earlier one equals, or NULL. 0 or -ENOMEM. */
int node_duplicate_key(const struct yaml_node *mapping, const struct yaml_node **out);
/* Unquoted nothing: an empty value, `~` or `null`. */
bool node_is_nothing(const struct yaml_node *n);
void yaml_closep(struct yaml_file **f);

#endif

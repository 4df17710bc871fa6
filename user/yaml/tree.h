/* SPDX-License-Identifier: GPL-2.0-only */
/* The tree behind yaml.h, as the parser builds it. Private to user/yaml. */
#ifndef WEIR_YAML_TREE_H
#define WEIR_YAML_TREE_H

#include "yaml/yaml.h"

struct yaml_file {
	char *name;
	struct yaml_node *root;
	size_t nodes;
};

void node_free(struct yaml_node *n);
/* Appends an item to a sequence, or to a mapping a key whose value follows. The tree owns n
 * afterwards. On -ENOMEM n remains the caller's. */
int node_append(struct yaml_node *to, struct yaml_node *n);
/* Sets *out to the first key of a mapping that equals an earlier one, or NULL. 0 or -ENOMEM. */
int node_duplicate_key(const struct yaml_node *mapping, const struct yaml_node **out);
/* Whether n is null: an unquoted empty value, `~` or `null`. */
bool node_is_nothing(const struct yaml_node *n);
void yaml_closep(struct yaml_file **f);

#endif

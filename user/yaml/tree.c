// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "yaml/tree.h"

void node_free(struct yaml_node *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->count; i++) {
		if (n->keys)
			node_free(n->keys[i]);
		node_free(n->items[i]);
	}
	free(n->keys);
	free(n->items);
	free(n->text);
	free(n);
}

static int list_grow(struct yaml_node ***list, size_t count)
{
	struct yaml_node **bigger = reallocarray(*list, count, sizeof(**list));

	if (!bigger)
		return -ENOMEM;
	*list = bigger;
	return 0;
}

int node_append(struct yaml_node *to, struct yaml_node *n)
{
	bool mapping = to->kind == YAML_MAPPING;

	/* The arrays double: at 0, 4, 8, 16 ... entries. */
	if (to->count == 0 || (to->count >= 4 && (to->count & (to->count - 1)) == 0)) {
		size_t room = to->count ? to->count * 2 : 4;

		if (list_grow(&to->items, room) < 0 || (mapping && list_grow(&to->keys, room) < 0))
			return -ENOMEM;
	}
	if (mapping)
		to->keys[to->count] = n;
	to->items[to->count++] = mapping ? NULL : n;
	return 0;
}

/* Orders by text, then by position in the file. */
static int key_compare(const void *a, const void *b)
{
	const struct yaml_node *x = *(struct yaml_node *const *)a;
	const struct yaml_node *y = *(struct yaml_node *const *)b;
	int order = strcmp(x->text, y->text);

	if (order == 0)
		order = (x->line > y->line) - (x->line < y->line);
	if (order == 0)
		order = (x->column > y->column) - (x->column < y->column);
	return order;
}

static bool key_is_before(const struct yaml_node *a, const struct yaml_node *b)
{
	return !b || a->line < b->line || (a->line == b->line && a->column < b->column);
}

int node_duplicate_key(const struct yaml_node *mapping, const struct yaml_node **out)
{
	_cleanup_free_ struct yaml_node **sorted = NULL;
	const struct yaml_node *first = NULL;

	*out = NULL;
	if (mapping->count < 2)
		return 0;
	sorted = calloc(mapping->count, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, mapping->keys, mapping->count * sizeof(*sorted));
	qsort(sorted, mapping->count, sizeof(*sorted), key_compare);
	for (size_t i = 1; i < mapping->count; i++)
		if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0 &&
		    key_is_before(sorted[i], first))
			first = sorted[i];
	*out = first;
	return 0;
}

bool node_is_nothing(const struct yaml_node *n)
{
	return n && n->kind == YAML_SCALAR && !n->quoted &&
	       (!n->text[0] || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

void yaml_close(struct yaml_file *f)
{
	if (!f)
		return;
	node_free(f->root);
	free(f->name);
	free(f);
}

void yaml_closep(struct yaml_file **f)
{
	yaml_close(*f);
}

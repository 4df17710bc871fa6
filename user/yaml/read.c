// SPDX-License-Identifier: GPL-2.0-only
/* Typed reads of a tree; messages name what was expected and what was found. */
#include <stdio.h>
#include <string.h>

#include "yaml/tree.h"

const char *yaml_name(const struct yaml_file *f)
{
	return f->name;
}

const struct yaml_node *yaml_root(const struct yaml_file *f)
{
	return f->root;
}

int yaml_error(const struct yaml_file *f, const struct yaml_node *n, struct error *e,
	       const char *fmt, ...)
{
	char text[sizeof(e->text)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* A message is one line, even if it quotes text with line breaks. */
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return error_set(e, -EINVAL, "%s:%u:%u: %s", f->name, n ? n->line : 1, n ? n->column : 1,
			 text);
}

const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
	if (!mapping || mapping->kind != YAML_MAPPING)
		return NULL;
	for (size_t i = 0; i < mapping->count; i++)
		if (strcmp(mapping->keys[i]->text, key) == 0)
			return mapping->items[i];
	return NULL;
}

static const char *found(const struct yaml_node *n)
{
	if (!n || node_is_nothing(n))
		return "nothing";
	if (n->kind == YAML_MAPPING)
		return "a mapping";
	return n->kind == YAML_SEQUENCE ? "a list" : n->text;
}

static int expected(const struct yaml_file *f, const struct yaml_node *n, const char *what,
		    const char *wanted, struct error *e)
{
	bool literal = n && n->kind == YAML_SCALAR && !node_is_nothing(n);
	const char *mark = literal ? n->quoted ? "\"" : "`" : "";

	return yaml_error(f, n, e, "%s: expected %s, found %s%.64s%s", what, wanted, mark, found(n),
			  mark);
}

int yaml_mapping(const struct yaml_file *f, const struct yaml_node *n, const char *what,
		 struct error *e)
{
	return n && n->kind == YAML_MAPPING ? 0 : expected(f, n, what, "a mapping", e);
}

int yaml_sequence(const struct yaml_file *f, const struct yaml_node *n, const char *what,
		  struct error *e)
{
	return n && n->kind == YAML_SEQUENCE ? 0 : expected(f, n, what, "a list", e);
}

int yaml_string(const struct yaml_file *f, const struct yaml_node *n, const char *what,
		const char **out, struct error *e)
{
	if (!n || n->kind != YAML_SCALAR || node_is_nothing(n))
		return expected(f, n, what, "text", e);
	*out = n->text;
	return 0;
}

int yaml_uint(const struct yaml_file *f, const struct yaml_node *n, const char *what,
	      unsigned long min, unsigned long max, unsigned long *out, struct error *e)
{
	unsigned long value;
	char wanted[80], *end;

	snprintf(wanted, sizeof(wanted), "a number from %lu to %lu", min, max);
	if (!n || n->kind != YAML_SCALAR || n->quoted || n->text[0] < '0' || n->text[0] > '9')
		return expected(f, n, what, wanted, e);
	errno = 0;
	value = strtoul(n->text, &end, 10);
	if (*end || errno || value < min || value > max)
		return expected(f, n, what, wanted, e);
	*out = value;
	return 0;
}

int yaml_bool(const struct yaml_file *f, const struct yaml_node *n, const char *what, bool *out,
	      struct error *e)
{
	bool text = n && n->kind == YAML_SCALAR && !n->quoted;

	if (!text || (strcmp(n->text, "true") != 0 && strcmp(n->text, "false") != 0))
		return expected(f, n, what, "true or false", e);
	*out = n->text[0] == 't';
	return 0;
}

static bool text_is_any(const char *text, const char *const *known)
{
	while (*known && strcmp(*known, text) != 0)
		known++;
	return *known;
}

int yaml_known_keys(const struct yaml_file *f, const struct yaml_node *mapping, const char *what,
		    const char *const *known, struct error *e)
{
	size_t count = 0;

	while (known[count])
		count++;
	for (size_t i = 0; i < mapping->count; i++) {
		const struct yaml_node *key = mapping->keys[i];
		const char *nearest;

		if (text_is_any(key->text, known))
			continue;
		nearest = text_nearest(key->text, known, count);
		if (nearest)
			return yaml_error(f, key, e, "%s: unknown key `%.64s`, did you mean `%s`?",
					  what, key->text, nearest);
		return yaml_error(f, key, e, "%s: unknown key `%.64s`", what, key->text);
	}
	return 0;
}

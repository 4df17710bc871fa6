/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Validates JSON against a JSON schema: the keywords that docs/events.schema.json uses. A keyword
 * that is not known is an error, so that a schema says nothing that is not checked.
 */
#ifndef WEIR_TESTS_SCHEMA_CHECK_H
#define WEIR_TESTS_SCHEMA_CHECK_H

#include <jansson.h>
#include <regex.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct schema {
	const json_t *root;
	char error[512]; /* the first one; "" = none */
};

static bool schema_check(struct schema *s, const json_t *rule, const json_t *value,
			 const char *path);

__attribute__((format(printf, 3, 4))) static inline bool
schema_fail(struct schema *s, const char *path, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (s->error[0])
		return false;
	n = snprintf(s->error, sizeof(s->error), "%s: ", path[0] ? path : "/");
	va_start(ap, fmt);
	vsnprintf(s->error + n, sizeof(s->error) - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

static inline bool schema_is_type(const char *type, const json_t *v)
{
	if (strcmp(type, "object") == 0)
		return json_is_object(v);
	if (strcmp(type, "array") == 0)
		return json_is_array(v);
	if (strcmp(type, "string") == 0)
		return json_is_string(v);
	if (strcmp(type, "integer") == 0)
		return json_is_integer(v);
	return strcmp(type, "boolean") == 0 && json_is_boolean(v);
}

/* Only references of the form #/$defs/NAME. */
static inline const json_t *schema_resolve(const struct schema *s, const char *ref)
{
	const char *slash = strrchr(ref, '/');

	return slash ? json_object_get(json_object_get(s->root, "$defs"), slash + 1) : NULL;
}

static inline bool schema_matches(struct schema *s, const char *pattern, const char *text,
				  const char *path)
{
	regex_t re;
	int miss;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return schema_fail(s, path, "the schema's pattern %s does not compile", pattern);
	miss = regexec(&re, text, 0, NULL, 0);
	regfree(&re);
	return !miss || schema_fail(s, path, "\"%s\" does not match %s", text, pattern);
}

static inline bool schema_among(const json_t *list, const json_t *value)
{
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one) if (json_equal(one, value)) return true;
	return false;
}

static inline bool schema_properties(struct schema *s, const json_t *rules, const json_t *value,
				     const char *path)
{
	const char *key;
	json_t *rule;

	json_object_foreach((json_t *)rules, key, rule)
	{
		const json_t *member = json_object_get(value, key);
		char at[256];

		snprintf(at, sizeof(at), "%s/%s", path, key);
		if (member && !schema_check(s, rule, member, at))
			return false;
	}
	return true;
}

static inline bool schema_closed(struct schema *s, const json_t *rule, const json_t *value,
				 const char *path)
{
	const json_t *known = json_object_get(rule, "properties");
	const char *key;
	json_t *member;

	json_object_foreach(
		(json_t *)value, key,
		member) if (!json_object_get(known, key)) return schema_fail(s, path,
									     "unknown field \"%s\"",
									     key);
	return true;
}

static inline bool schema_required(struct schema *s, const json_t *names, const json_t *value,
				   const char *path)
{
	json_t *name;
	size_t i;

	json_array_foreach(
		names, i,
		name) if (!json_object_get(value,
					   json_string_value(
						   name))) return schema_fail(s, path,
									      "\"%s\" is missing",
									      json_string_value(
										      name));
	return true;
}

static inline bool schema_items(struct schema *s, const json_t *rule, const json_t *list,
				const char *path)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) if (!schema_check(s, rule, item, path)) return false;
	return true;
}

static inline bool schema_branch(struct schema *s, const json_t *rule, const json_t *value,
				 const char *path)
{
	struct schema probe = {.root = s->root};
	const char *branch =
		schema_check(&probe, json_object_get(rule, "if"), value, path) ? "then" : "else";
	const json_t *next = json_object_get(rule, branch);

	return !next || schema_check(s, next, value, path);
}

/* One keyword. */
static inline bool schema_keyword(struct schema *s, const char *word, const json_t *arg,
				  const json_t *rule, const json_t *v, const char *path)
{
	if (strcmp(word, "$ref") == 0)
		return schema_check(s, schema_resolve(s, json_string_value(arg)), v, path);
	if (strcmp(word, "type") == 0)
		return schema_is_type(json_string_value(arg), v) ||
		       schema_fail(s, path, "no %s", json_string_value(arg));
	if (strcmp(word, "const") == 0)
		return json_equal(arg, v) || schema_fail(s, path, "not the one value");
	if (strcmp(word, "enum") == 0)
		return schema_among(arg, v) ||
		       schema_fail(s, path, "\"%s\" is none of the values",
				   json_is_string(v) ? json_string_value(v) : "?");
	if (strcmp(word, "pattern") == 0)
		return !json_is_string(v) ||
		       schema_matches(s, json_string_value(arg), json_string_value(v), path);
	if (strcmp(word, "minimum") == 0)
		return !json_is_integer(v) || json_integer_value(v) >= json_integer_value(arg) ||
		       schema_fail(s, path, "too small");
	if (strcmp(word, "maximum") == 0)
		return !json_is_integer(v) || json_integer_value(v) <= json_integer_value(arg) ||
		       schema_fail(s, path, "too large");
	if (strcmp(word, "minItems") == 0)
		return json_array_size(v) >= (size_t)json_integer_value(arg) ||
		       schema_fail(s, path, "too few items");
	if (strcmp(word, "maxItems") == 0)
		return json_array_size(v) <= (size_t)json_integer_value(arg) ||
		       schema_fail(s, path, "too many items");
	if (strcmp(word, "items") == 0)
		return schema_items(s, arg, v, path);
	if (strcmp(word, "required") == 0)
		return schema_required(s, arg, v, path);
	if (strcmp(word, "properties") == 0)
		return schema_properties(s, arg, v, path);
	if (strcmp(word, "additionalProperties") == 0)
		return schema_closed(s, rule, v, path);
	if (strcmp(word, "if") == 0)
		return schema_branch(s, rule, v, path);
	if (strcmp(word, "then") == 0 || strcmp(word, "else") == 0 || word[0] == '$' ||
	    strcmp(word, "title") == 0)
		return true;
	return schema_fail(s, path, "the schema has \"%s\", which is not known here", word);
}

static bool schema_check(struct schema *s, const json_t *rule, const json_t *value,
			 const char *path)
{
	const char *word;
	json_t *arg;
	size_t i;

	if (json_is_false(rule))
		return schema_fail(s, path, "has no place here");
	if (!json_is_object(rule))
		return schema_fail(s, path, "the schema has no rule here");
	json_object_foreach((json_t *)rule, word, arg)
	{
		if (strcmp(word, "allOf") != 0) {
			if (!schema_keyword(s, word, arg, rule, value, path))
				return false;
			continue;
		}
		for (i = 0; i < json_array_size(arg); i++)
			if (!schema_check(s, json_array_get(arg, i), value, path))
				return false;
	}
	return true;
}

/* Whether value is as the schema says; s->error has the first difference. */
static inline bool schema_accepts(struct schema *s, const json_t *value)
{
	s->error[0] = '\0';
	return schema_check(s, s->root, value, "");
}

#endif

// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>

#include "policy/draft.h"

const struct yaml_file *draft_file(const struct draft *d)
{
	return d->file;
}

struct error *draft_cause(const struct draft *d)
{
	return d->e;
}

int draft_error(const struct draft *d, const struct yaml_node *n, const char *fmt, ...)
{
	char text[sizeof(d->e->text)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return yaml_error(d->file, n, d->e, "%s", text);
}

int draft_memory(const struct draft *d)
{
	return error_set(d->e, -ENOMEM, "%s: out of memory", yaml_name(d->file));
}

void draft_warn(const struct draft *d, const struct yaml_node *n, const char *fmt, ...)
{
	va_list args;

	if (!d->warnings)
		return;
	fprintf(d->warnings, "%s:%u:%u: warning: ", yaml_name(d->file), n->line, n->column);
	va_start(args, fmt);
	vfprintf(d->warnings, fmt, args);
	va_end(args);
	fputc('\n', d->warnings);
}

int draft_mapping(const struct draft *d, const struct yaml_node *n, const char *what,
		  const char *const *known)
{
	int err = yaml_mapping(d->file, n, what, d->e);

	return err < 0 ? err : yaml_known_keys(d->file, n, what, known, d->e);
}

int draft_list(const struct draft *d, const struct yaml_node *n, const char *what)
{
	int err = yaml_sequence(d->file, n, what, d->e);

	if (err == 0 && n->count == 0)
		return draft_error(d, n, "%s: expected at least one entry", what);
	return err;
}

int draft_choice(const struct draft *d, const struct yaml_node *n, const char *what,
		 const char *const *choices, size_t count, unsigned int *out)
{
	const char *text = NULL;
	char list[128] = "";
	size_t at = 0;
	int err = yaml_string(d->file, n, what, &text, d->e);

	if (err < 0)
		return err;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text, choices[i]) == 0) {
			*out = (unsigned int)i;
			return 0;
		}
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s",
				       i == 0		? ""
				       : i + 1 == count ? " or "
							: ", ",
				       choices[i]);
	}
	return draft_error(d, n, "%s: expected %s, found `%.64s`", what, list, text);
}

static bool name_is_plain(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			return false;
	return isalnum((unsigned char)text[0]);
}

int draft_name(const struct draft *d, const struct yaml_node *n, const char *what, char *out,
	       size_t room)
{
	const char *text = NULL;
	int err = yaml_string(d->file, n, what, &text, d->e);

	if (err < 0)
		return err;
	if (!name_is_plain(text))
		return draft_error(d, n,
				   "%s: expected letters, digits, `-`, `_` and `.`, found `%.64s`",
				   what, text);
	if (strlen(text) >= room)
		return draft_error(d, n, "%s: `%.64s` is longer than %zu characters", what, text,
				   room - 1);
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

int draft_interface(const struct draft *d, const struct yaml_node *n, const char *what,
		    char out[16])
{
	const char *text = NULL;
	int err = yaml_string(d->file, n, what, &text, d->e);
	bool odd;

	if (err < 0)
		return err;
	if (strlen(text) > 15)
		return draft_error(d, n, "%s: `%.64s` is longer than 15 characters", what, text);
	/* What dev_valid_name() of the kernel refuses. */
	odd = !text[0] || strcmp(text, ".") == 0 || strcmp(text, "..") == 0;
	for (const char *c = text; *c; c++)
		odd |= *c == '/' || *c == ':' || isspace((unsigned char)*c) ||
		       !isprint((unsigned char)*c);
	if (odd)
		return draft_error(d, n, "%s: `%s` is not an interface name", what, text);
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

int draft_unsupported(const struct draft *d, const struct yaml_node *mapping, const char *key)
{
	for (size_t i = 0; i < mapping->count; i++)
		if (strcmp(mapping->keys[i]->text, key) == 0)
			return draft_error(d, mapping->keys[i], "`%s` is not yet supported", key);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "cli/table.h"

#define TABLE_COLUMNS_MAX 16

struct table {
	const char *const *headers;
	size_t columns;
	char **cells;
	size_t count, cap;
};

struct table *table_new(const char *const *headers)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->headers = headers;
	while (t->columns < TABLE_COLUMNS_MAX && headers[t->columns])
		t->columns++;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

/* Names come from files and from the network: none may move the cursor. */
static void text_defuse(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

void table_cell(struct table *t, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	if (!t)
		return;
	if (t->count == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 256;
		char **grown = realloc(t->cells, cap * sizeof(*grown));

		if (!grown)
			return;
		t->cells = grown;
		t->cap = cap;
	}
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	text_defuse(text);
	t->cells[t->count++] = text;
}

/* Characters, not bytes: what continues a UTF-8 sequence takes no place. */
static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		if (((unsigned char)*text & 0xc0) != 0x80)
			width++;
	return width;
}

static const char *header_text(const char *header)
{
	return header[0] == '>' ? header + 1 : header;
}

/* Prints a cell; *pending blanks stand before it, and those after it wait for the next, so that no
 * line ends in blanks. */
static void cell_print(FILE *out, const char *text, size_t width, bool right, int *pending)
{
	int pad = (int)(width - text_width(text));

	if (right)
		*pending += pad;
	if (text[0]) {
		fprintf(out, "%*s%s", *pending, "", text);
		*pending = 0;
	}
	if (!right)
		*pending += pad;
	*pending += 2;
}

static void row_print(const struct table *t, const size_t *width, size_t row, FILE *out)
{
	int pending = 0;

	for (size_t c = 0; c < t->columns && row * t->columns + c < t->count; c++)
		cell_print(out, t->cells[row * t->columns + c], width[c], t->headers[c][0] == '>',
			   &pending);
	fputc('\n', out);
}

void table_print(const struct table *t, FILE *out)
{
	size_t width[TABLE_COLUMNS_MAX];
	int pending = 0;

	if (!t)
		return;
	for (size_t c = 0; c < t->columns; c++)
		width[c] = text_width(header_text(t->headers[c]));
	for (size_t i = 0; i < t->count; i++)
		if (text_width(t->cells[i]) > width[i % t->columns])
			width[i % t->columns] = text_width(t->cells[i]);
	for (size_t c = 0; c < t->columns; c++)
		cell_print(out, header_text(t->headers[c]), width[c], t->headers[c][0] == '>',
			   &pending);
	fputc('\n', out);
	for (size_t row = 0; row * t->columns < t->count; row++)
		row_print(t, width, row, out);
}

const char *json_text(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

json_int_t json_number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

double json_real_number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

bool json_flag(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

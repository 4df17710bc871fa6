// SPDX-License-Identifier: GPL-2.0-only
/* Parser: turns libyaml's events into a tree. */
#include <fcntl.h>
#include <string.h>
#include <yaml.h>

#include "yaml/tree.h"

struct level {
	struct yaml_node *node;
	bool value_due; /* mapping: the last key has no value yet */
};

struct builder {
	struct yaml_file *file;
	struct error *e;
	const char *text;
	size_t len;
	yaml_parser_t parser;
	struct level stack[YAML_DEPTH_MAX];
	unsigned int depth;
	unsigned int documents;
};

static int builder_error(const struct builder *b, const yaml_mark_t *m, const char *what)
{
	return error_set(b->e, -EINVAL, "%s:%zu:%zu: %s", b->file->name, m->line + 1, m->column + 1,
			 what);
}

/* Errors of libyaml's reader have a byte offset but no line. */
static int builder_reader_error(const struct builder *b)
{
	size_t end = b->parser.problem_offset < b->len ? b->parser.problem_offset : b->len;
	yaml_mark_t mark = {0};

	for (size_t i = 0; i < end; i++) {
		mark.column = b->text[i] == '\n' ? 0 : mark.column + 1;
		mark.line += b->text[i] == '\n';
	}
	return builder_error(b, &mark, b->parser.problem);
}

static int builder_parser_error(const struct builder *b)
{
	const yaml_parser_t *p = &b->parser;

	if (p->error == YAML_MEMORY_ERROR || !p->problem)
		return error_set(b->e, -ENOMEM, "%s: out of memory", b->file->name);
	if (p->error == YAML_READER_ERROR)
		return builder_reader_error(b);
	if (!p->context)
		return builder_error(b, &p->problem_mark, p->problem);
	return error_set(b->e, -EINVAL, "%s:%zu:%zu: %s %s", b->file->name,
			 p->problem_mark.line + 1, p->problem_mark.column + 1, p->context,
			 p->problem);
}

/* Adds a node at the current position; the tree owns it afterwards. */
static int builder_attach(struct builder *b, struct yaml_node *n, const yaml_mark_t *at)
{
	struct level *top = b->depth ? &b->stack[b->depth - 1] : NULL;

	if (!top) {
		b->file->root = n;
		return 0;
	}
	if (top->node->kind == YAML_MAPPING && top->value_due) {
		top->node->items[top->node->count - 1] = n;
		top->value_due = false;
		return 0;
	}
	if (top->node->kind == YAML_MAPPING && n->kind != YAML_SCALAR)
		return builder_error(b, at, "a key must be plain text");
	if (node_append(top->node, n) < 0)
		return error_set(b->e, -ENOMEM, "%s: out of memory", b->file->name);
	top->value_due = top->node->kind == YAML_MAPPING;
	return 0;
}

static int builder_add(struct builder *b, enum yaml_kind kind, const yaml_mark_t *at,
		       struct yaml_node **out)
{
	struct yaml_node *n;
	int err;

	if (++b->file->nodes > YAML_NODES_MAX)
		return builder_error(b, at, "too many nodes");
	n = calloc(1, sizeof(*n));
	if (!n)
		return error_set(b->e, -ENOMEM, "%s: out of memory", b->file->name);
	n->kind = kind;
	n->line = (unsigned int)at->line + 1;
	n->column = (unsigned int)at->column + 1;
	err = builder_attach(b, n, at);
	if (err < 0) {
		free(n);
		return err;
	}
	*out = n;
	return 0;
}

static int builder_open(struct builder *b, enum yaml_kind kind, const yaml_mark_t *at)
{
	struct yaml_node *n = NULL;
	int err;

	if (b->depth == YAML_DEPTH_MAX)
		return builder_error(b, at, "nested too deeply");
	err = builder_add(b, kind, at, &n);
	if (err < 0)
		return err;
	b->stack[b->depth++] = (struct level){.node = n};
	return 0;
}

static int builder_close(struct builder *b)
{
	const struct yaml_node *n = b->stack[--b->depth].node;
	const struct yaml_node *again = NULL;
	int err;

	if (n->kind != YAML_MAPPING)
		return 0;
	err = node_duplicate_key(n, &again);
	if (err < 0)
		return error_set(b->e, err, "%s: out of memory", b->file->name);
	if (again)
		return yaml_error(b->file, again, b->e, "key `%.64s` is given twice", again->text);
	return 0;
}

static int builder_scalar(struct builder *b, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct yaml_node *n = NULL;
	int err;

	if (memchr(value, '\0', len))
		return builder_error(b, &event->start_mark, "text with a NUL byte");
	err = builder_add(b, YAML_SCALAR, &event->start_mark, &n);
	if (err < 0)
		return err;
	n->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	n->text = strndup(value, len);
	if (!n->text)
		return error_set(b->e, -ENOMEM, "%s: out of memory", b->file->name);
	return 0;
}

/* Whether the event has an anchor or an explicit tag. */
static bool event_is_decorated(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor || event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor || event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor || event->data.mapping_start.tag;
	default:
		return event->type == YAML_ALIAS_EVENT;
	}
}

static int builder_event(struct builder *b, const yaml_event_t *event)
{
	if (event_is_decorated(event))
		return builder_error(b, &event->start_mark,
				     "anchors, aliases and tags are not allowed");
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++)
			return builder_error(b, &event->start_mark, "more than one document");
		return 0;
	case YAML_SCALAR_EVENT:
		return builder_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return builder_open(b, YAML_SEQUENCE, &event->start_mark);
	case YAML_MAPPING_START_EVENT:
		return builder_open(b, YAML_MAPPING, &event->start_mark);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return builder_close(b);
	default:
		return 0;
	}
}

static int builder_run(struct builder *b)
{
	bool end = false;

	while (!end) {
		yaml_event_t event;
		int err;

		if (!yaml_parser_parse(&b->parser, &event))
			return builder_parser_error(b);
		end = event.type == YAML_STREAM_END_EVENT;
		err = builder_event(b, &event);
		yaml_event_delete(&event);
		if (err < 0)
			return err;
	}
	return 0;
}

/* Whether a line may end with this byte: the last byte of each line break that libyaml knows. It
 * may also be the last byte of another character, which only makes the bound stricter. */
static bool byte_ends_line(char c)
{
	return memchr("\n\r\x85\xa8\xa9", c, 5) != NULL;
}

/* libyaml compares each %TAG with all earlier ones, and reports none before the document begins. */
static int builder_check_directives(const struct builder *b)
{
	yaml_mark_t at = {0};
	unsigned int count = 0;
	bool begins = true;

	for (size_t i = 0; i < b->len; i++) {
		if (begins && b->text[i] == '%' && ++count > YAML_DIRECTIVES_MAX)
			return builder_error(b, &at, "too many directives");
		begins = byte_ends_line(b->text[i]);
		at.line += b->text[i] == '\n';
	}
	return 0;
}

int yaml_parse(const char *name, const char *text, size_t len, struct yaml_file **out,
	       struct error *e)
{
	_cleanup_(yaml_closep) struct yaml_file *file = calloc(1, sizeof(*file));
	struct builder b = {.file = file, .e = e, .text = text, .len = len};
	int err;

	if (!file || !(file->name = strdup(name)))
		return error_set(e, -ENOMEM, "%s: out of memory", name);
	if (len > YAML_FILE_MAX)
		return error_set(e, -EFBIG, "%s: larger than %u bytes", name, YAML_FILE_MAX);
	err = builder_check_directives(&b);
	if (err < 0)
		return err;
	if (!yaml_parser_initialize(&b.parser))
		return error_set(e, -ENOMEM, "%s: out of memory", name);
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, len);
	err = builder_run(&b);
	yaml_parser_delete(&b.parser);
	if (err < 0)
		return err;
	if (node_is_nothing(file->root)) {
		node_free(file->root);
		file->root = NULL;
	}
	*out = TAKE_PTR(file);
	return 0;
}

/* Reads the whole file, up to one byte more than allowed; also from pipes. */
static int file_read(const char *path, char **out, size_t *len)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t size = 0, have = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (n > 0 && have <= YAML_FILE_MAX) {
		if (have == size) {
			char *bigger = realloc(text, size = size ? size * 2 : 16384);

			if (!bigger)
				return -ENOMEM;
			text = bigger;
		}
		n = read(fd, text + have, size - have);
		if (n < 0 && errno != EINTR)
			return -errno;
		have += n > 0 ? (size_t)n : 0;
		n = n < 0 ? 1 : n;
	}
	*out = TAKE_PTR(text);
	*len = have;
	return 0;
}

int yaml_open(const char *path, struct yaml_file **out, struct error *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int err = file_read(path, &text, &len);

	if (err < 0)
		return error_set(e, err, "%s: %s", path, strerror(-err));
	return yaml_parse(path, text, len, out, e);
}

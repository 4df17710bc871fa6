// SPDX-License-Identifier: GPL-2.0-only
/*
 * `when` expressions: a recursive descent of bounded depth that writes postfix.
 *
 *	or   = and { "or" and }
 *	and  = not { "and" not }
 *	not  = "not" not | "(" or ")" | NAME
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "classify/set.h"

#define WORD_MAX 64

struct parser {
	const struct signatures *s;
	const struct yaml_file *f;
	const struct yaml_node *n;
	struct error *e;
	const char *text;
	size_t at;	     /* start of word */
	size_t end;	     /* end of word */
	char word[WORD_MAX]; /* current word; "" at the end */
	unsigned int depth;
	struct op *ops;
	size_t count, room;
};

static int parse_or(struct parser *p);

static int parser_error(const struct parser *p, const char *fmt, ...) _printf_(2, 3);
static int parser_error(const struct parser *p, const char *fmt, ...)
{
	struct yaml_node at = *p->n;
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	at.column += p->n->quoted + (unsigned int)p->at;
	return yaml_error(p->f, &at, p->e, "when: %s", text);
}

static bool word_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("._-+", c));
}

static int parser_next(struct parser *p)
{
	size_t len = 0;

	while (isspace((unsigned char)p->text[p->end]))
		p->end++;
	p->at = p->end;
	while (word_char(p->text[p->at + len]))
		len++;
	if (len == 0 && p->text[p->at])
		len = 1;
	if (len >= WORD_MAX)
		return parser_error(p, "a name of more than %d characters", WORD_MAX - 1);
	memcpy(p->word, p->text + p->at, len);
	p->word[len] = '\0';
	p->end = p->at + len;
	return 0;
}

static bool parser_is(const struct parser *p, const char *word)
{
	return strcmp(p->word, word) == 0;
}

static int emit(struct parser *p, enum op_kind kind, size_t arg)
{
	if (p->count == RULE_OPS_MAX)
		return parser_error(p, "expression is too long");
	if (list_reserve(&p->ops, &p->room, p->count, sizeof(*p->ops)) < 0)
		return -ENOMEM;
	p->ops[p->count++] = (struct op){(uint16_t)kind, (uint16_t)arg};
	return 0;
}

static const char *nearest_feature(const struct parser *p)
{
	_cleanup_free_ const char **names = calloc(p->s->feature_count + 1, sizeof(*names));

	if (!names)
		return NULL;
	for (size_t i = 0; i < p->s->feature_count; i++)
		names[i] = p->s->features[i].name;
	return text_nearest(p->word, names, p->s->feature_count);
}

static int parse_name(struct parser *p)
{
	const char *nearest;
	size_t i = 0;
	int err;

	if (!word_char(p->word[0]) || parser_is(p, "and") || parser_is(p, "or"))
		return parser_error(p, "expected a feature, found %s%s%s", p->word[0] ? "`" : "",
				    p->word[0] ? p->word : "the end", p->word[0] ? "`" : "");
	while (i < p->s->feature_count && strcmp(p->s->features[i].name, p->word) != 0)
		i++;
	nearest = i == p->s->feature_count ? nearest_feature(p) : NULL;
	if (nearest)
		return parser_error(p, "unknown feature `%s`, did you mean `%s`?", p->word,
				    nearest);
	if (i == p->s->feature_count)
		return parser_error(p, "unknown feature `%s`", p->word);
	err = emit(p, OP_FEATURE, i);
	return err < 0 ? err : parser_next(p);
}

static int parse_group(struct parser *p)
{
	size_t open = p->at;
	int err = parser_next(p);

	if (err == 0)
		err = parse_or(p);
	if (err < 0)
		return err;
	if (!parser_is(p, ")")) {
		p->at = open;
		return parser_error(p, "this `(` is not closed");
	}
	return parser_next(p);
}

static int parse_not(struct parser *p)
{
	int err;

	if (!parser_is(p, "not") && !parser_is(p, "("))
		return parse_name(p);
	if (p->depth == RULE_DEPTH_MAX)
		return parser_error(p, "nested more than %d deep", RULE_DEPTH_MAX);
	p->depth++;
	if (parser_is(p, "(")) {
		err = parse_group(p);
	} else {
		err = parser_next(p);
		if (err == 0)
			err = parse_not(p);
		if (err == 0)
			err = emit(p, OP_NOT, 0);
	}
	p->depth--;
	return err;
}

/* operand { word operand }; the jump skips further operands once one has the value that `jump`
 * tests. */
static int parse_chain(struct parser *p, const char *word, int (*operand)(struct parser *p),
		       enum op_kind jump, enum op_kind op)
{
	int err = operand(p);

	while (err == 0 && parser_is(p, word)) {
		size_t from = p->count;

		err = parser_next(p);
		if (err == 0)
			err = emit(p, jump, 0);
		if (err == 0)
			err = operand(p);
		if (err == 0)
			err = emit(p, op, 0);
		if (err == 0)
			p->ops[from].arg = (uint16_t)p->count;
	}
	return err;
}

static int parse_and(struct parser *p)
{
	return parse_chain(p, "and", parse_not, OP_JUMP_FALSE, OP_AND);
}

static int parse_or(struct parser *p)
{
	return parse_chain(p, "or", parse_and, OP_JUMP_TRUE, OP_OR);
}

/* Appends the compiled expression as a rule with the fields of *like. */
static int parser_finish(struct parser *p, struct signatures *s, const struct rule *like)
{
	struct rule rule = *like;

	if (s->rule_count == SET_RULES_MAX)
		return yaml_error(p->f, p->n, p->e, "more than %d rules", SET_RULES_MAX);
	if (list_reserve(&s->rules, &s->rule_room, s->rule_count, sizeof(rule)) < 0)
		return -ENOMEM;
	rule.order = (uint16_t)s->rule_count;
	rule.place = place_of(s, p->n);
	for (size_t i = 0; i < p->count; i++)
		rule.negates |= p->ops[i].kind == OP_NOT;
	rule.ops = TAKE_PTR(p->ops);
	rule.count = (uint16_t)p->count;
	p->count = p->room = 0;
	s->rules[s->rule_count++] = rule;
	return 0;
}

/*
 * One expression: and { "or" and }. Each alternative becomes a rule of its own, so that the index
 * can separate them.
 */
static int parse_text(struct parser *p, const struct yaml_node *n, struct signatures *s,
		      const struct rule *like)
{
	int err = yaml_string(p->f, n, "when", &p->text, p->e);
	bool more = true;

	p->n = n;
	p->end = 0;
	while (err == 0 && more) {
		err = parser_next(p);
		if (err == 0)
			err = parse_and(p);
		more = err == 0 && parser_is(p, "or");
		if (err == 0 && !more && p->word[0])
			err = parser_error(p, "expected `and` or `or`, found `%s`", p->word);
		if (err == 0)
			err = parser_finish(p, s, like);
	}
	return err;
}

int rules_compile(struct signatures *s, const struct yaml_file *f, const struct yaml_node *n,
		  const struct rule *like, struct error *e)
{
	struct parser p = {.s = s, .f = f, .n = n, .e = e};
	bool list = n->kind == YAML_SEQUENCE;
	int err = 0;

	if (list && n->count == 0)
		return yaml_error(f, n, e, "when: an empty list");
	for (size_t i = 0; i < (list ? n->count : 1) && err == 0; i++)
		err = parse_text(&p, list ? n->items[i] : n, s, like);
	free(p.ops);
	return err;
}

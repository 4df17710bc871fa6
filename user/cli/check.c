// SPDX-License-Identifier: GPL-2.0-only
/* weir signatures check: what is wrong with a set that loads, and what its features say of one
 * another. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/signatures_parts.h"

static const struct {
	enum review_kind kind;
	const char *before, *after; /* around the name */
} warnings[] = {
	{REVIEW_FEATURE_NEVER, "feature `",
	 "` can never match: its conditions contradict one another"},
	{REVIEW_RULE_NEVER, "rule of `", "` can never be true: its features exclude one another"},
	{REVIEW_RULE_SHADOWED, "rule of `",
	 "` never wins: wherever it is true, so is a surer rule of"},
	{REVIEW_APPLICATION, "application `", "` can never be the answer"},
	{REVIEW_UNUSED, "feature `", "` is used by no rule"},
};

/* Relations come one by one, those of a feature in a row. */
struct printer {
	enum review_kind kind;
	const char *subject;
};

static void print_relation(struct printer *p, const struct review_note *n)
{
	bool same = p->subject == n->subject && p->kind == n->kind;

	if (p->subject && !same)
		putchar('\n');
	if (same)
		printf(", %s", n->other);
	else
		printf("%s %s %s", n->subject, review_kind_name(n->kind), n->other);
	p->kind = n->kind;
	p->subject = n->subject;
}

static void print_note(void *arg, const struct review_note *n)
{
	if (n->kind == REVIEW_IMPLIES || n->kind == REVIEW_EXCLUDES) {
		print_relation(arg, n);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(warnings); i++)
		if (warnings[i].kind == n->kind)
			printf("%s:%u:%u: warning: %s%s%s", n->file, n->line, n->column,
			       warnings[i].before, n->subject, warnings[i].after);
	printf(n->other ? " `%s`\n" : "\n", n->other);
}

int cli_signatures_print(const struct signatures *s)
{
	struct printer p = {.subject = NULL};
	int err = signatures_review(s, print_note, &p);

	if (p.subject)
		putchar('\n');
	return err;
}

struct lists {
	json_t *warnings, *relations[2];
};

static void add_note(void *arg, const struct review_note *n)
{
	struct lists *l = arg;
	json_t *object;

	if (n->kind == REVIEW_IMPLIES || n->kind == REVIEW_EXCLUDES) {
		json_t *relations = l->relations[n->kind == REVIEW_EXCLUDES];
		json_t *others = json_object_get(relations, n->subject);

		if (!others) {
			others = json_array();
			json_object_set_new(relations, n->subject, others);
		}
		json_array_append_new(others, json_string(n->other));
		return;
	}
	object =
		json_pack("{ss si si ss ss}", "file", n->file, "line", (int)n->line, "column",
			  (int)n->column, "kind", review_kind_name(n->kind), "subject", n->subject);
	if (n->other)
		json_object_set_new(object, "other", json_string(n->other));
	json_array_append_new(l->warnings, object);
}

int cli_signatures_add(const struct signatures *s, json_t *document)
{
	struct lists l = {json_array(), {json_object(), json_object()}};
	int err = signatures_review(s, add_note, &l);

	json_object_set_new(document, "warnings", l.warnings);
	json_object_set_new(document, "implies", l.relations[0]);
	json_object_set_new(document, "excludes", l.relations[1]);
	return err;
}

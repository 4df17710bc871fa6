// SPDX-License-Identifier: GPL-2.0-only
/* Rules by port: a table of pages of 256 ports; all pages without a rule share one. */
#include <string.h>

#include "classify/index.h"

#define PAGE_PORTS 256

struct entry {
	uint16_t port, rule;
};

struct l4port_index {
	struct entry *entries; /* (port, rule) pairs collected before l4port_index_finish() */
	size_t count, room;
	uint16_t page[UINT16_MAX / PAGE_PORTS + 1];
	uint32_t *starts; /* first index into rules of each port of each page, and the end of the
			     last */
	struct candidate *rules;
};

struct l4port_index *l4port_index_new(void)
{
	return calloc(1, sizeof(struct l4port_index));
}

void l4port_index_free(struct l4port_index *x)
{
	if (!x)
		return;
	free(x->entries);
	free(x->starts);
	free(x->rules);
	free(x);
}

int l4port_index_add(struct l4port_index *x, const struct ranges *ports, uint16_t rule)
{
	for (size_t i = 0; i < ports->count; i++)
		for (uint32_t p = ports->list[i].min; p <= ports->list[i].max && p <= UINT16_MAX;
		     p++) {
			if (list_reserve(&x->entries, &x->room, x->count, sizeof(*x->entries)) < 0)
				return -ENOMEM;
			x->entries[x->count++] = (struct entry){(uint16_t)p, rule};
		}
	return 0;
}

/* Page 0 is the page without rules. */
static size_t pages_assign(struct l4port_index *x)
{
	size_t pages = 1;

	for (size_t i = 0; i < x->count; i++) {
		uint16_t *page = &x->page[x->entries[i].port / PAGE_PORTS];

		if (*page == 0)
			*page = (uint16_t)pages++;
	}
	return pages;
}

static uint32_t *cell(const struct l4port_index *x, uint16_t port)
{
	return &x->starts[x->page[port / PAGE_PORTS] * PAGE_PORTS + port % PAGE_PORTS];
}

int l4port_index_finish(struct l4port_index *x, const struct signatures *s,
			const struct shape *shapes)
{
	size_t cells = pages_assign(x) * PAGE_PORTS;
	struct position_set none = {{0}};
	uint32_t sum = 0;

	x->starts = calloc(cells + 1, sizeof(*x->starts));
	x->rules = calloc(x->count + 1, sizeof(*x->rules));
	if (!x->starts || !x->rules)
		return -ENOMEM;
	for (size_t i = 0; i < x->count; i++)
		++*cell(x, x->entries[i].port);
	for (size_t i = 0; i <= cells; i++) {
		uint32_t count = x->starts[i];

		x->starts[i] = sum;
		sum += count;
	}
	/* Each rule advances its port's start; afterwards every start is that of the next port. */
	for (size_t i = 0; i < x->count; i++) {
		uint16_t rule = x->entries[i].rule;

		candidate_make(&shapes[rule], &s->rules[rule], rule, &none,
			       &x->rules[(*cell(x, x->entries[i].port))++]);
	}
	memmove(x->starts + 1, x->starts, cells * sizeof(*x->starts));
	x->starts[0] = 0;
	free(x->entries);
	x->entries = NULL;
	return 0;
}

struct rule_list l4port_index_find(const struct l4port_index *x, uint16_t port)
{
	const uint32_t *start = cell(x, port);

	return (struct rule_list){x->rules + start[0], start[1] - start[0], false};
}

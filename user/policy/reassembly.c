// SPDX-License-Identifier: GPL-2.0-only
/* `reassembly:`: what is kept of TCP streams, and whether segments out of order wait. */
#include "policy/draft.h"

#define MS 1000000ULL

struct amount {
	const char *key, *expected;
	uint64_t min, max;
	size_t offset; /* of a uint64_t in struct policy */
	int (*parse)(const char *text, uint64_t *out);
};

static const struct amount amounts[] = {
	{"flow", "a size from 4KiB to 1MiB", 4 << 10, 1 << 20,
	 offsetof(struct policy, reassembly_flow), size_parse},
	{"total", "a size from 1MiB to 16GiB", 1 << 20, 16ULL << 30,
	 offsetof(struct policy, reassembly_total), size_parse},
	{"hold", "a time from 10ms to 5s", 10 * MS, 5000 * MS,
	 offsetof(struct policy, reassembly_hold_ns), duration_parse},
};

static int amount_read(struct draft *d, const struct yaml_node *mapping, const struct amount *a)
{
	const struct yaml_node *n = yaml_get(mapping, a->key);
	const char *text = NULL;
	uint64_t value = 0;
	int err = n ? yaml_string(d->file, n, a->key, &text, d->e) : 0;

	if (!n || err < 0)
		return err;
	if (a->parse(text, &value) < 0 || value < a->min || value > a->max)
		return draft_error(d, n, "%s: expected %s, found `%.64s`", a->key, a->expected,
				   text);
	*(uint64_t *)((char *)d->policy + a->offset) = value;
	return 0;
}

int draft_read_reassembly(struct draft *d, const struct yaml_node *root)
{
	static const char *const known[] = {"flow", "total", "hold", "fast_pass", "follow", NULL};
	static const char *const readers[] = {"modules", "all"};
	const struct yaml_node *n = yaml_get(root, "reassembly");
	const struct yaml_node *fast_pass = yaml_get(n, "fast_pass");
	const struct yaml_node *follow = yaml_get(n, "follow");
	struct policy *p = d->policy;
	unsigned int choice = 0;
	bool fast = true;
	int err = n ? draft_mapping(d, n, "reassembly", known) : 0;

	p->reassembly_flow = 64 << 10;
	p->reassembly_total = 64 << 20;
	p->reassembly_hold_ns = 1000 * MS;
	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(amounts); i++)
		err = amount_read(d, n, &amounts[i]);
	if (err == 0 && fast_pass)
		err = yaml_bool(d->file, fast_pass, "fast_pass", &fast, d->e);
	if (err == 0 && follow)
		err = draft_choice(d, follow, "follow", readers, ARRAY_SIZE(readers), &choice);
	p->hold_out_of_order = !fast;
	p->follow_all = choice == 1;
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address classes: two addresses are of one class when the same groups and rule prefixes contain
 * them. The kernel finds one prefix, the longest; so each carries what its enclosing ones say.
 */
#include <arpa/inet.h>

#include "policy/class_key.h"
#include "policy/draft.h"

#define V4_BITS 96 /* ::ffff:0:0/96 */

static int prefix_compare(const void *a, const void *b)
{
	const struct draft_prefix *x = a, *y = b;

	return class_key_compare(&x->key, &y->key);
}

/* A prefix on the path from the outermost to the one at hand. */
struct enclosing {
	struct weir_class_key key;
	struct bits atoms;
};

/* The number of a set of atoms, new when none has it yet. */
static int class_of(struct draft *d, const struct bits *atoms, uint32_t *out)
{
	struct policy *p = d->policy;

	for (uint32_t i = 0; i < p->class_ids; i++) {
		if (memcmp(&d->class_atoms[i], atoms, sizeof(*atoms)))
			continue;
		*out = i;
		return 0;
	}
	if (p->class_ids == WEIR_CLASSES_MAX)
		return draft_error(d, yaml_get(yaml_root(d->file), "groups"),
				   "groups and prefixes overlap in more than %u different ways",
				   WEIR_CLASSES_MAX - 1);
	d->class_atoms[p->class_ids] = *atoms;
	*out = p->class_ids++;
	return 0;
}

/* Takes all entries of one prefix from *at on, and gives it its class. */
static int class_add(struct draft *d, size_t *at, struct enclosing *path, unsigned int *depth)
{
	struct enclosing *here;
	struct policy_class *out = &d->policy->classes[d->policy->class_count];
	struct weir_class_key key = d->prefixes[*at].key;
	int err;

	while (*depth && !class_key_contains(&path[*depth - 1].key, &key))
		(*depth)--;
	here = &path[*depth];
	*here = (struct enclosing){.key = key};
	if (*depth && class_key_inherits(&path[*depth - 1].key, &key))
		here->atoms = path[*depth - 1].atoms;
	(*depth)++;
	for (; *at < d->prefix_count && class_key_compare(&d->prefixes[*at].key, &key) == 0;
	     (*at)++)
		if (d->prefixes[*at].atom < DRAFT_ATOMS_MAX)
			bits_set(&here->atoms, d->prefixes[*at].atom);
	err = class_of(d, &here->atoms, &out->class);
	if (err < 0)
		return err;
	out->key = key;
	d->policy->class_count++;
	return 0;
}

/* With an IPv6 prefix around ::ffff:0:0/96 the table needs that prefix itself, so that the longest
 * match of an IPv4 address is never the IPv6 one. */
static int v4_root_add(struct draft *d)
{
	struct draft_prefix root = {.key.prefixlen = V4_BITS, .atom = DRAFT_ATOMS_MAX};
	bool needed = false;

	root.key.addr[2] = htonl(0xffff);
	for (size_t i = 0; i < d->prefix_count; i++)
		needed |= d->prefixes[i].key.prefixlen < V4_BITS;
	if (!needed)
		return 0;
	if (d->prefix_count == d->prefix_room) {
		void *bigger = reallocarray(d->prefixes, d->prefix_room + 1, sizeof(root));

		if (!bigger)
			return draft_memory(d);
		d->prefixes = bigger;
		d->prefix_room++;
	}
	d->prefixes[d->prefix_count++] = root;
	return 0;
}

int draft_compile_classes(struct draft *d)
{
	struct policy *p = d->policy;
	_cleanup_free_ struct enclosing *path = NULL;
	unsigned int depth = 0;
	int err = v4_root_add(d);

	if (err < 0)
		return err;
	/* At most one enclosing prefix of each length 0 to 128. */
	path = calloc(129, sizeof(*path));
	d->class_atoms = calloc(WEIR_CLASSES_MAX, sizeof(*d->class_atoms));
	p->classes = calloc(d->prefix_count + 1, sizeof(*p->classes));
	if (!path || !d->class_atoms || !p->classes)
		return draft_memory(d);
	if (d->prefix_count)
		qsort(d->prefixes, d->prefix_count, sizeof(*d->prefixes), prefix_compare);
	p->class_ids = 1;
	for (size_t at = 0; err == 0 && at < d->prefix_count;)
		err = class_add(d, &at, path, &depth);
	return err;
}

static int class_compare(const void *key, const void *entry)
{
	return class_key_compare(key, &((const struct policy_class *)entry)->key);
}

uint32_t policy_class(const struct policy *p, const uint32_t addr[4])
{
	struct weir_class_key key = {.prefixlen = 128};
	const struct policy_class *found;

	if (!p->class_count)
		return 0;
	memcpy(key.addr, addr, sizeof(key.addr));
	for (;; key.prefixlen--) {
		found = bsearch(&key, p->classes, p->class_count, sizeof(*p->classes),
				class_compare);
		if (found)
			return found->class;
		if (key.prefixlen == 0)
			return 0;
		/* The bit that the next shorter prefix no longer has. */
		key.addr[(key.prefixlen - 1) / 32] &=
			~htonl(0x80000000u >> ((key.prefixlen - 1) % 32));
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks to what the gate looks up: the prefixes of all blocks, each with a number, and for each
 * block an element for every prefix that lies in its own. Prefixes either contain one another or
 * share no address, so the longest one that contains an address stands for all that do.
 */
#include <arpa/inet.h>
#include <string.h>

#include "policy/class_key.h"
#include "policy/policy.h"

#define V4_BITS 96

struct list {
	struct policy_blocks *out;
	size_t room;
};

static int prefix_compare(const void *a, const void *b)
{
	const struct policy_class *x = a, *y = b;

	return class_key_compare(&x->key, &y->key);
}

static void prefix_add(struct policy_blocks *out, const uint32_t addr[4], unsigned int bits)
{
	struct policy_class *p = &out->prefixes[out->prefix_count++];

	*p = (struct policy_class){.key.prefixlen = bits};
	memcpy(p->key.addr, addr, sizeof(p->key.addr));
}

/* Going outwards from the last prefix before an address, the first that contains it: its number. */
static uint32_t around(const struct policy_blocks *b, uint32_t number,
		       const struct weir_class_key *key)
{
	while (number && !class_key_contains(&b->prefixes[number - 1].key, key))
		number = b->outer[number - 1];
	return number;
}

static int outer_make(struct policy_blocks *out)
{
	out->outer = calloc(out->prefix_count + 1, sizeof(*out->outer));
	if (!out->outer)
		return -ENOMEM;
	for (uint32_t i = 1; i < out->prefix_count; i++)
		out->outer[i] = around(out, i, &out->prefixes[i].key);
	return 0;
}

/* All prefixes, each once, in order and numbered. */
static int prefixes_make(const struct policy_block *list, size_t count, struct policy_blocks *out)
{
	const uint32_t v4[4] = {0, 0, htonl(0xffff), 0};
	size_t kept = 0;
	bool wide = false;

	out->prefixes = calloc(2 * count + 1, sizeof(*out->prefixes));
	if (!out->prefixes)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct weir_block *b = &list[i].block;

		prefix_add(out, b->from, b->from_bits);
		wide |= b->from_bits < V4_BITS;
		if (b->to_bits == WEIR_BLOCK_ONE_SIDE)
			continue;
		prefix_add(out, b->to, b->to_bits);
		wide |= b->to_bits < V4_BITS;
	}
	/* ::/0 is IPv6 alone, but the kernel's table finds it for IPv4 too. */
	if (wide)
		prefix_add(out, v4, V4_BITS);
	if (out->prefix_count)
		qsort(out->prefixes, out->prefix_count, sizeof(*out->prefixes), prefix_compare);
	for (size_t i = 0; i < out->prefix_count; i++)
		if (!kept || prefix_compare(&out->prefixes[kept - 1], &out->prefixes[i]))
			out->prefixes[kept++] = out->prefixes[i];
	out->prefix_count = kept;
	for (size_t i = 0; i < kept; i++)
		out->prefixes[i].class = (uint32_t)i + 1;
	return outer_make(out);
}

/* Prefixes from *first on that lie in this one; they stand behind each other. */
static size_t inside_of(const struct policy_blocks *out, const uint32_t addr[4], unsigned int bits,
			size_t *first)
{
	struct policy_class key = {.key.prefixlen = bits};
	const struct policy_class *found;
	size_t end;

	memcpy(key.key.addr, addr, sizeof(key.key.addr));
	found = bsearch(&key, out->prefixes, out->prefix_count, sizeof(key), prefix_compare);
	*first = end = (size_t)(found - out->prefixes);
	while (end < out->prefix_count && class_key_contains(&key.key, &out->prefixes[end].key))
		end++;
	return end;
}

/* Whether people mean it too. */
static bool is_meant(const struct policy_blocks *out, size_t outer, size_t inner)
{
	return class_key_inherits(&out->prefixes[outer].key, &out->prefixes[inner].key);
}

static int entry_add(struct list *l, uint32_t from, uint32_t to, const struct policy_block *b)
{
	struct policy_blocks *out = l->out;

	if (out->count == POLICY_BLOCK_ENTRIES_MAX)
		return -E2BIG;
	if (out->count == l->room) {
		size_t room = l->room ? l->room * 2 : 256;
		void *bigger = reallocarray(out->entries, room, sizeof(*out->entries));

		if (!bigger)
			return -ENOMEM;
		out->entries = bigger;
		l->room = room;
	}
	out->entries[out->count++] = (struct policy_block_entry){
		.key = {.from = from, .to = to, .port = b->block.port, .app = b->block.app},
		.expires_ns = b->expires_ns,
	};
	return 0;
}

static int pair_add(struct list *l, size_t outer, size_t from, const struct policy_block *b)
{
	const struct policy_blocks *out = l->out;
	size_t first, end;
	int err = 0;

	if (b->block.to_bits == WEIR_BLOCK_ONE_SIDE)
		return entry_add(l, out->prefixes[from].class, WEIR_BLOCK_EITHER, b);
	end = inside_of(out, b->block.to, b->block.to_bits, &first);
	for (size_t to = first; err == 0 && to < end; to++)
		if (is_meant(out, first, to))
			err = entry_add(l, out->prefixes[from].class, out->prefixes[to].class, b);
	return err;
}

static int entry_compare(const void *a, const void *b)
{
	const struct policy_block_entry *x = a, *y = b;
	int order = memcmp(&x->key, &y->key, sizeof(x->key));

	if (order)
		return order;
	/* The one that lasts longest first; 0: for good. */
	return (x->expires_ns - 1 < y->expires_ns - 1) - (x->expires_ns - 1 > y->expires_ns - 1);
}

static void entries_merge(struct policy_blocks *out)
{
	size_t kept = 0;

	if (out->count)
		qsort(out->entries, out->count, sizeof(*out->entries), entry_compare);
	for (size_t i = 0; i < out->count; i++)
		if (!kept || memcmp(&out->entries[kept - 1].key, &out->entries[i].key,
				    sizeof(out->entries[i].key)))
			out->entries[kept++] = out->entries[i];
	out->count = kept;
}

void policy_blocks_fini(struct policy_blocks *b)
{
	free(b->prefixes);
	free(b->outer);
	free(b->entries);
	*b = (struct policy_blocks){0};
}

int policy_blocks_compile(const struct policy_block *list, size_t count, struct policy_blocks *out)
{
	struct policy_blocks made = {0};
	struct list l = {.out = &made};
	int err = prefixes_make(list, count, &made);

	for (size_t i = 0; err == 0 && i < count; i++) {
		const struct weir_block *b = &list[i].block;
		size_t first, end = inside_of(&made, b->from, b->from_bits, &first);

		for (size_t from = first; err == 0 && from < end; from++)
			if (is_meant(&made, first, from))
				err = pair_add(&l, first, from, &list[i]);
	}
	if (err < 0) {
		policy_blocks_fini(&made);
		return err;
	}
	entries_merge(&made);
	*out = made;
	return 0;
}

/* Number of the longest prefix that contains the address; 0: none does. */
static uint32_t prefix_of(const struct policy_blocks *b, const uint32_t addr[4])
{
	struct policy_class host = {.key.prefixlen = 128};
	size_t low = 0, high = b->prefix_count;

	memcpy(host.key.addr, addr, sizeof(host.key.addr));
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (prefix_compare(&b->prefixes[middle], &host) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return around(b, (uint32_t)low, &host.key);
}

static int key_compare(const void *key, const void *entry)
{
	return memcmp(key, &((const struct policy_block_entry *)entry)->key,
		      sizeof(struct weir_block_key));
}

/* Of the elements of two prefixes, for every port or this one, of any application or this one. */
static uint64_t pair_until(const struct policy_blocks *b, uint32_t from, uint32_t to, __be16 port,
			   uint16_t app)
{
	uint64_t until = 0;

	for (unsigned int i = 0; i < 4; i++) {
		const struct weir_block_key key = {
			.from = from,
			.to = to,
			.port = i & 1 ? port : 0,
			.app = i & 2 ? app : WEIR_BLOCK_ANY_APP,
		};
		const struct policy_block_entry *e =
			bsearch(&key, b->entries, b->count, sizeof(*e), key_compare);

		if (e && !e->expires_ns)
			return UINT64_MAX;
		if (e && e->expires_ns > until)
			until = e->expires_ns;
	}
	return until;
}

uint64_t policy_blocks_until(const struct policy_blocks *b, const struct weir_flow_key *key,
			     unsigned int origin, uint16_t app)
{
	uint32_t side[2] = {0, 0};
	uint64_t until = 0, other;

	if (!b->count)
		return 0;
	for (unsigned int i = 0; i < 2; i++) {
		side[i] = prefix_of(b, key->addr[i]);
		other = side[i] ? pair_until(b, side[i], WEIR_BLOCK_EITHER, key->port[i], app) : 0;
		until = other > until ? other : until;
	}
	if (!side[0] || !side[1])
		return until;
	other = pair_until(b, side[origin], side[!origin], key->port[!origin], app);
	return other > until ? other : until;
}

static bool prefix_has(const uint32_t addr[4], unsigned int bits, const uint32_t host[4])
{
	struct weir_class_key outer = {.prefixlen = bits}, inner = {.prefixlen = 128};

	memcpy(outer.addr, addr, sizeof(outer.addr));
	memcpy(inner.addr, host, sizeof(inner.addr));
	return class_key_contains(&outer, &inner) && class_key_inherits(&outer, &inner);
}

bool policy_block_means(const struct weir_block *b, const struct weir_flow_key *key,
			unsigned int origin, uint16_t app)
{
	if (b->app != WEIR_BLOCK_ANY_APP && b->app != app)
		return false;
	if (b->to_bits != WEIR_BLOCK_ONE_SIDE)
		return prefix_has(b->from, b->from_bits, key->addr[origin]) &&
		       prefix_has(b->to, b->to_bits, key->addr[!origin]) &&
		       (!b->port || b->port == key->port[!origin]);
	for (unsigned int side = 0; side < 2; side++)
		if (prefix_has(b->from, b->from_bits, key->addr[side]) &&
		    (!b->port || b->port == key->port[side]))
			return true;
	return false;
}

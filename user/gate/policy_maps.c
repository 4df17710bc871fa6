// SPDX-License-Identifier: GPL-2.0-only
/* A policy generation: inner maps are made and filled beside those in use, put into the unused slot
 * of the outer maps, and activated by one store. */
#include <string.h>

#include "gate/gate_private.h"

#define BATCH 4096

/* Inner arrays of several sizes fit one outer map only with this flag. */
static int inner_array(const char *name, uint32_t value_bytes, uint32_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP);

	return bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), value_bytes, entries ?: 1,
			      &opts);
}

static int inner_trie(const char *name, uint32_t key_bytes, uint32_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);

	return bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, name, key_bytes, sizeof(uint32_t),
			      entries ?: 1, &opts);
}

/* Batches where the kernel has them for arrays (5.6), else one by one. */
static int array_fill(int fd, const void *values, uint32_t value_bytes, uint32_t count)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	_cleanup_free_ uint32_t *keys = calloc(BATCH, sizeof(*keys));
	bool batch = true;

	if (!keys)
		return -ENOMEM;
	for (uint32_t base = 0; base < count; base += BATCH) {
		uint32_t n = count - base < BATCH ? count - base : BATCH, done = n;
		const char *chunk = (const char *)values + (size_t)base * value_bytes;

		for (uint32_t i = 0; i < n; i++)
			keys[i] = base + i;
		if (batch && bpf_map_update_batch(fd, keys, chunk, &done, &opts))
			batch = false;
		for (uint32_t i = 0; !batch && i < n; i++)
			if (bpf_map_update_elem(fd, &keys[i], chunk + (size_t)i * value_bytes,
						BPF_ANY))
				return -errno;
	}
	return 0;
}

static int classes_make(const struct policy *p, int *out)
{
	_cleanup_close_ int fd =
		inner_trie("weir_class", sizeof(struct weir_class_key), p->class_count);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < p->class_count; i++)
		if (bpf_map_update_elem(fd, &p->classes[i].key, &p->classes[i].class, BPF_ANY))
			return -errno;
	*out = TAKE_FD(fd);
	return 0;
}

static int block_trie_make(const struct policy_blocks *b, int *out)
{
	_cleanup_close_ int fd = inner_trie("weir_block_trie", sizeof(struct weir_class_key),
					    (uint32_t)b->prefix_count);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < b->prefix_count; i++)
		if (bpf_map_update_elem(fd, &b->prefixes[i].key, &b->prefixes[i].class, BPF_ANY))
			return -errno;
	*out = TAKE_FD(fd);
	return 0;
}

static int block_set_make(const struct policy_blocks *b, int *out)
{
	_cleanup_close_ int fd =
		bpf_map_create(BPF_MAP_TYPE_HASH, "weir_block_set", sizeof(struct weir_block_key),
			       sizeof(uint64_t), b->count ? (uint32_t)b->count : 1, NULL);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < b->count; i++)
		if (bpf_map_update_elem(fd, &b->entries[i].key, &b->entries[i].expires_ns, BPF_ANY))
			return -errno;
	*out = TAKE_FD(fd);
	return 0;
}

static int macs_make(const struct policy *p, int *out)
{
	_cleanup_close_ int fd =
		inner_trie("weir_mac_trait", sizeof(struct weir_mac_trait_key), p->mac_count);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < p->mac_count; i++)
		if (bpf_map_update_elem(fd, &p->macs[i].key, &p->macs[i].traits, BPF_ANY))
			return -errno;
	*out = TAKE_FD(fd);
	return 0;
}

static int array_make(const char *name, const void *values, uint32_t value_bytes, uint64_t count,
		      int *out)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (count > UINT32_MAX)
		return -E2BIG;
	fd = inner_array(name, value_bytes, count);
	if (fd < 0)
		return fd;
	r = array_fill(fd, values, value_bytes, count);
	if (!r)
		*out = TAKE_FD(fd);
	return r;
}

static int rule_hits_clear(struct gate *g, uint32_t slot)
{
	_cleanup_free_ uint64_t *zero = calloc(g->cpus, sizeof(*zero));

	if (!zero)
		return -ENOMEM;
	for (uint32_t i = 0; i <= WEIR_RULES_MAX; i++) {
		uint32_t index = slot * (WEIR_RULES_MAX + 1) + i;

		if (bpf_map_update_elem(g->maps[GATE_MAP_RULE_HITS], &index, zero, BPF_ANY))
			return -errno;
	}
	return 0;
}

static int slot_put(struct gate *g, enum gate_map outer, uint32_t slot, int inner)
{
	return bpf_map_update_elem(g->maps[outer], &slot, &inner, BPF_ANY) ? -errno : 0;
}

/* Generation 0 means "none" and is stepped over, keeping the slot it would have had. */
static uint32_t generation_after(uint32_t generation, uint32_t step)
{
	return generation + step ?: 2;
}

/* The maps of a generation; outer: the map that each belongs in. */
static const enum gate_map outer[] = {GATE_MAP_CLASSES, GATE_MAP_RULE_SETS, GATE_MAP_RULES,
				      GATE_MAP_TRAITS, GATE_MAP_MAC_TRAITS};
struct generation {
	int fd[ARRAY_SIZE(outer)];
};

static void generation_close(struct generation *n)
{
	for (size_t i = 0; i < ARRAY_SIZE(outer); i++)
		util_closep(&n->fd[i]);
}

static int generation_make(const struct policy *p, struct generation *n)
{
	int r = classes_make(p, &n->fd[0]);

	if (!r)
		r = array_make("weir_rule_set", p->sets, sizeof(*p->sets),
			       WEIR_SETS_COUNT(p->class_ids), &n->fd[1]);
	if (!r)
		r = array_make("weir_rule", p->compiled, sizeof(*p->compiled), p->rule_count + 1,
			       &n->fd[2]);
	if (!r)
		r = array_make("weir_trait", p->traits, sizeof(*p->traits), p->trait_count,
			       &n->fd[3]);
	return r ? r : macs_make(p, &n->fd[4]);
}

static int slot_fill(struct gate *g, uint32_t slot, const struct generation *n)
{
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(outer); i++)
		r = slot_put(g, outer[i], slot, n->fd[i]);
	return r ? r : rule_hits_clear(g, slot);
}

int gate_stage_policy(struct gate *g, struct policy *p)
{
	_cleanup_(generation_close) struct generation n = {.fd = {-1, -1, -1, -1, -1}};
	uint32_t next;
	int r = generation_make(p, &n);

	if (r)
		return r;
	pthread_mutex_lock(&g->generation_lock);
	next = generation_after(g->ctl->generation, 1);
	r = slot_fill(g, next & 1, &n);
	pthread_mutex_unlock(&g->generation_lock);
	if (!r)
		p->generation = next;
	return r;
}

void gate_switch_policy(struct gate *g, const struct policy *p)
{
	pthread_mutex_lock(&g->generation_lock);
	__atomic_store_n(&g->ctl->loaded, p->generation, __ATOMIC_RELAXED);
	/* Whoever sees the generation sees its tables. */
	__atomic_store_n(&g->ctl->generation, p->generation, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&g->generation_lock);
}

int gate_load_policy(struct gate *g, struct policy *p, uint32_t *generation)
{
	int r = gate_stage_policy(g, p);

	if (r)
		return r;
	gate_switch_policy(g, p);
	*generation = p->generation;
	return 0;
}

void gate_redecide(struct gate *g)
{
	pthread_mutex_lock(&g->generation_lock);
	if (g->ctl->generation)
		__atomic_store_n(&g->ctl->generation, generation_after(g->ctl->generation, 2),
				 __ATOMIC_RELEASE);
	pthread_mutex_unlock(&g->generation_lock);
}

int gate_read_trait_ids(struct gate *g, uint64_t ids[WEIR_USER_TRAITS])
{
	for (uint32_t i = 0; i < WEIR_USER_TRAITS; i++)
		if (bpf_map_lookup_elem(g->maps[GATE_MAP_TRAIT_IDS], &i, &ids[i]))
			return -errno;
	return 0;
}

int gate_write_trait_ids(struct gate *g, const uint64_t ids[WEIR_USER_TRAITS])
{
	for (uint32_t i = 0; i < WEIR_USER_TRAITS; i++)
		if (bpf_map_update_elem(g->maps[GATE_MAP_TRAIT_IDS], &i, &ids[i], BPF_ANY))
			return -errno;
	return 0;
}

int gate_load_blocks(struct gate *g, const struct policy_blocks *b)
{
	uint32_t flags = g->ctl->flags, slot = flags & WEIR_CTL_BLOCKS_SLOT ? 0 : 1;
	_cleanup_close_ int trie = -1, set = -1;
	int r = block_trie_make(b, &trie);

	if (!r)
		r = block_set_make(b, &set);
	if (!r)
		r = slot_put(g, GATE_MAP_BLOCK_TRIES, slot, trie);
	if (!r)
		r = slot_put(g, GATE_MAP_BLOCK_SETS, slot, set);
	if (r)
		return r;
	flags &= ~(WEIR_CTL_BLOCKS | WEIR_CTL_BLOCKS_SLOT);
	flags |= (b->count ? WEIR_CTL_BLOCKS : 0) | (slot ? WEIR_CTL_BLOCKS_SLOT : 0);
	__atomic_store_n(&g->ctl->flags, flags, __ATOMIC_RELEASE);
	return 0;
}

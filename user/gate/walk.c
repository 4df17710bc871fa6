// SPDX-License-Identifier: GPL-2.0-only
/* Walks over tables that the gate changes meanwhile: an entry that moves may be missed or seen
 * twice, and the walk ends. */
#include <string.h>

#include "gate/gate_private.h"

#define CHUNK 4096

struct walk {
	int fd;
	size_t key_bytes, value_bytes;
	/* Returns false to stop. */
	bool (*fn)(const void *key, const void *value, void *arg);
	void *arg;
	uint32_t entries;
};

static bool hand_out(const struct walk *w, const char *keys, const char *values, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!w->fn(keys + i * w->key_bytes, values + i * w->value_bytes, w->arg))
			return false;
	return true;
}

/* 0, a negative errno, or 1 where the kernel has no batches for this map (before 5.6). */
static int walk_batches(const struct walk *w)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	_cleanup_free_ char *keys = calloc(CHUNK, w->key_bytes);
	_cleanup_free_ char *values = calloc(CHUNK, w->value_bytes);
	uint64_t position = 0; /* a hash map's takes 4 bytes, a generic one's a key */
	bool first = true;
	int r = 0;

	if (!keys || !values)
		return -ENOMEM;
	while (!r) {
		uint32_t count = CHUNK;

		r = bpf_map_lookup_batch(w->fd, first ? NULL : &position, &position, keys, values,
					 &count, &opts);
		if (r && r != -ENOENT)
			return first ? 1 : r;
		if (!hand_out(w, keys, values, count))
			return 0;
		first = false;
	}
	return 0;
}

static int walk_keys(const struct walk *w)
{
	_cleanup_free_ char *key = calloc(2, w->key_bytes);
	_cleanup_free_ char *value = calloc(1, w->value_bytes);
	char *next;
	uint32_t left = w->entries;
	bool first = true;

	if (!key || !value)
		return -ENOMEM;
	next = key + w->key_bytes;
	/* A key that is evicted under the walk makes it start over: the count bounds that. */
	while (left-- && !bpf_map_get_next_key(w->fd, first ? NULL : key, next)) {
		if (!bpf_map_lookup_elem(w->fd, next, value) && !w->fn(next, value, w->arg))
			return 0;
		memcpy(key, next, w->key_bytes);
		first = false;
	}
	return 0;
}

int gate_walk(int fd, bool (*fn)(const void *key, const void *value, void *arg), void *arg)
{
	struct walk w = {.fd = fd, .fn = fn, .arg = arg};
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	int r;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	w.key_bytes = info.key_size;
	w.value_bytes = info.value_size;
	w.entries = info.max_entries;
	r = walk_batches(&w);
	return r == 1 ? walk_keys(&w) : r;
}

struct flow_walk {
	bool (*fn)(const struct weir_flow_key *, const struct weir_flow *, void *);
	void *arg;
};

static bool flow_entry(const void *key, const void *value, void *arg)
{
	const struct flow_walk *walk = arg;
	const struct weir_flow *flow = value;

	/* The decided table has it. */
	if (flow->flags & WEIR_FLOW_MOVED)
		return true;
	return walk->fn(key, flow, walk->arg);
}

static void walk_table(const struct gate *g, const struct flow_walk *walk)
{
	struct weir_entry e;

	for (uint32_t i = 0; i < g->table.sets * WEIR_WAYS; i++)
		if (gate_table_read(&g->table, i, &e) && !walk->fn(&e.key, &e.flow, walk->arg))
			return;
}

int gate_each_flow(struct gate *g, bool decided,
		   bool (*fn)(const struct weir_flow_key *, const struct weir_flow *, void *),
		   void *arg)
{
	struct flow_walk flows = {fn, arg};

	if (!decided)
		return gate_walk(g->maps[GATE_MAP_UNDECIDED], flow_entry, &flows);
	walk_table(g, &flows);
	return 0;
}

uint64_t gate_count_decided(const struct gate *g)
{
	return gate_table_count(&g->table);
}

struct block_walk {
	bool (*fn)(const struct weir_block *, uint64_t expires_ns, void *);
	void *arg;
};

static bool block_entry(const void *key, const void *value, void *arg)
{
	const struct block_walk *walk = arg;
	uint64_t expires_ns;

	memcpy(&expires_ns, value, sizeof(expires_ns));
	return walk->fn(key, expires_ns, walk->arg);
}

int gate_each_block(struct gate *g,
		    bool (*fn)(const struct weir_block *, uint64_t expires_ns, void *), void *arg)
{
	struct block_walk blocks = {fn, arg};

	return gate_walk(g->maps[GATE_MAP_BLOCKS], block_entry, &blocks);
}

struct endpoint_walk {
	bool (*fn)(const struct weir_endpoint_key *, const struct weir_peer *, void *);
	void *arg;
};

static bool endpoint_entry(const void *key, const void *value, void *arg)
{
	const struct endpoint_walk *walk = arg;

	return walk->fn(key, value, walk->arg);
}

int gate_each_endpoint(struct gate *g,
		       bool (*fn)(const struct weir_endpoint_key *, const struct weir_peer *,
				  void *),
		       void *arg)
{
	struct endpoint_walk endpoints = {fn, arg};

	return gate_walk(g->maps[GATE_MAP_ENDPOINTS], endpoint_entry, &endpoints);
}

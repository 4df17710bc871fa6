// SPDX-License-Identifier: GPL-2.0-only
#include "gate/table.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "util/util.h"

uint32_t gate_table_sets(uint32_t flows)
{
	uint32_t sets = 1;

	while (sets < flows / WEIR_WAYS + !!(flows % WEIR_WAYS))
		sets *= 2;
	return sets;
}

static void *map_array(int fd, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

int gate_table_map(struct gate_table *t, int tags_fd, int entries_fd, uint32_t sets,
		   const __u64 *hash_key)
{
	struct gate_table mapped = {.sets = sets, .hash_key = hash_key};

	mapped.tags = map_array(tags_fd, sets * sizeof(*t->tags));
	if (!mapped.tags)
		return -errno;
	mapped.entries = map_array(entries_fd, (size_t)sets * WEIR_WAYS * sizeof(*t->entries));
	if (!mapped.entries) {
		int r = -errno;

		gate_table_unmap(&mapped);
		return r;
	}
	*t = mapped;
	return 0;
}

void gate_table_unmap(struct gate_table *t)
{
	if (t->tags)
		munmap(t->tags, t->sets * sizeof(*t->tags));
	if (t->entries)
		munmap(t->entries, (size_t)t->sets * WEIR_WAYS * sizeof(*t->entries));
	*t = (struct gate_table){0};
}

static uint64_t tag_load(const struct gate_table *t, uint32_t index)
{
	return __atomic_load_n(&t->tags[index / WEIR_WAYS].tag[index % WEIR_WAYS],
			       __ATOMIC_ACQUIRE);
}

static void tag_store(struct gate_table *t, uint32_t index, uint64_t tag)
{
	__atomic_store_n(&t->tags[index / WEIR_WAYS].tag[index % WEIR_WAYS], tag, __ATOMIC_RELEASE);
}

uint64_t gate_table_count(const struct gate_table *t)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < t->sets * WEIR_WAYS; i++)
		count += __atomic_load_n(&t->tags[i / WEIR_WAYS].tag[i % WEIR_WAYS],
					 __ATOMIC_RELAXED) > WEIR_TAG_BUSY;
	return count;
}

bool gate_table_read(const struct gate_table *t, uint32_t index, struct weir_entry *out)
{
	uint64_t tag = tag_load(t, index);

	if (tag <= WEIR_TAG_BUSY)
		return false;
	memcpy(out, &t->entries[index], sizeof(*out));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return tag_load(t, index) == tag;
}

/* The index of the key's entry, or a negative errno. */
static int64_t index_find(const struct gate_table *t, const struct weir_flow_key *key)
{
	uint64_t hash = weir_flow_hash(key, t->hash_key);
	uint32_t set = weir_flow_set(hash, t->sets - 1);

	for (uint32_t way = 0; way < WEIR_WAYS; way++)
		if (tag_load(t, set * WEIR_WAYS + way) == weir_flow_tag(hash))
			return (int64_t)set * WEIR_WAYS + way;
	return -ENOENT;
}

bool gate_table_find(const struct gate_table *t, const struct weir_flow_key *key,
		     struct weir_entry *out)
{
	int64_t index = index_find(t, key);
	struct weir_entry entry;

	if (index < 0 || !gate_table_read(t, (uint32_t)index, &entry) ||
	    memcmp(&entry.key, key, sizeof(*key)) != 0)
		return false;
	*out = entry;
	return true;
}

int gate_table_put(struct gate_table *t, const struct weir_flow_key *key,
		   const struct weir_flow *flow)
{
	uint64_t hash = weir_flow_hash(key, t->hash_key);
	uint32_t first = weir_flow_set(hash, t->sets - 1) * WEIR_WAYS;
	int64_t index = index_find(t, key);

	for (uint32_t way = 0; index < 0 && way < WEIR_WAYS; way++)
		if (tag_load(t, first + way) == WEIR_TAG_FREE)
			index = first + way;
	if (index < 0)
		return -ENOSPC;
	tag_store(t, (uint32_t)index, WEIR_TAG_BUSY);
	t->entries[index] = (struct weir_entry){.key = *key, .flow = *flow};
	tag_store(t, (uint32_t)index, weir_flow_tag(hash));
	return 0;
}

int gate_table_remove(struct gate_table *t, const struct weir_flow_key *key)
{
	int64_t index = index_find(t, key);

	if (index < 0)
		return -ENOENT;
	tag_store(t, (uint32_t)index, WEIR_TAG_FREE);
	return 0;
}

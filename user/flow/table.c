// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <sys/random.h>

#include "flow/table.h"
#include "util/util.h"

#define BUCKETS_MAX ((size_t)1 << 20)

static size_t bucket_count(size_t flows)
{
	size_t n = 64;

	while (n < flows && n < BUCKETS_MAX)
		n *= 2;
	return n;
}

struct flow_table *flow_table_new(const struct flow_limits *limits,
				  void (*release)(struct flow *, void *), void *arg)
{
	size_t buckets = bucket_count(limits->flows);
	_cleanup_free_ struct flow_table *t = NULL;

	t = calloc(1, sizeof(*t) + buckets * sizeof(t->bucket[0]));
	if (!t || getrandom(t->seed, sizeof(t->seed), 0) != (ssize_t)sizeof(t->seed))
		return NULL;
	t->limits = *limits;
	if (t->limits.flows == 0)
		t->limits.flows = 1;
	t->release = release;
	t->arg = arg;
	t->mask = buckets - 1;
	slab_init(&t->slab, sizeof(struct flow));
	streams_init(t);
	return TAKE_PTR(t);
}

/* The gate draws ids at random, so one multiplication spreads them; who sends chooses the keys. */
static uint64_t hash_id(const struct flow_table *t, uint64_t id)
{
	return ((id ^ t->seed[0]) * (t->seed[1] | 1)) >> 32;
}

static struct flow **bucket_of(struct flow_table *t, uint64_t id, const struct weir_flow_key *key)
{
	uint64_t h = id ? hash_id(t, id) : hash_keyed(t->seed, key, sizeof(*key));

	return &t->bucket[h & t->mask];
}

void flow_table_prefetch(const struct flow_table *t, uint64_t id)
{
	__builtin_prefetch(&t->bucket[hash_id(t, id) & t->mask]);
}

static struct flow *bucket_find(struct flow *f, uint64_t id, const struct weir_flow_key *key)
{
	for (; f; f = f->next_hash)
		if (f->id == id && (id || memcmp(&f->key, key, sizeof(*key)) == 0))
			return f;
	return NULL;
}

static void age_unlink(struct flow_table *t, struct flow *f)
{
	*(f->newer ? &f->newer->older : &t->newest) = f->older;
	*(f->older ? &f->older->newer : &t->oldest) = f->newer;
	f->newer = NULL;
	f->older = NULL;
}

static void age_link_newest(struct flow_table *t, struct flow *f)
{
	f->older = t->newest;
	f->newer = NULL;
	*(t->newest ? &t->newest->newer : &t->oldest) = f;
	t->newest = f;
}

void flow_table_remove(struct flow_table *t, struct flow *f)
{
	struct flow **at = bucket_of(t, f->id, &f->key);

	while (*at != f)
		at = &(*at)->next_hash;
	*at = f->next_hash;
	age_unlink(t, f);
	if (t->release)
		t->release(f, t->arg);
	flow_release_streams(t, f);
	flow_details_free(f);
	t->stats.flows--;
	slab_give(&t->slab, f);
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	while (t->oldest)
		flow_table_remove(t, t->oldest);
	slab_fini(&t->slab);
	slab_fini(&t->streams);
	free(t);
}

static struct flow *flow_create(struct flow_table *t, uint64_t id, const struct weir_flow_key *key,
				uint8_t dir)
{
	struct flow **bucket;
	struct flow *f;

	while (t->stats.flows >= t->limits.flows) {
		t->stats.evicted++;
		flow_table_remove(t, t->oldest);
	}
	f = slab_take(&t->slab);
	if (!f)
		return NULL;
	f->id = id;
	f->key = *key;
	f->origin = dir;
	bucket = bucket_of(t, id, key);
	f->next_hash = *bucket;
	*bucket = f;
	age_link_newest(t, f);
	t->stats.flows++;
	f->serial = (uint32_t)t->stats.created++;
	return f;
}

struct flow *flow_table_get(struct flow_table *t, uint64_t id, const struct weir_flow_key *key,
			    uint8_t dir, uint64_t now_ns, bool *created)
{
	struct flow *f = bucket_find(*bucket_of(t, id, key), id, key);
	bool absent = !f;

	if (absent) {
		f = flow_create(t, id, key, dir);
		if (!f)
			return NULL;
	} else if (f != t->newest) {
		age_unlink(t, f);
		age_link_newest(t, f);
	}
	t->quiet_ns = !absent && now_ns > f->seen_ns ? now_ns - f->seen_ns : 0;
	f->seen_ns = now_ns;
	if (created)
		*created = absent;
	return f;
}

uint64_t flow_table_quiet_ns(const struct flow_table *t)
{
	return t->quiet_ns;
}

struct flow *flow_table_find(const struct flow_table *t, const struct weir_flow_key *key)
{
	return bucket_find(t->bucket[hash_keyed(t->seed, key, sizeof(*key)) & t->mask], 0, key);
}

struct flow *flow_table_find_id(const struct flow_table *t, uint64_t id)
{
	static const struct weir_flow_key none;

	return bucket_find(*bucket_of((struct flow_table *)t, id, &none), id, &none);
}

/* What removing the flow takes. It was loaded itself when the one before it went. */
static void load_ahead(const struct flow_table *t, const struct flow *f)
{
	if (!f)
		return;
	if (f->id)
		flow_table_prefetch(t, f->id);
	__builtin_prefetch(f->module);
	__builtin_prefetch(f->newer);
	if (f->newer)
		__builtin_prefetch(&f->newer->module);
}

unsigned int flow_table_expire(struct flow_table *t, uint64_t now_ns, unsigned int budget)
{
	unsigned int removed = 0;

	while (removed < budget && t->oldest) {
		struct flow *f = t->oldest;

		if (now_ns < f->seen_ns || now_ns - f->seen_ns <= t->limits.idle_ns)
			break;
		load_ahead(t, f->newer);
		flow_table_remove(t, f);
		t->stats.expired++;
		removed++;
	}
	return removed;
}

void flow_table_each(struct flow_table *t, void (*fn)(struct flow *, void *), void *arg)
{
	struct flow *newer;

	for (struct flow *f = t->oldest; f; f = newer) {
		newer = f->newer;
		fn(f, arg);
	}
}

void flow_table_stats(const struct flow_table *t, struct flow_table_stats *out)
{
	*out = t->stats;
}

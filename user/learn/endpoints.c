// SPDX-License-Identifier: GPL-2.0-only
/*
 * Learned endpoints: a chained hash over a fixed array of entries, which are also linked in order
 * of their last update. When the array is full, the oldest entry is removed. Nearly every lookup is
 * for a peer without an entry: counters indexed by a hash of the peer answer those without taking
 * the lock.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include "learn/learn.h"
#include "util/mix.h"

#define NIL UINT32_MAX

struct entry {
	struct weir_endpoint_key key;
	struct weir_peer peer;
	uint32_t chain;	       /* next entry of the bucket or of the free list */
	uint32_t older, newer; /* neighbours in the order of updates */
};

struct endpoints {
	pthread_mutex_t lock;
	struct facts *facts;
	struct data_flows *data_flows;
	uint64_t ttl_ns;
	uint64_t seed[2];
	size_t max, count;
	uint32_t mask; /* buckets - 1 */
	uint32_t free, oldest, newest;
	uint32_t *buckets;
	struct entry *entries;
	/* Number of entries by peer_class(), written under the lock. A counter that reached its
	 * maximum is not changed any more. */
	_Atomic uint8_t *counts;
	uint32_t counts_mask;
};

void endpoints_free(struct endpoints *e)
{
	if (!e)
		return;
	pthread_mutex_destroy(&e->lock);
	facts_free(e->facts);
	data_flows_free(e->data_flows);
	free(e->buckets);
	free(e->entries);
	free(e->counts);
	free(e);
}

static void endpoints_freep(struct endpoints **e)
{
	endpoints_free(*e);
}

static void endpoints_clear(struct endpoints *e)
{
	for (uint32_t i = 0; i <= e->mask; i++)
		e->buckets[i] = NIL;
	for (uint32_t i = 0; i < e->max; i++)
		e->entries[i].chain = i + 1 < e->max ? i + 1 : NIL;
	e->free = 0;
	e->oldest = e->newest = NIL;
}

struct endpoints *endpoints_new(size_t max, uint64_t ttl_ns)
{
	_cleanup_(endpoints_freep) struct endpoints *e = NULL;
	uint32_t buckets = 16;

	if (max == 0 || max > 1u << 24)
		return NULL;
	/* Twice as many buckets as entries: examining an entry in vain costs a cache miss. */
	while (buckets < 2 * max)
		buckets *= 2;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	pthread_mutex_init(&e->lock, NULL);
	e->max = max;
	e->ttl_ns = ttl_ns;
	e->mask = buckets - 1;
	e->buckets = calloc(buckets, sizeof(*e->buckets));
	e->entries = calloc(max, sizeof(*e->entries));
	/* Sized so that with a full table seven of eight lookups of unknown peers end at a zero
	 * counter. */
	e->counts_mask = 4 * buckets - 1;
	e->counts = calloc(4 * (size_t)buckets, sizeof(*e->counts));
	/* The hash is keyed, because peers choose the addresses and could otherwise choose the
	 * buckets. */
	e->facts = facts_new(max / 2, ttl_ns);
	e->data_flows = data_flows_new();
	if (!e->buckets || !e->entries || !e->counts || !e->facts || !e->data_flows ||
	    getrandom(e->seed, sizeof(e->seed), 0) != (ssize_t)sizeof(e->seed))
		return NULL;
	endpoints_clear(e);
	return TAKE_PTR(e);
}

static uint32_t key_bucket(const struct endpoints *e, const struct weir_endpoint_key *key)
{
	uint64_t words[5] = {0};

	_Static_assert(sizeof(*key) <= sizeof(words), "key fits");
	memcpy(words, key, sizeof(*key));
	return hash_words32(e->seed, words, ARRAY_SIZE(words)) & e->mask;
}

/* The index of a peer's counter, which is the same for every host that learned of it. */
static uint32_t peer_class(const struct endpoints *e, const struct weir_endpoint_key *key)
{
	uint64_t words[3] = {0, 0, (uint64_t)key->domain << 16 | key->port};

	memcpy(words, key->peer, sizeof(key->peer));
	return hash_words32(e->seed, words, ARRAY_SIZE(words)) & e->counts_mask;
}

static void peer_count(struct endpoints *e, const struct weir_endpoint_key *key, int by)
{
	_Atomic uint8_t *count = &e->counts[peer_class(e, key)];
	uint8_t now = atomic_load_explicit(count, memory_order_relaxed);

	if (now != UINT8_MAX)
		atomic_store_explicit(count, (uint8_t)(now + by), memory_order_relaxed);
}

static uint32_t entry_find(const struct endpoints *e, const struct weir_endpoint_key *key)
{
	uint32_t at = e->buckets[key_bucket(e, key)];

	while (at != NIL && memcmp(&e->entries[at].key, key, sizeof(*key)) != 0)
		at = e->entries[at].chain;
	return at;
}

static void entry_unlist(struct endpoints *e, uint32_t at)
{
	struct entry *x = &e->entries[at];

	*(x->older == NIL ? &e->oldest : &e->entries[x->older].newer) = x->newer;
	*(x->newer == NIL ? &e->newest : &e->entries[x->newer].older) = x->older;
}

static void entry_list(struct endpoints *e, uint32_t at)
{
	struct entry *x = &e->entries[at];

	x->older = e->newest;
	x->newer = NIL;
	*(e->newest == NIL ? &e->oldest : &e->entries[e->newest].newer) = at;
	e->newest = at;
}

static void entry_remove(struct endpoints *e, uint32_t at)
{
	uint32_t *link = &e->buckets[key_bucket(e, &e->entries[at].key)];

	while (*link != at)
		link = &e->entries[*link].chain;
	*link = e->entries[at].chain;
	entry_unlist(e, at);
	e->entries[at].chain = e->free;
	e->free = at;
	e->count--;
	peer_count(e, &e->entries[at].key, -1);
}

static uint32_t entry_insert(struct endpoints *e, const struct weir_endpoint_key *key)
{
	uint32_t *bucket = &e->buckets[key_bucket(e, key)];
	uint32_t at;

	if (e->free == NIL)
		entry_remove(e, e->oldest);
	at = e->free;
	e->free = e->entries[at].chain;
	e->entries[at].key = *key;
	e->entries[at].chain = *bucket;
	*bucket = at;
	e->count++;
	peer_count(e, key, 1);
	return at;
}

/* Addresses that are not of a single reachable host: RFC 1122 3.2.1.3, RFC 4291 2.4 to 2.7. */
static bool peer_is_refused(const struct weir_endpoint_key *key)
{
	const uint8_t *b = (const uint8_t *)key->peer;
	bool v4 = address_is_v4(key->peer);
	static const uint8_t zero[16], one[16] = {[15] = 1};

	if (key->port == 0 || memcmp(b, zero, 16) == 0 || memcmp(b, one, 16) == 0)
		return true;
	/* IPv4: 0/8, 127/8, and multicast with everything above (240/4, broadcast). */
	return v4 ? b[12] == 0 || b[12] == 127 || b[12] >= 224 : b[0] == 0xff;
}

int endpoints_add(struct endpoints *e, const struct weir_endpoint_key *key,
		  const struct weir_peer *peer)
{
	struct weir_endpoint_key clean = *key;
	struct weir_peer value = *peer;
	uint32_t at;
	int is_new;

	if (peer_is_refused(key))
		return -EINVAL;
	clean.pad = 0;
	pthread_mutex_lock(&e->lock);
	if (value.expires_ns == 0)
		value.expires_ns = time_now_ns() + e->ttl_ns;
	at = entry_find(e, &clean);
	is_new = at == NIL;
	if (is_new)
		at = entry_insert(e, &clean);
	else
		entry_unlist(e, at);
	entry_list(e, at);
	e->entries[at].peer = value;
	pthread_mutex_unlock(&e->lock);
	return is_new;
}

void endpoints_set_ttl(struct endpoints *e, uint64_t ttl_ns)
{
	pthread_mutex_lock(&e->lock);
	e->ttl_ns = ttl_ns;
	pthread_mutex_unlock(&e->lock);
}

/* Called under the lock. An expired entry is freed. */
static bool peer_take(struct endpoints *e, const struct weir_endpoint_key *key, uint64_t now_ns,
		      struct weir_peer *out)
{
	uint32_t at = entry_find(e, key);

	if (at == NIL)
		return false;
	if (e->entries[at].peer.expires_ns <= now_ns) {
		entry_remove(e, at);
		return false;
	}
	*out = e->entries[at].peer;
	return true;
}

bool endpoints_find(struct endpoints *e, const struct weir_endpoint_key *key, uint64_t now_ns,
		    struct weir_peer *out)
{
	struct weir_endpoint_key heard = *key, announced = *key;
	bool found;

	if (!atomic_load_explicit(&e->counts[peer_class(e, key)], memory_order_relaxed))
		return false;
	heard.pad = announced.pad = 0;
	memset(announced.host, 0, sizeof(announced.host));
	pthread_mutex_lock(&e->lock);
	found = peer_take(e, &heard, now_ns, out) || peer_take(e, &announced, now_ns, out);
	pthread_mutex_unlock(&e->lock);
	return found;
}

bool endpoints_withdraw(struct endpoints *e, const struct weir_endpoint_key *key)
{
	struct weir_endpoint_key clean = *key;
	uint32_t at;

	clean.pad = 0;
	pthread_mutex_lock(&e->lock);
	at = entry_find(e, &clean);
	if (at != NIL)
		entry_remove(e, at);
	pthread_mutex_unlock(&e->lock);
	return at != NIL;
}

size_t endpoints_count(const struct endpoints *e)
{
	struct endpoints *open = (struct endpoints *)e;
	size_t count;

	pthread_mutex_lock(&open->lock);
	count = e->count;
	pthread_mutex_unlock(&open->lock);
	return count;
}

struct facts *endpoints_facts(const struct endpoints *e)
{
	return e->facts;
}

struct data_flows *endpoints_data_flows(const struct endpoints *e)
{
	return e->data_flows;
}

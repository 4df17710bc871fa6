// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host names of addresses: a chained hash over a fixed array of entries, which are also linked in
 * order of their last update. When the array is full, the oldest entry is removed.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include "learn/learn.h"

#define NIL UINT32_MAX

struct entry {
	struct name_key key;
	char *name;
	uint64_t expires_ns;
	uint32_t chain;	       /* next of the bucket */
	uint32_t older, newer; /* neighbours in the order of updates */
};

struct names {
	pthread_mutex_t lock;
	uint64_t seed[2];
	size_t max;
	atomic_size_t count;
	uint32_t mask; /* buckets - 1 */
	uint32_t oldest, newest;
	uint32_t *buckets;
	struct entry *entries; /* the first `count` entries are in use */
};

void names_free(struct names *n)
{
	if (!n)
		return;
	for (size_t i = 0; n->entries && i < n->count; i++)
		free(n->entries[i].name);
	pthread_mutex_destroy(&n->lock);
	free(n->buckets);
	free(n->entries);
	free(n);
}

static void names_freep(struct names **n)
{
	names_free(*n);
}

struct names *names_new(size_t max)
{
	_cleanup_(names_freep) struct names *n = NULL;
	uint32_t buckets = 16;

	if (max == 0 || max > 1u << 24)
		return NULL;
	while (buckets < max)
		buckets *= 2;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	pthread_mutex_init(&n->lock, NULL);
	n->max = max;
	n->mask = buckets - 1;
	n->oldest = n->newest = NIL;
	n->buckets = malloc(buckets * sizeof(*n->buckets));
	n->entries = calloc(max, sizeof(*n->entries));
	/* The hash is keyed, because servers choose the addresses and could otherwise choose the
	 * buckets. */
	if (!n->buckets || !n->entries ||
	    getrandom(n->seed, sizeof(n->seed), 0) != (ssize_t)sizeof(n->seed))
		return NULL;
	memset(n->buckets, 0xff, buckets * sizeof(*n->buckets));
	return TAKE_PTR(n);
}

static uint32_t *bucket_of(const struct names *n, const struct name_key *key)
{
	return &n->buckets[hash_keyed(n->seed, key, sizeof(*key)) & n->mask];
}

static uint32_t entry_find(const struct names *n, const struct name_key *key)
{
	uint32_t at = *bucket_of(n, key);

	while (at != NIL && memcmp(&n->entries[at].key, key, sizeof(*key)) != 0)
		at = n->entries[at].chain;
	return at;
}

static void entry_unlist(struct names *n, uint32_t at)
{
	struct entry *x = &n->entries[at];

	*(x->older == NIL ? &n->oldest : &n->entries[x->older].newer) = x->newer;
	*(x->newer == NIL ? &n->newest : &n->entries[x->newer].older) = x->older;
}

static void entry_list(struct names *n, uint32_t at)
{
	struct entry *x = &n->entries[at];

	x->older = n->newest;
	x->newer = NIL;
	*(n->newest == NIL ? &n->oldest : &n->entries[n->newest].newer) = at;
	n->newest = at;
}

/* Unlinks the oldest entry from its bucket and the list, to be used for another key. */
static uint32_t entry_reuse(struct names *n)
{
	uint32_t at = n->oldest;
	uint32_t *link = bucket_of(n, &n->entries[at].key);

	while (*link != at)
		link = &n->entries[*link].chain;
	*link = n->entries[at].chain;
	entry_unlist(n, at);
	return at;
}

static uint32_t entry_insert(struct names *n, const struct name_key *key)
{
	uint32_t at = n->count < n->max ? (uint32_t)n->count++ : entry_reuse(n);
	uint32_t *bucket = bucket_of(n, key);

	n->entries[at].key = *key;
	n->entries[at].chain = *bucket;
	*bucket = at;
	return at;
}

int names_add(struct names *n, const struct name_key *key, const char *name, uint64_t expires_ns)
{
	size_t len = strlen(name);
	char *copy;
	uint32_t at;

	if (len == 0 || len > NAME_TEXT_MAX)
		return -EINVAL;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	pthread_mutex_lock(&n->lock);
	at = entry_find(n, key);
	if (at == NIL)
		at = entry_insert(n, key);
	else
		entry_unlist(n, at);
	entry_list(n, at);
	free(n->entries[at].name);
	n->entries[at].name = copy;
	n->entries[at].expires_ns = expires_ns;
	pthread_mutex_unlock(&n->lock);
	return 0;
}

bool names_find(struct names *n, const struct name_key *key, uint64_t now_ns,
		char out[NAME_TEXT_MAX + 1])
{
	bool found;
	uint32_t at;

	if (n->count == 0)
		return false;
	pthread_mutex_lock(&n->lock);
	at = entry_find(n, key);
	found = at != NIL && n->entries[at].expires_ns > now_ns;
	if (found)
		memcpy(out, n->entries[at].name, strlen(n->entries[at].name) + 1);
	pthread_mutex_unlock(&n->lock);
	return found;
}

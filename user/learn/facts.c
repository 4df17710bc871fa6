// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fixed-size table in sets of eight slots: a new fact replaces the one in its set that expires
 * first. Nearly every lookup is for a fact that does not exist: hash marks of a set's keys, in half
 * a cache line, answer those without taking the lock.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include "learn/learn.h"
#include "util/mix.h"

#define WAYS	    8
#define MARKS_BYTES (WAYS * sizeof(uint32_t))

struct slot {
	struct fact_key key;
	struct fact fact;
};

struct set {
	_Atomic uint32_t
		marks[WAYS]; /* hash marks of the slots' keys, 0 = none; written under the lock */
	struct slot slots[WAYS];
};

struct facts {
	pthread_mutex_t lock;
	uint64_t ttl_ns;
	uint64_t seed[2];
	uint32_t mask; /* sets - 1 */
	void *memory;
	struct set *sets; /* within `memory`, aligned so that a set's marks share a cache line */
};
_Static_assert(sizeof(struct set) % MARKS_BYTES == 0, "every set's marks");

/* The set and mark of a key. */
struct place {
	struct set *set;
	uint32_t mark;
};

struct facts *facts_new(size_t max, uint64_t ttl_ns)
{
	uint32_t sets = 16;
	struct facts *f;

	while ((size_t)sets * WAYS < max && sets < 1u << 20)
		sets *= 2;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	pthread_mutex_init(&f->lock, NULL);
	f->memory = calloc(1, (size_t)sets * sizeof(f->sets[0]) + MARKS_BYTES);
	/* The hash is keyed, because peers choose the addresses and could otherwise choose the
	 * sets. */
	if (!f->memory || getrandom(f->seed, sizeof(f->seed), 0) != (ssize_t)sizeof(f->seed)) {
		facts_free(f);
		return NULL;
	}
	f->sets = (struct set *)(((uintptr_t)f->memory + MARKS_BYTES - 1) & ~(MARKS_BYTES - 1));
	f->ttl_ns = ttl_ns;
	f->mask = sets - 1;
	return f;
}

void facts_free(struct facts *f)
{
	if (!f)
		return;
	pthread_mutex_destroy(&f->lock);
	free(f->memory);
	free(f);
}

static struct place place_of(struct facts *f, const struct fact_key *key)
{
	uint64_t words[sizeof(*key) / 8];
	uint64_t h;

	_Static_assert(sizeof(*key) % 8 == 0, "hashed by words");
	memcpy(words, key, sizeof(words));
	h = hash_words(f->seed, words, ARRAY_SIZE(words));
	return (struct place){
		.set = &f->sets[(uint32_t)(h >> 32 ^ h) & f->mask],
		.mark = (uint32_t)(h >> 32) | 1,
	};
}

/* The next slot at or after `from` whose mark equals the key's; WAYS: none. */
static unsigned int next_marked(const struct place *at, unsigned int from)
{
	while (from < WAYS &&
	       atomic_load_explicit(&at->set->marks[from], memory_order_relaxed) != at->mark)
		from++;
	return from;
}

/* Called under the lock. */
static struct slot *slot_find(const struct place *at, const struct fact_key *key)
{
	for (unsigned int i = next_marked(at, 0); i < WAYS; i = next_marked(at, i + 1))
		if (memcmp(&at->set->slots[i].key, key, sizeof(*key)) == 0)
			return &at->set->slots[i];
	return NULL;
}

/* Called under the lock. Returns the slot of key, or else makes the slot that expires first the
 * slot of key. */
static struct slot *slot_take(const struct place *at, const struct fact_key *key)
{
	struct slot *slot = slot_find(at, key);
	unsigned int oldest = 0;

	if (slot)
		return slot;
	for (unsigned int i = 1; i < WAYS; i++)
		if (at->set->slots[i].fact.expires_ns < at->set->slots[oldest].fact.expires_ns)
			oldest = i;
	atomic_store_explicit(&at->set->marks[oldest], at->mark, memory_order_relaxed);
	at->set->slots[oldest].key = *key;
	return &at->set->slots[oldest];
}

void facts_put(struct facts *f, const struct fact_key *key, uint16_t app, const uint8_t *data,
	       uint64_t now_ns)
{
	struct fact fact = {.expires_ns = now_ns + f->ttl_ns, .app = app};
	struct place at = place_of(f, key);

	if (data)
		memcpy(fact.data, data, sizeof(fact.data));
	pthread_mutex_lock(&f->lock);
	slot_take(&at, key)->fact = fact;
	pthread_mutex_unlock(&f->lock);
}

void facts_endpoint_learned(struct facts *f, const struct fact_key *key, uint16_t app,
			    const uint32_t host[4], uint32_t source_net, uint64_t now_ns)
{
	struct fact fact = {.expires_ns = now_ns + f->ttl_ns, .app = app, .source_net = source_net};
	struct place at = place_of(f, key);
	struct slot *slot;

	memcpy(fact.data, host, sizeof(fact.data));
	pthread_mutex_lock(&f->lock);
	slot = slot_find(&at, key);
	if (slot && slot->fact.expires_ns > now_ns && slot->fact.app == app)
		fact.confirmed = slot->fact.confirmed ||
				 (slot->fact.source_net != source_net &&
				  memcmp(slot->fact.data, fact.data, sizeof(fact.data)) != 0);
	if (!slot)
		slot = slot_take(&at, key);
	slot->fact = fact;
	pthread_mutex_unlock(&f->lock);
}

bool facts_get(struct facts *f, const struct fact_key *key, uint64_t now_ns, struct fact *out)
{
	const struct place at = place_of(f, key);
	const struct slot *slot;
	bool found;

	if (next_marked(&at, 0) == WAYS)
		return false;
	pthread_mutex_lock(&f->lock);
	slot = slot_find(&at, key);
	found = slot && slot->fact.expires_ns > now_ns;
	if (found && out)
		*out = slot->fact;
	pthread_mutex_unlock(&f->lock);
	return found;
}

static struct fact_key fact_of(enum fact_kind kind, const uint32_t addr[4], uint16_t port,
			       uint8_t domain)
{
	struct fact_key key = {.port = port, .kind = (uint8_t)kind, .domain = domain};

	memcpy(key.addr, addr, sizeof(key.addr));
	return key;
}

void facts_host_runs(struct facts *f, const uint32_t host[4], uint8_t domain, uint16_t app,
		     uint64_t now_ns)
{
	struct fact_key key = fact_of(FACT_RUNS, host, 0, domain);

	key.app = app;
	facts_put(f, &key, app, NULL, now_ns);
}

bool facts_does_host_run(struct facts *f, const uint32_t host[4], uint8_t domain, uint16_t app,
			 uint64_t now_ns)
{
	struct fact_key key = fact_of(FACT_RUNS, host, 0, domain);

	key.app = app;
	return facts_get(f, &key, now_ns, NULL);
}

void facts_service_is(struct facts *f, const uint32_t addr[4], uint16_t port, uint8_t domain,
		      uint16_t app, uint64_t now_ns)
{
	struct fact_key key = fact_of(FACT_SERVICE, addr, port, domain);

	facts_put(f, &key, app, NULL, now_ns);
}

bool facts_service(struct facts *f, const uint32_t addr[4], uint16_t port, uint8_t domain,
		   uint64_t now_ns, uint16_t *app)
{
	struct fact_key key = fact_of(FACT_SERVICE, addr, port, domain);
	struct fact fact;

	if (!facts_get(f, &key, now_ns, &fact))
		return false;
	*app = fact.app;
	return true;
}

void facts_identity_is(struct facts *f, const uint32_t addr[4], uint16_t port, uint8_t domain,
		       const uint8_t identity[16], uint64_t now_ns)
{
	struct fact_key key = fact_of(FACT_IDENTITY, addr, port, domain);

	facts_put(f, &key, 0, identity, now_ns);
}

bool facts_identity(struct facts *f, const uint32_t addr[4], uint16_t port, uint8_t domain,
		    uint64_t now_ns, uint8_t identity[16])
{
	struct fact_key key = fact_of(FACT_IDENTITY, addr, port, domain);
	struct fact fact;

	if (!facts_get(f, &key, now_ns, &fact))
		return false;
	memcpy(identity, fact.data, sizeof(fact.data));
	return true;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A table of fixed size in sets of eight: what is new takes the place of what expired or is told
 * again the longest time ago, in its set alone.
 */
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "classify/classify.h"

#define WAYS 8

struct slot {
	struct fact_key key;
	struct fact fact;
};

struct facts {
	pthread_mutex_t lock;
	uint64_t ttl_ns;
	uint64_t seed[2];
	uint32_t mask; /* sets - 1 */
	struct slot slots[];
};

struct facts *facts_new(size_t max, uint64_t ttl_ns)
{
	uint32_t sets = 16;
	struct facts *f;

	while ((size_t)sets * WAYS < max && sets < 1u << 20)
		sets *= 2;
	f = calloc(1, sizeof(*f) + (size_t)sets * WAYS * sizeof(f->slots[0]));
	if (!f)
		return NULL;
	/* Peers choose the addresses: without a secret they would choose the sets. */
	if (getrandom(f->seed, sizeof(f->seed), 0) != (ssize_t)sizeof(f->seed)) {
		free(f);
		return NULL;
	}
	pthread_mutex_init(&f->lock, NULL);
	f->ttl_ns = ttl_ns;
	f->mask = sets - 1;
	return f;
}

void facts_free(struct facts *f)
{
	if (!f)
		return;
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static struct slot *set_of(struct facts *f, const struct fact_key *key)
{
	uint64_t words[sizeof(*key) / 8];
	uint64_t h = f->seed[0];

	_Static_assert(sizeof(*key) % 8 == 0, "hashed by words");
	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		__uint128_t product = (__uint128_t)(h ^ words[i]) * ((f->seed[1] + 2 * i) | 1);

		h ^= (uint64_t)product ^ (uint64_t)(product >> 64);
	}
	return &f->slots[((uint32_t)(h >> 32 ^ h) & f->mask) * WAYS];
}

static struct slot *slot_find(struct slot *set, const struct fact_key *key)
{
	for (int i = 0; i < WAYS; i++)
		if (set[i].fact.expires_ns && memcmp(&set[i].key, key, sizeof(*key)) == 0)
			return &set[i];
	return NULL;
}

static struct slot *slot_oldest(struct slot *set)
{
	struct slot *oldest = &set[0];

	for (int i = 1; i < WAYS; i++)
		if (set[i].fact.expires_ns < oldest->fact.expires_ns)
			oldest = &set[i];
	return oldest;
}

void facts_put(struct facts *f, const struct fact_key *key, uint16_t app, const uint8_t *data,
	       uint64_t now_ns)
{
	struct slot *set, *slot;

	pthread_mutex_lock(&f->lock);
	set = set_of(f, key);
	slot = slot_find(set, key);
	if (!slot)
		slot = slot_oldest(set);
	slot->key = *key;
	slot->fact = (struct fact){.expires_ns = now_ns + f->ttl_ns, .app = app};
	if (data)
		memcpy(slot->fact.data, data, sizeof(slot->fact.data));
	pthread_mutex_unlock(&f->lock);
}

void facts_tell(struct facts *f, const struct fact_key *key, uint16_t app, const uint32_t host[4],
		uint32_t teller, uint64_t now_ns)
{
	struct fact fact = {.expires_ns = now_ns + f->ttl_ns, .app = app, .teller = teller};
	struct slot *set, *slot;

	memcpy(fact.data, host, sizeof(fact.data));
	pthread_mutex_lock(&f->lock);
	set = set_of(f, key);
	slot = slot_find(set, key);
	if (slot && slot->fact.expires_ns > now_ns && slot->fact.app == app)
		fact.shared = slot->fact.shared ||
			      (slot->fact.teller != teller &&
			       memcmp(slot->fact.data, fact.data, sizeof(fact.data)) != 0);
	if (!slot)
		slot = slot_oldest(set);
	slot->key = *key;
	slot->fact = fact;
	pthread_mutex_unlock(&f->lock);
}

bool facts_get(struct facts *f, const struct fact_key *key, uint64_t now_ns, struct fact *out)
{
	const struct slot *slot;
	bool found;

	pthread_mutex_lock(&f->lock);
	slot = slot_find(set_of(f, key), key);
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

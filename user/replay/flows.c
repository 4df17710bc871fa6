// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "replay/flows.h"
#include "util/util.h"

#define BUCKETS 65536u
#define SECOND	UINT64_C(1000000000)

struct ends {
	struct replay_flow *newest, *oldest;
};

struct replay_flows {
	void (*end)(struct replay_flow *f, void *arg);
	void *arg;
	uint64_t added;
	uint64_t quiet_ns[REPLAY_LISTS];
	struct ends list[REPLAY_LISTS];
	struct replay_flow *bucket[BUCKETS];
};

struct replay_flows *replay_flows_new(const uint64_t idle_ns[WEIR_IDLE_COUNT],
				      void (*end)(struct replay_flow *f, void *arg), void *arg)
{
	struct replay_flows *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->end = end;
	t->arg = arg;
	memcpy(t->quiet_ns, idle_ns, WEIR_IDLE_COUNT * sizeof(idle_ns[0]));
	t->quiet_ns[REPLAY_CLOSED] = WEIR_SWEEP_QUIET_DS * SECOND / 10;
	t->quiet_ns[REPLAY_TOLD] = idle_ns[WEIR_IDLE_TCP_CLOSED];
	return t;
}

static uint64_t key_hash(const struct weir_flow_key *key)
{
	static const uint64_t seed[2] = {1, 2};

	return hash_keyed(seed, key, sizeof(*key));
}

static void unlink_flow(struct replay_flows *t, struct replay_flow *f)
{
	struct ends *l = &t->list[f->list];

	*(f->newer ? &f->newer->older : &l->newest) = f->older;
	*(f->older ? &f->older->newer : &l->oldest) = f->newer;
	f->newer = f->older = NULL;
}

static void link_flow(struct replay_flows *t, struct replay_flow *f, unsigned int list)
{
	struct ends *l = &t->list[list];

	f->list = (uint8_t)list;
	f->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = f;
	l->newest = f;
}

static void free_flow(struct replay_flow *f)
{
	free(f->hostname);
	free(f);
}

void replay_flows_free(struct replay_flows *t)
{
	if (!t)
		return;
	for (unsigned int l = 0; l < REPLAY_LISTS; l++) {
		struct replay_flow *f = t->list[l].oldest, *newer;

		for (; f; f = newer) {
			newer = f->newer;
			free_flow(f);
		}
	}
	free(t);
}

struct replay_flow *replay_flows_find(const struct replay_flows *t, const struct weir_flow_key *key)
{
	struct replay_flow *f = t->bucket[key_hash(key) % BUCKETS];

	while (f && memcmp(&f->key, key, sizeof(*key)) != 0)
		f = f->next_hash;
	return f;
}

struct replay_flow *replay_flows_add(struct replay_flows *t, const struct weir_flow_key *key,
				     uint64_t now_ns)
{
	struct replay_flow *f = calloc(1, sizeof(*f)), **bucket;
	uint64_t hash = key_hash(key), seed[2] = {hash, now_ns};

	if (!f)
		return NULL;
	f->key = *key;
	t->added++;
	/* The same in every run over the same capture. */
	f->flow.id = hash_keyed(seed, &t->added, sizeof(t->added)) | 1;
	f->seen_ns = now_ns;
	bucket = &t->bucket[hash % BUCKETS];
	f->next_hash = *bucket;
	*bucket = f;
	link_flow(t, f, WEIR_IDLE_OTHER);
	return f;
}

void replay_flows_see(struct replay_flows *t, struct replay_flow *f, unsigned int list,
		      uint64_t now_ns)
{
	unlink_flow(t, f);
	f->seen_ns = now_ns;
	link_flow(t, f, list);
}

void replay_flows_remove(struct replay_flows *t, struct replay_flow *f)
{
	struct replay_flow **at = &t->bucket[key_hash(&f->key) % BUCKETS];

	while (*at != f)
		at = &(*at)->next_hash;
	*at = f->next_hash;
	unlink_flow(t, f);
	free_flow(f);
}

/* Those whose time is over; a closed one stays for its last frames. */
static void sweep_list(struct replay_flows *t, unsigned int list, uint64_t now_ns)
{
	struct replay_flow *f;

	while ((f = t->list[list].oldest) && now_ns > f->seen_ns &&
	       now_ns - f->seen_ns > t->quiet_ns[list]) {
		t->end(f, t->arg);
		if (list == REPLAY_CLOSED)
			replay_flows_see(t, f, REPLAY_TOLD, f->seen_ns);
		else
			replay_flows_remove(t, f);
	}
}

void replay_flows_sweep(struct replay_flows *t, uint64_t now_ns)
{
	for (unsigned int l = 0; l < REPLAY_LISTS; l++)
		sweep_list(t, l, now_ns);
}

void replay_flows_each(struct replay_flows *t, void (*fn)(struct replay_flow *f, void *arg),
		       void *arg)
{
	for (unsigned int l = 0; l < REPLAY_LISTS; l++) {
		struct replay_flow *f = t->list[l].oldest, *newer;

		for (; f; f = newer) {
			newer = f->newer;
			fn(f, arg);
		}
	}
}

uint64_t replay_flows_count(const struct replay_flows *t)
{
	return t->added;
}

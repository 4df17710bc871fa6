// SPDX-License-Identifier: GPL-2.0-only
/*
 * What expected data flows are part of. A ring: a new entry takes the place of the oldest, whose
 * handle is then unknown. Two workers may have the control connection and the data flow.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "learn/learn.h"

struct place {
	uint64_t handle; /* 0: free */
	struct weir_endpoint_key key;
	struct data_flow flow;
};

struct data_flows {
	pthread_mutex_t lock;
	uint64_t last; /* handle given */
	struct place place[DATA_FLOWS_MAX];
};

struct data_flows *data_flows_new(void)
{
	struct data_flows *d = calloc(1, sizeof(*d));

	if (d)
		pthread_mutex_init(&d->lock, NULL);
	return d;
}

void data_flows_free(struct data_flows *d)
{
	if (!d)
		return;
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static void copy(char *to, size_t room, const char *from)
{
	size_t len = from ? strnlen(from, room - 1) : 0;

	if (len)
		memcpy(to, from, len);
	to[len] = '\0';
}

static struct place *place_of(struct data_flows *d, uint64_t handle)
{
	struct place *p = &d->place[handle % DATA_FLOWS_MAX];

	return handle && p->handle == handle ? p : NULL;
}

uint64_t data_flows_add(struct data_flows *d, const struct weir_endpoint_key *key, uint64_t parent,
			const char *name, const char *user)
{
	struct place *p;
	uint64_t handle;

	pthread_mutex_lock(&d->lock);
	handle = ++d->last;
	p = &d->place[handle % DATA_FLOWS_MAX];
	p->handle = handle;
	p->key = *key;
	p->flow.parent = parent;
	copy(p->flow.name, sizeof(p->flow.name), name);
	copy(p->flow.user, sizeof(p->flow.user), user);
	pthread_mutex_unlock(&d->lock);
	return handle;
}

bool data_flows_name(struct data_flows *d, uint64_t handle, const char *name)
{
	struct place *p;

	pthread_mutex_lock(&d->lock);
	p = place_of(d, handle);
	if (p)
		copy(p->flow.name, sizeof(p->flow.name), name);
	pthread_mutex_unlock(&d->lock);
	return p;
}

bool data_flows_get(struct data_flows *d, uint64_t handle, struct data_flow *out)
{
	const struct place *p;

	pthread_mutex_lock(&d->lock);
	p = place_of(d, handle);
	if (p)
		*out = p->flow;
	pthread_mutex_unlock(&d->lock);
	return p;
}

uint64_t data_flows_find(struct data_flows *d, const struct weir_endpoint_key *key)
{
	uint64_t found = 0;

	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < DATA_FLOWS_MAX; i++)
		if (d->place[i].handle > found && memcmp(&d->place[i].key, key, sizeof(*key)) == 0)
			found = d->place[i].handle;
	pthread_mutex_unlock(&d->lock);
	return found;
}

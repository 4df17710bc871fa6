// SPDX-License-Identifier: GPL-2.0-only
/* The tables of readers and consumers, as an inspector uses them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/reading.h"
#include "util/util.h"

#define SLAB_OBJECT_MAX 8192

static bool reader_is_usable(const struct reader *r)
{
	return !r || r->abi == READER_ABI;
}

static bool consumer_is_usable(const struct consumer *c)
{
	if (c->abi == CONSUMER_ABI && reader_is_usable(c->reader))
		return true;
	log_warning("consumer %s is not used: it was made for another version of weir", c->name);
	return false;
}

int audience_init(struct inspector *i)
{
	struct audience *a = calloc(1, sizeof(*a));

	i->audience = a;
	if (!a)
		return -ENOMEM;
	slab_init(&a->readings, sizeof(struct reading));
	for (; readers[a->readers] && a->readers < READERS_MAX; a->readers++) {
		size_t size = readers[a->readers]->size;

		if (size && size <= SLAB_OBJECT_MAX)
			slab_init(&a->reader_states[a->readers], size);
	}
	for (; consumers[a->consumers] && a->consumers < CONSUMERS_MAX; a->consumers++)
		if (consumer_is_usable(consumers[a->consumers]))
			a->usable |= UINT64_C(1) << a->consumers;
	audience_changed(i);
	return 0;
}

void audience_fini(struct inspector *i)
{
	if (!i->audience)
		return;
	for (size_t n = 0; n < i->audience->readers; n++)
		slab_fini(&i->audience->reader_states[n]);
	slab_fini(&i->audience->readings);
	free(i->audience);
	i->audience = NULL;
}

static bool is_off(const struct inspector *i, const struct consumer *c)
{
	const struct app_module *module = c->module ? app_module_find(c->module) : NULL;

	return module && module_is_off(i, module);
}

void audience_changed(struct inspector *i)
{
	struct audience *a = i->audience;

	if (!a)
		return;
	memset(a->known, 0, sizeof(a->known));
	a->off = 0;
	for (size_t n = 0; n < a->consumers; n++)
		if (is_off(i, consumers[n]))
			a->off |= UINT64_C(1) << n;
}

static bool lists(const char *const *apps, const char *name)
{
	for (; *apps; apps++)
		if (strcmp(*apps, name) == 0 || strcmp(*apps, "*") == 0)
			return true;
	return false;
}

static bool may_want(struct inspector *i, const struct consumer *c, unsigned int app)
{
	const struct app_info *info = app ? app_registry_get(i->registry, app) : NULL;
	const struct app_module *module;

	if (c->apps)
		return info && lists(c->apps, info->name);
	if (!c->module)
		return true;
	module = module_of(i, app);
	return module && strcmp(module->name, c->module) == 0;
}

uint64_t audience_of(struct inspector *i, unsigned int app)
{
	struct audience *a = i->audience;

	if (a->known[app])
		return a->may_want[app];
	a->may_want[app] = 0;
	for (size_t n = 0; n < a->consumers; n++)
		if ((a->usable & ~a->off) >> n & 1 && may_want(i, consumers[n], app))
			a->may_want[app] |= UINT64_C(1) << n;
	a->known[app] = true;
	return a->may_want[app];
}

static struct slab *slab_of(struct audience *a, const struct reader *row)
{
	for (size_t n = 0; n < a->readers && row->size <= SLAB_OBJECT_MAX; n++)
		if (readers[n] == row)
			return &a->reader_states[n];
	return NULL;
}

void *audience_reader_state(struct inspector *i, const struct reader *row, bool *ok)
{
	struct slab *slab = row->size ? slab_of(i->audience, row) : NULL;
	void *state = NULL;

	if (slab)
		state = slab_take_raw(slab);
	else if (row->size)
		state = malloc(row->size);
	if (state && row->begin)
		row->begin(state);
	else if (state)
		memset(state, 0, row->size);
	*ok = state || !row->size;
	return state;
}

void audience_reader_free(struct inspector *i, const struct flow_reader *r)
{
	struct slab *slab = r->state ? slab_of(i->audience, r->row) : NULL;

	if (r->state && r->row->fini)
		r->row->fini(r->state);
	if (slab)
		slab_give(slab, r->state);
	else
		free(r->state);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "daemon/hostnames.h"
#include "util/util.h"

struct place {
	uint64_t flow_id;
	char *name;
	uint8_t source;
};

struct hostnames {
	size_t mask;
	struct place place[];
};

struct hostnames *hostnames_new(size_t places)
{
	struct hostnames *h = calloc(1, sizeof(*h) + places * sizeof(h->place[0]));

	if (h)
		h->mask = places - 1;
	return h;
}

void hostnames_free(struct hostnames *h)
{
	if (!h)
		return;
	for (size_t i = 0; i <= h->mask; i++)
		free(h->place[i].name);
	free(h);
}

/* Ids are random. */
static const struct place *place_of(const struct hostnames *h, uint64_t flow_id)
{
	return &h->place[(flow_id ^ flow_id >> 32) & h->mask];
}

void hostnames_put(struct hostnames *h, uint64_t flow_id, const char *name, uint8_t source)
{
	struct place *p = (struct place *)place_of(h, flow_id);
	char *copy = strdup(name);

	if (!copy)
		return;
	free(p->name);
	*p = (struct place){.flow_id = flow_id, .name = copy, .source = source};
}

const char *hostnames_get(const struct hostnames *h, uint64_t flow_id, uint8_t *source)
{
	const struct place *p = h ? place_of(h, flow_id) : NULL;

	if (!p || !p->name || p->flow_id != flow_id)
		return "";
	if (source)
		*source = p->source;
	return p->name;
}

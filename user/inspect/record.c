// SPDX-License-Identifier: GPL-2.0-only
/* Offline flows that left the table before the capture ended, without the room that their names do
 * not use. */
#include <string.h>

#include "inspect/state.h"
#include "util/util.h"

struct record {
	uint64_t serial;
	_Alignas(struct flow) uint8_t flow[]; /* up to the end of the host name */
};

static bool records_grow(struct inspector *i)
{
	size_t room = i->record_room ? i->record_room * 2 : 64;
	struct record **records;

	if (i->record_count < i->record_room)
		return true;
	records = reallocarray(i->records, room, sizeof(*records));
	if (!records)
		return false;
	i->records = records;
	i->record_room = room;
	return true;
}

void record_keep(struct inspector *i, const struct flow *f)
{
	size_t len = offsetof(struct flow, hostname) + strlen(f->hostname) + 1;
	struct record *r;

	if (!records_grow(i))
		return;
	r = malloc(sizeof(*r) + len);
	if (!r)
		return;
	r->serial = judgement_of(f)->serial;
	memcpy(r->flow, f, len);
	i->records[i->record_count++] = r;
}

static int by_serial(const void *a, const void *b)
{
	const struct record *x = *(const struct record *const *)a;
	const struct record *y = *(const struct record *const *)b;

	return x->serial < y->serial ? -1 : x->serial > y->serial;
}

void record_emit(struct inspector *i, void (*fn)(struct flow *, void *), void *arg)
{
	if (i->record_count)
		qsort(i->records, i->record_count, sizeof(struct record *), by_serial);
	for (size_t n = 0; n < i->record_count; n++) {
		const uint8_t *from = i->records[n]->flow;
		const size_t head = offsetof(struct flow, hostname);
		struct flow f = {0};

		memcpy(&f, from, head + strlen((const char *)from + head) + 1);
		f.module = NULL;
		f.stream[0] = f.stream[1] = NULL;
		f.next_hash = f.newer = f.older = NULL;
		fn(&f, arg);
	}
}

void record_free(struct inspector *i)
{
	for (size_t n = 0; n < i->record_count; n++)
		free(i->records[n]);
	free(i->records);
	i->records = NULL;
	i->record_count = 0;
	i->record_room = 0;
}

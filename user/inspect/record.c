// SPDX-License-Identifier: GPL-2.0-only
/* Offline: flows that left the table before the end of the file. */
#include "inspect/state.h"
#include "util/util.h"

struct record {
	uint64_t serial;
	struct flow flow; /* without streams and module */
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

void record_keep(struct inspector *i, struct flow *f)
{
	struct record *r = records_grow(i) ? malloc(sizeof(*r)) : NULL;

	if (!r)
		return;
	r->serial = f->serial;
	r->flow = *f;
	r->flow.module = NULL;
	r->flow.stream[0] = r->flow.stream[1] = NULL;
	r->flow.next_hash = r->flow.newer = r->flow.older = NULL;
	f->details = NULL; /* now owned by the record */
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
	for (size_t n = 0; n < i->record_count; n++)
		fn(&i->records[n]->flow, arg);
}

void record_free(struct inspector *i)
{
	for (size_t n = 0; n < i->record_count; n++) {
		flow_details_free(&i->records[n]->flow);
		free(i->records[n]);
	}
	free(i->records);
	i->records = NULL;
	i->record_count = 0;
	i->record_room = 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "worker/waiting.h"

#include <errno.h>
#include <stdlib.h>

#include "util/util.h"

#define NONE	  UINT32_MAX
#define LANES_PER 4 /* one direction has at most this part of all */

/* A frame's place. Free places are linked by next. */
struct place {
	struct frame frame;
	uint64_t since_ns;
	uint32_t seq;
	uint32_t lane;
	uint32_t next;	       /* in its lane */
	uint32_t older, newer; /* of all */
};

/* One direction of a flow that has frames here. Free lanes are linked by next. */
struct lane {
	struct waiting_key key;
	size_t bytes;
	uint32_t first, last, frames;
	uint32_t next; /* in its bucket */
};

struct waiting {
	uint32_t room, count;
	uint32_t free_place, free_lane;
	uint32_t oldest, newest;
	uint32_t mask; /* of buckets */
	uint32_t *buckets;
	struct lane *lanes;
	struct place places[];
};

static uint32_t bucket_of(const struct waiting *w, const struct waiting_key *key)
{
	/* Flow ids are random. */
	return (uint32_t)(key->flow_id ^ key->flow_id >> 32 ^ key->dir) & w->mask;
}

struct waiting *waiting_new(uint32_t frames)
{
	struct waiting *w = calloc(1, sizeof(*w) + (size_t)frames * sizeof(w->places[0]));
	uint32_t buckets = 1;

	if (!w)
		return NULL;
	while (buckets < frames)
		buckets *= 2;
	w->buckets = malloc((size_t)buckets * sizeof(w->buckets[0]));
	w->lanes = calloc(frames ? frames : 1, sizeof(w->lanes[0]));
	if (!w->buckets || !w->lanes) {
		waiting_free(w);
		return NULL;
	}
	w->room = frames;
	w->mask = buckets - 1;
	for (uint32_t i = 0; i < buckets; i++)
		w->buckets[i] = NONE;
	for (uint32_t i = 0; i < frames; i++)
		w->places[i].next = w->lanes[i].next = i + 1 < frames ? i + 1 : NONE;
	w->free_place = w->free_lane = frames ? 0 : NONE;
	w->oldest = w->newest = NONE;
	return w;
}

void waiting_free(struct waiting *w)
{
	if (!w)
		return;
	free(w->buckets);
	free(w->lanes);
	free(w);
}

uint32_t waiting_count(const struct waiting *w)
{
	return w->count;
}

static uint32_t lane_find(const struct waiting *w, const struct waiting_key *key)
{
	uint32_t i = w->buckets[bucket_of(w, key)];

	while (i != NONE &&
	       (w->lanes[i].key.flow_id != key->flow_id || w->lanes[i].key.dir != key->dir))
		i = w->lanes[i].next;
	return i;
}

/* There are as many lanes as places, so one is free where a place is. */
static uint32_t lane_begin(struct waiting *w, const struct waiting_key *key)
{
	uint32_t i = w->free_lane, *bucket = &w->buckets[bucket_of(w, key)];
	struct lane *l = &w->lanes[i];

	w->free_lane = l->next;
	*l = (struct lane){.key = *key, .first = NONE, .last = NONE, .next = *bucket};
	*bucket = i;
	return i;
}

static void lane_end(struct waiting *w, uint32_t i)
{
	uint32_t *at = &w->buckets[bucket_of(w, &w->lanes[i].key)];

	while (*at != i)
		at = &w->lanes[*at].next;
	*at = w->lanes[i].next;
	w->lanes[i].next = w->free_lane;
	w->free_lane = i;
}

/* Frames mostly come in their order, so the end is looked at first. */
static void lane_insert(struct waiting *w, struct lane *l, uint32_t place)
{
	uint32_t *at = &l->first;
	uint32_t seq = w->places[place].seq;

	if (l->last != NONE && (int32_t)(seq - w->places[l->last].seq) >= 0)
		at = &w->places[l->last].next;
	while (*at != NONE && (int32_t)(seq - w->places[*at].seq) >= 0)
		at = &w->places[*at].next;
	w->places[place].next = *at;
	if (*at == NONE)
		l->last = place;
	*at = place;
}

static void age_link(struct waiting *w, uint32_t place)
{
	w->places[place].older = w->newest;
	w->places[place].newer = NONE;
	*(w->newest != NONE ? &w->places[w->newest].newer : &w->oldest) = place;
	w->newest = place;
}

static void age_unlink(struct waiting *w, uint32_t place)
{
	const struct place *p = &w->places[place];

	*(p->older != NONE ? &w->places[p->older].newer : &w->oldest) = p->newer;
	*(p->newer != NONE ? &w->places[p->newer].older : &w->newest) = p->older;
}

int waiting_add(struct waiting *w, const struct waiting_key *key, const struct frame *f,
		uint32_t seq, size_t max_bytes, uint64_t now_ns)
{
	uint32_t lane = lane_find(w, key), place = w->free_place;
	struct lane *l;

	if (place == NONE || f->len > max_bytes)
		return -ENOBUFS;
	if (lane != NONE && (w->lanes[lane].bytes + f->len > max_bytes ||
			     w->lanes[lane].frames >= w->room / LANES_PER))
		return -ENOBUFS;
	if (lane == NONE)
		lane = lane_begin(w, key);
	l = &w->lanes[lane];
	w->free_place = w->places[place].next;
	w->places[place] =
		(struct place){.frame = *f, .since_ns = now_ns, .seq = seq, .lane = lane};
	lane_insert(w, l, place);
	age_link(w, place);
	l->frames++;
	l->bytes += f->len;
	w->count++;
	return 0;
}

bool waiting_has(const struct waiting *w, const struct waiting_key *key)
{
	return w->count && lane_find(w, key) != NONE;
}

static void take_first(struct waiting *w, uint32_t lane, struct frame *out)
{
	struct lane *l = &w->lanes[lane];
	uint32_t place = l->first;
	struct place *p = &w->places[place];

	*out = p->frame;
	l->first = p->next;
	l->frames--;
	l->bytes -= p->frame.len;
	age_unlink(w, place);
	p->next = w->free_place;
	w->free_place = place;
	w->count--;
	if (l->frames == 0)
		lane_end(w, lane);
}

bool waiting_take(struct waiting *w, const struct waiting_key *key, struct frame *out)
{
	uint32_t lane = w->count ? lane_find(w, key) : NONE;

	if (lane == NONE)
		return false;
	take_first(w, lane, out);
	return true;
}

bool waiting_take_next(struct waiting *w, const struct waiting_key *key, uint32_t next,
		       struct frame *out)
{
	uint32_t lane = w->count ? lane_find(w, key) : NONE;

	if (lane == NONE || (int32_t)(w->places[w->lanes[lane].first].seq - next) > 0)
		return false;
	take_first(w, lane, out);
	return true;
}

bool waiting_oldest(const struct waiting *w, struct waiting_key *key, uint64_t *since_ns)
{
	const struct place *p = &w->places[w->oldest];

	if (w->oldest == NONE)
		return false;
	*key = w->lanes[p->lane].key;
	*since_ns = p->since_ns;
	return true;
}

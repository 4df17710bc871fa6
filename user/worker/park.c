// SPDX-License-Identifier: GPL-2.0-only
#include "worker/park.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/util.h"

#define NONE UINT32_MAX

/* A frame's place. Free places are linked by next. */
struct place {
	struct frame frame;
	uint64_t since_ns;
	uint32_t seq, end;
	uint32_t next;	       /* in its direction, by number */
	uint32_t older, newer; /* in its direction, by arrival */
};

/* One direction of a flow that is held. Free ones are linked by next. */
struct direction {
	struct park_key key;
	uint64_t due_ns; /* the earliest deadline */
	uint64_t deadline_ns[WEIR_PARK_COUNT];
	uint8_t answer[WEIR_PARK_COUNT];
	uint8_t state;	/* enum park_state */
	uint8_t stands; /* enum weir_action of a direction that is adopted or shut */
	uint8_t counted;
	bool has_in_order;
	uint32_t in_order;
	uint32_t end; /* behind all its frames */
	uint32_t reasons;
	uint32_t first, last, oldest, newest; /* frames */
	uint32_t frames;
	size_t bytes;
	uint32_t next; /* in its bucket */
	uint32_t heap; /* place in the heap */
};

struct park {
	struct park_limits limits;
	struct park_count count[WEIR_PARK_COUNT];
	uint32_t frames, directions, room_directions;
	uint32_t free_place, free_direction;
	uint32_t mask; /* of buckets */
	uint32_t *buckets;
	uint32_t *heap; /* directions, the earliest due_ns first */
	struct direction *direction;
	struct place places[];
};

static uint32_t bucket_of(const struct park *p, const struct park_key *key)
{
	/* Flow ids are random. */
	return (uint32_t)(key->flow_id ^ key->flow_id >> 32 ^ key->dir) & p->mask;
}

struct park *park_new(uint32_t frames, uint32_t directions)
{
	struct park *p = calloc(1, sizeof(*p) + (size_t)frames * sizeof(p->places[0]));
	uint32_t buckets = 1;

	if (!p)
		return NULL;
	while (buckets < directions)
		buckets *= 2;
	p->buckets = malloc((size_t)buckets * sizeof(p->buckets[0]));
	p->direction = calloc(directions ? directions : 1, sizeof(p->direction[0]));
	p->heap = calloc(directions ? directions : 1, sizeof(p->heap[0]));
	if (!p->buckets || !p->direction || !p->heap) {
		park_free(p);
		return NULL;
	}
	p->room_directions = directions;
	p->mask = buckets - 1;
	for (uint32_t i = 0; i < buckets; i++)
		p->buckets[i] = NONE;
	for (uint32_t i = 0; i < frames; i++)
		p->places[i].next = i + 1 < frames ? i + 1 : NONE;
	for (uint32_t i = 0; i < directions; i++)
		p->direction[i].next = i + 1 < directions ? i + 1 : NONE;
	p->free_place = frames ? 0 : NONE;
	p->free_direction = directions ? 0 : NONE;
	return p;
}

void park_free(struct park *p)
{
	if (!p)
		return;
	free(p->buckets);
	free(p->direction);
	free(p->heap);
	free(p);
}

void park_limit(struct park *p, const struct park_limits *l)
{
	p->limits = *l;
}

const struct park_count *park_counts(const struct park *p)
{
	return p->count;
}

uint32_t park_frames(const struct park *p)
{
	return p->frames;
}

uint32_t park_directions(const struct park *p)
{
	return p->directions;
}

/* ---- by deadline ---- */

static void heap_set(struct park *p, uint32_t at, uint32_t i)
{
	p->heap[at] = i;
	p->direction[i].heap = at;
}

static uint64_t heap_ns(const struct park *p, uint32_t at)
{
	return p->direction[p->heap[at]].due_ns;
}

static void heap_swap(struct park *p, uint32_t a, uint32_t b)
{
	uint32_t i = p->heap[a];

	heap_set(p, a, p->heap[b]);
	heap_set(p, b, i);
}

/* Puts the direction at place `at` where its deadline belongs. */
static void heap_move(struct park *p, uint32_t at)
{
	while (at > 0 && heap_ns(p, at) < heap_ns(p, (at - 1) / 2)) {
		heap_swap(p, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
	for (;;) {
		uint32_t least = at * 2 + 1;

		if (least >= p->directions)
			return;
		if (least + 1 < p->directions && heap_ns(p, least + 1) < heap_ns(p, least))
			least++;
		if (heap_ns(p, at) <= heap_ns(p, least))
			return;
		heap_swap(p, at, least);
		at = least;
	}
}

static void due_set(struct park *p, struct direction *d, uint64_t due_ns)
{
	d->due_ns = due_ns;
	heap_move(p, d->heap);
}

/* ---- directions ---- */

static struct direction *direction_find(const struct park *p, const struct park_key *key)
{
	uint32_t i = p->buckets[bucket_of(p, key)];

	while (i != NONE &&
	       (p->direction[i].key.flow_id != key->flow_id || p->direction[i].key.dir != key->dir))
		i = p->direction[i].next;
	return i == NONE ? NULL : &p->direction[i];
}

static struct direction *direction_begin(struct park *p, const struct park_key *key)
{
	uint32_t i = p->free_direction, *bucket = &p->buckets[bucket_of(p, key)];
	struct direction *d;

	if (i == NONE)
		return NULL;
	d = &p->direction[i];
	p->free_direction = d->next;
	*d = (struct direction){
		.key = *key,
		.state = PARK_WAITING,
		.due_ns = UINT64_MAX,
		.first = NONE,
		.last = NONE,
		.oldest = NONE,
		.newest = NONE,
		.next = *bucket,
	};
	*bucket = i;
	heap_set(p, p->directions++, i);
	return d;
}

static void direction_end(struct park *p, struct direction *d)
{
	uint32_t i = (uint32_t)(d - p->direction), at = d->heap;
	uint32_t *link = &p->buckets[bucket_of(p, &d->key)];

	while (*link != i)
		link = &p->direction[*link].next;
	*link = d->next;
	p->directions--;
	if (at != p->directions) {
		heap_set(p, at, p->heap[p->directions]);
		heap_move(p, at);
	}
	d->next = p->free_direction;
	p->free_direction = i;
}

/* Its frames are counted under the first of its reasons. */
static void count_under(struct park *p, struct direction *d)
{
	unsigned int first = d->reasons ? (unsigned int)__builtin_ctz(d->reasons) : d->counted;

	if (first == d->counted)
		return;
	p->count[d->counted].frames -= d->frames;
	p->count[d->counted].bytes -= d->bytes;
	d->counted = (uint8_t)first;
	p->count[first].frames += d->frames;
	p->count[first].bytes += d->bytes;
}

static void reasons_changed(struct park *p, struct direction *d)
{
	uint64_t due_ns = UINT64_MAX;

	for (unsigned int r = 0; r < WEIR_PARK_COUNT; r++)
		if (d->reasons >> r & 1 && d->deadline_ns[r] < due_ns)
			due_ns = d->deadline_ns[r];
	count_under(p, d);
	due_set(p, d, due_ns);
}

int park_hold(struct park *p, const struct park_key *key, enum weir_park reason,
	      uint64_t deadline_ns, enum weir_action answer)
{
	struct direction *d = direction_find(p, key);

	if (!d)
		d = direction_begin(p, key);
	if (!d)
		return -ENOBUFS;
	d->state = PARK_WAITING;
	d->reasons |= 1u << reason;
	d->deadline_ns[reason] = deadline_ns;
	d->answer[reason] = (uint8_t)answer;
	reasons_changed(p, d);
	return 0;
}

int park_adopt(struct park *p, const struct park_key *key, const struct weir_parked *was)
{
	struct direction *d = direction_find(p, key);

	if (!d)
		d = direction_begin(p, key);
	if (!d)
		return -ENOBUFS;
	d->state = PARK_ADOPTED;
	d->reasons = was->reasons & ((1u << WEIR_PARK_COUNT) - 1);
	d->stands = was->answer;
	due_set(p, d, was->deadline_ns);
	return 0;
}

uint32_t park_end(struct park *p, const struct park_key *key, enum weir_park reason)
{
	struct direction *d = direction_find(p, key);

	if (!d || d->state != PARK_WAITING)
		return 0;
	d->reasons &= ~(1u << reason);
	reasons_changed(p, d);
	return d->reasons;
}

void park_forget(struct park *p, const struct park_key *key)
{
	struct direction *d = direction_find(p, key);

	if (d && d->frames == 0)
		direction_end(p, d);
}

void park_shut(struct park *p, const struct park_key *key, enum weir_action answer,
	       uint64_t until_ns)
{
	struct direction *d = direction_find(p, key);

	if (!d || d->frames > 0)
		return;
	d->state = PARK_SHUT;
	d->stands = (uint8_t)answer;
	due_set(p, d, until_ns);
}

enum park_state park_find(const struct park *p, const struct park_key *key)
{
	const struct direction *d = p->directions ? direction_find(p, key) : NULL;

	return d ? d->state : PARK_NONE;
}

bool park_describe(const struct park *p, const struct park_key *key, struct weir_parked *out)
{
	const struct direction *d = direction_find(p, key);

	if (!d)
		return false;
	*out = (struct weir_parked){.reasons = d->reasons, .answer = WEIR_ACTION_PASS};
	if (d->state != PARK_WAITING) {
		out->answer = d->stands;
		out->deadline_ns = d->state == PARK_ADOPTED ? d->due_ns : 0;
		return true;
	}
	for (unsigned int r = 0; r < WEIR_PARK_COUNT; r++) {
		if (!(d->reasons >> r & 1))
			continue;
		if (d->deadline_ns[r] > out->deadline_ns)
			out->deadline_ns = d->deadline_ns[r];
		if (d->answer[r] > out->answer)
			out->answer = d->answer[r];
	}
	return true;
}

bool park_due(const struct park *p, uint64_t now_ns, struct park_key *key, enum weir_park *reason,
	      enum weir_action *answer)
{
	const struct direction *d;

	if (p->directions == 0 || heap_ns(p, 0) > now_ns)
		return false;
	d = &p->direction[p->heap[0]];
	*key = d->key;
	*reason = WEIR_PARK_COUNT;
	*answer = d->stands;
	for (unsigned int r = 0; d->state == PARK_WAITING && r < WEIR_PARK_COUNT; r++) {
		if (!(d->reasons >> r & 1) || d->deadline_ns[r] != d->due_ns)
			continue;
		*reason = r;
		*answer = d->answer[r];
		break;
	}
	return true;
}

uint64_t park_next_ns(const struct park *p)
{
	return p->directions ? heap_ns(p, 0) : UINT64_MAX;
}

void park_each(struct park *p, void (*fn)(const struct park_key *, void *), void *arg)
{
	for (uint32_t b = 0; b <= p->mask; b++) {
		uint32_t i = p->buckets[b];

		while (i != NONE) {
			uint32_t next = p->direction[i].next;
			struct park_key key = p->direction[i].key;

			fn(&key, arg);
			i = next;
		}
	}
}

/* ---- frames ---- */

/* Frames mostly come in their order, so the end is looked at first. */
static void insert(struct park *p, struct direction *d, uint32_t place)
{
	uint32_t *at = &d->first;
	uint32_t seq = p->places[place].seq;

	if (d->last != NONE && (int32_t)(seq - p->places[d->last].seq) >= 0)
		at = &p->places[d->last].next;
	while (*at != NONE && (int32_t)(seq - p->places[*at].seq) >= 0)
		at = &p->places[*at].next;
	p->places[place].next = *at;
	if (*at == NONE)
		d->last = place;
	*at = place;
}

static void age_link(struct park *p, struct direction *d, uint32_t place)
{
	p->places[place].older = d->newest;
	p->places[place].newer = NONE;
	*(d->newest != NONE ? &p->places[d->newest].newer : &d->oldest) = place;
	d->newest = place;
}

static void age_unlink(struct park *p, struct direction *d, uint32_t place)
{
	const struct place *x = &p->places[place];

	*(x->older != NONE ? &p->places[x->older].newer : &d->oldest) = x->newer;
	*(x->newer != NONE ? &p->places[x->newer].older : &d->newest) = x->older;
}

static size_t charge(const struct frame *f)
{
	return f->len < PARK_FRAME_MIN ? PARK_FRAME_MIN : f->len;
}

static void account(struct park *p, struct direction *d, size_t bytes, int sign)
{
	struct park_count *c = &p->count[d->counted];

	p->frames += (uint32_t)sign;
	d->frames += (uint32_t)sign;
	d->bytes += bytes * (size_t)sign;
	c->frames += (uint64_t)sign;
	c->bytes += bytes * (uint64_t)sign;
}

static bool has_room(const struct park *p, const struct direction *d, size_t bytes)
{
	return p->free_place != NONE && p->frames < p->limits.frames &&
	       p->count[d->counted].frames < p->limits.frames_reason &&
	       d->bytes + bytes <= p->limits.flow_bytes;
}

int park_add(struct park *p, const struct park_key *key, const struct frame *f, uint32_t seq,
	     uint32_t end, uint64_t now_ns)
{
	struct direction *d = direction_find(p, key);
	uint32_t place = p->free_place;

	if (!d || d->state != PARK_WAITING || !has_room(p, d, charge(f)))
		return -ENOBUFS;
	p->free_place = p->places[place].next;
	p->places[place] = (struct place){.frame = *f, .since_ns = now_ns, .seq = seq, .end = end};
	if (d->frames == 0 || (int32_t)(end - d->end) > 0)
		d->end = end;
	insert(p, d, place);
	age_link(p, d, place);
	account(p, d, charge(f), 1);
	return 0;
}

bool park_covers(const struct park *p, const struct park_key *key, uint32_t seq, uint32_t end)
{
	const struct direction *d = direction_find(p, key);
	uint32_t i = d ? d->first : NONE;

	/* Most segments come behind all that wait. */
	if (i == NONE || (int32_t)(end - d->end) > 0)
		return false;
	for (; i != NONE && (int32_t)(p->places[i].seq - seq) <= 0; i = p->places[i].next) {
		if ((int32_t)(p->places[i].end - seq) > 0)
			seq = p->places[i].end;
		if ((int32_t)(end - seq) <= 0)
			return true;
	}
	return false;
}

bool park_first(const struct park *p, const struct park_key *key, uint32_t *seq)
{
	const struct direction *d = direction_find(p, key);

	if (!d || d->first == NONE)
		return false;
	*seq = p->places[d->first].seq;
	return true;
}

bool park_any(const struct park *p, const struct park_key *key,
	      bool (*fn)(const struct frame *, void *), void *arg)
{
	const struct direction *d = direction_find(p, key);

	for (uint32_t i = d ? d->first : NONE; i != NONE; i = p->places[i].next)
		if (fn(&p->places[i].frame, arg))
			return true;
	return false;
}

bool park_in_order(const struct park *p, const struct park_key *key, uint32_t *next)
{
	const struct direction *d = direction_find(p, key);

	if (!d || !d->has_in_order)
		return false;
	*next = d->in_order;
	return true;
}

void park_set_in_order(struct park *p, const struct park_key *key, uint32_t next)
{
	struct direction *d = direction_find(p, key);

	if (!d)
		return;
	d->has_in_order = true;
	d->in_order = next;
}

bool park_oldest(const struct park *p, const struct park_key *key, uint64_t *since_ns)
{
	const struct direction *d = direction_find(p, key);

	if (!d || d->oldest == NONE)
		return false;
	*since_ns = p->places[d->oldest].since_ns;
	return true;
}

static void take_first(struct park *p, struct direction *d, struct frame *out)
{
	uint32_t place = d->first;
	struct place *x = &p->places[place];

	*out = x->frame;
	d->first = x->next;
	if (d->first == NONE)
		d->last = NONE;
	age_unlink(p, d, place);
	account(p, d, charge(out), -1);
	x->next = p->free_place;
	p->free_place = place;
}

uint64_t park_until(const struct park *p, const struct park_key *key, enum weir_park reason)
{
	const struct direction *d = direction_find(p, key);

	return d && d->reasons >> reason & 1 ? d->deadline_ns[reason] : 0;
}

bool park_peek(const struct park *p, const struct park_key *key, struct frame *out)
{
	const struct direction *d = p->frames ? direction_find(p, key) : NULL;

	if (!d || d->first == NONE)
		return false;
	*out = p->places[d->first].frame;
	return true;
}

bool park_take(struct park *p, const struct park_key *key, struct frame *out)
{
	struct direction *d = p->frames ? direction_find(p, key) : NULL;

	if (!d || d->first == NONE)
		return false;
	take_first(p, d, out);
	return true;
}

bool park_take_next(struct park *p, const struct park_key *key, uint32_t next, struct frame *out)
{
	struct direction *d = p->frames ? direction_find(p, key) : NULL;

	if (!d || d->first == NONE || (int32_t)(p->places[d->first].seq - next) > 0)
		return false;
	take_first(p, d, out);
	return true;
}

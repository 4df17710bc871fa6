// SPDX-License-Identifier: GPL-2.0-only
/* Numbers of frames in the slow path. Lanes are linked by index in a hash table of fixed size. */
#include "flow/flow.h"
#include "util/util.h"

#define NONE HANDOVER_NONE

/*
 * One direction of a flow. A lane that holds no frame is kept only while wire segments of the
 * highest number are to come; they may have been lost, so such lanes are used again, the oldest
 * first, when there is no other.
 */
struct lane {
	uint64_t flow_id;
	uint32_t highest;  /* number seen */
	uint32_t held;	   /* frames received and not finished, of any number */
	uint16_t segments; /* wire frames of the highest number */
	uint16_t received; /* of them */
	uint8_t dir;
	bool seen;	       /* a number */
	bool drains;	       /* the flow is decided and waits for the answer */
	uint32_t next;	       /* in its bucket, or among the free */
	uint32_t older, newer; /* among those that hold no frame */
};

struct handover {
	uint64_t *done;
	uint32_t mask; /* of weir_done_index() */
	uint32_t bucket_mask;
	uint32_t free, oldest, newest;
	uint32_t *buckets;
	uint8_t *kept; /* by element of done: how many other answers it is kept against */
	struct lane lanes[];
};

/* More than flows share an element: each flow's next frame comes while its answer stands. */
#define KEPT_MOST 16

struct handover *handover_new(uint64_t *done, uint32_t slots, uint32_t frames)
{
	struct handover *h = calloc(1, sizeof(*h) + (size_t)frames * sizeof(h->lanes[0]));
	uint32_t buckets = 1;

	if (!h)
		return NULL;
	while (buckets < frames)
		buckets *= 2;
	h->buckets = malloc((size_t)buckets * sizeof(h->buckets[0]));
	h->kept = calloc(slots, 2 * sizeof(h->kept[0]));
	if (!h->buckets || !h->kept) {
		handover_free(h);
		return NULL;
	}
	h->done = done;
	h->mask = slots - 1;
	h->bucket_mask = buckets - 1;
	for (uint32_t i = 0; i < buckets; i++)
		h->buckets[i] = NONE;
	for (uint32_t i = 0; i < frames; i++)
		h->lanes[i].next = i + 1 < frames ? i + 1 : NONE;
	h->free = frames ? 0 : NONE;
	h->oldest = h->newest = NONE;
	return h;
}

void handover_free(struct handover *h)
{
	if (!h)
		return;
	free(h->buckets);
	free(h->kept);
	free(h);
}

/* Flow ids are random. */
static uint32_t *bucket_of(struct handover *h, uint64_t flow_id, uint8_t dir)
{
	return &h->buckets[(uint32_t)(flow_id ^ flow_id >> 32 ^ dir) & h->bucket_mask];
}

static uint64_t *done_of(const struct handover *h, const struct lane *l)
{
	return &h->done[weir_done_index(l->flow_id, l->dir, h->mask)];
}

static void idle_add(struct handover *h, uint32_t i)
{
	h->lanes[i].older = h->newest;
	h->lanes[i].newer = NONE;
	*(h->newest != NONE ? &h->lanes[h->newest].newer : &h->oldest) = i;
	h->newest = i;
}

static void idle_remove(struct handover *h, uint32_t i)
{
	const struct lane *l = &h->lanes[i];

	*(l->older != NONE ? &h->lanes[l->older].newer : &h->oldest) = l->newer;
	*(l->newer != NONE ? &h->lanes[l->newer].older : &h->newest) = l->older;
}

static void lane_end(struct handover *h, uint32_t i)
{
	uint32_t *at = bucket_of(h, h->lanes[i].flow_id, h->lanes[i].dir);

	while (*at != i)
		at = &h->lanes[*at].next;
	*at = h->lanes[i].next;
	h->lanes[i].next = h->free;
	h->free = i;
}

static uint32_t lane_begin(struct handover *h, uint64_t flow_id, uint8_t dir)
{
	uint32_t *bucket = bucket_of(h, flow_id, dir), i;
	uint64_t done;
	struct lane *l;

	if (h->free == NONE && h->oldest != NONE) {
		i = h->oldest;
		idle_remove(h, i);
		lane_end(h, i);
	}
	i = h->free;
	if (i == NONE)
		return NONE;
	l = &h->lanes[i];
	h->free = l->next;
	*l = (struct lane){.flow_id = flow_id, .dir = dir, .next = *bucket};
	*bucket = i;
	/* What was said last stays true: a frame of an older number may still come. */
	done = *done_of(h, l);
	l->highest = (uint32_t)(done >> 32);
	l->seen = done == weir_done_word(flow_id, l->highest);
	return i;
}

static uint32_t lane_find(struct handover *h, uint64_t flow_id, uint8_t dir)
{
	uint32_t i = *bucket_of(h, flow_id, dir);

	while (i != NONE && (h->lanes[i].flow_id != flow_id || h->lanes[i].dir != dir))
		i = h->lanes[i].next;
	return i;
}

uint32_t handover_received(struct handover *h, const struct weir_punt *punt)
{
	uint8_t dir = weir_punt_dir(punt);
	struct lane *l;
	uint32_t i;

	if (!punt->flow_id)
		return NONE;
	i = lane_find(h, punt->flow_id, dir);
	if (i == NONE)
		i = lane_begin(h, punt->flow_id, dir);
	else if (!h->lanes[i].held)
		idle_remove(h, i);
	if (i == NONE)
		return NONE;
	l = &h->lanes[i];
	l->held++;
	/* Numbers wrap, and those of an adopted flow begin anywhere. A segment of an older number
	 * that comes late (another queue) is held like any, but nothing waits for its siblings. */
	if (!l->seen || (int32_t)(punt->number - l->highest) > 0) {
		l->seen = true;
		l->highest = punt->number;
		l->segments = punt->segments;
		l->received = 0;
		l->drains = punt->flags & WEIR_PUNT_DECIDED;
	}
	if (punt->number == l->highest && l->received < UINT16_MAX)
		l->received++;
	return i;
}

/*
 * Flows may share an element, and two whose frames come in turn would overwrite each other's answer
 * for ever. The answer to a flow that drains stays until the gate has read it and frees the
 * element, or many others were to be given.
 */
static void publish(struct handover *h, const struct lane *l)
{
	uint32_t element = weir_done_index(l->flow_id, l->dir, h->mask);
	uint64_t word = weir_done_word(l->flow_id, l->highest);
	uint64_t before = __atomic_load_n(&h->done[element], __ATOMIC_ACQUIRE);

	if (before && (uint32_t)before != (uint32_t)word && h->kept[element] > 0) {
		h->kept[element]--;
		return;
	}
	__atomic_store_n(&h->done[element], word, __ATOMIC_RELEASE);
	h->kept[element] = l->drains ? KEPT_MOST : 0;
}

void handover_finished(struct handover *h, uint32_t lane)
{
	struct lane *l;

	if (lane == NONE)
		return;
	l = &h->lanes[lane];
	if (--l->held > 0)
		return;
	if (l->received < l->segments) {
		idle_add(h, lane);
		return;
	}
	publish(h, l);
	lane_end(h, lane);
}

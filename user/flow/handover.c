// SPDX-License-Identifier: GPL-2.0-only
#include "flow/flow.h"
#include "util/util.h"

/* One slot in one direction. */
struct lane {
	uint32_t highest;  /* number seen */
	uint32_t held;	   /* frames received and not finished, of any number */
	uint16_t segments; /* wire frames of the highest number */
	uint16_t received;
	bool seen;
};

struct handover {
	struct weir_numbers *done;
	uint32_t slots;
	struct lane lane[][2];
};

struct handover *handover_new(struct weir_numbers *done, uint32_t slots)
{
	struct handover *h = calloc(1, sizeof(*h) + (size_t)slots * sizeof(h->lane[0]));

	if (!h)
		return NULL;
	h->done = done;
	h->slots = slots;
	return h;
}

void handover_free(struct handover *h)
{
	free(h);
}

void handover_received(struct handover *h, const struct weir_punt *punt)
{
	struct lane *l;

	if (punt->slot >= h->slots || punt->dir > 1)
		return;
	l = &h->lane[punt->slot][punt->dir];
	l->held++;
	/* Numbers wrap, and those of an adopted map begin anywhere. A segment of an older number
	 * that comes late (another queue) is held like any, but nothing waits for its siblings. */
	if (!l->seen || (int32_t)(punt->number - l->highest) > 0) {
		l->seen = true;
		l->highest = punt->number;
		l->segments = punt->segments;
		l->received = 0;
	}
	if (punt->number == l->highest && l->received < UINT16_MAX)
		l->received++;
}

void handover_finished(struct handover *h, uint32_t slot, uint8_t dir)
{
	struct lane *l;

	if (slot >= h->slots || dir > 1)
		return;
	l = &h->lane[slot][dir];
	if (l->held == 0 || --l->held > 0 || l->received < l->segments)
		return;
	__atomic_store_n(&h->done[slot].n[dir], l->highest, __ATOMIC_RELEASE);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "tap/edits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A changed range in the sender's numbers. */
struct edit {
	uint32_t seq, len;
	uint32_t new_len;
	uint8_t *bytes;
};

/* a - b of two sequence numbers. */
static int32_t behind(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static uint32_t end_of(const struct edit *x)
{
	return x->seq + x->len;
}

void edits_budget_init(struct edits_budget *b, uint32_t max)
{
	*b = (struct edits_budget){.max = max};
	slab_init(&b->slab, EDIT_BYTES_MAX);
}

void edits_budget_fini(struct edits_budget *b)
{
	slab_fini(&b->slab);
}

static void forget(struct edits_budget *b, struct edit *x)
{
	slab_give(&b->slab, x->bytes);
	b->used--;
}

void edits_fini(struct edits *e, struct edits_budget *b)
{
	for (uint32_t i = 0; i < e->count; i++)
		forget(b, &e->list[i]);
	free(e->list);
	*e = (struct edits){0};
}

void edits_sent(struct edits *e, uint32_t end)
{
	if (!e->any_sent || behind(end, e->sent) > 0)
		e->sent = end;
	e->any_sent = true;
}

bool edits_touch(const struct edits *e, uint32_t seq, uint32_t len)
{
	for (uint32_t i = e->count; i-- > 0;) {
		const struct edit *x = &e->list[i];

		if (behind(end_of(x), seq) <= 0)
			return false;
		if (behind(x->seq, seq + len) < 0)
			return true;
	}
	return false;
}

static int room_for_one(struct edits *e)
{
	uint32_t room = e->room ? e->room * 2 : 8;
	struct edit *list;

	if (e->count < e->room)
		return 0;
	if (e->count >= EDITS_MAX)
		return -ENOBUFS;
	list = reallocarray(e->list, room, sizeof(*list));
	if (!list)
		return -ENOBUFS;
	e->list = list;
	e->room = room;
	return 0;
}

static void insert(struct edits *e, const struct edit *x)
{
	uint32_t at = e->count;

	while (at > 0 && behind(e->list[at - 1].seq, x->seq) > 0)
		at--;
	memmove(&e->list[at + 1], &e->list[at], (e->count - at) * sizeof(*x));
	e->list[at] = *x;
	e->count++;
}

int edits_add(struct edits *e, struct edits_budget *b, uint32_t seq, uint32_t len,
	      const void *bytes, uint32_t new_len)
{
	struct edit x = {.seq = seq, .len = len, .new_len = new_len};

	if (edits_touch(e, seq, len))
		return -EEXIST;
	if (len != new_len && e->any_sent && behind(e->sent, seq) > 0)
		return -EALREADY;
	if (len == 0 || new_len > EDIT_BYTES_MAX || b->used >= b->max || room_for_one(e) < 0)
		return -ENOBUFS;
	x.bytes = slab_take(&b->slab);
	if (!x.bytes)
		return -ENOBUFS;
	b->used++;
	memcpy(x.bytes, bytes, new_len);
	insert(e, &x);
	e->ever = e->ever || len != new_len;
	return 0;
}

uint32_t edits_to_new(const struct edits *e, uint32_t seq)
{
	uint32_t delta = e->base;

	for (uint32_t i = 0; i < e->count; i++) {
		const struct edit *x = &e->list[i];

		if (behind(seq, x->seq) < 0)
			break;
		if (behind(seq, end_of(x)) < 0)
			return x->seq + delta;
		delta += x->new_len - x->len;
	}
	return seq + delta;
}

/* The sender's number; *within: the range that the number is in, or NULL. */
static uint32_t find_old(const struct edits *e, uint32_t ack, const struct edit **within)
{
	uint32_t delta = e->base;

	*within = NULL;
	for (uint32_t i = 0; i < e->count; i++) {
		const struct edit *x = &e->list[i];
		uint32_t begin = x->seq + delta;

		if (behind(ack, begin + x->new_len) < 0) {
			if (behind(ack, begin) <= 0)
				break;
			*within = x;
			return x->seq;
		}
		delta += x->new_len - x->len;
	}
	return ack - delta;
}

uint32_t edits_to_old(const struct edits *e, uint32_t ack)
{
	const struct edit *within;

	return find_old(e, ack, &within);
}

bool edits_block_to_old(const struct edits *e, uint32_t *left, uint32_t *right)
{
	const struct edit *within;
	uint32_t from = find_old(e, *left, &within);

	if (within)
		from = end_of(within);
	*left = from;
	*right = find_old(e, *right, &within);
	return behind(*right, *left) > 0;
}

void edits_acknowledged(struct edits *e, struct edits_budget *b, uint32_t ack)
{
	uint32_t gone = 0;

	while (gone < e->count) {
		struct edit *x = &e->list[gone];

		if (behind(ack, x->seq + e->base + x->new_len) < 0 || !e->any_sent ||
		    behind(end_of(x), e->sent) > 0)
			break;
		e->base += x->new_len - x->len;
		forget(b, x);
		gone++;
	}
	if (!gone)
		return;
	e->count -= gone;
	memmove(e->list, e->list + gone, e->count * sizeof(*e->list));
}

/* The first range that ends behind seq. */
static uint32_t edit_from(const struct edits *e, uint32_t seq)
{
	uint32_t i = 0;

	while (i < e->count && behind(end_of(&e->list[i]), seq) <= 0)
		i++;
	return i;
}

size_t edits_apply(const struct edits *e, uint32_t seq, const uint8_t *bytes, uint32_t len,
		   uint8_t *out, size_t cap, uint32_t *new_seq, uint32_t *taken)
{
	uint32_t i = edit_from(e, seq), at = 0;
	size_t n = 0;

	*new_seq = edits_to_new(e, seq);
	while (at < len) {
		const struct edit *x = i < e->count ? &e->list[i] : NULL;
		int32_t plain = x ? behind(x->seq, seq + at) : (int32_t)(len - at);

		if (plain > 0) {
			uint32_t take = (uint32_t)plain < len - at ? (uint32_t)plain : len - at;

			if (take > cap - n)
				take = (uint32_t)(cap - n);
			memcpy(out + n, bytes + at, take);
			n += take;
			at += take;
			if (n == cap || !x || at == len)
				break;
			continue;
		}
		if (x->new_len > cap - n)
			break;
		memcpy(out + n, x->bytes, x->new_len);
		n += x->new_len;
		at = end_of(x) - seq < len ? end_of(x) - seq : len;
		i++;
	}
	*taken = at;
	return n;
}

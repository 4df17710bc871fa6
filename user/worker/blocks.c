// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the operator shut out, for the frames that are judged here: the gate sees that a block holds
 * for an application only with the frame after the one that told it. Compiled blocks do not change;
 * who uses them counts, and the last one frees them.
 */
#include "worker/worker_private.h"

/* ---- the daemon's thread ---- */

struct worker_blocks *worker_blocks_new(struct policy_blocks *made)
{
	struct worker_blocks *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	atomic_init(&b->users, 1);
	b->made = *made;
	*made = (struct policy_blocks){0};
	return b;
}

void worker_blocks_put(struct worker_blocks *b)
{
	if (!b || atomic_fetch_sub(&b->users, 1) > 1)
		return;
	policy_blocks_fini(&b->made);
	free(b);
}

static struct worker_blocks *get(struct worker_blocks *b)
{
	if (b)
		atomic_fetch_add(&b->users, 1);
	return b;
}

void worker_blocks_give(struct worker *w, struct worker_blocks *b)
{
	worker_blocks_put(atomic_exchange(&w->blocks_offered, get(b)));
}

/* ---- the worker's thread ---- */

void worker_blocks_begin(struct worker *w)
{
	get(w->own.blocks);
}

void worker_blocks_end(struct worker *w)
{
	worker_blocks_put(atomic_exchange(&w->blocks_offered, NULL));
	worker_blocks_put(w->own.blocks);
	w->own.blocks = NULL;
}

/* Not between two batches but when they are asked: who was told that a block is in force does not
 * have to wait for a batch to end. */
static void take(struct worker *w)
{
	struct worker_blocks *b = atomic_exchange(&w->blocks_offered, NULL);

	if (!b)
		return;
	worker_blocks_put(w->own.blocks);
	w->own.blocks = b;
}

bool worker_blocked(struct worker *w, const struct flow *f)
{
	const struct worker_blocks *b;

	if (atomic_load_explicit(&w->blocks_offered, memory_order_relaxed))
		take(w);
	b = w->own.blocks;
	return b && b->made.count &&
	       policy_blocks_until(&b->made, &f->key, f->origin, f->app) > w->now_ns;
}

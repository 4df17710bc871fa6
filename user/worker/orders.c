// SPDX-License-Identifier: GPL-2.0-only
/* Orders to a worker: written by the daemon's thread, carried out between two batches. */
#include <string.h>

#include "worker/worker_private.h"

/* ---- the daemon's thread ---- */

int worker_block(struct worker *w, const struct weir_block *key)
{
	return mail_put(w->post.orders, WORKER_ORDER_BLOCK, key, sizeof(*key));
}

int worker_release(struct worker *w, uint64_t handle, enum weir_action action)
{
	const struct worker_release order = {.handle = handle, .action = action};

	return mail_put(w->post.orders, WORKER_ORDER_RELEASE, &order, sizeof(order));
}

/* ---- the worker's thread ---- */

struct block {
	const struct worker *worker;
	struct weir_block key;
};

static bool is_blocked(uint64_t flow_id, void *arg)
{
	const struct block *b = arg;
	const struct flow *f = inspector_find(b->worker->inspector, flow_id);

	return f && policy_block_means(&b->key, &f->key, f->origin,
				       f->decided ? f->app : WEIR_BLOCK_ANY_APP);
}

static void obey(const struct mail_record *m, void *arg)
{
	struct block b = {.worker = arg};
	struct worker_release r;
	struct worker *w = arg;

	switch (m->type) {
	case WORKER_ORDER_SETTINGS:
		worker_settings_ordered(w);
		break;
	case WORKER_ORDER_BLOCK:
		if (m->len != sizeof(b.key))
			break;
		memcpy(&b.key, m->payload, sizeof(b.key));
		worker_park_drop(w, is_blocked, &b, WEIR_REASON_DROP_BLOCKED);
		break;
	case WORKER_ORDER_RELEASE:
		if (m->len != sizeof(r))
			break;
		memcpy(&r, m->payload, sizeof(r));
		inspector_release_hold(w->inspector, r.handle, (uint8_t)r.action);
		break;
	}
}

void worker_read_orders(struct worker *w)
{
	mail_read(w->post.in, obey, w);
	worker_settings_take(w);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ways a frame leaves the slow path. `wire` is a socket of the outgoing port. The others go
 * through a port's pair: `stack` through that of the port the frame came in on, `shaped` through
 * that of the outgoing port; a trailer behind the frame tells the near end which, and the pipe.
 */
#include <string.h>

#include "weir/exit.h"
#include "worker/worker_private.h"

static bool port_is_open(struct xsk_sockets *const *sockets, unsigned int port)
{
	return port < WEIR_PORTS_MAX && sockets[port];
}

/* What is possible of what was asked for: without a pair only the wire is, without an outgoing port
 * only the stack, which also delivers to sockets of this host (LOCAL). */
static enum weir_exit exit_choose(const struct worker_shared *s, const struct worker_route *r)
{
	bool wire = port_is_open(s->ports, r->out_port);

	if (r->exit == WEIR_EXIT_SHAPED && wire && port_is_open(s->pairs, r->out_port))
		return WEIR_EXIT_SHAPED;
	if ((r->exit == WEIR_EXIT_STACK || r->exit == WEIR_EXIT_LOCAL || !wire) &&
	    port_is_open(s->pairs, r->in_port))
		return WEIR_EXIT_STACK;
	return WEIR_EXIT_WIRE;
}

static bool trailer_add(struct worker *w, const struct worker_route *r, enum weir_exit chosen,
			struct frame *f)
{
	const struct weir_trailer trailer = {
		.secret = gate_ctl(w->shared->gate)->exit_secret,
		.pipe = r->pipe,
		.exit = chosen,
	};

	if (f->addr % WEIR_FRAME_BYTES + f->len + sizeof(trailer) > WEIR_FRAME_BYTES)
		return false;
	memcpy(frame_data(w->shared->pool, f) + f->len, &trailer, sizeof(trailer));
	f->len += sizeof(trailer);
	return true;
}

/*
 * Frames of one flow that leave by different exits stand in rings that are emptied one after the
 * other: what the flow has in another ring leaves first.
 */
static void keep_order(struct worker *w, const struct worker_route *r, enum weir_exit chosen)
{
	struct worker_exit_mark *mark = &w->exits[r->flow % ARRAY_SIZE(w->exits)];

	if (mark->kicks == w->kicks && mark->exit != chosen)
		worker_kick(w);
	*mark = (struct worker_exit_mark){.kicks = w->kicks, .exit = chosen};
}

bool worker_exit(struct worker *w, const struct worker_route *r, const struct frame *f,
		 enum weir_reason *reason)
{
	static const enum weir_reason reinjected[WEIR_EXIT_COUNT] = {
		[WEIR_EXIT_WIRE] = WEIR_REASON_REINJECTED,
		[WEIR_EXIT_STACK] = WEIR_REASON_REINJECTED_STACK,
		[WEIR_EXIT_SHAPED] = WEIR_REASON_REINJECTED_SHAPED,
	};
	enum weir_exit chosen = exit_choose(w->shared, r);
	unsigned int port = chosen == WEIR_EXIT_STACK ? r->in_port : r->out_port;
	struct xsk_sockets *const *sockets =
		chosen == WEIR_EXIT_WIRE ? w->shared->ports : w->shared->pairs;
	struct frame out = *f;

	*reason = WEIR_REASON_DROP_TX_ERROR;
	if (!port_is_open(sockets, port) ||
	    (chosen != WEIR_EXIT_WIRE && !trailer_add(w, r, chosen, &out)))
		return false;
	keep_order(w, r, chosen);
	*reason = WEIR_REASON_DROP_TX_FULL;
	/* Frames of one direction always leave on one queue, so they stay in order. */
	if (!xsk_send(sockets[port], r->flow % xsk_sockets_queues(sockets[port]), w->index, &out))
		return false;
	*reason = reinjected[chosen];
	w->outstanding++;
	if (chosen != WEIR_EXIT_STACK) {
		w->counters.sent_frames[port]++;
		w->counters.sent_bytes[port] += f->len;
	}
	return true;
}

/* The wire first: what is in another ring of the same flow is younger (keep_order). */
void worker_kick(struct worker *w)
{
	for (unsigned int port = 1; port < WEIR_PORTS_MAX; port++)
		if (w->shared->ports[port])
			xsk_kick(w->shared->ports[port], w->index);
	for (unsigned int port = 1; port < WEIR_PORTS_MAX; port++)
		if (w->shared->pairs[port] && w->shared->pairs[port] != w->shared->ports[port])
			xsk_kick(w->shared->pairs[port], w->index);
	w->kicks++;
}

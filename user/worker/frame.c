// SPDX-License-Identifier: GPL-2.0-only
/* One frame's way through the slow path: metadata, judgement, out again or dropped. */
#include <netinet/in.h>
#include <string.h>

#include "app/consumer.h"
#include "worker/tap.h"
#include "worker/worker_private.h"

/* What is known of the frame at hand. */
struct job {
	struct frame frame; /* its cookie is its lane of the hand-over */
	struct weir_punt punt;
	struct packet packet;
	enum packet_status status;
	enum weir_reason drop;	      /* why, where it is dropped */
	uint16_t pipe;		      /* of a frame that was judged here */
	const struct policy_tap *tap; /* that it is given to */
};

static uint32_t slot_of(const struct worker *w, const struct job *j)
{
	return weir_flow_slot(j->punt.flow_id, gate_slots(w->shared->gate) - 1);
}

static void count(struct worker *w, unsigned int port, enum weir_reason reason, uint32_t bytes)
{
	w->counters.reasons[port][reason]++;
	if (reason != WEIR_REASON_MADE_RESET)
		gate_ended(w->shared->gate)[w->index * WEIR_PORTS_MAX + port]++;
	w->counters.bytes[port][reason] += bytes;
}

static void frame_drop(struct worker *w, const struct job *j, enum weir_reason reason)
{
	count(w, j->punt.in_port, reason, j->frame.len);
	frame_give(w->shared->pool, w->index, &j->frame);
	handover_finished(w->handover, j->frame.cookie);
}

static struct worker_route route_of(const struct worker *w, const struct job *j)
{
	bool told = j->punt.flags & WEIR_PUNT_DECIDED;

	return (struct worker_route){
		.in_port = j->punt.in_port,
		.out_port = j->punt.out_port,
		.exit = WEIR_PUNT_EXIT_OF(j->punt.flags),
		.pipe = told ? weir_punt_pipe(j->punt.traits) : j->pipe,
		.flow = slot_of(w, j),
	};
}

/* How long what the flow sent by its old exit may still be on its way; 0: nothing is. */
static uint32_t settle_ms(const struct worker *w, const struct job *j)
{
	const struct weir_ctl *ctl = gate_ctl(w->shared->gate);

	if (!(j->punt.flags & WEIR_PUNT_SETTLE))
		return 0;
	if (j->punt.flags & WEIR_PUNT_DECIDED)
		return weir_punt_settle_ms(j->punt.traits);
	return j->punt.flags & WEIR_PUNT_INSPECT ? ctl->settle_queue_ms : ctl->settle_wire_ms;
}

static void frame_forward(struct worker *w, struct job *j)
{
	struct worker_route route = route_of(w, j);
	enum weir_reason reason;

	if (j->status == PACKET_OK && !worker_tap_leave(w, &j->frame, &j->punt, &j->packet)) {
		frame_drop(w, j, WEIR_REASON_DROP_TAP);
		return;
	}
	if (j->status == PACKET_OK && packet_checksum_unfinished(&j->packet)) {
		packet_checksum_finish(&j->packet, frame_data(w->shared->pool, &j->frame));
		w->counters.finished_checksums++;
	}
	if (worker_exit(w, &route, &j->frame, &reason))
		count(w, j->punt.in_port, reason, j->frame.len);
	else
		frame_drop(w, j, reason);
}

/* One that leaves by the stack counts as sent by the port through which that gets it: the one that
 * it leaves by is not known. */
static void made_reset(struct worker *w, const struct worker_route *r, enum weir_reason reason,
		       uint32_t len)
{
	bool stack = reason == WEIR_REASON_REINJECTED_STACK;

	count(w, stack ? r->in_port : r->out_port, WEIR_REASON_MADE_RESET, len);
	if (stack) {
		w->counters.sent_frames[r->in_port]++;
		w->counters.sent_bytes[r->in_port] += len;
	}
}

static void make_reset(struct worker *w, const struct job *j, bool to_sender)
{
	const struct packet p = worker_tap_reset(w, &j->punt, &j->packet, to_sender);
	struct worker_route route = route_of(w, j);
	enum weir_reason reason;
	struct frame out;
	int len;

	if (to_sender) {
		route.out_port = j->punt.in_port;
		route.exit = WEIR_EXIT_WIRE;
	}
	if (!frame_take(w->shared->pool, w->index, &out))
		return;
	len = packet_make_reset(&p, to_sender, frame_data(w->shared->pool, &out),
				WEIR_FRAME_BYTES / 2);
	if (len > 0) {
		out.len = (uint32_t)len;
		out.cookie = HANDOVER_NONE;
		if (worker_exit(w, &route, &out, &reason)) {
			made_reset(w, &route, reason, out.len);
			return;
		}
	}
	frame_give(w->shared->pool, w->index, &out);
}

static void frame_reset(struct worker *w, const struct job *j)
{
	if (j->status == PACKET_OK && j->packet.proto == IPPROTO_TCP) {
		make_reset(w, j, true);
		make_reset(w, j, false);
	}
	frame_drop(w, j, WEIR_REASON_DROP_RESET);
}

bool worker_owns(const struct worker *w, uint64_t flow_id)
{
	uint32_t slot = weir_flow_slot(flow_id, gate_slots(w->shared->gate) - 1);

	return slot % w->shared->workers == w->index;
}

static void publish_reconnect(struct worker *w, const struct flow *f)
{
	struct weir_reconnect_key key = {
		.dport = f->key.port[!f->origin],
		.proto = f->key.proto,
		.domain = f->key.domain,
	};
	struct weir_peer peer = {
		.expires_ns = w->now_ns + w->shared->reconnect_ttl_ns,
		.app = f->app,
		.confidence = f->confidence,
	};

	memcpy(key.src, f->key.addr[f->origin], sizeof(key.src));
	memcpy(key.dst, f->key.addr[!f->origin], sizeof(key.dst));
	gate_put_reconnect(w->shared->gate, &key, &peer);
}

/* What the gate is to go on punting of a flow. A tunnel, and what is read for details, takes both
 * sides. */
static uint8_t inspection(const struct flow *f)
{
	uint8_t flags = WEIR_IDENTIFIED_INSPECT;

	if (!f->inspect && !f->reading && !f->carries)
		return f->expected ? WEIR_IDENTIFIED_RELEASE : 0;
	if (f->reading || f->carries)
		return flags;
	if (!(f->wanted & CONSUMER_CLIENT))
		flags |= WEIR_IDENTIFIED_SKIP_ORIGINATOR;
	if (!(f->wanted & CONSUMER_SERVER))
		flags |= WEIR_IDENTIFIED_SKIP_RESPONDER;
	return flags;
}

static void publish(struct worker *w, const struct inspect_outcome *o)
{
	const struct flow *f = o->flow;
	bool reconnect = o->reconnect && f->two_way;
	struct weir_identification v = {
		.app = f->app,
		.method = f->method,
		.confidence = f->confidence,
		.flags = inspection(f) | (worker_tap_keeps(w, f->id) ? WEIR_IDENTIFIED_TAP : 0),
		.payloads = flow_payloads(f),
		.traits = f->traits,
	};

	gate_put_identification(w->shared->gate, f->id, &v);
	if (reconnect)
		publish_reconnect(w, f);
	w->counters.decided++;
}

static bool passes_anyway(const struct worker *w, const struct job *j)
{
	return w->shared->policy->inspect_copy && !(j->punt.flags & WEIR_PUNT_INSPECT);
}

static bool is_drop(const struct weir_cell *cell)
{
	return cell->action == WEIR_ACTION_DROP || cell->action == WEIR_ACTION_RESET;
}

/*
 * Whether the policy drops a flow inside of the packet's. The gate knows the outer flow alone,
 * which goes on. A reset would have to be made inside of the tunnel: such a flow is dropped.
 */
static bool drops_inner(struct worker *w, const struct job *j, const struct inspect_outcome *o)
{
	for (unsigned int n = 0; n < o->inner_count; n++) {
		const struct inspect_inner *inner = &o->inner[n];
		struct weir_punt punt = j->punt;
		const struct weir_cell *cell;

		if (!inner->flow->decided)
			continue;
		worker_traits_update(w, inner->flow, inner->decided_now);
		if (worker_waits_for_name(w, inner->flow))
			continue;
		cell = worker_cell(w, inner->flow, &j->punt, &j->packet);
		if (!is_drop(cell))
			continue;
		/* The key's direction is the inner flow's own. */
		punt.flags = (punt.flags & ~WEIR_PUNT_DIR) | (inner->dir ? WEIR_PUNT_DIR : 0);
		if (inner->decided_now)
			worker_event_drop(w, inner->flow, &punt, cell);
		return true;
	}
	return false;
}

/*
 * A connection that was let through as one application and is dropped as another would hang at both
 * ends: it is reset.
 */
static enum weir_action judge_changed(struct worker *w, const struct flow *f,
				      enum weir_action action)
{
	w->counters.changed++;
	if (action != WEIR_ACTION_DROP || f->key.proto != IPPROTO_TCP || f->tunnel)
		return action;
	w->counters.cut++;
	return WEIR_ACTION_RESET;
}

/*
 * What becomes of the packet of a decided flow. One that is blocked does not wait for a name: the
 * gate has to hear of it, to drop what comes.
 */
static enum weir_action judge_decided(struct worker *w, struct job *j, struct inspect_outcome *o)
{
	bool news = worker_traits_update(w, o->flow, o->decided_now || o->anomalies);
	bool waits = worker_waits_for_name(w, o->flow);
	bool blocked = worker_blocked(w, o->flow);
	const struct weir_cell *cell;

	/* The gate would decide at once, without the name. */
	if (waits && !blocked)
		return WEIR_ACTION_PASS;
	if (o->decided_now || news || waits)
		publish(w, o);
	if (o->decided_now && !o->flow->reading)
		worker_note_details(w, o->flow);
	cell = worker_cell(w, o->flow, &j->punt, &j->packet);
	j->pipe = cell->pipe;
	j->tap = policy_rule_tap(w->shared->policy, cell->rule);
	if (passes_anyway(w, j))
		return WEIR_ACTION_PASS;
	if (blocked) {
		if (o->decided_now)
			worker_event_blocked(w, o->flow, &j->punt);
		j->drop = WEIR_REASON_DROP_BLOCKED;
		return WEIR_ACTION_DROP;
	}
	if (o->decided_now && is_drop(cell))
		worker_event_drop(w, o->flow, &j->punt, cell);
	if (!is_drop(cell) && drops_inner(w, j, o)) {
		j->drop = WEIR_REASON_DROP_TUNNEL;
		return WEIR_ACTION_DROP;
	}
	return o->changed ? judge_changed(w, o->flow, cell->action) : cell->action;
}

/* What to do with the packet that was just judged; o: what it led to. */
static enum weir_action judge(struct worker *w, struct job *j, struct inspect_outcome *o)
{
	worker_note_frame(w, &j->punt, &j->packet, j->status);
	inspector_packet(w->inspector, &j->packet, j->status, &j->punt, w->now_ns, o);
	w->counters.classified++;
	if (o->bad_checksum)
		w->counters.bad_checksums++;
	if (!o->flow)
		return WEIR_ACTION_PASS;
	if (o->anomalies)
		worker_event_anomalies(w, o->flow, &j->punt, o->anomalies);
	if (!o->flow->decided)
		return WEIR_ACTION_PASS;
	return judge_decided(w, j, o);
}

void worker_learn(void *arg, const struct weir_endpoint_key *key, const struct weir_peer *peer)
{
	struct worker *w = arg;

	/* The gate would decide by it at the first packet, and nobody would follow the flow. */
	if (!w->shared->policy->follow_all)
		gate_put_endpoint(w->shared->gate, key, peer);
	w->counters.learned++;
}

/* Whether the metadata can be the gate's: a frame that got here by another way must not index our
 * tables. */
static bool punt_is_sane(const struct weir_punt *punt)
{
	return punt->in_port < WEIR_PORTS_MAX &&
	       (punt->out_port < WEIR_PORTS_MAX || punt->out_port == WEIR_PORT_NONE);
}

static void job_decode(struct worker *w, struct job *j)
{
	j->status = packet_decode(frame_data(w->shared->pool, &j->frame), j->frame.len,
				  PACKET_LINK_ETHERNET, &j->packet);
	/* The frame does not say which forwarding group it is in; the gate's keys do. */
	j->packet.key.domain = w->shared->domain[j->punt.in_port];
}

enum weir_action worker_frame_action(struct worker *w, const struct frame *f)
{
	struct job j = {.frame = *f, .punt = *frame_punt(w->shared->pool, f)};
	struct flow *flow = inspector_find(w->inspector, j.punt.flow_id);

	if (!flow || !flow->decided)
		return WEIR_ACTION_UNDECIDED;
	job_decode(w, &j);
	worker_traits_update(w, flow, false);
	return worker_cell(w, flow, &j.punt, &j.packet)->action;
}

static bool job_open(struct worker *w, const struct frame *f, struct job *j)
{
	*j = (struct job){
		.frame = *f,
		.punt = *frame_punt(w->shared->pool, f),
		.drop = WEIR_REASON_DROP_VERDICT,
	};
	if (!punt_is_sane(&j->punt)) {
		count(w, 0, WEIR_REASON_DROP_UNDECODABLE, f->len);
		frame_give(w->shared->pool, w->index, f);
		return false;
	}
	j->frame.cookie = handover_received(w->handover, &j->punt);
	return true;
}

void worker_frame_stale(struct worker *w, const struct frame *f)
{
	struct job j;

	if (job_open(w, f, &j))
		frame_drop(w, &j, WEIR_REASON_DROP_STALE);
}

static void job_end(struct worker *w, struct job *j, enum weir_action action)
{
	if (action == WEIR_ACTION_DROP)
		frame_drop(w, j, j->drop);
	else if (action == WEIR_ACTION_RESET)
		frame_reset(w, j);
	else
		frame_forward(w, j);
}

void worker_frame_end(struct worker *w, const struct frame *f, enum weir_action action,
		      enum weir_reason drop)
{
	struct job j = {
		.frame = *f,
		.punt = *frame_punt(w->shared->pool, f),
		.drop = drop,
	};

	if (worker_tap_unpark(w, &j.frame) && action == WEIR_ACTION_PASS) {
		action = WEIR_ACTION_DROP;
		j.drop = WEIR_REASON_DROP_TAP;
	}
	job_decode(w, &j);
	job_end(w, &j, action);
}

void worker_frame_lose(struct worker *w, const struct frame *f)
{
	struct job j = {.frame = *f, .punt = *frame_punt(w->shared->pool, f)};

	worker_tap_unpark(w, &j.frame);
	frame_drop(w, &j, WEIR_REASON_DROP_STALE);
}

/* Likewise for the sake of a program that it is given to. */
static bool job_taps(struct worker *w, struct job *j, const struct inspect_outcome *o)
{
	enum weir_reason reason = WEIR_REASON_DROP_TAP;
	const struct tap_ask ask = {
		.f = &j->frame,
		.punt = &j->punt,
		.p = j->status == PACKET_OK ? &j->packet : NULL,
		.o = o,
		.tap = j->tap,
		.settle_ms = settle_ms(w, j),
	};

	switch (worker_tap(w, &ask, &reason)) {
	case PARKING_NONE:
		return false;
	case PARKING_PARKED:
		break;
	case PARKING_DROP:
		frame_drop(w, j, reason);
		break;
	case PARKING_RESET:
		frame_reset(w, j);
		break;
	}
	return true;
}

/* Whether a frame that may pass waits or ends for the sake of its direction. */
static bool job_parks(struct worker *w, const struct job *j, const struct inspect_outcome *o)
{
	const struct packet *p = j->status == PACKET_OK ? &j->packet : NULL;

	switch (worker_park(w, &j->frame, &j->punt, p, o, settle_ms(w, j))) {
	case PARKING_NONE:
		return false;
	case PARKING_PARKED:
		break;
	case PARKING_DROP:
		frame_drop(w, j, WEIR_REASON_DROP_PARKED);
		break;
	case PARKING_RESET:
		frame_reset(w, j);
		break;
	}
	return true;
}

static enum weir_action job_holds(struct worker *w, struct job *j, const struct inspect_outcome *o)
{
	j->drop = WEIR_REASON_DROP_PARKED;
	return worker_hold(w, &j->punt, o);
}

/* A frame of an undecided or inspected flow. */
static void job_judge(struct worker *w, struct job *j)
{
	struct inspect_outcome o = {0};
	bool drains = j->punt.flags & WEIR_PUNT_DECIDED;
	enum weir_action action;

	if (j->status == PACKET_OK)
		worker_tap_arrive(w, &j->frame, &j->punt, &j->packet);
	if (drains)
		j->tap = worker_tap_of(w, &j->punt);
	action = drains ? WEIR_ACTION_PASS : judge(w, j, &o);
	if (action == WEIR_ACTION_PASS && (o.hold_count || o.hold_refused))
		action = job_holds(w, j, &o);
	if (action == WEIR_ACTION_PASS && (job_taps(w, j, &o) || job_parks(w, j, &o)))
		return;
	job_end(w, j, action);
	worker_park_after(w, &j->punt, &o, action, j->drop);
}

void worker_frame(struct worker *w, const struct frame *f)
{
	struct job j;

	if (!job_open(w, f, &j))
		return;
	job_decode(w, &j);
	if (j.punt.flags & WEIR_PUNT_RESET)
		frame_reset(w, &j);
	else
		job_judge(w, &j);
}

static uint32_t complete(struct worker *w, struct xsk_sockets *s)
{
	uint32_t cookies[WORKER_BATCH];
	uint32_t n = s ? xsk_complete(s, w->index, cookies, WORKER_BATCH) : 0;

	for (uint32_t i = 0; i < n; i++)
		handover_finished(w->handover, cookies[i]);
	return n;
}

uint32_t worker_complete(struct worker *w)
{
	uint32_t total = 0;

	for (unsigned int port = 1; port < WEIR_PORTS_MAX; port++) {
		struct xsk_sockets *s = w->shared->ports[port], *pair = w->shared->pairs[port];

		total += complete(w, s);
		if (pair != s)
			total += complete(w, pair);
	}
	w->outstanding -= total < w->outstanding ? total : w->outstanding;
	return total;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decides which frames wait and for what, and ends them. A parked frame was judged when it arrived;
 * the action on the frame that ends the wait applies to it too.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "worker/tap.h"
#include "worker/worker_private.h"

/* How long a direction stays shut after its last frame. */
#define SHUT_NS 60000000000ULL

#define OUT_OF_ORDER_BIT (1u << WEIR_PARK_OUT_OF_ORDER)
#define SETTLE_BIT	 (1u << WEIR_PARK_SETTLE)
#define TAP_BIT		 (1u << WEIR_PARK_TAP)

static struct park_key key_of(const struct weir_punt *punt)
{
	return (struct park_key){.flow_id = punt->flow_id, .dir = weir_punt_dir(punt)};
}

static void count_now(struct worker *w)
{
	const struct park_count *c = park_counts(w->park);

	for (unsigned int r = 0; r < WEIR_PARK_COUNT; r++) {
		w->counters.parked_frames[r] = c[r].frames;
		w->counters.parked_bytes[r] = c[r].bytes;
	}
	w->counters.waiting_frames = park_frames(w->park);
}

/* ---- held and let go ---- */

static int publish(struct worker *w, const struct park_key *key)
{
	struct weir_parked v;

	if (!park_describe(w->park, key, &v))
		return 0;
	return gate_put_parked(w->shared->gate, key->flow_id, key->dir, &v);
}

static void forget(struct worker *w, const struct park_key *key)
{
	park_forget(w->park, key);
	gate_del_parked(w->shared->gate, key->flow_id, key->dir);
}

/* The gate knows of it before the first frame waits, and so before its number could be finished. */
int worker_park_hold(struct worker *w, const struct park_key *key, enum weir_park reason,
		     uint64_t deadline_ns, enum weir_action answer)
{
	bool known = park_find(w->park, key) != PARK_NONE;
	int err = park_hold(w->park, key, reason, deadline_ns, answer);

	if (!err)
		err = publish(w, key);
	if (!err)
		return 0;
	w->counters.park_refused[reason]++;
	if (!known)
		park_forget(w->park, key);
	return err;
}

uint32_t worker_park_reasons(const struct worker *w, const struct park_key *key)
{
	struct weir_parked v;

	if (park_find(w->park, key) != PARK_WAITING || !park_describe(w->park, key, &v))
		return 0;
	return v.reasons;
}

uint64_t worker_park_until(const struct worker *w, const struct park_key *key,
			   enum weir_park reason)
{
	return park_until(w->park, key, reason);
}

/* All that waits of a direction ends with the action; `drop`: why, where that is a drop. */
static void end_frames(struct worker *w, const struct park_key *key, enum weir_action action,
		       enum weir_reason drop)
{
	struct frame f;

	while (park_take(w->park, key, &f)) {
		if (action == WEIR_ACTION_PASS)
			w->counters.park_released++;
		worker_frame_end(w, &f, action, drop);
		/* One answer is enough. */
		if (action == WEIR_ACTION_RESET) {
			action = WEIR_ACTION_DROP;
			drop = WEIR_REASON_DROP_RESET;
		}
	}
}

static void let_go(struct worker *w, const struct park_key *key, enum weir_action action,
		   enum weir_reason drop)
{
	end_frames(w, key, action, drop);
	forget(w, key);
}

/* What begins at or before `next` goes on; the rest waits for the gap behind it. */
static void let_go_until(struct worker *w, const struct park_key *key, uint32_t next)
{
	uint64_t hold_ns = w->shared->policy->reassembly_hold_ns, since_ns;
	struct frame f;
	bool any = false;

	while (park_take_next(w->park, key, next, &f)) {
		w->counters.park_released++;
		worker_frame_end(w, &f, WEIR_ACTION_PASS, WEIR_REASON_DROP_PARKED);
		any = true;
	}
	if (!any)
		return;
	if (park_oldest(w->park, key, &since_ns))
		worker_park_hold(w, key, WEIR_PARK_OUT_OF_ORDER, since_ns + hold_ns,
				 WEIR_ACTION_PASS);
	else if (park_end(w->park, key, WEIR_PARK_OUT_OF_ORDER) == 0)
		forget(w, key);
}

void worker_park_release(struct worker *w, const struct park_key *key, enum weir_park reason)
{
	uint32_t left, next;

	if (!(worker_park_reasons(w, key) >> reason & 1))
		return;
	left = park_end(w->park, key, reason);
	if (left == 0)
		let_go(w, key, WEIR_ACTION_PASS, WEIR_REASON_DROP_PARKED);
	else if (left == OUT_OF_ORDER_BIT && park_in_order(w->park, key, &next))
		let_go_until(w, key, next);
	else
		publish(w, key);
	if (left == TAP_BIT)
		worker_tap_go(w, key);
}

/* The answer applies: to what waits, and unless it is to pass, to what comes later. */
static void answer(struct worker *w, const struct park_key *key, enum weir_action action)
{
	if (action == WEIR_ACTION_PASS) {
		let_go(w, key, action, WEIR_REASON_DROP_PARKED);
		return;
	}
	end_frames(w, key, action, WEIR_REASON_DROP_PARKED);
	park_shut(w->park, key, action, w->now_ns + SHUT_NS);
	publish(w, key);
}

void worker_park_settle(struct worker *w, const struct park_key *key, enum weir_park reason,
			enum weir_action action)
{
	if (action == WEIR_ACTION_PASS)
		worker_park_release(w, key, reason);
	else if (worker_park_reasons(w, key) >> reason & 1)
		answer(w, key, action);
	count_now(w);
}

/* ---- a frame that may pass ---- */

/* Nothing that the receiver would keep. */
static bool is_bare(const struct packet *p)
{
	return p && p->proto == IPPROTO_TCP && p->payload_len == 0 &&
	       !(p->tcp_flags & (TH_SYN | TH_FIN | TH_RST));
}

/* The number behind the segment: a FIN takes one. */
static uint32_t end_of(const struct packet *p)
{
	return p->seq + p->payload_len + (p->tcp_flags & TH_FIN ? 1 : 0);
}

/* One byte that the receiver has already (RFC 9293, 3.8.4). */
static bool is_keep_alive(const struct worker *w, const struct park_key *key,
			  const struct packet *p)
{
	uint32_t first;

	return p->payload_len == 1 && park_first(w->park, key, &first) && p->seq == first - 1;
}

static bool add(struct worker *w, const struct park_key *key, const struct frame *f,
		const struct packet *p, bool covers)
{
	bool tcp = p && p->proto == IPPROTO_TCP;
	uint32_t seq = tcp ? p->seq : 0;
	int err = park_add(w->park, key, f, seq, tcp && covers ? end_of(p) : seq, w->now_ns);

	if (err < 0)
		return false;
	w->counters.parked++;
	count_now(w);
	return true;
}

/* A direction that is held as a whole. */
static enum parking park_behind(struct worker *w, const struct park_key *key, const struct frame *f,
				const struct packet *p, const struct inspect_outcome *o)
{
	struct weir_parked v;

	if (o->read)
		park_set_in_order(w->park, key, o->next);
	if (add(w, key, f, p, !o->bad_checksum)) {
		/* One that nobody is asked about goes as soon as those before it have. */
		worker_tap_go(w, key);
		return PARKING_PARKED;
	}
	if (!park_describe(w->park, key, &v))
		return PARKING_NONE;
	w->counters.park_refused[__builtin_ctz(v.reasons)]++;
	/* To go on would be to overtake. */
	if (v.reasons == SETTLE_BIT)
		return PARKING_DROP;
	/* A tap's program decides about each frame: TCP then sends at its pace, and the answer to
	 * one is not about those that come later. */
	if (v.reasons == TAP_BIT &&
	    (v.answer != WEIR_ACTION_PASS || (p && p->proto == IPPROTO_TCP)))
		return PARKING_DROP;
	answer(w, key, v.answer);
	count_now(w);
	if (v.answer == WEIR_ACTION_PASS)
		return PARKING_NONE;
	return v.answer == WEIR_ACTION_RESET ? PARKING_RESET : PARKING_DROP;
}

/* A FIN of its own frame would tell the receiver of an end that it has not come to. */
static bool belongs_behind(const struct worker *w, const struct park_key *key,
			   const struct packet *p, const struct inspect_outcome *o)
{
	if (p->tcp_flags & TH_RST)
		return false;
	if (p->payload_len > 0)
		return o->out_of_order;
	return p->tcp_flags & TH_FIN && park_find(w->park, key) == PARK_WAITING;
}

/* `fast_pass: false` */
static bool park_early(struct worker *w, const struct park_key *key, const struct frame *f,
		       const struct packet *p)
{
	const struct policy *policy = w->shared->policy;
	bool held = worker_park_reasons(w, key) & OUT_OF_ORDER_BIT;

	if (!policy->hold_out_of_order || policy->inspect_copy) {
		w->counters.fast_passed++;
		return false;
	}
	if (!held &&
	    worker_park_hold(w, key, WEIR_PARK_OUT_OF_ORDER, w->now_ns + policy->reassembly_hold_ns,
			     WEIR_ACTION_PASS) < 0) {
		w->counters.hold_full++;
		return false;
	}
	if (!add(w, key, f, p, true)) {
		w->counters.hold_full++;
		w->counters.park_refused[WEIR_PARK_OUT_OF_ORDER]++;
		if (!held)
			forget(w, key);
		return false;
	}
	w->counters.held++;
	return true;
}

static enum parking park_in_turn(struct worker *w, const struct park_key *key,
				 const struct frame *f, const struct packet *p,
				 const struct inspect_outcome *o)
{
	if (belongs_behind(w, key, p, o) && park_early(w, key, f, p))
		return PARKING_PARKED;
	if (park_find(w->park, key) != PARK_WAITING)
		return PARKING_NONE;
	if (p->tcp_flags & TH_RST)
		let_go(w, key, WEIR_ACTION_PASS, WEIR_REASON_DROP_PARKED);
	else if (p->payload_len > 0 || p->tcp_flags & TH_FIN)
		let_go_until(w, key, p->seq);
	count_now(w);
	return PARKING_NONE;
}

/* Its frames are not here: no answer has come, or one that does not let it pass. */
static enum parking park_closed(struct worker *w, const struct park_key *key, enum park_state state)
{
	struct weir_parked v;

	if (state == PARK_ADOPTED || !park_describe(w->park, key, &v))
		return PARKING_DROP;
	park_shut(w->park, key, v.answer, w->now_ns + SHUT_NS);
	return v.answer == WEIR_ACTION_RESET ? PARKING_RESET : PARKING_DROP;
}

/* The first frame says how long the flow's old exit may still have some. */
static int hold_to_settle(struct worker *w, const struct park_key *key, uint32_t settle_ms)
{
	if (worker_park_reasons(w, key) & SETTLE_BIT)
		return 0;
	return worker_park_hold(w, key, WEIR_PARK_SETTLE, w->now_ns + settle_ms * 1000000ULL,
				WEIR_ACTION_PASS);
}

enum parking worker_park(struct worker *w, const struct frame *f, const struct weir_punt *punt,
			 const struct packet *p, const struct inspect_outcome *o,
			 uint32_t settle_ms)
{
	struct park_key key = key_of(punt);
	enum park_state state = park_find(w->park, &key);
	bool tcp = p && p->proto == IPPROTO_TCP, settles;

	if (settle_ms && (state == PARK_NONE || state == PARK_WAITING) &&
	    hold_to_settle(w, &key, settle_ms) < 0)
		return PARKING_DROP;
	settles = worker_park_reasons(w, &key) & SETTLE_BIT;
	if (is_bare(p) && !settles)
		return PARKING_NONE;
	if (state == PARK_ADOPTED || state == PARK_SHUT)
		return park_closed(w, &key, state);
	if (state == PARK_WAITING && tcp && !settles && !o->bad_checksum &&
	    (p->payload_len || p->tcp_flags & TH_FIN)) {
		if (is_keep_alive(w, &key, p))
			return PARKING_NONE;
		if (park_covers(w->park, &key, p->seq, end_of(p))) {
			w->counters.park_repeated++;
			return PARKING_DROP;
		}
	}
	if (worker_park_reasons(w, &key) & ~OUT_OF_ORDER_BIT)
		return park_behind(w, &key, f, p, o);
	/* A frame that no receiver takes tells nothing of the order of others. */
	return tcp && !o->bad_checksum ? park_in_turn(w, &key, f, p, o) : PARKING_NONE;
}

/* ---- after a frame, a load, a while ---- */

static bool is_read(const struct flow *f)
{
	return !f->decided || f->inspect || f->reading;
}

void worker_park_after(struct worker *w, const struct weir_punt *punt,
		       const struct inspect_outcome *o, enum weir_action action,
		       enum weir_reason drop)
{
	struct park_key key = key_of(punt);

	if (!park_directions(w->park) || !o->flow)
		return;
	if (action != WEIR_ACTION_PASS) {
		for (key.dir = 0; key.dir < 2; key.dir++)
			if (park_find(w->park, &key) == PARK_WAITING)
				let_go(w, &key, action, drop);
	} else if (!is_read(o->flow)) {
		for (key.dir = 0; key.dir < 2; key.dir++)
			worker_park_release(w, &key, WEIR_PARK_OUT_OF_ORDER);
	} else if (o->read && worker_park_reasons(w, &key) == OUT_OF_ORDER_BIT) {
		let_go_until(w, &key, o->next);
	}
	count_now(w);
}

void worker_park_expire(struct worker *w)
{
	enum weir_action action;
	enum weir_park reason;
	struct park_key key;

	if (park_next_ns(w->park) > w->now_ns)
		return;
	while (park_due(w->park, w->now_ns, &key, &reason, &action)) {
		enum park_state state = park_find(w->park, &key);

		if (state == PARK_SHUT || (state == PARK_ADOPTED && action == WEIR_ACTION_PASS)) {
			forget(w, &key);
			continue;
		}
		/* Frames that wait for an answer have deadlines of their own. */
		if (reason == WEIR_PARK_TAP) {
			if (worker_tap_hold_due(w, &key))
				worker_park_release(w, &key, reason);
			continue;
		}
		w->counters.park_timeouts[action]++;
		if (reason == WEIR_PARK_OUT_OF_ORDER)
			w->counters.hold_expired++;
		if (action == WEIR_ACTION_PASS)
			worker_park_release(w, &key, reason);
		else
			answer(w, &key, action);
	}
	count_now(w);
}

struct anew {
	struct worker *w;
	enum weir_action action;
};

/* The first frame tells the flow of all. */
static bool frame_judge(const struct frame *f, void *arg)
{
	struct anew *a = arg;

	a->action = worker_frame_action(a->w, f);
	return true;
}

/* What a new policy says of a flow that is decided holds for its frames too. */
static void judge_anew(const struct park_key *key, void *arg)
{
	struct anew a = {.w = arg, .action = WEIR_ACTION_UNDECIDED};

	if (park_find(a.w->park, key) != PARK_WAITING)
		return;
	park_any(a.w->park, key, frame_judge, &a);
	if (a.action == WEIR_ACTION_DROP || a.action == WEIR_ACTION_RESET)
		let_go(a.w, key, a.action, WEIR_REASON_DROP_VERDICT);
}

void worker_park_reload(struct worker *w)
{
	const struct policy *policy = w->shared->policy;
	uint32_t frames = frame_pool_size(w->shared->pool) / w->shared->workers;

	park_limit(w->park, &(struct park_limits){
				    .frames = frames * policy->parking_total / 100,
				    .frames_reason = frames * policy->parking_share / 100,
				    .flow_bytes = policy->parking_flow,
			    });
	park_each(w->park, judge_anew, w);
	count_now(w);
}

struct drop {
	struct worker *worker;
	bool (*fn)(uint64_t flow_id, void *arg);
	void *arg;
	enum weir_reason reason;
};

static void drop_if(const struct park_key *key, void *arg)
{
	const struct drop *d = arg;

	if (park_find(d->worker->park, key) == PARK_WAITING && d->fn(key->flow_id, d->arg))
		let_go(d->worker, key, WEIR_ACTION_DROP, d->reason);
}

void worker_park_drop(struct worker *w, bool (*fn)(uint64_t flow_id, void *arg), void *arg,
		      enum weir_reason reason)
{
	struct drop d = {.worker = w, .fn = fn, .arg = arg, .reason = reason};

	park_each(w->park, drop_if, &d);
	count_now(w);
}

struct port_end {
	struct worker *worker;
	unsigned int port;
};

static bool is_of_port(const struct frame *f, void *arg)
{
	const struct port_end *end = arg;
	const struct weir_punt *punt = frame_punt(end->worker->shared->pool, f);

	return end->port == WEIR_PORTS_MAX || punt->in_port == end->port ||
	       punt->out_port == end->port;
}

static void end_of_port(const struct park_key *key, void *arg)
{
	struct port_end *end = arg;

	if (park_any(end->worker->park, key, is_of_port, arg))
		let_go(end->worker, key, WEIR_ACTION_PASS, WEIR_REASON_DROP_PARKED);
}

void worker_park_end(struct worker *w, unsigned int port)
{
	struct port_end end = {.worker = w, .port = port};

	park_each(w->park, end_of_port, &end);
	count_now(w);
}

/* While the worker stood still the gate obeyed the answer of what was due. */
static void lose_overdue(const struct park_key *key, void *arg)
{
	struct worker *w = arg;
	struct weir_parked v;
	struct frame f;

	if (!park_describe(w->park, key, &v) || v.deadline_ns > w->now_ns ||
	    v.answer != WEIR_ACTION_PASS)
		return;
	while (park_take(w->park, key, &f))
		worker_frame_lose(w, &f);
	forget(w, key);
}

void worker_park_stale(struct worker *w)
{
	park_each(w->park, lose_overdue, w);
	count_now(w);
}

static bool adopt(uint64_t flow_id, uint8_t dir, const struct weir_parked *v, void *arg)
{
	const struct park_key key = {.flow_id = flow_id, .dir = dir};
	struct worker *w = arg;

	if (!worker_owns(w, flow_id))
		return true;
	if (v->deadline_ns <= time_now_ns() || park_adopt(w->park, &key, v) < 0)
		gate_del_parked(w->shared->gate, flow_id, dir);
	return true;
}

void worker_park_adopt(struct worker *w)
{
	gate_each_parked(w->shared->gate, adopt, w);
}

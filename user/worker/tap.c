// SPDX-License-Identifier: GPL-2.0-only
/* Frames to the programs of taps, their answers, and the frames that wait for them. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "packet/rewrite.h"
#include "weir/exit.h"
#include "worker/tap.h"

/* Answers missing in a row after which a program is not waited for until it answers something. */
#define SILENT_AFTER 8
/* How much longer than a frame waits its direction is held, so that the gate is told once for many
 * frames. */
#define HOLD_MORE_NS 100000000ULL

struct tap_flow *tap_flow_of(const struct worker *w, uint64_t id)
{
	struct worker_taps *t = w->taps;

	return t && t->flows ? tap_flows_find(t->flows, id, w->now_ns) : NULL;
}

/* ---- the policy, and programs that come and go ---- */

bool worker_tap_begin(struct worker *w)
{
	struct worker_taps *t;

	if (!w->shared->taps)
		return true;
	t = calloc(1, sizeof(*t));
	if (!t)
		return false;
	w->taps = t;
	t->shared = w->shared->taps;
	for (unsigned int i = 0; i < TAP_SLOTS; i++) {
		t->use[i].oldest = t->use[i].newest = TAP_NONE;
		t->use[i].counters = taps_counters(t->shared, i, w->index);
	}
	t->version = taps_version(t->shared) - 1;
	return true;
}

void worker_tap_end(struct worker *w)
{
	if (!w->taps)
		return;
	tap_flows_free(w->taps->flows);
	free(w->taps->waits);
	free(w->taps);
	w->taps = NULL;
}

/* Memory for frames that wait is there from the first policy with taps on. */
static bool has_memory(struct worker *w)
{
	struct worker_taps *t = w->taps;

	if (!t->flows)
		t->flows = tap_flows_new();
	if (!t->waits) {
		t->wait_count = frame_pool_size(w->shared->pool);
		t->waits = calloc(t->wait_count, sizeof(*t->waits));
	}
	return t->flows && t->waits;
}

static void ports_read(struct worker *w)
{
	for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++) {
		struct weir_port port;

		if (w->shared->ports[i] && gate_get_port(w->shared->gate, i, &port) == 0)
			w->taps->max_frame[i] = port.max_frame;
	}
}

static void clock_read(struct worker_taps *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	t->realtime_ns =
		(uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec - time_now_ns();
}

void worker_tap_reload(struct worker *w)
{
	const struct policy *p = w->shared->policy;
	struct worker_taps *t = w->taps;

	if (!t || !p->tap_count)
		return;
	for (unsigned int i = 0; i < p->tap_count; i++) {
		int slot = taps_find(t->shared, p->taps[i].name);

		t->slot_of[i] = slot < 0 ? TAP_SLOTS : (uint8_t)slot;
		if (slot < 0)
			continue;
		t->use[slot].on_timeout = p->taps[i].on_timeout;
		t->use[slot].on_absent = p->taps[i].on_absent;
	}
	if (!has_memory(w))
		return;
	clock_read(t);
	ports_read(w);
}

static struct tap_use *use_of(const struct worker *w, const struct policy_tap *tap, uint8_t *slot)
{
	*slot = w->taps->slot_of[tap - w->shared->policy->taps];
	return *slot < TAP_SLOTS ? &w->taps->use[*slot] : NULL;
}

/* Between a load's parts reaching the worker and the gate a rule's number may be another's. */
const struct policy_tap *worker_tap_of(struct worker *w, const struct weir_punt *punt)
{
	const struct policy *p = w->shared->policy;
	const struct tap_flow *f;

	if (!w->taps || !p->tap_count || !(punt->flags & WEIR_PUNT_TAP))
		return NULL;
	if (worker_punt_is_of_policy(w, punt))
		return policy_rule_tap(p, punt->isn);
	f = tap_flow_of(w, punt->flow_id);
	for (unsigned int i = 0; f && i < p->tap_count; i++)
		if (w->taps->slot_of[i] == f->slot)
			return &p->taps[i];
	return NULL;
}

/* ---- frames that wait ---- */

static void wait_unlink(struct worker_taps *t, struct tap_wait *x)
{
	struct tap_use *u = &t->use[x->slot];

	*(x->newer != TAP_NONE ? &t->waits[x->newer].older : &u->newest) = x->older;
	*(x->older != TAP_NONE ? &t->waits[x->older].newer : &u->oldest) = x->newer;
	u->counters->waiting--;
	u->counters->oldest_ns = u->oldest != TAP_NONE ? t->waits[u->oldest].since_ns : 0;
}

static void wait_link(struct worker_taps *t, uint32_t chunk)
{
	struct tap_wait *x = &t->waits[chunk];
	struct tap_use *u = &t->use[x->slot];

	x->older = u->newest;
	x->newer = TAP_NONE;
	*(u->newest != TAP_NONE ? &t->waits[u->newest].newer : &u->oldest) = chunk;
	u->newest = chunk;
	u->counters->waiting++;
	u->counters->oldest_ns = t->waits[u->oldest].since_ns;
}

/* The wait has ended; the frame goes when those before it have. */
void tap_wait_decide(struct worker *w, struct tap_wait *x, enum weir_action action)
{
	struct park_key key = x->key;

	if (x->state == WAIT_ASKED)
		wait_unlink(w->taps, x);
	x->state = action == WEIR_ACTION_PASS ? WAIT_PASS : WAIT_DROP;
	worker_tap_go(w, &key);
}

bool worker_tap_unpark(struct worker *w, struct frame *f)
{
	struct worker_taps *t = w->taps;
	struct tap_wait *x = t && t->waits ? &t->waits[tap_chunk(f)] : NULL;
	bool drop;

	if (!x || x->state == WAIT_NOT)
		return false;
	if (x->state == WAIT_ASKED)
		wait_unlink(t, x);
	drop = x->state == WAIT_DROP;
	x->state = WAIT_NOT;
	f->len = x->len;
	if (drop)
		t->use[x->slot].counters->dropped++;
	return drop;
}

void worker_tap_go(struct worker *w, const struct park_key *key)
{
	const struct worker_taps *t = w->taps;
	struct frame f;

	if (!t || !t->waits || worker_park_reasons(w, key) != 1u << WEIR_PARK_TAP)
		return;
	while (park_peek(w->park, key, &f) && t->waits[tap_chunk(&f)].state != WAIT_ASKED) {
		park_take(w->park, key, &f);
		w->counters.park_released++;
		worker_frame_end(w, &f, WEIR_ACTION_PASS, WEIR_REASON_DROP_TAP);
	}
}

bool worker_tap_hold_due(struct worker *w, const struct park_key *key)
{
	struct frame f;

	worker_tap_go(w, key);
	if (!park_peek(w->park, key, &f))
		return true;
	return worker_park_hold(w, key, WEIR_PARK_TAP, w->now_ns + HOLD_MORE_NS, WEIR_ACTION_PASS) <
	       0;
}

void tap_flush(struct worker *w, struct tap_use *u)
{
	while (u->oldest != TAP_NONE) {
		u->counters->absent++;
		tap_wait_decide(w, &w->taps->waits[u->oldest], u->on_absent);
	}
}

/* Takes the links that the daemon has made or ended since. */
void tap_links_take(struct worker *w)
{
	struct worker_taps *t = w->taps;
	uint32_t version = taps_version(t->shared);

	if (version == t->version)
		return;
	t->version = version;
	for (unsigned int i = 0; i < TAP_SLOTS; i++) {
		struct tap_link *next = taps_link(t->shared, i, w->index);
		struct tap_use *u = &t->use[i];

		if (next == u->link)
			continue;
		if (u->link)
			atomic_store(&u->link->released, true);
		u->link = next;
		u->dead = false;
		u->missing = u->empty = 0;
		tap_flush(w, u);
	}
}

void worker_tap_expire(struct worker *w)
{
	struct worker_taps *t = w->taps;

	if (!t || !t->waits || !t->flows)
		return;
	tap_flows_expire(t->flows, w->now_ns);
	for (unsigned int i = 0; i < TAP_SLOTS; i++)
		t->use[i].counters->flows = tap_flows_count(t->flows)[i];
	clock_read(t);
	ports_read(w);
}

/* ---- asking ---- */

static bool is_bare(const struct packet *p)
{
	return p && p->proto == IPPROTO_TCP && p->payload_len == 0 &&
	       !(p->tcp_flags & (TH_SYN | TH_FIN | TH_RST));
}

static uint16_t payload_room(struct worker *w, const struct tap_ask *a)
{
	unsigned int port =
		a->punt->out_port < WEIR_PORTS_MAX ? a->punt->out_port : a->punt->in_port;
	size_t mtu, end = tap_room(a->f);

	/* When the worker started the port was not set up yet. */
	if (!w->taps->max_frame[port])
		ports_read(w);
	/* max_frame counts a link header of 18 bytes. */
	mtu = w->taps->max_frame[port] > 18 ? w->taps->max_frame[port] - 18 : 0;
	if (a->p->l3 + mtu < end)
		end = a->p->l3 + mtu;
	return end > a->p->payload ? (uint16_t)(end - a->p->payload) : 0;
}

/* What may be answered about the frame. */
static void describe(struct worker *w, const struct tap_ask *a, const struct tap_flow *flow,
		     struct tap_wait *x)
{
	const struct edits *e = flow ? &flow->edits[a->p ? a->p->dir : 0] : NULL;

	x->replace = x->resize = false;
	if (!a->p || !packet_can_rewrite(a->p))
		return;
	x->room = payload_room(w, a);
	if (a->p->proto == IPPROTO_UDP) {
		x->replace = x->resize = true;
		return;
	}
	if (!e || !a->p->payload_len || edits_touch(e, a->p->seq, a->p->payload_len))
		return;
	x->replace = true;
	x->resize = !e->any_sent || (int32_t)(e->sent - a->p->seq) <= 0;
}

static bool give(struct worker *w, const struct tap_ask *a, struct tap_use *u,
		 struct tap_flow *flow, const struct tap_wait *x)
{
	const struct app_info *app = app_registry_get(w->shared->registry, a->punt->app);
	unsigned int dir = weir_punt_dir(a->punt);
	struct weir_tap_frame_record r = {
		.head = {.flow_id = a->punt->flow_id,
			 .time_ns = w->now_ns + w->taps->realtime_ns,
			 .number = flow ? flow->number[dir]++ : 0,
			 .from_server = dir != !!(a->punt->flags & WEIR_PUNT_ORIGIN),
			 .in_port = a->punt->in_port,
			 .worker = (uint8_t)w->index},
		.len = a->f->len,
	};
	struct iovec pieces[] = {
		{.iov_base = &r, .iov_len = sizeof(r)},
		{.iov_base = frame_data(w->shared->pool, a->f), .iov_len = a->f->len},
	};

	if (app)
		memcpy(r.head.app, app->name, strnlen(app->name, sizeof(r.head.app) - 1));
	if (x) {
		r.head.id = (uint64_t)x->serial << 32 | tap_chunk(a->f);
		r.head.flags = WEIR_TAP_ASKS | (x->replace ? WEIR_TAP_REPLACE : 0) |
			       (x->resize ? WEIR_TAP_RESIZE : 0);
		r.room = x->room;
	}
	if (a->p) {
		r.l3 = a->p->l3;
		r.l4 = a->p->l4;
		r.payload = a->p->payload;
		r.payload_len = (uint16_t)a->p->payload_len;
		r.ip_version = a->p->ip_version;
		r.proto = a->p->proto;
	}
	if (mail_put_pieces(u->link->frames, WEIR_TAP_RECORD_FRAME, pieces, 2) < 0)
		return false;
	u->counters->given++;
	return true;
}

/* Of a frame that was in part sent on before in other bytes, the old part alone goes on: the sender
 * repeats the rest, and the program sees that as a whole. */
static void cut_to_sent(struct worker *w, const struct tap_ask *a, const struct tap_flow *flow)
{
	const struct edits *e = &flow->edits[a->p->dir];
	uint8_t *data = frame_data(w->shared->pool, a->f);
	uint32_t end = a->p->seq + a->p->payload_len, old = e->sent - a->p->seq;
	int len;

	if (a->p->proto != IPPROTO_TCP || !e->any_sent || (int32_t)old <= 0 ||
	    (int32_t)(end - e->sent) <= 0 || !edits_touch(e, a->p->seq, a->p->payload_len) ||
	    !packet_can_rewrite(a->p))
		return;
	if (a->p->tcp_flags & TH_FIN)
		packet_clear_fin(a->p, data);
	len = packet_set_payload(a->p, data, tap_room(a->f), data + a->p->payload, old);
	if (len > 0)
		a->f->len = (uint32_t)len;
}

/* Whether frames of the direction wait already, so that this one has to behind them. */
static bool is_behind(const struct worker *w, const struct park_key *key)
{
	struct frame f;

	return park_peek(w->park, key, &f);
}

static int hold(struct worker *w, const struct park_key *key, const struct policy_tap *tap)
{
	uint64_t until_ns = w->now_ns + tap->timeout_ns;
	enum park_state state = park_find(w->park, key);

	if (state == PARK_ADOPTED || state == PARK_SHUT)
		return 0;
	if (worker_park_reasons(w, key) >> WEIR_PARK_TAP & 1 &&
	    worker_park_until(w, key, WEIR_PARK_TAP) >= until_ns)
		return 0;
	return worker_park_hold(w, key, WEIR_PARK_TAP, until_ns + tap->timeout_ns + HOLD_MORE_NS,
				tap->on_timeout);
}

static enum parking at_once(struct tap_use *u, enum weir_action action)
{
	if (action == WEIR_ACTION_PASS)
		return PARKING_NONE;
	u->counters->dropped++;
	return PARKING_DROP;
}

static enum parking park(struct worker *w, const struct tap_ask *a, struct tap_use *u, uint8_t slot,
			 struct tap_flow *flow, enum weir_reason *reason)
{
	struct park_key key = {.flow_id = a->punt->flow_id, .dir = weir_punt_dir(a->punt)};
	uint32_t chunk = tap_chunk(a->f);
	struct tap_wait *x = &w->taps->waits[chunk];
	bool silent = u->missing >= SILENT_AFTER;
	enum parking r;

	if ((silent && !is_behind(w, &key)) || hold(w, &key, a->tap) < 0) {
		give(w, a, u, flow, NULL);
		*(silent ? &u->counters->silent : &u->counters->no_room) += 1;
		return at_once(u, a->tap->on_timeout);
	}
	*x = (struct tap_wait){
		.key = key,
		.due_ns = w->now_ns + a->tap->timeout_ns,
		.since_ns = w->now_ns,
		.serial = ++w->taps->serial,
		.addr_low = (uint32_t)(a->f->addr % WEIR_FRAME_BYTES),
		.slot = slot,
	};
	describe(w, a, flow, x);
	x->len = a->f->len;
	x->state = WAIT_ASKED;
	wait_link(w->taps, chunk);
	r = worker_park(w, a->f, a->punt, a->p, a->o, a->settle_ms);
	if (r != PARKING_PARKED) {
		wait_unlink(w->taps, x);
		x->state = WAIT_NOT;
		if (r == PARKING_DROP)
			*reason = WEIR_REASON_DROP_PARKED;
		return r;
	}
	if (silent) {
		give(w, a, u, flow, NULL);
		u->counters->silent++;
		tap_wait_decide(w, x, a->tap->on_timeout);
	} else if (!give(w, a, u, flow, x)) {
		u->counters->full++;
		tap_wait_decide(w, x, a->tap->on_timeout);
	}
	return PARKING_PARKED;
}

enum parking worker_tap(struct worker *w, const struct tap_ask *a, enum weir_reason *reason)
{
	struct tap_flow *flow;
	struct tap_use *u;
	uint8_t slot;

	if (!a->tap || !w->taps || !w->taps->waits || !w->taps->flows)
		return PARKING_NONE;
	tap_links_take(w);
	u = use_of(w, a->tap, &slot);
	if (!u)
		return PARKING_NONE;
	*reason = WEIR_REASON_DROP_TAP;
	if (!u->link || u->dead) {
		u->counters->absent++;
		return at_once(u, a->tap->on_absent);
	}
	flow = tap_flows_take(w->taps->flows, a->punt->flow_id, w->now_ns);
	if (flow && flow->slot != slot)
		tap_flows_move(w->taps->flows, flow, slot);
	if (a->p && packet_checksum_unfinished(a->p))
		packet_checksum_finish(a->p, frame_data(w->shared->pool, a->f));
	if (a->tap->copy || is_bare(a->p)) {
		give(w, a, u, flow, NULL);
		return PARKING_NONE;
	}
	if (flow && a->p)
		cut_to_sent(w, a, flow);
	return park(w, a, u, slot, flow, reason);
}

/* ---- frames of flows whose bytes were changed ---- */

void worker_tap_arrive(struct worker *w, struct frame *f, const struct weir_punt *punt,
		       struct packet *p)
{
	struct tap_flow *flow = tap_flow_of(w, punt->flow_id);

	if (flow)
		tap_flow_arrive(w->taps->flows, flow, p, frame_data(w->shared->pool, f));
}

bool worker_tap_leave(struct worker *w, struct frame *f, const struct weir_punt *punt,
		      struct packet *p)
{
	struct tap_flow *flow = tap_flow_of(w, punt->flow_id);
	bool changed = false;
	int len;

	if (!flow)
		return true;
	len = tap_flow_leave(flow, p, frame_data(w->shared->pool, f), tap_room(f), &changed);
	if (len < 0)
		return false;
	f->len = (uint32_t)len;
	if (changed)
		w->taps->use[flow->slot].counters->changed++;
	return true;
}

struct packet worker_tap_reset(struct worker *w, const struct weir_punt *punt,
			       const struct packet *p, bool to_sender)
{
	const struct tap_flow *flow = tap_flow_of(w, punt->flow_id);

	return flow ? tap_flow_reset(flow, p, to_sender) : *p;
}

bool worker_tap_keeps(struct worker *w, uint64_t flow_id)
{
	const struct tap_flow *flow = tap_flow_of(w, flow_id);

	return flow && (flow->edits[0].ever || flow->edits[1].ever);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Frames that identify a flow that is blocked, or that is another than it was, and those behind
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "worker/tap.h"
#include "worker/worker_private.h"

/* ---- what stands in for the gate, the sockets and the inspector ---- */

struct gate {
	struct weir_ctl ctl;
	uint64_t ended[WEIR_PORTS_MAX];
	unsigned int published;
	struct weir_identification last;
};

static struct weir_punt punt;
static struct flow flow;
static bool decides, waits_for_name, changes;
static struct weir_cell cell;
static unsigned int sent, given, events, drops;
static enum weir_action held;
static enum weir_reason waiting_drop;

uint8_t *frame_data(struct frame_pool *p, const struct frame *f)
{
	static uint8_t data[64];

	return data;
}

const struct weir_punt *frame_punt(struct frame_pool *p, const struct frame *f)
{
	return &punt;
}

bool frame_take(struct frame_pool *p, uint32_t worker, struct frame *out)
{
	return false;
}

void frame_give(struct frame_pool *p, uint32_t worker, const struct frame *f)
{
	given++;
}

uint32_t xsk_complete(struct xsk_sockets *s, uint32_t worker, uint32_t *cookies, uint32_t max)
{
	return 0;
}

struct weir_ctl *gate_ctl(struct gate *g)
{
	return &g->ctl;
}

uint64_t *gate_ended(struct gate *g)
{
	return g->ended;
}

uint32_t gate_slots(const struct gate *g)
{
	return 16;
}

int gate_put_endpoint(struct gate *g, const struct weir_endpoint_key *key,
		      const struct weir_peer *v)
{
	return 0;
}

int gate_put_identification(struct gate *g, uint64_t flow_id, const struct weir_identification *v)
{
	g->published++;
	g->last = *v;
	return 0;
}

int gate_put_reconnect(struct gate *g, const struct weir_reconnect_key *key,
		       const struct weir_peer *v)
{
	return 0;
}

uint32_t handover_received(struct handover *h, const struct weir_punt *p)
{
	return HANDOVER_NONE;
}

void handover_finished(struct handover *h, uint32_t lane)
{
}

struct flow *inspector_find(const struct inspector *i, uint64_t flow_id)
{
	return &flow;
}

void inspector_packet(struct inspector *i, const struct packet *p, enum packet_status status,
		      const struct weir_punt *at, uint64_t now_ns, struct inspect_outcome *out)
{
	out->flow = &flow;
	out->decided_now = decides && !flow.decided;
	out->changed = changes && flow.decided;
	out->decided_now |= out->changed;
	flow.decided |= decides;
	out->hold_refused = (uint8_t)held;
}

enum weir_action worker_hold(struct worker *w, const struct weir_punt *at,
			     const struct inspect_outcome *o)
{
	return o->hold_refused;
}

const struct weir_cell *worker_cell(const struct worker *w, const struct flow *f,
				    const struct weir_punt *at, const struct packet *packet)
{
	return &cell;
}

bool worker_traits_update(const struct worker *w, struct flow *f, bool news)
{
	return false;
}

bool worker_waits_for_name(const struct worker *w, const struct flow *f)
{
	return waits_for_name;
}

void worker_event_drop(struct worker *w, const struct flow *f, const struct weir_punt *at,
		       const struct weir_cell *by)
{
	drops++;
}

void worker_event_blocked(struct worker *w, const struct flow *f, const struct weir_punt *at)
{
	events++;
}

void worker_event_anomalies(struct worker *w, const struct flow *f, const struct weir_punt *at,
			    uint16_t anomalies)
{
	fail();
}

void worker_note_details(struct worker *w, struct flow *f)
{
}

void worker_note_frame(struct worker *w, const struct weir_punt *at, const struct packet *packet,
		       enum packet_status status)
{
}

bool worker_exit(struct worker *w, const struct worker_route *r, const struct frame *f,
		 enum weir_reason *reason)
{
	*reason = WEIR_REASON_REINJECTED;
	sent++;
	return true;
}

enum parking worker_park(struct worker *w, const struct frame *f, const struct weir_punt *at,
			 const struct packet *p, const struct inspect_outcome *o,
			 uint32_t settle_ms)
{
	return PARKING_NONE;
}

void worker_park_after(struct worker *w, const struct weir_punt *at,
		       const struct inspect_outcome *o, enum weir_action action,
		       enum weir_reason drop)
{
	if (action == WEIR_ACTION_DROP)
		waiting_drop = drop;
}

/* ---- no taps ---- */

const struct policy_tap *worker_tap_of(struct worker *w, const struct weir_punt *at)
{
	return NULL;
}

void worker_tap_arrive(struct worker *w, struct frame *f, const struct weir_punt *at,
		       struct packet *p)
{
}

enum parking worker_tap(struct worker *w, const struct tap_ask *a, enum weir_reason *reason)
{
	return PARKING_NONE;
}

bool worker_tap_leave(struct worker *w, struct frame *f, const struct weir_punt *at,
		      struct packet *p)
{
	return true;
}

struct packet worker_tap_reset(struct worker *w, const struct weir_punt *at, const struct packet *p,
			       bool to_sender)
{
	return *p;
}

bool worker_tap_unpark(struct worker *w, struct frame *f)
{
	return false;
}

bool worker_tap_keeps(struct worker *w, uint64_t flow_id)
{
	return false;
}

/* ---- a worker, and blocks of 10.0.0.0/8 for application 5 ---- */

struct fixture {
	struct worker worker;
	struct worker_shared shared;
	struct policy policy;
	struct gate gate;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->shared.gate = &f->gate;
	f->shared.workers = 1;
	f->worker.own = f->shared;
	f->worker.own.policy = &f->policy;
	f->worker.shared = &f->worker.own;
	f->worker.now_ns = 100;
	worker_blocks_begin(&f->worker);
	punt = (struct weir_punt){.flow_id = 7, .in_port = 1, .out_port = 2};
	flow = (struct flow){.id = 7, .app = 5};
	flow.key.port[1] = htons(80);
	assert_int_equal(address_parse("10.0.0.1", flow.key.addr[0]), 0);
	assert_int_equal(address_parse("192.0.2.1", flow.key.addr[1]), 0);
	cell = (struct weir_cell){.action = WEIR_ACTION_PASS};
	decides = waits_for_name = changes = false;
	sent = given = events = drops = 0;
	held = 0;
	waiting_drop = WEIR_REASON_COUNT;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	worker_blocks_end(&f->worker);
	free(f);
	return 0;
}

/* As the daemon does; count 0: nothing is blocked any more. */
static void block(struct fixture *f, uint16_t app, uint64_t expires_ns, size_t count)
{
	struct policy_block b = {.block = {.to_bits = WEIR_BLOCK_ONE_SIDE, .app = app},
				 .expires_ns = expires_ns};
	struct policy_blocks made;
	struct worker_blocks *blocks;
	unsigned int bits;

	assert_int_equal(prefix_parse("10.0.0.0/8", b.block.from, &bits), 0);
	b.block.from_bits = (uint8_t)bits;
	assert_int_equal(policy_blocks_compile(&b, count, &made), 0);
	blocks = worker_blocks_new(&made);
	assert_non_null(blocks);
	assert_null(made.prefixes);
	worker_blocks_give(&f->worker, blocks);
	worker_blocks_put(blocks);
}

static void frame(struct fixture *f)
{
	const struct frame one = {.len = 60};

	worker_frame(&f->worker, &one);
}

static uint64_t blocked(const struct fixture *f)
{
	return f->worker.counters.reasons[1][WEIR_REASON_DROP_BLOCKED];
}

static void from_the_frame_that_tells_on_nothing_passes(void **state)
{
	struct fixture *f = *state;

	block(f, 5, 0, 1);
	frame(f);
	assert_int_equal(sent, 1);
	decides = true;
	frame(f);
	frame(f);
	assert_int_equal(sent, 1);
	assert_int_equal(given, 2);
	assert_int_equal(blocked(f), 2);
	assert_int_equal(events, 1);
	assert_int_equal(f->gate.published, 1);
	assert_int_equal(waiting_drop, WEIR_REASON_DROP_BLOCKED);
	block(f, 5, 0, 0);
	frame(f);
	assert_int_equal(sent, 2);
}

static void another_application_passes(void **state)
{
	struct fixture *f = *state;

	decides = true;
	frame(f);
	block(f, 6, 0, 1);
	frame(f);
	assert_int_equal(sent, 2);
	/* A module that reads on finds that it is the other. */
	flow.app = 6;
	frame(f);
	assert_int_equal(sent, 2);
	assert_int_equal(blocked(f), 1);
	assert_int_equal(events, 0);
}

static void its_time_ends(void **state)
{
	struct fixture *f = *state;

	decides = true;
	block(f, 5, 150, 1);
	f->worker.now_ns = 149;
	frame(f);
	assert_int_equal(sent, 0);
	f->worker.now_ns = 150;
	frame(f);
	assert_int_equal(sent, 1);
}

/* It is above every rule. */
static void it_counts_as_blocked_whatever_rules_say(void **state)
{
	struct fixture *f = *state;

	decides = true;
	cell.action = WEIR_ACTION_RESET;
	block(f, WEIR_BLOCK_ANY_APP, 0, 1);
	frame(f);
	assert_int_equal(blocked(f), 1);
	assert_int_equal(events, 1);
}

static void no_name_is_waited_for(void **state)
{
	struct fixture *f = *state;

	decides = waits_for_name = true;
	frame(f);
	assert_int_equal(sent, 1);
	assert_int_equal(f->gate.published, 0);
	block(f, 5, 0, 1);
	frame(f);
	assert_int_equal(sent, 1);
	assert_int_equal(f->gate.published, 1);
}

/* ---- another application ---- */

static void a_connection_that_became_another_is_cut(void **state)
{
	struct fixture *f = *state;

	flow.key.proto = IPPROTO_TCP;
	decides = true;
	frame(f);
	assert_int_equal(sent, 1);
	cell.action = WEIR_ACTION_DROP;
	changes = true;
	frame(f);
	assert_int_equal(sent, 1);
	assert_int_equal(drops, 1);
	assert_int_equal(f->gate.published, 2);
	assert_int_equal(f->worker.counters.changed, 1);
	assert_int_equal(f->worker.counters.cut, 1);
	assert_int_equal(f->worker.counters.reasons[1][WEIR_REASON_DROP_RESET], 1);
	/* What has no connection is dropped. */
	flow.key.proto = IPPROTO_UDP;
	frame(f);
	assert_int_equal(f->worker.counters.cut, 1);
	assert_int_equal(f->worker.counters.reasons[1][WEIR_REASON_DROP_VERDICT], 1);
	/* What may pass goes on. */
	cell.action = WEIR_ACTION_PASS;
	frame(f);
	assert_int_equal(sent, 2);
	assert_int_equal(f->worker.counters.changed, 3);
}

/* ---- what the gate is to go on punting ---- */

static uint8_t flags_of(struct fixture *f)
{
	flow.decided = false;
	frame(f);
	return f->gate.last.flags;
}

static void the_sides_that_are_wanted(void **state)
{
	struct fixture *f = *state;

	decides = true;
	assert_int_equal(flags_of(f), 0);
	flow.inspect = true;
	flow.wanted = 3;
	assert_int_equal(flags_of(f), WEIR_IDENTIFIED_INSPECT);
	flow.wanted = 1;
	assert_int_equal(flags_of(f), WEIR_IDENTIFIED_INSPECT | WEIR_IDENTIFIED_SKIP_RESPONDER);
	flow.wanted = 2;
	assert_int_equal(flags_of(f), WEIR_IDENTIFIED_INSPECT | WEIR_IDENTIFIED_SKIP_ORIGINATOR);
	flow.reading = true;
	assert_int_equal(flags_of(f), WEIR_IDENTIFIED_INSPECT);
	flow.reading = flow.inspect = false;
	flow.expected = true;
	assert_int_equal(flags_of(f), WEIR_IDENTIFIED_RELEASE);
}

static void without_room_the_answer_of_a_hold_applies(void **state)
{
	struct fixture *f = *state;

	decides = true;
	held = WEIR_ACTION_PASS;
	frame(f);
	assert_int_equal(sent, 1);
	held = WEIR_ACTION_DROP;
	frame(f);
	assert_int_equal(sent, 1);
	assert_int_equal(f->worker.counters.reasons[1][WEIR_REASON_DROP_PARKED], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(from_the_frame_that_tells_on_nothing_passes),
		TEST(another_application_passes),
		TEST(its_time_ends),
		TEST(it_counts_as_blocked_whatever_rules_say),
		TEST(no_name_is_waited_for),
		TEST(a_connection_that_became_another_is_cut),
		TEST(the_sides_that_are_wanted),
		TEST(without_room_the_answer_of_a_hold_applies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

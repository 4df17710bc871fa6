// SPDX-License-Identifier: GPL-2.0-only
/* Flows that end: by themselves, by their time, for others. Each is told once, with all of it. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/rig.h"
#include "sweep.skel.h"
#include "weir/sweep.h"

#define FIN  .tcp_flags = SHAPE_FIN | SHAPE_ACK
#define NOW  1000
#define ICMP .proto = IPPROTO_ICMP, .icmp_type = 8

enum { SWEEP_ENDED = 6, SWEEP_RING, SWEEP_RATE, SWEEP_WAITING, SWEEP_SETTLED };

static const struct shape tcp = {DATA};
static struct bpf_object *object;
static struct weir_sweep ask;

static int setup(void **state)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "sweep");
	struct bpf_map *map;
	struct rig *r;
	const void *elf;
	size_t len;

	assert_int_equal(rig_setup(state), 0);
	r = *state;
	elf = sweep_bpf__elf_bytes(&len);
	object = bpf_object__open_mem(elf, len, &opts);
	assert_non_null(object);
	bpf_object__for_each_map(map, object)
	{
		if (bpf_object__find_map_by_name(r->gate, bpf_map__name(map)))
			assert_int_equal(bpf_map__reuse_fd(map, rig_map(r, bpf_map__name(map))), 0);
	}
	assert_int_equal(bpf_object__load(object), 0);
	r->ctl->clock_ds = NOW;
	return 0;
}

static int teardown(void **state)
{
	bpf_object__close(object);
	return rig_teardown(state);
}

static void ask_usual(void)
{
	ask = (struct weir_sweep){.sets = RIG_SETS, .budget = 1000, .ring_max = 1 << 20};
#define X(id, key, seconds, help) ask.idle_ds[WEIR_IDLE_##id] = (seconds)*10;
	WEIR_IDLES(X)
#undef X
}

static void run(const char *name)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ask, .ctx_size_in = sizeof(ask));
	struct bpf_program *prog = bpf_object__find_program_by_name(object, name);

	assert_non_null(prog);
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), 0);
}

/* Both sweeps at a time of the gate's clock. Returns how many ends were told; event: the last. */
static unsigned int sweep_at(struct rig *r, uint32_t clock_ds, struct weir_event *event)
{
	r->ctl->clock_ds = clock_ds;
	ask_usual();
	run("weir_sweep");
	assert_int_equal(ask.gone_through, RIG_SETS);
	ask_usual();
	run("weir_sweep_waiting");
	return rig_events(r, WEIR_EVENT_ENDED, event);
}

static void expect(const struct weir_event *e, enum weir_end end, unsigned int frames)
{
	assert_int_equal(e->reason, end);
	assert_int_equal(e->flow.frames[0] + e->flow.frames[1], frames);
	assert_int_equal(e->in_port, RIG_A);
	assert_int_equal(e->dir, 0);
	assert_in_range(time_now_ns() - e->flow.created_ns, 0, 10000000000ULL);
}

static bool exists(struct rig *r, const struct shape *s)
{
	struct weir_flow flow;

	return rig_flow(r, true, s, &flow) || rig_flow(r, false, s, &flow);
}

static void a_closed_connection(void **state)
{
	struct rig *r = *state;
	struct weir_event e;

	rig_identify(r, &tcp, RIG_WEB);
	SEND(r, REDIRECTED, DATA);
	SEND(r, REDIRECTED, FIN);
	SEND(r, REDIRECTED, FIN, BACK);
	assert_int_equal(sweep_at(r, NOW + 10, NULL), 0);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_ACK);
	/* Not before it has been quiet, so that its last frames count. */
	assert_int_equal(sweep_at(r, NOW + 29, NULL), 0);
	assert_int_equal(sweep_at(r, NOW + 30, &e), 1);
	expect(&e, WEIR_END_FIN, 5);
	assert_int_equal(e.flow.app, RIG_WEB);
	assert_int_equal(e.flow.frames[1], 1);
	assert_int_equal(e.flow.tcp_flags[1], SHAPE_FIN | SHAPE_ACK);
	/* What comes late is no new flow, and the end is not told again. */
	SEND(r, REDIRECTED, FIN);
	assert_int_equal(sweep_at(r, NOW + 100, NULL), 0);
	assert_true(exists(r, &tcp));
	assert_int_equal(sweep_at(r, NOW + 700, NULL), 0);
	assert_false(rig_flow(r, true, &tcp, &e.flow));
	assert_int_equal(rig_sum(r, "weir_cache", SWEEP_ENDED), 1);
}

static void a_reset_connection(void **state)
{
	struct rig *r = *state;
	struct weir_event e;

	rig_identify(r, &tcp, RIG_WEB);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_RST, BACK);
	assert_int_equal(sweep_at(r, NOW + 20, &e), 1);
	expect(&e, WEIR_END_RST, 2);
	/* A new connection of the same ends does not tell it again. */
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .seq = 99);
	assert_int_equal(rig_events(r, WEIR_EVENT_ENDED, NULL), 0);
	assert_int_equal(sweep_at(r, NOW + 40, NULL), 0);
}

/* For idleness, each protocol and state after its own time. */
static void idle_flows(void **state)
{
	static const struct {
		struct shape shape;
		uint32_t after_ds;
		bool answered;
	} flows[] = {
		{{DATA, .sport = 1}, 600, false},
		{{DATA, .sport = 2}, 36000, true},
		{{UDP, .sport = 3}, 300, false},
		{{UDP, .sport = 4}, 1800, true},
	};
	struct rig *r = *state;
	struct weir_event e;

	for (size_t i = 0; i < ARRAY_SIZE(flows); i++) {
		struct shape back = flows[i].shape;
		uint32_t then = NOW + (uint32_t)i * 100000;

		r->ctl->clock_ds = then;
		back.reverse = true;
		rig_identify(r, &flows[i].shape, RIG_WEB);
		assert_int_equal(rig_send(r, &flows[i].shape, NULL), WEIR_REASON_REDIRECTED);
		if (flows[i].answered)
			rig_send(r, &back, NULL);
		assert_int_equal(sweep_at(r, then + flows[i].after_ds - 1, NULL), 0);
		assert_int_equal(sweep_at(r, then + flows[i].after_ds, &e), 1);
		expect(&e, WEIR_END_IDLE, flows[i].answered ? 3 : 2);
		assert_int_equal(e.key.proto, flows[i].shape.proto ?: IPPROTO_TCP);
		assert_false(rig_flow(r, true, &flows[i].shape, &e.flow));
	}
}

static void icmp_says_what_it_was(void **state)
{
	struct rig *r = *state;
	struct weir_event e;

	SEND(r, REDIRECTED, ICMP);
	SEND(r, REDIRECTED, .proto = IPPROTO_ICMP, .icmp_type = 0, BACK);
	assert_int_equal(sweep_at(r, NOW + 299, NULL), 0);
	assert_int_equal(sweep_at(r, NOW + 300, &e), 1);
	expect(&e, WEIR_END_IDLE, 2);
	assert_int_equal(e.flow.icmp[0], 8);
	assert_int_equal(e.flow.icmp[1], 0);
	assert_false(exists(r, &(struct shape){ICMP}));
}

/* What is dropped is not waited for as long as what passes. */
static void a_dropped_flow(void **state)
{
	struct rig *r = *state;
	struct weir_event e;

	rig_identify(r, &tcp, RIG_P2P);
	SEND(r, DROP_VERDICT, DATA);
	SEND(r, DROP_VERDICT, DATA, BACK);
	assert_int_equal(sweep_at(r, NOW + 600, &e), 1);
	expect(&e, WEIR_END_IDLE, 3);
	assert_int_equal(e.flow.action, WEIR_ACTION_DROP);
	/* Its identity is remembered, and what it carries from now on is told by itself. */
	SEND(r, DROP_VERDICT, DATA);
	assert_int_equal(sweep_at(r, NOW + 1200, &e), 1);
	expect(&e, WEIR_END_IDLE, 1);
}

/* Undecided ones end too: by their time, by their close, for another connection. */
static void undecided_flows(void **state)
{
	struct rig *r = *state;
	struct weir_event e;

	SEND(r, PUNTED, UDP, .sport = 3);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .sport = 4);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_RST | SHAPE_ACK, .sport = 4, BACK);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .sport = 5);
	assert_int_equal(sweep_at(r, NOW + 20, &e), 1);
	expect(&e, WEIR_END_RST, 2);
	assert_int_equal(e.flow.action, WEIR_ACTION_UNDECIDED);
	assert_int_equal(ask.waiting, 2);
	assert_int_equal(e.flow.app, 0);
	/* The closed one stays known for its last frames; it is told once. */
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_RST, .sport = 4, BACK);
	assert_int_equal(sweep_at(r, NOW + 100, NULL), 0);
	SEND(r, STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .sport = 5, .seq = 77);
	assert_int_equal(rig_events(r, WEIR_EVENT_ENDED, &e), 1);
	expect(&e, WEIR_END_FORCED, 1);
	assert_int_equal(sweep_at(r, NOW + 300, &e), 1);
	expect(&e, WEIR_END_IDLE, 1);
	assert_int_equal(e.key.proto, IPPROTO_UDP);
	assert_int_equal(sweep_at(r, NOW + 700, &e), 1);
	expect(&e, WEIR_END_IDLE, 1);
	assert_int_equal(ask.waiting, 0);
	assert_false(exists(r, &(struct shape){.sport = 4}));
	assert_int_equal(rig_sum(r, "weir_cache", SWEEP_WAITING), 4);
	assert_int_equal(rig_sum(r, "weir_cache", SWEEP_SETTLED), 4);
}

/* What is known of it by then is told, though no frame came that could have been decided by it. */
static void an_undecided_flow_that_was_identified(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow;
	struct weir_event e;

	SEND(r, PUNTED, UDP);
	SEND(r, PUNTED, UDP, BACK);
	assert_true(rig_flow(r, false, &(struct shape){UDP}, &flow));
	rig_tell(r, flow.id, RIG_CHAT, 0);
	assert_int_equal(sweep_at(r, NOW + 1800, &e), 1);
	expect(&e, WEIR_END_IDLE, 2);
	assert_int_equal(e.flow.action, WEIR_ACTION_UNDECIDED);
	assert_int_equal(e.flow.app, RIG_CHAT);
	assert_int_equal(e.flow.method, WEIR_METHOD_SIGNATURE);
	assert_int_equal(e.flow.confidence, 90);
	assert_int_equal(e.flow.payloads, 2);
}

/* A flow that goes on after its idle end is the same by name, and tells what came since. */
static void an_idle_flow_that_goes_on(void **state)
{
	struct rig *r = *state;
	uint64_t id = rig_identify(r, &(struct shape){UDP}, RIG_WEB);
	struct weir_event e;

	SEND(r, REDIRECTED, UDP);
	assert_int_equal(sweep_at(r, NOW + 300, &e), 1);
	expect(&e, WEIR_END_IDLE, 2);
	SEND(r, REDIRECTED, UDP);
	SEND(r, REDIRECTED, UDP, BACK);
	assert_int_equal(sweep_at(r, NOW + 2100, &e), 1);
	expect(&e, WEIR_END_IDLE, 2);
	assert_true(e.flow.id == id);
	assert_int_equal(e.flow.app, RIG_WEB);
}

/* The policy's reset is its end. */
static void a_flow_that_the_policy_resets(void **state)
{
	static const uint8_t strict[RIG_APPS] = {[RIG_WEB] = WEIR_ACTION_RESET};
	struct rig *r = *state;
	struct weir_event e;

	rig_policy(r, 2, strict);
	rig_identify(r, &tcp, RIG_WEB);
	SEND(r, PUNTED, DATA);
	SEND(r, DROP_RESET, .tcp_flags = SHAPE_ACK);
	assert_int_equal(sweep_at(r, NOW + 20, &e), 1);
	expect(&e, WEIR_END_FORCED, 3);
	assert_int_equal(sweep_at(r, NOW + 700, NULL), 0);
	assert_false(rig_flow(r, true, &tcp, &e.flow));
}

/* The opener's port, whoever sent the frame that the event is about. */
static void the_port_is_the_openers(void **state)
{
	struct rig *r = *state;
	struct weir_flow flow;
	struct weir_event e;

	SEND(r, PUNTED, DATA);
	assert_true(rig_flow(r, false, &tcp, &flow));
	rig_tell(r, flow.id, RIG_WEB, 0);
	SEND(r, REDIRECTED, DATA, BACK);
	assert_int_equal(rig_events(r, WEIR_EVENT_DECIDED, &e), 1);
	assert_int_equal(e.in_port, RIG_A);
	assert_int_equal(e.dir, 1);
}

static void attempts(struct rig *r, uint16_t flows)
{
	for (uint16_t i = 1; i <= flows; i++) {
		SEND(r, PUNTED, UDP, .sport = i);
		r->read[0] = r->sent[0];
	}
}

/* Beyond the budget and the ring's share ends wait, they are not lost. */
static void a_flood_is_told_bit_by_bit(void **state)
{
	struct rig *r = *state;
	unsigned int told = 0, runs = 0;

	attempts(r, 40);
	r->ctl->clock_ds = NOW + 300;
	do {
		ask_usual();
		ask.budget = 15;
		run("weir_sweep_waiting");
		assert_int_equal(ask.cut, told < 25);
		assert_in_range(ask.told, 1, 15);
		told += rig_events(r, WEIR_EVENT_ENDED, NULL);
	} while (++runs < 3);
	assert_int_equal(told, 40);
	attempts(r, 25);
	r->ctl->clock_ds = NOW + 600;
	ask_usual();
	ask.ring_max = 10 * 208;
	run("weir_sweep_waiting");
	assert_in_range(ask.told, 5, 15);
	assert_int_equal(ask.waiting, 25 - ask.told);
	told = rig_events(r, WEIR_EVENT_ENDED, NULL);
	ask_usual();
	run("weir_sweep_waiting");
	assert_int_equal(told + rig_events(r, WEIR_EVENT_ENDED, NULL), 25);
	assert_int_equal(rig_sum(r, "weir_cache", SWEEP_RING), 0);
}

/* The map of undecided flows pushes out its oldest without a word: they are what is missing. */
static void what_the_map_loses_is_missing(void **state)
{
	struct rig *r = *state;
	uint64_t lost;

	attempts(r, 600);
	ask_usual();
	run("weir_sweep_waiting");
	assert_in_range(ask.waiting, 1, 256);
	lost = rig_sum(r, "weir_cache", SWEEP_WAITING) - rig_sum(r, "weir_cache", SWEEP_SETTLED) -
	       ask.waiting;
	assert_int_equal(lost, 600 - ask.waiting);
	for (r->ctl->clock_ds = NOW + 300; ask.waiting;) {
		ask_usual();
		run("weir_sweep_waiting");
		rig_events(r, WEIR_EVENT_ENDED, NULL);
	}
	assert_int_equal(rig_sum(r, "weir_cache", SWEEP_WAITING) -
				 rig_sum(r, "weir_cache", SWEEP_SETTLED),
			 lost);
}

/* Those that others push out cannot wait: beyond a rate they are counted. */
static void evictions_have_a_rate(void **state)
{
	struct rig *r = *state;
	unsigned int told = 0;
	uint64_t untold;

	r->ctl->sets_mask = 0;
	r->table.sets = 1;
	rig_reconnect(r, RIG_WEB, rig_soon(), 0);
	for (uint16_t round = 0; round < 100; round++) {
		for (uint16_t i = 1; i <= WEIR_WAYS; i++)
			SEND(r, REDIRECTED, .tcp_flags = SHAPE_SYN, .sport = round * 8 + i);
		/* All of them are old, in one and the same moment. */
		for (uint32_t i = 0; i < WEIR_WAYS; i++)
			r->table.entries[i].flow.seen_ds = NOW - 100;
		told += rig_events(r, WEIR_EVENT_ENDED, NULL);
	}
	untold = rig_sum(r, "weir_cache", SWEEP_RATE);
	assert_int_equal(told, 500);
	assert_int_equal(told + untold, 99 * WEIR_WAYS);
}

/* Without a listener flows end all the same. */
static void nobody_listens(void **state)
{
	struct rig *r = *state;

	r->ctl->flags &= ~WEIR_CTL_EVENTS;
	rig_identify(r, &tcp, RIG_WEB);
	SEND(r, REDIRECTED, .tcp_flags = SHAPE_RST);
	SEND(r, PUNTED, UDP);
	assert_int_equal(sweep_at(r, NOW + 700, NULL), 0);
	assert_false(rig_flow(r, true, &tcp, &(struct weir_flow){}));
	assert_false(exists(r, &(struct shape){UDP}));
	assert_int_equal(rig_sum(r, "weir_cache", SWEEP_WAITING),
			 rig_sum(r, "weir_cache", SWEEP_SETTLED));
}

#define SWEEP_TEST(f)                                                                              \
	{#f "(xdp)", f, setup, teardown, &rig_hooks[RIG_XDP]},                                     \
	{                                                                                          \
#f "(tc)", f, setup, teardown, &rig_hooks[RIG_TC]                                  \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SWEEP_TEST(a_closed_connection),
		SWEEP_TEST(a_reset_connection),
		SWEEP_TEST(idle_flows),
		SWEEP_TEST(icmp_says_what_it_was),
		SWEEP_TEST(a_dropped_flow),
		SWEEP_TEST(undecided_flows),
		SWEEP_TEST(an_undecided_flow_that_was_identified),
		SWEEP_TEST(an_idle_flow_that_goes_on),
		SWEEP_TEST(a_flow_that_the_policy_resets),
		SWEEP_TEST(the_port_is_the_openers),
		SWEEP_TEST(a_flood_is_told_bit_by_bit),
		SWEEP_TEST(what_the_map_loses_is_missing),
		SWEEP_TEST(evictions_have_a_rate),
		SWEEP_TEST(nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

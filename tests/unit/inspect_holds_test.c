// SPDX-License-Identifier: GPL-2.0-only
/* What consumers hold, and when that ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/consumer.h"

extern const struct consumer consumer_second;
#define BENCH_CONSUMERS &consumer_second,

#include "inspect_bench.h"

static struct fake second;

static unsigned int second_wants(const struct app_services *s, const struct flow *f)
{
	return second.reads;
}

static void second_taken(const struct app_services *s, const struct app_message *m,
			 const void *event, void **state, struct consumer_answer *answer)
{
	fake_event(&second, s, m, event, state, answer);
}

CONSUMER(second) = {
	.abi = CONSUMER_ABI,
	.name = "second",
	.wants = second_wants,
	.event = second_taken,
};

/* What the worker was told last. */
static struct {
	unsigned int count;
	uint64_t flow_id;
	uint8_t dir, reason, action;
} told;

static void released(void *arg, uint64_t flow_id, uint8_t dir, uint8_t reason, uint8_t action)
{
	told.count++;
	told.flow_id = flow_id;
	told.dir = dir;
	told.reason = reason;
	told.action = action;
}

static int setup(void **state)
{
	struct inspect_settings settings = bench_settings;

	memset(&told, 0, sizeof(told));
	memset(&second, 0, sizeof(second));
	bench_setup(state);
	settings.online = true;
	settings.released = released;
	bench_restart(*state, &settings);
	return 0;
}

static void holds(struct fake *f, const struct bench *b, enum weir_park reason, unsigned int ms,
		  enum weir_action answer)
{
	f->reads = CONSUMER_BOTH;
	f->holds = "ALPHA";
	f->hold = (struct consumer_answer){
		.verb = CONSUMER_HOLD,
		.reason = reason,
		.deadline_ns = b->now_ns + ms * UINT64_C(1000000),
		.on_deadline = answer,
	};
}

static void begin(struct bench *b)
{
	uint8_t client = client_side();
	struct weir_punt punt = {
		.flow_id = 42,
		.number = 1,
		.isn = 99,
		.flags = WEIR_PUNT_ISN | (client ? WEIR_PUNT_DIR | WEIR_PUNT_ORIGIN : 0),
	};

	assert_true(punt_tcp(b, &punt, false, 100, "ALPHA")->decided_now);
}

static void one_is_released(void **state)
{
	struct bench *b = *state;

	holds(&alpha, b, WEIR_PARK_SCAN, 500, WEIR_ACTION_DROP);
	begin(b);
	assert_int_equal(b->out.hold_count, 1);
	assert_int_equal(b->out.hold_refused, 0);
	assert_int_equal(b->out.hold[0].dir, client_side());
	assert_int_equal(b->out.hold[0].reason, WEIR_PARK_SCAN);
	assert_int_equal(b->out.hold[0].answer, WEIR_ACTION_DROP);
	assert_int_equal(b->out.hold[0].deadline_ns, alpha.hold.deadline_ns);
	assert_int_not_equal(alpha.hold.handle, 0);
	inspector_release_hold(b->inspector, alpha.hold.handle + 1, WEIR_ACTION_PASS);
	assert_int_equal(told.count, 0);
	inspector_release_hold(b->inspector, alpha.hold.handle, WEIR_ACTION_PASS);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.flow_id, 42);
	assert_int_equal(told.dir, client_side());
	assert_int_equal(told.reason, WEIR_PARK_SCAN);
	assert_int_equal(told.action, WEIR_ACTION_PASS);
	/* Once. */
	inspector_release_hold(b->inspector, alpha.hold.handle, WEIR_ACTION_DROP);
	assert_int_equal(told.count, 1);
}

/* The last decides when, the strictest answer what. */
static void the_last_and_the_strictest(void **state)
{
	static const enum weir_action actions[][3] = {
		{WEIR_ACTION_PASS, WEIR_ACTION_PASS, WEIR_ACTION_PASS},
		{WEIR_ACTION_DROP, WEIR_ACTION_PASS, WEIR_ACTION_DROP},
		{WEIR_ACTION_PASS, WEIR_ACTION_DROP, WEIR_ACTION_DROP},
		{WEIR_ACTION_RESET, WEIR_ACTION_DROP, WEIR_ACTION_RESET},
		{WEIR_ACTION_DROP, WEIR_ACTION_RESET, WEIR_ACTION_RESET},
	};

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		struct bench *b;

		bench_teardown(state);
		setup(state);
		b = *state;
		holds(&alpha, b, WEIR_PARK_SCAN, 500, WEIR_ACTION_PASS);
		holds(&second, b, WEIR_PARK_SCAN, 900, WEIR_ACTION_DROP);
		begin(b);
		assert_int_equal(b->out.hold_count, 2);
		assert_int_equal(b->out.hold[1].deadline_ns, second.hold.deadline_ns);
		assert_int_equal(b->out.hold[1].answer, WEIR_ACTION_DROP);
		inspector_release_hold(b->inspector, alpha.hold.handle, actions[i][0]);
		assert_int_equal(told.count, 0);
		inspector_release_hold(b->inspector, second.hold.handle, actions[i][1]);
		assert_int_equal(told.count, 1);
		assert_int_equal(told.action, actions[i][2]);
	}
}

/* Of two reasons each ends by itself; the answer is given with the last. */
static void two_reasons(void **state)
{
	struct bench *b = *state;

	holds(&alpha, b, WEIR_PARK_SCAN, 500, WEIR_ACTION_PASS);
	holds(&second, b, WEIR_PARK_TAP, 900, WEIR_ACTION_PASS);
	begin(b);
	inspector_release_hold(b->inspector, alpha.hold.handle, WEIR_ACTION_DROP);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.reason, WEIR_PARK_SCAN);
	assert_int_equal(told.action, WEIR_ACTION_PASS);
	inspector_release_hold(b->inspector, second.hold.handle, WEIR_ACTION_PASS);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.reason, WEIR_PARK_TAP);
	assert_int_equal(told.action, WEIR_ACTION_DROP);
}

static void there_is_not_always_room(void **state)
{
	struct bench *b = *state;
	uint8_t client = client_side();
	unsigned int refused = 0;

	holds(&alpha, b, WEIR_PARK_SCAN, 60000, WEIR_ACTION_DROP);
	for (uint64_t id = 1; id <= 300; id++) {
		struct weir_punt punt = {
			.flow_id = id,
			.isn = 99,
			.flags = WEIR_PUNT_ISN | (client ? WEIR_PUNT_DIR | WEIR_PUNT_ORIGIN : 0),
		};

		alpha.text[0] = '\0';
		punt_tcp(b, &punt, false, 100, "ALPHA");
		refused += b->out.hold_refused == WEIR_ACTION_DROP;
	}
	assert_int_equal(refused, 300 - 256);
}

static void nothing_is_held_offline(void **state)
{
	struct bench *b = *state;

	bench_restart(b, &bench_settings);
	holds(&alpha, b, WEIR_PARK_SCAN, 500, WEIR_ACTION_DROP);
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "ALPHA");
	assert_string_equal(alpha.text, "ALPHA");
	assert_int_equal(b->out.hold_count, 0);
	assert_int_equal(alpha.hold.handle, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_is_released),		TEST(the_last_and_the_strictest), TEST(two_reasons),
		TEST(there_is_not_always_room), TEST(nothing_is_held_offline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

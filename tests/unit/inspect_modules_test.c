// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect_bench.h"

/* ---- modules ---- */

static void the_most_confident_module_wins(void **state)
{
	struct bench *b = *state;

	alpha.says = (struct app_finding){
		.app = app_of(b, "http"), .method = WEIR_METHOD_STATISTICS, .confidence = 60};
	beta.says = (struct app_finding){
		.app = app_of(b, "tls"), .method = WEIR_METHOD_HANDSHAKE, .confidence = 70};
	assert_true(send_udp(b, false, "?")->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "tls"));
	assert_int_equal(b->out.flow->method, WEIR_METHOD_HANDSHAKE);
	assert_int_equal(b->out.flow->confidence, 70);
}

static void a_module_cannot_shout_down_the_engine_with_less(void **state)
{
	struct bench *b = *state;

	beta.says = (struct app_finding){
		.app = app_of(b, "tls"), .method = WEIR_METHOD_HANDSHAKE, .confidence = 89};
	assert_true(send_udp(b, false, "ALPHA")->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "alpha"));
}

/* The application's own module knows better than its signature; others may not take it back. */
static void the_owner_may_take_it_back(void **state)
{
	struct bench *b = *state;

	beta.veto = true;
	assert_true(send_udp(b, false, "ALPHA")->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "alpha"));
	alpha.veto = true;
	assert_false(send_udp(b, true, "ALPHA")->decided_now);
	send_handshake(b);
	assert_false(send_tcp(b, false, FRAME_ACK, 100, "ALPHA")->decided_now);
}

/* What a module says of itself saves it the messages that it would not look at. */
static void modules_are_shown_what_is_of_use_to_them(void **state)
{
	struct bench *b = *state;

	send_udp(b, false, "?");
	assert_int_equal(alpha.undecided_calls, 1);
	assert_int_equal(only_tcp.undecided_calls, 0);
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "?");
	assert_int_equal(alpha.undecided_calls, 2);
	assert_int_equal(only_tcp.undecided_calls, 1);
	assert_int_equal(named.undecided_calls, 0);
}

static void reconnection_needs_both_directions(void **state)
{
	struct bench *b = *state;

	alpha.when = "ALPHA";
	alpha.says = (struct app_finding){.app = app_of(b, "alpha"),
					  .method = WEIR_METHOD_HANDSHAKE,
					  .confidence = 95,
					  .reconnect = true};
	assert_true(send_udp(b, false, "ALPHA")->decided_now);
	assert_false(b->out.reconnect);
	send_handshake(b);
	assert_true(send_tcp(b, false, FRAME_ACK, 100, "ALPHA")->decided_now);
	assert_true(b->out.reconnect);
}

static void states_are_each_module_s_own_and_released(void **state)
{
	struct bench *b = *state;

	alpha.keeps_state = beta.keeps_state = true;
	send_udp(b, false, "?");
	send_udp(b, false, "?");
	assert_int_equal(alpha.released + beta.released, 0);
	assert_true(send_udp(b, false, "ALPHA")->decided_now);
	assert_int_equal(alpha.released, 1);
	assert_int_equal(beta.released, 1);
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "?");
	inspector_expire(b->inspector, b->now_ns + 301 * BENCH_SECOND, 10);
	assert_int_equal(alpha.released, 2);
}

/* By place: alpha is the first. */
static void a_disabled_module_is_as_if_it_were_not_there(void **state)
{
	struct bench *b = *state;

	inspector_set_modules(b->inspector, 1);
	alpha.veto = true;
	assert_true(send_udp(b, false, "ALPHA")->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "alpha"));
	assert_int_equal(alpha.undecided_calls, 0);
	assert_int_equal(beta.undecided_calls, 1);
	/* And back. */
	inspector_set_modules(b->inspector, 0);
	b->now_ns += 400 * BENCH_SECOND;
	assert_false(send_udp(b, false, "ALPHA")->decided_now);
	assert_int_equal(alpha.undecided_calls, 1);
}

/* ---- flows that a consumer takes ---- */

static void a_disabled_module_stops_reading(void **state)
{
	struct bench *b = *state;

	begin_inspection(b);
	send_tcp(b, false, FRAME_ACK, 105, "one ");
	inspector_set_modules(b->inspector, 1);
	assert_true(send_tcp(b, false, FRAME_ACK, 109, "two ")->decided_now);
	assert_string_equal(alpha.text, "one ");
	assert_false(b->out.flow->inspect);
}

static void the_module_reads_on_in_order(void **state)
{
	struct bench *b = *state;

	begin_inspection(b);
	send_tcp(b, false, FRAME_ACK, 105, "one ");
	send_tcp(b, false, FRAME_ACK, 113, "three ");
	assert_string_equal(alpha.text, "one ");
	send_tcp(b, false, FRAME_ACK, 109, "two ");
	assert_string_equal(alpha.text, "one two three ");
	send_tcp(b, true, FRAME_ACK, 500, "back ");
	/* Retransmitted, and overlapping. */
	send_tcp(b, false, FRAME_ACK, 105, "one ");
	send_tcp(b, false, FRAME_ACK, 113, "three four ");
	assert_string_equal(alpha.text, "one two three back four ");
	assert_false(b->out.decided_now);
}

static void done_ends_the_inspection(void **state)
{
	struct bench *b = *state;

	begin_inspection(b);
	alpha.until = "stop";
	alpha.keeps_state = true;
	send_tcp(b, true, FRAME_ACK, 504, "held");
	assert_false(send_tcp(b, false, FRAME_ACK, 105, "st")->decided_now);
	assert_true(send_tcp(b, false, FRAME_ACK, 107, "op")->decided_now);
	assert_false(b->out.flow->inspect);
	assert_int_equal(b->out.flow->app, app_of(b, "alpha"));
	assert_int_equal(b->out.flow->decided_after, 4);
	send_tcp(b, false, FRAME_ACK, 109, "more");
	assert_string_equal(alpha.text, "stop");
}

static void a_gap_that_stays_is_skipped(void **state)
{
	struct bench *b = *state;

	begin_inspection(b);
	for (uint32_t n = 0; n < 8; n++)
		send_tcp(b, false, FRAME_ACK, 200 + n * 2, "ab");
	assert_string_equal(alpha.text, "");
	assert_int_equal(b->out.anomalies, 0);
	/* What comes no longer fits the window beside the gap. */
	send_tcp(b, false, FRAME_ACK, 1140, "cd");
	assert_string_equal(alpha.text, "[95]abababababababab");
	assert_int_equal(b->out.anomalies, 1u << WEIR_ANOMALY_GAP);
	send_tcp(b, false, FRAME_ACK, 216, "e");
	assert_string_equal(alpha.text, "[95]ababababababababe");
	/* Too late. */
	send_tcp(b, false, FRAME_ACK, 105, "one");
	assert_string_equal(alpha.text, "[95]ababababababababe");
}

static void each_datagram_is_shown(void **state)
{
	struct bench *b = *state;

	alpha.says = (struct app_finding){
		.app = app_of(b, "alpha"), .method = WEIR_METHOD_HANDSHAKE, .confidence = 95};
	alpha.reads = CONSUMER_BOTH;
	alpha.until = "bye";
	assert_true(send_udp(b, false, "first")->decided_now);
	send_udp(b, true, "x");
	assert_false(send_udp(b, false, "y")->decided_now);
	assert_true(send_udp(b, true, "bye")->decided_now);
	assert_string_equal(alpha.text, "firstxybye");
}

static void nobody_to_read_means_no_inspection(void **state)
{
	struct bench *b = *state;

	app_registry_add(b->registry, "beta", "test");
	beta.says = (struct app_finding){
		.app = app_of(b, "beta"), .method = WEIR_METHOD_HANDSHAKE, .confidence = 95};
	assert_true(send_udp(b, false, "?")->decided_now);
	assert_false(b->out.flow->inspect);
}

/* ---- with the gate's metadata ---- */

static void the_gate_knows_where_the_stream_begins(void **state)
{
	struct bench *b = *state;
	uint8_t client = client_side();
	struct weir_punt punt = {
		.flow_id = 42,
		.isn = 99,
		.flags = WEIR_PUNT_ISN | (client ? WEIR_PUNT_DIR | WEIR_PUNT_ORIGIN : 0),
	};

	assert_false(punt_tcp(b, &punt, false, 102, "PHA")->decided_now);
	assert_false(b->out.flow->midstream);
	assert_int_equal(b->out.flow->id, 42);
	assert_int_equal(b->out.flow->origin, client);
	assert_true(punt_tcp(b, &punt, false, 100, "AL")->decided_now);
	/* Another flow of the same tuple. */
	punt.flow_id = 43;
	assert_false(punt_tcp(b, &punt, false, 100, "AL")->decided_now);
	assert_int_equal(b->out.flow->frames, 1);
}

static void the_gate_knows_who_began_and_what_was_seen(void **state)
{
	struct bench *b = *state;
	uint8_t client = client_side();
	struct weir_punt punt = {
		.flow_id = 42,
		.flags = WEIR_PUNT_TWOWAY | (client ? WEIR_PUNT_ORIGIN : WEIR_PUNT_DIR),
	};

	alpha.says = (struct app_finding){.app = app_of(b, "alpha"),
					  .method = WEIR_METHOD_HANDSHAKE,
					  .confidence = 95,
					  .reconnect = true};
	assert_true(punt_tcp(b, &punt, true, 500, "?")->decided_now);
	assert_int_equal(b->out.flow->origin, client);
	assert_true(b->out.flow->midstream);
	assert_true(b->out.reconnect);
}

static void draining_frames_are_not_judged(void **state)
{
	struct bench *b = *state;
	struct weir_punt punt = {.flow_id = 42, .flags = WEIR_PUNT_DECIDED};

	assert_false(punt_tcp(b, &punt, false, 100, "ALPHA")->decided_now);
	assert_int_equal(alpha.undecided_calls, 0);
}

/* The table lost a flow that is still read. */
static void an_inspected_flow_goes_on(void **state)
{
	struct bench *b = *state;
	struct weir_punt punt = {
		.flow_id = 42, .flags = WEIR_PUNT_INSPECT, .app = app_of(b, "alpha")};

	alpha.until = "stop";
	alpha.reads = CONSUMER_BOTH;
	assert_false(punt_tcp(b, &punt, false, 5000, "go ")->decided_now);
	assert_true(punt_tcp(b, &punt, false, 5003, "stop")->decided_now);
	assert_string_equal(alpha.text, "[0]go stop");
	assert_false(b->out.flow->inspect);
	/* Nobody reads it any more: said at once, so that the gate stops punting. */
	punt.flow_id = 43;
	punt.app = app_of(b, "http");
	assert_true(punt_tcp(b, &punt, false, 5000, "go ")->decided_now);
	assert_false(b->out.flow->inspect);
	assert_int_equal(b->out.flow->app, app_of(b, "http"));
}

/* The verdict was pushed out of the gate's map before the gate saw it. */
static void a_lost_verdict_is_told_again(void **state)
{
	struct bench *b = *state;
	struct weir_punt punt = {.flow_id = 42};
	unsigned int told = 0;

	bench_go_online(b);
	assert_true(punt_tcp(b, &punt, false, 100, "ALPHA")->decided_now);
	for (uint32_t n = 0; n < 512; n++)
		told += punt_tcp(b, &punt, false, 105 + n, "x")->decided_now;
	assert_int_equal(told, 2);
	assert_int_equal(b->out.flow->app, app_of(b, "alpha"));
}

static void new_signatures_take_effect(void **state)
{
	struct bench *b = *state;
	struct signatures *old = b->signatures;

	b->signatures = bench_signatures(
		b->registry, "features:\n"
			     "  omega: { transport: udp, mask: { offset: 0, text: 'OMEGA' } }\n"
			     "applications:\n"
			     "  omega: { category: test, when: omega }\n");
	send_udp(b, false, "OMEGA");
	assert_false(b->out.decided_now);
	assert_int_equal(inspector_set_signatures(b->inspector, b->signatures), 0);
	signatures_free(old);
	assert_int_equal(named.undecided_calls, 0);
	assert_true(send_udp(b, false, "OMEGA")->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "omega"));
	assert_int_equal(named.undecided_calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(the_most_confident_module_wins),
		BENCH_TEST(a_module_cannot_shout_down_the_engine_with_less),
		BENCH_TEST(the_owner_may_take_it_back),
		BENCH_TEST(modules_are_shown_what_is_of_use_to_them),
		BENCH_TEST(reconnection_needs_both_directions),
		BENCH_TEST(states_are_each_module_s_own_and_released),
		BENCH_TEST(a_disabled_module_is_as_if_it_were_not_there),
		BENCH_TEST(a_disabled_module_stops_reading),
		BENCH_TEST(the_module_reads_on_in_order),
		BENCH_TEST(done_ends_the_inspection),
		BENCH_TEST(a_gap_that_stays_is_skipped),
		BENCH_TEST(each_datagram_is_shown),
		BENCH_TEST(nobody_to_read_means_no_inspection),
		BENCH_TEST(the_gate_knows_where_the_stream_begins),
		BENCH_TEST(the_gate_knows_who_began_and_what_was_seen),
		BENCH_TEST(draining_frames_are_not_judged),
		BENCH_TEST(an_inspected_flow_goes_on),
		BENCH_TEST(a_lost_verdict_is_told_again),
		BENCH_TEST(new_signatures_take_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

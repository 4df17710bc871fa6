// SPDX-License-Identifier: GPL-2.0-only
/* TCP as the inspector reads it: what is told of odd segments, where a flow is picked up, what the
 * worker hears of a segment's place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect_bench.h"

#define BIT(name) (1u << WEIR_ANOMALY_##name)

static uint16_t anomalies_of(struct bench *b, bool back, uint8_t flags, uint32_t seq,
			     const char *text)
{
	return send_tcp(b, back, flags, seq, text)->anomalies;
}

/* ---- contradictions ---- */

/* What is classified is what came first; a receiver may have taken the other, so it is told. */
static void a_contradiction_is_told_once(void **state)
{
	struct bench *b = *state;

	send_handshake(b);
	assert_int_equal(anomalies_of(b, false, FRAME_ACK, 102, "PHA"), 0);
	assert_int_equal(anomalies_of(b, false, FRAME_ACK, 102, "xyz"), BIT(CONTRADICTION));
	assert_int_equal(anomalies_of(b, false, FRAME_ACK, 102, "123"), 0);
	assert_false(b->out.decided_now);
	assert_true(send_tcp(b, false, FRAME_ACK, 100, "AL")->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "alpha"));
	assert_int_equal(b->out.flow->anomalies, BIT(CONTRADICTION));
}

static void each_direction_is_compared(void **state)
{
	struct bench *b = *state;

	send_handshake(b);
	assert_int_equal(anomalies_of(b, true, FRAME_ACK, 500, "hello"), 0);
	assert_int_equal(anomalies_of(b, false, FRAME_ACK, 100, "hullo"), 0);
	assert_int_equal(anomalies_of(b, true, FRAME_ACK, 500, "hello"), 0);
	assert_int_equal(anomalies_of(b, true, FRAME_ACK, 500, "hEllo"), BIT(CONTRADICTION));
}

static void inspected_flows_are_compared_too(void **state)
{
	struct bench *b = *state;

	begin_inspection(b);
	assert_int_equal(anomalies_of(b, false, FRAME_ACK, 105, "more"), 0);
	assert_int_equal(anomalies_of(b, false, FRAME_ACK, 107, "REst"), BIT(CONTRADICTION));
	assert_string_equal(alpha.text, "morest");
	/* Also against what was read before the decision. */
	b->out.flow->anomalies = 0;
	assert_int_equal(anomalies_of(b, false, FRAME_ACK, 100, "alpha"), BIT(CONTRADICTION));
}

/* Windows asks whether its peer is there with a byte of its own choice. */
static void keep_alives_are_no_contradiction(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = spec_of(IPPROTO_TCP, true, "ok");

	begin_inspection(b);
	s.flags = FRAME_ACK;
	s.seq = 500;
	s.ack = 105;
	send_spec(b, &s, NULL);
	assert_int_equal(anomalies_of(b, false, FRAME_ACK, 104, "?"), 0);
	assert_int_equal(anomalies_of(b, true, FRAME_ACK, 501, "?"), BIT(CONTRADICTION));
}

static void a_wrong_checksum_is_no_part_of_the_stream(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = spec_of(IPPROTO_TCP, false, "OMEGA");
	uint8_t frame[FRAME_MAX];
	size_t len;

	send_handshake(b);
	s.flags = FRAME_ACK;
	s.seq = 100;
	len = frame_build(frame, &s);
	frame[len - 1] ^= 1;
	send_frame(b, frame, len, NULL);
	assert_true(b->out.bad_checksum);
	assert_true(send_tcp(b, false, FRAME_ACK, 100, "ALPHA")->decided_now);
	assert_int_equal(b->out.flow->anomalies, 0);
}

/* ---- where the connection begins and ends ---- */

static void data_in_a_syn(void **state)
{
	struct bench *b = *state;

	assert_int_equal(anomalies_of(b, false, FRAME_SYN, 99, "AL"), BIT(SYN_DATA));
	assert_false(b->out.decided_now);
	assert_true(send_tcp(b, false, FRAME_ACK, 102, "PHA")->decided_now);
	/* A receiver without fast open takes none of it, and gets it again. */
	assert_int_equal(b->out.flow->app, app_of(b, "alpha"));
}

static void data_behind_a_fin(void **state)
{
	struct bench *b = *state;

	send_handshake(b);
	assert_int_equal(anomalies_of(b, false, FRAME_ACK | FRAME_FIN, 100, "AL"), 0);
	assert_int_equal(anomalies_of(b, false, FRAME_ACK | FRAME_FIN, 100, "AL"), 0);
	assert_int_equal(anomalies_of(b, true, FRAME_ACK, 500, "to the other"), 0);
	assert_int_equal(anomalies_of(b, false, FRAME_ACK, 102, "PHA"), BIT(AFTER_FIN));
	/* The FIN may have been for this gateway alone: read on. */
	assert_int_equal(b->out.flow->app, app_of(b, "alpha"));
}

static void a_fin_of_its_own_frame(void **state)
{
	struct bench *b = *state;

	send_handshake(b);
	assert_int_equal(anomalies_of(b, false, FRAME_ACK, 100, "x"), 0);
	assert_int_equal(anomalies_of(b, false, FRAME_ACK | FRAME_FIN, 101, NULL), 0);
	assert_int_equal(anomalies_of(b, false, FRAME_ACK, 100, "x"), 0);
	assert_int_equal(anomalies_of(b, false, FRAME_ACK, 101, "y"), BIT(AFTER_FIN));
}

/* Given up with bytes at hand that the receiver may yet come to read. */
static void what_was_left_behind_a_gap_is_told(void **state)
{
	struct bench *b = *state;

	send_handshake(b);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(anomalies_of(b, false, FRAME_ACK, 101 + i, "x"), 0);
	assert_int_equal(anomalies_of(b, false, FRAME_ACK, 104, "x"), BIT(GAP));
	assert_true(b->out.decided_now);
	assert_int_equal(b->out.flow->app, 0);
}

/* ---- picked up in the middle ---- */

static void a_capture_that_starts_late(void **state)
{
	struct bench *b = *state;

	assert_false(send_tcp(b, false, FRAME_ACK, 7000, "AL")->decided_now);
	assert_true(b->out.flow->midstream);
	/* From before the first that was seen: nothing is known of it, so nothing is said. */
	assert_int_equal(anomalies_of(b, false, FRAME_ACK, 6990, "0123456789"), 0);
	assert_true(send_tcp(b, false, FRAME_ACK, 7002, "PHA")->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "alpha"));
	assert_int_equal(b->out.flow->anomalies, 0);
}

/* A daemon that was started again over a flow that a module reads: the gate knows the SYN's number,
 * but what followed it is gone. */
static void a_restart_reads_on_where_the_flow_is(void **state)
{
	struct bench *b = *state;
	uint8_t client = client_side();
	struct weir_punt p = {
		.flow_id = 42,
		.app = app_of(b, "alpha"),
		.isn = 99,
		.flags = WEIR_PUNT_INSPECT | WEIR_PUNT_ISN | (client ? WEIR_PUNT_DIR : 0),
	};

	alpha.reads = CONSUMER_BOTH;
	punt_tcp(b, &p, false, 90000, "here ");
	punt_tcp(b, &p, false, 90007, "we go ");
	assert_true(b->out.out_of_order);
	assert_string_equal(alpha.text, "[0]here ");
	punt_tcp(b, &p, false, 90005, "! ");
	assert_string_equal(alpha.text, "[0]here ! we go ");
	assert_int_equal(b->out.flow->anomalies, 0);
}

/* An undecided flow that the table lost, or that a daemon before this one had begun: its first
 * bytes are known to be missing, and what follows is not taken for them. */
static void an_evicted_flow_is_not_begun_in_the_middle(void **state)
{
	struct bench *b = *state;
	uint8_t client = client_side();
	struct weir_punt p = {
		.flow_id = 42,
		.isn = 99,
		.flags = WEIR_PUNT_ISN | (client ? WEIR_PUNT_DIR : 0),
	};

	punt_tcp(b, &p, false, 100, "A");
	inspector_expire(b->inspector, b->now_ns + 400 * BENCH_SECOND, 10);
	assert_false(punt_tcp(b, &p, false, 200, "ALPHA")->decided_now);
	for (unsigned int i = 1; i < 4; i++)
		punt_tcp(b, &p, false, 200 + i * 5, "ALPHA");
	assert_true(b->out.decided_now);
	assert_int_equal(b->out.flow->app, 0);
	assert_int_equal(b->out.flow->anomalies, BIT(GAP));
}

/* ---- what the worker hears ---- */

static void the_place_of_a_segment(void **state)
{
	struct bench *b = *state;

	send_handshake(b);
	assert_false(b->out.read);
	send_tcp(b, false, FRAME_ACK, 103, "x");
	assert_true(b->out.read);
	assert_true(b->out.out_of_order);
	assert_int_equal(b->out.next, 100);
	send_tcp(b, false, FRAME_ACK, 100, "xxx");
	assert_true(b->out.read);
	assert_false(b->out.out_of_order);
	assert_int_equal(b->out.next, 104);
	send_tcp(b, false, FRAME_ACK, 106, "x");
	assert_true(b->out.out_of_order);
	/* The fourth packet ends the reading. */
	assert_true(send_tcp(b, false, FRAME_ACK, 108, "x")->decided_now);
	assert_false(b->out.read);
	assert_false(b->out.out_of_order);
}

static void beyond_the_message_nothing_waits(void **state)
{
	struct bench *b = *state;
	char text[1025];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, text);
	send_tcp(b, false, FRAME_ACK, 3000, "y");
	assert_false(b->out.flow->decided);
	assert_false(b->out.read);
}

/* ---- follow: all ---- */

static void every_flow_is_followed_to_its_end(void **state)
{
	struct bench *b = *state;

	inspector_set_follow_all(b->inspector, true);
	send_handshake(b);
	assert_true(send_tcp(b, false, FRAME_ACK, 100, "GET / ")->decided_now);
	assert_true(b->out.flow->inspect);
	assert_int_equal(b->out.flow->app, app_of(b, "http"));
	send_tcp(b, false, FRAME_ACK, 106, "one");
	assert_true(b->out.read);
	send_tcp(b, false, FRAME_ACK, 112, "three");
	assert_true(b->out.out_of_order);
	assert_int_equal(b->out.next, 109);
	assert_false(b->out.decided_now);
	/* A datagram has no order. */
	assert_true(send_udp(b, false, "ALPHA")->decided_now);
	assert_false(b->out.flow->inspect);
}

static void a_module_that_is_done_leaves_the_reading_to_others(void **state)
{
	struct bench *b = *state;

	inspector_set_follow_all(b->inspector, true);
	alpha.keeps_state = true;
	alpha.until = "stop";
	begin_inspection(b);
	assert_false(send_tcp(b, false, FRAME_ACK, 105, "stop")->decided_now);
	assert_true(b->out.flow->inspect);
	send_tcp(b, false, FRAME_ACK, 109, "more");
	assert_string_equal(alpha.text, "stop");
	assert_true(b->out.read);
	assert_int_equal(b->out.next, 113);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(a_contradiction_is_told_once),
		BENCH_TEST(each_direction_is_compared),
		BENCH_TEST(inspected_flows_are_compared_too),
		BENCH_TEST(keep_alives_are_no_contradiction),
		BENCH_TEST(a_wrong_checksum_is_no_part_of_the_stream),
		BENCH_TEST(data_in_a_syn),
		BENCH_TEST(data_behind_a_fin),
		BENCH_TEST(a_fin_of_its_own_frame),
		BENCH_TEST(what_was_left_behind_a_gap_is_told),
		BENCH_TEST(a_capture_that_starts_late),
		BENCH_TEST(a_restart_reads_on_where_the_flow_is),
		BENCH_TEST(an_evicted_flow_is_not_begun_in_the_middle),
		BENCH_TEST(the_place_of_a_segment),
		BENCH_TEST(beyond_the_message_nothing_waits),
		BENCH_TEST(every_flow_is_followed_to_its_end),
		BENCH_TEST(a_module_that_is_done_leaves_the_reading_to_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

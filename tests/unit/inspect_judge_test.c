// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect_bench.h"

static void decided_by_the_first_message(void **state)
{
	struct bench *b = *state;
	struct inspect_outcome *o;

	send_handshake(b);
	assert_false(b->out.decided_now);
	assert_false(b->out.flow->midstream);
	o = send_tcp(b, false, FRAME_ACK, 100, "ALPHA and more");
	assert_true(o->decided_now);
	assert_int_equal(o->flow->app, app_of(b, "alpha"));
	assert_int_equal(o->flow->method, WEIR_METHOD_SIGNATURE);
	assert_int_equal(o->flow->confidence, 90);
	assert_int_equal(o->flow->decided_after, 4);
	assert_int_equal(o->flow->payload_frames, 1);
	assert_true(o->flow->two_way);
	o = send_tcp(b, false, FRAME_ACK, 114, "ALPHA");
	assert_true(o->flow->decided);
	assert_false(o->decided_now);
	assert_int_equal(o->flow->frames, 5);
	assert_int_equal(o->flow->bytes, 5 * 54 + 14 + 5);
}

static void pieces_out_of_order_make_the_message(void **state)
{
	struct bench *b = *state;

	send_handshake(b);
	assert_false(send_tcp(b, false, FRAME_ACK, 103, "HA")->decided_now);
	assert_int_equal(alpha.undecided_calls, 0);
	assert_false(send_tcp(b, false, FRAME_ACK, 100, "AL")->decided_now);
	assert_int_equal(alpha.undecided_calls, 1);
	assert_true(send_tcp(b, false, FRAME_ACK, 102, "P")->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "alpha"));
}

/* A retransmission brings no byte: it is not classified again. */
static void what_did_not_grow_is_not_judged(void **state)
{
	struct bench *b = *state;

	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "xy");
	send_tcp(b, false, FRAME_ACK, 100, "xy");
	assert_int_equal(alpha.undecided_calls, 1);
	assert_int_equal(b->out.flow->payload_frames, 2);
}

static void syn_with_data(void **state)
{
	struct bench *b = *state;

	assert_true(send_tcp(b, false, FRAME_SYN, 99, "ALPHA")->decided_now);
	assert_int_equal(b->out.flow->decided_after, 1);
}

static void midstream_is_judged_from_its_first_segment(void **state)
{
	struct bench *b = *state;

	assert_true(send_tcp(b, true, FRAME_ACK, 7777, "ALPHA")->decided_now);
	assert_true(b->out.flow->midstream);
	assert_int_equal(b->out.flow->origin, b->out.flow->key.port[0] == htons(80) ? 0 : 1);
}

static void gives_up_after_the_configured_packets(void **state)
{
	struct bench *b = *state;

	send_handshake(b);
	for (uint32_t n = 0; n < 3; n++)
		assert_false(
			send_tcp(b, n & 1, FRAME_ACK, n & 1 ? 500 + n : 100 + n, "?")->decided_now);
	assert_true(send_tcp(b, false, FRAME_ACK, 101, "??")->decided_now);
	assert_int_equal(b->out.flow->app, 0);
	assert_int_equal(b->out.flow->method, WEIR_METHOD_NONE);
	assert_int_equal(b->out.flow->confidence, 0);
	assert_int_equal(b->out.flow->decided_after, 7);
	inspector_set_packets(b->inspector, 1);
	assert_true(send_udp(b, false, "?")->decided_now);
}

static void a_guess_decides_nothing(void **state)
{
	struct bench *b = *state;

	send_handshake(b);
	assert_false(send_tcp(b, false, FRAME_ACK, 100, "GUESS")->decided_now);
	inspector_set_packets(b->inspector, 2);
	assert_true(send_tcp(b, false, FRAME_ACK, 105, "x")->decided_now);
	assert_int_equal(b->out.flow->app, 0);
}

/* That nothing follows cannot be known of a stream before the last look. */
static void the_last_look_takes_the_message_as_complete(void **state)
{
	struct bench *b = *state;

	inspector_set_packets(b->inspector, 2);
	send_handshake(b);
	assert_false(send_tcp(b, false, FRAME_ACK, 100, "\005abcde")->decided_now);
	assert_false(alpha.complete);
	assert_true(send_tcp(b, true, FRAME_ACK, 500, "??")->decided_now);
	assert_true(alpha.complete);
	assert_int_equal(b->out.flow->app, app_of(b, "exact"));
}

static void a_fin_completes_the_message(void **state)
{
	struct bench *b = *state;

	send_handshake(b);
	assert_true(send_tcp(b, false, FRAME_ACK | FRAME_FIN, 100, "\005abcde")->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "exact"));
}

static void protocols_without_ports_are_decided_at_once(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = {
		.src = CLIENT, .dst = SERVER, .proto = IPPROTO_ICMP, .icmp_type = 8, .sport = 7};

	assert_true(send_spec(b, &s, NULL)->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "icmp"));
	assert_int_equal(b->out.flow->method, WEIR_METHOD_PORT);
	s.proto = 200;
	assert_true(send_spec(b, &s, NULL)->decided_now);
	assert_int_equal(b->out.flow->app, 0);
	assert_int_equal(b->out.flow->method, WEIR_METHOD_NONE);
}

static void what_has_no_flow(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = spec_of(IPPROTO_UDP, false, "ALPHA");
	uint8_t frame[FRAME_MAX];
	size_t len = frame_build(frame, &s);

	frame[20] = 0x20; /* more fragments */
	assert_null(send_frame(b, frame, len, NULL)->flow);
	assert_null(send_frame(b, frame, len - 1, NULL)->flow);
	frame[12] = 0;
	assert_null(send_frame(b, frame, len, NULL)->flow);
}

/* ---- checksums ---- */

static size_t build(uint8_t *frame, uint8_t proto)
{
	struct frame_spec s = spec_of(proto, false, "ALPHA");

	return frame_build(frame, &s);
}

static void a_bad_checksum_is_not_inspected(void **state)
{
	struct bench *b = *state;
	uint8_t frame[FRAME_MAX];
	size_t len = build(frame, IPPROTO_UDP);

	frame[len - 1] ^= 1;
	assert_true(send_frame(b, frame, len, NULL)->bad_checksum);
	assert_non_null(b->out.flow);
	assert_int_equal(b->out.flow->payload_frames, 0);
	assert_int_equal(alpha.undecided_calls, 0);
	frame[len - 1] ^= 1;
	assert_true(send_frame(b, frame, len, NULL)->decided_now);
	assert_false(b->out.bad_checksum);
}

/* Bytes with a bad sum must not stand in the stream when the good ones come. */
static void a_bad_segment_leaves_the_stream_alone(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = spec_of(IPPROTO_TCP, false, "OMEGA");
	uint8_t frame[FRAME_MAX];
	size_t len;

	send_handshake(b);
	s.seq = 100;
	s.flags = FRAME_ACK;
	len = frame_build(frame, &s);
	frame[len - 1] ^= 1;
	assert_true(send_frame(b, frame, len, NULL)->bad_checksum);
	assert_true(send_tcp(b, false, FRAME_ACK, 100, "ALPHA")->decided_now);
}

static void an_unfinished_checksum_is_inspected(void **state)
{
	struct bench *b = *state;
	uint8_t frame[FRAME_MAX];
	size_t len = build(frame, IPPROTO_TCP);

	frame_put16(frame + 50, frame_pseudo(frame + 26, 8, IPPROTO_TCP, len - 34));
	assert_true(send_frame(b, frame, len, NULL)->decided_now);
}

/* Also where the protocol has a name without the set. */
static void a_set_may_name_protocols(void **state)
{
	static const char yaml[] =
		"applications: { mine: { category: test, protocol: [89, 200] } }\n";
	static const uint8_t protos[] = {89, 200};
	struct bench *b = *state;
	struct signatures *s = bench_signatures(b->registry, yaml);

	assert_int_equal(inspector_set_signatures(b->inspector, s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
		struct frame_spec spec = spec_of(protos[i], false, "anything");

		assert_true(send_spec(b, &spec, NULL)->decided_now);
		assert_int_equal(b->out.flow->app, app_of(b, "mine"));
	}
	/* The inspector goes before the set it uses. */
	inspector_set_signatures(b->inspector, b->signatures);
	signatures_free(s);
}

/* Addresses replaced, sums left as they were: on a wire no router would have carried it. */
static void edited_captures_are_read_all_the_same(void **state)
{
	struct bench *b = *state;
	struct weir_punt punt = {.flow_id = 1};
	uint8_t frame[FRAME_MAX];
	size_t len = build(frame, IPPROTO_UDP);

	frame[26] ^= 0x40;
	assert_true(send_frame(b, frame, len, NULL)->decided_now);
	bench_go_online(b);
	assert_true(send_frame(b, frame, len, &punt)->bad_checksum);
	/* Online a wrong IP header suffices. */
	frame[26] ^= 0x40;
	frame[10 + 14] ^= 1;
	assert_true(send_frame(b, frame, len, &punt)->bad_checksum);
}

/* ---- endpoints ---- */

static void tell(struct bench *b, const char *host, const char *peer, uint16_t port)
{
	struct weir_endpoint_key key = {.port = htons(port)};
	struct weir_peer value = {.expires_ns = b->now_ns + 60 * BENCH_SECOND,
				  .app = app_of(b, "http"),
				  .confidence = 77};

	assert_int_equal(address_parse(host, key.host), 0);
	assert_int_equal(address_parse(peer, key.peer), 0);
	assert_int_equal(endpoints_add(b->endpoints, &key, &value), 1);
}

static void an_endpoint_decides_at_the_first_frame(void **state)
{
	struct bench *b = *state;

	tell(b, CLIENT, SERVER, 80);
	assert_true(send_tcp(b, false, FRAME_SYN, 99, NULL)->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "http"));
	assert_int_equal(b->out.flow->method, WEIR_METHOD_ENDPOINT);
	assert_int_equal(b->out.flow->confidence, 77);
	assert_int_equal(b->out.flow->decided_after, 1);
}

/* The host that was told is called from there. */
static void an_endpoint_calls_back(void **state)
{
	struct bench *b = *state;

	tell(b, SERVER, CLIENT, 4000);
	assert_true(send_tcp(b, false, FRAME_SYN, 99, NULL)->decided_now);
	assert_int_equal(b->out.flow->method, WEIR_METHOD_ENDPOINT);
}

static void an_endpoint_is_for_its_host_and_time(void **state)
{
	struct bench *b = *state;

	tell(b, "10.0.0.3", SERVER, 80);
	assert_false(send_tcp(b, false, FRAME_SYN, 99, NULL)->decided_now);
	tell(b, CLIENT, SERVER, 80);
	b->now_ns += 61 * BENCH_SECOND;
	assert_false(send_tcp(b, false, FRAME_ACK, 100, "?")->decided_now);
}

static void a_signature_beats_an_endpoint(void **state)
{
	struct bench *b = *state;

	tell(b, CLIENT, SERVER, 80);
	assert_true(send_udp(b, false, "ALPHA")->decided_now);
	assert_int_equal(b->out.flow->method, WEIR_METHOD_SIGNATURE);
}

static void an_endpoint_beats_unknown(void **state)
{
	struct bench *b = *state;

	assert_false(send_tcp(b, false, FRAME_SYN, 99, NULL)->decided_now);
	tell(b, CLIENT, SERVER, 80);
	assert_true(send_tcp(b, false, FRAME_ACK, 100, "?")->decided_now);
	assert_int_equal(b->out.flow->method, WEIR_METHOD_ENDPOINT);
}

static void what_modules_tell_is_learned(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = {.src = CLIENT,
			       .dst = "192.0.2.9",
			       .proto = IPPROTO_TCP,
			       .sport = 1,
			       .dport = 6881,
			       .flags = FRAME_SYN};

	alpha.learn_port = 6881;
	send_udp(b, true, "?");
	assert_int_equal(b->learned, 1);
	assert_int_equal(endpoints_count(b->endpoints), 1);
	assert_true(b->last_learned.expires_ns == b->now_ns + 600 * BENCH_SECOND);
	/* Soon after, nobody needs to hear of it again; much later they do. */
	send_udp(b, true, "??");
	assert_int_equal(b->learned, 1);
	b->now_ns += 400 * BENCH_SECOND;
	send_udp(b, true, "???");
	assert_int_equal(b->learned, 2);
	alpha.learn_port = 0;
	assert_true(send_spec(b, &s, NULL)->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "alpha"));
	assert_int_equal(b->out.flow->method, WEIR_METHOD_ENDPOINT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(decided_by_the_first_message),
		BENCH_TEST(pieces_out_of_order_make_the_message),
		BENCH_TEST(what_did_not_grow_is_not_judged),
		BENCH_TEST(syn_with_data),
		BENCH_TEST(midstream_is_judged_from_its_first_segment),
		BENCH_TEST(gives_up_after_the_configured_packets),
		BENCH_TEST(a_guess_decides_nothing),
		BENCH_TEST(the_last_look_takes_the_message_as_complete),
		BENCH_TEST(a_fin_completes_the_message),
		BENCH_TEST(protocols_without_ports_are_decided_at_once),
		BENCH_TEST(what_has_no_flow),
		BENCH_TEST(a_bad_checksum_is_not_inspected),
		BENCH_TEST(a_bad_segment_leaves_the_stream_alone),
		BENCH_TEST(an_unfinished_checksum_is_inspected),
		BENCH_TEST(a_set_may_name_protocols),
		BENCH_TEST(edited_captures_are_read_all_the_same),
		BENCH_TEST(an_endpoint_decides_at_the_first_frame),
		BENCH_TEST(an_endpoint_calls_back),
		BENCH_TEST(an_endpoint_is_for_its_host_and_time),
		BENCH_TEST(a_signature_beats_an_endpoint),
		BENCH_TEST(an_endpoint_beats_unknown),
		BENCH_TEST(what_modules_tell_is_learned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

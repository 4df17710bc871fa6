// SPDX-License-Identifier: GPL-2.0-only
/* Fragmented datagrams on their way through the inspector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect_bench.h"

/* One datagram in its IPv4 fragments of 16 bytes each, as Ethernet frames. */
struct parts {
	unsigned int count;
	size_t len[16];
	uint8_t frame[16][128];
};

static void take_apart(const struct frame_spec *s, struct parts *out)
{
	uint8_t frame[FRAME_MAX];
	size_t len = frame_build(frame, s);
	size_t l3 = 14 + (s->tag_type[0] ? 4 : 0);
	size_t payload = len - l3 - 20;

	out->count = 0;
	for (size_t from = 0; from < payload; from += 16) {
		size_t n = payload - from < 16 ? payload - from : 16;
		uint8_t *to = out->frame[out->count];
		uint8_t *ip = to + l3;

		memcpy(to, frame, l3 + 20);
		memcpy(ip + 20, frame + l3 + 20 + from, n);
		frame_put16(ip + 2, (unsigned int)(20 + n));
		frame_put16(ip + 4, 77);
		frame_put16(ip + 6, (unsigned int)(from / 8 | (from + n < payload ? 0x2000 : 0)));
		frame_put16(ip + 10, 0);
		frame_put16(ip + 10, ~frame_sum(0, ip, 20) & 0xffff);
		out->len[out->count++] = l3 + 20 + n;
	}
}

static void see_one(struct flow *f, void *arg)
{
	struct flow *out = arg;

	assert_int_equal(out->frames, 0);
	*out = *f;
}

static void fragments_are_one_message(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = spec_of(IPPROTO_UDP, false, "ALPHA and more of it, in four pieces.");
	struct flow f = {0};
	struct parts parts;
	size_t bytes = 0;

	s.tag_type[0] = 0x8100;
	s.tag[0] = 7;
	take_apart(&s, &parts);
	assert_int_equal(parts.count, 3);
	for (unsigned int i = parts.count; i-- > 0;) {
		bytes += parts.len[i];
		send_frame(b, parts.frame[i], parts.len[i], NULL);
		assert_true(!b->out.flow == (i > 0));
	}
	assert_true(b->out.decided_now);
	assert_int_equal(b->out.flow->decided_after, 3);
	inspector_finish(b->inspector, see_one, &f);
	assert_int_equal(f.app, app_of(b, "alpha"));
	assert_int_equal(f.frames, 3);
	assert_int_equal(f.bytes, bytes);
	assert_int_equal(ntohs(f.key.port[f.origin]), 4000);
	assert_int_equal(ntohs(f.key.vlan[0]), 7);
}

/* The sum is the whole datagram's: one wrong byte in any part spoils it. */
static void the_sum_is_over_all_parts(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = spec_of(IPPROTO_UDP, false, "ALPHA and more of it, in four pieces.");
	struct parts parts;

	take_apart(&s, &parts);
	parts.frame[2][14 + 20] ^= 1;
	for (unsigned int i = 0; i < parts.count; i++)
		send_frame(b, parts.frame[i], parts.len[i], NULL);
	assert_non_null(b->out.flow);
	assert_true(b->out.bad_checksum);
	assert_false(b->out.flow->decided);
}

/* Online the flow is the gate's, told by the last fragment's metadata. */
static void the_gate_names_the_flow(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = spec_of(IPPROTO_UDP, true, "ALPHA and more of it, in four pieces.");
	const struct weir_punt punt = {.flow_id = 4711, .flags = WEIR_PUNT_ORIGIN};
	struct fragments_stats stats;
	struct parts parts;

	take_apart(&s, &parts);
	for (unsigned int i = 0; i < parts.count; i++) {
		send_frame(b, parts.frame[i], parts.len[i], &punt);
		assert_true(!b->out.flow == (i + 1 < parts.count));
		assert_false(b->out.bad_checksum);
	}
	assert_true(b->out.flow->id == 4711);
	assert_int_equal(b->out.flow->origin, 1);
	assert_int_equal(ntohs(b->out.flow->key.port[1]), 80);
	assert_int_equal(b->out.flow->app, app_of(b, "alpha"));
	inspector_fragments_stats(b->inspector, &stats);
	assert_int_equal(stats.events[FRAGMENT_EVENT_COMPLETED], 1);
	assert_int_equal(stats.datagrams, 0);
}

/* One that never arrives may not spoil the datagram that does. */
static void a_wrong_header_is_left_out(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = spec_of(IPPROTO_UDP, false, "ALPHA and more of it, in four pieces.");
	const struct weir_punt punt = {.flow_id = 4711};
	struct parts parts, forged;

	take_apart(&s, &parts);
	s.payload = "BRAVO and more of it, in four pieces.";
	take_apart(&s, &forged);
	forged.frame[0][14 + 10] ^= 1;
	send_frame(b, forged.frame[0], forged.len[0], &punt);
	assert_true(b->out.bad_checksum);
	for (unsigned int i = 0; i < parts.count; i++)
		send_frame(b, parts.frame[i], parts.len[i], &punt);
	assert_true(b->out.decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "alpha"));
}

static void what_does_not_come_is_given_up(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = spec_of(IPPROTO_UDP, false, "ALPHA and more of it, in four pieces.");
	struct fragments_stats stats;
	struct parts parts;

	take_apart(&s, &parts);
	send_frame(b, parts.frame[0], parts.len[0], NULL);
	send_frame(b, parts.frame[1], parts.len[1], NULL);
	b->now_ns += 31 * BENCH_SECOND;
	assert_int_equal(inspector_expire(b->inspector, b->now_ns, 10), 0);
	inspector_fragments_stats(b->inspector, &stats);
	assert_int_equal(stats.events[FRAGMENT_EVENT_TIMEOUT], 1);
	send_frame(b, parts.frame[2], parts.len[2], NULL);
	assert_null(b->out.flow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(fragments_are_one_message),	    BENCH_TEST(the_sum_is_over_all_parts),
		BENCH_TEST(the_gate_names_the_flow),	    BENCH_TEST(a_wrong_header_is_left_out),
		BENCH_TEST(what_does_not_come_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

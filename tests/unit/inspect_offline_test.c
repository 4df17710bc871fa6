// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect_bench.h"

struct seen {
	unsigned int count;
	struct {
		uint16_t app, port;
		uint32_t frames, decided_after;
		bool decided;
		char hostname[256];
	} flow[32];
};

static void collect(struct flow *f, void *arg)
{
	struct seen *s = arg;

	assert_true(s->count < ARRAY_SIZE(s->flow));
	s->flow[s->count].app = f->app;
	s->flow[s->count].port = ntohs(f->key.port[f->origin]);
	s->flow[s->count].frames = f->frames;
	s->flow[s->count].decided_after = f->decided_after;
	s->flow[s->count].decided = f->decided;
	snprintf(s->flow[s->count].hostname, sizeof(s->flow[0].hostname), "%s", flow_hostname(f));
	assert_null(f->stream[0]);
	s->count++;
}

static void collect_released(struct flow *f, void *arg)
{
	struct seen *s = arg;

	s->count++;
}

static struct seen finish(struct bench *b)
{
	struct seen s = {0};

	inspector_finish(b->inspector, collect, &s);
	return s;
}

static void syn_from(struct bench *b, uint16_t port)
{
	struct frame_spec s = spec_of(IPPROTO_TCP, false, NULL);

	s.sport = port;
	s.flags = FRAME_SYN;
	send_spec(b, &s, NULL);
}

static void a_syn_on_a_closed_flow_is_another(void **state)
{
	struct bench *b = *state;
	struct seen s;

	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "ALPHA");
	send_tcp(b, false, FRAME_ACK | FRAME_FIN, 105, NULL);
	/* Half closed: a repeated SYN belongs to this flow. */
	send_tcp(b, false, FRAME_SYN, 99, NULL);
	send_tcp(b, true, FRAME_ACK | FRAME_FIN, 500, NULL);
	send_tcp(b, false, FRAME_ACK, 106, NULL);
	send_tcp(b, false, FRAME_SYN, 9099, NULL);
	send_tcp(b, false, FRAME_ACK, 9100, "GET / HTTP/1.1\r\n\r\n");
	s = finish(b);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.flow[0].app, app_of(b, "alpha"));
	assert_int_equal(s.flow[0].frames, 8);
	assert_int_equal(s.flow[0].decided_after, 4);
	assert_int_equal(s.flow[1].app, app_of(b, "http"));
	assert_int_equal(s.flow[1].frames, 2);
}

static void a_reset_closes_too(void **state)
{
	struct bench *b = *state;

	send_tcp(b, false, FRAME_SYN, 99, NULL);
	send_tcp(b, true, FRAME_RST | FRAME_ACK, 0, NULL);
	send_tcp(b, false, FRAME_SYN, 199, NULL);
	assert_int_equal(b->out.flow->frames, 1);
	assert_int_equal(finish(b).count, 2);
}

static void silence_ends_a_flow(void **state)
{
	struct bench *b = *state;
	struct seen s;

	send_udp(b, false, "?");
	b->now_ns += 119 * BENCH_SECOND;
	send_udp(b, false, "?");
	b->now_ns += 121 * BENCH_SECOND;
	send_udp(b, false, "ALPHA");
	send_tcp(b, false, FRAME_ACK, 1, "?");
	b->now_ns += 121 * BENCH_SECOND;
	send_tcp(b, false, FRAME_ACK, 2, "?");
	b->now_ns += 301 * BENCH_SECOND;
	send_tcp(b, false, FRAME_ACK, 3, "?");
	s = finish(b);
	assert_int_equal(s.count, 4);
	assert_int_equal(s.flow[0].frames, 2);
	assert_int_equal(s.flow[1].app, app_of(b, "alpha"));
	assert_int_equal(s.flow[2].frames, 2);
	assert_int_equal(s.flow[3].frames, 1);
}

static void a_clock_that_goes_back_ends_nothing(void **state)
{
	struct bench *b = *state;

	send_udp(b, false, "?");
	b->now_ns -= 3600 * BENCH_SECOND;
	send_udp(b, false, "?");
	assert_int_equal(b->out.flow->frames, 2);
	assert_int_equal(inspector_expire(b->inspector, b->now_ns, 10), 0);
}

static void all_flows_are_seen_in_the_order_of_their_beginning(void **state)
{
	struct bench *b = *state;
	struct flow_table_stats stats;
	struct seen s;

	for (uint16_t port = 1; port <= 3; port++)
		syn_from(b, port);
	b->now_ns += 200 * BENCH_SECOND;
	syn_from(b, 1); /* the most recent now, yet the first to begin */
	b->now_ns += 150 * BENCH_SECOND;
	assert_int_equal(inspector_expire(b->inspector, b->now_ns, 10), 2);
	syn_from(b, 4);
	inspector_stats(b->inspector, &stats);
	assert_int_equal(stats.flows, 2);
	s = finish(b);
	assert_int_equal(s.count, 4);
	for (unsigned int n = 0; n < 4; n++) {
		assert_int_equal(s.flow[n].port, n + 1);
		assert_true(s.flow[n].decided);
		assert_int_equal(s.flow[n].app, 0);
		assert_int_equal(s.flow[n].decided_after, s.flow[n].frames);
	}
	assert_int_equal(finish(b).count, 0);
}

static void evicted_flows_are_seen_too(void **state)
{
	struct bench *b = *state;
	struct flow_table_stats stats;

	for (uint16_t port = 1; port <= 14; port++)
		syn_from(b, port);
	inspector_stats(b->inspector, &stats);
	assert_int_equal(stats.evicted, 0);
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "\005abcde");
	for (uint16_t port = 15; port <= 16; port++)
		syn_from(b, port);
	inspector_stats(b->inspector, &stats);
	assert_int_equal(stats.evicted, 1);
	assert_int_equal(finish(b).count, 16 + 1);
}

/* An undecided flow is looked at a last time when the capture ends. */
static void the_end_completes_messages(void **state)
{
	struct bench *b = *state;
	struct seen s;

	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "\005abcde");
	assert_false(b->out.flow->decided);
	s = finish(b);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.flow[0].app, app_of(b, "exact"));
	assert_int_equal(s.flow[0].decided_after, 4);
}

static void released_flows_can_be_taken(void **state)
{
	struct bench *b = *state;
	struct seen released = {0};

	inspector_on_release(b->inspector, collect_released, &released);
	syn_from(b, 1);
	syn_from(b, 2);
	b->now_ns += 400 * BENCH_SECOND;
	inspector_expire(b->inspector, b->now_ns, 1);
	assert_int_equal(released.count, 1);
	assert_int_equal(finish(b).count, 0);
	assert_int_equal(released.count, 2);
}

/* The request decides with its first segment; its Host field comes with the second. */
static void the_host_name_may_come_later(void **state)
{
	struct bench *b = *state;
	struct seen s;

	send_handshake(b);
	assert_true(send_tcp(b, false, FRAME_ACK, 100, "GET /index.html")->decided_now);
	assert_string_equal(flow_hostname(b->out.flow), "");
	send_tcp(b, false, FRAME_ACK, 125, "Host: www.exam");
	send_tcp(b, false, FRAME_ACK, 115, " HTTP/1.1\n");
	assert_string_equal(flow_hostname(b->out.flow), "");
	send_tcp(b, false, FRAME_ACK, 139, "ple.org\r\n\r\n");
	assert_string_equal(flow_hostname(b->out.flow), "www.example.org");
	assert_int_equal(b->out.flow->decided_after, 4);
	assert_true(b->out.flow->reading);
	send_tcp(b, true, FRAME_ACK, 500, "HTTP/1.1 200 OK\r\n\r\n");
	assert_false(b->out.flow->reading);
	assert_null(b->out.flow->stream[0]);
	assert_null(b->out.flow->stream[1]);
	s = finish(b);
	assert_string_equal(s.flow[0].hostname, "www.example.org");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(a_syn_on_a_closed_flow_is_another),
		BENCH_TEST(a_reset_closes_too),
		BENCH_TEST(silence_ends_a_flow),
		BENCH_TEST(a_clock_that_goes_back_ends_nothing),
		BENCH_TEST(all_flows_are_seen_in_the_order_of_their_beginning),
		BENCH_TEST(evicted_flows_are_seen_too),
		BENCH_TEST(the_end_completes_messages),
		BENCH_TEST(released_flows_can_be_taken),
		BENCH_TEST(the_host_name_may_come_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* TLS hellos over several records, as the judgement sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hello_build.h"
#include "inspect_bench.h"
#include "proto/hello.h"

static const char yaml[] =
	"features:\n"
	"  hello: { transport: tcp, regex: '^\\x16\\x03[\\x00-\\x04]..[\\x01\\x02]\\x00..\\x03' }\n"
	"  record: { transport: tcp, regex: '^[\\x14-\\x17]\\x03[\\x00-\\x03][\\x00-\\x48]', "
	"length_field: { offset: 3, bytes: 2, add: 5, min: 2, max: 18432, more: true } }\n"
	"  alpn: { transport: tcp, direction: origin, mask: [{ offset: 0, bytes: '16 03' }, "
	"{ offset: 5, bytes: '01' }], length_field: { offset: 3, bytes: 2, add: 5, min: 40, max: "
	"16384, more: true }, regex: { offset: 40, pattern: '\\x00\\x10\\x00.\\x00.\\x03p2p' } }\n"
	"  answer: { transport: tcp, direction: responder, mask: [{ offset: 0, bytes: '16 03' }, "
	"{ offset: 5, bytes: '02' }], length_field: { offset: 3, bytes: 2, add: 5, min: 40, max: "
	"16384, more: true }, regex: { offset: 40, pattern: '\\x00\\x2b\\x00\\x02\\x03\\x04' } }\n"
	"applications:\n"
	"  p2p: { category: test, when: alpn, confidence: 97 }\n"
	"  server: { category: test, when: answer, confidence: 96 }\n"
	"  encrypted: { category: test, when: answer and alpn, confidence: 50 }\n"
	"  tls: { category: web, rules: [{ when: hello, confidence: 90, wait: true }, "
	"{ when: record, confidence: 75 }] }\n";

static int setup(void **state)
{
	struct inspect_settings settings = bench_settings;
	struct bench *b;

	bench_setup(state);
	b = *state;
	inspector_free(b->inspector);
	b->inspector = NULL;
	signatures_free(b->signatures);
	b->signatures = bench_signatures(b->registry, yaml);
	settings.packets = 8;
	settings.limits.stream_bytes = 4096;
	settings.limits.stream_bytes_all = 16384;
	bench_restart(b, &settings);
	return 0;
}

static const uint16_t versions[] = {0x0304, 0x0303, 0};

static void client_hello(struct build *b)
{
	const struct hello_spec spec = {
		.name = "www.example.org", .protocol = "p2p", .versions = versions};

	b->len = 0;
	build_client_hello(b, &spec);
}

static struct inspect_outcome *send_piece(struct bench *b, bool back, uint16_t port, uint32_t seq,
					  const uint8_t *data, size_t len)
{
	struct frame_spec s = spec_of(IPPROTO_TCP, back, NULL);

	*(back ? &s.dport : &s.sport) = port;
	s.flags = FRAME_ACK;
	s.seq = seq;
	s.payload = (const char *)data;
	s.len = len;
	return send_spec(b, &s, NULL);
}

static void open_flow(struct bench *b, uint16_t port)
{
	struct frame_spec s = spec_of(IPPROTO_TCP, false, NULL);

	s.sport = port;
	s.flags = FRAME_SYN;
	s.seq = 99;
	send_spec(b, &s, NULL);
	s = spec_of(IPPROTO_TCP, true, NULL);
	s.dport = port;
	s.flags = FRAME_SYN | FRAME_ACK;
	s.seq = 499;
	send_spec(b, &s, NULL);
}

/* Sends the bytes in two segments; the application that the flow has then. */
static uint16_t send_cut(struct bench *b, bool back, const struct build *wire, size_t cut)
{
	static uint16_t port = 2000;
	uint32_t seq = back ? 500 : 100;
	struct flow *f;

	open_flow(b, ++port);
	if (cut)
		send_piece(b, back, port, seq, wire->at, cut);
	f = send_piece(b, back, port, seq + (uint32_t)cut, wire->at + cut, wire->len - cut)->flow;
	assert_true(f->decided);
	return f->app;
}

static void every_split_of_a_client_hello(void **state)
{
	struct bench *b = *state;
	struct build hello, wire;

	client_hello(&hello);
	for (size_t most = 1; most <= hello.len; most++) {
		wire.len = 0;
		build_records(&wire, &hello, most);
		for (size_t cut = 0; cut < wire.len; cut += most < 8 ? 1 : 5)
			assert_int_equal(send_cut(b, false, &wire, cut), app_of(b, "p2p"));
	}
}

static void every_split_of_a_server_hello(void **state)
{
	struct bench *b = *state;
	struct build hello = {.len = 0}, wire;

	build_server_hello(&hello, 0x0303, 0x0304);
	for (size_t most = 1; most <= hello.len; most++) {
		wire.len = 0;
		build_records(&wire, &hello, most);
		assert_int_equal(send_cut(b, true, &wire, 0), app_of(b, "server"));
		assert_int_equal(send_cut(b, true, &wire, 6), app_of(b, "server"));
	}
}

/* A first record with a part of the type, length or nothing; others between the parts. */
static void odd_records(void **state)
{
	static const uint8_t change[] = {20, 3, 3, 0, 1, 1}, warning[] = {21, 3, 3, 0, 2, 1, 90};
	struct bench *b = *state;
	struct build hello, first, rest, wire = {.len = 0};

	client_hello(&hello);
	for (size_t n = 0; n < 12; n++) {
		first.len = rest.len = wire.len = 0;
		build_bytes(&first, hello.at, n);
		build_bytes(&rest, hello.at + n, hello.len - n);
		build_bytes(&wire, "\x16\x03\x01\x00", 4);
		build_number(&wire, (unsigned int)n, 1);
		build_bytes(&wire, first.at, n);
		if (n) {
			build_bytes(&wire, change, sizeof(change));
			build_bytes(&wire, warning, sizeof(warning));
		}
		build_records(&wire, &rest, 50);
		for (size_t cut = 0; cut < wire.len; cut++)
			assert_int_equal(send_cut(b, false, &wire, cut), app_of(b, "p2p"));
	}
}

/* One record is judged at once, as ever; without its rest it is TLS after inspect.packets. */
static void what_is_waited_for(void **state)
{
	struct bench *b = *state;
	struct build hello, wire = {.len = 0};
	struct flow *f;
	uint32_t seq = 100;

	client_hello(&hello);
	build_records(&wire, &hello, hello.len);
	open_flow(b, 1000);
	assert_true(send_piece(b, false, 1000, seq, wire.at, wire.len)->decided_now);
	assert_int_equal(b->out.flow->payload_frames, 1);
	wire.len = 0;
	build_records(&wire, &hello, 4);
	open_flow(b, 1001);
	for (int i = 1; i <= 8; i++) {
		f = send_piece(b, false, 1001, seq, wire.at + seq - 100, 9)->flow;
		assert_int_equal(f->decided, i == 8);
		seq += 9;
	}
	assert_int_equal(f->app, app_of(b, "tls"));
	/* Its FIN ends the waiting. */
	open_flow(b, 1002);
	assert_false(send_piece(b, false, 1002, 100, wire.at, 18)->decided_now);
	{
		struct frame_spec s = spec_of(IPPROTO_TCP, false, NULL);

		s.sport = 1002;
		s.flags = FRAME_FIN | FRAME_ACK;
		s.seq = 118;
		s.payload = (const char *)wire.at + 18;
		s.len = 9;
		f = send_spec(b, &s, NULL)->flow;
	}
	assert_true(f->decided);
	assert_int_equal(f->app, app_of(b, "tls"));
}

/* What follows is no part of a hello: as if there were one record. */
static void a_rest_that_never_comes(void **state)
{
	static const char *const behind[] = {"\x17\x03\x03\x00\x01x", "\x14\x03\x03\x00\x01\x02",
					     "\x15\x03\x03\x00\x02\x02\x28", "GET / HTTP/1.1"};
	static const size_t len[] = {6, 6, 7, 14};
	struct bench *b = *state;
	struct build hello, wire;

	client_hello(&hello);
	hello.len = 40;
	for (size_t i = 0; i < 4; i++) {
		wire.len = 0;
		build_records(&wire, &hello, 40);
		build_bytes(&wire, behind[i], len[i]);
		assert_int_equal(send_cut(b, false, &wire, 0), app_of(b, "tls"));
	}
}

static void the_one_record(void **state)
{
	uint8_t out[HELLO_RECORD_MAX], *copy;
	struct build hello, wire = {.len = 0};
	ssize_t n;

	client_hello(&hello);
	assert_int_equal(hello_to_record(hello.at, hello.len, out), hello.len + 5);
	assert_memory_equal(out + 5, hello.at, hello.len);
	assert_int_equal(bytes_number(out + 3, 2), hello.len);
	assert_int_equal(hello_to_record(hello.at, HELLO_MAX + 1, out), 0);
	build_records(&wire, &hello, 3);
	for (size_t len = 0; len <= wire.len; len++) {
		/* At its exact size on the heap, so that a read beyond it shows under ASan. */
		copy = malloc(len ? len : 1);
		memcpy(copy, wire.at, len);
		n = hello_unite_records(copy, len, false, out);
		if (len < 5)
			assert_int_equal(n, 0);
		else if (len < 14)
			assert_int_equal(n, -EAGAIN);
		else
			assert_int_equal(n, 5 + len / 8 * 3 + (len % 8 > 5 ? len % 8 - 5 : 0));
		n = hello_unite_records(copy, len, true, out);
		assert_int_equal(n, len == wire.len ? (ssize_t)hello.len + 5 : 0);
		free(copy);
	}
	/* One record is left as it is, also with others behind it. */
	wire.len = 0;
	build_records(&wire, &hello, hello.len);
	build_records(&wire, &hello, 20);
	for (size_t len = 0; len <= wire.len; len++)
		assert_int_equal(hello_unite_records(wire.at, len, false, out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_split_of_a_client_hello, setup,
						bench_teardown),
		cmocka_unit_test_setup_teardown(every_split_of_a_server_hello, setup,
						bench_teardown),
		cmocka_unit_test_setup_teardown(odd_records, setup, bench_teardown),
		cmocka_unit_test_setup_teardown(what_is_waited_for, setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_rest_that_never_comes, setup, bench_teardown),
		cmocka_unit_test(the_one_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

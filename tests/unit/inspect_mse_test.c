// SPDX-License-Identifier: GPL-2.0-only
/* Flights of a flow's first exchange, and what of Message Stream Encryption can be told by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect/flights.h"
#include "inspect/mse.h"
#include "inspect_bench.h"

#define STREAM_MAX 8192

/* Both directions of a flow made of random bytes from a seed. */
struct exchange {
	struct flights flights;
	uint64_t seed;
	uint8_t stream[2][STREAM_MAX];
	size_t len[2];
};

/* xorshift64*: good enough to look random, the same on every run. */
static uint8_t next_byte(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (uint8_t)(*seed * UINT64_C(0x2545f4914f6cdd1d) >> 56);
}

static void random_fill(uint64_t *seed, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = next_byte(seed);
}

static void segment(struct exchange *x, uint8_t dir, const uint8_t *data, size_t n)
{
	assert_true(x->len[dir] + n <= STREAM_MAX);
	if (data)
		memcpy(x->stream[dir] + x->len[dir], data, n);
	else
		random_fill(&x->seed, x->stream[dir] + x->len[dir], n);
	x->len[dir] += n;
	flights_note(&x->flights, dir, x->stream[dir], x->len[dir], n);
}

/* Segments of random bytes: lengths of the originator's, negative ones of the responder's; 0 ends
 * it. */
static struct exchange *exchange_new(uint64_t seed, const int *segments)
{
	struct exchange *x = calloc(1, sizeof(*x));

	x->seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (; *segments; segments++)
		segment(x, *segments < 0, NULL, (size_t)abs(*segments));
	return x;
}

static unsigned int confidence(uint64_t seed, const int *segments)
{
	struct exchange *x = exchange_new(seed, segments);
	unsigned int c = mse_confidence(&x->flights);

	free(x);
	return c;
}

#define SHAPE(...) ((const int[]){__VA_ARGS__, 0})

/* ---- the record ---- */

static void flights_are_runs_of_one_direction(void **state)
{
	struct exchange *x = exchange_new(1, SHAPE(100, 20, -300, 7, 8, 9, -1));
	const struct flights *f = &x->flights;

	assert_int_equal(f->count, 4);
	assert_int_equal(f->flight[0].len, 120);
	assert_int_equal(f->flight[0].first, 100);
	assert_int_equal(f->flight[0].last, 20);
	assert_int_equal(f->flight[1].len, 300);
	assert_int_equal(f->flight[2].len, 24);
	assert_int_equal(f->flight[2].first, 7);
	assert_int_equal(f->flight[2].last, 9);
	assert_int_equal(f->flight[3].len, 1);
	assert_false(f->from_responder);
	assert_false(f->over);
	free(x);
}

static void record_is_bounded(void **state)
{
	struct exchange *x = exchange_new(1, SHAPE(1, -1, 1, -1, 1, -1, 1));
	static uint8_t big[70000];

	assert_int_equal(x->flights.count, FLIGHTS_MAX);
	assert_true(x->flights.over);
	x->flights = (struct flights){0};
	for (size_t at = 1000; at <= sizeof(big); at += 1000)
		flights_note(&x->flights, 0, big, at, 1000);
	assert_int_equal(x->flights.flight[0].len, UINT16_MAX);
	free(x);
}

static void server_first(void **state)
{
	struct exchange *x = exchange_new(1, SHAPE(-100, 5));

	assert_true(x->flights.from_responder);
	free(x);
}

/* ---- byte statistics ---- */

static void random_bytes_look_random(void **state)
{
	uint64_t seed = 42;
	unsigned int refused[2] = {0};
	uint8_t data[96];

	for (int i = 0; i < 20000; i++) {
		random_fill(&seed, data, sizeof(data));
		refused[0] += !bytes_look_random(data, 96);
		refused[1] += !bytes_look_random(data, 56);
	}
	/* 2^-13 and 2^-11 of them are expected at most; five sigma above. */
	assert_true(refused[0] <= 10);
	assert_true(refused[1] <= 26);
}

static void structure_does_not(void **state)
{
	static const char text[] = "GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-XX0001-"
				   "aaaaaaaaaaaa&port=6881&uploaded=0 HTTP/1.1\r\nHost: x\r\n";
	static const char base64[] = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvJ0bW3qT8oVn2tq7"
				     "k1Yt9dXz6LrPwH5uFcGxEsDaKjM4hRySZbQ";
	uint8_t data[96];
	uint64_t seed = 7;

	assert_false(bytes_look_random((const uint8_t *)text, 96));
	assert_false(bytes_look_random((const uint8_t *)base64, 96));
	memset(data, 0x55, sizeof(data));
	assert_false(bytes_look_random(data, 96));
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	assert_false(bytes_look_random(data, 96));
	/* A third of zeros. */
	random_fill(&seed, data, sizeof(data));
	memset(data + 20, 0, 32);
	assert_false(bytes_look_random(data, 96));
}

/* ---- the shape ---- */

/* What the specification allows, with the handshake where it can be seen. */
static void the_protocol(void **state)
{
	static const struct {
		int segments[8];
		unsigned int confidence;
	} cases[] = {
		{{96, -96, 124}, 85},
		{{608, -608, 124}, 85},
		{{300, -200, 56 + 300, 68}, 85},
		{{300, -200, 56, 68}, 85},
		{{300, -200, 56 + 512, 68}, 85},
		{{100, 50, -60, -60, 124}, 85}, /* in pieces */
		{{300, -200, 56, -14, 68}, 85},
		{{300, -200, 56, -15, 68}, 85},
		{{300, -200, 56 + 512, -(14 + 512), 68}, 85},
		{{300, -200, 200, -300, 68, 200}, 85},
		{{300, -200, 200, -14}, 40},
		{{300, -200, 200, -82}, 40},
		/* The shape alone is a guess. */
		{{300, -200, 200}, 40},
		{{300, -200, 200, -300}, 40},
		{{300, -200, 200, -300, 200}, 40},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (uint64_t seed = 1; seed <= 20; seed++)
			assert_int_equal(confidence(seed, cases[i].segments), cases[i].confidence);
}

static void just_outside(void **state)
{
	static const int cases[][8] = {
		{95, -200, 124},      {609, -200, 124},
		{300, -95, 124},      {300, -609, 124},
		{300, -200, 55, -14}, {300, -200, 56 + 512 + 68 + 1, -14},
		{-300, 200, -124}, /* the responder never begins */
		{300, -200},	      {300},
	};
	/* The shape, but no handshake where one could be: a guess. */
	static const int guesses[][8] = {
		{300, -200, 123, -83},		{300, -200, 125, -13},
		{300, -200, 200, 67},		{300, -200, 200, 69},
		{300, -200, 56 + 500, 69},	{300, -200, 200, -(14 + 513), 68},
		{300, -200, 200, -13, 68},	{300, -200, 200, -100, 67},
		{300, -200, 200, -100, 69},	{300, -200, 56 + 513, -100, 68},
		{300, -200, 200, -100, 34, 34},
	};

	for (uint64_t seed = 1; seed <= 20; seed++) {
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
			assert_int_equal(confidence(seed, cases[i]), 0);
		for (size_t i = 0; i < ARRAY_SIZE(guesses); i++)
			assert_true(confidence(seed, guesses[i]) < 50);
	}
}

static void keys_have_to_look_random(void **state)
{
	for (int flight = 0; flight < 3; flight++) {
		struct exchange *x = calloc(1, sizeof(*x));
		uint8_t plain[200];

		x->seed = 99;
		memset(plain, 'a', sizeof(plain));
		for (int n = 0; n < 3; n++)
			segment(x, n == 1, n == flight ? plain : NULL, n == 2 ? 124 : 200);
		assert_int_equal(mse_confidence(&x->flights), 0);
		free(x);
	}
}

/* What names its own length is a framed protocol, however random the rest (EIP-8, OpenVPN, TLS). */
static void framed_messages_are_no_keys(void **state)
{
	static const uint8_t heads[][5] = {
		{1, 42},	     /* 298 follow, big endian */
		{42, 1},	     /* little endian */
		{1, 44},	     /* 300 in all */
		{0, 0, 1, 40},	     /* four bytes, 296 follow */
		{0x17, 3, 3, 1, 39}, /* a TLS record */
	};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		struct exchange *x = calloc(1, sizeof(*x));
		uint8_t data[300];

		x->seed = 1234 + i;
		random_fill(&x->seed, data, sizeof(data));
		memcpy(data, heads[i], i < 3 ? 2 : i < 4 ? 4 : 5);
		segment(x, 0, data, sizeof(data));
		segment(x, 1, NULL, 200);
		segment(x, 0, NULL, 124);
		assert_int_equal(mse_confidence(&x->flights), 0);
		free(x);
	}
}

/* Random bytes in messages of random lengths: at most the share that docs/encrypted.md states. */
static void random_talk_is_not_taken_for_it(void **state)
{
	uint64_t seed = 2026;
	unsigned int taken = 0;

	for (int i = 0; i < 20000; i++) {
		struct exchange *x = calloc(1, sizeof(*x));

		x->seed = seed += 2;
		for (int n = 0; n < 5; n++)
			segment(x, n & 1, NULL,
				1 + (size_t)(next_byte(&x->seed) << 8 | next_byte(&x->seed)) %
						1460);
		taken += mse_confidence(&x->flights) >= 50;
		free(x);
	}
	/* One in 10,000: 2 are expected, 5 sigma are 7 more. */
	assert_true(taken <= 9);
}

/* ---- known keys ---- */

/* 2 to libgmp's first number of 160 bits, modulo the protocol's prime: its beginning. */
static const uint8_t known[16] = {0x90, 0xcf, 0xb7, 0xf0, 0x5e, 0xfa, 0xf2, 0x5d,
				  0x5d, 0xa9, 0x41, 0xc8, 0xb4, 0x8e, 0x41, 0xe3};

static void keys_without_a_secret(void **state)
{
	uint8_t key[200];
	uint64_t seed = 5;

	for (int responder = 0; responder < 2; responder++) {
		struct exchange *x = calloc(1, sizeof(*x));

		x->seed = 77;
		random_fill(&seed, key, sizeof(key));
		memcpy(key, known, sizeof(known));
		assert_true(mse_key_is_known(key));
		if (responder)
			segment(x, 0, NULL, 150);
		segment(x, (uint8_t)responder, key, sizeof(key));
		assert_int_equal(mse_confidence(&x->flights), 100);
		free(x);
	}
	for (int i = 0; i < 8; i++) {
		memcpy(key, known, sizeof(known));
		key[i] ^= 1;
		assert_false(mse_key_is_known(key));
	}
	memset(key, 0, sizeof(key));
	assert_false(mse_key_is_known(key));
	memset(key, 0xff, sizeof(key));
	assert_false(mse_key_is_known(key));
}

static void the_whole_table_is_found(void **state)
{
	/* The smallest, the second and the third that are sent. */
	static const uint64_t heads[] = {UINT64_C(0x00198e9fa57480c4), UINT64_C(0x3e749af3e90f0f1e),
					 UINT64_C(0x08ef124cc836414d)};
	uint8_t key[96] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		for (int n = 0; n < 8; n++)
			key[n] = (uint8_t)(heads[i] >> (56 - 8 * n));
		assert_true(mse_key_is_known(key));
	}
}

/* ---- in the inspector ---- */

struct talk {
	struct bench *bench;
	uint64_t seed;
	uint32_t seq[2];
	uint16_t port;
};

static struct talk talk_new(struct bench *b, uint16_t port, bool syn)
{
	struct talk t = {.bench = b, .seed = 31, .seq = {100, 500}, .port = port};

	assert_true(app_registry_add(b->registry, MSE_APPLICATION, "p2p") > 0);
	assert_int_equal(inspector_set_signatures(b->inspector, b->signatures), 0);
	inspector_set_packets(b->inspector, 8);
	for (int back = 0; back < 2 && syn; back++) {
		struct frame_spec s = spec_of(IPPROTO_TCP, back, NULL);

		*(back ? &s.sport : &s.dport) = port;
		s.flags = back ? FRAME_SYN | FRAME_ACK : FRAME_SYN;
		s.seq = t.seq[back] - 1;
		send_spec(b, &s, NULL);
	}
	return t;
}

/* Random bytes behind those of a head, if there is one. */
static struct inspect_outcome *say_with(struct talk *t, bool back, const uint8_t head[16],
					size_t len)
{
	struct frame_spec s = spec_of(IPPROTO_TCP, back, NULL);
	uint8_t data[700];

	random_fill(&t->seed, data, len);
	if (head)
		memcpy(data, head, 16);
	*(back ? &s.sport : &s.dport) = t->port;
	s.flags = FRAME_ACK;
	s.seq = t->seq[back];
	s.payload = (const char *)data;
	s.len = len;
	t->seq[back] += (uint32_t)len;
	return send_spec(t->bench, &s, NULL);
}

static struct inspect_outcome *say(struct talk *t, bool back, size_t len)
{
	return say_with(t, back, NULL, len);
}

static void inspector_decides_by_the_shape(void **state)
{
	struct bench *b = *state;
	struct talk t = talk_new(b, 6881, true);
	struct inspect_outcome *out;

	assert_false(say(&t, false, 300)->decided_now);
	assert_false(say(&t, true, 200)->decided_now);
	out = say(&t, false, 124);
	assert_true(out->decided_now);
	assert_int_equal(out->flow->app, app_of(b, MSE_APPLICATION));
	assert_int_equal(out->flow->method, WEIR_METHOD_STATISTICS);
	assert_int_equal(out->flow->confidence, 85);
	assert_true(out->reconnect);
	assert_false(out->flow->inspect);
}

static void late_handshake_decides_within_the_packets(void **state)
{
	struct bench *b = *state;
	struct talk t = talk_new(b, 6881, true);

	say(&t, false, 300);
	say(&t, true, 200);
	say(&t, false, 300);
	assert_false(say(&t, true, 100)->decided_now);
	assert_true(say(&t, false, 68)->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, MSE_APPLICATION));
}

/* Below 1024 others serve, and a shape is no proof. */
static void service_ports_are_not_judged(void **state)
{
	struct bench *b = *state;
	struct talk t = talk_new(b, 443, true);

	say(&t, false, 300);
	say(&t, true, 200);
	assert_false(say(&t, false, 124)->decided_now);
}

/* A known key is proof there, but of this connection alone: the next may be somebody's page. */
static void a_known_key_takes_no_service_away(void **state)
{
	struct bench *b = *state;
	struct talk t = talk_new(b, 443, true);
	struct inspect_outcome *out = say_with(&t, false, known, 300);

	assert_true(out->decided_now);
	assert_int_equal(out->flow->app, app_of(b, MSE_APPLICATION));
	assert_true(out->flow->two_way);
	assert_false(out->reconnect);
}

static void a_known_key_elsewhere_is_a_peer(void **state)
{
	struct bench *b = *state;
	struct talk t = talk_new(b, 6881, true);

	assert_true(say_with(&t, false, known, 300)->reconnect);
}

static void midstream_is_not_judged(void **state)
{
	struct bench *b = *state;
	struct talk t = talk_new(b, 6881, false);

	say(&t, false, 300);
	say(&t, true, 200);
	assert_false(say(&t, false, 124)->decided_now);
}

static void run_bittorrent(struct bench *b, const char *host)
{
	uint32_t addr[4];

	assert_int_equal(address_parse(host, addr), 0);
	facts_host_runs(endpoints_facts(b->endpoints), addr, 0, app_of(b, MSE_APPLICATION),
			b->now_ns);
}

static void the_shape_is_believed_of_hosts_that_run_it(void **state)
{
	struct bench *b = *state;
	struct talk t = talk_new(b, 6881, true);

	run_bittorrent(b, SERVER);
	say(&t, false, 300);
	say(&t, true, 200);
	assert_true(say(&t, false, 180)->decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, MSE_APPLICATION));
	assert_int_equal(b->out.flow->confidence, 65);
	assert_int_equal(b->out.flow->method, WEIR_METHOD_STATISTICS);
}

static void the_shape_between_two_of_them_still_more(void **state)
{
	struct bench *b = *state;
	struct talk t = talk_new(b, 6881, true);

	run_bittorrent(b, SERVER);
	run_bittorrent(b, CLIENT);
	say(&t, false, 300);
	say(&t, true, 200);
	assert_true(say(&t, false, 180)->decided_now);
	assert_int_equal(b->out.flow->confidence, 75);
}

/* `host` learned of SERVER:6881 from a source in this network. */
static void tell_of_server(struct bench *b, const char *host, uint32_t source)
{
	struct fact_key key = {.port = htons(6881), .kind = FACT_LEARNED};
	uint32_t addr[4];

	assert_int_equal(address_parse(SERVER, key.addr), 0);
	assert_int_equal(address_parse(host, addr), 0);
	facts_endpoint_learned(endpoints_facts(b->endpoints), &key, app_of(b, MSE_APPLICATION),
			       addr, source, b->now_ns);
}

static void the_shape_is_believed_where_two_were_told(void **state)
{
	struct bench *b = *state;
	struct talk t = talk_new(b, 6881, true);

	tell_of_server(b, "10.0.0.8", 1);
	tell_of_server(b, "10.0.0.9", 2);
	say(&t, false, 300);
	say(&t, true, 200);
	assert_true(say(&t, false, 180)->decided_now);
	assert_int_equal(b->out.flow->confidence, 75);
}

static void one_source_does_not_confirm(void **state)
{
	struct bench *b = *state;
	struct talk t = talk_new(b, 6881, true);

	tell_of_server(b, "10.0.0.8", 1);
	tell_of_server(b, "10.0.0.9", 1);
	say(&t, false, 300);
	say(&t, true, 200);
	assert_false(say(&t, false, 180)->decided_now);
}

static void no_shape_is_believed_of_nobody(void **state)
{
	struct bench *b = *state;
	struct talk t = talk_new(b, 6881, true);

	run_bittorrent(b, SERVER);
	run_bittorrent(b, CLIENT);
	say(&t, false, 300);
	say(&t, true, 50);
	assert_false(say(&t, false, 180)->decided_now);
}

static void random_chat_is_encrypted_and_no_more(void **state)
{
	struct bench *b = *state;
	struct talk t = talk_new(b, 6881, true);

	say(&t, false, 300);
	say(&t, true, 200);
	say(&t, false, 180);
	for (int i = 0; i < 5; i++)
		say(&t, i % 2 == 0, 200);
	assert_true(b->out.flow->decided);
	assert_int_equal(b->out.flow->app, app_of(b, APP_ENCRYPTED));
	assert_int_equal(b->out.flow->confidence, 60);
	assert_int_equal(b->out.flow->method, WEIR_METHOD_STATISTICS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flights_are_runs_of_one_direction),
		cmocka_unit_test(record_is_bounded),
		cmocka_unit_test(server_first),
		cmocka_unit_test(random_bytes_look_random),
		cmocka_unit_test(structure_does_not),
		cmocka_unit_test(the_protocol),
		cmocka_unit_test(just_outside),
		cmocka_unit_test(keys_have_to_look_random),
		cmocka_unit_test(framed_messages_are_no_keys),
		cmocka_unit_test(random_talk_is_not_taken_for_it),
		cmocka_unit_test(keys_without_a_secret),
		cmocka_unit_test(the_whole_table_is_found),
		BENCH_TEST(inspector_decides_by_the_shape),
		BENCH_TEST(late_handshake_decides_within_the_packets),
		BENCH_TEST(service_ports_are_not_judged),
		BENCH_TEST(a_known_key_takes_no_service_away),
		BENCH_TEST(a_known_key_elsewhere_is_a_peer),
		BENCH_TEST(midstream_is_not_judged),
		BENCH_TEST(random_chat_is_encrypted_and_no_more),
		BENCH_TEST(the_shape_is_believed_of_hosts_that_run_it),
		BENCH_TEST(the_shape_between_two_of_them_still_more),
		BENCH_TEST(the_shape_is_believed_where_two_were_told),
		BENCH_TEST(one_source_does_not_confirm),
		BENCH_TEST(no_shape_is_believed_of_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

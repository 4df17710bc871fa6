// SPDX-License-Identifier: GPL-2.0-only
/* RTP by its headers, and what follows STUN on a flow. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/app.h"
#include "app/rtp.h"
#include "unit/consume.h"

static size_t put_rtp(uint8_t *out, uint16_t sequence, uint32_t timestamp, uint32_t ssrc)
{
	const uint8_t header[12] = {
		0x80,
		96,
		(uint8_t)(sequence >> 8),
		(uint8_t)sequence,
		(uint8_t)(timestamp >> 24),
		(uint8_t)(timestamp >> 16),
		(uint8_t)(timestamp >> 8),
		(uint8_t)timestamp,
		(uint8_t)(ssrc >> 24),
		(uint8_t)(ssrc >> 16),
		(uint8_t)(ssrc >> 8),
		(uint8_t)ssrc,
	};

	memcpy(out, header, sizeof(header));
	memset(out + 12, 0x55, 20);
	return 32;
}

struct bench {
	const struct app_module *module;
	struct app_registry *registry;
	struct app_services services;
	struct flow flow;
	struct consume consume;
	uint8_t proto;
};

static int setup(void **state)
{
	static const char *const names[] = {"rtp", "srtp", "dtls", "stun"};
	struct bench *b = calloc(1, sizeof(*b));

	b->registry = app_registry_new();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_true(app_registry_add(b->registry, names[i], "voip") > 0);
	b->services.registry = b->registry;
	b->module = app_module_find("rtp");
	b->consume = (struct consume){.module = b->module, .flow = &b->flow};
	b->proto = IPPROTO_UDP;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	consume_end(&b->consume);
	app_registry_free(b->registry);
	free(b);
	return 0;
}

/* What the flow is, behind this message. */
static struct app_finding show(struct bench *b, bool from_origin, const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct app_message m = {
		.flow = &b->flow,
		.data = copy,
		.len = len,
		.proto = b->proto,
		.from_origin = from_origin,
	};

	memcpy(copy, data, len);
	consume_show(&b->consume, &b->services, &m);
	free(copy);
	return b->consume.finding;
}

static struct app_finding packet(struct bench *b, bool from_origin, uint16_t sequence,
				 uint32_t timestamp, uint32_t ssrc)
{
	uint8_t data[64];

	return show(b, from_origin, data, put_rtp(data, sequence, timestamp, ssrc));
}

static bool is(const struct bench *b, struct app_finding f, const char *name)
{
	return f.app == app_registry_find(b->registry, name);
}

/* ---- RTP ---- */

static void three_in_a_row(void **state)
{
	struct bench *b = *state;
	struct app_finding f;

	assert_int_equal(packet(b, true, 65534, 100, 7).app, 0);
	assert_int_equal(packet(b, true, 65535, 260, 7).app, 0);
	f = packet(b, true, 0, 420, 7);
	assert_true(is(b, f, "rtp"));
	assert_int_equal(f.method, WEIR_METHOD_STATISTICS);
}

static void both_directions_count_apart(void **state)
{
	struct bench *b = *state;

	assert_int_equal(packet(b, true, 1, 100, 7).app, 0);
	assert_int_equal(packet(b, false, 2, 100, 7).app, 0);
	assert_int_equal(packet(b, true, 3, 200, 7).app, 0);
	assert_int_equal(packet(b, false, 4, 200, 7).app, 0);
	assert_true(is(b, packet(b, false, 5, 300, 7), "rtp"));
}

/* Loss, and a second source in between. */
static void two_sources_with_loss(void **state)
{
	struct bench *b = *state;

	assert_int_equal(packet(b, true, 10, 100, 7).app, 0);
	assert_int_equal(packet(b, true, 900, 5, 8).app, 0);
	assert_int_equal(packet(b, true, 14, 100, 7).app, 0);
	assert_int_equal(packet(b, true, 901, 5, 8).app, 0);
	assert_true(is(b, packet(b, true, 15, 100, 7), "rtp"));
}

static void what_is_no_row(void **state)
{
	static const struct {
		uint16_t sequence[3];
		uint32_t timestamp[3], ssrc[3];
	} cases[] = {
		{{1, 2, 7}, {0, 160, 320}, {5, 5, 5}},	   /* a gap */
		{{1, 1, 1}, {0, 160, 320}, {5, 5, 5}},	   /* the same again */
		{{3, 2, 1}, {0, 160, 320}, {5, 5, 5}},	   /* backwards */
		{{1, 2, 3}, {320, 160, 0}, {5, 5, 5}},	   /* time backwards */
		{{1, 2, 3}, {0, 160, 9000000}, {5, 5, 5}}, /* time leaps */
		{{1, 2, 3}, {0, 160, 320}, {5, 6, 7}},	   /* another source each time */
		{{1, 2, 3}, {0, 0, 0}, {0, 0, 0}},	   /* a counter before zeros */
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(packet(b, true, cases[i].sequence[k],
						cases[i].timestamp[k], cases[i].ssrc[k])
						 .app,
					 0);
		consume_end(&b->consume);
	}
}

static void headers(void **state)
{
	uint8_t data[64];
	size_t len = put_rtp(data, 1, 2, 3);
	struct rtp_header h;

	(void)state;
	assert_true(rtp_parse(data, len, &h));
	assert_int_equal(h.type, 96);
	assert_int_equal(h.sequence, 1);
	assert_int_equal(h.timestamp, 2);
	assert_int_equal(h.ssrc, 3);
	assert_true(rtp_parse(data, 12, &h));
	assert_false(rtp_parse(data, 11, &h));
	data[0] = 0x85; /* five contributing sources: 20 bytes, all there are */
	assert_true(rtp_parse(data, 32, &h));
	assert_false(rtp_parse(data, 31, &h));
	data[0] = 0x90; /* an extension of four words */
	memcpy(data + 12, "\xbe\xde\x00\x04", 4);
	assert_true(rtp_parse(data, 32, &h));
	assert_false(rtp_parse(data, 31, &h));
	assert_false(rtp_parse(data, 15, &h));
	memcpy(data + 14, "\xff\xff", 2);
	assert_false(rtp_parse(data, len, &h));
	data[0] = 0xa0; /* padding */
	data[31] = 20;
	assert_true(rtp_parse(data, 32, &h));
	data[31] = 21;
	assert_false(rtp_parse(data, 32, &h));
	data[31] = 0;
	assert_false(rtp_parse(data, 32, &h));
	data[0] = 0x40; /* version 1 */
	assert_false(rtp_parse(data, len, &h));
	data[0] = 0x80;
	data[1] = 200; /* RTCP */
	assert_false(rtp_parse(data, len, &h));
}

/* RFC 4571: each behind its length. */
static void framed(void **state)
{
	struct bench *b = *state;
	uint8_t data[256];
	size_t len = 0;

	for (uint16_t i = 0; i < 3; i++) {
		data[len] = 0;
		data[len + 1] = 32;
		len += 2 + put_rtp(data + len + 2, i, i * 160u, 9);
	}
	b->proto = IPPROTO_TCP;
	assert_true(is(b, show(b, true, data, len), "rtp"));
	/* Of the third the header is enough. */
	assert_true(rtp_is_framed(data, 68 + 14));
	for (size_t n = 0; n < 68 + 14; n++)
		assert_false(rtp_is_framed(data, n));
	data[1] = 33;
	assert_false(rtp_is_framed(data, len));
	data[1] = 11;
	assert_false(rtp_is_framed(data, len));
}

/* What has a name keeps it. */
static void named_flows_are_left_alone(void **state)
{
	struct bench *b = *state;
	uint8_t data[64];
	struct app_message m = {.flow = &b->flow, .data = data, .proto = IPPROTO_UDP};
	struct app_finding f = {.app = 99, .confidence = 90};
	void *kept = NULL;

	for (uint16_t i = 0; i < 4; i++) {
		m.len = put_rtp(data, i, i, 7);
		b->module->undecided(&b->services, &m, &kept, &f);
	}
	assert_int_equal(f.app, 99);
	assert_null(kept);
}

/* ---- STUN ---- */

static const uint8_t check[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};

static void stun_begin(struct bench *b)
{
	b->consume = (struct consume){
		.module = app_module_find("stun"),
		.flow = &b->flow,
		.finding = {.app = (uint16_t)app_registry_find(b->registry, "stun"),
			    .method = WEIR_METHOD_SIGNATURE,
			    .confidence = 90},
	};
	show(b, true, check, sizeof(check));
	assert_int_equal(b->consume.reading, 1);
}

static void stun_then_dtls(void **state)
{
	static const uint8_t hello[] = {22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0};
	struct bench *b = *state;
	struct app_finding f;

	stun_begin(b);
	assert_true(is(b, show(b, false, check, sizeof(check)), "stun"));
	assert_true(is(b, show(b, true, hello, sizeof(hello) - 1), "stun"));
	f = show(b, true, hello, sizeof(hello));
	assert_true(is(b, f, "dtls"));
	assert_int_equal(f.method, WEIR_METHOD_SIGNATURE);
	assert_int_equal(b->consume.reading, 0);
}

static void stun_then_dtls_data(void **state)
{
	static const uint8_t data[] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 0xaa};
	struct bench *b = *state;

	stun_begin(b);
	assert_true(is(b, show(b, true, data, sizeof(data)), "dtls"));
}

static void stun_then_srtp(void **state)
{
	struct bench *b = *state;
	uint8_t data[64];

	stun_begin(b);
	for (uint16_t i = 0; i < 3; i++) {
		assert_true(is(b, b->consume.finding, "stun"));
		show(b, false, data, put_rtp(data, i, i, 7));
	}
	assert_true(is(b, b->consume.finding, "srtp"));
	assert_int_equal(b->consume.finding.method, WEIR_METHOD_STATISTICS);
	assert_int_equal(b->consume.reading, 0);
}

/* Looking ends, whatever comes. */
static void stun_alone(void **state)
{
	struct bench *b = *state;
	unsigned int n = 0;

	stun_begin(b);
	do {
		assert_true(is(b, show(b, n & 1, check, sizeof(check)), "stun"));
	} while (b->consume.reading && ++n < 100);
	assert_in_range(n, 8, 20);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(three_in_a_row),
		TEST(both_directions_count_apart),
		TEST(two_sources_with_loss),
		TEST(what_is_no_row),
		TEST(headers),
		TEST(framed),
		TEST(named_flows_are_left_alone),
		TEST(stun_then_dtls),
		TEST(stun_then_dtls_data),
		TEST(stun_then_srtp),
		TEST(stun_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

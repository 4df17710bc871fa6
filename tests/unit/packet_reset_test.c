// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frame_build.h"
#include "packet/packet.h"
#include "util/util.h"

#define V4 .src = "10.0.0.1", .dst = "10.0.0.2", .proto = IPPROTO_TCP, .sport = 4000, .dport = 80
#define V6                                                                                         \
	.src = "2001:db8::1", .dst = "2001:db8::2", .proto = IPPROTO_TCP, .sport = 4000, .dport = 80
#define DATA .payload = "12345", .len = 5

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

struct reset_case {
	struct frame_spec spec;
	uint8_t back_flags; /* expected towards the sender */
	uint32_t back_seq, back_ack;
	uint8_t on_flags; /* expected towards the receiver */
	uint32_t on_seq, on_ack;
};

/* RFC 9293, 3.5.2: with an ACK the reset takes its number from there; without, zero and an ACK of
 * all that the segment took. */
static const struct reset_case cases[] = {
	{{V4, DATA, .seq = 100, .ack = 900, .flags = FRAME_ACK},
	 FRAME_RST,
	 900,
	 0,
	 FRAME_RST | FRAME_ACK,
	 100,
	 900},
	{{V4, DATA, .seq = 100, .ack = 900, .flags = FRAME_ACK, .options = 8},
	 FRAME_RST,
	 900,
	 0,
	 FRAME_RST | FRAME_ACK,
	 100,
	 900},
	{{V4, .seq = 100, .flags = FRAME_SYN}, FRAME_RST | FRAME_ACK, 0, 101, FRAME_RST, 100, 0},
	{{V4, DATA, .seq = 100, .flags = FRAME_SYN},
	 FRAME_RST | FRAME_ACK,
	 0,
	 106,
	 FRAME_RST,
	 100,
	 0},
	{{V4, DATA, .seq = 0xffffffff, .flags = FRAME_FIN},
	 FRAME_RST | FRAME_ACK,
	 0,
	 5,
	 FRAME_RST,
	 0xffffffff,
	 0},
	{{V6, .seq = 7, .ack = 8, .flags = FRAME_SYN | FRAME_ACK},
	 FRAME_RST,
	 8,
	 0,
	 FRAME_RST | FRAME_ACK,
	 7,
	 8},
	{{V6, DATA, .seq = 7, .ack = 8, .flags = FRAME_ACK, .options = 12},
	 FRAME_RST,
	 8,
	 0,
	 FRAME_RST | FRAME_ACK,
	 7,
	 8},
	{{V4, DATA, .seq = 1, .ack = 2, .flags = FRAME_ACK, .tag_type = {0x8100}, .tag = {0x600a}},
	 FRAME_RST,
	 2,
	 0,
	 FRAME_RST | FRAME_ACK,
	 1,
	 2},
	{{V6, DATA, .seq = 1, .ack = 2, .flags = FRAME_ACK, .tag_type = {0x88a8, 0x8100},
	  .tag = {5, 6}},
	 FRAME_RST,
	 2,
	 0,
	 FRAME_RST | FRAME_ACK,
	 1,
	 2},
	{{V4, DATA, .seq = 1, .ack = 2, .flags = FRAME_ACK, .pppoe = true},
	 FRAME_RST,
	 2,
	 0,
	 FRAME_RST | FRAME_ACK,
	 1,
	 2},
	{{V6, DATA, .seq = 1, .ack = 2, .flags = FRAME_ACK, .pppoe = true, .narrow = true},
	 FRAME_RST,
	 2,
	 0,
	 FRAME_RST | FRAME_ACK,
	 1,
	 2},
	{{V6, DATA, .seq = 1, .ack = 2, .flags = FRAME_ACK, .raw = true},
	 FRAME_RST,
	 2,
	 0,
	 FRAME_RST | FRAME_ACK,
	 1,
	 2},
};

/* Rebuilt by the sample builder, the reset must be the same bytes but for what is not its business.
 */
static void check_reset(const struct reset_case *c, const struct packet *p, bool to_sender)
{
	const struct frame_spec *s = &c->spec;
	bool v6 = strchr(s->src, ':');
	struct frame_spec want = {
		.raw = s->raw,
		.pppoe = s->pppoe,
		.narrow = s->narrow,
		.src = to_sender ? s->dst : s->src,
		.dst = to_sender ? s->src : s->dst,
		.proto = IPPROTO_TCP,
		.sport = to_sender ? s->dport : s->sport,
		.dport = to_sender ? s->sport : s->dport,
		.seq = to_sender ? c->back_seq : c->on_seq,
		.ack = to_sender ? c->back_ack : c->on_ack,
		.flags = to_sender ? c->back_flags : c->on_flags,
	};
	size_t link = p->l3, l4 = link + (v6 ? 40 : 20);
	uint8_t out[FRAME_MAX], expected[FRAME_MAX];
	int len = packet_make_reset(p, to_sender, out, sizeof(out));

	memcpy(want.tag_type, s->tag_type, sizeof(want.tag_type));
	memcpy(want.tag, s->tag, sizeof(want.tag));
	assert_int_equal(len, frame_build(expected, &want));
	if (!s->raw) {
		assert_memory_equal(out, p->frame + (to_sender ? 6 : 0), 6);
		assert_memory_equal(out + 6, p->frame + (to_sender ? 0 : 6), 6);
		assert_memory_equal(out + 12, expected + 12, link - 12);
	}
	if (!v6)
		assert_int_equal(frame_sum(0, out + link, 20), 0xffff);
	assert_int_equal(out[link + (v6 ? 7 : 8)], 64);
	assert_memory_equal(out + l4 - (v6 ? 32 : 8), expected + l4 - (v6 ? 32 : 8),
			    (v6 ? 32 : 8) + 14);
	assert_int_equal(get32(out + l4 + 4), want.seq);
	assert_int_equal(
		frame_sum(frame_pseudo(out + link + (v6 ? 8 : 12), v6 ? 32 : 8, IPPROTO_TCP, 20),
			  out + l4, 20),
		0xffff);
}

static void resets_answer_each_sample(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum packet_link link = cases[i].spec.raw ? PACKET_LINK_RAW : PACKET_LINK_ETHERNET;
		uint8_t frame[FRAME_MAX];
		struct packet p;

		assert_int_equal(packet_decode(frame, frame_build(frame, &cases[i].spec), link, &p),
				 PACKET_OK);
		check_reset(&cases[i], &p, true);
		check_reset(&cases[i], &p, false);
	}
}

static void resets_decode_again(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum packet_link link = cases[i].spec.raw ? PACKET_LINK_RAW : PACKET_LINK_ETHERNET;
		uint8_t frame[FRAME_MAX], out[128];
		struct packet p, q;
		int len;

		packet_decode(frame, frame_build(frame, &cases[i].spec), link, &p);
		len = packet_make_reset(&p, true, out, sizeof(out));
		assert_int_equal(packet_decode(out, (size_t)len, link, &q), PACKET_OK);
		assert_memory_equal(&q.key, &p.key, sizeof(q.key));
		assert_int_equal(q.dir, !p.dir);
		assert_int_equal(packet_checksum(&q), PACKET_CHECKSUM_OK);
	}
}

static void refuses_what_needs_no_answer(void **state)
{
	struct frame_spec reset = {V4, .flags = FRAME_RST};
	struct frame_spec udp = {.src = "10.0.0.1", .dst = "10.0.0.2", .proto = IPPROTO_UDP};
	uint8_t frame[FRAME_MAX], out[128];
	struct packet p;

	packet_decode(frame, frame_build(frame, &reset), PACKET_LINK_ETHERNET, &p);
	assert_int_equal(packet_make_reset(&p, true, out, sizeof(out)), -EPROTO);
	packet_decode(frame, frame_build(frame, &udp), PACKET_LINK_ETHERNET, &p);
	assert_int_equal(packet_make_reset(&p, true, out, sizeof(out)), -EPROTO);
}

static void needs_room(void **state)
{
	uint8_t frame[FRAME_MAX], out[128];
	struct packet p;

	packet_decode(frame, frame_build(frame, &cases[0].spec), PACKET_LINK_ETHERNET, &p);
	memset(out, 0x5a, sizeof(out));
	assert_int_equal(packet_make_reset(&p, true, out, 53), -ENOSPC);
	assert_int_equal(out[0], 0x5a);
	assert_int_equal(packet_make_reset(&p, true, out, 54), 54);
	assert_int_equal(out[54], 0x5a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resets_answer_each_sample),
		cmocka_unit_test(resets_decode_again),
		cmocka_unit_test(refuses_what_needs_no_answer),
		cmocka_unit_test(needs_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

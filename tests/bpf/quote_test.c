// SPDX-License-Identifier: GPL-2.0-only
/* ICMP errors end with the flow of the packet that they quote, where that is dropped. */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/rig.h"

#define V6 .ip = 6

static const struct shape udp = {UDP};
static const struct shape udp6 = {UDP, V6};

/* The error of a router (host 9) on the other side about packet `of`, of which it quotes `quote`
 * bytes from its IP header on. */
static void error_build(const struct shape *of, uint8_t type, uint16_t quote, struct built *out)
{
	bool v6 = of->ip == 6;
	struct shape s = {.ip = of->ip,
			  .proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
			  .icmp_type = type,
			  .payload = quote,
			  .tags = of->tags,
			  .session = of->session,
			  .reverse = !of->reverse};
	struct built inner;

	if (of->reverse)
		s.a = 9;
	else
		s.b = 9;
	shape_build(&s, out);
	shape_build(of, &inner);
	assert_true(inner.link + quote <= inner.len);
	memcpy(out->data + out->l4 + 8, inner.data + inner.link, quote);
}

static int error_send(struct rig *r, const struct shape *of, uint8_t type, uint16_t quote)
{
	struct outcome out;
	struct built frame;

	error_build(of, type, quote, &frame);
	rig_run(r, of->reverse ? RIG_A : RIG_B, frame.data, frame.len, &out);
	return out.reason;
}

/* The header and the 8 bytes that every sender of errors quotes. */
static uint16_t least(const struct shape *of)
{
	struct built inner;

	shape_build(of, &inner);
	return (uint16_t)(inner.l4 - inner.link + 8);
}

#define ERROR(r, reason, type, ...)                                                                \
	assert_int_equal(error_send(r, &(struct shape){__VA_ARGS__}, type,                         \
				    least(&(struct shape){__VA_ARGS__})),                          \
			 WEIR_REASON_##reason)

static void dropped_with_the_flow(void **state)
{
	struct rig *r = *state;
	struct weir_flow before, after;

	rig_identify(r, &udp, RIG_P2P);
	rig_identify(r, &udp6, RIG_P2P);
	SEND(r, DROP_VERDICT, UDP);
	SEND(r, DROP_VERDICT, UDP, V6);
	assert_true(rig_flow(r, true, &udp, &before));
	ERROR(r, DROP_ICMP_ERROR, 3, UDP);
	ERROR(r, DROP_ICMP_ERROR, 4, UDP);
	ERROR(r, DROP_ICMP_ERROR, 5, UDP);
	ERROR(r, DROP_ICMP_ERROR, 11, UDP, BACK);
	ERROR(r, DROP_ICMP_ERROR, 12, UDP, BACK);
	for (uint8_t type = 1; type <= 4; type++)
		ERROR(r, DROP_ICMP_ERROR, type, UDP, V6, .reverse = type & 1);
	/* The error is no frame of the flow. */
	assert_true(rig_flow(r, true, &udp, &after));
	assert_memory_equal(before.frames, after.frames, sizeof(before.frames));
	/* Nor is it one of another. */
	ERROR(r, STACK_CONTROL, 3, UDP, .sport = 9);
	ERROR(r, STACK_CONTROL, 3, UDP, .tags = 1);
	ERROR(r, STACK_CONTROL, 3, UDP, .session = 1);
	ERROR(r, STACK_CONTROL, 3, DATA);
	ERROR(r, STACK_CONTROL, 1, UDP, V6, .a = 7);
}

static void messages_that_quote_nothing(void **state)
{
	struct rig *r = *state;

	rig_identify(r, &udp, RIG_P2P);
	rig_identify(r, &udp6, RIG_P2P);
	SEND(r, DROP_VERDICT, UDP);
	SEND(r, DROP_VERDICT, UDP, V6);
	ERROR(r, STACK_CONTROL, 9, UDP);
	ERROR(r, STACK_CONTROL, 10, UDP);
	ERROR(r, STACK_CONTROL, 0x87, UDP, V6); /* neighbour solicitation */
	ERROR(r, STACK_CONTROL, 5, UDP, V6);
	ERROR(r, STACK_CONTROL, 127, UDP, V6);
}

/* Everything else goes on as if nobody had looked into it. */
static void other_flows(void **state)
{
	struct rig *r = *state;

	ERROR(r, STACK_CONTROL, 3, UDP);
	SEND(r, PUNTED, UDP);
	ERROR(r, STACK_CONTROL, 3, UDP);
	rig_forget(r);
	rig_identify(r, &udp, RIG_WEB);
	SEND(r, REDIRECTED, UDP);
	ERROR(r, STACK_CONTROL, 3, UDP);
}

static void protocols(void **state)
{
	const struct shape tcp = {DATA}, tcp6 = {DATA, V6};
	static const uint8_t strict[RIG_APPS] = {
		[RIG_PING] = WEIR_ACTION_DROP, [RIG_CHAT] = WEIR_ACTION_RESET};
	struct rig *r = *state;

	rig_identify(r, &tcp, RIG_CHAT);
	rig_identify(r, &tcp6, RIG_CHAT);
	SEND(r, PUNTED, DATA);
	SEND(r, PUNTED, DATA, V6);
	rig_finish(r);
	ERROR(r, DROP_ICMP_ERROR, 3, DATA);
	ERROR(r, DROP_ICMP_ERROR, 2, DATA, V6);
	SEND(r, REDIRECTED, .proto = IPPROTO_ICMP, .icmp_type = 8, .sport = 5);
	SEND(r, REDIRECTED, .proto = IPPROTO_ICMPV6, .icmp_type = 128, .sport = 5, V6);
	ERROR(r, STACK_CONTROL, 11, .proto = IPPROTO_ICMP, .icmp_type = 8, .sport = 5);
	/* A new policy counts from its first moment. */
	rig_policy(r, 2, strict);
	ERROR(r, DROP_ICMP_ERROR, 11, .proto = IPPROTO_ICMP, .icmp_type = 8, .sport = 5);
	ERROR(r, STACK_CONTROL, 11, .proto = IPPROTO_ICMP, .icmp_type = 8, .sport = 6);
	ERROR(r, DROP_ICMP_ERROR, 3, .proto = IPPROTO_ICMPV6, .icmp_type = 128, .sport = 5, V6);
	/* What has no ports. */
	SEND(r, REDIRECTED, .proto = IPPROTO_GRE, .payload = 8);
	ERROR(r, STACK_CONTROL, 3, .proto = IPPROTO_GRE, .payload = 8);
}

static void let_go_by_a_new_policy(void **state)
{
	static const uint8_t loose[RIG_APPS] = {[RIG_P2P] = WEIR_ACTION_PASS};
	struct rig *r = *state;

	rig_identify(r, &udp, RIG_P2P);
	SEND(r, DROP_VERDICT, UDP);
	ERROR(r, DROP_ICMP_ERROR, 3, UDP);
	rig_policy(r, 2, loose);
	ERROR(r, STACK_CONTROL, 3, UDP);
	SEND(r, REDIRECTED, UDP);
}

static void of_a_blocked_host(void **state)
{
	struct policy_block block = rig_block_of_b(0, 0);
	struct rig *r = *state;

	rig_identify(r, &udp, RIG_WEB);
	SEND(r, REDIRECTED, UDP);
	rig_blocks(r, &block, 1);
	r->ctl->generation += 2;
	ERROR(r, DROP_ICMP_ERROR, 3, UDP);
}

/* The kernel alone forwards both ways where the other port is switched off. */
static void other_port_off(void **state)
{
	struct rig *r = *state;

	rig_identify(r, &udp, RIG_P2P);
	SEND(r, DROP_VERDICT, UDP);
	rig_port_flags(r, RIG_A, WEIR_PORT_FORWARDING);
	ERROR(r, STACK_CONTROL, 3, UDP);
}

#define HEADERS(...) V6, .ext = {__VA_ARGS__}, .exts = sizeof((uint8_t[]){__VA_ARGS__})

static const struct shape quoted[] = {
	{.name = "udp", UDP},
	{.name = "options", UDP, .options = 40},
	{.name = "tags", UDP, .tags = 2, .options = 4},
	{.name = "pppoe", UDP, .session = 7},
	{.name = "first fragment", UDP, .more = true},
	{.name = "ipv6", UDP, V6},
	{.name = "ipv6 in pppoe", UDP, V6, .session = 7, .tags = 1},
	{.name = "ipv6 extensions", UDP, HEADERS(IPPROTO_HOPOPTS, IPPROTO_DSTOPTS)},
	{.name = "ipv6 first fragment", UDP, HEADERS(IPPROTO_FRAGMENT), .more = true},
};

static void quote_expect(struct rig *r, const struct shape *of, uint16_t quote, int reason)
{
	int got = error_send(r, of, 3, quote);

	if (got != reason)
		fail_msg("%s, %u bytes quoted: reason %d instead of %d", of->name, quote, got,
			 reason);
}

/* The quote ends at every byte: too short is not malformed, it says nothing. */
static void cut_quotes(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_SIZE(quoted); i++) {
		const struct shape *of = &quoted[i];
		struct built whole;

		rig_forget(r);
		rig_identify(r, of, RIG_P2P);
		assert_int_equal(rig_send(r, of, NULL), WEIR_REASON_DROP_VERDICT);
		shape_build(of, &whole);
		for (uint16_t quote = 0; quote <= whole.len - whole.link; quote++)
			quote_expect(r, of, quote,
				     quote < least(of) ? WEIR_REASON_STACK_CONTROL
						       : WEIR_REASON_DROP_ICMP_ERROR);
	}
}

/* The frame itself ends before its IP header says so. */
static void cut_frames(void **state)
{
	struct rig *r = *state;
	struct outcome out;
	struct built frame;

	for (size_t i = 0; i < ARRAY_SIZE(quoted); i++) {
		error_build(&quoted[i], 3, least(&quoted[i]), &frame);
		for (size_t len = frame.l4; len < frame.len; len++) {
			rig_run(r, RIG_B, frame.data, len, &out);
			assert_int_equal(out.reason, WEIR_REASON_DROP_MALFORMED);
		}
	}
}

static void later_fragments_quoted(void **state)
{
	struct rig *r = *state;

	rig_identify(r, &udp, RIG_P2P);
	rig_identify(r, &udp6, RIG_P2P);
	SEND(r, DROP_VERDICT, UDP);
	SEND(r, DROP_VERDICT, UDP, V6);
	ERROR(r, STACK_CONTROL, 11, UDP, .part = 64);
	ERROR(r, STACK_CONTROL, 3, UDP, HEADERS(IPPROTO_FRAGMENT), .part = 64);
}

/* Whatever a quote holds, it is the error of a dropped flow or the stack's. */
static void flipped_bits(void **state)
{
	struct rig *r = *state;
	struct outcome out;
	struct built frame;

	for (size_t i = 0; i < ARRAY_SIZE(quoted); i++) {
		rig_forget(r);
		rig_identify(r, &quoted[i], RIG_P2P);
		rig_send(r, &quoted[i], NULL);
		error_build(&quoted[i], 3, least(&quoted[i]), &frame);
		for (size_t bit = (frame.l4 + 8) * 8; bit < frame.len * 8; bit++) {
			frame.data[bit / 8] ^= 1 << bit % 8;
			rig_run(r, RIG_B, frame.data, frame.len, &out);
			frame.data[bit / 8] ^= 1 << bit % 8;
			if (out.reason != WEIR_REASON_STACK_CONTROL &&
			    out.reason != WEIR_REASON_DROP_ICMP_ERROR)
				fail_msg("%s, bit %zu: reason %d", quoted[i].name, bit, out.reason);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(dropped_with_the_flow),
		RIG_TEST(messages_that_quote_nothing),
		RIG_TEST(other_flows),
		RIG_TEST(protocols),
		RIG_TEST(let_go_by_a_new_policy),
		RIG_TEST(of_a_blocked_host),
		RIG_TEST(other_port_off),
		RIG_TEST(cut_quotes),
		RIG_TEST(cut_frames),
		RIG_TEST(later_fragments_quoted),
		RIG_TEST(flipped_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

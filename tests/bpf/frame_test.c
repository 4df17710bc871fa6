// SPDX-License-Identifier: GPL-2.0-only
/* Every kind of header, whole and cut at every byte: one reason each. */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/rig.h"

struct frame_case {
	struct shape shape;
	enum weir_reason reason;
};

#define TCP	 .payload = 40
#define V6	 .ip = 6
#define EXT(...) .ext = {__VA_ARGS__}, .exts = sizeof((uint8_t[]){__VA_ARGS__})
#define WHOLE(text, r, ...)                                                                        \
	{                                                                                          \
		{.name = text, __VA_ARGS__}, WEIR_REASON_##r                                       \
	}

static const struct frame_case cases[] = {
	WHOLE("tcp data", PUNTED, TCP),
	WHOLE("tcp data, padded", PUNTED, .payload = 1, .padding = 5),
	WHOLE("tcp bare ack", STACK_NO_PAYLOAD, .padding = 6),
	WHOLE("tcp syn with options", STACK_NO_PAYLOAD, .tcp_flags = SHAPE_SYN, .tcp_options = 20),
	WHOLE("tcp options and data", PUNTED, TCP, .tcp_options = 40),
	WHOLE("udp", PUNTED, UDP),
	WHOLE("udp, padded", PUNTED, .proto = IPPROTO_UDP, .payload = 3, .padding = 15),
	WHOLE("udp empty", STACK_NO_PAYLOAD, .proto = IPPROTO_UDP),
	WHOLE("ip options", PUNTED, TCP, .options = 40),
	WHOLE("ip options, udp", PUNTED, UDP, .options = 4),
	WHOLE("one tag", PUNTED, TCP, .tags = 1),
	WHOLE("two tags", PUNTED, UDP, .tags = 2),
	WHOLE("one tag, ip options", PUNTED, UDP, .tags = 1, .options = 12),
	WHOLE("icmp echo", REDIRECTED, .proto = IPPROTO_ICMP, .icmp_type = 8, .payload = 32),
	WHOLE("icmp echo reply", REDIRECTED, .proto = IPPROTO_ICMP, .icmp_type = 0, .payload = 32),
	WHOLE("icmp timestamp", REDIRECTED, .proto = IPPROTO_ICMP, .icmp_type = 13, .payload = 12),
	WHOLE("icmp unreachable", STACK_CONTROL, .proto = IPPROTO_ICMP, .icmp_type = 3,
	      .payload = 28),
	WHOLE("icmp time exceeded", STACK_CONTROL, .proto = IPPROTO_ICMP, .icmp_type = 11,
	      .payload = 28),
	WHOLE("gre", REDIRECTED, .proto = IPPROTO_GRE, .payload = 20),
	WHOLE("esp", REDIRECTED, .proto = IPPROTO_ESP, .payload = 20),
	WHOLE("sctp", REDIRECTED, .proto = IPPROTO_SCTP, .payload = 20),
	WHOLE("first fragment", PUNTED, UDP, .more = true),
	WHOLE("later fragment", REDIRECTED_FRAGMENT, UDP, .part = 1480, .more = true),
	WHOLE("last fragment", REDIRECTED_FRAGMENT, TCP, .part = 2960),
	WHOLE("fragment up to the end", REDIRECTED_FRAGMENT, TCP, .part = 65488),
	WHOLE("fragment beyond it", DROP_MALFORMED, .payload = 48, .part = 65488),
	WHOLE("ipv6 tcp", PUNTED, V6, TCP),
	WHOLE("ipv6 tcp, no payload", STACK_NO_PAYLOAD, V6),
	WHOLE("ipv6 udp", PUNTED, V6, UDP),
	WHOLE("ipv6 one tag", PUNTED, V6, TCP, .tags = 1),
	WHOLE("ipv6 two tags", PUNTED, V6, UDP, .tags = 2),
	WHOLE("ipv6 hop-by-hop", PUNTED, V6, UDP, EXT(IPPROTO_HOPOPTS)),
	WHOLE("ipv6 routing", PUNTED, V6, TCP, EXT(IPPROTO_ROUTING)),
	WHOLE("ipv6 destination options", PUNTED, V6, TCP, EXT(IPPROTO_DSTOPTS)),
	WHOLE("ipv6 authentication", PUNTED, V6, TCP, EXT(IPPROTO_AH)),
	WHOLE("ipv6 mobility", PUNTED, V6, TCP, EXT(IPPROTO_MH)),
	WHOLE("ipv6 atomic fragment", PUNTED, V6, UDP, EXT(IPPROTO_FRAGMENT)),
	WHOLE("ipv6 many", PUNTED, V6, UDP,
	      EXT(IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING, IPPROTO_AH, IPPROTO_DSTOPTS)),
	WHOLE("ipv6 eight", PUNTED, V6, UDP,
	      EXT(IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_DSTOPTS, IPPROTO_DSTOPTS,
		  IPPROTO_DSTOPTS, IPPROTO_DSTOPTS, IPPROTO_DSTOPTS, IPPROTO_DSTOPTS)),
	WHOLE("ipv6 first fragment", PUNTED, V6, UDP, EXT(IPPROTO_FRAGMENT), .more = true),
	WHOLE("ipv6 later fragment", REDIRECTED_FRAGMENT, V6, UDP, EXT(IPPROTO_FRAGMENT),
	      .part = 1448),
	WHOLE("ipv6 fragment up to the end", REDIRECTED_FRAGMENT, V6, UDP, EXT(IPPROTO_FRAGMENT),
	      .part = 65488),
	WHOLE("ipv6 fragment beyond it", DROP_MALFORMED, V6, .payload = 48, EXT(IPPROTO_FRAGMENT),
	      .part = 65488),
	WHOLE("ipv6 options, first fragment", PUNTED, V6, TCP,
	      EXT(IPPROTO_HOPOPTS, IPPROTO_FRAGMENT), .more = true),
	WHOLE("ipv6 echo", REDIRECTED, V6, .proto = IPPROTO_ICMPV6, .icmp_type = 128, .payload = 8),
	WHOLE("ipv6 echo reply", REDIRECTED, V6, .proto = IPPROTO_ICMPV6, .icmp_type = 129),
	WHOLE("ipv6 too big", STACK_CONTROL, V6, .proto = IPPROTO_ICMPV6, .icmp_type = 2,
	      .payload = 48),
	WHOLE("neighbour solicitation", STACK_CONTROL, V6, .proto = IPPROTO_ICMPV6,
	      .icmp_type = 135, .payload = 16),
	WHOLE("ipv6 gre", REDIRECTED, V6, .proto = IPPROTO_GRE, .payload = 20),
	WHOLE("ipv6 no next header", REDIRECTED, V6, .proto = IPPROTO_NONE),
	WHOLE("pppoe", PUNTED, TCP, .session = 1),
	WHOLE("pppoe, padded", PUNTED, UDP, .session = 2, .padding = 9),
	WHOLE("pppoe, bare ack", STACK_NO_PAYLOAD, .session = 0xfffe),
	WHOLE("pppoe, short protocol", PUNTED, TCP, .session = 3, .narrow = true),
	WHOLE("pppoe in a tag", PUNTED, UDP, .session = 4, .tags = 1),
	WHOLE("pppoe in two tags", PUNTED, UDP, .session = 4, .tags = 2, .options = 8),
	WHOLE("pppoe, fragment", REDIRECTED_FRAGMENT, UDP, .session = 4, .part = 1400),
	WHOLE("pppoe ipv6", PUNTED, V6, TCP, .session = 5, .padding = 1),
	WHOLE("pppoe ipv6, short protocol", PUNTED, V6, UDP, .session = 5, .narrow = true),
	WHOLE("pppoe ipv6, extensions", PUNTED, V6, UDP, .session = 5, .tags = 2,
	      EXT(IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_AH)),
	WHOLE("pppoe, no such session", STACK_PPPOE, UDP, .session = 0xffff),
	WHOLE("pppoe to the gateway", STACK_LOCAL, TCP, .session = 1, .local = true),
	WHOLE("pppoe multicast", STACK_MULTICAST, UDP, .session = 1, .multicast = true),
	WHOLE("arp", STACK_NOT_IP, .ip = SHAPE_ARP),
	WHOLE("arp broadcast, tagged", STACK_NOT_IP, .ip = SHAPE_ARP, .tags = 1, .multicast = true),
	WHOLE("multicast", STACK_MULTICAST, UDP, .multicast = true),
	WHOLE("ipv6 multicast, tagged", STACK_MULTICAST, V6, UDP, .tags = 1, .multicast = true),
	WHOLE("to the gateway", STACK_LOCAL, TCP, .local = true),
};

static bool is_drop(int reason)
{
	static const enum weir_reason_kind kinds[] = {
#define X(id, kind, name, help) WEIR_KIND_##kind,
		WEIR_REASONS(X)
#undef X
	};

	return kinds[reason] == WEIR_KIND_DROP;
}

/* The program's return value has to be the one that goes with the reason. */
static bool action_fits(const struct rig *r, const struct outcome *out)
{
	bool tc = r->hook == RIG_TC;

	if (out->reason == WEIR_REASON_PUNTED)
		return out->punted;
	if (out->reason == WEIR_REASON_REDIRECTED || out->reason == WEIR_REASON_REDIRECTED_FRAGMENT)
		return out->action == (tc ? TC_ACT_REDIRECT : XDP_REDIRECT) && !out->punted;
	if (is_drop(out->reason))
		return out->action == (tc ? TC_ACT_SHOT : XDP_DROP);
	return out->action == (tc ? TC_ACT_UNSPEC : XDP_PASS);
}

static void expect(struct rig *r, const struct frame_case *c, const struct built *frame, int reason)
{
	struct outcome out;

	rig_run(r, RIG_A, frame->data, frame->len, &out);
	if (out.reason != reason || !action_fits(r, &out) || out.bytes != frame->len ||
	    out.segments != 1 || out.port != RIG_A)
		fail_msg("%s, %zu bytes: reason %d instead of %d, action %d, %llu bytes",
			 c->shape.name, frame->len, out.reason, reason, out.action,
			 (unsigned long long)out.bytes);
	rig_forget(r);
}

static void whole_frames(void **state)
{
	struct built frame;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		shape_build(&cases[i].shape, &frame);
		expect(*state, &cases[i], &frame, cases[i].reason);
	}
}

static int cut_reason(const struct frame_case *c, const struct built *frame, size_t len)
{
	if (len < frame->link)
		return len >= ETH_HLEN ? WEIR_REASON_DROP_MALFORMED : RIG_BROKEN;
	if (c->reason == WEIR_REASON_STACK_PPPOE)
		return c->reason;
	if (frame->ppp && len < frame->len - c->shape.padding)
		return WEIR_REASON_DROP_MALFORMED;
	if (c->reason == WEIR_REASON_STACK_NOT_IP || c->reason == WEIR_REASON_STACK_MULTICAST ||
	    c->reason == WEIR_REASON_STACK_LOCAL)
		return c->reason;
	return len < frame->len - c->shape.padding ? WEIR_REASON_DROP_MALFORMED : c->reason;
}

/* A TC test run refuses untagged IP without a whole IP header; no device brings it either. */
static size_t cut_least(const struct rig *r, const struct shape *s)
{
	if (r->hook == RIG_XDP || s->tags || s->session || s->ip == SHAPE_ARP)
		return ETH_HLEN;
	return ETH_HLEN + (s->ip == 6 ? 40 : 20);
}

/* The frame ends before the length in its IP header says so. */
static void cut_frames(void **state)
{
	struct rig *r = *state;
	struct built frame, cut;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		shape_build(&cases[i].shape, &frame);
		cut = frame;
		for (cut.len = cut_least(r, &cases[i].shape); cut.len < frame.len; cut.len++)
			expect(r, &cases[i], &cut, cut_reason(&cases[i], &frame, cut.len));
	}
}

static bool has_flow(enum weir_reason r)
{
	return r == WEIR_REASON_PUNTED || r == WEIR_REASON_STACK_NO_PAYLOAD ||
	       r == WEIR_REASON_REDIRECTED;
}

/* The IP header knows the shorter length, so only the headers behind it are cut. */
static void short_packets(void **state)
{
	struct built frame, cut;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct frame_case *c = &cases[i];
		size_t ip = c->shape.ip == 6 ? 40 : 20 + c->shape.options;

		if (c->shape.part || (!has_flow(c->reason) && !c->shape.more))
			continue;
		shape_build(&c->shape, &frame);
		for (size_t len = frame.link + ip; len < frame.len - c->shape.padding; len++) {
			int reason = c->reason;

			cut = frame;
			shape_shorten(&cut, len);
			if (len < frame.headers ||
			    (c->shape.proto == IPPROTO_UDP && !c->shape.more))
				reason = WEIR_REASON_DROP_MALFORMED;
			else if (reason == WEIR_REASON_PUNTED && len == frame.headers &&
				 !c->shape.more)
				reason = WEIR_REASON_STACK_NO_PAYLOAD;
			expect(*state, c, &cut, reason);
		}
	}
}

struct spoiled {
	struct frame_case base;
	int at; /* from the IP header on */
	uint8_t value;
};

/* One byte that contradicts the rest. */
static void malformed_headers(void **state)
{
	static const struct spoiled spoiled[] = {
		{WHOLE("ip version 5", DROP_MALFORMED, TCP), 0, 0x55},
		{WHOLE("ip header of 16 bytes", DROP_MALFORMED, TCP), 0, 0x44},
		{WHOLE("ip header beyond the packet", DROP_MALFORMED, .proto = IPPROTO_ESP), 0,
		 0x4f},
		{WHOLE("ip length below its header", DROP_MALFORMED, TCP), 3, 19},
		{WHOLE("ip length beyond the frame", DROP_MALFORMED, TCP), 3, 81},
		{WHOLE("tcp header of 16 bytes", DROP_MALFORMED, TCP), 32, 0x40},
		{WHOLE("tcp header beyond the packet", DROP_MALFORMED, .padding = 40), 32, 0x60},
		{WHOLE("udp length of 7", DROP_MALFORMED, UDP), 25, 7},
		{WHOLE("udp length beyond the packet", DROP_MALFORMED, UDP), 25, 49},
		{WHOLE("udp length short", PUNTED, UDP), 25, 20},
		{WHOLE("ipv6 version 4", DROP_MALFORMED, V6, TCP), 0, 0x40},
		{WHOLE("ipv6 length beyond the frame", DROP_MALFORMED, V6, TCP), 5, 61},
		{WHOLE("ipv6 option header beyond the packet", DROP_MALFORMED, V6, UDP,
		       EXT(IPPROTO_DSTOPTS)),
		 41, 200},
		{WHOLE("ipv6 option header into the padding", DROP_MALFORMED, V6,
		       .proto = IPPROTO_ESP, .payload = 8, EXT(IPPROTO_DSTOPTS), .padding = 40),
		 41, 3},
		{WHOLE("ipv6 header in pppoe for ipv4", DROP_MALFORMED, TCP, .session = 1), 0,
		 0x60},
		{WHOLE("pppoe of another version", STACK_PPPOE, TCP, .session = 1), -8, 0x12},
		{WHOLE("pppoe that ends a session", STACK_PPPOE, TCP, .session = 1), -7, 0xa7},
		{WHOLE("pppoe without a session", STACK_PPPOE, TCP, .session = 1), -5, 0},
		{WHOLE("pppoe length short", DROP_MALFORMED, TCP, .session = 1), -3, 81},
		{WHOLE("pppoe length long", DROP_MALFORMED, TCP, .session = 1), -3, 83},
		{WHOLE("pppoe length into the padding", PUNTED, TCP, .session = 1, .padding = 4),
		 -3, 86},
		{WHOLE("pppoe length below its protocol", DROP_MALFORMED, TCP, .session = 1), -3,
		 1},
		{WHOLE("pppoe discovery", STACK_PPPOE, TCP, .session = 1), -9, 0x63},
		{WHOLE("ppp link control", STACK_PPPOE, TCP, .session = 1), -2, 0xc0},
		{WHOLE("ppp of bridges", STACK_PPPOE, TCP, .session = 1), -2, 0x31},
		{WHOLE("ppp short, of another protocol", STACK_PPPOE, V6, TCP, .session = 1,
		       .narrow = true),
		 -1, 0x59},
		{WHOLE("ipv6 fragment of a fragment", REDIRECTED_FRAGMENT, V6, UDP,
		       EXT(IPPROTO_FRAGMENT, IPPROTO_FRAGMENT)),
		 51, 8},
	};
	struct built frame;

	for (size_t i = 0; i < ARRAY_SIZE(spoiled); i++) {
		shape_build(&spoiled[i].base.shape, &frame);
		frame.data[frame.link + spoiled[i].at] = spoiled[i].value;
		expect(*state, &spoiled[i].base, &frame, spoiled[i].base.reason);
	}
}

static void too_many_extensions(void **state)
{
	struct frame_case c = {
		.shape = {.name = "nine extension headers", .ip = 6, .payload = 8, .exts = 9}};
	struct built frame;

	memset(c.shape.ext, IPPROTO_DSTOPTS, sizeof(c.shape.ext));
	shape_build(&c.shape, &frame);
	expect(*state, &c, &frame, WEIR_REASON_DROP_MALFORMED);
}

static void three_tags(void **state)
{
	struct frame_case c = {.shape = {.name = "three tags", .tags = 2, .payload = 8}};
	struct built frame;

	shape_build(&c.shape, &frame);
	frame.data[20] = 0x81;
	frame.data[21] = 0x00;
	expect(*state, &c, &frame, WEIR_REASON_STACK_NOT_IP);
}

/* Every bit of one frame flipped: still one reason each, whatever it is. */
static void flipped_bits(void **state)
{
	struct rig *r = *state;
	struct shape shapes[] = {{TCP, .tags = 1, .options = 8},
				 {V6, UDP, EXT(IPPROTO_HOPOPTS, IPPROTO_FRAGMENT, IPPROTO_AH)},
				 {UDP, .session = 9, .tags = 1}};
	struct outcome out;
	struct built frame;

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		shape_build(&shapes[i], &frame);
		for (size_t bit = 0; bit < frame.headers * 8; bit++) {
			frame.data[bit / 8] ^= 1 << bit % 8;
			rig_run(r, RIG_A, frame.data, frame.len, &out);
			frame.data[bit / 8] ^= 1 << bit % 8;
			if (out.reason == RIG_BROKEN || !action_fits(r, &out))
				fail_msg("bit %zu: reason %d, action %d", bit, out.reason,
					 out.action);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(whole_frames),	     RIG_TEST(cut_frames), RIG_TEST(short_packets),
		RIG_TEST(malformed_headers), RIG_TEST(three_tags), RIG_TEST(too_many_extensions),
		RIG_TEST(flipped_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

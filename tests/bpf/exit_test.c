// SPDX-License-Identifier: GPL-2.0-only
/* Exits: how frames leave that pass, what a flow does that changes its exit, and the programs
 * beside the gate that a frame meets on its way. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/rig.h"
#include "weir/exit.h"

#define SECRET UINT64_C(0x0123456789abcdef)
#define MASK   WEIR_MARK_DEFAULT
#define PIPE   77

static const struct shape tcp = {DATA};

static void exits_set(struct rig *r)
{
	r->ctl->exit_secret = SECRET;
	r->ctl->mark_mask = MASK;
	r->ctl->settle_wire_ms = r->ctl->settle_queue_ms = 60000;
}

static uint32_t left; /* bytes of the frame after the last run */

/* Runs a TC program over data; ctx goes in and comes out. */
static int tc_run(const struct rig *r, const char *name, struct __sk_buff *ctx, const void *data,
		  size_t len)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(r->queue, name);
	uint8_t out[4096];
	struct __sk_buff after = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data, .data_size_in = len, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = ctx, .ctx_size_in = sizeof(*ctx),
		    .ctx_out = &after, .ctx_size_out = sizeof(after));

	assert_non_null(prog);
	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		fail_msg("%s: %s", name, strerror(errno));
	*ctx = after;
	left = opts.data_size_out;
	return (int)opts.retval;
}

static void decided_flows_leave_by_their_exit(void **state)
{
	struct rig *r = *state;
	struct weir_shape shape;
	struct outcome out;

	exits_set(r);
	rig_exit(r, RIG_WEB, WEIR_EXIT_STACK, 0);
	rig_exit(r, RIG_PING, WEIR_EXIT_SHAPED, PIPE);
	rig_identify(r, &tcp, RIG_WEB);
	r->ctl->settle_wire_ms = 0;
	SEND(r, STACK_EXIT, DATA);
	assert_int_equal(
		rig_send(r, &(struct shape){.proto = IPPROTO_ICMP, .icmp_type = 8, .sport = 7},
			 &out),
		WEIR_REASON_STACK_SHAPED);
	if (r->hook == RIG_TC) {
		assert_int_equal(out.action, TC_ACT_UNSPEC);
		return;
	}
	/* Its pipe is in front of it. */
	assert_int_equal(out.action, XDP_PASS);
	memcpy(&shape, out.data, sizeof(shape));
	assert_int_equal(shape.secret, (uint32_t)SECRET);
	assert_int_equal(shape.pipe, PIPE);
}

/* Decided after frames that the slow path sent by the wire: what follows waits for those. */
static void a_first_exit_waits_for_the_wire(void **state)
{
	struct rig *r = *state;
	struct outcome out;

	exits_set(r);
	rig_exit(r, RIG_WEB, WEIR_EXIT_SHAPED, PIPE);
	rig_identify(r, &tcp, RIG_WEB);
	assert_int_equal(rig_send(r, &tcp, &out), WEIR_REASON_PUNTED);
	assert_true(out.punt.flags & WEIR_PUNT_SETTLE);
	assert_true(out.punt.flags & WEIR_PUNT_DECIDED);
	assert_int_equal(WEIR_PUNT_EXIT_OF(out.punt.flags), WEIR_EXIT_SHAPED);
	assert_int_equal(weir_punt_pipe(out.punt.traits), PIPE);
	assert_in_range(weir_punt_settle_ms(out.punt.traits), 50000, 60000);
	/* Over, but that frame is still up there. */
	r->ctl->settle_wire_ms = 0;
	assert_int_equal(rig_send(r, &tcp, &out), WEIR_REASON_PUNTED);
	assert_false(out.punt.flags & WEIR_PUNT_SETTLE);
	rig_finish(r);
	SEND(r, STACK_SHAPED, DATA);
}

static void another_exit_waits_for_the_old_one(void **state)
{
	struct rig *r = *state;
	struct outcome out;

	exits_set(r);
	rig_identify(r, &tcp, RIG_WEB);
	SEND(r, REDIRECTED, DATA);
	/* From the wire. */
	rig_exit(r, RIG_WEB, WEIR_EXIT_STACK, 0);
	r->ctl->generation += 2;
	assert_int_equal(rig_send(r, &tcp, &out), WEIR_REASON_PUNTED);
	assert_true(out.punt.flags & WEIR_PUNT_SETTLE);
	rig_finish(r);
	r->ctl->settle_wire_ms = 0;
	SEND(r, STACK_EXIT, DATA);
	/* From the stack, whose bound is another; segments without payload wait too. */
	rig_exit(r, RIG_WEB, WEIR_EXIT_WIRE, 0);
	r->ctl->generation += 2;
	assert_int_equal(rig_send(r, &(struct shape){0}, &out), WEIR_REASON_PUNTED);
	assert_true(out.punt.flags & WEIR_PUNT_SETTLE);
	assert_int_equal(WEIR_PUNT_EXIT_OF(out.punt.flags), WEIR_EXIT_WIRE);
	rig_finish(r);
	/* Nobody to wait with. */
	r->ctl->workers = 0;
	SEND(r, DROP_HANDOVER, DATA);
	r->ctl->settle_queue_ms = 0;
	SEND(r, REDIRECTED, DATA);
}

static void another_pipe_is_another_exit(void **state)
{
	struct rig *r = *state;

	exits_set(r);
	r->ctl->settle_wire_ms = 0;
	rig_exit(r, RIG_WEB, WEIR_EXIT_SHAPED, 1);
	rig_identify(r, &tcp, RIG_WEB);
	SEND(r, STACK_SHAPED, DATA);
	r->ctl->generation += 2;
	SEND(r, STACK_SHAPED, DATA);
	rig_exit(r, RIG_WEB, WEIR_EXIT_SHAPED, 2);
	r->ctl->generation += 2;
	SEND(r, PUNTED, DATA);
}

static void egress_turns_the_mark_into_a_class(void **state)
{
	static const uint8_t frame[64] = {2};
	struct rig *r = *state;
	struct __sk_buff skb = {.mark = weir_mark(MASK, PIPE) | 5, .priority = 3};

	exits_set(r);
	assert_int_equal(tc_run(r, "weir_egress", &skb, frame, sizeof(frame)), TC_ACT_UNSPEC);
	assert_int_equal(skb.priority, 1 << 16 | PIPE);
	assert_int_equal(skb.mark, 5);
	/* Others' marks, and none, are left alone. */
	skb = (struct __sk_buff){.mark = 5, .priority = 3};
	tc_run(r, "weir_egress", &skb, frame, sizeof(frame));
	assert_int_equal(skb.priority, 3);
	assert_int_equal(skb.mark, 5);
	/* "Given back": no class. */
	skb = (struct __sk_buff){.mark = MASK | 5, .priority = 3};
	tc_run(r, "weir_egress", &skb, frame, sizeof(frame));
	assert_int_equal(skb.priority, 3);
	assert_int_equal(skb.mark, 5);
}

static void pair_set(struct rig *r, uint32_t flags)
{
	struct weir_port_of of = {.ifindex = 1, .port = RIG_A};
	uint32_t lo = 1;

	rig_put(r, "weir_port_of", &lo, &of);
	rig_port_flags(r, RIG_A, flags);
}

static uint64_t lost(struct rig *r)
{
	return rig_sum(r, "weir_counters", RIG_A * WEIR_REASON_STRIDE + WEIR_REASON_DROP_PAIR_LOST);
}

/* What comes out of a pair goes on by its trailer alone; without one, out of a TC port. */
static void the_near_end_obeys_the_trailer(void **state)
{
	struct weir_trailer trailer = {.secret = SECRET, .exit = WEIR_EXIT_SHAPED, .pipe = PIPE};
	struct rig *r = *state;
	struct __sk_buff skb = {0};
	uint8_t frame[100] = {2};

	exits_set(r);
	pair_set(r, RIG_PORT_USUAL);
	assert_int_equal(tc_run(r, "weir_pair_near", &skb, frame, sizeof(frame)), TC_ACT_SHOT);
	assert_int_equal(lost(r), 1);
	memcpy(frame + sizeof(frame) - sizeof(trailer), &trailer, sizeof(trailer));
	assert_int_equal(tc_run(r, "weir_pair_near", &skb, frame, sizeof(frame)), TC_ACT_STOLEN);
	assert_int_equal(skb.mark, weir_mark(MASK, PIPE));
	assert_int_equal(left, sizeof(frame) - sizeof(trailer));
	assert_int_equal(lost(r), 1);
	/* Somebody else's idea of one. */
	frame[sizeof(frame) - sizeof(trailer)] ^= 1;
	skb = (struct __sk_buff){0};
	assert_int_equal(tc_run(r, "weir_pair_near", &skb, frame, sizeof(frame)), TC_ACT_SHOT);
	assert_int_equal(lost(r), 2);
	pair_set(r, RIG_PORT_USUAL | WEIR_PORT_TC);
	assert_int_equal(tc_run(r, "weir_pair_near", &skb, frame, sizeof(frame)), TC_ACT_STOLEN);
	assert_int_equal(lost(r), 2);
}

/* A frame that was given back is not the gate's a second time. */
static void given_back_frames_pass(void **state)
{
	struct weir_trailer trailer = {.secret = SECRET, .exit = WEIR_EXIT_STACK};
	struct __sk_buff skb = {.mark = MASK | 5};
	struct rig *r = *state;
	struct outcome out;
	uint8_t frame[100] = {2};

	exits_set(r);
	memcpy(frame + sizeof(frame) - sizeof(trailer), &trailer, sizeof(trailer));
	if (r->hook == RIG_TC) {
		assert_int_equal(tc_run(r, "weir_queue", &skb, frame, sizeof(frame)),
				 TC_ACT_UNSPEC);
		assert_int_equal(skb.mark, 5);
		return;
	}
	/* Without the trailer, and counted under nothing. */
	rig_port_flags(r, RIG_A, RIG_PORT_USUAL | WEIR_PORT_GENERIC);
	rig_run(r, RIG_A, frame, sizeof(frame), &out);
	assert_int_equal(out.action, XDP_PASS);
	assert_int_equal(out.reason, RIG_BROKEN);
	assert_int_equal(out.len, sizeof(frame) - sizeof(trailer));
	frame[sizeof(frame) - sizeof(trailer)] ^= 1;
	rig_run(r, RIG_A, frame, sizeof(frame), &out);
	assert_int_equal(out.reason, WEIR_REASON_STACK_NOT_IP);
	assert_int_equal(out.len, sizeof(frame));
	/* A native port gets none, and looks for none. */
	frame[sizeof(frame) - sizeof(trailer)] ^= 1;
	rig_port_flags(r, RIG_A, RIG_PORT_USUAL);
	rig_run(r, RIG_A, frame, sizeof(frame), &out);
	assert_int_equal(out.reason, WEIR_REASON_STACK_NOT_IP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(decided_flows_leave_by_their_exit),
		RIG_TEST(a_first_exit_waits_for_the_wire),
		RIG_TEST(another_exit_waits_for_the_old_one),
		RIG_TEST(another_pipe_is_another_exit),
		RIG_TEST(egress_turns_the_mark_into_a_class),
		RIG_TEST(the_near_end_obeys_the_trailer),
		RIG_TEST(given_back_frames_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

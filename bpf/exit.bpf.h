/* SPDX-License-Identifier: GPL-2.0-only */
/* Exits other than the redirect: marks and trailers that tell the kernel's own path, or the near
 * end of a port's veth pair, how a frame leaves (weir/exit.h). */
#ifndef WEIR_EXIT_BPF_H
#define WEIR_EXIT_BPF_H

#include <linux/pkt_cls.h>

#include "frame.bpf.h"
#include "weir/exit.h"

/* ---- which exit ---- */

/* The reason that ends a frame which passes by another exit than the wire. LOCAL is
 * delivered by the stack too: nothing asks for it yet. */
static __always_inline int exit_by_stack(struct frame *f, const struct weir_flow *flow)
{
	if (flow->exit != WEIR_EXIT_SHAPED)
		return WEIR_REASON_STACK_EXIT;
	f->pipe = flow->pipe;
	return WEIR_REASON_STACK_SHAPED;
}

/* The reason that ends a frame of a decided flow which passes. */
static __always_inline int exit_reason(struct frame *f, const struct weir_flow *flow)
{
	if (unlikely(flow->exit != WEIR_EXIT_WIRE))
		return exit_by_stack(f, flow);
	return frame_egress(f, flow, WEIR_PORT_REDIRECT);
}

/*
 * How a frame leaves that is punted: by its flow's exit where the outgoing port allows that, by the
 * stack where that port is not known or cannot be redirected to. Returns REDIRECTED with exit and
 * egress set, or the reason why it is the stack's without the slow path: the outgoing port is
 * switched off, or there is no pair to give it back by.
 */
static __always_inline int exit_of_punt(struct frame *f, const struct weir_flow *flow)
{
	const struct weir_port *in;
	__u32 port = f->port;
	int r;

	f->exit = flow->exit;
	r = frame_egress(f, flow, flow->exit == WEIR_EXIT_WIRE ? WEIR_PORT_REDIRECT : 0);
	if (likely(r == WEIR_REASON_REDIRECTED))
		return r;
	in = bpf_map_lookup_elem(&weir_ports, &port);
	if (!in || !in->punt_ifindex)
		return frame_egress(f, flow, 0);
	if (r == WEIR_REASON_STACK_NO_REDIRECT && frame_other_disabled(f, flow))
		return r;
	f->exit = WEIR_EXIT_STACK;
	f->egress = WEIR_PORT_NONE;
	return WEIR_REASON_REDIRECTED;
}

/* ---- a flow that changes it ---- */

/* Flags to set on a flow that is decided again with another exit or pipe; decided_ns then becomes
 * now. 0: its frames go on as before. */
static __always_inline __u32 exit_change(const struct weir_flow *flow, __u8 exit, __u16 pipe)
{
	__u32 queued = flow->flags & WEIR_FLOW_QUEUED;

	if (flow->exit == exit && (exit != WEIR_EXIT_SHAPED || flow->pipe == pipe))
		return 0;
	if (flow->exit != WEIR_EXIT_WIRE)
		queued = WEIR_FLOW_QUEUED;
	return WEIR_FLOW_SETTLE | WEIR_FLOW_HANDOVER(0) | WEIR_FLOW_HANDOVER(1) | queued;
}

/* For how many milliseconds more frames of the old exit may be on their way. */
static __always_inline __u32 exit_settle_ms(const struct weir_flow *flow)
{
	const struct weir_ctl *ctl = ctl_get();
	__u64 bound_ns, past_ns;

	if (!(flow->flags & WEIR_FLOW_SETTLE) || !ctl)
		return 0;
	bound_ns = (flow->flags & WEIR_FLOW_QUEUED ? ctl->settle_queue_ms : ctl->settle_wire_ms) *
		   1000000ULL;
	past_ns = bpf_ktime_get_ns() - flow->decided_ns;
	return past_ns < bound_ns ? (bound_ns - past_ns) / 1000000 + 1 : 0;
}

/* The same; notes that it is over. */
static __always_inline bool exit_settles(struct weir_flow *flow)
{
	if (!(flow->flags & WEIR_FLOW_SETTLE))
		return false;
	if (exit_settle_ms(flow))
		return true;
	__sync_fetch_and_and(&flow->flags, ~(WEIR_FLOW_SETTLE | WEIR_FLOW_QUEUED));
	return false;
}

/* ---- XDP ---- */

/*
 * Cuts off the trailer of a frame that the slow path gives back to a port hooked by generic XDP.
 * Whether there was one.
 */
static __always_inline bool exit_xdp_strip(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct weir_ctl *ctl = ctl_get();
	const struct weir_trailer *trailer;
	__u32 at = end - data;

	if (!ctl || !ctl->exit_secret || at < ETH_HLEN + sizeof(*trailer) || at > 0xffff)
		return false;
	at -= sizeof(*trailer);
	asm volatile("%0 &= 0xffff" : "+r"(at));
	trailer = data + at;
	if ((void *)(trailer + 1) > end || trailer->secret != ctl->exit_secret)
		return false;
	/* Making a frame shorter does not fail. */
	bpf_xdp_adjust_tail(ctx, -(int)sizeof(*trailer));
	return true;
}

/* Tells the port's TC ingress program the pipe. The frame is as it was where that fails: it goes
 * through the port's queueing disciplines all the same. */
static __always_inline void exit_xdp_shape(struct xdp_md *ctx, __u16 pipe)
{
	const struct weir_ctl *ctl = ctl_get();
	struct weir_shape *shape;

	if (!pipe || !ctl || bpf_xdp_adjust_meta(ctx, -(int)sizeof(*shape)))
		return;
	shape = (void *)(long)ctx->data_meta;
	if ((void *)(shape + 1) <= (void *)(long)ctx->data)
		*shape = (struct weir_shape){.secret = ctl->exit_secret, .pipe = pipe};
}

/* ---- TC ---- */

static __always_inline void exit_mark(struct __sk_buff *skb, __u32 value)
{
	const struct weir_ctl *ctl = ctl_get();

	if (ctl)
		skb->mark = (skb->mark & ~ctl->mark_mask) | weir_mark(ctl->mark_mask, value);
}

/* Whether the slow path gave this frame back; its mark is gone then. */
static __always_inline bool exit_unmark(struct __sk_buff *skb)
{
	const struct weir_ctl *ctl = ctl_get();

	if (!ctl || !ctl->mark_mask || (skb->mark & ctl->mark_mask) != ctl->mark_mask)
		return false;
	skb->mark &= ~ctl->mark_mask;
	return true;
}

/* Reads the trailer of a frame that comes out of a pair; false when it has none. */
static __always_inline bool exit_trailer(struct __sk_buff *skb, struct weir_trailer *trailer)
{
	const struct weir_ctl *ctl = ctl_get();

	if (!ctl || !ctl->exit_secret || skb->len < ETH_HLEN + sizeof(*trailer))
		return false;
	if (bpf_skb_load_bytes(skb, skb->len - sizeof(*trailer), trailer, sizeof(*trailer)))
		return false;
	return trailer->secret == ctl->exit_secret;
}

static __always_inline bool exit_cut(struct __sk_buff *skb)
{
	return !bpf_skb_change_tail(skb, skb->len - sizeof(struct weir_trailer), 0);
}

/*
 * Sends a frame that came out of a pair. A clone, because the frame itself belongs to the worker's
 * socket: it would count as not yet sent, and against the socket's send buffer, for as long as a
 * queueing discipline holds it.
 */
static __always_inline int exit_send(struct __sk_buff *skb, __u32 ifindex, __u64 flags)
{
	long r = bpf_clone_redirect(skb, ifindex, flags);

	/* What a queueing discipline drops (above 0) is counted there. */
	return r < 0 || (r && flags & BPF_F_INGRESS) ? TC_ACT_SHOT : TC_ACT_STOLEN;
}

/* As if the frame had just come in on the port. */
static __always_inline int exit_to_stack(struct __sk_buff *skb, const struct weir_port *port)
{
	__u32 ifindex = port->ifindex, flags = port->flags;

	if (!(flags & WEIR_PORT_GENERIC) && !exit_cut(skb))
		return TC_ACT_SHOT;
	if (flags & WEIR_PORT_TC)
		exit_mark(skb, ~0u);
	return exit_send(skb, ifindex, BPF_F_INGRESS);
}

/* Through the port's queueing disciplines, in the pipe's class. */
static __always_inline int exit_to_pipe(struct __sk_buff *skb, const struct weir_port *port,
					__u16 pipe)
{
	__u32 ifindex = port->ifindex;

	if (!exit_cut(skb))
		return TC_ACT_SHOT;
	exit_mark(skb, pipe);
	return exit_send(skb, ifindex, 0);
}

#endif

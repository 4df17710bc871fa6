// SPDX-License-Identifier: GPL-2.0-only
/* The gate on XDP, native or generic. */
#include "verdict.bpf.h"

char _license[] SEC("license") = "GPL";

/* Writes the metadata and steers to the worker's socket. False: the frame is as it was. */
static __always_inline bool xdp_punt(struct xdp_md *ctx, struct frame *f)
{
	struct weir_punt *meta;
	__u32 *sent;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		return false;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) <= (void *)(long)ctx->data) {
		*meta = *frame_punt(f);
		if (bpf_redirect_map(&weir_xsk, f->xsk, XDP_PASS) == XDP_REDIRECT) {
			sent = xsk_number(&weir_xsk_sent, f->xsk);
			if (sent)
				__sync_fetch_and_add(sent, 1);
			return true;
		}
	}
	bpf_xdp_adjust_meta(ctx, sizeof(*meta));
	return false;
}

/* Does what the reason says and counts it, once it is known to have worked. */
static __always_inline int xdp_finish(struct xdp_md *ctx, struct frame *f, int reason)
{
	int action = XDP_PASS;

	if (reason == WEIR_REASON_REDIRECTED) {
		action = bpf_redirect_map(&weir_devmap, f->egress, XDP_PASS);
		if (action == XDP_REDIRECT) {
			count_redirected(f->port, f->egress, f->bytes);
			return action;
		}
		count_cache(CACHE_DECIDED);
		reason = WEIR_REASON_STACK_NO_REDIRECT;
	}
	if (unlikely(reason == WEIR_REASON_PUNTED)) {
		if (xdp_punt(ctx, f))
			action = XDP_REDIRECT;
		else
			reason = f->fallback;
	}
	if (reason_leaves(reason)) {
		action = bpf_redirect_map(&weir_devmap, f->egress, XDP_PASS);
		if (action == XDP_REDIRECT)
			count_sent(f->egress, f->bytes);
		else
			reason = WEIR_REASON_STACK_NO_REDIRECT;
	}
	if (unlikely(reason == WEIR_REASON_STACK_SHAPED))
		exit_xdp_shape(ctx, f->pipe);
	count_reason(f->port, reason, 1, f->bytes, 1);
	return reason_is_drop(reason) ? XDP_DROP : action;
}

/* Reads a frame's headers again, whatever they are. A global function for the verifier's sake. */
__noinline int xdp_read_rare(struct xdp_md *ctx, struct frame *f)
{
	const struct weir_port *in = gate_reread(f);

	if (!in)
		return PACKET_SHORT;
	return packet_parse(&f->pkt, (void *)(long)ctx->data, (void *)(long)ctx->data_end,
			    in->local_mac, in->domain, PACKET_ALL);
}

SEC("xdp")
int weir_gate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct weir_port *in;
	struct frame f = {};
	int reason;

	f.bytes = f.wire = f.pkt.len = end - data;
	f.segments = 1;
	f.queue = ctx->rx_queue_index;
	reason = gate_enter(&f, ctx->ingress_ifindex, &in);
	if (unlikely(in && in->flags & WEIR_PORT_GENERIC) && exit_xdp_strip(ctx))
		return XDP_PASS;
	if (reason == PACKET_FLOW) {
		reason = packet_parse(&f.pkt, data, end, in->local_mac, in->domain, PACKET_COMMON);
		if (unlikely(reason == PACKET_RARE))
			reason = xdp_read_rare(ctx, &f);
		reason = gate_decide(&f, reason);
	}
	return xdp_finish(ctx, &f, reason);
}

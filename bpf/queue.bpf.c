// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate on TC ingress, the two ends of a port's veth pair, through which such a port punts and
 * every port's slow path sends what does not leave by the wire, and what carries the class from an
 * XDP port's frames to TC egress.
 */
#include <linux/pkt_cls.h>

#include "verdict.bpf.h"

char _license[] SEC("license") = "GPL";

#define QUEUE_HEADERS	   128	  /* bytes that hold the headers of nearly every frame */
#define QUEUE_HEADERS_MOST 2048	  /* and of any other */
#define QUEUE_ETHERTYPE	   0x88b5 /* IEEE 802 local experimental */

/* The chain goes on to the filters behind and then to the stack, on tcx and clsact alike. */
#define QUEUE_PASS TC_ACT_UNSPEC

/* Wire segments of an skb, and the bytes of the largest. */
static __always_inline void queue_segments(const struct __sk_buff *skb, struct frame *f)
{
	__u32 size = skb->gso_size, headers = f->pkt.headers;

	if (!size || f->bytes <= headers)
		return;
	f->segments = skb->gso_segs;
	if (!f->segments)
		f->segments = (f->pkt.len - headers + size - 1) / size;
	if (headers + size < f->pkt.len)
		f->wire = headers + size + (f->bytes - f->pkt.len);
}

/*
 * Reads the headers in the linear part. A global function: it is called twice and costs the
 * verifier more than all the rest.
 */
__noinline int queue_read(struct __sk_buff *skb, struct frame *f)
{
	const struct weir_port *in = gate_reread(f);

	if (!in)
		return PACKET_SHORT;
	if (skb->vlan_present)
		packet_tag(&f->pkt, skb->vlan_proto, bpf_htons(skb->vlan_tci));
	return packet_parse(&f->pkt, (void *)(long)skb->data, (void *)(long)skb->data_end,
			    in->local_mac, in->domain, PACKET_ALL);
}

/* Makes the linear part hold what the frame has of its first `want` bytes. */
static __always_inline int queue_pull(struct __sk_buff *skb, __u32 want)
{
	__u32 len = skb->len < want ? skb->len : want;

	if (skb->data_end - skb->data >= len)
		return 0;
	return bpf_skb_pull_data(skb, len);
}

static __always_inline int queue_parse(struct __sk_buff *skb, struct frame *f)
{
	int r;

	if (queue_pull(skb, QUEUE_HEADERS))
		return WEIR_REASON_STACK_TABLE;
	r = queue_read(skb, f);
	if (r != PACKET_SHORT)
		return r;
	if (queue_pull(skb, QUEUE_HEADERS_MOST))
		return WEIR_REASON_STACK_TABLE;
	return queue_read(skb, f);
}

/*
 * Sends the skb into the port's pair with the prefix in front and without its VLAN tags, which
 * would stand between the kernel and the headers that it has to segment. *changed: the skb is not
 * what it was any more.
 */
static __noinline bool queue_punt(struct __sk_buff *skb, struct frame *f, bool *changed)
{
	struct weir_prefix prefix = {.xsk = f->xsk, .tags = f->pkt.tags, .punt = *frame_punt(f)};
	const struct weir_port *in = bpf_map_lookup_elem(&weir_ports, &f->port);
	__u32 *sent = xsk_number(&weir_xsk_sent, f->xsk);

	if (!in || !in->punt_ifindex || !sent)
		return false;
	__builtin_memcpy(prefix.tag, f->pkt.tag, sizeof(prefix.tag));
	prefix.eth[0] = prefix.eth[6] = 0x02;
	prefix.eth[12] = QUEUE_ETHERTYPE >> 8;
	prefix.eth[13] = QUEUE_ETHERTYPE & 0xff;
#pragma unroll
	for (int i = 0; i < WEIR_VLAN_TAGS_MAX; i++) {
		if (i >= f->pkt.tags)
			break;
		*changed = true;
		if (bpf_skb_vlan_pop(skb))
			return false;
	}
	if (bpf_skb_change_head(skb, sizeof(prefix), 0))
		return false;
	*changed = true;
	if (bpf_skb_store_bytes(skb, 0, &prefix, sizeof(prefix), 0))
		return false;
	__sync_fetch_and_add(sent, f->segments);
	return bpf_redirect(in->punt_ifindex, 0) == TC_ACT_REDIRECT;
}

/* Does what the reason says and counts it, once it is known to have worked. */
static __always_inline int queue_finish(struct __sk_buff *skb, struct frame *f, int reason)
{
	const struct weir_port *out;
	bool changed = false, fell_back = false;
	int action = QUEUE_PASS;
	__u32 egress;

	if (reason == WEIR_REASON_PUNTED) {
		if (queue_punt(skb, f, &changed))
			action = TC_ACT_REDIRECT;
		else
			reason = changed ? WEIR_REASON_DROP_PUNT_LOST : f->fallback;
		fell_back = true;
	}
	if (reason_leaves(reason)) {
		egress = f->egress;
		out = bpf_map_lookup_elem(&weir_ports, &egress);
		action = bpf_redirect(out ? out->ifindex : 0, 0);
		if (!fell_back && reason == WEIR_REASON_REDIRECTED) {
			count_redirected(f->port, egress, f->bytes);
			/* What the row does not hold: an skb may be more than one wire frame. */
			if (f->segments > 1)
				count_reason(f->port, reason, 0, 0, f->segments - 1);
			return action;
		}
		count_sent(egress, f->bytes);
	}
	if (unlikely(reason == WEIR_REASON_STACK_SHAPED))
		exit_mark(skb, f->pipe);
	count_reason(f->port, reason, 1, f->bytes, f->segments);
	return reason_is_drop(reason) ? TC_ACT_SHOT : action;
}

SEC("tc")
int weir_queue(struct __sk_buff *skb)
{
	const struct weir_port *in;
	struct frame f = {};
	int reason;

	if (unlikely(skb->mark) && exit_unmark(skb))
		return QUEUE_PASS;
	f.pkt.len = skb->len;
	f.pkt.merged = skb->gso_size;
	f.bytes = f.wire = skb->len + (skb->vlan_present ? 4 : 0);
	f.segments = 1;
	f.hook = WEIR_PORT_TC;
	reason = gate_enter(&f, skb->ifindex, &in);
	if (reason == PACKET_FLOW) {
		reason = queue_parse(skb, &f);
		queue_segments(skb, &f);
		reason = gate_decide(&f, reason);
	}
	return queue_finish(skb, &f, reason);
}

/* Puts the VLAN tags back behind the addresses: the frame begins at data, `tags` * 4 bytes early.
 */
static __always_inline bool pair_restore(struct xdp_md *ctx, const struct weir_prefix *prefix)
{
	__u16 mac[6], *word = (void *)(long)ctx->data;
	__u32 tags = prefix->tags;

	if (tags > WEIR_VLAN_TAGS_MAX ||
	    (void *)word + sizeof(*prefix) + ETH_HLEN > (void *)(long)ctx->data_end)
		return false;
	__builtin_memcpy(mac, word + sizeof(*prefix) / 2, sizeof(mac));
	if (bpf_xdp_adjust_head(ctx, sizeof(*prefix) - tags * 4))
		return false;
	word = (void *)(long)ctx->data;
	if ((void *)word + ETH_HLEN + 4 * WEIR_VLAN_TAGS_MAX > (void *)(long)ctx->data_end)
		return false;
	__builtin_memcpy(word, mac, sizeof(mac));
	if (tags) {
		word[6] = prefix->tag[0][0];
		word[7] = prefix->tag[0][1];
	}
	if (tags > 1) {
		word[8] = prefix->tag[1][0];
		word[9] = prefix->tag[1][1];
	}
	return true;
}

static __always_inline bool pair_steer(struct xdp_md *ctx, const struct weir_prefix *prefix)
{
	struct weir_punt *meta;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		return false;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return false;
	*meta = prefix->punt;
	return bpf_redirect_map(&weir_xsk, prefix->xsk, XDP_DROP) == XDP_REDIRECT;
}

/*
 * Far end of the pair: a wire segment of what weir_queue() sent in, to the socket of its worker.
 * Nothing else belongs here. A segment that cannot go on is one that the port has lost.
 */
SEC("xdp")
int weir_pair_far(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct weir_prefix prefix;
	__u32 *sent;

	if (data + sizeof(prefix) > end)
		return XDP_DROP;
	__builtin_memcpy(&prefix, data, sizeof(prefix));
	if (prefix.eth[12] != QUEUE_ETHERTYPE >> 8 || prefix.eth[13] != (QUEUE_ETHERTYPE & 0xff))
		return XDP_DROP;
	if (pair_restore(ctx, &prefix) && pair_steer(ctx, &prefix))
		return XDP_REDIRECT;
	sent = xsk_number(&weir_xsk_sent, prefix.xsk);
	if (sent)
		__sync_fetch_and_add(sent, -1);
	count_reason(port_of(ctx->ingress_ifindex), WEIR_REASON_DROP_PUNT_LOST, 1, 0, 1);
	return XDP_DROP;
}

/*
 * Near end of the pair: what the slow path sent leaves by the exit that its trailer names. Without
 * one it leaves through the port, which is the wire of a TC port; an XDP port has other sockets for
 * that.
 */
SEC("tc")
int weir_pair_near(struct __sk_buff *skb)
{
	__u32 number = port_of(skb->ifindex), bytes = skb->len;
	const struct weir_port *port = bpf_map_lookup_elem(&weir_ports, &number);
	struct weir_trailer trailer;
	int action = TC_ACT_SHOT;

	if (port && port->ifindex) {
		if (!exit_trailer(skb, &trailer))
			action = port->flags & WEIR_PORT_TC ? exit_send(skb, port->ifindex, 0)
							    : TC_ACT_SHOT;
		else if (trailer.exit == WEIR_EXIT_SHAPED)
			action = exit_to_pipe(skb, port, trailer.pipe);
		else
			action = exit_to_stack(skb, port);
	}
	if (action == TC_ACT_SHOT)
		count_reason(number, WEIR_REASON_DROP_PAIR_LOST, 1, bytes, 1);
	return action;
}

/* TC ingress of an XDP port: what the gate wrote in front of a frame that is to be shaped becomes
 * its mark. */
SEC("tc")
int weir_ingress(struct __sk_buff *skb)
{
	struct weir_shape *shape = (void *)(long)skb->data_meta;
	const struct weir_ctl *ctl = ctl_get();

	if ((void *)(shape + 1) > (void *)(long)skb->data || !ctl ||
	    shape->secret != (__u32)ctl->exit_secret)
		return QUEUE_PASS;
	exit_mark(skb, shape->pipe);
	shape->secret = 0;
	return QUEUE_PASS;
}

/* TC egress of every port: the mark has got the class as far as this, and is nobody else's. */
SEC("tc")
int weir_egress(struct __sk_buff *skb)
{
	const struct weir_ctl *ctl;
	__u32 pipe;

	if (likely(!skb->mark) || exit_unmark(skb))
		return QUEUE_PASS;
	ctl = ctl_get();
	pipe = ctl ? weir_mark_value(ctl->mark_mask, skb->mark) : 0;
	if (!pipe)
		return QUEUE_PASS;
	skb->priority = WEIR_PIPE_PRIORITY(pipe);
	exit_mark(skb, 0);
	return QUEUE_PASS;
}

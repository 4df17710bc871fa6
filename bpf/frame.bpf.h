/* SPDX-License-Identifier: GPL-2.0-only */
/* One frame on its way through the gate, whatever the hook. */
#ifndef WEIR_FRAME_BPF_H
#define WEIR_FRAME_BPF_H

#include "count.bpf.h"
#include "packet.bpf.h"

struct frame {
	struct packet pkt;
	const struct weir_ctl *ctl;
	const struct weir_port *in;
	__u32 hook;	  /* WEIR_PORT_TC or 0 */
	__u32 port;	  /* where it came in */
	__u32 queue;	  /* receive queue of the socket that would take it */
	__u32 generation; /* of the policy, read once */
	__u32 bytes;	  /* with a tag that is beside the frame */
	__u32 wire;	  /* bytes of its largest wire segment */
	__u32 segments;
	/* What the verdict adds. */
	__u32 egress;
	__u32 egress_ifindex;
	__u32 xsk;    /* XSKMAP index, for a punt */
	int fallback; /* the reason when the hook fails to punt */
	struct weir_punt punt;
};

static __always_inline bool reason_is_drop(__u32 reason)
{
#define X(id, kind, name, help)                                                                    \
	| (WEIR_KIND_##kind == WEIR_KIND_DROP ? 1ULL << WEIR_REASON_##id : 0)
	const __u64 drops = 0 WEIR_REASONS(X);
#undef X

	_Static_assert(WEIR_REASON_COUNT <= 64, "reasons fit a word");
	return drops >> (reason & 63) & 1;
}

/* Notes where a station is. Stations do not move often: the map is written only when one did. */
static __noinline void frame_note_mac(const struct frame *f)
{
	struct weir_mac_key key = {.vlan = f->pkt.key.vlan[0], .domain = f->in->domain};
	const __u32 *seen;
	__u32 port = f->port;

	__builtin_memcpy(key.mac, &f->pkt.mac[3], sizeof(key.mac));
	if (key.mac[0] & 1)
		return;
	seen = bpf_map_lookup_elem(&weir_macs, &key);
	if (!seen || *seen != port)
		bpf_map_update_elem(&weir_macs, &key, &port, BPF_ANY);
}

/* The port where the destination was last seen, WEIR_PORT_NONE when it was not. */
static __noinline __u32 frame_port_by_mac(const struct frame *f)
{
	struct weir_mac_key key = {.vlan = f->pkt.key.vlan[0], .domain = f->in->domain};
	const __u32 *seen;

	__builtin_memcpy(key.mac, &f->pkt.mac[0], sizeof(key.mac));
	seen = bpf_map_lookup_elem(&weir_macs, &key);
	return seen ? *seen : WEIR_PORT_NONE;
}

/*
 * Whether a flow's frame can leave through another port: finds it and checks that it is usable,
 * takes frames of this size and has `flags`. Returns REDIRECTED with egress set, or the reason why
 * the stack has to do it. Both ends on one port is the bridge's business too: to send the frame
 * back where it came from would double what a switch floods.
 */
static __always_inline int frame_egress(struct frame *f, const struct weir_flow *flow, __u32 flags)
{
	__u32 out = flow->port[(f->pkt.dir & 1) ^ 1];
	const struct weir_port *port;

	if (unlikely(out == WEIR_PORT_NONE))
		out = frame_port_by_mac(f);
	port = bpf_map_lookup_elem(&weir_ports, &out);
	if (!port || out == f->port)
		return WEIR_REASON_STACK_NO_EGRESS;
	flags |= WEIR_PORT_ENABLED | WEIR_PORT_FORWARDING;
	if ((port->flags & flags) != flags)
		return WEIR_REASON_STACK_NO_REDIRECT;
	if (flags & WEIR_PORT_REDIRECT && (port->flags & WEIR_PORT_TC) != f->hook)
		return WEIR_REASON_STACK_NO_REDIRECT;
	if (f->wire > port->max_frame)
		return WEIR_REASON_STACK_OVERSIZE;
	f->egress = out;
	f->egress_ifindex = port->ifindex;
	return WEIR_REASON_REDIRECTED;
}

#endif

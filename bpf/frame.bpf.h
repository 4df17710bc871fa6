/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One frame on its way through the gate, whatever the hook. It holds no pointers and is wholly
 * initialised, so that the large steps can be global functions, which the verifier takes one at a
 * time; each looks up what it needs of the (array) maps itself.
 */
#ifndef WEIR_FRAME_BPF_H
#define WEIR_FRAME_BPF_H

#include "count.bpf.h"
#include "packet.bpf.h"

struct frame {
	struct packet pkt;
	__u32 port;	  /* where it came in */
	__u32 generation; /* of the policy, read once */
	__u32 clock_ds;
	__u32 bytes; /* with a tag that is beside the frame */
	__u32 wire;  /* bytes of its largest wire segment */
	__u32 xsk;   /* XSKMAP index, for a punt */
	__u16 queue; /* receive queue of the socket that would take it */
	__u16 segments;
	__u8 hook;     /* WEIR_PORT_TC or 0 */
	__u8 egress;   /* of a frame that leaves or is punted */
	__u8 fallback; /* the reason when the hook fails to punt */
	__u8 exit;     /* of a frame that is punted */
	__u16 pipe;    /* of a frame that ends as STACK_SHAPED */
} __attribute__((aligned(8)));

/*
 * The metadata of a frame that is punted takes the place of its key, which has served by then: the
 * stack of all functions together is 512 bytes.
 */
static __always_inline struct weir_punt *frame_punt(struct frame *f)
{
	_Static_assert(sizeof(struct weir_punt) <= sizeof(f->pkt.key), "the key gives the room");
	_Static_assert(offsetof(struct frame, pkt.key) % 8 == 0, "aligned for the flow id");
	return (struct weir_punt *)&f->pkt.key;
}

static __always_inline const struct weir_ctl *ctl_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&weir_ctl, &zero);
}

static __always_inline struct weir_scratch *scratch_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&weir_scratch, &zero);
}

static __always_inline bool ctl_has(__u32 flag)
{
	const struct weir_ctl *ctl = ctl_get();

	return ctl && ctl->flags & flag;
}

static __always_inline bool reason_is_drop(__u32 reason)
{
#define X(id, kind, name, help)                                                                    \
	| (WEIR_KIND_##kind == WEIR_KIND_DROP ? 1ULL << WEIR_REASON_##id : 0)
	const __u64 drops = 0 WEIR_REASONS(X);
#undef X

	_Static_assert(WEIR_REASON_COUNT <= 64, "reasons fit a word");
	return drops >> (reason & 63) & 1;
}

static __always_inline bool reason_leaves(__u32 reason)
{
	return reason == WEIR_REASON_REDIRECTED ||
	       unlikely(reason == WEIR_REASON_REDIRECTED_FRAGMENT);
}

static __always_inline void frame_mac(const struct frame *f, __u32 word, struct weir_mac_key *key)
{
	__builtin_memset(key, 0, sizeof(*key));
	__builtin_memcpy(key->mac, &f->pkt.mac[word], sizeof(key->mac));
	key->vlan = f->pkt.key.vlan[0];
	key->domain = f->pkt.key.domain;
}

/* Notes where the sender is. Stations do not move often: the map is written only when one did. */
__noinline int frame_note_mac(const struct frame *f)
{
	struct weir_mac_key key;
	const __u32 *seen;
	__u32 port;

	if (!f)
		return 0;
	frame_mac(f, 3, &key);
	if (key.mac[0] & 1)
		return 0;
	port = f->port;
	seen = bpf_map_lookup_elem(&weir_macs, &key);
	if (!seen || *seen != port)
		bpf_map_update_elem(&weir_macs, &key, &port, BPF_ANY);
	return 0;
}

/* The port where the destination was last seen, WEIR_PORT_NONE when it was not. */
__noinline int frame_port_by_mac(const struct frame *f)
{
	struct weir_mac_key key;
	const __u32 *seen;

	if (!f)
		return WEIR_PORT_NONE;
	frame_mac(f, 0, &key);
	seen = bpf_map_lookup_elem(&weir_macs, &key);
	return seen ? *seen : WEIR_PORT_NONE;
}

/* Whether a flow's other port is switched off: then the kernel alone forwards it both ways. */
__noinline int frame_other_disabled(const struct frame *f, const struct weir_flow *flow)
{
	const struct weir_port *port;
	__u32 out;

	if (!f || !flow)
		return 0;
	out = flow->in_port[(f->pkt.dir & 1) ^ 1];
	if (out == WEIR_PORT_NONE)
		out = frame_port_by_mac(f);
	port = bpf_map_lookup_elem(&weir_ports, &out);
	return port && port->ifindex && !(port->flags & WEIR_PORT_ENABLED);
}

/*
 * Whether the frame can leave through port `out`: checks that it is usable, takes frames of this
 * size and has `flags`. Returns REDIRECTED with egress set, or the reason why the stack has to do
 * it. Both ends on one port is the bridge's business too: to send the frame back where it came from
 * would double what a switch floods.
 */
static __always_inline int frame_leaves_by(struct frame *f, __u32 out, __u32 flags)
{
	const struct weir_port *port = bpf_map_lookup_elem(&weir_ports, &out);

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
	return WEIR_REASON_REDIRECTED;
}

/* The same for the port where the flow's other direction comes in, or its destination was seen. */
static __always_inline int frame_egress(struct frame *f, const struct weir_flow *flow, __u32 flags)
{
	__u32 out = flow->in_port[(f->pkt.dir & 1) ^ 1];

	if (unlikely(out == WEIR_PORT_NONE))
		out = frame_port_by_mac(f);
	return frame_leaves_by(f, out, flags);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fragments get the treatment of their flow. The first has the ports and leaves them in
 * weir_fragments; the later ones complete their key with it.
 */
#ifndef WEIR_FRAGMENT_BPF_H
#define WEIR_FRAGMENT_BPF_H

#include "policy.bpf.h"

/* Hosts give up on a datagram after this long too (Linux: net.ipv4.ipfrag_time). */
#define FRAGMENT_MAX_NS 30000000000ULL

static __always_inline bool is_ipv4(const __u32 addr[4])
{
	return !addr[0] && !addr[1] && addr[2] == bpf_htonl(0xffff);
}

static __always_inline void fragment_key(const struct frame *f, struct weir_fragment_key *key)
{
	bool dir = f->pkt.dir & 1;

	__builtin_memset(key, 0, sizeof(*key));
	__builtin_memcpy(key->src, dir ? f->pkt.key.addr[1] : f->pkt.key.addr[0], 16);
	__builtin_memcpy(key->dst, dir ? f->pkt.key.addr[0] : f->pkt.key.addr[1], 16);
	key->id = f->pkt.datagram;
	key->vlan[0] = f->pkt.key.vlan[0];
	key->vlan[1] = f->pkt.key.vlan[1];
	key->proto = is_ipv4(key->src) ? f->pkt.key.proto : IPPROTO_FRAGMENT;
	key->domain = f->pkt.key.domain;
	key->tunnel = f->pkt.key.tunnel;
}

static __always_inline void fragment_note(const struct frame *f,
					  const struct weir_fragment_key *key)
{
	struct weir_fragment first = {
		.time_ns = bpf_ktime_get_ns(),
		.port = {f->pkt.key.port[0], f->pkt.key.port[1]},
		.proto = f->pkt.key.proto,
		.dir = f->pkt.dir,
	};

	bpf_map_update_elem(&weir_fragments, key, &first, BPF_ANY);
}

/*
 * The first fragment is still to come, or was forgotten. The datagram cannot be whole at its
 * destination before that one leaves, which goes in its flow's order: so this may leave at once,
 * and does, past a stack that would hold it to wait for the rest (bridge netfilter).
 */
static __always_inline int fragment_orphan(struct frame *f)
{
	if (policy_blocked(f, f->pkt.dir, WEIR_BLOCK_ANY_APP))
		return WEIR_REASON_DROP_BLOCKED;
	if (frame_leaves_by(f, frame_port_by_mac(f), WEIR_PORT_REDIRECT) != WEIR_REASON_REDIRECTED)
		return WEIR_REASON_STACK_FRAGMENT;
	return WEIR_REASON_REDIRECTED_FRAGMENT;
}

/* Returns PACKET_FLOW with the flow's key in the frame, or the reason that ends it. */
static __always_inline int fragment_enter(struct frame *f)
{
	const struct weir_fragment *first;
	struct weir_fragment_key key;

	fragment_key(f, &key);
	/* What a first fragment lacks of payload is in the others. */
	if (!f->pkt.payload)
		f->pkt.payload = 1;
	if (!(f->pkt.part & PACKET_PART_OFFSET)) {
		fragment_note(f, &key);
		return PACKET_FLOW;
	}
	first = bpf_map_lookup_elem(&weir_fragments, &key);
	if (!first || bpf_ktime_get_ns() - first->time_ns > FRAGMENT_MAX_NS)
		return fragment_orphan(f);
	f->pkt.key.port[0] = first->port[0];
	f->pkt.key.port[1] = first->port[1];
	f->pkt.key.proto = first->proto;
	f->pkt.dir = first->dir & 1;
	return PACKET_FLOW;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Computes from a flow's first frame what rules compare: address classes and traits. */
#ifndef WEIR_TRAITS_BPF_H
#define WEIR_TRAITS_BPF_H

#include "frame.bpf.h"
#include "weir/rule_find.h"

/* Inner maps, and the slot that they are in. */
struct weir_tables {
	void *sets, *rules, *traits;
	__u32 slot;
};

static __always_inline const struct weir_rule_set *weir_set_at(const struct weir_tables *t,
							       __u32 index)
{
	return bpf_map_lookup_elem(t->sets, &index);
}

static __always_inline const struct weir_rule *weir_rule_at(const struct weir_tables *t,
							    __u32 index)
{
	return bpf_map_lookup_elem(t->rules, &index);
}

static __always_inline const __u32 *weir_trait_at(const struct weir_tables *t, __u32 index)
{
	return bpf_map_lookup_elem(t->traits, &index);
}

/* The address class by longest prefix; 0 = in no group. */
static __noinline __u32 traits_class(__u32 slot, const __u32 *addr)
{
	struct weir_class_key key = {.prefixlen = 128};
	void *inner = bpf_map_lookup_elem(&weir_classes, &slot);
	const __u32 *class;

	if (!inner)
		return 0;
	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	class = bpf_map_lookup_elem(inner, &key);
	return class ? *class : 0;
}

/* Traits of the link-layer address of the side that opened the flow: it sent the frame or, on a
 * bridge, receives it. */
static __noinline __u32 traits_mac(const struct frame *f, __u32 slot, __u32 origin)
{
	struct weir_mac_trait_key key;
	void *inner = bpf_map_lookup_elem(&weir_mac_traits, &slot);
	const __u16 *mac = (const __u16 *)f->pkt.mac;
	const __u32 *bits;
	__u16 to[3] = {mac[0], mac[1], mac[2]}, from[3] = {mac[3], mac[4], mac[5]};

	if (!inner)
		return 0;
	/* An initialiser would be copied from a map of constants. */
	key.prefixlen = 48;
	key.pad[0] = key.pad[1] = 0;
	__builtin_memcpy(key.mac, (f->pkt.dir & 1) == origin ? from : to, sizeof(key.mac));
	bits = bpf_map_lookup_elem(inner, &key);
	return bits ? *bits : 0;
}

/* Traits of the rest of what the first frame tells. */
static __noinline __u32 traits_key(const struct frame *f, __u32 slot, const struct decision *d)
{
	struct weir_tables t = {.traits = bpf_map_lookup_elem(&weir_traits, &slot)};
	const struct weir_flow_key *key = &f->pkt.key;
	bool origin = d->origin & 1, ports;
	struct weir_trait_facts facts;

	if (!t.traits)
		return 0;
	ports = key->proto == IPPROTO_TCP || key->proto == IPPROTO_UDP;
	facts.proto = key->proto;
	facts.vlan = bpf_ntohs(key->vlan[0]);
	facts.in_port = d->in_port;
	facts.midstream = d->midstream;
	facts.port[0] = ports ? bpf_ntohs(origin ? key->port[1] : key->port[0]) : 0;
	facts.port[1] = ports ? bpf_ntohs(origin ? key->port[0] : key->port[1]) : 0;
	return weir_traits_find(&t, &facts);
}

/*
 * Fills classes and the gate's traits. They belong to a generation: once for a flow's first frame,
 * and again for its next frame after the generation moved.
 */
__noinline int traits_describe(const struct frame *f, struct decision *d)
{
	__u32 slot;

	if (!f || !d)
		return 0;
	slot = f->generation & 1;
	d->class[0] = traits_class(slot, f->pkt.key.addr[0]);
	d->class[1] = traits_class(slot, f->pkt.key.addr[1]);
	d->gate_traits = traits_key(f, slot, d) | traits_mac(f, slot, d->origin & 1);
	return 0;
}

#endif

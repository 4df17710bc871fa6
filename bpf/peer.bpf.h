/* SPDX-License-Identifier: GPL-2.0-only */
/* Identifies a flow by its first packet: by what other flows of its hosts have shown, or by its
 * protocol. */
#ifndef WEIR_PEER_BPF_H
#define WEIR_PEER_BPF_H

#include "policy.bpf.h"

static __always_inline bool peer_take(const struct weir_peer *peer, struct decision *d, __u8 method)
{
	if (!peer || peer->expires_ns <= bpf_ktime_get_ns())
		return false;
	decision_identify(d, peer->app, method, peer->confidence);
	d->flags |= peer->flags & WEIR_PEER_INSPECT ? WEIR_FLOW_PEER_INSPECT : 0;
	d->flags |= peer->flags & WEIR_PEER_TAP ? WEIR_FLOW_PEER_TAP : 0;
	return true;
}

/* The host tried this service before, from whatever port. */
static __noinline bool peer_reconnects(const struct frame *f, struct decision *d)
{
	struct weir_reconnect_key key = {.proto = f->pkt.key.proto, .domain = f->pkt.key.domain};
	bool dir = f->pkt.dir & 1;

	__builtin_memcpy(key.src, dir ? f->pkt.key.addr[1] : f->pkt.key.addr[0], 16);
	__builtin_memcpy(key.dst, dir ? f->pkt.key.addr[0] : f->pkt.key.addr[1], 16);
	key.dport = dir ? f->pkt.key.port[0] : f->pkt.key.port[1];
	return peer_take(bpf_map_lookup_elem(&weir_reconnects, &key), d, WEIR_METHOD_RECONNECTION);
}

/* Side `to` is an endpoint that the other side was told of, or that it said of itself. */
static __noinline bool peer_is_endpoint(const struct frame *f, struct decision *d, __u32 to)
{
	struct weir_endpoint_key key = {.domain = f->pkt.key.domain};

	__builtin_memcpy(key.host, to ? f->pkt.key.addr[0] : f->pkt.key.addr[1], 16);
	__builtin_memcpy(key.peer, to ? f->pkt.key.addr[1] : f->pkt.key.addr[0], 16);
	key.port = to ? f->pkt.key.port[1] : f->pkt.key.port[0];
	if (peer_take(bpf_map_lookup_elem(&weir_endpoints, &key), d, WEIR_METHOD_ENDPOINT))
		return true;
	__builtin_memset(key.host, 0, sizeof(key.host));
	return peer_take(bpf_map_lookup_elem(&weir_endpoints, &key), d, WEIR_METHOD_ENDPOINT);
}

/*
 * Identifies a flow by its first frame. Returns the reason under which a policy that does not pass
 * ends it without an entry; REDIRECTED for a protocol that is known by its number alone and always
 * gets one; PACKET_FLOW when nothing is known.
 */
__noinline int peer_identify(const struct frame *f, struct decision *d)
{
	const __u32 *app;
	__u32 proto, dir;

	if (!f || !d)
		return PACKET_FLOW;
	if (peer_reconnects(f, d))
		return WEIR_REASON_DROP_RECONNECTION;
	proto = f->pkt.key.proto;
	if (proto == IPPROTO_TCP || proto == IPPROTO_UDP) {
		dir = f->pkt.dir & 1;
		if (peer_is_endpoint(f, d, dir ^ 1) || peer_is_endpoint(f, d, dir))
			return WEIR_REASON_DROP_ENDPOINT;
		return PACKET_FLOW;
	}
	app = bpf_map_lookup_elem(&weir_proto_apps, &proto);
	if (app && *app)
		decision_identify(d, (__u16)*app, WEIR_METHOD_PORT, 100);
	if (app && *app & WEIR_PROTO_INSPECT)
		d->flags |= WEIR_FLOW_ASKED_INSPECT;
	return WEIR_REASON_REDIRECTED;
}

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the gate is compared with. Each case enters through a program of its own that writes a
 * random flow's tuple into the frame and calls the case by tail call; so the gate is measured as it
 * was loaded, and what it costs to get there is the same for all and cancels out.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "gate_variants.h"
#include "packet.bpf.h"

#define ENTRIES 1048576

char _license[] SEC("license") = "GPL";

__u64 random_state = 88172645463325252ULL;
__u32 flows;
__u64 misses;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, VARIANTS);
	__type(key, __u32);
	__type(value, __u32);
} variants SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ENTRIES);
	__type(key, struct weir_flow_key);
	__type(value, struct plain_flow);
} plain_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2 * ENTRIES);
	__type(key, struct weir_flow_key);
	__type(value, struct plain_flow);
} plain_lru SEC(".maps");

/* xorshift64 (Marsaglia 2003). */
static __always_inline __u32 random_flow(void)
{
	__u64 x = random_state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	random_state = x;
	return ((x >> 32) * flows) >> 32;
}

static __always_inline bool frame_of_random_flow(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 i = random_flow();

	if ((void *)(tcp + 1) > end)
		return false;
	ip->saddr = bpf_htonl(FLOW_ADDRESS(i));
	tcp->source = bpf_htons(FLOW_PORT(i));
	return true;
}

#define ENTER(name, index)                                                                         \
	SEC("xdp") int name(struct xdp_md *ctx)                                                    \
	{                                                                                          \
		if (frame_of_random_flow(ctx))                                                     \
			bpf_tail_call_static(ctx, &variants, index);                               \
		return XDP_ABORTED;                                                                \
	}

ENTER(enter_empty, VARIANT_EMPTY)
ENTER(enter_parse, VARIANT_PARSE)
ENTER(enter_hash, VARIANT_HASH)
ENTER(enter_lru, VARIANT_LRU)
ENTER(enter_gate, VARIANT_GATE)

SEC("xdp")
int case_empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

static __always_inline bool parse(struct xdp_md *ctx, struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const __u8 mac[6] = {};

	p->len = end - data;
	return packet_parse(p, data, end, mac, 1, PACKET_COMMON) == PACKET_FLOW;
}

SEC("xdp")
int case_parse(struct xdp_md *ctx)
{
	struct packet p = {};

	return parse(ctx, &p) && p.key.proto == IPPROTO_TCP ? XDP_PASS : XDP_ABORTED;
}

static __always_inline int look_up(struct xdp_md *ctx, void *map)
{
	struct packet p = {};
	const struct plain_flow *flow;

	if (!parse(ctx, &p))
		return XDP_ABORTED;
	flow = bpf_map_lookup_elem(map, &p.key);
	if (!flow) {
		misses++;
		return XDP_ABORTED;
	}
	return flow->action == 1 ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int case_hash(struct xdp_md *ctx)
{
	return look_up(ctx, &plain_hash);
}

SEC("xdp")
int case_lru(struct xdp_md *ctx)
{
	return look_up(ctx, &plain_lru);
}

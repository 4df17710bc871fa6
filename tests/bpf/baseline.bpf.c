// SPDX-License-Identifier: GPL-2.0-only
/* What the gate's fast path is measured against: the same reading and one lookup of the key. */
#include "packet.bpf.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct weir_flow_key);
	__type(value, struct weir_flow);
} flows SEC(".maps");

SEC("xdp")
int baseline(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const __u8 nobody[6] = {};
	struct packet p = {.len = end - data};

	if (packet_parse(&p, data, end, nobody, 1, PACKET_COMMON) != PACKET_FLOW)
		return XDP_ABORTED;
	return bpf_map_lookup_elem(&flows, &p.key) ? XDP_PASS : XDP_DROP;
}

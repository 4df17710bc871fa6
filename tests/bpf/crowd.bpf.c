// SPDX-License-Identifier: GPL-2.0-only
/* Frames of many flows in one test run: each writes the next flow's addresses into the frame and
 * goes on to the gate. Every CPU walks through the same flows. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

__u32 flows;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} gate SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} walked SEC(".maps");

SEC("xdp")
int crowd(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	__u32 zero = 0, *n = bpf_map_lookup_elem(&walked, &zero);

	if (!n || (void *)(ip + 1) > end || !flows)
		return XDP_ABORTED;
	ip->saddr = bpf_htonl(0x0b000000 + (*n)++ % flows);
	bpf_tail_call_static(ctx, &gate, 0);
	return XDP_ABORTED;
}

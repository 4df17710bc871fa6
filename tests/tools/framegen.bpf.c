// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generator and sinks for the forwarding benchmark. The kernel recycles the frames of a live test
 * run without restoring them, so the generator writes every header byte each time.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 flows = 1; /* distinct source ports */
const volatile __u16 port_base = 10000;
const volatile __u32 out_ifindex = 0;
const volatile __u8 reverse = 0; /* answer the flows instead: addresses and ports swapped */
const volatile __u8 template[42] =
	{}; /* Ethernet, IPv4 and UDP headers with both ports 0 and no UDP checksum */

struct tally {
	__u64 frames, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2); /* 0 generated, 1 sunk */
	__type(key, __u32);
	__type(value, struct tally);
} tallies SEC(".maps");

static __always_inline struct tally *tally(__u32 which, __u32 bytes)
{
	struct tally *t = bpf_map_lookup_elem(&tallies, &which);

	if (t) {
		t->frames++;
		t->bytes += bytes;
	}
	return t;
}

SEC("xdp")
int framegen(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct tally *t;
	struct udphdr *udp;
	__u16 own;

	if (data + sizeof(template) > end)
		return XDP_ABORTED;
	t = tally(0, end - data);
	if (!t)
		return XDP_ABORTED;
	for (int i = 0; i < (int)sizeof(template); i++)
		((__u8 *)data)[i] = template[i];
	udp = data + ETH_HLEN + sizeof(struct iphdr);
	own = bpf_htons(port_base + (__u16)(t->frames % flows));
	udp->source = reverse ? bpf_htons(9) : own;
	udp->dest = reverse ? own : bpf_htons(9);
	return bpf_redirect(out_ifindex, 0);
}

SEC("xdp")
int sink_xdp(struct xdp_md *ctx)
{
	tally(1, ctx->data_end - ctx->data);
	return XDP_DROP;
}

SEC("tc")
int sink_tc(struct __sk_buff *skb)
{
	tally(1, skb->len);
	return TC_ACT_SHOT;
}

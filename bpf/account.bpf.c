// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel loses after the gate has said redirect: by then its counters hold the frame as
 * redirected or punted. The two tracepoints never tell of the same frame: xdp_redirect_err fires
 * when a frame does not get into the device's bulk queue or the socket, xdp_devmap_xmit for what
 * the device did not take from the queue.
 */
#include "count.bpf.h"
#include "weir_vmlinux.h"

#include <bpf/bpf_core_read.h>

char _license[] SEC("license") = "GPL";

/* Inode of the network namespace whose devices these are, 0 = any: the tracepoints tell of all, and
 * interface numbers repeat. */
const volatile __u32 weir_netns;

/* The port of the device that a frame came in on; the far end of a pair is its port's. */
static __always_inline __u32 account_port(__u64 device)
{
	const struct net_device *dev = (const struct net_device *)device;

	if (weir_netns && BPF_CORE_READ(dev, nd_net.net, ns.inum) != weir_netns)
		return 0;
	return port_of(BPF_CORE_READ(dev, ifindex));
}

/* (device, program, target, errno, map type, map id, index) */
SEC("raw_tp/xdp_redirect_err")
int weir_redirect_err(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 port = account_port(ctx->args[0]);
	__u32 *sent;

	if (!port)
		return 0;
	switch ((__u32)ctx->args[4]) {
	case BPF_MAP_TYPE_XSKMAP:
		count_reason(port, WEIR_REASON_DROP_PUNT_LOST, 1, 0, 1);
		sent = xsk_number(&weir_xsk_sent, ctx->args[6]);
		if (sent)
			__sync_fetch_and_add(sent, -1);
		break;
	case BPF_MAP_TYPE_DEVMAP:
		count_reason(port, WEIR_REASON_DROP_REDIRECT_LOST, 1, 0, 1);
		break;
	}
	return 0;
}

/* (device it came in on, device it leaves through, sent, dropped, errno) */
SEC("raw_tp/xdp_devmap_xmit")
int weir_devmap_xmit(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 dropped = ctx->args[3];
	__u32 port;

	if (!dropped)
		return 0;
	port = account_port(ctx->args[0]);
	if (port)
		count_reason(port, WEIR_REASON_DROP_REDIRECT_LOST, dropped, 0, dropped);
	return 0;
}

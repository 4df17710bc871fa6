/* SPDX-License-Identifier: GPL-2.0-only */
/* Handing a frame to the slow path: whether that can take it, and the metadata it gets. */
#ifndef WEIR_PUNT_BPF_H
#define WEIR_PUNT_BPF_H

#include "flow.bpf.h"
#include "park.bpf.h"

static __always_inline int punt_on_failure(void)
{
	return ctl_has(WEIR_CTL_FAILURE_DROP) ? WEIR_REASON_DROP_FAILURE
					      : WEIR_REASON_STACK_FAILURE;
}

/* A frame that overtakes others of its direction would reorder them, so it has to go. */
static __always_inline int punt_on_overload(const struct frame *f, const struct weir_flow *flow)
{
	if (ctl_has(WEIR_CTL_OVERLOAD_DROP) || flow_outstanding(flow, f->pkt.dir))
		return WEIR_REASON_DROP_OVERLOAD;
	return WEIR_REASON_STACK_OVERLOAD;
}

/*
 * The stack's path is not at its end when XDP has passed a frame: it waits for the poll to finish,
 * and with receive steering for another CPU. What follows on another path could overtake it, so for
 * this long nothing does.
 */
#define PUNT_SETTLE_MS 2

static __always_inline struct weir_probe *punt_probe(const struct weir_flow *flow)
{
	__u32 index = flow_slot(flow) & (WEIR_PROBES - 1);

	return bpf_map_lookup_elem(&weir_probe, &index);
}

static __always_inline __u32 now_ms(void)
{
	return bpf_ktime_get_ns() / 1000000;
}

/* Notes that the stack got a frame that should have been punted. */
static __always_inline void stack_note(const struct frame *f, struct weir_flow *flow)
{
	struct weir_probe *probe = punt_probe(flow);
	__u32 dir = f->pkt.dir & 1;

	if (!probe)
		return;
	probe->stack_ms[dir] = now_ms();
	if (!(flow->flags & WEIR_FLOW_STACKED(dir)))
		__sync_fetch_and_or(&flow->flags, WEIR_FLOW_STACKED(dir));
}

/* Whether the frames of this direction that were given to the stack have left it. */
static __always_inline bool stack_settled(const struct frame *f, struct weir_flow *flow)
{
	__u32 dir = f->pkt.dir & 1, bit = WEIR_FLOW_STACKED(dir);
	struct weir_probe *probe;

	if (!(flow->flags & bit))
		return true;
	probe = punt_probe(flow);
	if (probe && (__s32)(now_ms() - probe->stack_ms[dir]) < PUNT_SETTLE_MS)
		return false;
	__sync_fetch_and_and(&flow->flags, ~bit);
	return true;
}

/* Finds the socket of the flow's worker; false when nobody would read it. */
static __always_inline bool punt_find_socket(struct frame *f, const struct weir_flow *flow)
{
	const struct weir_ctl *ctl = ctl_get();
	__u32 port = f->port, workers, worker, xsk;
	const struct weir_port *in = bpf_map_lookup_elem(&weir_ports, &port);

	if (!ctl || !in || f->queue >= in->queues)
		return false;
	workers = ctl->workers;
	if (!workers || workers > WEIR_WORKERS_MAX)
		return false;
	worker = weir_flow_slot(flow->id, ctl->slots_mask) % workers;
	/* clang knows that the mask changes nothing and would leave out what the verifier needs. */
	asm volatile("" : "+r"(worker));
	worker &= WEIR_WORKERS_MAX - 1;
	if ((__s64)(bpf_ktime_get_ns() - ctl->heartbeat_ns[worker]) > (__s64)WEIR_HEARTBEAT_MAX_NS)
		return false;
	xsk = in->xsk_base + f->queue * workers + worker;
	f->xsk = xsk;
	return bpf_map_lookup_elem(&weir_xsk, &xsk);
}

/*
 * Whether seven eighths of the ring are not full. The difference is signed: what the kernel lost is
 * taken off `sent` when the worker may have made up for it already.
 */
static __always_inline bool punt_has_room(const struct frame *f)
{
	const struct weir_ctl *ctl = ctl_get();
	const __u32 *sent = xsk_number(&weir_xsk_sent, f->xsk);
	const __u32 *read = xsk_number(&weir_xsk_read, f->xsk);
	__s32 room;

	if (!ctl || !sent || !read)
		return false;
	room = ctl->ring_frames - ctl->ring_frames / 8;
	return (__s32)(*sent + f->segments - *read) <= room;
}

/* Whether a frame of this flow can be punted: PUNTED, or the reason that ends it otherwise. */
__noinline int punt_check(struct frame *f, const struct weir_flow *flow)
{
	int r;

	if (!f || !flow)
		return WEIR_REASON_STACK_FAILURE;
	r = exit_of_punt(f, flow);
	if (r != WEIR_REASON_REDIRECTED)
		return r;
	if (f->wire > WEIR_PUNT_BYTES_MAX)
		return flow_outstanding(flow, f->pkt.dir) ? WEIR_REASON_DROP_OVERLOAD
							  : WEIR_REASON_STACK_OVERSIZE;
	if (!punt_find_socket(f, flow))
		return punt_on_failure();
	return punt_has_room(f) ? WEIR_REASON_PUNTED : punt_on_overload(f, flow);
}

/* The next number of the flow and direction; never 0. */
static __always_inline __u32 punt_number(struct weir_flow *flow, __u32 dir)
{
	__u32 number = __sync_fetch_and_add(&flow->given[dir & 1], 1) + 1;

	return number ? number : __sync_fetch_and_add(&flow->given[dir & 1], 1) + 1;
}

static __always_inline __u32 punt_way(const struct weir_flow *flow, __u32 flags)
{
	__u32 settle_ms = exit_settle_ms(flow);

	if (settle_ms < PUNT_SETTLE_MS)
		settle_ms = PUNT_SETTLE_MS;
	return weir_punt_way(flow->pipe, flags & WEIR_PUNT_SETTLE ? settle_ms : 0);
}

/* Flags that the frame's metadata has of its flow. */
static __always_inline __u16 punt_flags(const struct weir_flow *flow, __u32 dir)
{
	__u32 have = flow->flags;

	return (dir ? WEIR_PUNT_DIR : 0) | (have & WEIR_FLOW_SYN(dir & 1) ? WEIR_PUNT_ISN : 0) |
	       (have & WEIR_FLOW_ORIGIN ? WEIR_PUNT_ORIGIN : 0) |
	       (have & WEIR_FLOW_TWOWAY ? WEIR_PUNT_TWOWAY : 0) |
	       WEIR_PUNT_GENERATION(flow->generation);
}

/*
 * Takes the next number and writes the metadata, after punt_check(). Returns PUNTED. The last step:
 * the frame's key is gone. PACKET_FLOW when the flow has been decided meanwhile: the key is there
 * still, and the number is given up.
 */
__noinline int punt_take(struct frame *f, struct weir_flow *flow, __u32 flags)
{
	struct weir_punt *punt;
	__u32 dir, number = 0;

	if (!f || !flow)
		return WEIR_REASON_STACK_FAILURE;
	dir = f->pkt.dir & 1;
	/* No flow id: a frame that is to be reset, and nobody's hand-over. */
	if (flow->id)
		number = punt_number(flow, dir);
	if (flow->flags & WEIR_FLOW_MOVED)
		return PACKET_FLOW;
	punt = frame_punt(f);
	punt->flow_id = flow->id;
	punt->number = number;
	punt->isn = flags & WEIR_PUNT_DECIDED ? flow->rule : flow->isn[dir];
	punt->traits = flags & WEIR_PUNT_DECIDED ? punt_way(flow, flags) : (__u32)flow->traits;
	punt->class[0] = flow->class[0];
	punt->class[1] = flow->class[1];
	punt->app = flow->app;
	punt->segments = f->segments;
	punt->in_port = f->port;
	punt->out_port = f->egress;
	punt->flags = flags | punt_flags(flow, dir) | WEIR_PUNT_EXIT(f->exit & 3);
	return WEIR_REASON_PUNTED;
}

/* A draining flow may let one frame a millisecond through, so that its last number is seen again.
 */
static __always_inline bool punt_is_probe(const struct weir_flow *flow, __u32 dir, __u64 now_ns)
{
	struct weir_probe *probe = punt_probe(flow);
	__u32 now = now_ns / 1000000;

	if (!probe || probe->ms[dir & 1] == now)
		return false;
	probe->ms[dir & 1] = now;
	return true;
}

/* Whether the hand-over has lasted too long, so that this frame is dropped to let it end. */
static __always_inline bool punt_is_overdue(const struct frame *f, const struct weir_flow *flow)
{
	const struct weir_ctl *ctl = ctl_get();
	__u64 now = bpf_ktime_get_ns();

	return ctl && now - flow->decided_ns > ctl->handover_max_ms * 1000000ULL &&
	       !punt_is_probe(flow, f->pkt.dir, now);
}

#endif

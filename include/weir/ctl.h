/* SPDX-License-Identifier: GPL-2.0-only */
/* What the gate and the daemon exchange: run-time settings, ports, punt metadata, events. */
#ifndef WEIR_CTL_H
#define WEIR_CTL_H

#ifndef __bpf__
#include <linux/types.h>
#endif
#include "weir/flow.h"
#include "weir/limits.h"
#include "weir/reason.h"

/* weir_ctl.flags */
#define WEIR_CTL_FAILURE_DROP  (1u << 0) /* on_failure: drop */
#define WEIR_CTL_OVERLOAD_DROP (1u << 1) /* on_overload: drop */
#define WEIR_CTL_BLOCKS	       (1u << 2) /* weir_blocks is not empty */
#define WEIR_CTL_EVENTS	       (1u << 3) /* somebody reads weir_events */
#define WEIR_CTL_BLOCKS_SLOT   (1u << 4) /* the slot of their maps that is in use (block.h) */

/* weir_ctl: one element, memory-mapped by the daemon, which alone writes it. */
struct weir_ctl {
	__u32 abi;	   /* WEIR_ABI; the first word of every layout */
	__u32 generation;  /* odd or even picks the policy slot; 0 = no policy: everything goes to
			      the stack */
	__u32 clock_ds;	   /* tenths of a second, CLOCK_MONOTONIC, kept by the daemon */
	__u32 flags;	   /* WEIR_CTL_* */
	__u32 workers;	   /* 0 = no slow path */
	__u32 slots_mask;  /* slots - 1, slots a power of two; weir_done has two elements a slot */
	__u32 ring_frames; /* size of an AF_XDP receive ring */
	__u32 handover_max_ms; /* after this long in hand-over the gate drains by dropping */
	__u32 sets_mask;       /* elements of weir_tags - 1, a power of two */
	__u32 zero;	       /* always: a number that the verifier does not know */
	__u32 loaded;	       /* generation that the policy was loaded as */
	__u32 pad[5];
	/* Random, secret, never changed: weir_flow_hash() of a key's 32-bit words. */
	__u64 hash_key[WEIR_HASH_KEYS];
	__u64 exit_secret; /* random: marks what weir itself adds to frames (weir/exit.h) */
	__u32 mark_mask;   /* bits of skb->mark that are weir's */
	/* For how long frames that left by an exit may still be on their way: by a redirect, and by
	 * the kernel's own path with its queueing disciplines. */
	__u16 settle_wire_ms, settle_queue_ms;
	__u64 pad2[2];
	__u64 heartbeat_ns[WEIR_WORKERS_MAX]; /* CLOCK_MONOTONIC, by each worker */
};
_Static_assert(sizeof(struct weir_ctl) == 192 + 8 * WEIR_WORKERS_MAX, "weir_ctl");
_Static_assert(__builtin_offsetof(struct weir_ctl, hash_key) == 64, "weir_ctl.hash_key");

/* weir_port.flags */
#define WEIR_PORT_ENABLED    (1u << 0)
#define WEIR_PORT_TC	     (1u << 1) /* hooked on TC */
#define WEIR_PORT_REDIRECT   (1u << 2) /* may be the target of a redirect of its own hook type */
#define WEIR_PORT_FORWARDING (1u << 3) /* the bridge forwards here */
#define WEIR_PORT_GENERIC    (1u << 4) /* hooked by generic XDP */

/* weir_ports: index port. weir_port_of: index ifindex % WEIR_IFINDEX_SLOTS; a port's punt pair maps
 * to its port too. */
struct weir_port {
	__u32 ifindex;
	__u32 punt_ifindex; /* near end of the punt pair, 0 = none (native and generic can do
			       without) */
	__u32 max_frame;    /* bytes of Ethernet frame the port can send: MTU + 14 + 4 */
	__u32 xsk_base;	    /* XSKMAP index = xsk_base + queue * workers + worker */
	__u32 queues;
	__u32 flags;	   /* WEIR_PORT_* */
	__u8 domain;	   /* forwarding group, never 0 for a configured port */
	__u8 local_mac[6]; /* of the bridge: frames to it are for the gateway itself */
	__u8 pad;
};
_Static_assert(sizeof(struct weir_port) == 32, "weir_port");

struct weir_port_of {
	__u32 ifindex;
	__u32 port;
};

/* weir_punt.flags */
#define WEIR_PUNT_DIR	  (1u << 0) /* the frame's direction */
#define WEIR_PUNT_DECIDED (1u << 1) /* verdict known and pass: forward only, the flow drains */
#define WEIR_PUNT_INSPECT (1u << 2) /* identified as .app, wanted by its module */
#define WEIR_PUNT_RESET	  (1u << 3) /* policy says reset: make resets and drop */
#define WEIR_PUNT_ISN	  (1u << 4) /* .isn is valid */
#define WEIR_PUNT_ORIGIN  (1u << 5) /* as WEIR_FLOW_ORIGIN */
#define WEIR_PUNT_TWOWAY  (1u << 6) /* both directions were seen */
#define WEIR_PUNT_TAP	  (1u << 7) /* to be copied */
#define WEIR_PUNT_EXIT(exit)                                                                       \
	((exit) << 8) /* enum weir_exit, two bits: how the frame leaves when it passes */
#define WEIR_PUNT_EXIT_OF(flags) ((flags) >> 8 & 3)
#define WEIR_PUNT_SETTLE	 (1u << 10) /* the flow changes its exit: wait for the old one */
/* Low bits of the generation that .class and .traits are of. */
#define WEIR_PUNT_GENERATION(generation) (((generation)&31u) << 11)
#define WEIR_PUNT_GENERATION_MASK	 (31u << 11)
#define WEIR_PUNT_GENERATION_OF(flags)	 ((flags) >> 11 & 31)

/* XDP metadata in front of every punted frame. */
struct weir_punt {
	__u64 flow_id;	/* 0 only with WEIR_PUNT_RESET: no entry */
	__u32 number;	/* of the flow and direction; the wire segments of one skb share it */
	__u32 isn;	/* of the frame's direction, host order; of a DECIDED frame: the rule */
	__u32 traits;	/* the gate's half; of a DECIDED frame: weir_punt_way() */
	__u16 class[2]; /* of side 0 and side 1 */
	__u16 app;
	__u16 segments; /* wire frames that carry this number */
	__u8 in_port;
	__u8 out_port; /* WEIR_PORT_NONE: not known */
	__u16 flags;   /* WEIR_PUNT_* */
};
_Static_assert(sizeof(struct weir_punt) == 32, "weir_punt: XDP metadata holds 32 bytes");
_Static_assert(__builtin_offsetof(struct weir_punt, flags) == 30, "weir_punt.flags");

static inline __attribute__((always_inline)) __u8 weir_punt_dir(const struct weir_punt *punt)
{
	return punt->flags & WEIR_PUNT_DIR;
}

/* weir_punt.traits of a frame that the slow path only forwards: its pipe, and with WEIR_PUNT_SETTLE
 * how long it waits. */
static inline __attribute__((always_inline)) __u32 weir_punt_way(__u16 pipe, __u16 settle_ms)
{
	return pipe | (__u32)settle_ms << 16;
}

static inline __attribute__((always_inline)) __u16 weir_punt_pipe(__u32 way)
{
	return (__u16)way;
}

static inline __attribute__((always_inline)) __u16 weir_punt_settle_ms(__u32 way)
{
	return (__u16)(way >> 16);
}

/* What queue.bpf.c puts in front of a frame on the way through a TC port's punt pair. */
struct weir_prefix {
	__u8 eth[14];
	__u16 tags;			   /* VLAN tags taken out of the frame, outer first */
	__be16 tag[WEIR_VLAN_TAGS_MAX][2]; /* protocol, TCI */
	__u32 xsk;			   /* XSKMAP index */
	__u32 pad;
	struct weir_punt punt;
};
_Static_assert(sizeof(struct weir_prefix) == 64, "weir_prefix");

/* X(enumerator, "label", "help") */
#define WEIR_EVENT_KINDS(X)                                                                        \
	X(DECIDED, "decided", "a flow was decided or re-decided")                                  \
	X(DROPPED, "dropped", "a first packet was dropped without a flow")                         \
	X(ENDED, "ended", "a flow ended (enum weir_end)")                                          \
	X(ANOMALY, "anomaly", "the slow path saw an anomaly (weir/anomaly.h)")

enum weir_event_kind {
#define X(id, name, help) WEIR_EVENT_##id,
	WEIR_EVENT_KINDS(X)
#undef X
		WEIR_EVENT_KIND_COUNT,
};

/* weir_events: ring buffer record. */
struct weir_event {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	struct weir_flow_key key;
	__u8 kind;    /* enum weir_event_kind */
	__u8 reason;  /* enum weir_reason for DROPPED, weir_end for ENDED, weir_anomaly for ANOMALY
		       */
	__u8 in_port; /* where the side that opened the flow comes in */
	__u8 dir;     /* of the frame; ENDED: that side's */
	struct weir_flow flow; /* as it was; id 0 where there is none */
};
_Static_assert(sizeof(struct weir_event) == 200, "weir_event");

/*
 * weir_app_bytes: per-CPU array, index application * 2 + (0 from the originator, 1 towards it).
 * weir_redirected: per-CPU array, index in_port * WEIR_PORTS_MAX + egress port: frames that the
 * gate redirected. Each counts as REDIRECTED of in_port, as sent through egress and as a lookup
 * that found a decided flow, and in none of those counters.
 */
struct weir_volume {
	__u64 frames;
	__u64 bytes;
};

#endif

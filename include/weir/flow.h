/* SPDX-License-Identifier: GPL-2.0-only */
/* The flow cache: keys and entries. Entries are written by the gate alone. */
#ifndef WEIR_FLOW_H
#define WEIR_FLOW_H

#ifndef __bpf__
#include <linux/types.h>
#endif
#include "weir/limits.h"

/*
 * Both directions of a flow share one key: the side that weir_side_before() puts first is side 0.
 * Direction 0 is traffic sent by side 0. IPv4 addresses are v4-mapped (::ffff:a.b.c.d). For ICMP
 * echo both ports are the identifier; for other protocols without ports they are 0. VLAN: the tag's
 * VID, outer first, 0 = untagged. tunnel: what the packet is inside of: the id of a PPPoE session
 * as on the wire (RFC 2516), in the slow path also a number of other tunnels; 0 = nothing.
 */
struct weir_flow_key {
	__u32 addr[2][4]; /* network order */
	__be16 port[2];
	__be16 vlan[WEIR_VLAN_TAGS_MAX];
	__u8 proto;  /* IPPROTO_* */
	__u8 domain; /* forwarding group */
	__u16 tunnel;
};
_Static_assert(sizeof(struct weir_flow_key) == 44, "weir_flow_key");

/*
 * Whether (a, aport) is side 0 against (b, bport). Any total order serves; this one compares the
 * words as loaded, so kernel and user space on one machine agree.
 */
static inline __attribute__((always_inline)) int weir_side_before(const __u32 a[4], __be16 aport,
								  const __u32 b[4], __be16 bport)
{
	if (a[3] != b[3])
		return a[3] < b[3];
	if (a[2] != b[2])
		return a[2] < b[2];
	if (a[1] != b[1])
		return a[1] < b[1];
	if (a[0] != b[0])
		return a[0] < b[0];
	return aport <= bport;
}

/* weir_flow.flags */
#define WEIR_FLOW_HANDOVER(dir)                                                                    \
	(1u << (dir))		      /* frames of this direction may still be in the slow path */
#define WEIR_FLOW_INSPECT   (1u << 2) /* identified, payload still punted */
#define WEIR_FLOW_MOVED	    (1u << 3) /* undecided table: the decided table has it now */
#define WEIR_FLOW_SYN(dir)  (1u << (4 + (dir))) /* isn[dir] is valid */
#define WEIR_FLOW_FIN(dir)  (1u << (6 + (dir)))
#define WEIR_FLOW_RST	    (1u << 8)
#define WEIR_FLOW_ORIGIN    (1u << 9)  /* set: side 1 sent the first frame seen; clear: side 0 */
#define WEIR_FLOW_MIDSTREAM (1u << 10) /* TCP flow whose start was not seen */
#define WEIR_FLOW_TWOWAY    (1u << 11) /* both directions were seen */
#define WEIR_FLOW_BLOCKED   (1u << 12) /* decided: dropped by a block, not by the policy */
#define WEIR_FLOW_STACKED(dir)                                                                     \
	(1u << (13 + (dir))) /* the stack got payload of this direction while the slow path was    \
				full or gone */
#define WEIR_FLOW_TAP (1u << 15) /* payload is punted to be copied */
/* Together with the policy's cell, these determine INSPECT and TAP. */
#define WEIR_FLOW_ASKED_INSPECT (1u << 16) /* its identification or its protocol asks for it */
#define WEIR_FLOW_ASKED_TAP	(1u << 17)
#define WEIR_FLOW_PEER_INSPECT	(1u << 18) /* the peer that it was identified by does */
#define WEIR_FLOW_PEER_TAP	(1u << 19)
#define WEIR_FLOW_RELEASED	(1u << 20) /* its peer's and its cell's INSPECT do not apply */
/* The exit or pipe changed at decided_ns: frames of the old one may be on their way, and with
 * QUEUED in a queueing discipline. */
#define WEIR_FLOW_SETTLE (1u << 21)
#define WEIR_FLOW_QUEUED (1u << 22)
/* Its identification does not want what this direction carries: INSPECT is for the other one. */
#define WEIR_FLOW_SKIP(dir) (1u << (23 + (dir)))
#define WEIR_FLOW_TOLD	    (1u << 25) /* that it ended was told, or is not worth telling */

static inline __attribute__((always_inline)) int weir_flow_closed(__u32 flags)
{
	const __u32 both = WEIR_FLOW_FIN(0) | WEIR_FLOW_FIN(1);

	return flags & WEIR_FLOW_RST || (flags & both) == both;
}

/* X(enumerator, "label", "help") */
#define WEIR_FLOW_STATES(X)                                                                        \
	X(NEW, "new", "one direction was seen")                                                    \
	X(ESTABLISHED, "established", "both directions were seen")                                 \
	X(CLOSED, "closed", "both ends closed it, or one reset it (TCP)")

enum weir_flow_state {
#define X(id, name, help) WEIR_FLOW_STATE_##id,
	WEIR_FLOW_STATES(X)
#undef X
		WEIR_FLOW_STATE_COUNT,
};

static inline __attribute__((always_inline)) enum weir_flow_state weir_flow_state(__u32 flags)
{
	if (weir_flow_closed(flags))
		return WEIR_FLOW_STATE_CLOSED;
	return flags & WEIR_FLOW_TWOWAY ? WEIR_FLOW_STATE_ESTABLISHED : WEIR_FLOW_STATE_NEW;
}

/* X(enumerator, "label", "help"): how a flow ended. */
#define WEIR_ENDS(X)                                                                               \
	X(FIN, "fin", "both ends closed it")                                                       \
	X(RST, "rst", "one end reset it")                                                          \
	X(IDLE, "idle", "nothing came of it for as long as its timeout")                           \
	X(EVICTED, "evicted", "it made room in the table for another")                             \
	X(FORCED, "forced",                                                                        \
	  "the policy reset it, or another connection took its addresses and "                     \
	  "ports")

enum weir_end {
#define X(id, name, help) WEIR_END_##id,
	WEIR_ENDS(X)
#undef X
		WEIR_END_COUNT,
};

/*
 * What is kept of a flow. In struct weir_entry it begins at byte 48, so that all that a cached pass
 * touches lies in the entry's first two cache lines. Bytes up to `app` and the counters are written
 * by several CPUs: counts are plain adds, which lose a frame when two CPUs count the same direction
 * at once.
 */
struct weir_flow {
	__u32 generation; /* weir_ctl.generation that decided it */
	__u32 flags;	  /* WEIR_FLOW_* */
	__u32 seen_ds;	  /* weir_ctl.clock_ds, tenths of a second */
	__u16 app;
	__u8 action; /* enum weir_action */
	__u8 exit;   /* enum weir_exit */

	__u64 frames[2];
	__u64 bytes[2];
	__u8 mac[2][6];	 /* destination of each direction, as last forwarded */
	__u8 in_port[2]; /* port where direction 0 and 1 come in, WEIR_PORT_NONE = not seen */
	__u16 moved;	 /* stations moved when mac was compared */
	__u32 next[2];	 /* next expected sequence number of each direction, host order */
	__u8 payloads;	 /* as in weir_identification */
	union {
		__u8 tcp_flags[2]; /* TCP: all that were seen, per direction */
		__u8 icmp[2];	   /* ICMP: type and code of the first frame */
	};
	__u8 spare;
	__u16 class[2]; /* address class of side 0 and side 1 */

	__u64 id;	  /* random, never 0 */
	__u64 decided_ns; /* CLOCK_MONOTONIC, 0 = undecided */
	__u64 traits;	  /* conditions of rules that it meets: low half by the gate, high by user
			     space */
	__u64 created_ns; /* CLOCK_MONOTONIC */
	__u32 isn[2];	  /* host order */
	__u32 given[2];	  /* number of the frame last punted, per direction; 0 = none yet */
	__u32 user[2];	  /* of side 0 and side 1, 0 = not known */
	__u16 rule;	  /* index of the rule that decided it, WEIR_RULE_DEFAULT for the default */
	__u16 pipe;
	__u8 method; /* enum weir_method */
	__u8 confidence;
	__u8 resets;   /* frames punted for a reset so far */
	__u8 oversize; /* frames of an undecided flow that the slow path could not take */
};
_Static_assert(sizeof(struct weir_flow) == 144, "weir_flow");
_Static_assert(__builtin_offsetof(struct weir_flow, frames) == 16, "weir_flow, second line");
_Static_assert(__builtin_offsetof(struct weir_flow, mac) == 48, "weir_flow.mac");
_Static_assert(__builtin_offsetof(struct weir_flow, next) == 64, "weir_flow.next");
_Static_assert(__builtin_offsetof(struct weir_flow, id) == 80, "weir_flow, third line");
_Static_assert(__builtin_offsetof(struct weir_flow, given) == 120, "weir_flow.given");
_Static_assert(__builtin_offsetof(struct weir_flow, method) == 140, "weir_flow.method");

/* weir_decided: three cache lines. */
struct weir_entry {
	struct weir_flow_key key;
	__u32 pad;
	struct weir_flow flow;
};
_Static_assert(sizeof(struct weir_entry) == 192, "weir_entry");
_Static_assert(__builtin_offsetof(struct weir_entry, flow.frames) == 64, "weir_entry, line 1");
_Static_assert(__builtin_offsetof(struct weir_entry, flow.id) == 128, "weir_entry, line 2");

/*
 * weir_tags: index set. Entry set * WEIR_WAYS + way of weir_decided belongs to the flow whose tag
 * is tag[way].
 */
#define WEIR_WAYS     8
#define WEIR_TAG_FREE 0
#define WEIR_TAG_BUSY 1 /* the entry is being written */
struct weir_tags {
	__u64 tag[WEIR_WAYS];
};
_Static_assert(sizeof(struct weir_tags) == 64, "weir_tags");

/*
 * Both directions' hash: multilinear over the key's words (Lemire and Kaser, "Strongly universal
 * string hashing is fast", 2014). hash_key: weir_ctl.hash_key.
 */
static inline __attribute__((always_inline)) __u64 weir_flow_hash(const struct weir_flow_key *key,
								  const __u64 *hash_key)
{
	typedef __u32 __attribute__((may_alias)) word_type;
	const word_type *word = (const word_type *)key;
	__u64 hash = hash_key[0];

	_Static_assert(sizeof(*key) / sizeof(*word) + 1 == WEIR_HASH_KEYS, "a key for each word");
	for (__u32 i = 0; i < sizeof(*key) / sizeof(*word); i++)
		hash += word[i] * hash_key[i + 1];
	return hash;
}

/*
 * The hash is linear in the key, so addresses and ports that count up give hashes that do too, and
 * with some random keys their bits alone fill few sets. After a multiplication (Fibonacci hashing)
 * sets fill as with random keys: of a million flows in two million places 6,600 find theirs full.
 */
static inline __attribute__((always_inline)) __u32 weir_flow_set(__u64 hash, __u32 sets_mask)
{
	return (__u32)((hash ^ hash >> 32) * 0x9e3779b97f4a7c15ULL >> 40) & sets_mask;
}

/* Neither FREE nor BUSY. */
static inline __attribute__((always_inline)) __u64 weir_flow_tag(__u64 hash)
{
	return hash > WEIR_TAG_BUSY ? hash : hash + 2;
}

/* Index into weir_probe, and modulo the workers the flow's worker. mask: weir_ctl.slots_mask. */
static inline __attribute__((always_inline)) __u32 weir_flow_slot(__u64 id, __u32 mask)
{
	return (__u32)(id >> 32) & mask;
}

/*
 * weir_done: which number of a flow and direction was the last that no longer is in the slow path.
 * Flows may share an element: one answer stands there, the others read as not done and ask again by
 * their next frame. The gate makes it 0 when a flow in hand-over has read its answer. Its place
 * comes from other bits of the id than the slot, so that flows of one slot do not share it.
 */
static inline __attribute__((always_inline)) __u32 weir_done_index(__u64 id, __u32 dir, __u32 mask)
{
	return ((__u32)(id >> 1) & mask) * 2 + (dir & 1);
}

static inline __attribute__((always_inline)) __u64 weir_done_word(__u64 id, __u32 number)
{
	return (__u64)number << 32 | id >> 32;
}

/* Key of weir_macs: where a station was last seen. Value: __u32 port. Written by the gate alone. */
struct weir_mac_key {
	__u8 mac[6];
	__be16 vlan; /* outer VID */
	__u8 domain;
	__u8 pad[3];
};
_Static_assert(sizeof(struct weir_mac_key) == 12, "weir_mac_key");

/*
 * weir_fragments: what identifies a datagram in fragments (RFC 791, 3.2; RFC 8200, 4.5), from the
 * sender's side. proto: of IPv4; IPv6 datagrams are identified by addresses and identification
 * alone, and have IPPROTO_FRAGMENT here.
 */
struct weir_fragment_key {
	__u32 src[4]; /* network order, v4-mapped */
	__u32 dst[4];
	__u32 id; /* host order; IPv4: 16 bits */
	__be16 vlan[WEIR_VLAN_TAGS_MAX];
	__u8 proto;
	__u8 domain;
	__u16 tunnel;
};
_Static_assert(sizeof(struct weir_fragment_key) == 44, "weir_fragment_key");

/* The part of the flow's key that only the first fragment carries. */
struct weir_fragment {
	__u64 time_ns;	/* CLOCK_MONOTONIC */
	__be16 port[2]; /* by side */
	__u8 proto;	/* the transport's */
	__u8 dir;
	__u8 pad[2];
};
_Static_assert(sizeof(struct weir_fragment) == 16, "weir_fragment");

/* Two elements of an array of numbers whose elements lie 8 bytes apart (weir_xsk_sent). */
struct weir_numbers {
	__u32 n[2];
};

#endif

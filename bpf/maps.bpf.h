/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every map of weir, once: the objects define them identically, so a loader shares them by name
 * (bpf_map__reuse_fd or one pin folder). The numbers of entries are defaults for a plain load; the
 * daemon sets its own. What each holds and who writes it: docs/architecture.md, "Maps".
 */
#ifndef WEIR_MAPS_BPF_H
#define WEIR_MAPS_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "weir/block.h"
#include "weir/ctl.h"
#include "weir/flow.h"
#include "weir/identification.h"
#include "weir/limits.h"
#include "weir/park.h"
#include "weir/policy.h"
#include "weir/reason.h"
#include "weir/rules.h"

#define WEIR_XSK_DEFAULT   1024
#define WEIR_SLOTS_DEFAULT 4096
#define WEIR_SETS_DEFAULT  512
#define WEIR_PROBES	   1024 /* a power of two; slots may share one, which costs time only */

/* In milliseconds: when the gate last let a frame of a draining slot through, and when it last gave
 * one to the stack. */
struct weir_probe {
	__u32 ms[2];
	__u32 stack_ms[2];
};

#define WEIR_TOLD 1024 /* a power of two; what shares an element is told of again */

/* Elements behind the last: how many events of a kind there were in this tenth of a second. */
enum { WEIR_TOLD_DROPS = WEIR_TOLD, WEIR_TOLD_ENDS, WEIR_TOLD_DECIDED, WEIR_TOLD_COUNT };

/* A flow whose drop was reported, and when. CPUs may both report what came in at the same time. */
struct weir_told {
	__u32 hash;
	__u32 time_ds;
};

/* The part of struct weir_flow that deciding fills: what the flow is, then what follows from it. */
struct decision {
	__u16 app;
	__u8 method;
	__u8 confidence;
	__u8 origin; /* side that sent the first frame */
	__u8 action;
	__u16 rule;
	__u16 class[2];
	__u16 pipe;
	__u8 exit;
	__u8 payloads; /* frames that it took to tell */
	__u32 flags;   /* WEIR_FLOW_BLOCKED and those from INSPECT to RELEASED */
	__u32 traits;  /* user space's */
	__u32 gate_traits;
	__u8 in_port; /* where the frames of the side that opened the flow come in */
	__u8 midstream;
	__u8 pad[2];
};

/*
 * What is too large for the stack, which all functions of a chain of calls share. Programs of one
 * CPU run one after the other (softirq), and none calls two functions that use it at once.
 */
struct weir_scratch {
	struct weir_flow flow;
	struct decision decision;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_scratch);
} weir_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct weir_ctl);
} weir_ctl SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_IFINDEX_SLOTS);
	__type(key, __u32);
	__type(value, struct weir_port_of);
} weir_port_of SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_PORTS_MAX);
	__type(key, __u32);
	__type(value, struct weir_port);
} weir_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, WEIR_PORTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} weir_devmap SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, WEIR_XSK_DEFAULT);
	__type(key, __u32);
	__type(value, __u32);
} weir_xsk SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_SETS_DEFAULT);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct weir_tags);
} weir_tags SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_SETS_DEFAULT *WEIR_WAYS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct weir_entry);
} weir_decided SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct weir_flow_key);
	__type(value, struct weir_flow);
} weir_undecided SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct weir_fragment_key);
	__type(value, struct weir_fragment);
} weir_fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct weir_mac_key);
	__type(value, __u32);
} weir_macs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * WEIR_SLOTS_DEFAULT);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64); /* weir_done_word() */
} weir_done SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_PROBES);
	__type(key, __u32);
	__type(value, struct weir_probe);
} weir_probe SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_TOLD_COUNT);
	__type(key, __u32);
	__type(value, struct weir_told);
} weir_told SEC(".maps");

/*
 * XSKMAP index i is n[i % 2] of element i / 2: an array keeps its elements 8 bytes apart, and user
 * space has this one mapped as plain __u32[].
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_XSK_DEFAULT);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct weir_numbers);
} weir_xsk_sent SEC(".maps"), weir_xsk_read SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct weir_identification);
} weir_identified SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct weir_reconnect_key);
	__type(value, struct weir_peer);
} weir_reconnects SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct weir_endpoint_key);
	__type(value, struct weir_peer);
} weir_endpoints SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct weir_parked_key);
	__type(value, struct weir_parked);
} weir_parked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct weir_block);
	__type(value, __u64);
} weir_blocks SEC(".maps");

struct weir_block_tries_inner {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(struct weir_class_key));
	__uint(value_size, sizeof(__u32));
};

struct weir_block_sets_inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct weir_block_key));
	__uint(value_size, sizeof(__u64));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct weir_block_tries_inner);
} weir_block_tries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct weir_block_sets_inner);
} weir_block_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u32);
} weir_proto_apps SEC(".maps");

/* Only for user space: frames that worker i ended of those that port p punted, at index i *
 * WEIR_PORTS_MAX + p. What a daemon that died held is what was punted and not ended. The element
 * behind them is 1 since it is kept. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_WORKERS_MAX *WEIR_PORTS_MAX + 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} weir_ended SEC(".maps");

/* Only for user space: the gate knows applications by number. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_APPS_MAX);
	__type(key, __u32);
	__type(value, char[WEIR_APP_NAME_LEN]);
} weir_app_names SEC(".maps");

/*
 * Inner maps may be of any size: an LPM trie always, an array with BPF_F_INNER_MAP. Sizes instead
 * of types, because clang describes a type that only an inner map names as a forward declaration.
 */
struct weir_classes_inner {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(struct weir_class_key));
	__uint(value_size, sizeof(__u32));
};

struct weir_rule_sets_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct weir_rule_set));
};

struct weir_rules_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct weir_rule));
};

struct weir_traits_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
};

struct weir_mac_traits_inner {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(struct weir_mac_trait_key));
	__uint(value_size, sizeof(__u32));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct weir_classes_inner);
} weir_classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct weir_rule_sets_inner);
} weir_rule_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct weir_rules_inner);
} weir_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct weir_traits_inner);
} weir_traits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct weir_mac_traits_inner);
} weir_mac_traits SEC(".maps");

/* Only for user space. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_USER_TRAITS);
	__type(key, __u32);
	__type(value, __u64);
} weir_trait_ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WEIR_PORTS_MAX *WEIR_REASON_STRIDE);
	__type(key, __u32);
	__type(value, struct weir_counter);
} weir_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WEIR_PORTS_MAX);
	__type(key, __u32);
	__type(value, struct weir_volume);
} weir_sent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WEIR_PORTS_MAX *WEIR_PORTS_MAX);
	__type(key, __u32);
	__type(value, struct weir_volume);
} weir_redirected SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WEIR_APPS_MAX * 2);
	__type(key, __u32);
	__type(value, struct weir_volume);
} weir_app_bytes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WEIR_APPS_MAX *WEIR_METHOD_STRIDE);
	__type(key, __u32);
	__type(value, __u64);
} weir_app_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * (WEIR_RULES_MAX + 1));
	__type(key, __u32);
	__type(value, __u64);
} weir_rule_hits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} weir_cache SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} weir_events SEC(".maps");

#endif

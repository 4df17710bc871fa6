/* SPDX-License-Identifier: GPL-2.0-only */
/* Pins as a daemon of layout 3 left them: its maps by type and size, and the structures in them. */
#ifndef WEIR_TEST_LAYOUT3_H
#define WEIR_TEST_LAYOUT3_H

#include <stdint.h>

#define LAYOUT3_REASONS 37
#define LAYOUT3_METHODS 7

struct layout3_ctl {
	uint32_t abi, generation, epoch, clock_ds, flags, workers, slots_mask, ring_frames;
	uint32_t handover_max_ms, classes[2], hash_seed;
	uint8_t confidence[2][7], levels[2];
	uint64_t heartbeat_ns[16];
};

struct layout3_flow {
	uint64_t id;
	uint64_t frames[2];
	uint64_t bytes[2];
	uint64_t decided_ns;
	uint32_t created_ds;
	uint32_t seen_ds;
	uint32_t isn[2];
	uint32_t generation;
	uint32_t epoch;
	uint32_t slot;
	uint32_t flags;
	uint16_t app;
	uint16_t rule;
	uint16_t class[2];
	uint8_t action;
	uint8_t method;
	uint8_t confidence;
	uint8_t resets;
	uint8_t port[2];
	uint8_t oversize;
	uint8_t payloads;
};
_Static_assert(sizeof(struct layout3_flow) == 96, "layout 3");

struct layout3_block {
	uint32_t addr[4];
	uint16_t port;
	uint8_t pad[2];
};
_Static_assert(sizeof(struct layout3_block) == 20, "layout 3");

/* X(name, type, bytes of a key, of a value, entries by struct gate_sizes *s, flags) */
#define LAYOUT3_MAPS(X)                                                                            \
	X(weir_ctl, ARRAY, 4, 192, 1, BPF_F_MMAPABLE)                                              \
	X(weir_port_of, ARRAY, 4, 8, 4096, 0)                                                      \
	X(weir_ports, ARRAY, 4, 32, 32, 0)                                                         \
	X(weir_devmap, DEVMAP, 4, 4, 32, 0)                                                        \
	X(weir_xsk, XSKMAP, 4, 4, s->xsk, 0)                                                       \
	X(weir_decided, LRU_HASH, 44, 96, s->decided, 0)                                           \
	X(weir_undecided, LRU_HASH, 44, 96, s->undecided, 0)                                       \
	X(weir_fragments, LRU_HASH, 44, 16, s->fragments, 0)                                       \
	X(weir_macs, LRU_HASH, 12, 4, 4096, 0)                                                     \
	X(weir_given, ARRAY, 4, 8, s->slots, 0)                                                    \
	X(weir_done, ARRAY, 4, 8, s->slots, BPF_F_MMAPABLE)                                        \
	X(weir_probe, ARRAY, 4, 16, 1024, 0)                                                       \
	X(weir_told, ARRAY, 4, 8, 1025, 0)                                                         \
	X(weir_xsk_sent, ARRAY, 4, 8, (s->xsk + 1) / 2, BPF_F_MMAPABLE)                            \
	X(weir_xsk_read, ARRAY, 4, 8, (s->xsk + 1) / 2, BPF_F_MMAPABLE)                            \
	X(weir_verdicts, LRU_HASH, 8, 8, s->undecided, 0)                                          \
	X(weir_reconnects, LRU_HASH, 36, 16, s->reconnects, 0)                                     \
	X(weir_endpoints, LRU_HASH, 36, 16, s->endpoints, 0)                                       \
	X(weir_blocks, HASH, 20, 8, s->blocks, 0)                                                  \
	X(weir_proto_apps, ARRAY, 4, 4, 256, 0)                                                    \
	X(weir_app_names, ARRAY, 4, 32, 1024, 0)                                                   \
	X(weir_counters, PERCPU_ARRAY, 4, 24, 32 * LAYOUT3_REASONS, 0)                             \
	X(weir_sent, PERCPU_ARRAY, 4, 16, 32, 0)                                                   \
	X(weir_app_bytes, PERCPU_ARRAY, 4, 16, 2048, 0)                                            \
	X(weir_app_flows, PERCPU_ARRAY, 4, 8, 1024 * LAYOUT3_METHODS, 0)                           \
	X(weir_rule_hits, PERCPU_ARRAY, 4, 8, 2050, 0)                                             \
	X(weir_cache, PERCPU_ARRAY, 4, 8, 4, 0)                                                    \
	X(weir_events, RINGBUF, 0, 0, 1 << 20, 0)

/* X(name, inner type, bytes of a key, of a value, flags): two inner maps each, of the policy. */
#define LAYOUT3_OUTER(X)                                                                           \
	X(weir_classes, LPM_TRIE, 20, 4, BPF_F_NO_PREALLOC)                                        \
	X(weir_rows, ARRAY, 4, 4, BPF_F_INNER_MAP)                                                 \
	X(weir_cells, ARRAY, 4, 8, BPF_F_INNER_MAP)

#endif

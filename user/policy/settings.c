// SPDX-License-Identifier: GPL-2.0-only
/* Sections of single values: inspection, reassembly, failure, sizes. */
#include "policy/section.h"

#define MS 1000000ULL

static const char *const inspect_modes[] = {"hold", "copy", NULL};
static const struct policy_setting inspect[] = {
	POLICY_NUMBER(LIVE, "packets", struct policy, inspect_packets, 1, 64, 8),
	POLICY_SIZE(RESTART, "bytes", struct policy, inspect_bytes, 1024, 65536, 16384,
		    "a size from 1KiB to 64KiB"),
	POLICY_CHOICE(LIVE, "mode", struct policy, inspect_copy, inspect_modes),
};
POLICY_SECTION(inspect) = {.key = "inspect", POLICY_SETTINGS(inspect)};

static const char *const followed[] = {"modules", "all", NULL};
static const struct policy_setting reassembly[] = {
	POLICY_SIZE(RESTART, "flow", struct policy, reassembly_flow, 4 << 10, 1 << 20, 64 << 10,
		    "a size from 4KiB to 1MiB"),
	POLICY_SIZE(RESTART, "total", struct policy, reassembly_total, 1 << 20, 16ULL << 30,
		    64 << 20, "a size from 1MiB to 16GiB"),
	POLICY_TIME(LIVE, "hold", struct policy, reassembly_hold_ns, 10 * MS, 5000 * MS, 1000 * MS,
		    "a time from 10ms to 5s"),
	POLICY_NOT(LIVE, "fast_pass", struct policy, hold_out_of_order),
	POLICY_CHOICE(LIVE, "follow", struct policy, follow_all, followed),
};
POLICY_SECTION(reassembly) = {.key = "reassembly", POLICY_SETTINGS(reassembly)};

static const char *const fates[] = {"pass", "drop", NULL};
static const struct policy_setting on_failure =
	POLICY_CHOICE(LIVE, "on_failure", struct policy, on_failure_drop, fates);
POLICY_SECTION(on_failure) = {.key = "on_failure", POLICY_SETTING(on_failure)};

static const struct policy_setting on_overload =
	POLICY_CHOICE(LIVE, "on_overload", struct policy, on_overload_drop, fates);
POLICY_SECTION(on_overload) = {.key = "on_overload", POLICY_SETTING(on_overload)};

static const char *const depths[] = {"outer", "inspect", NULL};
static const struct policy_setting tunnels =
	POLICY_CHOICE(LIVE, "tunnels", struct policy, inspect_tunnels, depths);
POLICY_SECTION(tunnels) = {.key = "tunnels", POLICY_SETTING(tunnels)};

static const struct policy_setting workers =
	POLICY_NUMBER(RESTART, "workers", struct policy, workers, 0, WEIR_WORKERS_MAX, 0);
POLICY_SECTION(workers) = {.key = "workers", POLICY_SETTING(workers)};

static const struct policy_setting limits[] = {
	POLICY_NUMBER(RESTART, "decided", struct policy, limit_decided, 1024, 16777216, 262144),
	POLICY_NUMBER(RESTART, "undecided", struct policy, limit_undecided, 1024, 16777216, 65536),
	POLICY_NUMBER(RESTART, "reconnects", struct policy, limit_reconnects, 256, 4194304, 65536),
	POLICY_NUMBER(RESTART, "endpoints", struct policy, limit_endpoints, 256, 4194304, 65536),
	POLICY_NUMBER(RESTART, "blocks", struct policy, limit_blocks, 16, 1048576, 4096),
	POLICY_NUMBER(RESTART, "fragments", struct policy, limit_fragments, 256, 1048576, 16384),
	POLICY_POWER_OF_TWO(RESTART, "slots", struct policy, limit_slots, 1024, 1048576, 65536),
	POLICY_NUMBER(RESTART, "fragmented", struct policy, limit_fragmented, 16, 65536, 1024),
	POLICY_NUMBER(RESTART, "parked", struct policy, limit_parked, 16, 1048576, 16384),
};
POLICY_SECTION(limits) = {.key = "limits", POLICY_SETTINGS(limits)};

static const struct policy_setting rings[] = {
	POLICY_POWER_OF_TWO(RESTART, "frames", struct policy, ring_frames, 64, 32768, 2048),
	POLICY_NUMBER(RESTART, "pool", struct policy, pool_frames, 0, 4194304, 0),
};
POLICY_SECTION(rings) = {.key = "rings", POLICY_SETTINGS(rings)};

/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers for people and Prometheus: one snapshot, one table of metrics, two writers. */
#ifndef WEIR_STATS_H
#define WEIR_STATS_H

#include <jansson.h>
#include <stdint.h>

#include "gate/gate.h"
#include "policy/policy.h"
#include "port/port.h"
#include "worker/worker.h"

struct stats_port {
	char name[32], interface[16];
	char hook[16], mode[16]; /* "native" "generic" "tc"; "copy" "zerocopy" "" */
	bool enabled, present;
	struct weir_counter gate[WEIR_REASON_COUNT]; /* what the gate counted, by ingress port */
	uint64_t slow[WEIR_REASON_COUNT]; /* what the workers counted, by ingress port; MADE_RESET
					     by the port it left */
	uint64_t slow_bytes[WEIR_REASON_COUNT];
	struct weir_volume sent; /* fast path, by egress port */
	uint64_t slow_sent, slow_sent_bytes;
	struct xsk_counters sockets;
	uint64_t link_tx_dropped; /* the interface's own, since attach */
};
struct stats_app {
	const char *name, *category;
	struct weir_volume volume[2];
	uint64_t flows[WEIR_METHOD_COUNT];
};
struct stats_rule {
	const char *name;
	uint64_t hits;
};
/* Everything that is shown. Heap parts are owned by the snapshot. */
struct stats_snapshot {
	uint64_t time_ns;
	struct stats_port *ports;
	size_t port_count;
	struct stats_app *apps;
	size_t app_count;
	struct stats_rule *rules;
	size_t rule_count;
	uint64_t flows_decided, flows_undecided;
	uint64_t cache[GATE_CACHE_RESULTS];
	uint64_t events_lost;
	struct worker_counters *workers;
	size_t worker_count;
	uint32_t generation;
	uint64_t loads_ok, loads_failed;
	double heartbeat_age_seconds; /* the slowest worker's */
	uint64_t endpoints;
	bool losses_accounted;
};
void stats_snapshot_free(struct stats_snapshot *s);

/*
 * One port's balance (design.md, invariant 1): received + made = redirected + stack + dropped,
 * kernel losses moved from redirected to dropped. `in_flight` is what is missing: 0 at rest.
 */
struct stats_balance {
	uint64_t received, made, redirected, stack, dropped;
	int64_t in_flight;
};
void stats_port_balance(const struct stats_snapshot *s, size_t port, struct stats_balance *out);
/* Drops of one reason on a port, from all counting places. */
uint64_t stats_port_dropped(const struct stats_port *p, enum weir_reason r);

/* Prometheus text format 0.0.4: # HELP and # TYPE for every family. malloc'd, NUL-terminated; NULL
 * on ENOMEM. */
char *stats_prometheus(const struct stats_snapshot *s);

/* The metrics listener (libmicrohttpd). render is called from its thread and returns malloc'd text.
 * "host:port", "[::1]:port". */
struct stats_server;
int stats_server_start(const char *listen, char *(*render)(void *arg), void *arg,
		       struct stats_server **out, struct error *e);
void stats_server_stop(struct stats_server *s);

#endif

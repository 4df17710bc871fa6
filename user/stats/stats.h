/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon's numbers at one moment, without dependencies on the layers that count them; metrics
 * and the balance of a port from them. */
#ifndef WEIR_STATS_H
#define WEIR_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/metric.h"
#include "util/util.h"
#include "weir/ctl.h"
#include "weir/flow.h"
#include "weir/identification.h"
#include "weir/reason.h"

/* Sums of XDP_STATISTICS of a port's AF_XDP sockets. */
struct stats_sockets {
	uint64_t rx_dropped, rx_invalid, tx_invalid, rx_ring_full, rx_fill_ring_empty,
		tx_ring_empty;
};

struct stats_port {
	char name[32], interface[16];
	char hook[16], mode[16]; /* "native" "generic" "tc"; "copy" "zerocopy" "" */
	bool enabled, present;
	struct weir_counter gate[WEIR_REASON_COUNT]; /* what the gate counted, by ingress port */
	uint64_t slow[WEIR_REASON_COUNT]; /* what the workers counted, by ingress port; MADE_RESET
					     by the port it left */
	uint64_t ended_before; /* wire frames that an earlier daemon took and ended: its counters
				  are gone */
	uint64_t slow_bytes[WEIR_REASON_COUNT];
	struct weir_volume sent; /* fast path, by egress port */
	uint64_t slow_sent, slow_sent_bytes;
	struct stats_sockets sockets;
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
	uint64_t cache_decided, cache_undecided, cache_new; /* what lookups found */
	uint64_t cache_evicted, cache_refused; /* decided flows that made room; that found none */
	uint64_t events_lost;		       /* by the gate: more than its ring had room for */
	uint64_t events_unwritten;	       /* by the events file */
	uint32_t generation;
	uint64_t loads_ok, loads_failed;
	uint64_t policies;	      /* in use: more than one until all workers took the newest */
	double heartbeat_age_seconds; /* the slowest worker's */
	uint64_t endpoints;
	bool losses_accounted;
	char *names; /* what the apps' and rules' names point into */
};
void stats_snapshot_free(struct stats_snapshot *s);

/*
 * One port's balance (design.md, invariant 1): received + made = redirected + stack + dropped,
 * kernel losses moved from redirected to dropped. `in_flight` is what is missing: 0 at rest. In
 * wire frames; docs/metrics.md has the arithmetic.
 */
struct stats_balance {
	uint64_t received, made, redirected, stack, dropped;
	int64_t in_flight;
};
void stats_port_balance(const struct stats_snapshot *s, size_t port, struct stats_balance *out);
/* Wire frames of one reason on a port, from all counting places. */
uint64_t stats_port_dropped(const struct stats_port *p, enum weir_reason r);
/* A reason's kind, label and help. r < WEIR_REASON_COUNT. */
enum weir_reason_kind stats_reason_kind(enum weir_reason r);
const char *stats_reason_name(enum weir_reason r);
/* Whether it is about frames that had ended otherwise, perhaps on another port: they are lost
 * behind weir on the way out of this one, and no part of its balance. */
bool stats_reason_is_behind(enum weir_reason r);
const char *stats_method_name(enum weir_method m);
/* Frames that came in on a port, as the kernel counts them (TC: skbs), and their bytes. */
struct weir_volume stats_port_received(const struct stats_port *p);
/* What weir itself sent out of a port, fast path and slow path. */
struct weir_volume stats_port_sent(const struct stats_port *p);

/* Families by the part of the daemon that they belong to; each list ends in one without a name. */
extern const struct metric stats_daemon_metrics[], stats_port_metrics[], stats_flow_metrics[],
	stats_policy_metrics[], stats_learned_metrics[], stats_event_metrics[];

/*
 * The metrics listener (libmicrohttpd): GET /metrics. render is called from its thread and returns
 * malloc'd text (NULL: answered with 503). listen: "192.0.2.1:9477", "[::1]:9477" or
 * "localhost:PORT"; port 0 lets the kernel choose. -EINVAL with a text, -EADDRINUSE ...
 */
struct stats_settings {	 /* section `metrics` of the policy */
	char listen[64]; /* "" = off */
};
struct stats_server;
int stats_server_start(const char *listen, char *(*render)(void *arg), void *arg,
		       struct stats_server **out, struct error *e);
void stats_server_stop(struct stats_server *s);
/* The port it listens on, host order. */
unsigned int stats_server_port(const struct stats_server *s);

#endif

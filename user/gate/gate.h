/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF side as user space sees it: load, pin, adopt, attach, and the maps by name. */
#ifndef WEIR_GATE_H
#define WEIR_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "util/util.h"
#include "weir/ctl.h"
#include "weir/flow.h"
#include "weir/identification.h"
#include "weir/park.h"
#include "weir/policy.h"
#include "weir/reason.h"
#include "weir/sweep.h"

/* Load-time sizes. Pinned maps of other sizes are made anew and their content is copied. */
struct gate_sizes {
	uint32_t decided, undecided, reconnects, endpoints, blocks, fragments, parked,
		slots; /* entries; slots a power of two */
	uint32_t xsk;  /* entries of weir_xsk */
};

struct gate;
/*
 * Opens the gate: adopts what is pinned under pins (a bpffs folder, made when absent) or loads it
 * fresh and pins it. *adopted tells which. Adopting loads the programs anew over the pinned maps
 * and updates the pinned links in place, so that no connection is cut. Maps of other sizes or of
 * layouts 3 and 4 are made anew and filled from the old ones; what those count or decide after the
 * copy is lost. -EPERM, -EBUSY (another process has this gate open), -EEXIST (the pinned layout is
 * not known: e says what to do), -ENOTSUP (kernel lacks something: says what).
 */
int gate_open(const char *pins, const struct gate_sizes *sizes, struct gate **out, bool *adopted,
	      struct error *e);
/* Closes file descriptors; pins stay. */
void gate_close(struct gate *g);
/* Whether this kernel lets only CAP_BPF write to a map by its descriptor (before 5.19). */
bool gate_map_writes_need_bpf(void);
/* Removes pins (after every port was detached). */
void gate_unpin(struct gate *g);
/*
 * Detaches everything pinned under pins, whatever its layout and sizes, and removes the pins; for
 * `weir detach` after a daemon that died. Nothing pinned is no error. -EPERM, -EBUSY (a daemon
 * has it open), or a negative errno with e filled when a program stays attached (its pin stays then
 * too).
 */
int gate_remove(const char *pins, struct error *e);

/* Attaches one port's program and pins the link. near_end/far_end: the punt pair of a TC port. */
int gate_attach_xdp(struct gate *g, const char *ifname, unsigned int ifindex, bool generic,
		    struct error *e);
int gate_attach_tc(struct gate *g, const char *ifname, unsigned int ifindex, unsigned int near_end,
		   unsigned int far_end, struct error *e);
int gate_detach_xdp(struct gate *g, const char *ifname, unsigned int ifindex);
int gate_detach_tc(struct gate *g, const char *ifname, unsigned int ifindex, unsigned int near_end,
		   unsigned int far_end);
/* What an XDP port needs beside its program for the exits `stack` and `shaped`: TC programs on the
 * port and on the near end of its pair (0 = it has none). */
int gate_attach_exits(struct gate *g, const char *ifname, unsigned int ifindex,
		      unsigned int near_end, struct error *e);
int gate_detach_exits(struct gate *g, const char *ifname, unsigned int ifindex,
		      unsigned int near_end);
/* Whether what was attached to the interface is still there: others may take it away. */
bool gate_is_attached(struct gate *g, const char *ifname, unsigned int ifindex, bool tc);
/* Whether the raw tracepoint accounting runs; false: kernel losses are only seen in the sockets'
 * statistics. */
bool gate_accounts_losses(const struct gate *g);

/* The memory-mapped arrays. */
struct weir_ctl *gate_ctl(struct gate *g);
uint64_t *gate_done(struct gate *g); /* weir_done, 2 * gate_slots() elements */
/* weir_ended, WEIR_WORKERS_MAX * WEIR_PORTS_MAX entries and the mark behind them. */
uint64_t *gate_ended(struct gate *g);
uint32_t gate_slots(const struct gate *g);
/* By XSKMAP index. weir_xsk_sent: frames steered to it. weir_xsk_read: frames the worker took;
 * gate_set_xsk starts it at what was sent so far. */
const uint32_t *gate_xsk_sent(struct gate *g);
uint32_t *gate_xsk_read(struct gate *g);

/* Registers a port (index 1..WEIR_PORTS_MAX-1), its ifindex and the far end of its punt pair; cfg
 * NULL takes it out. -EADDRINUSE when two ifindexes collide. */
int gate_set_port(struct gate *g, unsigned int port, const struct weir_port *cfg,
		  unsigned int far_end);
/* What the gate knows of a port: all zero for one that is not registered. */
int gate_get_port(struct gate *g, unsigned int port, struct weir_port *out);
int gate_set_devmap(struct gate *g, unsigned int port, unsigned int ifindex); /* 0 removes */
int gate_set_xsk(struct gate *g, uint32_t index, int xsk_fd);		      /* -1 removes */

/*
 * Puts a policy into the slot that nobody reads and sets its generation; a negative errno and
 * nothing has changed. gate_switch_policy() then makes it the one that is obeyed; no generation may
 * be stepped in between.
 */
int gate_stage_policy(struct gate *g, struct policy *p);
void gate_switch_policy(struct gate *g, const struct policy *p);
/* Both at once. */
int gate_load_policy(struct gate *g, struct policy *p, uint32_t *generation);
/* What the bits of the high half of flows' traits stand for (weir_trait_ids). */
int gate_read_trait_ids(struct gate *g, uint64_t ids[WEIR_USER_TRAITS]);
int gate_write_trait_ids(struct gate *g, const uint64_t ids[WEIR_USER_TRAITS]);
/* Live flows are re-decided by their next packet (generation steps by two). */
void gate_redecide(struct gate *g);
/* Names for whoever reads the maps, and the registry's memory across restarts. Restoring comes
 * before anything else is registered; -ESTALE when the pinned numbers are not this registry's. */
int gate_save_apps(struct gate *g, const struct app_registry *r, const struct signatures *s,
		   bool inspect_tunnels);
int gate_restore_apps(struct gate *g, struct app_registry *r);

/* Identifications, peers, parked directions, blocks. Writes are thread-safe. */
int gate_put_identification(struct gate *g, uint64_t flow_id, const struct weir_identification *v);
/* -ENOENT when nothing is known of the flow. */
int gate_get_identification(struct gate *g, uint64_t flow_id, struct weir_identification *out);
int gate_put_reconnect(struct gate *g, const struct weir_reconnect_key *k,
		       const struct weir_peer *v);
int gate_put_endpoint(struct gate *g, const struct weir_endpoint_key *k, const struct weir_peer *v);
/* weir_parked; -ENOSPC: it is full. */
int gate_put_parked(struct gate *g, uint64_t flow_id, uint8_t dir, const struct weir_parked *v);
int gate_del_parked(struct gate *g, uint64_t flow_id, uint8_t dir);
/* -ENOENT where the direction is not parked. */
int gate_get_parked(struct gate *g, uint64_t flow_id, uint8_t dir, struct weir_parked *out);
/* fn may remove the entry; it returns false to stop. */
int gate_each_parked(struct gate *g,
		     bool (*fn)(uint64_t flow_id, uint8_t dir, const struct weir_parked *, void *),
		     void *arg);
int gate_put_block(struct gate *g, const struct weir_block *k, uint64_t expires_ns);
int gate_del_block(struct gate *g, const struct weir_block *k);
/* Replaces the compiled blocks at once. On failure (a negative errno) nothing has changed. Live
 * flows are not decided again. */
int gate_load_blocks(struct gate *g, const struct policy_blocks *b);

/*
 * Ends flows of which nothing comes any more, and tells what ended (weir/sweep.h): some sets of the
 * decided table, or all undecided flows. -ENOTSUP: this kernel does not run such programs.
 */
int gate_sweep(struct gate *g, struct weir_sweep *s);
int gate_sweep_waiting(struct gate *g, struct weir_sweep *s);
uint32_t gate_sets(const struct gate *g); /* of the decided table */

/* How many decided flows there are: reads the table's tags alone, without a system call. */
uint64_t gate_count_decided(const struct gate *g);

/* Reading. fn returns false to stop. */
int gate_each_flow(struct gate *g, bool decided,
		   bool (*fn)(const struct weir_flow_key *, const struct weir_flow *, void *),
		   void *arg);
int gate_each_block(struct gate *g,
		    bool (*fn)(const struct weir_block *, uint64_t expires_ns, void *), void *arg);
int gate_each_endpoint(struct gate *g,
		       bool (*fn)(const struct weir_endpoint_key *, const struct weir_peer *,
				  void *),
		       void *arg);
/* Sums over CPUs. out: WEIR_REASON_COUNT entries. */
int gate_read_counters(struct gate *g, unsigned int port, struct weir_counter *out);
/* out: per egress port. */
int gate_read_sent(struct gate *g, unsigned int port, struct weir_volume *out);
int gate_read_app(struct gate *g, unsigned int app, struct weir_volume out[2],
		  uint64_t flows[WEIR_METHOD_COUNT]);
int gate_read_rule_hits(struct gate *g, uint32_t generation, unsigned int rule, uint64_t *hits);
enum gate_cache_result {
	GATE_CACHE_DECIDED,
	GATE_CACHE_UNDECIDED,
	GATE_CACHE_NEW,
	GATE_CACHE_EVENTS_LOST,
	GATE_CACHE_EVICTED,
	GATE_CACHE_REFUSED,
	GATE_CACHE_ENDED,
	GATE_CACHE_UNTOLD_RING,
	GATE_CACHE_UNTOLD_RATE,
	GATE_CACHE_WAITING,
	GATE_CACHE_SETTLED,
	GATE_CACHE_COUNT,
	GATE_CACHE_RESULTS = GATE_CACHE_EVENTS_LOST
};
/* Lookups that found a decided flow, an undecided one, none (GATE_CACHE_RESULTS); events lost
 * because the ring was full; decided flows that made room for others, and those for which there was
 * no room; flows whose end was told, and those whose end was not: the ring was full, or there were
 * too many at once; flows that became undecided, and those that are not any more and of which the
 * gate knows. */
int gate_read_cache(struct gate *g, uint64_t out[GATE_CACHE_COUNT]);
/* Descriptor to poll; gate_read_events hands every waiting event to fn. */
int gate_events_fd(struct gate *g);
int gate_read_events(struct gate *g, void (*fn)(const struct weir_event *, void *), void *arg);

#endif

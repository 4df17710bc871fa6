/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this folder share. */
#ifndef WEIR_GATE_PRIVATE_H
#define WEIR_GATE_PRIVATE_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>

#include "gate/gate.h"
#include "gate/table.h"

/* X(enumerator, "name", entries by struct gate_sizes *s, 0 = as the object has it). An element of
 * weir_xsk_sent and weir_xsk_read counts for two XSKMAP indexes. */
#define GATE_MAPS(X)                                                                               \
	X(CTL, "weir_ctl", 0)                                                                      \
	X(SCRATCH, "weir_scratch", 0)                                                              \
	X(PORT_OF, "weir_port_of", 0)                                                              \
	X(PORTS, "weir_ports", 0)                                                                  \
	X(DEVMAP, "weir_devmap", 0)                                                                \
	X(XSK, "weir_xsk", s->xsk)                                                                 \
	X(TAGS, "weir_tags", gate_table_sets(s->decided))                                          \
	X(DECIDED, "weir_decided", WEIR_WAYS *gate_table_sets(s->decided))                         \
	X(UNDECIDED, "weir_undecided", s->undecided)                                               \
	X(FRAGMENTS, "weir_fragments", s->fragments)                                               \
	X(MACS, "weir_macs", 0)                                                                    \
	X(DONE, "weir_done", s->slots * 2)                                                         \
	X(PROBE, "weir_probe", 0)                                                                  \
	X(TOLD, "weir_told", 0)                                                                    \
	X(XSK_SENT, "weir_xsk_sent", (s->xsk + 1) / 2)                                             \
	X(XSK_READ, "weir_xsk_read", (s->xsk + 1) / 2)                                             \
	X(IDENTIFIED, "weir_identified", s->undecided)                                             \
	X(RECONNECTS, "weir_reconnects", s->reconnects)                                            \
	X(ENDPOINTS, "weir_endpoints", s->endpoints)                                               \
	X(ENDED, "weir_ended", 0)                                                                  \
	X(PARKED, "weir_parked", s->parked)                                                        \
	X(BLOCKS, "weir_blocks", s->blocks)                                                        \
	X(BLOCK_TRIES, "weir_block_tries", 0)                                                      \
	X(BLOCK_SETS, "weir_block_sets", 0)                                                        \
	X(PROTO_APPS, "weir_proto_apps", 0)                                                        \
	X(APP_NAMES, "weir_app_names", 0)                                                          \
	X(CLASSES, "weir_classes", 0)                                                              \
	X(RULE_SETS, "weir_rule_sets", 0)                                                          \
	X(RULES, "weir_rules", 0)                                                                  \
	X(TRAITS, "weir_traits", 0)                                                                \
	X(MAC_TRAITS, "weir_mac_traits", 0)                                                        \
	X(TRAIT_IDS, "weir_trait_ids", 0)                                                          \
	X(COUNTERS, "weir_counters", 0)                                                            \
	X(SENT, "weir_sent", 0)                                                                    \
	X(REDIRECTED, "weir_redirected", 0)                                                        \
	X(APP_BYTES, "weir_app_bytes", 0)                                                          \
	X(APP_FLOWS, "weir_app_flows", 0)                                                          \
	X(RULE_HITS, "weir_rule_hits", 0)                                                          \
	X(CACHE, "weir_cache", 0)                                                                  \
	X(EVENTS, "weir_events", 0)

enum gate_map {
#define X(id, name, size) GATE_MAP_##id,
	GATE_MAPS(X)
#undef X
		GATE_MAP_COUNT,
};

/* X(enumerator, "name"): the programs of the objects. Those up to PAIR_FAR have to load. */
#define GATE_PROGS(X)                                                                              \
	X(GATE, "weir_gate")                                                                       \
	X(QUEUE, "weir_queue")                                                                     \
	X(PAIR_NEAR, "weir_pair_near")                                                             \
	X(INGRESS, "weir_ingress")                                                                 \
	X(EGRESS, "weir_egress")                                                                   \
	X(PAIR_FAR, "weir_pair_far")                                                               \
	X(SWEEP, "weir_sweep")                                                                     \
	X(SWEEP_WAITING, "weir_sweep_waiting")                                                     \
	X(REDIRECT_ERR, "weir_redirect_err")                                                       \
	X(DEVMAP_XMIT, "weir_devmap_xmit")

enum gate_prog {
#define X(id, name) GATE_PROG_##id,
	GATE_PROGS(X)
#undef X
		GATE_PROG_COUNT,
};

#define GATE_PATH_MAX 512

struct gate {
	char pins[256];
	int lock; /* of the pin folder */
	int maps[GATE_MAP_COUNT];
	int pinned[GATE_MAP_COUNT]; /* found under the pins, and replaced by another in maps */
	bool pins_differ;	    /* from maps: there are others, or fewer */
	uint32_t layout;	    /* of what is pinned; 0: nothing is */
	int progs[GATE_PROG_COUNT]; /* -1 where the kernel lacks what an optional one needs */
	char tracepoints[GATE_PROG_COUNT][32]; /* raw tracepoint of an accounting program */
	struct weir_ctl *ctl;
	struct gate_table table;
	uint64_t *done;
	uint32_t *xsk_sent; /* mapped read-only */
	uint32_t *xsk_read;
	uint64_t *ended;
	uint32_t slots, sets, xsk;
	int cpus; /* values of a per-CPU element */
	bool accounts;
	struct ring_buffer *events;
	void (*event_fn)(const struct weir_event *, void *);
	void *event_arg;
	pthread_mutex_t generation_lock;
};

/* kernel.c: what stands in the way of loading anything. */
int gate_check_privilege(struct error *e);
int gate_check_kernel(struct error *e);

/* objects.c: names, and the objects loaded over those of g->pinned that fit, which become
 * g->maps; the others are made. */
const char *gate_map_name(enum gate_map id);
const char *gate_prog_name(enum gate_prog id);
int gate_objects_load(struct gate *g, const struct gate_sizes *sizes, struct error *e);
/* Whether the program behind id of the kernel bears name. */
bool gate_prog_id_is(uint32_t id, enum gate_prog prog);

/* pin.c: the pin folder. PINS/maps exists only when complete. */
enum gate_pin_dir { GATE_PIN_MAPS, GATE_PIN_PROGS, GATE_PIN_LINKS };
int gate_pins_prepare(const char *pins, int *lock, struct error *e);
/* Takes the folder for this process until the returned descriptor is closed. -EBUSY: another has
 * it. */
int gate_pins_lock(const char *pins, struct error *e);
/* Removes the folders that an open made and did not fill. */
void gate_pins_tidy(const char *pins);
bool gate_pins_exist(const char *pins);
/* Into g->pinned; a map that is not there stays -1. */
int gate_pins_open_maps(struct gate *g, struct error *e);
/* In place of those that may be pinned, all at once. */
int gate_pins_save_maps(struct gate *g, struct error *e);
int gate_pins_save_progs(struct gate *g, struct error *e);
/* Path of the pin of an interface or of an accounting program: PINS/links/NAME_SUFFIX. */
int gate_link_path(const char *pins, const char *name, const char *suffix,
		   char path[GATE_PATH_MAX]);
/* Pins fd at path in place of what may be there. */
int gate_pin_replace(int fd, const char *path);
/* Calls fn for each pin under links whose name ends in _SUFFIX. */
int gate_links_each(const char *pins, const char *suffix, int (*fn)(const char *path, void *arg),
		    void *arg);
void gate_pins_remove(const char *pins);

/* attach_xdp.c */
struct gate_xdp_target {
	const char *ifname; /* names the pin */
	const char *suffix;
	unsigned int ifindex;
	enum gate_prog prog;
	bool generic;
};
int gate_xdp_attach(struct gate *g, const struct gate_xdp_target *t, struct error *e);
int gate_xdp_detach(const char *pins, const char *ifname, const char *suffix);
int gate_xdp_detach_path(const char *path);
bool gate_xdp_is_attached(const char *pins, const char *ifname, const char *suffix,
			  unsigned int ifindex);
/* Moves every pinned XDP link to this gate's programs. */
int gate_xdp_refresh(struct gate *g, struct error *e);

/* attach_tc.c */
int gate_tc_refresh(struct gate *g, struct error *e);
int gate_tc_detach_path(const char *path);
enum gate_tc_state { GATE_TC_NONE, GATE_TC_STRIPPED, GATE_TC_ATTACHED };
enum gate_tc_state gate_tc_state(const char *pins, const char *ifname, unsigned int ifindex);

/* qdisc.c: clsact queueing disciplines. */
int gate_clsact_exists(unsigned int ifindex);
/* Whether no filter is left on either side; a negative errno when that cannot be told. */
int gate_clsact_empty(unsigned int ifindex);

/* adopt.c: whether what is pinned is of a layout that is known; copies what was replaced. */
int gate_adopt_check(struct gate *g, struct error *e);
int gate_adopt_copy(struct gate *g, struct error *e);

/* walk.c: every element of a hash map. fn returns false to stop. */
int gate_walk(int fd, bool (*fn)(const void *key, const void *value, void *arg), void *arg);

/* account.c */
void gate_account_attach(struct gate *g);

/* read.c: an element's words summed over CPUs; the ring of events. */
int gate_sum(struct gate *g, enum gate_map map, uint32_t index, uint64_t *words, size_t count);
int gate_events_init(struct gate *g);

#endif

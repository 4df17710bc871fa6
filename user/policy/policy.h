/* SPDX-License-Identifier: GPL-2.0-only */
/* The policy file (docs/policy.md): read, check, compile to the tables of include/weir/policy.h. */
#ifndef WEIR_USER_POLICY_H
#define WEIR_USER_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "app/record.h"
#include "classify/classify.h"
#include "util/util.h"
#include "weir/block.h"
#include "weir/flow.h"
#include "weir/policy.h"
#include "weir/rules.h"
#include "weir/sweep.h"

enum policy_hook { POLICY_HOOK_AUTO, POLICY_HOOK_NATIVE, POLICY_HOOK_GENERIC, POLICY_HOOK_TC };
enum policy_mode { POLICY_MODE_BRIDGE, POLICY_MODE_ROUTE, POLICY_MODE_HOST };

struct policy_port {
	char name[32];
	char interface[16];
	enum policy_hook hook;
	unsigned int line, column;
};
struct policy_forward {
	enum policy_mode mode;
	char bridge[16];
	bool create;
	unsigned int ports[WEIR_PORTS_MAX]; /* indexes into policy.ports */
	unsigned int port_count;
};
struct policy_rule {
	char name[64];
	enum weir_action action;
	enum weir_exit exit; /* of what passes */
	uint32_t traits;     /* the gate's half of what it needs */
	uint32_t conditions; /* bits by place in policy.conditions: the other half */
	uint8_t schedule;    /* place in policy.schedules plus one; 0: always */
	uint8_t tap;	     /* place in policy.taps plus one; 0: none */
	unsigned int line, column;
};
/* A program that flows are handed to (docs/tap.md). */
#define POLICY_TAPS_MAX	  16
#define POLICY_TAP_NOBODY UINT32_MAX
struct policy_tap {
	char name[32];
	bool stream; /* mode: stream */
	bool copy;   /* it is not asked */
	uint64_t timeout_ns;
	uint32_t ring_bytes;			/* as the file says it */
	enum weir_action on_timeout, on_absent; /* PASS or DROP */
	uint32_t uid, gid;			/* who may serve it beside root */
};
/* X(enumerator, "key"): conditions that user space judges. */
#define POLICY_CONDITIONS(X)                                                                       \
	X(HOSTNAME, "hostname")                                                                    \
	X(ANOMALY, "anomaly")                                                                      \
	X(VIA, "via")

enum policy_condition_kind {
#define X(id, key) POLICY_CONDITION_##id,
	POLICY_CONDITIONS(X)
#undef X
		POLICY_CONDITION_KINDS,
};
struct policy_condition {
	enum policy_condition_kind kind;
	char **globs; /* HOSTNAME: in small letters */
	size_t glob_count;
	uint32_t set; /* ANOMALY: bits of enum weir_anomaly; VIA: of enum packet_tunnel */
	uint64_t id;  /* hash of what it says: the same in every policy, never 0 */
	uint8_t bit;  /* of the high half of a flow's traits */
};
/* Link-layer addresses and the traits that follow. */
struct policy_mac {
	struct weir_mac_trait_key key;
	uint32_t traits;
};
struct policy_class {
	struct weir_class_key key;
	uint32_t class;
};

/* events.protocols */
#define POLICY_EVENT_TLS   (1u << 0)
#define POLICY_EVENT_HTTP  (1u << 1)
#define POLICY_EVENT_DNS   (1u << 2)
#define POLICY_EVENT_QUIC  (1u << 3)
#define POLICY_EVENT_FILES (1u << 4)

/* A loaded policy. Read-only for everybody but policy_load. */
struct policy {
	char *path;
	struct policy_port ports[WEIR_PORTS_MAX];
	unsigned int port_count;
	struct policy_forward forwards[WEIR_PORTS_MAX];
	unsigned int forward_count;
	unsigned int inspect_packets; /* default 8 */
	uint64_t inspect_bytes;	      /* default 16 KiB, at most 64 KiB */
	bool inspect_copy;	      /* mode: copy */
	uint32_t modules_off;	      /* bits by place in app_modules(): disabled */
	bool inspect_tunnels;	      /* tunnels: inspect */
	/* Key `parking:`. */
	uint64_t parking_flow;	/* bytes of a direction, 256 KiB */
	uint32_t parking_share; /* percent of the frame pool under one reason, 25 */
	uint32_t parking_total; /* in all, 50 */
	/* Key `reassembly:`. */
	uint64_t reassembly_flow;  /* bytes kept of a direction that is read on, 64 KiB */
	uint64_t reassembly_total; /* of all flows, 64 MiB */
	uint64_t reassembly_hold_ns;
	bool hold_out_of_order; /* fast_pass: false */
	bool follow_all;	/* follow: all */
	bool on_failure_drop, on_overload_drop;
	char **signatures; /* paths resolved against the policy file's folder, then the working
			      folder; none = built in */
	size_t signature_count;
	char *events_file;	      /* NULL = none */
	unsigned int event_protocols; /* POLICY_EVENT_*: whose events are made */
	bool events_alerts;	      /* drops are told as alerts too */
	bool events_plain;	      /* without `community_id` */
	uint32_t events_seed;	      /* of `community_id` */
	uint32_t events_rate;	      /* of each type, a second; 0 = without a bound */
	uint64_t events_stats_ns;     /* between two `stats` events, 0 = none */
	struct policy_rule *rules;
	unsigned int rule_count;
	enum weir_action default_action;
	struct policy_tap *taps;
	unsigned int tap_count;
	/* Sizes (key `limits:`), see docs/policy.md. */
	uint32_t limit_decided, limit_undecided, limit_reconnects, limit_endpoints, limit_blocks,
		limit_fragments, limit_slots, limit_fragmented, limit_parked;
	uint32_t mark_mask;		   /* bits of skb->mark that are weir's (weir/exit.h) */
	uint32_t workers;		   /* 0 = choose */
	uint32_t ring_frames, pool_frames; /* per port and queue; in all. 0 = choose */
	uint32_t generation;		   /* that the gate has it as: gate_stage_policy() */
	/* Compiled: */
	struct policy_class *classes; /* prefixes with their class */
	size_t class_count;
	uint32_t class_ids;	    /* classes used, class 0 included */
	struct weir_rule_set *sets; /* weir_rule_sets: WEIR_SETS_COUNT(class_ids) elements */
	struct weir_rule *compiled; /* weir_rules: rule_count + 1 elements */
	uint32_t *traits;	    /* weir_traits */
	uint32_t trait_count;
	uint32_t trait_conditions; /* bits of the gate's half that are in use */
	struct policy_mac *macs;
	size_t mac_count;
	struct policy_condition *conditions; /* at most WEIR_USER_TRAITS */
	size_t condition_count;
	struct policy_schedule *schedules;
	size_t schedule_count;
	uint64_t schedules_active;	/* bits by place: policy_schedule_apply() */
	int64_t schedule_next;		/* when they change, as far as was known then; 0: never */
	struct weir_rule_set *all_from; /* sets by source class, as if all rules were active */
	struct policy_data *sections;	/* what the sections' own data is: policy/section.h */
	size_t section_count;
};

/*
 * Reads, checks and compiles path, loading the signature set it names into *signatures (registry r
 * is extended by its applications). warnings, when not NULL, gets lines "FILE:LINE:COLUMN: warning:
 * ...". On failure nothing is changed and e->text is "FILE:LINE:COLUMN: message".
 */
int policy_load(const char *path, struct app_registry *r, struct policy **out,
		struct signatures **signatures, FILE *warnings, struct error *e);
/* The same for a policy that is to replace the running one: refuses, with the place, what is fixed
 * at the start and differs from it. */
int policy_reload(const char *path, const struct policy *running, struct app_registry *r,
		  struct policy **out, struct signatures **signatures, FILE *warnings,
		  struct error *e);
void policy_free(struct policy *p);
/* What consumers are to tell for events: bits by enum app_record_kind. */
static inline uint32_t policy_event_records(const struct policy *p)
{
	uint32_t records = 0;

#define X(id, name, wanted)                                                                        \
	if (p->event_protocols & POLICY_EVENT_##wanted)                                            \
		records |= 1u << APP_RECORD_##id;
	APP_RECORDS(X)
#undef X
	return records;
}
/* Section `timeouts`: after how long a silence a flow has ended. */
uint64_t policy_idle_ns(const struct policy *p, enum weir_idle which);
/* Part of it. */
void policy_schedules_free(struct policy *p);
/* Class of an address (network order, v4-mapped). */
uint32_t policy_class(const struct policy *p, const uint32_t addr[4]);
/*
 * What the gate does with a flow that was identified with this confidence (0 to 100), which counts
 * beside the traits of s. NULL for a class or an application that the policy does not have.
 */
const struct weir_cell *policy_cell(const struct policy *p, const struct weir_subject *s,
				    unsigned int confidence);
/* The gate's half of a flow's traits. mac: of the side that opened it, or NULL. */
uint32_t policy_traits(const struct policy *p, const struct weir_trait_facts *f,
		       const uint8_t mac[6]);
/* What the other half follows from. */
struct policy_seen {
	const char *hostname; /* "" or NULL: not known */
	uint16_t anomalies;   /* bits of enum weir_anomaly */
	uint8_t tunnel;	      /* enum packet_tunnel that the flow is inside of */
};
uint32_t policy_user_traits(const struct policy *p, const struct policy_seen *seen);
/*
 * The same for flows of the slow path; no other thread may use the flow. A flow has no class or
 * trait of its own here: they are found anew. in_port: where the originator's packets come in, 0 =
 * not known; mac: of the side that opened the flow, or NULL. NULL as policy_cell().
 */
struct flow;
const struct weir_cell *policy_flow_cell(const struct policy *p, const struct flow *f,
					 unsigned int in_port, const uint8_t mac[6]);
/* The gate's half of the flow's traits. */
uint32_t policy_flow_traits(const struct policy *p, const struct flow *f, unsigned int in_port,
			    const uint8_t mac[6]);
/* Finds user space's half of the flow's traits where news came or the policy is another one.
 * Whether they changed. */
bool policy_flow_update(const struct policy *p, struct flow *f, bool news);
/* Whether the flow's host name may still be read, and rules ask for it: it is not decided before.
 */
bool policy_flow_waits(const struct policy *p, const struct flow *f);
/* Whether rules ask for conditions of this kind. */
bool policy_asks(const struct policy *p, enum policy_condition_kind kind);
/*
 * Gives the conditions their bits by what was given out before: ids as in weir_trait_ids. *changed
 * gets the bits that stand for something else from now on, or did not stand for anything. Once for
 * each policy, before it is used; without it a condition's bit is its place.
 */
void policy_number_traits(struct policy *p, uint64_t ids[WEIR_USER_TRAITS], uint32_t *changed);
/*
 * Rules with a schedule. time: seconds since 1970. apply: rules that are not active at that time
 * match nothing from now on; for the thread that owns the policy, while others may ask it. due:
 * whether apply would change anything.
 */
void policy_schedule_apply(struct policy *p, int64_t time);
bool policy_schedule_due(const struct policy *p, int64_t time);
bool policy_rule_active(const struct policy *p, unsigned int rule);
/* As the file says it; NULL: always. */
const char *policy_rule_schedule(const struct policy *p, unsigned int rule);
/* A block of the operator's, and until when (0 = until lifted). */
struct policy_block {
	struct weir_block block;
	uint64_t expires_ns;
};
struct policy_block_entry {
	struct weir_block_key key;
	uint64_t expires_ns;
};
/* Of all blocks together. */
#define POLICY_BLOCK_ENTRIES_MAX 1048576
struct policy_blocks {
	struct policy_class *prefixes; /* with their numbers, from 1 on; in order */
	uint32_t *outer;	       /* of each, the number of the one around it; 0: none */
	size_t prefix_count;
	struct policy_block_entry *entries; /* each key once; in order */
	size_t count;
};
/* Whether the block applies to the flow that side `origin` opened, as in the gate. app:
 * WEIR_BLOCK_ANY_APP while the flow is not identified. */
bool policy_block_means(const struct weir_block *b, const struct weir_flow_key *key,
			unsigned int origin, uint16_t app);
/* -ENOMEM; -E2BIG: they overlap in too many ways. On failure *out is left alone. */
int policy_blocks_compile(const struct policy_block *list, size_t count, struct policy_blocks *out);
void policy_blocks_fini(struct policy_blocks *b);
/* Until when they shut out the flow, whose side `origin` opened it: UINT64_MAX until lifted, 0 not
 * at all. As the gate sees it, but for those whose time is over. */
uint64_t policy_blocks_until(const struct policy_blocks *b, const struct weir_flow_key *key,
			     unsigned int origin, uint16_t app);

/* The tap of a cell's rule number; NULL: none. */
const struct policy_tap *policy_rule_tap(const struct policy *p, unsigned int rule);
/* Rule name for a cell's rule number; "default" for WEIR_RULE_DEFAULT. */
const char *policy_rule_name(const struct policy *p, unsigned int rule);
const char *policy_action_name(enum weir_action a);
const char *policy_exit_name(enum weir_exit exit);
const char *policy_hook_name(enum policy_hook h);

#endif

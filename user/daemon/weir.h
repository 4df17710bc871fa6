/* SPDX-License-Identifier: GPL-2.0-only */
/* Everything the daemon owns, in one place. */
#ifndef WEIR_DAEMON_WEIR_H
#define WEIR_DAEMON_WEIR_H

#include <jansson.h>
#include <pthread.h>

#include "audit/audit.h"
#include "control/control.h"
#include "daemon/daemon.h"
#include "daemon/hostnames.h"
#include "gate/gate.h"
#include "loop/loop.h"
#include "policy/policy.h"
#include "port/port.h"
#include "service/service.h"
#include "stats/stats.h"
#include "worker/worker.h"
#include "xsk/xsk.h"

struct daemon_port {
	char name[32];
	char interface[16];
	enum port_hook hook;
	const char *hook_reason; /* why auto chose it */
	bool configured, present, attached, enabled;
	bool lossy;	    /* tick.c: what was redirected to it was lost */
	bool stripped;	    /* tick.c: somebody took weir's program off it */
	char degraded[128]; /* "" = nothing; why it is slower or passes more than asked */
	unsigned int ifindex, near_end, far_end;
	char far_name[16]; /* of its pair; "" = it has none */
	struct weir_port cfg;
	struct xsk_sockets *sockets;
	struct xsk_sockets *sender; /* of an XDP port: on the far end of its pair, or NULL */
	struct port_link link_at_attach;
	uint64_t lost_seen, redirected_seen; /* tick.c */
	uint64_t lost_at_close;		     /* snapshot_settle */
	/* losses.c: what the root queueing discipline and the pair lost since the port was opened
	 * first, and what they said last. */
	struct port_qdisc qdisc;
	bool qdisc_known;
	unsigned int pair_seen_of; /* far end */
	uint64_t qdisc_lost;
	struct port_pair_lost pair_lost, pair_seen;
};

struct weir {
	pthread_mutex_t lock; /* the loop against the metrics listener's thread */
	struct daemon_options options;
	struct gate *gate;
	bool adopted;
	bool attached_all; /* start is over: what the gate holds of ports is this daemon's */
	struct frame_pool *pool;
	struct worker_settings *settings; /* the newest, with those that some worker still uses */
	struct policy *policy;		  /* of the newest settings */
	struct signatures *signatures;	  /* likewise */
	struct app_registry *registry;
	struct endpoints *endpoints;
	struct names *names;	     /* what the DNS told */
	struct hostnames *hostnames; /* of live flows */
	struct worker_shared shared;
	uint32_t queues; /* receive queues of the port that had the most at start */
	struct worker *workers[WEIR_WORKERS_MAX];
	uint32_t worker_count;
	struct daemon_port ports[WEIR_PORTS_MAX]; /* index = port number; 0 unused */
	struct port_changes *changes;
	struct host host; /* of the services */
	struct port_monitor *monitor;
	sd_event_source *monitor_source;
	struct control_server *control;
	sd_event_source *control_source;
	sd_event_source *news_sources[WEIR_WORKERS_MAX]; /* of the workers */
	struct audit *audit;
	struct eve eve;		      /* what events are made with: events_context() */
	sd_event_source *stats_event; /* timer of the `stats` events */
	uint64_t stats_event_ns;      /* its interval, 0 = none */
	uint32_t generation;
	uint64_t loads_ok, loads_failed;
	uint64_t started_ns;
	uint64_t flows_decided, flows_undecided;       /* from the last scan */
	bool sweeps;				       /* which counts undecided flows */
	struct rule_names *rule_names;		       /* of earlier policies, newest first */
	uint64_t rule_hits_before[WEIR_RULES_MAX + 1]; /* by rule, the default behind the last */
	uint64_t punted_before[WEIR_PORTS_MAX]; /* snapshot_begin: what an earlier daemon ended */
	uint64_t stale_before[WEIR_PORTS_MAX];	/* and what died with it */
	uint64_t second_ns, flow_scan_ns, look_ns; /* when the next of each is due */
};

/* audit.c: for the events of this moment. */
const struct eve *events_context(struct weir *w);
/* stats_event.c: writes a `stats` event. arg: struct weir. */
void stats_event(void *arg);

/* Answers to the listing verbs; arg: struct weir. *data is a new reference; 0 or a negative errno
 * with e filled. */
int query_status(void *arg, const json_t *args, json_t **data, struct error *e);
int query_flows(void *arg, const json_t *args, json_t **data, struct error *e);
int query_apps(void *arg, const json_t *args, json_t **data, struct error *e);
int query_modules(void *arg, const json_t *args, json_t **data, struct error *e);
int query_blocks(void *arg, const json_t *args, json_t **data, struct error *e);
int query_stats(void *arg, const json_t *args, json_t **data,
		struct error *e); /* {"text": Prometheus text} */
int query_top(void *arg, const json_t *args, json_t **data, struct error *e);
int query_policy(void *arg, const json_t *args, json_t **data, struct error *e);
/* Events of the recent past, for those who do not follow. {"type"} filters. */
int query_recent(void *arg, const json_t *args, json_t **data, struct error *e);
int query_ports(void *arg, const json_t *args, json_t **data, struct error *e);
/* losses.c: packets that the port's queueing disciplines, and its pair, have lost so far. */
uint64_t port_qdisc_losses(struct weir *w, unsigned int index);
const struct port_pair_lost *port_pair_losses(struct weir *w, unsigned int index);
/* notes.c: reads the workers' records. */
void news_read(struct weir *w);
/* An event of the gate or a worker. arg: struct weir. */
/* rule_names.c: before another policy takes the place of the running one; the name of the rule that
 * decided a flow, "" where its policy is not known any more. */
void rule_names_keep(struct weir *w);
void rule_names_free(struct weir *w);
const char *rule_name_of(const struct weir *w, const struct weir_flow *f);
/* judge.c: rule, action and exit of a flow by what it is known as. */
void flow_judge(const struct weir *w, const struct weir_flow_key *k, struct weir_flow *f);
void event_visit(const struct weir_event *ev, void *arg);
/* snapshot.c: remembers what an adopted gate had punted before. Once, after gate_open and before
 * the workers start. */
void snapshot_begin(struct weir *w);
/* Books what a port's sockets had when they were closed as lost. After that, before they are opened
 * again. */
void snapshot_settle(struct weir *w, unsigned int port);
/* The workers' counters, for malloc's free(). NULL on ENOMEM. arg: struct weir. */
void *workers_numbers(void *arg);
/* The numbers of this moment; it owns what it points to. NULL on ENOMEM. */
struct stats_snapshot *snapshot_take(struct weir *w);

/* traits.c: a worker named a flow's host. Whether the live policy asks for that name and the worker
 * did not know it yet: the flow is to be decided again. */
bool traits_of_name(struct weir *w, uint64_t flow_id, const char *hostname);

/* Changing verbs. */
int change_port(void *arg, const json_t *args, json_t **data,
		struct error *e); /* {"port","enabled"} */
int change_policy(void *arg, const json_t *args, json_t **data,
		  struct error *e); /* {"path"} absolute */
int change_block(void *arg, const json_t *args, json_t **data,
		 struct error *e); /* {"address","to","port","application","seconds"} */
int change_unblock(void *arg, const json_t *args, json_t **data, struct error *e);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/* From a policy file to a running gateway, and back to the machine as it was. */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "daemon/daemon_private.h"
#include "weir/exit.h"

#define RECONNECT_TTL_NS (600ULL * 1000000000ULL)
#define POOL_FRAMES_MIN	 8192
/* Longer than the kernel keeps a batch of redirected frames to itself, also on a CPU that has other
 * work (2 ms was too short there); as long as what a queueing discipline is meant to hold back. */
#define SETTLE_WIRE_MS	10
#define SETTLE_QUEUE_MS 25

/* Reads the policy and the interfaces it names before anything is touched. */
static int probe(struct weir *w, struct gate_sizes *sizes, struct error *e)
{
	struct app_registry *r = app_registry_new();
	struct signatures *s = NULL;
	struct policy *p = NULL;
	int err;

	if (!r)
		return error_set(e, -ENOMEM, "no memory");
	err = policy_load(w->options.policy, r, &p, &s, NULL, e);
	w->queues = 1;
	for (unsigned int i = 0; !err && i < p->port_count; i++) {
		const struct policy_port *pp = &p->ports[i];
		struct error cause = {0};
		struct port_link l;

		err = port_link_read(pp->interface, &l, &cause);
		if (err < 0)
			error_set(e, err, "%s:%u:%u: port %s: %s", p->path, pp->line, pp->column,
				  pp->name, cause.text);
		else if (l.rx_queues > w->queues)
			w->queues = l.rx_queues;
	}
	if (!err) {
		long cpus = sysconf(_SC_NPROCESSORS_ONLN);

		w->shared.workers = p->workers ? p->workers : (cpus > 3 ? (uint32_t)cpus / 2 : 1);
		if (w->shared.workers > WEIR_WORKERS_MAX)
			w->shared.workers = WEIR_WORKERS_MAX;
		*sizes = (struct gate_sizes){
			.decided = p->limit_decided,
			.undecided = p->limit_undecided,
			.reconnects = p->limit_reconnects,
			.endpoints = p->limit_endpoints,
			.blocks = p->limit_blocks,
			.fragments = p->limit_fragments,
			.slots = p->limit_slots,
			.parked = p->limit_parked,
			.xsk = p->port_count * w->queues * w->shared.workers,
		};
	}
	policy_free(p);
	signatures_free(s);
	app_registry_free(r);
	return err;
}

/*
 * Port numbers are places in the policy, and stand in flow entries: a pinned gate goes on with the
 * same ports in the same order, except for interfaces that are gone.
 */
static int check_adopted_ports(struct weir *w, struct error *e)
{
	for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++) {
		const char *interface =
			i <= w->policy->port_count ? w->policy->ports[i - 1].interface : "";
		struct weir_port before;
		char name[IF_NAMESIZE];

		if (gate_get_port(w->gate, i, &before) < 0 || !before.ifindex ||
		    !if_indextoname(before.ifindex, name) || !strcmp(name, interface))
			continue;
		return error_set(
			e, -EEXIST,
			"%s: the running gate has interface %s as port %u, this policy has "
			"%s: run `weir detach` first",
			w->policy->path, name, i, interface[0] ? interface : "none");
	}
	return 0;
}

/* What the policy decides before ports are opened. */
static int open_policy(struct weir *w, struct error *e)
{
	int err;

	w->registry = app_registry_new();
	if (!w->registry)
		return error_set(e, -ENOMEM, "no memory");
	if (w->adopted && gate_restore_apps(w->gate, w->registry) < 0)
		log_warning("the running gate names its applications otherwise: its flows keep "
			    "wrong names until they end");
	err = policy_load(w->options.policy, w->registry, &w->policy, &w->signatures, stderr, e);
	if (err < 0)
		return err;
	if (worker_settings_new(w->policy, w->signatures, &w->settings) < 0)
		return error_set(e, -ENOMEM, "no memory");
	if (w->adopted) {
		err = check_adopted_ports(w, e);
		if (err < 0)
			return err;
	}
	err = gate_save_apps(w->gate, w->registry, w->signatures, w->policy->inspect_tunnels);
	if (err < 0)
		return error_set(e, err, "cannot write the application names: %s", strerror(-err));
	return services_open(&w->host, SERVICE_BEFORE_PORTS, w->policy, e);
}

/* The secret first: without it nothing has a trailer. */
static void exits_to_ctl(struct weir *w)
{
	struct weir_ctl *ctl = gate_ctl(w->gate);

	if (!ctl->exit_secret)
		if (getrandom(&ctl->exit_secret, sizeof(ctl->exit_secret), 0) < 0)
			log_warning("no random numbers: the slow path sends by the wire alone");
	ctl->settle_wire_ms = SETTLE_WIRE_MS;
	ctl->settle_queue_ms = SETTLE_QUEUE_MS;
}

static void open_ctl(struct weir *w)
{
	struct weir_ctl *ctl = gate_ctl(w->gate);

	ctl->ring_frames = w->policy->ring_frames ? w->policy->ring_frames : 2048;
	ctl->slots_mask = gate_slots(w->gate) - 1;
	exits_to_ctl(w);
	ctl->clock_ds = (uint32_t)(time_now_ns() / 100000000);
	policy_to_ctl(w);
	blocks_open(w);
}

static int open_pool(struct weir *w, struct error *e)
{
	uint32_t frames = w->policy->pool_frames;

	if (!frames)
		frames = w->policy->port_count * w->queues * gate_ctl(w->gate)->ring_frames * 4;
	if (frames < POOL_FRAMES_MIN)
		frames = POOL_FRAMES_MIN;
	return frame_pool_new(frames, w->shared.workers, &w->pool, e);
}

static int open_ports(struct weir *w, struct error *e)
{
	int err = ports_bridge(w, e);

	for (unsigned int i = 1; !err && i <= w->policy->port_count; i++) {
		w->shared.xsk_base[i] = (i - 1) * w->queues * w->shared.workers;
		w->ports[i].enabled = true;
		err = port_prepare(w, i, e);
		if (!err)
			err = port_open(w, i, e);
	}
	return err;
}

static int start_workers(struct weir *w, struct error *e)
{
	for (uint32_t i = 0; i < w->shared.workers; i++) {
		int err = worker_start(&w->shared, i, &w->workers[i], e);

		if (err < 0)
			return err;
		w->worker_count = i + 1;
	}
	return 0;
}

static int attach_ports(struct weir *w, struct error *e)
{
	for (unsigned int i = 1; i <= w->policy->port_count; i++) {
		int err = port_attach(w, i, e);

		if (err < 0)
			return err;
	}
	w->attached_all = true;
	return 0;
}

static void fill_shared(struct weir *w)
{
	w->shared.gate = w->gate;
	w->shared.pool = w->pool;
	w->shared.settings = w->settings;
	w->shared.registry = w->registry;
	w->shared.endpoints = w->endpoints;
	w->shared.names = w->names;
	w->shared.reconnect_ttl_ns = RECONNECT_TTL_NS;
}

static int build(struct weir *w, const struct gate_sizes *sizes, struct error *e)
{
	uint32_t changed = 0;
	int err = gate_open(w->options.pins, sizes, &w->gate, &w->adopted, e);

	if (!err)
		err = port_changes_open(w->options.changes, &w->changes, e);
	if (!err)
		err = open_policy(w, e);
	if (!err) {
		open_ctl(w);
		err = open_pool(w, e);
	}
	if (!err)
		err = open_ports(w, e);
	if (err < 0)
		return err;
	fill_shared(w);
	err = traits_number(w, w->policy, &changed, e);
	if (err < 0)
		return err;
	err = gate_stage_policy(w->gate, w->policy);
	if (err < 0)
		return error_set(e, err, "cannot load the policy into the gate: %s",
				 strerror(-err));
	traits_tell(w, w->policy, changed);
	gate_switch_policy(w->gate, w->policy);
	w->generation = w->policy->generation;
	snapshot_begin(w);
	gate_ctl(w->gate)->workers = w->shared.workers;
	/* Sockets are known to the workers before the gate steers frames to them. */
	for (unsigned int i = 1; i <= w->policy->port_count; i++)
		port_share(w, i);
	err = start_workers(w, e);
	return err ? err : attach_ports(w, e);
}

int weir_start(struct weir *w, struct error *e)
{
	struct gate_sizes sizes;
	int err;

	w->started_ns = time_now_ns();
	err = probe(w, &sizes, e);
	if (err < 0)
		return err;
	err = build(w, &sizes, e);
	/* A daemon that fails over a gate that was running leaves it running. */
	if (err < 0)
		weir_stop(w, !w->adopted);
	return err;
}

static void stop_workers(struct weir *w)
{
	for (uint32_t i = 0; i < w->worker_count; i++)
		worker_stop(w->workers[i]);
	w->worker_count = 0;
}

static void close_sockets(struct weir *w)
{
	for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++) {
		xsk_sockets_close(w->ports[i].sender);
		xsk_sockets_close(w->ports[i].sockets);
		w->ports[i].sockets = w->ports[i].sender = NULL;
	}
}

void weir_stop(struct weir *w, bool leave_no_trace)
{
	if (w->gate && leave_no_trace) {
		workers_pause(w, WEIR_PORTS_MAX);
		for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++)
			port_detach(w, i);
		workers_resume(w);
	}
	stop_workers(w);
	close_sockets(w);
	if (w->changes && leave_no_trace)
		port_changes_undo(w->changes);
	port_changes_close(w->changes);
	if (w->gate && leave_no_trace)
		gate_unpin(w->gate);
	gate_close(w->gate);
	frame_pool_free(w->pool);
	worker_blocks_put(w->shared.blocks);
	w->shared.blocks = NULL;
	services_close(&w->host, SERVICE_BEFORE_PORTS);
	if (w->settings) {
		worker_settings_free(w->settings);
	} else {
		policy_free(w->policy);
		signatures_free(w->signatures);
	}
	rule_names_free(w);
	app_registry_free(w->registry);
}

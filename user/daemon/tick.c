// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's periodic work: the gate's clock, events, expired blocks, flow counts, lost
 * redirects. */
#include <stdio.h>
#include <string.h>

#include "daemon/daemon_private.h"

#define SECOND_NS 1000000000ULL
/* How often ports that could not be opened are tried again: it may take a second each. */
#define LOOK_NS (5 * SECOND_NS)
/* Counting flows takes at most this share of the daemon's time: a full table is counted less often.
 */
#define FLOW_SCAN_SHARE 100
/* A port is taken out of redirects when at least this many frames in a second were lost, and nearly
 * all of them. */
#define LOST_FRAMES_MIN 64

static bool flow_visit(const struct weir_flow_key *key _unused_, const struct weir_flow *flow,
		       void *arg)
{
	if (!(flow->flags & WEIR_FLOW_MOVED))
		++*(uint64_t *)arg;
	return true;
}

static void count_flows(struct weir *w)
{
	uint64_t undecided = 0;

	w->flows_decided = gate_count_decided(w->gate);
	if (w->sweeps)
		return;
	gate_each_flow(w->gate, false, flow_visit, &undecided);
	w->flows_undecided = undecided;
}

/* Ports that frames from `from` were redirected to. */
static void stop_redirects_from(struct weir *w, unsigned int from)
{
	for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++) {
		struct daemon_port *p = &w->ports[i];

		if (!p->attached || i == from || p->cfg.domain != w->ports[from].cfg.domain ||
		    p->hook == PORT_HOOK_TC)
			continue;
		p->lossy = true;
		port_refresh(w, i);
	}
}

/*
 * A device can accept a redirect and lose every frame. What is lost is counted; a port where nearly
 * everything is lost goes back to the kernel's path.
 */
static void watch_losses(struct weir *w)
{
	for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++) {
		uint64_t lost, sent;

		if (!w->ports[i].attached || !port_losses(w, i, &lost, &sent))
			continue;
		if (lost >= LOST_FRAMES_MIN && lost * 10 >= sent * 9)
			stop_redirects_from(w, i);
	}
}

/* Others can take a program off an interface, and the kernel tells nobody. */
static void watch_programs(struct weir *w)
{
	for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++) {
		struct daemon_port *p = &w->ports[i];
		bool there;

		if (!p->attached)
			continue;
		there = gate_is_attached(w->gate, p->interface, p->ifindex,
					 p->hook == PORT_HOOK_TC);
		if (p->stripped == !there)
			continue;
		p->stripped = !there;
		port_refresh(w, i);
	}
}

/* Before one is replaced by another. */
static void watch_qdiscs(struct weir *w)
{
	for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++)
		if (w->ports[i].attached)
			port_qdisc_losses(w, i);
}

static void tick(void *arg)
{
	struct weir *w = arg;
	uint64_t now = time_now_ns();

	gate_ctl(w->gate)->clock_ds = (uint32_t)(now / 100000000);
	/* First: they name the hosts of the flows that the gate's events are about. */
	news_read(w);
	gate_read_events(w->gate, event_visit, w);
	if (now >= w->second_ns) {
		w->second_ns = now + SECOND_NS;
		watch_losses(w);
		watch_qdiscs(w);
		schedule_tick(w);
		if (gate_ctl(w->gate)->flags & WEIR_CTL_BLOCKS)
			blocks_refresh(w);
	}
	if (now >= w->look_ns) {
		w->look_ns = now + LOOK_NS;
		watch_programs(w);
		ports_look(w, false);
	}
	if (now >= w->flow_scan_ns) {
		count_flows(w);
		w->flow_scan_ns = now + (time_now_ns() - now) * FLOW_SCAN_SHARE;
		if (w->flow_scan_ns < now + SECOND_NS / 2)
			w->flow_scan_ns = now + SECOND_NS / 2;
	}
}

static int clock_open(struct host *h, const struct policy *p _unused_, void **self,
		      struct error *e _unused_)
{
	*self = h->daemon;
	return loop_every(h->loop, DAEMON_TICK_MS, tick, h->daemon, NULL);
}

SERVICE(clock) = {.name = "clock", .stage = SERVICE_RUNNING, .open = clock_open};

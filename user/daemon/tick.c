// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's clockwork: the gate's clock, events, expired blocks, flow counts, lost redirects. */
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

struct expired {
	struct weir *w;
	struct weir_block_key keys[64];
	unsigned int count, live;
	uint64_t now_ns;
};

static bool block_visit(const struct weir_block_key *k, uint64_t expires_ns, void *arg)
{
	struct expired *x = arg;

	if (expires_ns && expires_ns <= x->now_ns && x->count < ARRAY_SIZE(x->keys))
		x->keys[x->count++] = *k;
	else
		x->live++;
	return true;
}

void blocks_refresh(struct weir *w)
{
	struct weir_ctl *ctl = gate_ctl(w->gate);
	struct expired x = {.w = w, .now_ns = time_now_ns()};

	gate_each_block(w->gate, block_visit, &x);
	for (unsigned int i = 0; i < x.count; i++)
		gate_del_block(w->gate, &x.keys[i]);
	if (x.live)
		ctl->flags |= WEIR_CTL_BLOCKS;
	else
		ctl->flags &= ~WEIR_CTL_BLOCKS;
	if (x.count && w->policy) {
		gate_redecide(w->gate);
		w->generation = ctl->generation;
	}
}

static bool flow_visit(const struct weir_flow_key *key _unused_, const struct weir_flow *flow,
		       void *arg)
{
	if (!(flow->flags & WEIR_FLOW_MOVED))
		++*(uint64_t *)arg;
	return true;
}

static void count_flows(struct weir *w)
{
	uint64_t decided = 0, undecided = 0;

	gate_each_flow(w->gate, true, flow_visit, &decided);
	gate_each_flow(w->gate, false, flow_visit, &undecided);
	w->flows_decided = decided;
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

/* What the gate sent out of other ports by itself. */
static uint64_t redirected(const struct weir_counter c[WEIR_REASON_COUNT])
{
	return c[WEIR_REASON_REDIRECTED].frames + c[WEIR_REASON_REDIRECTED_FRAGMENT].frames;
}

void port_begin_losses(struct weir *w, unsigned int index)
{
	struct weir_counter c[WEIR_REASON_COUNT];
	struct daemon_port *p = &w->ports[index];

	if (gate_read_counters(w->gate, index, c) < 0)
		return;
	p->lost_seen = c[WEIR_REASON_DROP_REDIRECT_LOST].frames;
	p->redirected_seen = redirected(c);
}

/*
 * A device can accept a redirect and lose every frame. What is lost is counted; a port where nearly
 * everything is lost goes back to the kernel's path.
 */
static void watch_losses(struct weir *w)
{
	for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++) {
		struct weir_counter c[WEIR_REASON_COUNT];
		struct daemon_port *p = &w->ports[i];
		uint64_t lost, sent;

		if (!p->attached || gate_read_counters(w->gate, i, c) < 0)
			continue;
		lost = c[WEIR_REASON_DROP_REDIRECT_LOST].frames - p->lost_seen;
		sent = redirected(c) - p->redirected_seen;
		p->lost_seen += lost;
		p->redirected_seen += sent;
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

void weir_tick(struct weir *w)
{
	uint64_t now = time_now_ns();

	gate_ctl(w->gate)->clock_ds = (uint32_t)(now / 100000000);
	/* First: they name the hosts of the flows that the gate's events are about. */
	news_read(w);
	gate_read_events(w->gate, event_visit, w);
	if (now >= w->second_ns) {
		w->second_ns = now + SECOND_NS;
		watch_losses(w);
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

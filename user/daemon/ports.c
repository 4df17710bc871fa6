// SPDX-License-Identifier: GPL-2.0-only
/* Ports from the policy's names to attached programs and open sockets, and back. */
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon_private.h"

static const char *const hook_names[] = {
	[PORT_HOOK_NATIVE] = "native",
	[PORT_HOOK_GENERIC] = "generic",
	[PORT_HOOK_TC] = "tc",
};

void workers_pause(struct weir *w, unsigned int ending)
{
	for (uint32_t i = 0; i < w->worker_count; i++)
		worker_pause(w->workers[i], ending);
}

void workers_resume(struct weir *w)
{
	for (uint32_t i = 0; i < w->worker_count; i++)
		worker_resume(w->workers[i]);
}

int ports_bridge(struct weir *w, struct error *e)
{
	for (unsigned int f = 0; f < w->policy->forward_count; f++) {
		const struct policy_forward *fw = &w->policy->forwards[f];
		const char *names[WEIR_PORTS_MAX];
		uint8_t mac[6];
		int err;

		for (unsigned int i = 0; i < fw->port_count; i++)
			names[i] = w->policy->ports[fw->ports[i]].interface;
		err = port_bridge_ensure(w->changes, fw->bridge, fw->create, names, fw->port_count,
					 mac, e);
		if (err < 0)
			return err;
	}
	return 0;
}

int port_join(struct weir *w, unsigned int index, struct error *e)
{
	const char *name = w->policy->ports[index - 1].interface;
	const struct policy_forward *fw;
	uint8_t domain, mac[6];

	fw = port_forward(w, index, &domain);
	return fw ? port_bridge_ensure(w->changes, fw->bridge, fw->create, &name, 1, mac, e) : 0;
}

static enum port_hook hook_of(const struct policy_port *pp, const struct port_link *l,
			      const char **why)
{
	*why = "as the policy says";
	switch (pp->hook) {
	case POLICY_HOOK_NATIVE:
		return PORT_HOOK_NATIVE;
	case POLICY_HOOK_GENERIC:
		return PORT_HOOK_GENERIC;
	case POLICY_HOOK_TC:
		return PORT_HOOK_TC;
	case POLICY_HOOK_AUTO:
		break;
	}
	return port_hook_choose(l, why);
}

int port_pair(struct weir *w, unsigned int index, struct error *e)
{
	struct daemon_port *p = &w->ports[index];

	int err = port_pair_create(w->changes, PAIR_PREFIX, index, p->link_at_attach.mtu,
				   &p->near_end, &p->far_end, p->far_name, e);

	if (!err || p->hook == PORT_HOOK_TC || err != -EOPNOTSUPP)
		return err;
	log_warning("port %s: %s: what the slow path sends can leave by the wire alone", p->name,
		    e->text);
	p->near_end = p->far_end = 0;
	p->far_name[0] = '\0';
	return 0;
}

/* A port that was switched off before the daemon died stays off. */
static bool port_was_disabled(struct weir *w, unsigned int index)
{
	struct weir_port before;

	return !w->attached_all && gate_get_port(w->gate, index, &before) == 0 &&
	       before.ifindex == w->ports[index].ifindex && !(before.flags & WEIR_PORT_ENABLED);
}

static uint32_t hook_flags(enum port_hook hook)
{
	switch (hook) {
	case PORT_HOOK_TC:
		return WEIR_PORT_TC;
	case PORT_HOOK_GENERIC:
		return WEIR_PORT_GENERIC;
	case PORT_HOOK_NATIVE:
		break;
	}
	return 0;
}

static void port_fill_cfg(struct weir *w, unsigned int index)
{
	struct daemon_port *p = &w->ports[index];

	p->cfg.ifindex = p->ifindex;
	p->cfg.punt_ifindex = p->near_end;
	p->cfg.xsk_base = w->shared.xsk_base[index];
	p->cfg.queues = xsk_sockets_queues(p->sockets);
	p->cfg.flags = hook_flags(p->hook);
	port_forward(w, index, &p->cfg.domain);
	w->shared.domain[index] = p->cfg.domain;
	p->lossy = p->stripped = false;
	if (w->adopted && port_was_disabled(w, index))
		p->enabled = false;
}

int port_prepare(struct weir *w, unsigned int index, struct error *e)
{
	const struct policy_port *pp = &w->policy->ports[index - 1];
	struct daemon_port *p = &w->ports[index];
	int err;

	p->configured = true;
	snprintf(p->name, sizeof(p->name), "%s", pp->name);
	snprintf(p->interface, sizeof(p->interface), "%s", pp->interface);
	err = port_link_read(p->interface, &p->link_at_attach, e);
	if (err < 0)
		return err;
	p->ifindex = p->link_at_attach.ifindex;
	p->present = true;
	p->hook = hook_of(pp, &p->link_at_attach, &p->hook_reason);
	if (p->hook != PORT_HOOK_TC && p->link_at_attach.rx_queues > w->queues)
		return error_set(e, -E2BIG,
				 "%s has %u receive queues now, the gate has room for %u: restart "
				 "weir",
				 p->interface, p->link_at_attach.rx_queues, w->queues);
	err = port_offload_prepare(w->changes, p->interface, p->hook, e);
	return err < 0 ? err : port_pair(w, index, e);
}

int port_open(struct weir *w, unsigned int index, struct error *e)
{
	struct daemon_port *p = &w->ports[index];
	uint32_t queues = p->hook == PORT_HOOK_TC ? 1 : p->link_at_attach.rx_queues;
	int err;

	err = xsk_sockets_open(w->pool, p->hook == PORT_HOOK_TC ? p->far_name : p->interface, index,
			       queues, w->shared.workers, gate_ctl(w->gate)->ring_frames,
			       p->hook == PORT_HOOK_GENERIC, &p->sockets, e);
	if (!err && p->hook != PORT_HOOK_TC && p->far_end)
		err = xsk_sender_open(w->pool, p->far_name, index, w->shared.workers,
				      gate_ctl(w->gate)->ring_frames, &p->sender, e);
	if (err < 0)
		return err;
	port_fill_cfg(w, index);
	port_begin_losses(w, index);
	port_follow(w, index, &p->link_at_attach);
	return 0;
}

int port_configure(struct weir *w, unsigned int index)
{
	struct daemon_port *p = &w->ports[index];

	return gate_set_port(w->gate, index, &p->cfg, p->far_end);
}

static int port_open_slots(struct weir *w, unsigned int index, struct error *e)
{
	struct daemon_port *p = &w->ports[index];

	for (uint32_t q = 0; q < p->cfg.queues; q++) {
		for (uint32_t k = 0; k < w->shared.workers; k++) {
			uint32_t xsk = p->cfg.xsk_base + q * w->shared.workers + k;
			int err;

			err = gate_set_xsk(w->gate, xsk, xsk_sockets_fd(p->sockets, q, k));
			if (err < 0)
				return error_set(e, err, "%s: cannot register the socket: %s",
						 p->interface, strerror(-err));
		}
	}
	return 0;
}

/* What fails leaves nothing attached: a gate without its exits, or these without it, is none. */
static int attach_xdp(struct weir *w, const struct daemon_port *p, struct error *e)
{
	bool generic = p->hook == PORT_HOOK_GENERIC;
	int err = gate_attach_exits(w->gate, p->interface, p->ifindex, p->near_end, e);

	if (err < 0)
		return err;
	err = gate_attach_xdp(w->gate, p->interface, p->ifindex, generic, e);
	if (err < 0)
		gate_detach_exits(w->gate, p->interface, p->ifindex, p->near_end);
	return err;
}

int port_attach_program(struct weir *w, unsigned int index, struct error *e)
{
	struct daemon_port *p = &w->ports[index];
	int err;

	if (p->hook == PORT_HOOK_TC)
		err = gate_attach_tc(w->gate, p->interface, p->ifindex, p->near_end, p->far_end, e);
	else
		err = attach_xdp(w, p, e);
	if (!err)
		p->stripped = false;
	return err;
}

void port_share(struct weir *w, unsigned int index)
{
	struct daemon_port *p = &w->ports[index];

	w->shared.ports[index] = p->sockets;
	w->shared.pairs[index] = p->hook == PORT_HOOK_TC ? p->sockets : p->sender;
}

int port_attach(struct weir *w, unsigned int index, struct error *e)
{
	struct daemon_port *p = &w->ports[index];
	int err;

	port_share(w, index);
	err = port_open_slots(w, index, e);
	if (err < 0)
		return err;
	err = port_configure(w, index);
	if (!err && p->hook != PORT_HOOK_TC)
		err = gate_set_devmap(w->gate, index, p->ifindex);
	if (err < 0)
		return error_set(e, err, "%s: cannot configure the gate: %s", p->interface,
				 strerror(-err));
	err = port_attach_program(w, index, e);
	if (err < 0)
		return err;
	p->attached = true;
	log_info("port %s: %s, hook %s (%s)%s%s", p->name, p->interface, hook_names[p->hook],
		 p->hook_reason, p->degraded[0] ? "; " : "", p->degraded);
	return 0;
}

static void port_close_sockets(struct weir *w, unsigned int index)
{
	struct daemon_port *p = &w->ports[index];

	for (uint32_t i = 0; i < p->cfg.queues * w->shared.workers; i++)
		gate_set_xsk(w->gate, p->cfg.xsk_base + i, -1);
	w->shared.ports[index] = w->shared.pairs[index] = NULL;
	xsk_sockets_close(p->sender);
	xsk_sockets_close(p->sockets);
	p->sockets = p->sender = NULL;
}

static void port_detach_xdp(struct weir *w, const struct daemon_port *p)
{
	gate_detach_xdp(w->gate, p->interface, p->ifindex);
	gate_detach_exits(w->gate, p->interface, p->ifindex, p->near_end);
}

void port_detach(struct weir *w, unsigned int index)
{
	struct daemon_port *p = &w->ports[index];

	if (!p->configured)
		return;
	if (p->attached && p->present) {
		if (p->hook == PORT_HOOK_TC)
			gate_detach_tc(w->gate, p->interface, p->ifindex, p->near_end, p->far_end);
		else
			port_detach_xdp(w, p);
	}
	p->attached = false;
	gate_set_port(w->gate, index, NULL, p->far_end);
	gate_set_devmap(w->gate, index, 0);
	port_close_sockets(w, index);
}

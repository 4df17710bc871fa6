// SPDX-License-Identifier: GPL-2.0-only
/* Follows changes of running ports' interfaces and bridges. */
#include <stdio.h>
#include <string.h>

#include "daemon/daemon_private.h"

/* A port's pair has to take what the port takes. */
static void port_follow_mtu(struct weir *w, unsigned int index, unsigned int mtu)
{
	struct daemon_port *p = &w->ports[index];
	struct error e = {0};

	if (p->link_at_attach.mtu == mtu)
		return;
	p->link_at_attach.mtu = mtu;
	if (p->near_end && port_pair(w, index, &e) < 0)
		log_error("port %s: %s", p->name, e.text);
}

void port_refresh(struct weir *w, unsigned int index)
{
	struct daemon_port *p = &w->ports[index];
	struct port_link l;
	int err;

	if (!p->attached || port_link_read(p->interface, &l, NULL) < 0)
		return;
	port_follow_mtu(w, index, l.mtu);
	if (!port_follow(w, index, &l))
		return;
	err = port_configure(w, index);
	if (err < 0)
		log_error("port %s: cannot configure the gate: %s", p->name, strerror(-err));
}

/* Closes what belonged to an interface that is gone, under this name at least. */
static void port_forget(struct weir *w, unsigned int index)
{
	struct daemon_port *p = &w->ports[index];

	log_warning("port %s: interface %s is gone", p->name, p->interface);
	workers_pause(w, index);
	port_detach(w, index);
	workers_resume(w);
	p->present = false;
	snprintf(p->degraded, sizeof(p->degraded), "the interface is gone");
	port_changes_undo_interface(w->changes, p->interface);
	audit_change(w->audit, EVE_PORT, "vanished", p->name);
}

static int port_attach_paused(struct weir *w, unsigned int index, struct error *e)
{
	int err;

	workers_pause(w, 0);
	err = port_attach(w, index, e);
	if (err < 0)
		port_detach(w, index);
	workers_resume(w);
	return err;
}

/*
 * The interface is back, perhaps as another one of the same name, perhaps without the other ports
 * of its bridge. What fails is tried again as long as the interface is there.
 */
static void port_return(struct weir *w, unsigned int index)
{
	struct daemon_port *p = &w->ports[index];
	struct error e = {0};
	int err = port_join(w, index, &e);

	if (!err)
		err = port_prepare(w, index, &e);
	if (!err) {
		snapshot_settle(w, index);
		err = port_open(w, index, &e);
	}
	if (!err)
		err = port_attach_paused(w, index, &e);
	if (!err) {
		audit_change(w->audit, EVE_PORT, "returned", p->name);
		/* What changed while it was opened. */
		port_refresh(w, index);
		return;
	}
	if (strncmp(p->degraded, e.text, sizeof(p->degraded) - 1) != 0)
		log_error("port %s: %s", p->name, e.text);
	snprintf(p->degraded, sizeof(p->degraded), "%.*s", (int)sizeof(p->degraded) - 1, e.text);
	port_changes_undo_interface(w->changes, p->interface);
}

/* Without its pair a TC port cannot punt, and no port's slow path can use the kernel's own path:
 * one that was set down is set up, a lost one replaced. */
static void pair_look(struct weir *w, unsigned int index)
{
	struct daemon_port *p = &w->ports[index];
	unsigned int near_end = p->near_end, far_end = p->far_end;
	struct error e = {0};

	if (!p->attached || !near_end || port_pair_is_sound(PAIR_PREFIX, index, near_end, far_end))
		return;
	log_warning("port %s: somebody changed its punt pair", p->name);
	if (port_pair(w, index, &e) == 0 && p->near_end == near_end && p->far_end == far_end)
		return;
	workers_pause(w, index);
	port_detach(w, index);
	workers_resume(w);
	port_return(w, index);
}

static void pair_changed(struct weir *w, unsigned int ifindex)
{
	for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++)
		if (ifindex == w->ports[i].near_end || ifindex == w->ports[i].far_end)
			pair_look(w, i);
}

static void port_look(struct weir *w, unsigned int index, unsigned int ifindex)
{
	struct daemon_port *p = &w->ports[index];

	if (p->present && ifindex != p->ifindex)
		port_forget(w, index);
	if (!ifindex)
		return;
	p->present = true;
	p->ifindex = ifindex;
	if (p->attached)
		port_refresh(w, index);
	else
		port_return(w, index);
}

void ports_look(struct weir *w, bool all)
{
	for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++) {
		struct daemon_port *p = &w->ports[i];
		struct port_link l = {0};

		if (!p->configured || (!all && p->attached))
			continue;
		port_link_read(p->interface, &l, NULL);
		port_look(w, i, l.ifindex);
	}
}

/* The ports of a bridge have its address, and forward as it does. */
static void bridge_changed(struct weir *w, const char *name)
{
	for (unsigned int f = 0; f < w->policy->forward_count; f++) {
		const struct policy_forward *fw = &w->policy->forwards[f];

		if (strcmp(fw->bridge, name) != 0)
			continue;
		for (unsigned int i = 0; i < fw->port_count; i++)
			port_refresh(w, fw->ports[i] + 1);
	}
}

void ports_changed(const char *name, unsigned int ifindex, bool present, void *arg)
{
	struct weir *w = arg;
	struct daemon_port *p;
	unsigned int index;

	pair_changed(w, ifindex);
	bridge_changed(w, name);
	p = port_find_interface(w, name, &index);
	if (!p)
		return;
	/* A deletion may be told after another interface took the name. */
	if (!present && p->present && ifindex != p->ifindex)
		return;
	port_look(w, index, present ? ifindex : 0);
}

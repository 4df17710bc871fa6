/* SPDX-License-Identifier: GPL-2.0-only */
/* Network interfaces: links, bridges, punt pairs, offload settings, and the journal of changes. */
#ifndef WEIR_USER_PORT_H
#define WEIR_USER_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/util.h"
#include "weir/ctl.h"

/* Every change made to the machine is recorded first, and undone at the end. */

enum port_hook { PORT_HOOK_NATIVE, PORT_HOOK_GENERIC, PORT_HOOK_TC };

struct port_link {
	char name[16];
	unsigned int ifindex;
	unsigned int mtu;
	unsigned int rx_queues;
	unsigned int master; /* ifindex of its bridge, 0 = none */
	bool up;
	bool bridge_forwarding; /* STP state is forwarding, or not in a bridge */
	char driver[32];
	uint8_t mac[6];
	uint64_t tx_dropped, rx_dropped, rx_frames, tx_frames;
};
/* Reads an interface of this network namespace. -ENODEV with a text naming it. */
int port_link_read(const char *name, struct port_link *out, struct error *e);
/* The hook that suits the interface: native where frames look like a wire, TC for veth and the
 * like. *why: static text. */
enum port_hook port_hook_choose(const struct port_link *l, const char **why);

/* The root queueing discipline of an interface; all zero where the kernel's own does not queue. */
struct port_qdisc {
	uint32_t handle;
	uint32_t dropped; /* packets; wraps */
};
int port_qdisc_read(unsigned int ifindex, struct port_qdisc *out);

/* The changes made to the machine, in order; kept in a JSON file so that a later daemon (or `weir
 * detach`) can undo them. */
struct port_changes;
int port_changes_open(const char *path, struct port_changes **out, struct error *e);
void port_changes_close(struct port_changes *c);
/* Undoes everything, newest first, and removes the file. */
int port_changes_undo(struct port_changes *c);
/* Undoes what concerns one interface (either end of a pair). */
int port_changes_undo_interface(struct port_changes *c, const char *name);

/* Makes bridge `name` when absent (create) and puts the interfaces into it; sets links up. ports
 * already in it are left as they are. */
int port_bridge_ensure(struct port_changes *c, const char *bridge, bool create,
		       const char *const *interfaces, size_t count, uint8_t mac_out[6],
		       struct error *e);
/* Whether weir may bypass the bridge by redirect: no VLAN filtering. *why: static text. */
bool port_bridge_redirect_ok(const char *bridge, const char **why);
/* Turns off what hides bytes from XDP (rxvlan, lro, gro-hw, rx-gro-list) and remembers it. */
int port_offload_prepare(struct port_changes *c, const char *name, enum port_hook hook,
			 struct error *e);
/* A port's veth pair, through which a TC port punts and the slow path sends what does not leave by
 * the wire: names from prefix and port number; near end tx, tso, txvlan off; no IPv6; MTU for
 * prefix. */
int port_pair_create(struct port_changes *c, const char *prefix, unsigned int port,
		     unsigned int mtu, unsigned int *near_end, unsigned int *far_end,
		     char far_name[16], struct error *e);

/* Whether the pair is the one that was made, with both ends up. */
bool port_pair_is_sound(const char *prefix, unsigned int port, unsigned int near_end,
			unsigned int far_end);

/* What an end could not give to the other: packets on their way up to the slow path, and on their
 * way out of it. */
struct port_pair_lost {
	uint64_t up, out;
};
/* -ENODEV: the pair is not the one that was made. */
int port_pair_lost(const char *prefix, unsigned int port, unsigned int near_end,
		   unsigned int far_end, struct port_pair_lost *out);

/* Calls fn when an interface appears, vanishes, changes state or leaves its bridge. */
struct port_monitor;
int port_monitor_open(struct port_monitor **out,
		      void (*fn)(const char *name, unsigned int ifindex, bool present, void *arg),
		      void *arg, struct error *e);
int port_monitor_fd(const struct port_monitor *m);
void port_monitor_read(struct port_monitor *m);
void port_monitor_close(struct port_monitor *m);

#endif

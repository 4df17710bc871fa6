/* SPDX-License-Identifier: GPL-2.0-only */
/* What the port layer asks rtnetlink for: reading a link and the few changes made to one. Private
 * to user/port. */
#ifndef WEIR_PORT_NETLINK_H
#define WEIR_PORT_NETLINK_H

#include <linux/netlink.h>

#include "port/port.h"

struct netlink_link {
	struct port_link link; /* rx_queues and driver are left to ethtool */
	unsigned int master;   /* of any kind: bridge, bond, VRF */
	unsigned int peer;     /* IFLA_LINK: the other end of a veth pair, 0 = none here */
	char kind[32];	       /* "bridge", "veth", empty for a device */
	bool vlan_filtering;   /* of a bridge */
};

/* Reads a link of this network namespace by name: -ENODEV, -EINVAL (no such name possible). */
int netlink_link_read(const char *name, struct netlink_link *out);
/* The same by index, whatever its name is now. */
int netlink_link_read_index(unsigned int ifindex, struct netlink_link *out);
/* Calls fn for every link there is. */
int netlink_link_each(void (*fn)(const char *name, unsigned int ifindex, void *arg), void *arg);
/* Name and index of a link message; false when it is not one. */
bool netlink_link_name(const struct nlmsghdr *h, char name[16], unsigned int *ifindex);

int netlink_link_set_up(unsigned int ifindex, bool up);
int netlink_link_set_mtu(unsigned int ifindex, unsigned int mtu);
/* master 0 takes it out. */
int netlink_link_set_master(unsigned int ifindex, unsigned int master);
/* No link-local address of the kernel's own. -EAFNOSUPPORT on a machine without IPv6. */
int netlink_link_set_addrgen_none(unsigned int ifindex);
int netlink_link_delete(unsigned int ifindex);

int netlink_bridge_add(const char *name);
/* A pair with one queue in each direction. */
int netlink_veth_add(const char *name, const char *peer, unsigned int mtu);

#endif

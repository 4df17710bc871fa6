// SPDX-License-Identifier: GPL-2.0-only
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "port/netlink.h"
#include "port/port.h"

#define MONITOR_BUFFER_BYTES (1024 * 1024)

struct known {
	unsigned int ifindex;
	bool seen; /* in the listing that is being read */
	char name[16];
};

struct port_monitor {
	struct nl_sock *sk;
	void (*fn)(const char *name, unsigned int ifindex, bool present, void *arg);
	void *arg;
	/* Every link there is: so that what vanishes while notifications were lost is noticed. */
	struct known *known;
	size_t count, room;
};

static struct known *monitor_find(struct port_monitor *m, unsigned int ifindex)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->known[i].ifindex == ifindex)
			return &m->known[i];
	return NULL;
}

static struct known *monitor_learn(struct port_monitor *m, unsigned int ifindex)
{
	size_t room = m->room ? 2 * m->room : 32;
	struct known *grown;

	if (m->count == m->room) {
		grown = realloc(m->known, room * sizeof(*grown));
		if (!grown)
			return NULL;
		m->known = grown;
		m->room = room;
	}
	m->known[m->count] = (struct known){.ifindex = ifindex};
	return &m->known[m->count++];
}

static void monitor_forget(struct port_monitor *m, unsigned int ifindex)
{
	struct known *k = monitor_find(m, ifindex);

	if (k)
		*k = m->known[--m->count];
}

/* Notes a link that is there; under a new name the old one counts as gone. */
static void monitor_present(struct port_monitor *m, const char *name, unsigned int ifindex)
{
	struct known *k = monitor_find(m, ifindex);
	char old[16];

	if (!k)
		k = monitor_learn(m, ifindex);
	if (!k)
		return;
	k->seen = true;
	memcpy(old, k->name, sizeof(old));
	snprintf(k->name, sizeof(k->name), "%s", name);
	if (old[0] && strcmp(old, name) != 0 && m->fn)
		m->fn(old, ifindex, false, m->arg);
}

static void monitor_listed(const char *name, unsigned int ifindex, void *arg)
{
	struct port_monitor *m = arg;

	monitor_present(m, name, ifindex);
	m->fn(name, ifindex, true, m->arg);
}

static void monitor_noted(const char *name, unsigned int ifindex, void *arg)
{
	monitor_present(arg, name, ifindex);
}

/* Notifications were lost: everything may have changed. */
static void monitor_resync(struct port_monitor *m)
{
	for (size_t i = 0; i < m->count; i++)
		m->known[i].seen = false;
	if (netlink_link_each(monitor_listed, m))
		return;
	for (size_t i = m->count; i-- > 0;) {
		struct known k = m->known[i];

		if (k.seen)
			continue;
		m->known[i] = m->known[--m->count];
		m->fn(k.name, k.ifindex, false, m->arg);
	}
}

static int monitor_message(struct nl_msg *msg, void *arg)
{
	struct port_monitor *m = arg;
	struct nlmsghdr *h = nlmsg_hdr(msg);
	const struct ifinfomsg *ifi = nlmsg_data(h);
	unsigned int ifindex;
	char name[16];

	if (!netlink_link_name(h, name, &ifindex))
		return NL_OK;
	/* In the family of bridges a deletion means that the port left its bridge. */
	if (h->nlmsg_type == RTM_DELLINK && ifi->ifi_family != AF_BRIDGE) {
		monitor_forget(m, ifindex);
		m->fn(name, ifindex, false, m->arg);
		return NL_OK;
	}
	monitor_present(m, name, ifindex);
	m->fn(name, ifindex, true, m->arg);
	return NL_OK;
}

void port_monitor_close(struct port_monitor *m)
{
	if (!m)
		return;
	nl_socket_free(m->sk);
	free(m->known);
	free(m);
}

static void monitor_closep(struct port_monitor **m)
{
	port_monitor_close(*m);
}

static int monitor_subscribe(struct port_monitor *m)
{
	m->sk = nl_socket_alloc();
	if (!m->sk)
		return -ENOMEM;
	nl_socket_disable_seq_check(m->sk);
	nl_socket_modify_cb(m->sk, NL_CB_VALID, NL_CB_CUSTOM, monitor_message, m);
	if (nl_connect(m->sk, NETLINK_ROUTE) < 0 || nl_socket_set_nonblocking(m->sk) < 0)
		return -EIO;
	nl_socket_set_buffer_size(m->sk, MONITOR_BUFFER_BYTES, 0);
	return nl_socket_add_membership(m->sk, RTNLGRP_LINK) < 0 ? -EIO : 0;
}

int port_monitor_open(struct port_monitor **out,
		      void (*fn)(const char *name, unsigned int ifindex, bool present, void *arg),
		      void *arg, struct error *e)
{
	_cleanup_(monitor_closep) struct port_monitor *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	err = monitor_subscribe(m);
	if (!err)
		err = netlink_link_each(monitor_noted, m);
	if (err)
		return error_set(e, err, "cannot watch the interfaces: %s", strerror(-err));
	m->fn = fn;
	m->arg = arg;
	*out = TAKE_PTR(m);
	return 0;
}

int port_monitor_fd(const struct port_monitor *m)
{
	return nl_socket_get_fd(m->sk);
}

void port_monitor_read(struct port_monitor *m)
{
	int err;

	do {
		err = nl_recvmsgs_default(m->sk);
		/* libnl's word for ENOBUFS: the kernel dropped notifications. */
		if (err == -NLE_NOMEM)
			monitor_resync(m);
	} while (err >= 0 || err == -NLE_NOMEM);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <linux/pkt_sched.h>
#include <netlink/netlink.h>
#include <netlink/route/classifier.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/tc.h>

#include "gate/gate_private.h"

#define CLSACT_SIDE(side) TC_H_MAKE(TC_H_CLSACT, side)

static void sock_freep(struct nl_sock **s)
{
	nl_socket_free(*s);
}

static void cache_freep(struct nl_cache **c)
{
	nl_cache_free(*c);
}

static int sock_open(struct nl_sock **out)
{
	_cleanup_(sock_freep) struct nl_sock *s = nl_socket_alloc();

	if (!s)
		return -ENOMEM;
	if (nl_connect(s, NETLINK_ROUTE))
		return -EIO;
	*out = TAKE_PTR(s);
	return 0;
}

int gate_clsact_exists(unsigned int ifindex)
{
	_cleanup_(sock_freep) struct nl_sock *s = NULL;
	_cleanup_(cache_freep) struct nl_cache *cache = NULL;
	struct rtnl_qdisc *qdisc;
	int r = sock_open(&s);

	if (r)
		return r;
	if (rtnl_qdisc_alloc_cache(s, &cache))
		return -EIO;
	qdisc = rtnl_qdisc_get_by_parent(cache, ifindex, TC_H_CLSACT);
	if (!qdisc)
		return 0;
	rtnl_qdisc_put(qdisc);
	return 1;
}

static int side_empty(struct nl_sock *s, unsigned int ifindex, uint32_t parent)
{
	_cleanup_(cache_freep) struct nl_cache *cache = NULL;

	if (rtnl_cls_alloc_cache(s, ifindex, parent, &cache))
		return -EIO;
	return nl_cache_is_empty(cache);
}

int gate_clsact_empty(unsigned int ifindex)
{
	_cleanup_(sock_freep) struct nl_sock *s = NULL;
	int r = sock_open(&s);

	if (r)
		return r;
	r = side_empty(s, ifindex, CLSACT_SIDE(TC_H_MIN_INGRESS));
	return r == 1 ? side_empty(s, ifindex, CLSACT_SIDE(TC_H_MIN_EGRESS)) : r;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "port/netlink.h"

#include <linux/gen_stats.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>

/* One question and its answers. libnl's own error codes lose the errno, so it is taken from the
 * kernel's message. */
struct talk {
	void (*fn)(struct nlmsghdr *h, void *arg);
	void *arg;
	int err;
	bool done;
};

static int talk_valid(struct nl_msg *msg, void *arg)
{
	struct talk *t = arg;

	if (t->fn)
		t->fn(nlmsg_hdr(msg), t->arg);
	return NL_OK;
}

static int talk_end(struct nl_msg *msg, void *arg)
{
	struct talk *t = arg;

	t->done = true;
	return NL_STOP;
}

static int talk_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct talk *t = arg;

	t->err = e->error;
	t->done = true;
	return NL_STOP;
}

static void socket_freep(struct nl_sock **sk)
{
	nl_socket_free(*sk);
}

static void cb_putp(struct nl_cb **cb)
{
	if (*cb)
		nl_cb_put(*cb);
}

static void msg_freep(struct nl_msg **msg)
{
	nlmsg_free(*msg);
}

/* Sends msg and hands every answer to fn. 0 or the kernel's negative errno. */
static int talk(struct nl_msg *msg, void (*fn)(struct nlmsghdr *, void *), void *arg)
{
	_cleanup_(socket_freep) struct nl_sock *sk = nl_socket_alloc();
	_cleanup_(cb_putp) struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	struct talk t = {.fn = fn, .arg = arg};

	if (!sk || !cb)
		return -ENOMEM;
	if (nl_connect(sk, NETLINK_ROUTE) < 0)
		return -errno;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, talk_valid, &t);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, talk_end, &t);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, talk_end, &t);
	nl_cb_err(cb, NL_CB_CUSTOM, talk_error, &t);
	if (nl_send_auto(sk, msg) < 0)
		return -EIO;
	while (!t.done)
		if (nl_recvmsgs(sk, cb) < 0 && !t.done)
			return -EIO;
	return t.err;
}

static struct nl_msg *link_message(int type, int flags, const struct ifinfomsg *ifi)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (msg && nlmsg_append(msg, (void *)ifi, sizeof(*ifi), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* A change to one link; the caller adds attributes before talk(). */
static struct nl_msg *change_message(unsigned int ifindex, unsigned int flags, unsigned int mask)
{
	struct ifinfomsg ifi = {.ifi_index = (int)ifindex, .ifi_flags = flags, .ifi_change = mask};

	return link_message(RTM_NEWLINK, NLM_F_ACK, &ifi);
}

static void parse_slave(struct nlattr *data, struct netlink_link *l)
{
	struct nlattr *tb[IFLA_BRPORT_MAX + 1];

	l->link.master = l->master;
	l->link.bridge_forwarding = false;
	if (data && !nla_parse_nested(tb, IFLA_BRPORT_MAX, data, NULL) && tb[IFLA_BRPORT_STATE])
		l->link.bridge_forwarding =
			nla_get_u8(tb[IFLA_BRPORT_STATE]) == BR_STATE_FORWARDING;
}

static void parse_linkinfo(struct nlattr *attr, struct netlink_link *l)
{
	struct nlattr *tb[IFLA_INFO_MAX + 1], *br[IFLA_BR_MAX + 1];

	if (nla_parse_nested(tb, IFLA_INFO_MAX, attr, NULL) < 0)
		return;
	if (tb[IFLA_INFO_KIND])
		nla_strlcpy(l->kind, tb[IFLA_INFO_KIND], sizeof(l->kind));
	if (!strcmp(l->kind, "bridge") && tb[IFLA_INFO_DATA] &&
	    !nla_parse_nested(br, IFLA_BR_MAX, tb[IFLA_INFO_DATA], NULL) &&
	    br[IFLA_BR_VLAN_FILTERING])
		l->vlan_filtering = nla_get_u8(br[IFLA_BR_VLAN_FILTERING]);
	if (tb[IFLA_INFO_SLAVE_KIND] && !nla_strcmp(tb[IFLA_INFO_SLAVE_KIND], "bridge"))
		parse_slave(tb[IFLA_INFO_SLAVE_DATA], l);
}

static void parse_stats(const struct nlattr *attr, struct port_link *l)
{
	struct rtnl_link_stats64 s = {0};
	int len = nla_len(attr);

	memcpy(&s, nla_data(attr), len < (int)sizeof(s) ? (size_t)len : sizeof(s));
	l->rx_frames = s.rx_packets;
	l->tx_frames = s.tx_packets;
	l->rx_dropped = s.rx_dropped;
	l->tx_dropped = s.tx_dropped;
}

static void parse_link(struct nlmsghdr *h, void *arg)
{
	struct netlink_link *l = arg;
	const struct ifinfomsg *ifi = nlmsg_data(h);
	struct nlattr *tb[IFLA_MAX + 1];

	if (h->nlmsg_type != RTM_NEWLINK || nlmsg_parse(h, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0 ||
	    !tb[IFLA_IFNAME])
		return;
	nla_strlcpy(l->link.name, tb[IFLA_IFNAME], sizeof(l->link.name));
	l->link.ifindex = (unsigned int)ifi->ifi_index;
	l->link.up = ifi->ifi_flags & IFF_UP;
	l->link.bridge_forwarding = true;
	if (tb[IFLA_MTU])
		l->link.mtu = nla_get_u32(tb[IFLA_MTU]);
	if (tb[IFLA_MASTER])
		l->master = nla_get_u32(tb[IFLA_MASTER]);
	/* The peer of a veth in another namespace has an index of that namespace: not ours. */
	if (tb[IFLA_LINK] && !tb[IFLA_LINK_NETNSID])
		l->peer = nla_get_u32(tb[IFLA_LINK]);
	if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == (int)sizeof(l->link.mac))
		memcpy(l->link.mac, nla_data(tb[IFLA_ADDRESS]), sizeof(l->link.mac));
	if (tb[IFLA_STATS64])
		parse_stats(tb[IFLA_STATS64], &l->link);
	if (tb[IFLA_LINKINFO])
		parse_linkinfo(tb[IFLA_LINKINFO], l);
}

static int read_one(struct nl_msg *msg, struct netlink_link *out)
{
	struct netlink_link l = {0};
	int err = talk(msg, parse_link, &l);

	if (err)
		return err;
	if (!l.link.ifindex)
		return -ENODEV;
	*out = l;
	return 0;
}

int netlink_link_read(const char *name, struct netlink_link *out)
{
	struct ifinfomsg ifi = {0};
	_cleanup_(msg_freep) struct nl_msg *msg = link_message(RTM_GETLINK, NLM_F_ACK, &ifi);

	if (!name[0] || strlen(name) >= IFNAMSIZ)
		return -EINVAL;
	if (!msg || nla_put_string(msg, IFLA_IFNAME, name) < 0)
		return -ENOMEM;
	return read_one(msg, out);
}

int netlink_link_read_index(unsigned int ifindex, struct netlink_link *out)
{
	struct ifinfomsg ifi = {.ifi_index = (int)ifindex};
	_cleanup_(msg_freep) struct nl_msg *msg = link_message(RTM_GETLINK, NLM_F_ACK, &ifi);

	return msg ? read_one(msg, out) : -ENOMEM;
}

bool netlink_link_name(const struct nlmsghdr *h, char name[16], unsigned int *ifindex)
{
	const struct ifinfomsg *ifi = nlmsg_data(h);
	struct nlattr *tb[IFLA_MAX + 1];

	if (h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK)
		return false;
	if (nlmsg_parse((struct nlmsghdr *)h, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0 ||
	    !tb[IFLA_IFNAME])
		return false;
	nla_strlcpy(name, tb[IFLA_IFNAME], 16);
	*ifindex = (unsigned int)ifi->ifi_index;
	return true;
}

struct each {
	void (*fn)(const char *name, unsigned int ifindex, void *arg);
	void *arg;
};

static void each_link(struct nlmsghdr *h, void *arg)
{
	struct each *each = arg;
	char name[16];
	unsigned int ifindex;

	if (netlink_link_name(h, name, &ifindex))
		each->fn(name, ifindex, each->arg);
}

int netlink_link_each(void (*fn)(const char *name, unsigned int ifindex, void *arg), void *arg)
{
	struct ifinfomsg ifi = {0};
	_cleanup_(msg_freep) struct nl_msg *msg = link_message(RTM_GETLINK, NLM_F_DUMP, &ifi);
	struct each each = {.fn = fn, .arg = arg};

	return msg ? talk(msg, each_link, &each) : -ENOMEM;
}

int netlink_link_set_up(unsigned int ifindex, bool up)
{
	_cleanup_(msg_freep) struct nl_msg *msg = change_message(ifindex, up ? IFF_UP : 0, IFF_UP);

	return msg ? talk(msg, NULL, NULL) : -ENOMEM;
}

static int set_u32(unsigned int ifindex, int attr, unsigned int value)
{
	_cleanup_(msg_freep) struct nl_msg *msg = change_message(ifindex, 0, 0);

	if (!msg || nla_put_u32(msg, attr, value) < 0)
		return -ENOMEM;
	return talk(msg, NULL, NULL);
}

int netlink_link_set_mtu(unsigned int ifindex, unsigned int mtu)
{
	return set_u32(ifindex, IFLA_MTU, mtu);
}

int netlink_link_set_master(unsigned int ifindex, unsigned int master)
{
	return set_u32(ifindex, IFLA_MASTER, master);
}

int netlink_link_set_addrgen_none(unsigned int ifindex)
{
	_cleanup_(msg_freep) struct nl_msg *msg = change_message(ifindex, 0, 0);
	struct nlattr *spec, *inet6;

	if (!msg)
		return -ENOMEM;
	spec = nla_nest_start(msg, IFLA_AF_SPEC);
	inet6 = spec ? nla_nest_start(msg, AF_INET6) : NULL;
	if (!inet6 || nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) < 0)
		return -ENOMEM;
	nla_nest_end(msg, inet6);
	nla_nest_end(msg, spec);
	return talk(msg, NULL, NULL);
}

int netlink_link_delete(unsigned int ifindex)
{
	struct ifinfomsg ifi = {.ifi_index = (int)ifindex};
	_cleanup_(msg_freep) struct nl_msg *msg = link_message(RTM_DELLINK, NLM_F_ACK, &ifi);

	return msg ? talk(msg, NULL, NULL) : -ENOMEM;
}

static struct nl_msg *create_message(const char *name)
{
	struct ifinfomsg ifi = {0};
	struct nl_msg *msg = link_message(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &ifi);

	if (msg && nla_put_string(msg, IFLA_IFNAME, name) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int netlink_bridge_add(const char *name)
{
	_cleanup_(msg_freep) struct nl_msg *msg = create_message(name);
	struct nlattr *info = msg ? nla_nest_start(msg, IFLA_LINKINFO) : NULL;

	if (!info || nla_put_string(msg, IFLA_INFO_KIND, "bridge") < 0)
		return -ENOMEM;
	nla_nest_end(msg, info);
	return talk(msg, NULL, NULL);
}

static int put_one_queue(struct nl_msg *msg, unsigned int mtu)
{
	if (nla_put_u32(msg, IFLA_MTU, mtu) < 0 || nla_put_u32(msg, IFLA_NUM_TX_QUEUES, 1) < 0 ||
	    nla_put_u32(msg, IFLA_NUM_RX_QUEUES, 1) < 0)
		return -ENOMEM;
	return 0;
}

int netlink_veth_add(const char *name, const char *peer, unsigned int mtu)
{
	_cleanup_(msg_freep) struct nl_msg *msg = create_message(name);
	struct ifinfomsg ifi = {0};
	struct nlattr *info, *data, *end;

	if (!msg || put_one_queue(msg, mtu))
		return -ENOMEM;
	info = nla_nest_start(msg, IFLA_LINKINFO);
	if (!info || nla_put_string(msg, IFLA_INFO_KIND, "veth") < 0)
		return -ENOMEM;
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	end = data ? nla_nest_start(msg, VETH_INFO_PEER) : NULL;
	if (!end || nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(msg, IFLA_IFNAME, peer) < 0 || put_one_queue(msg, mtu))
		return -ENOMEM;
	nla_nest_end(msg, end);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return talk(msg, NULL, NULL);
}

static void parse_qdisc(struct nlmsghdr *h, void *arg)
{
	struct port_qdisc *q = arg;
	const struct tcmsg *tc = nlmsg_data(h);
	struct nlattr *tb[TCA_MAX + 1], *stats[TCA_STATS_MAX + 1];
	struct gnet_stats_queue queue = {0};

	if (h->nlmsg_type != RTM_NEWQDISC || nlmsg_parse(h, sizeof(*tc), tb, TCA_MAX, NULL) < 0)
		return;
	q->handle = tc->tcm_handle;
	if (!tb[TCA_STATS2] || nla_parse_nested(stats, TCA_STATS_MAX, tb[TCA_STATS2], NULL) < 0 ||
	    !stats[TCA_STATS_QUEUE])
		return;
	nla_memcpy(&queue, stats[TCA_STATS_QUEUE], sizeof(queue));
	q->dropped = queue.drops;
}

int port_qdisc_read(unsigned int ifindex, struct port_qdisc *out)
{
	const struct tcmsg tc = {.tcm_ifindex = (int)ifindex, .tcm_parent = TC_H_ROOT};
	/* Without ECHO only those who listen for changes are told. */
	_cleanup_(msg_freep) struct nl_msg *msg =
		nlmsg_alloc_simple(RTM_GETQDISC, NLM_F_ACK | NLM_F_ECHO);
	struct port_qdisc q = {0};
	int err;

	if (!msg || nlmsg_append(msg, (void *)&tc, sizeof(tc), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	err = talk(msg, parse_qdisc, &q);
	/* How the kernel says that there is none but its own, which keeps no count. */
	if (err == -EINVAL || err == -ENOENT)
		err = 0;
	if (!err)
		*out = q;
	return err;
}

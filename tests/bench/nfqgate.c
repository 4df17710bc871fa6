// SPDX-License-Identifier: GPL-2.0-only
/*
 * The peer of the forwarding benchmark: a netfilter-queue gateway that accepts every packet, with
 * one verdict message for up to 32 packets, as a user-space design would have to do at best.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>

#define QUEUE 0
#define BATCH 32

struct gateway {
	struct mnl_socket *netlink;
	uint32_t last_id;
	unsigned int waiting;
	char request[512];
};

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
	(void)number;
	stopping = 1;
}

static int submit(struct gateway *g)
{
	struct nlmsghdr *h;

	if (!g->waiting)
		return 0;
	h = nfq_nlmsg_put(g->request, NFQNL_MSG_VERDICT_BATCH, QUEUE);
	nfq_nlmsg_verdict_put(h, (int)g->last_id, NF_ACCEPT);
	g->waiting = 0;
	return mnl_socket_sendto(g->netlink, h, h->nlmsg_len) < 0 ? -errno : 0;
}

static int on_packet(const struct nlmsghdr *h, void *arg)
{
	struct nlattr *attributes[NFQA_MAX + 1] = {NULL};
	const struct nfqnl_msg_packet_hdr *packet;
	struct gateway *g = arg;

	if (nfq_nlmsg_parse(h, attributes) < 0 || !attributes[NFQA_PACKET_HDR])
		return MNL_CB_OK;
	packet = mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]);
	g->last_id = ntohl(packet->packet_id);
	if (++g->waiting >= BATCH)
		submit(g);
	return MNL_CB_OK;
}

static int configure(struct gateway *g)
{
	int no_enobufs = 1;
	struct nlmsghdr *h = nfq_nlmsg_put(g->request, NFQNL_MSG_CONFIG, QUEUE);

	nfq_nlmsg_cfg_put_cmd(h, AF_INET, NFQNL_CFG_CMD_BIND);
	if (mnl_socket_sendto(g->netlink, h, h->nlmsg_len) < 0)
		return -errno;
	h = nfq_nlmsg_put(g->request, NFQNL_MSG_CONFIG, QUEUE);
	nfq_nlmsg_cfg_put_params(h, NFQNL_COPY_PACKET, 0xffff);
	mnl_attr_put_u32(h, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO));
	mnl_attr_put_u32(h, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO));
	mnl_attr_put_u32(h, NFQA_CFG_QUEUE_MAXLEN, htonl(8192));
	if (mnl_socket_sendto(g->netlink, h, h->nlmsg_len) < 0)
		return -errno;
	mnl_socket_setsockopt(g->netlink, NETLINK_NO_ENOBUFS, &no_enobufs, sizeof(no_enobufs));
	return 0;
}

static void serve(struct gateway *g, char *buffer, size_t size)
{
	struct pollfd p = {.fd = mnl_socket_get_fd(g->netlink), .events = POLLIN};
	unsigned int port = mnl_socket_get_portid(g->netlink);

	while (!stopping) {
		ssize_t n = recv(p.fd, buffer, size, MSG_DONTWAIT);

		if (n > 0) {
			mnl_cb_run(buffer, (size_t)n, 0, port, on_packet, g);
			continue;
		}
		submit(g);
		poll(&p, 1, 100);
	}
}

int main(void)
{
	size_t size = 0xffff + MNL_SOCKET_BUFFER_SIZE;
	struct sigaction action = {.sa_handler = on_signal};
	struct gateway g = {.netlink = mnl_socket_open(NETLINK_NETFILTER)};
	char *buffer = malloc(size);

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (!g.netlink || !buffer || mnl_socket_bind(g.netlink, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    configure(&g) < 0) {
		fprintf(stderr, "nfqgate: %s\n", strerror(errno));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	serve(&g, buffer, size);
	mnl_socket_close(g.netlink);
	free(buffer);
	return 0;
}

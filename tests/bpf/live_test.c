// SPDX-License-Identifier: GPL-2.0-only
/*
 * Over real veth pairs in a network namespace: what the kernel loses behind the gate is counted
 * once, and a TC port's frames reach the socket whole.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <xdp/xsk.h>

#include "account.skel.h"
#include "bpf/rig.h"

struct live {
	struct rig *rig;
	struct account_bpf *account;
};

static void run(const char *command)
{
	int status = system(command);

	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("`%s` failed", command);
}

static void veth_add(const char *name)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "ip link add %s0 type veth peer name %s1 && "
		 "sysctl -qw net.ipv6.conf.%s0.disable_ipv6=1 net.ipv6.conf.%s1.disable_ipv6=1 && "
		 "ethtool -K %s0 txvlan off tx off >/dev/null && "
		 "ip link set %s0 up && ip link set %s1 up",
		 name, name, name, name, name, name, name);
	run(command);
}

/* The namespace ends with the process; the interfaces of one test with the test. */
static int live_group_setup(void **state)
{
	return unshare(CLONE_NEWNET);
}

static int live_setup(void **state)
{
	struct live *l = calloc(1, sizeof(*l));
	struct bpf_map *map;
	void *rig = *state;

	assert_non_null(l);
	assert_int_equal(rig_setup(&rig), 0);
	l->rig = rig;
	l->account = account_bpf__open();
	assert_non_null(l->account);
	bpf_object__for_each_map(map, l->account->obj)
	{
		if (bpf_object__find_map_by_name(l->rig->gate, bpf_map__name(map)))
			assert_int_equal(
				bpf_map__reuse_fd(map, rig_map(l->rig, bpf_map__name(map))), 0);
	}
	assert_int_equal(account_bpf__load(l->account), 0);
	assert_int_equal(account_bpf__attach(l->account), 0);
	l->rig->hung = true;
	l->rig->ctl->heartbeat_ns[0] = time_now_ns() + 60000000000ULL;
	veth_add("wa");
	veth_add("wb");
	*state = l;
	return 0;
}

static int live_teardown(void **state)
{
	struct live *l = *state;
	void *rig = l->rig;

	run("ip link del wa0 && ip link del wb0");
	if (if_nametoindex("wp0"))
		run("ip link del wp0");
	account_bpf__destroy(l->account);
	free(l);
	return rig_teardown(&rig);
}

/* The interface is a port: frames that arrive on it are the gate's. */
static void port_set(struct live *l, const char *ifname, uint32_t port, uint32_t punt_ifindex,
		     uint32_t flags)
{
	uint32_t ifindex = if_nametoindex(ifname);
	struct weir_port_of of = {.ifindex = ifindex, .port = port};
	struct weir_port cfg = {.ifindex = ifindex,
				.punt_ifindex = punt_ifindex,
				.max_frame = 9000,
				.xsk_base = port - 1,
				.queues = 1,
				.flags = flags,
				.domain = 1};

	rig_put(l->rig, "weir_port_of", &ifindex, &of);
	rig_put(l->rig, "weir_ports", &port, &cfg);
	if (!(flags & WEIR_PORT_TC))
		rig_put(l->rig, "weir_devmap", &port, &ifindex);
}

static void attach_xdp(const char *ifname, const struct bpf_object *object, const char *prog)
{
	int fd = bpf_program__fd(bpf_object__find_program_by_name(object, prog));

	assert_int_equal(bpf_xdp_attach(if_nametoindex(ifname), fd, XDP_FLAGS_DRV_MODE, NULL), 0);
}

static void attach_tc(const char *ifname, const struct bpf_object *object, const char *prog)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex(ifname),
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts,
		    .prog_fd = bpf_program__fd(bpf_object__find_program_by_name(object, prog)));

	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
}

static void inject(const char *ifname, const void *data, size_t len,
		   const struct virtio_net_hdr *header)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(ifname),
				 .sll_halen = ETH_ALEN};
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW, 0);
	uint8_t buffer[sizeof(*header) + 8192] = {};
	int one = header ? 1 : 0;
	size_t head = header ? sizeof(*header) : 0;

	assert_true(fd >= 0 && len <= 8192);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)), 0);
	if (header)
		memcpy(buffer, header, head);
	memcpy(buffer + head, data, len);
	assert_int_equal(sendto(fd, buffer, head + len, 0, (struct sockaddr *)&to, sizeof(to)),
			 head + len);
}

static void inject_shape(const char *ifname, const struct shape *s, unsigned int count)
{
	struct built frame;

	shape_build(s, &frame);
	while (count--)
		inject(ifname, frame.data, frame.len, NULL);
}

static uint64_t counted(const struct live *l, uint32_t port, enum weir_reason reason)
{
	return rig_sum(l->rig, "weir_counters", port * WEIR_REASON_STRIDE + reason);
}

/* Waits at most two seconds for a counter to reach a value. */
static void await(const struct live *l, uint32_t port, enum weir_reason reason, uint64_t want)
{
	uint64_t deadline = time_now_ns() + 2000000000ULL;

	while (counted(l, port, reason) < want && time_now_ns() < deadline)
		usleep(1000);
	assert_int_equal(counted(l, port, reason), want);
}

static const struct shape tcp = {DATA};

static void decide(struct live *l, uint16_t app)
{
	struct weir_flow flow;

	assert_int_equal(rig_send(l->rig, &tcp, NULL), WEIR_REASON_PUNTED);
	assert_true(rig_flow(l->rig, false, &tcp, &flow));
	rig_tell(l->rig, flow.id, app, 0);
	rig_finish(l->rig);
	assert_int_equal(rig_send(l->rig, &tcp, NULL), WEIR_REASON_REDIRECTED);
}

/* The frame is refused before it is queued for the device. */
static void loss_too_large_for_the_device(void **state)
{
	struct live *l = *state;

	decide(l, RIG_WEB);
	run("ip link set wb0 mtu 500");
	port_set(l, "wa0", RIG_A, 0, RIG_PORT_USUAL);
	port_set(l, "wb0", RIG_B, 0, RIG_PORT_USUAL);
	attach_xdp("wa0", l->rig->gate, "weir_gate");
	inject_shape("wa1", &(struct shape){.payload = 900}, 7);
	await(l, RIG_A, WEIR_REASON_REDIRECTED, 8);
	await(l, RIG_A, WEIR_REASON_DROP_REDIRECT_LOST, 7);
	assert_int_equal(counted(l, RIG_B, WEIR_REASON_DROP_REDIRECT_LOST), 0);
}

/* The device takes nothing from its queue: a veth whose peer has no NAPI. */
static void loss_in_the_device(void **state)
{
	struct live *l = *state;

	decide(l, RIG_WEB);
	port_set(l, "wa0", RIG_A, 0, RIG_PORT_USUAL);
	port_set(l, "wb0", RIG_B, 0, RIG_PORT_USUAL);
	attach_xdp("wa0", l->rig->gate, "weir_gate");
	inject_shape("wa1", &tcp, 7);
	await(l, RIG_A, WEIR_REASON_REDIRECTED, 8);
	await(l, RIG_A, WEIR_REASON_DROP_REDIRECT_LOST, 7);
}

/* Nothing lost, nothing counted. */
static void no_loss(void **state)
{
	struct live *l = *state;

	decide(l, RIG_WEB);
	port_set(l, "wa0", RIG_A, 0, RIG_PORT_USUAL);
	port_set(l, "wb0", RIG_B, 0, RIG_PORT_USUAL);
	attach_xdp("wa0", l->rig->gate, "weir_gate");
	attach_xdp("wb1", l->rig->gate, "weir_gate"); /* for its NAPI; counted on port 0 */
	inject_shape("wa1", &tcp, 7);
	await(l, 0, WEIR_REASON_STACK_DISABLED, 7);
	assert_int_equal(counted(l, RIG_A, WEIR_REASON_REDIRECTED), 8);
	assert_int_equal(counted(l, RIG_A, WEIR_REASON_DROP_REDIRECT_LOST), 0);
}

/* A socket that is bound to nothing takes no frame; the ring's fill is put right. */
static void loss_at_the_socket(void **state)
{
	struct live *l = *state;

	port_set(l, "wa0", RIG_A, 0, RIG_PORT_USUAL);
	attach_xdp("wa0", l->rig->gate, "weir_gate");
	inject_shape("wa1", &tcp, 5);
	await(l, RIG_A, WEIR_REASON_PUNTED, 5);
	await(l, RIG_A, WEIR_REASON_DROP_PUNT_LOST, 5);
	assert_int_equal(l->rig->sent[0], 0);
}

/* ---- through the pair ---- */

struct receiver {
	struct xsk_umem *umem;
	struct xsk_socket *xsk;
	struct xsk_ring_prod fill;
	struct xsk_ring_cons done, rx;
	void *area;
};

#define RECEIVER_FRAMES 64

static void receiver_open(struct receiver *v, const char *ifname)
{
	struct xsk_socket_config cfg = {.rx_size = RECEIVER_FRAMES,
					.libbpf_flags = XSK_LIBBPF_FLAGS__INHIBIT_PROG_LOAD};
	struct xsk_umem_config ucfg = {.fill_size = RECEIVER_FRAMES,
				       .comp_size = RECEIVER_FRAMES,
				       .frame_size = WEIR_FRAME_BYTES};
	size_t bytes = RECEIVER_FRAMES * WEIR_FRAME_BYTES;
	uint32_t index = 0;

	v->area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(v->area, MAP_FAILED);
	assert_int_equal(xsk_umem__create(&v->umem, v->area, bytes, &v->fill, &v->done, &ucfg), 0);
	assert_int_equal(xsk_socket__create(&v->xsk, ifname, 0, v->umem, &v->rx, NULL, &cfg), 0);
	assert_int_equal(xsk_ring_prod__reserve(&v->fill, RECEIVER_FRAMES, &index),
			 RECEIVER_FRAMES);
	for (uint32_t i = 0; i < RECEIVER_FRAMES; i++)
		*xsk_ring_prod__fill_addr(&v->fill, index + i) = (uint64_t)i * WEIR_FRAME_BYTES;
	xsk_ring_prod__submit(&v->fill, RECEIVER_FRAMES);
}

static void receiver_close(struct receiver *v)
{
	xsk_socket__delete(v->xsk);
	xsk_umem__delete(v->umem);
	munmap(v->area, RECEIVER_FRAMES * WEIR_FRAME_BYTES);
}

/* The next frame, its metadata in front of it; waits at most two seconds. */
static const uint8_t *receiver_take(struct receiver *v, size_t *len)
{
	struct pollfd pfd = {.fd = xsk_socket__fd(v->xsk), .events = POLLIN};
	const struct xdp_desc *desc;
	uint32_t index;

	while (!xsk_ring_cons__peek(&v->rx, 1, &index))
		if (poll(&pfd, 1, 2000) != 1)
			fail_msg("no frame came");
	desc = xsk_ring_cons__rx_desc(&v->rx, index);
	*len = desc->len;
	xsk_ring_cons__release(&v->rx, 1);
	return (const uint8_t *)xsk_umem__get_data(v->area, desc->addr);
}

static void pair_set(struct live *l, struct receiver *v)
{
	uint32_t far, index = 0, port = RIG_A;
	int fd;

	veth_add("wp");
	run("ethtool -K wp0 tso off gso on tx off >/dev/null && ip link set wp0 mtu 2000 && "
	    "ip link set wp1 mtu 2000");
	far = if_nametoindex("wp1");
	attach_xdp("wp1", l->rig->queue, "weir_pair_far");
	port_set(l, "wa0", RIG_A, if_nametoindex("wp0"), RIG_PORT_USUAL | WEIR_PORT_TC);
	rig_put(l->rig, "weir_port_of", &far, &(struct weir_port_of){far, port});
	far = if_nametoindex("wp0");
	rig_put(l->rig, "weir_port_of", &far, &(struct weir_port_of){far, port});
	attach_tc("wa0", l->rig->queue, "weir_queue");
	attach_tc("wp0", l->rig->queue, "weir_pair_near");
	receiver_open(v, "wp1");
	fd = xsk_socket__fd(v->xsk);
	rig_put(l->rig, "weir_xsk", &index, &fd);
}

static void tags_come_through_the_pair(void **state)
{
	struct live *l = *state;
	struct receiver v = {};
	struct built frame;

	pair_set(l, &v);
	for (int tags = 0; tags <= 2; tags++) {
		struct shape s = {DATA, .tags = tags};
		const uint8_t *got;
		struct weir_punt punt;
		size_t len;

		shape_build(&s, &frame);
		inject("wa1", frame.data, frame.len, NULL);
		got = receiver_take(&v, &len);
		assert_int_equal(len, frame.len);
		assert_memory_equal(got, frame.data, len);
		memcpy(&punt, got - sizeof(punt), sizeof(punt));
		assert_int_equal(punt.in_port, RIG_A);
		assert_int_equal(punt.out_port, RIG_B);
		assert_int_equal(punt.segments, 1);
		assert_true(punt.flow_id);
	}
	assert_int_equal(counted(l, RIG_A, WEIR_REASON_PUNTED), 3);
	assert_int_equal(counted(l, RIG_A, WEIR_REASON_DROP_PUNT_LOST), 0);
	receiver_close(&v);
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* RFC 1071 over the IPv4 pseudo-header and the segment: 0xffff when it is right. */
static uint16_t tcp_sum(const uint8_t *ip, size_t len)
{
	uint64_t sum = IPPROTO_TCP + len - 20;

	for (size_t i = 12; i < len; i++)
		sum += i & 1 ? ip[i] : ip[i] << 8;
	return fold(sum);
}

/* One merged skb of three segments, its checksum unfinished: three finished frames, one number. */
static void segments_come_through_the_pair(void **state)
{
	struct virtio_net_hdr header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
					.hdr_len = 54,
					.gso_size = 600,
					.csum_start = 34,
					.csum_offset = 16};
	struct shape s = {.payload = 1500, .tcp_flags = SHAPE_ACK | SHAPE_PSH, .tags = 0};
	struct live *l = *state;
	struct receiver v = {};
	struct built frame;
	size_t payload = 0;

	pair_set(l, &v);
	shape_build(&s, &frame);
	/* What an offloading sender leaves: the pseudo-header's sum. */
	{
		uint64_t sum = IPPROTO_TCP + frame.len - 34;
		uint16_t partial;

		for (size_t i = 26; i < 34; i++)
			sum += i & 1 ? frame.data[i] : frame.data[i] << 8;
		partial = htons(fold(sum));
		memcpy(frame.data + 50, &partial, 2);
	}
	inject("wa1", frame.data, frame.len, &header);
	for (int i = 0; i < 3; i++) {
		const uint8_t *got;
		struct weir_punt punt;
		size_t len;

		got = receiver_take(&v, &len);
		memcpy(&punt, got - sizeof(punt), sizeof(punt));
		assert_int_equal(punt.number, 1);
		assert_int_equal(punt.segments, 3);
		assert_int_equal(tcp_sum(got + 14, len - 14), 0xffff);
		payload += len - 54;
	}
	assert_int_equal(payload, 1500);
	assert_int_equal(counted(l, RIG_A, WEIR_REASON_PUNTED), 1);
	assert_int_equal(l->rig->sent[0], 3);
	receiver_close(&v);
}

/* Lost at the far end: counted on the port, and the ring's fill is put right. */
static void loss_in_the_pair(void **state)
{
	struct live *l = *state;
	struct receiver v = {};
	uint32_t index = 0;

	pair_set(l, &v);
	rig_put(l->rig, "weir_xsk", &index, &l->rig->xsk);
	inject_shape("wa1", &tcp, 4);
	await(l, RIG_A, WEIR_REASON_PUNTED, 4);
	await(l, RIG_A, WEIR_REASON_DROP_PUNT_LOST, 4);
	assert_int_equal(l->rig->sent[0], 0);
	receiver_close(&v);
}

/* What the slow path sends on the far end leaves through the port. */
static void pair_near_leaves_through_the_port(void **state)
{
	struct live *l = *state;
	struct receiver v = {};
	struct sockaddr_ll here = {.sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_ALL),
				   .sll_ifindex = (int)if_nametoindex("wa1")};
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW, 0);
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	uint8_t got[2048];
	struct built frame;

	pair_set(l, &v);
	assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	shape_build(&(struct shape){DATA, .reverse = true}, &frame);
	inject("wp1", frame.data, frame.len, NULL);
	assert_int_equal(poll(&pfd, 1, 2000), 1);
	assert_int_equal(recv(fd, got, sizeof(got), 0), frame.len);
	assert_memory_equal(got, frame.data, frame.len);
	receiver_close(&v);
}

/* 512 bytes of IPv6 options before the UDP header, in an skb whose linear part is the Ethernet
 * header: the gate reads on. */
static void headers_behind_the_linear_part(void **state)
{
	const struct virtio_net_hdr header = {.hdr_len = ETH_HLEN};
	const struct shape udp = {.ip = 6, .proto = IPPROTO_UDP};
	const uint16_t udp_bytes = 4508;
	struct live *l = *state;
	struct weir_flow flow;
	struct built small;
	uint8_t frame[5074] = {};

	run("ip link set wa0 mtu 9000 && ip link set wa1 mtu 9000");
	port_set(l, "wa0", RIG_A, 0, RIG_PORT_USUAL | WEIR_PORT_TC);
	attach_tc("wa0", l->rig->queue, "weir_queue");
	shape_build(&udp, &small);
	memcpy(frame, small.data, 54);
	memcpy(frame + 54 + 512, small.data + 54, 8);
	*(uint16_t *)(frame + 18) = htons(512 + udp_bytes);
	frame[20] = IPPROTO_DSTOPTS;
	frame[54] = IPPROTO_UDP;
	frame[55] = 512 / 8 - 1;
	*(uint16_t *)(frame + 54 + 512 + 4) = htons(udp_bytes);
	inject("wa1", frame, sizeof(frame), &header);
	await(l, RIG_A, WEIR_REASON_STACK_OVERSIZE, 1);
	assert_true(rig_flow(l->rig, false, &udp, &flow));
}

#define LIVE_TEST(f, hook)                                                                         \
	{                                                                                          \
#f, f, live_setup, live_teardown, &rig_hooks[hook]                                 \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(loss_too_large_for_the_device, RIG_XDP),
		LIVE_TEST(loss_in_the_device, RIG_XDP),
		LIVE_TEST(no_loss, RIG_XDP),
		LIVE_TEST(loss_at_the_socket, RIG_XDP),
		LIVE_TEST(tags_come_through_the_pair, RIG_TC),
		LIVE_TEST(segments_come_through_the_pair, RIG_TC),
		LIVE_TEST(loss_in_the_pair, RIG_TC),
		LIVE_TEST(headers_behind_the_linear_part, RIG_TC),
		LIVE_TEST(pair_near_leaves_through_the_port, RIG_TC),
	};

	return cmocka_run_group_tests(tests, live_group_setup, NULL);
}

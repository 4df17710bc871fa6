// SPDX-License-Identifier: GPL-2.0-only
/* Interfaces of a private namespace: read, bridged, switched, paired, watched, and put back as they
 * were. */
#include "port_fixture.h"

#include <poll.h>
#include <sys/socket.h>

#include "port/changes.h"
#include "port/netlink.h"

struct machine {
	char path[64];
	char *before;
};

/* All that weir touches, without what moves on its own: the kernel tells of carriers when it gets
 * round to it. */
static char *snapshot(void)
{
	return output("ip -d -o link | sed 's/ state [A-Z]* //; s/NO-CARRIER,//; s/,LOWER_UP//; "
		      "s/,M-DOWN//'; ip -o addr; "
		      "for i in a0 a1 b0 b1; do ethtool -k $i; done");
}

static int setup(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));

	if (namespace_setup(state))
		return -1;
	snprintf(m->path, sizeof(m->path), "/tmp/weir-port-test-%d.json", (int)getpid());
	run("ip link add a0 type veth peer name a1 && ip link add b0 type veth peer name b1");
	run("for i in a0 a1 b0 b1; do echo 1 > /proc/sys/net/ipv6/conf/$i/disable_ipv6; done");
	/* b0 was up once: only then does the kernel give it the queueing it keeps afterwards. */
	run("for i in a0 a1 b0 b1; do ip link set $i up; done; ip link set b0 down");
	m->before = snapshot();
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct machine *m = *state;

	unlink(m->path);
	free(m->before);
	free(m);
	return 0;
}

static struct port_changes *journal(const struct machine *m)
{
	struct port_changes *c = NULL;
	struct error e = {0};

	if (port_changes_open(m->path, &c, &e))
		fail_msg("%s", e.text);
	return c;
}

static void assert_as_before(const struct machine *m)
{
	char *now = snapshot(), *was = strdup(m->before), *at_now, *at_was;
	char *line = strtok_r(now, "\n", &at_now), *old = strtok_r(was, "\n", &at_was);

	while (line && old && !strcmp(line, old)) {
		line = strtok_r(NULL, "\n", &at_now);
		old = strtok_r(NULL, "\n", &at_was);
	}
	if (line || old)
		fail_msg("was: %s\n\tis:  %s", old ? old : "-", line ? line : "-");
	assert_int_equal(access(m->path, F_OK), -1);
	free(now);
	free(was);
}

static struct port_link link_of(const char *name)
{
	struct port_link l = {0};
	struct error e = {0};

	if (port_link_read(name, &l, &e))
		fail_msg("%s", e.text);
	return l;
}

static bool feature(const char *ifname, const char *name)
{
	char command[128], *text;
	bool on;

	snprintf(command, sizeof(command), "ethtool -k %s | grep '^[[:space:]]*%s:'", ifname, name);
	text = output(command);
	on = strstr(text, ": on");
	free(text);
	return on;
}

/* ---- reading ---- */

static void test_link_read(void **state)
{
	struct port_link l = link_of("a0");
	struct error e = {0};

	assert_string_equal(l.name, "a0");
	assert_string_equal(l.driver, "veth");
	assert_int_equal(l.mtu, 1500);
	assert_int_equal(l.rx_queues, 1);
	assert_int_equal(l.master, 0);
	assert_true(l.up);
	assert_true(l.bridge_forwarding);
	assert_false(link_of("b0").up);
	run("ip link set a0 mtu 1400 address 02:00:00:00:12:34");
	l = link_of("a0");
	assert_int_equal(l.mtu, 1400);
	assert_memory_equal(l.mac, "\x02\x00\x00\x00\x12\x34", 6);
	assert_int_equal(port_link_read("nosuch0", &l, &e), -ENODEV);
	assert_non_null(strstr(e.text, "nosuch0"));
	e.text[0] = 0;
	assert_int_equal(port_link_read("a-name-that-is-too-long", &l, &e), -ENODEV);
	assert_int_equal(port_link_read("", &l, NULL), -ENODEV);
	/* Untouched by failure. */
	assert_string_equal(l.name, "a0");
}

static void test_link_queues(void **state)
{
	run("ip link add q0 numrxqueues 4 numtxqueues 4 type veth peer name q1 numrxqueues 4 "
	    "numtxqueues 4");
	run("ethtool -L q0 rx 3 tx 2");
	assert_int_equal(link_of("q0").rx_queues, 3);
	run("ip link del q0");
}

static void test_hook_choice(void **state)
{
	struct port_link l = link_of("a0");
	const char *why = NULL;

	assert_int_equal(port_hook_choose(&l, &why), PORT_HOOK_TC);
	assert_non_null(why);
	strcpy(l.driver, "virtio_net");
	assert_int_equal(port_hook_choose(&l, &why), PORT_HOOK_TC);
	strcpy(l.driver, "ixgbe");
	assert_int_equal(port_hook_choose(&l, &why), PORT_HOOK_NATIVE);
	l.mtu = 9000;
	assert_int_equal(port_hook_choose(&l, &why), PORT_HOOK_TC);
	assert_non_null(strstr(why, "MTU"));
	l.mtu = 1500;
	l.driver[0] = 0;
	assert_int_equal(port_hook_choose(&l, &why), PORT_HOOK_TC);
}

/* ---- bridge ---- */

static void test_bridge_made_and_unmade(void **state)
{
	const struct machine *m = *state;
	struct port_changes *c = journal(m);
	const char *const ports[] = {"a0", "b0"};
	struct port_link br, a, b;
	struct error e = {0};
	const char *why;
	uint8_t mac[6];

	if (port_bridge_ensure(c, "wbr0", true, ports, 2, mac, &e))
		fail_msg("%s", e.text);
	br = link_of("wbr0");
	a = link_of("a0");
	b = link_of("b0");
	assert_true(br.up);
	assert_true(a.up && b.up);
	assert_int_equal(a.master, br.ifindex);
	assert_int_equal(b.master, br.ifindex);
	assert_true(a.bridge_forwarding);
	assert_memory_equal(mac, br.mac, 6);
	assert_true(port_bridge_redirect_ok("wbr0", &why));
	/* Nothing of the bridge's own on the wire. */
	run("! ip -6 addr show dev wbr0 | grep -q inet6");

	/* A second time, as after a restart, changes nothing more. */
	if (port_bridge_ensure(c, "wbr0", true, ports, 2, mac, &e))
		fail_msg("%s", e.text);
	assert_int_equal(port_changes_undo(c), 0);
	assert_as_before(m);
	port_changes_close(c);
}

static void test_bridge_of_others(void **state)
{
	const struct machine *m = *state;
	const char *const ports[] = {"a0"};
	struct port_changes *c = journal(m);
	struct error e = {0};
	const char *why;
	uint8_t mac[6];

	run("ip link add their0 type bridge && ip link set a0 master their0");
	if (port_bridge_ensure(c, "their0", false, ports, 1, mac, &e))
		fail_msg("%s", e.text);
	assert_true(port_bridge_redirect_ok("their0", &why));
	if (system("ip link set their0 type bridge vlan_filtering 1")) {
		print_message("this kernel's bridge cannot filter VLANs\n");
	} else {
		assert_false(port_bridge_redirect_ok("their0", &why));
		assert_non_null(strstr(why, "VLAN"));
	}
	assert_false(port_bridge_redirect_ok("nosuch0", &why));
	assert_false(port_bridge_redirect_ok("a0", &why));
	/* It was in already: stays in. The bridge was down: goes down. */
	assert_int_equal(port_changes_undo(c), 0);
	assert_int_equal(link_of("a0").master, link_of("their0").ifindex);
	assert_false(link_of("their0").up);
	run("ip link del their0");
	port_changes_close(c);
}

static void check_refused(struct port_changes *c, const char *bridge, bool create, const char *port,
			  int want, const char *text)
{
	struct error e = {0};
	uint8_t mac[6];
	const char *const ports[] = {port};

	assert_int_equal(port_bridge_ensure(c, bridge, create, ports, 1, mac, &e), want);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" does not tell of \"%s\"", e.text, text);
}

static void test_bridge_refusals(void **state)
{
	const struct machine *m = *state;
	struct port_changes *c = journal(m);

	check_refused(c, "wbr0", false, "a0", -ENODEV, "create: true");
	check_refused(c, "wbr0", true, "nosuch0", -ENODEV, "nosuch0");
	check_refused(c, "a0", true, "b0", -EINVAL, "not a bridge");
	check_refused(c, "a-name-that-is-too-long", true, "a0", -EINVAL, "name");
	assert_as_before(m);
	run("ip link add their0 type bridge && ip link set a0 master their0");
	check_refused(c, "wbr0", true, "a0", -EBUSY, "a0");
	check_refused(c, "wbr0", true, "their0", -EINVAL, "bridge itself");
	run("ip link del their0");
	assert_as_before(m);
	port_changes_close(c);
}

/* With STP a port listens at first; without, it forwards when it is up. */
static void test_bridge_stp_state(void **state)
{
	run("ip link add their0 type bridge stp_state 1 forward_delay 400 && "
	    "ip link set their0 up && ip link set a0 master their0");
	assert_false(link_of("a0").bridge_forwarding);
	run("ip link set a0 nomaster");
	assert_true(link_of("a0").bridge_forwarding);
	run("ip link set their0 type bridge stp_state 0 && ip link set a0 master their0");
	assert_true(link_of("a0").bridge_forwarding);
	run("ip link set a0 down");
	assert_false(link_of("a0").bridge_forwarding);
	run("ip link set a0 nomaster");
	assert_true(link_of("a0").bridge_forwarding);
}

/* A dead daemon's changes are undone by the next one, even when interfaces went meanwhile. */
static void test_undo_by_another(void **state)
{
	const struct machine *m = *state;
	struct port_changes *c = journal(m);
	const char *const ports[] = {"a0", "b0", "c0"};
	struct error e = {0};
	uint8_t mac[6];

	run("ip link add c0 type veth peer name c1");
	if (port_bridge_ensure(c, "wbr0", true, ports, 3, mac, &e))
		fail_msg("%s", e.text);
	port_changes_close(c);
	/* One is gone, and replaced by another of the same name that somebody set up. */
	run("ip link del c0 && ip link add c0 type veth peer name c1 && ip link set c0 up");
	c = journal(m);
	assert_non_null(changes_find(c, "master", "a0"));
	assert_int_equal(port_changes_undo(c), 0);
	assert_true(link_of("c0").up);
	run("ip link del c0");
	assert_as_before(m);
	port_changes_close(c);
}

/* The interface is the same under another name; another that took its name is not. */
static void test_undo_renamed(void **state)
{
	const struct machine *m = *state;
	struct port_changes *c = journal(m);
	const char *const ports[] = {"a0", "b0"};
	struct error e = {0};
	uint8_t mac[6];

	if (port_bridge_ensure(c, "wbr0", true, ports, 2, mac, &e) ||
	    port_offload_prepare(c, "a0", PORT_HOOK_NATIVE, &e))
		fail_msg("%s", e.text);
	run("ip link set a0 down && ip link set a0 name a8 && ip link set a8 up");
	run("ip link add a0 type veth peer name a9 && ip link set a0 up && ip link set a0 master "
	    "wbr0");
	assert_int_equal(port_changes_undo_interface(c, "a0"), 0);
	assert_int_equal(link_of("a8").master, 0);
	assert_true(feature("a8", "rx-vlan-offload"));
	assert_int_equal(link_of("a0").master, link_of("wbr0").ifindex);
	assert_true(link_of("a0").up);
	run("ip link del a0 && ip link set a8 down && ip link set a8 name a0 && ip link set a0 up");
	assert_int_equal(port_changes_undo(c), 0);
	assert_as_before(m);
	port_changes_close(c);
}

/* A file of another boot: its index is somebody else's now. */
static void test_undo_other_index(void **state)
{
	const struct machine *m = *state;
	struct port_changes *c = journal(m);
	struct port_link l = link_of("a0");

	snprintf(l.name, sizeof(l.name), "eth7");
	l.mac[5] ^= 1;
	assert_int_equal(changes_add(c, changes_of_link("up", &l)), 0);
	assert_int_equal(port_changes_undo(c), 0);
	assert_true(link_of("a0").up);
	assert_as_before(m);
	port_changes_close(c);
}

/* ---- offloads ---- */

static void test_offloads(void **state)
{
	const struct machine *m = *state;
	struct port_changes *c = journal(m);
	struct error e = {0};

	assert_true(feature("a0", "rx-vlan-offload"));
	if (port_offload_prepare(c, "a0", PORT_HOOK_NATIVE, &e))
		fail_msg("%s", e.text);
	assert_false(feature("a0", "rx-vlan-offload"));
	assert_false(feature("a0", "rx-vlan-stag-hw-parse"));
	assert_true(feature("a0", "tx-vlan-offload"));
	assert_int_equal(access(m->path, F_OK), 0);
	/* What is off already is not remembered: a second daemon would otherwise forget to switch
	 * it on, or switch on what was off. */
	run("ethtool -K b0 rxvlan off");
	if (port_offload_prepare(c, "b0", PORT_HOOK_NATIVE, &e))
		fail_msg("%s", e.text);
	assert_int_equal(port_changes_undo_interface(c, "b0"), 0);
	assert_false(feature("b0", "rx-vlan-offload"));
	assert_true(feature("b0", "rx-vlan-stag-hw-parse"));
	run("ethtool -K b0 rxvlan on");
	assert_int_equal(port_changes_undo(c), 0);
	assert_as_before(m);
	port_changes_close(c);
}

static void test_offloads_by_hook(void **state)
{
	const struct machine *m = *state;
	struct port_changes *c = journal(m);
	struct error e = {0};

	run("ethtool -K a0 gro on");
	if (port_offload_prepare(c, "a0", PORT_HOOK_TC, &e))
		fail_msg("%s", e.text);
	assert_true(feature("a0", "rx-vlan-offload"));
	assert_true(feature("a0", "generic-receive-offload"));
	if (port_offload_prepare(c, "a0", PORT_HOOK_GENERIC, &e))
		fail_msg("%s", e.text);
	assert_false(feature("a0", "rx-vlan-offload"));
	assert_false(feature("a0", "generic-receive-offload"));
	assert_int_equal(port_changes_undo(c), 0);
	assert_true(feature("a0", "generic-receive-offload"));
	run("ethtool -K a0 gro off");
	assert_as_before(m);
	assert_int_equal(port_offload_prepare(c, "nosuch0", PORT_HOOK_TC, &e), -ENODEV);
	assert_non_null(strstr(e.text, "nosuch0"));
	port_changes_close(c);
}

/* ---- punt pair ---- */

static void test_pair(void **state)
{
	const struct machine *m = *state;
	struct port_changes *c = journal(m);
	unsigned int near_end, far_end, near_again, far_again;
	struct port_pair_lost lost;
	struct port_qdisc qdisc;
	struct netlink_link near, far;
	struct error e = {0};
	char name[16];

	if (port_pair_create(c, "wtest", 3, 1500, &near_end, &far_end, name, &e))
		fail_msg("%s", e.text);
	assert_string_equal(name, "wtest3f");
	assert_int_equal(netlink_link_read("wtest3n", &near), 0);
	assert_int_equal(netlink_link_read("wtest3f", &far), 0);
	assert_int_equal(near.link.ifindex, near_end);
	assert_int_equal(far.link.ifindex, far_end);
	assert_true(port_pair_is_sound("wtest", 3, near_end, far_end));
	assert_false(port_pair_is_sound("wtest", 3, near_end, far_end + 1));
	assert_false(port_pair_is_sound("wtest", 4, near_end, far_end));
	assert_int_equal(near.peer, far_end);
	assert_true(near.link.up && far.link.up);
	assert_int_equal(near.link.mtu, 1600);
	assert_int_equal(far.link.mtu, 1600);
	assert_int_equal(link_of(name).rx_queues, 1);
	assert_false(feature("wtest3n", "tx-checksumming"));
	assert_false(feature("wtest3n", "tcp-segmentation-offload"));
	assert_false(feature("wtest3n", "tx-vlan-offload"));
	assert_false(feature("wtest3n", "tx-udp-segmentation"));
	run("test $(cat /proc/sys/net/ipv6/conf/wtest3f/disable_ipv6) = 1");
	run("! ip addr show dev wtest3n | grep -q inet");
	run("! ip addr show dev wtest3f | grep -q inet");

	assert_int_equal(port_pair_lost("wtest", 3, near_end, far_end, &lost), 0);
	assert_int_equal(lost.up + lost.out, 0);
	assert_int_equal(port_pair_lost("wtest", 3, near_end, far_end + 1, &lost), -ENODEV);
	/* Its root queueing discipline, and what that drops: its queue is too short for a frame. */
	assert_int_equal(port_qdisc_read(near_end, &qdisc), 0);
	assert_int_equal(qdisc.handle, 0);
	run("tc qdisc add dev wtest3n root handle 7: bfifo limit 10");
	run("ip addr add 192.0.2.2/24 dev wtest3n; "
	    "ping -c 1 -W 1 192.0.2.1 || true; ip addr del 192.0.2.2/24 dev wtest3n");
	assert_int_equal(port_qdisc_read(near_end, &qdisc), 0);
	assert_int_equal(qdisc.handle, 7 << 16);
	assert_true(qdisc.dropped > 0);
	run("tc qdisc del dev wtest3n root");

	/* The next daemon takes it over, even when somebody set an end down. */
	port_changes_close(c);
	run("ip link set wtest3n down mtu 1500");
	assert_false(port_pair_is_sound("wtest", 3, near_end, far_end));
	c = journal(m);
	if (port_pair_create(c, "wtest", 3, 1500, &near_again, &far_again, name, &e))
		fail_msg("%s", e.text);
	assert_int_equal(near_again, near_end);
	assert_int_equal(far_again, far_end);
	assert_true(link_of("wtest3n").up);
	assert_int_equal(link_of("wtest3n").mtu, 1600);
	assert_int_equal(port_changes_undo_interface(c, "wtest3f"), 0);
	assert_as_before(m);
	port_changes_close(c);
}

static void test_pair_refusals(void **state)
{
	const struct machine *m = *state;
	struct port_changes *c = journal(m);
	unsigned int near_end, far_end;
	struct error e = {0};
	char name[16];

	run("ip link add wtest4f type veth peer name elsewhere");
	assert_int_equal(port_pair_create(c, "wtest", 4, 1500, &near_end, &far_end, name, &e),
			 -EEXIST);
	assert_non_null(strstr(e.text, "wtest4"));
	run("ip link del wtest4f && ip link add wtest4n type veth peer name wtest4f");
	assert_int_equal(port_pair_create(c, "wtest", 4, 1500, &near_end, &far_end, name, NULL),
			 -EEXIST);
	run("ip link del wtest4n");
	assert_int_equal(
		port_pair_create(c, "a-very-long-prefix", 4, 1500, &near_end, &far_end, name, NULL),
		-EINVAL);
	assert_int_equal(port_pair_create(c, "../x", 4, 1500, &near_end, &far_end, name, NULL),
			 -EINVAL);
	assert_as_before(m);
	/* A large port's pair stays small enough for XDP. */
	if (port_pair_create(c, "wtest", 4, 9000, &near_end, &far_end, name, &e))
		fail_msg("%s", e.text);
	assert_int_equal(link_of(name).mtu, 3400);
	assert_int_equal(port_changes_undo(c), 0);
	assert_as_before(m);
	port_changes_close(c);
}

/* ---- monitor ---- */

struct heard {
	const char *name;
	int present, absent;
};

static void hear(const char *name, unsigned int ifindex, bool present, void *arg)
{
	struct heard *h = arg;

	if (strcmp(name, h->name) != 0)
		return;
	assert_true(ifindex > 0);
	if (present)
		h->present++;
	else
		h->absent++;
}

/* Notifications are queued before the command that causes them ends. */
static void listen_for(struct port_monitor *m, struct heard *h, const char *command)
{
	struct pollfd p = {.fd = port_monitor_fd(m), .events = POLLIN};

	h->present = h->absent = 0;
	run(command);
	assert_int_equal(poll(&p, 1, 1000), 1);
	port_monitor_read(m);
	assert_int_equal(poll(&p, 1, 0), 0);
}

static void test_monitor(void **state)
{
	struct heard h = {.name = "a0"};
	struct port_monitor *m = NULL;
	struct error e = {0};

	run("ip link add their0 type bridge && ip link set their0 up");
	if (port_monitor_open(&m, hear, &h, &e))
		fail_msg("%s", e.text);
	listen_for(m, &h, "ip link set a0 master their0");
	assert_true(h.present > 0 && !h.absent);
	listen_for(m, &h, "bridge link set dev a0 state 4");
	assert_true(h.present > 0 && !h.absent);
	/* Leaving the bridge is not vanishing. */
	listen_for(m, &h, "ip link set a0 nomaster");
	assert_true(h.present > 0 && !h.absent);
	listen_for(m, &h, "ip link set a0 down");
	assert_true(h.present > 0 && !h.absent);
	listen_for(m, &h, "ip link set a0 name a9");
	assert_int_equal(h.absent, 1);
	listen_for(m, &h, "ip link set a9 name a0");
	assert_true(h.present > 0 && !h.absent);
	listen_for(m, &h, "ip link del a0");
	assert_int_equal(h.absent, 1);
	listen_for(m, &h, "ip link add a0 type veth peer name a1");
	assert_true(h.present > 0 && !h.absent);
	port_monitor_close(m);
	run("ip link del their0");
}

/* More news than fit the socket: what vanished among it is told all the same. */
static void test_monitor_overrun(void **state)
{
	struct heard h = {.name = "gone0"};
	struct port_monitor *m = NULL;
	int tiny = 1;

	run("ip link add gone0 type dummy || ip link add gone0 type veth peer name gone1");
	assert_int_equal(port_monitor_open(&m, hear, &h, NULL), 0);
	assert_int_equal(setsockopt(port_monitor_fd(m), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny)),
			 0);
	listen_for(m, &h,
		   "for i in 1 2 3 4 5 6 7 8; do ip link set a0 down; ip link set a0 up; done; "
		   "ip link del gone0");
	assert_int_equal(h.absent, 1);
	h.name = "a0";
	listen_for(m, &h, "ip link set a0 down");
	assert_true(h.present > 0);
	port_monitor_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_link_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_queues, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hook_choice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bridge_made_and_unmade, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bridge_of_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bridge_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bridge_stp_state, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undo_by_another, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undo_renamed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undo_other_index, setup, teardown),
		cmocka_unit_test_setup_teardown(test_offloads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_offloads_by_hook, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pair, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pair_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_monitor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_monitor_overrun, setup, teardown),
	};

	return cmocka_run_group_tests_name("port_link", tests, NULL, NULL);
}

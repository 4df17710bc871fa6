// SPDX-License-Identifier: GPL-2.0-only
/* Attaching and detaching on XDP and TC, among programs of others. Needs root. */
#include "gate_fixture.h"

#include <linux/if_link.h>
#include <linux/pkt_cls.h>

/* "return value" as a program: what somebody else may have attached. */
static int foreign_program(enum bpf_prog_type type, int value)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = value},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(type, "foreign", "GPL", insns, ARRAY_SIZE(insns), NULL);

	assert_true(fd >= 0);
	return fd;
}

static struct bpf_tc_hook ingress_of(unsigned int ifindex)
{
	return (struct bpf_tc_hook){.sz = sizeof(struct bpf_tc_hook),
				    .ifindex = (int)ifindex,
				    .attach_point = BPF_TC_INGRESS};
}

static void foreign_filter_add(unsigned int ifindex)
{
	struct bpf_tc_hook hook = ingress_of(ifindex);
	_cleanup_close_ int fd = foreign_program(BPF_PROG_TYPE_SCHED_CLS, TC_ACT_UNSPEC);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1, .prog_fd = fd);
	int r = bpf_tc_hook_create(&hook);

	assert_true(!r || r == -EEXIST);
	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
}

static bool foreign_filter_there(unsigned int ifindex)
{
	struct bpf_tc_hook hook = ingress_of(ifindex);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1);

	return !bpf_tc_query(&hook, &opts);
}

static bool tc_shows(const char *what, const char *ifname, const char *text)
{
	char command[128], line[512];
	bool found = false;
	FILE *out;

	snprintf(command, sizeof(command), "tc %s %s %s", what, "show dev", ifname);
	if (!strcmp(what, "filter"))
		snprintf(command, sizeof(command), "tc filter show dev %s ingress", ifname);
	out = popen(command, "r");
	assert_non_null(out);
	while (fgets(line, sizeof(line), out))
		found = found || strstr(line, text);
	assert_int_equal(pclose(out), 0);
	return found;
}

static void xdp_comes_and_goes(void **state)
{
	struct fixture *f = *state;
	unsigned int ifindex = veth_add("wgx");
	struct gate *g = fixture_open(f, false);

	assert_int_equal(gate_attach_xdp(g, "wgx0", ifindex, false, NULL), 0);
	assert_true(pinned(f, "links/wgx0_xdp"));
	frames_send("wgx1", 3);
	assert_true(frames_await(g, 3) >= 3);
	/* Again, as a daemon that starts anew does. */
	assert_int_equal(gate_attach_xdp(g, "wgx0", ifindex, false, NULL), 0);
	assert_int_not_equal(xdp_prog(ifindex), 0);
	assert_int_equal(gate_detach_xdp(g, "wgx0", ifindex), 0);
	assert_int_equal(xdp_prog(ifindex), 0);
	assert_false(pinned(f, "links/wgx0_xdp"));
	assert_int_equal(gate_detach_xdp(g, "wgx0", ifindex), 0);
	gate_close(g);
	fixture_remove(f);
	veth_del("wgx");
}

static void xdp_changes_its_mode(void **state)
{
	struct fixture *f = *state;
	unsigned int ifindex = veth_add("wgm");
	struct gate *g = fixture_open(f, false);
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	assert_int_equal(gate_attach_xdp(g, "wgm0", ifindex, false, NULL), 0);
	assert_int_equal(gate_attach_xdp(g, "wgm0", ifindex, true, NULL), 0);
	assert_int_equal(bpf_xdp_query((int)ifindex, 0, &query), 0);
	assert_int_equal(query.attach_mode, XDP_ATTACHED_SKB);
	assert_int_equal(gate_detach_xdp(g, "wgm0", ifindex), 0);
	gate_close(g);
	fixture_remove(f);
	veth_del("wgm");
}

static void a_foreign_xdp_program_stays(void **state)
{
	struct fixture *f = *state;
	unsigned int ifindex = veth_add("wgf");
	struct gate *g = fixture_open(f, false);
	_cleanup_close_ int fd = foreign_program(BPF_PROG_TYPE_XDP, 2);
	struct error e = {};
	char id[32];

	assert_int_equal(bpf_xdp_attach((int)ifindex, fd, 0, NULL), 0);
	assert_int_equal(gate_attach_xdp(g, "wgf0", ifindex, false, &e), -EBUSY);
	snprintf(id, sizeof(id), "id %u", xdp_prog(ifindex));
	assert_non_null(strstr(e.text, id));
	assert_non_null(strstr(e.text, "wgf0"));
	assert_false(pinned(f, "links/wgf0_xdp"));
	assert_int_equal(gate_attach_xdp(g, "wgf0", ifindex, true, NULL), -EBUSY);
	gate_close(g);
	fixture_remove(f);
	assert_int_not_equal(xdp_prog(ifindex), 0);
	veth_del("wgf");
}

static void a_name_with_a_dot(void **state)
{
	struct fixture *f = *state;
	unsigned int ifindex = veth_add("wg.10.");
	struct gate *g = fixture_open(f, false);

	assert_int_equal(gate_attach_xdp(g, "wg.10.0", ifindex, false, NULL), 0);
	assert_int_equal(gate_attach_tc(g, "wg.10.1", if_nametoindex("wg.10.1"), 0, 0, NULL), 0);
	gate_close(g);
	fixture_remove(f);
	assert_int_equal(xdp_prog(ifindex), 0);
	assert_false(tc_shows("qdisc", "wg.10.1", "clsact"));
	veth_del("wg.10.");
}

static void missing_interfaces_are_told(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	struct error e = {};

	assert_true(gate_attach_xdp(g, "wgnone", 4000, false, &e) < 0);
	assert_non_null(strstr(e.text, "wgnone"));
	e = (struct error){};
	assert_true(gate_attach_tc(g, "wgnone", 4000, 0, 0, &e) < 0);
	assert_non_null(strstr(e.text, "wgnone"));
	assert_false(pinned(f, "links/wgnone_tc"));
	assert_int_equal(gate_attach_xdp(g, "../maps", 4000, false, &e), -EINVAL);
	gate_close(g);
	fixture_remove(f);
}

static void tc_comes_and_goes(void **state)
{
	struct fixture *f = *state;
	unsigned int ifindex = veth_add("wgt"), near_end = veth_add("wgp");
	unsigned int far_end = if_nametoindex("wgp1");
	struct gate *g = fixture_open(f, false);

	assert_int_equal(gate_attach_tc(g, "wgt0", ifindex, near_end, far_end, NULL), 0);
	assert_true(tc_shows("filter", "wgt0", "weir_queue"));
	assert_true(tc_shows("filter", "wgp0", "weir_pair_near"));
	assert_int_not_equal(xdp_prog(far_end), 0);
	frames_send("wgt1", 3);
	assert_true(frames_await(g, 3) >= 3);
	gate_close(g);

	/* A later daemon: the filters carry its programs before it attaches anything. */
	g = fixture_open(f, true);
	frames_send("wgt1", 2);
	assert_true(frames_await(g, 5) >= 5);
	assert_int_equal(gate_attach_tc(g, "wgt0", ifindex, near_end, far_end, NULL), 0);
	assert_int_equal(gate_detach_tc(g, "wgt0", ifindex, near_end, far_end), 0);
	assert_false(tc_shows("qdisc", "wgt0", "clsact"));
	assert_false(tc_shows("qdisc", "wgp0", "clsact"));
	assert_int_equal(xdp_prog(far_end), 0);
	assert_false(pinned(f, "links/wgt0_tc"));
	assert_false(pinned(f, "links/wgt0_far"));
	assert_int_equal(gate_detach_tc(g, "wgt0", ifindex, near_end, far_end), 0);
	gate_close(g);
	fixture_remove(f);
	veth_del("wgt");
	veth_del("wgp");
}

/* Beside an XDP port's program: filters on both sides of the port and on the pair. */
static void exits_come_and_go(void **state)
{
	struct fixture *f = *state;
	unsigned int ifindex = veth_add("wge"), near_end = veth_add("wgf");
	struct gate *g = fixture_open(f, false);

	run("tc qdisc add dev wge0 clsact");
	assert_int_equal(gate_attach_exits(g, "wge0", ifindex, near_end, NULL), 0);
	assert_int_equal(gate_attach_xdp(g, "wge0", ifindex, false, NULL), 0);
	assert_true(tc_shows("filter", "wge0", "weir_ingress"));
	assert_true(tc_shows("filter", "wgf0", "weir_pair_near"));
	run("tc filter show dev wge0 egress | grep -q weir_egress");
	assert_true(gate_is_attached(g, "wge0", ifindex, false));
	gate_close(g);

	g = fixture_open(f, true);
	run("tc filter del dev wge0 egress");
	assert_false(gate_is_attached(g, "wge0", ifindex, false));
	assert_int_equal(gate_attach_exits(g, "wge0", ifindex, near_end, NULL), 0);
	assert_true(gate_is_attached(g, "wge0", ifindex, false));
	assert_int_equal(gate_detach_xdp(g, "wge0", ifindex), 0);
	assert_int_equal(gate_detach_exits(g, "wge0", ifindex, near_end), 0);
	/* Not weir's qdisc: it stays, without weir's filters. */
	assert_true(tc_shows("qdisc", "wge0", "clsact"));
	run("! tc filter show dev wge0 egress | grep -q weir");
	assert_false(tc_shows("filter", "wge0", "weir_ingress"));
	assert_false(tc_shows("qdisc", "wgf0", "clsact"));
	assert_false(pinned(f, "links/wge0_tc"));
	gate_close(g);
	fixture_remove(f);
	veth_del("wge");
	veth_del("wgf");
}

/* What others take away is noticed, and put back by attaching again. */
static void what_others_take_away_is_noticed(void **state)
{
	struct fixture *f = *state;
	unsigned int a = veth_add("wga"), b = veth_add("wgb"), near_end = veth_add("wgc");
	unsigned int far_end = if_nametoindex("wgc1");
	struct gate *g = fixture_open(f, false);
	char command[512];

	assert_false(gate_is_attached(g, "wga0", a, false));
	assert_int_equal(gate_attach_xdp(g, "wga0", a, false, NULL), 0);
	assert_true(gate_is_attached(g, "wga0", a, false));
	assert_false(gate_is_attached(g, "wga0", b, false));
	snprintf(command, sizeof(command), "bpftool link detach pinned %s/links/wga0_xdp", f->pins);
	run(command);
	assert_false(gate_is_attached(g, "wga0", a, false));
	assert_int_equal(gate_attach_xdp(g, "wga0", a, false, NULL), 0);
	assert_true(gate_is_attached(g, "wga0", a, false));

	assert_false(gate_is_attached(g, "wgb0", b, true));
	assert_int_equal(gate_attach_tc(g, "wgb0", b, near_end, far_end, NULL), 0);
	assert_true(gate_is_attached(g, "wgb0", b, true));
	run("tc qdisc del dev wgb0 clsact");
	assert_false(gate_is_attached(g, "wgb0", b, true));
	assert_int_equal(gate_attach_tc(g, "wgb0", b, near_end, far_end, NULL), 0);
	assert_true(gate_is_attached(g, "wgb0", b, true));
	run("tc filter del dev wgc0 ingress");
	assert_false(gate_is_attached(g, "wgb0", b, true));
	gate_close(g);
	fixture_remove(f);
	veth_del("wga");
	veth_del("wgb");
	veth_del("wgc");
}

static void adoption_replaces_the_filter(void **state)
{
	struct fixture *f = *state;
	unsigned int ifindex = veth_add("wgr");
	struct bpf_tc_hook hook = ingress_of(ifindex);
	struct gate *g = fixture_open(f, false);
	LIBBPF_OPTS(bpf_tc_opts, before, .handle = 0x57454952, .priority = 50000);
	LIBBPF_OPTS(bpf_tc_opts, after, .handle = 0x57454952, .priority = 50000);

	assert_int_equal(gate_attach_tc(g, "wgr0", ifindex, 0, 0, NULL), 0);
	assert_int_equal(bpf_tc_query(&hook, &before), 0);
	gate_close(g);
	gate_close(fixture_open(f, true));
	assert_int_equal(bpf_tc_query(&hook, &after), 0);
	assert_int_not_equal(after.prog_id, before.prog_id);
	fixture_remove(f);
	assert_false(tc_shows("qdisc", "wgr0", "clsact"));
	veth_del("wgr");
}

static void foreign_filters_stay(void **state)
{
	struct fixture *f = *state;
	unsigned int ifindex = veth_add("wgo"), own = veth_add("wgq");
	struct gate *g = fixture_open(f, false);

	/* One that was there before, on a qdisc that is not ours. */
	foreign_filter_add(ifindex);
	assert_int_equal(gate_attach_tc(g, "wgo0", ifindex, 0, 0, NULL), 0);
	assert_true(tc_shows("filter", "wgo0", "weir_queue"));
	assert_int_equal(gate_detach_tc(g, "wgo0", ifindex, 0, 0), 0);
	assert_true(foreign_filter_there(ifindex));
	assert_false(tc_shows("filter", "wgo0", "weir_queue"));

	/* One that came later, onto the qdisc we made. */
	assert_int_equal(gate_attach_tc(g, "wgq0", own, 0, 0, NULL), 0);
	foreign_filter_add(own);
	assert_int_equal(gate_detach_tc(g, "wgq0", own, 0, 0), 0);
	assert_true(foreign_filter_there(own));
	gate_close(g);
	fixture_remove(f);
	veth_del("wgo");
	veth_del("wgq");
}

static void a_foreign_qdisc_stays(void **state)
{
	struct fixture *f = *state;
	unsigned int ifindex = veth_add("wgs");
	struct gate *g = fixture_open(f, false);

	run("tc qdisc add dev wgs0 clsact");
	assert_int_equal(gate_attach_tc(g, "wgs0", ifindex, 0, 0, NULL), 0);
	/* Twice: the second time must not take the first for its own. */
	assert_int_equal(gate_attach_tc(g, "wgs0", ifindex, 0, 0, NULL), 0);
	gate_close(g);
	fixture_remove(f);
	assert_true(tc_shows("qdisc", "wgs0", "clsact"));
	assert_false(tc_shows("filter", "wgs0", "weir_queue"));
	veth_del("wgs");
}

static void our_place_may_be_taken(void **state)
{
	struct fixture *f = *state;
	unsigned int ifindex = veth_add("wgy");
	struct bpf_tc_hook hook = ingress_of(ifindex);
	_cleanup_close_ int fd = foreign_program(BPF_PROG_TYPE_SCHED_CLS, TC_ACT_UNSPEC);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 0x57454952, .priority = 50000, .prog_fd = fd);
	LIBBPF_OPTS(bpf_tc_opts, query, .handle = 0x57454952, .priority = 50000);
	struct gate *g = fixture_open(f, false);
	struct error e = {};

	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
	assert_int_equal(gate_attach_tc(g, "wgy0", ifindex, 0, 0, &e), -EBUSY);
	assert_non_null(strstr(e.text, "not weir's"));
	gate_close(g);
	fixture_remove(f);
	assert_int_equal(bpf_tc_query(&hook, &query), 0);
	veth_del("wgy");
}

static void removal_finds_all_that_is_attached(void **state)
{
	struct fixture *f = *state;
	unsigned int a = veth_add("wgu"), b = veth_add("wgv"), near_end = veth_add("wgw");
	unsigned int far_end = if_nametoindex("wgw1");
	struct gate *g = fixture_open(f, false);

	assert_int_equal(gate_attach_xdp(g, "wgu0", a, true, NULL), 0);
	assert_int_equal(gate_attach_tc(g, "wgv0", b, near_end, far_end, NULL), 0);
	gate_close(g);
	fixture_remove(f);
	assert_int_equal(xdp_prog(a), 0);
	assert_int_equal(xdp_prog(far_end), 0);
	assert_false(tc_shows("qdisc", "wgv0", "clsact"));
	assert_false(tc_shows("qdisc", "wgw0", "clsact"));
	/* Nothing left is no error. */
	fixture_remove(f);
	veth_del("wgu");
	veth_del("wgv");
	veth_del("wgw");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xdp_comes_and_goes),
		cmocka_unit_test(xdp_changes_its_mode),
		cmocka_unit_test(a_foreign_xdp_program_stays),
		cmocka_unit_test(a_name_with_a_dot),
		cmocka_unit_test(missing_interfaces_are_told),
		cmocka_unit_test(tc_comes_and_goes),
		cmocka_unit_test(exits_come_and_go),
		cmocka_unit_test(what_others_take_away_is_noticed),
		cmocka_unit_test(adoption_replaces_the_filter),
		cmocka_unit_test(foreign_filters_stay),
		cmocka_unit_test(a_foreign_qdisc_stays),
		cmocka_unit_test(our_place_may_be_taken),
		cmocka_unit_test(removal_finds_all_that_is_attached),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

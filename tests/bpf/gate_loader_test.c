// SPDX-License-Identifier: GPL-2.0-only
/* Opening, adopting and removing the gate. Needs root. */
#include "gate_fixture.h"

#include <cap-ng.h>
#include <dirent.h>

static unsigned int entries(const struct fixture *f, const char *dir)
{
	char path[256];
	struct dirent *d;
	unsigned int n = 0;
	DIR *handle;

	snprintf(path, sizeof(path), "%s/%s", f->pins, dir);
	handle = opendir(path);
	assert_non_null(handle);
	while ((d = readdir(handle)))
		n += d->d_name[0] != '.';
	closedir(handle);
	return n;
}

static void fresh_open_pins_everything(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	struct weir_ctl *ctl = gate_ctl(g);

	assert_int_equal(ctl->abi, WEIR_ABI);
	assert_int_equal(ctl->slots_mask, f->sizes.slots - 1);
	assert_int_equal(ctl->generation, 0);
	assert_int_equal(gate_slots(g), f->sizes.slots);
	assert_true(gate_accounts_losses(g));
	assert_int_equal(entries(f, "maps"), 40);
	assert_true(pinned(f, "progs/weir_gate"));
	assert_true(pinned(f, "progs/weir_queue"));
	assert_true(pinned(f, "progs/weir_pair_near"));
	assert_true(pinned(f, "progs/weir_pair_far"));
	assert_true(pinned(f, "links/weir_redirect_err_account"));
	assert_true(pinned(f, "links/weir_devmap_xmit_account"));
	gate_close(g);
	assert_int_equal(entries(f, "maps"), 40);
	fixture_remove(f);
}

static void unpin_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);

	gate_unpin(g);
	gate_close(g);
	assert_int_equal(access(f->pins, F_OK), -1);
}

static void adopting_keeps_what_was_counted(void **state)
{
	struct fixture *f = *state;
	unsigned int ifindex = veth_add("wga");
	struct gate *g = fixture_open(f, false);
	uint32_t before;
	uint64_t seed;

	assert_int_equal(gate_attach_xdp(g, "wga0", ifindex, false, NULL), 0);
	gate_ctl(g)->generation = 7;
	seed = gate_ctl(g)->hash_key[1];
	gate_done(g)[7] = 99;
	frames_send("wga1", 5);
	/* Router solicitations and the like may come on top. */
	assert_true(frames_await(g, 5) >= 5);
	gate_close(g);

	before = xdp_prog(ifindex);
	assert_int_not_equal(before, 0);
	g = fixture_open(f, true);
	assert_int_not_equal(xdp_prog(ifindex), 0);
	assert_int_not_equal(xdp_prog(ifindex), before);
	assert_int_equal(gate_ctl(g)->generation, 7);
	assert_int_equal(gate_ctl(g)->hash_key[1], seed);
	assert_int_equal(gate_done(g)[7], 99);
	assert_true(frames_await(g, 5) >= 5);
	frames_send("wga1", 4);
	assert_true(frames_await(g, 9) >= 9);
	gate_close(g);
	fixture_remove(f);
	assert_int_equal(xdp_prog(ifindex), 0);
	veth_del("wga");
}

static void one_daemon_has_the_gate(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false), *other = NULL;
	uint64_t seed = gate_ctl(g)->hash_key[1];
	struct error e = {}, cause = {};
	bool adopted;

	assert_int_equal(gate_open(f->pins, &f->sizes, &other, &adopted, &e), -EBUSY);
	assert_non_null(strstr(e.text, "another daemon"));
	assert_null(other);
	assert_int_equal(gate_remove(f->pins, &cause), -EBUSY);
	assert_non_null(strstr(cause.text, f->pins));
	assert_int_equal(gate_ctl(g)->hash_key[1], seed);
	assert_true(pinned(f, "maps/weir_ctl"));
	assert_true(pinned(f, "progs/weir_gate"));
	gate_close(g);
	fixture_remove(f);
}

static void another_layout_is_refused(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false), *other = NULL;
	struct error e = {};
	bool adopted;

	gate_ctl(g)->abi = WEIR_ABI + 1;
	gate_close(g);
	assert_int_equal(gate_open(f->pins, &f->sizes, &other, &adopted, &e), -EEXIST);
	assert_non_null(strstr(e.text, "layout"));
	assert_non_null(strstr(e.text, "weir detach"));
	fixture_remove(f);
}

static void half_present_pins(void **state)
{
	struct fixture *f = *state;
	struct error e = {};
	struct gate *g;
	char path[256];
	bool adopted;

	/* Dead before the maps were complete: the next start is a fresh one. */
	snprintf(path, sizeof(path), "mkdir -p %s/maps_new %s/maps_old", f->pins, f->pins);
	run(path);
	g = fixture_open(f, false);
	gate_close(g);
	assert_false(pinned(f, "maps_new"));
	assert_false(pinned(f, "maps_old"));

	/* Dead after the maps, before the rest. */
	snprintf(path, sizeof(path), "rm %s/progs/* %s/links/*", f->pins, f->pins);
	run(path);
	gate_close(fixture_open(f, true));
	assert_true(pinned(f, "progs/weir_gate"));
	assert_true(pinned(f, "links/weir_redirect_err_account"));

	/* Somebody took a map away. */
	snprintf(path, sizeof(path), "%s/maps/weir_macs", f->pins);
	assert_int_equal(unlink(path), 0);
	gate_close(fixture_open(f, true));
	assert_true(pinned(f, "maps/weir_macs"));

	/* The one that says what the others are. */
	snprintf(path, sizeof(path), "%s/maps/weir_ctl", f->pins);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(gate_open(f->pins, &f->sizes, &g, &adopted, &e), -EEXIST);
	assert_non_null(strstr(e.text, "weir_ctl"));
	assert_non_null(strstr(e.text, "weir detach"));
	fixture_remove(f);
}

static void an_interface_that_went_away(void **state)
{
	struct fixture *f = *state;
	unsigned int ifindex = veth_add("wgb"), tc = veth_add("wgc");
	struct gate *g = fixture_open(f, false);

	assert_int_equal(gate_attach_xdp(g, "wgb0", ifindex, false, NULL), 0);
	assert_int_equal(gate_attach_tc(g, "wgc0", tc, 0, 0, NULL), 0);
	gate_close(g);
	veth_del("wgb");
	veth_del("wgc");
	g = fixture_open(f, true);
	assert_false(pinned(f, "links/wgb0_xdp"));
	ifindex = veth_add("wgb");
	assert_int_equal(gate_attach_xdp(g, "wgb0", ifindex, false, NULL), 0);
	assert_int_not_equal(xdp_prog(ifindex), 0);
	veth_del("wgb");
	assert_int_equal(gate_detach_xdp(g, "wgb0", ifindex), 0);
	assert_int_equal(gate_detach_tc(g, "wgc0", tc, 0, 0), 0);
	gate_close(g);
	assert_false(pinned(f, "links/wgc0_tc"));
	fixture_remove(f);
}

static void refusals_say_why(void **state)
{
	struct fixture *f = *state;
	struct gate_sizes sizes = f->sizes;
	struct gate *g = NULL;
	struct error e = {};
	bool adopted;

	assert_int_equal(gate_open("/tmp/weir-no-bpffs/weir", &sizes, &g, &adopted, &e), -ENOTSUP);
	assert_non_null(strstr(e.text, "mount -t bpf bpf /sys/fs/bpf"));
	assert_int_equal(access("/tmp/weir-no-bpffs", F_OK), -1);

	sizes.slots = 1000;
	e = (struct error){};
	assert_int_equal(gate_open(f->pins, &sizes, &g, &adopted, &e), -EINVAL);
	assert_non_null(strstr(e.text, "power of two"));
	assert_int_equal(access(f->pins, F_OK), -1);
}

/* In a child: capabilities do not come back. */
static int open_without_privilege(const struct fixture *f)
{
	struct error e = {};
	struct gate *g;
	bool adopted;

	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS))
		return 2;
	if (gate_open(f->pins, &f->sizes, &g, &adopted, &e) != -EPERM)
		return 3;
	return strstr(e.text, "needs root") ? 0 : 4;
}

static void privilege_is_checked_first(void **state)
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(open_without_privilege(*state));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fresh_open_pins_everything),
		cmocka_unit_test(unpin_leaves_nothing),
		cmocka_unit_test(adopting_keeps_what_was_counted),
		cmocka_unit_test(one_daemon_has_the_gate),
		cmocka_unit_test(another_layout_is_refused),
		cmocka_unit_test(half_present_pins),
		cmocka_unit_test(an_interface_that_went_away),
		cmocka_unit_test(refusals_say_why),
		cmocka_unit_test(privilege_is_checked_first),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

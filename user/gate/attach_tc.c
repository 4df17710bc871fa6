// SPDX-License-Identifier: GPL-2.0-only
/*
 * TC by clsact filters of a fixed handle and preference. Filters of others stay and run first. What
 * was made is noted before it is made, in a one-element map pinned as PINS/links/IFNAME_tc.
 */
#include <net/if.h>
#include <string.h>

#include "gate/gate_private.h"

/* Behind the numbers that tc chooses by itself (49152 and down), so that a port's own filters see
 * frames before weir takes them. */
#define FILTER_PRIORITY 50000
#define FILTER_HANDLE	0x57454952

struct tc_note {
	uint32_t ifindex;
	uint32_t near_end;
	uint32_t far_end;
	uint32_t made_clsact; /* bit 0 on the port, bit 1 on the near end */
};
#define MADE_PORT (1u << 0)
#define MADE_NEAR (1u << 1)

static int note_read(const char *path, struct tc_note *note)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info), zero = 0;

	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != sizeof(*note))
		return -EINVAL;
	return bpf_map_lookup_elem(fd, &zero, note) ? -errno : 0;
}

static int note_write(const char *path, const struct tc_note *note)
{
	_cleanup_close_ int fd = -1;
	uint32_t zero = 0;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "weir_tc_note", sizeof(zero), sizeof(*note), 1,
			    NULL);
	if (fd < 0)
		return fd;
	if (bpf_map_update_elem(fd, &zero, note, BPF_ANY))
		return -errno;
	return gate_pin_replace(fd, path);
}

static struct bpf_tc_hook hook_of(unsigned int ifindex, enum bpf_tc_attach_point point)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook), .ifindex = ifindex, .attach_point = point};
}

/* Program id of the filter at our handle and preference: 1 and *id, 0 when there is none. */
static int filter_find(unsigned int ifindex, uint32_t *id)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	int r = bpf_tc_query(&hook, &opts);

	if (r == -ENOENT || r == -EINVAL)
		return 0;
	if (r)
		return r;
	*id = opts.prog_id;
	return 1;
}

static int filter_attach(struct gate *g, const char *label, unsigned int ifindex,
			 enum gate_prog prog, struct error *e)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY,
		    .prog_fd = g->progs[prog], .flags = BPF_TC_F_REPLACE);
	uint32_t id = 0;
	int r = filter_find(ifindex, &id);

	if (r > 0 && !gate_prog_id_is(id, prog))
		return error_set(e, -EBUSY,
				 "%s has a TC filter of preference %u that is not "
				 "weir's (program id %u)",
				 label, FILTER_PRIORITY, id);
	r = bpf_tc_hook_create(&hook);
	if (r == -ENOENT)
		return error_set(e, -ENOTSUP,
				 "%s: the kernel has no clsact qdisc (module sch_ingress, "
				 "CONFIG_NET_SCH_INGRESS)",
				 label);
	if (r && r != -EEXIST)
		return error_set(e, r, "%s: cannot make a clsact qdisc: %s", label, strerror(-r));
	r = bpf_tc_attach(&hook, &opts);
	if (r == -ENOENT)
		return error_set(e, -ENOTSUP,
				 "%s: the kernel has no BPF classifier (module cls_bpf, "
				 "CONFIG_NET_CLS_BPF)",
				 label);
	return r ? error_set(e, r, "%s: TC filter cannot be attached: %s", label, strerror(-r)) : 0;
}

static int filter_detach(unsigned int ifindex, enum gate_prog prog, bool made_clsact)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	uint32_t id = 0;
	int r = filter_find(ifindex, &id);

	if (r > 0 && gate_prog_id_is(id, prog))
		r = bpf_tc_detach(&hook, &opts);
	else if (r > 0)
		r = 0;
	/* The interface is gone, and all that was on it. */
	if (r == -ENODEV)
		return 0;
	if (r || !made_clsact || gate_clsact_empty(ifindex) != 1)
		return r;
	hook = hook_of(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
	r = bpf_tc_hook_destroy(&hook);
	return r == -ENOENT || r == -ENODEV || r == -EINVAL ? 0 : r;
}

/* What was made before this run on the same interfaces stays made. */
static int note_prepare(const char *path, unsigned int ifindex, unsigned int near_end,
			unsigned int far_end)
{
	struct tc_note note = {ifindex, near_end, far_end, 0}, before = {};
	int exists;

	if (note_read(path, &before))
		before = (struct tc_note){};
	exists = gate_clsact_exists(ifindex);
	if (exists < 0)
		return exists;
	if (!exists || (before.ifindex == ifindex && (before.made_clsact & MADE_PORT)))
		note.made_clsact |= MADE_PORT;
	exists = near_end ? gate_clsact_exists(near_end) : 1;
	if (exists < 0)
		return exists;
	if (!exists || (before.near_end == near_end && (before.made_clsact & MADE_NEAR)))
		note.made_clsact |= MADE_NEAR;
	return note_write(path, &note);
}

static int detach_note(const char *path, const struct tc_note *note)
{
	int r = filter_detach(note->ifindex, GATE_PROG_QUEUE, note->made_clsact & MADE_PORT);
	int near = 0;

	if (note->near_end)
		near = filter_detach(note->near_end, GATE_PROG_PAIR_NEAR,
				     note->made_clsact & MADE_NEAR);
	if (unlink(path) && errno != ENOENT && !r)
		r = -errno;
	return r ? r : near;
}

int gate_attach_tc(struct gate *g, const char *ifname, unsigned int ifindex, unsigned int near_end,
		   unsigned int far_end, struct error *e)
{
	const struct gate_xdp_target far = {
		.ifname = ifname, .suffix = "far", .ifindex = far_end, .prog = GATE_PROG_PAIR_FAR};
	char path[GATE_PATH_MAX];
	int r = gate_link_path(g->pins, ifname, "tc", path);

	if (r)
		return error_set(e, r, "%s: not the name of an interface", ifname);
	r = note_prepare(path, ifindex, near_end, far_end);
	if (r)
		return error_set(e, r, "%s: cannot note its TC state: %s", ifname, strerror(-r));
	/* The pair first: the port's filter sends frames into it at once. */
	if (far_end)
		r = gate_xdp_attach(g, &far, e);
	if (!r && near_end)
		r = filter_attach(g, ifname, near_end, GATE_PROG_PAIR_NEAR, e);
	if (!r)
		r = filter_attach(g, ifname, ifindex, GATE_PROG_QUEUE, e);
	if (r)
		gate_detach_tc(g, ifname, ifindex, near_end, far_end);
	return r;
}

int gate_detach_tc(struct gate *g, const char *ifname, unsigned int ifindex, unsigned int near_end,
		   unsigned int far_end)
{
	struct tc_note note;
	char path[GATE_PATH_MAX];
	int r = gate_link_path(g->pins, ifname, "tc", path), far;

	if (r)
		return r;
	if (note_read(path, &note) || note.ifindex != ifindex)
		note = (struct tc_note){.ifindex = ifindex, .near_end = near_end};
	r = detach_note(path, &note);
	far = gate_xdp_detach(g->pins, ifname, "far");
	return r ? r : far;
}

int gate_tc_detach_path(const char *path)
{
	struct tc_note note;
	int r = note_read(path, &note);

	return r ? r : detach_note(path, &note);
}

static bool filter_is_ours(unsigned int ifindex, enum gate_prog prog)
{
	uint32_t id = 0;

	return filter_find(ifindex, &id) == 1 && gate_prog_id_is(id, prog);
}

bool gate_tc_is_attached(const char *pins, const char *ifname, unsigned int ifindex)
{
	struct tc_note note;
	char path[GATE_PATH_MAX];

	if (gate_link_path(pins, ifname, "tc", path) || note_read(path, &note) ||
	    note.ifindex != ifindex || !filter_is_ours(ifindex, GATE_PROG_QUEUE))
		return false;
	if (note.near_end && !filter_is_ours(note.near_end, GATE_PROG_PAIR_NEAR))
		return false;
	return !note.far_end || gate_xdp_is_attached(pins, ifname, "far", note.far_end);
}

struct refresh {
	struct gate *g;
	struct error *e;
};

static int refresh_note(const char *path, void *arg)
{
	struct refresh *refresh = arg;
	char name[IF_NAMESIZE];
	struct tc_note note;
	uint32_t id;
	int r = note_read(path, &note);

	/* An interface that is gone, or a filter that was never made, is the daemon's to find. */
	if (r || !if_indextoname(note.ifindex, name) || filter_find(note.ifindex, &id) != 1)
		return 0;
	if (note.near_end && filter_find(note.near_end, &id) == 1)
		r = filter_attach(refresh->g, name, note.near_end, GATE_PROG_PAIR_NEAR, refresh->e);
	return r ? r : filter_attach(refresh->g, name, note.ifindex, GATE_PROG_QUEUE, refresh->e);
}

int gate_tc_refresh(struct gate *g, struct error *e)
{
	struct refresh refresh = {g, e};

	return gate_links_each(g->pins, "tc", refresh_note, &refresh);
}

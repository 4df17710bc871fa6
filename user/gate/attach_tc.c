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
	uint32_t flags;
};
/* tc_note.flags */
#define MADE_PORT (1u << 0) /* a clsact qdisc on the port */
#define MADE_NEAR (1u << 1) /* on the near end */
#define NOTE_XDP  (1u << 2) /* the gate itself is on XDP */

struct tc_filter {
	unsigned int ifindex;
	enum bpf_tc_attach_point point;
	enum gate_prog prog;
};
#define FILTERS_MAX 3

/*
 * The filters of a port, in the order in which they are attached: the pair before what sends frames
 * into it, and egress, which clears marks, before what sets them. Returns how many.
 */
static size_t note_filters(const struct tc_note *note, struct tc_filter out[FILTERS_MAX])
{
	size_t n = 0;

	if (note->near_end)
		out[n++] = (struct tc_filter){note->near_end, BPF_TC_INGRESS, GATE_PROG_PAIR_NEAR};
	out[n++] = (struct tc_filter){note->ifindex, BPF_TC_EGRESS, GATE_PROG_EGRESS};
	out[n++] = (struct tc_filter){note->ifindex, BPF_TC_INGRESS,
				      note->flags & NOTE_XDP ? GATE_PROG_INGRESS : GATE_PROG_QUEUE};
	return n;
}

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
static int filter_find(const struct tc_filter *f, uint32_t *id)
{
	struct bpf_tc_hook hook = hook_of(f->ifindex, f->point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	int r = bpf_tc_query(&hook, &opts);

	if (r == -ENOENT || r == -EINVAL)
		return 0;
	if (r)
		return r;
	*id = opts.prog_id;
	return 1;
}

static int filter_attach(struct gate *g, const char *label, const struct tc_filter *f,
			 struct error *e)
{
	struct bpf_tc_hook hook = hook_of(f->ifindex, f->point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY,
		    .prog_fd = g->progs[f->prog], .flags = BPF_TC_F_REPLACE);
	uint32_t id = 0;
	int r = filter_find(f, &id);

	if (r > 0 && !gate_prog_id_is(id, f->prog))
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

static int filter_detach(const struct tc_filter *f)
{
	struct bpf_tc_hook hook = hook_of(f->ifindex, f->point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	uint32_t id = 0;
	int r = filter_find(f, &id);

	if (r > 0 && gate_prog_id_is(id, f->prog))
		r = bpf_tc_detach(&hook, &opts);
	else if (r > 0)
		r = 0;
	/* The interface is gone, and all that was on it. */
	return r == -ENODEV ? 0 : r;
}

/* Takes away a clsact qdisc that weir made, unless others have put filters into it. */
static int clsact_remove(unsigned int ifindex)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
	int r;

	if (gate_clsact_empty(ifindex) != 1)
		return 0;
	r = bpf_tc_hook_destroy(&hook);
	return r == -ENOENT || r == -ENODEV || r == -EINVAL ? 0 : r;
}

/* What was made before this run on the same interfaces stays made. */
static int note_prepare(const char *path, struct tc_note *note)
{
	struct tc_note before = {};
	int exists;

	if (note_read(path, &before))
		before = (struct tc_note){};
	exists = gate_clsact_exists(note->ifindex);
	if (exists < 0)
		return exists;
	if (!exists || (before.ifindex == note->ifindex && (before.flags & MADE_PORT)))
		note->flags |= MADE_PORT;
	exists = note->near_end ? gate_clsact_exists(note->near_end) : 1;
	if (exists < 0)
		return exists;
	if (!exists || (before.near_end == note->near_end && (before.flags & MADE_NEAR)))
		note->flags |= MADE_NEAR;
	return note_write(path, note);
}

static int detach_note(const char *path, const struct tc_note *note)
{
	struct tc_filter filters[FILTERS_MAX];
	int err = 0, r;

	for (size_t i = note_filters(note, filters); i-- > 0;) {
		r = filter_detach(&filters[i]);
		err = err ? err : r;
	}
	if (!err && note->flags & MADE_PORT)
		err = clsact_remove(note->ifindex);
	if (!err && note->near_end && note->flags & MADE_NEAR)
		err = clsact_remove(note->near_end);
	if (unlink(path) && errno != ENOENT && !err)
		err = -errno;
	return err;
}

static int attach_note(struct gate *g, const char *ifname, struct tc_note *note, struct error *e)
{
	const struct gate_xdp_target far = {.ifname = ifname,
					    .suffix = "far",
					    .ifindex = note->far_end,
					    .prog = GATE_PROG_PAIR_FAR};
	struct tc_filter filters[FILTERS_MAX];
	size_t n = note_filters(note, filters);
	char path[GATE_PATH_MAX];
	int r = gate_link_path(g->pins, ifname, "tc", path);

	if (r)
		return error_set(e, r, "%s: not the name of an interface", ifname);
	r = note_prepare(path, note);
	if (r)
		return error_set(e, r, "%s: cannot note its TC state: %s", ifname, strerror(-r));
	if (note->far_end)
		r = gate_xdp_attach(g, &far, e);
	for (size_t i = 0; !r && i < n; i++)
		r = filter_attach(g, ifname, &filters[i], e);
	return r;
}

int gate_attach_tc(struct gate *g, const char *ifname, unsigned int ifindex, unsigned int near_end,
		   unsigned int far_end, struct error *e)
{
	struct tc_note note = {ifindex, near_end, far_end, 0};
	int r = attach_note(g, ifname, &note, e);

	if (r)
		gate_detach_tc(g, ifname, ifindex, near_end, far_end);
	return r;
}

int gate_attach_exits(struct gate *g, const char *ifname, unsigned int ifindex,
		      unsigned int near_end, struct error *e)
{
	struct tc_note note = {ifindex, near_end, 0, NOTE_XDP};
	int r = attach_note(g, ifname, &note, e);

	if (r)
		gate_detach_exits(g, ifname, ifindex, near_end);
	return r;
}

static int detach(struct gate *g, const char *ifname, const struct tc_note *attached)
{
	struct tc_note note;
	char path[GATE_PATH_MAX];
	int r = gate_link_path(g->pins, ifname, "tc", path);

	if (r)
		return r;
	if (note_read(path, &note) || note.ifindex != attached->ifindex)
		note = *attached;
	return detach_note(path, &note);
}

int gate_detach_tc(struct gate *g, const char *ifname, unsigned int ifindex, unsigned int near_end,
		   unsigned int far_end)
{
	int r = detach(g, ifname, &(struct tc_note){ifindex, near_end, far_end, 0});
	int far = gate_xdp_detach(g->pins, ifname, "far");

	return r ? r : far;
}

int gate_detach_exits(struct gate *g, const char *ifname, unsigned int ifindex,
		      unsigned int near_end)
{
	return detach(g, ifname, &(struct tc_note){ifindex, near_end, 0, NOTE_XDP});
}

int gate_tc_detach_path(const char *path)
{
	struct tc_note note;
	int r = note_read(path, &note);

	return r ? r : detach_note(path, &note);
}

static bool filter_is_ours(const struct tc_filter *f)
{
	uint32_t id = 0;

	return filter_find(f, &id) == 1 && gate_prog_id_is(id, f->prog);
}

enum gate_tc_state gate_tc_state(const char *pins, const char *ifname, unsigned int ifindex)
{
	struct tc_filter filters[FILTERS_MAX];
	struct tc_note note;
	char path[GATE_PATH_MAX];

	if (gate_link_path(pins, ifname, "tc", path) || note_read(path, &note) ||
	    note.ifindex != ifindex)
		return GATE_TC_NONE;
	for (size_t i = note_filters(&note, filters); i-- > 0;)
		if (!filter_is_ours(&filters[i]))
			return GATE_TC_STRIPPED;
	if (note.far_end && !gate_xdp_is_attached(pins, ifname, "far", note.far_end))
		return GATE_TC_STRIPPED;
	return GATE_TC_ATTACHED;
}

struct refresh {
	struct gate *g;
	struct error *e;
};

static int refresh_note(const char *path, void *arg)
{
	struct refresh *refresh = arg;
	struct tc_filter filters[FILTERS_MAX];
	char name[IF_NAMESIZE];
	struct tc_note note;
	uint32_t id;
	int r = note_read(path, &note);

	/* An interface that is gone, or a filter that was never made, is the daemon's to find. */
	if (r || !if_indextoname(note.ifindex, name))
		return 0;
	for (size_t i = 0, n = note_filters(&note, filters); !r && i < n; i++)
		if (filter_find(&filters[i], &id) == 1)
			r = filter_attach(refresh->g, name, &filters[i], refresh->e);
	return r;
}

int gate_tc_refresh(struct gate *g, struct error *e)
{
	struct refresh refresh = {g, e};

	return gate_links_each(g->pins, "tc", refresh_note, &refresh);
}

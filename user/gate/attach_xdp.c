// SPDX-License-Identifier: GPL-2.0-only
/* XDP by pinned BPF links: they outlive the daemon, take new code in place, and the kernel itself
 * keeps anybody else from replacing them. */
#include <linux/if_link.h>
#include <string.h>

#include "gate/gate_private.h"

static int link_info(int fd, struct bpf_link_info *info)
{
	uint32_t len = sizeof(*info);

	*info = (struct bpf_link_info){};
	return bpf_obj_get_info_by_fd(fd, info, &len) ? -errno : 0;
}

/* Whether the link still holds the program on this interface in the mode asked for. */
static bool link_serves(int fd, const struct gate_xdp_target *t)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_link_info info;

	if (link_info(fd, &info) || info.type != BPF_LINK_TYPE_XDP ||
	    info.xdp.ifindex != t->ifindex)
		return false;
	if (bpf_xdp_query(t->ifindex, 0, &query))
		return false;
	return t->generic ? query.skb_prog_id == info.prog_id : query.drv_prog_id == info.prog_id;
}

/* Names who sits on the interface, which is more than EBUSY says. */
static int check_foreign(const struct gate_xdp_target *t, struct error *e)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	uint32_t id;
	int r = bpf_xdp_query(t->ifindex, 0, &query);

	if (r)
		return error_set(e, r, "%s: cannot ask for its XDP program: %s", t->ifname,
				 strerror(-r));
	id = query.drv_prog_id ?: query.skb_prog_id ?: query.hw_prog_id ?: query.prog_id;
	if (!id)
		return 0;
	return error_set(e, -EBUSY,
			 "%s already runs an XDP program that is not weir's (id %u, see `bpftool "
			 "prog show id %u`)",
			 t->ifname, id, id);
}

/* The driver's own words stay in the kernel's log: a link has no extended acknowledgement. */
static const char *attach_advice(int err)
{
	switch (err) {
	case -EOPNOTSUPP:
		return " (the driver has no such mode; use \"hook: tc\")";
	case -ERANGE:
	case -EINVAL:
	case -EMSGSIZE:
		return " (its MTU or its offloads do not go with XDP; use \"hook: tc\" or a "
		       "smaller "
		       "MTU)";
	}
	return "";
}

static int link_create(struct gate *g, const struct gate_xdp_target *t, const char *path,
		       struct error *e)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = t->generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	_cleanup_close_ int fd = -1;
	int r = check_foreign(t, e);

	if (r)
		return r;
	fd = bpf_link_create(g->progs[t->prog], t->ifindex, BPF_XDP, &opts);
	if (fd < 0)
		return error_set(e, fd, "%s: %s XDP cannot be attached: %s%s", t->ifname,
				 t->generic ? "generic" : "native", strerror(-fd),
				 attach_advice(fd));
	if (bpf_obj_pin(fd, path))
		return error_set(e, -errno, "cannot pin %s: %s", path, strerror(errno));
	return 0;
}

int gate_xdp_attach(struct gate *g, const struct gate_xdp_target *t, struct error *e)
{
	_cleanup_close_ int fd = -1;
	char path[GATE_PATH_MAX];
	int r = gate_link_path(g->pins, t->ifname, t->suffix, path);

	if (r)
		return error_set(e, r, "%s: not the name of an interface", t->ifname);
	fd = bpf_obj_get(path);
	if (fd >= 0 && link_serves(fd, t)) {
		r = bpf_link_update(fd, g->progs[t->prog], NULL);
		if (!r)
			return 0;
		log_debug("%s: the XDP link takes no update (%s), attaching anew", t->ifname,
			  strerror(-r));
	}
	if (fd >= 0)
		gate_xdp_detach_path(path);
	return link_create(g, t, path, e);
}

int gate_xdp_detach_path(const char *path)
{
	_cleanup_close_ int fd = bpf_obj_get(path);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	/* The last reference to a link is dropped from a work queue; this one detaches now. A link
	 * whose interface is gone has nothing to detach. */
	if (bpf_link_detach(fd))
		log_debug("%s: %s", path, strerror(errno));
	return unlink(path) ? -errno : 0;
}

int gate_xdp_detach(const char *pins, const char *ifname, const char *suffix)
{
	char path[GATE_PATH_MAX];
	int r = gate_link_path(pins, ifname, suffix, path);

	return r ? r : gate_xdp_detach_path(path);
}

struct refresh {
	int prog_fd;
	struct error *e;
};

static int refresh_link(const char *path, void *arg)
{
	struct refresh *refresh = arg;
	_cleanup_close_ int fd = bpf_obj_get(path);
	struct bpf_link_info info;
	int r;

	if (fd < 0)
		return error_set(refresh->e, -errno, "%s: %s", path, strerror(errno));
	/* The interface went away under the link. */
	if (!link_info(fd, &info) && !info.xdp.ifindex)
		return unlink(path) ? -errno : 0;
	r = bpf_link_update(fd, refresh->prog_fd, NULL);
	return r ? error_set(refresh->e, r,
			     "%s does not take the new program: %s; run `weir detach` first", path,
			     strerror(-r))
		 : 0;
}

int gate_xdp_refresh(struct gate *g, struct error *e)
{
	struct refresh gate = {g->progs[GATE_PROG_GATE], e};
	struct refresh far = {g->progs[GATE_PROG_PAIR_FAR], e};
	int r = gate_links_each(g->pins, "xdp", refresh_link, &gate);

	return r ? r : gate_links_each(g->pins, "far", refresh_link, &far);
}

int gate_attach_xdp(struct gate *g, const char *ifname, unsigned int ifindex, bool generic,
		    struct error *e)
{
	const struct gate_xdp_target target = {.ifname = ifname,
					       .suffix = "xdp",
					       .ifindex = ifindex,
					       .prog = GATE_PROG_GATE,
					       .generic = generic};

	return gate_xdp_attach(g, &target, e);
}

int gate_detach_xdp(struct gate *g, const char *ifname, unsigned int ifindex)
{
	return gate_xdp_detach(g->pins, ifname, "xdp");
}

bool gate_xdp_is_attached(const char *pins, const char *ifname, const char *suffix,
			  unsigned int ifindex)
{
	_cleanup_close_ int fd = -1;
	struct bpf_link_info info;
	char path[GATE_PATH_MAX];

	if (gate_link_path(pins, ifname, suffix, path))
		return false;
	fd = bpf_obj_get(path);
	return fd >= 0 && !link_info(fd, &info) && info.xdp.ifindex == ifindex;
}

bool gate_is_attached(struct gate *g, const char *ifname, unsigned int ifindex, bool tc)
{
	enum gate_tc_state state = gate_tc_state(g->pins, ifname, ifindex);

	if (tc)
		return state == GATE_TC_ATTACHED;
	return state != GATE_TC_STRIPPED && gate_xdp_is_attached(g->pins, ifname, "xdp", ifindex);
}

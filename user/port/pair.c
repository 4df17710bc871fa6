// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "port/changes.h"
#include "port/netlink.h"
#include "port/offload.h"
#include "port/port.h"

/* struct weir_prefix, two VLAN tags, and some to spare. */
#define PAIR_MTU_EXTRA 100
/* The largest that a program without fragments may be attached behind: a page less headroom. Frames
 * beyond it are beyond a chunk of the pool too. */
#define PAIR_MTU_MAX 3400

/* addr_gen_mode keeps the kernel from having an address; this keeps it from joining groups. */
static int switch_off_ipv6(const char *name)
{
	char path[96];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return write(fd, "1", 1) == 1 ? 0 : -EIO;
}

static int silence(const struct netlink_link *l)
{
	int err = netlink_link_set_addrgen_none(l->link.ifindex);

	if (err && err != -EAFNOSUPPORT)
		return err;
	err = switch_off_ipv6(l->link.name);
	/* A read-only /proc: without an address the kernel still sends next to nothing. */
	return err == -EROFS || err == -EACCES ? 0 : err;
}

/* Everything about an end that a daemon before this one may have left half done. */
static int prepare_end(const struct netlink_link *l, unsigned int mtu)
{
	int err = silence(l);

	if (!err && l->link.mtu != mtu)
		err = netlink_link_set_mtu(l->link.ifindex, mtu);
	if (!err)
		err = netlink_link_set_up(l->link.ifindex, true);
	return err;
}

static int read_ends(const char *near_name, const char *far_name, struct netlink_link *near,
		     struct netlink_link *far)
{
	int err = netlink_link_read(near_name, near);

	if (!err)
		err = netlink_link_read(far_name, far);
	if (!err && (strcmp(near->kind, "veth") != 0 || near->peer != far->link.ifindex))
		err = -EEXIST;
	return err;
}

/* A pair in the journal is a dead daemon's and is taken over; any other of that name is not ours.
 */
static int ensure_pair(struct port_changes *c, const char *near_name, const char *far_name,
		       unsigned int mtu)
{
	struct netlink_link near = {0}, far = {0};
	bool ours = changes_find(c, "link", near_name);
	int err = read_ends(near_name, far_name, &near, &far);

	if (err != -ENODEV)
		return err || ours ? err : -EEXIST;
	err = changes_add(c, json_pack("{s:s, s:s, s:s, s:s}", "kind", "link", "interface",
				       near_name, "peer", far_name, "type", "veth"));
	if (err)
		return err;
	err = netlink_veth_add(near_name, far_name, mtu);
	if (err)
		changes_forget(c, "link", near_name);
	return err;
}

static int prepare_pair(const char *near_name, const char *far_name, unsigned int mtu,
			struct netlink_link *near, struct netlink_link *far)
{
	int err = read_ends(near_name, far_name, near, far);

	if (!err)
		err = offload_switch_off_transmit(near_name);
	/* What the slow path sends is finished already, so the far end's settings do not matter,
	 * but one rule is easier to check than two. */
	if (!err)
		err = offload_switch_off_transmit(far_name);
	if (!err)
		err = prepare_end(near, mtu);
	if (!err)
		err = prepare_end(far, mtu);
	return err;
}

static int pair_names(const char *prefix, unsigned int port, char near_name[16], char far_name[16])
{
	if (snprintf(near_name, 16, "%s%un", prefix, port) >= 16 ||
	    snprintf(far_name, 16, "%s%uf", prefix, port) >= 16 || strchr(prefix, '/'))
		return -EINVAL;
	return 0;
}

int port_pair_create(struct port_changes *c, const char *prefix, unsigned int port,
		     unsigned int mtu, unsigned int *near_end, unsigned int *far_end,
		     char far_name[16], struct error *e)
{
	struct netlink_link near = {0}, far = {0};
	char near_name[16], name[16];
	int err;

	if (pair_names(prefix, port, near_name, name))
		return error_set(e, -EINVAL, "\"%s\" cannot begin the name of an interface",
				 prefix);
	mtu = mtu + PAIR_MTU_EXTRA < PAIR_MTU_MAX ? mtu + PAIR_MTU_EXTRA : PAIR_MTU_MAX;
	err = ensure_pair(c, near_name, name, mtu);
	if (err == -EOPNOTSUPP)
		return error_set(e, err,
				 "cannot make the punt pair %s, %s: the kernel has no veth "
				 "interfaces (module veth, CONFIG_VETH)",
				 near_name, name);
	if (err == -EEXIST)
		return error_set(e, err, "%s or %s exists already and is not weir's", near_name,
				 name);
	if (!err)
		err = prepare_pair(near_name, name, mtu, &near, &far);
	if (err)
		return error_set(e, err, "cannot make the punt pair %s, %s: %s", near_name, name,
				 strerror(-err));
	*near_end = near.link.ifindex;
	*far_end = far.link.ifindex;
	snprintf(far_name, sizeof(name), "%s", name);
	return 0;
}

bool port_pair_is_sound(const char *prefix, unsigned int port, unsigned int near_end,
			unsigned int far_end)
{
	struct netlink_link near = {0}, far = {0};
	char near_name[16], far_name[16];

	if (pair_names(prefix, port, near_name, far_name) ||
	    read_ends(near_name, far_name, &near, &far))
		return false;
	return near.link.ifindex == near_end && far.link.ifindex == far_end && near.link.up &&
	       far.link.up;
}

int port_pair_lost(const char *prefix, unsigned int port, unsigned int near_end,
		   unsigned int far_end, struct port_pair_lost *out)
{
	struct netlink_link near = {0}, far = {0};
	char near_name[16], far_name[16];
	int err = pair_names(prefix, port, near_name, far_name);

	if (!err)
		err = read_ends(near_name, far_name, &near, &far);
	if (!err && (near.link.ifindex != near_end || far.link.ifindex != far_end))
		err = -ENODEV;
	if (!err)
		*out = (struct port_pair_lost){near.link.tx_dropped, far.link.tx_dropped};
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "port/changes.h"
#include "port/netlink.h"
#include "port/offload.h"

static int read_bridge(const char *name, bool create, struct netlink_link *out, struct error *e)
{
	int err = netlink_link_read(name, out);

	if (err == -EINVAL)
		return error_set(e, err, "\"%s\" cannot be the name of a bridge", name);
	if (err == -ENODEV && create)
		return 0;
	if (err == -ENODEV)
		return error_set(e, err, "no bridge named %s (\"create: true\" makes one)", name);
	if (err)
		return error_set(e, err, "cannot read %s: %s", name, strerror(-err));
	if (strcmp(out->kind, "bridge") != 0)
		return error_set(e, -EINVAL, "%s is not a bridge", name);
	return 0;
}

/* Looks at everything before anything is changed. */
static int check_member(const char *name, const struct netlink_link *bridge, struct error *e)
{
	struct netlink_link l = {0};
	int err = netlink_link_read(name, &l);

	if (err)
		return error_set(e, -ENODEV, "no interface named \"%s\"", name);
	if (!strcmp(l.kind, "bridge"))
		return error_set(e, -EINVAL, "%s is a bridge itself and cannot be a port", name);
	if (l.master && l.master != bridge->link.ifindex)
		return error_set(e, -EBUSY, "%s is part of another bridge or bond", name);
	return 0;
}

static int make_bridge(struct port_changes *c, const char *name, struct netlink_link *out)
{
	int err = changes_add(c, json_pack("{s:s, s:s, s:s}", "kind", "link", "interface", name,
					   "type", "bridge"));

	if (err)
		return err;
	err = netlink_bridge_add(name);
	if (err) {
		changes_forget(c, "link", name);
		return err;
	}
	err = netlink_link_read(name, out);
	if (err)
		return err;
	/* A bridge that weir makes says nothing on its own; addresses can still be given to it. */
	err = netlink_link_set_addrgen_none(out->link.ifindex);
	return err == -EAFNOSUPPORT ? 0 : err;
}

static int set_up(struct port_changes *c, const struct port_link *l)
{
	int err;

	if (l->up)
		return 0;
	err = changes_add(c, changes_of_link("up", l));
	return err ? err : netlink_link_set_up(l->ifindex, true);
}

static int join(struct port_changes *c, const struct port_link *l, const struct port_link *bridge)
{
	int err = offload_remember_lro(c, l);
	json_t *change;

	if (err)
		return err;
	change = changes_of_link("master", l);
	json_object_set_new(change, "bridge", json_string(bridge->name));
	err = changes_add(c, change);
	return err ? err : netlink_link_set_master(l->ifindex, bridge->ifindex);
}

static int add_member(struct port_changes *c, const char *name, const struct port_link *bridge)
{
	struct netlink_link l = {0};
	int err = netlink_link_read(name, &l);

	if (!err && l.master != bridge->ifindex)
		err = join(c, &l.link, bridge);
	return err ? err : set_up(c, &l.link);
}

int port_bridge_ensure(struct port_changes *c, const char *bridge, bool create,
		       const char *const *interfaces, size_t count, uint8_t mac_out[6],
		       struct error *e)
{
	struct netlink_link br = {0};
	int err = read_bridge(bridge, create, &br, e);

	for (size_t i = 0; !err && i < count; i++)
		err = check_member(interfaces[i], &br, e);
	if (err)
		return err;
	if (!br.link.ifindex)
		err = make_bridge(c, bridge, &br);
	if (err == -EOPNOTSUPP)
		return error_set(e, err,
				 "cannot make bridge %s: the kernel has no bridges (module bridge, "
				 "CONFIG_BRIDGE)",
				 bridge);
	if (err)
		return error_set(e, err, "cannot make bridge %s: %s", bridge, strerror(-err));
	for (size_t i = 0; i < count; i++) {
		err = add_member(c, interfaces[i], &br.link);
		if (err)
			return error_set(
				e, err, "cannot put %s into bridge %s: %s%s", interfaces[i], bridge,
				strerror(-err),
				err == -EINVAL ? " (a bridge takes Ethernet interfaces only)" : "");
	}
	err = set_up(c, &br.link);
	/* Its address may have changed with the ports. */
	if (!err)
		err = netlink_link_read(bridge, &br);
	if (err)
		return error_set(e, err, "cannot set up bridge %s: %s", bridge, strerror(-err));
	memcpy(mac_out, br.link.mac, 6);
	return 0;
}

bool port_bridge_redirect_ok(const char *bridge, const char **why)
{
	struct netlink_link br = {0};

	if (netlink_link_read(bridge, &br) || strcmp(br.kind, "bridge") != 0) {
		*why = "no such bridge";
		return false;
	}
	if (br.vlan_filtering) {
		*why = "the bridge filters VLANs, which a redirect would bypass";
		return false;
	}
	*why = "the bridge does not filter VLANs";
	return true;
}

// SPDX-License-Identifier: GPL-2.0-only
/* How each kind of change is taken back. All of them tolerate that the interface is gone, or was
 * replaced by another one of the same name. */
#include <stdio.h>
#include <string.h>

#include "port/changes.h"
#include "port/netlink.h"
#include "port/offload.h"

#define ADDRESS_MAX 18

static const char *text(const json_t *change, const char *key)
{
	const char *s = json_string_value(json_object_get(change, key));

	return s ? s : "";
}

static const char *mac_format(const uint8_t mac[6], char *buf)
{
	snprintf(buf, ADDRESS_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return buf;
}

json_t *changes_of_link(const char *kind, const struct port_link *l)
{
	char address[ADDRESS_MAX];

	return json_pack("{s:s, s:s, s:i, s:s}", "kind", kind, "interface", l->name, "ifindex",
			 (int)l->ifindex, "address", mac_format(l->mac, address));
}

/*
 * 0 with the link when it is still the one that was changed; -ENODEV otherwise. One that was
 * renamed is known by its index and its address: the index alone may be another's after a reboot.
 */
static int same_link(const json_t *change, struct netlink_link *l)
{
	unsigned int ifindex = (unsigned int)json_integer_value(json_object_get(change, "ifindex"));
	char address[ADDRESS_MAX];
	int err = netlink_link_read(text(change, "interface"), l);

	if (!err && (!ifindex || ifindex == l->link.ifindex))
		return 0;
	if ((err && err != -ENODEV) || !ifindex)
		return err;
	err = netlink_link_read_index(ifindex, l);
	if (err)
		return err;
	return strcmp(text(change, "address"), mac_format(l->link.mac, address)) ? -ENODEV : 0;
}

static int gone_is_done(int err)
{
	return err == -ENODEV ? 0 : err;
}

static int undo_link(const json_t *change, void *arg)
{
	struct netlink_link l = {0};
	int err = same_link(change, &l);

	/* Written before the link is made, so without an index: its kind must do. */
	if (!err && strcmp(l.kind, text(change, "type")) != 0)
		return 0;
	if (!err)
		err = netlink_link_delete(l.link.ifindex);
	return gone_is_done(err);
}

static int undo_master(const json_t *change, void *arg)
{
	struct netlink_link l = {0}, bridge = {0};
	int err = same_link(change, &l);

	if (!err)
		err = netlink_link_read(text(change, "bridge"), &bridge);
	/* Somebody moved it elsewhere meanwhile: theirs. */
	if (!err && l.master == bridge.link.ifindex)
		err = netlink_link_set_master(l.link.ifindex, 0);
	return gone_is_done(err);
}

static int undo_up(const json_t *change, void *arg)
{
	struct netlink_link l = {0};
	int err = same_link(change, &l);

	if (!err)
		err = netlink_link_set_up(l.link.ifindex, false);
	return gone_is_done(err);
}

static int undo_features(const json_t *change, void *arg)
{
	struct netlink_link l = {0};
	int err = same_link(change, &l);

	if (!err)
		err = offload_switch_on(l.link.name, json_object_get(change, "off"));
	return gone_is_done(err);
}

const struct changes_kind changes_kinds[] = {
	{"link", undo_link}, {"master", undo_master}, {"up", undo_up}, {"features", undo_features},
	{NULL, NULL},
};

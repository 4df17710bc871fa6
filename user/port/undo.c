// SPDX-License-Identifier: GPL-2.0-only
/* How each kind of change is taken back. All of them tolerate that the interface is gone, or was
 * replaced by another one of the same name. */
#include <string.h>

#include "port/changes.h"
#include "port/netlink.h"
#include "port/offload.h"

static const char *text(const json_t *change, const char *key)
{
	const char *s = json_string_value(json_object_get(change, key));

	return s ? s : "";
}

/* 0 with the link when it is still the one that was changed; -ENODEV otherwise. */
static int same_link(const json_t *change, struct netlink_link *l)
{
	json_int_t ifindex = json_integer_value(json_object_get(change, "ifindex"));
	int err = netlink_link_read(text(change, "interface"), l);

	if (err)
		return err;
	return !ifindex || ifindex == (json_int_t)l->link.ifindex ? 0 : -ENODEV;
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

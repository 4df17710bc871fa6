// SPDX-License-Identifier: GPL-2.0-only
#include "port/offload.h"

#include <string.h>

#include "port/changes.h"
#include "port/ethtool.h"
#include "port/netlink.h"

#define ON(hook) (1u << (hook))

/*
 * What each hook must not have. Generic XDP runs after GRO, native XDP before it. On TC a merged
 * frame keeps its segment size and its tag, except what LRO made of it.
 */
static const struct {
	const char *name;
	unsigned int hooks;
} hiding[] = {
	{"rx-vlan-hw-parse", ON(PORT_HOOK_NATIVE) | ON(PORT_HOOK_GENERIC)},
	{"rx-vlan-stag-hw-parse", ON(PORT_HOOK_NATIVE) | ON(PORT_HOOK_GENERIC)},
	{"rx-lro", ON(PORT_HOOK_NATIVE) | ON(PORT_HOOK_GENERIC) | ON(PORT_HOOK_TC)},
	{"rx-gro-hw", ON(PORT_HOOK_NATIVE) | ON(PORT_HOOK_GENERIC)},
	{"rx-gro-list", ON(PORT_HOOK_NATIVE) | ON(PORT_HOOK_GENERIC)},
	{"rx-gro", ON(PORT_HOOK_GENERIC)},
};

static void bit_set(uint32_t *mask, int bit)
{
	mask[bit / 32] |= 1u << (bit % 32);
}

static int read_bits(const char *name, struct ethtool_bits **out)
{
	_cleanup_free_ struct ethtool_bits *b = calloc(1, sizeof(*b));
	int err = b ? ethtool_bits_read(name, b) : -ENOMEM;

	if (!err)
		*out = TAKE_PTR(b);
	return err;
}

int offload_switch_on(const char *ifname, const json_t *names)
{
	_cleanup_free_ struct ethtool_bits *b = NULL;
	uint32_t mask[ETHTOOL_FEATURES_MAX / 32] = {0};
	int err = read_bits(ifname, &b);

	if (err)
		return err;
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		int bit = name ? ethtool_bits_find(b, name) : -1;

		if (bit >= 0)
			bit_set(mask, bit);
	}
	return ethtool_bits_write(ifname, b, mask, true);
}

int offload_switch_off_transmit(const char *ifname)
{
	_cleanup_free_ struct ethtool_bits *b = NULL;
	uint32_t mask[ETHTOOL_FEATURES_MAX / 32] = {0};
	int err = read_bits(ifname, &b);

	if (err)
		return err;
	for (unsigned int i = 0; i < b->count; i++)
		if (!strncmp(b->name[i], "tx-", 3) && ethtool_bits_changeable(b, (int)i))
			bit_set(mask, (int)i);
	return ethtool_bits_write(ifname, b, mask, false);
}

int offload_remember_lro(struct port_changes *c, const struct port_link *l)
{
	_cleanup_free_ struct ethtool_bits *b = NULL;
	json_t *change;
	int bit;

	/* A device that does not tell has none. */
	if (read_bits(l->name, &b))
		return 0;
	bit = ethtool_bits_find(b, "rx-lro");
	if (bit < 0 || !ethtool_bits_active(b, bit))
		return 0;
	change = changes_of_link("features", l);
	json_object_set_new(change, "off", json_pack("[s]", "rx-lro"));
	return changes_add(c, change);
}

/* Collects what is on and must not be. */
static int collect(const struct ethtool_bits *b, enum port_hook hook, uint32_t *mask, json_t *names)
{
	for (size_t i = 0; i < ARRAY_SIZE(hiding); i++) {
		int bit = ethtool_bits_find(b, hiding[i].name);

		if (!(hiding[i].hooks & ON(hook)) || bit < 0 || !ethtool_bits_active(b, bit))
			continue;
		bit_set(mask, bit);
		if (json_array_append_new(names, json_string(hiding[i].name)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int check_off(const char *name, const json_t *names, struct error *e)
{
	_cleanup_free_ struct ethtool_bits *b = NULL;
	int err = read_bits(name, &b);

	for (size_t i = 0; !err && i < json_array_size(names); i++) {
		const char *feature = json_string_value(json_array_get(names, i));

		if (ethtool_bits_active(b, ethtool_bits_find(b, feature)))
			err = error_set(e, -EOPNOTSUPP,
					"%s cannot switch off %s, which hides bytes from XDP: use "
					"\"hook: tc\"",
					name, feature);
	}
	return err;
}

static int switch_off(struct port_changes *c, const struct netlink_link *l,
		      const struct ethtool_bits *b, const uint32_t *mask, json_t *names,
		      struct error *e)
{
	const char *name = l->link.name;
	json_t *change = changes_of_link("features", &l->link);
	int err;

	json_object_set(change, "off", names);
	err = changes_add(c, change);

	if (err)
		return error_set(e, err, "cannot remember the settings of %s", name);
	err = ethtool_bits_write(name, b, mask, false);
	if (err)
		return error_set(e, err, "cannot change the offload settings of %s: %s", name,
				 strerror(-err));
	return check_off(name, names, e);
}

int port_offload_prepare(struct port_changes *c, const char *name, enum port_hook hook,
			 struct error *e)
{
	_cleanup_free_ struct ethtool_bits *b = NULL;
	uint32_t mask[ETHTOOL_FEATURES_MAX / 32] = {0};
	struct netlink_link l = {0};
	json_t *names;
	int err = netlink_link_read(name, &l);

	if (!err)
		err = read_bits(name, &b);
	if (err)
		return error_set(e, err, "cannot read the offload settings of %s: %s", name,
				 strerror(-err));
	names = json_array();
	err = names ? collect(b, hook, mask, names) : -ENOMEM;
	if (!err && json_array_size(names))
		err = switch_off(c, &l, b, mask, names, e);
	json_decref(names);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "port/ethtool.h"
#include "port/netlink.h"
#include "port/port.h"

/* A frame and its headroom must fit one page for a program without fragments; drivers differ a
 * little below this. */
#define NATIVE_MTU_MAX 3400

/* Drivers of devices on a wire with native XDP and XDP transmit. Those of virtual machines that may
 * deliver unfinished checksums from a neighbour (virtio_net, vmxnet3, hv_netvsc, xen-netfront) are
 * left out on purpose. */
static const char *const native_drivers[] = {
	"atlantic", "bnxt_en",	 "cpsw",      "dpaa2-eth", "dpaa_eth", "ena",	  "fec",
	"fsl_dpaa", "fsl_enetc", "gve",	      "i40e",	   "ice",      "igb",	  "igc",
	"ixgbe",    "ixgbevf",	 "mlx4_en",   "mlx5_core", "mvneta",   "mvpp2",	  "nfp",
	"nicvf",    "qede",	 "rvu-nicpf", "sfc",	   "stmmac",   "st_gmac", "tsnep",
};

int port_link_read(const char *name, struct port_link *out, struct error *e)
{
	struct netlink_link l;
	unsigned int tx_queues;
	int err = netlink_link_read(name, &l);

	if (err == -ENODEV || err == -EINVAL)
		return error_set(e, -ENODEV, "no interface named \"%s\"", name);
	if (err)
		return error_set(e, err, "cannot read interface %s: %s", name, strerror(-err));
	/* Without an answer the driver stays empty, which chooses TC. */
	ethtool_driver(name, l.link.driver);
	ethtool_queues(name, &l.link.rx_queues, &tx_queues);
	*out = l.link;
	return 0;
}

static bool driver_is_native(const char *driver)
{
	for (size_t i = 0; i < ARRAY_SIZE(native_drivers); i++)
		if (!strcmp(native_drivers[i], driver))
			return true;
	return false;
}

enum port_hook port_hook_choose(const struct port_link *l, const char **why)
{
	if (!driver_is_native(l->driver)) {
		*why = "virtual or unknown driver: frames may have unfinished checksums or be "
		       "larger than the wire's";
		return PORT_HOOK_TC;
	}
	if (l->mtu > NATIVE_MTU_MAX) {
		*why = "MTU too large for XDP";
		return PORT_HOOK_TC;
	}
	*why = "driver with native XDP";
	return PORT_HOOK_NATIVE;
}

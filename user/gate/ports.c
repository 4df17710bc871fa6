// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bpf.h>
#include <string.h>

#include "gate/gate_private.h"

static int port_of_read(struct gate *g, uint32_t slot, struct weir_port_of *of)
{
	return bpf_map_lookup_elem(g->maps[GATE_MAP_PORT_OF], &slot, of) ? -errno : 0;
}

static int port_of_write(struct gate *g, uint32_t slot, const struct weir_port_of *of)
{
	return bpf_map_update_elem(g->maps[GATE_MAP_PORT_OF], &slot, of, BPF_ANY) ? -errno : 0;
}

/* Whether the slot of ifindex is taken by another interface. */
static int slot_check(struct gate *g, unsigned int ifindex, unsigned int port)
{
	struct weir_port_of of;
	int r = port_of_read(g, ifindex % WEIR_IFINDEX_SLOTS, &of);

	if (r)
		return r;
	return of.port && of.port != port && of.ifindex != ifindex ? -EADDRINUSE : 0;
}

static bool holds(const unsigned int *ifindexes, size_t count, unsigned int ifindex)
{
	for (size_t i = 0; i < count; i++)
		if (ifindexes[i] == ifindex)
			return true;
	return false;
}

/* Clears the slots that point to port for an interface that is none of the given ones. */
static int slots_clear(struct gate *g, unsigned int port, const unsigned int *keep, size_t count)
{
	const struct weir_port_of none = {};

	for (uint32_t slot = 0; slot < WEIR_IFINDEX_SLOTS; slot++) {
		struct weir_port_of of;
		int r = port_of_read(g, slot, &of);

		if (!r && of.port == port && !holds(keep, count, of.ifindex))
			r = port_of_write(g, slot, &none);
		if (r)
			return r;
	}
	return 0;
}

static int port_remove(struct gate *g, uint32_t port)
{
	const struct weir_port none = {};
	int r = slots_clear(g, port, NULL, 0);

	if (r)
		return r;
	return bpf_map_update_elem(g->maps[GATE_MAP_PORTS], &port, &none, BPF_ANY) ? -errno : 0;
}

int gate_get_port(struct gate *g, unsigned int port, struct weir_port *out)
{
	if (!port || port >= WEIR_PORTS_MAX)
		return -EINVAL;
	return bpf_map_lookup_elem(g->maps[GATE_MAP_PORTS], &port, out) ? -errno : 0;
}

int gate_set_port(struct gate *g, unsigned int port, const struct weir_port *cfg,
		  unsigned int far_end)
{
	unsigned int ifindexes[3];
	size_t count = 0;
	int r = 0;

	if (!port || port >= WEIR_PORTS_MAX)
		return -EINVAL;
	if (!cfg)
		return port_remove(g, port);
	ifindexes[count++] = cfg->ifindex;
	if (cfg->punt_ifindex)
		ifindexes[count++] = cfg->punt_ifindex;
	if (far_end)
		ifindexes[count++] = far_end;
	for (size_t i = 0; !r && i < count; i++) {
		r = slot_check(g, ifindexes[i], port);
		for (size_t j = 0; !r && j < i; j++)
			if ((ifindexes[i] - ifindexes[j]) % WEIR_IFINDEX_SLOTS == 0)
				r = -EADDRINUSE;
	}
	if (!r)
		r = slots_clear(g, port, ifindexes, count);
	/* The port before the way to it. */
	if (!r && bpf_map_update_elem(g->maps[GATE_MAP_PORTS], &port, cfg, BPF_ANY))
		r = -errno;
	for (size_t i = 0; !r && i < count; i++) {
		struct weir_port_of of = {ifindexes[i], port};

		r = port_of_write(g, ifindexes[i] % WEIR_IFINDEX_SLOTS, &of);
	}
	return r;
}

int gate_set_devmap(struct gate *g, unsigned int port, unsigned int ifindex)
{
	/* Kernels take 4 or 8 bytes of it, as the map was declared. */
	struct bpf_devmap_val value = {.ifindex = ifindex};

	if (ifindex)
		return bpf_map_update_elem(g->maps[GATE_MAP_DEVMAP], &port, &value, BPF_ANY)
			       ? -errno
			       : 0;
	return bpf_map_delete_elem(g->maps[GATE_MAP_DEVMAP], &port) && errno != ENOENT ? -errno : 0;
}

int gate_set_xsk(struct gate *g, uint32_t index, int xsk_fd)
{
	uint32_t sent;

	if (index >= g->xsk)
		return -EINVAL;
	if (xsk_fd < 0)
		return bpf_map_delete_elem(g->maps[GATE_MAP_XSK], &index) && errno != ENOENT
			       ? -errno
			       : 0;
	/* Frames that went to an earlier socket of this index are not waiting in the new one. */
	sent = __atomic_load_n(&g->xsk_sent[index], __ATOMIC_RELAXED);
	__atomic_store_n(&g->xsk_read[index], sent, __ATOMIC_RELEASE);
	return bpf_map_update_elem(g->maps[GATE_MAP_XSK], &index, &xsk_fd, BPF_ANY) ? -errno : 0;
}

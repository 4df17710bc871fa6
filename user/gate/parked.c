// SPDX-License-Identifier: GPL-2.0-only
/* Directions of flows whose frames wait in the slow path. */
#include "gate/gate_private.h"

static struct weir_parked_key key_of(uint64_t flow_id, uint8_t dir)
{
	return (struct weir_parked_key){.flow_id = flow_id, .dir = dir};
}

int gate_put_parked(struct gate *g, uint64_t flow_id, uint8_t dir, const struct weir_parked *v)
{
	struct weir_parked_key key = key_of(flow_id, dir);

	return bpf_map_update_elem(g->maps[GATE_MAP_PARKED], &key, v, BPF_ANY) ? -errno : 0;
}

int gate_del_parked(struct gate *g, uint64_t flow_id, uint8_t dir)
{
	struct weir_parked_key key = key_of(flow_id, dir);

	return bpf_map_delete_elem(g->maps[GATE_MAP_PARKED], &key) ? -errno : 0;
}

int gate_get_parked(struct gate *g, uint64_t flow_id, uint8_t dir, struct weir_parked *out)
{
	struct weir_parked_key key = key_of(flow_id, dir);

	return bpf_map_lookup_elem(g->maps[GATE_MAP_PARKED], &key, out) ? -errno : 0;
}

int gate_each_parked(struct gate *g,
		     bool (*fn)(uint64_t flow_id, uint8_t dir, const struct weir_parked *, void *),
		     void *arg)
{
	struct weir_parked_key key, next;
	struct weir_parked v;
	int fd = g->maps[GATE_MAP_PARKED];
	bool more = !bpf_map_get_next_key(fd, NULL, &next);

	while (more) {
		key = next;
		more = !bpf_map_get_next_key(fd, &key, &next);
		if (!bpf_map_lookup_elem(fd, &key, &v) &&
		    !fn(key.flow_id, (uint8_t)key.dir, &v, arg))
			return 0;
	}
	return 0;
}

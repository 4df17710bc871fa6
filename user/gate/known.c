// SPDX-License-Identifier: GPL-2.0-only
/* Access to identifications, peers and blocks. */
#include "gate/gate_private.h"

static int put(struct gate *g, enum gate_map map, const void *key, const void *value)
{
	return bpf_map_update_elem(g->maps[map], key, value, BPF_ANY) ? -errno : 0;
}

int gate_put_identification(struct gate *g, uint64_t flow_id, const struct weir_identification *v)
{
	return put(g, GATE_MAP_IDENTIFIED, &flow_id, v);
}

int gate_get_identification(struct gate *g, uint64_t flow_id, struct weir_identification *out)
{
	return bpf_map_lookup_elem(g->maps[GATE_MAP_IDENTIFIED], &flow_id, out) ? -errno : 0;
}

int gate_put_reconnect(struct gate *g, const struct weir_reconnect_key *k,
		       const struct weir_peer *v)
{
	return put(g, GATE_MAP_RECONNECTS, k, v);
}

int gate_put_endpoint(struct gate *g, const struct weir_endpoint_key *k, const struct weir_peer *v)
{
	return put(g, GATE_MAP_ENDPOINTS, k, v);
}

int gate_put_block(struct gate *g, const struct weir_block *k, uint64_t expires_ns)
{
	return put(g, GATE_MAP_BLOCKS, k, &expires_ns);
}

int gate_del_block(struct gate *g, const struct weir_block *k)
{
	return bpf_map_delete_elem(g->maps[GATE_MAP_BLOCKS], k) ? -errno : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* What user space knows: verdicts, peers, blocks, applications. */
#include <string.h>

#include "gate/gate_private.h"

#define PROTOCOLS 256

static int put(struct gate *g, enum gate_map map, const void *key, const void *value)
{
	return bpf_map_update_elem(g->maps[map], key, value, BPF_ANY) ? -errno : 0;
}

int gate_put_verdict(struct gate *g, uint64_t flow_id, const struct weir_verdict *v)
{
	return put(g, GATE_MAP_VERDICTS, &flow_id, v);
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

int gate_put_block(struct gate *g, const struct weir_block_key *k, uint64_t expires_ns)
{
	return put(g, GATE_MAP_BLOCKS, k, &expires_ns);
}

int gate_del_block(struct gate *g, const struct weir_block_key *k)
{
	return bpf_map_delete_elem(g->maps[GATE_MAP_BLOCKS], k) ? -errno : 0;
}

int gate_save_apps(struct gate *g, const struct app_registry *r)
{
	for (uint32_t i = 0; i < app_registry_count(r); i++) {
		const struct app_info *app = app_registry_get(r, i);
		char name[WEIR_APP_NAME_LEN] = {};
		int err;

		memcpy(name, app->name, strnlen(app->name, sizeof(name) - 1));
		err = put(g, GATE_MAP_APP_NAMES, &i, name);
		if (err)
			return err;
	}
	for (uint32_t proto = 0; proto < PROTOCOLS; proto++) {
		uint32_t app = app_registry_by_protocol(r, proto);
		int err = put(g, GATE_MAP_PROTO_APPS, &proto, &app);

		if (err)
			return err;
	}
	return 0;
}

int gate_restore_apps(struct gate *g, struct app_registry *r)
{
	for (uint32_t i = 1; i < WEIR_APPS_MAX; i++) {
		char name[WEIR_APP_NAME_LEN];
		int app;

		if (bpf_map_lookup_elem(g->maps[GATE_MAP_APP_NAMES], &i, name))
			return -errno;
		name[sizeof(name) - 1] = '\0';
		if (!name[0])
			return 0;
		app = app_registry_add(r, name, NULL);
		if (app < 0)
			return app;
		if ((uint32_t)app != i)
			return -ESTALE;
	}
	return 0;
}

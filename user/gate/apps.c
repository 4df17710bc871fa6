// SPDX-License-Identifier: GPL-2.0-only
/* Application numbers and names, kept in maps so that they outlive the daemon. */
#include <netinet/in.h>
#include <string.h>

#include "gate/gate_private.h"

#define PROTOCOLS 256

static int put(struct gate *g, enum gate_map map, uint32_t index, const void *value)
{
	return bpf_map_update_elem(g->maps[map], &index, value, BPF_ANY) ? -errno : 0;
}

/* Protocols that carry IP packets. */
static bool is_tunnel(uint32_t proto)
{
	return proto == IPPROTO_IPIP || proto == IPPROTO_IPV6 || proto == IPPROTO_GRE;
}

int gate_save_apps(struct gate *g, const struct app_registry *r, const struct signatures *s,
		   bool inspect_tunnels)
{
	for (uint32_t i = 0; i < app_registry_count(r); i++) {
		const struct app_info *app = app_registry_get(r, i);
		char name[WEIR_APP_NAME_LEN] = {};
		int err;

		memcpy(name, app->name, strnlen(app->name, sizeof(name) - 1));
		err = put(g, GATE_MAP_APP_NAMES, i, name);
		if (err)
			return err;
	}
	for (uint32_t proto = 0; proto < PROTOCOLS; proto++) {
		uint32_t app = signatures_by_protocol(s, r, (uint8_t)proto);
		int err;

		if (inspect_tunnels && is_tunnel(proto))
			app |= WEIR_PROTO_INSPECT;
		err = put(g, GATE_MAP_PROTO_APPS, proto, &app);
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

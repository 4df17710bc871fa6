// SPDX-License-Identifier: GPL-2.0-only
/* Ports by name, and the forward entry that a port belongs to. */
#include <string.h>

#include "daemon/daemon_private.h"

struct daemon_port *port_find_interface(struct weir *w, const char *interface, unsigned int *index)
{
	for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++) {
		if (!w->ports[i].configured || strcmp(w->ports[i].interface, interface) != 0)
			continue;
		*index = i;
		return &w->ports[i];
	}
	return NULL;
}

struct daemon_port *port_find(struct weir *w, const char *name, unsigned int *index)
{
	for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++) {
		if (!w->ports[i].configured || strcmp(w->ports[i].name, name) != 0)
			continue;
		*index = i;
		return &w->ports[i];
	}
	return port_find_interface(w, name, index);
}

const struct policy_forward *port_forward(const struct weir *w, unsigned int index, uint8_t *domain)
{
	for (unsigned int f = 0; f < w->policy->forward_count; f++) {
		const struct policy_forward *fw = &w->policy->forwards[f];

		for (unsigned int i = 0; i < fw->port_count; i++) {
			if (fw->ports[i] + 1 == index) {
				*domain = (uint8_t)(f + 1);
				return fw;
			}
		}
	}
	return NULL;
}

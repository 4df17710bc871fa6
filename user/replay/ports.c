// SPDX-License-Identifier: GPL-2.0-only
/* Which port a frame came in by: a capture does not say. */
#include <stdio.h>
#include <string.h>

#include "replay/state.h"

#define WHERE_MAX 128

static unsigned int port_number(const struct policy *p, const char *name)
{
	for (unsigned int i = 0; i < p->port_count; i++)
		if (strcmp(p->ports[i].name, name) == 0)
			return i + 1;
	return 0;
}

static bool mac_parse(const char *text, uint8_t mac[6])
{
	for (unsigned int i = 0; i < 6; i++, text += 3) {
		int byte = hex_byte(text);

		if (byte < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)byte;
	}
	return true;
}

static int port_read(struct replay *r, char *text, struct error *e)
{
	struct replay_port *p = &r->ports[r->port_count];
	char *where = strchr(text, '=');

	if (r->port_count == REPLAY_PORTS_MAX)
		return error_set(e, -EINVAL, "--ports: more than %u places", REPLAY_PORTS_MAX);
	if (!where)
		return error_set(e, -EINVAL, "--ports: expected PORT=WHERE, found `%s`", text);
	*where++ = '\0';
	p->port = (uint8_t)port_number(r->policy, text);
	if (!p->port)
		return error_set(e, -EINVAL, "--ports: %s has no port `%s`", r->options.policy,
				 text);
	p->by_mac = mac_parse(where, p->mac);
	if (!p->by_mac && prefix_parse(where, p->address, &p->prefixlen) < 0)
		return error_set(e, -EINVAL,
				 "--ports: expected a prefix or a link-layer address, found `%s`",
				 where);
	r->port_count++;
	return 0;
}

int replay_ports_read(struct replay *r, struct error *e)
{
	const char *at = r->options.ports;
	int err = 0;

	while (!err && at && *at) {
		size_t len = strcspn(at, ",");
		char text[WHERE_MAX];

		if (len >= sizeof(text))
			return error_set(e, -EINVAL, "--ports: `%.32s...` is too long", at);
		snprintf(text, sizeof(text), "%.*s", (int)len, at);
		err = port_read(r, text, e);
		at += len + (at[len] == ',');
	}
	return err;
}

static bool prefix_has(const struct replay_port *p, const uint32_t address[4])
{
	unsigned int whole = p->prefixlen / 8, rest = p->prefixlen % 8;
	const uint8_t *a = (const uint8_t *)p->address, *b = (const uint8_t *)address;

	return memcmp(a, b, whole) == 0 && (!rest || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

uint8_t replay_port_of(const struct replay *r, const struct sight *s)
{
	const uint8_t *mac = s->frame->link == PACKET_LINK_ETHERNET ? s->frame->data + 6 : NULL;

	for (unsigned int i = 0; i < r->port_count; i++) {
		const struct replay_port *p = &r->ports[i];

		if (p->by_mac ? mac && memcmp(mac, p->mac, 6) == 0
			      : prefix_has(p, s->packet.key.addr[s->packet.dir]))
			return p->port;
	}
	return 0;
}

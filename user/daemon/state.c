// SPDX-License-Identifier: GPL-2.0-only
/* State of a port's interface and bridge: the flags it gets in the gate, and the reason why it does
 * less than the policy asks. */
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon_private.h"

/* What the gate is told of an interface and its bridge. */
struct port_state {
	uint32_t flags;
	const char *why; /* static text: what it does less than asked, NULL = nothing */
	char bridge[16];
	bool in_bridge;
	uint8_t mac[6]; /* of the bridge */
};

static const char *why_not_forwarding(const struct port_link *l, const struct port_link *br)
{
	if (!l->up)
		return "the interface is down";
	if (!br->up)
		return "its bridge is down";
	return "the bridge does not forward on it (no carrier, or STP has not finished)";
}

/* Redirecting must not do what the bridge would not. */
static void state_of_bridge(const struct policy_forward *fw, const struct port_link *l,
			    struct port_state *s)
{
	struct port_link br = {0};
	const char *why;

	snprintf(s->bridge, sizeof(s->bridge), "%s", fw->bridge);
	if (port_link_read(fw->bridge, &br, NULL) == 0)
		memcpy(s->mac, br.mac, sizeof(s->mac));
	s->in_bridge = br.ifindex && l->master == br.ifindex;
	if (!s->in_bridge)
		return;
	if (l->bridge_forwarding)
		s->flags |= WEIR_PORT_FORWARDING;
	else
		s->why = why_not_forwarding(l, &br);
	if (port_bridge_redirect_ok(fw->bridge, &why))
		s->flags |= WEIR_PORT_REDIRECT;
	else if (!s->why)
		s->why = why;
}

static void state_read(const struct weir *w, unsigned int index, const struct port_link *l,
		       struct port_state *s)
{
	const struct daemon_port *p = &w->ports[index];
	const struct policy_forward *fw;
	uint8_t domain;

	*s = (struct port_state){.flags = p->cfg.flags & (WEIR_PORT_TC | WEIR_PORT_GENERIC),
				 .in_bridge = true};
	fw = port_forward(w, index, &domain);
	if (fw)
		state_of_bridge(fw, l, s);
	else
		s->flags |= WEIR_PORT_FORWARDING | WEIR_PORT_REDIRECT;
	if (p->enabled)
		s->flags |= WEIR_PORT_ENABLED;
	if (!p->lossy)
		return;
	s->flags &= ~WEIR_PORT_REDIRECT;
	if (!s->why)
		s->why = "no redirect: frames sent to it are lost (a veth whose peer has no NAPI? "
			 "turn GRO on there, then enable the port again)";
}

/* The first of what keeps a port from what was asked of it; "" = nothing. */
static void state_reason(const struct daemon_port *p, const struct port_state *s,
			 const struct port_link *l, char *out, size_t size)
{
	if (p->stripped)
		snprintf(out, size,
			 "somebody took weir's program off it, frames pass uninspected; enable the "
			 "port to put it back");
	else if (!s->in_bridge)
		snprintf(out, size, "it is not in bridge %s: nothing is forwarded", s->bridge);
	else if (s->why)
		snprintf(out, size, "%s", s->why);
	else if (l->mtu + ETH_HLEN > WEIR_PUNT_BYTES_MAX)
		snprintf(out, size, "its MTU is %u: frames above %u bytes pass uninspected", l->mtu,
			 WEIR_PUNT_BYTES_MAX);
	else
		out[0] = '\0';
}

static void state_tell(struct daemon_port *p, const struct port_state *s, const struct port_link *l)
{
	char now[sizeof(p->degraded)];

	state_reason(p, s, l, now, sizeof(now));
	if (p->attached && strcmp(now, p->degraded) != 0) {
		if (now[0])
			log_warning("port %s: %s", p->name, now);
		else
			log_info("port %s: all well again", p->name);
	}
	memcpy(p->degraded, now, sizeof(now));
}

bool port_follow(struct weir *w, unsigned int index, const struct port_link *l)
{
	struct daemon_port *p = &w->ports[index];
	struct weir_port before = p->cfg;
	struct port_state s;

	state_read(w, index, l, &s);
	p->cfg.flags = s.flags;
	p->cfg.max_frame = l->mtu + ETH_HLEN + 4;
	memcpy(p->cfg.local_mac, s.mac, sizeof(p->cfg.local_mac));
	state_tell(p, &s, l);
	return memcmp(&before, &p->cfg, sizeof(before)) != 0;
}

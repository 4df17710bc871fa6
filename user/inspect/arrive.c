// SPDX-License-Identifier: GPL-2.0-only
/* From frames to the packets that are inspected: reassembles fragments and unwraps tunnels. */
#include <string.h>

#include "inspect/state.h"
#include "util/util.h"

static void arrive(struct glance *g, enum packet_status status, const struct weir_punt *punt);

/*
 * A fragment with a wrong header checksum is dropped before the receiver: using it would let a
 * sender make us give up a datagram that the receiver accepts. Offline the checksum is not used,
 * because files are often edited.
 */
static void arrive_fragment(struct glance *g, const struct weir_punt *punt)
{
	const struct packet *fragment = g->p;
	struct fragments_whole whole;
	struct packet p;

	if (punt && !packet_header_checksum_ok(fragment)) {
		g->out->bad_checksum = true;
		return;
	}
	if (fragments_push(g->i->fragments, fragment, g->i->now_ns, &whole) <= 0)
		return;
	if (packet_decode(whole.packet, whole.len, PACKET_LINK_RAW, &p) == PACKET_OK) {
		p.key.domain = fragment->key.domain;
		p.key.tunnel = fragment->key.tunnel;
		memcpy(p.key.vlan, fragment->key.vlan, sizeof(p.key.vlan));
		g->p = &p;
		g->frames = whole.frames;
		g->bytes = whole.bytes;
		arrive(g, PACKET_OK, punt);
		g->p = fragment;
	}
	fragments_release(g->i->fragments, &whole);
}

/* The tunnel type of the packet's flow. */
static enum packet_tunnel tunnel_of(const struct inspector *i, const struct packet *p,
				    const struct flow *f)
{
	if (p->proto != IPPROTO_UDP)
		return packet_tunnel_by_protocol(p);
	for (unsigned int t = 1; t < PACKET_TUNNEL_COUNT && f->app; t++)
		if (i->tunnel_app[t] == f->app)
			return t;
	return PACKET_TUNNEL_NONE;
}

/* Whether the addresses identify the tunnel; for the other types they change during the life of a
 * flow. */
static bool has_fixed_ends(enum packet_tunnel t)
{
	return t != PACKET_TUNNEL_VXLAN && t != PACKET_TUNNEL_GTP && t != PACKET_TUNNEL_TEREDO;
}

/*
 * A number that separates equal tuples in different networks. GTP's identifier differs between the
 * directions, so it cannot be used.
 */
static uint16_t tunnel_number(const struct packet *outer, const struct packet *inner,
			      enum packet_tunnel t, uint32_t id)
{
	static const uint64_t seed[2] = {0};
	struct {
		uint32_t addr[2][4];
		uint32_t id;
		uint16_t outer, inner, kind, pad;
	} name = {
		.id = t == PACKET_TUNNEL_GTP ? 0 : id,
		.outer = outer->key.tunnel,
		.inner = inner->key.tunnel,
		.kind = (uint16_t)t,
	};
	uint16_t number;

	if (has_fixed_ends(t))
		memcpy(name.addr, outer->key.addr, sizeof(name.addr));
	number = (uint16_t)hash_keyed(seed, &name, sizeof(name));
	return number ? number : 1;
}

/* Inspects the packet inside g->p, which tunnel t carries, as a flow of its own. */
static void arrive_inner(struct glance *g, enum packet_tunnel t)
{
	const struct app_services services = g->i->services;
	struct inspect_outcome outcome = {0};
	struct packet inner;
	struct glance in = {
		.i = g->i,
		.p = &inner,
		.frames = g->frames,
		.tunnel = t,
		.depth = g->depth + 1,
		.inner = g->inner,
		.out = &outcome,
	};
	uint32_t id;
	enum packet_status status = packet_decode_inner(g->p, t, &inner, &id);

	if (status != PACKET_OK && status != PACKET_FRAGMENT)
		return;
	inner.key.domain = g->p->key.domain;
	inner.key.tunnel = tunnel_number(g->p, &inner, t, id);
	in.bytes = (uint64_t)inner.frame_len + inner.cut_len;
	/* The gate would apply endpoints learned inside the tunnel to hosts outside with the same
	 * addresses. */
	if (g->i->settings.online) {
		g->i->services.learn = NULL;
		g->i->services.facts = NULL;
		g->i->services.answered = NULL;
		g->i->services.expect = NULL;
		g->i->services.expect_data = NULL;
	}
	arrive(&in, status, NULL);
	g->i->services = services;
}

/* Reports an inner flow in the outcome. */
static void note_inner(const struct glance *g)
{
	struct inspect_outcome *outer = g->inner;

	if (g->tunnel == PACKET_TUNNEL_NONE || !g->out->flow)
		return;
	outer->inner[outer->inner_count++] = (struct inspect_inner){
		.flow = g->out->flow,
		.dir = g->p->dir,
		.decided_now = g->out->decided_now,
	};
}

/* Offline: inspects the inner packet in place of the outer one. False if there is none. */
static bool arrive_unwrapped(struct glance *g, const struct weir_punt *punt)
{
	enum packet_tunnel t = packet_tunnel_by_protocol(g->p);
	struct packet inner;
	struct glance in = *g;
	enum packet_status status;
	uint32_t id;

	if (t == PACKET_TUNNEL_NONE || t == PACKET_TUNNEL_GRE)
		return false;
	status = packet_decode_inner(g->p, t, &inner, &id);
	in.p = &inner;
	in.depth++;
	in.bytes = (uint64_t)inner.frame_len + inner.cut_len;
	arrive(&in, status, punt);
	return true;
}

static void arrive_whole(struct glance *g, const struct weir_punt *punt)
{
	enum inspect_tunnels tunnels = g->i->settings.tunnels;
	enum packet_tunnel t = PACKET_TUNNEL_NONE;

	if (tunnels == INSPECT_TUNNELS_UNWRAP && g->depth < INSPECT_TUNNELS_MAX &&
	    arrive_unwrapped(g, punt))
		return;
	judge_packet(g, punt);
	note_inner(g);
	if (!g->f || !g->f->decided)
		return;
	if (tunnels == INSPECT_TUNNELS_INNER && g->depth < INSPECT_TUNNELS_MAX)
		t = tunnel_of(g->i, g->p, g->f);
	g->f->carries = (uint8_t)t;
	if (t != PACKET_TUNNEL_NONE && !g->out->bad_checksum)
		arrive_inner(g, t);
}

static void arrive(struct glance *g, enum packet_status status, const struct weir_punt *punt)
{
	if (status == PACKET_OK)
		arrive_whole(g, punt);
	else if (status == PACKET_FRAGMENT)
		arrive_fragment(g, punt);
}

void inspector_packet(struct inspector *i, const struct packet *p, enum packet_status status,
		      const struct weir_punt *punt, uint64_t now_ns, struct inspect_outcome *out)
{
	struct glance g = {
		.i = i,
		.p = p,
		.frames = 1,
		.bytes = (uint64_t)p->frame_len + p->cut_len,
		.inner = out,
		.out = out,
	};

	*out = (struct inspect_outcome){0};
	i->now_ns = now_ns;
	arrive(&g, status, punt);
}

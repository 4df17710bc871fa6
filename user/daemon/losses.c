// SPDX-License-Identifier: GPL-2.0-only
/* Counts frames of a port that the gate redirected and the kernel lost afterwards. */
#include "daemon/daemon_private.h"

/* What the gate sent out of other ports by itself. */
static uint64_t redirected(const struct weir_counter c[WEIR_REASON_COUNT])
{
	return c[WEIR_REASON_REDIRECTED].frames + c[WEIR_REASON_REDIRECTED_FRAGMENT].frames;
}

void port_begin_losses(struct weir *w, unsigned int index)
{
	struct weir_counter c[WEIR_REASON_COUNT];
	struct daemon_port *p = &w->ports[index];

	if (gate_read_counters(w->gate, index, c) < 0)
		return;
	p->lost_seen = c[WEIR_REASON_DROP_REDIRECT_LOST].frames;
	p->redirected_seen = redirected(c);
	port_qdisc_losses(w, index);
	port_pair_losses(w, index);
}

/* The increase alone: a discipline that replaces another begins at nothing, and so does weir. */
uint64_t port_qdisc_losses(struct weir *w, unsigned int index)
{
	struct daemon_port *p = &w->ports[index];
	struct port_qdisc now;

	if (!p->present || port_qdisc_read(p->ifindex, &now) < 0)
		return p->qdisc_lost;
	if (now.handle == p->qdisc.handle)
		p->qdisc_lost += now.dropped - p->qdisc.dropped;
	else if (p->qdisc_known)
		p->qdisc_lost += now.dropped;
	p->qdisc = now;
	p->qdisc_known = true;
	return p->qdisc_lost;
}

const struct port_pair_lost *port_pair_losses(struct weir *w, unsigned int index)
{
	struct daemon_port *p = &w->ports[index];
	struct port_pair_lost now;

	if (!p->far_end || port_pair_lost(PAIR_PREFIX, index, p->near_end, p->far_end, &now) < 0)
		return &p->pair_lost;
	if (p->pair_seen_of == p->far_end) {
		p->pair_lost.up += now.up - p->pair_seen.up;
		p->pair_lost.out += now.out - p->pair_seen.out;
	}
	p->pair_seen = now;
	p->pair_seen_of = p->far_end;
	return &p->pair_lost;
}

bool port_losses(struct weir *w, unsigned int index, uint64_t *lost, uint64_t *sent)
{
	struct weir_counter c[WEIR_REASON_COUNT];
	struct daemon_port *p = &w->ports[index];

	if (gate_read_counters(w->gate, index, c) < 0)
		return false;
	*lost = c[WEIR_REASON_DROP_REDIRECT_LOST].frames - p->lost_seen;
	*sent = redirected(c) - p->redirected_seen;
	p->lost_seen += *lost;
	p->redirected_seen += *sent;
	return true;
}

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

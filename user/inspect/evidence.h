/* SPDX-License-Identifier: GPL-2.0-only */
/* Corroboration and contradiction between flows, for user/inspect alone. */
#ifndef WEIR_INSPECT_EVIDENCE_H
#define WEIR_INSPECT_EVIDENCE_H

#include "inspect/state.h"

/* Looks the applications up that are asked for by name. */
void evidence_resolve(struct inspector *i);
/* The flow is decided, or was and has now been seen in both directions: keeps what it shows of its
 * hosts and of the service. */
void evidence_note(const struct glance *g);
/* Whether something else than app has answered at the endpoint. */
bool evidence_refuses(const struct inspector *i, const struct weir_endpoint_key *key, uint16_t app);
/* Whether the flow's responder is known to serve something else at its port: then this flow says
 * nothing about the next. */
bool evidence_is_service(const struct glance *g);
/* An endpoint was learned: so that it can be found when something else answers there. */
void evidence_told(const struct inspector *i, const struct weir_endpoint_key *key, uint16_t app);
/* Whether either end was told that the other is something, and nothing contradicts. */
bool evidence_endpoint(const struct glance *g, struct weir_peer *peer);
/* Replaces what a message's bytes say where other flows know better. */
void evidence_weigh(const struct glance *g, const struct app_message *m,
		    struct app_finding *finding);
/* The confidence in MSE's shape, raised where the hosts run BitTorrent. */
unsigned int evidence_of_shape(const struct glance *g, unsigned int confidence);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Evidence from other flows for and against an identification. Private to user/inspect. */
#ifndef WEIR_INSPECT_EVIDENCE_H
#define WEIR_INSPECT_EVIDENCE_H

#include "inspect/state.h"

/* Looks up the applications that are needed by name. */
void evidence_resolve(struct inspector *i);
/* To be called when the flow is identified, and again when an identified flow is first seen in both
 * directions. Records what it shows about its hosts and its service. */
void evidence_note(const struct glance *g);
/* Whether an application other than app has answered at the endpoint. */
bool evidence_refuses(const struct inspector *i, const struct weir_endpoint_key *key, uint16_t app);
/* Whether the responder is known to serve another application at its port: then this flow must not
 * be used to identify later ones. */
bool evidence_is_service(const struct glance *g);
/* Records that an endpoint was learned, so that it can be withdrawn if another application answers
 * there. */
void evidence_learned(const struct inspector *i, const struct weir_endpoint_key *key, uint16_t app);
/* Whether either end has learned the other as an endpoint, and no other application has answered
 * there. Copies it into *peer. */
bool evidence_endpoint(const struct glance *g, struct weir_peer *peer);
/* Replaces a finding from the message's bytes where evidence from other flows is stronger. */
void evidence_weigh(const struct glance *g, const struct app_message *m,
		    struct app_finding *finding);
/* The confidence of an identification by MSE's shape, raised if the hosts are known to run
 * BitTorrent. */
unsigned int evidence_of_shape(const struct glance *g, unsigned int confidence);

#endif

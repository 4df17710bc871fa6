/* SPDX-License-Identifier: GPL-2.0-only */
/* What the modules may learn of peers, and the evidence they leave for each other. */
#ifndef WEIR_APP_PEERS_H
#define WEIR_APP_PEERS_H

#include "app/app.h"

/*
 * Whether peer:port (host order) may become an endpoint: no well-known service (below 1024), no
 * address that is no single host. What a tracker says is evidence, not truth: it must not be able
 * to have a client's web or mail taken for BitTorrent.
 */
bool peer_is_acceptable(const uint32_t addr[4], uint16_t port);
/* Whether the sender of m names neither itself, as m came from it, nor the receiver. */
bool peer_is_told(const struct app_message *m, const uint32_t peer[4], uint16_t port);
/*
 * Learns that peer:port (host order) is the application called name: for the host that was told of
 * it, with NULL for everyone. Only what peer_is_acceptable() accepts, and no port where another
 * application has answered.
 */
void peer_learn_app(const struct app_services *s, const char *name, uint8_t domain,
		    const uint32_t *host, const uint32_t peer[4], uint16_t port,
		    enum weir_source source);

#endif

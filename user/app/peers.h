/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules for learning peers, common to the modules. */
#ifndef WEIR_APP_PEERS_H
#define WEIR_APP_PEERS_H

#include "app/app.h"

/*
 * Whether peer:port (host order) may become an endpoint: the port is not that of a well-known
 * service (below 1024) and the address is that of a single host. Sources are not trusted: a tracker
 * must not be able to have a client's web or mail traffic identified as BitTorrent.
 */
bool peer_is_acceptable(const uint32_t addr[4], uint16_t port);
/* Whether peer:port (host order) is neither the sender of m, as m came from it, nor the
 * receiver. */
bool peer_is_third_party(const struct app_message *m, const uint32_t peer[4], uint16_t port);
/*
 * Learns that application `name` is served at peer:port (host order). host: the host that learns of
 * it; NULL: holds for all hosts. Ignored if peer_is_acceptable() rejects it or if another
 * application has answered at that port.
 */
void peer_learn_app(const struct app_services *s, const char *name, uint8_t domain,
		    const uint32_t *host, const uint32_t peer[4], uint16_t port,
		    enum weir_source source);

#endif

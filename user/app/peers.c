// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "app/bittorrent.h"

/* Ports below are those of services that a false announcement could block: web, mail, DNS, remote
 * login. */
#define PORT_MIN 1024

static bool v4_is_host(uint32_t host)
{
	unsigned int first = host >> 24;

	/* 0/8 "this network", 127/8 loopback, 224/4 multicast, 240/4 reserved and broadcast */
	return first != 0 && first != 127 && first < 224;
}

static bool v6_is_host(const uint32_t addr[4])
{
	uint32_t top = ntohl(addr[0]);

	/* ff00::/8 multicast; :: and ::1, and the deprecated IPv4-compatible addresses with them */
	return top >> 24 != 0xff && (addr[0] || addr[1] || addr[2]);
}

bool peer_is_acceptable(const uint32_t addr[4], uint16_t port)
{
	if (port < PORT_MIN)
		return false;
	return address_is_v4(addr) ? v4_is_host(ntohl(addr[3])) : v6_is_host(addr);
}

void peer_learn_app(const struct app_services *s, const char *name, uint8_t domain,
		    const uint32_t *host, const uint32_t peer[4], uint16_t port,
		    enum weir_source source)
{
	struct weir_endpoint_key key = {.port = htons(port), .domain = domain};
	int app;

	if (!s->learn || !peer_is_acceptable(peer, port))
		return;
	memcpy(key.peer, peer, sizeof(key.peer));
	if (host)
		memcpy(key.host, host, sizeof(key.host));
	app = app_registry_find(s->registry, name);
	if (app > 0)
		s->learn(s->arg, &key, (uint16_t)app, source);
}

void peer_learn_own(const struct app_services *s, const struct app_message *m, uint16_t port)
{
	peer_learn_app(s, BITTORRENT_NAME, m->domain, NULL, m->dst, port, WEIR_SOURCE_ANNOUNCE);
}

void peer_learn_sender(const struct app_services *s, const struct app_message *m, uint16_t port,
		       enum weir_source source)
{
	bool forged = m->proto != IPPROTO_TCP && source != WEIR_SOURCE_LSD;

	peer_learn_app(s, BITTORRENT_NAME, m->domain, forged ? m->dst : NULL, m->src, port, source);
}

bool peer_is_third_party(const struct app_message *m, const uint32_t peer[4], uint16_t port)
{
	/* A tracker that names itself would have its next answer identified as a peer's; a client
	 * that is named to itself learns nothing. */
	if (memcmp(peer, m->src, sizeof(m->src)) == 0 && port == m->sport)
		return false;
	return memcmp(peer, m->dst, sizeof(m->dst)) != 0;
}

void peer_learn_named(const struct app_services *s, const struct app_message *m,
		      const uint32_t peer[4], uint16_t port, enum weir_source source)
{
	if (peer_is_third_party(m, peer, port))
		peer_learn_app(s, BITTORRENT_NAME, m->domain, m->dst, peer, port, source);
}

void peer_learn_compact(const struct app_services *s, const struct app_message *m,
			const uint8_t *entry, size_t size, enum weir_source source)
{
	uint32_t addr[4], v4;

	if (size == 6) {
		memcpy(&v4, entry, sizeof(v4));
		address_from_v4(addr, v4);
	} else {
		memcpy(addr, entry, sizeof(addr));
	}
	peer_learn_named(s, m, addr, (uint16_t)(entry[size - 2] << 8 | entry[size - 1]), source);
}

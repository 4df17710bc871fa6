/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets inside packets: IP in IP, GRE, VXLAN, GTP-U, Teredo. No state; every length is checked.
 */
#ifndef WEIR_PACKET_TUNNEL_H
#define WEIR_PACKET_TUNNEL_H

#include "packet/packet.h"

/* X(enumerator, "label", "source") */
#define PACKET_TUNNELS(X)                                                                          \
	X(NONE, "none", "no tunnel")                                                               \
	X(IPIP, "ipip", "IPv4 in IPv4, RFC 2003")                                                  \
	X(6IN4, "6in4", "IPv6 in IPv4, RFC 4213")                                                  \
	X(4IN6, "4in6", "IPv4 in IPv6, RFC 2473")                                                  \
	X(6IN6, "6in6", "IPv6 in IPv6, RFC 2473")                                                  \
	X(GRE, "gre", "RFC 2784, RFC 2890, RFC 7637 (NVGRE), ERSPAN I and II")                     \
	X(VXLAN, "vxlan", "RFC 7348")                                                              \
	X(GTP, "gtp", "GTP-U, 3GPP TS 29.281")                                                     \
	X(TEREDO, "teredo", "RFC 4380")

enum packet_tunnel {
#define X(id, name, source) PACKET_TUNNEL_##id,
	PACKET_TUNNELS(X)
#undef X
		PACKET_TUNNEL_COUNT,
};

const char *packet_tunnel_name(enum packet_tunnel t);
/* Tunnel type of p by its IP protocol; NONE for tunnels over UDP, which only the payload
 * identifies. */
enum packet_tunnel packet_tunnel_by_protocol(const struct packet *p);
/*
 * Decodes the packet inside p, which decoded as PACKET_OK and is a packet of tunnel t; *inner
 * points into p's frame. *id: the GRE key, VXLAN network or GTP endpoint identifier, host order, 0
 * if it has none. PACKET_NOT_IP also if nothing is inside (control messages, keep-alives, other
 * protocols); PACKET_MALFORMED if the tunnel header is invalid.
 */
enum packet_status packet_decode_inner(const struct packet *p, enum packet_tunnel t,
				       struct packet *inner, uint32_t *id);

#endif

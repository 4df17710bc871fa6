/* SPDX-License-Identifier: GPL-2.0-only */
/* Unaligned big-endian access, and constants of link and IP headers. Private to user/packet. */
#ifndef WEIR_PACKET_WIRE_H
#define WEIR_PACKET_WIRE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_ETH_BYTES	    14
#define WIRE_VLAN_BYTES	    4
#define WIRE_PPPOE_BYTES    6 /* RFC 2516 */
#define WIRE_IPV4_BYTES	    20
#define WIRE_IPV6_BYTES	    40
#define WIRE_TCP_BYTES	    20
#define WIRE_UDP_BYTES	    8
#define WIRE_ICMP_BYTES	    8
#define WIRE_FRAGMENT_BYTES 8

#define WIRE_TYPE_IPV4	0x0800
#define WIRE_TYPE_IPV6	0x86dd
#define WIRE_TYPE_VLAN	0x8100
#define WIRE_TYPE_QINQ	0x88a8
#define WIRE_TYPE_PPPOE 0x8864
#define WIRE_PPP_IPV4	0x0021
#define WIRE_PPP_IPV6	0x0057

static inline uint16_t wire_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t wire_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void wire_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void wire_put32(uint8_t *p, uint32_t v)
{
	wire_put16(p, (uint16_t)(v >> 16));
	wire_put16(p + 2, (uint16_t)v);
}

/* Whether proto is an IPv6 extension header (RFC 8200, 4; RFC 4302; RFC 6275). */
static inline bool wire_is_extension(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
		return true;
	default:
		return false;
	}
}

/* Length of the extension header at h, bytes; the first two must be readable. */
static inline size_t wire_extension_bytes(uint8_t proto, const uint8_t *h)
{
	if (proto == IPPROTO_FRAGMENT)
		return WIRE_FRAGMENT_BYTES;
	if (proto == IPPROTO_AH)
		return ((size_t)h[1] + 2) * 4;
	return ((size_t)h[1] + 1) * 8;
}

#endif

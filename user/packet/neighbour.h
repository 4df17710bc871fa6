/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages that bind link-layer addresses to IP addresses: ARP (RFC 826, RFC 5227) and IPv6
 * neighbour discovery (RFC 4861). No state; every length is checked. */
#ifndef WEIR_PACKET_NEIGHBOUR_H
#define WEIR_PACKET_NEIGHBOUR_H

#include "packet/packet.h"

/* X(enumerator, "label", "help") */
#define NEIGHBOUR_KINDS(X)                                                                         \
	X(ARP_REQUEST, "arp-request", "ARP: who has target?")                                      \
	X(ARP_REPLY, "arp-reply", "ARP: sender's address")                                         \
	X(ROUTER_SOLICIT, "router-solicitation", "RFC 4861, 4.1")                                  \
	X(ROUTER_ADVERT, "router-advertisement", "RFC 4861, 4.2")                                  \
	X(SOLICIT, "neighbour-solicitation", "RFC 4861, 4.3")                                      \
	X(ADVERT, "neighbour-advertisement", "RFC 4861, 4.4")                                      \
	X(REDIRECT, "redirect", "RFC 4861, 4.5")

enum neighbour_kind {
#define X(id, name, help) NEIGHBOUR_##id,
	NEIGHBOUR_KINDS(X)
#undef X
		NEIGHBOUR_KIND_COUNT,
};

struct neighbour {
	enum neighbour_kind kind;
	uint8_t frame_src[6]; /* addresses of the Ethernet header */
	uint8_t frame_dst[6];
	__be16 vlan[WEIR_VLAN_TAGS_MAX];
	uint8_t vlan_count;
	/*
	 * Network order, v4-mapped. sender: ARP's sender protocol address (zero in a probe, RFC
	 * 5227), or the IPv6 source (:: while an address is being tested). target: the address in
	 * question; in a redirect the better next hop; :: in router messages.
	 */
	uint32_t sender[4];
	uint32_t target[4];
	uint32_t destination[4]; /* redirect: the destination it applies to */
	/* Link-layer addresses in the message, which may differ from those of the frame. */
	bool has_sender_mac, has_target_mac;
	uint8_t sender_mac[6]; /* ARP sender; the source link-layer address option */
	uint8_t target_mac[6]; /* ARP target in a reply; the target link-layer address option */
	bool router, solicited, override; /* flags of a neighbour advertisement */
	uint16_t router_lifetime_seconds; /* router advertisement; 0 = not a default router */
};

/*
 * Decodes an Ethernet frame. 0; -ENOMSG: neither ARP nor neighbour discovery; -EBADMSG: invalid by
 * RFC 826 or the checks of RFC 4861 (6.1, 7.1, 8.1): lengths, hop limit, code, checksum, addresses,
 * options.
 */
int neighbour_decode(const uint8_t *frame, size_t len, struct neighbour *out);
const char *neighbour_kind_name(enum neighbour_kind k);

#endif

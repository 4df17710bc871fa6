// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "packet/neighbour.h"
#include "packet/wire.h"
#include "util/util.h"

#define WIRE_TYPE_ARP 0x0806

#define ARP_BYTES    28 /* for Ethernet and IPv4 */
#define ARP_ETHERNET 1
#define ARP_REQUEST  1
#define ARP_REPLY    2

#define ND_HOP_LIMIT 255
#define ND_FIRST     133 /* router solicitation .. redirect */
#define ND_LAST	     137

#define OPTION_SOURCE_MAC 1
#define OPTION_TARGET_MAC 2

/* Flags of a neighbour advertisement. */
#define ADVERT_ROUTER	 0x80
#define ADVERT_SOLICITED 0x40
#define ADVERT_OVERRIDE	 0x20

const char *neighbour_kind_name(enum neighbour_kind k)
{
	static const char *const names[] = {
#define X(id, name, help) [NEIGHBOUR_##id] = name,
		NEIGHBOUR_KINDS(X)
#undef X
	};

	return k < NEIGHBOUR_KIND_COUNT ? names[k] : "?";
}

static void read_v4(const uint8_t *from, uint32_t to[4])
{
	uint32_t word;

	memcpy(&word, from, 4);
	address_from_v4(to, word);
}

static bool is_group(const uint8_t mac[6])
{
	return mac[0] & 1;
}

static int decode_arp(const uint8_t *h, size_t len, struct neighbour *out)
{
	uint16_t operation;

	if (len < 8)
		return -EBADMSG;
	if (wire_get16(h) != ARP_ETHERNET || wire_get16(h + 2) != WIRE_TYPE_IPV4)
		return -ENOMSG;
	if (h[4] != 6 || h[5] != 4 || len < ARP_BYTES)
		return -EBADMSG;
	operation = wire_get16(h + 6);
	if (operation != ARP_REQUEST && operation != ARP_REPLY)
		return -ENOMSG;
	out->kind = operation == ARP_REQUEST ? NEIGHBOUR_ARP_REQUEST : NEIGHBOUR_ARP_REPLY;
	/* RFC 1812, 3.3.2: a reply that claims a group address must not be believed. */
	if (is_group(h + 8))
		return -EBADMSG;
	memcpy(out->sender_mac, h + 8, 6);
	out->has_sender_mac = true;
	read_v4(h + 14, out->sender);
	read_v4(h + 24, out->target);
	if (operation == ARP_REPLY) {
		memcpy(out->target_mac, h + 18, 6);
		out->has_target_mac = true;
	}
	return 0;
}

/* Hosts ignore fragmented messages (RFC 6980, 5), so they are ignored here too. */
static bool is_discovery(const struct packet *p)
{
	return p->ip_version == 6 && p->proto == IPPROTO_ICMPV6 && p->icmp_type >= ND_FIRST &&
	       p->icmp_type <= ND_LAST;
}

static bool is_multicast(const uint8_t addr[16])
{
	return addr[0] == 0xff;
}

static bool is_unspecified(const uint8_t addr[16])
{
	static const uint8_t none[16];

	return memcmp(addr, none, 16) == 0;
}

static bool is_link_local(const uint8_t addr[16])
{
	return addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

static int note_mac(const uint8_t *from, bool *has, uint8_t to[6])
{
	if (is_group(from))
		return -EBADMSG;
	if (!*has)
		memcpy(to, from, 6);
	*has = true;
	return 0;
}

/* RFC 4861, 4.6: type, length in units of eight bytes, which is never 0. */
static int decode_options(const uint8_t *at, size_t len, struct neighbour *out)
{
	int err = 0;

	while (len > 0 && err == 0) {
		size_t size = len >= 2 ? (size_t)at[1] * 8 : 0;

		if (size == 0 || size > len)
			return -EBADMSG;
		if (at[0] == OPTION_SOURCE_MAC)
			err = note_mac(at + 2, &out->has_sender_mac, out->sender_mac);
		else if (at[0] == OPTION_TARGET_MAC)
			err = note_mac(at + 2, &out->has_target_mac, out->target_mac);
		at += size;
		len -= size;
	}
	return err;
}

/* Checks the source and destination addresses that the message type requires. */
static bool addresses_fit(const struct neighbour *n, const uint8_t *src, const uint8_t *dst,
			  const uint8_t *h)
{
	switch (n->kind) {
	case NEIGHBOUR_ROUTER_SOLICIT:
		return !(is_unspecified(src) && n->has_sender_mac);
	case NEIGHBOUR_ROUTER_ADVERT:
		return is_link_local(src);
	case NEIGHBOUR_SOLICIT:
		if (is_multicast(h + 8))
			return false;
		/* Duplicate address detection: to the solicited-node group, without the option. */
		return !is_unspecified(src) ||
		       (is_multicast(dst) && dst[11] == 1 && dst[12] == 0xff && !n->has_sender_mac);
	case NEIGHBOUR_ADVERT:
		return !is_multicast(h + 8) && !(is_multicast(dst) && n->solicited);
	case NEIGHBOUR_REDIRECT:
		return is_link_local(src) && !is_multicast(h + 24) &&
		       (is_link_local(h + 8) || memcmp(h + 8, h + 24, 16) == 0);
	default:
		return false;
	}
}

/* Length of each message before its options, bytes. */
static const uint8_t fixed_bytes[NEIGHBOUR_KIND_COUNT] = {
	[NEIGHBOUR_ROUTER_SOLICIT] = 8, [NEIGHBOUR_ROUTER_ADVERT] = 16, [NEIGHBOUR_SOLICIT] = 24,
	[NEIGHBOUR_ADVERT] = 24,	[NEIGHBOUR_REDIRECT] = 40,
};

static void read_fixed(const uint8_t *h, struct neighbour *out)
{
	if (out->kind == NEIGHBOUR_ROUTER_ADVERT)
		out->router_lifetime_seconds = wire_get16(h + 6);
	if (out->kind == NEIGHBOUR_SOLICIT || out->kind == NEIGHBOUR_ADVERT ||
	    out->kind == NEIGHBOUR_REDIRECT)
		memcpy(out->target, h + 8, 16);
	if (out->kind == NEIGHBOUR_REDIRECT)
		memcpy(out->destination, h + 24, 16);
	if (out->kind == NEIGHBOUR_ADVERT) {
		out->router = h[4] & ADVERT_ROUTER;
		out->solicited = h[4] & ADVERT_SOLICITED;
		out->override = h[4] & ADVERT_OVERRIDE;
	}
}

static int decode_discovery(const struct packet *p, struct neighbour *out)
{
	const uint8_t *ip = p->frame + p->l3;
	const uint8_t *h = p->frame + p->l4;
	size_t fixed;
	int err;

	out->kind = NEIGHBOUR_ROUTER_SOLICIT + (p->icmp_type - ND_FIRST);
	fixed = fixed_bytes[out->kind];
	if (ip[7] != ND_HOP_LIMIT || h[1] != 0 || p->l4_len < fixed ||
	    packet_checksum(p) != PACKET_CHECKSUM_OK)
		return -EBADMSG;
	memcpy(out->sender, ip + 8, 16);
	read_fixed(h, out);
	err = decode_options(h + fixed, p->l4_len - fixed, out);
	if (err == 0 && !addresses_fit(out, ip + 8, ip + 24, h))
		err = -EBADMSG;
	return err;
}

int neighbour_decode(const uint8_t *frame, size_t len, struct neighbour *out)
{
	struct neighbour n = {0};
	struct packet p;
	enum packet_status status = packet_decode(frame, len, PACKET_LINK_ETHERNET, &p);
	int err = -ENOMSG;

	if (len < WIRE_ETH_BYTES)
		return -ENOMSG;
	memcpy(n.frame_dst, frame, 6);
	memcpy(n.frame_src, frame + 6, 6);
	memcpy(n.vlan, p.key.vlan, sizeof(n.vlan));
	n.vlan_count = p.vlan_count;
	if (status == PACKET_NOT_IP && p.l3 >= WIRE_ETH_BYTES &&
	    wire_get16(frame + p.l3 - 2) == WIRE_TYPE_ARP)
		err = decode_arp(frame + p.l3, len - p.l3, &n);
	else if (status == PACKET_OK && is_discovery(&p))
		err = decode_discovery(&p, &n);
	if (err == 0)
		*out = n;
	return err;
}

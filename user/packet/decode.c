// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "packet/packet.h"
#include "packet/wire.h"
#include "util/util.h"

/* Extension headers that are parsed at most; the gate has the same limit. */
#define EXTENSIONS_MAX 8

#define ICMP_ECHO_REPLY	    0
#define ICMP_ECHO_REQUEST   8
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY   129
#define QUOTE_BYTES	    8 /* bytes of a transport header in an ICMP error (RFC 792) */

/* Decoder state. `at` moves towards `end`; [0, have) is what the frame contains, which for a
 * truncated frame ends before the packet does. */
struct cursor {
	const uint8_t *frame;
	size_t at;
	size_t have;
	size_t end;
	struct packet *out;
	bool quote; /* the packet is a quotation, which its sender truncated */
};

/* Status of a header of n bytes at the cursor: within the frame, beyond the bytes present, or
 * beyond the packet. */
static enum packet_status need(const struct cursor *c, size_t n)
{
	if (c->end - c->at < n)
		return PACKET_MALFORMED;
	if (c->have < c->at || c->have - c->at < n)
		return PACKET_TRUNCATED;
	return PACKET_OK;
}

static enum packet_status decode_tcp(struct cursor *c)
{
	const uint8_t *h = c->frame + c->at;
	struct packet *p = c->out;
	enum packet_status status = need(c, WIRE_TCP_BYTES);
	size_t header;

	if (status != PACKET_OK)
		return status;
	header = (size_t)(h[12] >> 4) * 4;
	if (header < WIRE_TCP_BYTES)
		return PACKET_MALFORMED;
	status = need(c, header);
	if (status != PACKET_OK)
		return status;
	memcpy(&p->key.port[0], h, 2);
	memcpy(&p->key.port[1], h + 2, 2);
	p->seq = wire_get32(h + 4);
	p->ack = wire_get32(h + 8);
	p->tcp_flags = h[13];
	c->at += header;
	return PACKET_OK;
}

static enum packet_status decode_udp(struct cursor *c)
{
	const uint8_t *h = c->frame + c->at;
	enum packet_status status = need(c, WIRE_UDP_BYTES);
	size_t len;

	if (status != PACKET_OK)
		return status;
	len = wire_get16(h + 4);
	if (len < WIRE_UDP_BYTES || len > c->end - c->at)
		return PACKET_MALFORMED;
	memcpy(&c->out->key.port[0], h, 2);
	memcpy(&c->out->key.port[1], h + 2, 2);
	c->end = c->at + len;
	c->at += WIRE_UDP_BYTES;
	return PACKET_OK;
}

static bool is_echo(uint8_t proto, uint8_t type)
{
	if (proto == IPPROTO_ICMP)
		return type == ICMP_ECHO_REQUEST || type == ICMP_ECHO_REPLY;
	return type == ICMPV6_ECHO_REQUEST || type == ICMPV6_ECHO_REPLY;
}

/* RFC 792, RFC 4443. Messages other than echo may be as short as type, code and checksum. */
static enum packet_status decode_icmp(struct cursor *c)
{
	const uint8_t *h = c->frame + c->at;
	enum packet_status status = need(c, 4);
	size_t header = c->end - c->at;

	if (status != PACKET_OK)
		return status;
	if (header > WIRE_ICMP_BYTES || is_echo(c->out->proto, h[0]))
		header = WIRE_ICMP_BYTES;
	status = need(c, header);
	if (status != PACKET_OK)
		return status;
	if (is_echo(c->out->proto, h[0])) {
		memcpy(&c->out->key.port[0], h + 4, 2);
		memcpy(&c->out->key.port[1], h + 4, 2);
	}
	c->out->icmp_type = h[0];
	c->at += header;
	return PACKET_OK;
}

/* Decodes the part of a transport header that an ICMP error quotes: only the ports. */
static enum packet_status decode_quoted_transport(struct cursor *c)
{
	const uint8_t *h = c->frame + c->at;
	struct weir_flow_key *k = &c->out->key;
	enum packet_status status = need(c, QUOTE_BYTES);

	if (status != PACKET_OK)
		return status;
	if (c->out->proto == IPPROTO_TCP || c->out->proto == IPPROTO_UDP) {
		memcpy(&k->port[0], h, 2);
		memcpy(&k->port[1], h + 2, 2);
	} else if ((c->out->proto == IPPROTO_ICMP || c->out->proto == IPPROTO_ICMPV6) &&
		   is_echo(c->out->proto, h[0])) {
		memcpy(&k->port[0], h + 4, 2);
		memcpy(&k->port[1], h + 4, 2);
	}
	c->at += QUOTE_BYTES;
	return PACKET_OK;
}

static enum packet_status decode_transport(struct cursor *c)
{
	if (c->quote)
		return decode_quoted_transport(c);
	switch (c->out->proto) {
	case IPPROTO_TCP:
		return decode_tcp(c);
	case IPPROTO_UDP:
		return decode_udp(c);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return decode_icmp(c);
	default:
		return PACKET_OK;
	}
}

/* Orders addresses and ports (so far source first) as the key requires. */
static void finish_key(struct packet *p, const uint32_t src[4], const uint32_t dst[4])
{
	struct weir_flow_key *k = &p->key;
	__be16 sport = k->port[0];
	__be16 dport = k->port[1];

	p->dir = weir_side_before(src, sport, dst, dport) ? 0 : 1;
	memcpy(k->addr[p->dir], src, sizeof(k->addr[0]));
	memcpy(k->addr[!p->dir], dst, sizeof(k->addr[0]));
	k->port[p->dir] = sport;
	k->port[!p->dir] = dport;
	k->proto = p->proto;
}

/* After the IP header: transport unless it is a fragment, then the key. */
static enum packet_status decode_rest(struct cursor *c, const uint32_t src[4],
				      const uint32_t dst[4], bool fragment)
{
	enum packet_status status = PACKET_FRAGMENT;

	c->out->l4 = (uint16_t)c->at;
	if (!fragment)
		status = decode_transport(c);
	if (status != PACKET_OK && status != PACKET_FRAGMENT)
		return status;
	c->out->payload = (uint16_t)c->at;
	c->out->l4_len = (uint32_t)(c->end - c->out->l4);
	if (c->at < c->have)
		c->out->payload_len = (uint32_t)((c->end < c->have ? c->end : c->have) - c->at);
	finish_key(c->out, src, dst);
	return status;
}

static enum packet_status decode_ipv4(struct cursor *c)
{
	const uint8_t *h = c->frame + c->at;
	uint32_t src[4];
	uint32_t dst[4];
	uint32_t word;
	size_t header;
	size_t total;

	if (c->have - c->at < WIRE_IPV4_BYTES)
		return PACKET_TRUNCATED;
	header = (size_t)(h[0] & 0x0f) * 4;
	total = wire_get16(h + 2);
	if (h[0] >> 4 != 4 || header < WIRE_IPV4_BYTES || total < header)
		return PACKET_MALFORMED;
	if (total > c->end - c->at || header > c->have - c->at)
		return PACKET_TRUNCATED;
	memcpy(&word, h + 12, 4);
	address_from_v4(src, word);
	memcpy(&word, h + 16, 4);
	address_from_v4(dst, word);
	c->out->ip_version = 4;
	c->out->proto = h[9];
	c->out->fragment_id = wire_get16(h + 4);
	c->out->fragment_offset = (uint16_t)((wire_get16(h + 6) & 0x1fff) * 8);
	c->out->fragment_more = h[6] & 0x20;
	c->end = c->at + total;
	c->at += header;
	return decode_rest(c, src, dst, wire_get16(h + 6) & 0x3fff);
}

/* Parses extension headers (RFC 8200, 4; AH: RFC 4302). A fragment header of a whole packet does
 * not make it a fragment (RFC 6946). */
static enum packet_status skip_extensions(struct cursor *c, uint8_t *proto, bool *fragment)
{
	for (int i = 0; wire_is_extension(*proto); i++) {
		const uint8_t *h = c->frame + c->at;
		enum packet_status status = need(c, 8);
		size_t len;

		if (i == EXTENSIONS_MAX)
			return PACKET_MALFORMED;
		if (status != PACKET_OK)
			return status;
		len = wire_extension_bytes(*proto, h);
		if (*proto == IPPROTO_FRAGMENT) {
			*fragment = wire_get16(h + 2) & 0xfff9;
			c->out->fragment_offset = wire_get16(h + 2) & 0xfff8;
			c->out->fragment_more = h[3] & 1;
			c->out->fragment_id = wire_get32(h + 4);
		}
		status = need(c, len);
		if (status != PACKET_OK)
			return status;
		*proto = h[0];
		c->at += len;
		if (*fragment)
			break;
	}
	return PACKET_OK;
}

static enum packet_status decode_ipv6(struct cursor *c)
{
	const uint8_t *h = c->frame + c->at;
	enum packet_status status;
	uint32_t src[4];
	uint32_t dst[4];
	bool fragment = false;
	uint8_t proto;
	size_t total;

	if (c->have - c->at < WIRE_IPV6_BYTES)
		return PACKET_TRUNCATED;
	if (h[0] >> 4 != 6)
		return PACKET_MALFORMED;
	total = WIRE_IPV6_BYTES + (size_t)wire_get16(h + 4);
	if (total > c->end - c->at)
		return PACKET_TRUNCATED;
	memcpy(src, h + 8, 16);
	memcpy(dst, h + 24, 16);
	proto = h[6];
	c->end = c->at + total;
	c->at += WIRE_IPV6_BYTES;
	status = skip_extensions(c, &proto, &fragment);
	if (status != PACKET_OK)
		return status;
	c->out->ip_version = 6;
	c->out->proto = proto;
	return decode_rest(c, src, dst, fragment);
}

/* The PPP protocol number and its length in bytes: one if compressed (RFC 1661, 6.5), else two. */
static uint16_t ppp_protocol(const uint8_t *h, size_t *bytes)
{
	*bytes = h[0] & 1 ? 1 : 2;
	return *bytes == 1 ? h[0] : wire_get16(h);
}

/* RFC 2516 session data: IP follows, or the frame counts as not IP. */
static enum packet_status decode_pppoe(struct cursor *c, uint16_t *type)
{
	const uint8_t *h = c->frame + c->at;
	size_t len, skip;
	uint16_t ppp;

	if (c->have - c->at < WIRE_PPPOE_BYTES + 2)
		return PACKET_TRUNCATED;
	ppp = ppp_protocol(h + WIRE_PPPOE_BYTES, &skip);
	if (h[0] != 0x11 || h[1] != 0)
		return PACKET_NOT_IP;
	if (ppp != WIRE_PPP_IPV4 && ppp != WIRE_PPP_IPV6)
		return PACKET_NOT_IP;
	len = wire_get16(h + 4);
	if (len < skip)
		return PACKET_MALFORMED;
	c->at += WIRE_PPPOE_BYTES;
	if (len > c->end - c->at)
		return PACKET_TRUNCATED;
	c->end = c->at + len;
	c->at += skip;
	if (c->have > c->end)
		c->have = c->end;
	c->out->key.tunnel = htons(wire_get16(h + 2));
	*type = ppp == WIRE_PPP_IPV4 ? WIRE_TYPE_IPV4 : WIRE_TYPE_IPV6;
	return PACKET_OK;
}

static enum packet_status decode_ethernet(struct cursor *c, uint16_t *type)
{
	struct packet *p = c->out;

	if (c->have < WIRE_ETH_BYTES)
		return PACKET_TRUNCATED;
	*type = wire_get16(c->frame + 12);
	c->at = WIRE_ETH_BYTES;
	while ((*type == WIRE_TYPE_VLAN || *type == WIRE_TYPE_QINQ) &&
	       p->vlan_count < WEIR_VLAN_TAGS_MAX) {
		const uint8_t *tag = c->frame + c->at;

		if (c->have - c->at < WIRE_VLAN_BYTES)
			return PACKET_TRUNCATED;
		p->key.vlan[p->vlan_count++] = htons(wire_get16(tag) & 0x0fff);
		*type = wire_get16(tag + 2);
		c->at += WIRE_VLAN_BYTES;
	}
	return *type == WIRE_TYPE_PPPOE ? decode_pppoe(c, type) : PACKET_OK;
}

static enum packet_status decode_raw(const struct cursor *c, uint16_t *type)
{
	if (c->have == 0)
		return PACKET_TRUNCATED;
	if (c->frame[0] >> 4 == 4)
		*type = WIRE_TYPE_IPV4;
	else if (c->frame[0] >> 4 == 6)
		*type = WIRE_TYPE_IPV6;
	else
		return PACKET_NOT_IP;
	return PACKET_OK;
}

enum packet_status packet_decode_cut(const uint8_t *frame, size_t len, size_t wire_len,
				     enum packet_link link, struct packet *out)
{
	struct cursor c = {.frame = frame, .have = len, .end = wire_len, .out = out};
	enum packet_status status;
	uint16_t type = 0;

	if (c.end < c.have)
		c.end = c.have;
	memset(out, 0, sizeof(*out));
	out->frame = frame;
	out->frame_len = (uint32_t)len;
	out->cut_len = (uint32_t)(c.end - c.have);
	status = link == PACKET_LINK_RAW ? decode_raw(&c, &type) : decode_ethernet(&c, &type);
	if (status != PACKET_OK)
		return status;
	out->l3 = (uint16_t)c.at;
	if (type == WIRE_TYPE_IPV4)
		return decode_ipv4(&c);
	if (type == WIRE_TYPE_IPV6)
		return decode_ipv6(&c);
	return PACKET_NOT_IP;
}

bool packet_is_icmp_error(const struct packet *p)
{
	/* RFC 792: unreachable, source quench, redirect, time exceeded, parameter problem. */
	if (p->proto == IPPROTO_ICMP && p->ip_version == 4)
		return (p->icmp_type >= 3 && p->icmp_type <= 5) || p->icmp_type == 11 ||
		       p->icmp_type == 12;
	/* RFC 4443, 2.1: errors have the high bit clear; 0 and 5 to 127 are not assigned. */
	return p->proto == IPPROTO_ICMPV6 && p->ip_version == 6 && p->icmp_type >= 1 &&
	       p->icmp_type <= 4;
}

enum packet_status packet_decode_quote(const struct packet *p, struct packet *quoted)
{
	struct cursor c = {
		.frame = p->frame,
		.at = p->payload,
		.have = (size_t)p->payload + p->payload_len,
		.end = SIZE_MAX / 2,
		.out = quoted,
		.quote = true,
	};
	enum packet_status status;

	if (!packet_is_icmp_error(p) || p->payload_len == 0)
		return PACKET_NOT_IP;
	memset(quoted, 0, sizeof(*quoted));
	quoted->frame = p->frame;
	quoted->frame_len = p->frame_len;
	quoted->key.domain = p->key.domain;
	quoted->key.tunnel = p->key.tunnel;
	memcpy(quoted->key.vlan, p->key.vlan, sizeof(quoted->key.vlan));
	quoted->l3 = p->payload;
	if (p->frame[c.at] >> 4 != (p->ip_version == 4 ? 4 : 6))
		return PACKET_NOT_IP;
	status = p->ip_version == 4 ? decode_ipv4(&c) : decode_ipv6(&c);
	quoted->payload_len = 0;
	return status;
}

enum packet_status packet_decode(const uint8_t *frame, size_t len, enum packet_link link,
				 struct packet *out)
{
	return packet_decode_cut(frame, len, len, link, out);
}

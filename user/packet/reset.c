// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "packet/checksum.h"
#include "packet/wire.h"

#define RESET_TTL 64

/* Copies everything before the IP header; towards the sender with its MAC addresses exchanged. */
static void copy_link(const struct packet *p, bool to_sender, uint16_t ip_len, uint8_t *out)
{
	size_t tagged = WIRE_ETH_BYTES + (size_t)p->vlan_count * WIRE_VLAN_BYTES;

	if (p->l3 == 0)
		return;
	memcpy(out, p->frame, p->l3);
	if (to_sender) {
		memcpy(out, p->frame + 6, 6);
		memcpy(out + 6, p->frame, 6);
	}
	if (p->l3 > tagged) /* PPPoE: its length includes the PPP protocol, of one byte or two */
		wire_put16(out + tagged + 4,
			   (uint16_t)(p->l3 - tagged - WIRE_PPPOE_BYTES + ip_len));
}

static void put_ipv4(const struct packet *p, bool to_sender, uint16_t ip_len, uint8_t *ip)
{
	const uint8_t *from = p->frame + p->l3;

	memset(ip, 0, WIRE_IPV4_BYTES);
	ip[0] = 0x45;
	wire_put16(ip + 2, ip_len);
	ip[6] = 0x40; /* do not fragment: the identification may then be zero (RFC 6864) */
	ip[8] = RESET_TTL;
	ip[9] = IPPROTO_TCP;
	memcpy(ip + 12, from + (to_sender ? 16 : 12), 4);
	memcpy(ip + 16, from + (to_sender ? 12 : 16), 4);
	wire_put16(ip + 10, (uint16_t)~checksum_fold(checksum_add(0, ip, WIRE_IPV4_BYTES)));
}

static void put_ipv6(const struct packet *p, bool to_sender, uint16_t ip_len, uint8_t *ip)
{
	const uint8_t *from = p->frame + p->l3;

	memset(ip, 0, WIRE_IPV6_BYTES);
	ip[0] = 0x60;
	wire_put16(ip + 4, (uint16_t)(ip_len - WIRE_IPV6_BYTES));
	ip[6] = IPPROTO_TCP;
	ip[7] = RESET_TTL;
	memcpy(ip + 8, from + (to_sender ? 24 : 8), 16);
	memcpy(ip + 24, from + (to_sender ? 8 : 24), 16);
}

/* Sequence space of p, including bytes that a pcap file does not contain. */
static uint32_t segment_len(const struct packet *p)
{
	uint32_t len = p->l4_len - (uint32_t)(p->payload - p->l4);

	return len + !!(p->tcp_flags & TH_SYN) + !!(p->tcp_flags & TH_FIN);
}

static void put_tcp(const struct packet *p, bool to_sender, uint8_t *tcp)
{
	const uint8_t *from = p->frame + p->l4;
	bool acks = p->tcp_flags & TH_ACK;

	memset(tcp, 0, WIRE_TCP_BYTES);
	memcpy(tcp, from + (to_sender ? 2 : 0), 2);
	memcpy(tcp + 2, from + (to_sender ? 0 : 2), 2);
	tcp[12] = WIRE_TCP_BYTES / 4 << 4;
	tcp[13] = TH_RST;
	if (to_sender && acks) {
		wire_put32(tcp + 4, p->ack);
	} else if (to_sender) {
		wire_put32(tcp + 8, p->seq + segment_len(p));
		tcp[13] |= TH_ACK;
	} else {
		wire_put32(tcp + 4, p->seq);
		/* A receiver in SYN-SENT accepts a reset only if it acknowledges the SYN. */
		if (acks) {
			wire_put32(tcp + 8, p->ack);
			tcp[13] |= TH_ACK;
		}
	}
}

int packet_make_reset(const struct packet *p, bool to_sender, uint8_t *out, size_t cap)
{
	size_t ip_header = p->ip_version == 4 ? WIRE_IPV4_BYTES : WIRE_IPV6_BYTES;
	uint16_t ip_len = (uint16_t)(ip_header + WIRE_TCP_BYTES);
	uint8_t *ip = out + p->l3;
	uint8_t *tcp = ip + ip_header;
	uint32_t sum;

	if (p->proto != IPPROTO_TCP || p->l4_len < WIRE_TCP_BYTES || p->tcp_flags & TH_RST)
		return -EPROTO;
	if (cap < (size_t)p->l3 + ip_len)
		return -ENOSPC;
	copy_link(p, to_sender, ip_len, out);
	if (p->ip_version == 4)
		put_ipv4(p, to_sender, ip_len, ip);
	else
		put_ipv6(p, to_sender, ip_len, ip);
	put_tcp(p, to_sender, tcp);
	sum = checksum_pseudo(ip, p->ip_version, IPPROTO_TCP, WIRE_TCP_BYTES);
	sum = checksum_add(sum, tcp, WIRE_TCP_BYTES);
	wire_put16(tcp + 16, (uint16_t)~checksum_fold(sum));
	return p->l3 + ip_len;
}

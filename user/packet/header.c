// SPDX-License-Identifier: GPL-2.0-only
#include "packet/header.h"

#include <netinet/in.h>

#define IPV4_HEADER 20u
#define IPV6_HEADER 40u
#define TCP_HEADER  20
#define UDP_HEADER  8
#define ICMP_HEADER 8 /* with identifier and sequence number of an echo */

static uint16_t u16_at(const uint8_t *data)
{
	return (uint16_t)(data[0] << 8 | data[1]);
}

static void read_ip(const struct packet *p, struct packet_header *out)
{
	const uint8_t *ip = p->frame + p->l3;

	out->ip = true;
	out->v6 = p->ip_version == 6;
	if (out->v6) {
		out->tos = (uint8_t)(u16_at(ip) >> 4);
		out->ttl = ip[7];
		out->ip_len = u16_at(ip + 4);
		out->ip_id = (uint32_t)(ip[1] & 15) << 16 | u16_at(ip + 2);
		return;
	}
	out->tos = ip[1];
	out->ttl = ip[8];
	out->ip_len = u16_at(ip + 2);
	out->ip_id = u16_at(ip + 4);
}

static void read_tcp(const struct packet *p, struct packet_header *out)
{
	const uint8_t *tcp = p->frame + p->l4;

	out->tcp = true;
	out->tcp_flags = p->tcp_flags;
	out->seq = p->seq;
	out->ack = p->ack;
	out->window = u16_at(tcp + 14);
	out->urgent = u16_at(tcp + 18);
}

static void read_icmp(const struct packet *p, struct packet_header *out)
{
	const uint8_t *icmp = p->frame + p->l4;

	out->icmp = true;
	out->icmp_type = icmp[0];
	out->icmp_code = icmp[1];
	out->icmp_id = u16_at(icmp + 4);
	out->icmp_seq = u16_at(icmp + 6);
}

static bool is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

void packet_header_read(const struct packet *p, enum packet_status status,
			struct packet_header *out)
{
	size_t left;

	*out = (struct packet_header){0};
	if (status != PACKET_OK && status != PACKET_FRAGMENT)
		return;
	if (p->frame_len < p->l3 + (p->ip_version == 6 ? IPV6_HEADER : IPV4_HEADER))
		return;
	read_ip(p, out);
	left = p->frame_len > p->l4 ? p->frame_len - p->l4 : 0;
	if (status != PACKET_OK)
		return;
	if (p->proto == IPPROTO_TCP && left >= TCP_HEADER)
		read_tcp(p, out);
	else if (p->proto == IPPROTO_UDP && left >= UDP_HEADER)
		out->udp_len = u16_at(p->frame + p->l4 + 4);
	else if (is_icmp(p->proto) && left >= ICMP_HEADER)
		read_icmp(p, out);
}

bool packet_header_sound(const void *bytes)
{
	static const size_t truths[] = {
		offsetof(struct packet_header, ip),
		offsetof(struct packet_header, v6),
		offsetof(struct packet_header, tcp),
		offsetof(struct packet_header, icmp),
	};

	for (size_t i = 0; i < sizeof(truths) / sizeof(truths[0]); i++)
		if (((const uint8_t *)bytes)[truths[i]] > 1)
			return false;
	return true;
}

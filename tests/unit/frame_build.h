/* SPDX-License-Identifier: GPL-2.0-only */
/* Builds sample frames for the unit tests, with a checksum of its own so that the code under test
 * is not measured against itself. */
#ifndef TESTS_UNIT_FRAME_BUILD_H
#define TESTS_UNIT_FRAME_BUILD_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FRAME_MAX  4096
#define FRAME_SYN  0x02
#define FRAME_FIN  0x01
#define FRAME_RST  0x04
#define FRAME_PUSH 0x08
#define FRAME_ACK  0x10

struct frame_spec {
	bool raw;	       /* no Ethernet header */
	uint16_t tag_type[3];  /* 0 ends; e.g. 0x8100 */
	uint16_t tag[3];       /* TCI */
	bool pppoe;	       /* session 0x1234 */
	bool narrow;	       /* with the PPP protocol in one byte */
	const char *src, *dst; /* text; IPv6 when it has a colon */
	uint8_t proto;
	uint8_t options; /* bytes of IPv4 or TCP options, a multiple of 4 */
	const uint8_t
		*chain; /* IPv6 extension headers, the last one's next header is set to proto */
	size_t chain_len;
	uint8_t chain_first;
	uint8_t icmp_type;
	uint16_t sport, dport; /* ICMP: sport is the identifier */
	uint32_t seq, ack;
	uint8_t flags;
	const void *payload;
	size_t len;
};

static inline void frame_put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void frame_put32(uint8_t *p, uint32_t v)
{
	frame_put16(p, v >> 16);
	frame_put16(p + 2, v & 0xffff);
}

/* One's complement sum over single bytes: slow and plain. */
static inline unsigned int frame_sum(unsigned int sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += i & 1 ? p[i] : (unsigned int)p[i] << 8;
		if (sum > 0xffff)
			sum = (sum & 0xffff) + 1;
	}
	return sum;
}

static inline unsigned int frame_pseudo(const uint8_t *addresses, size_t len, uint8_t proto,
					size_t l4_len)
{
	unsigned int sum = frame_sum(0, addresses, len);
	uint8_t tail[4] = {0, proto, (uint8_t)(l4_len >> 8), (uint8_t)l4_len};

	return frame_sum(sum, tail, sizeof(tail));
}

/* Transport header and payload; returns the length. The checksum field is left zero. */
static inline size_t frame_put_l4(uint8_t *p, const struct frame_spec *s, unsigned int *field)
{
	size_t header = 0;

	*field = 0;
	if (s->proto == IPPROTO_TCP) {
		bool v6 = strchr(s->src, ':');

		header = 20 + (v6 ? s->options : 0);
		memset(p, 0, header);
		memset(p + 20, 1, header - 20);
		frame_put16(p, s->sport);
		frame_put16(p + 2, s->dport);
		frame_put32(p + 4, s->seq);
		frame_put32(p + 8, s->ack);
		p[12] = (uint8_t)(header / 4 << 4);
		p[13] = s->flags;
		frame_put16(p + 14, 8192);
		*field = 16;
	} else if (s->proto == IPPROTO_UDP) {
		header = 8;
		frame_put16(p, s->sport);
		frame_put16(p + 2, s->dport);
		frame_put16(p + 4, (unsigned int)(8 + s->len));
		frame_put16(p + 6, 0);
		*field = 6;
	} else if (s->proto == IPPROTO_ICMP || s->proto == IPPROTO_ICMPV6) {
		header = 8;
		memset(p, 0, 8);
		p[0] = s->icmp_type;
		frame_put16(p + 4, s->sport);
		*field = 2;
	}
	if (s->len)
		memcpy(p + header, s->payload, s->len);
	return header + s->len;
}

static inline size_t frame_put_link(uint8_t *out, const struct frame_spec *s, bool v6,
				    size_t ip_len)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
	size_t at = sizeof(macs);

	if (s->raw)
		return 0;
	memcpy(out, macs, sizeof(macs));
	for (int i = 0; i < 3 && s->tag_type[i]; i++, at += 4) {
		frame_put16(out + at, s->tag_type[i]);
		frame_put16(out + at + 2, s->tag[i]);
	}
	if (s->pppoe) {
		frame_put16(out + at, 0x8864);
		frame_put16(out + at + 2, 0x1100);
		frame_put16(out + at + 4, 0x1234);
		frame_put16(out + at + 6, (unsigned int)(ip_len + (s->narrow ? 1 : 2)));
		frame_put16(out + at + 8, v6 ? 0x57 : 0x21);
		if (s->narrow)
			out[at + 8] = out[at + 9];
		return at + (s->narrow ? 9 : 10);
	}
	frame_put16(out + at, v6 ? 0x86dd : 0x0800);
	return at + 2;
}

static inline void frame_put_v4(uint8_t *ip, const struct frame_spec *s, size_t header,
				size_t ip_len)
{
	memset(ip, 0, header);
	memset(ip + 20, 1, header - 20);
	ip[0] = (uint8_t)(0x40 | header / 4);
	frame_put16(ip + 2, (unsigned int)ip_len);
	ip[8] = 64;
	ip[9] = s->proto;
	inet_pton(AF_INET, s->src, ip + 12);
	inet_pton(AF_INET, s->dst, ip + 16);
	frame_put16(ip + 10, ~frame_sum(0, ip, header) & 0xffff);
}

static inline void frame_put_v6(uint8_t *ip, const struct frame_spec *s, size_t ip_len)
{
	memset(ip, 0, 40);
	ip[0] = 0x60;
	frame_put16(ip + 4, (unsigned int)(ip_len - 40));
	ip[6] = s->chain_len ? s->chain_first : s->proto;
	ip[7] = 64;
	inet_pton(AF_INET6, s->src, ip + 8);
	inet_pton(AF_INET6, s->dst, ip + 24);
	if (s->chain_len)
		memcpy(ip + 40, s->chain, s->chain_len);
}

/* Returns the frame's length; out holds FRAME_MAX bytes. */
static inline size_t frame_build(uint8_t *out, const struct frame_spec *s)
{
	bool v6 = strchr(s->src, ':');
	size_t header = v6 ? 40 + s->chain_len : 20u + (s->proto == IPPROTO_TCP ? s->options : 0);
	uint8_t l4[FRAME_MAX];
	unsigned int field;
	size_t l4_len = frame_put_l4(l4, s, &field);
	size_t link = frame_put_link(out, s, v6, header + l4_len);
	uint8_t *ip = out + link;
	unsigned int sum = 0;

	if (v6)
		frame_put_v6(ip, s, header + l4_len);
	else
		frame_put_v4(ip, s, header, header + l4_len);
	if (s->proto != IPPROTO_ICMP)
		sum = frame_pseudo(ip + (v6 ? 8 : 12), v6 ? 32 : 8, s->proto, l4_len);
	if (field)
		frame_put16(l4 + field, ~frame_sum(sum, l4, l4_len) & 0xffff);
	memcpy(ip + header, l4, l4_len);
	return link + header + l4_len;
}

#endif

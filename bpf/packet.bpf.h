/* SPDX-License-Identifier: GPL-2.0-only */
/* One frame, read once: link layer, IP with its options and extension headers, transport. */
#ifndef WEIR_PACKET_BPF_H
#define WEIR_PACKET_BPF_H

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "link.bpf.h"

static __always_inline int packet_tcp(struct packet *p, void *data, void *end, __u32 off, __u32 len,
				      __be16 port[2])
{
	const struct tcphdr *tcp = data + off;
	__u32 header;

	if (len < sizeof(*tcp))
		return WEIR_REASON_DROP_MALFORMED;
	if ((void *)(tcp + 1) > end)
		return packet_cut(p, off + sizeof(*tcp));
	header = tcp->doff * 4;
	if (header < sizeof(*tcp) || header > len)
		return WEIR_REASON_DROP_MALFORMED;
	port[0] = tcp->source;
	port[1] = tcp->dest;
	p->seq = bpf_ntohl(tcp->seq);
	p->tcp_flags = ((const __u8 *)tcp)[13];
	p->headers = off + header;
	p->payload = len - header;
	return PACKET_FLOW;
}

static __always_inline int packet_udp(struct packet *p, void *data, void *end, __u32 off, __u32 len,
				      __be16 port[2])
{
	const struct udphdr *udp = data + off;
	__u32 total;

	if (len < sizeof(*udp))
		return WEIR_REASON_DROP_MALFORMED;
	if ((void *)(udp + 1) > end)
		return packet_cut(p, off + sizeof(*udp));
	total = bpf_ntohs(udp->len);
	if (total < sizeof(*udp) || (total > len && !p->part))
		return WEIR_REASON_DROP_MALFORMED;
	port[0] = udp->source;
	port[1] = udp->dest;
	p->headers = off + sizeof(*udp);
	p->payload = total - sizeof(*udp);
	return PACKET_FLOW;
}

/* ICMP messages that belong to the network rather than to a flow (RFC 792, 1256). */
static __always_inline bool packet_icmp4_control(__u8 type)
{
	return (type >= 3 && type <= 5) || (type >= 9 && type <= 12);
}

/* RFC 4443 (errors are below 128), 2710, 4861, 3122, 3810, 3971, 4286. */
static __always_inline bool packet_icmp6_control(__u8 type)
{
	return type < 128 || (type >= 130 && type <= 137) || (type >= 141 && type <= 143) ||
	       (type >= 148 && type <= 149) || (type >= 151 && type <= 153);
}

/* RFC 792, RFC 4443: errors quote the packet that they are about. Echo tells flows apart by its id.
 */
static __always_inline bool packet_icmp_is_error(__u8 proto, __u8 type)
{
	if (proto == IPPROTO_ICMP)
		return (type >= 3 && type <= 5) || type == 11 || type == 12;
	return type >= 1 && type <= 4;
}

static __always_inline bool packet_is_icmp(__u8 proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

static __always_inline bool packet_icmp_is_echo(__u8 proto, __u8 type)
{
	return proto == IPPROTO_ICMP ? type == 0 || type == 8 : type == 128 || type == 129;
}

/* Returns PACKET_RARE for an error, of which it depends what it quotes. */
static __always_inline int packet_icmp(struct packet *p, void *data, void *end, __u32 off,
				       __u32 len, __be16 port[2])
{
	const __u8 *type = data + off;

	if (len < 4)
		return WEIR_REASON_DROP_MALFORMED;
	if (data + off + 4 > end)
		return packet_cut(p, off + 4);
	p->seq = type[0] << 8 | type[1];
	if (packet_icmp_is_error(p->key.proto, *type))
		return p->part ? WEIR_REASON_STACK_CONTROL : PACKET_RARE;
	if (p->key.proto == IPPROTO_ICMP ? packet_icmp4_control(*type)
					 : packet_icmp6_control(*type))
		return WEIR_REASON_STACK_CONTROL;
	if (!packet_icmp_is_echo(p->key.proto, *type))
		return PACKET_FLOW;
	if (len < 8)
		return WEIR_REASON_DROP_MALFORMED;
	if (data + off + 8 > end)
		return packet_cut(p, off + 8);
	port[0] = port[1] = ((const __be16 *)type)[2];
	return PACKET_FLOW;
}

/* An offset found to be at most PACKET_OFFSET_MAX. Linux 6.1 loses the bound on paths that cannot
 * happen, or compares a copy; the mask changes nothing. */
static __always_inline __u32 packet_bounded(__u32 off)
{
	asm volatile("" : "+r"(off));
	return off & PACKET_OFFSET_MAX;
}

/* The header at off, `len` bytes to the end of the IP packet. */
static __always_inline int packet_transport(struct packet *p, void *data, void *end, __u32 off,
					    __u32 len, __be16 port[2])
{
	if (off > PACKET_OFFSET_MAX)
		return WEIR_REASON_DROP_MALFORMED;
	off = packet_bounded(off);
	p->headers = off;
	p->payload = len;
	switch (p->key.proto) {
	case IPPROTO_TCP:
		return packet_tcp(p, data, end, off, len, port);
	case IPPROTO_UDP:
		return packet_udp(p, data, end, off, len, port);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return packet_icmp(p, data, end, off, len, port);
	}
	return PACKET_FLOW;
}

static __always_inline void packet_sides(struct packet *p, const __u32 src[4], const __u32 dst[4],
					 const __be16 port[2])
{
	if (weir_side_before(src, port[0], dst, port[1])) {
		__builtin_memcpy(p->key.addr[0], src, 16);
		__builtin_memcpy(p->key.addr[1], dst, 16);
		p->key.port[0] = port[0];
		p->key.port[1] = port[1];
		p->dir = 0;
	} else {
		__builtin_memcpy(p->key.addr[0], dst, 16);
		__builtin_memcpy(p->key.addr[1], src, 16);
		p->key.port[0] = port[1];
		p->key.port[1] = port[0];
		p->dir = 1;
	}
}

/* A fragment without a transport header: `len` bytes from `off` on. */
static __always_inline int packet_later(struct packet *p, __u32 off, __u32 len)
{
	p->headers = off;
	p->payload = len;
	if ((p->part & PACKET_PART_OFFSET) + len > PACKET_DATAGRAM_MAX)
		return WEIR_REASON_DROP_MALFORMED;
	return PACKET_FLOW;
}

static __always_inline int packet_ipv4(struct packet *p, void *data, void *end, __u32 off)
{
	const struct iphdr *ip = data + off;
	__u32 header, total, part;
	__be16 port[2] = {};
	int r;

	if ((void *)(ip + 1) > end)
		return packet_cut(p, off + sizeof(*ip));
	header = ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len);
	if (!total && p->merged)
		total = p->len - off;
	if (ip->version != 4 || header < sizeof(*ip) || total < header || off + total > p->len)
		return WEIR_REASON_DROP_MALFORMED;
	part = bpf_ntohs(ip->frag_off);
	p->part = part << 3 | (part >> 13 & PACKET_PART_MORE);
	p->datagram = bpf_ntohs(ip->id);
	p->key.proto = ip->protocol;
	if (unlikely(p->part & PACKET_PART_OFFSET))
		r = packet_later(p, off + header, total - header);
	else
		r = packet_transport(p, data, end, off + header, total - header, port);
	if (r == PACKET_FLOW) {
		__u32 src[4] = {0, 0, bpf_htonl(0xffff), ip->saddr};
		__u32 dst[4] = {0, 0, bpf_htonl(0xffff), ip->daddr};

		packet_sides(p, src, dst, port);
	}
	return r;
}

static __always_inline bool packet_is_extension(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT ||
	       next == IPPROTO_AH || next == IPPROTO_DSTOPTS || next == IPPROTO_MH;
}

/*
 * Walks the extension headers (RFC 8200, 4; AH: RFC 4302) from off to at most limit, the end of the
 * packet, and leaves the transport's protocol in the key and its offset in headers. A chain that is
 * longer than any real one, or not whole in the first fragment (RFC 7112), is malformed.
 */
static __noinline int packet_extensions(struct packet *p, void *data, void *end, __u32 off,
					__u32 limit)
{
	for (int i = 0; i < PACKET_EXTENSIONS_MAX; i++) {
		const __u8 *ext;
		__u32 size;
		__u8 next;

		if (off > PACKET_OFFSET_MAX || off + 8 > limit)
			return WEIR_REASON_DROP_MALFORMED;
		ext = data + off;
		if ((void *)(ext + 8) > end)
			return packet_cut(p, off + 8);
		next = ext[0];
		size = 8 * (ext[1] + 1);
		if (p->key.proto == IPPROTO_AH)
			size = 4 * (ext[1] + 2);
		if (p->key.proto == IPPROTO_FRAGMENT) {
			__u32 part = bpf_ntohs(*(const __be16 *)(ext + 2));

			size = 8;
			p->part |= part & (PACKET_PART_OFFSET | PACKET_PART_MORE);
			p->datagram = bpf_ntohl(*(const __be32 *)(ext + 4));
		}
		off += size;
		if (off > limit)
			return WEIR_REASON_DROP_MALFORMED;
		p->key.proto = next;
		p->headers = off;
		if (!packet_is_extension(next) || p->part & PACKET_PART_OFFSET)
			return PACKET_FLOW;
	}
	return WEIR_REASON_DROP_MALFORMED;
}

static __always_inline int packet_ipv6(struct packet *p, void *data, void *end, __u32 off,
				       enum packet_depth depth)
{
	const struct ipv6hdr *ip = data + off;
	__be16 port[2] = {};
	__u32 limit;
	int r;

	if ((void *)(ip + 1) > end)
		return packet_cut(p, off + sizeof(*ip));
	limit = off + sizeof(*ip) + bpf_ntohs(ip->payload_len);
	if (!ip->payload_len && p->merged)
		limit = p->len;
	if (ip->version != 6 || limit > p->len)
		return WEIR_REASON_DROP_MALFORMED;
	p->part = 0;
	p->key.proto = ip->nexthdr;
	p->headers = off + sizeof(*ip);
	if (unlikely(packet_is_extension(ip->nexthdr))) {
		if (depth == PACKET_COMMON)
			return PACKET_RARE;
		r = packet_extensions(p, data, end, off + sizeof(*ip), limit);
		if (r != PACKET_FLOW)
			return r;
	}
	if (unlikely(p->part & PACKET_PART_OFFSET))
		r = packet_later(p, p->headers, limit - p->headers);
	else
		r = packet_transport(p, data, end, p->headers, limit - p->headers, port);
	if (r == PACKET_FLOW)
		packet_sides(p, ip->saddr.in6_u.u6_addr32, ip->daddr.in6_u.u6_addr32, port);
	return r;
}

/* ::ffff:a.b.c.d, by words: a constant to copy from would be a map of its own (.rodata). */
static __always_inline void packet_mapped(__u32 addr[4], __u32 ipv4)
{
	addr[0] = addr[1] = 0;
	addr[2] = bpf_htonl(0xffff);
	addr[3] = ipv4;
}

#define PACKET_QUOTED_BYTES 8 /* of the transport header, at least */

/*
 * The transport header that an ICMP error quotes, at p->headers with `limit` the end of the quote,
 * and the addresses before it: leaves the key of their flow and the direction of the error, which
 * goes against the packet's.
 */
static __always_inline int packet_quoted_flow(struct packet *p, void *data, void *end, __u32 limit,
					      const __u32 src[4], const __u32 dst[4])
{
	__u32 off = p->headers;
	const __be16 *word;
	__be16 port[2] = {};

	if (off + PACKET_QUOTED_BYTES > limit || off > PACKET_OFFSET_MAX)
		return WEIR_REASON_STACK_CONTROL;
	off = packet_bounded(off);
	word = data + off;
	if ((void *)word + PACKET_QUOTED_BYTES > end)
		return PACKET_SHORT;
	if (p->key.proto == IPPROTO_TCP || p->key.proto == IPPROTO_UDP) {
		port[0] = word[0];
		port[1] = word[1];
	} else if ((p->key.proto == IPPROTO_ICMP || p->key.proto == IPPROTO_ICMPV6) &&
		   packet_icmp_is_echo(p->key.proto, *(const __u8 *)word)) {
		port[0] = port[1] = word[2];
	}
	packet_sides(p, src, dst, port);
	p->dir ^= 1;
	return PACKET_QUOTE;
}

static __always_inline int packet_quoted_ipv4(struct packet *p, void *data, void *end, __u32 off,
					      __u32 limit)
{
	const struct iphdr *ip = data + off;
	__u32 src[4], dst[4];

	if ((void *)(ip + 1) > end)
		return PACKET_SHORT;
	if (ip->version != 4 || ip->ihl < 5 || ip->frag_off & bpf_htons(0x1fff))
		return WEIR_REASON_STACK_CONTROL;
	packet_mapped(src, ip->saddr);
	packet_mapped(dst, ip->daddr);
	p->key.proto = ip->protocol;
	p->headers = off + ip->ihl * 4;
	return packet_quoted_flow(p, data, end, limit, src, dst);
}

static __always_inline int packet_quoted_ipv6(struct packet *p, void *data, void *end, __u32 off,
					      __u32 limit)
{
	const struct ipv6hdr *ip = data + off;
	bool later;
	int r;

	if ((void *)(ip + 1) > end)
		return PACKET_SHORT;
	if (ip->version != 6)
		return WEIR_REASON_STACK_CONTROL;
	p->key.proto = ip->nexthdr;
	p->headers = off + sizeof(*ip);
	if (packet_is_extension(ip->nexthdr)) {
		r = packet_extensions(p, data, end, off + sizeof(*ip), limit);
		later = p->part & PACKET_PART_OFFSET;
		p->part = 0;
		if (r != PACKET_FLOW || later)
			return r == PACKET_SHORT ? r : WEIR_REASON_STACK_CONTROL;
	}
	return packet_quoted_flow(p, data, end, limit, ip->saddr.in6_u.u6_addr32,
				  ip->daddr.in6_u.u6_addr32);
}

/*
 * What an ICMP error at p->headers quotes. A quote is cut short at the sender's will, so one that
 * cannot be read makes nothing malformed: PACKET_QUOTE with the flow's key, or STACK_CONTROL.
 */
static __noinline int packet_quoted(struct packet *p, void *data, void *end)
{
	__u32 off = p->headers + 8, limit = p->headers + p->payload;
	bool v4 = p->key.proto == IPPROTO_ICMP;

	if (off + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) > limit ||
	    off > PACKET_OFFSET_MAX)
		return WEIR_REASON_STACK_CONTROL;
	off = packet_bounded(off);
	return v4 ? packet_quoted_ipv4(p, data, end, off, limit)
		  : packet_quoted_ipv6(p, data, end, off, limit);
}

/*
 * Reads a frame that arrived on a port of this domain and bridge address. p->len, p->merged and,
 * for a tag beside the frame, p->tags, p->tag and p->key.vlan are set by the caller. Returns
 * PACKET_FLOW, PACKET_SHORT, PACKET_RARE, PACKET_QUOTE or the reason that ends the frame.
 */
static __always_inline int packet_parse(struct packet *p, void *data, void *end,
					const __u8 local_mac[6], __u8 domain,
					enum packet_depth depth)
{
	__be16 proto;
	__u32 off;
	int r;

	p->key.domain = domain;
	p->key.tunnel = 0;
	p->tcp_flags = 0;
	r = packet_link(p, data, end, &off, &proto);
	if (r != PACKET_FLOW)
		return r;
	if (unlikely(proto != bpf_htons(ETH_P_IP) && proto != bpf_htons(ETH_P_IPV6))) {
		if (depth == PACKET_COMMON)
			return PACKET_RARE;
		r = packet_pppoe(p, data, end, &off, &proto);
		if (r != PACKET_FLOW)
			return r;
	}
	if (*(const __u8 *)p->mac & 1)
		return WEIR_REASON_STACK_MULTICAST;
	if (packet_is_to(p, local_mac))
		return WEIR_REASON_STACK_LOCAL;
	r = proto == bpf_htons(ETH_P_IP) ? packet_ipv4(p, data, end, off)
					 : packet_ipv6(p, data, end, off, depth);
	if (depth == PACKET_ALL && r == PACKET_RARE)
		r = packet_quoted(p, data, end);
	return r;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* What is read of a frame, and the layers below IP: Ethernet, VLAN tags, PPPoE. */
#ifndef WEIR_LINK_BPF_H
#define WEIR_LINK_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "weir/flow.h"
#include "weir/reason.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* What packet_parse() returns besides a reason. */
#define PACKET_FLOW  -1 /* the key is valid: look the flow up */
#define PACKET_SHORT -2 /* the headers reach beyond the linear part of the frame */
#define PACKET_RARE  -4 /* headers that PACKET_COMMON does not read */
#define PACKET_QUOTE -5 /* an ICMP error; the key is that of the packet it quotes */

/* What packet_parse() reads. Most frames have no more than COMMON, whose code can be inlined in a
 * program: what the verifier has to go through grows with each kind of header. */
enum packet_depth {
	PACKET_COMMON,
	PACKET_ALL, /* PPPoE, IPv6 extension headers and what ICMP errors quote too */
};

#define PACKET_TCP_FIN 0x01
#define PACKET_TCP_SYN 0x02
#define PACKET_TCP_RST 0x04
#define PACKET_TCP_ACK 0x10

/* packet.part */
#define PACKET_PART_MORE   0x0001
#define PACKET_PART_OFFSET 0xfff8 /* 0: the first fragment, which has the transport header */

/* Of the header of a PPPoE session's frame; what of it is the payload's and of which kinds. */
#define PACKET_PPPOE_VERSION   0x11
#define PACKET_PPPOE_BYTES     6
#define PACKET_PPPOE_RESERVED  0xffff /* no session has this id; 0 says there is none */
#define PACKET_PPP_IPV4	       0x21
#define PACKET_PPP_IPV6	       0x57
#define PACKET_PPP_IS_SHORT(b) ((b)&1) /* the protocol's last byte: it is all there is */

#define PACKET_EXTENSIONS_MAX 8
#define PACKET_DATAGRAM_MAX   65535  /* bytes that a datagram can have once it is whole */
#define PACKET_OFFSET_MAX     0x3fff /* of any header: what the verifier needs to know */

struct packet {
	struct weir_flow_key key;
	__be16 tag[WEIR_VLAN_TAGS_MAX][2]; /* protocol, TCI; outer first */
	__be16 mac[6];			   /* destination, source */
	__u32 len;			   /* bytes from the Ethernet header on */
	__u32 seq;			   /* TCP, host order; ICMP: type, code */
	__u32 payload;			   /* bytes after the transport header */
	__u32 datagram;			   /* of a fragment: identification, host order */
	__u16 headers;			   /* bytes up to the payload */
	__u16 part; /* of a fragment: bytes before it, and whether more come */
	__u8 tags;  /* VLAN tags; those beside the frame (TC) included */
	__u8 dir;
	__u8 tcp_flags; /* 0 for other protocols */
	bool merged;	/* GSO: the IP length may be too small a field for it */
};

/* A header ends at `need`, beyond what can be read. */
static __always_inline int packet_cut(const struct packet *p, __u32 need)
{
	return need > p->len ? WEIR_REASON_DROP_MALFORMED : PACKET_SHORT;
}

static __always_inline void packet_tag(struct packet *p, __be16 proto, __be16 tci)
{
	__be16 vid = tci & bpf_htons(0x0fff);

	if (p->tags) {
		p->key.vlan[1] = vid;
		p->tag[1][0] = proto;
		p->tag[1][1] = tci;
	} else {
		p->key.vlan[0] = vid;
		p->tag[0][0] = proto;
		p->tag[0][1] = tci;
	}
	p->tags++;
}

/* Ethernet and the tags in the frame. Returns PACKET_FLOW with *proto what follows at *off. */
static __always_inline int packet_link(struct packet *p, void *data, void *end, __u32 *off,
				       __be16 *proto)
{
	const __be16 *word = data;

	*off = ETH_HLEN;
	if (data + ETH_HLEN > end)
		return packet_cut(p, ETH_HLEN);
	__builtin_memcpy(p->mac, word, sizeof(p->mac));
	*proto = word[6];
#pragma unroll
	for (int i = 0; i < WEIR_VLAN_TAGS_MAX; i++) {
		if (*proto != bpf_htons(ETH_P_8021Q) && *proto != bpf_htons(ETH_P_8021AD))
			break;
		if (p->tags >= WEIR_VLAN_TAGS_MAX)
			break;
		word = data + *off;
		if (data + *off + 4 > end)
			return packet_cut(p, *off + 4);
		packet_tag(p, *proto, word[0]);
		*proto = word[1];
		*off += 4;
	}
	return PACKET_FLOW;
}

/*
 * What is neither IPv4 nor IPv6: the header of a PPPoE session (RFC 2516, 4 and 6) in front of it
 * is taken off, with the PPP protocol in two bytes or, compressed (RFC 1661, 6.5), one. The length
 * of the packet is that of the session's payload from then on; merged frames have it wrong.
 */
static __always_inline int packet_pppoe(struct packet *p, void *data, void *end, __u32 *off,
					__be16 *proto)
{
	const __u8 *header = data + *off;
	__u32 ppp, limit, skip;

	if (*proto == bpf_htons(ETH_P_PPP_DISC))
		return WEIR_REASON_STACK_PPPOE;
	if (*proto != bpf_htons(ETH_P_PPP_SES))
		return WEIR_REASON_STACK_NOT_IP;
	if ((void *)(header + PACKET_PPPOE_BYTES + 2) > end)
		return packet_cut(p, *off + PACKET_PPPOE_BYTES + 2);
	p->key.tunnel = ((const __be16 *)header)[1];
	skip = PACKET_PPPOE_BYTES + 2 - PACKET_PPP_IS_SHORT(header[6]);
	ppp = PACKET_PPP_IS_SHORT(header[6]) ? header[6] : header[6] << 8 | header[7];
	if (header[0] != PACKET_PPPOE_VERSION || header[1] || !p->key.tunnel ||
	    p->key.tunnel == PACKET_PPPOE_RESERVED ||
	    (ppp != PACKET_PPP_IPV4 && ppp != PACKET_PPP_IPV6))
		return WEIR_REASON_STACK_PPPOE;
	limit = *off + PACKET_PPPOE_BYTES + bpf_ntohs(((const __be16 *)header)[2]);
	if (!p->merged) {
		if (limit < *off + skip || limit > p->len)
			return WEIR_REASON_DROP_MALFORMED;
		p->len = limit;
	}
	*proto = bpf_htons(ppp == PACKET_PPP_IPV4 ? ETH_P_IP : ETH_P_IPV6);
	*off += skip;
	return PACKET_FLOW;
}

/* Whether the destination is this station; the last bytes of two addresses differ first. */
static __always_inline bool packet_is_to(const struct packet *p, const __u8 mac[6])
{
	const __u8 *to = (const __u8 *)p->mac;

	return to[5] == mac[5] && to[4] == mac[4] && to[3] == mac[3] && to[2] == mac[2] &&
	       to[1] == mac[1] && to[0] == mac[0];
}

#endif

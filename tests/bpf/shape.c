// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "bpf/shape.h"

static void put16(uint8_t *at, uint16_t value)
{
	value = htons(value);
	memcpy(at, &value, 2);
}

static void put32(uint8_t *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, 4);
}

static uint8_t shape_host(const struct shape *s, bool of_b)
{
	if (of_b)
		return s->b ? s->b : 2;
	return s->a ? s->a : 1;
}

static uint8_t shape_proto(const struct shape *s)
{
	return s->proto ? s->proto : IPPROTO_TCP;
}

static uint16_t shape_port(const struct shape *s, bool of_b)
{
	uint8_t proto = shape_proto(s);

	if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6)
		return s->sport;
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return 0;
	if (of_b)
		return s->dport ? s->dport : 80;
	return s->sport ? s->sport : 40000;
}

void shape_address(const struct shape *s, bool of_b, uint32_t addr[4])
{
	memset(addr, 0, 16);
	if (s->ip == 6) {
		addr[0] = htonl(0x20010db8);
		addr[3] = htonl(shape_host(s, of_b));
	} else {
		addr[2] = htonl(0xffff);
		addr[3] = htonl(0x0a000000u + shape_host(s, of_b));
	}
}

static uint16_t shape_vid(const struct shape *s, int tag)
{
	return s->vid[tag] ? s->vid[tag] : 100 + tag;
}

void shape_key(const struct shape *s, struct weir_flow_key *key, uint8_t *dir)
{
	uint32_t a[4], b[4];
	__be16 aport = htons(shape_port(s, false)), bport = htons(shape_port(s, true));
	bool before;

	shape_address(s, false, a);
	shape_address(s, true, b);
	before = weir_side_before(a, aport, b, bport);
	memset(key, 0, sizeof(*key));
	memcpy(key->addr[!before], a, 16);
	memcpy(key->addr[before], b, 16);
	key->port[!before] = aport;
	key->port[before] = bport;
	for (int i = 0; i < s->tags; i++)
		key->vlan[i] = htons(shape_vid(s, i));
	key->proto = shape_proto(s);
	key->domain = 1;
	key->tunnel = htons(s->session);
	if (dir)
		*dir = before == s->reverse;
}

static size_t build_link(const struct shape *s, uint8_t *at)
{
	uint16_t type = s->ip == SHAPE_ARP ? 0x0806 : s->ip == 6 ? 0x86dd : 0x0800;
	size_t len = 12;

	memset(at, 0, 12);
	at[0] = at[6] = 0x02;
	at[5] = s->reverse ? 0x0a : 0x0b;
	at[11] = s->reverse ? 0x0b : 0x0a;
	if (s->multicast)
		at[0] = 0x33;
	if (s->local)
		at[5] = 0xee;
	for (int i = 0; i < s->tags; i++, len += 4) {
		put16(at + len, s->tags > 1 && i == 0 ? 0x88a8 : 0x8100);
		put16(at + len + 2, 0x2000 | shape_vid(s, i));
	}
	if (s->session)
		type = 0x8864;
	put16(at + len, type);
	return len + 2;
}

/* RFC 2516; the PPP protocol compressed by RFC 1661, 6.5, where that is wanted. */
static void build_pppoe(const struct shape *s, struct built *out)
{
	uint8_t *at = out->data + out->link, protocol = s->ip == 6 ? 0x57 : 0x21;

	at[0] = 0x11;
	put16(at + 2, s->session);
	out->ppp = out->link + 6;
	at[s->narrow ? 6 : 7] = protocol;
	out->link += s->narrow ? 7 : 8;
}

/* Returns the header's length; *needed: the bytes without which it cannot be read. */
static size_t build_transport(const struct shape *s, uint8_t *at, size_t *needed)
{
	uint16_t from = shape_port(s, s->reverse), to = shape_port(s, !s->reverse);

	*needed = 0;
	switch (shape_proto(s)) {
	case IPPROTO_TCP:
		put16(at, from);
		put16(at + 2, to);
		put32(at + 4, s->seq);
		at[12] = (20 + s->tcp_options) / 4 << 4;
		at[13] = s->tcp_flags ? s->tcp_flags : SHAPE_ACK;
		*needed = 20 + s->tcp_options;
		return *needed;
	case IPPROTO_UDP:
		put16(at, from);
		put16(at + 2, to);
		put16(at + 4, 8 + s->payload);
		*needed = 8;
		return 8;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		at[0] = s->icmp_type;
		put16(at + 4, from);
		*needed = s->icmp_type == 0 || s->icmp_type == 8 || s->icmp_type >> 1 == 64 ? 8 : 4;
		return 8;
	}
	return 8;
}

static size_t build_extensions(const struct shape *s, uint8_t *at)
{
	size_t len = 0;

	for (int i = 0; i < s->exts; i++) {
		uint8_t *ext = at + len;

		ext[0] = i + 1 < s->exts ? s->ext[i + 1] : shape_proto(s);
		switch (s->ext[i]) {
		case IPPROTO_FRAGMENT:
			put16(ext + 2, s->part | s->more);
			put32(ext + 4, s->id);
			len += 8;
			break;
		case IPPROTO_AH:
			ext[1] = 4; /* 24 bytes: a 96-bit check value */
			len += 24;
			break;
		default:
			ext[1] = i & 1; /* 8 and 16 bytes in turn */
			len += 8 * (ext[1] + 1);
		}
	}
	return len;
}

static size_t build_ip(const struct shape *s, uint8_t *at)
{
	uint32_t from[4], to[4];

	shape_address(s, s->reverse, from);
	shape_address(s, !s->reverse, to);
	if (s->ip == 6) {
		at[0] = 0x60;
		at[6] = s->exts ? s->ext[0] : shape_proto(s);
		at[7] = 64;
		memcpy(at + 8, from, 16);
		memcpy(at + 24, to, 16);
		return 40 + build_extensions(s, at + 40);
	}
	at[0] = 0x40 | (20 + s->options) / 4;
	put16(at + 4, (uint16_t)s->id);
	put16(at + 6, s->part / 8 | (s->more ? 0x2000 : 0));
	at[8] = 64;
	at[9] = shape_proto(s);
	memcpy(at + 12, &from[3], 4);
	memcpy(at + 16, &to[3], 4);
	memset(at + 20, 1, s->options);
	return 20 + s->options;
}

void shape_build(const struct shape *s, struct built *out)
{
	size_t needed, end;

	memset(out, 0, sizeof(*out));
	out->link = build_link(s, out->data);
	if (s->session)
		build_pppoe(s, out);
	if (s->ip == SHAPE_ARP) {
		out->len = out->l4 = out->headers = out->link + 28;
		return;
	}
	out->l4 = out->link + build_ip(s, out->data + out->link);
	if (s->part) { /* a later fragment has no transport header */
		out->headers = out->l4;
		end = out->l4 + s->payload;
	} else {
		end = out->l4 + build_transport(s, out->data + out->l4, &needed) + s->payload;
		out->headers = out->l4 + needed;
	}
	memset(out->data + end - s->payload, 'x', s->payload);
	out->len = end;
	shape_shorten(out, end);
	out->len += s->padding;
}

void shape_shorten(struct built *b, size_t len)
{
	uint8_t *ip = b->data + b->link;

	b->len = len;
	if (b->ppp)
		put16(b->data + b->ppp - 2, len - b->ppp);
	if (ip[0] >> 4 == 6)
		put16(ip + 4, len - b->link - 40);
	else
		put16(ip + 2, len - b->link);
}

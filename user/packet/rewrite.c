// SPDX-License-Identifier: GPL-2.0-only
#include "packet/rewrite.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "packet/checksum.h"
#include "packet/wire.h"

#define OPTION_MD5 19
#define OPTION_AO  29
#define BLOCK	   8 /* bytes of a SACK block: two numbers */
#define LENGTH_MAX 65535

/* Offset from the transport header of the next option, at or behind *at, which is moved behind it;
 * 0: there is none. */
static size_t option_next(const struct packet *p, size_t *at)
{
	const uint8_t *l4 = p->frame + p->l4;
	size_t end = (size_t)(p->payload - p->l4), found;

	while (*at < end && l4[*at] == TCPOPT_NOP)
		(*at)++;
	found = *at;
	if (found + 2 > end || l4[found] == TCPOPT_EOL || l4[found + 1] < 2 ||
	    found + l4[found + 1] > end)
		return 0;
	*at += l4[found + 1];
	return found;
}

static bool is_signed(const struct packet *p)
{
	size_t at = WIRE_TCP_BYTES, option;

	while ((option = option_next(p, &at))) {
		uint8_t kind = p->frame[p->l4 + option];

		if (kind == OPTION_MD5 || kind == OPTION_AO)
			return true;
	}
	return false;
}

/* AH signs what follows it, and is not seen any more in p->proto. */
static bool is_authenticated(const struct packet *p)
{
	size_t at = (size_t)p->l3 + WIRE_IPV6_BYTES;
	uint8_t proto;

	if (p->ip_version != 6)
		return false;
	proto = p->frame[p->l3 + 6];
	while (at < p->l4 && proto != IPPROTO_AH) {
		const uint8_t *h = p->frame + at;

		at += wire_extension_bytes(proto, h);
		proto = h[0];
	}
	return proto == IPPROTO_AH;
}

static bool has_no_checksum(const struct packet *p)
{
	return p->proto == IPPROTO_UDP && wire_get16(p->frame + p->l4 + 6) == 0;
}

bool packet_can_rewrite(const struct packet *p)
{
	if (p->cut_len || (uint32_t)p->payload + p->payload_len > p->frame_len ||
	    is_authenticated(p))
		return false;
	if (p->proto == IPPROTO_UDP && has_no_checksum(p))
		return p->ip_version == 4;
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP)
		return false;
	if (p->proto == IPPROTO_TCP && is_signed(p))
		return false;
	return packet_checksum(p) == PACKET_CHECKSUM_OK;
}

static void finish(const struct packet *p, uint8_t *frame)
{
	if (!has_no_checksum(p))
		packet_checksum_finish(p, frame);
}

static void link_add(const struct packet *p, uint8_t *frame, int32_t more)
{
	size_t tagged = WIRE_ETH_BYTES + (size_t)p->vlan_count * WIRE_VLAN_BYTES;
	uint8_t *field = frame + tagged + 4; /* PPPoE's length */

	if (p->l3 > tagged)
		wire_put16(field, (uint16_t)(wire_get16(field) + more));
}

static void ip_add(const struct packet *p, uint8_t *frame, int32_t more)
{
	uint8_t *ip = frame + p->l3, *field = ip + (p->ip_version == 4 ? 2 : 4);

	wire_put16(field, (uint16_t)(wire_get16(field) + more));
	if (p->ip_version != 4)
		return;
	wire_put16(ip + 10, 0);
	wire_put16(ip + 10,
		   (uint16_t)~checksum_fold(checksum_add(0, ip, (size_t)(ip[0] & 15) * 4)));
}

int packet_set_payload(struct packet *p, uint8_t *frame, size_t cap, const void *payload,
		       size_t len)
{
	int32_t more = (int32_t)len - (int32_t)p->payload_len;
	int frame_len = (int)(p->payload + len);

	if (len > LENGTH_MAX || p->payload + len > cap ||
	    (size_t)(p->payload - p->l3) + len > LENGTH_MAX)
		return -EMSGSIZE;
	memmove(frame + p->payload, payload, len);
	if (more) {
		link_add(p, frame, more);
		ip_add(p, frame, more);
	}
	p->payload_len = (uint32_t)len;
	p->l4_len = (uint32_t)((int32_t)p->l4_len + more);
	p->frame_len = (uint32_t)frame_len;
	if (p->proto == IPPROTO_UDP)
		wire_put16(frame + p->l4 + 4, (uint16_t)p->l4_len);
	finish(p, frame);
	return frame_len;
}

void packet_set_numbers(struct packet *p, uint8_t *frame, uint32_t seq, uint32_t ack)
{
	if (p->seq == seq && p->ack == ack)
		return;
	p->seq = seq;
	p->ack = ack;
	wire_put32(frame + p->l4 + 4, seq);
	wire_put32(frame + p->l4 + 8, ack);
	finish(p, frame);
}

/* Blocks that are left move to the front; what they leave behind is padding. */
static void map_option(uint8_t *option, bool (*fn)(uint32_t *, uint32_t *, void *), void *arg)
{
	size_t len = option[1], kept = 2;

	for (size_t at = 2; at + BLOCK <= len; at += BLOCK) {
		uint32_t left = wire_get32(option + at), right = wire_get32(option + at + 4);

		if (!fn(&left, &right, arg))
			continue;
		wire_put32(option + kept, left);
		wire_put32(option + kept + 4, right);
		kept += BLOCK;
	}
	memset(option + kept, TCPOPT_NOP, len - kept);
	option[1] = (uint8_t)kept;
	if (kept == 2)
		option[0] = option[1] = TCPOPT_NOP;
}

void packet_map_sack(struct packet *p, uint8_t *frame,
		     bool (*fn)(uint32_t *left, uint32_t *right, void *arg), void *arg)
{
	size_t at = WIRE_TCP_BYTES, option;

	if (p->proto != IPPROTO_TCP)
		return;
	while ((option = option_next(p, &at))) {
		if (frame[p->l4 + option] != TCPOPT_SACK)
			continue;
		map_option(frame + p->l4 + option, fn, arg);
		finish(p, frame);
		return;
	}
}

void packet_clear_fin(struct packet *p, uint8_t *frame)
{
	p->tcp_flags &= (uint8_t)~TH_FIN;
	frame[p->l4 + 13] &= (uint8_t)~TH_FIN;
	finish(p, frame);
}

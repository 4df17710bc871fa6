// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
#include <netinet/in.h>
#include <string.h>

#include "packet/checksum.h"
#include "packet/wire.h"

/* A vector that the CPU adds at once, where it can. */
typedef uint64_t lanes __attribute__((vector_size(16)));

static lanes load_lanes(const uint8_t *p)
{
	lanes words;

	memcpy(&words, p, sizeof(words));
	return words;
}

/*
 * RFC 1071, 2: words may be of any even width and in the machine's byte order (B), because only the
 * carries between them matter. 32-bit words in 64-bit sums cannot overflow below 2^34 bytes. The
 * result is in machine byte order.
 */
static uint64_t add_words(const uint8_t *data, size_t len)
{
	const lanes low = {UINT32_MAX, UINT32_MAX};
	const uint8_t *end = data + len;
	lanes even = {0}, odd = {0};
	uint64_t rest = 0;
	uint32_t four;
	uint16_t two = 0, one = 0;

	for (; end - data >= 32; data += 32) {
		lanes a = load_lanes(data), b = load_lanes(data + 16);

		even += (a & low) + (b & low);
		odd += (a >> 32) + (b >> 32);
	}
	if (len & 16) {
		even += load_lanes(data) & low;
		odd += load_lanes(data) >> 32;
		data += 16;
	}
	even += odd;
	for (; end - data >= 4; data += 4) {
		memcpy(&four, data, sizeof(four));
		rest += four;
	}
	if (len & 2) {
		memcpy(&two, data, sizeof(two));
		data += sizeof(two);
	}
	if (len & 1)
		memcpy(&one, data, 1);
	return even[0] + even[1] + rest + two + one;
}

/* Convert to the sum of big-endian words, so that the result does not depend on the machine. */
uint32_t checksum_add(uint32_t sum, const uint8_t *data, size_t len)
{
	uint64_t wide = add_words(data, len);

	wide = (wide & 0xffffffff) + (wide >> 32);
	wide = (wide & 0xffffffff) + (wide >> 32);
	wide = (uint64_t)sum + be16toh(checksum_fold((uint32_t)wide));
	return (uint32_t)((wide & 0xffffffff) + (wide >> 32));
}

uint16_t checksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint32_t checksum_pseudo(const uint8_t *l3, uint8_t version, uint8_t proto, uint32_t l4_len)
{
	uint32_t rest = (uint32_t)proto + (l4_len >> 16) + (l4_len & 0xffff);

	if (version != 4)
		return checksum_add(rest, l3 + 8, 32);
	return rest + wire_get16(l3 + 12) + wire_get16(l3 + 14) + wire_get16(l3 + 16) +
	       wire_get16(l3 + 18);
}

/* Offset of the checksum field in the transport header, or 0. */
static unsigned int field_offset(const struct packet *p)
{
	switch (p->proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_ICMP:
		return p->ip_version == 4 ? 2 : 0;
	case IPPROTO_ICMPV6:
		return p->ip_version == 6 ? 2 : 0;
	default:
		return 0;
	}
}

/* Whether an IPv6 routing header has segments left. The header chain was validated by decode. */
static bool is_source_routed(const struct packet *p)
{
	size_t at = (size_t)p->l3 + WIRE_IPV6_BYTES;
	uint8_t proto;

	if (p->ip_version != 6)
		return false;
	proto = p->frame[p->l3 + 6];
	while (at < p->l4) {
		const uint8_t *h = p->frame + at;

		if (proto == IPPROTO_ROUTING && h[3] != 0)
			return true;
		at += wire_extension_bytes(proto, h);
		proto = h[0];
	}
	return false;
}

/* ICMP over IPv4 has no pseudo-header. */
static uint32_t start_sum(const struct packet *p)
{
	if (p->proto == IPPROTO_ICMP)
		return 0;
	return checksum_pseudo(p->frame + p->l3, p->ip_version, p->proto, p->l4_len);
}

/* Whether the frame contains the complete packet. */
static bool is_whole(const struct packet *p)
{
	return (uint32_t)(p->payload - p->l4) + p->payload_len == p->l4_len;
}

enum packet_checksum packet_checksum(const struct packet *p)
{
	const uint8_t *l4 = p->frame + p->l4;
	unsigned int offset = field_offset(p);
	uint16_t field;
	uint32_t pseudo;

	if (offset == 0 || !is_whole(p))
		return PACKET_CHECKSUM_NONE;
	field = wire_get16(l4 + offset);
	if (p->proto == IPPROTO_UDP && field == 0)
		return p->ip_version == 4 ? PACKET_CHECKSUM_NONE : PACKET_CHECKSUM_BAD;
	if (is_source_routed(p))
		return PACKET_CHECKSUM_NONE;
	pseudo = start_sum(p);
	if (checksum_fold(checksum_add(pseudo, l4, p->l4_len)) == 0xffff)
		return PACKET_CHECKSUM_OK;
	if (p->proto != IPPROTO_ICMP && field == checksum_fold(pseudo))
		return PACKET_CHECKSUM_PARTIAL;
	return PACKET_CHECKSUM_BAD;
}

bool packet_header_checksum_ok(const struct packet *p)
{
	const uint8_t *ip = p->frame + p->l3;

	if (p->ip_version != 4)
		return true;
	return checksum_fold(checksum_add(0, ip, (size_t)(p->l4 - p->l3))) == 0xffff;
}

bool packet_checksum_unfinished(const struct packet *p)
{
	unsigned int offset = field_offset(p);
	uint16_t field;

	if (offset == 0 || p->proto == IPPROTO_ICMP || !is_whole(p))
		return false;
	field = wire_get16(p->frame + p->l4 + offset);
	return field != 0 && field == checksum_fold(start_sum(p));
}

void packet_checksum_finish(const struct packet *p, uint8_t *frame)
{
	unsigned int offset = field_offset(p);
	uint8_t *field = frame + p->l4 + offset;
	uint16_t sum;

	if (offset == 0 || !is_whole(p))
		return;
	wire_put16(field, 0);
	sum = (uint16_t)~checksum_fold(checksum_add(start_sum(p), frame + p->l4, p->l4_len));
	/* RFC 768: a sum of zero is sent as all ones, since zero means none. */
	if (sum == 0 && p->proto == IPPROTO_UDP)
		sum = 0xffff;
	wire_put16(field, sum);
}

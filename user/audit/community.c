// SPDX-License-Identifier: GPL-2.0-only
/* Community ID, version 1 (https://github.com/corelight/community-id-spec). */
#include <arpa/inet.h>
#include <gcrypt.h>
#include <netinet/in.h>
#include <string.h>

#include "audit/eve.h"
#include "audit/icmp.h"
#include "util/util.h"

#define SHA1_BYTES 20

struct side {
	uint8_t address[16];
	uint16_t port; /* network order */
};

static size_t put(uint8_t *out, size_t at, const void *data, size_t len)
{
	memcpy(out + at, data, len);
	return at + len;
}

/* len: a multiple of three, or one less. */
static void base64(const uint8_t *data, size_t len, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = (uint32_t)data[i] << 16 | (uint32_t)data[i + 1] << 8;

		if (i + 2 < len)
			bits |= data[i + 2];
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = digits[bits >> 6 & 63];
		*out++ = i + 2 < len ? digits[bits & 63] : '=';
	}
	*out = '\0';
}

static void side_fill(struct side *s, const struct weir_flow_key *key, unsigned int side,
		      size_t address_len)
{
	/* v4-mapped: the address proper is at the end. */
	memcpy(s->address, (const uint8_t *)key->addr[side] + 16 - address_len, address_len);
	s->port = key->port[side];
}

bool eve_community_id(const struct weir_flow_key *key, unsigned int origin, const uint8_t *icmp,
		      uint16_t seed, char buf[EVE_COMMUNITY_MAX])
{
	size_t address_len = address_is_v4(key->addr[0]) ? 4 : 16, at = 0;
	bool is_icmp = key->proto == IPPROTO_ICMP || key->proto == IPPROTO_ICMPV6;
	uint8_t input[2 + 2 * 16 + 2 + 2 * 2], hash[SHA1_BYTES];
	const uint8_t proto_and_pad[2] = {key->proto, 0};
	struct side from, to;
	bool one_way = false, swap;
	int order;

	if (is_icmp && !icmp)
		return false;
	side_fill(&from, key, origin, address_len);
	side_fill(&to, key, !origin, address_len);
	if (is_icmp) {
		one_way = !icmp_has_counterpart(key->proto, icmp[0]);
		from.port = htons(icmp[0]);
		to.port = htons(icmp[1]);
	}
	order = memcmp(from.address, to.address, address_len);
	swap = !one_way && (order > 0 || (order == 0 && ntohs(from.port) > ntohs(to.port)));
	seed = htons(seed);
	at = put(input, at, &seed, sizeof(seed));
	at = put(input, at, swap ? to.address : from.address, address_len);
	at = put(input, at, swap ? from.address : to.address, address_len);
	at = put(input, at, proto_and_pad, sizeof(proto_and_pad));
	if (is_icmp || eve_has_ports(key->proto)) {
		at = put(input, at, swap ? &to.port : &from.port, sizeof(from.port));
		at = put(input, at, swap ? &from.port : &to.port, sizeof(to.port));
	}
	if (gcry_md_test_algo(GCRY_MD_SHA1) != 0)
		return false;
	gcry_md_hash_buffer(GCRY_MD_SHA1, hash, input, at);
	memcpy(buf, "1:", 2);
	base64(hash, sizeof(hash), buf + 2);
	return true;
}

bool icmp_has_counterpart(uint8_t proto, uint8_t type)
{
	return icmp_counterpart(proto, type) >= 0;
}

int icmp_counterpart(uint8_t proto, uint8_t type)
{
	/* RFC 792, 950, 1256, 4443, 2710, 4861, 4620, 3122, 4065. */
	static const uint8_t four[][2] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}, {10, 9}};
	static const uint8_t six[][2] = {{128, 129}, {133, 134}, {135, 136},
					 {130, 131}, {139, 140}, {144, 145}};
	const uint8_t(*pairs)[2] = proto == IPPROTO_ICMP ? four : six;
	size_t count = proto == IPPROTO_ICMP ? ARRAY_SIZE(four) : ARRAY_SIZE(six);

	for (size_t i = 0; i < count; i++) {
		if (pairs[i][0] == type)
			return pairs[i][1];
		if (pairs[i][1] == type)
			return pairs[i][0];
	}
	return -1;
}

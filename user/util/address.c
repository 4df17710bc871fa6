// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <string.h>

#include "util/util.h"

bool address_is_v4(const uint32_t addr[4])
{
	return addr[0] == 0 && addr[1] == 0 && addr[2] == htonl(0xffff);
}

void address_from_v4(uint32_t addr[4], uint32_t v4_be)
{
	addr[0] = 0;
	addr[1] = 0;
	addr[2] = htonl(0xffff);
	addr[3] = v4_be;
}

const char *address_format(const uint32_t addr[4], char *buf)
{
	if (address_is_v4(addr))
		inet_ntop(AF_INET, &addr[3], buf, ADDRESS_TEXT_MAX);
	else
		inet_ntop(AF_INET6, addr, buf, ADDRESS_TEXT_MAX);
	return buf;
}

int address_parse(const char *text, uint32_t addr[4])
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, text, &four) == 1) {
		address_from_v4(addr, four.s_addr);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &six) != 1)
		return -EINVAL;
	memcpy(addr, &six, sizeof(six));
	return 0;
}

/* Whether every bit after the prefix is zero. */
static bool prefix_is_clean(const uint32_t addr[4], unsigned int bits)
{
	for (unsigned int i = 0; i < 4; i++) {
		uint32_t host = ntohl(addr[i]);
		uint32_t mask = 0;

		if (bits < (i + 1) * 32)
			mask = bits <= i * 32 ? UINT32_MAX : UINT32_MAX >> (bits - i * 32);
		if (host & mask)
			return false;
	}
	return true;
}

int prefix_parse(const char *text, uint32_t addr[4], unsigned int *prefixlen_bits)
{
	const char *slash = strchr(text, '/');
	char host[ADDRESS_TEXT_MAX];
	uint32_t parsed[4];
	unsigned long bits;
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char *end;

	if (len == 0 || len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (address_parse(host, parsed) < 0)
		return -EINVAL;
	bits = 128;
	if (slash) {
		if (slash[1] < '0' || slash[1] > '9')
			return -EINVAL;
		bits = strtoul(slash + 1, &end, 10);
		if (*end || bits > (strchr(host, ':') ? 128u : 32u))
			return -EINVAL;
		if (!strchr(host, ':'))
			bits += 96;
	}
	if (!prefix_is_clean(parsed, (unsigned int)bits))
		return -EINVAL;
	memcpy(addr, parsed, sizeof(parsed));
	*prefixlen_bits = (unsigned int)bits;
	return 0;
}

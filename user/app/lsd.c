// SPDX-License-Identifier: GPL-2.0-only
/* Local service discovery: a host announces by multicast the port it listens on. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "app/bittorrent.h"

static const char request[] = "BT-SEARCH * HTTP/1.1\r\n";

/* The number after a header's name, or 0. */
static uint16_t port_of_line(const uint8_t *line, size_t len)
{
	static const char name[] = "port:";
	unsigned int port = 0;
	size_t at = sizeof(name) - 1;

	if (len <= at || strncasecmp((const char *)line, name, at) != 0)
		return 0;
	while (at < len && (line[at] == ' ' || line[at] == '\t'))
		at++;
	if (at == len)
		return 0;
	for (; at < len; at++) {
		if (line[at] < '0' || line[at] > '9')
			return 0;
		port = port * 10 + (unsigned int)(line[at] - '0');
		if (port > UINT16_MAX)
			return 0;
	}
	return (uint16_t)port;
}

uint16_t lsd_parse(const uint8_t *data, size_t len)
{
	size_t at = sizeof(request) - 1;

	if (len < at || memcmp(data, request, at) != 0)
		return 0;
	while (at < len) {
		const uint8_t *end = memmem(data + at, len - at, "\r\n", 2);
		size_t line = end ? (size_t)(end - data) - at : 0;
		uint16_t port = line ? port_of_line(data + at, line) : 0;

		if (port || !line)
			return port;
		at += line + 2;
	}
	return 0;
}

bool lsd_is_group(const uint32_t addr[4])
{
	/* 239.192.152.143, ff15::efc0:988f */
	if (address_is_v4(addr))
		return ntohl(addr[3]) == 0xefc0988f;
	return ntohl(addr[0]) == 0xff150000 && !addr[1] && !addr[2] && ntohl(addr[3]) == 0xefc0988f;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Formats: https://www.tcpdump.org/linktypes.html */
#include <pcap/dlt.h>

#include "pcap/pcap_link.h"
#include "util/util.h"

#define TYPE_IPV4  0x0800
#define TYPE_IPV6  0x86dd
#define TYPE_PPPOE 0x8864

/* Raw IP as files number it; libpcap maps it to DLT_RAW, whose number differs between systems. */
#define LINKTYPE_RAW 101

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void parse_ethernet(const uint8_t *data, size_t len, struct link_content *out)
{
	out->ethernet = true;
}

static void parse_raw(const uint8_t *data, size_t len, struct link_content *out)
{
	if (len)
		out->type = data[0] >> 4 == 4 ? TYPE_IPV4 : data[0] >> 4 == 6 ? TYPE_IPV6 : 0;
}

static void parse_sll(const uint8_t *data, size_t len, struct link_content *out)
{
	if (len < 16)
		return;
	out->type = get16(data + 14);
	out->skip = 16;
}

static void parse_sll2(const uint8_t *data, size_t len, struct link_content *out)
{
	if (len < 20)
		return;
	out->type = get16(data);
	out->skip = 20;
}

/* The address family, in the byte order of the recording machine (DLT_NULL) or network order
 * (DLT_LOOP). The number of IPv6 differs between the BSDs. */
static void parse_family(const uint8_t *data, size_t len, struct link_content *out)
{
	unsigned int family;

	if (len < 4)
		return;
	family = get16(data) ? (unsigned int)data[0] | (unsigned int)data[1] << 8 : get16(data + 2);
	out->skip = 4;
	if (family == 2)
		out->type = TYPE_IPV4;
	else if (family == 10 || family == 24 || family == 28 || family == 30)
		out->type = TYPE_IPV6;
}

static void parse_cisco(const uint8_t *data, size_t len, struct link_content *out)
{
	if (len < 4)
		return;
	out->type = get16(data + 2);
	out->skip = 4;
}

/*
 * RFC 1661, 2; RFC 1662, 3.1. Address and control may be absent, the protocol one byte. Cisco HDLC,
 * which shares link types with PPP, begins with 0f 00 or 8f 00; no PPP protocol does.
 */
static void parse_ppp(const uint8_t *data, size_t len, struct link_content *out)
{
	size_t at = len >= 2 && data[0] == 0xff && data[1] == 0x03 ? 2 : 0;
	unsigned int protocol;

	if (len < at + 2)
		return;
	if ((data[0] == 0x0f || data[0] == 0x8f) && data[1] == 0) {
		parse_cisco(data, len, out);
		return;
	}
	protocol = data[at] & 1 ? data[at] : get16(data + at);
	out->skip = at + (data[at] & 1 ? 1 : 2);
	if (protocol == 0x21)
		out->type = TYPE_IPV4;
	else if (protocol == 0x57)
		out->type = TYPE_IPV6;
}

static void parse_ppp_directed(const uint8_t *data, size_t len, struct link_content *out)
{
	if (len == 0)
		return;
	parse_ppp(data + 1, len - 1, out);
	out->skip++;
}

static void parse_hdlc(const uint8_t *data, size_t len, struct link_content *out)
{
	if (len >= 2 && data[0] == 0xff && data[1] == 0x03)
		parse_ppp(data, len, out);
	else
		parse_cisco(data, len, out);
}

static void parse_pppoe(const uint8_t *data, size_t len, struct link_content *out)
{
	out->type = TYPE_PPPOE;
}

/* Per-packet information (PPI): its header gives the link type of the frame behind it. */
static void parse_ppi(const uint8_t *data, size_t len, struct link_content *out)
{
	size_t header;
	uint32_t dlt;

	if (len < 8)
		return;
	header = (size_t)data[2] | (size_t)data[3] << 8;
	dlt = (uint32_t)data[4] | (uint32_t)data[5] << 8 | (uint32_t)data[6] << 16 |
	      (uint32_t)data[7] << 24;
	if (header < 8 || header > len || dlt == DLT_PPI || dlt > INT32_MAX)
		return;
	if (dlt == LINKTYPE_RAW)
		dlt = DLT_RAW;
	if (!link_is_known((int)dlt))
		return;
	link_parse((int)dlt, data + header, len - header, out);
	out->skip += header;
}

static const struct {
	int dlt;
	void (*parse)(const uint8_t *data, size_t len, struct link_content *out);
} links[] = {
	{DLT_EN10MB, parse_ethernet}, {DLT_RAW, parse_raw},
	{DLT_IPV4, parse_raw},	      {DLT_IPV6, parse_raw},
	{DLT_LINUX_SLL, parse_sll},   {DLT_LINUX_SLL2, parse_sll2},
	{DLT_NULL, parse_family},     {DLT_LOOP, parse_family},
	{DLT_PPP, parse_ppp},	      {DLT_PPP_SERIAL, parse_hdlc},
	{DLT_PPP_ETHER, parse_pppoe}, {DLT_PPP_WITH_DIR, parse_ppp_directed},
	{DLT_C_HDLC, parse_hdlc},     {DLT_PPI, parse_ppi},
};

bool link_is_known(int dlt)
{
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (links[i].dlt == dlt)
			return true;
	return false;
}

void link_parse(int dlt, const uint8_t *data, size_t len, struct link_content *out)
{
	*out = (struct link_content){0};
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (links[i].dlt == dlt)
			links[i].parse(data, len, out);
}

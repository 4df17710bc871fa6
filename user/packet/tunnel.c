// SPDX-License-Identifier: GPL-2.0-only
#include <netinet/in.h>
#include <string.h>

#include "packet/checksum.h"
#include "packet/tunnel.h"
#include "packet/wire.h"
#include "util/util.h"

#define GRE_CHECKSUM	 0x8000
#define GRE_ROUTING	 0x4000
#define GRE_KEY		 0x2000
#define GRE_SEQUENCE	 0x1000
#define GRE_VERSION	 0x0007
#define GRE_TYPE_BRIDGED 0x6558 /* RFC 7637, 3.2 */
#define GRE_TYPE_ERSPAN	 0x88be
#define ERSPAN_BYTES	 8

#define VXLAN_BYTES   8
#define VXLAN_HAS_VNI 0x08

#define GTP_BYTES	   8
#define GTP_MORE_BYTES	   4	/* present with any of the three flags */
#define GTP_FLAGS	   0x07 /* extension, sequence number, N-PDU number */
#define GTP_EXTENSION	   0x04
#define GTP_VERSION_1	   0x30 /* version 1, protocol type GTP */
#define GTP_G_PDU	   255
#define GTP_EXTENSIONS_MAX 8

#define TEREDO_ORIGIN_BYTES 8

/* The rest of the payload: [0, have) is present, on the wire it had `wire` bytes. */
struct rest {
	const uint8_t *data;
	size_t have, wire;
};

const char *packet_tunnel_name(enum packet_tunnel t)
{
	static const char *const names[] = {
#define X(id, name, source) [PACKET_TUNNEL_##id] = name,
		PACKET_TUNNELS(X)
#undef X
	};

	return t < PACKET_TUNNEL_COUNT ? names[t] : names[PACKET_TUNNEL_NONE];
}

enum packet_tunnel packet_tunnel_by_protocol(const struct packet *p)
{
	bool v4 = p->ip_version == 4;

	switch (p->proto) {
	case IPPROTO_IPIP:
		return v4 ? PACKET_TUNNEL_IPIP : PACKET_TUNNEL_4IN6;
	case IPPROTO_IPV6:
		return v4 ? PACKET_TUNNEL_6IN4 : PACKET_TUNNEL_6IN6;
	case IPPROTO_GRE:
		return PACKET_TUNNEL_GRE;
	default:
		return PACKET_TUNNEL_NONE;
	}
}

/* Skips n bytes of header. */
static enum packet_status skip(struct rest *r, size_t n)
{
	if (n > r->wire)
		return PACKET_MALFORMED;
	if (n > r->have)
		return PACKET_TRUNCATED;
	r->data += n;
	r->have -= n;
	r->wire -= n;
	return PACKET_OK;
}

/* Checks that n bytes are present. */
static enum packet_status need(const struct rest *r, size_t n)
{
	struct rest copy = *r;

	return skip(&copy, n);
}

/* RFC 2784, 2.3: checksum over header and payload; packets with a wrong one are discarded. */
static bool gre_sum_ok(const struct rest *r)
{
	return r->have < r->wire || checksum_fold(checksum_add(0, r->data, r->have)) == 0xffff;
}

static enum packet_status gre_payload(struct rest *r, uint16_t type, bool numbered,
				      enum packet_link *link)
{
	*link = PACKET_LINK_ETHERNET;
	switch (type) {
	case WIRE_TYPE_IPV4:
	case WIRE_TYPE_IPV6:
		*link = PACKET_LINK_RAW;
		return PACKET_OK;
	case GRE_TYPE_BRIDGED:
		return PACKET_OK;
	case GRE_TYPE_ERSPAN:
		/* Type I has no header of its own and no sequence number. */
		return numbered ? skip(r, ERSPAN_BYTES) : PACKET_OK;
	default:
		return PACKET_NOT_IP;
	}
}

static enum packet_status open_gre(struct rest *r, enum packet_link *link, uint32_t *id)
{
	enum packet_status status = need(r, 4);
	uint16_t flags, type;
	size_t header = 4;

	if (status != PACKET_OK)
		return status;
	flags = wire_get16(r->data);
	type = wire_get16(r->data + 2);
	/* Version 1 is PPTP's (RFC 2637); RFC 2784 removed source routes. */
	if (flags & (GRE_VERSION | GRE_ROUTING))
		return PACKET_NOT_IP;
	if (flags & GRE_CHECKSUM)
		header += 4;
	if (flags & GRE_KEY) {
		status = need(r, header + 4);
		if (status != PACKET_OK)
			return status;
		*id = wire_get32(r->data + header);
		header += 4;
	}
	if (flags & GRE_SEQUENCE)
		header += 4;
	if (flags & GRE_CHECKSUM && !gre_sum_ok(r))
		return PACKET_MALFORMED;
	status = skip(r, header);
	return status == PACKET_OK ? gre_payload(r, type, flags & GRE_SEQUENCE, link) : status;
}

static enum packet_status open_vxlan(struct rest *r, enum packet_link *link, uint32_t *id)
{
	enum packet_status status = need(r, VXLAN_BYTES);

	if (status != PACKET_OK)
		return status;
	/* Reserved bits are ignored on receipt; a frame without a network identifier is
	 * discarded. */
	if (!(r->data[0] & VXLAN_HAS_VNI))
		return PACKET_MALFORMED;
	*id = wire_get32(r->data + 4) >> 8;
	*link = PACKET_LINK_ETHERNET;
	return skip(r, VXLAN_BYTES);
}

/* TS 29.281, 5.2: each extension is its length in words, content, and the type of the next. */
static enum packet_status skip_gtp_extensions(struct rest *r, uint8_t type)
{
	for (int n = 0; type != 0; n++) {
		enum packet_status status = need(r, 1);
		size_t len;

		if (status != PACKET_OK)
			return status;
		len = (size_t)r->data[0] * 4;
		if (len == 0 || n == GTP_EXTENSIONS_MAX)
			return PACKET_MALFORMED;
		status = need(r, len);
		if (status != PACKET_OK)
			return status;
		type = r->data[len - 1];
		skip(r, len);
	}
	return PACKET_OK;
}

static enum packet_status open_gtp(struct rest *r, enum packet_link *link, uint32_t *id)
{
	enum packet_status status = need(r, GTP_BYTES);
	uint8_t flags, next = 0;
	size_t len;

	if (status != PACKET_OK)
		return status;
	flags = r->data[0];
	if ((flags & 0xf0) != GTP_VERSION_1 || r->data[1] != GTP_G_PDU)
		return PACKET_NOT_IP;
	len = wire_get16(r->data + 2);
	*id = wire_get32(r->data + 4);
	skip(r, GTP_BYTES);
	if (len > r->wire)
		return PACKET_MALFORMED;
	r->wire = len;
	if (r->have > len)
		r->have = len;
	if (flags & GTP_FLAGS) {
		status = need(r, GTP_MORE_BYTES);
		if (status != PACKET_OK)
			return status;
		/* Each field is valid only with its own flag. */
		if (flags & GTP_EXTENSION)
			next = r->data[3];
		skip(r, GTP_MORE_BYTES);
	}
	*link = PACKET_LINK_RAW;
	return skip_gtp_extensions(r, next);
}

/* RFC 4380, 5.1.1: authentication and origin indicators may precede the packet. */
static enum packet_status open_teredo(struct rest *r, enum packet_link *link, uint32_t *id)
{
	enum packet_status status = need(r, 4);

	if (status == PACKET_OK && wire_get16(r->data) == 1) {
		/* Lengths of client identifier and value, then these, a nonce and a
		 * confirmation. */
		status = skip(r, 4 + (size_t)r->data[2] + r->data[3] + 8 + 1);
		if (status == PACKET_OK)
			status = need(r, 2);
	}
	if (status == PACKET_OK && wire_get16(r->data) == 0)
		status = skip(r, TEREDO_ORIGIN_BYTES);
	if (status != PACKET_OK)
		return status;
	*link = PACKET_LINK_RAW;
	status = need(r, 1);
	if (status == PACKET_OK && r->data[0] >> 4 != 6)
		return PACKET_NOT_IP;
	return status;
}

static enum packet_status open_tunnel(struct rest *r, enum packet_tunnel t, enum packet_link *link,
				      uint32_t *id)
{
	switch (t) {
	case PACKET_TUNNEL_IPIP:
	case PACKET_TUNNEL_4IN6:
	case PACKET_TUNNEL_6IN4:
	case PACKET_TUNNEL_6IN6:
		*link = PACKET_LINK_RAW;
		return PACKET_OK;
	case PACKET_TUNNEL_GRE:
		return open_gre(r, link, id);
	case PACKET_TUNNEL_VXLAN:
		return open_vxlan(r, link, id);
	case PACKET_TUNNEL_GTP:
		return open_gtp(r, link, id);
	case PACKET_TUNNEL_TEREDO:
		return open_teredo(r, link, id);
	default:
		return PACKET_NOT_IP;
	}
}

enum packet_status packet_decode_inner(const struct packet *p, enum packet_tunnel t,
				       struct packet *inner, uint32_t *id)
{
	struct rest r = {
		.data = p->frame + p->payload,
		.have = p->payload_len,
		.wire = p->l4_len - (size_t)(p->payload - p->l4),
	};
	enum packet_link link = PACKET_LINK_RAW;
	enum packet_status status;

	*id = 0;
	status = open_tunnel(&r, t, &link, id);
	if (status != PACKET_OK)
		return status;
	return packet_decode_cut(r.data, r.have, r.wire, link, inner);
}

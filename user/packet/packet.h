/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames to headers: decode, checksums, resets. No state, no allocation; every length is checked.
 */
#ifndef WEIR_PACKET_H
#define WEIR_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/flow.h"

enum packet_link {
	PACKET_LINK_ETHERNET,
	PACKET_LINK_RAW, /* begins with IPv4 or IPv6 */
};

enum packet_status {
	PACKET_OK,	  /* key, offsets and payload are valid */
	PACKET_NOT_IP,	  /* ARP, LLC ... */
	PACKET_FRAGMENT,  /* an IP fragment: addresses and proto are valid, ports are 0; l4 and
			     payload are where its part of the datagram begins */
	PACKET_TRUNCATED, /* headers or lengths reach beyond the frame */
	PACKET_MALFORMED, /* headers contradict themselves */
};

enum packet_checksum {
	PACKET_CHECKSUM_OK,
	PACKET_CHECKSUM_NONE, /* UDP over IPv4 without one, or a protocol that has none */
	PACKET_CHECKSUM_BAD,
	PACKET_CHECKSUM_PARTIAL, /* the pseudo-header sum alone: an unfinished offload */
};

struct packet {
	const uint8_t *frame;
	uint32_t frame_len;
	uint32_t cut_len; /* bytes of the frame that a capture left out; 0 for live frames */
	uint16_t l3;	  /* offsets into frame */
	uint16_t l4;
	uint16_t payload;
	uint32_t payload_len;	  /* bytes, from the IP length, padding excluded */
	uint32_t l4_len;	  /* transport header and payload */
	struct weir_flow_key key; /* domain 0: the caller's to set */
	uint8_t dir;		  /* 0: sent by key side 0 */
	uint8_t ip_version;	  /* 4 or 6 */
	uint8_t proto;		  /* IPPROTO_* after extension headers */
	uint8_t tcp_flags;	  /* TH_* bits */
	uint8_t vlan_count;
	uint8_t icmp_type;
	uint32_t seq; /* TCP, host order */
	uint32_t ack;
	/* PACKET_FRAGMENT: */
	uint32_t fragment_id;	  /* 16 bits in IPv4, 32 in IPv6; host order */
	uint16_t fragment_offset; /* of its part in the datagram's, bytes */
	bool fragment_more;	  /* others follow behind it */
};

/* Decodes len bytes. Ethernet: up to two VLAN tags (802.1Q, 802.1ad) and PPPoE sessions. The packet
 * refers into frame. */
enum packet_status packet_decode(const uint8_t *frame, size_t len, enum packet_link link,
				 struct packet *out);

/*
 * The same for a frame of wire_len bytes of which a capture kept the first len: lengths are held
 * against the wire, payload_len counts what was kept. Headers that were cut are PACKET_TRUNCATED.
 */
enum packet_status packet_decode_cut(const uint8_t *frame, size_t len, size_t wire_len,
				     enum packet_link link, struct packet *out);

/* ICMP and ICMPv6 messages that quote the packet they are about (RFC 792; RFC 4443, 2.1). */
bool packet_is_icmp_error(const struct packet *p);
/*
 * Decodes the packet that ICMP error p quotes, as far as its flow can be told: quoted->key (in p's
 * VLANs, domain and tunnel), dir and proto are valid with PACKET_OK. Of the transport header eight
 * bytes are enough; there is no payload. PACKET_NOT_IP where p is no error or quotes nothing.
 */
enum packet_status packet_decode_quote(const struct packet *p, struct packet *quoted);

/*
 * Verifies the transport checksum (RFC 793, 768, 4443) of a packet that decoded as PACKET_OK. NONE
 * also where it cannot be known: a cut frame, or IPv6 source routing on its way (RFC 8200, 8.1: the
 * final destination counts).
 */
enum packet_checksum packet_checksum(const struct packet *p);
/* Whether the IP header's own checksum is right (RFC 791, 3.1); IPv6 has none. */
bool packet_header_checksum_ok(const struct packet *p);
/* Whether the checksum field holds just the pseudo-header sum: cheap, and may say so of a finished
 * one (1 in 65536). */
bool packet_checksum_unfinished(const struct packet *p);
/* Finishes a PARTIAL checksum in place; frame is the writable storage p was decoded from. */
void packet_checksum_finish(const struct packet *p, uint8_t *frame);

/*
 * Builds the reset that answers TCP segment p. to_sender: as if from the receiver, acceptable to
 * p's sender (RFC 9293, 3.5.2); otherwise as if from the sender, to its receiver, at p's sequence
 * number. Layer 2 and VLAN tags are taken from p. cap is out's size. Returns the frame's length or
 * -ENOSPC, -EPROTO when p is not TCP or is a reset itself.
 */
int packet_make_reset(const struct packet *p, bool to_sender, uint8_t *out, size_t cap);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Decoding of frames, checksums, and building of resets. No state, no allocation; every length is
 * checked. */
#ifndef WEIR_PACKET_H
#define WEIR_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/flow.h"

enum packet_link {
	PACKET_LINK_ETHERNET,
	PACKET_LINK_RAW, /* no link header: begins with IPv4 or IPv6 */
};

enum packet_status {
	PACKET_OK,	  /* key, offsets and payload are valid */
	PACKET_NOT_IP,	  /* ARP, LLC ... */
	PACKET_FRAGMENT,  /* an IP fragment: addresses and proto are valid, ports are 0; l4 and
			     payload are offsets of its part of the datagram */
	PACKET_TRUNCATED, /* headers or lengths exceed the frame */
	PACKET_MALFORMED, /* headers contradict each other */
};

enum packet_checksum {
	PACKET_CHECKSUM_OK,
	PACKET_CHECKSUM_NONE, /* UDP over IPv4 without checksum, or a protocol without one */
	PACKET_CHECKSUM_BAD,
	PACKET_CHECKSUM_PARTIAL, /* only the pseudo-header sum: checksum offload is pending */
};

struct packet {
	const uint8_t *frame;
	uint32_t frame_len;
	uint32_t cut_len; /* bytes of the frame that a pcap file does not contain; 0 for live frames
			   */
	uint16_t l3;	  /* offsets into frame */
	uint16_t l4;
	uint16_t payload;
	uint32_t payload_len;	  /* bytes, from the IP length, padding excluded */
	uint32_t l4_len;	  /* length of transport header and payload, bytes */
	struct weir_flow_key key; /* domain is 0; the caller sets it */
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
	uint16_t fragment_offset; /* offset of its part in the datagram's payload, bytes */
	bool fragment_more;	  /* more fragments follow (MF) */
};

/* Decodes len bytes. Ethernet: with up to two VLAN tags (802.1Q, 802.1ad) and PPPoE sessions. *out
 * keeps a pointer to frame. */
enum packet_status packet_decode(const uint8_t *frame, size_t len, enum packet_link link,
				 struct packet *out);

/*
 * The same for a frame of wire_len bytes of which a pcap file contains the first len: lengths are
 * checked against wire_len, payload_len counts the bytes present. PACKET_TRUNCATED if headers are
 * incomplete.
 */
enum packet_status packet_decode_cut(const uint8_t *frame, size_t len, size_t wire_len,
				     enum packet_link link, struct packet *out);

/* ICMP and ICMPv6 messages that quote the packet they are about (RFC 792; RFC 4443, 2.1). */
bool packet_is_icmp_error(const struct packet *p);
/*
 * Decodes the packet that ICMP error p quotes, as far as needed to find its flow. With PACKET_OK
 * quoted->key (with p's VLANs, domain and tunnel), dir and proto are valid; eight bytes of the
 * transport header are enough, and there is no payload. PACKET_NOT_IP if p is no error or quotes
 * nothing.
 */
enum packet_status packet_decode_quote(const struct packet *p, struct packet *quoted);

/*
 * Verifies the transport checksum (RFC 793, 768, 4443) of a packet that decoded as PACKET_OK. NONE
 * also if it cannot be verified: a truncated frame, or IPv6 with segments left in a routing header
 * (RFC 8200, 8.1: the checksum is over the final destination).
 */
enum packet_checksum packet_checksum(const struct packet *p);
/* Whether the IP header's own checksum is right (RFC 791, 3.1); IPv6 has none. */
bool packet_header_checksum_ok(const struct packet *p);
/* Whether the checksum field contains just the pseudo-header sum. Cheap; also true for one in 65536
 * complete checksums. */
bool packet_checksum_unfinished(const struct packet *p);
/* Completes a PARTIAL checksum in place; frame is the writable memory that p was decoded from. */
void packet_checksum_finish(const struct packet *p, uint8_t *frame);

/*
 * Builds the reset that answers TCP segment p. to_sender: as if from the receiver, acceptable to
 * p's sender (RFC 9293, 3.5.2); otherwise as if from the sender, to its receiver, at p's sequence
 * number. Link-layer header and VLAN tags are copied from p. cap: size of out, bytes. Returns the
 * length of the frame; -ENOSPC; -EPROTO if p is not TCP or is a reset itself.
 */
int packet_make_reset(const struct packet *p, bool to_sender, uint8_t *out, size_t cap);

#endif

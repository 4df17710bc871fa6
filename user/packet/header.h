/* SPDX-License-Identifier: GPL-2.0-only */
/* The fields of a packet's headers that events tell. */
#ifndef WEIR_PACKET_HEADER_H
#define WEIR_PACKET_HEADER_H

#include "packet/packet.h"

/* In host order. No pointers, so that it can be sent to another process. */
struct packet_header {
	bool ip; /* the fields up to ip_id are valid */
	bool v6;
	uint8_t tos, ttl; /* IPv6: traffic class, hop limit */
	uint16_t ip_len;  /* total length; IPv6: that of the payload */
	uint32_t ip_id;	  /* identification; IPv6: flow label */
	bool tcp;	  /* the fields up to tcp_flags are valid */
	uint8_t tcp_flags;
	uint16_t window, urgent;
	uint32_t seq, ack;
	uint16_t udp_len; /* 0: no UDP */
	bool icmp;	  /* the fields up to icmp_seq are valid */
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id, icmp_seq;
};

/* status: what decoding of p gave. Without an IP header all of *out is zero. */
void packet_header_read(const struct packet *p, enum packet_status status,
			struct packet_header *out);

/* Whether bytes from somebody who is not trusted are a header: its truth values are 0 or 1. */
bool packet_header_sound(const void *bytes);

#endif

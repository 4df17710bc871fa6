/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames by description, for the test runs. */
#ifndef WEIR_TEST_SHAPE_H
#define WEIR_TEST_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/flow.h"

#define SHAPE_FIN 0x01
#define SHAPE_SYN 0x02
#define SHAPE_RST 0x04
#define SHAPE_PSH 0x08
#define SHAPE_ACK 0x10

#define SHAPE_EXTENSIONS 10
#define SHAPE_FRAME_MAX	 2048

/*
 * Host A (10.0.0.1 or 2001:db8::1, MAC 02:..:0a) speaks to host B (.2, MAC 02:..:0b) unless
 * `reverse`; `a` and `b` move the hosts. Zero means the usual: IPv4, TCP, ports 40000 and 80, ACK.
 */
struct shape {
	const char *name;
	uint8_t tags;
	uint16_t vid[WEIR_VLAN_TAGS_MAX]; /* 0: 100 + position */
	uint16_t session;		  /* of PPPoE; 0: none */
	bool narrow;			  /* the PPP protocol in one byte */
	uint8_t ip;			  /* 4, 6 or SHAPE_ARP */
	uint8_t proto;
	uint8_t options; /* bytes of IPv4 options, a multiple of 4 */
	uint8_t ext[SHAPE_EXTENSIONS];
	uint8_t exts;
	uint16_t part; /* fragment offset in bytes */
	uint32_t id;   /* identification; IPv6: in a fragment header */
	bool more;
	uint8_t tcp_flags, tcp_options;
	uint32_t seq;
	uint16_t sport, dport;
	uint8_t icmp_type;
	uint16_t payload;
	uint16_t padding; /* bytes behind the IP packet */
	uint8_t a, b;
	bool reverse;
	bool multicast; /* the link-layer destination */
	bool local;	/* to the bridge's own address */
};
#define SHAPE_ARP  1
#define SHAPE_ICMP (-1)

/* What shape_build() made. */
struct built {
	uint8_t data[SHAPE_FRAME_MAX];
	size_t len;
	size_t link; /* bytes of Ethernet, tags and PPPoE */
	size_t ppp;  /* where the PPP payload begins that PPPoE's length counts; 0: none */
	size_t l4;
	size_t headers; /* bytes that have to be there for the frame to be a flow's */
};
void shape_build(const struct shape *s, struct built *out);
/* Cuts the frame to len bytes (not into the IP header) and makes the IP length fit. */
void shape_shorten(struct built *b, size_t len);
/* The key the gate gives the frame, and the direction. */
void shape_key(const struct shape *s, struct weir_flow_key *key, uint8_t *dir);
void shape_address(const struct shape *s, bool of_b, uint32_t addr[4]);

#endif

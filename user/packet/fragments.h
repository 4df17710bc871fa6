/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reassembly of IP datagrams (RFC 791, 3.2; RFC 8200, 4.5; RFC 815). One table per thread, bounded
 * in datagrams, bytes and time; it allocates only for a datagram that outgrows its first buffer.
 */
#ifndef WEIR_PACKET_FRAGMENTS_H
#define WEIR_PACKET_FRAGMENTS_H

#include "packet/packet.h"

/* X(enumerator, "label", "help"): counters of datagrams and fragments. */
#define FRAGMENT_EVENTS(X)                                                                         \
	X(CREATED, "ip-created", "a datagram's first fragment came")                               \
	X(COMPLETED, "ip-completed", "all fragments came")                                         \
	X(DUPLICATE, "ip-duplicate", "a fragment came again, and was ignored")                     \
	X(TIMEOUT, "ip-timeout", "a datagram's fragments did not all come in time")                \
	X(OVERLAP, "ip-overlap", "fragments contradict each other: datagram given up")             \
	X(EVICTED, "ip-evicted", "a bound was reached: datagram given up")                         \
	X(MALFORMED, "ip-malformed", "a fragment that no receiver takes, ignored")

enum fragment_event {
#define X(id, name, help) FRAGMENT_EVENT_##id,
	FRAGMENT_EVENTS(X)
#undef X
		FRAGMENT_EVENT_COUNT,
};

struct fragments_limits {
	size_t datagrams; /* incomplete datagrams at most, at least 8; the oldest is given up for a
			     new one */
	size_t bytes;	  /* bytes of all buffers beyond the first 4 KiB of each datagram */
	uint64_t ipv4_ns; /* timeout, counted from the first fragment of a datagram to arrive */
	uint64_t ipv6_ns;
};

struct fragments_stats {
	uint64_t events[FRAGMENT_EVENT_COUNT];
	size_t datagrams, bytes; /* present values */
};

/* A reassembled datagram: the IP packet without link header, as it was before fragmentation. */
struct fragments_whole {
	const uint8_t *packet;
	size_t len;
	uint32_t frames; /* number of fragments, duplicates included */
	uint64_t bytes;	 /* bytes of those frames */
	struct datagram *datagram;
};

struct fragments;
/* Heap; NULL on ENOMEM or without random numbers for the hash. */
struct fragments *fragments_new(const struct fragments_limits *limits);
void fragments_free(struct fragments *f);

/*
 * Adds fragment p, which decoded as PACKET_FRAGMENT; p->key's VLANs, domain and tunnel are part of
 * the datagram's identity. 1: *whole is complete and the caller's until fragments_release(); 0:
 * fragments are missing; -EINVAL: not a valid fragment, or truncated in the pcap file; -EBADMSG:
 * its datagram was given up because fragments contradict each other; -ENOMEM: no room.
 */
int fragments_push(struct fragments *f, const struct packet *p, uint64_t now_ns,
		   struct fragments_whole *whole);
void fragments_release(struct fragments *f, struct fragments_whole *whole);
/* Gives up datagrams that timed out, at most budget. Returns their number. */
unsigned int fragments_expire(struct fragments *f, uint64_t now_ns, unsigned int budget);
void fragments_stats(const struct fragments *f, struct fragments_stats *out);
const char *fragment_event_name(enum fragment_event e);

#endif

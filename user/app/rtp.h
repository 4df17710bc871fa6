/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RTP by its header (RFC 3550, 5.1): no constant tells it, but the fields of packets in a row do.
 * SRTP (RFC 3711) leaves the header as it is.
 */
#ifndef WEIR_APP_RTP_H
#define WEIR_APP_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Packets of one source, one after the other, that make it RTP. */
#define RTP_PACKETS_MIN 3
/* Sources followed in one direction: sound and pictures may share a flow (RFC 8843). */
#define RTP_SOURCES_MAX 2

struct rtp_header {
	uint32_t ssrc, timestamp; /* host order */
	uint16_t sequence;
	uint8_t type; /* payload type */
};

struct rtp_source {
	struct rtp_header last;
	bool moved; /* something beyond the sequence number is not zero */
	uint8_t packets;
};

/* Both directions of a flow. */
struct rtp_watch {
	struct rtp_source sources[2][RTP_SOURCES_MAX];
	uint8_t next[2]; /* the source to give up */
};

/* Reads a packet's header: version, size of what the flags announce, a payload type that RTCP does
 * not take (RFC 5761, 4). */
bool rtp_parse(const uint8_t *data, size_t len, struct rtp_header *out);
/* Adds a packet; whether its source has now sent enough in a row. */
bool rtp_watch_packet(struct rtp_watch *w, bool from_origin, const struct rtp_header *h);
/* Whether a TCP stream begins with so many packets, each behind its length (RFC 4571). */
bool rtp_is_framed(const uint8_t *data, size_t len);

#endif

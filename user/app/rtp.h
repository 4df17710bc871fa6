/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RTP, recognised by its headers (RFC 3550, 5.1): there is no constant, but fields of consecutive
 * packets are related. SRTP (RFC 3711) does not change the header.
 */
#ifndef WEIR_APP_RTP_H
#define WEIR_APP_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Consecutive packets of one source that identify RTP. */
#define RTP_PACKETS_MIN 3
/* Sources that are tracked in one direction: audio and video may share a flow (RFC 8843). */
#define RTP_SOURCES_MAX 2

struct rtp_header {
	uint32_t ssrc, timestamp; /* host order */
	uint16_t sequence;
	uint8_t type; /* payload type */
};

struct rtp_source {
	struct rtp_header last;
	bool moved; /* a field other than the sequence number is not zero */
	uint8_t packets;
};

/* Both directions of a flow. */
struct rtp_watch {
	struct rtp_source sources[2][RTP_SOURCES_MAX];
	uint8_t next[2]; /* index of the source to replace */
};

/* Parses a packet's header and checks the version, the sizes that the flags imply, and that the
 * payload type is not one of RTCP (RFC 5761, 4). */
bool rtp_parse(const uint8_t *data, size_t len, struct rtp_header *out);
/* Adds a packet. Returns whether its source has now sent enough consecutive packets. */
bool rtp_watch_packet(struct rtp_watch *w, bool from_origin, const struct rtp_header *h);
/* Whether a TCP stream begins with RTP_PACKETS_MIN such packets, each preceded by its length (RFC
 * 4571). */
bool rtp_is_framed(const uint8_t *data, size_t len);

#endif

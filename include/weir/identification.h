/* SPDX-License-Identifier: GPL-2.0-only */
/* Identifications of flows and peers. Written by user space alone; the actions that follow are in
 * policy.h. */
#ifndef WEIR_IDENTIFICATION_H
#define WEIR_IDENTIFICATION_H

#ifndef __bpf__
#include <linux/types.h>
#endif
#include "weir/limits.h"

/* X(enumerator, "label", "help"): how a flow was identified; the labels are those of `weir classify
 * --json`. */
#define WEIR_METHODS(X)                                                                            \
	X(NONE, "none", "not identified")                                                          \
	X(SIGNATURE, "signature", "bytes of the payload")                                          \
	X(HANDSHAKE, "handshake", "an exchange of messages checked by an application module")      \
	X(ENDPOINT, "endpoint", "an endpoint learned from other traffic of the host")              \
	X(STATISTICS, "statistics", "lengths and byte statistics")                                 \
	X(PORT, "port", "protocol or port number alone")                                           \
	X(RECONNECTION, "reconnection", "the host's earlier flow to the same service")

enum weir_method {
#define X(id, name, help) WEIR_METHOD_##id,
	WEIR_METHODS(X)
#undef X
		WEIR_METHOD_COUNT,
};
/* weir_app_flows: per-CPU array, index application * WEIR_METHOD_STRIDE + method. */
#define WEIR_METHOD_STRIDE 8
_Static_assert(WEIR_METHOD_COUNT <= WEIR_METHOD_STRIDE, "methods fit their stride");

/* weir_identification.flags */
#define WEIR_IDENTIFIED_INSPECT (1u << 0) /* keep punting payload (trackers) */
#define WEIR_IDENTIFIED_RELEASE (1u << 1) /* do not, though its cell or its peer says inspect */
#define WEIR_IDENTIFIED_TAP	(1u << 2) /* keep punting payload, to be copied */
/* Of an inspected flow, whoever asked for the inspection: the payload of this side is not punted. A
 * later identification may ask for it again. */
#define WEIR_IDENTIFIED_SKIP_ORIGINATOR (1u << 3) /* the side that sent the first frame */
#define WEIR_IDENTIFIED_SKIP_RESPONDER	(1u << 4)
/* weir_proto_apps: beside the application's number, the same for flows of this protocol */
#define WEIR_PROTO_INSPECT (1u << 16)

/* weir_identified: key __u64 flow id. */
struct weir_identification {
	__u16 app;
	__u8 method;
	__u8 confidence; /* 0..100 */
	__u8 flags;
	__u8 payloads; /* frames with payload seen when decided; 255 = or more */
	__u16 pad;
	__u32 traits; /* high half of weir_flow.traits */
	__u32 pad2;
};
_Static_assert(sizeof(struct weir_identification) == 16, "weir_identification");

/* weir_endpoints: what `host` was told (or said of itself, host all zero = for everyone) about
 * peer:port, TCP and UDP. */
struct weir_endpoint_key {
	__u32 host[4]; /* network order, v4-mapped */
	__u32 peer[4];
	__be16 port;
	__u8 domain;
	__u8 pad;
};
_Static_assert(sizeof(struct weir_endpoint_key) == 36, "weir_endpoint_key");

/* weir_reconnects: source, destination, destination port, protocol; no source port. */
struct weir_reconnect_key {
	__u32 src[4]; /* network order, v4-mapped */
	__u32 dst[4];
	__be16 dport;
	__u8 proto;
	__u8 domain;
};
_Static_assert(sizeof(struct weir_reconnect_key) == 36, "weir_reconnect_key");

/* weir_peer.flags: of flows that are identified by it, as long as nobody has released them */
#define WEIR_PEER_INSPECT (1u << 0)
#define WEIR_PEER_TAP	  (1u << 1)

/* Value of both: what the peer is, until when. */
struct weir_peer {
	__u64 expires_ns; /* CLOCK_MONOTONIC */
	__u16 app;
	__u8 source; /* enum weir_source for endpoints */
	__u8 confidence;
	__u8 flags; /* WEIR_PEER_* */
	__u8 pad[3];
};
_Static_assert(sizeof(struct weir_peer) == 16, "weir_peer");

/* X(enumerator, "label", "help"): where an endpoint was learned. */
#define WEIR_SOURCES(X)                                                                            \
	X(NONE, "none", "not learned")                                                             \
	X(HTTP_TRACKER, "http-tracker", "peers in an HTTP tracker's answer")                       \
	X(UDP_TRACKER, "udp-tracker", "peers in a UDP tracker's answer (BEP 15)")                  \
	X(ANNOUNCE, "announce", "the port a host announced as its own")                            \
	X(DHT, "dht", "peers in a DHT answer (BEP 5)")                                             \
	X(PEX, "pex", "peer exchange (BEP 11)")                                                    \
	X(LSD, "lsd", "local service discovery (BEP 14)")                                          \
	X(HANDSHAKE, "handshake", "the port on which a host answered a peer")                      \
	X(ED2K_SERVER, "ed2k-server", "sources and servers that an eDonkey server told of")        \
	X(ED2K_PEER, "ed2k-peer", "ports in an eDonkey client's hello, and its source exchange")   \
	X(KAD, "kad", "contacts in a Kad answer")                                                  \
	X(DC_HUB, "dc-hub", "ports in a Direct Connect hub's messages")                            \
	X(GNUTELLA, "gnutella", "hosts that a Gnutella peer told of")                              \
	X(WS_TRACKER, "ws-tracker", "WebRTC candidates that a WebSocket tracker passed on")        \
	X(EXPECTATION, "expectation", "a data connection announced on its control connection")

enum weir_source {
#define X(id, name, help) WEIR_SOURCE_##id,
	WEIR_SOURCES(X)
#undef X
		WEIR_SOURCE_COUNT,
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the BitTorrent module: learned peers, HTTP and UDP trackers, DHT, peer exchange,
 * local discovery, uTP. */
#ifndef WEIR_APP_BITTORRENT_H
#define WEIR_APP_BITTORRENT_H

#include "app/app.h"
#include "app/peers.h"
#include "proto/bencode.h"

#define BITTORRENT_NAME "bittorrent"
/* Peers learned from one tracker answer at most: no client asks for more than 200. */
#define TRACKER_PEERS_MAX 256
/* Bytes of a response body that are read at most. */
#define TRACKER_BODY_MAX 65536
/* UDP requests remembered per flow; the oldest is replaced. */
#define TRACKER_PENDING_MAX 8

/* ---- peers.c: which peers may be learned, and from which messages ---- */

/*
 * Learns that the receiver of m, a tracker's answer, serves BitTorrent on the port that it
 * announced (host order; 0 = none). Called for the answer, not the announce: an answer shows that
 * the tracker reached the client at that address, so the address is not spoofed.
 */
void peer_learn_own(const struct app_services *s, const struct app_message *m, uint16_t port);
/*
 * Learns that the sender of m serves BitTorrent on port (host order): a host may announce its own
 * port. Call it only for messages which show that their sender received the request. Over TCP, and
 * to a multicast group, the endpoint holds for all hosts; the source of a datagram is easier to
 * spoof, so there it holds for the receiver only.
 */
void peer_learn_sender(const struct app_services *s, const struct app_message *m, uint16_t port,
		       enum weir_source source);
/* Learns peer:port (host order) for the receiver of m, which names it. */
void peer_learn_named(const struct app_services *s, const struct app_message *m,
		      const uint32_t peer[4], uint16_t port, enum weir_source source);
/* The same for an entry of a compact list (BEP 23, 7, 15): address, then port, 6 or 18 bytes. */
void peer_learn_compact(const struct app_services *s, const struct app_message *m,
			const uint8_t *entry, size_t size, enum weir_source source);

/* ---- tracker_http.c (BEP 3, 7, 23, 48) ---- */

struct tracker_request {
	bool announce; /* else scrape */
	uint16_t port; /* the client's own, host order; 0: not given */
};
/* Parses the request line of an announce or a scrape. False: data does not begin with a complete
 * one. */
bool tracker_request_parse(const uint8_t *data, size_t len, struct tracker_request *out);

/* ---- tracker_udp.c (BEP 15) ---- */

enum tracker_action { TRACKER_CONNECT, TRACKER_ANNOUNCE, TRACKER_SCRAPE, TRACKER_ERROR };

struct tracker_pending {
	uint32_t transaction; /* in network order */
	uint16_t own;	      /* announced port, host order */
	uint8_t action;	      /* enum tracker_action */
	bool used;
};
struct tracker_udp {
	struct tracker_pending pending[TRACKER_PENDING_MAX];
	uint8_t next;
};
/* Whether the datagram is a connect request, which is unmistakable. */
bool tracker_udp_is_connect(const uint8_t *data, size_t len);
/* Whether it could be an announce, by its shape alone: only an answer proves it. */
bool tracker_udp_may_be_announce(const uint8_t *data, size_t len);
/* Reads a datagram of the client and remembers its transaction. */
void tracker_udp_request(struct tracker_udp *t, const struct app_message *m);
/* Whether a datagram of the tracker answers a remembered request. */
bool tracker_udp_answers(const struct tracker_udp *t, const struct app_message *m);
/* Reads a datagram of the tracker. Returns whether it answers a remembered request. Peers in an
 * announce's answer are learned, and so is the client's own port. */
bool tracker_udp_response(struct tracker_udp *t, const struct app_services *s,
			  const struct app_message *m);

/* ---- dht.c (BEP 5) ---- */

/* Queries remembered per flow; the oldest is replaced. */
#define DHT_PENDING_MAX 8

enum dht_kind { DHT_NONE, DHT_QUERY, DHT_RESPONSE, DHT_ERROR };
enum dht_method { DHT_OTHER, DHT_GET_PEERS, DHT_ANNOUNCE_PEER };

/* An opaque string that one side sent and the other returns: its length and first bytes. */
struct dht_token {
	uint8_t len; /* 0: none */
	uint8_t head[8];
};

struct dht_message {
	uint8_t kind;	/* enum dht_kind; DHT_NONE: not a complete KRPC message */
	uint8_t method; /* enum dht_method, of a query */
	struct dht_token transaction, token;
	uint16_t port; /* of announce_peer, host order; 0: the source port */
};
void dht_parse(const uint8_t *data, size_t len, struct dht_message *out);

struct dht_pending {
	struct dht_token transaction;
	uint8_t method; /* enum dht_method */
	bool from_origin;
	bool used;
	uint16_t own; /* port announced with a valid token, host order; 0: none */
};
struct dht {
	struct dht_token token[2]; /* last token sent to the responder, to the originator */
	struct dht_pending pending[DHT_PENDING_MAX];
	uint8_t next;
};
/*
 * Reads a message of a DHT flow and learns: an answer to a remembered query shows that its sender's
 * port is BitTorrent's, confirms a port that was announced with a valid token, and names the peers
 * that get_peers asked for. False: not a DHT message.
 */
bool dht_read(struct dht *d, const struct app_services *s, const struct app_message *m);
/* The same for a parsed message. */
void dht_note(struct dht *d, const struct dht_message *k, const struct app_services *s,
	      const struct app_message *m);

/* ---- pex.c (BEP 10, 11) ---- */

/* Bytes of a peer connection, both directions together, in which peer exchange is read at most. */
#define PEX_BYTES_MAX (256u << 10)

/* ---- lsd.c (BEP 14) ---- */

/* Port of a local service discovery announcement, host order, or 0. */
uint16_t lsd_parse(const uint8_t *data, size_t len);
/* Whether addr is a multicast group of local service discovery. */
bool lsd_is_group(const uint32_t addr[4]);

/* ---- utp.c (BEP 29) ---- */

struct utp_syn {
	uint16_t connection, sequence; /* host order */
};
/* Parses a connection's first packet. False: none. */
bool utp_parse_syn(const uint8_t *data, size_t len, struct utp_syn *out);
/* Whether the packet acknowledges exactly that SYN. */
bool utp_answers_syn(const uint8_t *data, size_t len, const struct utp_syn *syn);
/* Offset of the payload of a data packet, or 0. */
size_t utp_payload(const uint8_t *data, size_t len);

/* State to recognise a connection whose beginning was not seen by the sequence of its headers. */
struct utp_track {
	struct utp_steps {
		bool seen;
		uint8_t steps; /* packets consistent with the one before */
		uint8_t moved; /* of these, packets that sent or acknowledged something new */
		uint16_t connection, sequence, acknowledged;
		uint32_t time;
	} side[2]; /* of the responder, of the originator */
};
/*
 * Adds a datagram. Returns the confidence that the flow is uTP, 0 to 100. 80: three packets of one
 * side with the same connection id, a running clock and advancing sequence numbers. 95: both sides,
 * with connection ids that differ by one, and one acknowledges what the other sends. 0: not so far,
 * or not at all.
 */
unsigned int utp_track_note(struct utp_track *t, bool from_origin, const uint8_t *data, size_t len);
/* Whether the datagram has a uTP header, and no payload if its type has none. */
bool utp_is_packet(const uint8_t *data, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the BitTorrent module: peer exchange, peers told of, HTTP trackers, UDP trackers,
 * DHT, local discovery, uTP. */
#ifndef WEIR_APP_BITTORRENT_H
#define WEIR_APP_BITTORRENT_H

#include "app/app.h"
#include "app/http.h"
#include "app/peers.h"
#include "proto/bencode.h"

#define BITTORRENT_NAME "bittorrent"
/* An answer's further peers are not learned: no client asks for more than 200. */
#define TRACKER_PEERS_MAX 256
/* Bytes of a body after which an HTTP answer is no longer read. */
#define TRACKER_BODY_MAX 65536
/* UDP requests remembered per flow; the oldest goes first. */
#define TRACKER_PENDING_MAX 8

/* ---- peers.c: what may be learned, and from what ---- */

/*
 * Learns that the receiver of m, a tracker's answer, serves BitTorrent on the port that it
 * announced (host order; 0 = none). Not at the announce: who answers has seen that the address is
 * no invention.
 */
void peer_learn_own(const struct app_services *s, const struct app_message *m, uint16_t port);
/*
 * Learns that the sender of m serves BitTorrent on port (host order): a host speaks for its own
 * port. To be called only for answers that show their sender to have received what was asked. On
 * TCP, and to a group, it holds for everyone; a datagram's sender is easier to invent, so it holds
 * for the receiver alone.
 */
void peer_learn_sender(const struct app_services *s, const struct app_message *m, uint16_t port,
		       enum weir_source source);
/* Learns that the receiver of m was told of peer:port. */
void peer_learn_told(const struct app_services *s, const struct app_message *m,
		     const uint32_t peer[4], uint16_t port, enum weir_source source);
/* The same for an entry of a compact list (BEP 23, 7, 15): address, then port, 6 or 18 bytes. */
void peer_learn_compact(const struct app_services *s, const struct app_message *m,
			const uint8_t *entry, size_t size, enum weir_source source);

/* ---- tracker_http.c (BEP 3, 7, 23, 48) ---- */

struct tracker_request {
	bool announce; /* else scrape */
	bool close;    /* the client wants the connection to end */
	uint16_t port; /* the client's own, host order; 0: not given */
};
/* Whether the bytes begin with a whole request line of an announce or a scrape. */
bool tracker_request_parse(const uint8_t *data, size_t len, struct tracker_request *out);

/* A tracker's answer on its way: no more than the entry at hand is kept. */
struct tracker_http {
	struct http_reader http;
	struct bencode body;
	bool readable; /* this response can hold peers */
	bool failure;  /* the tracker refused */
	bool finished; /* no further response will come, or none that can be read */
	bool close;    /* as the last request said */
	uint16_t own;  /* the client's port as it announced it, 0 = none or learned */
	uint16_t peers;
	uint32_t body_bytes;
	uint8_t part[18]; /* compact entry */
	char ip[ADDRESS_TEXT_MAX];
	uint8_t ip_len; /* of `ip`; sizeof(ip): too long */
	int64_t port;	/* -1: none yet */
};
void tracker_http_init(struct tracker_http *t);
/* Bytes of the tracker's direction, in order. */
void tracker_http_response(struct tracker_http *t, const struct app_services *s,
			   const struct app_message *m);

/* ---- tracker_udp.c (BEP 15) ---- */

enum tracker_action { TRACKER_CONNECT, TRACKER_ANNOUNCE, TRACKER_SCRAPE, TRACKER_ERROR };

struct tracker_pending {
	uint32_t transaction; /* as on the wire */
	uint16_t own;	      /* the port announced */
	uint8_t action;	      /* enum tracker_action */
	bool used;
};
struct tracker_udp {
	struct tracker_pending pending[TRACKER_PENDING_MAX];
	uint8_t next;
};
/* Whether the datagram is a connect request, which nothing else looks like. */
bool tracker_udp_is_connect(const uint8_t *data, size_t len);
/* Whether it could be an announce: its shape alone, so only an answer proves it. */
bool tracker_udp_may_be_announce(const uint8_t *data, size_t len);
/* A datagram of the client: remembers the transaction. */
void tracker_udp_request(struct tracker_udp *t, const struct app_message *m);
/* One of the tracker: whether it answers a remembered request. An announce's answer tells peers and
 * confirms the client's own port. */
bool tracker_udp_response(struct tracker_udp *t, const struct app_services *s,
			  const struct app_message *m);

/* ---- dht.c (BEP 5) ---- */

/* Queries remembered per flow; the oldest goes first. */
#define DHT_PENDING_MAX 8

enum dht_kind { DHT_NONE, DHT_QUERY, DHT_RESPONSE, DHT_ERROR };
enum dht_method { DHT_OTHER, DHT_GET_PEERS, DHT_ANNOUNCE_PEER };

/* A text that one side gave and the other gives back. */
struct dht_token {
	uint8_t len; /* 0: none */
	uint8_t head[8];
};

struct dht_message {
	uint8_t kind;	/* enum dht_kind; DHT_NONE for what is no whole KRPC message */
	uint8_t method; /* enum dht_method, of a query */
	struct dht_token transaction, token;
	uint16_t port; /* of announce_peer, host order; 0: the sender's own */
};
void dht_parse(const uint8_t *data, size_t len, struct dht_message *out);

struct dht_pending {
	struct dht_token transaction;
	uint8_t method; /* enum dht_method */
	bool from_origin;
	bool used;
	uint16_t own; /* the port announced with the right token, host order; 0: none */
};
struct dht {
	struct dht_token token[2]; /* given to the responder, to the originator */
	struct dht_pending pending[DHT_PENDING_MAX];
	uint8_t next;
};
/*
 * A message of a DHT flow. An answer to a remembered query shows that its sender's port is
 * BitTorrent's, confirms the port that was announced with the token given before, and tells the
 * peers that get_peers asked for. False when the datagram is none of the DHT's.
 */
bool dht_read(struct dht *d, const struct app_services *s, const struct app_message *m);
/* The same for one that was parsed. */
void dht_note(struct dht *d, const struct dht_message *k, const struct app_services *s,
	      const struct app_message *m);

/* ---- pex.c (BEP 10, 11) ---- */

/* Bytes of a peer connection, both ways, after which peer exchange is no longer read. */
#define PEX_BYTES_MAX (256u << 10)

struct pex {
	struct pex_side {
		uint8_t greeted; /* bytes of its handshake */
		bool extends;	 /* it speaks BEP 10 */
		uint8_t wants;	 /* its number for ut_pex, 0: none */
		uint8_t head[6];
		uint8_t have;  /* bytes of head */
		uint8_t body;  /* enum body */
		uint32_t left; /* bytes of the message */
		uint16_t peers;
		uint8_t part[18]; /* compact entry */
		struct bencode bencode;
	} side[2]; /* of the responder, of the originator */
	uint32_t bytes;
	uint8_t messages;
	bool over; /* what came is no message */
};
/* Reads on in a peer connection, from the handshakes on; learns what the receiver is told of, and
 * the ports that the sides say they listen on. Whether more is worth reading. */
bool pex_read(struct pex *p, const struct app_services *s, const struct app_message *m);

/* ---- lsd.c (BEP 14) ---- */

/* Port of a local service discovery announcement, host order, or 0. */
uint16_t lsd_parse(const uint8_t *data, size_t len);
/* Whether addr is one that such announcements go to. */
bool lsd_is_group(const uint32_t addr[4]);

/* ---- utp.c (BEP 29) ---- */

struct utp_syn {
	uint16_t connection, sequence; /* host order */
};
/* A connection's first packet. */
bool utp_parse_syn(const uint8_t *data, size_t len, struct utp_syn *out);
/* Whether it acknowledges exactly that SYN. */
bool utp_answers_syn(const uint8_t *data, size_t len, const struct utp_syn *syn);
/* Offset of the payload of a data packet, or 0. */
size_t utp_payload(const uint8_t *data, size_t len);

/* A connection whose beginning was not seen, by what its headers do from packet to packet. */
struct utp_track {
	struct utp_side {
		bool seen;
		uint8_t steps; /* packets that followed from the one before */
		uint8_t moved; /* of them, those that sent or acknowledged something new */
		uint16_t connection, sequence, acknowledged;
		uint32_t time;
	} side[2]; /* of the responder, of the originator */
};
/*
 * A further datagram. Returns how sure it is that the flow is uTP's, 0 to 100. 80: three packets of
 * one side whose connection is one, whose clock runs, and whose numbers go on. 95: both sides,
 * whose connections differ by one, and one acknowledges what the other sends. 0 so far, or forever.
 */
unsigned int utp_track_note(struct utp_track *t, bool from_origin, const uint8_t *data, size_t len);
/* Whether the datagram has a uTP header, and nothing behind one that carries nothing. */
bool utp_is_packet(const uint8_t *data, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the eDonkey module: messages over TCP and UDP, Kad, and the obfuscation. The
 * protocols are not standardised; opcodes and layouts are those of "The eMule Protocol
 * Specification" (Kulbak, Bickson, 2005) and of the eMule 0.50 sources.
 */
#ifndef WEIR_APP_EDONKEY_H
#define WEIR_APP_EDONKEY_H

#include "app/app.h"
#include "app/peers.h"

#define EDONKEY_NAME "edonkey"
/* First bytes: protocol of a message. */
#define ED2K_PLAIN  0xe3
#define ED2K_EMULE  0xc5
#define ED2K_PACKED 0xd4
#define ED2K_KAD    0xe4
/* A further source of a message is not learned. */
#define ED2K_SOURCES_MAX 256
#define ED2K_CRYPT_HEADER                                                                          \
	8 /* of a datagram: marker, random key part (2), constant (4), padding                     \
	   */

/* ---- edonkey_crypt.c ---- */

/* MD5 of at most 55 bytes. */
void ed2k_md5(const uint8_t *data, size_t len, uint8_t out[16]);
/* Whether a connection begins obfuscated for the client whose user hash this is. */
bool ed2k_opens_stream(const uint8_t identity[16], const uint8_t *data, size_t len);
/*
 * Whether a datagram is obfuscated for who goes by this identity: Kad id, user hash (with the
 * sender's address, network order), or in its first four bytes a server's key.
 */
bool ed2k_opens_datagram(const uint8_t identity[16], const uint32_t sender[4], const uint8_t *data,
			 size_t len);
/* Whether a datagram is a server's obfuscated answer under its key. */
bool ed2k_opens_answer(const uint8_t key[4], const uint8_t *data, size_t len);

/* ---- edonkey_stream.c: messages of a connection ---- */

#define ED2K_KEEP_MAX 2048 /* bytes of a message that are kept */

struct ed2k_reader {
	uint8_t header[6]; /* protocol, length (LE, of opcode and the rest), opcode */
	uint8_t have;	   /* bytes of it */
	bool broken;	   /* what came is no message */
	uint32_t left;	   /* bytes of the message still to come */
	uint32_t kept;
	uint8_t keep[ED2K_KEEP_MAX];
};
/*
 * Reads on, calling fn for every message that is complete, with as much of it as is kept (payload
 * behind the opcode; total: its whole length). False for what is no message (and ever after).
 */
bool ed2k_feed(struct ed2k_reader *r, const uint8_t *data, size_t len,
	       void (*fn)(void *arg, uint8_t protocol, uint8_t opcode, const uint8_t *payload,
			  size_t len, size_t total),
	       void *arg);

/* ---- edonkey_tell.c: what messages tell ---- */

/* Learns from a message of a connection. Returns whether it is one between client and server. */
bool ed2k_tell_message(const struct app_services *s, const struct app_message *m, uint8_t protocol,
		       uint8_t opcode, const uint8_t *payload, size_t len);
/* Learns from a datagram in the clear: a server's answer, or Kad's. */
void ed2k_tell_datagram(const struct app_services *s, const struct app_message *m);

/* ---- kad_shape.c: obfuscated Kad by its lengths ---- */

#define KAD_SHAPE_MAX 8 /* datagrams that are weighed */

struct kad_shape {
	uint8_t count;
	bool over;	  /* a datagram did not fit */
	uint8_t pairs;	  /* of request and answer */
	uint8_t requests; /* of them for contacts */
	uint8_t asked[2]; /* by the responder, by the originator: what awaits an answer */
	uint16_t have;
	uint8_t bytes[256]; /* of the datagrams, as far as there is room, to weigh them together */
};
/*
 * A further datagram of the flow. Returns how sure it is that the flow is Kad's, 0 to 100: 70 once
 * two requests were answered with lengths that only these answers have, all first bytes are
 * even, and all bytes look random.
 */
unsigned int kad_shape_note(struct kad_shape *k, bool from_origin, const uint8_t *data, size_t len);
/* Whether a flow may begin with this datagram. */
bool kad_shape_may_begin(const uint8_t *data, size_t len);

#endif

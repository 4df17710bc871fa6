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
#define ED2K_PLAIN	0xe3
#define ED2K_EMULE	0xc5
#define ED2K_PACKED	0xd4
#define ED2K_KAD	0xe4
#define ED2K_KAD_PACKED 0xe5
/* Sources learned from one message at most. */
#define ED2K_SOURCES_MAX 256
/* Bytes before a datagram's message: marker, random key part (2), constant (4), padding. */
#define ED2K_CRYPT_HEADER 8

/* ---- edonkey_crypt.c ---- */

/* MD5 of at most 55 bytes. */
void ed2k_md5(const uint8_t *data, size_t len, uint8_t out[16]);
/* Whether a connection begins with obfuscation addressed to the client with this user hash. */
bool ed2k_opens_stream(const uint8_t identity[16], const uint8_t *data, size_t len);
/*
 * Whether a datagram is obfuscated for the receiver with this identity: Kad id, user hash (together
 * with the sender's address, network order), or a server's key in the first four bytes.
 */
bool ed2k_opens_datagram(const uint8_t identity[16], const uint32_t sender[4], const uint8_t *data,
			 size_t len);
/* Whether a datagram is a server's obfuscated answer under its key. */
bool ed2k_opens_answer(const uint8_t key[4], const uint8_t *data, size_t len);

/* ---- edonkey_stream.c: messages of a connection ---- */

#define ED2K_KEEP_MAX 2048 /* bytes of a message that are kept at most */

struct ed2k_reader {
	uint8_t header[6]; /* protocol, length (LE, of opcode and the rest), opcode */
	uint8_t have;	   /* bytes of header so far */
	bool broken;	   /* the stream is not valid */
	uint32_t left;	   /* bytes of the message still to come */
	uint32_t kept;
	uint8_t keep[ED2K_KEEP_MAX];
};
/*
 * Parses the next bytes and calls fn for every complete message with as much of it as is kept
 * (payload after the opcode; total: the payload's full length). False, also from all later calls:
 * not a message.
 */
bool ed2k_feed(struct ed2k_reader *r, const uint8_t *data, size_t len,
	       void (*fn)(void *arg, uint8_t protocol, uint8_t opcode, const uint8_t *payload,
			  size_t len, size_t total),
	       void *arg);

/* ---- edonkey_tell.c: endpoints and identities learned from messages ---- */

/* Learns from a message of a connection. Returns whether it is a message between client and
 * server. */
bool ed2k_tell_message(const struct app_services *s, const struct app_message *m, uint8_t protocol,
		       uint8_t opcode, const uint8_t *payload, size_t len);
/* Learns from an unencrypted datagram of a server or of Kad. */
void ed2k_tell_datagram(const struct app_services *s, const struct app_message *m);

/* ---- kad_shape.c: obfuscated Kad, recognised by datagram lengths ---- */

#define KAD_SHAPE_MAX 8 /* datagrams of a flow that are examined */

struct kad_shape {
	uint8_t count;
	bool over;	  /* a datagram did not match */
	uint8_t pairs;	  /* pairs of request and answer */
	uint8_t requests; /* pairs that ask for contacts */
	uint8_t asked[2]; /* bit mask of unanswered requests of the responder, of the originator */
	uint16_t have;
	uint8_t bytes[256]; /* bytes of the datagrams, as far as there is room, tested together for
			       randomness */
};
/*
 * Adds a datagram. Returns the confidence that the flow is Kad, 0 to 100: 70 once two requests were
 * answered with lengths that only these answers have, all first bytes are even and all bytes look
 * random.
 */
unsigned int kad_shape_note(struct kad_shape *k, bool from_origin, const uint8_t *data, size_t len);
/* Whether a flow may begin with this datagram. */
bool kad_shape_may_begin(const uint8_t *data, size_t len);

#endif

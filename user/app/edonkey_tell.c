// SPDX-License-Identifier: GPL-2.0-only
/* Learns from eDonkey's messages: where peers listen, and their identities. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "app/edonkey.h"
#include "util/load.h"

/* Opcodes between client and server. */
#define OP_HELLO	 0x01 /* to a server: login */
#define OP_SERVER_LIST	 0x32
#define OP_SERVER_STATUS 0x34
#define OP_CALLBACK	 0x35
#define OP_SERVER_TEXT	 0x38
#define OP_ID_CHANGE	 0x40
#define OP_SOURCES	 0x42
#define OP_SOURCES_KEYED 0x44
/* Between clients. */
#define OP_HELLO_ANSWER	    0x4c
#define OP_EXCHANGE_SOURCES 0x82
#define OP_EXCHANGE_2	    0x84
/* Over UDP. */
#define OP_UDP_STATUS	  0x97
#define OP_UDP_SOURCES	  0x9b
#define KAD_BOOTSTRAP	  0x09
#define KAD_HELLO	  0x11
#define KAD_HELLO_ANSWER  0x19
#define KAD_ANSWER	  0x29
#define KAD_CONTACT	  25
#define HASH		  16
#define TAG_PORTS	  0xf9 /* tag of a hello: Kad port, eMule UDP port */
#define SERVER_UDP	  4    /* a server's UDP port is its TCP port plus this */
#define SERVER_UDP_HIDDEN 12   /* the same, obfuscated */
#define SOURCE_HAS_HASH	  0x80

/* Reads an address in wire order, or reversed. An id below 2^24 is that of a client that cannot be
 * connected to. */
static bool take_address(const uint8_t *p, bool reversed, uint32_t out[4])
{
	uint8_t bytes[4];
	uint32_t v4;

	for (int i = 0; i < 4; i++)
		bytes[i] = p[reversed ? 3 - i : i];
	memcpy(&v4, bytes, sizeof(v4));
	address_from_v4(out, v4);
	return reversed || bytes[3] != 0;
}

static void learn(const struct app_services *s, const struct app_message *m, const uint32_t peer[4],
		  uint16_t port, enum weir_source source)
{
	if (port && peer_is_third_party(m, peer, port))
		peer_learn_app(s, EDONKEY_NAME, m->domain, m->dst, peer, port, source);
}

static void identify(const struct app_services *s, const struct app_message *m,
		     const uint32_t addr[4], uint16_t port, const uint8_t identity[HASH])
{
	if (s->facts && port)
		facts_identity_is(s->facts, addr, htons(port), m->domain, identity, m->now_ns);
}

static void learn_server(const struct app_services *s, const struct app_message *m,
			 const uint32_t addr[4], uint16_t port)
{
	learn(s, m, addr, port, WEIR_SOURCE_ED2K_SERVER);
	if (port > UINT16_MAX - SERVER_UDP_HIDDEN)
		return;
	learn(s, m, addr, (uint16_t)(port + SERVER_UDP), WEIR_SOURCE_ED2K_SERVER);
	learn(s, m, addr, (uint16_t)(port + SERVER_UDP_HIDDEN), WEIR_SOURCE_ED2K_SERVER);
}

/* OP_FOUNDSOURCES: file, count, then address and port of each source; keyed ones with options and,
 * if these say so, the user hash. */
static void read_sources(const struct app_services *s, const struct app_message *m, bool keyed,
			 const uint8_t *p, size_t len)
{
	unsigned int count;

	if (len < HASH + 1)
		return;
	count = p[HASH];
	p += HASH + 1;
	len -= HASH + 1;
	for (unsigned int i = 0; i < count; i++) {
		size_t size = keyed ? 7 : 6;
		uint32_t addr[4];

		if (len < size)
			return;
		if (keyed && p[6] & SOURCE_HAS_HASH)
			size += HASH;
		if (len < size)
			return;
		if (take_address(p, false, addr)) {
			learn(s, m, addr, load_le16(p + 4), WEIR_SOURCE_ED2K_SERVER);
			if (size > 7)
				identify(s, m, addr, load_le16(p + 4), p + 7);
		}
		p += size;
		len -= size;
	}
}

/* A list of addresses and ports. */
static void read_servers(const struct app_services *s, const struct app_message *m,
			 const uint8_t *p, size_t len)
{
	unsigned int count = len ? p[0] : 0;
	uint32_t addr[4];

	for (size_t at = 1; count-- && at + 6 <= len; at += 6)
		if (take_address(p + at, false, addr))
			learn_server(s, m, addr, load_le16(p + at + 4));
}

/*
 * OP_ANSWERSOURCES: file, count, entries of 12 bytes (address, port, its server), from version 2 on
 * with the user hash, from 4 on with options. Only OP_ANSWERSOURCES2 names the version, first.
 */
static void read_exchange(const struct app_services *s, const struct app_message *m, bool named,
			  const uint8_t *p, size_t len)
{
	unsigned int version = named && len ? p[0] : 1;
	size_t head = HASH + 2 + (named ? 1 : 0), size;
	unsigned int count;
	uint32_t addr[4];

	if (len < head || version == 0 || version > 4)
		return;
	count = load_le16(p + head - 2);
	size = version == 1 ? 12 : version < 4 ? 28 : 29;
	/* Without a version, the entry size follows from the total length. */
	if (!named && count && (len - head) / count >= 28)
		size = (len - head) / count >= 29 ? 29 : 28;
	if (count > ED2K_SOURCES_MAX)
		count = ED2K_SOURCES_MAX;
	for (size_t at = head; count-- && at + size <= len; at += size) {
		/* From version 3 on the address is reversed, like Kad's. */
		if (!take_address(p + at, version >= 3 || size == 29, addr))
			continue;
		learn(s, m, addr, load_le16(p + at + 4), WEIR_SOURCE_ED2K_PEER);
		if (size >= 28)
			identify(s, m, addr, load_le16(p + at + 4), p + at + 12);
	}
}

/* The UDP ports in a hello: a tag with a name of one byte and a value of 4 bytes. The tag is
 * searched for, because the tags before it may be of any type. */
static uint16_t udp_port_of(const uint8_t *p, size_t len, uint16_t *kad)
{
	static const uint8_t head[] = {0x03, 0x01, 0x00, TAG_PORTS};
	const uint8_t *at = len >= 8 ? memmem(p, len - 4, head, sizeof(head)) : NULL;

	*kad = at ? load_le16(at + 6) : 0;
	return at ? load_le16(at + 4) : 0;
}

/*
 * Hello and its answer: user hash, id, port, tags. A host may announce its own ports. An answer
 * shows that the connection was established, so its source is not spoofed and the endpoint holds
 * for all hosts.
 */
static void read_hello(const struct app_services *s, const struct app_message *m, bool answer,
		       const uint8_t *p, size_t len)
{
	uint16_t port, udp, kad;

	if (len < HASH + 10)
		return;
	port = load_le16(p + HASH + 4);
	identify(s, m, m->src, port, p);
	if (answer)
		identify(s, m, m->src, m->sport, p);
	udp = udp_port_of(p + HASH + 6, len - HASH - 6, &kad);
	peer_learn_app(s, EDONKEY_NAME, m->domain, answer ? NULL : m->dst, m->src, port,
		       WEIR_SOURCE_ED2K_PEER);
	learn(s, m, m->src, udp, WEIR_SOURCE_ED2K_PEER);
	if (kad != udp)
		learn(s, m, m->src, kad, WEIR_SOURCE_ED2K_PEER);
}

static bool is_from_server(uint8_t opcode)
{
	return opcode == OP_SERVER_LIST || opcode == OP_SERVER_STATUS || opcode == OP_SERVER_TEXT ||
	       opcode == OP_ID_CHANGE || opcode == OP_SOURCES || opcode == OP_SOURCES_KEYED ||
	       opcode == OP_CALLBACK;
}

static void read_from_server(const struct app_services *s, const struct app_message *m,
			     uint8_t opcode, const uint8_t *p, size_t len)
{
	uint32_t addr[4];

	if (opcode == OP_ID_CHANGE || opcode == OP_SERVER_TEXT)
		learn_server(s, m, m->src, m->sport);
	else if (opcode == OP_SERVER_LIST)
		read_servers(s, m, p, len);
	else if (opcode == OP_SOURCES || opcode == OP_SOURCES_KEYED)
		read_sources(s, m, opcode == OP_SOURCES_KEYED, p, len);
	else if (opcode == OP_CALLBACK && len >= 6 && take_address(p, false, addr))
		learn(s, m, addr, load_le16(p + 4), WEIR_SOURCE_ED2K_SERVER);
}

bool ed2k_tell_message(const struct app_services *s, const struct app_message *m, uint8_t protocol,
		       uint8_t opcode, const uint8_t *payload, size_t len)
{
	if (protocol == ED2K_PLAIN && !m->from_origin && is_from_server(opcode)) {
		read_from_server(s, m, opcode, payload, len);
		return true;
	}
	if (protocol == ED2K_PLAIN && opcode == OP_HELLO && len > 0 && payload[0] == HASH)
		read_hello(s, m, false, payload + 1, len - 1);
	else if (protocol == ED2K_PLAIN && opcode == OP_HELLO)
		read_hello(s, m, false, payload, len);
	else if (protocol == ED2K_PLAIN && opcode == OP_HELLO_ANSWER)
		read_hello(s, m, true, payload, len);
	else if (protocol == ED2K_EMULE &&
		 (opcode == OP_EXCHANGE_SOURCES || opcode == OP_EXCHANGE_2))
		read_exchange(s, m, opcode == OP_EXCHANGE_2, payload, len);
	return false;
}

/* ---- datagrams ---- */

/* Status of a server: challenge, seven numbers, low ids, then the obfuscated ports and the server's
 * key. */
static void read_status(const struct app_services *s, const struct app_message *m, const uint8_t *p,
			size_t len)
{
	uint8_t identity[16] = {0};
	uint16_t udp, tcp;

	if (len < 40)
		return;
	udp = load_le16(p + 32);
	tcp = load_le16(p + 34);
	memcpy(identity, p + 36, 4);
	if (!load_le32(p + 36))
		return;
	learn(s, m, m->src, udp, WEIR_SOURCE_ED2K_SERVER);
	learn(s, m, m->src, tcp, WEIR_SOURCE_ED2K_SERVER);
	identify(s, m, m->src, udp, identity);
}

static void read_contacts(const struct app_services *s, const struct app_message *m,
			  const uint8_t *p, size_t len, unsigned int count)
{
	uint32_t addr[4];

	for (size_t at = 0; count-- && at + KAD_CONTACT <= len; at += KAD_CONTACT) {
		(void)take_address(p + at + HASH, true, addr);
		learn(s, m, addr, load_le16(p + at + 20), WEIR_SOURCE_KAD);
		learn(s, m, addr, load_le16(p + at + 22), WEIR_SOURCE_KAD);
		identify(s, m, addr, load_le16(p + at + 20), p + at);
	}
}

static void read_kad(const struct app_services *s, const struct app_message *m, uint8_t opcode,
		     const uint8_t *p, size_t len)
{
	if (opcode == KAD_ANSWER && len >= HASH + 1)
		read_contacts(s, m, p + HASH + 1, len - HASH - 1, p[HASH]);
	if (opcode == KAD_BOOTSTRAP && len >= HASH + 5)
		read_contacts(s, m, p + HASH + 5, len - HASH - 5, load_le16(p + HASH + 3));
	if ((opcode == KAD_BOOTSTRAP || opcode == KAD_HELLO || opcode == KAD_HELLO_ANSWER) &&
	    len >= HASH + 3) {
		identify(s, m, m->src, m->sport, p);
		learn(s, m, m->src, load_le16(p + HASH), WEIR_SOURCE_KAD);
	}
}

void ed2k_tell_datagram(const struct app_services *s, const struct app_message *m)
{
	if (m->len < 2)
		return;
	if (m->data[0] == ED2K_PLAIN && m->data[1] == OP_UDP_STATUS && !m->from_origin)
		read_status(s, m, m->data + 2, m->len - 2);
	else if (m->data[0] == ED2K_PLAIN && m->data[1] == OP_UDP_SOURCES && !m->from_origin)
		read_sources(s, m, false, m->data + 2, m->len - 2);
	else if (m->data[0] == ED2K_KAD)
		read_kad(s, m, m->data[1], m->data + 2, m->len - 2);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Builds TLS handshake messages and certificates for the unit tests. */
#ifndef TESTS_UNIT_HELLO_BUILD_H
#define TESTS_UNIT_HELLO_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HELLO_ROOM 4096

struct build {
	uint8_t at[HELLO_ROOM];
	size_t len;
};

static inline void build_bytes(struct build *b, const void *from, size_t len)
{
	memcpy(b->at + b->len, from, len);
	b->len += len;
}

static inline void build_number(struct build *b, unsigned int v, unsigned int width)
{
	while (width--)
		b->at[b->len++] = (uint8_t)(v >> 8 * width);
}

/* Begins a vector behind a length of width bytes; returns what build_end() wants. */
static inline size_t build_begin(struct build *b, unsigned int width)
{
	build_number(b, 0, width);
	return b->len;
}

static inline void build_end(struct build *b, size_t begun, unsigned int width)
{
	size_t len = b->len - begun;

	for (unsigned int i = 0; i < width; i++)
		b->at[begun - width + i] = (uint8_t)(len >> 8 * (width - 1 - i));
}

struct hello_spec {
	uint16_t version;	    /* 0: 0x0303 */
	const uint16_t *ciphers;    /* ends with 0; NULL: 1301 */
	const uint16_t *extensions; /* ends with 0xffff, in this order; NULL: 0, 16, 43 */
	const uint16_t *versions;   /* of supported_versions, ends with 0 */
	const uint16_t *signatures; /* ends with 0 */
	const char *name;	    /* NULL: none, also where its extension is listed */
	const char *protocol, *second_protocol;
	bool datagram;
};

static inline void build_list(struct build *b, const uint16_t *values, unsigned int width)
{
	size_t list = build_begin(b, width);

	for (; values && *values; values++)
		build_number(b, *values, 2);
	build_end(b, list, width);
}

static inline void build_text(struct build *b, const char *text, unsigned int width)
{
	size_t vector = build_begin(b, width);

	build_bytes(b, text, strlen(text));
	build_end(b, vector, width);
}

static inline void build_extension(struct build *b, uint16_t type, const struct hello_spec *s)
{
	size_t body, list;

	build_number(b, type, 2);
	body = build_begin(b, 2);
	if (type == 0 && s->name) {
		list = build_begin(b, 2);
		build_number(b, 0, 1);
		build_text(b, s->name, 2);
		build_end(b, list, 2);
	} else if (type == 16 && s->protocol) {
		list = build_begin(b, 2);
		build_text(b, s->protocol, 1);
		if (s->second_protocol)
			build_text(b, s->second_protocol, 1);
		build_end(b, list, 2);
	} else if (type == 43) {
		build_list(b, s->versions, 1);
	} else if (type == 13) {
		build_list(b, s->signatures, 2);
	}
	build_end(b, body, 2);
}

/* RFC 8446, 4.1.2: from the handshake type on. */
static inline void build_client_hello(struct build *b, const struct hello_spec *s)
{
	static const uint16_t one_cipher[] = {0x1301, 0}, few[] = {0, 16, 43, 0xffff};
	const uint16_t *extension = s->extensions ? s->extensions : few;
	size_t message, vector;

	build_number(b, 1, 1);
	message = build_begin(b, 3);
	build_number(b, s->version ? s->version : 0x0303, 2);
	for (int i = 0; i < 32; i++)
		build_number(b, 0x40 + i, 1);
	build_number(b, 0, 1); /* session */
	if (s->datagram)
		build_number(b, 0, 1); /* cookie */
	build_list(b, s->ciphers ? s->ciphers : one_cipher, 2);
	build_number(b, 0x0100, 2); /* compression */
	vector = build_begin(b, 2);
	for (; *extension != 0xffff; extension++)
		build_extension(b, *extension, s);
	build_end(b, vector, 2);
	build_end(b, message, 3);
}

/* chosen 0: without supported_versions. */
static inline void build_server_hello(struct build *b, uint16_t version, uint16_t chosen)
{
	size_t message, vector;

	build_number(b, 2, 1);
	message = build_begin(b, 3);
	build_number(b, version, 2);
	for (int i = 0; i < 32; i++)
		build_number(b, 0x60 + i, 1);
	build_number(b, 0, 1);
	build_number(b, 0xc02f00, 3);
	vector = build_begin(b, 2);
	if (chosen) {
		build_number(b, 43, 2);
		build_number(b, 2, 2);
		build_number(b, chosen, 2);
	}
	build_end(b, vector, 2);
	build_end(b, message, 3);
}

/* ---- certificates ---- */

static inline size_t der_begin(struct build *b, uint8_t tag)
{
	build_number(b, tag, 1);
	build_number(b, 0x82, 1);
	return build_begin(b, 2);
}

static inline void der_text(struct build *b, uint8_t tag, const char *text)
{
	build_number(b, tag, 1);
	build_text(b, text, 1);
}

static inline void der_name(struct build *b, const char *organization, const char *common)
{
	size_t name = der_begin(b, 0x30);

	for (int i = 0; i < 2; i++) {
		const char *text = i ? common : organization;
		size_t set, pair;

		if (!text)
			continue;
		set = der_begin(b, 0x31);
		pair = der_begin(b, 0x30);
		build_bytes(b, i ? "\x06\x03\x55\x04\x03" : "\x06\x03\x55\x04\x0a", 5);
		der_text(b, 0x0c, text);
		build_end(b, pair, 2);
		build_end(b, set, 2);
	}
	build_end(b, name, 2);
}

/* Two extensions: basicConstraints (critical), subjectAltName with an address, then the name. */
static inline void der_extensions(struct build *b, const char *alternative)
{
	size_t wrapped = der_begin(b, 0xa3), list = der_begin(b, 0x30);
	size_t extension = der_begin(b, 0x30), octets, names;

	build_bytes(b, "\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x02\x30\x00", 12);
	build_end(b, extension, 2);
	extension = der_begin(b, 0x30);
	build_bytes(b, "\x06\x03\x55\x1d\x11", 5);
	octets = der_begin(b, 0x04);
	names = der_begin(b, 0x30);
	build_bytes(b, "\x87\x04\xc0\x00\x02\x01", 6);
	der_text(b, 0x82, alternative);
	der_text(b, 0x82, "second.example");
	build_end(b, names, 2);
	build_end(b, octets, 2);
	build_end(b, extension, 2);
	build_end(b, list, 2);
	build_end(b, wrapped, 2);
}

/* RFC 5280, 4.1, as far as it goes without a key and a signature. */
static inline void build_certificate(struct build *b, const char *common, const char *alternative)
{
	size_t certificate = der_begin(b, 0x30), body = der_begin(b, 0x30);

	build_bytes(b, "\xa0\x03\x02\x01\x02\x02\x01\x07\x30\x00", 10);
	der_name(b, "Issuer", "issuer.example");
	build_bytes(b, "\x30\x00", 2);
	der_name(b, "Owner", common);
	build_bytes(b, "\x30\x00", 2);
	if (alternative)
		der_extensions(b, alternative);
	build_end(b, body, 2);
	build_bytes(b, "\x30\x00\x03\x01\x00", 5);
	build_end(b, certificate, 2);
}

/* RFC 5246, 7.4.2, with one certificate. */
static inline void build_certificate_message(struct build *b, const char *common,
					     const char *alternative)
{
	size_t message, list, one;

	build_number(b, 11, 1);
	message = build_begin(b, 3);
	list = build_begin(b, 3);
	one = build_begin(b, 3);
	build_certificate(b, common, alternative);
	build_end(b, one, 3);
	build_end(b, list, 3);
	build_end(b, message, 3);
}

/* Wraps handshake bytes into TLS records of at most `most` bytes. */
static inline void build_records(struct build *b, const struct build *from, size_t most)
{
	for (size_t at = 0; at < from->len; at += most) {
		size_t n = from->len - at < most ? from->len - at : most;

		build_number(b, 0x160301, 3);
		build_number(b, (unsigned int)n, 2);
		build_bytes(b, from->at + at, n);
	}
}

#endif

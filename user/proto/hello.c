// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "proto/hello.h"
#include "util/util.h"

#define RECORD_HANDSHAKE 22
#define RECORD_HEADER	 5
#define RANDOM_BYTES	 32

enum extension {
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_SIGNATURES = 13,
	EXTENSION_ALPN = 16,
	EXTENSION_VERSIONS = 43,
};

bool hello_is_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

/* DTLS counts downwards from 0xfeff (RFC 6347, 4.1). */
static bool is_better(uint16_t version, uint16_t best)
{
	if (hello_is_grease(version))
		return false;
	if (version >> 8 == 0xfe && best >> 8 == 0xfe)
		return version < best;
	return version > best;
}

static uint16_t best_version(struct bytes list)
{
	struct bytes one = {0};
	uint16_t best = 0;

	while (bytes_take(&list, 2, &one) > 0) {
		uint16_t version = (uint16_t)bytes_number(one.at, 2);

		if (is_better(version, best))
			best = version;
	}
	return best;
}

static void read_name(struct bytes body, struct client_hello *out)
{
	struct bytes list = {0}, type = {0}, name = {0};

	out->has_name = true;
	if (bytes_vector(&body, 2, &list) > 0 && bytes_take(&list, 1, &type) > 0 &&
	    type.at[0] == 0 && bytes_vector(&list, 2, &name) > 0 && !name.more)
		out->name = name;
}

/* An incomplete extension is not used. */
static void read_extension(unsigned int type, struct bytes body, struct client_hello *out)
{
	struct bytes list = {0};

	if (type == EXTENSION_SERVER_NAME)
		read_name(body, out);
	if (body.more)
		return;
	if (type == EXTENSION_ALPN && bytes_vector(&body, 2, &list) > 0)
		out->protocols = list;
	else if (type == EXTENSION_SIGNATURES && bytes_vector(&body, 2, &list) > 0)
		out->signatures = list;
	else if (type == EXTENSION_VERSIONS && bytes_vector(&body, 1, &list) > 0 &&
		 best_version(list))
		out->best_version = best_version(list);
}

static int read_extensions(struct bytes rest, struct client_hello *out)
{
	while (rest.len || rest.more) {
		struct bytes type = {0}, body = {0};
		int rc = bytes_take(&rest, 2, &type);

		if (rc > 0)
			rc = bytes_vector(&rest, 2, &body);
		if (rc <= 0)
			return rc;
		read_extension(bytes_number(type.at, 2), body, out);
		if (body.more)
			return -EAGAIN;
	}
	return 1;
}

static int read_client_body(struct bytes *b, bool datagram, struct client_hello *out)
{
	struct bytes version = {0}, skipped = {0};
	int rc = bytes_take(b, 2, &version);

	if (rc > 0) {
		out->version = out->best_version = (uint16_t)bytes_number(version.at, 2);
		rc = bytes_take(b, RANDOM_BYTES, NULL);
	}
	if (rc > 0)
		rc = bytes_vector(b, 1, &skipped); /* session */
	if (rc > 0 && datagram)
		rc = bytes_vector(b, 1, &skipped); /* cookie */
	if (rc > 0)
		rc = bytes_vector(b, 2, &out->ciphers);
	if (rc > 0)
		rc = bytes_vector(b, 1, &skipped); /* compression */
	if (rc <= 0 || (b->len == 0 && !b->more))
		return rc; /* before RFC 3546 there were no extensions */
	rc = bytes_vector(b, 2, &out->extensions);
	return rc > 0 ? read_extensions(out->extensions, out) : rc;
}

/* Consumes a handshake message's header (RFC 8446, 4). */
static int take_message(struct bytes *b, unsigned int *type, struct bytes *body)
{
	struct bytes first = {0};
	int rc = bytes_take(b, 1, &first);

	if (rc > 0)
		rc = bytes_vector(b, 3, body);
	if (rc > 0)
		*type = first.at[0];
	return rc;
}

int hello_read_client(const uint8_t *data, size_t len, bool datagram, struct client_hello *out)
{
	struct bytes b = {data, len, true}, body = {0};
	unsigned int type = 0;
	int rc;

	*out = (struct client_hello){0};
	if (len && data[0] != HELLO_CLIENT)
		return 0;
	rc = take_message(&b, &type, &body);
	return rc > 0 ? read_client_body(&body, datagram, out) : rc;
}

bool hello_next_protocol(struct bytes *protocols, struct bytes *out)
{
	while (bytes_vector(protocols, 1, out) > 0) {
		if (out->len == 2 && hello_is_grease((uint16_t)bytes_number(out->at, 2)))
			continue;
		return true;
	}
	return false;
}

/* ---- ServerHello ---- */

static int read_server_body(struct bytes *b, uint16_t *version)
{
	struct bytes legacy = {0}, skipped = {0}, rest = {0}, type = {0}, body = {0};
	int rc = bytes_take(b, 2, &legacy);

	if (rc > 0)
		rc = bytes_take(b, RANDOM_BYTES, NULL);
	if (rc > 0)
		rc = bytes_vector(b, 1, &skipped); /* session */
	if (rc > 0)
		rc = bytes_take(b, 2 + 1, NULL); /* cipher suite, compression */
	if (rc <= 0)
		return rc;
	*version = (uint16_t)bytes_number(legacy.at, 2);
	if (b->len == 0 && !b->more)
		return 1;
	rc = bytes_vector(b, 2, &rest);
	while (rc > 0 && (rest.len || rest.more)) {
		rc = bytes_take(&rest, 2, &type);
		if (rc > 0)
			rc = bytes_vector(&rest, 2, &body);
		if (rc > 0 && bytes_number(type.at, 2) == EXTENSION_VERSIONS && body.len == 2)
			*version = (uint16_t)bytes_number(body.at, 2);
	}
	return rc;
}

int hello_read_server(const uint8_t *data, size_t len, uint16_t *version)
{
	struct bytes b = {data, len, true}, body = {0};
	unsigned int type = 0;
	int rc;

	if (len && data[0] != HELLO_SERVER)
		return 0;
	rc = take_message(&b, &type, &body);
	return rc > 0 ? read_server_body(&body, version) : rc;
}

int hello_find_certificate(const uint8_t *data, size_t len, struct bytes *out)
{
	struct bytes b = {data, len, true}, body = {0}, list = {0}, certificate = {0};
	unsigned int type = 0;
	int rc;

	do {
		rc = take_message(&b, &type, &body);
	} while (rc > 0 && type != HELLO_CERTIFICATE && !body.more);
	if (rc > 0 && type != HELLO_CERTIFICATE)
		return -EAGAIN;
	if (rc > 0)
		rc = bytes_vector(&body, 3, &list);
	if (rc > 0)
		rc = bytes_vector(&list, 3, &certificate);
	if (rc > 0)
		*out = certificate;
	return rc > 0 && certificate.more ? -EAGAIN : rc;
}

/* ---- records ---- */

ssize_t hello_join_records(const uint8_t *data, size_t len, uint8_t *out, size_t cap, bool *open)
{
	size_t used = 0;
	size_t at = 0;

	*open = true;
	if (len && data[0] != RECORD_HANDSHAKE)
		return -EPROTO;
	while (len - at >= RECORD_HEADER && data[at] == RECORD_HANDSHAKE && data[at + 1] == 3) {
		size_t n = bytes_number(data + at + 3, 2);

		at += RECORD_HEADER;
		if (n > len - at)
			n = len - at;
		if (n > cap - used)
			n = cap - used;
		memcpy(out + used, data + at, n);
		used += n;
		at += n;
	}
	*open = at == len || data[at] == RECORD_HANDSHAKE;
	return (ssize_t)used;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "proto/hello.h"
#include "util/util.h"

#define RECORD_CHANGE	 20
#define RECORD_ALERT	 21
#define RECORD_HANDSHAKE 22
#define RECORD_HEADER	 5
#define MESSAGE_HEADER	 4 /* type, 24 bits of length (RFC 8446, 4) */
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

/* Whether the handshake bytes end where a message does. *next: where the message behind those that
 * were passed begins. */
static bool is_between(const uint8_t *messages, size_t len, size_t *next)
{
	while (*next + MESSAGE_HEADER <= len)
		*next += MESSAGE_HEADER + bytes_number(messages + *next + 1, 3);
	return *next == len;
}

/*
 * Length of a record that TLS allows between the parts of a handshake message (RFC 5246, 6.2.1; RFC
 * 8446, 5): a ChangeCipherSpec or an alert that is a warning. 0: it is none; -EAGAIN.
 */
static ssize_t passed_over(const uint8_t *data, size_t len)
{
	static const uint8_t change[] = {RECORD_CHANGE, 3, 0, 0, 1, 1};
	static const uint8_t warning[] = {RECORD_ALERT, 3, 0, 0, 2, 1};
	const uint8_t *want = data[0] == RECORD_CHANGE ? change : warning;
	size_t size = RECORD_HEADER + want[4];

	for (size_t i = 0; i < sizeof(change) && i < len; i++)
		if (i != 2 && data[i] != want[i])
			return 0;
	return len < size ? -EAGAIN : (ssize_t)size;
}

/* Whether the bytes may be the beginning of a record of handshake messages. */
static bool may_be_handshake(const uint8_t *data, size_t len)
{
	return len == 0 || (data[0] == RECORD_HANDSHAKE && (len == 1 || data[1] == 3));
}

ssize_t hello_join_records(const uint8_t *data, size_t len, uint8_t *out, size_t cap, bool *open)
{
	size_t used = 0, at = 0, next = 0, n;
	ssize_t skip = 0;

	*open = true;
	if (len && data[0] != RECORD_HANDSHAKE)
		return -EPROTO;
	while (skip >= 0 && at < len) {
		if (!may_be_handshake(data + at, len - at)) {
			skip = is_between(out, used, &next) ? 0 : passed_over(data + at, len - at);
			if (skip == 0)
				break;
			at += skip > 0 ? (size_t)skip : 0;
			continue;
		}
		if (len - at < RECORD_HEADER)
			break;
		n = bytes_number(data + at + 3, 2);
		at += RECORD_HEADER;
		if (n > len - at)
			n = len - at;
		memcpy(out + used, data + at, n < cap - used ? n : cap - used);
		used += n < cap - used ? n : cap - used;
		at += n;
	}
	*open = skip < 0 || may_be_handshake(data + at, len - at);
	return (ssize_t)used;
}

static size_t put_record(uint8_t out[HELLO_RECORD_MAX], uint16_t version, size_t size,
			 const uint8_t *hello, size_t len)
{
	const uint8_t header[RECORD_HEADER] = {RECORD_HANDSHAKE, (uint8_t)(version >> 8),
					       (uint8_t)version, (uint8_t)(size >> 8),
					       (uint8_t)size};

	memcpy(out, header, sizeof(header));
	memcpy(out + RECORD_HEADER, hello, len);
	return RECORD_HEADER + len;
}

size_t hello_to_record(const uint8_t *hello, size_t len, uint8_t out[HELLO_RECORD_MAX])
{
	return len <= HELLO_MAX ? put_record(out, 0x0301, len, hello, len) : 0;
}

ssize_t hello_unite_records(const uint8_t *data, size_t len, bool complete,
			    uint8_t out[HELLO_RECORD_MAX])
{
	uint8_t hello[HELLO_MAX];
	size_t first, size;
	ssize_t have;
	bool open;

	if (len < RECORD_HEADER || data[0] != RECORD_HANDSHAKE || data[1] != 3)
		return 0;
	first = bytes_number(data + 3, 2);
	/* What most hellos are, without a copy: in one record. */
	if (first >= MESSAGE_HEADER && len >= RECORD_HEADER + MESSAGE_HEADER &&
	    first >= MESSAGE_HEADER + bytes_number(data + RECORD_HEADER + 1, 3))
		return 0;
	have = hello_join_records(data, len, hello, sizeof(hello), &open);
	open &= !complete;
	if (have > 0 && hello[0] != HELLO_CLIENT && hello[0] != HELLO_SERVER)
		return 0;
	if (have < MESSAGE_HEADER)
		return open && first < MESSAGE_HEADER ? -EAGAIN : 0;
	size = MESSAGE_HEADER + bytes_number(hello + 1, 3);
	if (size > HELLO_MAX || ((size_t)have < size && !open))
		return 0;
	return (ssize_t)put_record(out, (uint16_t)bytes_number(data + 1, 2), size, hello,
				   (size_t)have < size ? (size_t)have : size);
}

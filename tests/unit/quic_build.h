/* SPDX-License-Identifier: GPL-2.0-only */
/* Builds QUIC Initial packets for the unit tests. */
#ifndef TESTS_UNIT_QUIC_BUILD_H
#define TESTS_UNIT_QUIC_BUILD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proto/secret.h"

static inline size_t quic_hex(const char *text, uint8_t *out)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++)
		sscanf(text + 2 * i, "%2hhx", &out[i]);
	return n;
}

/* Protects an Initial packet as a client does: version 1, id of 8 bytes, number of 2, first byte
 * as given. Returns its length. */
static inline size_t quic_protect_as(uint8_t *out, uint8_t first, const char *id_text,
				     uint16_t number, const uint8_t *frames, size_t len)
{
	uint8_t salt[20], secret[32], key[16], nonce[12], mask[16], initial[32];
	struct secret *s = secret_new();
	size_t at;

	assert_non_null(s);
	at = quic_hex("c10000000108", out);
	out[0] = first;
	at += quic_hex(id_text, out + at);
	out[at++] = 0; /* source id */
	out[at++] = 0; /* token */
	out[at++] = (uint8_t)(0x40 | (len + 18) >> 8);
	out[at++] = (uint8_t)(len + 18);
	quic_hex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a", salt);
	assert_true(secret_extract(s, salt, 20, out + 6, 8, initial));
	assert_true(secret_expand(s, initial, "client in", secret, 32));
	assert_true(secret_expand(s, secret, "quic key", key, 16));
	assert_true(secret_expand(s, secret, "quic iv", nonce, 12));
	nonce[10] ^= (uint8_t)(number >> 8);
	nonce[11] ^= (uint8_t)number;
	assert_true(secret_stream(s, key, nonce, frames, len, out + at + 2));
	memset(out + at + 2 + len, 0, 16); /* the tag, which nobody checks */
	assert_true(secret_expand(s, secret, "quic hp", key, 16));
	assert_true(secret_block(s, key, out + at + 4, mask));
	secret_free(s);
	out[0] ^= mask[0] & 0x0f;
	out[at] = (uint8_t)(number >> 8) ^ mask[1];
	out[at + 1] = (uint8_t)number ^ mask[2];
	return at + 2 + len + 16;
}

static inline size_t quic_protect(uint8_t *out, const char *id_text, uint16_t number,
				  const uint8_t *frames, size_t len)
{
	return quic_protect_as(out, 0xc1, id_text, number, frames, len);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The little cryptography that reading a QUIC Initial packet takes (RFC 9001, 5.2). Its keys are
 * derived from what is in the packet: this protects nothing and needs no care about timing.
 */
#ifndef WEIR_INSPECT_SECRET_H
#define WEIR_INSPECT_SECRET_H

#include <stddef.h>
#include <stdint.h>

#define SECRET_HASH_BYTES  32
#define SECRET_BLOCK_BYTES 16

/* SHA-256 (FIPS 180-4). */
void secret_hash(const uint8_t *data, size_t len, uint8_t out[SECRET_HASH_BYTES]);
/* HMAC-SHA-256 (RFC 2104), also HKDF-Extract (RFC 5869); key at most 64 bytes, data at most 512. */
void secret_hmac(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
		 uint8_t out[SECRET_HASH_BYTES]);
/* HKDF-Expand-Label (RFC 8446, 7.1) without a context; len at most 32 bytes. */
void secret_expand(const uint8_t key[SECRET_HASH_BYTES], const char *label, uint8_t *out,
		   size_t len);

/* AES-128 (FIPS 197), forwards only: that is all that counter mode needs. */
struct secret_cipher {
	uint8_t round[11][SECRET_BLOCK_BYTES];
};
void secret_cipher_init(struct secret_cipher *c, const uint8_t key[SECRET_BLOCK_BYTES]);
void secret_cipher_block(const struct secret_cipher *c, const uint8_t in[SECRET_BLOCK_BYTES],
			 uint8_t out[SECRET_BLOCK_BYTES]);
/* The counter mode inside AES-GCM (NIST SP 800-38D): in and out may be the same. */
void secret_cipher_stream(const struct secret_cipher *c, const uint8_t nonce[12], const uint8_t *in,
			  size_t len, uint8_t *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The little cryptography that reading a QUIC Initial packet takes (RFC 9001, 5.2), from libgcrypt.
 * Its keys are derived from what is in the packet: this protects nothing and needs no care about
 * timing, nor memory that is locked or wiped.
 */
#ifndef WEIR_INSPECT_SECRET_H
#define WEIR_INSPECT_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRET_HASH_BYTES  32
#define SECRET_BLOCK_BYTES 16
#define SECRET_NONCE_BYTES 12

/* The library's contexts, made once and used for every packet. One thread's at a time. */
struct secret;
/*
 * Heap; NULL where memory ran out, or where the library lacks an algorithm. The first call in a
 * process starts the library, which then looks at the processor and at /etc/gcrypt: it belongs
 * before other threads and before what a sandbox takes away. No other function here needs a file,
 * a system call or memory.
 */
struct secret *secret_new(void);
/* s may be NULL. */
void secret_free(struct secret *s);

/* SHA-256 (FIPS 180-4). Needs no context of its own, but that the library was started. */
void secret_hash(const uint8_t *data, size_t len, uint8_t out[SECRET_HASH_BYTES]);

/* The following return false, and leave out as it was, when the library refuses to work, and for
 * what is too long. */

/* HKDF-Extract with SHA-256 (RFC 5869, 2.2), which is HMAC (RFC 2104) keyed with the salt. The same
 * salt as in the last call costs less. */
bool secret_extract(struct secret *s, const uint8_t *salt, size_t salt_len, const uint8_t *data,
		    size_t len, uint8_t out[SECRET_HASH_BYTES]);
/* HKDF-Expand-Label (RFC 8446, 7.1) without a context; len at most 32 bytes, label at most 32
 * characters. The same key as in the last call costs less. */
bool secret_expand(struct secret *s, const uint8_t key[SECRET_HASH_BYTES], const char *label,
		   uint8_t *out, size_t len);
/* One block of AES-128 (FIPS 197); in and out may be the same. */
bool secret_block(struct secret *s, const uint8_t key[SECRET_BLOCK_BYTES],
		  const uint8_t in[SECRET_BLOCK_BYTES], uint8_t out[SECRET_BLOCK_BYTES]);
/* The counter mode inside AES-128-GCM (NIST SP 800-38D): in and out may be the same. */
bool secret_stream(struct secret *s, const uint8_t key[SECRET_BLOCK_BYTES],
		   const uint8_t nonce[SECRET_NONCE_BYTES], const uint8_t *in, size_t len,
		   uint8_t *out);

#endif

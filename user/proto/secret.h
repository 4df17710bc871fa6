/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cryptography that is needed to read a QUIC Initial packet (RFC 9001, 5.2), from libgcrypt.
 * The keys are derived from the packet itself and protect nothing, so constant time and locked or
 * wiped memory are not needed.
 */
#ifndef WEIR_PROTO_SECRET_H
#define WEIR_PROTO_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRET_HASH_BYTES  32
#define SECRET_BLOCK_BYTES 16
#define SECRET_NONCE_BYTES 12

/* The library's contexts, created once and used for every packet. For one thread at a time. */
struct secret;
/*
 * Heap; NULL on ENOMEM, or if the library lacks an algorithm. The first call in a process
 * initialises the library, which then queries the CPU and reads /etc/gcrypt: call it before other
 * threads exist and before a sandbox is entered. No other function here needs a file, a system call
 * or memory.
 */
struct secret *secret_new(void);
/* s may be NULL. */
void secret_free(struct secret *s);

/* SHA-256 (FIPS 180-4). Needs no context, but the library must be initialised. */
void secret_hash(const uint8_t *data, size_t len, uint8_t out[SECRET_HASH_BYTES]);

/* The following functions return false, and leave out unchanged, if the library fails or an input
 * is too long. */

/* HKDF-Extract with SHA-256 (RFC 5869, 2.2), which is HMAC (RFC 2104) keyed with the salt. Cheaper
 * with the same salt as in the last call. */
bool secret_extract(struct secret *s, const uint8_t *salt, size_t salt_len, const uint8_t *data,
		    size_t len, uint8_t out[SECRET_HASH_BYTES]);
/* HKDF-Expand-Label (RFC 8446, 7.1) without a context; len at most 32 bytes, label at most 32
 * characters. Cheaper with the same key as in the last call. */
bool secret_expand(struct secret *s, const uint8_t key[SECRET_HASH_BYTES], const char *label,
		   uint8_t *out, size_t len);
/* One block of AES-128 (FIPS 197); in and out may be the same. */
bool secret_block(struct secret *s, const uint8_t key[SECRET_BLOCK_BYTES],
		  const uint8_t in[SECRET_BLOCK_BYTES], uint8_t out[SECRET_BLOCK_BYTES]);
/* The counter mode of AES-128-GCM (NIST SP 800-38D); in and out may be the same. */
bool secret_stream(struct secret *s, const uint8_t key[SECRET_BLOCK_BYTES],
		   const uint8_t nonce[SECRET_NONCE_BYTES], const uint8_t *in, size_t len,
		   uint8_t *out);

#endif

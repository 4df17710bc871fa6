// SPDX-License-Identifier: GPL-2.0-only
#include <gcrypt.h>
#include <stdlib.h>
#include <string.h>

#include "proto/secret.h"
#include "util/util.h"

#define LIBRARY_MIN "1.8.0"

/* A MAC and its latest key: setting a key costs two SHA-256 blocks. */
struct mac {
	gcry_md_hd_t handle;
	bool keyed;
	size_t key_len;
	uint8_t key[SECRET_HASH_BYTES];
};

struct secret {
	struct mac extract, expand;
	gcry_cipher_hd_t block, stream;
};

/* ---- creation ---- */

static bool library_start(void)
{
	if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
		return true;
	if (!gcry_check_version(LIBRARY_MIN))
		return false;
	/* Nothing here is secret, so no locked memory, for which a worker would need a
	 * capability. */
	return gcry_control(GCRYCTL_DISABLE_SECMEM, 0) == 0 &&
	       gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0) == 0;
}

static bool mac_open(struct mac *m)
{
	return gcry_md_open(&m->handle, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC) == 0;
}

static void secret_freep(struct secret **s)
{
	secret_free(*s);
}

struct secret *secret_new(void)
{
	_cleanup_(secret_freep) struct secret *s = NULL;

	if (!library_start())
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s || !mac_open(&s->extract) || !mac_open(&s->expand) ||
	    gcry_cipher_open(&s->block, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_ECB, 0) != 0 ||
	    gcry_cipher_open(&s->stream, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_CTR, 0) != 0)
		return NULL;
	return TAKE_PTR(s);
}

void secret_free(struct secret *s)
{
	if (!s)
		return;
	gcry_md_close(s->extract.handle);
	gcry_md_close(s->expand.handle);
	gcry_cipher_close(s->block);
	gcry_cipher_close(s->stream);
	free(s);
}

/* ---- SHA-256 ---- */

void secret_hash(const uint8_t *data, size_t len, uint8_t out[SECRET_HASH_BYTES])
{
	gcry_md_hash_buffer(GCRY_MD_SHA256, out, data, len);
}

static bool mac_key(struct mac *m, const uint8_t *key, size_t len)
{
	if (len > sizeof(m->key))
		return false;
	if (m->keyed && m->key_len == len && (!len || memcmp(m->key, key, len) == 0)) {
		gcry_md_reset(m->handle);
		return true;
	}
	m->keyed = gcry_md_setkey(m->handle, key, len) == 0;
	m->key_len = len;
	if (len)
		memcpy(m->key, key, len);
	return m->keyed;
}

static bool mac_make(struct mac *m, const uint8_t *key, size_t key_len, const uint8_t *data,
		     size_t len, uint8_t *out, size_t out_len)
{
	const uint8_t *sum;

	if (out_len > SECRET_HASH_BYTES || !mac_key(m, key, key_len))
		return false;
	gcry_md_write(m->handle, data, len);
	sum = gcry_md_read(m->handle, 0);
	if (!sum)
		return false;
	memcpy(out, sum, out_len);
	return true;
}

bool secret_extract(struct secret *s, const uint8_t *salt, size_t salt_len, const uint8_t *data,
		    size_t len, uint8_t out[SECRET_HASH_BYTES])
{
	return mac_make(&s->extract, salt, salt_len, data, len, out, SECRET_HASH_BYTES);
}

bool secret_expand(struct secret *s, const uint8_t key[SECRET_HASH_BYTES], const char *label,
		   uint8_t *out, size_t len)
{
	static const char prefix[] = "tls13 ";
	size_t label_len = strlen(label);
	uint8_t info[64] = {0};
	size_t at = 3;

	if (len > SECRET_HASH_BYTES || label_len > 32)
		return false;
	info[1] = (uint8_t)len;
	info[2] = (uint8_t)(sizeof(prefix) - 1 + label_len);
	memcpy(info + at, prefix, sizeof(prefix) - 1);
	at += sizeof(prefix) - 1;
	memcpy(info + at, label, label_len);
	at += label_len + 1; /* an empty context: one byte, zero */
	info[at++] = 1;	     /* of HKDF-Expand: the first block */
	return mac_make(&s->expand, key, SECRET_HASH_BYTES, info, at, out, len);
}

/* ---- AES-128 ---- */

bool secret_block(struct secret *s, const uint8_t key[SECRET_BLOCK_BYTES],
		  const uint8_t in[SECRET_BLOCK_BYTES], uint8_t out[SECRET_BLOCK_BYTES])
{
	uint8_t block[SECRET_BLOCK_BYTES];

	if (gcry_cipher_setkey(s->block, key, SECRET_BLOCK_BYTES) != 0 ||
	    gcry_cipher_encrypt(s->block, block, sizeof(block), in, SECRET_BLOCK_BYTES) != 0)
		return false;
	memcpy(out, block, sizeof(block));
	return true;
}

bool secret_stream(struct secret *s, const uint8_t key[SECRET_BLOCK_BYTES],
		   const uint8_t nonce[SECRET_NONCE_BYTES], const uint8_t *in, size_t len,
		   uint8_t *out)
{
	/* The counter begins at 2: 1 belongs to the tag. */
	uint8_t counter[SECRET_BLOCK_BYTES] = {[SECRET_BLOCK_BYTES - 1] = 2};

	memcpy(counter, nonce, SECRET_NONCE_BYTES);
	return gcry_cipher_setkey(s->stream, key, SECRET_BLOCK_BYTES) == 0 &&
	       gcry_cipher_setctr(s->stream, counter, sizeof(counter)) == 0 &&
	       gcry_cipher_encrypt(s->stream, out, len, in, len) == 0;
}

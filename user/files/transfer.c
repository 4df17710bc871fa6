// SPDX-License-Identifier: GPL-2.0-only
#include "files/transfer.h"

#include <gcrypt.h>
#include <string.h>

void transfer_begin(struct transfer *t)
{
	gcry_md_hd_t hash = t->hash;

	if (hash)
		gcry_md_reset(hash);
	else if (gcry_md_open(&hash, GCRY_MD_SHA256, 0) != 0)
		hash = NULL;
	*t = (struct transfer){.begun = true, .hashing = hash, .hash = hash};
}

void transfer_data(struct transfer *t, const uint8_t *data, size_t len)
{
	t->size += len;
	if (t->hashing)
		gcry_md_write(t->hash, data, len);
}

void transfer_gap(struct transfer *t)
{
	t->gaps = true;
	t->hashing = false;
}

void transfer_end(struct transfer *t, bool complete, struct app_record *r)
{
	r->kind = APP_RECORD_FILE;
	r->size = t->size;
	r->gaps = t->gaps;
	r->closed = complete;
	/* Of half a file there is no hash to compare with anything. */
	r->hashed = t->hashing && complete;
	if (r->hashed)
		memcpy(r->sha256, gcry_md_read(t->hash, 0), sizeof(r->sha256));
	t->begun = false;
}

void transfer_free(struct transfer *t)
{
	gcry_md_close(t->hash);
	t->hash = NULL;
}

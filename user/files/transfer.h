/* SPDX-License-Identifier: GPL-2.0-only */
/* A file on its way: what is known of its bytes as they pass. Nothing is kept of them. */
#ifndef WEIR_FILES_TRANSFER_H
#define WEIR_FILES_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/record.h"

/* Zeroed before the first use. */
struct transfer {
	uint64_t size; /* bytes that were seen */
	bool begun;
	bool gaps;    /* bytes are missing: there is no hash */
	bool hashing; /* hash has all bytes so far */
	void *hash;   /* libgcrypt's handle, kept for the next file; secret_new() comes first */
};

/* Begins a file; one that has not ended is forgotten. Without memory it has no hash. */
void transfer_begin(struct transfer *t);
/* The next bytes of the file that has begun. */
void transfer_data(struct transfer *t, const uint8_t *data, size_t len);
void transfer_gap(struct transfer *t);
/* Ends the file, and sets kind, size, gaps, closed, hash in r. complete: its end was seen. */
void transfer_end(struct transfer *t, bool complete, struct app_record *r);
void transfer_free(struct transfer *t);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was changed in one direction of a TCP connection. Sender and receiver count bytes
 * differently from the first change of length on: numbers of the sender ("old") and of the receiver
 * ("new") are translated here, and what a changed range became is kept until the receiver
 * acknowledges it, so that its retransmission is the same. Bounded by a budget that several share.
 */
#ifndef WEIR_TAP_EDITS_H
#define WEIR_TAP_EDITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slab.h"

#define EDITS_MAX 4096 /* of a direction, not acknowledged */

struct edit;
/* Zeroed: nothing was changed. */
struct edits {
	struct edit *list; /* by number, none overlapping */
	uint32_t count, room;
	uint32_t base; /* new minus old in front of the list */
	uint32_t sent; /* old number behind all that was sent on */
	bool any_sent; /* `sent` is valid */
	bool ever;     /* a length was changed at some time: numbers differ */
};

/* Memory that several directions share. */
#define EDIT_BYTES_MAX 1760 /* of what a range becomes */
struct edits_budget {
	struct slab slab;
	uint32_t used, max; /* changed ranges */
};

void edits_budget_init(struct edits_budget *b, uint32_t max);
/* After all its edits. */
void edits_budget_fini(struct edits_budget *b);

void edits_fini(struct edits *e, struct edits_budget *b);
/* Old numbers up to before `end` were sent on. */
void edits_sent(struct edits *e, uint32_t end);
/*
 * Says that [seq, seq + len) of the sender becomes these bytes, and keeps a copy. -EEXIST: the
 * range touches one that was changed before; -EALREADY: another length, and part of it or what is
 * behind it was sent on; -ENOBUFS: the budget,
 * EDITS_MAX or EDIT_BYTES_MAX.
 */
int edits_add(struct edits *e, struct edits_budget *b, uint32_t seq, uint32_t len,
	      const void *bytes, uint32_t new_len);
/* Whether [seq, seq + len) touches a changed range that is kept. */
bool edits_touch(const struct edits *e, uint32_t seq, uint32_t len);
/* The receiver's number for one of the sender's. One within a changed range: its beginning. */
uint32_t edits_to_new(const struct edits *e, uint32_t seq);
/* The sender's number for one of the receiver's, an acknowledgement: within a changed range its
 * beginning, as if nothing of it had come. */
uint32_t edits_to_old(const struct edits *e, uint32_t ack);
/* The same for the edges of a SACK block; false: nothing is left of it. */
bool edits_block_to_old(const struct edits *e, uint32_t *left, uint32_t *right);
/* Forgets what the receiver has acknowledged with this number of its own. */
void edits_acknowledged(struct edits *e, struct edits_budget *b, uint32_t ack);
/*
 * What the sender's [seq, seq + len), with these bytes, becomes: written to out, of cap bytes.
 * *new_seq: where it begins for the receiver; *taken: how many of the sender's bytes it stands for
 * (fewer where out is full). Returns the number of bytes written.
 */
size_t edits_apply(const struct edits *e, uint32_t seq, const uint8_t *bytes, uint32_t len,
		   uint8_t *out, size_t cap, uint32_t *new_seq, uint32_t *taken);

#endif

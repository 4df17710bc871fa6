/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is kept of a TCP flow's first exchange for protocols without a byte that could be named: how
 * long each flight was (the payload of one side until the other speaks), and whether its first
 * bytes look random.
 */
#ifndef WEIR_INSPECT_FLIGHTS_H
#define WEIR_INSPECT_FLIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLIGHTS_MAX 5

struct flight {
	uint16_t len;	      /* bytes; UINT16_MAX for all that is longer */
	uint16_t first, last; /* of its segments, bytes */
};

struct flights {
	struct flight flight[FLIGHTS_MAX];
	uint8_t count;
	uint8_t dir;	     /* of the last flight */
	uint8_t random;	     /* bit n: flight n's first bytes look random */
	bool from_responder; /* the first flight was the responder's */
	uint8_t framed;	     /* bit n: flight n begins with its own length */
	bool known_key;	     /* flight 0 or 1 begins with a public key that is no secret */
	bool over;	     /* there were more flights than are kept */
};
_Static_assert(sizeof(struct flights) <= 64, "the record of one undecided flow");

/*
 * A direction's first message has grown by its last `fresh` of `len` bytes, in order. dir: 0 for
 * the flow's originator. Zeroed at first.
 */
void flights_note(struct flights *f, uint8_t dir, const uint8_t *message, size_t len, size_t fresh);

/* Whether the first flight each way looks random from its first byte, and names no length. */
bool flights_are_random(const struct flights *f);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Summary of a TCP flow's first exchange, for protocols without a constant byte: the length of each
 * flight (payload of one side until the other one sends), and whether its first bytes look random.
 */
#ifndef WEIR_INSPECT_FLIGHTS_H
#define WEIR_INSPECT_FLIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLIGHTS_MAX 5

struct flight {
	uint16_t len;	      /* length, bytes; UINT16_MAX: that or longer */
	uint16_t first, last; /* lengths of its first and last segment, bytes */
};

struct flights {
	struct flight flight[FLIGHTS_MAX];
	uint8_t count;
	uint8_t dir;	     /* direction of the last flight */
	uint8_t random;	     /* bit n: flight n's first bytes look random */
	bool from_responder; /* the first flight was the responder's */
	uint8_t framed; /* bit n: flight n begins with its own length (or the length of the rest) */
	bool known_key; /* flight 0 or 1 begins with a predictable public key (mse_key_is_known())
			 */
	bool over;	/* there were more flights than fit */
};
_Static_assert(sizeof(struct flights) <= 64, "the record of one undecided flow");

/*
 * Notes that a direction's first message has grown by the last `fresh` of its `len` bytes, in
 * order. dir: 0 for the flow's originator. *f is zeroed before the first call.
 */
void flights_note(struct flights *f, uint8_t dir, const uint8_t *message, size_t len, size_t fresh);

/* Whether the first flight of each direction looks random from its first byte and contains no
 * length. */
bool flights_are_random(const struct flights *f);

#endif
